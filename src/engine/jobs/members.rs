//! What an edit changed on a contact, member by member, and putting that back where nobody has changed it since.

use serde_json::{Map, Value as Json};

use crate::contact::{Catalog, Contact, CustomFieldId, StageId, TagId, Undo, UserId, Value};
use crate::engine::{Error, Result};

/// What the names of custom fields begin with; their id follows.
const CUSTOM: &str = "custom.";

macro_rules! members {
    ($($name:literal $field:ident;)*) => {
        fn differing(before: &Contact, after: &Contact, differ: &mut impl FnMut(&str, Json, Json)) {
            $(if before.$field != after.$field {
                differ($name, json(&before.$field), json(&after.$field));
            })*
        }

        fn value(contact: &Contact, name: &str) -> Option<Json> {
            match name {
                $($name => Some(json(&contact.$field)),)*
                _ => None,
            }
        }

        fn put(contact: &mut Contact, name: &str, value: &Json) -> Option<()> {
            match name {
                $($name => contact.$field = serde_json::from_value(value.clone()).ok()?,)*
                _ => return None,
            }
            Some(())
        }
    };
}

members! {
    "firstName" first_name;
    "lastName" last_name;
    "email" email;
    "phone" phone;
    "countryCode" country_code;
    "language" language;
    "profilePic" profile_pic;
    "assignee" assignee;
    "lifecycle" lifecycle;
    "conversation" conversation;
    "blocked" blocked;
    "snoozedUntil" snoozed_until;
    "conversationOpenedAt" conversation_opened_at;
    "tags" tags;
}

/// The member that a caller knows it as. What makes up the status is put back together or not at all.
fn shown(name: &str) -> &str {
    match name {
        "conversation" | "blocked" | "snoozedUntil" | "conversationOpenedAt" => "status",
        other => other,
    }
}

fn json<T: serde::Serialize>(value: &T) -> Json {
    serde_json::to_value(value).unwrap_or_default()
}

/// The members that an edit changed, before and after it.
pub fn changed(before: &Contact, after: &Contact) -> Undo {
    let (mut then, mut now) = (Map::new(), Map::new());
    let mut differ = |name: &str, before: Json, after: Json| {
        then.insert(name.to_owned(), before);
        now.insert(name.to_owned(), after);
    };
    differing(before, after, &mut differ);
    let mut ids: Vec<CustomFieldId> = before.custom.iter().chain(&after.custom).map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let (before, after) = (before.custom(id), after.custom(id));
        if before != after {
            differ(&format!("{CUSTOM}{id}"), json(&before), json(&after));
        }
    }
    Undo { before: Json::Object(then).to_string(), after: Json::Object(now).to_string() }
}

/// A contact put back as far as nobody has changed it since.
pub struct PutBack {
    pub contact: Contact,
    /// The members left as others made them, by the names a caller knows them as.
    pub left: Vec<String>,
    /// All members that the edit had changed, alike.
    pub touched: Vec<String>,
}

/// Puts back what was touched and is still as the edit made it. What is as it was before the edit needs nothing; a value
/// that names what the workspace has no more is not put back.
///
/// # Errors
/// None but for a defect: the record's checksum was found right.
pub fn put_back(undo: &Undo, now: &Contact, catalog: &Catalog) -> Result<PutBack> {
    let read = |text: &str| serde_json::from_str::<Map<String, Json>>(text).map_err(|_| unreadable());
    let (before, after) = (read(&undo.before)?, read(&undo.after)?);
    let mut contact = now.clone();
    let (mut left, mut touched) = (Vec::new(), Vec::<String>::new());
    for name in before.keys() {
        let group = shown(name);
        let told = told(group, catalog);
        if touched.contains(&told) {
            continue;
        }
        touched.push(told.clone());
        let whole = match name.as_str() {
            "tags" => put_tags(&mut contact, &before, &after, catalog)?,
            _ => put_group(&mut contact, group, &before, &after, catalog)?,
        };
        if !whole {
            left.push(told);
        }
    }
    Ok(PutBack { contact, left, touched })
}

/// Puts back the members of a group together; whether they are now as they were.
fn put_group(
    contact: &mut Contact,
    group: &str,
    before: &Map<String, Json>,
    after: &Map<String, Json>,
    catalog: &Catalog,
) -> Result<bool> {
    let of_group = || before.iter().filter(|(name, _)| shown(name) == group);
    let is_as = |map: &Map<String, Json>| {
        of_group().all(|(name, _)| map.get(name).is_some_and(|value| current(contact, name).as_ref() == Some(value)))
    };
    if is_as(before) {
        return Ok(true);
    }
    if !is_as(after) || !of_group().all(|(name, value)| is_known(name, value, catalog)) {
        return Ok(false);
    }
    let values: Vec<(String, Json)> = of_group().map(|(name, value)| (name.clone(), value.clone())).collect();
    for (name, value) in values {
        match custom_id(&name) {
            Some(id) => {
                let value: Option<Value> = serde_json::from_value(value).map_err(|_| unreadable())?;
                contact.set_custom(id, value);
            }
            None => put(contact, &name, &value).ok_or_else(unreadable)?,
        }
    }
    Ok(true)
}

/// Takes away tags that the edit added and are still there, gives back those it took away; whether all could be given.
fn put_tags(
    contact: &mut Contact,
    before: &Map<String, Json>,
    after: &Map<String, Json>,
    catalog: &Catalog,
) -> Result<bool> {
    let read = |map: &Map<String, Json>| {
        let tags = map.get("tags").cloned().unwrap_or_default();
        serde_json::from_value::<Vec<TagId>>(tags).map_err(|_| unreadable())
    };
    let (before, after) = (read(before)?, read(after)?);
    contact.tags.retain(|tag| before.contains(tag) || !after.contains(tag));
    let taken = before.iter().copied().filter(|tag| !after.contains(tag));
    let (there, gone): (Vec<TagId>, Vec<TagId>) = taken.partition(|tag| catalog.tags.contains_key(tag));
    contact.tags.extend(there);
    contact.tags.sort_unstable();
    contact.tags.dedup();
    Ok(gone.is_empty())
}

fn current(contact: &Contact, name: &str) -> Option<Json> {
    match custom_id(name) {
        Some(id) => Some(json(&contact.custom(id))),
        None => value(contact, name),
    }
}

/// Whether the workspace has what the value names.
fn is_known(name: &str, value: &Json, catalog: &Catalog) -> bool {
    let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
    match name {
        "assignee" => id.is_none_or(|id| catalog.users.contains_key(&UserId(id))),
        "lifecycle" => id.is_none_or(|id| catalog.stages.contains_key(&StageId(id))),
        _ => custom_id(name).is_none_or(|id| catalog.fields.contains_key(&id)),
    }
}

fn custom_id(name: &str) -> Option<CustomFieldId> {
    name.strip_prefix(CUSTOM)?.parse().ok().map(CustomFieldId)
}

/// The name that a caller knows the member by: of a custom field its slug.
fn told(name: &str, catalog: &Catalog) -> String {
    let field = custom_id(name).and_then(|id| catalog.fields.get(&id));
    field.map_or_else(|| name.to_owned(), |field| field.slug.clone())
}

fn unreadable() -> Error {
    Error::Io("what undoes a job cannot be read".into())
}
