//! A text field: each distinct folded text once, with its rows; and each row's text.
//!
//! Texts are kept compare-folded (`contact::fold::compare`), and search-folded too where that differs.

use super::{Row, RowSet};

/// owner: index
#[derive(Default)]
pub struct TextColumn {}

#[allow(unused_variables)] // owner: index
impl TextColumn {
    /// Sets or clears the row's text, given as the contact has it (not folded).
    pub fn set(&mut self, row: Row, text: Option<&str>) {
        todo!()
    }
    /// The row's compare-folded text.
    pub fn get(&self, row: Row) -> Option<&str> {
        todo!()
    }
    /// The row's search-folded text.
    pub fn get_search(&self, row: Row) -> Option<&str> {
        todo!()
    }
    pub fn present(&self) -> RowSet {
        todo!()
    }
    /// The rows whose compare-folded text is `text`.
    pub fn equal(&self, text: &str) -> RowSet {
        todo!()
    }
    /// How many distinct texts there are: what `rows_where` has to look at.
    pub fn distinct(&self) -> usize {
        todo!()
    }
    /// The rows whose text passes, by a scan of the distinct texts: `test(compare_folded, search_folded)`.
    pub fn rows_where(&self, test: impl FnMut(&str, &str) -> bool) -> RowSet {
        todo!()
    }
    /// For each distinct text: its class by `class(compare_folded, search_folded)` (`None` = not at all, else `0..classes`);
    /// the rows of each class.
    pub fn classify(&self, classes: usize, class: impl FnMut(&str, &str) -> Option<usize>) -> Vec<RowSet> {
        todo!()
    }
    /// The rows whose search-folded text differs from the compare-folded one.
    pub fn accented(&self) -> RowSet {
        todo!()
    }
}
