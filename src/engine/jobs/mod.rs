//! Jobs: what goes on in the background, batch by batch. A job's record is written in the same batch as what it has done,
//! so that it goes on where it stood after a crash and does no item twice.

mod run;

pub use run::{Runner, Step, Workshop};

use super::txn::Txn;
use super::{Actor, Engine, Error, Result, Written};
use crate::contact::{Job, JobId, JobState, WorkspaceId};
use crate::store::{ActiveJob, Alarm, AlarmSet, SideRange};

/// Side records removed in one batch when a job is forgotten.
const FORGOTTEN_AT_ONCE: usize = 500;

impl Engine {
    /// The workspace's jobs, newest first.
    ///
    /// # Errors
    /// What the store reports.
    pub fn jobs(&self, ws: WorkspaceId) -> Result<Vec<Job>> {
        let mut jobs = self.shared.records.jobs(ws)?;
        jobs.reverse();
        Ok(jobs)
    }

    /// One job.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn job(&self, ws: WorkspaceId, id: JobId) -> Result<Job> {
        self.shared.records.side(ws, id)?.ok_or_else(|| absent(id))
    }

    /// Stops a job that is under way after the batch it is at; what was done stays. One that was only prepared is over too.
    ///
    /// # Errors
    /// [`Error::NotFound`]; `job_finished` where nothing is left to stop.
    pub fn cancel_job(&self, actor: &Actor, id: JobId) -> Result<Written<JobId>> {
        self.committer.write_as(actor, move |txn| {
            let mut job = stored(txn, id)?;
            if !matches!(job.state, JobState::Prepared | JobState::Running) {
                return Err(not_now("job_finished", format!("job {id} is not under way: it is {:?}", job.state)));
            }
            job.state = JobState::Cancelled;
            job.finished_at = Some(txn.now);
            save(txn, &job)?;
            Ok(id)
        })
    }
}

/// The job, as the batch has it.
///
/// # Errors
/// [`Error::NotFound`].
pub fn stored(txn: &Txn, id: JobId) -> Result<Job> {
    txn.side(id)?.ok_or_else(|| absent(id))
}

/// Stages the job's record, with its alarm and the mark by which it is found after a restart.
pub fn save(txn: &mut Txn, job: &Job) -> Result<()> {
    let (prepared, finished) = (txn.settings.receipt_kept_s as i64 * 1000, txn.settings.job_kept_s as i64 * 1000);
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
    txn.put_side(job.id, job);
    Ok(())
}

/// Removes a job with all it kept, in as many calls as it takes to get `true`. What it did stays.
pub fn forget(txn: &mut Txn, id: JobId) -> Result<bool> {
    if !txn.clear_sides(SideRange::PartsOf(id), FORGOTTEN_AT_ONCE)? {
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
