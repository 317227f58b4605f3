//! Jobs: what goes on in the background, batch by batch. A job's record is written in the same batch as what it has done,
//! so that it goes on where it stood after a crash and does no item twice.
//!
//! A bulk edit begins as a receipt (`receipt.rs`): the contacts that the query finds, and what would become of them. It is
//! applied (`apply.rs`) only if the query still finds exactly these, done (`bulk.rs`) in ascending order of ids, and may be
//! undone (`undo.rs`). Jobs are not part of backups: a restored server has the contacts as they were, none under way, and
//! no receipts.

mod apply;
mod bulk;
mod members;
mod notes;
mod outlook;
mod receipt;
mod run;
mod undo;

pub use apply::Confirmation;
pub use receipt::{FacetOutlook, Receipt};
pub use run::{Runner, Step, Workshop};

use std::time::Duration;

use serde_json::json;

use super::txn::Txn;
use super::{Actor, Engine, Error, Result, Written, import};
use crate::contact::{Job, JobId, JobKind, JobState, Note, PartKind, Seq, WorkspaceId};
use crate::store::{ActiveJob, Alarm, AlarmSet, SideRange};

/// Side records removed in one batch when a job is forgotten.
const FORGOTTEN_AT_ONCE: usize = 1000;
/// Longer than a batch that is durable takes to be published.
const PUBLISHED: Duration = Duration::from_secs(10);

impl Engine {
    /// The workspace's jobs, newest first.
    ///
    /// # Errors
    /// What the store reports.
    pub fn jobs(&self, ws: WorkspaceId) -> Result<Written<Vec<Job>>> {
        let mut jobs = self.shared.records.jobs(ws)?;
        jobs.retain(|job| job.forgotten.is_none());
        jobs.reverse();
        let version = self.published(ws, jobs.iter().filter_map(|job| job.version).max())?;
        Ok(Written { value: jobs, version })
    }

    /// One job. What it tells to be done is in every query by now.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn job(&self, ws: WorkspaceId, id: JobId) -> Result<Written<Job>> {
        let job: Option<Job> = self.shared.records.side(ws, id)?;
        let job = job.filter(|job| job.forgotten.is_none()).ok_or_else(|| absent(id))?;
        let version = self.published(ws, job.version)?;
        Ok(Written { value: job, version })
    }

    /// Waits until queries show what a record tells: it reaches the store a moment before the contacts reach the index. The
    /// version now.
    fn published(&self, ws: WorkspaceId, told: Option<Seq>) -> Result<Seq> {
        loop {
            let workspace = self.shared.awake(ws)?;
            match workspace.wait_for(told, PUBLISHED) {
                Ok(()) => return Ok(workspace.state.read().head.seq),
                Err(_) if workspace.is_retired() => {}
                Err(late) => return Err(late),
            }
        }
    }

    /// Whether the job is a bulk edit that deletes contacts.
    pub fn job_deletes(job: &Job) -> bool {
        job.kind == JobKind::Bulk && bulk::Spec::of(job).is_ok_and(|spec| spec.deletes())
    }

    /// Up to `limit` of the items of a job that failed ([`PartKind::Failed`]) or that its undo left ([`PartKind::Left`]),
    /// above item `after`, ascending.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn job_notes(
        &self,
        ws: WorkspaceId,
        id: JobId,
        kind: PartKind,
        after: u32,
        limit: usize,
    ) -> Result<Written<(Job, Vec<Note>)>> {
        let Written { value: job, version } = self.job(ws, id)?;
        if job.kind != JobKind::Bulk {
            return Err(not_now("is_an_import", format!("job {id} is an import: its failed rows are in its result")));
        }
        let notes = notes::page(&self.shared.records, ws, id, kind, after, limit)?;
        Ok(Written { value: (job, notes), version })
    }

    /// Stops a job that is under way after the batch it is at; what was done stays. One that was only prepared is over too.
    ///
    /// # Errors
    /// [`Error::NotFound`]; `job_finished` where nothing is left to stop, `job_state` of an undo, which runs to its end.
    pub fn cancel_job(&self, actor: &Actor, id: JobId) -> Result<Written<JobId>> {
        let written = self.committer.write_as(actor, move |txn| {
            let mut job = stored(txn, id)?;
            match job.state {
                JobState::Prepared | JobState::Running => {}
                JobState::Undoing => return Err(in_state("job_state", &job, "its undo runs to its end")),
                _ => return Err(in_state("job_finished", &job, "there is nothing to stop")),
            }
            job.state = JobState::Cancelled;
            job.finished_at = Some(txn.now);
            save(txn, &job)?;
            if job.kind == JobKind::Import {
                // It still has its file to remove, after a restart too.
                txn.put_side(id, &ActiveJob::default());
            }
            Ok(id)
        })?;
        // An import still has its file to remove.
        self.jobs.push(actor.workspace, id);
        Ok(written)
    }
}

/// The job, as the batch has it.
///
/// # Errors
/// [`Error::NotFound`].
pub fn stored(txn: &Txn, id: JobId) -> Result<Job> {
    let job: Option<Job> = txn.side(id)?;
    job.filter(|job| job.forgotten.is_none()).ok_or_else(|| absent(id))
}

/// Refuses one more job under way than the workspace may have.
///
/// # Errors
/// [`Error::Limit`].
pub fn refuse_crowd(txn: &Txn) -> Result<()> {
    let limit = txn.settings.jobs_max;
    match txn.jobs()?.iter().filter(|job| job.state.is_active()).count() {
        under_way if under_way < limit => Ok(()),
        _ => Err(Error::Limit { what: "the number of jobs of a workspace under way at the same time", limit }),
    }
}

/// Refuses one more job that waits to be started on than the workspace may have.
///
/// # Errors
/// [`Error::Limit`].
pub fn refuse_receipts(txn: &Txn) -> Result<()> {
    let limit = txn.settings.receipts_max;
    match txn.jobs()?.iter().filter(|job| job.state == JobState::Prepared).count() {
        waiting if waiting < limit => Ok(()),
        _ => Err(Error::Limit {
            what: "the number of receipts and uploads of a workspace that wait to be started",
            limit,
        }),
    }
}

/// Stages the job's record, with its alarm and the mark by which it is found after a restart. Call it when all else of the
/// operation is staged: the record names the version that shows it.
pub fn save(txn: &mut Txn, job: &Job) -> Result<()> {
    let (prepared, finished) = kept(txn);
    let before: Option<Job> = txn.side(job.id)?;
    let alarm = |job: &Job| job.forgotten_at(prepared, finished).map(|at| (at, Alarm::Job(job.id)));
    if let Some(at) = before.as_ref().and_then(alarm) {
        txn.delete_side::<AlarmSet>(at);
    }
    if let Some(at) = alarm(job) {
        txn.put_side(at, &AlarmSet::default());
    }
    match job.state.is_active() {
        true => txn.put_side(job.id, &ActiveJob::default()),
        false => txn.delete_side::<ActiveJob>(job.id),
    }
    let mut job = Job { version: Some(txn.version()), ..job.clone() };
    import::forget_values(&mut job);
    txn.put_side(job.id, &job);
    Ok(())
}

/// How long, in milliseconds, a prepared and a finished job are kept.
fn kept(txn: &Txn) -> (i64, i64) {
    (txn.settings.receipt_kept_s as i64 * 1000, txn.settings.job_kept_s as i64 * 1000)
}

/// Removes a job with all it kept, in as many calls as it takes to get `true`. What it did stays. Nothing is removed of a
/// job that is not due.
pub fn forget(txn: &mut Txn, id: JobId) -> Result<bool> {
    let Some(mut job): Option<Job> = txn.side(id)? else { return Ok(true) };
    let (prepared, finished) = kept(txn);
    let at = job.forgotten_at(prepared, finished);
    if job.forgotten.is_none() && at.is_none_or(|at| at > txn.now) {
        // Set for then already, but where jobs are kept longer than when its alarm was set.
        at.into_iter().for_each(|at| txn.put_side((at, Alarm::Job(id)), &AlarmSet::default()));
        return Ok(true);
    }
    if job.kind == JobKind::Bulk && undo::forget(txn, &mut job, FORGOTTEN_AT_ONCE)? {
        txn.put_side(id, &job);
        return Ok(false);
    }
    if !txn.clear_sides(SideRange::PartsOf(id), FORGOTTEN_AT_ONCE)? {
        job.forgotten.get_or_insert(0);
        txn.put_side(id, &job);
        return Ok(false);
    }
    txn.delete_side::<Job>(id);
    txn.delete_side::<ActiveJob>(id);
    Ok(true)
}

/// There is no such job.
pub fn absent(id: JobId) -> Error {
    Error::NotFound { what: "job", name: id.to_string() }
}

/// It cannot be done as things stand.
pub fn not_now(code: &'static str, message: String) -> Error {
    Error::State { code, message, details: None }
}

/// The same of a job, with how it stands in the details.
fn in_state(code: &'static str, job: &Job, why: &str) -> Error {
    let state = job.state.name();
    let details = Some(Box::new(json!({"state": state})));
    Error::State { code, message: format!("job {} is {state}: {why}", job.id), details }
}
