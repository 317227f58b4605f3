//! What happens by itself at a time: snoozes end, old jobs are forgotten. One thread compares the clock with the time of the
//! next alarm, which lies in memory ([`Shared::next_alarm`]); the store is read only when that time has come.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;

use super::jobs::{self, Workshop};
use super::shared::Shared;
use super::txn::Txn;
use super::{Error, Result, checkpoint};
use crate::contact::{Contact, ContactId, Conversation, Millis, WorkspaceId};
use crate::store::{Alarm, AlarmSet, StoreError};

/// How late an alarm may be noticed.
const ROUND: Duration = Duration::from_millis(200);
/// Alarms answered in one batch.
const RUNG_AT_ONCE: usize = 200;
/// Rounds until a workspace whose alarms could not be answered is tried again: at first, and at most.
const HELD_ROUNDS: (u64, u64) = (25, 1500);

impl Shared {
    /// Notes that an alarm was set; called once it is durable.
    pub fn note_alarm(&self, at: Millis) {
        self.next_alarm.fetch_min(at, Ordering::SeqCst);
    }
}

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
        let mut ringer = Ringer { workshop, round: 0, held: HashMap::new() };
        let work = move || {
            while !sign.load(Ordering::Relaxed) {
                if let Some(wait) = ringer.round() {
                    std::thread::park_timeout(wait);
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

/// What rings at once: alarms of one workspace.
type Due = (WorkspaceId, Vec<(Millis, Alarm)>);

struct Ringer {
    workshop: Workshop,
    round: u64,
    /// Workspaces whose alarms could not be answered: in which round they are tried again, and how long they were held. One
    /// that cannot wake must not keep the alarms of all others from ringing.
    held: HashMap<WorkspaceId, (u64, u64)>,
}

impl Ringer {
    /// Answers what is due. Returns how long to wait where there is no more.
    fn round(&mut self) -> Option<Duration> {
        self.round += 1;
        let shared = &self.workshop.shared;
        if self.held.values().any(|(again, _)| *again == self.round) {
            shared.note_alarm(Millis::MIN);
        }
        let now = shared.clock.now();
        if shared.next_alarm.load(Ordering::SeqCst) > now || shared.records.store().read_only().is_some() {
            return Some(ROUND);
        }
        // From here on each commit lowers it again, so that an alarm set while the store is read is not forgotten.
        shared.next_alarm.store(Millis::MAX, Ordering::SeqCst);
        match self.due(now) {
            Ok(None) => Some(ROUND),
            Ok(Some(due)) => self.ring(due),
            Err(error) => {
                tracing::error!(%error, "the alarms could not be read; it is tried again");
                self.workshop.shared.note_alarm(Millis::MIN);
                Some(ROUND * 25)
            }
        }
    }

    /// Up to [`RUNG_AT_ONCE`] alarms of the first workspace that has one due and is not held. Notes when the next one rings.
    fn due(&self, now: Millis) -> Result<Option<Due>> {
        let shared = &self.workshop.shared;
        let held = |ws: &WorkspaceId| self.held.get(ws).is_some_and(|(again, _)| *again > self.round);
        let (mut after, mut due): (_, Option<Due>) = (None, None);
        loop {
            let page = shared.records.alarms(after, RUNG_AT_ONCE)?;
            let Some(last) = page.last().copied() else { return Ok(due) };
            after = Some(last);
            for (at, ws, alarm) in page {
                if at > now {
                    shared.note_alarm(at);
                    return Ok(due);
                }
                if held(&ws) {
                    continue;
                }
                let (of, alarms) = due.get_or_insert_with(|| (ws, Vec::new()));
                // Forgetting a job is a batch's work of its own.
                let is_job = |alarm: &Alarm| matches!(alarm, Alarm::Job(_));
                let crowded = is_job(&alarm) && alarms.iter().any(|(_, other)| is_job(other));
                if *of == ws && !crowded {
                    alarms.push((at, alarm));
                }
            }
            if due.is_some() {
                return Ok(due);
            }
        }
    }

    fn ring(&mut self, (ws, due): Due) -> Option<Duration> {
        let answer = move |txn: &mut Txn| due.into_iter().try_for_each(|(at, alarm)| answer(txn, at, alarm));
        let answered = self.workshop.committer.write(ws, answer);
        self.workshop.shared.note_alarm(Millis::MIN);
        match answered {
            Ok(_) => drop(self.held.remove(&ws)),
            Err(Error::Closing | Error::Store(StoreError::ReadOnly(_))) => return Some(ROUND),
            Err(error) => {
                // Those of a workspace that is being deleted go with it.
                if !matches!(error, Error::NotFound { what: "workspace", .. }) {
                    tracing::error!(workspace = ws.0, %error, "alarms could not be answered; it is tried again");
                }
                let rounds = self.held.get(&ws).map_or(HELD_ROUNDS.0, |(_, before)| HELD_ROUNDS.1.min(before * 2));
                self.held.insert(ws, (self.round + rounds, rounds));
            }
        }
        None
    }
}

fn answer(txn: &mut Txn, at: Millis, alarm: Alarm) -> Result<()> {
    match alarm {
        Alarm::Snooze(contact) => end_snooze(txn, contact, at),
        Alarm::Job(job) => {
            // A job that was begun in this very batch took its alarm away.
            if txn.side::<AlarmSet>((at, alarm))?.is_some() && jobs::forget(txn, job)? {
                txn.delete_side::<AlarmSet>((at, alarm));
            }
            Ok(())
        }
    }
}

/// Opens the conversation again. The alarm goes with the contact's old state.
fn end_snooze(txn: &mut Txn, id: ContactId, at: Millis) -> Result<()> {
    let rings = |contact: &Contact| contact.snooze_end() == Some(at);
    let Some(before) = txn.contact(id)?.filter(|contact| rings(contact)) else {
        // Changed in this batch, the alarm goes along with the state that had it. One that no state has would ring for ever.
        if !txn.records().contact(txn.workspace(), id)?.as_ref().is_some_and(rings) {
            txn.delete_side::<AlarmSet>((at, Alarm::Snooze(id)));
        }
        return Ok(());
    };
    let mut contact = (*before).clone();
    contact.conversation = Conversation::Open;
    contact.snoozed_until = None;
    contact.note_opened(&before, at);
    contact.updated_at = contact.updated_at.max(txn.now);
    txn.put(Some(before), contact).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::Config;
    use crate::contact::{Job, JobId, JobKind, JobState, Part, PartKind, Undo};
    use crate::engine::{Engine, NewWorkspace};
    use crate::index::RowSet;
    use crate::store::MemoryStore;

    fn job(id: u32) -> Job {
        Job::new(JobId(id), JobKind::Bulk, JobState::Prepared, None, 0)
    }

    fn engine() -> (Arc<Engine>, WorkspaceId) {
        let settings = Config::defaults().expect("the compiled-in defaults are sound").engine;
        let engine = Engine::open(Arc::new(MemoryStore::default()), None, settings, Clock::fixed(0)).expect("opens");
        let new =
            NewWorkspace { name: "one".into(), default_country: None, timezone: "UTC".into(), locale: "en".into() };
        let ws = engine.create_workspace(new).expect("a workspace").id;
        (engine, ws)
    }

    fn is_gone(engine: &Engine, ws: WorkspaceId, job: u32) -> bool {
        (0..6000).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            engine.shared.records.side::<Job>(ws, JobId(job)).expect("read").is_none()
        })
    }

    #[test]
    fn a_job_is_forgotten_at_its_time_unless_it_was_begun_meanwhile() {
        let (engine, ws) = engine();
        let kept = engine.settings().receipt_kept_s as Millis * 1000;
        let save = |job: Job| engine.committer.write(ws, move |txn| jobs::save(txn, &job)).expect("saved");
        save(job(1));
        save(job(2));
        save(Job { state: JobState::Running, ..job(2) });
        // As the thread answers it that read the alarm a moment before the job was begun.
        let late = engine.committer.write(ws, move |txn| answer(txn, kept, Alarm::Job(JobId(2))));
        late.expect("answered");
        assert!(engine.job(ws, JobId(2)).is_ok());
        engine.clock().set(kept);
        assert!(is_gone(&engine, ws, 1) && engine.job(ws, JobId(2)).is_ok());
    }

    #[test]
    fn a_job_is_forgotten_whatever_it_kept() {
        let (engine, ws) = engine();
        let made = engine.committer.write(ws, move |txn| {
            let (rows, mut ids) = (RowSet::from_iter(1..=2500), Vec::new());
            rows.write(&mut ids);
            txn.put_side((JobId(1), PartKind::Ids, 0), &Part { bytes: ids });
            for row in 1..=2500 {
                txn.put_side((ContactId(row), JobId(1)), &Undo { before: "{}".into(), after: "{}".into() });
                txn.put_side((JobId(1), PartKind::Failed, row), &Part { bytes: Vec::new() });
            }
            let mut job = Job { state: JobState::Done, finished_at: Some(0), ..job(1) };
            job.counts.changed = 2500;
            jobs::save(txn, &job)
        });
        made.expect("saved");
        engine.clock().set(engine.settings().job_kept_s as Millis * 1000);
        assert!(is_gone(&engine, ws, 1));
        let records = &engine.shared.records;
        assert!(records.parts(ws, JobId(1), PartKind::Failed, 0, 9).expect("read").is_empty());
        let undo = |row| records.side::<Undo>(ws, (ContactId(row), JobId(1))).expect("read");
        assert!((1..=2500).all(|row| undo(row).is_none()));
        assert!(records.alarms(None, 9).expect("read").is_empty());
    }

    #[test]
    fn a_job_that_is_kept_longer_than_when_its_alarm_was_set_is_forgotten_then() {
        let (engine, ws) = engine();
        let kept = engine.settings().receipt_kept_s as Millis * 1000;
        let set = engine.committer.write(ws, move |txn| {
            jobs::save(txn, &job(1))?;
            txn.delete_side::<AlarmSet>((kept, Alarm::Job(JobId(1))));
            txn.put_side((5, Alarm::Job(JobId(1))), &AlarmSet::default());
            Ok(())
        });
        set.expect("saved");
        let alarms = || engine.shared.records.alarms(None, 9).expect("read");
        engine.clock().set(5);
        let rung = (0..6000).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            alarms() == [(kept, ws, Alarm::Job(JobId(1)))]
        });
        assert!(rung && engine.job(ws, JobId(1)).is_ok());
        engine.clock().set(kept);
        assert!(is_gone(&engine, ws, 1) && alarms().is_empty());
    }
}
