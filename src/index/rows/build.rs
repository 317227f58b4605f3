//! Sets made of rows in and out of order, of words, of ranges.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use super::block::{Block, KEPT_WORDS_MIN, LIST_MAX, WORDS, WORDS_MIN, Words, count, list_words, nothing, words_of};
use super::{Body, Entry, RowSet, key_of, low_of, row_of};
use crate::index::Row;

/// From so many rows a block's share on, setting bits beats sorting.
const SORTED_MAX: usize = 32;

/// A set in the making, from rows that mostly ascend: what lags behind is put in its place at the end.
#[derive(Default)]
pub(in crate::index) struct RowSetBuilder {
    set: RowSet,
    /// The last block, whose list is not closed yet: its key, and where in the lists it begins.
    key: u16,
    from: usize,
    strays: Vec<Row>,
}

impl RowSetBuilder {
    /// Adds a row.
    #[inline]
    pub fn push(&mut self, row: Row) {
        self.turn_to(key_of(row));
        if self.is_behind(row) {
            self.strays.push(row);
        } else {
            self.set.lows.push(low_of(row));
        }
    }

    /// Adds ascending numbers, each shifted by as much, round the end of what a row can be.
    pub fn extend_shifted(&mut self, numbers: &[u32], shift: u32) {
        let row = |number: &u32| number.wrapping_add(shift);
        let mut left = numbers;
        while let (Some(first), Some(last)) = (left.first().map(row), left.last().map(row)) {
            let key = key_of(first);
            let here = if key == key_of(last) { left.len() } else { left.partition_point(|n| key_of(row(n)) == key) };
            let (these, others) = left.split_at(here);
            self.turn_to(key);
            if self.is_behind(first) {
                self.strays.extend(these.iter().map(row));
            } else {
                self.set.lows.extend(these.iter().map(|number| low_of(row(number))));
            }
            left = others;
        }
    }

    /// Closes the last block if the next is another.
    #[inline]
    fn turn_to(&mut self, key: u16) {
        if key > self.key {
            self.set.close(self.key, self.from);
            (self.key, self.from) = (key, self.set.lows.len());
        }
    }

    /// Whether a row like it, or after it, is in.
    #[inline]
    fn is_behind(&self, row: Row) -> bool {
        key_of(row) < self.key || self.set.lows[self.from..].last().is_some_and(|last| *last >= low_of(row))
    }

    /// The set.
    pub fn build(mut self) -> RowSet {
        self.set.close(self.key, self.from);
        if self.set.lows.capacity() > 2 * self.set.lows.len() + 64 {
            // Blocks that became words were lists at first.
            self.set.lows.shrink_to_fit();
        }
        if !self.strays.is_empty() {
            self.set |= &RowSet::from_unsorted(self.strays);
        }
        self.set
    }
}

impl RowSet {
    /// From ascending rows, each once. A row out of order is still taken in, only slower.
    pub fn from_sorted(rows: impl IntoIterator<Item = Row>) -> RowSet {
        let mut set = RowSetBuilder::default();
        rows.into_iter().for_each(|row| set.push(row));
        set.build()
    }

    /// Adds a block behind all others: the rows that `list` appends, ascending, each once.
    pub(super) fn push_list(&mut self, key: u16, list: impl FnOnce(&mut Vec<u16>)) {
        let from = self.lows.len();
        list(&mut self.lows);
        self.close(key, from);
    }

    /// Makes a block of what lies behind all other lists.
    fn close(&mut self, key: u16, from: usize) {
        let list = &self.lows[from..];
        let body = match list.len() {
            0 => return,
            len @ 1..=LIST_MAX => Body::List { from: from as u32, len: len as u16 },
            len => {
                let words = words_of(list.iter().copied());
                self.lows.truncate(from);
                Body::Words(len as u32, words)
            }
        };
        self.entries.push(Entry { key, body });
    }

    /// Adds a block of so many rows behind all others.
    pub(super) fn push_words(&mut self, key: u16, len: u32, words: Box<Words>) {
        match len as usize {
            0 => {}
            few @ 1..=WORDS_MIN => self.push_list(key, |lows| list_words(&words, few, lows)),
            _ => self.entries.push(Entry { key, body: Body::Words(len, words) }),
        }
    }

    /// The same, of words whose rows were not counted.
    pub(super) fn push_uncounted(&mut self, key: u16, words: Box<Words>) {
        self.push_words(key, count(&words[..]), words);
    }

    /// Adds a block of another set behind all others.
    pub(super) fn push(&mut self, key: u16, block: Block) {
        match block {
            Block::List(list) => self.push_list(key, |lows| lows.extend_from_slice(list)),
            Block::Words(len, words) => self.push_words(key, len, Box::new(*words)),
        }
    }

    /// The same set, for who keeps it long: where there are few rows, as lists.
    pub fn compact(self) -> RowSet {
        let mut set = RowSet::new();
        for Entry { key, body } in self.entries {
            match body {
                Body::Words(len, words) if len as usize <= KEPT_WORDS_MIN => {
                    set.push_list(key, |lows| list_words(&words, len as usize, lows));
                }
                body => set.push_body(key, body, &self.lows),
            }
        }
        set
    }

    /// From rows in any order, repeats allowed.
    pub fn from_unsorted(mut rows: Vec<Row>) -> RowSet {
        let blocks = rows.iter().max().map_or(0, |last| usize::from(key_of(*last)) + 1);
        if rows.len() < blocks * SORTED_MAX {
            rows.sort_unstable();
            rows.dedup();
            return RowSet::from_sorted(rows);
        }
        let mut words: Vec<Option<Box<Words>>> = vec![None; blocks];
        for row in rows {
            let low = low_of(row);
            words[usize::from(key_of(row))].get_or_insert_with(nothing)[usize::from(low / 64)] |= 1 << (low % 64);
        }
        let mut set = RowSet::new();
        for (key, words) in (0..).zip(words) {
            words.into_iter().for_each(|words| set.push_uncounted(key, words));
        }
        set
    }

    /// From a dense bitset: bit `i` of word `w` is row `w * 64 + i`.
    pub fn from_words(words: &[u64]) -> RowSet {
        RowSet::from_blocks(words.len(), |from, block| {
            let here = &words[from..words.len().min(from + WORDS)];
            block[..here.len()].copy_from_slice(here);
        })
    }

    /// From a bitset of so many words, which are asked for a block at a time: `fill(first, words)` sets the bits of the words from
    /// `first` on.
    pub(in crate::index) fn from_blocks(words: usize, mut fill: impl FnMut(usize, &mut Words)) -> RowSet {
        let mut set = RowSet::new();
        for key in (0..=u16::MAX).take(words.div_ceil(WORDS)) {
            let mut words = nothing();
            fill(usize::from(key) * WORDS, &mut words);
            set.push_uncounted(key, words);
        }
        set
    }

    /// As a dense bitset of at least `rows` bits.
    pub fn to_words(&self, rows: usize) -> Vec<u64> {
        let mut words = Vec::new();
        self.put_words(rows, &mut words);
        words
    }

    /// Sets the bits in words of which there are none yet.
    fn put_words(&self, rows: usize, words: &mut Vec<u64>) {
        let bits = self.max().map_or(0, |max| max as usize + 1).max(rows);
        words.resize(bits.div_ceil(64), 0);
        self.blocks().for_each(|(number, block)| block.mark(&mut words[number * WORDS..]));
    }

    /// The same, lent: the words are the thread's, for giving fresh ones to every query costs more than writing them.
    pub fn with_words<T>(&self, rows: usize, use_words: impl FnOnce(&[u64]) -> T) -> T {
        thread_local!(static WORDS_OF_THREAD: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) });
        WORDS_OF_THREAD.with_borrow_mut(|words| {
            words.clear();
            self.put_words(rows, words);
            use_words(words)
        })
    }

    /// Every row of a range.
    pub fn from_range(rows: RangeInclusive<Row>) -> RowSet {
        let (first, last) = (*rows.start(), *rows.end());
        if first > last {
            return RowSet::new();
        }
        let mut set = RowSet::new();
        for key in key_of(first)..=key_of(last) {
            let from = first.max(row_of(key, 0)) & 0xffff;
            let to = last.min(row_of(key, u16::MAX)) & 0xffff;
            let mut words = nothing();
            words[from as usize / 64..=to as usize / 64].fill(u64::MAX);
            words[from as usize / 64] &= u64::MAX << (from % 64);
            words[to as usize / 64] &= u64::MAX >> (63 - to % 64);
            set.push_uncounted(key, words);
        }
        set
    }
}

impl FromIterator<Row> for RowSet {
    fn from_iter<T: IntoIterator<Item = Row>>(rows: T) -> RowSet {
        RowSet::from_sorted(rows)
    }
}

/// Equal sets have the same rows, however they are kept.
impl PartialEq for RowSet {
    fn eq(&self, other: &RowSet) -> bool {
        let same = |((key_a, a), (key_b, b)): ((u16, Block), (u16, Block))| {
            key_a == key_b
                && a.len() == b.len()
                && match (a, b) {
                    (Block::List(a), Block::List(b)) => a == b,
                    (Block::Words(_, a), Block::Words(_, b)) => a == b,
                    (a, b) => a.iter_from(0).eq(b.iter_from(0)),
                }
        };
        self.entries.len() == other.entries.len() && self.keyed().zip(other.keyed()).all(same)
    }
}
