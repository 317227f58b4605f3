//! Waiting for jobs, with a bound.

use std::time::{Duration, Instant};

use rollcall::contact::{Job, JobId, JobState, WorkspaceId};
use rollcall::engine::Engine;

/// How long a job may take.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Asks again until there is an answer.
#[track_caller]
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The job once nothing of it is under way any more.
#[track_caller]
pub fn over(engine: &Engine, ws: WorkspaceId, id: JobId) -> Job {
    until("the job's end", || {
        let job = engine.job(ws, id).expect("a job").value;
        (!job.state.is_active() && job.state != JobState::Prepared).then_some(job)
    })
}
