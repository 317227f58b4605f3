//! A field with one choice of few per row: a posting list per code, and a column for the way back.

use super::{Row, RowSet};

/// owner: index
#[derive(Default)]
pub struct Facet {}

#[allow(unused_variables)] // owner: index
impl Facet {
    /// Sets or clears the row's code.
    pub fn set(&mut self, row: Row, code: Option<u32>) {
        todo!()
    }
    pub fn get(&self, row: Row) -> Option<u32> {
        todo!()
    }
    /// The rows with that code.
    pub fn rows(&self, code: u32) -> &RowSet {
        todo!()
    }
    /// Every row with a code.
    pub fn present(&self) -> &RowSet {
        todo!()
    }
    /// Codes in use with their rows, ascending by code.
    pub fn postings(&self) -> impl Iterator<Item = (u32, &RowSet)> {
        std::iter::empty() // owner: index
    }
    /// Counts per code among the rows, ascending by code, zero counts left out. Chooses between the column (few rows) and posting lists (many).
    pub fn counts(&self, among: &RowSet) -> Vec<(u32, u64)> {
        todo!()
    }
}
