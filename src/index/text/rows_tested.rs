//! Rows by a test of their texts: all rows by a scan of the distinct texts, or some rows, each distinct text tested once.

use memchr::memmem::Finder;

use super::{ALIGN, TextColumn};
use crate::index::{Row, RowSet};

/// Up to so many distinct texts a test's answers are kept by text.
const KEPT_MAX: usize = if cfg!(test) { 8 } else { 1 << 16 };
/// From so many rows on: making room for the answers costs something too.
const KEPT_FROM: u64 = if cfg!(test) { 2 } else { 256 };
/// So many rows are looked at together.
const TOGETHER: usize = 64;
/// Most texts are no longer than this.
const MOSTLY: usize = 32;
/// No answer yet.
const UNKNOWN: u8 = 255;
/// The text is of no class.
const NONE: u8 = 254;

impl TextColumn {
    /// The rows whose text passes, by a scan of the distinct texts: `test(compare_folded, search_folded)`, which no text must pass
    /// without the needle in it.
    pub fn rows_where(&self, needle: &Finder, mut test: impl FnMut(&str, &str) -> bool) -> RowSet {
        let [hits] = self.classify(needle, |compare, search| test(compare, search).then_some(0));
        self.rows_of(&hits)
    }

    /// Of each distinct text with the needle in it, and some that only seem to have it: its class by
    /// `class(compare_folded, search_folded)` (`None` = not at all); the numbers of the texts of each class, for [`TextColumn::rows_of`].
    pub fn classify<const CLASSES: usize>(
        &self,
        needle: &Finder,
        mut class: impl FnMut(&str, &str) -> Option<usize>,
    ) -> [Vec<u32>; CLASSES] {
        let mut numbers = [const { Vec::new() }; CLASSES];
        self.texts_with(needle, |number, compare, search| {
            if let Some(numbers) = class(compare, search).and_then(|class| numbers.get_mut(class)) {
                numbers.push(number);
            }
        });
        numbers
    }

    /// The rows of texts by their numbers.
    pub fn rows_of<'a>(&self, numbers: impl IntoIterator<Item = &'a u32>) -> RowSet {
        self.rows.union(numbers.into_iter().copied())
    }

    /// Of `rows`, those of each class: `class(compare_folded, search_folded)`, of any text (`None` = not at all).
    pub fn classify_rows<const CLASSES: usize>(
        &self,
        rows: &RowSet,
        mut class: impl FnMut(&str, &str) -> Option<usize>,
    ) -> [RowSet; CLASSES] {
        let mut found: [Vec<Row>; CLASSES] = [const { Vec::new() }; CLASSES];
        let keeps = self.places.len() <= KEPT_MAX && rows.len() > KEPT_FROM;
        let mut known = if keeps { vec![UNKNOWN; self.places.len()] } else { Vec::new() };
        let mut see = |row: Row, number: u32| {
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
        };
        rows.for_each_block(|rows| {
            for rows in rows.chunks(TOGETHER) {
                let numbers = self.numbers_of(rows);
                if !keeps {
                    self.fetch(&numbers);
                }
                let with_text =
                    rows.iter().zip(numbers).filter_map(|(row, number)| Some((*row, number.checked_sub(1)?)));
                with_text.for_each(|(row, number)| see(row, number));
            }
        });
        found.map(RowSet::from_sorted)
    }

    /// The numbers of the rows' texts, each + 1, or 0 for none.
    fn numbers_of(&self, rows: &[Row]) -> [u32; TOGETHER] {
        let mut numbers = [0; TOGETHER];
        for (number, row) in numbers.iter_mut().zip(rows) {
            *number = self.of_row.get(*row) as u32;
        }
        numbers
    }

    /// Brings the texts into the processor's cache: reads that wait for nothing but memory wait together.
    fn fetch(&self, numbers: &[u32; TOGETHER]) {
        let mut places = [0; TOGETHER];
        for (place, number) in places.iter_mut().zip(numbers) {
            *place = number.checked_sub(1).map_or(0, |number| self.places[number as usize]);
        }
        let arena = self.arena.as_bytes();
        let byte = |at: usize| arena.get(at).copied().unwrap_or(0);
        let touch = |sum: u8, &place: &u32| {
            let at = place as usize * ALIGN;
            sum ^ byte(at) ^ byte(at + MOSTLY)
        };
        std::hint::black_box(places.iter().fold(0, touch));
    }

    /// Keeps the rows whose text passes: `test(compare_folded, search_folded)`.
    pub fn retain(&self, rows: &mut RowSet, mut test: impl FnMut(&str, &str) -> bool) {
        [*rows] = self.classify_rows(rows, |compare, search| test(compare, search).then_some(0));
    }
}
