//! The committed text index as of one moment: what readers hold.

use std::path::PathBuf;
use std::sync::Arc;

use tantivy::index::SegmentId;
use tantivy::{Index, SegmentReader};

use super::cache::TermCache;
use super::document::schema;
use super::seal::{self, Seal};
use super::segment::{FREQUENT, SegmentView};
use super::tokens::{EDGE_MAX, GRAM_MAX};
use super::{GramError, RowTexts, compact, guarded, tokens};
use crate::contact::Field;
use crate::index::{Row, RowSet};

/// So many grams of a long needle are looked at: enough to be selective, few enough for a needle of any length.
const LOOKED_AT_MAX: usize = 24;
/// So many of them, the rarest, are intersected at most.
const INTERSECTED_MAX: usize = 4;

/// The rows with every gram of a needle.
#[derive(Clone, Debug)]
pub struct Candidates {
    pub rows: Arc<RowSet>,
    /// Those of them that may lack the needle all the same; the others have it.
    pub doubtful: Arc<RowSet>,
}

impl Candidates {
    /// Those of other rows.
    #[must_use]
    pub fn and(&self, others: &RowSet) -> Candidates {
        Candidates { rows: Arc::new(self.rows.and(others)), doubtful: Arc::new(self.doubtful.and(others)) }
    }

    fn certain(rows: Arc<RowSet>) -> Candidates {
        Candidates { rows, doubtful: Arc::default() }
    }

    /// Rows of which each is to be looked at.
    pub fn to_look_at(rows: Arc<RowSet>) -> Candidates {
        Candidates { doubtful: rows.clone(), rows }
    }
}

/// The text index as of one commit. Never changes; a flush makes another.
pub struct GramView {
    seal: Seal,
    rows: RowSet,
    segments: Vec<SegmentView>,
    cache: Arc<TermCache>,
    /// Under which the cache keeps what several segments, or deletions, come to for this view.
    id: SegmentId,
    folder: PathBuf,
}

impl GramView {
    /// The last commit of `index`; parts that an earlier view has too are shared with it.
    pub(super) fn load(
        index: &Index,
        folder: PathBuf,
        cache: &Arc<TermCache>,
        earlier: Option<&GramView>,
    ) -> Result<GramView, GramError> {
        let meta = index.load_metas()?;
        let seal = Seal::from_payload(meta.payload.as_deref().unwrap_or_default())?;
        let (_, terms, _) = schema();
        let mut segments = Vec::with_capacity(meta.segments.len());
        let (mut rows, mut docs) = (RowSet::new(), 0);
        for meta in meta.segments {
            let id = meta.id();
            let known = earlier.and_then(|view| view.segments.iter().find(|known| known.id == id));
            let segment = SegmentView::open(&SegmentReader::open(&index.segment(meta))?, terms, known)?;
            let of_segment = segment.rows()?;
            docs += of_segment.len();
            rows |= &of_segment;
            segments.push(segment);
        }
        seal.check_rows(&rows)?;
        if docs != rows.len() {
            return Err(GramError("a row stands in two segments".to_owned()));
        }
        Ok(GramView { seal, rows, segments, cache: cache.clone(), id: SegmentId::generate_random(), folder })
    }

    /// The sequence number up to which it is complete; 0 when new.
    pub fn covers(&self) -> u64 {
        self.seal.seq
    }

    /// How many rows it holds: those that have a text.
    pub fn len(&self) -> u64 {
        self.rows.len()
    }

    /// Whether it holds no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows it holds.
    pub fn rows(&self) -> &RowSet {
        &self.rows
    }

    /// Whether its segments are such that a compaction is worth the while.
    pub fn is_scattered(&self) -> bool {
        !compact::due(self.sizes()).is_empty()
    }

    /// The documents of each segment, deleted ones included.
    pub(super) fn sizes(&self) -> Vec<(u64, SegmentId)> {
        self.segments.iter().map(|segment| (segment.doc_rows.len() as u64, segment.id)).collect()
    }

    pub(super) fn header(&self) -> &str {
        &self.seal.header
    }

    /// What the cache keeps for this view.
    pub(super) fn cached_ids(&self) -> Vec<SegmentId> {
        self.segments.iter().map(|segment| segment.id).chain([self.id]).collect()
    }

    pub(super) fn segments(&self) -> &[SegmentView] {
        &self.segments
    }

    /// The rows whose text of the field contains every gram of `needle` (search-folded). No row with the needle is missed, and none
    /// is doubtful where `needle` has at most [`GRAM_MAX`] characters; every row where it is empty. Of an e-mail's only domain it
    /// knows needles of at most [`tokens::DOMAIN_GRAM_MAX`] characters, and up to [`GRAM_MAX`] around the `@`.
    ///
    /// # Errors
    /// [`GramError`] where the files turn out to be damaged, or the field is none of text.
    pub fn candidates(&self, field: Field, needle: &str) -> Result<Candidates, GramError> {
        match needle.chars().take(GRAM_MAX + 1).count() {
            0 => Ok(Candidates::certain(Arc::new(self.rows.clone()))),
            len if len <= GRAM_MAX => {
                let term = tokens::term(field, tokens::INFIX, needle).ok_or_else(no_text)?;
                guarded(|| self.rows_with(&[term])).map(Candidates::certain)
            }
            _ => {
                let grams = tokens::long_grams(field, needle, LOOKED_AT_MAX).ok_or_else(no_text)?;
                guarded(|| self.rows_with_all(grams, tokens::joints(field, needle)))
            }
        }
    }

    /// The rows whose text of the field has a word that begins with (or, `whole`, is) `needle` (search-folded), if the index can
    /// say so exactly: for needles of one to [`EDGE_MAX`] characters, all of them of words; `None` where it cannot, and of phones. Of
    /// an e-mail's only domain it knows words and needles as long as [`tokens::DOMAIN_GRAM_MAX`].
    ///
    /// # Errors
    /// As `candidates`.
    pub fn word_starts(&self, field: Field, needle: &str, whole: bool) -> Result<Option<Arc<RowSet>>, GramError> {
        let characters = needle.chars().take(EDGE_MAX + 1).count();
        if field == Field::Phone
            || !(1..=EDGE_MAX).contains(&characters)
            || !needle.chars().all(crate::contact::fold::word_char)
        {
            return Ok(None);
        }
        let term =
            tokens::term(field, if whole { tokens::WHOLE } else { tokens::START }, needle).ok_or_else(no_text)?;
        guarded(|| self.rows_with(&[term])).map(Some)
    }

    /// The rows with all of a long needle's grams, or the rarest of very many. Where its joints are not known, all are doubtful.
    fn rows_with_all(&self, mut grams: Vec<String>, joints: Option<Vec<String>>) -> Result<Candidates, GramError> {
        let mut joints = joints.unwrap_or_default();
        if grams.len() > INTERSECTED_MAX {
            let Some(rarest) = self.rarest(grams)? else { return Ok(Candidates::certain(Arc::default())) };
            grams = rarest;
            joints.clear();
        }
        let (mut found, mut doubtful) = (Vec::new(), Vec::new());
        for segment in &self.segments {
            let (rows, complete) = segment.rows_with(&grams, &self.cache)?;
            if complete && !joints.is_empty() {
                doubtful.push(Arc::new(segment.rows_with_any(&joints, &rows, &self.cache)?));
            } else {
                doubtful.push(rows.clone());
            }
            found.push(rows);
        }
        Ok(Candidates { rows: union(found), doubtful: union(doubtful) })
    }

    /// One segment without deletions answers from its own part of the cache; what takes more is kept for the view as well.
    fn rows_with(&self, terms: &[String; 1]) -> Result<Arc<RowSet>, GramError> {
        let [term] = terms;
        let compound = self.segments.len() > 1 || self.segments.iter().any(SegmentView::has_deletions);
        if let Some(rows) = compound.then(|| self.cache.get(self.id, term)).flatten() {
            return Ok(rows);
        }
        let mut found = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            found.push(segment.rows_with(terms, &self.cache)?.0);
        }
        let rows = union(found);
        if !compound || rows.len() < u64::from(FREQUENT) {
            return Ok(rows);
        }
        let rows = Arc::new(Arc::unwrap_or_clone(rows).compact());
        self.cache.put(self.id, term, rows.clone());
        Ok(rows)
    }

    /// The rarest of the terms, over all segments; `None` where one is nowhere.
    fn rarest(&self, terms: Vec<String>) -> Result<Option<Vec<String>>, GramError> {
        let mut counted = Vec::with_capacity(terms.len());
        for term in terms {
            match self.frequency(&term)? {
                0 => return Ok(None),
                frequency => counted.push((frequency, term)),
            }
        }
        counted.sort();
        counted.truncate(INTERSECTED_MAX);
        Ok(Some(counted.into_iter().map(|(_, term)| term).collect()))
    }

    /// In how many documents the term is, deleted ones included.
    fn frequency(&self, term: &str) -> Result<u64, GramError> {
        let mut frequency = 0;
        for segment in &self.segments {
            frequency += segment.term_info(term)?.map_or(0, |info| u64::from(info.doc_freq));
        }
        Ok(frequency)
    }

    /// Reads everything anew: first every file's checksum, then every row's terms against its texts. The rows that differ, that
    /// are held without texts, or have texts and are not held: at most `limit`, ascending. Rows of `except` are not looked at:
    /// those that changed since this view was committed. Takes about ten seconds per million rows.
    ///
    /// # Errors
    /// [`GramError`] where the files are damaged.
    pub fn verify(
        &self,
        texts: &mut dyn Iterator<Item = RowTexts>,
        except: &RowSet,
        limit: usize,
    ) -> Result<Vec<Row>, GramError> {
        self.check_files()?;
        guarded(|| super::verify::differences(self, texts, except, limit))
    }

    /// Compares every file's checksum; opened anew, as an open index goes on with files that were removed or replaced.
    fn check_files(&self) -> Result<(), GramError> {
        guarded(|| {
            let index = Index::open_in_dir(&self.folder)?;
            let meta = index.load_metas()?;
            if Seal::from_payload(meta.payload.as_deref().unwrap_or_default())? != self.seal {
                return Err(GramError("it was committed to meanwhile".to_owned()));
            }
            seal::check_files(&index, &self.folder, &meta)
        })
    }

    /// Bytes in memory, without the cache.
    pub(super) fn memory(&self) -> usize {
        self.rows.memory() + self.segments.iter().map(SegmentView::memory).sum::<usize>()
    }
}

/// The rows of the segments, together.
fn union(mut sets: Vec<Arc<RowSet>>) -> Arc<RowSet> {
    if sets.len() > 1 {
        return Arc::new(RowSet::union(sets.iter().map(|set| &**set)));
    }
    sets.pop().unwrap_or_default()
}

fn no_text() -> GramError {
    GramError("the field has no text".to_owned())
}
