//! Text: distinct texts scanned, or grams of the text index and then each candidate looked at.

use std::borrow::Cow;

use memchr::memmem::Finder;

use super::{Check, union};
use crate::contact::{Field, fold};
use crate::filter::{View, Way};
use crate::index::{GramError, GramView, RowSet, TextColumn};

/// Where every candidate is to be looked at, the text index pays only for so many times more distinct texts.
const LOOKED_AT_COST: usize = 25;

/// The text index answers exactly for needles up to this length.
const EXACT_CHARS_MAX: usize = 3;

/// How text is compared; needles and texts are compare-folded.
#[derive(Clone, Debug, PartialEq)]
pub enum TextTest {
    /// Ascending, each once.
    OneOf(Vec<String>),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
}

impl TextTest {
    /// Whether a compare-folded text passes.
    pub fn holds(&self, text: &str) -> bool {
        match self {
            TextTest::OneOf(needles) => needles.binary_search_by(|needle| needle.as_str().cmp(text)).is_ok(),
            TextTest::Contains(needle) => text.contains(needle.as_str()),
            TextTest::StartsWith(needle) => text.starts_with(needle.as_str()),
            TextTest::EndsWith(needle) => text.ends_with(needle.as_str()),
        }
    }

    /// [`TextTest::holds`], made ready for many texts.
    pub(super) fn ready(&self) -> Box<dyn Fn(&str) -> bool + '_> {
        match self {
            TextTest::Contains(needle) => {
                let finder = Finder::new(needle.as_bytes());
                Box::new(move |text| finder.find(text.as_bytes()).is_some())
            }
            other => Box::new(|text| other.holds(text)),
        }
    }

    /// What every text that passes has in it; `None` for a choice of texts.
    pub(super) fn needle(&self) -> Option<&str> {
        match self {
            TextTest::OneOf(_) => None,
            TextTest::Contains(needle) | TextTest::StartsWith(needle) | TextTest::EndsWith(needle) => Some(needle),
        }
    }
}

/// The rows that pass; where `within` is given, exact on these only.
pub(super) fn rows<'a>(
    test: &TextTest,
    field: Field,
    view: View<'a>,
    within: Option<&RowSet>,
) -> (Cow<'a, RowSet>, Way) {
    let Some(column) = view.index.text(field) else { return (Cow::Owned(RowSet::new()), Way::Constant) };
    if let TextTest::OneOf(needles) = test {
        let sets: Vec<RowSet> = needles.iter().map(|needle| column.equal(needle)).collect();
        return (Cow::Owned(union(&sets).into_owned()), Way::TextScan);
    }
    if let (Some(needle), Some(grams)) = (test.needle(), view.grams)
        && column.distinct() > if is_exact(test) { view.text_scan_max } else { view.text_scan_max * LOOKED_AT_COST }
        && let Ok(rows) = (Hunt { test, needle, field, column, grams, view, within }).rows()
    {
        return (Cow::Owned(rows), Way::Grams);
    }
    let passes = test.ready();
    (Cow::Owned(column.rows_where(|text, _| passes(text))), Way::TextScan)
}

/// Whether the text index answers exactly.
fn is_exact(test: &TextTest) -> bool {
    matches!(test, TextTest::Contains(needle) if needle.chars().nth(EXACT_CHARS_MAX).is_none())
}

/// A needle looked for by the text index.
struct Hunt<'a, 'b> {
    test: &'b TextTest,
    needle: &'b str,
    field: Field,
    column: &'a TextColumn,
    grams: &'a GramView,
    view: View<'a>,
    within: Option<&'b RowSet>,
}

impl Hunt<'_, '_> {
    /// The text index holds search-folded texts. In most rows that is the compare-folded text too, so the needle is
    /// looked for as it is; in the others, search-folded.
    fn rows(&self) -> Result<RowSet, GramError> {
        let (accented, unflushed) = (self.column.accented(), self.view.index.unflushed());
        let exact = is_exact(self.test);

        let mut rows = self.grams.candidates(self.field, self.needle)?;
        rows -= unflushed;
        rows -= accented;
        rows &= self.view.index.alive();
        let mut doubtful = if exact { RowSet::new() } else { std::mem::take(&mut rows) };

        let folded = fold::search(self.needle);
        let mut others = match folded.trim_matches(may_compose) {
            "" => accented.clone(),
            core => self.grams.candidates(self.field, core)?.and(accented),
        };
        others |= unflushed;
        doubtful |= &others;
        if let Some(within) = self.within {
            doubtful &= within;
        }
        let passes = self.test.ready();
        if let Some(known) = self.by_tail(&passes, &mut doubtful) {
            rows |= &known;
        }
        self.column.retain(&mut doubtful, |text, _| passes(text));
        rows |= &doubtful;
        Ok(rows)
    }

    /// Of e-mails: the rows that pass by what follows the `@`, when the needle cannot reach across it. Takes out of
    /// `doubtful` what is thereby known.
    fn by_tail(&self, passes: &dyn Fn(&str) -> bool, doubtful: &mut RowSet) -> Option<RowSet> {
        let tails = self.column.tails().filter(|_| !self.needle.contains('@'))?;
        let known = match self.test {
            TextTest::Contains(_) | TextTest::EndsWith(_) => tails.rows_where(|tail, _| passes(tail)),
            TextTest::OneOf(_) | TextTest::StartsWith(_) => return None,
        };
        match self.test {
            TextTest::EndsWith(_) => *doubtful -= tails.present(),
            _ => *doubtful -= &known,
        }
        Some(known)
    }
}

/// Whether the character can become part of its neighbour when accents between them are taken out: at the ends of a
/// needle such a character says nothing of the search-folded text around it.
fn may_compose(c: char) -> bool {
    !matches!(c, '\0'..'\u{900}' | '\u{E00}'..'\u{F00}' | '\u{3400}'..'\u{A000}')
}

pub(super) fn check<'a>(test: &'a TextTest, field: Field, view: View<'a>) -> Check<'a> {
    match view.index.text(field) {
        Some(column) => {
            let passes = test.ready();
            Box::new(move |row| column.get(row).is_some_and(&passes))
        }
        None => Box::new(|_| false),
    }
}
