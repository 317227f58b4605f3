//! What can be done alike to one contact, to a hundred named in a call, or to all that a filter finds: read once, applied to
//! each.
//!
//! | `action` | members beside it |
//! |---|---|
//! | `delete`, `block`, `unblock` | |
//! | `addTags`, `removeTags` | `tags`: names |
//! | `assign` | `assignee`: a user's id or e-mail, `me`, or null |
//! | `setStatus` | `status`: `open`, `closed`, `snoozed`; `until`: when a snooze ends by itself |
//! | `setLifecycle` | `lifecycle`: a stage's name, or null |
//! | `setField` | `field`: a name or slug; `value` |

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::contacts::{create_tags, retag};
use super::txn::Txn;
use super::{Error, Result};
use crate::contact::draft::Scope;
use crate::contact::*;

/// The actions by name, with the members that each takes.
pub const ACTIONS: &[(&str, &[&str])] = &[
    ("delete", &[]),
    ("block", &[]),
    ("unblock", &[]),
    ("addTags", &["tags"]),
    ("removeTags", &["tags"]),
    ("assign", &["assignee"]),
    ("setStatus", &["status", "until"]),
    ("setLifecycle", &["lifecycle"]),
    ("setField", &["field", "value"]),
];

/// An action, read against what the workspace defines.
pub enum Act {
    Delete,
    AddTags(Vec<TagId>),
    RemoveTags(Vec<TagId>),
    Set(Box<Draft>),
    /// Sets the conversation's own status; a block stays.
    SetStatus(Box<Draft>),
    Unblock,
}

/// An action that is read while nothing it needs is made yet.
pub struct Planned {
    pub act: Act,
    /// Names of the tags it would make: valid, each once.
    pub new_tags: Vec<String>,
}

/// What became of one contact.
#[derive(Clone, Debug)]
pub enum Acted {
    Changed(Arc<Contact>),
    /// It was so already.
    Unchanged(Arc<Contact>),
    Deleted(ContactId),
}

impl Act {
    /// Reads an action; tags that are to be added are created where they are unknown. `me` is who acts.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every mistake.
    pub fn read(txn: &mut Txn, action: &Map<String, Json>, me: Option<UserId>) -> Result<Act> {
        let catalog = txn.catalog().clone();
        let Planned { mut act, new_tags } = Act::plan(&catalog, txn.now, action, me)?;
        for tag in create_tags(txn, &new_tags)? {
            match &mut act {
                Act::AddTags(tags) => tags.push(tag),
                Act::Set(draft) => draft.add_tag(tag),
                _ => {}
            }
        }
        Ok(act)
    }

    /// As [`Act::read`], without making anything: what is to be made is told. Relative times count from `now`.
    ///
    /// # Errors
    /// As [`Act::read`].
    pub fn plan(catalog: &Catalog, now: Millis, action: &Map<String, Json>, me: Option<UserId>) -> Result<Planned> {
        let name = known(action)?;
        let member = |name: &str| action.get(name).cloned().unwrap_or(Json::Null);
        let set = |members: &[(&str, Json)]| set(catalog, now, members);
        let plain = |act| Ok(Planned { act, new_tags: Vec::new() });
        match name {
            "delete" => plain(Act::Delete),
            "block" => set(&[("status", json!("blocked"))]),
            "unblock" => plain(Act::Unblock),
            "addTags" => {
                let (known, new_tags) = tags(catalog, &names(action)?)?;
                Ok(Planned { act: Act::AddTags(known), new_tags })
            }
            "removeTags" => {
                let names = names(action)?;
                plain(Act::RemoveTags(
                    names.iter().filter_map(|name| catalog.tag_named(name)).map(|tag| tag.id).collect(),
                ))
            }
            "assign" => match (member("assignee"), me) {
                (Json::String(word), Some(me)) if word == "me" => set(&[("assignee", json!(me))]),
                (assignee, _) => set(&[("assignee", assignee)]),
            },
            "setLifecycle" => set(&[("lifecycle", member("lifecycle"))]),
            "setField" => {
                let field = member("field");
                let field = field.as_str().ok_or_else(|| missing("field", "name the field to set"))?;
                set(&[(field, member("value"))])
            }
            _ => set_status(catalog, now, &member("status"), member("until")),
        }
    }

    /// Applies it to one contact; what is refused leaves nothing behind.
    ///
    /// # Errors
    /// Those of an update.
    pub fn apply(&self, txn: &mut Txn, before: Arc<Contact>) -> Result<Acted> {
        let after = match self {
            Act::Delete => {
                let id = before.id;
                txn.delete(before)?;
                return Ok(Acted::Deleted(id));
            }
            Act::AddTags(tags) => retag(txn, before.clone(), before.tags.iter().chain(tags).copied().collect())?,
            Act::RemoveTags(tags) => {
                let kept = before.tags.iter().copied().filter(|tag| !tags.contains(tag)).collect();
                retag(txn, before.clone(), kept)?
            }
            Act::Set(draft) => changed(txn, &before, |contact| {
                draft.apply(contact);
                draft.fits(contact)
            })?,
            Act::SetStatus(draft) => changed(txn, &before, |contact| {
                draft.apply(contact);
                contact.blocked = before.blocked;
                Ok(())
            })?,
            Act::Unblock => changed(txn, &before, |contact| {
                contact.blocked = false;
                Ok(())
            })?,
        };
        Ok(if after.version == before.version { Acted::Unchanged(after) } else { Acted::Changed(after) })
    }

    /// Whether contacts are deleted by it.
    pub fn deletes(&self) -> bool {
        matches!(self, Act::Delete)
    }
}

/// Stages what `change` makes of the contact, where it makes anything of it.
fn changed(
    txn: &mut Txn,
    before: &Arc<Contact>,
    change: impl FnOnce(&mut Contact) -> std::result::Result<(), Mistake>,
) -> Result<Arc<Contact>> {
    let mut contact = (**before).clone();
    change(&mut contact)?;
    if contact == **before {
        return Ok(before.clone());
    }
    txn.refuse_taken(&contact, Some(before))?;
    contact.note_opened(before, txn.now);
    contact.updated_at = contact.updated_at.max(txn.now);
    txn.put(Some(before.clone()), contact)
}

/// The action's name, once its members are found to be those it takes.
fn known(action: &Map<String, Json>) -> Result<&'static str> {
    let name =
        action.get("action").and_then(Json::as_str).ok_or_else(|| missing("action", "say what is to be done"))?;
    let Some((name, members)) = ACTIONS.iter().find(|(known, _)| *known == name) else {
        let near = suggest::did_you_mean(name, ACTIONS.iter().map(|(name, _)| *name));
        let all: Vec<&str> = ACTIONS.iter().map(|(name, _)| *name).collect();
        let message = format!("there is no such action: use one of {}.{near}", all.join(", "));
        return Err(Mistake::new("action", "unknown_action", message).into());
    };
    let stranger = action.keys().find(|member| *member != "action" && !members.contains(&member.as_str()));
    if let Some(stranger) = stranger {
        let takes = if members.is_empty() { "nothing else".to_owned() } else { members.join(", ") };
        let stranger: String = stranger.chars().take(100).collect();
        return Err(Mistake::new(stranger, "unknown_member", format!("{name} takes {takes}")).into());
    }
    if let Some(absent) = members.iter().find(|member| **member != "until" && !action.contains_key(**member)) {
        let hint =
            if matches!(*name, "assign" | "setLifecycle" | "setField") { "; null takes the value away" } else { "" };
        return Err(missing(absent, &format!("{name} needs it{hint}")));
    }
    Ok(name)
}

fn missing(member: &str, what: &str) -> Error {
    Mistake::new(member, "missing_member", what).into()
}

/// The names of tags in an action.
fn names(action: &Map<String, Json>) -> Result<Vec<String>> {
    let wrong = || Error::from(Mistake::new("tags", "wrong_type", "use a list of at least one tag's name"));
    let tags = action.get("tags").and_then(Json::as_array).filter(|tags| !tags.is_empty()).ok_or_else(wrong)?;
    tags.iter().map(|tag| tag.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

/// The tags of these names that there are, and the names of those to be made, each once.
fn tags(catalog: &Catalog, names: &[String]) -> Result<(Vec<TagId>, Vec<String>)> {
    let (mut known, mut new) = (Vec::new(), Vec::<String>::new());
    for (at, name) in names.iter().enumerate() {
        let name = draft::tag_name(name, &format!("tags[{at}]"))?;
        match catalog.tag_named(&name) {
            Some(tag) => known.push(tag.id),
            None if new.iter().any(|other| fold::compare(other) == fold::compare(&name)) => {}
            None => new.push(name),
        }
    }
    Ok((known, new))
}

fn set(catalog: &Catalog, now: Millis, members: &[(&str, Json)]) -> Result<Planned> {
    let draft = drafted(catalog, now, members)?;
    let new_tags = draft.unknown_tags.clone();
    Ok(Planned { act: Act::Set(Box::new(draft)), new_tags })
}

fn drafted(catalog: &Catalog, now: Millis, members: &[(&str, Json)]) -> Result<Draft> {
    let fields: Map<String, Json> = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Ok(Draft::read(&fields, catalog, Scope::Person, now)?)
}

fn set_status(catalog: &Catalog, now: Millis, status: &Json, until: Json) -> Result<Planned> {
    let named = status.as_str().and_then(Status::parse);
    if status.is_null() {
        return Err(missing("status", "use open, closed or snoozed"));
    }
    if named == Some(Status::Blocked) {
        let message = "use the action block: the status that a block hides stays as it is";
        return Err(Mistake::new("status", "unknown_choice", message).into());
    }
    let snoozes = named == Some(Status::Snoozed);
    if !until.is_null() && !snoozes {
        return Err(Mistake::new("until", "not_snoozed", "only a snooze has an end").into());
    }
    // A snooze without `until` has no end, whatever the one before had.
    let mut members = vec![("status", status.clone())];
    members.extend(snoozes.then_some(("snoozedUntil", until)));
    let read = drafted(catalog, now, &members);
    let set = |draft| Planned { act: Act::SetStatus(Box::new(draft)), new_tags: Vec::new() };
    read.map(set).map_err(|error| match error {
        Error::Invalid(mut mistakes) => {
            let ends = mistakes.iter_mut().filter(|mistake| mistake.path == "snoozedUntil");
            ends.for_each(|mistake| mistake.path = "until".into());
            Error::Invalid(mistakes)
        }
        other => other,
    })
}
