//! The committer: one thread through which every write goes. It drains what waits, makes it durable in one batch,
//! publishes it to the indexes, then answers. Nothing is visible before it is durable, nothing is answered before it is visible.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
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

/// The queue and its thread.
pub struct Committer {
    shared: Arc<Shared>,
    queue: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Committer {
    /// Starts the thread.
    pub fn start(shared: Arc<Shared>) -> std::io::Result<Committer> {
        let (queue, jobs) = sync_channel(shared.settings.queue_max.max(1));
        let own = shared.clone();
        let thread = std::thread::Builder::new().name("committer".into()).spawn(move || run(&own, &jobs))?;
        Ok(Committer { shared, queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
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

    /// As [`Committer::write_as`], without waiting for it: `then` is told in the committer's thread, so it must be brief; it is
    /// dropped unheard where a defect ends the operation.
    pub fn write_then<R: Outcome + Send + 'static>(
        &self,
        actor: &Actor,
        operation: impl FnOnce(&mut Txn) -> Result<R> + Send + 'static,
        then: impl FnOnce(Result<Written<R>>) + Send + 'static,
    ) -> Result<()> {
        let (ws, operation) = (actor.workspace, acting(actor, operation));
        self.shared.awake(ws)?;
        self.tell(move |batch| batch.run(ws, operation), then)
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
        self.tell(operation, move |result| drop(tell.send(result)))?;
        answer.recv().map_err(|_| broken())?
    }

    /// Queues the operation; `then` is told what became of it.
    fn tell<R: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Batch) -> Result<R> + Send + 'static,
        then: impl FnOnce(Result<R>) + Send + 'static,
    ) -> Result<()> {
        self.send(Job::Write(Box::new(move |batch| {
            let result = operation(batch);
            Box::new(move |outcome| {
                // A refused operation wrote nothing, so its answer stands whatever became of the batch.
                then(match (result, outcome) {
                    (Ok(_), Err(error)) => Err(Error::Store(told(error))),
                    (result, _) => result,
                });
            })
        })))
    }

    fn send(&self, job: Job) -> Result<()> {
        let queue = self.queue.lock().clone().ok_or(Error::Closing)?;
        match queue.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(job)) => queue.send(job).map_err(|_| Error::Closing),
            Err(TrySendError::Disconnected(_)) => Err(Error::Closing),
        }
    }

    /// Takes no more jobs, finishes those that wait, ends the thread.
    pub fn stop(&self) {
        drop(self.queue.lock().take());
        if let Some(thread) = self.thread.lock().take() {
            drop(thread.join());
        }
    }
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

fn run(shared: &Shared, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut operations = Vec::new();
        let mut alone = None;
        let mut next = Some(first);
        while let Some(job) = next.take() {
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
        commit(shared, operations);
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

fn commit(shared: &Shared, operations: Vec<Operation>) {
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

    #[test]
    fn a_defect_in_one_write_does_not_end_the_others() {
        let settings = Config::defaults().expect("the compiled-in defaults are sound").engine;
        let engine = Engine::open(Arc::new(MemoryStore::default()), None, settings, Clock::fixed(0)).expect("opens");
        let new = |name: &str| NewWorkspace {
            name: name.into(),
            default_country: None,
            timezone: "UTC".into(),
            locale: "en".into(),
        };
        let ws = engine.create_workspace(new("one")).expect("a workspace").id;
        let broken = engine.committer.write(ws, |_| -> Result<()> { panic!("a defect, on purpose") });
        assert!(matches!(broken, Err(Error::Io(_))));
        assert!(engine.committer.alone(|| -> () { panic!("a defect, on purpose") }).is_err());
        engine.create_workspace(new("two")).expect("the committer goes on");
    }
}
