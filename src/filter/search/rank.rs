//! The matches by quality: class after class, each only as far as it is asked for.

use super::phone::Beginnings;
use super::texts::{Edges, Texts};
use super::{CLASSES, Level, Search, Term, Word};
use crate::contact::phone::Digits;
use crate::filter::View;
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
    /// By term, word and searched field; the inner `None` says that the index cannot tell.
    edges: Vec<Vec<Vec<Option<Option<Edges>>>>>,
    /// Rows whose number is, and begins with, the digits.
    numbers: Vec<(Digits, RowSet, RowSet)>,
}

impl<'a> Ranking<'a> {
    /// Asks nothing of the index yet.
    pub fn new(search: &'a Search, view: View<'a>) -> Ranking<'a> {
        let texts = Texts::new(view);
        let unasked = |_: &Word| texts.fields.iter().map(|_| None).collect();
        let edges = search.terms.iter().map(|term| term.words.iter().map(unasked).collect()).collect();
        Ranking { search, texts, edges, numbers: Vec::new() }
    }

    /// The row's class, by reading it; `None` where it does not match.
    pub fn class(&self, row: Row) -> Option<usize> {
        self.texts.class(row, self.search)
    }

    /// The rows of `among`, all of which match, that are of the class or a better one, or may be.
    pub fn bound(&mut self, class: usize, among: &RowSet) -> Bound {
        let mut bound = Bound { rows: among.clone(), exact: true };
        if class + 1 >= CLASSES {
            return bound;
        }
        let search = self.search;
        for (at, term) in search.terms.iter().enumerate() {
            match self.term(at, term, class, among) {
                Some(of_term) => {
                    bound.rows &= &of_term.rows;
                    bound.exact &= of_term.exact;
                }
                None => bound.exact = false,
            }
        }
        bound
    }

    /// The rows of a term; `None` where the index cannot tell.
    fn term(&mut self, at: usize, term: &Term, class: usize, among: &RowSet) -> Option<Bound> {
        let mut all = Bound { rows: among.clone(), exact: true };
        for (word_at, word) in term.words.iter().enumerate() {
            let mut of_word = self.word((at, word_at), word, class, among)?;
            if let Some(digits) = &word.digits {
                self.add_number(digits, class, among, &mut of_word.rows);
            }
            all.rows &= &of_word.rows;
            all.exact &= of_word.exact;
        }
        if let Some(digits) = &term.digits {
            self.add_number(digits, class, among, &mut all.rows);
        }
        Some(all)
    }

    /// The rows with the word in a text at that class or better.
    fn word(&mut self, at: (usize, usize), word: &Word, class: usize, among: &RowSet) -> Option<Bound> {
        let mut bound = Bound { rows: RowSet::new(), exact: true };
        for (field_at, field) in self.texts.fields.iter().enumerate() {
            let Some(level) = level_at_most(class, field.in_name) else { continue };
            if level == 2 {
                bound.rows |= &self.texts.rows(field, &word.needle, Some(among)).0;
                continue;
            }
            let slot = &mut self.edges[at.0][at.1][field_at];
            let edges = slot.get_or_insert_with(|| self.texts.edges(field, &word.needle, among)).as_ref()?;
            bound.rows |= if level == 0 { &edges.whole } else { &edges.starts };
        }
        Some(bound)
    }

    /// Adds the rows with the digits in the phone at that class or better.
    fn add_number(&mut self, digits: &Digits, class: usize, among: &RowSet, rows: &mut RowSet) {
        let Some(level) = level_at_most(class, false) else { return };
        let known = self.numbers.iter().position(|(known, ..)| known == digits).unwrap_or_else(|| {
            let beginnings = Beginnings::new(digits);
            let (mut equal, mut starts) = (Vec::new(), Vec::new());
            among.for_each(|row| {
                let level = self.texts.number_begins(row, &beginnings);
                if level.is_some() {
                    starts.push(row);
                }
                if level == Some(Level::Whole) {
                    equal.push(row);
                }
            });
            let (equal, starts) = (RowSet::from_sorted(equal), RowSet::from_sorted(starts));
            self.numbers.push((digits.clone(), equal, starts));
            self.numbers.len() - 1
        });
        let (_, equal, starts) = &self.numbers[known];
        *rows |= if level == 0 { equal } else { starts };
    }
}

/// The worst level a field may match at for a contact of that class; `None` where no match in it is good enough.
fn level_at_most(class: usize, in_name: bool) -> Option<usize> {
    if in_name { Some(class / 2) } else { class.checked_sub(1).map(|class| class / 2) }
}
