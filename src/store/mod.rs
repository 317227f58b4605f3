//! The truth: contacts and all else that must survive, in an ordered key-value store.
//!
//! [`Store`] is the contract an embedded store implements; [`Records`] is the typed face of it that the engine uses.

mod codec;
mod error;
mod folder;
mod head;
mod journal;
mod keys;
mod limits;
mod live;
mod memory;
mod panics;
mod pieces;
mod records;
mod side;
mod sled;
mod token;
mod upgrade;
mod upkeep;
mod writes;

pub use self::sled::{SledSettings, SledStore};
pub use error::StoreError;
pub use head::{Change, Head, Subject};
pub use limits::{KEY_MAX, VALUE_MAX};
pub use live::{Live, Tally};
pub use memory::{Failure, MemoryStore};
pub use records::{PastInteraction, Records};
pub use side::{ActiveJob, Alarm, AlarmSet, RingsAt, Side, SideRange, Sides, UsedKey};
pub use token::TokenRecord;
pub use upkeep::{Deletion, HeldIdentity, Sweep};
pub use writes::Writes;

/// Puts (`Some`) and deletes (`None`), applied together or not at all. Later entries for a key win.
pub type Batch = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// An ordered map of byte strings with atomic, durable batches. Sync, shared by threads; one thread at a time calls `apply`.
///
/// The contract, checked by one suite over every implementation (`tests/it/store_suite.rs`):
/// - `apply` returns `Ok` only when the whole batch would survive a power cut, and a batch that was cut short is absent
///   as a whole afterwards;
/// - a reader sees a value completely or not at all, and sees a batch at the latest when `apply` has returned;
/// - after a failed `apply` (which readers may or may not see) every later one answers [`StoreError::ReadOnly`] until
///   reopened; reads go on, as far as the medium can still be read;
/// - keys are at most [`KEY_MAX`] bytes, values at most [`VALUE_MAX`]; larger ones answer [`StoreError::TooLarge`] and
///   change nothing; neither is kept from being empty.
pub trait Store: Send + Sync {
    /// The value of a key.
    ///
    /// # Errors
    /// What the medium reports; never a panic on damaged files.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// At most `limit` entries with `from <= key < to`, ascending. Not a snapshot: entries written meanwhile may or may not show.
    ///
    /// # Errors
    /// What the medium reports.
    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Applies a batch atomically and makes it durable.
    ///
    /// # Errors
    /// What the medium reports; from then on [`StoreError::ReadOnly`].
    fn apply(&self, batch: Batch) -> Result<(), StoreError>;

    /// Why the store takes no more writes, if so.
    fn read_only(&self) -> Option<String>;

    /// Bytes on disk; 0 for a store in memory.
    fn disk_bytes(&self) -> u64;
}
