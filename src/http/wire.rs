//! Shapes that more than one resource sends or takes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::problem::Problem;
use super::strict;
use crate::contact::render::Form;
use crate::contact::{Catalog, Contact, Field, Kind, STANDARD, Seq};

/// The members of a contact that a caller sends: read and checked by the contact's own rules, against the workspace.
#[derive(Debug)]
pub struct ContactFields(pub Map<String, Json>);

impl<'de> Deserialize<'de> for ContactFields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        strict::object(deserializer).map(ContactFields)
    }
}

impl PartialSchema for ContactFields {
    fn schema() -> RefOr<Schema> {
        let derived =
            [Field::Id, Field::Name, Field::Source, Field::Channels, Field::Segment, Field::LastInteractedChannel];
        let sent = STANDARD.iter().filter(|row| !derived.contains(&row.field));
        let mut properties: Map<String, Json> = sent
            .filter(|row| !matches!(row.kind, Kind::Duration | Kind::Instant))
            .map(|row| (row.name.to_owned(), described(row.kind, row.label, row.field)))
            .collect();
        properties.extend(beside());
        schema(json!({
            "type": "object",
            "description": "A contact's members. Members not given stay as they are; null takes a value away. \
                            A custom field may also stand under its slug beside the others.",
            "properties": properties,
            "example": {"firstName": "Óscar", "phone": "+60 12-345 6789", "tags": ["vip"], "customFields": {"plan": "gold"}},
        }))
    }
}

impl ToSchema for ContactFields {
    fn name() -> Cow<'static, str> {
        "ContactFields".into()
    }
}

/// A contact as it is answered.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct ContactBody(Box<RawValue>);

impl ContactBody {
    /// The contact with all its fields.
    ///
    /// # Errors
    /// As [`ContactBody::in_form`].
    pub fn of(contact: &Contact, catalog: &Catalog) -> Result<ContactBody, Problem> {
        ContactBody::in_form(contact, &Form::whole(catalog))
    }

    /// The contact as the form has it.
    ///
    /// # Errors
    /// `internal` where that is no JSON.
    pub fn in_form(contact: &Contact, form: &Form) -> Result<ContactBody, Problem> {
        RawValue::from_string(form.json(contact)).map(ContactBody).map_err(|_| Problem::internal())
    }
}

impl PartialSchema for ContactBody {
    fn schema() -> RefOr<Schema> {
        let stored = STANDARD.iter().filter(|row| !matches!(row.kind, Kind::Duration | Kind::Segment));
        let mut properties: Map<String, Json> =
            stored.map(|row| (row.name.to_owned(), described(row.kind, row.label, row.field))).collect();
        properties.extend(beside());
        schema(json!({"type": "object", "description": "A contact; absent values are null.", "properties": properties}))
    }
}

impl ToSchema for ContactBody {
    fn name() -> Cow<'static, str> {
        "Contact".into()
    }
}

/// The members that are no fields of the table.
fn beside() -> Map<String, Json> {
    let members = json!({
        "profilePic": {"type": ["string", "null"], "format": "uri", "description": "Profile picture, https only"},
        "snoozedUntil": {
            "type": ["string", "integer", "null"], "format": "date-time",
            "description": "When a snooze ends by itself: a time in the future, with the status snoozed; null is no end",
        },
        "customFields": {"type": "object", "description": "Custom fields by slug", "additionalProperties": true},
    });
    members.as_object().cloned().unwrap_or_default()
}

fn described(kind: Kind, label: &str, field: Field) -> Json {
    match (kind, field) {
        (_, Field::Channels) => json!({"type": "array", "items": {"type": "object"}, "description": label}),
        (_, Field::Assignee) => {
            json!({"type": ["integer", "string", "object", "null"], "description": format!("{label}: a user's id or e-mail")})
        }
        (Kind::Set, _) => json!({"type": "array", "items": {"type": "string"}, "description": label}),
        (Kind::Number, _) => json!({"type": "integer", "description": label}),
        (Kind::Instant, _) => json!({"type": ["string", "null"], "format": "date-time", "description": label}),
        _ => json!({"type": ["string", "null"], "description": label}),
    }
}

pub(super) fn schema(json: Json) -> RefOr<Schema> {
    serde_json::from_value::<Schema>(json).map_or_else(|_| utoipa::openapi::schema::Object::new().into(), RefOr::T)
}

/// One contact.
#[derive(Serialize, ToSchema)]
pub struct ContactAnswer {
    pub contact: ContactBody,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    pub version: Seq,
}

/// A list of what the workspace defines.
#[derive(Serialize, ToSchema)]
pub struct Listed<T: ToSchema> {
    pub items: Vec<T>,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    pub version: Seq,
}

/// What was removed.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    /// Its id.
    pub deleted: u32,
    /// The workspace's version from which on it is gone.
    #[schema(value_type = u64)]
    pub version: Seq,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_of_contacts_hold_every_field() {
        let text = serde_json::to_string(&ContactBody::schema()).expect("JSON");
        for name in ["firstName", "email", "tags", "assignee", "lastMessageAt", "customFields", "profilePic"] {
            assert!(text.contains(&format!("\"{name}\"")), "{name} in {text}");
        }
        let sent = serde_json::to_string(&ContactFields::schema()).expect("JSON");
        assert!(sent.contains("\"phone\"") && !sent.contains("\"createdAt\""), "{sent}");
    }
}
