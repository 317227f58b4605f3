//! The background thread: text flushes and compactions, checkpoints, and putting idle workspaces to sleep.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;

use super::commit::Committer;
use super::shared::Shared;
use super::workspace::{Flushed, Workspace};
use super::{Result, Settings, checkpoint, flush};

/// How often it looks round.
const ROUND: Duration = Duration::from_millis(200);
/// Each unflushed row costs every search some 40 ns; a flush takes a tenth of a second, with merges seconds. So there is one of that
/// share of the rows that make one due at once, where it was so many times as long ago as it took.
const EARLY: u64 = 20;
const REST: u64 = 50;

/// The thread and its stop sign.
pub struct Upkeep {
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Upkeep {
    /// Starts the thread.
    pub fn start(shared: Arc<Shared>, committer: Arc<Committer>) -> std::io::Result<Upkeep> {
        let stop = Arc::new(AtomicBool::new(false));
        let sign = stop.clone();
        let thread = std::thread::Builder::new().name("upkeep".into()).spawn(move || {
            while !sign.load(Ordering::Relaxed) {
                round(&shared, &committer);
                std::thread::park_timeout(ROUND);
            }
        })?;
        Ok(Upkeep { stop, thread: Mutex::new(Some(thread)) })
    }

    /// Ends the thread after what it is doing.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.lock().take() {
            thread.thread().unpark();
            drop(thread.join());
        }
    }
}

fn round(shared: &Arc<Shared>, committer: &Committer) {
    let mut awake = shared.all_awake();
    for workspace in &awake {
        report(workspace, "text flush", flush_if_due(shared, workspace));
        report(workspace, "checkpoint", checkpoint_if_due(shared, committer, workspace));
    }
    awake.sort_by_key(|workspace| workspace.used_at.load(Ordering::Relaxed));
    let now = shared.clock.now();
    let idle = |workspace: &Workspace| now - workspace.used_at.load(Ordering::Relaxed);
    let round = ROUND.as_millis() as i64;
    // Measuring walks every structure of an index: not where nobody may be put to sleep anyway.
    let sleep_after = shared.settings.sleep_after_s as i64 * 1000;
    if awake.iter().all(|workspace| idle(workspace) <= round && idle(workspace) < sleep_after) {
        return;
    }
    let sizes: Vec<u64> = awake.iter().map(|workspace| memory(workspace)).collect();
    let mut bytes: u64 = sizes.iter().sum();
    for (workspace, size) in awake.into_iter().zip(sizes) {
        let over = bytes > shared.settings.awake_bytes_max;
        let is_exported = shared.snapshots.is_live(workspace.id);
        if !is_exported && (idle(&workspace) >= sleep_after || (over && idle(&workspace) > round)) {
            bytes -= size;
            let slept = sleep(shared, committer, workspace.clone());
            report(&workspace, "putting to sleep", slept);
        }
    }
}

fn memory(workspace: &Workspace) -> u64 {
    workspace.state.read().index.memory().iter().map(|(_, bytes)| *bytes as u64).sum()
}

fn report(workspace: &Workspace, what: &str, result: Result<()>) {
    if let Err(error) = result {
        tracing::error!(workspace = workspace.id.0, %error, "{what} failed");
    }
}

fn flush_if_due(shared: &Shared, workspace: &Workspace) -> Result<()> {
    let (contacts, unflushed) = {
        let state = workspace.state.read();
        (state.head.contacts, state.index.unflushed().len())
    };
    let large = contacts >= shared.settings.text_index_contacts_min as u64;
    let (due, rested) = {
        let last = workspace.flushed.lock();
        (due_from(&shared.settings, &last), is_rested(&shared.settings, &last))
    };
    match large {
        true if unflushed >= due => flush::flush(shared, workspace),
        true if rested && is_scattered(workspace) => flush::compact(workspace),
        _ => Ok(()),
    }
}

fn is_scattered(workspace: &Workspace) -> bool {
    let grams = workspace.state.read().grams.clone();
    grams.is_some_and(|grams| grams.is_scattered())
}

fn is_rested(settings: &Settings, last: &Flushed) -> bool {
    let rest = settings.text_flush_rest_s.saturating_mul(1_000_000).max(last.took_micros.saturating_mul(REST));
    last.since.micros() >= rest
}

/// From so many unflushed rows on a flush is due.
fn due_from(settings: &Settings, last: &Flushed) -> u64 {
    let many = settings.text_flush_rows as u64;
    match is_rested(settings, last) {
        true => (many / EARLY).max(1),
        // What failed is not tried again at once.
        false if last.failed => u64::MAX,
        false => many,
    }
}

fn checkpoint_if_due(shared: &Arc<Shared>, committer: &Committer, workspace: &Arc<Workspace>) -> Result<()> {
    let head = workspace.state.read().head;
    let since = head.seq.0.saturating_sub(workspace.checkpointed.load(Ordering::SeqCst));
    if head.contacts < shared.settings.checkpoint_contacts_min || since < shared.settings.checkpoint_changes {
        return Ok(());
    }
    checkpoint::write(shared, workspace)?;
    let (shared, workspace) = (shared.clone(), workspace.clone());
    committer.alone(move || checkpoint::trim_log(&shared, &workspace))?
}

/// Writes what a quick awakening needs and lets the workspace go.
fn sleep(shared: &Arc<Shared>, committer: &Committer, workspace: Arc<Workspace>) -> Result<()> {
    settle(shared, &workspace)?;
    let shared = shared.clone();
    committer.alone(move || {
        // Once the store takes no writes it may show one that was never acknowledged: awake it stays hidden.
        if !workspace.is_retired() && shared.records.store().read_only().is_none() {
            settle(&shared, &workspace)?;
            shared.forget(&workspace);
        }
        Ok(())
    })?
}

/// A checkpoint, where the workspace is large enough to gain by it.
pub fn settle(shared: &Shared, workspace: &Workspace) -> Result<()> {
    let large = workspace.state.read().head.contacts >= shared.settings.checkpoint_contacts_min;
    if large { checkpoint::write(shared, workspace) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stopwatch;
    use crate::config::Config;

    #[test]
    fn a_flush_is_due_of_many_rows_or_of_some_after_a_rest() {
        let mut settings = Config::defaults().expect("the compiled-in defaults are sound").engine;
        (settings.text_flush_rows, settings.text_flush_rest_s) = (20_000, 0);
        let last = |took_micros, failed| Flushed { since: Stopwatch::start(), took_micros, failed };
        assert_eq!(due_from(&settings, &last(0, false)), 1000);
        assert_eq!(due_from(&settings, &last(0, true)), 1000);
        assert_eq!(due_from(&settings, &last(u64::MAX, false)), 20_000);
        assert_eq!(due_from(&settings, &last(u64::MAX, true)), u64::MAX);
        settings.text_flush_rest_s = u64::MAX;
        assert_eq!(due_from(&settings, &last(0, false)), 20_000);
        // Nothing is flushed where there is nothing.
        (settings.text_flush_rows, settings.text_flush_rest_s) = (1, 0);
        assert_eq!(due_from(&settings, &last(0, false)), 1);
    }
}
