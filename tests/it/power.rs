//! The power of the server's disk is cut at random moments of mixed writes: every acknowledged write is there afterwards,
//! none is there in part, and index and store agree. `ROLLCALL_POWER_ROUNDS=200` makes a long run of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::support::ledger::{Failures, Ledger};
use crate::support::power::Disk;
use crate::support::seed;
use crate::support::server::{self, Server};

const CALLERS: u32 = 6;

#[test]
fn no_acknowledged_write_is_lost_when_the_power_is_cut() {
    let Some(mut disk) = Disk::or_say("the server", 512) else { return };
    let mut rng = seed::rng("power");
    let data = disk.path().join("data");
    let token = server::furnish(&data);
    let mut ledger = Ledger::new(token, CALLERS, Failures::Expected, &mut rng);
    let mut acknowledged = 0;
    for round in 0..seed::rounds("ROLLCALL_POWER_ROUNDS", 20) {
        let started_in_vain = rng.random_ratio(1, 3);
        if started_in_vain {
            let server = Server::spawn(&data);
            std::thread::sleep(Duration::from_micros(rng.random_range(0..300_000)));
            disk.cut();
            server.kill();
            disk.restore();
        }
        let (server, address) = Server::start(&data);
        let done = ledger.settle(address);
        let (wanted, pause) = (rng.random_range(1..400), Duration::from_micros(rng.random_range(0..30_000)));
        let count = ledger.write_until(address, |writes| {
            wait(writes, wanted);
            std::thread::sleep(pause);
            disk.cut();
            // Long enough for every caller to be refused; who reads only goes on until the kill.
            std::thread::sleep(Duration::from_millis(50));
            let complaints = server.kill();
            // What the cut left of the index may be unusable: that is to be said, and the rest is the store's.
            complaints.iter().filter(|line| line.contains("not used")).for_each(|line| println!("{line}"));
        });
        acknowledged += count;
        println!(
            "round {round}: cut at start: {started_in_vain}, then after {wanted} writes: {count} acknowledged, {} in doubt, {} contacts; {done} of those in doubt before were done",
            ledger.doubts(),
            ledger.contacts()
        );
        disk.restore();
        server::verify(&server::copy(&data));
    }
    let (server, address) = Server::start(&data);
    ledger.settle(address);
    server.stop();
    server::verify(&server::copy(&data));
    println!("measured: {acknowledged} writes were acknowledged, all are there; {} contacts", ledger.contacts());
}

fn wait(writes: &AtomicU64, wanted: u64) {
    let (before, begun) = (writes.load(Ordering::SeqCst), Instant::now());
    while writes.load(Ordering::SeqCst) < before + wanted && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_micros(100));
    }
}
