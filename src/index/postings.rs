//! The posting lists of a field's codes, and what counting through them costs.

use std::collections::BTreeMap;

use super::shares::Share;
use super::{Among, Row, RowSet, bytes};

/// What a code's rows cost to count through the posting list, in tenths of a nanosecond: per block of 65,536 rows that is words; for
/// finding a list, and per row of it beside words, or beside another list.
const WORDS_COST: u64 = 4_000;
const LIST_COST: u64 = 300;
const LISTED_COST: u64 = 3;
const BOTH_LISTED_COST: u64 = 40;
/// Rows of a block from which on they are words, about: of posting lists, and of what operations on sets made.
const KEPT_MANY: u64 = 1024;
const MADE_MANY: u64 = 64;

/// The posting lists of a field: codes are numbered by ordinals from 1 as they come, and a list that is empty gives its ordinal back.
#[derive(Default)]
pub(super) struct Postings {
    ordinals: BTreeMap<u32, u32>,
    /// By ordinal - 1.
    codes: Vec<u32>,
    lists: Vec<RowSet>,
    /// The lists' lengths, so that no count has to walk their blocks.
    sizes: Vec<u64>,
    free: Vec<u32>,
}

impl Postings {
    /// The code's ordinal, new if need be.
    pub fn ordinal(&mut self, code: u32) -> u32 {
        if let Some(&ordinal) = self.ordinals.get(&code) {
            return ordinal;
        }
        let ordinal = self.free.pop().unwrap_or_else(|| {
            self.codes.push(code);
            self.lists.push(RowSet::new());
            self.sizes.push(0);
            self.codes.len() as u32
        });
        self.codes[ordinal as usize - 1] = code;
        self.ordinals.insert(code, ordinal);
        ordinal
    }

    /// The code of an ordinal in use.
    pub fn code(&self, ordinal: u32) -> u32 {
        self.codes[ordinal as usize - 1]
    }

    pub fn insert(&mut self, ordinal: u32, row: Row) {
        let at = ordinal as usize - 1;
        self.sizes[at] += u64::from(self.lists[at].insert(row));
    }

    pub fn remove(&mut self, ordinal: u32, row: Row) {
        let at = ordinal as usize - 1;
        self.sizes[at] -= u64::from(self.lists[at].remove(row));
        if self.sizes[at] == 0 {
            self.lists[at] = RowSet::new();
            self.ordinals.remove(&self.codes[at]);
            self.free.push(ordinal);
        }
    }

    pub fn rows(&self, code: u32) -> Option<&RowSet> {
        self.ordinals.get(&code).map(|&ordinal| &self.lists[ordinal as usize - 1])
    }

    /// Ascending by code.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &RowSet)> {
        self.ordinals.iter().map(|(&code, &ordinal)| (code, &self.lists[ordinal as usize - 1]))
    }

    /// What it costs to count the rows through the lists, in tenths of a nanosecond.
    pub fn cost(&self, among: &Among) -> u64 {
        let rows = among.fewer();
        let (len, blocks) = (rows.len(), u64::from(rows.max().unwrap_or(0) >> 16) + 1);
        self.sizes.iter().map(|&size| list_cost(size, len, blocks)).sum()
    }

    /// Of each ordinal, how many rows of its posting list are among [`Among::fewer`]; the lists of other shares count as 0.
    pub fn listed(&self, among: &Among, Share { number, of }: Share) -> Vec<u64> {
        let (rows, mut counts) = (among.fewer(), vec![0; self.lists.len()]);
        if !rows.is_empty() {
            // The codes that came first are mostly the most frequent ones: each share has some of them.
            let of_share = counts.iter_mut().zip(&self.lists).skip(number).step_by(of);
            of_share.for_each(|(count, list)| *count = list.intersection_len(rows));
        }
        counts
    }

    /// Counts per code, ascending by code, none of them 0, from those by ordinal - 1 among [`Among::fewer`].
    pub fn by_code(&self, among: &Among, fewer: &[u64]) -> Vec<(u32, u64)> {
        let count = |at: usize| among.of(self.sizes[at], fewer[at]);
        let all = self.ordinals.iter().map(|(&code, &ordinal)| (code, count(ordinal as usize - 1)));
        all.filter(|(_, count)| *count > 0).collect()
    }

    /// Ordinals up to this are in use, or were.
    pub fn ordinals(&self) -> usize {
        self.codes.len()
    }

    /// How many rows all the lists have together.
    pub fn entries(&self) -> u64 {
        self.sizes.iter().sum()
    }

    pub fn memory(&self) -> usize {
        self.lists.iter().map(RowSet::memory).sum::<usize>() + self.codes.len() * (4 + 8 + 24)
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        bytes::put_u32s(out, &self.codes);
        bytes::put_u32s(out, &self.free);
        self.lists.iter().for_each(|list| list.write(out));
    }

    pub fn read(from: &mut &[u8]) -> Option<Postings> {
        let (codes, free) = (bytes::take_u32s(from)?, bytes::take_u32s(from)?);
        let lists = (0..codes.len()).map(|_| RowSet::read(from)).collect::<Option<Vec<_>>>()?;
        let sizes: Vec<u64> = lists.iter().map(RowSet::len).collect();
        let mut ordinals = BTreeMap::new();
        for (at, &code) in codes.iter().enumerate().filter(|(at, _)| sizes[*at] > 0) {
            ordinals.insert(code, at as u32 + 1);
        }
        (ordinals.len() + free.len() == codes.len()).then_some(Postings { ordinals, codes, lists, sizes, free })
    }
}

/// What it costs to count a posting list of that size among so many rows.
fn list_cost(size: u64, among: u64, blocks: u64) -> u64 {
    match (size > blocks * KEPT_MANY, among > blocks * MADE_MANY) {
        (true, true) => blocks * WORDS_COST,
        (true, false) => blocks * LIST_COST + among * LISTED_COST,
        (false, true) => size.min(blocks) * LIST_COST + size * LISTED_COST,
        (false, false) => size.min(blocks) * LIST_COST + size.max(among) * BOTH_LISTED_COST,
    }
}

/// A set of nothing, for codes no row has.
pub(super) fn nothing() -> &'static RowSet {
    static NOTHING: std::sync::LazyLock<RowSet> = std::sync::LazyLock::new(RowSet::new);
    &NOTHING
}
