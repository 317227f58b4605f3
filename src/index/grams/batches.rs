//! Documents on their way to tantivy's threads: in batches, each of which one thread writes, and not too many ahead of them.

use std::sync::Arc;
use std::time::Duration;

use tantivy::IndexWriter;
use tantivy::indexer::UserOperation;

use super::document::RowDocument;

/// So many bytes of text make a batch, however few rows have them.
const BYTES: usize = 4 << 20;
/// No more batches wait or are being written at once. tantivy itself would take ten thousand.
const AHEAD: usize = 6;
/// How often is looked whether one is done.
const LOOK: Duration = Duration::from_millis(1);

pub(super) struct Batches<'a> {
    writer: &'a IndexWriter<RowDocument>,
    rows_max: usize,
    batch: Vec<UserOperation<RowDocument>>,
    bytes: usize,
    /// Every document of the batch has it.
    mark: Arc<()>,
    /// The marks of those before it.
    sent: Vec<Arc<()>>,
}

impl<'a> Batches<'a> {
    /// Of so many rows each. Where several threads write, what a thread has in one go are the runs of rows in its segments:
    /// short ones are slow to search.
    pub fn new(writer: &'a IndexWriter<RowDocument>, rows_max: usize) -> Batches<'a> {
        Batches { writer, rows_max, batch: Vec::new(), bytes: 0, mark: Arc::default(), sent: Vec::new() }
    }

    /// Adds a document, made with the batch's mark.
    pub fn add(&mut self, document: impl FnOnce(Arc<()>) -> RowDocument) -> tantivy::Result<()> {
        let document = document(self.mark.clone());
        self.bytes += document.packed.len();
        self.batch.push(UserOperation::Add(document));
        if self.batch.len() < self.rows_max && self.bytes < BYTES { Ok(()) } else { self.send() }
    }

    /// Sends what is left.
    pub fn finish(mut self) -> tantivy::Result<()> {
        self.send()
    }

    fn send(&mut self) -> tantivy::Result<()> {
        // What a thread that died had, or left, is dropped as well, so this ends.
        while self.under_way() >= AHEAD {
            std::thread::sleep(LOOK);
        }
        self.writer.run(std::mem::take(&mut self.batch))?;
        self.sent.push(std::mem::take(&mut self.mark));
        self.bytes = 0;
        Ok(())
    }

    fn under_way(&mut self) -> usize {
        self.sent.retain(|mark| Arc::strong_count(mark) > 1);
        self.sent.len()
    }
}
