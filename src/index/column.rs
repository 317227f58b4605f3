//! A field with a number per row: instants, numbers, dates, times of day, phone digits.

use std::ops::RangeInclusive;

use super::{Row, RowSet, bytes};

/// Marks a row without a value. No value is this small: callers' numbers never are, and `set` clamps.
const MISSING: i64 = i64::MIN;

/// A number per row, 8 bytes each, and the set of rows that have one. Rows past the end have none.
#[derive(Default)]
pub struct Column {
    values: Vec<i64>,
    present: RowSet,
}

/// A number as an `i64` that orders like it. Finite numbers only; `-0.0` is `0.0`.
pub fn number_key(number: f64) -> i64 {
    // Adding 0.0 turns -0.0 into 0.0. Negative numbers order by their magnitude backwards, so flip it.
    let bits = (number + 0.0).to_bits() as i64;
    bits ^ (bits >> 63 & i64::MAX)
}

/// The number of a key.
pub fn number_from_key(key: i64) -> f64 {
    f64::from_bits((key ^ (key >> 63 & i64::MAX)) as u64)
}

impl Column {
    /// Sets or clears the row's number. `i64::MIN` is taken as `i64::MIN + 1`. Answers whether anything changed.
    pub fn set(&mut self, row: Row, value: Option<i64>) -> bool {
        let new = value.map_or(MISSING, |value| value.max(MISSING + 1));
        let at = row as usize;
        if at >= self.values.len() {
            if new == MISSING {
                return false;
            }
            bytes::lengthen(&mut self.values, row, MISSING);
        }
        let old = std::mem::replace(&mut self.values[at], new);
        match (old == MISSING, new == MISSING) {
            (true, false) => {
                self.present.insert(row);
            }
            (false, true) => {
                self.present.remove(row);
            }
            _ => {}
        }
        old != new
    }

    /// The row's number.
    pub fn get(&self, row: Row) -> Option<i64> {
        self.values.get(row as usize).copied().filter(|&value| value != MISSING)
    }

    /// Every row with a number.
    pub fn present(&self) -> RowSet {
        self.present.clone()
    }

    /// As [`Column::present`], without a copy.
    pub fn present_rows(&self) -> &RowSet {
        &self.present
    }

    /// The rows with a value in the range, by a scan of the column.
    pub fn scan(&self, range: RangeInclusive<i64>) -> RowSet {
        let Some(within) = Within::new(&range) else { return RowSet::new() };
        let word = |values: &[i64]| {
            values.iter().enumerate().fold(0u64, |word, (bit, &value)| word | u64::from(within.has(value)) << bit)
        };
        let words: Vec<u64> = self.values.chunks(64).map(word).collect();
        RowSet::from_words(&words)
    }

    /// Keeps the rows of the set whose value is in the range.
    pub fn retain(&self, rows: &mut RowSet, range: RangeInclusive<i64>) {
        let Some(within) = Within::new(&range) else { return *rows = RowSet::new() };
        rows.retain(|row| self.values.get(row as usize).is_some_and(|&value| within.has(value)));
    }

    /// How many rows of the set have a value in the range.
    pub fn count(&self, among: &RowSet, range: RangeInclusive<i64>) -> u64 {
        let Some(within) = Within::new(&range) else { return 0 };
        let mut count = 0;
        among.for_each(|row| {
            count += u64::from(self.values.get(row as usize).is_some_and(|&value| within.has(value)));
        });
        count
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        self.values.capacity() * 8 + self.present.memory()
    }

    /// Appends the column to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.present.write(out);
        bytes::put_i64s(out, &self.values);
    }

    /// Reads what `write` wrote, from the front of `bytes`.
    pub(super) fn read(from: &mut &[u8]) -> Option<Column> {
        Some(Column { present: RowSet::read(from)?, values: bytes::take_i64s(from)? })
    }

    /// The first row at which `present` and the values disagree.
    pub(super) fn check(&self) -> Option<Row> {
        let actual = self.scan(i64::MIN..=i64::MAX);
        actual.minus(&self.present).min().or_else(|| self.present.minus(&actual).min())
    }
}

/// A range as one subtraction and one comparison, so that a scan has no branch. Never has `MISSING`.
struct Within {
    from: i64,
    width: u64,
}

impl Within {
    fn new(range: &RangeInclusive<i64>) -> Option<Within> {
        let from = (*range.start()).max(MISSING + 1);
        (from <= *range.end()).then(|| Within { from, width: range.end().wrapping_sub(from) as u64 })
    }

    fn has(&self, value: i64) -> bool {
        value.wrapping_sub(self.from) as u64 <= self.width
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_column_answers_as_a_map(
            sets in proptest::collection::vec((0u32..400, proptest::option::of(-50i64..50)), 0..300),
            from in -60i64..60, width in 0i64..60,
        ) {
            let (mut column, mut naive) = (Column::default(), BTreeMap::new());
            for (row, value) in sets {
                let old = match value {
                    Some(value) => naive.insert(row, value),
                    None => naive.remove(&row),
                };
                prop_assert_eq!(column.set(row, value), old != value);
            }
            prop_assert!((0..410).all(|row| column.get(row) == naive.get(&row).copied()));
            prop_assert!(column.present().iter().eq(naive.keys().copied()));
            prop_assert_eq!(column.check(), None);
            let range = from..=from + width;
            let hits: Vec<Row> = naive.iter().filter(|(_, v)| range.contains(v)).map(|(row, _)| *row).collect();
            prop_assert!(column.scan(range.clone()).iter().eq(hits.iter().copied()));
            let mut some = RowSet::from_range(3..=200);
            prop_assert_eq!(column.count(&some, range.clone()), hits.iter().filter(|r| (3..=200).contains(*r)).count() as u64);
            column.retain(&mut some, range);
            prop_assert!(some.iter().eq(hits.into_iter().filter(|r| (3..=200).contains(r))));
        }

        #[test]
        fn number_keys_order_as_the_numbers(a in proptest::num::f64::NORMAL | proptest::num::f64::ZERO, b in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            prop_assert_eq!(number_key(a).cmp(&number_key(b)), a.partial_cmp(&b).unwrap());
            prop_assert_eq!(number_from_key(number_key(b)), b);
        }
    }

    #[test]
    fn the_ends_of_the_range_are_numbers_too() {
        let mut column = Column::default();
        column.set(1, Some(i64::MIN));
        column.set(2, Some(i64::MAX));
        assert_eq!(column.scan(i64::MIN..=i64::MAX).len(), 2);
        assert_eq!(column.get(1), Some(i64::MIN + 1));
        assert!(column.scan(RangeInclusive::new(5, 4)).is_empty());
        assert_eq!(column.scan(i64::MAX..=i64::MAX).min(), Some(2));
        assert!(number_key(-0.0) == number_key(0.0) && number_key(f64::MIN) > i64::MIN);
    }
}
