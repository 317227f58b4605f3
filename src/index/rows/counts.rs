//! How many of several sets each row is in, block by block.
//!
//! Counts are kept a bit at a time: plane `k` has bit `k` of the counts of 65,536 rows, so adding a set to all of them is
//! an addition with carry over 1024 words.

use super::RowSet;
use super::block::{Block, WORDS, Words, nothing};
use super::wide::wide;

/// A block of fewer rows is added row by row, which costs less than its words do.
const SPARSE: usize = 512;

/// How many of several sets each row of a block is in: plane `k` has bit `k` of the numbers.
pub struct Counts {
    planes: Vec<Words>,
    /// How many sets were added.
    added: usize,
}

impl Counts {
    fn new() -> Counts {
        Counts { planes: Vec::new(), added: 0 }
    }

    fn clear(&mut self) {
        self.planes.clear();
        self.added = 0;
    }

    fn add(&mut self, block: Block) {
        self.added += 1;
        // So many planes hold the number of all sets so far, so no carry is left over.
        while self.added >> self.planes.len() != 0 {
            self.planes.push([0; WORDS]);
        }
        match block {
            Block::List(list) if list.len() < SPARSE => {
                list.iter().for_each(|low| self.add_bits(usize::from(low / 64), 1 << (low % 64)));
            }
            block => {
                let mut carry = [0; WORDS];
                block.mark(&mut carry);
                self.planes.iter_mut().for_each(|plane| add_plane(plane, &mut carry));
            }
        }
    }

    fn add_bits(&mut self, word: usize, mut carry: u64) {
        for plane in &mut self.planes {
            let sum = plane[word] ^ carry;
            carry &= plane[word];
            plane[word] = sum;
            if carry == 0 {
                return;
            }
        }
    }

    /// Sets the bits of the rows whose number is at least `least`, which is not 0.
    fn mark_at_least(&self, least: usize, words: &mut [u64]) {
        if self.added < least {
            return;
        }
        // From the highest bit down: those above so far are marked, those equal so far may yet be.
        let mut equal = [u64::MAX; WORDS];
        for (bit, plane) in self.planes.iter().enumerate().rev() {
            let wanted = least >> bit & 1 == 1;
            for ((word, equal), plane) in words.iter_mut().zip(&mut equal).zip(plane) {
                if wanted {
                    *equal &= *plane;
                } else {
                    *word |= *equal & *plane;
                    *equal &= !*plane;
                }
            }
        }
        words.iter_mut().zip(&equal).for_each(|(word, equal)| *word |= *equal);
    }

    /// Sets the bits of the rows whose number is that of `planes`, and not 0.
    pub fn mark_equal(&self, planes: &[&[u64]], words: &mut [u64]) {
        let (mut differs, mut any) = ([0; WORDS], [0; WORDS]);
        for bit in 0..self.planes.len().max(planes.len()) {
            let own = self.planes.get(bit).unwrap_or(&[0; WORDS]);
            any.iter_mut().zip(own).for_each(|(any, own)| *any |= *own);
            let other = planes.get(bit).copied().unwrap_or_default();
            differs.iter_mut().zip(own).zip(other).for_each(|((differs, own), other)| *differs |= own ^ other);
            // Rows behind the end of a plane have a 0 there.
            differs.iter_mut().zip(own).skip(other.len()).for_each(|(differs, own)| *differs |= *own);
        }
        words.iter_mut().zip(&any).zip(&differs).for_each(|((word, any), differs)| *word = any & !differs);
    }
}

fn add_plane(plane: &mut Words, carry: &mut Words) {
    wide(
        #[inline(always)]
        || {
            for (plane, carry) in plane.iter_mut().zip(carry) {
                let both = *plane & *carry;
                *plane ^= *carry;
                *carry = both;
            }
        },
    );
}

/// The rows in at least `least` of the sets.
pub fn at_least(least: usize, sets: &[&RowSet]) -> RowSet {
    if least <= 1 {
        return if least == 0 { RowSet::new() } else { RowSet::union(sets.iter().copied()) };
    }
    counted(sets, |counts, _, words| counts.mark_at_least(least, words))
}

/// The rows that `mark` marks in each block, from how many of the sets have each row of it.
pub fn counted(sets: &[&RowSet], mark: impl Fn(&Counts, usize, &mut [u64])) -> RowSet {
    let mut blocks: Vec<(usize, Block)> = sets.iter().flat_map(|set| set.blocks()).collect();
    blocks.sort_by_key(|(number, _)| *number);
    let mut counts = Counts::new();
    let mut found = RowSet::new();
    for same in blocks.chunk_by(|a, b| a.0 == b.0) {
        counts.clear();
        same.iter().for_each(|(_, block)| counts.add(*block));
        let (number, mut words) = (same[0].0, nothing());
        mark(&counts, number, &mut words[..]);
        found.push_uncounted(number as u16, words);
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::super::tests::rows;
    use super::*;
    use crate::index::Row;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn rows_are_counted_as_one_by_one(
            sets in proptest::collection::vec(rows(), 0..12), least in 1usize..6, wanted in rows(),
        ) {
            let sets: Vec<RowSet> = sets.into_iter().map(RowSet::from_unsorted).collect();
            let sets: Vec<&RowSet> = sets.iter().collect();
            let mut naive = BTreeMap::<Row, usize>::new();
            sets.iter().flat_map(|set| set.iter()).for_each(|row| *naive.entry(row).or_default() += 1);
            let found = at_least(least, &sets);
            prop_assert!(found.iter().eq(naive.iter().filter(|(_, count)| **count >= least).map(|(row, _)| *row)));
            // The number wanted: 2 of some rows, 1 of the others; planes may be shorter than the sets.
            let twice: BTreeSet<Row> = wanted.into_iter().collect();
            let two: RowSet = twice.iter().copied().collect();
            let one = RowSet::from_range(0..=500_000).minus(&two);
            let planes = [one.to_words(0), two.to_words(0)];
            let found = counted(&sets, |counts, number, words| {
                let planes = planes.each_ref().map(|plane| plane.get(number * WORDS..).unwrap_or_default());
                counts.mark_equal(&planes, words);
            });
            let equal = naive.iter().filter(|(row, count)| **count == 1 + usize::from(twice.contains(row)));
            prop_assert!(found.iter().eq(equal.map(|(row, _)| *row)));
        }
    }
}
