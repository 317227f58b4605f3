//! A field with a set of codes per row (tags, channels): a posting list per code, and each row's own codes.

use super::{Row, RowSet};

/// owner: index
#[derive(Default)]
pub struct SetFacet {}

#[allow(unused_variables)] // owner: index
impl SetFacet {
    /// Sets the row's codes: ascending, each once.
    pub fn set(&mut self, row: Row, codes: &[u32]) {
        todo!()
    }
    /// The row's codes, ascending.
    pub fn get(&self, row: Row) -> impl Iterator<Item = u32> + '_ {
        std::iter::empty() // owner: index
    }
    pub fn rows(&self, code: u32) -> &RowSet {
        todo!()
    }
    /// Every row with at least one code.
    pub fn present(&self) -> &RowSet {
        todo!()
    }
    /// Codes in use with their rows, ascending by code.
    pub fn postings(&self) -> impl Iterator<Item = (u32, &RowSet)> {
        std::iter::empty() // owner: index
    }
    /// Counts per code among the rows, ascending by code, zero counts left out. Chooses between rows' own codes (few rows) and posting lists (many).
    pub fn counts(&self, among: &RowSet) -> Vec<(u32, u64)> {
        todo!()
    }
}
