//! The committer, through which every write goes: one batch at a time is made durable, published to the indexes, then answered.
//! Nothing is visible before it is durable, nothing is answered before it is visible. Its thread drains what waits; a write that
//! comes when nothing is under way is a batch of its own, on the thread that asks: two changes of threads cost it half as much again.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::once::{self, Outcome};
use super::shared::Shared;
use super::staged::{Sources, Staged, told};
use super::txn::Txn;
use super::{Actor, Error, Result, Written};
use crate::contact::{Seq, WorkspaceId};
use crate::store::{StoreError, TokenRecord, Writes};

/// Answers the caller once the batch's fate is known.
type Answer = Box<dyn FnOnce(std::result::Result<(), &StoreError>) + Send>;
/// Runs in the committer.
type Operation = Box<dyn FnOnce(&mut Batch) -> Answer + Send>;

enum Job {
    Write(Operation),
    /// Runs between batches, when no write is under way.
    Alone(Box<dyn FnOnce() + Send>),
}

#[derive(Default)]
struct Turn {
    /// A batch was begun and did not come to its end. After a defect what is durable may not be visible: no more writes are taken.
    unfinished: bool,
}

/// Who writes, and who waits for it.
#[derive(Default)]
struct Line {
    /// Held while a batch is under way.
    turn: Mutex<Turn>,
    /// Jobs in the queue. While there are any nobody goes before them: a writer in a loop would, every time.
    waiting: AtomicUsize,
}

/// Takes every write, on the thread that asks or on its own.
pub struct Committer {
    shared: Arc<Shared>,
    line: Arc<Line>,
    queue: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Committer {
    /// Starts the thread.
    pub fn start(shared: Arc<Shared>) -> std::io::Result<Committer> {
        let (queue, jobs) = sync_channel(shared.settings.queue_max.max(1));
        let line = Arc::new(Line::default());
        let own = (shared.clone(), line.clone());
        let thread = std::thread::Builder::new().name("committer".into()).spawn(move || run(&own.0, &own.1, &jobs))?;
        Ok(Committer { shared, line, queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    /// As [`Committer::write`]; where the actor names an idempotency key, a repeat does nothing and gives the result of the
    /// first time, noted in the batch that did it. A contact that the actor does not see reads as absent to the operation.
    pub fn write_as<R: Outcome + Send + 'static>(
        &self,
        actor: &Actor,
        operation: impl FnOnce(&mut Txn) -> Result<R> + Send + 'static,
    ) -> Result<Written<R>> {
        self.write(actor.workspace, acting(actor, operation))
    }

    /// As [`Committer::write_as`], without waiting for it; what this caller writes later comes later. `then` is told in the
    /// committer's thread, so it must be brief; it is dropped unheard where a defect ends the operation.
    pub fn write_then<R: Outcome + Send + 'static>(
        &self,
        actor: &Actor,
        operation: impl FnOnce(&mut Txn) -> Result<R> + Send + 'static,
        then: impl FnOnce(Result<Written<R>>) + Send + 'static,
    ) -> Result<()> {
        let (ws, operation) = (actor.workspace, acting(actor, operation));
        self.shared.awake(ws)?;
        self.send(Job::Write(told_to(then, move |batch| batch.run(ws, operation))))
    }

    /// Runs `operation` on the workspace and answers when its effect is durable and visible.
    pub fn write<R: Send + 'static>(
        &self,
        ws: WorkspaceId,
        operation: impl FnOnce(&mut Txn) -> Result<R> + Send + 'static,
    ) -> Result<Written<R>> {
        // A sleeping workspace is woken by its caller: the committer would hold up everyone's writes meanwhile.
        self.shared.awake(ws)?;
        self.ask(move |batch| batch.run(ws, operation))
    }

    /// Writes a token.
    pub fn write_token(&self, token: TokenRecord) -> Result<()> {
        self.ask(move |batch| {
            batch.writes.put_token(&token);
            Ok(())
        })
    }

    /// Runs `task` when no write is under way and none begins until it ends.
    pub fn alone<R: Send + 'static>(&self, task: impl FnOnce() -> R + Send + 'static) -> Result<R> {
        let (tell, answer) = sync_channel(1);
        self.send(Job::Alone(Box::new(move || drop(tell.send(task())))))?;
        answer.recv().map_err(|_| broken())
    }

    fn ask<R: Send + 'static>(&self, operation: impl FnOnce(&mut Batch) -> Result<R> + Send + 'static) -> Result<R> {
        let (tell, answer) = sync_channel(1);
        let operation = told_to(move |result| drop(tell.send(result)), operation);
        let nobody_waits = self.line.waiting.load(Ordering::SeqCst) == 0;
        match self.line.turn.try_lock().filter(|_| nobody_waits) {
            Some(mut turn) => self.commit_here(&mut turn, operation)?,
            None => self.send(Job::Write(operation))?,
        }
        answer.recv().map_err(|_| broken())?
    }

    /// A batch of one, by whoever has the turn.
    fn commit_here(&self, turn: &mut Turn, operation: Operation) -> Result<()> {
        if turn.unfinished || self.queue.lock().is_none() {
            return Err(Error::Closing);
        }
        // Whom a defect leaves without an answer is told so.
        let _ = catch_unwind(AssertUnwindSafe(|| commit(&self.shared, turn, vec![operation])));
        Ok(())
    }

    fn send(&self, job: Job) -> Result<()> {
        let queue = self.queue.lock().clone().ok_or(Error::Closing)?;
        self.line.waiting.fetch_add(1, Ordering::SeqCst);
        let sent = match queue.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(job)) => queue.send(job).map_err(|_| Error::Closing),
            Err(TrySendError::Disconnected(_)) => Err(Error::Closing),
        };
        // A thread that ended takes nothing any more.
        if sent.is_err() {
            self.line.waiting.fetch_sub(1, Ordering::SeqCst);
        }
        sent
    }

    /// Takes no more jobs, finishes those that wait and what is under way elsewhere, ends the thread.
    pub fn stop(&self) {
        drop(self.queue.lock().take());
        if let Some(thread) = self.thread.lock().take() {
            drop(thread.join());
        }
        // A batch on the thread of who asked.
        drop(self.line.turn.lock());
    }
}

/// The operation, after which `then` is told what became of it.
fn told_to<R: Send + 'static>(
    then: impl FnOnce(Result<R>) + Send + 'static,
    operation: impl FnOnce(&mut Batch) -> Result<R> + Send + 'static,
) -> Operation {
    Box::new(move |batch| {
        let result = operation(batch);
        Box::new(move |outcome| {
            // A refused operation wrote nothing, so its answer stands whatever became of the batch.
            then(match (result, outcome) {
                (Ok(_), Err(error)) => Err(Error::Store(told(error))),
                (result, _) => result,
            });
        })
    })
}

/// The operation as that actor's, done once where they name a key.
fn acting<R, F>(actor: &Actor, operation: F) -> impl FnOnce(&mut Txn) -> Result<R> + use<R, F>
where
    R: Outcome,
    F: FnOnce(&mut Txn) -> Result<R>,
{
    let (user, once) = (actor.user.clone(), actor.once);
    move |txn| {
        txn.user = user;
        match once {
            Some(once) => once::run(txn, &once, operation),
            None => operation(txn),
        }
    }
}

fn run(shared: &Shared, line: &Line, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut turn = line.turn.lock();
        if turn.unfinished {
            return;
        }
        let mut operations = Vec::new();
        let mut alone = None;
        let mut next = Some(first);
        while let Some(job) = next.take() {
            line.waiting.fetch_sub(1, Ordering::SeqCst);
            match job {
                Job::Write(operation) => operations.push(operation),
                Job::Alone(task) => {
                    alone = Some(task);
                    break;
                }
            }
            if operations.len() < shared.settings.batch_operations_max {
                next = jobs.try_recv().ok();
            }
        }
        commit(shared, &mut turn, operations);
        // A defect in one task must not end everyone's writes: its caller is told, the thread goes on.
        let _ = alone.map(|task| catch_unwind(AssertUnwindSafe(task)));
    }
}

/// What a caller is told whose operation or task did not come to its end.
fn broken() -> Error {
    Error::Io("a defect of the program stopped this; nothing of it was kept".into())
}

/// Operations that become durable and visible together.
pub struct Batch<'a> {
    shared: &'a Shared,
    staged: HashMap<WorkspaceId, Staged>,
    writes: Writes,
}

impl Batch<'_> {
    fn run<R>(&mut self, ws: WorkspaceId, operation: impl FnOnce(&mut Txn) -> Result<R>) -> Result<Written<R>> {
        if let Some(why) = self.shared.records.store().read_only() {
            return Err(Error::Store(StoreError::ReadOnly(why)));
        }
        if !self.staged.contains_key(&ws) {
            self.staged.insert(ws, Staged::new(self.shared.awake(ws)?));
        }
        let Some(base) = self.staged.get_mut(&ws) else { return Err(Error::Closing) };
        let sources = Sources { records: &self.shared.records, cache: &self.shared.cache };
        let mut txn = Txn::new(base, sources, &self.shared.settings, self.shared.clock.now());
        let value = operation(&mut txn)?;
        let delta = txn.into_staged();
        let version: Seq = delta.head.seq;
        base.absorb(delta);
        Ok(Written { value, version })
    }
}

fn commit(shared: &Shared, turn: &mut Turn, operations: Vec<Operation>) {
    turn.unfinished = true;
    let mut batch = Batch { shared, staged: HashMap::new(), writes: Writes::default() };
    // An operation stages nothing before it ends well, so one that panics leaves nothing behind.
    let guarded = |operation: Operation| catch_unwind(AssertUnwindSafe(|| operation(&mut batch))).ok();
    let answers: Vec<Answer> = operations.into_iter().filter_map(guarded).collect();
    let Batch { mut staged, mut writes, .. } = batch;
    for staged in staged.values_mut() {
        staged.write(&mut writes);
        *staged.workspace.in_flight.write() = staged.before();
    }
    let outcome = if writes.is_empty() { Ok(()) } else { shared.records.commit(writes) };
    match &outcome {
        Ok(()) => {
            staged.values().filter_map(Staged::first_alarm).for_each(|at| shared.note_alarm(at));
            staged.into_values().for_each(|staged| publish(shared, staged));
        }
        Err(error) => {
            tracing::error!(%error, "a batch of writes failed");
            // Once the store takes no more writes it may show half of the batch: `in_flight` stays, and queries go on with
            // what was acknowledged. Else nothing of it was written.
            if shared.records.store().read_only().is_none() {
                staged.values().for_each(|staged| staged.workspace.in_flight.write().clear());
            }
        }
    }
    for answer in answers {
        answer(outcome.as_ref().copied());
    }
    turn.unfinished = false;
}

fn publish(shared: &Shared, staged: Staged) {
    let (workspace, head, catalog) = (staged.workspace.clone(), staged.head, staged.catalog.clone());
    workspace.publish(&shared.cache, &shared.snapshots, head, catalog, staged.after());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::Config;
    use crate::engine::{Engine, NewWorkspace};
    use crate::store::MemoryStore;

    fn engine() -> Arc<Engine> {
        let settings = Config::defaults().expect("the compiled-in defaults are sound").engine;
        Engine::open(Arc::new(MemoryStore::default()), None, settings, Clock::fixed(0)).expect("opens")
    }

    fn new(name: &str) -> NewWorkspace {
        NewWorkspace { name: name.into(), default_country: None, timezone: "UTC".into(), locale: "en".into() }
    }

    /// A write that finds another under way, and so is the thread's.
    fn queued(engine: &Engine, ws: WorkspaceId, operation: fn(&mut Txn) -> Result<()>) -> Result<()> {
        let (tell, answer) = sync_channel(1);
        let operation = told_to(move |result| drop(tell.send(result)), move |batch| batch.run(ws, operation));
        engine.committer.send(Job::Write(operation))?;
        answer.recv().map_err(|_| broken())?.map(|written| written.value)
    }

    #[test]
    fn a_defect_in_one_write_does_not_end_the_others() {
        let engine = engine();
        let ws = engine.create_workspace(new("one")).expect("a workspace").id;
        let broken = |_: &mut Txn| -> Result<()> { panic!("a defect, on purpose") };
        assert!(matches!(engine.committer.write(ws, broken), Err(Error::Io(_))));
        assert!(matches!(queued(&engine, ws, broken), Err(Error::Io(_))));
        assert!(engine.committer.alone(|| -> () { panic!("a defect, on purpose") }).is_err());
        engine.create_workspace(new("two")).expect("the committer goes on");
        queued(&engine, ws, |_| Ok(())).expect("and so does its thread");
    }

    #[test]
    fn after_a_batch_that_did_not_come_to_its_end_no_more_are_taken() {
        let engine = engine();
        let ws = engine.create_workspace(new("one")).expect("a workspace").id;
        engine.committer.line.turn.lock().unfinished = true;
        assert!(engine.create_workspace(new("two")).is_err());
        assert!(queued(&engine, ws, |_| Ok(())).is_err());
        assert!(engine.committer.alone(|| ()).is_err());
        assert_eq!(engine.workspaces().expect("a list").len(), 1);
    }

    #[test]
    fn no_write_goes_before_one_that_was_handed_over_earlier() {
        let engine = engine();
        let ws = engine.create_workspace(new("one")).expect("a workspace").id;
        let done = Arc::new(Mutex::new(Vec::new()));
        for n in 0..200 {
            let note = |what: usize| {
                let done = done.clone();
                move |_: &mut Txn| {
                    done.lock().push(what);
                    Ok(())
                }
            };
            engine.committer.write_then(&Actor::operator(ws), note(2 * n), drop).expect("handed over");
            engine.committer.write(ws, note(2 * n + 1)).expect("written");
        }
        assert!(done.lock().iter().copied().eq(0..400));
    }

    #[test]
    fn once_it_stops_no_write_begins() {
        let engine = engine();
        let ws = engine.create_workspace(new("one")).expect("a workspace").id;
        engine.committer.stop();
        assert!(matches!(engine.committer.write(ws, |_| Ok(())), Err(Error::Closing)));
        assert!(matches!(queued(&engine, ws, |_| Ok(())), Err(Error::Closing)));
    }
}
