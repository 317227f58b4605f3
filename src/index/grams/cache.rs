//! The row sets of frequent terms, per segment of the text index and per view. Neither changes, so nothing here goes stale.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tantivy::index::SegmentId;

use crate::index::RowSet;

/// Bounded in bytes; what was used longest ago goes first.
pub(super) struct TermCache {
    bytes_max: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By segment, then by term: a look-up takes no copy of the term, and a segment that is merged away goes as a whole.
    segments: HashMap<SegmentId, HashMap<Box<str>, Entry>>,
    bytes: usize,
    /// Counts look-ups: the clock of least recent use.
    tick: u64,
}

struct Entry {
    rows: Arc<RowSet>,
    bytes: usize,
    used: u64,
}

impl TermCache {
    pub(super) fn new(bytes_max: usize) -> TermCache {
        TermCache { bytes_max, inner: Mutex::default() }
    }

    pub(super) fn get(&self, segment: SegmentId, term: &str) -> Option<Arc<RowSet>> {
        let mut inner = self.inner.lock();
        inner.tick += 1;
        let tick = inner.tick;
        let entry = inner.segments.get_mut(&segment)?.get_mut(term)?;
        entry.used = tick;
        Some(entry.rows.clone())
    }

    pub(super) fn put(&self, segment: SegmentId, term: &str, rows: Arc<RowSet>) {
        let bytes = rows.memory() + term.len() + 96;
        if bytes > self.bytes_max / 2 {
            return;
        }
        let mut inner = self.inner.lock();
        let used = inner.tick;
        inner.bytes += bytes;
        let replaced = inner.segments.entry(segment).or_default().insert(term.into(), Entry { rows, bytes, used });
        inner.bytes -= replaced.map_or(0, |entry| entry.bytes);
        if inner.bytes > self.bytes_max {
            inner.shrink(self.bytes_max / 8 * 7);
        }
    }

    /// Drops what belongs to segments that are no more.
    pub(super) fn keep(&self, segments: &[SegmentId]) {
        let mut inner = self.inner.lock();
        inner.segments.retain(|id, _| segments.contains(id));
        inner.bytes = inner.segments.values().flat_map(HashMap::values).map(|entry| entry.bytes).sum();
    }

    pub(super) fn bytes(&self) -> usize {
        self.inner.lock().bytes
    }
}

impl Inner {
    /// An eighth at a time, so that the search for the oldest is rare.
    fn shrink(&mut self, target: usize) {
        let entries = || self.segments.values().flat_map(HashMap::values);
        let mut by_age: Vec<(u64, usize)> = entries().map(|entry| (entry.used, entry.bytes)).collect();
        by_age.sort_unstable();
        let mut left = self.bytes;
        let mut oldest_kept = u64::MAX;
        for (used, bytes) in by_age {
            if left <= target {
                oldest_kept = used;
                break;
            }
            left -= bytes;
        }
        self.segments.values_mut().for_each(|terms| terms.retain(|_, entry| entry.used >= oldest_kept));
        self.segments.retain(|_, terms| !terms.is_empty());
        self.bytes = self.segments.values().flat_map(HashMap::values).map(|entry| entry.bytes).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(to: u32) -> Arc<RowSet> {
        Arc::new((0..to).map(|row| row * 3).collect())
    }

    #[test]
    fn the_least_recently_used_goes_first_and_the_bound_holds() {
        let one = rows(2000).memory() + 100;
        let cache = TermCache::new(one * 9);
        let segment = SegmentId::generate_random();
        for term in 0..40 {
            cache.put(segment, &term.to_string(), rows(2000));
            assert!(cache.bytes() <= one * 9);
            assert!(cache.get(segment, "0").is_some(), "used all the time");
        }
        assert!(cache.get(segment, "39").is_some());
        assert!(cache.get(segment, "1").is_none());
        cache.put(segment, "huge", rows(200_000));
        assert!(cache.get(segment, "huge").is_none(), "one set must not drive out all others");
    }

    #[test]
    fn a_merged_segment_leaves_nothing_behind() {
        let cache = TermCache::new(1 << 20);
        let (gone, kept) = (SegmentId::generate_random(), SegmentId::generate_random());
        cache.put(gone, "a", rows(10));
        cache.put(kept, "a", rows(20));
        cache.put(kept, "a", rows(30));
        cache.keep(&[kept]);
        assert!(cache.get(gone, "a").is_none());
        assert_eq!(cache.get(kept, "a").map(|set| set.len()), Some(30));
        let before = cache.bytes();
        cache.keep(&[]);
        assert!(before > 0 && cache.bytes() == 0);
    }
}
