//! Sets of rows: roaring bitmaps (Chambi, Lemire, Kaser, Godin, 2016) of our own, block by block of 65,536 rows.
//!
//! Made for evaluating filters: what comes out of an operation stays as it came, words or a list, as the next operation wants neither
//! in particular; lists are short, so that most tests of a row are one bit; loops over words are compiled for the processor's widest
//! vectors; and who counts or scans works on the words themselves. There are no runs: a set of all rows costs an eighth
//! of a byte per row without them.

mod algebra;
mod block;
mod build;
mod counts;
mod iter;
mod portable;
mod wide;

#[cfg(test)]
pub(super) mod tests;

pub use self::block::{Block, WORDS};
pub use self::counts::at_least;
pub(super) use self::counts::counted;
pub(super) use self::wide::wide;

use super::Row;

/// A set of rows.
#[derive(Clone, Default)]
pub struct RowSet {
    /// Ascending by key, which is the upper half of the rows' numbers.
    blocks: Vec<(u16, Block)>,
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

impl RowSet {
    /// The empty set.
    pub fn new() -> RowSet {
        RowSet::default()
    }

    /// Where the block of a key is, or would be.
    #[inline]
    fn place(&self, key: u16) -> Result<usize, usize> {
        // Mostly no block is missing.
        match self.blocks.get(usize::from(key)) {
            Some((at, _)) if *at == key => Ok(key.into()),
            _ => self.blocks.binary_search_by_key(&key, |(key, _)| *key),
        }
    }

    /// Puts a row in; whether it was not in.
    pub fn insert(&mut self, row: Row) -> bool {
        match self.place(key_of(row)) {
            Ok(at) => self.blocks[at].1.insert(low_of(row)),
            Err(at) => {
                self.blocks.reserve_exact(1);
                self.blocks.insert(at, (key_of(row), Block::List(vec![low_of(row)])));
                true
            }
        }
    }

    /// Takes a row out; whether it was in.
    pub fn remove(&mut self, row: Row) -> bool {
        let Ok(at) = self.place(key_of(row)) else { return false };
        let was_in = self.blocks[at].1.remove(low_of(row));
        if self.blocks[at].1.len() == 0 {
            self.blocks.remove(at);
        }
        was_in
    }

    /// Whether the row is in.
    #[inline]
    pub fn contains(&self, row: Row) -> bool {
        self.place(key_of(row)).is_ok_and(|at| self.blocks[at].1.contains(low_of(row)))
    }

    /// How many rows.
    pub fn len(&self) -> u64 {
        self.blocks.iter().map(|(_, block)| block.len() as u64).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The first row.
    pub fn min(&self) -> Option<Row> {
        let (key, block) = self.blocks.first()?;
        Some(row_of(*key, block.min()?))
    }

    /// The last row.
    pub fn max(&self) -> Option<Row> {
        let (key, block) = self.blocks.last()?;
        Some(row_of(*key, block.max()?))
    }

    /// The `n`-th row, from 0, ascending.
    pub fn nth(&self, n: u32) -> Option<Row> {
        let mut left = n as usize;
        for (key, block) in &self.blocks {
            if left < block.len() {
                return Some(row_of(*key, block.nth(left)?));
            }
            left -= block.len();
        }
        None
    }

    /// How many rows are `<= row`.
    pub fn rank(&self, row: Row) -> u64 {
        let at = self.blocks.partition_point(|(key, _)| *key < key_of(row));
        let before: usize = self.blocks[..at].iter().map(|(_, block)| block.len()).sum();
        let here = self.blocks.get(at).filter(|(key, _)| *key == key_of(row));
        (before + here.map_or(0, |(_, block)| block.rank(low_of(row)))) as u64
    }

    /// Keeps the rows for which `keep` holds, asked ascending.
    pub fn retain(&mut self, mut keep: impl FnMut(Row) -> bool) {
        self.blocks.retain_mut(|(key, block)| block.retain(|low| keep(row_of(*key, low))));
    }

    /// The blocks that are not empty, each with its number, ascending.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (usize, &Block)> {
        self.blocks.iter().map(|(key, block)| (usize::from(*key), block))
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(|(_, block)| block.memory()).sum();
        size_of::<RowSet>() + self.blocks.capacity() * size_of::<(u16, Block)>() + blocks
    }
}

/// Shows how many rows there are, not which.
impl std::fmt::Debug for RowSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RowSet({} rows, {:?}..={:?})", self.len(), self.min(), self.max())
    }
}
