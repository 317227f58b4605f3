//! A set's rows block by block, so that whole blocks of words can be worked on, and counting with them: how many of
//! several sets each row is in.
//!
//! Counts are kept a bit at a time: plane `k` has bit `k` of the counts of 65,536 rows, so adding a set to all of them is
//! an addition with carry over 1024 words.

use super::RowSet;

/// Words of a block of 65,536 rows.
pub(super) const WORDS: usize = 1024;
/// A block of fewer rows is added row by row, which costs less than its words do.
const SPARSE: usize = 512;

/// The words of one block.
pub(super) type Words = [u64; WORDS];

/// A set, split into its blocks.
pub(super) struct Blocks {
    /// The portable format: its cookie and count, key and length of each block, where each begins, then the blocks.
    bytes: Vec<u8>,
}

/// One block of a set.
pub(super) enum Block<'a> {
    /// At most 4096 rows, as the lower halves of their numbers, ascending.
    Rows(&'a [[u8; 2]]),
    /// A bit for each row.
    Words(&'a [[u8; 8]]),
}

impl Blocks {
    pub fn of(set: &RowSet) -> Blocks {
        Blocks { bytes: set.portable() }
    }

    /// The blocks that are not empty, each with its number, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Block<'_>)> {
        self.heads().into_iter().flatten().map_while(|(head, start)| {
            let [number, len] =
                [[head[0], head[1]], [head[2], head[3]]].map(|half| usize::from(u16::from_le_bytes(half)));
            let block = self.bytes.get(u32::from_le_bytes(*start) as usize..)?;
            let block = match len {
                ..4096 => Block::Rows(block.as_chunks().0.get(..=len)?),
                _ => Block::Words(block.as_chunks().0.get(..WORDS)?),
            };
            Some((number, block))
        })
    }

    fn heads(&self) -> Option<impl Iterator<Item = (&[u8; 4], &[u8; 4])>> {
        let (head, rest) = self.bytes.split_at_checked(8)?;
        let count = u32::from_le_bytes(*head.last_chunk()?) as usize;
        let (keys, starts) = rest.split_at_checked(count * 4)?;
        Some(keys.as_chunks().0.iter().zip(starts.as_chunks().0))
    }
}

impl Block<'_> {
    /// Sets the bits of its rows.
    pub fn mark(&self, words: &mut [u64]) {
        match self {
            Block::Rows(rows) => rows.iter().for_each(|low| {
                let low = u16::from_le_bytes(*low);
                words[usize::from(low / 64)] |= 1 << (low % 64);
            }),
            Block::Words(block) => {
                words.iter_mut().zip(*block).for_each(|(word, bits)| *word |= u64::from_le_bytes(*bits));
            }
        }
    }
}

/// How many of several sets each row of a block is in: plane `k` has bit `k` of the numbers.
pub(super) struct Counts {
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

    fn add(&mut self, block: &Block) {
        self.added += 1;
        // So many planes hold the number of all sets so far, so no carry is left over.
        while self.added >> self.planes.len() != 0 {
            self.planes.push([0; WORDS]);
        }
        match block {
            Block::Rows(rows) if rows.len() < SPARSE => rows.iter().for_each(|low| {
                let low = u16::from_le_bytes(*low);
                self.add_bits(usize::from(low / 64), 1 << (low % 64));
            }),
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
    for (plane, carry) in plane.iter_mut().zip(carry) {
        let both = *plane & *carry;
        *plane ^= *carry;
        *carry = both;
    }
}

/// The rows in at least `least` of the sets.
pub fn at_least(least: usize, sets: &[&RowSet]) -> RowSet {
    if least <= 1 {
        return if least == 0 { RowSet::new() } else { RowSet::union(sets.iter().copied()) };
    }
    counted(sets, |counts, _, words| counts.mark_at_least(least, words))
}

/// The rows that `mark` marks in each block, from how many of the sets have each row of it.
pub(super) fn counted(sets: &[&RowSet], mark: impl Fn(&Counts, usize, &mut [u64])) -> RowSet {
    let split: Vec<Blocks> = sets.iter().map(|set| Blocks::of(set)).collect();
    let mut blocks: Vec<(usize, Block)> = split.iter().flat_map(Blocks::iter).collect();
    blocks.sort_by_key(|(number, _)| *number);
    let mut words = vec![0; blocks.last().map_or(0, |(last, _)| (last + 1) * WORDS)];
    let mut counts = Counts::new();
    for of_number in blocks.chunk_by(|a, b| a.0 == b.0) {
        counts.clear();
        of_number.iter().for_each(|(_, block)| counts.add(block));
        let number = of_number[0].0;
        mark(&counts, number, &mut words[number * WORDS..][..WORDS]);
    }
    RowSet::from_words(&words)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::super::Row;
    use super::super::rows::tests::rows;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn blocks_are_the_set(rows in rows()) {
            let set = RowSet::from_unsorted(rows);
            let mut words = vec![0; 7 * WORDS];
            let mut last = None;
            for (number, block) in Blocks::of(&set).iter() {
                prop_assert!(last < Some(number));
                last = Some(number);
                block.mark(&mut words[number * WORDS..][..WORDS]);
            }
            prop_assert_eq!(RowSet::from_words(&words), set);
        }

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
