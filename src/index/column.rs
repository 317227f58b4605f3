//! A field with a number per row: instants, numbers, dates, times of day, phone digits.
//!
//! A row holds how far its number lies above a base, in as few bytes as the field's numbers need; decimal numbers are counted in
//! units of their last place. A number that does not fit has the column written anew: seldom, as there is room on both sides.

mod unit;

use std::ops::RangeInclusive;

pub use self::unit::{number_from_key, number_key};

use self::unit::Unit;
use super::packed::Packed;
use super::{Row, RowSet, bytes};

/// No value is smaller: callers' numbers never are, and `set` clamps. So no distance is too large to add one to.
const LEAST: i64 = i64::MIN + 1;

/// A number per row, two bytes to eight each, and the set of rows that have one. Rows past the end have none.
#[derive(Default)]
pub struct Column {
    unit: Unit,
    /// What code 1 stands for, in units; code 0 is no number.
    base: i64,
    codes: Packed,
    present: RowSet,
}

impl Column {
    /// A column of `number_key`s.
    pub(super) fn of_numbers() -> Column {
        Column { unit: Unit::Places(0), ..Column::default() }
    }

    /// Sets or clears the row's number. `i64::MIN` is taken as `i64::MIN + 1`. Answers whether anything changed.
    pub fn set(&mut self, row: Row, value: Option<i64>) -> bool {
        let (old, new) = (self.get(row), value.map(|value| value.max(LEAST)));
        if old == new {
            return false;
        }
        let code = new.map_or(0, |value| self.code_for(value));
        self.codes.set(row, code);
        match (old, new) {
            (None, _) => self.present.insert(row),
            (_, None) => self.present.remove(row),
            _ => true,
        }
    }

    /// The code of a value, for which there is room afterwards.
    fn code_for(&mut self, value: i64) -> u64 {
        let mut unit = self.unit;
        while unit.count(value).is_none() || !self.counts_in(unit) {
            unit = unit.finer();
        }
        let count = unit.count(value).unwrap_or(value);
        let fits = count >= self.base && distance(self.base, count) < self.codes.room();
        if unit != self.unit || !fits {
            self.rebase(unit, count);
        }
        distance(self.base, count) + 1
    }

    /// Whether every number has a count in that unit.
    fn counts_in(&self, unit: Unit) -> bool {
        unit == self.unit || self.counts().all(|count| unit.count(self.unit.value(count)).is_some())
    }

    /// The counts of the rows that have one.
    fn counts(&self) -> impl Iterator<Item = i64> + '_ {
        self.codes.iter().filter(|code| *code != 0).map(|code| count_of(self.base, code))
    }

    /// Writes the codes anew in that unit, which counts them all, with room for one more count.
    fn rebase(&mut self, unit: Unit, count: i64) {
        let old = self.unit;
        let again = |count: i64| if unit == old { count } else { unit.count(old.value(count)).unwrap_or(count) };
        let ends = |(least, most): (i64, i64), count: i64| (least.min(count), most.max(count));
        let (least, most) = self.counts().map(again).fold((count, count), ends);
        let span = distance(least, most) + 1;
        // As much room below as above, and not so little that numbers in order have the column written anew often; nor so much that
        // the upper bits tell few numbers apart.
        let room = Packed::room_for(span.saturating_mul(2));
        let half = i64::try_from((room - span) / 2).unwrap_or(i64::MAX);
        let (old_base, base) = (self.base, least.saturating_sub(half).max(LEAST));
        self.codes = self.codes.mapped(room, |code| distance(base, again(count_of(old_base, code))) + 1);
        (self.unit, self.base) = (unit, base);
    }

    /// The row's number.
    pub fn get(&self, row: Row) -> Option<i64> {
        match self.codes.get(row) {
            0 => None,
            code => Some(self.unit.value(count_of(self.base, code))),
        }
    }

    /// What orders rows as their numbers do, as far as it goes; 0 for rows without one.
    pub(super) fn rank(&self, row: Row) -> u16 {
        self.codes.high(row)
    }

    /// The least and the most rank of the rows whose bits are set in the words; `None` where none is.
    pub(super) fn ranks(&self, rows: &[u64]) -> Option<RangeInclusive<u16>> {
        Some(self.codes.highs(rows)).filter(|ranks| !ranks.is_empty())
    }

    /// Every row with a number.
    pub fn present(&self) -> &RowSet {
        &self.present
    }

    /// The rows with a value in the range, by a scan of the column.
    pub fn scan(&self, range: RangeInclusive<i64>) -> RowSet {
        let Some(codes) = self.codes_in(*range.start(), *range.end()) else { return RowSet::new() };
        if *codes.start() > 1 {
            return self.codes.scan(*codes.start(), *codes.end());
        }
        // Code 0 has the upper bits of code 1: every row without a number would have to be looked at closely.
        let mut rows = self.present.clone();
        if *codes.end() < self.codes.room() {
            rows &= &self.codes.scan(0, *codes.end());
        }
        rows
    }

    /// The codes of the values in `from..=to`, if any code is.
    fn codes_in(&self, from: i64, to: i64) -> Option<RangeInclusive<u64>> {
        let (from, to) = self.unit.counts(from.max(LEAST), to).filter(|(_, to)| *to >= self.base)?;
        let first = distance(self.base, from.max(self.base)) + 1;
        let last = (distance(self.base, to) + 1).min(self.codes.room());
        (first <= last).then_some(first..=last)
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        self.codes.memory() + self.present.memory()
    }

    /// Appends the column to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.present.write(out);
        out.push(self.unit.mark());
        bytes::put_u64(out, self.base as u64);
        self.codes.write(out);
    }

    /// Reads what `write` wrote, from the front of `bytes`.
    pub(super) fn read(from: &mut &[u8]) -> Option<Column> {
        let present = RowSet::read(from)?;
        let unit = Unit::of_mark(*from.split_off_first()?)?;
        let base = (bytes::take_u64(from)? as i64).max(LEAST);
        Some(Column { unit, base, codes: Packed::read(from)?, present })
    }

    /// The first row at which `present` and the values disagree.
    pub(super) fn check(&self) -> Option<Row> {
        let actual: RowSet = (0..).zip(self.codes.iter()).filter(|(_, code)| *code != 0).map(|(row, _)| row).collect();
        actual.minus(&self.present).min().or_else(|| self.present.minus(&actual).min())
    }
}

/// How far `to` lies above `from`, which is not the larger.
fn distance(from: i64, to: i64) -> u64 {
    to.wrapping_sub(from) as u64
}

/// The count of a code that is not 0.
fn count_of(base: i64, code: u64) -> i64 {
    base.wrapping_add((code - 1) as i64)
}

#[cfg(test)]
mod tests;
