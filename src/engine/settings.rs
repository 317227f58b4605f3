//! The engine's settings. Defaults live in `config/rollcall.toml` only.

use serde::Deserialize;

use crate::filter::Limits;
use crate::index::GramSettings;

/// Settings of the engine; the meaning of each stands beside its default in `config/rollcall.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub depth_max: usize,
    pub conditions_max: usize,
    pub list_values_max: usize,
    pub search_chars_max: usize,
    pub window_max: usize,
    pub page_max: usize,
    pub page_default: usize,
    pub sort_keys_max: usize,
    pub min_version_wait_ms: u64,
    pub batch_operations_max: usize,
    pub queue_max: usize,
    pub record_cache_bytes: u64,
    pub text_index_contacts_min: usize,
    pub text_flush_rows: usize,
    pub text_flush_rest_s: u64,
    pub text_scan_max: usize,
    pub gram_cache_bytes: usize,
    pub text_flush_bytes: usize,
    pub text_bulk_bytes: usize,
    pub text_check_files: bool,
    pub checkpoint_changes: u64,
    pub checkpoint_contacts_min: u64,
    pub changes_kept_min: u64,
    pub sleep_after_s: u64,
    pub awake_bytes_max: u64,
    pub tags_max: usize,
    pub fields_max: usize,
    pub choices_max: usize,
    pub users_max: usize,
    pub segments_max: usize,
    pub channels_max: usize,
    pub stages_max: usize,
    pub interaction_chars_max: usize,
    pub receipt_kept_s: u64,
    pub job_kept_s: u64,
    pub jobs_max: usize,
    pub receipts_max: usize,
    pub many_max: usize,
    pub export_saved_bytes_max: usize,
    pub import_bytes_max: u64,
    pub import_rows_max: u64,
}

impl Settings {
    /// How a text index is opened.
    pub fn grams(&self) -> GramSettings {
        GramSettings {
            cache_max: self.gram_cache_bytes,
            flush_memory_max: self.text_flush_bytes,
            bulk_memory_max: self.text_bulk_bytes,
            check_files_at_open: self.text_check_files,
        }
    }

    /// The limits of a filter tree.
    pub fn limits(&self) -> Limits {
        Limits { depth_max: self.depth_max, conditions_max: self.conditions_max, list_values_max: self.list_values_max }
    }
}
