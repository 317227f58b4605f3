//! Engine settings for tests: the limits as they are shipped, and sizes so small that everything happens often.

use rollcall::config::Config;
use rollcall::engine::Settings;

/// As shipped.
pub fn shipped() -> Settings {
    Config::defaults().expect("the defaults are sound").engine
}

/// The text index, checkpoints and caches come into play from a few dozen contacts on.
pub fn small() -> Settings {
    Settings {
        record_cache_bytes: 1 << 18,
        text_index_contacts_min: 50,
        text_flush_rows: 20,
        text_scan_max: 8,
        gram_cache_bytes: 1 << 16,
        checkpoint_changes: 100,
        checkpoint_contacts_min: 50,
        changes_kept_min: 10,
        ..shipped()
    }
}
