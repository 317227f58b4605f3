//! What happens by itself at a time: snoozes end, old jobs are forgotten. One thread knows only when the next alarm rings.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;

use super::jobs::{self, Workshop};
use super::txn::Txn;
use super::{Error, Result, checkpoint};
use crate::contact::{ContactId, Conversation, Millis};
use crate::store::{Alarm, AlarmSet};

/// How late an alarm may be noticed.
const ROUND: Duration = Duration::from_millis(200);
/// Alarms answered in one batch.
const RUNG_AT_ONCE: usize = 200;

/// The thread and its stop sign.
pub struct Alarms {
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Alarms {
    /// Starts the thread.
    pub fn start(workshop: Workshop) -> Result<Alarms> {
        let stop = Arc::new(AtomicBool::new(false));
        let sign = stop.clone();
        let work = move || {
            while !sign.load(Ordering::Relaxed) {
                match ring(&workshop) {
                    Ok(true) => {}
                    Ok(false) => std::thread::park_timeout(ROUND),
                    Err(error) => {
                        tracing::error!(%error, "an alarm could not be answered; it is tried again");
                        std::thread::park_timeout(ROUND * 25);
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("alarms".into()).spawn(work).map_err(checkpoint::io)?;
        Ok(Alarms { stop, thread: Mutex::new(Some(thread)) })
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

/// Answers the alarms that are due, of one workspace; whether there were any.
fn ring(workshop: &Workshop) -> Result<bool> {
    let shared = &workshop.shared;
    if shared.records.store().read_only().is_some() {
        return Ok(false);
    }
    let now = shared.clock.now();
    let next = shared.records.alarms(RUNG_AT_ONCE)?;
    let Some((_, ws, _)) = next.first().copied().filter(|(at, _, _)| *at <= now) else { return Ok(false) };
    let mut due: Vec<(Millis, Alarm)> =
        next.into_iter().filter(|(at, of, _)| *at <= now && *of == ws).map(|(at, _, alarm)| (at, alarm)).collect();
    // Forgetting a job is a batch's work of its own.
    let mut jobs = 0;
    due.retain(|(_, alarm)| match alarm {
        Alarm::Job(_) => {
            jobs += 1;
            jobs == 1
        }
        Alarm::Snooze(_) => true,
    });
    match workshop.committer.write(ws, move |txn| due.into_iter().try_for_each(|(at, alarm)| answer(txn, at, alarm))) {
        // Deleted a moment ago, its alarms with it.
        Err(Error::NotFound { .. } | Error::Closing) => Ok(false),
        other => other.map(|_| true),
    }
}

fn answer(txn: &mut Txn, at: Millis, alarm: Alarm) -> Result<()> {
    match alarm {
        Alarm::Snooze(contact) => end_snooze(txn, contact, at),
        Alarm::Job(job) => {
            if jobs::forget(txn, job)? {
                txn.delete_side::<AlarmSet>((at, alarm));
            }
            Ok(())
        }
    }
}

/// Opens the conversation again. The alarm goes with the contact's old state.
fn end_snooze(txn: &mut Txn, id: ContactId, at: Millis) -> Result<()> {
    let Some(before) = txn.contact(id)?.filter(|contact| contact.snooze_end() == Some(at)) else { return Ok(()) };
    let mut contact = (*before).clone();
    contact.conversation = Conversation::Open;
    contact.snoozed_until = None;
    contact.conversation_opened_at = contact.conversation_opened_at.max(Some(at));
    contact.updated_at = contact.updated_at.max(txn.now);
    txn.put(Some(before), contact).map(|_| ())
}
