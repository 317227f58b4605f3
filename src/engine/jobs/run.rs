//! The thread that carries jobs on, one batch of each in turn.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::bulk::{self, Paces};
use super::{save, stored};
use crate::clock::Stopwatch;
use crate::contact::{Job, JobId, JobKind, JobState, WorkspaceId};
use crate::engine::commit::Committer;
use crate::engine::import;
use crate::engine::shared::Shared;
use crate::engine::{Error, Result};

/// How long it waits where nothing is to do.
const IDLE: Duration = Duration::from_millis(500);
/// After each batch it rests so many times as long as the batch took: searches and other writes come first.
const REST: u32 = 1;

/// What a step of a job works with.
#[derive(Clone)]
pub struct Workshop {
    pub shared: Arc<Shared>,
    pub committer: Arc<Committer>,
    pub paces: Arc<Paces>,
}

impl Workshop {
    /// Of an engine's parts.
    pub fn new(shared: Arc<Shared>, committer: Arc<Committer>) -> Workshop {
        Workshop { shared, committer, paces: Arc::default() }
    }
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do.
    More,
    /// The job's record says what became of it.
    Over,
}

/// Jobs under way, and the signal that there is one more.
#[derive(Default)]
pub struct Line {
    jobs: Mutex<VecDeque<(WorkspaceId, JobId)>>,
    arrived: Condvar,
}

impl Line {
    /// Puts a job in line; one that is there already stays where it is.
    pub fn push(&self, ws: WorkspaceId, job: JobId) {
        let mut jobs = self.jobs.lock();
        if !jobs.contains(&(ws, job)) {
            jobs.push_back((ws, job));
        }
        self.arrived.notify_one();
    }

    fn next(&self) -> Option<(WorkspaceId, JobId)> {
        let mut jobs = self.jobs.lock();
        if jobs.is_empty() {
            self.arrived.wait_for(&mut jobs, IDLE);
        }
        jobs.pop_front()
    }
}

/// The thread, its stop sign, and the line it takes from.
pub struct Runner {
    line: Arc<Line>,
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Runner {
    /// Starts the thread with the jobs that a restart interrupted.
    pub fn start(workshop: Workshop) -> Result<Runner> {
        let line = Arc::new(Line::default());
        for (ws, job) in workshop.shared.records.active_jobs()? {
            line.push(ws, job);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (own, sign) = (line.clone(), stop.clone());
        let work = move || {
            while !sign.load(Ordering::Relaxed) {
                let Some((ws, job)) = own.next() else { continue };
                let watch = Stopwatch::start();
                let step = unbroken(|| carry_on(&workshop, ws, job));
                match step.unwrap_or_else(|broken| end(&workshop, ws, job, &broken)) {
                    Step::More => own.push(ws, job),
                    Step::Over => workshop.paces.forget(ws, job),
                }
                std::thread::park_timeout(Duration::from_micros(watch.micros()) * REST);
            }
        };
        let thread =
            std::thread::Builder::new().name("jobs".into()).spawn(work).map_err(crate::engine::checkpoint::io)?;
        Ok(Runner { line, stop, thread: Mutex::new(Some(thread)) })
    }

    /// Puts a job in line that was made active.
    pub fn push(&self, ws: WorkspaceId, job: JobId) {
        self.line.push(ws, job);
    }

    /// Ends the thread after the batch it is at.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.line.arrived.notify_all();
        if let Some(thread) = self.thread.lock().take() {
            thread.thread().unpark();
            drop(thread.join());
        }
    }
}

/// The step, or an error where it panicked: that ends its job, not those of everybody. What it panicked with may hold a
/// contact's values and is not told.
fn unbroken(step: impl FnOnce() -> Step) -> Result<Step> {
    catch_unwind(AssertUnwindSafe(step))
        .map_err(|_| Error::Io("the job met a fault in the program and was ended".into()))
}

/// One batch of the job.
fn carry_on(workshop: &Workshop, ws: WorkspaceId, id: JobId) -> Step {
    let job: Option<Job> = match workshop.shared.records.side(ws, id) {
        Ok(job) => job,
        Err(error) => return end(workshop, ws, id, &error.into()),
    };
    let Some(job) = job else {
        workshop.shared.imports.forget(ws, id);
        return Step::Over;
    };
    if !job.state.is_active() {
        let left = if job.kind == JobKind::Import { import::clear_after(workshop, ws, &job) } else { Ok(Step::Over) };
        return left.unwrap_or(Step::Over);
    }
    let step = match job.kind {
        JobKind::Bulk => bulk::step(workshop, ws, &job),
        JobKind::Import => import::step(workshop, ws, &job),
    };
    match step {
        Ok(step) => step,
        // It goes on at the next start.
        Err(Error::Closing) => Step::Over,
        // Deleted meanwhile, with all its jobs.
        Err(Error::NotFound { what: "workspace", .. }) => Step::Over,
        Err(error) => end(workshop, ws, id, &error),
    }
}

/// Notes that an error ended the job. Where not even that can be written, it goes on at the next start.
fn end(workshop: &Workshop, ws: WorkspaceId, id: JobId, error: &Error) -> Step {
    tracing::error!(workspace = ws.0, job = id.0, %error, "a job failed");
    let why = error.to_string();
    let ended = workshop.committer.write(ws, move |txn| {
        let mut job = stored(txn, id)?;
        job.state = JobState::Failed;
        job.finished_at = Some(txn.now);
        job.error = Some(why);
        save(txn, &job)
    });
    if let Err(error) = ended {
        tracing::error!(workspace = ws.0, job = id.0, %error, "a job's failure could not be noted");
    }
    Step::Over
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_one_job() {
        assert!(matches!(unbroken(|| Step::More), Ok(Step::More)));
        let broken = unbroken(|| panic!("ana@example.org")).expect_err("it panicked").to_string();
        assert!(broken.contains("fault") && !broken.contains("ana"), "{broken}");
    }
}
