//! A field with a set of codes per row (tags, channels): a posting list per code, and each row's own codes.

use smallvec::SmallVec;

use super::facet::{Postings, nothing};
use super::{Row, RowSet, bytes};

/// Ordinals a row holds without an allocation of its own.
const INLINE: usize = 4;
/// First of a cell whose row has more ordinals, or longer ones: the next two are the place of its overflow.
const OVERFLOWS: u16 = u16::MAX;
/// What a row costs to count through its own codes, in nanoseconds.
const OWN_CODES_NS: u64 = 16;

/// A set of codes per row: 8 bytes a row while it has no more than four codes.
#[derive(Default)]
pub struct SetFacet {
    /// Ordinals in the order of their codes, 0 behind the last.
    cells: Vec<[u16; INLINE]>,
    overflows: Vec<Box<[u32]>>,
    free: Vec<u32>,
    postings: Postings,
    present: RowSet,
}

/// A row's ordinals, in the order of their codes.
type Ordinals = SmallVec<[u32; 8]>;

impl SetFacet {
    /// Sets the row's codes: ascending, each once. Answers whether anything changed.
    pub fn set(&mut self, row: Row, codes: &[u32]) -> bool {
        let old: Ordinals = self.ordinals(row).collect();
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
        self.keep(row, &new);
        true
    }

    fn keep(&mut self, row: Row, ordinals: &[u32]) {
        let at = row as usize;
        bytes::lengthen(&mut self.cells, row, [0; INLINE]);
        if let Some(overflow) = overflow(self.cells[at]) {
            self.overflows[overflow] = Box::default();
            self.free.push(overflow as u32);
        }
        let mut cell = [0; INLINE];
        if ordinals.len() <= INLINE && ordinals.iter().all(|&ordinal| ordinal < u32::from(OVERFLOWS)) {
            cell.iter_mut().zip(ordinals).for_each(|(cell, &ordinal)| *cell = ordinal as u16);
        } else {
            let overflow = self.free.pop().unwrap_or_else(|| {
                self.overflows.push(Box::default());
                self.overflows.len() as u32 - 1
            });
            self.overflows[overflow as usize] = ordinals.into();
            cell = [OVERFLOWS, overflow as u16, (overflow >> 16) as u16, 0];
        }
        self.cells[at] = cell;
    }

    fn ordinals(&self, row: Row) -> impl Iterator<Item = u32> + '_ {
        let cell = self.cells.get(row as usize).copied().unwrap_or_default();
        let (inline, overflow) = match overflow(cell) {
            Some(overflow) => ([0; INLINE], &*self.overflows[overflow]),
            None => (cell, &[][..]),
        };
        inline.into_iter().take_while(|&ordinal| ordinal != 0).map(u32::from).chain(overflow.iter().copied())
    }

    /// The row's codes, ascending.
    pub fn get(&self, row: Row) -> impl Iterator<Item = u32> + '_ {
        self.ordinals(row).map(|ordinal| self.postings.code(ordinal))
    }

    /// The rows with that code.
    pub fn rows(&self, code: u32) -> &RowSet {
        self.postings.rows(code).unwrap_or_else(|| nothing())
    }

    /// Every row with at least one code.
    pub fn present(&self) -> &RowSet {
        &self.present
    }

    /// Codes in use with their rows, ascending by code.
    pub fn postings(&self) -> impl Iterator<Item = (u32, &RowSet)> {
        self.postings.iter()
    }

    /// Counts per code among the rows, ascending by code, zero counts left out. Chooses between rows' own codes (few rows) and posting lists (many).
    pub fn counts(&self, among: &RowSet) -> Vec<(u32, u64)> {
        self.postings.counts(&self.present, among, OWN_CODES_NS, |rows, counts| {
            rows.for_each(|row| self.ordinals(row).for_each(|ordinal| counts[ordinal as usize - 1] += 1));
        })
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        let overflows: usize = self.overflows.iter().map(|ordinals| 16 + ordinals.len().max(1) * 4 + 8).sum();
        self.cells.capacity() * 8 + overflows + self.postings.memory() + self.present.memory()
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.present.write(out);
        self.postings.write(out);
        bytes::put_u16s(out, self.cells.as_flattened());
        bytes::put_u32s(out, &self.free);
        bytes::put_u64(out, self.overflows.len() as u64);
        self.overflows.iter().for_each(|ordinals| bytes::put_u32s(out, ordinals));
    }

    pub(super) fn read(from: &mut &[u8]) -> Option<SetFacet> {
        let (present, postings) = (RowSet::read(from)?, Postings::read(from)?);
        let cells = bytes::take_u16s(from)?.as_chunks().0.to_vec();
        let free = bytes::take_u32s(from)?;
        let overflows = bytes::take_u64(from)?;
        let overflows =
            (0..overflows).map(|_| Some(bytes::take_u32s(from)?.into())).collect::<Option<Vec<Box<[u32]>>>>()?;
        Some(SetFacet { cells, overflows, free, postings, present })
    }

    /// The first row at which posting lists, rows' own codes and `present` disagree.
    pub(super) fn check(&self) -> Option<Row> {
        let rows = 0..self.cells.len() as Row;
        let mut own = 0;
        let ill = rows.clone().find(|&row| {
            let codes: SmallVec<[u32; 8]> = self.get(row).collect();
            own += codes.len() as u64;
            codes.is_empty() == self.present.contains(row)
                || !codes.is_sorted_by(|a, b| a < b)
                || codes.iter().any(|&code| !self.rows(code).contains(row))
        });
        // Every own code is in its list; with as many entries in the lists as own codes there are no others.
        let listed: u64 = self.postings().map(|(_, rows)| rows.len()).sum();
        ill.or_else(|| self.present.max().filter(|&last| last >= rows.end)).or_else(|| (listed != own).then_some(0))
    }
}

fn overflow(cell: [u16; INLINE]) -> Option<usize> {
    (cell[0] == OVERFLOWS).then(|| usize::from(cell[1]) | usize::from(cell[2]) << 16)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_set_facet_answers_as_a_map(
            sets in proptest::collection::vec((0u32..2000, proptest::collection::btree_set(0u32..15, 0..9)), 0..500),
            among in proptest::collection::vec(0u32..2100, 0..1500),
        ) {
            let (mut facet, mut naive) = (SetFacet::default(), BTreeMap::<Row, BTreeSet<u32>>::new());
            for (row, codes) in sets {
                let given: Vec<u32> = codes.iter().copied().collect();
                prop_assert_eq!(facet.set(row, &given), naive.get(&row).cloned().unwrap_or_default() != codes);
                naive.insert(row, codes);
            }
            prop_assert_eq!(facet.check(), None);
            prop_assert!((0..2100).all(|row| facet.get(row).eq(naive.get(&row).into_iter().flatten().copied())));
            prop_assert!(facet.present().iter().eq(naive.iter().filter(|(_, c)| !c.is_empty()).map(|(row, _)| *row)));
            for among in [RowSet::from_unsorted(among), RowSet::from_range(0..=4000), RowSet::from_range(0..=20), RowSet::new()] {
                let mut counts = BTreeMap::new();
                let rows = naive.iter().filter(|(row, _)| among.contains(**row));
                rows.flat_map(|(_, codes)| codes).for_each(|code| *counts.entry(*code).or_insert(0u64) += 1);
                prop_assert!(facet.counts(&among).into_iter().eq(counts));
            }
            let mut bytes = Vec::new();
            facet.write(&mut bytes);
            let read = SetFacet::read(&mut &bytes[..]).expect("what was written");
            prop_assert_eq!(read.check(), None);
            prop_assert!((0..2100).all(|row| read.get(row).eq(facet.get(row))));
        }
    }

    #[test]
    fn more_codes_than_two_bytes_hold() {
        let mut facet = SetFacet::default();
        assert!((0..66_000).all(|row| facet.set(row, &[row, row + 1])));
        assert!(facet.get(65_990).eq([65_990, 65_991]));
        assert!(facet.rows(65_536).iter().eq([65_535, 65_536]));
        assert_eq!(facet.check(), None);
    }
}
