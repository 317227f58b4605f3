//! A bulk edit of all contacts while searches run: what it does to the searches, and they to it.
//!
//! `cargo bench --bench jobs` at 100,000 contacts; `ROLLCALL_BENCH_CONTACTS=1000000` for a million. Its yardsticks are of the
//! same run: the same searches while nothing else runs, and the same edit without searches.

mod support;

use std::time::{Duration, Instant};

use rollcall::contact::{JobId, JobState};
use rollcall::engine::Confirmation;
use rollcall::engine::Query;
use serde_json::json;
use support::classes::CLASSES;
use support::{World, quantile};

/// Searches measured while nothing else runs.
const IDLE: usize = 2000;
/// Who searches at the same time as the edit.
const SEARCHERS: usize = 1;

fn main() {
    let world = support::world("jobs");
    // Every class once: what it needs is built and read.
    (0..CLASSES.len()).for_each(|n| assert!(search(&world, n) >= 0.0));
    let idle = times((0..IDLE).map(|n| search(&world, n)).collect());
    told("idle", &idle);
    edit(&world, "addTags", Vec::new);
    let alone = edit(&world, "removeTags", Vec::new);
    println!("measured yardstick: the edit without searches: {:.0} contacts a second", alone.0);
    let (speed, during) = edit(&world, "addTags", || (0..SEARCHERS).collect());
    told("while all contacts are edited", &during);
    println!(
        "measured the edit while {SEARCHERS} searches: {speed:.0} contacts a second, {:.2} of the speed alone",
        speed / alone.0
    );
    for share in [0.5, 0.99] {
        let (idle, during) = (quantile(&idle, share), quantile(&during, share));
        println!("measured p{:.0} of searches during the edit: {:.2} times that of idle", share * 100.0, during / idle);
    }
}

fn told(when: &str, times: &[f64]) {
    println!(
        "measured mixed searches, {when}: {} of them, p50 {:.0} p99 {:.0} max {:.0} microseconds",
        times.len(),
        quantile(times, 0.5),
        quantile(times, 0.99),
        quantile(times, 1.0)
    );
}

fn times(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times
}

/// The `n`-th of the mixed searches: microseconds.
fn search(world: &World, n: usize) -> f64 {
    let class = &CLASSES[n % CLASSES.len()];
    let query = (class.query)(n / CLASSES.len());
    let started = Instant::now();
    let total = match class.count {
        true => world.engine.count(&world.actor, &query).expect("a count").value,
        false => world.engine.search(&world.actor, &query).expect("a page").total,
    };
    let micros = started.elapsed().as_nanos() as f64 / 1000.0;
    assert!(total <= support::contacts());
    micros
}

/// Edits all contacts while those searchers search: contacts a second, and the searches' times.
fn edit(world: &World, action: &str, searchers: impl FnOnce() -> Vec<usize>) -> (f64, Vec<f64>) {
    let action = json!({"action": action, "tags": ["edited by a bench"]}).as_object().cloned().unwrap_or_default();
    let receipt = world.engine.prepare_job(&world.actor, &Query::default(), &action).expect("a receipt");
    let started = Instant::now();
    world.engine.apply_job(&world.actor, receipt.job, &Confirmation::default()).expect("applied");
    let searching = |first: usize| {
        let mut times = Vec::new();
        while under_way(world, receipt.job) {
            times.push(search(world, first * 1000 + times.len()));
        }
        times
    };
    let found = std::thread::scope(|scope| {
        let threads: Vec<_> = searchers().into_iter().map(|first| scope.spawn(move || searching(first))).collect();
        while under_way(world, receipt.job) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let seconds = started.elapsed().as_secs_f64();
        let found = threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
        (support::contacts() as f64 / seconds, times(found))
    });
    let job = world.engine.job(world.actor.workspace, receipt.job).expect("a job").value;
    assert_eq!((job.state, job.counts.failed), (JobState::Done, 0));
    found
}

fn under_way(world: &World, id: JobId) -> bool {
    world.engine.job(world.actor.workspace, id).expect("a job").value.state == JobState::Running
}
