//! The matches by quality: class after class, each only as far as it is asked for.

use super::texts::{Edges, Texts};
use super::{CLASSES, Found, Level, Search, Term, Word};
use crate::filter::View;
use crate::filter::number::Number;
use crate::index::{Row, RowSet};

/// The rows that can be of a class or a better one.
pub struct Bound {
    pub rows: RowSet,
    /// Whether they all are; else [`Ranking::class`] tells of each.
    pub exact: bool,
}

/// A search over the rows that match it. What the index says of a word or number is asked once, when first needed.
pub struct Ranking<'a> {
    search: &'a Search,
    texts: Texts<'a>,
    found: &'a Found,
    /// By term, word and searched field; the inner `None` says that the index cannot tell.
    edges: Vec<Vec<Vec<Option<Option<Edges>>>>>,
    /// Rows whose number is, and begins with, the digits.
    numbers: Vec<(&'a Number, RowSet, RowSet)>,
}

impl<'a> Ranking<'a> {
    /// Asks nothing of the index yet. `found`: what evaluating the search on that view found.
    pub fn new(search: &'a Search, view: View<'a>, found: &'a Found) -> Ranking<'a> {
        let texts = Texts::new(view);
        let unasked = |_: &Word| texts.fields.iter().map(|_| None).collect();
        let edges = search.terms.iter().map(|term| term.words.iter().map(unasked).collect()).collect();
        Ranking { search, texts, found, edges, numbers: Vec::new() }
    }

    /// The row's class, by reading it; `None` where it does not match.
    pub fn class(&self, row: Row) -> Option<usize> {
        self.texts.class(row, self.search)
    }

    /// The rows of `among`, all of which match, that are of the class or a better one, or may be.
    pub fn bound(&mut self, class: usize, among: &RowSet) -> Bound {
        if class + 1 >= CLASSES {
            return Bound { rows: among.clone(), exact: true };
        }
        let (search, mut rows, mut exact) = (self.search, None, true);
        for (at, term) in search.terms.iter().enumerate() {
            match self.term(at, term, class, among) {
                Some(of_term) => narrow(&mut rows, of_term),
                None => exact = false,
            }
        }
        Bound { rows: rows.map_or_else(|| among.clone(), |rows| among.and(&rows)), exact }
    }

    /// The rows of a term; `None` where the index cannot tell.
    fn term(&mut self, at: usize, term: &'a Term, class: usize, among: &RowSet) -> Option<RowSet> {
        let mut all = None;
        for (word_at, word) in term.words.iter().enumerate() {
            let mut of_word = self.word((at, word_at), word, class, among)?;
            if let Some(number) = &word.digits {
                self.add_number(number, class, among, &mut of_word);
            }
            narrow(&mut all, of_word);
        }
        // A term has words.
        let mut all = all.unwrap_or_default();
        if let Some(number) = &term.digits {
            self.add_number(number, class, among, &mut all);
        }
        Some(all)
    }

    /// The rows with the word in a text at that class or better.
    fn word(&mut self, at: (usize, usize), word: &Word, class: usize, among: &RowSet) -> Option<RowSet> {
        let mut rows = RowSet::new();
        for (field_at, field) in self.texts.fields.iter().enumerate() {
            let Some(level) = level_at_most(class, field.in_name) else { continue };
            let found = self.found.of(at.0, at.1, field_at);
            if level == 2 {
                match found {
                    Some(found) => rows |= &found.rows,
                    None => rows |= &self.texts.rows(field, &word.needle, Some(among)).rows,
                }
                continue;
            }
            let slot = &mut self.edges[at.0][at.1][field_at];
            let edges = slot.get_or_insert_with(|| self.texts.edges(field, &word.needle, among, found)).as_mut()?;
            if level > 0 && edges.starts.is_none() {
                edges.starts = self.texts.starts(field, &word.needle, among);
            }
            rows |= if level == 0 { &edges.whole } else { edges.starts.as_ref()? };
        }
        Some(rows)
    }

    /// Adds the rows with the digits in the phone at that class or better.
    fn add_number(&mut self, number: &'a Number, class: usize, among: &RowSet, rows: &mut RowSet) {
        let Some(level) = level_at_most(class, false) else { return };
        let known = self.numbers.iter().position(|(known, ..)| std::ptr::eq(*known, number)).unwrap_or_else(|| {
            let (mut equal, mut starts) = (Vec::new(), Vec::new());
            among.for_each(|row| {
                let level = self.texts.number_begins(row, number);
                if level.is_some() {
                    starts.push(row);
                }
                if level == Some(Level::Whole) {
                    equal.push(row);
                }
            });
            let (equal, starts) = (RowSet::from_sorted(equal), RowSet::from_sorted(starts));
            self.numbers.push((number, equal, starts));
            self.numbers.len() - 1
        });
        let (_, equal, starts) = &self.numbers[known];
        *rows |= if level == 0 { equal } else { starts };
    }
}

/// The rows of both, where there are others.
fn narrow(all: &mut Option<RowSet>, rows: RowSet) {
    match all {
        Some(all) => *all &= &rows,
        None => *all = Some(rows),
    }
}

/// The worst level a field may match at for a contact of that class; `None` where no match in it is good enough.
fn level_at_most(class: usize, in_name: bool) -> Option<usize> {
    if in_name { Some(class / 2) } else { class.checked_sub(1).map(|class| class / 2) }
}
