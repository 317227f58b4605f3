//! Sets as bytes: the portable format of roaring bitmaps without runs.
//!
//! A cookie, how many blocks, the upper half and length - 1 of each, where each begins; then the blocks, as 16-bit rows up to 4096
//! of them and as 1024 words from there on. All little-endian. Source: the format specification of the Roaring project.

use super::RowSet;
use super::block::{Block, LIST_MAX, WORDS, count, list_words, nothing, words_of};

/// The cookie of sets without runs.
const COOKIE: u32 = 12346;
/// A block of so many rows is written as a list; of more, as words.
const LISTED_MAX: usize = 4096;

impl RowSet {
    /// Appends the set to `out`, so that [`RowSet::read`] finds its end.
    pub fn write(&self, out: &mut Vec<u8>) {
        let at = out.len();
        out.extend_from_slice(&[0; 4]);
        self.write_portable(out);
        // A set of all rows is 512 MiB, so the length fits.
        let len = (out.len() - at - 4) as u32;
        out[at..at + 4].copy_from_slice(&len.to_le_bytes());
    }

    /// Reads what `write` wrote, from the front of `bytes`; `None` where it is damaged.
    pub fn read(bytes: &mut &[u8]) -> Option<RowSet> {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let (set, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        let set = RowSet::read_portable(set)?;
        *bytes = rest;
        Some(set)
    }

    pub(super) fn write_portable(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&COOKIE.to_le_bytes());
        out.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        for (key, block) in self.keyed() {
            out.extend_from_slice(&key.to_le_bytes());
            out.extend_from_slice(&((block.len() - 1) as u16).to_le_bytes());
        }
        let mut at = (8 + 8 * self.entries.len()) as u32;
        for (_, block) in self.keyed() {
            out.extend_from_slice(&at.to_le_bytes());
            at += written_len(block.len()) as u32;
        }
        self.keyed().for_each(|(_, block)| write_block(block, out));
    }

    /// Adds a block of so many rows behind all others; `None` where these are not its rows.
    fn read_block(&mut self, key: u16, len: usize, bytes: &[u8]) -> Option<()> {
        if len > LISTED_MAX {
            let mut words = nothing();
            words.iter_mut().zip(bytes.as_chunks().0).for_each(|(word, bytes)| *word = u64::from_le_bytes(*bytes));
            let is_len = count(&words[..]) as usize == len;
            return is_len.then(|| self.push_words(key, len as u32, words));
        }
        let list = || bytes.as_chunks().0.iter().map(|low| u16::from_le_bytes(*low));
        if len > LIST_MAX {
            self.push_words(key, len as u32, words_of(list()));
        } else {
            self.push_list(key, |lows| lows.extend(list()));
        }
        list().is_sorted_by(|a, b| a < b).then_some(())
    }

    pub(super) fn read_portable(bytes: &[u8]) -> Option<RowSet> {
        let (cookie, rest) = bytes.split_at_checked(8)?;
        let count = u32::from_le_bytes(*cookie.last_chunk()?) as usize;
        if u32::from_le_bytes(*cookie.first_chunk()?) != COOKIE || count > 1 << 16 {
            return None;
        }
        let (entries, rest) = rest.split_at_checked(count * 4)?;
        let mut rest = rest.get(count * 4..)?;
        let entries: Vec<(u16, usize)> = entries.as_chunks().0.iter().map(read_entry).collect();
        let listed =
            entries.iter().map(|(_, len)| *len).filter(|len| *len <= LIST_MAX).sum::<usize>().min(rest.len() / 2);
        let mut set = RowSet { entries: Vec::with_capacity(count), lows: Vec::with_capacity(listed) };
        for (key, len) in entries {
            let (block, others) = rest.split_at_checked(written_len(len))?;
            if set.entries.last().is_some_and(|last| last.key >= key) {
                return None;
            }
            set.read_block(key, len, block)?;
            rest = others;
        }
        rest.is_empty().then_some(set)
    }
}

fn written_len(rows: usize) -> usize {
    if rows <= LISTED_MAX { rows * 2 } else { WORDS * 8 }
}

fn write_block(block: Block, out: &mut Vec<u8>) {
    // Room first: extending number by number is ten times slower.
    let start = out.len();
    out.resize(start + written_len(block.len()), 0);
    let room = &mut out[start..];
    let mut put_list =
        |list: &[u16]| room.as_chunks_mut().0.iter_mut().zip(list).for_each(|(to, low)| *to = low.to_le_bytes());
    match block {
        Block::List(list) => put_list(list),
        Block::Words(len, words) if len as usize <= LISTED_MAX => {
            let mut list = Vec::new();
            list_words(words, len as usize, &mut list);
            put_list(&list);
        }
        Block::Words(_, words) => {
            room.as_chunks_mut().0.iter_mut().zip(&words[..]).for_each(|(to, word)| *to = word.to_le_bytes());
        }
    }
}

/// A block's key, and how many rows it has.
fn read_entry([key, key_high, more, more_high]: &[u8; 4]) -> (u16, usize) {
    let [key, more] = [[*key, *key_high], [*more, *more_high]].map(u16::from_le_bytes);
    (key, usize::from(more) + 1)
}
