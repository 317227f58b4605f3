//! Sets made of rows in and out of order, of words, of ranges.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use super::block::{Block, LIST_MAX, WORDS, WORDS_MIN, Words, count, list_words, nothing, words_of};
use super::{Body, Entry, RowSet, key_of, low_of, row_of};
use crate::index::Row;

/// From so many rows a block's share on, setting bits beats sorting.
const SORTED_MAX: usize = 32;
/// Rows of the text index come in a few ascending runs, one after the other or next to it.
const RUNS_MAX: usize = 8;

impl RowSet {
    /// From ascending rows, each once. A row out of order is still taken in, only slower.
    pub fn from_sorted(rows: impl IntoIterator<Item = Row>) -> RowSet {
        let (mut set, mut key, mut from) = (RowSet::new(), 0, 0);
        let mut strays = Vec::new();
        for row in rows {
            if key_of(row) > key {
                set.close(key, from);
                (key, from) = (key_of(row), set.lows.len());
            }
            if key_of(row) == key && set.lows[from..].last().is_none_or(|last| *last < low_of(row)) {
                set.lows.push(low_of(row));
            } else {
                strays.push(row);
            }
        }
        set.close(key, from);
        if set.lows.capacity() > 2 * set.lows.len() + 64 {
            // Blocks that became words were lists at first.
            set.lows.shrink_to_fit();
        }
        for row in strays {
            set.insert(row);
        }
        set
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

    /// From rows in any order, repeats allowed.
    pub fn from_unsorted(mut rows: Vec<Row>) -> RowSet {
        if rows.chunk_by(|a, b| a < b).nth(RUNS_MAX).is_none() {
            let runs: Vec<RowSet> =
                rows.chunk_by(|a, b| a < b).map(|run| RowSet::from_sorted(run.iter().copied())).collect();
            return if runs.len() == 1 { runs.into_iter().next().unwrap_or_default() } else { RowSet::union(&runs) };
        }
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
