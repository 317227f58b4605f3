//! One immutable segment of the text index, and its terms' rows.

use std::sync::Arc;

use tantivy::fastfield::AliveBitSet;
use tantivy::index::SegmentId;
use tantivy::postings::{BlockSegmentPostings, TermInfo};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, InvertedIndexReader, SegmentReader};

use super::GramError;
use super::cache::TermCache;
use super::doc_rows::DocRows;
use crate::index::{Row, RowSet, RowSetBuilder};

/// A term of at least so many documents is cached, and taken as a whole set rather than document by document.
pub(super) const FREQUENT: u32 = 8192;

/// Once so few documents are left, they are not worth another gram: the caller looks at each anyway.
const FEW: usize = if cfg!(test) { 1 } else { 64 };

/// A segment as of one commit: the same segment with more deletions is another value that shares the rest.
pub(super) struct SegmentView {
    pub id: SegmentId,
    pub inverted: Arc<InvertedIndexReader>,
    pub doc_rows: Arc<DocRows>,
    row_max: Row,
    alive: Option<AliveBitSet>,
    /// The rows of deleted documents.
    dead: RowSet,
}

impl SegmentView {
    /// `known`: the same segment as of an earlier commit, for what they share.
    pub(super) fn open(
        reader: &SegmentReader,
        terms: Field,
        known: Option<&SegmentView>,
    ) -> Result<SegmentView, GramError> {
        let (inverted, doc_rows) = match known {
            Some(known) => (known.inverted.clone(), known.doc_rows.clone()),
            None => (reader.inverted_index(terms)?, Arc::new(DocRows::new(&super::document::rows_of(reader)?))),
        };
        let alive = reader.alive_bitset().cloned();
        let dead = alive.as_ref().map_or_else(RowSet::new, |alive| {
            let rows = (0..reader.max_doc()).zip(doc_rows.iter());
            RowSet::from_unsorted(rows.filter(|(doc, _)| alive.is_deleted(*doc)).map(|(_, row)| row).collect())
        });
        let row_max = known.map_or_else(|| doc_rows.iter().max().unwrap_or(0), |known| known.row_max);
        Ok(SegmentView { id: reader.segment_id(), inverted, doc_rows, row_max, alive, dead })
    }

    /// Every row of a document that is not deleted.
    pub(super) fn rows(&self) -> Result<RowSet, GramError> {
        let all = RowSet::from_unsorted(self.doc_rows.iter().collect());
        if all.len() != self.doc_rows.len() as u64 {
            return Err(GramError("a row stands twice in a segment".to_owned()));
        }
        Ok(all.minus(&self.dead))
    }

    pub(super) fn has_deletions(&self) -> bool {
        !self.dead.is_empty()
    }

    pub(super) fn is_alive(&self, doc: DocId) -> bool {
        self.alive.as_ref().is_none_or(|alive| alive.is_alive(doc))
    }

    pub(super) fn term_info(&self, term: &str) -> Result<Option<TermInfo>, GramError> {
        Ok(self.inverted.terms().get(term)?)
    }

    pub(super) fn postings(&self, info: &TermInfo) -> Result<BlockSegmentPostings, GramError> {
        Ok(self.inverted.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?)
    }

    /// The rows that have all the terms, and whether that is so: of a few rows it does not look at every term, but at one it does.
    pub(super) fn rows_with(&self, terms: &[String], cache: &TermCache) -> Result<(Arc<RowSet>, bool), GramError> {
        let mut infos = Vec::with_capacity(terms.len());
        for term in terms {
            let Some(info) = self.term_info(term)? else { return Ok((Arc::default(), true)) };
            infos.push((info, term.as_str()));
        }
        infos.sort_by_key(|(info, _)| info.doc_freq);
        let Some((rarest, others)) = infos.split_first() else { return Ok((Arc::default(), true)) };
        if rarest.0.doc_freq >= FREQUENT {
            return Ok((self.frequent_rows(rarest, others, cache)?, true));
        }
        let mut docs = self.docs(&rarest.0)?;
        let mut looked_at = 0;
        for (info, _) in others {
            if docs.len() <= FEW {
                break;
            }
            self.keep_docs_with(info, &mut docs)?;
            looked_at += 1;
        }
        if self.alive.is_some() {
            docs.retain(|doc| self.is_alive(*doc));
        }
        Ok((Arc::new(self.rows_of(&docs)?), looked_at == others.len()))
    }

    /// The rows of ascending documents.
    fn rows_of(&self, docs: &[DocId]) -> Result<RowSet, GramError> {
        let mut stretches = Vec::new();
        self.doc_rows.stretches(docs, |docs, shift| {
            stretches.extend(docs.first().map(|first| (first.wrapping_add(shift), docs, shift)));
        })?;
        // Stretches are few and rows many, and these are taken in quickest as they ascend: in a segment that was merged, or written by
        // one of several threads, documents do not.
        stretches.sort_unstable_by_key(|(row, ..)| *row);
        let mut rows = RowSetBuilder::default();
        stretches.into_iter().for_each(|(_, docs, shift)| rows.extend_shifted(docs, shift));
        Ok(rows.build())
    }

    /// The rows of `among` that have any of the terms.
    pub(super) fn rows_with_any(
        &self,
        terms: &[String],
        among: &RowSet,
        cache: &TermCache,
    ) -> Result<RowSet, GramError> {
        let mut any = RowSet::new();
        for term in terms {
            any |= &among.and(&self.rows_with(std::slice::from_ref(term), cache)?.0);
        }
        Ok(any)
    }

    /// The same where every term is frequent: by whole sets, which the cache mostly has.
    fn frequent_rows(
        &self,
        rarest: &(TermInfo, &str),
        others: &[(TermInfo, &str)],
        cache: &TermCache,
    ) -> Result<Arc<RowSet>, GramError> {
        let mut rows = self.all_rows(rarest, cache)?;
        for other in others {
            rows = Arc::new(rows.and(&*self.all_rows(other, cache)?));
        }
        if !self.dead.is_empty() {
            rows = Arc::new(rows.minus(&self.dead));
        }
        Ok(rows)
    }

    /// The rows of a frequent term, those of deleted documents included.
    fn all_rows(&self, (info, term): &(TermInfo, &str), cache: &TermCache) -> Result<Arc<RowSet>, GramError> {
        if let Some(rows) = cache.get(self.id, term) {
            return Ok(rows);
        }
        let mut postings = self.postings(info)?;
        let mut words = vec![0u64; self.row_max as usize / 64 + 1];
        while !postings.docs().is_empty() {
            self.doc_rows.stretches(postings.docs(), |docs, shift| {
                let rows = docs.iter().map(|doc| doc.wrapping_add(shift));
                rows.for_each(|row| words[row as usize / 64] |= 1 << (row % 64));
            })?;
            postings.advance();
        }
        let rows = Arc::new(RowSet::from_words(&words).compact());
        cache.put(self.id, term, rows.clone());
        Ok(rows)
    }

    fn docs(&self, info: &TermInfo) -> Result<Vec<DocId>, GramError> {
        let mut postings = self.postings(info)?;
        let mut docs = Vec::with_capacity(info.doc_freq as usize);
        while !postings.docs().is_empty() {
            docs.extend_from_slice(postings.docs());
            postings.advance();
        }
        Ok(docs)
    }

    /// Keeps those of the ascending documents that have the term; blocks of the postings between them are skipped unread.
    fn keep_docs_with(&self, info: &TermInfo, docs: &mut Vec<DocId>) -> Result<(), GramError> {
        let mut postings = self.postings(info)?;
        docs.retain(|doc| {
            let at = postings.seek(*doc);
            postings.doc(at) == *doc
        });
        Ok(())
    }

    /// Bytes in memory.
    pub(super) fn memory(&self) -> usize {
        let alive = self.alive.as_ref().map_or(0, |_| self.doc_rows.len() / 8);
        self.doc_rows.memory() + self.dead.memory() + alive
    }
}
