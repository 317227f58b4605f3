//! The row of each document of a tantivy segment. Rows are mostly written one after the other, so few numbers tell them all.

use tantivy::DocId;

use super::GramError;
use crate::index::Row;

/// Rows by document. A row may have one document in a segment at most, deleted ones included.
pub(super) struct DocRows {
    len: u32,
    /// The first document of each run and its row; the documents after it have the rows after that. Ascending by document.
    runs: Vec<(DocId, Row)>,
}

impl DocRows {
    /// From the row of each document in turn.
    pub fn new(rows: &[Row]) -> DocRows {
        let mut runs: Vec<(DocId, Row)> = Vec::new();
        for (doc, row) in (0..).zip(rows) {
            if runs.last().is_none_or(|(first, from)| from.checked_add(doc - first) != Some(*row)) {
                runs.push((doc, *row));
            }
        }
        runs.shrink_to_fit();
        DocRows { len: rows.len() as u32, runs }
    }

    /// How many documents.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// The row of every document in turn.
    pub fn iter(&self) -> impl Iterator<Item = Row> + '_ {
        let ends = self.runs.iter().skip(1).map(|(doc, _)| *doc).chain([self.len]);
        self.runs.iter().zip(ends).flat_map(|((doc, row), end)| *row..*row + (end - doc))
    }

    /// Calls `f` with stretches of ascending documents, and what to add to each of them (round the end of the numbers) for its row.
    ///
    /// # Errors
    /// [`GramError`] for a document that is not there.
    pub fn stretches<'d>(&self, docs: &'d [DocId], mut f: impl FnMut(&'d [DocId], u32)) -> Result<(), GramError> {
        if docs.last().is_some_and(|last| *last >= self.len) {
            return Err(GramError("a document that is not there".to_owned()));
        }
        let (mut left, mut next) = (docs, 0);
        while let Some(first) = left.first() {
            // The run after the document's: mostly one of the next few.
            next += ahead(&self.runs[next..], |(doc, _)| doc <= first);
            // The first run begins with the first document.
            let (from, row) = self.runs[next - 1];
            let here = match self.runs.get(next) {
                Some((end, _)) => ahead(left, |doc| doc < end),
                None => left.len(),
            };
            f(&left[..here], row.wrapping_sub(from));
            left = &left[here..];
        }
        Ok(())
    }

    /// Bytes in memory.
    pub fn memory(&self) -> usize {
        self.runs.capacity() * size_of::<(DocId, Row)>()
    }
}

/// How many stand before the first for which `before` is false: looked for twice as far with each step.
fn ahead<T>(sorted: &[T], before: impl Fn(&T) -> bool) -> usize {
    let mut end = 1;
    while end < sorted.len() && before(&sorted[end]) {
        end *= 2;
    }
    let from = end / 2;
    from + sorted[from..sorted.len().min(end + 1)].partition_point(before)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn looking_ahead_is_looking_everywhere(numbers in proptest::collection::btree_set(0u32..200, 0..60), up_to in 0u32..200) {
            let numbers: Vec<u32> = numbers.into_iter().collect();
            prop_assert_eq!(ahead(&numbers, |number| *number < up_to), numbers.partition_point(|number| *number < up_to));
        }

        #[test]
        fn every_document_has_its_row(
            runs in proptest::collection::vec((0u32..1000, 1u32..40), 0..12), docs in proptest::collection::btree_set(0u32..600, 0..80),
        ) {
            let rows: Vec<Row> = runs.iter().flat_map(|(first, len)| *first..first + len).collect();
            let known = DocRows::new(&rows);
            prop_assert!(known.len() == rows.len() && known.iter().eq(rows.iter().copied()));
            let docs: Vec<DocId> = docs.into_iter().collect();
            let mut found = Vec::new();
            match known.stretches(&docs, |docs, shift| found.extend(docs.iter().map(|doc| doc.wrapping_add(shift)))) {
                Ok(()) => prop_assert!(docs.iter().map(|doc| rows[*doc as usize]).eq(found)),
                Err(_) => prop_assert!(docs.iter().any(|doc| *doc as usize >= rows.len())),
            }
        }
    }
}
