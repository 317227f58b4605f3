//! Sets of rows. The only file that names roaring.
//!
//! No set has run containers: in roaring 0.12.0 `next_many` loses every row of a full one (its length wraps to 0).
//! A set of all rows costs an eighth of a byte per row without them.

use std::ops::{BitAndAssign, BitOrAssign, Bound, RangeInclusive, SubAssign};

use roaring::{MultiOps, RoaringBitmap};
use smallvec::SmallVec;

use super::blocks::{Blocks, WORDS};
use super::{Row, bytes};

/// Rows per block of [`RowSet::for_each`]: 4 KiB on the stack.
const BLOCK: usize = 1024;

/// So many sets or runs of rows are few: merged one after the other.
const RUNS_MAX: usize = 8;

/// A set of rows.
#[derive(Clone, Default, PartialEq)]
pub struct RowSet(RoaringBitmap);

impl RowSet {
    /// The empty set.
    pub fn new() -> RowSet {
        RowSet(RoaringBitmap::new())
    }

    /// From ascending rows, each once. A row out of order is still taken in, only slower.
    pub fn from_sorted(rows: impl IntoIterator<Item = Row>) -> RowSet {
        let (mut rows, mut set) = (rows.into_iter(), RoaringBitmap::new());
        let (mut last, mut stray) = (None, None);
        let ascending = rows.by_ref().map_while(|row| {
            if last >= Some(row) {
                stray = Some(row);
                return None;
            }
            last = Some(row);
            last
        });
        // Several times faster than inserting.
        let _ = set.append(ascending);
        set.extend(stray.into_iter().chain(rows));
        RowSet(set)
    }

    /// From rows in any order, repeats allowed.
    pub fn from_unsorted(mut rows: Vec<Row>) -> RowSet {
        // Rows of the text index come in a few ascending runs, one after the other or next to it.
        if rows.chunk_by(|a, b| a < b).nth(RUNS_MAX).is_none() {
            let mut set = RowSet::new();
            rows.chunk_by(|a, b| a < b).for_each(|run| set |= &RowSet::from_sorted(run.iter().copied()));
            return set;
        }
        let Some(&last) = rows.iter().max() else { return RowSet::new() };
        // Setting bits of a dense bitset beats sorting once the rows are not very sparse.
        if rows.len() > 64 && rows.len().saturating_mul(512) > last as usize {
            let mut bits = vec![0u8; last as usize / 8 + 1];
            for row in rows {
                bits[row as usize / 8] |= 1 << (row % 8);
            }
            return RowSet(RoaringBitmap::from_lsb0_bytes(0, &bits));
        }
        rows.sort_unstable();
        rows.dedup();
        RowSet::from_sorted(rows)
    }

    /// From a dense bitset: bit `i` of word `w` is row `w * 64 + i`.
    pub fn from_words(words: &[u64]) -> RowSet {
        RowSet::from_words_at(0, words)
    }

    fn from_words_at(start: Row, words: &[u64]) -> RowSet {
        let mut bytes = Vec::new();
        bytes::put_u64s(&mut bytes, words);
        // The length comes first.
        RowSet(RoaringBitmap::from_lsb0_bytes(start, bytes.get(8..).unwrap_or_default()))
    }

    /// As a dense bitset of at least `rows` bits.
    pub fn to_words(&self, rows: usize) -> Vec<u64> {
        let bits = self.max().map_or(0, |max| max as usize + 1).max(rows);
        let mut words = vec![0u64; bits.div_ceil(64)];
        // Dense sets are written out faster than gone through, as their blocks are words already.
        if self.len().saturating_mul(32) < bits as u64 {
            self.for_each(|row| words[row as usize / 64] |= 1 << (row % 64));
        } else {
            Blocks::of(self).iter().for_each(|(number, block)| block.mark(&mut words[number * WORDS..]));
        }
        words
    }

    /// The portable format, which [`Blocks`] reads.
    pub(super) fn portable(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.serialized_size());
        // Writing to a vector cannot fail.
        let _ = self.0.serialize_into(&mut bytes);
        bytes
    }

    /// Every row of a range.
    pub fn from_range(rows: RangeInclusive<Row>) -> RowSet {
        // Not `insert_range`, which makes runs.
        let (first, last) = (*rows.start(), *rows.end());
        if first > last {
            return RowSet::new();
        }
        let start = first & !63;
        let mut words = vec![u64::MAX; ((last - start) / 64 + 1) as usize];
        words[0] &= u64::MAX << (first - start);
        if let Some(end) = words.last_mut() {
            *end &= u64::MAX >> (63 - last % 64);
        }
        RowSet::from_words_at(start, &words)
    }

    /// Puts a row in; whether it was not in.
    pub fn insert(&mut self, row: Row) -> bool {
        self.0.insert(row)
    }

    /// Takes a row out; whether it was in.
    pub fn remove(&mut self, row: Row) -> bool {
        self.0.remove(row)
    }

    /// Whether the row is in.
    pub fn contains(&self, row: Row) -> bool {
        self.0.contains(row)
    }

    /// How many rows.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first row.
    pub fn min(&self) -> Option<Row> {
        self.0.min()
    }

    /// The last row.
    pub fn max(&self) -> Option<Row> {
        self.0.max()
    }

    /// The `n`-th row, from 0, ascending.
    pub fn nth(&self, n: u32) -> Option<Row> {
        self.0.select(n)
    }

    /// How many rows are `<= row`.
    pub fn rank(&self, row: Row) -> u64 {
        self.0.rank(row)
    }

    /// How many rows both have, without making their intersection.
    pub fn intersection_len(&self, other: &RowSet) -> u64 {
        self.0.intersection_len(&other.0)
    }

    /// Whether `other` has every row of this set.
    pub fn is_subset(&self, other: &RowSet) -> bool {
        self.0.is_subset(&other.0)
    }

    /// Whether the two have no row in common.
    pub fn is_disjoint(&self, other: &RowSet) -> bool {
        self.0.is_disjoint(&other.0)
    }

    /// The union of many.
    pub fn union<'a>(sets: impl IntoIterator<Item = &'a RowSet>) -> RowSet {
        let sets: SmallVec<[&RowSet; RUNS_MAX]> = sets.into_iter().collect();
        let rows = sets.iter().map(|set| set.len()).sum::<u64>();
        // A few sparse ones are merged as they are; uniting many at once makes dense blocks of them first, and sparse ones again.
        if sets.len() <= RUNS_MAX
            && rows.saturating_mul(32) < sets.iter().filter_map(|set| set.max()).max().map_or(0, u64::from)
        {
            let mut all = RowSet::new();
            sets.into_iter().for_each(|set| all |= set);
            return all;
        }
        RowSet(sets.into_iter().map(|set| &set.0).union())
    }

    /// The rows of both.
    pub fn and(&self, other: &RowSet) -> RowSet {
        RowSet(&self.0 & &other.0)
    }

    /// The rows of `self` that `other` has not.
    pub fn minus(&self, other: &RowSet) -> RowSet {
        RowSet(&self.0 - &other.0)
    }

    /// The rows ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Row> + '_ {
        self.0.iter()
    }

    /// The rows from this one on, ascending.
    pub fn from(&self, row: Row) -> impl Iterator<Item = Row> + '_ {
        self.0.range(row..)
    }

    /// The rows above `row`, ascending.
    pub fn after(&self, row: Row) -> impl Iterator<Item = Row> + '_ {
        self.0.range((Bound::Excluded(row), Bound::Unbounded))
    }

    /// The rows ascending, as a list.
    pub fn to_rows(&self) -> Vec<Row> {
        let mut rows = vec![0; self.len() as usize];
        let filled = self.0.iter().next_many(&mut rows).len();
        rows.truncate(filled);
        rows
    }

    /// Calls `f` with every row ascending, in blocks: 20 times faster than `iter` on dense sets.
    pub fn for_each(&self, mut f: impl FnMut(Row)) {
        self.for_each_block(|rows| rows.iter().for_each(|&row| f(row)));
    }

    /// Calls `f` with the rows ascending, some at a time.
    pub fn for_each_block(&self, mut f: impl FnMut(&[Row])) {
        let mut block = [0; BLOCK];
        let mut rows = self.0.iter();
        loop {
            let filled = rows.next_many(&mut block);
            if filled.is_empty() {
                return;
            }
            f(filled);
        }
    }

    /// Keeps the rows for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(Row) -> bool) {
        let mut kept = Vec::with_capacity((self.len() as usize).min(BLOCK));
        let mut set = RoaringBitmap::new();
        self.for_each(|row| {
            if keep(row) {
                kept.push(row);
                if kept.len() == BLOCK {
                    let _ = set.append(kept.drain(..));
                }
            }
        });
        // Rows come ascending, so `append` cannot meet one out of order.
        let _ = set.append(kept);
        self.0 = set;
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        let stats = self.0.statistics();
        // The statistics count four bytes for a row of an array container, which has two, and bits of the others.
        let containers = stats.n_bytes_array_containers / 2 + stats.n_bytes_bitset_containers / 8;
        // Each container is a struct of about 32 bytes in a vector, beside its own allocation.
        size_of::<RowSet>() + containers as usize + stats.n_containers as usize * 32
    }

    /// Appends the set to `out`, so that [`RowSet::read`] finds its end.
    pub fn write(&self, out: &mut Vec<u8>) {
        let len = self.0.serialized_size();
        // A set of all rows is 512 MiB, so the length fits. Writing to a vector cannot fail.
        out.reserve(len + 4);
        out.extend_from_slice(&(len as u32).to_le_bytes());
        let _ = self.0.serialize_into(&mut *out);
    }

    /// Reads what `write` wrote, from the front of `bytes`; `None` where it is damaged.
    pub fn read(bytes: &mut &[u8]) -> Option<RowSet> {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let (set, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        let mut set = RoaringBitmap::deserialize_from(set).ok()?;
        set.remove_run_compression();
        *bytes = rest;
        Some(RowSet(set))
    }
}

/// Shows how many rows there are, not which.
impl std::fmt::Debug for RowSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RowSet({} rows, {:?}..={:?})", self.len(), self.min(), self.max())
    }
}

impl BitAndAssign<&RowSet> for RowSet {
    fn bitand_assign(&mut self, other: &RowSet) {
        self.0 &= &other.0;
    }
}
impl BitOrAssign<&RowSet> for RowSet {
    fn bitor_assign(&mut self, other: &RowSet) {
        self.0 |= &other.0;
    }
}
impl SubAssign<&RowSet> for RowSet {
    fn sub_assign(&mut self, other: &RowSet) {
        self.0 -= &other.0;
    }
}
impl FromIterator<Row> for RowSet {
    fn from_iter<T: IntoIterator<Item = Row>>(rows: T) -> RowSet {
        RowSet(rows.into_iter().collect())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Sparse and dense blocks, and blocks that some sets have not.
    pub fn rows() -> impl Strategy<Value = Vec<Row>> {
        prop_oneof![
            proptest::collection::vec(0u32..300, 0..200),
            proptest::collection::vec(0u32..400_000, 0..400),
            (0u32..200_000, 1u32..9_000, 1u32..4)
                .prop_map(|(start, len, step)| (0..len).map(|i| start + i * step).collect()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_set_is_the_rows_it_was_made_from(a in rows(), b in rows()) {
            let (set_a, set_b) = (RowSet::from_unsorted(a.clone()), RowSet::from_unsorted(b.clone()));
            let (a, b): (BTreeSet<Row>, BTreeSet<Row>) = (a.into_iter().collect(), b.into_iter().collect());
            prop_assert!(set_a.iter().eq(a.iter().copied()));
            prop_assert_eq!(&RowSet::from_sorted(a.iter().copied()), &set_a);
            prop_assert_eq!(set_a.len(), a.len() as u64);
            let mut seen = Vec::new();
            set_a.for_each(|row| seen.push(row));
            prop_assert!(seen.iter().eq(a.iter()));
            prop_assert_eq!(&set_a.to_rows(), &seen);
            prop_assert_eq!(&RowSet::from_words(&set_a.to_words(0)), &set_a);
            prop_assert!(set_a.to_words(500_000).len() * 64 >= 500_000);
            prop_assert!(set_a.and(&set_b).iter().eq(a.intersection(&b).copied()));
            prop_assert_eq!(set_a.intersection_len(&set_b), a.intersection(&b).count() as u64);
            prop_assert!(set_a.minus(&set_b).iter().eq(a.difference(&b).copied()));
            prop_assert!(RowSet::union([&set_a, &set_b]).iter().eq(a.union(&b).copied()));
            // Equal sets are equal however they were made.
            prop_assert_eq!(RowSet::union([&set_a, &set_b]), a.union(&b).copied().collect::<RowSet>());
            prop_assert_eq!(set_a.and(&set_b), a.intersection(&b).copied().collect::<RowSet>());
            prop_assert_eq!(set_a.minus(&set_b), a.difference(&b).copied().collect::<RowSet>());
            let mut kept = set_a.clone();
            kept.retain(|row| row % 3 == 0);
            prop_assert!(kept.iter().eq(a.iter().copied().filter(|row| row % 3 == 0)));
            prop_assert!(kept.is_subset(&set_a));
            for row in [0, 1, 70_000, u32::MAX].into_iter().chain(b.iter().copied().take(20)) {
                prop_assert!(set_a.after(row).eq(a.iter().copied().filter(|&other| other > row)));
            }
            if let Some(&middle) = a.iter().nth(a.len() / 2) {
                prop_assert_eq!(set_a.nth(a.len() as u32 / 2), Some(middle));
                prop_assert_eq!(set_a.rank(middle), a.len() as u64 / 2 + 1);
            }
        }

        #[test]
        fn written_sets_read_back_one_after_the_other(a in rows(), b in rows()) {
            let (a, b) = (RowSet::from_unsorted(a), RowSet::from_unsorted(b));
            let mut bytes = Vec::new();
            a.write(&mut bytes);
            b.write(&mut bytes);
            let mut rest = &bytes[..];
            prop_assert_eq!(RowSet::read(&mut rest), Some(a));
            prop_assert_eq!(RowSet::read(&mut rest), Some(b));
            prop_assert!(rest.is_empty());
            let mut torn = &bytes[..3];
            prop_assert_eq!(RowSet::read(&mut torn), None);
        }
    }

    #[test]
    fn a_range_has_both_its_ends() {
        let set = RowSet::from_range(5..=70_000);
        assert_eq!((set.min(), set.max(), set.len()), (Some(5), Some(70_000), 69_996));
        assert!(RowSet::from_range(64..=64).iter().eq([64]) && RowSet::from_range(0..=127).iter().eq(0..128));
        #[expect(clippy::reversed_empty_ranges)]
        let none = RowSet::from_range(9..=8);
        assert!(none.is_empty() && RowSet::union([]).is_empty());
    }

    #[test]
    fn full_blocks_of_rows_are_not_lost() {
        let full = RowSet::from_range(0..=3 * 65_536 - 1);
        let mut bytes = Vec::new();
        full.write(&mut bytes);
        let read = RowSet::read(&mut &bytes[..]).unwrap();
        let odd: RowSet = (1..3 * 65_536).step_by(2).collect();
        let even = full.minus(&odd);
        for set in [&full, &read, &RowSet::union([&odd, &even]), &RowSet::from_sorted(0..3 * 65_536), &full.and(&read)]
        {
            assert_eq!(set.0.statistics().n_run_containers, 0);
            let mut count = 0;
            set.for_each(|row| {
                assert_eq!(row, count);
                count += 1;
            });
            assert_eq!((count, set.len()), (3 * 65_536, 3 * 65_536));
        }
    }
}
