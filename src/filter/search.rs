//! The search box: words and phone digits → rows, and how well each row matches. (owner: select)

use super::View;
use crate::index::RowSet;

/// What was typed, split and folded.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Search-folded words.
    pub words: Vec<String>,
}

/// Rows by quality, best first; the classes are disjoint and their union is every match.
pub struct Ranked {
    /// Whole word in the name, whole word elsewhere, prefix in the name, prefix elsewhere, infix in the name, infix elsewhere.
    /// A contact that matches several words is as good as its worst word.
    pub classes: [RowSet; 6],
}

/// Reads the search box's text; `None` for nothing but white space.
///
/// # Errors
/// A sentence where it is too long.
pub fn parse(text: &str) -> Result<Option<Search>, String> {
    let _ = text;
    todo!()
}

/// Every row that matches every word.
pub fn rows(search: &Search, view: View) -> RowSet {
    let _ = (search, view);
    todo!()
}

/// The same rows by quality, those in `among` only.
pub fn ranked(search: &Search, view: View, among: &RowSet) -> Ranked {
    let _ = (search, view, among);
    todo!()
}

/// Whether one contact matches, and in which class: the meaning of the above.
pub fn class_of(
    search: &Search,
    contact: &crate::contact::Contact,
    catalog: &crate::contact::Catalog,
) -> Option<usize> {
    let _ = (search, contact, catalog);
    todo!()
}
