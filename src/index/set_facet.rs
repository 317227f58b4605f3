//! A field with a set of codes per row (tags, channels): a posting list per code, and each row's own codes.

use smallvec::SmallVec;

use super::cells::Cells;
use super::postings::{Postings, nothing};
use super::rows::{WORDS, counted};
use super::table::{Lane, Table};
use super::tally::{OfRows, Tally};
use super::{Row, RowSet, bytes};

/// Bits of a row's number of codes.
const BITS: usize = 4;
/// The number of codes that stands for itself and all above.
const MANY: usize = (1 << BITS) - 1;

/// A set of codes per row.
pub(super) struct Sets {
    /// Ordinals in the order of their codes.
    cells: Cells,
    /// How many codes each row has, up to [`MANY`]: bit `k` of the numbers of 64 rows in each word of the `k`-th.
    sizes: [Vec<u64>; BITS],
    postings: Postings,
    present: RowSet,
}

/// A facet with a set of codes per row.
#[derive(Clone, Copy)]
pub struct SetFacet<'a> {
    sets: &'a Sets,
    lane: Lane<'a>,
}

/// A row's ordinals, in the order of their codes.
type Ordinals = SmallVec<[u32; 8]>;

impl<'a> SetFacet<'a> {
    /// The row's codes, ascending.
    pub fn get(&self, row: Row) -> impl Iterator<Item = u32> + use<'a> {
        let sets = self.sets;
        sets.cells.get(self.lane, row).map(|ordinal| sets.postings.code(ordinal))
    }

    /// The rows with that code.
    pub fn rows(&self, code: u32) -> &'a RowSet {
        self.sets.postings.rows(code).unwrap_or_else(|| nothing())
    }

    /// Every row with at least one code.
    pub fn present(&self) -> &'a RowSet {
        &self.sets.present
    }

    /// Codes in use with their rows, ascending by code.
    pub fn postings(&self) -> impl Iterator<Item = (u32, &'a RowSet)> + use<'a> {
        self.sets.postings.iter()
    }

    /// The rows that have codes, and none but these: ascending, each once.
    pub fn only(&self, codes: &[u32]) -> RowSet {
        let (mut inside, mut outside) = (Vec::with_capacity(codes.len()), Vec::new());
        for (code, rows) in self.postings() {
            if codes.binary_search(&code).is_ok() { &mut inside } else { &mut outside }.push(rows);
        }
        let entries = |lists: &[&RowSet]| lists.iter().map(|rows| rows.len()).sum::<u64>();
        if entries(&outside) < entries(&inside) {
            return self.present().minus(&RowSet::union(outside));
        }
        // As many of these as it has in all.
        let mut rows = counted(&inside, |counts, number, words| {
            let sizes = self.sets.sizes.each_ref().map(|plane| plane.get(number * WORDS..).unwrap_or_default());
            counts.mark_equal(&sizes, words);
        });
        if inside.len() >= MANY {
            for row in self.sets.many().iter() {
                if self.get(row).all(|code| codes.binary_search(&code).is_ok()) {
                    rows.insert(row);
                } else {
                    rows.remove(row);
                }
            }
        }
        rows
    }
}

impl Sets {
    /// Of no rows yet.
    pub fn new(table: &mut Table) -> Sets {
        let cells = Cells::new(table);
        Sets { cells, sizes: Default::default(), postings: Postings::default(), present: RowSet::new() }
    }

    /// To be read.
    pub fn facet<'a>(&'a self, table: &'a Table) -> SetFacet<'a> {
        SetFacet { sets: self, lane: self.cells.lane(table) }
    }

    /// Sets the row's codes: ascending, each once. Answers whether anything changed.
    pub fn set(&mut self, table: &mut Table, row: Row, codes: &[u32]) -> bool {
        let old: Ordinals = self.cells.get(self.cells.lane(table), row).collect();
        if old.iter().map(|&ordinal| self.postings.code(ordinal)).eq(codes.iter().copied()) {
            return false;
        }
        let new: Ordinals = codes.iter().map(|&code| self.postings.ordinal(code)).collect();
        new.iter().filter(|ordinal| !old.contains(ordinal)).for_each(|&ordinal| self.postings.insert(ordinal, row));
        old.iter().filter(|ordinal| !new.contains(ordinal)).for_each(|&ordinal| self.postings.remove(ordinal, row));
        match (old.is_empty(), new.is_empty()) {
            (true, false) => {
                self.present.insert(row);
            }
            (false, true) => {
                self.present.remove(row);
            }
            _ => {}
        }
        self.cells.set(table, row, &new);
        put_size(&mut self.sizes, row, new.len());
        true
    }

    /// The rows with [`MANY`] codes or more.
    fn many(&self) -> RowSet {
        let [first, rest @ ..] = &self.sizes;
        let all = |at: usize, word: u64| rest.iter().fold(word, |all, plane| all & plane.get(at).copied().unwrap_or(0));
        RowSet::from_words(&first.iter().enumerate().map(|(at, &word)| all(at, word)).collect::<Vec<_>>())
    }

    /// To be counted.
    pub fn tally<'a>(&'a self, table: &'a Table) -> Tally<'a> {
        let of_rows = OfRows::Sets(&self.cells, self.cells.lane(table));
        Tally { postings: &self.postings, present: &self.present, of_rows }
    }

    /// Bytes in memory beside the table, about.
    pub fn memory(&self) -> usize {
        let sizes: usize = self.sizes.iter().map(|plane| plane.capacity() * 8).sum();
        self.cells.memory() + sizes + self.postings.memory() + self.present.memory()
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        self.present.write(out);
        self.postings.write(out);
        self.cells.write(out);
    }

    pub fn read(from: &mut &[u8], table: &Table) -> Option<Sets> {
        let (present, postings, cells) = (RowSet::read(from)?, Postings::read(from)?, Cells::read(from, table)?);
        let lane = cells.lane(table);
        let (mut sizes, mut most) = (Default::default(), 0);
        for row in present.iter() {
            let (mut size, mut last) = (0, 0);
            cells.get(lane, row).for_each(|ordinal| (size, last) = (size + 1, last.max(ordinal)));
            put_size(&mut sizes, row, size);
            most = most.max(last);
        }
        (most as usize <= postings.ordinals()).then_some(Sets { cells, sizes, postings, present })
    }

    /// The first row at which posting lists, rows' own codes and `present` disagree.
    pub fn check(&self, table: &Table) -> Option<Row> {
        let facet = self.facet(table);
        let rows = 0..table.rows() as Row;
        let bit = |plane: &Vec<u64>, row: Row| plane.get(row as usize / 64).map_or(0, |word| word >> (row % 64) & 1);
        let size = |row| self.sizes.iter().rev().fold(0, |size, plane| size << 1 | bit(plane, row) as usize);
        let mut own = 0;
        let ill = rows.clone().find(|&row| {
            let codes: SmallVec<[u32; 8]> = facet.get(row).collect();
            own += codes.len() as u64;
            codes.is_empty() == self.present.contains(row)
                || codes.len().min(MANY) != size(row)
                || !codes.is_sorted_by(|a, b| a < b)
                || codes.iter().any(|&code| !facet.rows(code).contains(row))
        });
        // Every own code is in its list; with as many entries in the lists as own codes there are no others.
        let listed: u64 = facet.postings().map(|(_, rows)| rows.len()).sum();
        ill.or_else(|| self.present.max().filter(|&last| last >= rows.end)).or_else(|| (listed != own).then_some(0))
    }
}

fn put_size(sizes: &mut [Vec<u64>; BITS], row: Row, size: usize) {
    for (bit, plane) in sizes.iter_mut().enumerate() {
        bytes::lengthen(plane, row / 64, 0);
        let word = &mut plane[row as usize / 64];
        *word = *word & !(1 << (row % 64)) | (size.min(MANY) as u64 >> bit & 1) << (row % 64);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::index::Among;

    /// Of few, so that rows share them; now and then of more than fit into a byte.
    fn codes() -> impl Strategy<Value = BTreeSet<u32>> {
        let of = |most: u32| proptest::collection::btree_set(0..most, 0..18);
        prop_oneof![4 => of(20), 1 => of(600)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_set_facet_answers_as_a_map(
            sets in proptest::collection::vec((0u32..2000, codes()), 0..500),
            among in proptest::collection::vec(0u32..2100, 0..1500),
            only in proptest::collection::vec(proptest::collection::btree_set(0u32..20, 0..20), 0..4),
        ) {
            let mut table = Table::default();
            let (mut own, mut naive) = (Sets::new(&mut table), BTreeMap::<Row, BTreeSet<u32>>::new());
            for (row, codes) in sets {
                let given: Vec<u32> = codes.iter().copied().collect();
                prop_assert_eq!(own.set(&mut table, row, &given), naive.get(&row).cloned().unwrap_or_default() != codes);
                naive.insert(row, codes);
            }
            prop_assert_eq!(own.check(&table), None);
            let facet = own.facet(&table);
            prop_assert!((0..2100).all(|row| facet.get(row).eq(naive.get(&row).into_iter().flatten().copied())));
            prop_assert!(facet.present().iter().eq(naive.iter().filter(|(_, c)| !c.is_empty()).map(|(row, _)| *row)));
            for among in [RowSet::from_unsorted(among), RowSet::from_range(0..=4000), RowSet::from_range(0..=20), RowSet::new()] {
                let mut counts = BTreeMap::new();
                let rows = naive.iter().filter(|(row, _)| among.contains(**row));
                let present = rows.clone().filter(|(_, codes)| !codes.is_empty()).count() as u64;
                rows.flat_map(|(_, codes)| codes).for_each(|code| *counts.entry(*code).or_insert(0u64) += 1);
                for all in [RowSet::from_range(0..=4000), facet.present().clone()] {
                    let among = Among::new(&among, &all);
                    let found = own.tally(&table).count_one(&among);
                    prop_assert!(found.of_codes.into_iter().eq(counts.clone()));
                    prop_assert_eq!(found.present, present);
                }
            }
            for only in only.into_iter().chain([BTreeSet::new(), (0..25).collect(), (0..17).collect(), (5..20).collect()]) {
                let codes: Vec<u32> = only.iter().copied().collect();
                let rows = naive.iter().filter(|(_, codes)| !codes.is_empty() && codes.is_subset(&only));
                prop_assert!(facet.only(&codes).iter().eq(rows.map(|(row, _)| *row)));
            }
            let mut bytes = Vec::new();
            own.write(&mut bytes);
            let read = Sets::read(&mut &bytes[..], &table).expect("what was written");
            prop_assert_eq!(read.check(&table), None);
            prop_assert!((0..2100).all(|row| read.facet(&table).get(row).eq(facet.get(row))));
        }
    }

    #[test]
    fn more_codes_than_two_bytes_hold() {
        let mut table = Table::default();
        let mut own = Sets::new(&mut table);
        assert!((0..66_000).all(|row| own.set(&mut table, row, &[row, row + 1])));
        let facet = own.facet(&table);
        assert!(facet.get(65_990).eq([65_990, 65_991]));
        assert!(facet.rows(65_536).iter().eq([65_535, 65_536]));
        let rows = RowSet::from_sorted([3, 65_990]);
        let among = Among::new(&rows, facet.present());
        let counts = own.tally(&table).count_one(&among);
        assert_eq!(counts.of_codes, [(3, 1), (4, 1), (65_990, 1), (65_991, 1)]);
        assert!(facet.only(&[65_990, 65_991]).iter().eq([65_990]));
        assert_eq!(own.check(&table), None);
    }
}
