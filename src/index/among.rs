//! The rows that a facet is counted among, made ready once for every facet.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::{Row, RowSet};

/// Rows to count among. Of most rows, those left out are counted: fewer, and none where all are meant.
pub struct Among<'a> {
    len: u64,
    /// The rows, or all others.
    fewer: Cow<'a, RowSet>,
    left_out: bool,
    /// `fewer` as numbers, once something wants to go through them.
    list: OnceLock<Vec<Row>>,
}

impl<'a> Among<'a> {
    /// `all` has every row that a facet may have a code of.
    pub fn new(rows: &'a RowSet, all: &RowSet) -> Among<'a> {
        let len = rows.len();
        let left_out = len > all.len() / 2;
        let fewer = if left_out { Cow::Owned(all.minus(rows)) } else { Cow::Borrowed(rows) };
        Among { len, fewer, left_out, list: OnceLock::new() }
    }

    /// How many rows there are.
    #[expect(clippy::len_without_is_empty)]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// How many rows of the set are among these.
    pub fn count(&self, set: &RowSet) -> u64 {
        self.of(set.len(), set.intersection_len(&self.fewer))
    }

    /// How many of `size` rows are among these, where so many of them are among the fewer.
    pub(super) fn of(&self, size: u64, fewer: u64) -> u64 {
        if self.left_out { size - fewer } else { fewer }
    }

    /// The rows to look at, or those to look away from.
    pub(super) fn fewer(&self) -> &RowSet {
        &self.fewer
    }

    /// The same, as ascending numbers.
    pub(super) fn list(&self) -> &[Row] {
        self.list.get_or_init(|| self.fewer.to_rows())
    }
}
