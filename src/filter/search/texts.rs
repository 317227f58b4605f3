//! The index as the search box sees it: the texts of a row, and the rows of a needle in one field.

use std::sync::Arc;

use super::level::LEVELS;
use super::{Level, Needle, Search, Term, Word, is_name, searched};
use crate::contact::Field;
use crate::contact::fold::word_char;
use crate::filter::grams::Grams;
use crate::filter::number::Number;
use crate::filter::{View, Way};
use crate::index::{Candidates, Column, EDGE_MAX, GRAM_MAX, Row, RowSet, TextColumn};

/// Where a needle's edges are not in the grams, so many rows of a field are read for them.
const READ_MAX: u64 = if cfg!(test) { 8 } else { 16_384 };

/// The searched fields of one view.
pub(super) struct Texts<'a> {
    pub view: View<'a>,
    pub fields: Vec<TextField<'a>>,
    phones: Option<&'a Column>,
}

/// A searched text field.
pub(super) struct TextField<'a> {
    pub in_name: bool,
    pub column: &'a TextColumn,
    /// `None` where they are not to be asked.
    grams: Option<Grams<'a>>,
    /// Whether they are not to be asked of needles that they cannot answer exactly.
    scanned: bool,
}

impl<'a> TextField<'a> {
    /// What to ask of the needle; `None` where the texts are to be scanned.
    fn grams_for(&self, needle: &Needle) -> Option<Grams<'a>> {
        self.grams.filter(|_| !self.scanned || needle.chars() <= GRAM_MAX)
    }
}

/// The rows of one field with a needle in it, or those of them within others.
pub(super) struct InField {
    pub rows: Arc<RowSet>,
    pub way: Way,
    /// The texts with it, by [`Level`], where these were looked through.
    texts: Option<[Vec<u32>; LEVELS]>,
}

/// The rows of one field in which a needle is a whole word, and those in which it begins one (whole words included), if they are
/// known already: [`Texts::starts`] tells.
pub(super) struct Edges {
    pub whole: RowSet,
    pub starts: Option<RowSet>,
}

impl<'a> Texts<'a> {
    pub fn new(view: View<'a>) -> Texts<'a> {
        let field = |field| {
            let column = view.index.text(field)?;
            Some(TextField {
                in_name: is_name(field),
                column,
                grams: Grams::of(view, field, column.distinct(), true),
                scanned: Grams::of(view, field, column.distinct(), false).is_none(),
            })
        };
        Texts {
            view,
            fields: searched(view.catalog).filter_map(field).collect(),
            phones: view.index.column(Field::Phone),
        }
    }

    /// Whether the row matches the term.
    pub fn matches(&self, row: Row, term: &Term) -> bool {
        let text = |word: &Word| {
            let mut texts = self.fields.iter().filter_map(|field| field.column.get_search(row));
            texts.any(|text| word.needle.within(text)).then_some(0)
        };
        let within = |number: &Number| self.phones?.get(row).filter(|key| number.within(*key)).map(|_| 0);
        term.class(text, within).is_some()
    }

    /// The row's class; `None` where it does not match.
    pub fn class(&self, row: Row, search: &Search) -> Option<usize> {
        let text = |word: &Word| {
            let level = |field: &TextField| {
                word.needle.level(field.column.get_search(row)?).map(|level| level.class(field.in_name))
            };
            self.fields.iter().filter_map(level).min()
        };
        let mut worst = Some(0);
        for term in &search.terms {
            let number = |number: &Number| number.class(self.phones?.get(row)?);
            worst = worst.zip(term.class(text, number)).map(|(a, b)| a.max(b));
        }
        worst
    }

    /// Whether the row's phone is, or begins with, the digits.
    pub fn number_begins(&self, row: Row, number: &Number) -> Option<Level> {
        number.begins(self.phones?.get(row)?)
    }

    /// The rows whose text of the field contains the needle; of `within` only, where that is given.
    pub fn rows(&self, field: &TextField, needle: &Needle, within: Option<&RowSet>) -> InField {
        let in_field = |rows, way, texts| InField { rows, way, texts };
        let Some((grams, candidates)) = asked(field.grams_for(needle), needle.text()) else {
            let texts = scan(field, needle);
            let mut rows = field.column.rows_of(texts.iter().flatten());
            within.inspect(|within| rows &= within);
            return in_field(Arc::new(rows), Way::TextScan, Some(texts));
        };
        let mut unsure = grams.unknown(within);
        if within.is_none() && unsure.is_empty() && candidates.doubtful.is_empty() {
            return in_field(candidates.rows, Way::Grams, None);
        }
        unsure |= &known(grams, candidates.doubtful, within);
        let mut rows = known(grams, candidates.rows, within);
        if !unsure.is_empty() {
            rows -= &unsure;
            field.column.retain(&mut unsure, |_, text| needle.within(text));
            rows |= &unsure;
        }
        in_field(Arc::new(rows), Way::Grams, None)
    }

    /// The rows whose phone has the digits; of `within` only, where that is given.
    pub fn number_rows(&self, number: &Number, within: Option<&RowSet>) -> (RowSet, Way) {
        let Some(phones) = self.phones else { return (RowSet::new(), Way::Constant) };
        let hit = |row| phones.get(row).is_some_and(|key| number.within(key));
        let present = phones.present();
        let grams = Grams::of(self.view, Field::Phone, present.len() as usize, true);
        let Some((grams, candidates)) = asked(grams, &number.digits.digits) else {
            let mut rows = within.map_or_else(|| present.clone(), |within| within.and(present));
            rows.retain(hit);
            return (rows, Way::ColumnScan);
        };
        let mut rows = known(grams, candidates.rows, within);
        // The grams know both forms of a number; digits marked international stand for one only.
        if number.digits.digits.len() > GRAM_MAX || number.digits.international {
            rows.retain(hit);
        }
        let mut others = grams.unknown(within);
        others.retain(hit);
        rows |= &others;
        (rows, Way::Grams)
    }

    /// Where the needle is a word or begins one, complete for the rows of `among`, all of which match. `None` where nothing short of
    /// reading very many rows tells. `found`: what was found of it in rows that have all of `among`.
    pub fn edges(&self, field: &TextField, needle: &Needle, among: &RowSet, found: Option<&InField>) -> Option<Edges> {
        let Some(grams) = field.grams_for(needle) else {
            let edges = |[whole, prefix, _]: &[Vec<u32>; LEVELS]| {
                let starts = Some(field.column.rows_of(whole.iter().chain(prefix)));
                Edges { whole: field.column.rows_of(whole), starts }
            };
            return Some(match found.and_then(|found| found.texts.as_ref()) {
                Some(texts) => edges(texts),
                None => edges(&scan(field, needle)),
            });
        };
        let text = needle.text();
        let head = text.char_indices().nth(EDGE_MAX).map_or(text, |(at, _)| &text[..at]);
        if !head.chars().all(word_char) {
            let rows = match found {
                Some(found) => found.rows.and(among),
                None => Arc::unwrap_or_clone(self.rows(field, needle, Some(among)).rows),
            };
            return (rows.len() <= READ_MAX).then(|| read_edges(field, needle, rows));
        }
        if head.len() == text.len() {
            let mut whole = word_starts(field, text, true, among)?;
            let others = grams.unknown(Some(among));
            if !others.is_empty() {
                whole |= &read_edges(field, needle, others).whole;
            }
            return Some(Edges { whole, starts: None });
        }
        let mut rows = word_starts(field, head, false, among)?;
        rows |= &grams.unknown(Some(among));
        Some(read_edges(field, needle, rows))
    }

    /// The rows of `among` in which a needle that the grams hold as it is begins a word.
    pub fn starts(&self, field: &TextField, needle: &Needle, among: &RowSet) -> Option<RowSet> {
        let mut rows = word_starts(field, needle.text(), false, among)?;
        let others = field.grams?.unknown(Some(among));
        if !others.is_empty() {
            rows |= &read_edges(field, needle, others).starts?;
        }
        Some(rows)
    }
}

/// The distinct texts of the field with the needle in them, by [`Level`].
fn scan(field: &TextField, needle: &Needle) -> [Vec<u32>; LEVELS] {
    field.column.classify(needle.finder(), |_, text| needle.level(text).map(|level| level as usize))
}

/// What the grams say: every row known to them with the needle in the field, and for long needles some without. `None` where they are
/// not to be asked, or cannot answer: the texts can.
fn asked<'a>(grams: Option<Grams<'a>>, needle: &str) -> Option<(Grams<'a>, Candidates)> {
    let grams = grams?;
    Some((grams, grams.candidates(needle).ok()?))
}

/// Of rows that the grams gave, those that they know as they are.
fn known(grams: Grams, rows: Arc<RowSet>, within: Option<&RowSet>) -> RowSet {
    let mut rows = match within {
        Some(within) => within.and(&rows),
        None => Arc::unwrap_or_clone(rows),
    };
    grams.keep_known(&mut rows);
    rows
}

/// Rows of `among` known to the grams with a word that begins with, or is, the needle; `None` where they cannot tell.
fn word_starts(field: &TextField, needle: &str, whole: bool, among: &RowSet) -> Option<RowSet> {
    let grams = field.grams?;
    let rows = grams.word_starts(needle, whole).ok()??;
    Some(known(grams, rows, Some(among)))
}

/// The edges of a needle in rows, by reading them.
fn read_edges(field: &TextField, needle: &Needle, mut rows: RowSet) -> Edges {
    // What is a whole word of an e-mail's domain is one of the e-mail: very many share a domain, and need no look of their own.
    let whole_domain = |_: &str, domain: &str| needle.level(domain) == Some(Level::Whole);
    let domains = field.column.domains();
    let known = domains.map(|domains| domains.texts.rows_where(needle.finder(), whole_domain).and(&rows));
    known.iter().for_each(|known| rows -= known);
    let edge =
        |_: &str, text: &str| needle.level(text).filter(|level| *level != Level::Infix).map(|level| level as usize);
    let [whole, mut starts] = field.column.classify_rows(&rows, edge);
    starts |= &whole;
    let mut edges = Edges { whole, starts: Some(starts) };
    known.iter().for_each(|known| {
        edges.whole |= known;
        edges.starts.iter_mut().for_each(|starts| *starts |= known);
    });
    edges
}
