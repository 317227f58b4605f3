//! The text index on disk: which rows' texts contain which grams. The only file (with its folder) that names tantivy.
//!
//! Per text field, grams of one to three characters of the search-folded text. Exact for needles of up to
//! three characters, a superset for longer ones.

use std::path::Path;

use super::{Row, RowSet};
use crate::contact::Field;

/// Why the text index cannot be used; it is then removed and made anew.
#[derive(Debug, thiserror::Error)]
#[error("the text index is unusable: {0}")]
pub struct GramError(pub String);

/// What a row holds: its text fields with their search-folded texts.
pub type RowTexts = (Row, Vec<(Field, String)>);

/// A text index that is open for reading; flushes go through it too. Shared by threads.
/// owner: grams
pub struct GramIndex {}

#[allow(unused_variables)] // owner: grams
impl GramIndex {
    /// Opens the folder or makes it. `header` (workspace, incarnation, format) must equal the one it was made with,
    /// or else, and for anything torn or foreign, it is an error and the caller removes the folder.
    ///
    /// # Errors
    /// [`GramError`].
    pub fn open(folder: &Path, header: &str) -> Result<GramIndex, GramError> {
        todo!()
    }

    /// The sequence number up to which the committed index is complete; 0 when new.
    pub fn covers(&self) -> u64 {
        todo!()
    }

    /// The rows whose committed text of the field contains every gram of `needle` (search-folded, not empty).
    /// Exact when `needle` has at most three characters.
    pub fn candidates(&self, field: Field, needle: &str) -> Result<RowSet, GramError> {
        todo!()
    }

    /// The rows whose committed text of the field has a word that begins with (or, `whole`, is) `needle`, if the index can say
    /// so exactly (needles of at most three characters); `None` where it cannot.
    pub fn word_starts(&self, field: Field, needle: &str, whole: bool) -> Result<Option<RowSet>, GramError> {
        todo!()
    }

    /// Replaces the rows: `gone` are removed, those of `texts` written anew; then commits as complete up to `seq` and
    /// makes it visible. One flush at a time; readers go on meanwhile.
    ///
    /// # Errors
    /// [`GramError`]; the index is then as before or must be made anew.
    pub fn flush(&self, gone: &RowSet, texts: &mut dyn Iterator<Item = RowTexts>, seq: u64) -> Result<(), GramError> {
        todo!()
    }

    /// How many rows the committed index holds.
    pub fn len(&self) -> u64 {
        todo!()
    }

    /// Every committed row's grams checked against the texts: the rows that differ, at most `limit`.
    pub fn verify(&self, texts: &mut dyn Iterator<Item = RowTexts>, limit: usize) -> Result<Vec<Row>, GramError> {
        todo!()
    }

    /// Bytes in memory and on disk.
    pub fn size(&self) -> (usize, u64) {
        todo!()
    }
}
