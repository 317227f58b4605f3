//! What the benches share: a workspace of synthetic contacts on disk, the query classes, and how times are told.
#![allow(dead_code)] // each bench is a program of its own and uses a part

pub mod classes;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use rollcall::clock::Clock;
use rollcall::config::Config;
use rollcall::contact::{Contact, Millis, WorkspaceId};
use rollcall::corpus::Corpus;
use rollcall::engine::{Actor, Engine, NewWorkspace};
use rollcall::store::{SledSettings, SledStore, Store};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The moment all contacts' times count back from: 2026-01-01T00:00:00Z.
pub const NOW: Millis = 1_767_225_600_000;
const SEED: u64 = 1;
const BATCH: u64 = 1000;

/// How many contacts: `ROLLCALL_BENCH_CONTACTS`, else 100,000.
pub fn contacts() -> u64 {
    std::env::var("ROLLCALL_BENCH_CONTACTS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000)
}

/// Where the data of a bench lies: below the target folder, so that it is never committed.
pub fn folder(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    target.join("bench-data").join(format!("{name}-{}", contacts()))
}

/// A data folder that is open.
pub struct World {
    pub engine: Arc<Engine>,
    pub actor: Actor,
    pub folder: PathBuf,
}

/// Opens the store and the engine over a folder.
pub fn open(folder: &std::path::Path) -> Arc<Engine> {
    let config = Config::defaults().expect("the compiled-in defaults are sound");
    let settings = SledSettings { cache_bytes: config.store.cache_bytes, flush_every_ms: config.store.flush_every_ms };
    let store: Arc<dyn Store> = Arc::new(SledStore::open(&folder.join("store"), settings).expect("the store opens"));
    Engine::open(store, Some(&folder.join("index")), config.engine, Clock::fixed(NOW)).expect("the engine opens")
}

/// Makes the folder's workspace with all contacts and tells how long it took.
pub fn load(folder: &std::path::Path) -> World {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).expect("a folder");
    let started = Instant::now();
    let engine = open(folder);
    let new = NewWorkspace {
        name: "bench".into(),
        default_country: Some("MY".into()),
        timezone: "Asia/Kuala_Lumpur".into(),
        locale: "en".into(),
    };
    let ws = engine.create_workspace(new).expect("a workspace").id;
    let corpus = Corpus::new(SEED, NOW);
    corpus.definition().apply(&engine, ws).expect("definitions");
    let corpus = corpus.for_workspace(&engine.catalog(ws).expect("a catalog")).expect("the definitions fit");
    let n = contacts();
    for from in (0..n).step_by(BATCH as usize) {
        let batch: Vec<Contact> = corpus.contacts(from..n.min(from + BATCH)).collect();
        engine.load(ws, batch).expect("loads");
    }
    let loaded = started.elapsed();
    engine.checkpoint(ws).expect("a checkpoint");
    println!(
        "measured load: {n} contacts in {:.1} s durable and queryable, {:.1} s with text index and checkpoint; {} ",
        loaded.as_secs_f64(),
        started.elapsed().as_secs_f64(),
        memory(&engine, ws, n),
    );
    std::fs::write(folder.join("whole"), "").expect("a mark");
    World { engine, actor: Actor::operator(ws), folder: folder.to_path_buf() }
}

/// The folder's workspace, loaded first if it is not there whole.
pub fn world(name: &str) -> World {
    let folder = folder(name);
    if !folder.join("whole").exists() {
        return load(&folder);
    }
    let engine = open(&folder);
    let ws = engine.workspaces().expect("a list")[0].id;
    let _ = engine.catalog(ws);
    World { engine, actor: Actor::operator(ws), folder }
}

/// Bytes of the index per contact, and of the process.
pub fn memory(engine: &Engine, ws: WorkspaceId, contacts: u64) -> String {
    let gauges = engine.gauges();
    let index: usize = gauges
        .awake
        .iter()
        .filter(|awake| awake.workspace == ws)
        .flat_map(|awake| &awake.memory)
        .map(|(_, bytes)| bytes)
        .sum();
    let rss = std::fs::read_to_string("/proc/self/statm").ok();
    let pages: u64 = rss.and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
    format!(
        "index {} B a contact, record cache {} MB, store {} MB on disk, process {} MB",
        index as u64 / contacts.max(1),
        gauges.record_cache_bytes >> 20,
        gauges.store_bytes >> 20,
        (pages * 4096) >> 20,
    )
}

/// Bytes of each structure of the index per contact.
pub fn structures(engine: &Engine, ws: WorkspaceId, contacts: u64) -> String {
    let gauges = engine.gauges();
    let structures = gauges.awake.iter().filter(|awake| awake.workspace == ws).flat_map(|awake| &awake.memory);
    let each = structures.map(|(name, bytes)| format!("{name} {:.1}", *bytes as f64 / contacts.max(1) as f64));
    each.collect::<Vec<_>>().join(", ")
}

/// Microseconds of a call.
pub fn timed(call: impl FnOnce()) -> f64 {
    let started = Instant::now();
    call();
    started.elapsed().as_nanos() as f64 / 1000.0
}

/// Sorted microseconds of `runs` calls.
pub fn micros(runs: usize, mut call: impl FnMut(usize)) -> Vec<f64> {
    let mut times: Vec<f64> = (0..runs).map(|run| timed(|| call(run))).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// The value below which that share of the sorted times lies.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
