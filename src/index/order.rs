//! A field's rows in sorted order, equal keys by row: chunks of rows, and each row's chunk.

use std::cmp::Ordering;

use super::{Row, RowSet};

/// The rows that have a value, ascending by (key, row). Holds no keys: callers pass comparisons that read the column.
/// owner: index
#[derive(Default)]
pub struct Order {}

#[allow(unused_variables)] // owner: index
impl Order {
    /// From rows already sorted by (key, row).
    pub fn from_sorted(rows: &[Row]) -> Order {
        todo!()
    }
    /// Inserts a row; `compare(other)` says how `other` stands to the new row by (key, row).
    pub fn insert(&mut self, row: Row, compare: impl FnMut(Row) -> Ordering) {
        todo!()
    }
    /// Takes a row out, if it is in; needs no key.
    pub fn remove(&mut self, row: Row) -> bool {
        todo!()
    }
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Every row in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Row> + '_ {
        std::iter::empty() // owner: index
    }
    /// How many rows stand before the first for which `before` is false (`before` holds for a prefix of the order).
    pub fn partition(&self, before: impl FnMut(Row) -> bool) -> usize {
        todo!()
    }
    /// The rows at the positions `from..to`, as a set.
    pub fn slice(&self, from: usize, to: usize) -> RowSet {
        todo!()
    }
    /// The rows of the set at ranks `skip..skip+take` of its members in this order (members without a value are no members):
    /// by walking the order, or by counting members per chunk and visiting only the chunks of the window; whichever is cheaper.
    /// `from_end`: ranks counted from the last; the answer is then in descending order by (key, row).
    /// Also returns how the rows were found, for explain.
    pub fn window(&self, among: &RowSet, skip: usize, take: usize, from_end: bool) -> (Vec<Row>, Found) {
        todo!()
    }
    /// Checks every invariant; the first broken one in words.
    ///
    /// # Errors
    /// The first broken invariant.
    pub fn check(&self, compare: impl FnMut(Row, Row) -> Ordering) -> Result<(), String> {
        todo!()
    }
}

/// How a window was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Walked the order, testing membership.
    Walk,
    /// Counted members per chunk, then visited the chunks of the window.
    Gather,
}
