//! `/v1/contacts/{identifier}/merge`, `/unmerge` and `/merges`: two contacts made one, given back, and what was merged.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::contacts::answer;
use super::identifier::Named;
use super::json::JsonBody;
use super::problem::Problem;
use super::query_string::QueryString;
use super::roles::{May, MergeContacts, hide};
use super::strict;
use super::wire::{ContactAnswer, ContactBody};
use crate::contact::identity::Identifier;
use crate::contact::{Seq, time};
use crate::engine::MergedIn;

/// A contact to take in.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeRequest {
    /// The contact that goes: its id, or `id:2`, `email:…`, `phone:+…`.
    #[serde(deserialize_with = "strict::value")]
    #[schema(value_type = Object, example = 2)]
    secondary: Json,
    /// Whose value stays: `primary` or `secondary`, by field. Elsewhere it is the primary's, or the secondary's where the
    /// primary has none.
    #[serde(default, deserialize_with = "strict::object")]
    #[schema(value_type = Object, example = json!({"email": "secondary", "customFields.plan": "primary"}))]
    fields: Map<String, Json>,
}

/// A contact to give back.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnmergeRequest {
    /// The id it had: 2, or `id:2`.
    #[serde(deserialize_with = "strict::value")]
    #[schema(value_type = Object, example = 2)]
    secondary: Json,
}

/// Two contacts that were one.
#[derive(Serialize, ToSchema)]
pub struct UnmergedAnswer {
    primary: ContactBody,
    secondary: ContactBody,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// A contact that was merged.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MergeBody {
    /// The id it had, which leads to the contact asked for.
    contact: u32,
    /// The contact it was merged into, which may have been merged further.
    into: u32,
    /// RFC 3339, UTC.
    at: String,
    /// The user's id; null for the operator.
    by: Option<u32>,
    /// Whether it can be given back now: not while the contact it was merged into is merged itself.
    unmergeable: bool,
}

/// What was merged into a contact.
#[derive(Serialize, ToSchema)]
pub struct Merges {
    items: Vec<MergeBody>,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// Merge a second contact into this one: its id, e-mail and phone lead here from then on
#[utoipa::path(post, operation_id = "mergeContacts", path = "/contacts/{identifier}/merge", tag = "Merging", request_body = MergeRequest,
    params(("identifier" = String, Path, description = "The contact that stays: `17`, `id:17`, `email:…` or `phone:+…`")),
    responses((status = 200, body = ContactAnswer),
              (status = 409, description = "`contact_blocked`: `details.contact` is blocked. `already_merged`: the second is merged into this one")))]
pub async fn merge(
    State(app): State<App>,
    caller: May<MergeContacts>,
    named: Named,
    query: QueryString,
    JsonBody(request): JsonBody<MergeRequest>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let second = Named::of_json(&request.secondary, "secondary")?;
    app.write(move |engine| {
        let primary = caller.reach(engine, &named)?;
        let secondary = caller.reach(engine, &second)?;
        // Which of the two is absent is found out first, for the refusal to name it.
        caller.contact(engine, &named, None)?;
        let written = engine
            .merge(caller.actor(), &primary, &secondary, &request.fields)
            .map_err(|error| hide(error, &second))?;
        answer(&written, &*engine.catalog(caller.actor().workspace)?)
    })
    .await
}

/// Give back a contact that was merged into this one, as it was; what happened since stays here
#[utoipa::path(post, operation_id = "unmergeContacts", path = "/contacts/{identifier}/unmerge", tag = "Merging", request_body = UnmergeRequest,
    params(("identifier" = String, Path, description = "The contact that stayed: `17`, `id:17`, `email:…` or `phone:+…`")),
    responses((status = 200, body = UnmergedAnswer),
              (status = 409, description = "`merged_further`: unmerge `details.unmergeFirst` first")))]
pub async fn unmerge(
    State(app): State<App>,
    caller: May<MergeContacts>,
    named: Named,
    query: QueryString,
    JsonBody(request): JsonBody<UnmergeRequest>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let second = Named::of_json(&request.secondary, "secondary")?;
    app.write(move |engine| {
        let primary = caller.reach(engine, &named)?;
        let Identifier::Id(secondary) = caller.reach(engine, &second)? else {
            let said = "a contact that was merged is named by the id it had: its e-mail and phone lead to the other";
            return Err(Problem::mistake("secondary", "id_needed", said));
        };
        let written = engine.unmerge(caller.actor(), &primary, secondary).map_err(|error| hide(error, &named))?;
        let catalog = engine.catalog(caller.actor().workspace)?;
        let body = |contact| ContactBody::of(contact, &catalog);
        let (primary, secondary) = (body(&written.value.primary)?, body(&written.value.secondary)?);
        Answer::sized(written.version, &UnmergedAnswer { primary, secondary, version: written.version }, 2048)
    })
    .await
}

/// What was merged into a contact, when, and by whom
#[utoipa::path(get, operation_id = "listMerges", path = "/contacts/{identifier}/merges", tag = "Merging",
    params(("identifier" = String, Path, description = "`17`, `id:17`, `email:…` or `phone:+…`"),
           ("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = Merges)))]
pub async fn list(
    State(app): State<App>,
    caller: May<MergeContacts>,
    named: Named,
    query: QueryString,
) -> Result<Answer, Problem> {
    let min_version = query.min_version(&[])?;
    app.read(move |engine| {
        let (found, _) = caller.contact(engine, &named, min_version)?;
        let id = found.value.id;
        let merges = engine
            .merges(caller.actor().workspace, &Identifier::Id(id), min_version)
            .map_err(|error| hide(error, &named))?;
        let body = |merge: MergedIn| MergeBody {
            contact: merge.id.0,
            into: merge.into.0,
            at: time::rfc3339(merge.at),
            by: merge.by.map(|user| user.0),
            unmergeable: merge.into == id,
        };
        let items = merges.value.into_iter().map(body).collect();
        Answer::ok(merges.version, &Merges { items, version: merges.version })
    })
    .await
}
