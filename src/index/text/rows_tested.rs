//! Rows by a test of their texts: all rows by a scan of the distinct texts, or some rows, each distinct text tested once.

use super::TextColumn;
use crate::index::{Row, RowSet};

/// Up to so many distinct texts a test's answers are kept by text.
const KEPT_MAX: usize = if cfg!(test) { 8 } else { 1 << 16 };
/// No answer yet; no class.
const UNKNOWN: u8 = 255;
/// The text is of no class.
const NONE: u8 = 254;

impl TextColumn {
    /// The rows whose text passes, by a scan of the distinct texts: `test(compare_folded, search_folded)`.
    pub fn rows_where(&self, mut test: impl FnMut(&str, &str) -> bool) -> RowSet {
        let hits = self.texts().filter(|(_, compare, search)| test(compare, search)).map(|(number, ..)| number);
        self.rows.union(hits)
    }

    /// For each distinct text: its class by `class(compare_folded, search_folded)` (`None` = not at all, else `0..classes`);
    /// the rows of each class.
    pub fn classify(&self, classes: usize, mut class: impl FnMut(&str, &str) -> Option<usize>) -> Vec<RowSet> {
        let mut numbers = vec![Vec::new(); classes];
        for (number, compare, search) in self.texts() {
            if let Some(numbers) = class(compare, search).and_then(|class| numbers.get_mut(class)) {
                numbers.push(number);
            }
        }
        numbers.into_iter().map(|numbers| self.rows.union(numbers)).collect()
    }

    /// Of `rows`, those of each class: `class(compare_folded, search_folded)` as for [`TextColumn::classify`].
    pub fn classify_rows(
        &self,
        rows: &RowSet,
        classes: usize,
        mut class: impl FnMut(&str, &str) -> Option<usize>,
    ) -> Vec<RowSet> {
        let mut found: Vec<Vec<Row>> = vec![Vec::new(); classes];
        let mut known = if self.places.len() <= KEPT_MAX { vec![UNKNOWN; self.places.len()] } else { Vec::new() };
        rows.for_each(|row| {
            let Some(number) = self.number(row) else { return };
            let mut ask = || {
                let (compare, search) = self.text(number);
                class(compare, search).map_or(NONE, |class| class as u8)
            };
            let answer = match known.get_mut(number as usize) {
                None => ask(),
                Some(known) => {
                    if *known == UNKNOWN {
                        *known = ask();
                    }
                    *known
                }
            };
            if let Some(rows) = found.get_mut(usize::from(answer)) {
                rows.push(row);
            }
        });
        found.into_iter().map(RowSet::from_sorted).collect()
    }

    /// Keeps the rows whose text passes: `test(compare_folded, search_folded)`.
    pub fn retain(&self, rows: &mut RowSet, mut test: impl FnMut(&str, &str) -> bool) {
        let mut kept = self.classify_rows(rows, 1, |compare, search| test(compare, search).then_some(0));
        *rows = kept.pop().unwrap_or_default();
    }
}
