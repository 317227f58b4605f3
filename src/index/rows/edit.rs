//! Rows put in and taken out one by one, and those kept that someone wants.

use super::block::{LIST_MAX, Words, has, list_words, words_of};
use super::{Body, Entry, RowSet, key_of, low_of, row_of};
use crate::index::Row;

impl RowSet {
    /// Puts a row in; whether it was not in.
    pub fn insert(&mut self, row: Row) -> bool {
        let low = low_of(row);
        match self.place(key_of(row)) {
            Err(at) => {
                let from = self.list_start(at);
                self.entries.reserve_exact(1);
                self.entries.insert(at, Entry { key: key_of(row), body: Body::List { from, len: 0 } });
                self.put(at, from as usize, low);
                true
            }
            Ok(at) => match &mut self.entries[at].body {
                Body::Words(len, words) => {
                    let is_new = !has(words, low);
                    words[usize::from(low / 64)] |= 1 << (low % 64);
                    *len += u32::from(is_new);
                    is_new
                }
                Body::List { from, len } => {
                    let (from, len) = (*from as usize, usize::from(*len));
                    let list = &self.lows[from..from + len];
                    let place = match list.last() {
                        Some(last) if *last < low => len,
                        _ => match list.binary_search(&low) {
                            Ok(_) => return false,
                            Err(place) => place,
                        },
                    };
                    if len < LIST_MAX {
                        self.put(at, from + place, low);
                    } else {
                        let mut words = words_of(list.iter().copied());
                        words[usize::from(low / 64)] |= 1 << (low % 64);
                        self.widen(at, LIST_MAX as u32 + 1, words);
                    }
                    true
                }
            },
        }
    }

    /// Takes a row out; whether it was in.
    pub fn remove(&mut self, row: Row) -> bool {
        let (Ok(at), low) = (self.place(key_of(row)), low_of(row)) else { return false };
        match &mut self.entries[at].body {
            Body::Words(len, words) => {
                let was_in = has(words, low);
                words[usize::from(low / 64)] &= !(1 << (low % 64));
                *len -= u32::from(was_in);
                if was_in && *len as usize <= LIST_MAX / 2 {
                    self.narrow(at);
                }
                was_in
            }
            Body::List { from, len } => {
                let list = *from as usize..*from as usize + usize::from(*len);
                let Ok(place) = self.lows[list.clone()].binary_search(&low) else { return false };
                *len -= 1;
                let is_empty = *len == 0;
                self.lows.remove(list.start + place);
                self.shift(at + 1, -1);
                if is_empty {
                    self.entries.remove(at);
                }
                true
            }
        }
    }

    /// Keeps the rows for which `keep` holds, asked ascending.
    pub fn retain(&mut self, mut keep: impl FnMut(Row) -> bool) {
        let old = std::mem::take(self);
        for Entry { key, body } in old.entries {
            match body {
                Body::List { from, len } => {
                    let list = old.lows[from as usize..][..usize::from(len)].iter();
                    self.push_list(key, |lows| lows.extend(list.filter(|low| keep(row_of(key, **low)))));
                }
                Body::Words(mut len, mut words) => {
                    len -= clear(&mut words, |low| !keep(row_of(key, low)));
                    self.push_words(key, len, words);
                }
            }
        }
    }

    /// Where the list of the block at that place is, or would be.
    fn list_start(&self, at: usize) -> u32 {
        let mut ends = self.entries[..at].iter().rev().filter_map(|entry| match entry.body {
            Body::List { from, len } => Some(from + u32::from(len)),
            Body::Words(..) => None,
        });
        ends.next().unwrap_or(0)
    }

    /// Puts a row into a list, at that place among all lists.
    fn put(&mut self, at: usize, place: usize, low: u16) {
        // By an eighth, as doubling would leave much unused in very many sets.
        if self.lows.len() == self.lows.capacity() {
            self.lows.reserve_exact((self.lows.len() / 8).max(4));
        }
        self.lows.insert(place, low);
        if let Body::List { len, .. } = &mut self.entries[at].body {
            *len += 1;
        }
        self.shift(at + 1, 1);
    }

    /// Notes that the lists from that block on lie so much further.
    fn shift(&mut self, at: usize, by: i32) {
        for entry in &mut self.entries[at..] {
            if let Body::List { from, .. } = &mut entry.body {
                *from = from.wrapping_add_signed(by);
            }
        }
    }

    /// Gives a block that is a list words instead, so many rows.
    fn widen(&mut self, at: usize, len: u32, words: Box<Words>) {
        let body = std::mem::replace(&mut self.entries[at].body, Body::Words(len, words));
        if let Body::List { from, len } = body {
            self.lows.drain(from as usize..from as usize + usize::from(len));
            self.shift(at + 1, -i32::from(len));
        }
    }

    /// Gives a block that is words a list instead.
    fn narrow(&mut self, at: usize) {
        let from = self.list_start(at);
        if let Body::Words(len, words) = &self.entries[at].body {
            let (len, mut list) = (*len as u16, Vec::new());
            list_words(words, len.into(), &mut list);
            self.lows.splice(from as usize..from as usize, list);
            self.entries[at].body = Body::List { from, len };
            self.shift(at + 1, len.into());
        }
    }
}

/// Clears the bits of the rows for which `drop` holds, asked ascending; how many they were.
fn clear(words: &mut Words, mut drop: impl FnMut(u16) -> bool) -> u32 {
    let mut cleared = 0;
    for (at, word) in words.iter_mut().enumerate() {
        let mut left = *word;
        while left != 0 {
            let bit = left.trailing_zeros();
            if drop((at * 64) as u16 + bit as u16) {
                *word &= !(1 << bit);
                cleared += 1;
            }
            left &= left - 1;
        }
    }
    cleared
}
