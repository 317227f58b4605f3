//! `/v1/contacts/actions`: one action on up to a hundred contacts named in the call.

use std::borrow::Cow;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::answer::Answer;
use super::app::App;
use super::identifier;
use super::json::JsonBody;
use super::problem::Problem;
use super::query_string::QueryString;
use super::roles::{DeleteContact, EditContacts, May};
use super::strict;
use super::wire::schema;
use crate::contact::identity::Identifier;
use crate::contact::{Catalog, Mistake, Seq};
use crate::engine::{Fate, ManyItem};

/// Contacts, and what is to be done to each.
#[derive(Debug)]
pub struct ContactsAction(Map<String, Json>);

impl<'de> Deserialize<'de> for ContactsAction {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        strict::object(deserializer).map(ContactsAction)
    }
}

impl PartialSchema for ContactsAction {
    fn schema() -> RefOr<Schema> {
        let actions: Vec<&str> = crate::engine::ACTIONS.iter().map(|(name, _)| *name).chain(["comment"]).collect();
        let text = |said: &str| json!({"type": ["string", "null"], "description": said});
        schema(json!({
            "type": "object",
            "required": ["contacts", "action"],
            "properties": {
                "contacts": {
                    "type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1, "maxItems": 100,
                    "description": "`17`, `id:17`, `email:ana@example.org` or `phone:+60123456789`",
                },
                "action": {"type": "string", "enum": actions},
                "tags": {"type": "array", "items": {"type": "string"}, "description": "`addTags`, `removeTags`"},
                "assignee": {"type": ["integer", "string", "null"], "description": "`assign`: a user's id or e-mail, `me`, or null"},
                "status": text("`setStatus`: open, closed or snoozed. A block stays; what it hides is set"),
                "until": text("`setStatus` to snoozed: when it opens by itself; without it the snooze has no end"),
                "lifecycle": text("`setLifecycle`: a stage's name, or null"),
                "field": text("`setField`: a field's name or a custom field's slug"),
                "value": {"description": "`setField`: its value; null takes it away"},
                "text": text("`comment`"),
            },
            "example": {"contacts": ["id:1", 2, "email:ana@example.org"], "action": "addTags", "tags": ["vip"]},
        }))
    }
}

impl ToSchema for ContactsAction {
    fn name() -> Cow<'static, str> {
        "ContactsAction".into()
    }
}

/// What became of each contact, in the order named.
#[derive(Serialize, ToSchema)]
pub struct ContactsActed {
    items: Vec<ItemBody>,
    /// Items that were changed or deleted.
    changed: usize,
    /// Items that were so already.
    unchanged: usize,
    /// Items that were refused.
    failed: usize,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// What became of one contact: a status, or an error.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactsActedItem)]
pub struct ItemBody {
    /// As it was named.
    #[schema(value_type = Object)]
    contact: Json,
    /// The contact's id, where it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    /// `changed`, `unchanged` or `deleted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ItemError>,
}

/// Why one contact was left as it is.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactsActedError)]
pub struct ItemError {
    /// A stable machine word.
    code: String,
    /// What was found and what would do.
    message: String,
}

/// Do one action to up to 100 contacts: each is answered on its own, one that is refused stops no other
///
/// `delete`, `block`, `unblock` (brings back the status that the block hid), `addTags`, `removeTags`, `assign`, `setStatus`,
/// `setLifecycle`, `setField`, `comment`. A contact named twice is answered twice and done once. An action that cannot be
/// read is refused whole.
#[utoipa::path(post, operation_id = "actOnContacts", path = "/contacts/actions", tag = "Contacts", request_body = ContactsAction,
    responses((status = 200, body = ContactsActed)))]
pub async fn act(
    State(app): State<App>,
    caller: May<EditContacts>,
    query: QueryString,
    JsonBody(ContactsAction(mut action)): JsonBody<ContactsAction>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    if action.get("action").and_then(Json::as_str) == Some("delete") {
        caller.also::<DeleteContact>()?;
    }
    let given = match action.remove("contacts") {
        Some(Json::Array(given)) if !given.is_empty() => given,
        None => return Err(Problem::mistake("contacts", "missing_member", "name the contacts: a list of 1 to 100")),
        Some(_) => {
            return Err(Problem::mistake(
                "contacts",
                "wrong_type",
                "contacts is a list of at least one contact's name",
            ));
        }
    };
    app.write(move |engine| {
        let catalog = engine.catalog(caller.actor().workspace)?;
        let named: Vec<_> = given.iter().map(|contact| read(contact, &catalog)).collect();
        let written = engine.act_on_many(caller.actor(), &named, &action)?;
        let count = |is: fn(&Fate) -> bool| written.value.iter().filter(|item| is(&item.fate)).count();
        let body = ContactsActed {
            changed: count(|fate| matches!(fate, Fate::Changed | Fate::Deleted)),
            unchanged: count(|fate| *fate == Fate::Unchanged),
            failed: count(|fate| matches!(fate, Fate::Refused { .. } | Fate::Unreadable)),
            items: given.into_iter().zip(&written.value).map(|(contact, item)| ItemBody::of(contact, item)).collect(),
            version: written.version,
        };
        Answer::sized(written.version, &body, 256 + 96 * body.items.len())
    })
    .await
}

/// The identifier that an item of the list is.
fn read(contact: &Json, catalog: &Catalog) -> Result<Identifier, Mistake> {
    let text = match contact {
        Json::String(text) => Cow::from(text),
        Json::Number(number) => Cow::from(number.to_string()),
        _ => return Err(Mistake::new("contacts", "wrong_type", "a contact is named by a number or a string")),
    };
    identifier::parse(&text, catalog).map_err(|said| Mistake::new("contacts", "invalid_identifier", said))
}

impl ItemBody {
    fn of(contact: Json, item: &ManyItem) -> ItemBody {
        let status = match &item.fate {
            Fate::Changed => Some("changed"),
            Fate::Unchanged => Some("unchanged"),
            Fate::Deleted => Some("deleted"),
            Fate::Refused { .. } | Fate::Unreadable => None,
        };
        let error = match &item.fate {
            Fate::Refused { code, message } => Some(ItemError { code: code.clone(), message: message.clone() }),
            _ => None,
        };
        ItemBody { contact, id: item.id.map(|id| id.0), status, error }
    }
}
