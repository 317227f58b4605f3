//! What every handler shares: the engine, reached on threads that may block, within bounds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::RateLimit;
use super::metrics::Metrics;
use super::problem::{Kind, Problem};
use super::settings::Settings;
use super::threads::{Threads, cores};
use crate::clock::Stopwatch;
use crate::contact::WorkspaceId;
use crate::engine::Engine;

/// After a read that took longer, what waits for the thread comes first.
const LONG_MICROS: u64 = 1000;

/// Tells a caller who waits what became of a write.
pub type Tell<T> = Box<dyn FnOnce(T) + Send>;

/// The application. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    engine: Arc<Engine>,
    settings: Settings,
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    threads: Threads,
    rate: RateLimit,
    metrics: Metrics,
    definitions: [Mutex<()>; 64],
    closing: AtomicBool,
}

impl App {
    /// The application over an engine.
    pub fn new(engine: Arc<Engine>, settings: Settings) -> App {
        let reads = if settings.blocking_reads_max == 0 { 2 * cores() } else { settings.blocking_reads_max };
        App(Arc::new(Parts {
            engine,
            reads: Arc::new(Semaphore::new(reads)),
            writes: Arc::new(Semaphore::new(settings.blocking_writes_max.max(1))),
            exports: Arc::new(Semaphore::new(settings.exports_max)),
            threads: Threads::default(),
            rate: RateLimit::new(&settings),
            metrics: Metrics::new(),
            definitions: std::array::from_fn(|_| Mutex::new(())),
            closing: AtomicBool::new(false),
            settings,
        }))
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The requests each token may still make.
    pub fn rate(&self) -> &RateLimit {
        &self.0.rate
    }

    /// The counters.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The engine, for what neither blocks nor computes.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }

    /// From now on `/ready` says no.
    pub fn close(&self) {
        self.0.closing.store(true, Ordering::SeqCst);
    }

    /// Whether the server is shutting down.
    pub fn is_closing(&self) -> bool {
        self.0.closing.load(Ordering::SeqCst)
    }

    /// The right to one export, held until it is over; none where as many are under way as may be.
    pub fn export_slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.exports).try_acquire_owned().ok()
    }

    /// Waits until no export is under way, for so long at most.
    pub async fn exports_over(&self, wait: Duration) {
        let all = u32::try_from(self.settings().exports_max).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(wait, self.0.exports.acquire_many(all)).await;
    }

    /// Runs a read on a thread that may block.
    ///
    /// # Errors
    /// What `work` refuses; `internal` where it panics.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Engine) -> Result<T, Problem> + Send + 'static,
    {
        self.run(&self.0.reads, work).await
    }

    /// Runs a read: on this thread where it has nothing to wait for, as `at_hand` says, and the thread can be spared.
    ///
    /// # Errors
    /// As [`App::read`].
    pub async fn read_here<T, F>(&self, at_hand: bool, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Engine) -> Result<T, Problem> + Send + 'static,
    {
        let place = || self.0.reads.try_acquire().ok().zip(self.0.threads.hold());
        // Boxed as it is large: whoever awaits this is moved with room for it.
        let Some(place) = at_hand.then(place).flatten() else { return Box::pin(self.read(work)).await };
        let watch = Stopwatch::start();
        let result = catch_unwind(AssertUnwindSafe(|| work(&self.0.engine)));
        drop(place);
        if watch.micros() > LONG_MICROS {
            tokio::task::yield_now().await;
        }
        result.unwrap_or_else(|_| Err(failed(true)))
    }

    /// Runs a write on a thread that may block. Once begun it is finished, even when the caller goes away.
    ///
    /// # Errors
    /// As [`App::read`].
    pub async fn write<T, F>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Engine) -> Result<T, Problem> + Send + 'static,
    {
        self.run(&self.0.writes, work).await
    }

    /// Runs a write whose caller waits without a thread: `begin` hands it to the engine, along with whom to tell. It runs here
    /// where it `is_brief`, else on a thread that may block. Once begun the write is finished, even when the caller goes away.
    ///
    /// # Errors
    /// What `begin` refuses; `internal` where the write is dropped.
    pub async fn commit<T, F>(&self, is_brief: bool, begin: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Engine, Tell<T>) -> Result<(), Problem> + Send + 'static,
    {
        let permit = Arc::clone(&self.0.writes).acquire_owned().await.map_err(|_| closing())?;
        let (tell, told) = tokio::sync::oneshot::channel();
        let tell: Tell<T> = Box::new(move |result| {
            drop(tell.send(result));
            drop(permit);
        });
        match is_brief {
            true => begin(&self.0.engine, tell)?,
            false => {
                let engine = Arc::clone(&self.0.engine);
                joined(tokio::task::spawn_blocking(move || begin(&engine, tell))).await?;
            }
        }
        told.await.map_err(|_| Problem::internal())
    }

    /// Runs a change of what a workspace defines, read before it is written: one at a time in a workspace.
    ///
    /// # Errors
    /// As [`App::read`].
    pub async fn define<T, F>(&self, workspace: WorkspaceId, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Engine) -> Result<T, Problem> + Send + 'static,
    {
        let app = self.clone();
        self.write(move |engine| {
            let _alone: MutexGuard<'_, ()> = app.0.definitions[workspace.0 as usize % app.0.definitions.len()].lock();
            work(engine)
        })
        .await
    }

    async fn run<T, F>(&self, bound: &Arc<Semaphore>, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Engine) -> Result<T, Problem> + Send + 'static,
    {
        let permit = Arc::clone(bound).acquire_owned().await.map_err(|_| closing())?;
        let engine = Arc::clone(&self.0.engine);
        let task = tokio::task::spawn_blocking(move || {
            let result = work(&engine);
            drop(permit);
            result
        });
        joined(task).await
    }
}

fn closing() -> Problem {
    Problem::new(Kind::Closing, "the server is shutting down").retry_after(1)
}

async fn joined<T>(task: tokio::task::JoinHandle<Result<T, Problem>>) -> Result<T, Problem> {
    task.await.unwrap_or_else(|error| Err(failed(error.is_panic())))
}

fn failed(panicked: bool) -> Problem {
    tracing::error!(panicked, "a request failed inside the engine");
    Problem::internal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{runtime, tests};

    fn app() -> App {
        App::new(tests::engine(), tests::settings())
    }

    /// Asks on a thread of the runtime; whether it was answered there.
    fn is_here(app: &App, runtime: &tokio::runtime::Runtime, at_hand: bool) -> bool {
        let app = app.clone();
        let asked = runtime.spawn(async move {
            let here = std::thread::current().id();
            app.read_here(at_hand, move |_| Ok(std::thread::current().id() == here)).await
        });
        runtime.block_on(asked).expect("it ends").unwrap_or_else(|_| panic!("refused"))
    }

    #[test]
    fn what_is_at_hand_is_read_here_and_all_else_elsewhere() {
        let (app, runtime) = (app(), runtime().expect("a runtime"));
        assert!(is_here(&app, &runtime, true) && !is_here(&app, &runtime, false));
        let all: Vec<_> = (0..4).map(|_| app.0.reads.try_acquire().expect("a permit")).collect();
        let waiting = {
            let app = app.clone();
            runtime.spawn(async move { app.read_here(true, |_| Ok(7)).await })
        };
        assert!(!waiting.is_finished(), "no more reads at once than the settings allow");
        drop(all);
        assert_eq!(runtime.block_on(waiting).expect("it ends").ok(), Some(7));
        let small = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
        assert!(!is_here(&self::app(), &small, true), "no thread can be spared");
    }

    #[test]
    fn a_panic_is_a_refusal_and_its_place_is_free_again() {
        let (app, runtime) = (app(), runtime().expect("a runtime"));
        for at_hand in [true, false] {
            for _ in 0..10 {
                let app = app.clone();
                let asked =
                    runtime.spawn(async move { app.read_here::<(), _>(at_hand, |_| panic!("of a test")).await });
                let refused = runtime.block_on(asked).expect("it ends").expect_err("a refusal");
                assert_eq!(refused.kind(), Kind::Internal);
            }
        }
        assert!(is_here(&app, &runtime, true));
    }
}
