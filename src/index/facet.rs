//! A field with one choice of few per row: a posting list per code, and a column for the way back.

use std::collections::BTreeMap;

use super::{Among, Row, RowSet, bytes};

/// What a code's rows cost to count through the posting list, in tenths of a nanosecond: per block of 65,536 rows that is words; for
/// finding a list, and per row of it beside words, or beside another list.
const WORDS_COST: u64 = 1_500;
const LIST_COST: u64 = 300;
const LISTED_COST: u64 = 3;
const BOTH_LISTED_COST: u64 = 40;
/// Rows of a block from which on they are words, about.
const MANY: u64 = 1024;
/// What a row costs to count through the column.
const COLUMN_COST: u64 = 15;

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

    /// Counts per code among the rows, ascending by code, zero counts left out. `walk(rows, counts)` adds the rows' own codes to the
    /// counts by ordinal - 1; it is taken where `walk_cost` for each is less than what the posting lists cost.
    pub fn counts(&self, among: &Among, walk_cost: u64, walk: impl Fn(&[Row], &mut [u64])) -> Vec<(u32, u64)> {
        let rows = among.fewer();
        let mut counts = vec![0; self.lists.len()];
        if !rows.is_empty() {
            let blocks = u64::from(rows.max().unwrap_or(0) >> 16) + 1;
            let by_lists: u64 = self.sizes.iter().map(|&size| list_cost(size, rows.len(), blocks)).sum();
            if rows.len() * walk_cost < by_lists {
                walk(among.list(), &mut counts);
            } else {
                counts.iter_mut().zip(&self.lists).for_each(|(count, list)| *count = list.intersection_len(rows));
            }
        }
        let count = |at: usize| among.of(self.sizes[at], counts[at]);
        let all = self.ordinals.iter().map(|(&code, &ordinal)| (code, count(ordinal as usize - 1)));
        all.filter(|(_, count)| *count > 0).collect()
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
    match (size > blocks * MANY, among > blocks * MANY) {
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

/// The rows' ordinals, 0 for none; one byte each as long as that is enough, then two, then four.
enum Ordinals {
    Byte(Vec<u8>),
    Narrow(Vec<u16>),
    Wide(Vec<u32>),
}

/// Evaluates an expression on the array, whichever it is.
macro_rules! on_array {
    ($ordinals:expr, $of_row:ident => $what:expr) => {
        match $ordinals {
            Ordinals::Byte($of_row) => $what,
            Ordinals::Narrow($of_row) => $what,
            Ordinals::Wide($of_row) => $what,
        }
    };
}

#[expect(clippy::useless_conversion)] // of the widest, whose numbers are as they are asked for
impl Ordinals {
    fn get(&self, row: Row) -> u32 {
        on_array!(self, of_row => of_row.get(row as usize).map_or(0, |&ordinal| ordinal.into()))
    }

    fn set(&mut self, row: Row, ordinal: u32) {
        self.widen(ordinal);
        on_array!(self, of_row => {
            bytes::lengthen(of_row, row, 0);
            // It fits: the array was widened for it.
            of_row[row as usize] = ordinal.try_into().unwrap_or_default();
        });
    }

    fn widen(&mut self, ordinal: u32) {
        match self {
            Ordinals::Byte(of_row) if ordinal > u8::MAX.into() => {
                *self = Ordinals::Narrow(of_row.iter().map(|&ordinal| ordinal.into()).collect());
                self.widen(ordinal);
            }
            Ordinals::Narrow(of_row) if ordinal > u16::MAX.into() => {
                *self = Ordinals::Wide(of_row.iter().map(|&ordinal| ordinal.into()).collect());
            }
            _ => {}
        }
    }

    fn len(&self) -> usize {
        on_array!(self, of_row => of_row.len())
    }
}

/// One code of few per row.
pub struct Facet {
    of_row: Ordinals,
    postings: Postings,
    present: RowSet,
}

impl Default for Facet {
    fn default() -> Facet {
        Facet { of_row: Ordinals::Byte(Vec::new()), postings: Postings::default(), present: RowSet::new() }
    }
}

impl Facet {
    /// Sets or clears the row's code. Answers whether anything changed.
    pub fn set(&mut self, row: Row, code: Option<u32>) -> bool {
        let old = self.of_row.get(row);
        if (old != 0).then(|| self.postings.code(old)) == code {
            return false;
        }
        // The new code first: the old one's ordinal is not free before the row has left it.
        let new = code.map_or(0, |code| self.postings.ordinal(code));
        if new != 0 {
            self.postings.insert(new, row);
        }
        if old != 0 {
            self.postings.remove(old, row);
        }
        self.of_row.set(row, new);
        match (old, new) {
            (0, _) => self.present.insert(row),
            (_, 0) => self.present.remove(row),
            _ => true,
        }
    }

    /// The row's code.
    pub fn get(&self, row: Row) -> Option<u32> {
        match self.of_row.get(row) {
            0 => None,
            ordinal => Some(self.postings.code(ordinal)),
        }
    }

    /// The rows with that code.
    pub fn rows(&self, code: u32) -> &RowSet {
        self.postings.rows(code).unwrap_or_else(|| nothing())
    }

    /// Every row with a code.
    pub fn present(&self) -> &RowSet {
        &self.present
    }

    /// Codes in use with their rows, ascending by code.
    pub fn postings(&self) -> impl Iterator<Item = (u32, &RowSet)> {
        self.postings.iter()
    }

    /// Counts per code among the rows, ascending by code, zero counts left out. Chooses between the column (few rows) and posting lists (many).
    pub fn counts(&self, among: &Among) -> Vec<(u32, u64)> {
        self.postings.counts(
            among,
            COLUMN_COST,
            |rows, counts| on_array!(&self.of_row, of_row => tally(rows, of_row, counts)),
        )
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        let column = on_array!(&self.of_row, of_row => of_row.capacity() * of_row.first().map_or(1, size_of_val));
        column + self.postings.memory() + self.present.memory()
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.present.write(out);
        self.postings.write(out);
        match &self.of_row {
            Ordinals::Byte(of_row) => {
                out.push(1);
                bytes::put_bytes(out, of_row);
            }
            Ordinals::Narrow(of_row) => {
                out.push(2);
                bytes::put_u16s(out, of_row);
            }
            Ordinals::Wide(of_row) => {
                out.push(4);
                bytes::put_u32s(out, of_row);
            }
        }
    }

    pub(super) fn read(from: &mut &[u8]) -> Option<Facet> {
        let (present, postings) = (RowSet::read(from)?, Postings::read(from)?);
        let of_row = match from.split_off_first()? {
            1 => Ordinals::Byte(bytes::take_bytes(from)?.to_vec()),
            2 => Ordinals::Narrow(bytes::take_u16s(from)?),
            _ => Ordinals::Wide(bytes::take_u32s(from)?),
        };
        let most = on_array!(&of_row, of_row => of_row.iter().copied().max().map_or(0, u32::from));
        (most as usize <= postings.codes.len()).then_some(Facet { of_row, postings, present })
    }

    /// The first row at which posting lists, column and `present` disagree.
    pub(super) fn check(&self) -> Option<Row> {
        let lists: u64 = self.postings.sizes.iter().sum();
        let all = RowSet::union(self.postings.lists.iter());
        let differing = |a: &RowSet, b: &RowSet| a.minus(b).min().or_else(|| b.minus(a).min());
        let stray = |(code, rows): (u32, &RowSet)| rows.iter().find(|&row| self.get(row) != Some(code));
        differing(&all, &self.present)
            .or_else(|| self.postings().find_map(stray))
            .or_else(|| {
                (0..self.of_row.len() as Row).find(|&row| self.get(row).is_some() != self.present.contains(row))
            })
            .or_else(|| (lists != self.present.len()).then_some(0))
    }
}

fn tally<T: Copy + Into<u32>>(rows: &[Row], of_row: &[T], counts: &mut [u64]) {
    let rows = &rows[..rows.partition_point(|&row| (row as usize) < of_row.len())];
    // Two tables in turn: adding to a number that was just added to has to wait for it.
    let mut tables = [vec![0; counts.len() + 1], vec![0; counts.len() + 1]];
    let [even, odd] = &mut tables;
    let (pairs, last) = rows.as_chunks();
    for [a, b] in pairs {
        let [a, b]: [u32; 2] = [of_row[*a as usize].into(), of_row[*b as usize].into()];
        even[a as usize] += 1;
        odd[b as usize] += 1;
    }
    last.iter().for_each(|row| even[of_row[*row as usize].into() as usize] += 1);
    // The ordinal 0 is that of no code.
    let sums = even.iter().zip(odd.iter()).skip(1);
    counts.iter_mut().zip(sums).for_each(|(count, (even, odd))| *count += even + odd);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Codes of `among` counted one by one.
    fn naive_counts(of_row: &BTreeMap<Row, u32>, among: &RowSet) -> Vec<(u32, u64)> {
        let mut counts = BTreeMap::new();
        of_row
            .iter()
            .filter(|(row, _)| among.contains(**row))
            .for_each(|(_, code)| *counts.entry(*code).or_insert(0) += 1);
        counts.into_iter().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_facet_answers_as_a_map(
            sets in proptest::collection::vec((0u32..3000, proptest::option::of(0u32..12)), 0..600),
            among in proptest::collection::vec(0u32..3100, 0..2500),
        ) {
            let (mut facet, mut naive) = (Facet::default(), BTreeMap::new());
            for (row, code) in sets {
                let code = code.map(|code| code * 1_000_003);
                let old = match code {
                    Some(code) => naive.insert(row, code),
                    None => naive.remove(&row),
                };
                prop_assert_eq!(facet.set(row, code), old != code);
            }
            prop_assert_eq!(facet.check(), None);
            prop_assert!((0..3100).all(|row| facet.get(row) == naive.get(&row).copied()));
            prop_assert!(facet.present().iter().eq(naive.keys().copied()));
            for among in [RowSet::from_unsorted(among), RowSet::from_range(0..=4000), RowSet::from_range(0..=40), RowSet::new()] {
                for all in [RowSet::from_range(0..=4000), facet.present().clone()] {
                    prop_assert_eq!(facet.counts(&Among::new(&among, &all)), naive_counts(&naive, &among));
                }
            }
            for (code, rows) in facet.postings() {
                prop_assert!(rows.iter().eq(naive.iter().filter(|(_, c)| **c == code).map(|(row, _)| *row)));
            }
            let mut bytes = Vec::new();
            facet.write(&mut bytes);
            let read = Facet::read(&mut &bytes[..]).expect("what was written");
            prop_assert_eq!(read.check(), None);
            prop_assert!((0..3100).all(|row| read.get(row) == naive.get(&row).copied()));
        }
    }

    #[test]
    fn more_codes_than_two_bytes_hold() {
        let mut facet = Facet::default();
        assert!((0..70_000).all(|row| facet.set(row, Some(row + 7))));
        assert_eq!((facet.get(69_999), facet.rows(8).min(), facet.rows(3).len()), (Some(70_006), Some(1), 0));
        assert_eq!(facet.counts(&Among::new(&RowSet::from_range(5..=5), facet.present())), vec![(12, 1)]);
        assert_eq!(facet.check(), None);
    }
}
