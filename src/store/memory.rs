//! A store in memory: for tests and for trying things out.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::RwLock;

use super::{Batch, Entry, Store, StoreError, limits};

/// What [`MemoryStore::fail_next`] makes fail, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Failure {
    /// The next `apply`, before anything of it is written.
    Write = 1,
    /// The next `apply`, after readers can see it: as when the disk refuses the sync.
    Sync = 2,
    /// The next `get` or `scan`.
    Read = 3,
}

/// A map under a lock. Nothing survives it.
#[derive(Default)]
pub struct MemoryStore {
    map: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
    failing: AtomicU8,
    read_only: OnceLock<String>,
}

impl MemoryStore {
    /// Makes the next operation of that kind fail, for tests of what follows.
    pub fn fail_next(&self, failure: Failure) {
        self.failing.store(failure as u8, Ordering::SeqCst);
    }

    fn fails(&self, failure: Failure) -> bool {
        self.failing.compare_exchange(failure as u8, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn reading(&self) -> Result<(), StoreError> {
        if self.fails(Failure::Read) { Err(StoreError::Io("made to fail".into())) } else { Ok(()) }
    }

    fn broken(&self, why: &str) -> StoreError {
        let _ = self.read_only.set(why.into());
        StoreError::Io(why.into())
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.reading()?;
        Ok(self.map.read().get(key).cloned())
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.reading()?;
        if from >= to {
            return Ok(Vec::new());
        }
        let map = self.map.read();
        let range = map.range::<[u8], _>((std::ops::Bound::Included(from), std::ops::Bound::Excluded(to)));
        Ok(range.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        limits::check(&batch)?;
        let mut map = self.map.write();
        if let Some(why) = self.read_only.get() {
            return Err(StoreError::ReadOnly(why.clone()));
        }
        if self.fails(Failure::Write) {
            return Err(self.broken("the write was made to fail"));
        }
        for (key, value) in batch {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        if self.fails(Failure::Sync) { Err(self.broken("the sync was made to fail")) } else { Ok(()) }
    }

    fn read_only(&self) -> Option<String> {
        self.read_only.get().cloned()
    }

    fn disk_bytes(&self) -> u64 {
        0
    }
}
