//! Compaction: of an index at rest the smaller segments are made one. Every segment is asked for every term, and what several
//! have found is united, so that one large segment answers sooner than a few.

use std::path::Path;

use tantivy::index::SegmentId;
use tantivy::indexer::NoMergePolicy;

use super::GramError;
use super::writer::{WriterSlot, open_writer, sync};

/// A compaction takes about eight seconds a million documents, during which no flush can begin: so many documents at most.
const MERGED_MAX: u64 = 4_000_000;
/// All but the largest segment must hold such a part of what would be merged: so each document is merged again only when a
/// fourth as many have come to the index.
const WORTH: u64 = 4;

/// The segments, given as documents each, that should be made one: the smallest of them, or none.
pub(super) fn due(mut segments: Vec<(u64, SegmentId)>) -> Vec<SegmentId> {
    segments.sort();
    let mut total = 0;
    segments.retain(|(documents, _)| {
        total += documents;
        total <= MERGED_MAX
    });
    let total: u64 = segments.iter().map(|(documents, _)| documents).sum();
    let largest = segments.last().map_or(0, |(documents, _)| *documents);
    let worth = segments.len() > 1 && (total - largest) * WORTH >= total;
    if worth { segments.into_iter().map(|(_, id)| id).collect() } else { Vec::new() }
}

/// Makes one segment of these. An error leaves the list of segments as it was.
pub(super) fn merge(index: &tantivy::Index, folder: &Path, segments: &[SegmentId]) -> Result<(), GramError> {
    let _slot = WriterSlot::wait();
    let mut writer = open_writer(index, 1, 0, Box::new(NoMergePolicy))?;
    writer.merge(segments).wait()?;
    writer.wait_merging_threads()?;
    sync(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due_of(sizes: &[u64]) -> Vec<u64> {
        let segments: Vec<_> = sizes.iter().map(|size| (*size, SegmentId::generate_random())).collect();
        let due = due(segments.clone());
        let mut sizes: Vec<u64> = segments.iter().filter(|(_, id)| due.contains(id)).map(|(size, _)| *size).collect();
        sizes.sort_unstable();
        sizes
    }

    #[test]
    fn the_smaller_segments_are_due_once_they_are_a_fourth() {
        assert!(due_of(&[]).is_empty() && due_of(&[1_000_000]).is_empty());
        assert_eq!(due_of(&[433, 356, 196, 15]), [15, 196, 356, 433]);
        assert_eq!(due_of(&[300, 100]), [100, 300]);
        assert!(due_of(&[301, 100]).is_empty());
        // What is too large by itself stays; the others are looked at alone.
        assert_eq!(due_of(&[9_000_000, 50_000, 60_000]), [50_000, 60_000]);
        assert_eq!(due_of(&[2_000_000, 1_900_000, 2_100_000, 1_800_000]), [1_800_000, 1_900_000]);
        assert!(due_of(&[MERGED_MAX, 1_000, 10]).is_empty());
    }
}
