//! Sets combined: what both have, what either has, what one has and the other not. Block by block.

use std::cmp::Ordering;
use std::ops::{BitAndAssign, BitOrAssign, SubAssign};

use super::RowSet;
use super::block::{Block, LIST_MAX, Words, count, has, nothing};
use super::wide::wide;

/// A list this many times as long as another is searched, not gone through.
const MUCH_LONGER: usize = 24;

impl RowSet {
    /// How many rows both have, without making their intersection.
    pub fn intersection_len(&self, other: &RowSet) -> u64 {
        let mut len = 0;
        self.pair(other, |_, a, b| len += a.count_and(b) as u64);
        len
    }

    /// Whether `other` has every row of this set.
    pub fn is_subset(&self, other: &RowSet) -> bool {
        self.intersection_len(other) == self.len()
    }

    /// Whether the two have no row in common.
    pub fn is_disjoint(&self, other: &RowSet) -> bool {
        self.intersection_len(other) == 0
    }

    /// The rows of both.
    pub fn and(&self, other: &RowSet) -> RowSet {
        let mut blocks = Vec::with_capacity(self.blocks.len().min(other.blocks.len()));
        self.pair(other, |key, a, b| blocks.extend(a.and(b).map(|block| (key, block))));
        RowSet { blocks }
    }

    /// The rows of `self` that `other` has not.
    pub fn minus(&self, other: &RowSet) -> RowSet {
        let mut of_other = other.in_step();
        let without = |(key, block): &(u16, Block)| {
            let left = match of_other(*key) {
                Some(other) => block.minus(other),
                None => Some(block.clone()),
            };
            left.map(|block| (*key, block))
        };
        RowSet { blocks: self.blocks.iter().filter_map(without).collect() }
    }

    /// The union of many.
    pub fn union<'a>(sets: impl IntoIterator<Item = &'a RowSet>) -> RowSet {
        let mut blocks: Vec<&(u16, Block)> = sets.into_iter().flat_map(|set| &set.blocks).collect();
        blocks.sort_by_key(|(key, _)| *key);
        let of_key = |same: &[&(u16, Block)]| {
            let block = match same {
                [one] => Some(one.1.clone()),
                many => either(many.iter().map(|(_, block)| block)),
            };
            block.map(|block| (same[0].0, block))
        };
        RowSet { blocks: blocks.chunk_by(|a, b| a.0 == b.0).filter_map(of_key).collect() }
    }

    /// Calls `f` with the key and both blocks where both sets have one.
    fn pair(&self, other: &RowSet, mut f: impl FnMut(u16, &Block, &Block)) {
        let mut of_other = other.in_step();
        for (key, block) in &self.blocks {
            if let Some(other) = of_other(*key) {
                f(*key, block, other);
            }
        }
    }

    /// The block of a key; keys are asked for ascending, each once.
    fn in_step<'a>(&'a self) -> impl FnMut(u16) -> Option<&'a Block> + use<'a> {
        let mut blocks = self.blocks.iter().peekable();
        move |key| {
            while blocks.next_if(|(own, _)| *own < key).is_some() {}
            blocks.next_if(|(own, _)| *own == key).map(|(_, block)| block)
        }
    }
}

impl BitAndAssign<&RowSet> for RowSet {
    fn bitand_assign(&mut self, other: &RowSet) {
        let mut of_other = other.in_step();
        self.blocks.retain_mut(|(key, block)| of_other(*key).is_some_and(|other| block.keep(other)));
    }
}

impl SubAssign<&RowSet> for RowSet {
    fn sub_assign(&mut self, other: &RowSet) {
        let mut of_other = other.in_step();
        self.blocks.retain_mut(|(key, block)| of_other(*key).is_none_or(|other| block.drop_those(other)));
    }
}

impl BitOrAssign<&RowSet> for RowSet {
    fn bitor_assign(&mut self, other: &RowSet) {
        let mut added = Vec::new();
        let mut at = 0;
        for (key, block) in &other.blocks {
            at += self.blocks[at..].partition_point(|(own, _)| own < key);
            match self.blocks.get_mut(at) {
                Some((own, own_block)) if own == key => own_block.add(block),
                _ => added.push((*key, block.clone())),
            }
        }
        if !added.is_empty() {
            self.blocks.append(&mut added);
            self.blocks.sort_by_key(|(key, _)| *key);
        }
    }
}

impl Block {
    fn and(&self, other: &Block) -> Option<Block> {
        match (self, other) {
            (Block::List(a), Block::List(b)) => Block::of_list(both(a, b)),
            (Block::List(list), Block::Words(_, words)) | (Block::Words(_, words), Block::List(list)) => {
                Block::of_list(picked(list, |low| has(words, low)))
            }
            (Block::Words(_, a), Block::Words(_, b)) => {
                let mut words = a.clone();
                let len = zipped(&mut words, b, |a, b| a & b);
                made(len, words)
            }
        }
    }

    fn minus(&self, other: &Block) -> Option<Block> {
        let mut block = self.clone();
        block.drop_those(other).then_some(block)
    }

    /// Keeps what the other has too; whether that is any row.
    fn keep(&mut self, other: &Block) -> bool {
        match (&mut *self, other) {
            (Block::Words(len, a), Block::Words(_, b)) => {
                *len = zipped(a, b, |a, b| a & b);
                self.settle()
            }
            (Block::List(list), Block::Words(_, words)) => {
                keep_picked(list, |low| has(words, low));
                !list.is_empty()
            }
            _ => match self.and(other) {
                Some(block) => {
                    *self = block;
                    true
                }
                None => false,
            },
        }
    }

    /// Drops what the other has; whether any row is left.
    fn drop_those(&mut self, other: &Block) -> bool {
        match (&mut *self, other) {
            (Block::Words(len, a), Block::Words(_, b)) => {
                *len = zipped(a, b, |a, b| a & !b);
                self.settle()
            }
            (Block::Words(len, words), Block::List(list)) => {
                for low in list {
                    let word = &mut words[usize::from(low / 64)];
                    *len -= (*word >> (low % 64) & 1) as u32;
                    *word &= !(1 << (low % 64));
                }
                self.settle()
            }
            (Block::List(list), Block::Words(_, words)) => {
                keep_picked(list, |low| !has(words, low));
                !list.is_empty()
            }
            (Block::List(a), Block::List(b)) => {
                let mut at = 0;
                keep_picked(a, |low| {
                    at += b[at..].iter().take_while(|other| **other < low).count();
                    b.get(at) != Some(&low)
                });
                !a.is_empty()
            }
        }
    }

    /// Adds the other's rows.
    fn add(&mut self, other: &Block) {
        match self {
            Block::Words(len, words) => {
                other.mark(&mut words[..]);
                *len = count(&words[..]);
            }
            Block::List(_) => {
                if let Some(block) = either([&*self, other].into_iter()) {
                    *self = block;
                }
            }
        }
    }

    fn count_and(&self, other: &Block) -> usize {
        match (self, other) {
            (Block::List(a), Block::List(b)) => count_both(a, b),
            (Block::List(list), Block::Words(_, words)) | (Block::Words(_, words), Block::List(list)) => {
                list.iter().map(|low| usize::from(has(words, *low))).sum()
            }
            (Block::Words(_, a), Block::Words(_, b)) => wide(
                #[inline(always)]
                || a.iter().zip(&b[..]).map(|(a, b)| (a & b).count_ones()).sum::<u32>(),
            ) as usize,
        }
    }
}

/// What any of the blocks has.
fn either<'a>(blocks: impl Iterator<Item = &'a Block> + Clone) -> Option<Block> {
    let lists = || blocks.clone().filter_map(|block| if let Block::List(list) = block { Some(list) } else { None });
    let rows = lists().map(Vec::len).sum::<usize>();
    if rows <= LIST_MAX && lists().count() == blocks.clone().count() {
        let mut all = Vec::with_capacity(rows);
        lists().for_each(|list| all.extend_from_slice(list));
        // Runs that ascend: sorting by merging takes them as they are.
        all.sort();
        all.dedup();
        return Block::of_list(all);
    }
    let mut words = nothing();
    blocks.for_each(|block| block.mark(&mut words[..]));
    Block::of_words(words)
}

fn made(len: u32, words: Box<Words>) -> Option<Block> {
    let mut block = Block::Words(len, words);
    block.settle().then_some(block)
}

/// Puts `f` of both into the first; how many bits are set then.
#[inline(always)]
fn zipped(a: &mut Words, b: &Words, f: impl Fn(u64, u64) -> u64) -> u32 {
    wide(
        #[inline(always)]
        || {
            a.iter_mut().zip(b).fold(0, |len, (a, b)| {
                *a = f(*a, *b);
                len + a.count_ones()
            })
        },
    )
}

/// Those rows of a list. Without a branch on what cannot be foreseen.
fn picked(list: &[u16], keep: impl Fn(u16) -> bool) -> Vec<u16> {
    let mut kept = list.to_vec();
    keep_picked(&mut kept, keep);
    kept
}

fn keep_picked(list: &mut Vec<u16>, mut keep: impl FnMut(u16) -> bool) {
    let mut kept = 0;
    for at in 0..list.len() {
        let low = list[at];
        list[kept] = low;
        kept += usize::from(keep(low));
    }
    list.truncate(kept);
}

fn both(a: &[u16], b: &[u16]) -> Vec<u16> {
    let mut found = Vec::with_capacity(a.len().min(b.len()));
    each_of_both(a, b, |low, is_in| {
        if is_in {
            found.push(low);
        }
    });
    found
}

fn count_both(a: &[u16], b: &[u16]) -> usize {
    let mut found = 0;
    each_of_both(a, b, |_, is_in| found += usize::from(is_in));
    found
}

/// Calls `f` with rows of either list, and whether both have it: with every row of both, at least.
fn each_of_both(a: &[u16], b: &[u16], mut f: impl FnMut(u16, bool)) {
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if few.len().saturating_mul(MUCH_LONGER) < many.len() {
        few.iter().for_each(|low| f(*low, many.binary_search(low).is_ok()));
        return;
    }
    let (mut at, mut other) = (0, 0);
    while let (Some(a), Some(b)) = (few.get(at), many.get(other)) {
        let order = a.cmp(b);
        f(*a, order == Ordering::Equal);
        at += usize::from(order != Ordering::Greater);
        other += usize::from(order != Ordering::Less);
    }
}
