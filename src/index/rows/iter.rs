//! The rows of a set one after the other, from either end, and many at a time.

use super::block::{Block, Words, each_used, put_bits};
use super::{RowSet, key_of, low_of, row_of};
use crate::index::Row;

/// Rows handed out at a time: 4 KiB on the stack.
const TOGETHER: usize = 1024;
/// A block of more rows has mostly more than four in a word.
const MANY: u32 = 4096;

impl RowSet {
    /// The rows ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Row> + '_ {
        self.from(0)
    }

    /// The rows from this one on, ascending.
    pub fn from(&self, row: Row) -> impl DoubleEndedIterator<Item = Row> + '_ {
        let first = self.entries.partition_point(|entry| entry.key < key_of(row));
        self.entries[first..].iter().flat_map(move |entry| {
            let from = if entry.key == key_of(row) { low_of(row) } else { 0 };
            entry.body.block(&self.lows).iter_from(from).map(|low| row_of(entry.key, low))
        })
    }

    /// The rows above `row`, ascending.
    pub fn after(&self, row: Row) -> impl Iterator<Item = Row> + '_ {
        row.checked_add(1).into_iter().flat_map(|row| self.from(row))
    }

    /// The rows ascending, as a list.
    pub fn to_rows(&self) -> Vec<Row> {
        let mut rows = Vec::with_capacity(self.len() as usize);
        self.for_each_block(|some| rows.extend_from_slice(some));
        rows
    }

    /// Calls `f` with every row ascending: much faster than `iter`.
    pub fn for_each(&self, mut f: impl FnMut(Row)) {
        self.for_each_block(|rows| rows.iter().for_each(|&row| f(row)));
    }

    /// Calls `f` with the rows ascending, some at a time.
    pub fn for_each_block(&self, mut f: impl FnMut(&[Row])) {
        let mut rows = [0; TOGETHER];
        for (key, block) in self.keyed() {
            let base = row_of(key, 0);
            match block {
                Block::List(list) => list.chunks(TOGETHER).for_each(|list| {
                    rows.iter_mut().zip(list).for_each(|(row, low)| *row = base | Row::from(*low));
                    f(&rows[..list.len()]);
                }),
                Block::Words(len, words) if len > MANY => spread::<8>(words, base, &mut rows, &mut f),
                Block::Words(_, words) => spread::<4>(words, base, &mut rows, &mut f),
            }
        }
    }
}

/// Calls `f` with the rows of a block, as many at a time as there is room for.
fn spread<const SEVERAL: usize>(words: &Words, base: Row, rows: &mut [Row; TOGETHER], f: &mut impl FnMut(&[Row])) {
    let mut filled = 0;
    each_used(words, |at, word| {
        if filled > TOGETHER - 64 {
            f(&rows[..filled]);
            filled = 0;
        }
        if let Some(room) = rows[filled..].first_chunk_mut() {
            filled += put_bits::<SEVERAL, _>(word, room, |bit| base | (at * 64) as u32 | bit);
        }
    });
    if filled > 0 {
        f(&rows[..filled]);
    }
}

impl<'a> Block<'a> {
    /// The rows from `low` on, ascending.
    pub(super) fn iter_from(&self, low: u16) -> Lows<'a> {
        match self {
            Block::List(list) => Lows::List(list[list.partition_point(|other| *other < low)..].iter()),
            Block::Words(_, words) => Lows::Words { words, next: low.into(), end: 1 << 16 },
        }
    }
}

/// The rows of a block.
pub(super) enum Lows<'a> {
    List(std::slice::Iter<'a, u16>),
    /// Those of `next..end`.
    Words {
        words: &'a Words,
        next: u32,
        end: u32,
    },
}

impl Iterator for Lows<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let (words, next, end) = match self {
            Lows::List(list) => return list.next().copied(),
            Lows::Words { words, next, end } => (words, next, end),
        };
        while *next < *end {
            let left = words[*next as usize / 64] >> (*next % 64);
            if left == 0 {
                *next = (*next | 63) + 1;
                continue;
            }
            let found = *next + left.trailing_zeros();
            *next = found + 1;
            return (found < *end).then_some(found as u16);
        }
        None
    }
}

impl DoubleEndedIterator for Lows<'_> {
    fn next_back(&mut self) -> Option<u16> {
        let (words, next, end) = match self {
            Lows::List(list) => return list.next_back().copied(),
            Lows::Words { words, next, end } => (words, next, end),
        };
        while *next < *end {
            let last = *end - 1;
            let left = words[last as usize / 64] << (63 - last % 64);
            if left == 0 {
                *end = last & !63;
                continue;
            }
            *end = last - left.leading_zeros();
            return (*end >= *next).then_some(*end as u16);
        }
        None
    }
}
