//! Writing: one flush replaces rows and commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tantivy::IndexWriter;
use tantivy::index::SegmentMeta;
use tantivy::indexer::{LogMergePolicy, MergeCandidate, MergePolicy};

use super::batches::Batches;
use super::document::{RowDocument, RowsQuery, schema};
use super::seal::Seal;
use super::writer::{WriterSlot, open_writer, sync};
use super::{GramError, GramSettings, RowTexts, tokens};
use crate::index::RowSet;

/// From so many rows on a flush is a bulk load.
const BULK: u64 = if cfg!(test) { 1_000 } else { 100_000 };
/// So many threads write that, each segments of its own: once a load is over, they are what is waited for.
const BULK_WORKERS: usize = 2;
/// So many rows each of them then has in one go; one thread alone has fewer, so as to begin at once.
const BULK_BATCH: usize = if cfg!(test) { 100 } else { 16_384 };
const BATCH: usize = 256;
/// So many segments of about one size are merged into one; those with fewer documents than the second count as of one size, for every
/// segment is asked for every term.
const MERGED_MIN: usize = 5;
const SMALL: u32 = 100_000;
/// A segment of which so much is deleted is merged, so that deleted documents cost little.
const DELETED_MAX: f32 = 0.2;
/// Merges nothing until the commit. A new writer counts on from the last commit, its first operation included: a merge of
/// committed segments before the commit would take out the stale rows already, for good, and write that to the disk.
#[derive(Debug)]
struct AfterCommit {
    committing: Arc<AtomicBool>,
    policy: LogMergePolicy,
}

impl MergePolicy for AfterCommit {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        let may = self.committing.load(Ordering::SeqCst);
        if may { self.policy.compute_merge_candidates(segments) } else { Vec::new() }
    }
}

/// What a flush works on.
pub(super) struct Flush<'a> {
    pub index: &'a tantivy::Index,
    pub folder: &'a std::path::Path,
    pub settings: &'a GramSettings,
    pub header: &'a str,
    /// The rows of the last commit.
    pub committed: &'a RowSet,
}

impl Flush<'_> {
    /// Removes the `stale` rows, writes `texts`, and commits as complete up to `seq`; then merges what should be merged.
    /// Before the commit an error leaves everything as it was; `Err((true, _))`: the commit may have happened.
    pub(super) fn run(
        &self,
        stale: &RowSet,
        texts: &mut dyn Iterator<Item = RowTexts>,
        seq: u64,
    ) -> Result<(), (bool, GramError)> {
        let _slot = WriterSlot::wait();
        let before = |error: GramError| (false, error);
        let committing = Arc::new(AtomicBool::new(false));
        let mut writer = self.open_writer(stale.len(), committing.clone()).map_err(before)?;
        let rows = self.write(&writer, stale, texts).map_err(before)?;
        let mut commit = writer.prepare_commit().map_err(|error| before(error.into()))?;
        commit.set_payload(&Seal::new(self.header, seq, &rows).to_payload());
        let after = |error: GramError| (true, error);
        committing.store(true, Ordering::SeqCst);
        commit.commit().map_err(|error| after(error.into()))?;
        writer.wait_merging_threads().map_err(|error| after(error.into()))?;
        sync(self.folder).map_err(after)
    }

    fn open_writer(&self, stale: u64, committing: Arc<AtomicBool>) -> Result<IndexWriter<RowDocument>, GramError> {
        let workers = workers(stale);
        let bulk = self.committed.is_empty() || workers > 1;
        let memory = if bulk { self.settings.bulk_memory_max } else { self.settings.flush_memory_max };
        let mut policy = LogMergePolicy::default();
        policy.set_min_num_segments(MERGED_MIN);
        policy.set_min_layer_size(SMALL);
        policy.set_del_docs_ratio_before_merge(DELETED_MAX);
        open_writer(self.index, workers, memory, Box::new(AfterCommit { committing, policy }))
    }

    /// Gives the writer everything; returns the rows that the index will hold.
    fn write(
        &self,
        writer: &IndexWriter<RowDocument>,
        stale: &RowSet,
        texts: &mut dyn Iterator<Item = RowTexts>,
    ) -> Result<RowSet, GramError> {
        let (_, terms, row_field) = schema();
        if self.committed.intersection_len(stale) > 0 {
            let words = stale.to_words(stale.max().map_or(0, |row| row as usize + 1));
            writer.delete_query(Box::new(RowsQuery::new(words)))?;
        }
        let mut rows = self.committed.minus(stale);
        let mut batches = Batches::new(writer, if workers(stale.len()) > 1 { BULK_BATCH } else { BATCH });
        for (row, texts) in texts {
            let len = texts.iter().map(|(_, text)| text.len() + 8).sum();
            let mut packed = String::with_capacity(len);
            for (field, text) in texts.iter().filter(|(_, text)| !text.is_empty()) {
                if !tokens::pack(&mut packed, *field, text) {
                    return Err(GramError("a field without text was to be indexed".to_owned()));
                }
            }
            if packed.is_empty() {
                continue;
            }
            if !rows.insert(row) {
                return Err(GramError("a row was to be written that is there already and not stale".to_owned()));
            }
            batches.add(|mark| RowDocument { fields: (terms, row_field), row, packed, _batch: mark })?;
        }
        batches.finish()?;
        Ok(rows)
    }
}

/// The threads that write so many rows.
fn workers(rows: u64) -> usize {
    if rows >= BULK { BULK_WORKERS } else { 1 }
}
