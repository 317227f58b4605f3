//! Sets of rows: roaring bitmaps (Chambi, Lemire, Kaser, Godin, 2016) of our own, block by block of 65,536 rows.
//!
//! Made for evaluating filters: what comes out of an operation stays as it came, words or a list, as the next operation wants neither
//! in particular; lists are short, so that most tests of a row are one bit; loops over words are compiled for the processor's widest
//! vectors; and who counts or scans works on the words themselves. The lists of a set lie next to each other: on their own, each
//! costs a wait for a page of memory, which takes longer than to go through it. There are no runs: a set of all rows costs an eighth
//! of a byte per row without them.

mod algebra;
mod block;
mod build;
mod counts;
mod edit;
mod iter;
mod portable;
mod wide;

#[cfg(test)]
pub(super) mod tests;

pub use self::block::{Block, WORDS};
pub(super) use self::build::RowSetBuilder;
pub use self::counts::at_least;
pub(super) use self::counts::counted;
pub(super) use self::wide::{extremes, scan};

use self::block::Words;
use super::Row;

/// A set of rows.
#[derive(Clone, Default)]
pub struct RowSet {
    /// Ascending by key; none is empty.
    entries: Vec<Entry>,
    /// The lists, in the order of their blocks, without gaps.
    lows: Vec<u16>,
}

/// A block: the upper half of its rows' numbers, and where the lower halves are.
#[derive(Clone)]
struct Entry {
    key: u16,
    body: Body,
}

#[derive(Clone)]
enum Body {
    /// A stretch of `lows`.
    List { from: u32, len: u16 },
    /// How many, and which.
    Words(u32, Box<Words>),
}

fn key_of(row: Row) -> u16 {
    (row >> 16) as u16
}

fn low_of(row: Row) -> u16 {
    row as u16
}

fn row_of(key: u16, low: u16) -> Row {
    Row::from(key) << 16 | Row::from(low)
}

impl Body {
    fn len(&self) -> usize {
        match self {
            Body::List { len, .. } => (*len).into(),
            Body::Words(len, _) => *len as usize,
        }
    }

    /// Its rows, where a list's are among these.
    fn block<'a>(&'a self, lows: &'a [u16]) -> Block<'a> {
        match self {
            Body::List { from, len } => Block::List(&lows[*from as usize..][..usize::from(*len)]),
            Body::Words(len, words) => Block::Words(*len, words),
        }
    }
}

impl RowSet {
    /// The empty set.
    pub fn new() -> RowSet {
        RowSet::default()
    }

    /// Where the block of a key is, or would be.
    #[inline]
    fn place(&self, key: u16) -> Result<usize, usize> {
        // Mostly no block is missing.
        match self.entries.get(usize::from(key)) {
            Some(entry) if entry.key == key => Ok(key.into()),
            _ => self.entries.binary_search_by_key(&key, |entry| entry.key),
        }
    }

    /// Whether the row is in.
    #[inline]
    pub fn contains(&self, row: Row) -> bool {
        self.place(key_of(row)).is_ok_and(|at| self.entries[at].body.block(&self.lows).contains(low_of(row)))
    }

    /// How many rows.
    pub fn len(&self) -> u64 {
        self.entries.iter().map(|entry| entry.body.len() as u64).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The first row.
    pub fn min(&self) -> Option<Row> {
        let (key, block) = self.keyed().next()?;
        Some(row_of(key, block.min()?))
    }

    /// The last row.
    pub fn max(&self) -> Option<Row> {
        let (key, block) = self.keyed().next_back()?;
        Some(row_of(key, block.max()?))
    }

    /// The `n`-th row, from 0, ascending.
    pub fn nth(&self, n: u32) -> Option<Row> {
        let mut left = n as usize;
        for (key, block) in self.keyed() {
            if left < block.len() {
                return Some(row_of(key, block.nth(left)?));
            }
            left -= block.len();
        }
        None
    }

    /// How many rows are `<= row`.
    pub fn rank(&self, row: Row) -> u64 {
        let at = self.entries.partition_point(|entry| entry.key < key_of(row));
        let before: usize = self.entries[..at].iter().map(|entry| entry.body.len()).sum();
        let here = self.entries.get(at).filter(|entry| entry.key == key_of(row));
        (before + here.map_or(0, |entry| entry.body.block(&self.lows).rank(low_of(row)))) as u64
    }

    /// The blocks, each with its key, ascending.
    fn keyed(&self) -> impl DoubleEndedIterator<Item = (u16, Block<'_>)> {
        self.entries.iter().map(|entry| (entry.key, entry.body.block(&self.lows)))
    }

    /// The blocks, each with its number, ascending.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (usize, Block<'_>)> {
        self.keyed().map(|(key, block)| (usize::from(key), block))
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        let words = self.entries.iter().filter(|entry| matches!(entry.body, Body::Words(..))).count();
        let lists = self.lows.capacity() * 2;
        size_of::<RowSet>() + self.entries.capacity() * size_of::<Entry>() + lists + words * size_of::<Words>()
    }
}

/// Shows how many rows there are, not which.
impl std::fmt::Debug for RowSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RowSet({} rows, {:?}..={:?})", self.len(), self.min(), self.max())
    }
}
