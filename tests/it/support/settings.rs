//! Engine settings for tests: the limits as they are shipped, and sizes so small that everything happens often.

use rollcall::engine::Settings;
use serde_json::json;

/// The text index, checkpoints and caches come into play from a few dozen contacts on.
pub fn small() -> Settings {
    let settings = json!({
        "depth_max": 16, "conditions_max": 256, "list_values_max": 1000, "search_chars_max": 200,
        "window_max": 2500, "page_max": 100, "page_default": 25, "sort_keys_max": 3, "min_version_wait_ms": 2000,
        "batch_operations_max": 512, "queue_max": 4096, "record_cache_bytes": 1 << 18,
        "text_index_contacts_min": 50, "text_flush_rows": 20, "gram_cache_bytes": 1 << 16,
        "text_flush_bytes": 16 << 20, "text_bulk_bytes": 32 << 20, "text_check_files": true,
        "checkpoint_changes": 100, "checkpoint_contacts_min": 50, "changes_kept_min": 10,
        "sleep_after_s": 600, "awake_bytes_max": 1u64 << 33,
        "tags_max": 10000, "fields_max": 200, "choices_max": 1000, "users_max": 10000, "segments_max": 500,
        "channels_max": 1000, "stages_max": 100, "interaction_chars_max": 10000
    });
    serde_json::from_value(settings).expect("every setting, and no other")
}
