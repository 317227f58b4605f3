//! `POST /v1/jobs`: bulk edits by filter. A receipt first, which says exactly what would be done; then apply it; then, if
//! need be, undo it.

use axum::extract::State;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::identifier::Key;
use super::jobs::{JobAnswer, answer};
use super::json::JsonBody;
use super::problem::Problem;
use super::query_string::QueryString;
use super::roles::{DeleteContact, May, RunJobs};
use super::search::{Facet, FacetValue, ValueBody};
use super::segments::SegmentName;
use super::strict;
use super::wire::ContactBody;
use crate::contact::render::Form;
use crate::contact::{JobId, Seq, time};
use crate::engine::{Confirmation, Engine, FacetOutlook, Query, Receipt};

/// What is to be done to every contact that a query finds; without a query, to all.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewJob {
    /// `action` is `delete`, `block`, `unblock`, `addTags` or `removeTags` (`tags`: names), `assign` (`assignee`: a user's id
    /// or e-mail, `me`, or null), `setStatus` (`status`, `until` of a snooze), `setLifecycle` (`lifecycle`: a stage's name or
    /// null), or `setField` (`field`, `value`).
    #[serde(deserialize_with = "strict::object")]
    #[schema(value_type = Object, example = json!({"action": "addTags", "tags": ["vip"]}))]
    action: Map<String, Json>,
    /// Words, each of which must match somewhere in the contact.
    search: Option<String>,
    /// A filter tree.
    #[serde(default, deserialize_with = "strict::optional")]
    #[schema(value_type = Option<Object>)]
    filter: Option<Json>,
    /// A segment's id or name.
    segment: Option<SegmentName>,
    /// IANA name in any case; the workspace's where absent.
    timezone: Option<String>,
    /// Wait briefly until the workspace has this version.
    min_version: Option<u64>,
}

/// What is repeated of a receipt to apply it.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ApplyBody {
    /// The receipt's `count`; a deletion needs it.
    count: Option<u64>,
    /// The receipt's `idsHash`.
    ids_hash: Option<String>,
}

/// The receipt of a bulk edit: nothing is changed yet.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptAnswer<'a> {
    receipt: ReceiptBody<'a>,
    /// The version at which the contacts were found.
    #[schema(value_type = u64)]
    version: Seq,
}

/// What a bulk edit is about.
#[derive(Serialize, ToSchema)]
#[schema(as = Receipt)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptBody<'a> {
    /// The job to apply.
    job: u32,
    /// How many contacts the query finds, exactly.
    count: u64,
    /// SHA-256 in lower-case hexadecimal digits of the contacts' ids, ascending, each as four bytes, big-endian.
    ids_hash: &'a str,
    /// The first 10 of these contacts by id.
    sample: Vec<ContactBody>,
    /// Counts of the fields that the edit touches, among these contacts.
    #[schema(value_type = BTreeMap<String, Facet>)]
    facets_before: Outlook<'a>,
    /// The same after the edit.
    #[schema(value_type = BTreeMap<String, Facet>)]
    facets_after: Outlook<'a>,
    /// Until when it can be applied.
    expires_at: String,
}

struct Outlook<'a>(&'a [FacetOutlook]);

impl<'a> Serialize for Outlook<'a> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for FacetOutlook { field, values, without } in self.0 {
            let kept = |(value, label, count): &'a (Json, String, u64)| FacetValue {
                value: ValueBody::Kept(value),
                label,
                count: *count,
            };
            let values = values.iter().map(kept).collect();
            map.serialize_entry(field, &Facet { values, without: *without })?;
        }
        map.end()
    }
}

/// Prepare a bulk edit: the receipt says which contacts it is about and what would become of them
#[utoipa::path(post, operation_id = "prepareJob", path = "/jobs", tag = "Jobs", request_body = NewJob,
    responses((status = 201, body = ReceiptAnswer<'static>, headers(("Location" = String)))))]
pub async fn prepare(
    State(app): State<App>,
    caller: May<RunJobs>,
    query: QueryString,
    JsonBody(new): JsonBody<NewJob>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    if new.action.get("action").is_some_and(|action| action == "delete") {
        caller.also::<DeleteContact>()?;
    }
    app.write(move |engine| {
        let query = Query {
            search: new.search,
            filter: new.filter,
            segment: new.segment.map(Into::into),
            timezone: new.timezone,
            min_version: new.min_version.map(Seq),
            ..Query::default()
        };
        let receipt = engine.prepare_job(caller.actor(), &query, &new.action)?;
        receipt_answer(&receipt)
    })
    .await
}

fn receipt_answer(receipt: &Receipt) -> Result<Answer, Problem> {
    let form = Form::whole(&receipt.catalog);
    let sample = receipt.sample.iter().map(|contact| ContactBody::in_form(contact, &form)).collect::<Result<_, _>>()?;
    let body = ReceiptBody {
        job: receipt.job.0,
        count: receipt.count,
        ids_hash: &receipt.ids_hash,
        sample,
        facets_before: Outlook(&receipt.facets_before),
        facets_after: Outlook(&receipt.facets_after),
        expires_at: time::rfc3339(receipt.expires_at),
    };
    let answer = Answer::ok(receipt.version, &ReceiptAnswer { receipt: body, version: receipt.version })?;
    Ok(answer.created(format!("/v1/jobs/{}", receipt.job)))
}

/// Apply a receipt: the edit goes on in the background. Refused with `set_changed` if the query finds other contacts by now;
/// the problem's `details` are `{countThen, countNow, added: {count, ids}, removed: {count, ids}}`, up to 100 ids each
#[utoipa::path(post, operation_id = "applyJob", path = "/jobs/{id}/apply", tag = "Jobs", request_body = ApplyBody,
    params(("id" = u32, Path)), responses((status = 202, body = JobAnswer)))]
pub async fn apply(
    State(app): State<App>,
    caller: May<RunJobs>,
    key: Key,
    query: QueryString,
    JsonBody(body): JsonBody<ApplyBody>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let id = JobId(key.id()?);
    app.write(move |engine| {
        if Engine::job_deletes(&engine.job(caller.actor().workspace, id)?.value) {
            caller.also::<DeleteContact>()?;
        }
        let confirmed = Confirmation { count: body.count, ids_hash: body.ids_hash };
        engine.apply_job(caller.actor(), id, &confirmed)?;
        Ok(answer(engine, &caller, id)?.accepted())
    })
    .await
}

/// Undo a bulk edit that is over: restores, in the background, what nobody has changed since
#[utoipa::path(post, operation_id = "undoJob", path = "/jobs/{id}/undo", tag = "Jobs", params(("id" = u32, Path)),
    responses((status = 202, body = JobAnswer)))]
pub async fn undo(
    State(app): State<App>,
    caller: May<RunJobs>,
    key: Key,
    query: QueryString,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let id = JobId(key.id()?);
    app.write(move |engine| {
        engine.undo_job(caller.actor(), id)?;
        Ok(answer(engine, &caller, id)?.accepted())
    })
    .await
}
