//! `/v1/merge-suggestions`: contacts that share an e-mail or a phone, and so may be one.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::problem::{Kind, Problem};
use super::query_string::QueryString;
use super::roles::{May, MergeContacts};
use super::wire::ContactBody;
use crate::contact::render::{Form, Member};
use crate::contact::{Field, Seq};
use crate::engine::{SharedBy, Suggestion};

const PAGE_MAX: u64 = 50;
const PAGE_DEFAULT: u64 = 20;
/// What is shown of a contact.
const SHOWN: [Member; 10] = [
    Member::Field(Field::Id),
    Member::Field(Field::Name),
    Member::Field(Field::Email),
    Member::Field(Field::Phone),
    Member::Field(Field::Tags),
    Member::Field(Field::Assignee),
    Member::Field(Field::Status),
    Member::Field(Field::LastMessageAt),
    Member::Field(Field::CreatedAt),
    Member::Blocked,
];

/// Contacts that share an e-mail or a phone.
#[derive(Serialize, ToSchema)]
#[schema(as = MergeSuggestion)]
pub struct SuggestionBody {
    /// `email` or `phone`.
    #[schema(example = "email")]
    by: &'static str,
    /// The e-mail in lower case, or the phone in E.164.
    value: String,
    /// How many contacts share it.
    count: u64,
    /// The first ten by id, each with what tells them apart; `blocked` ones cannot be merged.
    #[schema(value_type = Vec<Object>)]
    contacts: Vec<ContactBody>,
}

/// A page of merge suggestions.
#[derive(Serialize, ToSchema)]
pub struct MergeSuggestions {
    items: Vec<SuggestionBody>,
    /// How many there are, exactly.
    total: u64,
    offset: u64,
    limit: u64,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// List groups of contacts that share an e-mail or a phone, by their lowest id
#[utoipa::path(get, operation_id = "listMergeSuggestions", path = "/merge-suggestions", tag = "Merging",
    params(("by" = Option<String>, Query, description = "`email` or `phone`; both where absent"),
           ("offset" = Option<u64>, Query, description = "Groups to pass over"),
           ("limit" = Option<u64>, Query, description = "1 to 50; 20 where absent"),
           ("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = MergeSuggestions)))]
pub async fn list(State(app): State<App>, caller: May<MergeContacts>, query: QueryString) -> Result<Answer, Problem> {
    let min_version = query.min_version(&["by", "offset", "limit"])?;
    let by = match query.one("by")? {
        None => None,
        Some("email") => Some(SharedBy::Email),
        Some("phone") => Some(SharedBy::Phone),
        Some(other) => return Err(refused(&format!("the query parameter by is email or phone, not {other:?}"))),
    };
    let offset = query.number("offset")?.unwrap_or_default();
    let limit = match query.number("limit")? {
        None => PAGE_DEFAULT,
        Some(limit @ 1..=PAGE_MAX) => limit,
        Some(limit) => return Err(refused(&format!("the query parameter limit is 1 to {PAGE_MAX}, not {limit}"))),
    };
    app.read(move |engine| {
        let page = engine.merge_suggestions(caller.actor().workspace, by, offset, limit as usize, min_version)?;
        let form = Form::of(&page.catalog, &SHOWN);
        let items = page.groups.into_iter().map(|group| body(group, &form)).collect::<Result<_, _>>()?;
        let (total, version) = (page.total, page.version);
        Answer::sized(version, &MergeSuggestions { items, total, offset, limit, version }, 16 << 10)
    })
    .await
}

fn refused(detail: &str) -> Problem {
    Problem::new(Kind::InvalidQuery, detail).code("invalid_parameter")
}

fn body(group: Suggestion, form: &Form) -> Result<SuggestionBody, Problem> {
    let by = match group.by {
        SharedBy::Email => "email",
        SharedBy::Phone => "phone",
    };
    let contacts =
        group.contacts.iter().map(|contact| ContactBody::in_form(contact, form)).collect::<Result<_, _>>()?;
    Ok(SuggestionBody { by, value: group.value, count: group.count, contacts })
}
