//! The rows of a set among 65,536: the lower halves of their numbers, as a list or as a bit for each.

use super::wide::wide;

/// Words of a block.
pub const WORDS: usize = 1024;
/// A list has at most so many rows. Words take less room from 4096 rows on only; from here on they are faster.
pub(super) const LIST_MAX: usize = 1024;
/// Words that an operation leaves with so few rows become a list.
const WORDS_MIN: usize = 256;

/// Bit `low % 64` of word `low / 64` is that of the row.
pub type Words = [u64; WORDS];

/// At least one row.
#[derive(Clone)]
pub enum Block {
    /// Ascending, each once.
    List(Vec<u16>),
    /// How many, and which.
    Words(u32, Box<Words>),
}

impl Block {
    /// Of rows ascending, each once; none of none.
    pub fn of_list(list: Vec<u16>) -> Option<Block> {
        match list.len() {
            0 => None,
            1..=LIST_MAX => Some(Block::List(list)),
            len => Some(Block::Words(len as u32, words_of(&list))),
        }
    }

    /// Of words; none where no bit is set.
    pub fn of_words(words: Box<Words>) -> Option<Block> {
        match count(&words[..]) as usize {
            0 => None,
            len @ 1..=WORDS_MIN => Some(Block::List(list_of(&words[..], len))),
            len => Some(Block::Words(len as u32, words)),
        }
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Block::List(list) => list.len(),
            Block::Words(len, _) => *len as usize,
        }
    }

    #[inline]
    pub fn contains(&self, low: u16) -> bool {
        match self {
            Block::Words(_, words) => has(words, low),
            Block::List(list) => list.binary_search(&low).is_ok(),
        }
    }

    /// Whether the row was not in.
    pub fn insert(&mut self, low: u16) -> bool {
        match self {
            Block::Words(len, words) => {
                let (word, bit) = (&mut words[usize::from(low / 64)], 1 << (low % 64));
                let is_new = *word & bit == 0;
                *word |= bit;
                *len += u32::from(is_new);
                is_new
            }
            Block::List(list) => {
                let at = match list.last() {
                    Some(last) if *last < low => list.len(),
                    _ => match list.binary_search(&low) {
                        Ok(_) => return false,
                        Err(at) => at,
                    },
                };
                if list.len() < LIST_MAX {
                    spare(list);
                    list.insert(at, low);
                } else {
                    let mut words = words_of(list);
                    words[usize::from(low / 64)] |= 1 << (low % 64);
                    *self = Block::Words(LIST_MAX as u32 + 1, words);
                }
                true
            }
        }
    }

    /// Whether the row was in. The last one leaves a list of none, which is the set's to take out.
    pub fn remove(&mut self, low: u16) -> bool {
        match self {
            Block::Words(len, words) => {
                let (word, bit) = (&mut words[usize::from(low / 64)], 1 << (low % 64));
                let was_in = *word & bit != 0;
                *word &= !bit;
                *len -= u32::from(was_in);
                if was_in && *len as usize <= LIST_MAX / 2 {
                    *self = Block::List(list_of(&words[..], *len as usize));
                }
                was_in
            }
            Block::List(list) => {
                let Ok(at) = list.binary_search(&low) else { return false };
                list.remove(at);
                true
            }
        }
    }

    pub fn min(&self) -> Option<u16> {
        self.iter_from(0).next()
    }

    pub fn max(&self) -> Option<u16> {
        self.iter_from(0).next_back()
    }

    /// The `n`-th row, from 0, ascending.
    pub fn nth(&self, mut n: usize) -> Option<u16> {
        match self {
            Block::List(list) => list.get(n).copied(),
            Block::Words(_, words) => {
                for (at, word) in words.iter().enumerate() {
                    let here = word.count_ones() as usize;
                    if n < here {
                        let rest = (0..n).fold(*word, |word, _| word & (word - 1));
                        return Some((at * 64) as u16 + rest.trailing_zeros() as u16);
                    }
                    n -= here;
                }
                None
            }
        }
    }

    /// How many rows are `<= low`.
    pub fn rank(&self, low: u16) -> usize {
        match self {
            Block::List(list) => list.partition_point(|other| *other <= low),
            Block::Words(_, words) => {
                let (whole, rest) = (usize::from(low / 64), words[usize::from(low / 64)]);
                let upto = rest & u64::MAX >> (63 - low % 64);
                (count(&words[..whole]) + upto.count_ones()) as usize
            }
        }
    }

    /// Sets the bits of its rows.
    pub fn mark(&self, words: &mut [u64]) {
        match self {
            Block::List(list) => mark_list(list, words),
            Block::Words(_, own) => wide(
                #[inline(always)]
                || words.iter_mut().zip(&own[..]).for_each(|(word, own)| *word |= own),
            ),
        }
    }

    /// Keeps the rows for which `keep` holds, asked ascending.
    pub fn retain(&mut self, mut keep: impl FnMut(u16) -> bool) -> bool {
        match self {
            Block::List(list) => {
                list.retain(|low| keep(*low));
                !list.is_empty()
            }
            Block::Words(len, words) => {
                for (at, word) in words.iter_mut().enumerate() {
                    let mut left = *word;
                    while left != 0 {
                        let bit = left.trailing_zeros();
                        if !keep((at * 64) as u16 + bit as u16) {
                            *word &= !(1 << bit);
                            *len -= 1;
                        }
                        left &= left - 1;
                    }
                }
                self.settle()
            }
        }
    }

    /// Makes a list of words with few rows; whether there is any row.
    pub fn settle(&mut self) -> bool {
        if let Block::Words(len, words) = self
            && *len as usize <= WORDS_MIN
        {
            *self = Block::List(list_of(&words[..], *len as usize));
        }
        self.len() > 0
    }

    /// Bytes beside the block itself.
    pub fn memory(&self) -> usize {
        match self {
            Block::List(list) => list.capacity() * 2,
            Block::Words(..) => size_of::<Words>(),
        }
    }
}

/// No row.
pub fn nothing() -> Box<Words> {
    Box::new([0; WORDS])
}

pub(super) fn has(words: &Words, low: u16) -> bool {
    words[usize::from(low / 64)] >> (low % 64) & 1 == 1
}

pub(super) fn words_of(list: &[u16]) -> Box<Words> {
    let mut words = nothing();
    mark_list(list, &mut words[..]);
    words
}

fn mark_list(list: &[u16], words: &mut [u64]) {
    list.iter().for_each(|low| words[usize::from(low / 64)] |= 1 << (low % 64));
}

pub(super) fn count(words: &[u64]) -> u32 {
    wide(
        #[inline(always)]
        || words.iter().map(|word| word.count_ones()).sum(),
    )
}

/// The rows of words, which are so many.
pub(super) fn list_of(words: &[u64], len: usize) -> Vec<u16> {
    let mut list = Vec::with_capacity(len);
    for (at, word) in words.iter().enumerate() {
        let mut left = *word;
        while left != 0 {
            list.push((at * 64) as u16 + left.trailing_zeros() as u16);
            left &= left - 1;
        }
    }
    list
}

/// Room for one more: by an eighth, as doubling would leave much unused in very many lists.
fn spare(list: &mut Vec<u16>) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 8).max(4));
    }
}
