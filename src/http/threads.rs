//! The threads that answer, and reads that run on them.
//!
//! To hand a read to another thread and its answer back costs more than most reads. But a thread that is held up answers
//! nobody, and it may be the one that listened to the sockets: the others would sleep on. So there are more threads than
//! cores, reads hold only as many as leave one for every core, and where no read has begun for a tick while one is going on,
//! another thread is woken, which listens.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};

/// How often is looked whether a thread is held.
const TICK: Duration = Duration::from_millis(1);
/// Ticks without a read after which nobody looks until the next one.
const QUIET_TICKS: u32 = 100;
/// A read that goes on has a thread woken at its first tick and then every so many.
const WAKE_EVERY: u32 = 16;

/// The runtime to serve on.
///
/// # Errors
/// Where its threads do not start.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2 * cores()).enable_all().build()
}

/// The machine's cores, as far as this process may use them.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Counts the reads that hold a thread of the runtime, and sees to it that others are awake.
#[derive(Default)]
pub struct Threads {
    counts: Arc<Counts>,
    /// How many may be held, and who looks; none where this runtime cannot spare any.
    spare: OnceLock<Option<(usize, Thread)>>,
}

#[derive(Default)]
struct Counts {
    begun: AtomicU64,
    running: AtomicUsize,
    /// Nobody looks: the next read says so.
    resting: AtomicBool,
    over: AtomicBool,
    woken: AtomicU64,
}

/// A thread that is held until this is dropped.
pub struct Held<'a>(&'a Counts);

impl Threads {
    /// Holds this thread, where it may be.
    pub fn hold(&self) -> Option<Held<'_>> {
        let (spare, watcher) = self.spare.get_or_init(|| start(&self.counts)).as_ref()?;
        let counts = &*self.counts;
        if counts.running.fetch_add(1, Ordering::SeqCst) >= *spare {
            counts.running.fetch_sub(1, Ordering::SeqCst);
            return None;
        }
        counts.begun.fetch_add(1, Ordering::SeqCst);
        if counts.resting.load(Ordering::SeqCst) && counts.resting.swap(false, Ordering::SeqCst) {
            watcher.unpark();
        }
        Some(Held(counts))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.counts.over.store(true, Ordering::SeqCst);
        if let Some(Some((_, watcher))) = self.spare.get() {
            watcher.unpark();
        }
    }
}

/// Starts to look after the runtime this is called on.
fn start(counts: &Arc<Counts>) -> Option<(usize, Thread)> {
    let runtime = Handle::try_current().ok().filter(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)?;
    let spare = runtime.metrics().num_workers().checked_sub(cores()).filter(|spare| *spare > 0)?;
    let counts = Arc::clone(counts);
    let watcher = std::thread::Builder::new().name("threads".into()).spawn(move || watch(&counts, &runtime)).ok()?;
    Some((spare, watcher.thread().clone()))
}

fn watch(counts: &Counts, runtime: &Handle) {
    let (mut begun, mut quiet, mut going_on) = (0, 0, 0);
    while !counts.over.load(Ordering::SeqCst) {
        std::thread::park_timeout(TICK);
        let was = std::mem::replace(&mut begun, counts.begun.load(Ordering::SeqCst));
        if was != begun {
            (quiet, going_on) = (0, 0);
        } else if counts.running.load(Ordering::SeqCst) > 0 {
            if u32::is_multiple_of(going_on, WAKE_EVERY) {
                // A task from outside wakes a thread, which listens when it is done with it.
                drop(runtime.spawn(async {}));
                counts.woken.fetch_add(1, Ordering::SeqCst);
            }
            (quiet, going_on) = (0, going_on + 1);
        } else {
            quiet += 1;
        }
        if quiet > QUIET_TICKS {
            rest(counts, begun);
            quiet = 0;
        }
    }
}

/// Sleeps until a read begins.
fn rest(counts: &Counts, begun: u64) {
    counts.resting.store(true, Ordering::SeqCst);
    while counts.resting.load(Ordering::SeqCst) && !counts.over.load(Ordering::SeqCst) {
        // One may have begun before it could know.
        if counts.begun.load(Ordering::SeqCst) != begun {
            counts.resting.store(false, Ordering::SeqCst);
            return;
        }
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// So many threads more than there are cores.
    fn runtime_with(spare: usize) -> Runtime {
        Builder::new_multi_thread().worker_threads(cores() + spare).enable_all().build().expect("a runtime")
    }

    #[test]
    fn only_spare_threads_are_held() {
        let threads = Threads::default();
        runtime_with(2).block_on(async {
            let (first, second) = (threads.hold(), threads.hold());
            assert!(first.is_some() && second.is_some() && threads.hold().is_none());
            drop(first);
            assert!(threads.hold().is_some());
        });
        let single = Builder::new_current_thread().build().expect("a runtime");
        single.block_on(async { assert!(Threads::default().hold().is_none()) });
        runtime_with(0).block_on(async { assert!(Threads::default().hold().is_none()) });
        assert!(Threads::default().hold().is_none(), "outside of a runtime");
    }

    /// Holds the thread that has just heard from the socket, which is the one that listens, until the other end was answered
    /// on another connection.
    #[test]
    fn who_listens_may_be_held_and_others_are_answered() {
        for _ in 0..20 {
            let held = Arc::new(Threads::default());
            runtime_with(1).block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
                let address = listener.local_addr().expect("an address");
                let (done, wait) = std::sync::mpsc::channel();
                let (mut slow, mut quick) =
                    (TcpStream::connect(address).await.expect("a"), TcpStream::connect(address).await.expect("b"));
                let (mut first, mut second) =
                    (listener.accept().await.expect("a").0, listener.accept().await.expect("b").0);
                let threads = Arc::clone(&held);
                let holding = tokio::spawn(async move {
                    let _ = first.read_u8().await;
                    let _held = threads.hold();
                    wait.recv_timeout(Duration::from_secs(20))
                });
                let answering = tokio::spawn(async move {
                    let byte = second.read_u8().await.expect("a byte");
                    second.write_u8(byte).await.expect("answered");
                });
                slow.write_u8(1).await.expect("sent");
                while held.counts.running.load(Ordering::SeqCst) == 0 && !holding.is_finished() {
                    tokio::task::yield_now().await;
                }
                quick.write_u8(7).await.expect("sent");
                assert_eq!(quick.read_u8().await.expect("a byte"), 7);
                answering.await.expect("it ends");
                done.send(()).expect("it waits");
                holding.await.expect("it ends").expect("it was let go");
            });
        }
    }

    #[test]
    fn a_read_that_goes_on_wakes_a_thread_also_after_a_rest() {
        let threads = Arc::new(Threads::default());
        let woken = || threads.counts.woken.load(Ordering::SeqCst);
        let until = |is: &dyn Fn() -> bool| (0..20_000).any(|_| is() || (std::thread::sleep(TICK), false).1);
        runtime_with(1).block_on(async {
            for _ in 0..2 {
                let before = woken();
                let held = threads.hold();
                assert!(held.is_some() && until(&|| woken() > before));
                drop(held);
                assert!(until(&|| threads.counts.resting.load(Ordering::SeqCst)));
            }
        });
    }
}
