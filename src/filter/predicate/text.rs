//! Text: distinct texts scanned, or grams of the text index and then each candidate looked at.

use std::borrow::Cow;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::{Check, union};
use crate::contact::{Field, fold};
use crate::filter::grams::Grams;
use crate::filter::{View, Way};
use crate::index::{Candidates, Domains, EDGE_MAX, GRAM_MAX, GramError, RowSet, TextColumn};

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
    let (needle, passes) = (test.needle().unwrap_or_default(), test.ready());
    let exact = matches!(test, TextTest::Contains(_)) && needle.chars().nth(GRAM_MAX).is_none();
    if let Some(grams) = Grams::of(view, field, column.distinct(), exact)
        && let Ok(rows) = (Hunt { test, needle, passes: &passes, column, grams, within }).rows()
    {
        return (Cow::Owned(rows), Way::Grams);
    }
    (Cow::Owned(column.rows_where(&Finder::new(needle), |text, _| passes(text))), Way::TextScan)
}

/// A needle looked for by the text index.
struct Hunt<'a, 'b> {
    test: &'b TextTest,
    needle: &'b str,
    passes: &'b dyn Fn(&str) -> bool,
    column: &'a TextColumn,
    grams: Grams<'a>,
    within: Option<&'b RowSet>,
}

impl Hunt<'_, '_> {
    /// The text index holds search-folded texts. In most rows that is the compare-folded text too, so the needle is
    /// looked for as it is; in the others, search-folded.
    fn rows(&self) -> Result<RowSet, GramError> {
        let domains = self.column.domains();
        if let (TextTest::EndsWith(_), Some(domains), false) = (self.test, domains, self.needle.contains('@')) {
            let mut rows = self.of_domains(domains);
            rows |= &self.pass(domains.without.clone());
            return Ok(rows);
        }
        let found = self.found()?;
        let mut rows = match self.within {
            Some(within) => within.and(&found.rows),
            None => Arc::unwrap_or_clone(found.rows),
        };
        let mut others = self.accented()?;
        self.grams.add_unknown(&mut others);
        rows -= self.column.accented();
        rows -= &others;
        if let Some(within) = self.within {
            others &= within;
        }
        others |= &found.doubtful.and(&rows);
        rows -= &others;
        rows |= &self.pass(others);
        Ok(rows)
    }

    /// What the text index says of texts that are the same either way folded, with one `@` if they are e-mails.
    fn found(&self) -> Result<Candidates, GramError> {
        match (self.test, self.needle.rsplit_once('@'), self.column.domains()) {
            (TextTest::StartsWith(needle), ..) => {
                let head = needle.char_indices().nth(EDGE_MAX).map_or(needle.as_str(), |(at, _)| &needle[..at]);
                let starts = self.grams.text_starts(head)?;
                let rows = match starts {
                    Some(rows) => rows,
                    None => self.grams.candidates(needle)?.rows,
                };
                Ok(Candidates::to_look_at(rows))
            }
            (TextTest::EndsWith(needle), Some((_, domain)), Some(domains)) => {
                let local = &needle[..needle.len() - domain.len()];
                Ok(self.grams.candidates(local)?.and(&domains.texts.equal(domain)))
            }
            (TextTest::Contains(_), ..) => self.grams.candidates(self.needle),
            _ => Ok(Candidates::to_look_at(self.grams.candidates(self.needle)?.rows)),
        }
    }

    /// The accented rows that may pass.
    fn accented(&self) -> Result<RowSet, GramError> {
        let accented = self.column.accented();
        let folded = fold::search(self.needle);
        match folded.trim_matches(may_compose) {
            _ if accented.is_empty() => Ok(RowSet::new()),
            "" => Ok(accented.clone()),
            core => Ok(self.grams.candidates(core)?.rows.and(accented)),
        }
    }

    /// The rows of the domains that pass.
    fn of_domains(&self, domains: &Domains) -> RowSet {
        domains.texts.rows_where(&Finder::new(self.needle), |domain, _| (self.passes)(domain))
    }

    /// The rows that pass, each distinct text looked at.
    fn pass(&self, mut rows: RowSet) -> RowSet {
        if !rows.is_empty() {
            self.column.retain(&mut rows, |text, _| (self.passes)(text));
        }
        rows
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
