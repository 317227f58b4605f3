//! Text: distinct texts scanned, or grams of the text index and then each candidate looked at.

use std::borrow::Cow;

use super::Check;
use crate::contact::{Field, fold};
use crate::filter::{View, Way};
use crate::index::{GramError, GramIndex, RowSet, TextColumn};

/// Up to so many distinct texts, scanning them is as fast as asking the text index.
#[cfg(not(test))]
const SCAN_TEXTS_MAX: usize = 50_000;
#[cfg(test)]
const SCAN_TEXTS_MAX: usize = 4;

/// The gram index answers exactly for needles up to this length.
const EXACT_CHARS_MAX: usize = 3;

/// How text is compared; needles and texts are compare-folded.
#[derive(Clone, Debug, PartialEq)]
pub enum TextTest {
    OneOf(Vec<String>),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
}

impl TextTest {
    /// Whether a compare-folded text passes.
    pub fn holds(&self, text: &str) -> bool {
        match self {
            TextTest::OneOf(needles) => needles.iter().any(|needle| needle == text),
            TextTest::Contains(needle) => text.contains(needle),
            TextTest::StartsWith(needle) => text.starts_with(needle),
            TextTest::EndsWith(needle) => text.ends_with(needle),
        }
    }
}

pub(super) fn rows<'a>(test: &TextTest, field: Field, view: View<'a>) -> (Cow<'a, RowSet>, Way) {
    let Some(column) = view.index.text(field) else { return (Cow::Owned(RowSet::new()), Way::Constant) };
    let needle = match test {
        TextTest::OneOf(needles) => {
            let sets: Vec<RowSet> = needles.iter().map(|needle| column.equal(needle)).collect();
            return (super::union(&sets).into_owned(), Way::TextScan).into_cow();
        }
        TextTest::Contains(needle) | TextTest::StartsWith(needle) | TextTest::EndsWith(needle) => needle,
    };
    if let Some(grams) = view.grams.filter(|_| column.distinct() > SCAN_TEXTS_MAX && has_grams(field, view)) {
        if let Ok(rows) = by_grams(test, needle, field, column, grams, view) {
            return (Cow::Owned(rows), Way::Grams);
        }
    }
    (Cow::Owned(scan(test, column)), Way::TextScan)
}

trait IntoCow<'a> {
    fn into_cow(self) -> (Cow<'a, RowSet>, Way);
}
