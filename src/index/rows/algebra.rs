//! Sets combined: what both have, what either has, what one has and the other not. Block by block.

use std::cmp::Ordering;
use std::ops::{BitAndAssign, BitOrAssign, SubAssign};

use smallvec::SmallVec;

use super::block::{Block, Words, has, nothing};
use super::wide::wide;
use super::{Body, Entry, RowSet};

/// A list this many times as long as another is searched, not gone through.
const MUCH_LONGER: usize = 12;
/// Above so many rows of several lists, or so many lists, setting bits beats merging.
const MERGED_MAX: usize = 128;
const MERGED_LISTS_MAX: usize = 6;

impl RowSet {
    /// How many rows both have, without making their intersection.
    pub fn intersection_len(&self, other: &RowSet) -> u64 {
        let mut len = 0;
        self.pair(other, |_, a, b| len += count_and(a, b) as u64);
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
        let mut found = RowSet::new();
        self.pair(other, |key, a, b| found.push_and(key, a, b));
        found
    }

    /// The rows of `self` that `other` has not.
    pub fn minus(&self, other: &RowSet) -> RowSet {
        let mut left = self.clone();
        left -= other;
        left
    }

    /// The union of many.
    pub fn union<'a>(sets: impl IntoIterator<Item = &'a RowSet>) -> RowSet {
        let mut blocks: Vec<(u16, Block)> = sets.into_iter().flat_map(RowSet::keyed).collect();
        blocks.sort_by_key(|(key, _)| *key);
        let mut found = RowSet::new();
        for same in blocks.chunk_by(|a, b| a.0 == b.0) {
            found.push_either(same);
        }
        found
    }

    /// Calls `f` with the key and both blocks where both sets have one.
    fn pair(&self, other: &RowSet, mut f: impl FnMut(u16, Block, Block)) {
        let mut of_other = other.in_step();
        for (key, block) in self.keyed() {
            if let Some(other) = of_other(key) {
                f(key, block, other);
            }
        }
    }

    /// The block of a key; keys are asked for ascending, each once.
    fn in_step<'a>(&'a self) -> impl FnMut(u16) -> Option<Block<'a>> + use<'a> {
        let mut blocks = self.keyed().peekable();
        move |key| {
            while blocks.next_if(|(own, _)| *own < key).is_some() {}
            blocks.next_if(|(own, _)| *own == key).map(|(_, block)| block)
        }
    }

    /// Adds what both blocks have behind all others.
    fn push_and(&mut self, key: u16, a: Block, b: Block) {
        match (a, b) {
            (Block::List(a), Block::List(b)) => self.push_list(key, |lows| put_both(a, b, lows)),
            (Block::List(list), Block::Words(_, words)) | (Block::Words(_, words), Block::List(list)) => {
                self.push_list(key, |lows| put_picked(list, lows, |low| has(words, low)));
            }
            (Block::Words(_, a), Block::Words(_, b)) => {
                let mut words = Box::new(*a);
                let len = zipped(&mut words, b, |a, b| a & b);
                self.push_words(key, len, words);
            }
        }
    }

    /// Adds what any of the blocks of a key has behind all others.
    fn push_either(&mut self, same: &[(u16, Block)]) {
        if let [(key, block)] = same {
            return self.push(*key, *block);
        }
        let (key, blocks) = (same[0].0, || same.iter().map(|(_, block)| block));
        let are_few = same.len() <= MERGED_LISTS_MAX && blocks().map(Block::len).sum::<usize>() <= MERGED_MAX;
        let lists = || blocks().filter_map(|block| if let Block::List(list) = block { Some(*list) } else { None });
        if are_few && lists().count() == same.len() {
            return self.push_list(key, |lows| merge_all(lists(), lows));
        }
        let mut words = nothing();
        blocks().for_each(|block| block.mark(&mut words[..]));
        self.push_uncounted(key, words);
    }
}

impl BitAndAssign<&RowSet> for RowSet {
    fn bitand_assign(&mut self, other: &RowSet) {
        let (old, mut of_other) = (self.begin_anew(), other.in_step());
        for Entry { key, body } in old.entries {
            match (body, of_other(key)) {
                (_, None) => {}
                (Body::Words(_, mut words), Some(Block::Words(_, others))) => {
                    let len = zipped(&mut words, others, |a, b| a & b);
                    self.push_words(key, len, words);
                }
                (body, Some(other)) => self.push_and(key, body.block(&old.lows), other),
            }
        }
    }
}

impl SubAssign<&RowSet> for RowSet {
    fn sub_assign(&mut self, other: &RowSet) {
        let (old, mut of_other) = (self.begin_anew(), other.in_step());
        for Entry { key, body } in old.entries {
            match (body, of_other(key)) {
                (body, None) => self.push_body(key, body, &old.lows),
                (Body::Words(len, mut words), Some(other)) => {
                    let len = cleared(&mut words, len, other);
                    self.push_words(key, len, words);
                }
                (Body::List { from, len }, Some(other)) => {
                    let list = &old.lows[from as usize..][..len.into()];
                    self.push_list(key, |lows| put_without(list, other, lows));
                }
            }
        }
    }
}

impl BitOrAssign<&RowSet> for RowSet {
    fn bitor_assign(&mut self, other: &RowSet) {
        let old = self.begin_anew();
        let mut others = other.keyed().peekable();
        for Entry { key, body } in old.entries {
            while let Some((key, block)) = others.next_if(|(other, _)| *other < key) {
                self.push(key, block);
            }
            match (body, others.next_if(|(other, _)| *other == key)) {
                (body, None) => self.push_body(key, body, &old.lows),
                (Body::Words(_, mut words), Some((_, block))) => {
                    block.mark(&mut words[..]);
                    self.push_uncounted(key, words);
                }
                (body, Some(block)) => self.push_either(&[(key, body.block(&old.lows)), block]),
            }
        }
        others.for_each(|(key, block)| self.push(key, block));
    }
}

impl RowSet {
    /// Hands out what there is and leaves nothing, with room for as much.
    fn begin_anew(&mut self) -> RowSet {
        let room =
            RowSet { entries: Vec::with_capacity(self.entries.len()), lows: Vec::with_capacity(self.lows.len()) };
        std::mem::replace(self, room)
    }

    /// Adds a block behind all others, whose list is among these.
    pub(super) fn push_body(&mut self, key: u16, body: Body, lows: &[u16]) {
        match body {
            Body::Words(len, words) => self.push_words(key, len, words),
            list => self.push(key, list.block(lows)),
        }
    }
}

fn count_and(a: Block, b: Block) -> usize {
    match (a, b) {
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

/// Clears the bits of a block's rows; how many are left.
fn cleared(words: &mut Words, len: u32, block: Block) -> u32 {
    match block {
        Block::Words(_, others) => zipped(words, others, |a, b| a & !b),
        Block::List(list) => list.iter().fold(len, |left, low| {
            let word = &mut words[usize::from(low / 64)];
            let was_in = *word >> (low % 64) & 1;
            *word &= !(1 << (low % 64));
            left - was_in as u32
        }),
    }
}

/// Appends those rows of a list. Without a branch on what cannot be foreseen.
fn put_picked(list: &[u16], to: &mut Vec<u16>, mut keep: impl FnMut(u16) -> bool) {
    let from = to.len();
    to.extend_from_slice(list);
    let room = &mut to[from..];
    let mut kept = 0;
    for low in list {
        room[kept] = *low;
        kept += usize::from(keep(*low));
    }
    to.truncate(from + kept);
}

/// Appends those rows of a list that the other block has not.
fn put_without(list: &[u16], other: Block, to: &mut Vec<u16>) {
    match other {
        Block::Words(_, words) => put_picked(list, to, |low| !has(words, low)),
        Block::List(others) => {
            let mut at = 0;
            put_picked(list, to, |low| {
                at += others[at..].iter().take_while(|other| **other < low).count();
                others.get(at) != Some(&low)
            });
        }
    }
}

/// Appends what any of the lists has.
fn merge_all<'a>(mut lists: impl Iterator<Item = &'a [u16]>, to: &mut Vec<u16>) {
    let from = to.len();
    let (Some(first), Some(second)) = (lists.next(), lists.next()) else { return };
    merge(first, second, to);
    for list in lists {
        let so_far: SmallVec<[u16; MERGED_MAX]> = to.drain(from..).collect();
        merge(&so_far, list, to);
    }
}

/// Appends what either list has. Without a branch on what cannot be foreseen.
fn merge(a: &[u16], b: &[u16], to: &mut Vec<u16>) {
    let from = to.len();
    to.resize(from + a.len() + b.len(), 0);
    let (mut at, mut other, mut end) = (0, 0, from);
    while let (Some(&x), Some(&y)) = (a.get(at), b.get(other)) {
        to[end] = x.min(y);
        end += 1;
        at += usize::from(x <= y);
        other += usize::from(y <= x);
    }
    let rest = if at < a.len() { &a[at..] } else { &b[other..] };
    to.truncate(end);
    to.extend_from_slice(rest);
}

/// Appends what both lists have.
fn put_both(a: &[u16], b: &[u16], to: &mut Vec<u16>) {
    to.reserve(a.len().min(b.len()));
    each_of_both(a, b, |low, is_in| {
        if is_in {
            to.push(low);
        }
    });
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
