//! Every row that matches, by set algebra over the terms, the longest first; by reading the rows once they are few.

use super::texts::{InField, Texts};
use super::{Search, Term};
use crate::clock::Stopwatch;
use crate::filter::{PlanNode, View, Way};
use crate::index::RowSet;

/// Up to so many rows are read one by one rather than looked up: some hundredths of a millisecond.
const READ_MAX: u64 = if cfg!(test) { 8 } else { 256 };

/// What evaluating a search found of each of its words in each field, for who ranks the rows: by term, word and searched field; `None`
/// for terms that were looked for in the rows themselves.
#[derive(Default)]
pub struct Found(Vec<Option<OfTerm>>);

/// Of a term, by word and searched field.
type OfTerm = Vec<Vec<InField>>;

impl Found {
    /// Of a word of a term in a field.
    pub(super) fn of(&self, term: usize, word: usize, field: usize) -> Option<&InField> {
        self.0.get(term)?.as_ref()?.get(word)?.get(field)
    }
}

/// Every row that matches the search; of `among` only, where that is given.
pub fn rows(search: &Search, view: View, among: Option<&RowSet>) -> RowSet {
    evaluate(search, view, among).0
}

/// The same, with how each term was evaluated, and what was found on the way.
pub fn evaluate(search: &Search, view: View, among: Option<&RowSet>) -> (RowSet, PlanNode, Found) {
    let watch = Stopwatch::start();
    let texts = Texts::new(view);
    // The longest is likely the rarest.
    let mut terms: Vec<(usize, &Term)> = search.terms.iter().enumerate().collect();
    terms.sort_by_key(|(_, term)| std::cmp::Reverse(term.chars()));
    let mut so_far: Option<RowSet> = None;
    let mut children = Vec::with_capacity(terms.len());
    let mut found: Vec<Option<OfTerm>> = terms.iter().map(|_| None).collect();
    for (at, term) in terms {
        let watch = Stopwatch::start();
        let within = so_far.as_ref().or(among);
        let checked = within.map(RowSet::len).filter(|&len| len <= READ_MAX);
        let (rows, way) = match (within, checked) {
            (Some(within), Some(_)) => {
                let mut rows = within.clone();
                rows.retain(|row| texts.matches(row, term));
                (rows, Way::ColumnCheck)
            }
            _ => term_rows(&texts, term, within, found[at].insert(Vec::new())),
        };
        let what = format!("search {}", term.words.iter().map(|word| word.needle.text()).collect::<Vec<_>>().join(" "));
        let (len, micros) = (rows.len(), watch.micros());
        children.push(PlanNode { what, way, rows: len, checked, micros, children: Vec::new() });
        so_far = Some(rows);
    }
    // A search has terms.
    let rows = so_far.unwrap_or_default();
    if children.len() == 1 {
        return (rows, children.remove(0), Found(found));
    }
    let (len, micros) = (rows.len(), watch.micros());
    let plan = PlanNode { what: "search".into(), way: Way::Bitmap, rows: len, checked: None, micros, children };
    (rows, plan, Found(found))
}

/// The rows of one term: its number in the phone, or all its words.
fn term_rows(texts: &Texts, term: &Term, within: Option<&RowSet>, found: &mut Vec<Vec<InField>>) -> (RowSet, Way) {
    let mut way = Way::TextScan;
    let mut all: Option<RowSet> = None;
    for word in &term.words {
        let within = all.as_ref().or(within);
        let of_fields: Vec<_> = texts.fields.iter().map(|field| texts.rows(field, &word.needle, within)).collect();
        if of_fields.iter().any(|of_field| of_field.way == Way::Grams) {
            way = Way::Grams;
        }
        let mut rows = RowSet::union(of_fields.iter().map(|of_field| &*of_field.rows));
        found.push(of_fields);
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
