//! Contacts exported a second, as CSV and NDJSON, beside a plain scan of the store; and what point writes wait meanwhile.
//!
//! `cargo bench --bench export`; `ROLLCALL_BENCH_CONTACTS=1000000` for a million contacts.

mod support;

use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use criterion::Criterion;
use rollcall::contact::ContactId;
use rollcall::contact::identity::Identifier;
use rollcall::engine::Query;
use rollcall::engine::export::Format;
use serde_json::json;
use support::{World, micros, quantile};

/// Contacts that the yardstick reads at a time.
const PAGE: usize = 1000;
/// Point writes while nothing is exported.
const RUNS: usize = 300;

fn main() {
    let world = support::world("export");
    scan(&world);
    for format in [Format::Csv, Format::Ndjson] {
        export(&world, format);
    }
    told("with no export", &micros(RUNS, |run| write(&world, run)));
    for format in [Format::Csv, Format::Ndjson] {
        beside(&world, format);
    }
    let filter = json!({"field": "email", "operator": "contains", "value": "an"});
    let query = Query { filter: Some(filter), ..Query::default() };
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    criterion.bench_function("begin an export of a filter", |bencher| {
        bencher.iter(|| world.engine.export(&world.actor, &query).expect("an export").count());
    });
    criterion.final_summary();
}

/// Every contact read from the store and let go.
fn scan(world: &World) {
    let started = Instant::now();
    let (mut after, mut contacts) = (ContactId(0), 0);
    loop {
        let page = world.engine.contacts_after(world.actor.workspace, after, PAGE).expect("read");
        let Some(last) = page.last() else { break };
        (after, contacts) = (last.id, contacts + page.len());
    }
    println!("measured yardstick: plain scan of the store: {:.0} contacts a second", rate(contacts as u64, started));
}

/// Writes an export into a file and says how fast.
fn export(world: &World, format: Format) {
    let started = Instant::now();
    let (contacts, bytes) = written(world, format);
    println!(
        "measured export, {format:?}: {:.0} contacts a second, {:.0} MB a second",
        rate(contacts, started),
        bytes as f64 / 1e6 / started.elapsed().as_secs_f64()
    );
}

/// Point writes all the time an export is under way.
fn beside(world: &World, format: Format) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut times = Vec::new();
            // One write at least, also where the export is over at once.
            while times.is_empty() || !is_over.load(Ordering::Relaxed) {
                times.extend(micros(1, |_| write(world, RUNS + times.len())));
            }
            times.sort_by(f64::total_cmp);
            times
        });
        let started = Instant::now();
        let (contacts, _) = written(world, format);
        is_over.store(true, Ordering::Relaxed);
        println!("measured export beside writes, {format:?}: {:.0} contacts a second", rate(contacts, started));
        told(&format!("beside an export, {format:?}"), &writer.join().expect("a writer"));
    });
}

fn written(world: &World, format: Format) -> (u64, u64) {
    let path = world.folder.join("exported");
    let mut out = BufWriter::new(std::fs::File::create(&path).expect("a file"));
    let export = world.engine.export(&world.actor, &Query::default()).expect("an export");
    let contacts = export.write(format, &mut out, &mut |_| ()).expect("written");
    out.flush().expect("flushed");
    let bytes = std::fs::metadata(&path).expect("a file").len();
    let _ = std::fs::remove_file(path);
    (contacts, bytes)
}

fn write(world: &World, n: usize) {
    let id = ContactId(1 + (n * 7919 % support::contacts() as usize) as u32);
    let fields = json!({"lastName": format!("zq{n}x")}).as_object().cloned().unwrap_or_default();
    world.engine.update_contact(&world.actor, &Identifier::Id(id), &fields).expect("updates");
}

fn told(when: &str, times: &[f64]) {
    println!(
        "measured point write {when}: p50 {:.0} p99 {:.0} microseconds, {} writes",
        quantile(times, 0.5),
        quantile(times, 0.99),
        times.len()
    );
}

fn rate(contacts: u64, started: Instant) -> f64 {
    contacts as f64 / started.elapsed().as_secs_f64()
}
