//! What a contact has in a field, as predicates see it and as explain shows it.

use std::borrow::Cow;

use serde_json::{Value as Json, json};
use smallvec::SmallVec;

use super::predicate::kept_in;
use crate::contact::{Catalog, Contact, Field, Status, Value, fold, time};
use crate::index::number_key;

/// The code of a choice or checkbox field.
pub fn code(contact: &Contact, field: Field) -> Option<u32> {
    match field {
        Field::Status => Some(contact.status() as u32),
        Field::CountryCode => contact.country_code.map(|code| u32::from(code.0)),
        Field::Language => contact.language.map(|code| u32::from(code.0)),
        Field::Assignee => contact.assignee.map(|user| user.0),
        Field::Lifecycle => contact.lifecycle.map(|stage| stage.0),
        Field::LastInteractedChannel => contact.last_interacted_channel.map(|channel| channel.0),
        Field::Custom(id) => match contact.custom(id)? {
            Value::Choice(position) => Some(u32::from(*position)),
            Value::Checkbox(checked) => Some(u32::from(*checked)),
            _ => None,
        },
        _ => None,
    }
}

/// The codes of a set field, each once.
pub fn codes(contact: &Contact, field: Field) -> SmallVec<[u32; 16]> {
    let mut codes: SmallVec<[u32; 16]> = match field {
        Field::Tags => contact.tags.iter().map(|tag| tag.0).collect(),
        Field::Channels => contact.channels.iter().map(|link| link.channel.0).collect(),
        _ => SmallVec::new(),
    };
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// The key of a number, instant, date or time field.
pub fn key(contact: &Contact, field: Field) -> Option<i64> {
    match field {
        Field::Id => Some(i64::from(contact.id.0)),
        Field::ConversationOpenedAt => contact.conversation_opened_at,
        Field::LastMessageAt => contact.last_message_at,
        Field::LastIncomingMessageAt => contact.last_incoming_message_at,
        Field::LastInteractionAt => contact.last_interaction_at,
        Field::CreatedAt => Some(contact.created_at),
        Field::UpdatedAt => Some(contact.updated_at),
        Field::Custom(id) => match contact.custom(id)? {
            Value::Number(number) => Some(number_key(*number)),
            Value::Date(days) => Some(i64::from(*days)),
            Value::Time(minutes) => Some(i64::from(*minutes)),
            _ => None,
        },
        _ => None,
    }
}

/// The compare-folded text of a text field.
pub fn text(contact: &Contact, field: Field) -> Option<Cow<'_, str>> {
    given_text(contact, field).map(|given| match given {
        Cow::Borrowed(text) => fold::compared(text),
        Cow::Owned(text) => Cow::Owned(fold::compare(&text)),
    })
}

fn given_text(contact: &Contact, field: Field) -> Option<Cow<'_, str>> {
    match field {
        Field::FirstName => contact.first_name.as_deref().map(Cow::Borrowed),
        Field::LastName => contact.last_name.as_deref().map(Cow::Borrowed),
        Field::Name => contact.full_name().map(Cow::Owned),
        Field::Email => contact.email.as_deref().map(Cow::Borrowed),
        Field::Custom(id) => match contact.custom(id)? {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the contact has a value in the field.
pub fn present(contact: &Contact, field: Field) -> bool {
    match field {
        Field::Phone => contact.phone.is_some(),
        Field::Tags => !contact.tags.is_empty(),
        Field::Channels => !contact.channels.is_empty(),
        Field::Custom(id) => contact.custom(id).is_some(),
        _ => code(contact, field).is_some() || key(contact, field).is_some() || given_text(contact, field).is_some(),
    }
}

/// What explain shows of the field: the value as the API writes it, `null` for none; of a duration, its instant.
pub fn shown(contact: &Contact, field: Field, catalog: &Catalog) -> Json {
    match field {
        Field::Id => json!(contact.id.0),
        Field::Phone => contact.phone.as_ref().map_or(Json::Null, |phone| json!(phone.e164())),
        Field::CountryCode => contact.country_code.map_or(Json::Null, |code| json!(code.text())),
        Field::Language => contact.language.map_or(Json::Null, |code| json!(code.text())),
        Field::Status => json!(Status::name(contact.status())),
        Field::Lifecycle => named(contact.lifecycle.map(|id| catalog.stages.get(&id).map(|stage| stage.name.as_str()))),
        Field::Tags => contact.tags.iter().filter_map(|id| catalog.tags.get(id)).map(|tag| json!(tag.name)).collect(),
        Field::Channels => contact.channels.iter().map(|link| json!(link.channel.0)).collect(),
        Field::Source => {
            let sources = contact.channels.iter().filter_map(|link| catalog.channels.get(&link.channel));
            let sources: std::collections::BTreeSet<&str> = sources.map(|channel| channel.source.as_str()).collect();
            json!(sources)
        }
        Field::Assignee | Field::LastInteractedChannel => json!(code(contact, field)),
        Field::Custom(id) => contact.custom(id).map_or(Json::Null, |value| custom(value, id, catalog)),
        Field::FirstName | Field::LastName | Field::Name | Field::Email => json!(given_text(contact, field)),
        Field::Segment => Json::Null,
        instant => key(contact, kept_in(instant)).map_or(Json::Null, |at| json!(time::rfc3339(at))),
    }
}

fn named(name: Option<Option<&str>>) -> Json {
    name.flatten().map_or(Json::Null, |name| json!(name))
}

fn custom(value: &Value, id: crate::contact::CustomFieldId, catalog: &Catalog) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Choice(position) => {
            let labels = catalog.fields.get(&id).map_or(&[][..], |field| &field.allowed_values);
            json!(labels.get(usize::from(*position)))
        }
        Value::Checkbox(checked) => json!(checked),
        Value::Number(number) => json!(number),
        Value::Date(days) => json!(time::date_text(*days)),
        Value::Time(minutes) => json!(time::time_text(*minutes)),
    }
}
