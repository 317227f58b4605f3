//! tantivy's writers: at most two are open in the process, whatever the number of workspaces.

use std::fs::File;
use std::path::Path;

use parking_lot::{Condvar, Mutex};
use tantivy::indexer::{IndexWriterOptions, MergePolicy};
use tantivy::{Index, IndexWriter};

use super::GramError;
use super::document::RowDocument;

/// tantivy refuses less.
const MEMORY_MIN: usize = 16 << 20;
/// A writer is three or four threads and its memory.
const WRITERS_MAX: usize = 2;

static WRITERS: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// The right to open a tantivy writer.
pub(super) struct WriterSlot;

impl WriterSlot {
    pub(super) fn wait() -> WriterSlot {
        let mut open = WRITERS.0.lock();
        WRITERS.1.wait_while(&mut open, |open| *open >= WRITERS_MAX);
        *open += 1;
        WriterSlot
    }
}

impl Drop for WriterSlot {
    fn drop(&mut self) {
        *WRITERS.0.lock() -= 1;
        WRITERS.1.notify_one();
    }
}

/// Opens a writer of so many threads, which together take so many bytes.
pub(super) fn open_writer(
    index: &Index,
    workers: usize,
    memory: usize,
    policy: Box<dyn MergePolicy>,
) -> Result<IndexWriter<RowDocument>, GramError> {
    let options = IndexWriterOptions::builder()
        .num_worker_threads(workers)
        .num_merge_threads(1)
        .memory_budget_per_thread((memory / workers).clamp(MEMORY_MIN, u32::MAX as usize / 2))
        .build();
    let writer = index.writer_with_options(options)?;
    writer.set_merge_policy(policy);
    Ok(writer)
}

/// tantivy renames meta.json after it has synced the folder; without this a commit could be undone by a power cut.
pub(super) fn sync(folder: &Path) -> Result<(), GramError> {
    Ok(File::open(folder)?.sync_all()?)
}
