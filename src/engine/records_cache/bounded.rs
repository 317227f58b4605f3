//! Values of contacts, bounded in bytes and read many at a time.

use std::hint::black_box;

use parking_lot::RwLock;
use quick_cache::unsync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter};
use smallvec::SmallVec;

use crate::contact::{ContactId, WorkspaceId};

/// Parts that are locked one by one: more would leave fewer values of a page in each.
const SHARDS: usize = 8;
/// Fewer of them where one would have room for fewer values.
const SHARD_MIN: usize = 32;
/// What an entry takes beside its value, about: its key, its place in the cache, what the allocator rounds up.
const ENTRY: usize = 80;

type Key = (WorkspaceId, ContactId);
type Shard<T> = Cache<Key, T, Bytes, DefaultHashBuilder, Quiet>;

/// What is kept: cheap to clone, the rest behind a pointer.
pub trait Kept: Clone {
    /// Bytes on the heap, about.
    fn bytes(&self) -> usize;
    /// How many hold it, which is counted beside it.
    fn holders(&self) -> usize;
}

#[derive(Clone)]
struct Bytes;

impl<T: Kept> Weighter<Key, T> for Bytes {
    fn weight(&self, _: &Key, kept: &T) -> u64 {
        (kept.bytes() + ENTRY) as u64
    }
}

/// Hands what has no room any more to whoever pushed it out.
#[derive(Clone)]
struct Quiet;

impl<T> Lifecycle<Key, T> for Quiet {
    type RequestState = Vec<T>;
    fn on_evict(&self, evicted: &mut Vec<T>, _: Key, kept: T) {
        evicted.push(kept);
    }
}

/// Values by workspace and contact.
pub struct Bounded<T> {
    shards: Box<[RwLock<Shard<T>>]>,
}

impl<T: Kept> Bounded<T> {
    /// At most so many bytes, of values that take `each` on average, about.
    pub fn new(bytes_max: u64, each: u64) -> Bounded<T> {
        let about = (bytes_max / each) as usize;
        let shards = (about / SHARD_MIN).clamp(1, SHARDS);
        let shard = |_| {
            let room = bytes_max / shards as u64;
            let about = (about / shards).max(16);
            RwLock::new(Cache::with(about, room, Bytes, DefaultHashBuilder::default(), Quiet))
        };
        Bounded { shards: (0..shards).map(shard).collect() }
    }

    /// Whatever pattern ids follow, all shards have some.
    fn number(&self, ws: WorkspaceId, id: ContactId) -> u8 {
        let mixed = (u64::from(ws.0) << 32 | u64::from(id.0)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        ((mixed * self.shards.len() as u64) >> 32) as u8
    }

    fn shard(&self, ws: WorkspaceId, id: ContactId) -> &RwLock<Shard<T>> {
        &self.shards[usize::from(self.number(ws, id))]
    }

    /// What is kept of each.
    ///
    /// A value lies anywhere in memory, and adding to the count of its holders lets nothing else be read until it is there. So the
    /// counts of all of a shard are read before any is added to: that many wait for memory at once.
    pub fn get_all(&self, ws: WorkspaceId, ids: &[ContactId]) -> Vec<Option<T>> {
        let mut found = vec![None; ids.len()];
        let numbers: SmallVec<[u8; 128]> = ids.iter().map(|id| self.number(ws, *id)).collect();
        for (number, shard) in (0..).zip(&self.shards) {
            if !numbers.contains(&number) {
                continue;
            }
            let shard = shard.read();
            let here = (0..).zip(ids).zip(&numbers).filter(|(_, of)| **of == number);
            let kept = here.filter_map(|((at, id), _)| Some((at, shard.get(&(ws, *id))?)));
            let kept: SmallVec<[(usize, &T); 32]> = kept.collect();
            black_box(kept.iter().fold(0, |holders, (_, kept)| holders ^ kept.holders()));
            kept.into_iter().for_each(|(at, kept)| found[at] = Some(kept.clone()));
        }
        found
    }

    /// What is kept, whose place among the others stays as it is.
    pub fn peek(&self, ws: WorkspaceId, id: ContactId) -> Option<T> {
        self.shard(ws, id).read().peek(&(ws, id)).cloned()
    }

    pub fn insert(&self, ws: WorkspaceId, id: ContactId, value: T) {
        let mut evicted = Vec::new();
        self.shard(ws, id).write().insert_with_lifecycle((ws, id), value, &mut evicted);
    }

    /// Puts the value in place of another, if there is one; whether it is used stays as it was.
    pub fn replace(&self, ws: WorkspaceId, id: ContactId, value: T) {
        let mut evicted = Vec::new();
        // Refused where there is none; what is dropped is dropped without the lock.
        let refused = self.shard(ws, id).write().replace_with_lifecycle((ws, id), value, true, &mut evicted);
        drop(refused);
    }

    pub fn remove(&self, ws: WorkspaceId, id: ContactId) {
        let removed = self.shard(ws, id).write().remove(&(ws, id));
        drop(removed);
    }

    /// Removes all of a workspace.
    pub fn remove_all(&self, ws: WorkspaceId) {
        self.shards.iter().for_each(|shard| shard.write().retain(|(of, _), _| *of != ws));
    }

    /// Bytes held now.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.read().weight()).sum()
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }
}
