//! Every row that matches, by set algebra over the terms, the longest first; by reading the rows once they are few.

use super::texts::Texts;
use super::{Search, Term};
use crate::clock::Stopwatch;
use crate::filter::{PlanNode, View, Way};
use crate::index::RowSet;

/// Up to so many rows are read one by one rather than looked up: some hundredths of a millisecond.
const READ_MAX: u64 = if cfg!(test) { 8 } else { 256 };

/// Every row that matches the search; of `among` only, where that is given.
pub fn rows(search: &Search, view: View, among: Option<&RowSet>) -> RowSet {
    evaluate(search, view, among).0
}

/// The same, with how each term was evaluated.
pub fn evaluate(search: &Search, view: View, among: Option<&RowSet>) -> (RowSet, PlanNode) {
    let watch = Stopwatch::start();
    let texts = Texts::new(view);
    // The longest is likely the rarest.
    let mut terms: Vec<&Term> = search.terms.iter().collect();
    terms.sort_by_key(|term| std::cmp::Reverse(term.chars()));
    let mut so_far: Option<RowSet> = None;
    let mut children = Vec::with_capacity(terms.len());
    for term in terms {
        let watch = Stopwatch::start();
        let within = so_far.as_ref().or(among);
        let checked = within.map(RowSet::len).filter(|&len| len <= READ_MAX);
        let (rows, way) = match (within, checked) {
            (Some(within), Some(_)) => {
                let mut rows = within.clone();
                rows.retain(|row| texts.matches(row, term));
                (rows, Way::ColumnCheck)
            }
            _ => term_rows(&texts, term, within),
        };
        let what = format!("search {}", term.words.iter().map(|word| word.needle.text()).collect::<Vec<_>>().join(" "));
        let (len, micros) = (rows.len(), watch.micros());
        children.push(PlanNode { what, way, rows: len, checked, micros, children: Vec::new() });
        so_far = Some(rows);
    }
    // A search has terms.
    let rows = so_far.unwrap_or_default();
    if children.len() == 1 {
        return (rows, children.remove(0));
    }
    let (len, micros) = (rows.len(), watch.micros());
    (rows, PlanNode { what: "search".into(), way: Way::Bitmap, rows: len, checked: None, micros, children })
}

/// The rows of one term: its number in the phone, or all its words.
fn term_rows(texts: &Texts, term: &Term, within: Option<&RowSet>) -> (RowSet, Way) {
    let mut way = Way::TextScan;
    let mut all: Option<RowSet> = None;
    for word in &term.words {
        let within = all.as_ref().or(within);
        let of_fields: Vec<_> = texts.fields.iter().map(|field| texts.rows(field, &word.needle, within)).collect();
        if of_fields.iter().any(|(_, how)| *how == Way::Grams) {
            way = Way::Grams;
        }
        let mut rows = RowSet::union(of_fields.iter().map(|(rows, _)| &**rows));
        if let Some(digits) = &word.digits {
            rows |= &texts.number_rows(digits, within).0;
        }
        all = Some(rows);
    }
    let mut rows = all.unwrap_or_default();
    if let Some(digits) = &term.digits {
        let (of_phone, how) = texts.number_rows(digits, within);
        rows |= &of_phone;
        way = if how == Way::Grams { how } else { way };
    }
    (rows, way)
}
