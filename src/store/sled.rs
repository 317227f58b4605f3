//! The store on disk. The only file that names sled.

use std::path::Path;

use super::StoreError;

/// owner: store
pub struct SledStore {}

/// Settings of the store on disk.
#[derive(Clone, Copy, Debug)]
pub struct SledSettings {
    /// Bytes sled is told to cache; it really uses two to three times as much.
    pub cache_bytes: u64,
    /// How often sled's own flusher runs (its garbage collection lives there).
    pub flush_every_ms: u64,
}

impl SledStore {
    /// Opens or creates the store in `folder`.
    ///
    /// # Errors
    /// [`StoreError::Open`] where the folder is locked, damaged or not writable.
    pub fn open(folder: &Path, settings: SledSettings) -> Result<SledStore, StoreError> {
        let _ = (folder, settings);
        todo!()
    }
}
