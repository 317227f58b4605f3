//! The index as the search box sees it: the texts of a row, and the rows of a needle in one field.

use std::borrow::Cow;

use super::phone::Beginnings;
use super::{Level, Needle, Search, Term, Word, is_name, phone, searched};
use crate::contact::Field;
use crate::contact::fold::word_char;
use crate::contact::phone::Digits;
use crate::filter::{View, Way};
use crate::index::{Column, Row, RowSet, TextColumn};

/// The longest needle the grams answer exactly, in characters.
const GRAM_CHARS: usize = 3;

/// The searched fields of one view.
pub(super) struct Texts<'a> {
    pub view: View<'a>,
    pub fields: Vec<TextField<'a>>,
    phones: Option<&'a Column>,
}

/// A searched text field.
pub(super) struct TextField<'a> {
    pub field: Field,
    pub in_name: bool,
    pub column: &'a TextColumn,
}

/// The rows of one field in which a needle is a whole word, and those in which it begins one (whole words included).
pub(super) struct Edges {
    pub whole: RowSet,
    pub starts: RowSet,
}

impl<'a> Texts<'a> {
    pub fn new(view: View<'a>) -> Texts<'a> {
        let field = |field| view.index.text(field).map(|column| TextField { field, in_name: is_name(field), column });
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
        let within = |digits: &Digits| self.number_within(row, digits).then_some(0);
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
            worst = worst.zip(term.class(text, |digits| self.number_class(row, digits))).map(|(a, b)| a.max(b));
        }
        worst
    }

    /// Whether the row's phone is, or begins with, the digits.
    pub fn number_begins(&self, row: Row, beginnings: &Beginnings) -> Option<Level> {
        beginnings.level(self.phones?.get(row)?)
    }

    fn number_within(&self, row: Row, digits: &Digits) -> bool {
        self.view.index.phone(row).is_some_and(|number| digits.within(&number))
    }

    /// The class of the digits in the row's phone.
    fn number_class(&self, row: Row, digits: &Digits) -> Option<usize> {
        phone::class(digits, &self.view.index.phone(row)?)
    }

    /// The rows whose text of the field contains the needle; of `within` only, where that is given.
    pub fn rows(&self, field: &TextField, needle: &Needle, within: Option<&RowSet>) -> (RowSet, Way) {
        let candidates = self.candidates(field.field, field.column.distinct(), needle.text());
        let Some(mut rows) = candidates else {
            let mut rows = field.column.rows_where(|_, text| needle.within(text));
            within.inspect(|within| rows &= within);
            return (rows, Way::TextScan);
        };
        let hit = |row| field.column.get_search(row).is_some_and(|text| needle.within(text));
        within.inspect(|within| rows &= within);
        if needle.chars() > GRAM_CHARS {
            let domains = field.column.tails().filter(|_| !needle.text().contains('@'));
            let known = domains.map(|domains| domains.rows_where(|_, text| needle.within(text)).and(&rows));
            known.iter().for_each(|known| rows -= known);
            field.column.retain(&mut rows, |_, text| needle.within(text));
            known.iter().for_each(|known| rows |= known);
        }
        self.patch(&mut rows, within, hit);
        (rows, Way::Grams)
    }

    /// The rows whose phone has the digits; of `within` only, where that is given.
    pub fn number_rows(&self, digits: &Digits, within: Option<&RowSet>) -> (RowSet, Way) {
        let beginnings = Beginnings::new(digits);
        let hit = |row| self.number_begins(row, &beginnings).is_some() || self.number_within(row, digits);
        let candidates = self.candidates(Field::Phone, usize::MAX, &digits.digits);
        let (mut rows, way) = match candidates {
            Some(rows) => (rows, Way::Grams),
            None => (self.view.index.present(Field::Phone), Way::ColumnScan),
        };
        within.inspect(|within| rows &= within);
        // The grams know both forms of a number; digits marked international stand for one only.
        if way == Way::ColumnScan || digits.digits.len() > GRAM_CHARS || digits.international {
            rows.retain(hit);
        }
        if way == Way::Grams {
            self.patch(&mut rows, within, hit);
        }
        (rows, way)
    }

    /// What the grams say: every flushed row with the needle in the field, and for long needles some without.
    /// `None` where they are not to be asked, or cannot answer: the texts can.
    fn candidates(&self, field: Field, distinct: usize, needle: &str) -> Option<RowSet> {
        let grams = self.view.grams.filter(|_| distinct > self.view.text_scan_max)?;
        let mut rows = grams.candidates(field, needle).ok()?;
        rows -= self.view.index.unflushed();
        Some(rows)
    }

    /// Adds the rows the grams do not know yet.
    fn patch(&self, rows: &mut RowSet, within: Option<&RowSet>, hit: impl Fn(Row) -> bool) {
        let unflushed = self.view.index.unflushed();
        let unflushed = within.map_or(Cow::Borrowed(unflushed), |within| Cow::Owned(unflushed.and(within)));
        let mut hits = Vec::new();
        unflushed.for_each(|row| {
            if hit(row) {
                hits.push(row);
            }
        });
        *rows |= &RowSet::from_sorted(hits);
    }

    /// Where the needle is a word or begins one, complete for the rows of `among`. `None` where nothing short of reading the
    /// rows tells.
    pub fn edges(&self, field: &TextField, needle: &Needle, among: &RowSet) -> Option<Edges> {
        if self.view.grams.is_none() || field.column.distinct() <= self.view.text_scan_max {
            let level = |_: &str, text: &str| {
                needle.level(text).filter(|level| *level != Level::Infix).map(|level| level as usize)
            };
            let [whole, mut starts] = <[RowSet; 2]>::try_from(field.column.classify(2, level)).ok()?;
            starts |= &whole;
            return Some(Edges { whole, starts });
        }
        let head = needle.text().char_indices().nth(GRAM_CHARS).map_or(needle.text(), |(at, _)| &needle.text()[..at]);
        if !head.chars().all(word_char) {
            return None;
        }
        let starts = self.word_starts(field, head, false)?;
        if head.len() < needle.text().len() {
            let mut starts = starts;
            starts |= self.view.index.unflushed();
            starts &= among;
            return Some(read_edges(field, needle, starts));
        }
        let (mut whole, mut starts) = (self.word_starts(field, head, true)?, starts);
        let level = |row| field.column.get_search(row).and_then(|text| needle.level(text));
        self.patch(&mut whole, None, |row| level(row) == Some(Level::Whole));
        self.patch(&mut starts, None, |row| level(row).is_some_and(|level| level != Level::Infix));
        Some(Edges { whole, starts })
    }

    /// Flushed rows with a word that begins with, or is, the needle; `None` where the grams cannot tell.
    fn word_starts(&self, field: &TextField, needle: &str, whole: bool) -> Option<RowSet> {
        let mut rows = self.view.grams?.word_starts(field.field, needle, whole).ok()??;
        rows -= self.view.index.unflushed();
        Some(rows)
    }
}

/// The edges of a long needle among rows in which a word of the field begins as the needle does.
fn read_edges(field: &TextField, needle: &Needle, mut rows: RowSet) -> Edges {
    // What is a whole word of an e-mail's domain is one of the e-mail: very many share a domain, and need no look of their own.
    let whole_domain = |_: &str, domain: &str| needle.level(domain) == Some(Level::Whole);
    let known = field.column.tails().map(|domains| domains.rows_where(whole_domain).and(&rows)).unwrap_or_default();
    rows -= &known;
    let level = |_: &str, text: &str| needle.level(text).map(|level| level as usize);
    let mut found = field.column.classify_rows(&rows, 2, level).into_iter();
    let (mut whole, mut starts) = (found.next().unwrap_or_default(), found.next().unwrap_or_default());
    whole |= &known;
    starts |= &whole;
    Edges { whole, starts }
}
