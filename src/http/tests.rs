//! What the tests of the HTTP interface share.

use std::sync::Arc;

use super::Settings;
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::Engine;
use crate::store::MemoryStore;

/// An engine with nothing in it.
pub(crate) fn engine() -> Arc<Engine> {
    let settings = Config::defaults().expect("defaults").engine;
    Engine::open(Arc::new(MemoryStore::default()), None, settings, Clock::fixed(0)).expect("an engine")
}

/// Settings for tests.
pub(crate) fn settings() -> Settings {
    Settings {
        bind: ([127, 0, 0, 1], 0).into(),
        body_bytes_max: 1 << 20,
        head_timeout_ms: 5_000,
        body_timeout_ms: 5_000,
        upload_pause_ms: 1000,
        timeout_ms: 10_000,
        shutdown_s: 5,
        connections_max: 64,
        rate_per_second: 0,
        rate_burst: 1,
        blocking_reads_max: 4,
        blocking_writes_max: 64,
        exports_max: 2,
        export_folder: String::new(),
        export_bytes_max: 1 << 30,
        export_free_bytes_min: 0,
        export_head_wait_ms: 200,
        export_stall_s: 60,
        compression: true,
        metrics_open: true,
    }
}
