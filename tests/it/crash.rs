//! The server is killed with signal 9 at random moments of mixed writes: every acknowledged write is there afterwards,
//! none is there in part, and index and store agree. `ROLLCALL_CRASHES=500` makes a long run of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::connection::Connection;
use crate::support::ledger::{Failures, Ledger};
use crate::support::seed;
use crate::support::server::{self, Server};

const CALLERS: u32 = 6;
/// How long a moment is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn no_acknowledged_write_is_lost_when_the_server_is_killed() {
    let mut rng = seed::rng("crash");
    let data = tempfile::tempdir().expect("a folder");
    let token = server::furnish(data.path());
    let mut ledger = Ledger::new(token.clone(), CALLERS, Failures::Never, &mut rng);
    let mut acknowledged = 0;
    for round in 0..seed::rounds("ROLLCALL_CRASHES", 25) {
        let starts = kill_while_starting(data.path(), &token, &mut rng);
        let (server, address) = Server::start(data.path());
        let done = ledger.settle(address);
        let moment = Moment::draw(&mut rng);
        let mut complaints = Vec::new();
        let count = ledger.write_until(address, |writes| {
            moment.wait(data.path(), writes);
            complaints = server.kill();
        });
        acknowledged += count;
        println!(
            "round {round}: {starts} killed at start, then {moment:?}: {count} writes acknowledged, {} in doubt, {} contacts; {done} of those in doubt before were done",
            ledger.doubts(),
            ledger.contacts()
        );
        assert!(complaints.is_empty(), "{complaints:#?}");
        server::verify(&server::copy(data.path()));
    }
    let (server, address) = Server::start(data.path());
    ledger.settle(address);
    server.stop();
    server::verify(&server::copy(data.path()));
    println!("measured: {acknowledged} writes were acknowledged, all are there; {} contacts", ledger.contacts());
}

/// Kills up to two servers while they open the store and wake the workspace; how many.
fn kill_while_starting(data: &Path, token: &str, rng: &mut ChaCha8Rng) -> u32 {
    let starts = rng.random_range(0..3);
    for _ in 0..starts {
        let mut server = Server::spawn(data);
        if rng.random() {
            std::thread::sleep(Duration::from_micros(rng.random_range(0..300_000)));
            continue;
        }
        let address = server.address(PATIENCE).expect("the server listens");
        let pause = Duration::from_micros(rng.random_range(0..50_000));
        std::thread::scope(|scope| {
            // The first who asks wakes the workspace.
            scope.spawn(move || {
                Connection::open(address, token).and_then(|mut server| server.ask("GET", "/v1/me", None))
            });
            scope.spawn(move || {
                let body = serde_json::json!({});
                Connection::open(address, token)
                    .and_then(|mut server| server.ask("POST", "/v1/contacts/count", Some(&body)))
            });
            std::thread::sleep(pause);
            server.kill();
        });
    }
    starts
}

/// When the server is killed.
#[derive(Debug)]
enum Moment {
    /// That long after the callers began.
    After(Duration),
    /// Once so many writes are acknowledged.
    Writes(u64),
    /// While a checkpoint is written, or right after, by that much.
    Checkpoint(Duration),
    /// While the text index is written, or right after, by that much.
    TextFlush(Duration),
}

impl Moment {
    fn draw(rng: &mut ChaCha8Rng) -> Moment {
        let soon = Duration::from_micros(rng.random_range(0..20_000));
        match rng.random_range(0..5) {
            0 => Moment::After(Duration::from_micros(rng.random_range(0..1_500_000))),
            1 | 2 => Moment::Writes(rng.random_range(1..400)),
            3 => Moment::Checkpoint(soon / 4),
            _ => Moment::TextFlush(soon),
        }
    }

    fn wait(&self, data: &Path, writes: &AtomicU64) {
        match self {
            Moment::After(pause) => std::thread::sleep(*pause),
            Moment::Writes(wanted) => {
                let before = writes.load(Ordering::SeqCst);
                until(|| writes.load(Ordering::SeqCst) >= before + wanted);
            }
            Moment::Checkpoint(pause) => {
                until(|| {
                    files(&data.join("index/1")).iter().any(|file| file.to_string_lossy().ends_with(".unfinished"))
                });
                std::thread::sleep(*pause);
            }
            Moment::TextFlush(pause) => {
                let text = data.join("index/1/text");
                let before = files(&text);
                until(|| files(&text).iter().any(|file| !before.contains(file)));
                std::thread::sleep(*pause);
            }
        }
    }
}

/// Waits until it is so; some moments never come while there are few contacts.
fn until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() && begun.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_micros(100));
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
