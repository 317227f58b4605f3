//! The text index of one field as filters and the search box ask it. Of an e-mail's domain it holds next to nothing
//! ([`DOMAIN_GRAM_MAX`]); there are few domains, and they are in memory, so what it lacks is found there. Only here is that known.

use std::sync::Arc;

use memchr::memmem::Finder;

use super::View;
use super::search::{Level, Needle};
use crate::contact::Field;
use crate::index::{Candidates, DOMAIN_GRAM_MAX, Domains, GRAM_MAX, GramError, GramView, RowSet};

/// So many times as many texts are scanned where every text found would have to be looked at otherwise.
const LOOKED_AT: usize = if cfg!(test) { 3 } else { 25 };

/// The text index of one field. Its answers are true of every row but those of [`Grams::unknown`].
#[derive(Clone, Copy)]
pub struct Grams<'a> {
    grams: &'a GramView,
    field: Field,
    domains: Option<&'a Domains>,
    unflushed: &'a RowSet,
}

impl<'a> Grams<'a> {
    /// `None` where there is none, or the field has so few distinct texts that a scan of them is as fast; `exact`: what is asked, the
    /// text index can say without a look at the texts.
    pub fn of(view: View<'a>, field: Field, distinct: usize, exact: bool) -> Option<Grams<'a>> {
        let scanned = if exact { view.text_scan_max } else { view.text_scan_max.saturating_mul(LOOKED_AT) };
        let grams = view.grams.filter(|_| distinct > scanned)?;
        let domains = view.index.text(field).and_then(|column| column.domains());
        Some(Grams { grams, field, domains, unflushed: view.index.unflushed() })
    }

    /// The rows whose texts it does not know as they are, to be looked at; of `within` only, where that is given.
    pub fn unknown(&self, within: Option<&RowSet>) -> RowSet {
        let of = |rows: &RowSet| within.map_or_else(|| rows.clone(), |within| within.and(rows));
        let mut rows = of(self.unflushed);
        self.domains.into_iter().for_each(|domains| rows |= &of(&domains.without));
        rows
    }

    /// Adds these to rows.
    pub fn add_unknown(&self, rows: &mut RowSet) {
        *rows |= self.unflushed;
        self.domains.into_iter().for_each(|domains| *rows |= &domains.without);
    }

    /// Takes these out of rows.
    pub fn keep_known(&self, rows: &mut RowSet) {
        *rows -= self.unflushed;
        self.domains.into_iter().for_each(|domains| *rows -= &domains.without);
    }

    /// The rows with the needle (search-folded) in the field, some of them doubtful where it has more than [`GRAM_MAX`] characters.
    ///
    /// # Errors
    /// As [`GramView::candidates`].
    pub fn candidates(&self, needle: &str) -> Result<Candidates, GramError> {
        let Some(domains) = self.domains else { return self.grams.candidates(self.field, needle) };
        if let Some((local, domain)) = needle.split_once('@') {
            // In grams with the `@` the domain begins.
            let known = domain.char_indices().nth(GRAM_MAX - 1).map_or(domain.len(), |(at, _)| at);
            let found = self.grams.candidates(self.field, &needle[..=local.len() + known])?;
            if known == domain.len() {
                return Ok(found);
            }
            let begins = domains.texts.rows_where(&Finder::new(domain), |_, text| text.starts_with(domain));
            return Ok(found.and(&begins));
        }
        let Candidates { rows, doubtful } = self.grams.candidates(self.field, needle)?;
        if is_held(needle) {
            return Ok(Candidates { rows, doubtful });
        }
        let of_domain = domains.texts.rows_where(&Finder::new(needle), |_, text| text.contains(needle));
        Ok(Candidates { rows: with(rows, of_domain), doubtful })
    }

    /// The rows with a word that begins with (or, `whole`, is) the needle (search-folded); `None` where it cannot say so exactly.
    ///
    /// # Errors
    /// As [`GramView::word_starts`].
    pub fn word_starts(&self, needle: &str, whole: bool) -> Result<Option<Arc<RowSet>>, GramError> {
        let rows = self.grams.word_starts(self.field, needle, whole)?;
        let (Some(rows), Some(domains), false) = (&rows, self.domains, is_held(needle)) else { return Ok(rows) };
        let (needle, worst) = (Needle::new(needle), if whole { Level::Whole } else { Level::Prefix });
        let passes = |_: &str, text: &str| needle.level(text).is_some_and(|level| level <= worst);
        Ok(Some(with(rows.clone(), domains.texts.rows_where(needle.finder(), passes))))
    }

    /// The rows whose text begins with `head` (search-folded), and some more; `None` where it does not know.
    ///
    /// # Errors
    /// As [`GramView::word_starts`].
    pub fn text_starts(&self, head: &str) -> Result<Option<Arc<RowSet>>, GramError> {
        // A text that begins so has a word that does, and an e-mail has it before its domain.
        self.grams.word_starts(self.field, head, false)
    }
}

/// Whether the text index holds so short a needle of whole e-mails.
fn is_held(needle: &str) -> bool {
    needle.chars().nth(DOMAIN_GRAM_MAX).is_none()
}

fn with(rows: Arc<RowSet>, more: RowSet) -> Arc<RowSet> {
    if more.is_empty() {
        return rows;
    }
    let mut rows = Arc::unwrap_or_clone(rows);
    rows |= &more;
    Arc::new(rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::contact::fold::{search, word_char};
    use crate::contact::{Catalog, Contact, ContactId};
    use crate::index::{EDGE_MAX, GramIndex, GramSettings, Index, Row};

    fn needles(texts: &[String]) -> Vec<String> {
        let mut needles: Vec<String> = ["z", "@", "m@m", "@@", "io"].map(String::from).to_vec();
        for characters in texts.iter().map(|text| text.chars().collect::<Vec<char>>()) {
            for len in 1..=9 {
                needles.extend(characters.windows(len).map(|window| window.iter().collect::<String>()));
            }
        }
        needles.sort();
        needles.dedup();
        needles
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 100, ..ProptestConfig::default() })]

        /// Domains with and without an `@`, or two, in front; of one character, accented, and with one that folds to an `@`.
        #[test]
        fn e_mails_are_found_by_every_part(
            emails in prop::collection::vec("[aAbé.]{0,4}@(mail\\.io|ma-il\\.io|mé|m|my\\.abab|[ab.@]{0,3}|[ab]{2}＠a)|[ab＠.]{0,5}", 1..12),
            late in "[ab]{1,3}@mail\\.io",
        ) {
            let catalog = Catalog::default();
            let mut index = Index::new(&catalog);
            let contact = |email: &str, row| Contact { id: ContactId(row), email: Some(email.into()), ..Contact::default() };
            for (row, email) in (1..).zip(&emails) {
                index.put(row, Some(&contact(email, row)), &catalog);
            }
            let folder = tempfile::tempdir().unwrap();
            let settings = GramSettings { cache_max: 1 << 16, flush_memory_max: 0, bulk_memory_max: 0, check_files_at_open: false };
            let written = GramIndex::open(folder.path(), "test", settings).unwrap();
            let flushed = index.unflushed().clone();
            let mut texts = flushed.iter().map(|row| (row, index.row_texts(row)));
            let prepared = written.prepare(&RowSet::new(), &mut texts, 1).unwrap();
            drop(texts);
            written.install(prepared);
            index.flushed(&flushed, &RowSet::new());
            index.put(1, Some(&contact(&late, 1)), &catalog);
            let view = written.view();
            let view = View { index: &index, grams: Some(&view), text_scan_max: 0, catalog: &catalog };
            let grams = Grams::of(view, Field::Email, 1, true).unwrap();
            let texts: Vec<String> = emails.iter().map(|email| search(email)).collect();
            let rows_where = |test: &dyn Fn(&str) -> bool| -> RowSet {
                (1..).zip(&texts).filter(|(_, text)| test(text)).map(|(row, _): (Row, _)| row).collect()
            };
            let known = index.alive().minus(&grams.unknown(None));
            for needle in needles(&texts) {
                let truth = rows_where(&|text| text.contains(&needle)).and(&known);
                let Candidates { rows, doubtful } = grams.candidates(&needle).unwrap().and(&known);
                prop_assert!(truth.is_subset(&rows) && rows.minus(&doubtful).is_subset(&truth), "{needle:?}: not {truth:?}");
                prop_assert!(doubtful.is_subset(&rows) && (needle.chars().count() > GRAM_MAX || doubtful.is_empty()));
                for (whole, worst) in [(true, Level::Whole), (false, Level::Prefix)] {
                    let level = Needle::new(&needle);
                    let truth = rows_where(&|text| level.level(text).is_some_and(|level| level <= worst)).and(&known);
                    match grams.word_starts(&needle, whole).unwrap() {
                        Some(found) => prop_assert_eq!(found.and(&known), truth, "{:?}", needle),
                        None => prop_assert!(needle.chars().count() > EDGE_MAX || !needle.chars().all(word_char)),
                    }
                }
                if let Some(found) = grams.text_starts(&needle).unwrap() {
                    prop_assert!(rows_where(&|text| text.starts_with(&needle)).and(&known).is_subset(&found), "{needle:?}");
                }
            }
        }
    }
}
