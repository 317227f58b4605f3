//! Of which fields a caller may say whose value stays when two contacts are merged, and what they said.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::contact::{Catalog, Contact, CustomFieldId, Field, Mistake, STANDARD, fold, suggest};

/// One of the two contacts of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that stays.
    Primary,
    /// The one that goes.
    Secondary,
}

/// A field of which one side's value stays; the others are united.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    FirstName,
    LastName,
    Email,
    Phone,
    CountryCode,
    Language,
    ProfilePic,
    Assignee,
    Lifecycle,
    /// The conversation's status, with the end of its snooze.
    Status,
    CreatedAt,
    Custom(CustomFieldId),
}

/// The parts that every contact has, by the names of the table, and the one that has none there.
const PARTS: [(Part, &str); 11] = [
    (Part::FirstName, "firstName"),
    (Part::LastName, "lastName"),
    (Part::Email, "email"),
    (Part::Phone, "phone"),
    (Part::CountryCode, "countryCode"),
    (Part::Language, "language"),
    (Part::ProfilePic, "profilePic"),
    (Part::Assignee, "assignee"),
    (Part::Lifecycle, "lifecycle"),
    (Part::Status, "status"),
    (Part::CreatedAt, "createdAt"),
];

impl Part {
    /// Every part that one of the two contacts may have a value of.
    pub(super) fn of(one: &Contact, other: &Contact) -> Vec<Part> {
        let mut custom: Vec<CustomFieldId> = one.custom.iter().chain(&other.custom).map(|(id, _)| *id).collect();
        custom.sort_unstable();
        custom.dedup();
        PARTS.iter().map(|(part, _)| *part).chain(custom.into_iter().map(Part::Custom)).collect()
    }

    /// Whether the contact has a value of it.
    pub(super) fn is_in(self, contact: &Contact) -> bool {
        match self {
            Part::FirstName => contact.first_name.is_some(),
            Part::LastName => contact.last_name.is_some(),
            Part::Email => contact.email.is_some(),
            Part::Phone => contact.phone.is_some(),
            Part::CountryCode => contact.country_code.is_some(),
            Part::Language => contact.language.is_some(),
            Part::ProfilePic => contact.profile_pic.is_some(),
            Part::Assignee => contact.assignee.is_some(),
            Part::Lifecycle => contact.lifecycle.is_some(),
            Part::Status | Part::CreatedAt => true,
            Part::Custom(id) => contact.custom(id).is_some(),
        }
    }

    /// Whether both have the same value of it, or none.
    pub(super) fn is_same(self, one: &Contact, other: &Contact) -> bool {
        match self {
            Part::FirstName => one.first_name == other.first_name,
            Part::LastName => one.last_name == other.last_name,
            Part::Email => one.email == other.email,
            Part::Phone => one.phone == other.phone,
            Part::CountryCode => one.country_code == other.country_code,
            Part::Language => one.language == other.language,
            Part::ProfilePic => one.profile_pic == other.profile_pic,
            Part::Assignee => one.assignee == other.assignee,
            Part::Lifecycle => one.lifecycle == other.lifecycle,
            Part::Status => (one.conversation, one.snoozed_until) == (other.conversation, other.snoozed_until),
            Part::CreatedAt => one.created_at == other.created_at,
            Part::Custom(id) => one.custom(id) == other.custom(id),
        }
    }

    /// Gives `to` the value of `from`, or none where it has none.
    pub(super) fn copy(self, from: &Contact, to: &mut Contact) {
        match self {
            Part::FirstName => to.first_name.clone_from(&from.first_name),
            Part::LastName => to.last_name.clone_from(&from.last_name),
            Part::Email => to.email.clone_from(&from.email),
            Part::Phone => to.phone.clone_from(&from.phone),
            Part::CountryCode => to.country_code = from.country_code,
            Part::Language => to.language = from.language,
            Part::ProfilePic => to.profile_pic.clone_from(&from.profile_pic),
            Part::Assignee => to.assignee = from.assignee,
            Part::Lifecycle => to.lifecycle = from.lifecycle,
            Part::Status => (to.conversation, to.snoozed_until) = (from.conversation, from.snoozed_until),
            Part::CreatedAt => to.created_at = from.created_at,
            Part::Custom(id) => to.set_custom(id, from.custom(id).cloned()),
        }
    }
}

/// Whose value stays where the caller said so. Elsewhere it is the primary's, or the secondary's where the primary has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices(pub(super) BTreeMap<Part, Side>);

impl Choices {
    /// Reads `{"email": "secondary", "customFields.plan": "primary"}`; a custom field may be named by its slug alone.
    ///
    /// # Errors
    /// Every mistake, with its path below `fields`.
    pub fn read(json: &Map<String, Json>, catalog: &Catalog) -> Result<Choices, Vec<Mistake>> {
        let (mut choices, mut mistakes) = (BTreeMap::new(), Vec::new());
        for (name, side) in json {
            let path = format!("fields.{}", name.chars().take(100).collect::<String>());
            let read = part(name, catalog).and_then(|part| Ok((part, side_of(side)?)));
            match read {
                Ok((part, side)) if choices.insert(part, side).is_some() => mistakes.push(Mistake::new(
                    path,
                    "given_twice",
                    "the field is given twice, under two names: give it once",
                )),
                Ok(_) => {}
                Err((code, message)) => mistakes.push(Mistake::new(path, code, message)),
            }
        }
        if mistakes.is_empty() { Ok(Choices(choices)) } else { Err(mistakes) }
    }
}

type Wrong = (&'static str, String);

fn side_of(side: &Json) -> Result<Side, Wrong> {
    match side.as_str() {
        Some("primary") => Ok(Side::Primary),
        Some("secondary") => Ok(Side::Secondary),
        Some(other) => {
            let near = suggest::did_you_mean(other, ["primary", "secondary"].into_iter());
            Err(("unknown_side", format!("say primary or secondary: whose value stays.{near}")))
        }
        None => Err(("wrong_type", "say primary or secondary: whose value stays".into())),
    }
}

fn part(name: &str, catalog: &Catalog) -> Result<Part, Wrong> {
    if let Some((_, slug)) = name.split_once('.').filter(|(group, _)| fold::compare(group) == "customfields") {
        let slugs = || catalog.fields.values().map(|field| field.slug.as_str());
        return match catalog.field_with_slug(slug) {
            Some(field) => Ok(Part::Custom(field.id)),
            None => {
                let near = suggest::did_you_mean(slug, slugs());
                Err(("unknown_field", format!("the workspace has no such custom field.{near}")))
            }
        };
    }
    let table = PARTS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(part, _)| *part);
    if let Some(part) = table {
        return Ok(part);
    }
    match Field::named(name, catalog) {
        Some(Field::Custom(id)) => Ok(Part::Custom(id)),
        Some(field) => {
            let known = field.name(catalog);
            // Its other names.
            let part = PARTS.iter().find(|(_, part)| *part == known).map(|(part, _)| *part);
            part.ok_or_else(|| ("not_mergeable", format!("{known} is not of one side alone: {}", united(field))))
        }
        None => {
            let names = STANDARD.iter().map(|row| row.name).chain(["profilePic"]);
            let slugs = catalog.fields.values().map(|field| field.slug.as_str());
            let near = suggest::did_you_mean(name, names.chain(slugs));
            Err(("unknown_field", format!("a contact has no such field.{near}")))
        }
    }
}

/// What becomes of a field of which no side can be chosen.
fn united(field: Field) -> &'static str {
    match field {
        Field::Id => "the primary keeps its id, and the secondary's leads to it",
        Field::Name => "choose firstName and lastName",
        Field::Tags | Field::Channels | Field::Source => "those of both are united",
        Field::LastInteractedChannel => "it is that of the newer message",
        Field::UpdatedAt => "it is the time of the merge",
        Field::ConversationOpenedAt
        | Field::LastMessageAt
        | Field::LastIncomingMessageAt
        | Field::LastInteractionAt => "it is the newer of both",
        _ => "it follows from other fields",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contact::draft::example;

    fn read(json: Json) -> Result<Choices, Vec<(String, &'static str)>> {
        let map = json.as_object().cloned().unwrap_or_default();
        Choices::read(&map, &example::catalog())
            .map_err(|mistakes| mistakes.into_iter().map(|mistake| (mistake.path, mistake.code)).collect())
    }

    #[test]
    fn fields_are_named_as_on_the_wire() {
        let choices = read(json!({
            "email": "secondary", "COUNTRY": "primary", "profilePic": "secondary", "customFields.score": "secondary",
            "note": "primary", "status": "secondary", "createdAt": "secondary", "assigneeUserId": "primary",
        }));
        let found = choices.expect("they are read").0;
        assert_eq!(found.len(), 8);
        assert_eq!((found[&Part::Email], found[&Part::CountryCode]), (Side::Secondary, Side::Primary));
    }

    #[test]
    fn what_cannot_be_chosen_is_refused_by_name() {
        for (name, code) in [
            ("emial", "unknown_field"),
            ("tags", "not_mergeable"),
            ("id", "not_mergeable"),
            ("name", "not_mergeable"),
            ("lastMessageAt", "not_mergeable"),
            ("timeSinceLastMessage", "not_mergeable"),
            ("customFields.nothing", "unknown_field"),
            ("version", "unknown_field"),
        ] {
            let mistakes = read(json!({name: "primary"})).expect_err(name);
            assert_eq!(mistakes, [(format!("fields.{name}"), code)]);
        }
        for side in [json!("first"), json!(1), json!(null), json!("Primary")] {
            assert!(read(json!({"email": side})).is_err());
        }
        let twice = read(json!({"score": "primary", "customFields.score": "secondary"})).expect_err("twice");
        assert_eq!(twice[0].1, "given_twice");
        let map = json!({"emial": "primary"}).as_object().cloned().unwrap_or_default();
        let said = Choices::read(&map, &example::catalog()).expect_err("unknown")[0].to_string();
        assert!(said.contains("Did you mean email?"), "{said}");
    }

    #[test]
    fn every_part_is_copied_whole() {
        let (full, empty) = (example::contact(), Contact::default());
        let mut copied = empty.clone();
        for part in Part::of(&full, &empty) {
            part.copy(&full, &mut copied);
            assert!(part.is_same(&full, &copied) && part.is_in(&full) == part.is_in(&copied), "{part:?}");
        }
        let united = Contact {
            id: full.id,
            version: full.version,
            tags: full.tags.clone(),
            channels: full.channels.clone(),
            last_interacted_channel: full.last_interacted_channel,
            blocked: full.blocked,
            conversation_opened_at: full.conversation_opened_at,
            updated_at: full.updated_at,
            ..copied
        };
        assert!(united == full, "a field is neither a part nor united");
    }
}
