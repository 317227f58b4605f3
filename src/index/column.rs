//! A field with a number per row: instants, numbers, dates, times of day, phone digits.

use std::ops::RangeInclusive;

use super::{Row, RowSet};

/// owner: index
#[derive(Default)]
pub struct Column {}

/// A number as an `i64` that orders like it. Finite numbers only; `-0.0` is `0.0`.
pub fn number_key(number: f64) -> i64 {
    let _ = number;
    todo!() // owner: index
}

/// The number of a key.
pub fn number_from_key(key: i64) -> f64 {
    let _ = key;
    todo!() // owner: index
}

#[allow(unused_variables)] // owner: index
impl Column {
    pub fn set(&mut self, row: Row, value: Option<i64>) {
        todo!()
    }
    pub fn get(&self, row: Row) -> Option<i64> {
        todo!()
    }
    pub fn present(&self) -> RowSet {
        todo!()
    }
    /// The rows with a value in the range, by a scan of the column.
    pub fn scan(&self, range: RangeInclusive<i64>) -> RowSet {
        todo!()
    }
}
