//! Full names: no text of their own is kept, so a test of first and last name joined by a space comes down to tests of
//! the two.

use std::borrow::Cow;

use super::{Check, TextTest, text};
use crate::contact::Field;
use crate::filter::{View, Way};
use crate::index::{Row, RowSet};

/// More spaces than this, and the names with the longest word are looked at one by one instead.
const SPACES_MAX: usize = 4;

/// The rows that pass; where `within` is given, exact on these only.
pub(super) fn rows<'a>(test: &TextTest, view: View<'a>, within: Option<&RowSet>) -> (Cow<'a, RowSet>, Way) {
    let mut names = Names { view, within, way: Way::TextScan };
    let rows = match test {
        TextTest::OneOf(needles) => {
            let sets: Vec<RowSet> = needles.iter().map(|needle| names.equal(needle)).collect();
            RowSet::union(&sets)
        }
        _ if test.needle().is_some_and(|needle| spaces(needle).count() > SPACES_MAX) => names.by_word(test),
        TextTest::Contains(needle) => names.contain(needle),
        TextTest::StartsWith(needle) => names.start(needle),
        TextTest::EndsWith(needle) => names.end(needle),
    };
    (Cow::Owned(rows), names.way)
}

/// Each way to divide a needle at the space between first and last name.
fn spaces(needle: &str) -> impl Iterator<Item = (&str, &str)> {
    needle.match_indices(' ').map(|(at, _)| (&needle[..at], &needle[at + 1..]))
}

struct Names<'a, 'b> {
    view: View<'a>,
    within: Option<&'b RowSet>,
    /// The dearest way used so far.
    way: Way,
}

impl Names<'_, '_> {
    fn rows(&mut self, field: Field, test: TextTest) -> RowSet {
        let (rows, way) = text::rows(&test, field, self.view, self.within);
        if way == Way::Grams {
            self.way = way;
        }
        rows.into_owned()
    }

    fn first(&mut self, test: TextTest) -> RowSet {
        self.rows(Field::FirstName, test)
    }

    fn last(&mut self, test: TextTest) -> RowSet {
        self.rows(Field::LastName, test)
    }

    /// The rows less those with a value in the field: looked at one by one, unless they are so many that a scan for the set of those
    /// takes less.
    fn without(&self, mut rows: RowSet, field: Field) -> RowSet {
        if rows.len() * 8 > self.view.index.alive().len() {
            rows -= &self.view.index.present(field);
        } else if let Some(column) = self.view.index.text(field) {
            rows.retain(|row| !column.has(row));
        }
        rows
    }

    /// The needle lies in the first name, in the last, or across the space between them.
    fn contain(&mut self, needle: &str) -> RowSet {
        let mut rows = self.first(TextTest::Contains(needle.into()));
        rows |= &self.last(TextTest::Contains(needle.into()));
        for (before, after) in spaces(needle) {
            let mut across = self.first(TextTest::EndsWith(before.into()));
            across &= &self.last(TextTest::StartsWith(after.into()));
            rows |= &across;
        }
        rows
    }

    fn start(&mut self, needle: &str) -> RowSet {
        let mut rows = self.first(TextTest::StartsWith(needle.into()));
        let last = self.last(TextTest::StartsWith(needle.into()));
        rows |= &self.without(last, Field::FirstName);
        for (before, after) in spaces(needle) {
            let mut across = self.first(TextTest::OneOf(vec![before.into()]));
            if !across.is_empty() {
                across &= &self.last(TextTest::StartsWith(after.into()));
                rows |= &across;
            }
        }
        rows
    }

    fn end(&mut self, needle: &str) -> RowSet {
        let mut rows = self.last(TextTest::EndsWith(needle.into()));
        let first = self.first(TextTest::EndsWith(needle.into()));
        rows |= &self.without(first, Field::LastName);
        for (before, after) in spaces(needle) {
            let mut across = self.last(TextTest::OneOf(vec![after.into()]));
            if !across.is_empty() {
                across &= &self.first(TextTest::EndsWith(before.into()));
                rows |= &across;
            }
        }
        rows
    }

    fn equal(&mut self, needle: &str) -> RowSet {
        let first = self.first(TextTest::OneOf(vec![needle.into()]));
        let mut rows = self.without(first, Field::LastName);
        let last = self.last(TextTest::OneOf(vec![needle.into()]));
        rows |= &self.without(last, Field::FirstName);
        for (before, after) in spaces(needle) {
            let mut both = self.first(TextTest::OneOf(vec![before.into()]));
            if !both.is_empty() {
                both &= &self.last(TextTest::OneOf(vec![after.into()]));
                rows |= &both;
            }
        }
        rows
    }

    /// The names that contain the needle's longest word, each looked at.
    fn by_word(&mut self, test: &TextTest) -> RowSet {
        let words = test.needle().unwrap_or_default().split(' ');
        let word = words.max_by_key(|word| word.len()).unwrap_or_default();
        let mut rows = match word {
            "" => self.view.index.present(Field::Name),
            word => {
                let mut rows = self.first(TextTest::Contains(word.into()));
                rows |= &self.last(TextTest::Contains(word.into()));
                rows
            }
        };
        if let Some(within) = self.within {
            rows &= within;
        }
        rows.retain(check(test, self.view));
        rows
    }
}

pub(super) fn check<'a>(test: &'a TextTest, view: View<'a>) -> Check<'a> {
    let (first, last) = (view.index.text(Field::FirstName), view.index.text(Field::LastName));
    let passes = test.ready();
    let mut joined = String::new();
    Box::new(move |row: Row| {
        let first = first.and_then(|column| column.get(row));
        let last = last.and_then(|column| column.get(row));
        match (first, last) {
            (Some(first), Some(last)) => {
                joined.clear();
                joined.extend([first, " ", last]);
                passes(&joined)
            }
            (first, last) => first.or(last).is_some_and(&passes),
        }
    })
}
