//! Loading, and from a cold start to the first answer: with a checkpoint, and by a rebuild from the store.
//!
//! `cargo bench --bench startup`; `ROLLCALL_BENCH_CONTACTS=1000000` for a million contacts.

mod support;

use std::time::Instant;

use rollcall::engine::Query;

fn main() {
    let folder = support::folder("startup");
    let world = support::load(&folder);
    world.engine.close().expect("closes");
    drop(world);
    for round in 1..=3 {
        first_answer(&folder, &format!("with a checkpoint, round {round}"));
    }
    std::fs::remove_dir_all(folder.join("index")).expect("the index goes");
    first_answer(&folder, "without any index");
    let scanned = Instant::now();
    let bytes = std::fs::read(folder.join("store").join("db")).map(|bytes| bytes.len()).unwrap_or(0);
    println!(
        "measured yardstick: reading the store's file of {} MB: {:.2} s",
        bytes >> 20,
        scanned.elapsed().as_secs_f64()
    );
}

fn first_answer(folder: &std::path::Path, how: &str) {
    let started = Instant::now();
    let engine = support::open(folder);
    let opened = started.elapsed().as_secs_f64();
    let ws = engine.workspaces().expect("a list")[0].id;
    let actor = rollcall::engine::Actor::operator(ws);
    let page = engine.search(&actor, &Query::default()).expect("a page");
    assert_eq!(page.total, support::contacts(), "everything is there");
    println!("measured start to first answer, {how}: {:.2} s (store {opened:.2} s)", started.elapsed().as_secs_f64());
    engine.close().expect("closes");
}
