//! `/v1/jobs`: what goes on in the background, whatever its kind: list, look, cancel, what failed, what an undo left.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::identifier::Key;
use super::problem::{Kind, Problem};
use super::query_string::QueryString;
use super::roles::{May, RunJobs};
use crate::contact::{Counts, Job, JobId, JobKind, JobState, Millis, Note, PartKind, Seq, time};
use crate::engine::{Engine, Written};

/// Jobs or items on a page: where a request names no limit, and at most.
const PAGE: (u64, u64) = (25, 100);

/// A job.
#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
#[serde(rename_all = "camelCase")]
pub struct JobBody {
    id: u32,
    /// `bulk` or `import`.
    #[schema(value_type = String)]
    kind: JobKind,
    /// `prepared`, `running`, `done`, `cancelled`, `failed`, `undoing` or `undone`.
    #[schema(value_type = String)]
    state: JobState,
    /// Who asked for it; null is the operator.
    user: Option<u32>,
    created_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    /// When a receipt can be applied no more, or a finished job is forgotten with what undoes it; null while it is under way.
    kept_until: Option<String>,
    /// What is to be done: of a bulk edit `action` and the query.
    #[schema(value_type = Object)]
    spec: Json,
    counts: CountsBody,
    /// How much is done, 0 to 100.
    percent: u64,
    /// How far its undo has come; null where there is none.
    undo: Option<UndoBody>,
    /// Why it failed.
    error: Option<String>,
}

/// How many items came to what.
#[derive(Serialize, ToSchema)]
pub struct CountsBody {
    total: u64,
    /// The sum of those below.
    done: u64,
    added: u64,
    changed: u64,
    unchanged: u64,
    deleted: u64,
    failed: u64,
}

/// An undo's contacts.
#[derive(Serialize, ToSchema)]
pub struct UndoBody {
    /// How many the edit had changed.
    total: u64,
    done: u64,
    /// As they were before.
    restored: u64,
    /// Changed by others since, or merged into another contact, and left so, at least in part.
    left: u64,
    /// Deleted since.
    gone: u64,
    percent: u64,
}

/// One job.
#[derive(Serialize, ToSchema)]
pub struct JobAnswer {
    pub job: JobBody,
    /// The workspace's version this answer reflects: what the job tells to be done is in it.
    #[schema(value_type = u64)]
    pub version: Seq,
}

/// Jobs, newest first.
#[derive(Serialize, ToSchema)]
pub struct JobsAnswer {
    items: Vec<JobBody>,
    /// What to send as `before` for older ones; null where there are none.
    next: Option<u32>,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// Items of a job that failed.
#[derive(Serialize, ToSchema)]
pub struct FailedAnswer {
    items: Vec<FailedBody>,
    /// How many failed; the first 100,000 of them are listed.
    total: u64,
    /// What to send as `after` for further ones; null where there are none.
    next: Option<u32>,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// One item that failed.
#[derive(Serialize, ToSchema)]
pub struct FailedBody {
    /// Of a bulk edit the contact's id.
    id: u32,
    /// A stable machine word: `not_found`, `conflict` …
    reason: String,
}

/// Contacts that an undo left as others made them.
#[derive(Serialize, ToSchema)]
pub struct LeftAnswer {
    items: Vec<LeftBody>,
    /// How many were left; the first 100,000 of them are listed.
    total: u64,
    /// What to send as `after` for further ones; null where there are none.
    next: Option<u32>,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// One contact that was left, at least in part.
#[derive(Serialize, ToSchema)]
pub struct LeftBody {
    id: u32,
    /// The members that were not restored: names of fields, slugs of custom ones.
    members: Vec<String>,
}

/// List the workspace's jobs, newest first
#[utoipa::path(get, operation_id = "listJobs", path = "/jobs", tag = "Jobs",
    params(("limit" = Option<u64>, Query, description = "1 to 100; 25 where absent"),
           ("before" = Option<u32>, Query, description = "`next` of the page before")),
    responses((status = 200, body = JobsAnswer)))]
pub async fn list(State(app): State<App>, caller: May<RunJobs>, query: QueryString) -> Result<Answer, Problem> {
    query.only(&["limit", "before"])?;
    let (limit, before) = (limit(&query)?, query.number("before")?.unwrap_or(u64::MAX));
    app.read(move |engine| {
        let Written { value: jobs, version } = engine.jobs(caller.actor().workspace)?;
        let mut jobs: Vec<&Job> = jobs.iter().filter(|job| u64::from(job.id.0) < before).take(limit + 1).collect();
        let more = jobs.len() > limit;
        jobs.truncate(limit);
        let next = jobs.last().filter(|_| more).map(|job| job.id.0);
        let items = jobs.into_iter().map(|job| body(job, engine)).collect();
        Answer::ok(version, &JobsAnswer { items, next, version })
    })
    .await
}

/// Look at a job: how far it has come
#[utoipa::path(get, operation_id = "getJob", path = "/jobs/{id}", tag = "Jobs", params(("id" = u32, Path)),
    responses((status = 200, body = JobAnswer)))]
pub async fn read(
    State(app): State<App>,
    caller: May<RunJobs>,
    key: Key,
    query: QueryString,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let id = JobId(key.id()?);
    app.read(move |engine| answer(engine, &caller, id)).await
}

/// Stop a job after the batch it is at; what was done stays
#[utoipa::path(post, operation_id = "cancelJob", path = "/jobs/{id}/cancel", tag = "Jobs", params(("id" = u32, Path)),
    responses((status = 200, body = JobAnswer)))]
pub async fn cancel(
    State(app): State<App>,
    caller: May<RunJobs>,
    key: Key,
    query: QueryString,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let id = JobId(key.id()?);
    app.write(move |engine| {
        engine.cancel_job(caller.actor(), id)?;
        answer(engine, &caller, id)
    })
    .await
}

/// List the items of a job that failed, with the reason of each
#[utoipa::path(get, operation_id = "listFailed", path = "/jobs/{id}/failed", tag = "Jobs",
    params(("id" = u32, Path), ("limit" = Option<u64>, Query, description = "1 to 100; 25 where absent"),
           ("after" = Option<u32>, Query, description = "`next` of the page before")),
    responses((status = 200, body = FailedAnswer)))]
pub async fn failed(
    State(app): State<App>,
    caller: May<RunJobs>,
    key: Key,
    query: QueryString,
) -> Result<Answer, Problem> {
    let page = Page::read(&key, &query)?;
    app.read(move |engine| {
        let (job, notes, next, version) = page.notes(engine, &caller, PartKind::Failed)?;
        let one = |note: Note| FailedBody { id: note.item, reason: note.words.into_iter().next().unwrap_or_default() };
        let items = notes.into_iter().map(one).collect();
        Answer::ok(version, &FailedAnswer { items, total: job.counts.failed, next, version })
    })
    .await
}

/// List the contacts that the undo of a job left as others made them
#[utoipa::path(get, operation_id = "listLeft", path = "/jobs/{id}/left", tag = "Jobs",
    params(("id" = u32, Path), ("limit" = Option<u64>, Query, description = "1 to 100; 25 where absent"),
           ("after" = Option<u32>, Query, description = "`next` of the page before")),
    responses((status = 200, body = LeftAnswer)))]
pub async fn left(
    State(app): State<App>,
    caller: May<RunJobs>,
    key: Key,
    query: QueryString,
) -> Result<Answer, Problem> {
    let page = Page::read(&key, &query)?;
    app.read(move |engine| {
        let (job, notes, next, version) = page.notes(engine, &caller, PartKind::Left)?;
        let items = notes.into_iter().map(|note| LeftBody { id: note.item, members: note.words }).collect();
        Answer::ok(version, &LeftAnswer { items, total: job.undo.unchanged, next, version })
    })
    .await
}

/// Which items of a job are asked for.
struct Page {
    id: JobId,
    after: u32,
    limit: usize,
}

impl Page {
    fn read(key: &Key, query: &QueryString) -> Result<Page, Problem> {
        query.only(&["limit", "after"])?;
        let after = query.number("after")?.unwrap_or(0);
        let after = u32::try_from(after).unwrap_or(u32::MAX);
        Ok(Page { id: JobId(key.id()?), after, limit: limit(query)? })
    }

    fn notes(
        &self,
        engine: &Engine,
        caller: &May<RunJobs>,
        kind: PartKind,
    ) -> Result<(Job, Vec<Note>, Option<u32>, Seq), Problem> {
        let workspace = caller.actor().workspace;
        let found = engine.job_notes(workspace, self.id, kind, self.after, self.limit + 1)?;
        let (job, mut notes) = found.value;
        let more = notes.len() > self.limit;
        notes.truncate(self.limit);
        let next = notes.last().filter(|_| more).map(|note| note.item);
        Ok((job, notes, next, found.version))
    }
}

fn limit(query: &QueryString) -> Result<usize, Problem> {
    match query.number("limit")?.unwrap_or(PAGE.0) {
        limit if (1..=PAGE.1).contains(&limit) => Ok(limit as usize),
        limit => {
            let detail = format!("the query parameter limit is 1 to {}, not {limit}", PAGE.1);
            Err(Problem::new(Kind::InvalidQuery, detail).code("invalid_parameter"))
        }
    }
}

/// The job as it stands now.
pub fn answer(engine: &Engine, caller: &May<RunJobs>, id: JobId) -> Result<Answer, Problem> {
    let Written { value: job, version } = engine.job(caller.actor().workspace, id)?;
    Answer::ok(version, &JobAnswer { job: body(&job, engine), version })
}

/// A job as it is answered.
pub fn body(job: &Job, engine: &Engine) -> JobBody {
    let settings = engine.settings();
    let kept = job.forgotten_at(settings.receipt_kept_s as i64 * 1000, settings.job_kept_s as i64 * 1000);
    let at = |at: Option<Millis>| at.map(time::rfc3339);
    let undone = matches!(job.state, JobState::Undoing | JobState::Undone) || job.undo != Counts::default();
    let Counts { total, done, added, changed, unchanged, deleted, failed } = job.counts;
    JobBody {
        id: job.id.0,
        kind: job.kind,
        state: job.state,
        user: job.user.map(|user| user.0),
        created_at: time::rfc3339(job.created_at),
        started_at: at(job.started_at),
        finished_at: at(job.finished_at),
        kept_until: at(kept),
        spec: serde_json::from_str(&job.spec).unwrap_or_default(),
        counts: CountsBody { total, done, added, changed, unchanged, deleted, failed },
        percent: percent(&job.counts, matches!(job.state, JobState::Done | JobState::Undoing | JobState::Undone)),
        undo: undone.then(|| UndoBody {
            total: job.undo.total,
            done: job.undo.done,
            restored: job.undo.changed,
            left: job.undo.unchanged,
            gone: job.undo.deleted,
            percent: percent(&job.undo, job.state == JobState::Undone),
        }),
        error: job.error.clone(),
    }
}

fn percent(counts: &Counts, is_over: bool) -> u64 {
    match counts.total {
        0 if is_over => 100,
        0 => 0,
        total => (counts.done * 100 / total).min(100),
    }
}
