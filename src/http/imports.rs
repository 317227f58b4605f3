//! `/v1/imports`: make an import, look at it, check it, start it, stop it. Its file is uploaded by `import_file`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::identifier::Key;
use super::json::{JsonBody, OptionalJsonBody};
use super::problem::Problem;
use super::query_string::QueryString;
use super::roles::{ImportContacts, May};
use super::wire::Listed;
use crate::contact::{JobId, JobState, Seq, UserId, WorkspaceId, time};
use crate::engine::import::{Import, Look, NewImport, Options, Phase, Tally};
use crate::engine::{Engine, Written};

/// A new import. All of it may be left out: it is found out from the file.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(as = NewImport, value_type = NewImportMembers)]
pub struct NewImportBody(NewImport);

/// What may be said of a file before it comes.
#[derive(ToSchema)]
#[allow(dead_code)] // it describes the members of the engine's own type
pub struct NewImportMembers {
    /// What people call it; the name of the file, say.
    name: Option<String>,
    /// `csv` or `ndjson`.
    format: Option<String>,
    /// CSV: what stands between cells, one ASCII character.
    delimiter: Option<String>,
    /// A label of the WHATWG encoding standard: `utf-8`, `windows-1252`, `utf-16le` …
    encoding: Option<String>,
}

/// How the rows become contacts.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(as = ImportOptions, value_type = ImportOptionMembers)]
pub struct OptionsBody(Options);

/// How the rows become contacts: the same for a dry run and for the run.
#[derive(ToSchema)]
#[allow(dead_code)] // it describes the members of the engine's own type
#[schema(rename_all = "camelCase")]
pub struct ImportOptionMembers {
    /// `add` (the default): a row whose contact exists fails. `update`: a row without a contact fails. `addOrUpdate`.
    /// `addAll`: a contact of every row, even where its e-mail or phone is taken.
    #[schema(example = "addOrUpdate")]
    purpose: Option<String>,
    /// `emailThenPhone` (the default), `email`, `phone` or `id`.
    match_by: Option<String>,
    /// Header → field's name or slug, `{"field": …, "overwrite": false}` to fill only what the contact lacks (tags are added
    /// to those it has), or null to leave the column out. Other columns go by their suggestion, unless it rests on their
    /// content alone.
    #[schema(value_type = Object, example = json!({"Mobile": "phone", "Notes": null, "Labels": {"field": "tags", "overwrite": false}}))]
    columns: Option<serde_json::Value>,
    /// `true`: every other column becomes a custom field. Or an object of headers with their types, null for the guessed one.
    #[schema(value_type = Object)]
    new_fields: Option<serde_json::Value>,
    /// Header → type of its new field, instead of the guessed one.
    #[schema(value_type = Object)]
    types: Option<serde_json::Value>,
    /// What becomes of other columns: `ignore` (the default), or `refuse`.
    unmapped: Option<String>,
    /// Tags for every row's contact.
    tags: Option<Vec<String>>,
    /// The time zone of times without one; the workspace's where absent.
    timezone: Option<String>,
}

/// An import.
#[derive(Serialize, ToSchema)]
#[schema(as = Import)]
#[serde(rename_all = "camelCase")]
pub struct ImportBody {
    id: u32,
    name: Option<String>,
    /// `uploading`, `looking`, `ready`, `checking`, `running`, `done`, `cancelled` or `failed`.
    state: &'static str,
    /// Who made it; null is the operator.
    #[schema(value_type = Option<u32>)]
    user: Option<UserId>,
    created_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    /// Bytes of the file that are there.
    uploaded: u64,
    /// What the file was found to be: `shape` (format, encoding, delimiter), `rows`, `columns` with header, suggestion
    /// (`field`, and `sure`: `name`, `alias`, `export` or `content`) and the type for a new field, `firstRows`, `remarks`.
    #[schema(value_type = Option<Object>)]
    file: Option<Look>,
    /// Rows there are, and rows the run or the dry run has done.
    rows: u64,
    done: u64,
    /// What the last dry run found: `added`, `updated`, `unchanged`, `failed`, and the first `failures` (row, reason).
    #[schema(value_type = Option<Object>)]
    check: Option<Tally>,
    /// What the run has done so far, in the same form.
    #[schema(value_type = Option<Object>)]
    outcome: Option<Tally>,
    /// Columns that are left out, once it is said how the rows become contacts.
    left_out: Vec<String>,
    /// Why it failed as a whole.
    error: Option<String>,
    /// Where the failed rows are, once it is over.
    result: Option<String>,
}

/// One import.
#[derive(Serialize, ToSchema)]
pub struct ImportAnswer {
    import: ImportBody,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

impl From<Import> for ImportBody {
    fn from(Import { job, spec }: Import) -> ImportBody {
        let over = matches!(job.state, JobState::Done | JobState::Cancelled | JobState::Failed);
        let state = match (job.state, spec.phase) {
            (JobState::Done, _) => "done",
            (JobState::Cancelled, _) => "cancelled",
            (JobState::Failed, _) => "failed",
            (_, Phase::Uploading) => "uploading",
            (_, Phase::Looking) => "looking",
            (_, Phase::Ready) => "ready",
            (_, Phase::Checking) => "checking",
            (_, Phase::Running | Phase::Clearing) => "running",
        };
        ImportBody {
            id: job.id.0,
            name: spec.new.name,
            state,
            user: job.user,
            created_at: time::rfc3339(job.created_at),
            started_at: job.started_at.map(time::rfc3339),
            finished_at: job.finished_at.map(time::rfc3339),
            uploaded: spec.uploaded,
            file: spec.look,
            rows: job.counts.total,
            done: job.counts.done,
            check: spec.check,
            outcome: job.started_at.map(|_| spec.tally),
            left_out: spec.plan.map(|plan| plan.left_out).unwrap_or_default(),
            error: job.error,
            result: (over && job.started_at.is_some()).then(|| format!("/v1/imports/{}/result", job.id)),
        }
    }
}

/// Imports, newest first
#[utoipa::path(get, operation_id = "listImports", path = "/imports", tag = "Imports",
    responses((status = 200, body = Listed<ImportBody>)))]
pub async fn list(State(app): State<App>, caller: May<ImportContacts>, query: QueryString) -> Result<Answer, Problem> {
    query.only(&[])?;
    app.read(move |engine| {
        let ws = caller.actor().workspace;
        let version = engine.definitions(ws, None)?.version;
        let items: Vec<ImportBody> = engine.imports(ws)?.into_iter().map(ImportBody::from).collect();
        Answer::sized(version, &Listed { items, version }, 4096)
    })
    .await
}

/// Make an import; its file is uploaded next
#[utoipa::path(post, operation_id = "createImport", path = "/imports", tag = "Imports", request_body = Option<NewImportMembers>,
    responses((status = 201, body = ImportAnswer, headers(("Location" = String)))))]
pub async fn create(
    State(app): State<App>,
    caller: May<ImportContacts>,
    query: QueryString,
    OptionalJsonBody(new): OptionalJsonBody<NewImportBody>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    app.write(move |engine| {
        let new = new.map(|NewImportBody(new)| new).unwrap_or_default();
        let made = engine.create_import(caller.actor(), new)?;
        Ok(answer(engine, caller.actor().workspace, &made)?.created(format!("/v1/imports/{}", made.value)))
    })
    .await
}

/// Read an import: what its file holds, how far it is, what came of it
#[utoipa::path(get, operation_id = "getImport", path = "/imports/{id}", tag = "Imports",
    params(("id" = u32, Path, description = "The import's id")),
    responses((status = 200, body = ImportAnswer)))]
pub async fn read(
    State(app): State<App>,
    caller: May<ImportContacts>,
    key: Key,
    query: QueryString,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let id = JobId(key.id()?);
    app.read(move |engine| {
        let ws = caller.actor().workspace;
        let version = engine.definitions(ws, None)?.version;
        answer(engine, ws, &Written { value: id, version })
    })
    .await
}

/// Dry run: say exactly what the run would do, without writing anything
#[utoipa::path(post, operation_id = "checkImport", path = "/imports/{id}/check", tag = "Imports", request_body = ImportOptionMembers,
    params(("id" = u32, Path, description = "The import's id")),
    responses((status = 200, body = ImportAnswer)))]
pub async fn check(
    State(app): State<App>,
    caller: May<ImportContacts>,
    key: Key,
    query: QueryString,
    JsonBody(OptionsBody(options)): JsonBody<OptionsBody>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let id = JobId(key.id()?);
    app.write(move |engine| {
        let begun = engine.check_import(caller.actor(), id, options)?;
        answer(engine, caller.actor().workspace, &begun)
    })
    .await
}

/// Start an import
#[utoipa::path(post, operation_id = "startImport", path = "/imports/{id}/start", tag = "Imports", request_body = ImportOptionMembers,
    params(("id" = u32, Path, description = "The import's id")),
    responses((status = 200, body = ImportAnswer)))]
pub async fn start(
    State(app): State<App>,
    caller: May<ImportContacts>,
    key: Key,
    query: QueryString,
    JsonBody(OptionsBody(options)): JsonBody<OptionsBody>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let id = JobId(key.id()?);
    app.write(move |engine| {
        let begun = engine.start_import(caller.actor(), id, options)?;
        answer(engine, caller.actor().workspace, &begun)
    })
    .await
}

/// Stop an import; contacts that were made or changed stay so
#[utoipa::path(post, operation_id = "cancelImport", path = "/imports/{id}/cancel", tag = "Imports",
    params(("id" = u32, Path, description = "The import's id")),
    responses((status = 200, body = ImportAnswer)))]
pub async fn cancel(
    State(app): State<App>,
    caller: May<ImportContacts>,
    key: Key,
    query: QueryString,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let id = JobId(key.id()?);
    app.write(move |engine| {
        let stopped = engine.cancel_import(caller.actor(), id)?;
        answer(engine, caller.actor().workspace, &stopped)
    })
    .await
}

/// The import as it stands.
///
/// # Errors
/// As [`Answer::ok`], and where it is gone.
pub(super) fn answer(engine: &Engine, ws: WorkspaceId, written: &Written<JobId>) -> Result<Answer, Problem> {
    let import = ImportBody::from(engine.import(ws, written.value)?);
    Answer::sized(written.version, &ImportAnswer { import, version: written.version }, 4096)
}
