//! The rows of a set among 65,536: the lower halves of their numbers, as a list or as a bit for each.

use super::wide::wide;

/// Words of a block.
pub const WORDS: usize = 1024;
/// A list has at most so many rows. Words take less room from 4096 rows on only; from here on they are faster.
pub(super) const LIST_MAX: usize = 1024;
/// Words that an operation leaves with so few rows become a list: making one takes longer than most operations.
pub(super) const WORDS_MIN: usize = 64;
/// The same where they are to be kept for long: 8 KiB are much for fewer rows.
pub(super) const KEPT_WORDS_MIN: usize = 256;

/// Bit `low % 64` of word `low / 64` is that of the row.
pub type Words = [u64; WORDS];

/// At least one row.
#[derive(Clone, Copy)]
pub enum Block<'a> {
    /// Ascending, each once.
    List(&'a [u16]),
    /// How many, and which.
    Words(u32, &'a Words),
}

impl Block<'_> {
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
                let (several, mut first) = (words.as_chunks::<64>().0, 0);
                for words in several {
                    match count(words) as usize {
                        here if here <= n => n -= here,
                        _ => break,
                    }
                    first += words.len();
                }
                for (at, word) in words.iter().enumerate().skip(first) {
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
            Block::List(list) => mark_list(list.iter().copied(), words),
            Block::Words(_, own) => wide(
                #[inline(always)]
                || words.iter_mut().zip(&own[..]).for_each(|(word, own)| *word |= own),
            ),
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

pub(super) fn words_of(list: impl IntoIterator<Item = u16>) -> Box<Words> {
    let mut words = nothing();
    mark_list(list, &mut words[..]);
    words
}

fn mark_list(list: impl IntoIterator<Item = u16>, words: &mut [u64]) {
    list.into_iter().for_each(|low| words[usize::from(low / 64)] |= 1 << (low % 64));
}

pub(super) fn count(words: &[u64]) -> u32 {
    wide(
        #[inline(always)]
        || words.iter().map(|word| word.count_ones()).sum(),
    )
}

/// Appends the rows of words, which are so many, to a list.
pub(super) fn list_words(words: &Words, len: usize, list: &mut Vec<u16>) {
    let from = list.len();
    // Room for what is put behind the last row and not meant.
    list.resize(from + len + 64, 0);
    let mut end = from;
    each_used(words, |at, word| {
        if let Some(room) = list[end..].first_chunk_mut() {
            end += put_bits::<4, _>(word, room, |bit| (at * 64) as u16 + bit as u16);
        }
    });
    list.truncate(end);
}

/// Calls `f` with the words that are not 0 and their places. Which they are is found out for all first: asked one by one, every
/// second answer would come as a surprise to the processor.
#[inline(always)]
pub(super) fn each_used(words: &Words, mut f: impl FnMut(usize, u64)) {
    let mut used = [0u64; WORDS / 64];
    wide(
        #[inline(always)]
        || {
            for (used, words) in used.iter_mut().zip(words.as_chunks::<64>().0) {
                *used = words.iter().zip(0..).fold(0, |used, (word, at)| used | u64::from(*word != 0) << at);
            }
        },
    );
    for (mut used, first) in used.into_iter().zip((0..).step_by(64)) {
        while used != 0 {
            let at = first + used.trailing_zeros() as usize;
            f(at, words[at]);
            used &= used - 1;
        }
    }
}

/// Puts something for each bit that is set, from the lowest on; how many they were. What lies behind them is not meant. Several at a
/// time, as how many there are cannot be foreseen: as many as a word mostly has at least.
#[inline(always)]
pub(super) fn put_bits<const SEVERAL: usize, T>(word: u64, to: &mut [T; 64], of: impl Fn(u32) -> T) -> usize {
    let (count, mut left) = (word.count_ones() as usize, word);
    for several in to.as_chunks_mut::<SEVERAL>().0.iter_mut().take(count.div_ceil(SEVERAL)) {
        for to in several {
            *to = of(left.trailing_zeros() & 63);
            left &= left.wrapping_sub(1);
        }
    }
    count
}
