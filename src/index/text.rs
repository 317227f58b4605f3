//! A text field: each distinct folded text once, with its rows; and each row's text.
//!
//! Texts are kept compare-folded (`contact::fold::compare`), and search-folded too where that differs.
//! A distinct text costs about 20 bytes beside its own, and 2 to 7 bytes for each of its rows.

mod marks;
mod rows_of;
mod rows_tested;

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use memchr::memmem::Finder;

use self::marks::Marks;
pub(super) use self::rows_of::RowsOf;
use super::duplicates::Sharing;
use super::packed::Packed;
use super::{Row, RowSet, bytes};
use crate::contact::fold;

/// Texts start at multiples of this many bytes, so that 32 bits tell the place in 16 GiB of text.
const ALIGN: usize = 4;
/// The first text of the arena stands at 4: no text is at 0, which marks a free number.
const FREE: u32 = 0;
/// Added to the length of the compare-folded text where a search-folded one follows.
const WITH_SEARCH: u64 = 1;
/// Dead bytes below this are not worth a compaction.
const COMPACT_FROM: usize = 64 * 1024;

/// A text per row, each distinct text kept once.
pub struct TextColumn {
    /// By row: the text's number + 1, or 0 for none.
    of_row: Packed,
    present: RowSet,
    /// By text's number: where it stands in the arena, in units of `ALIGN`.
    places: Vec<u32>,
    rows: RowsOf,
    free: Vec<u32>,
    /// Per text: lengths, compare-folded, search-folded where that differs.
    /// Text, so that taking a part of it needs no check of its bytes.
    arena: String,
    marks: Marks,
    /// Bytes of texts that no row has any more.
    dead: usize,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The rows whose search-folded text differs from the compare-folded one.
    accented: RowSet,
    /// Of e-mails: their domains. There are few, so that a needle many rows share is looked for in these only.
    domains: Option<Box<Domains>>,
}

/// The domains of e-mails: what follows the only `@`.
#[derive(Default)]
pub struct Domains {
    pub texts: TextColumn,
    /// The rows with a text that has no `@`, or several, in one of its folded forms: no e-mail that was ever taken in from outside.
    pub without: RowSet,
}

impl Default for TextColumn {
    fn default() -> TextColumn {
        TextColumn {
            of_row: Packed::default(),
            present: RowSet::new(),
            places: Vec::new(),
            rows: RowsOf::default(),
            free: Vec::new(),
            arena: "\0".repeat(ALIGN),
            marks: Marks::default(),
            dead: 0,
            numbers: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            accented: RowSet::new(),
            domains: None,
        }
    }
}

impl TextColumn {
    /// A column of e-mails, whose domains are kept apart too.
    pub(super) fn of_emails() -> TextColumn {
        TextColumn { domains: Some(Box::default()), ..TextColumn::default() }
    }

    /// Of e-mails: their domains.
    pub fn domains(&self) -> Option<&Domains> {
        self.domains.as_deref()
    }

    /// Sets or clears the row's text, given as the contact has it (not folded). Answers whether anything changed.
    pub fn set(&mut self, row: Row, text: Option<&str>) -> bool {
        let Some(text) = text else { return self.clear(row) };
        let (compare, search) = fold::both(text);
        self.set_folded(row, &compare, search.as_deref().unwrap_or(&compare))
    }

    fn set_folded(&mut self, row: Row, compare: &str, search: &str) -> bool {
        // Two texts may be equal to `compare` and not to `search` (an iota subscript is a letter to one, an accent to the other).
        if self.number(row).is_some_and(|number| self.text(number) == (compare, search)) {
            return false;
        }
        self.clear(row);
        let hash = self.hasher.hash_one(compare);
        let found = self.numbers.find(hash, |&number| self.text(number) == (compare, search));
        let number = found.copied().unwrap_or_else(|| self.add(hash, compare, search));
        self.rows.insert(number, row, self.of_row.rows());
        self.of_row.set(row, u64::from(number) + 1);
        self.present.insert(row);
        if search != compare {
            self.accented.insert(row);
        }
        if let Some(domains) = &mut self.domains {
            match domain(compare).zip(domain(search)) {
                Some((compare, search)) => drop(domains.texts.set_folded(row, compare, search)),
                None => drop(domains.without.insert(row)),
            }
        }
        true
    }

    fn add(&mut self, hash: u64, compare: &str, search: &str) -> u32 {
        let place = (self.arena.len() / ALIGN) as u32;
        store(&mut self.arena, compare, (search != compare).then_some(search));
        let number = self.free.pop().unwrap_or_else(|| {
            bytes::spare(&mut self.places, 1);
            self.places.push(FREE);
            self.rows.push();
            self.places.len() as u32 - 1
        });
        self.places[number as usize] = place;
        self.marks.note(place, number);
        let (arena, places, hasher) = (&self.arena, &self.places, &self.hasher);
        let rehash = |&other: &u32| hasher.hash_one(stored(arena, places[other as usize]).0);
        self.numbers.insert_unique(hash, number, rehash);
        number
    }

    fn clear(&mut self, row: Row) -> bool {
        let Some(number) = self.number(row) else { return false };
        self.of_row.set(row, 0);
        self.present.remove(row);
        self.accented.remove(row);
        if let Some(domains) = &mut self.domains {
            domains.texts.clear(row);
            domains.without.remove(row);
        }
        if self.rows.remove(number, row) {
            self.forget(number);
        }
        true
    }

    /// Gives up a text without rows.
    fn forget(&mut self, number: u32) {
        let (compare, search) = self.text(number);
        let hash = self.hasher.hash_one(compare);
        self.dead += stored_len(compare, (search != compare).then_some(search));
        if let Ok(entry) = self.numbers.find_entry(hash, |&other| other == number) {
            entry.remove();
        }
        self.places[number as usize] = FREE;
        self.free.push(number);
        if self.dead > COMPACT_FROM && self.dead > self.arena.len() / 2 {
            self.compact();
        }
    }

    /// Writes the arena anew without its dead texts.
    fn compact(&mut self) {
        let mut arena = String::with_capacity(self.arena.len() - self.dead);
        arena.push_str(&self.arena[..ALIGN]);
        for place in self.places.iter_mut().filter(|place| **place != FREE) {
            let (compare, search) = stored(&self.arena, *place);
            *place = (arena.len() / ALIGN) as u32;
            store(&mut arena, compare, (search != compare).then_some(search));
        }
        (self.arena, self.dead) = (arena, 0);
        self.marks = marks_of(&self.places);
    }

    fn text(&self, number: u32) -> (&str, &str) {
        stored(&self.arena, self.places[number as usize])
    }

    /// The number of the row's text: rows with equal numbers have equal texts, until the next change.
    pub(super) fn number(&self, row: Row) -> Option<u32> {
        self.of_row.get(row).checked_sub(1).map(|number| number as u32)
    }

    /// Whether the row has a text: quicker than reading it.
    pub fn has(&self, row: Row) -> bool {
        self.number(row).is_some()
    }

    /// The row's compare-folded text.
    pub fn get(&self, row: Row) -> Option<&str> {
        Some(self.text(self.number(row)?).0)
    }

    /// The row's search-folded text.
    pub fn get_search(&self, row: Row) -> Option<&str> {
        Some(self.text(self.number(row)?).1)
    }

    /// Every row with a text.
    pub fn present(&self) -> &RowSet {
        &self.present
    }

    /// The rows whose compare-folded text is `text`.
    pub fn equal(&self, text: &str) -> RowSet {
        let hash = self.hasher.hash_one(text);
        self.rows.union(self.numbers.iter_hash(hash).copied().filter(|&number| self.text(number).0 == text))
    }

    /// The rows with the row's compare-folded text.
    pub(super) fn sharing(&self, row: Row) -> Option<Sharing> {
        let text = self.get(row)?;
        let same = self.numbers.iter_hash(self.hasher.hash_one(text)).filter(|&&number| self.text(number).0 == text);
        same.map(|&number| self.rows.sharing(number)).reduce(Sharing::and)
    }

    /// The lowest row of each compare-folded text that several rows have.
    pub(super) fn shared(&self) -> RowSet {
        // Two texts may be equal to `compare` and not to `search`: then both are accented, or one is.
        let several = self.rows.several().chain(self.accented.iter());
        let lowest = several.filter_map(|row| self.sharing(row)).filter(|sharing| sharing.count > 1);
        RowSet::from_unsorted(lowest.filter_map(|sharing| sharing.first).collect())
    }

    /// How many distinct texts there are: what `rows_where` has to look at.
    pub fn distinct(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// The compare-folded text of a number in use.
    pub(super) fn compare_text(&self, number: u32) -> &str {
        self.text(number).0
    }

    /// The texts in use, by number: `(number, compare_folded, search_folded)`.
    pub(super) fn texts(&self) -> impl Iterator<Item = (u32, &str, &str)> {
        let used = self.places.iter().zip(0..).filter(|(place, _)| **place != FREE);
        used.map(|(&place, number)| {
            let (compare, search) = stored(&self.arena, place);
            (number, compare, search)
        })
    }

    /// Calls `f(number, compare_folded, search_folded)` with every text in use that has the finder's needle in it, one way folded or
    /// the other, and with some that only seem to, as their lengths or neighbours complete it: one pass over all texts, where looking
    /// into each by itself takes several times as long.
    pub(super) fn texts_with(&self, finder: &Finder, mut f: impl FnMut(u32, &str, &str)) {
        // Texts lie in the order of their numbers, except those whose number was in use before.
        let (mut at, mut guess) = (ALIGN, 0);
        while let Some(found) =
            self.arena.as_bytes().get(at..).filter(|rest| !rest.is_empty()).and_then(|rest| finder.find(rest))
        {
            let hit = at + found;
            if let Some((place, number)) = self
                .marks
                .before((hit / ALIGN) as u32, (at / ALIGN) as u32)
                .filter(|(place, _)| *place as usize * ALIGN > at)
            {
                (at, guess) = (place as usize * ALIGN, number);
            }
            let mut text = Stored::at(&self.arena, at);
            while text.end <= hit {
                (at, guess) = (text.end, guess + 1);
                text = Stored::at(&self.arena, at);
            }
            let place = (at / ALIGN) as u32;
            if let Some(number) = self.number_at(place, guess, text.compare) {
                guess = number;
                f(number, text.compare, text.search);
            }
            (at, guess) = (text.end, guess + 1);
        }
    }

    /// The number of the text at a place; `None` where it is dead.
    fn number_at(&self, place: u32, guess: u32, compare: &str) -> Option<u32> {
        let stands = |number: u32| self.places.get(number as usize) == Some(&place);
        let find = || self.numbers.find(self.hasher.hash_one(compare), |&number| stands(number)).copied();
        if stands(guess) { Some(guess) } else { find() }
    }

    /// Calls `f` with each row of the text, ascending.
    pub(super) fn for_each_row(&self, number: u32, f: impl FnMut(Row)) {
        self.rows.for_each(number, f);
    }

    /// The rows whose search-folded text differs from the compare-folded one.
    pub fn accented(&self) -> &RowSet {
        &self.accented
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        let numbers = self.numbers.allocation_size();
        let domains = self.domains.as_ref().map_or(0, |domains| domains.texts.memory() + domains.without.memory());
        let rows = self.of_row.memory() + self.present.memory() + self.rows.memory() + self.accented.memory();
        rows + self.marks.memory() + self.places.capacity() * 4 + self.arena.capacity() + numbers + domains
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.of_row.write(out);
        bytes::put_u32s(out, &self.places);
        bytes::put_u64(out, self.dead as u64);
        bytes::put_bytes(out, self.arena.as_bytes());
        self.rows.write(out);
        self.accented.write(out);
        out.push(u8::from(self.domains.is_some()));
        if let Some(domains) = &self.domains {
            domains.texts.write(out);
        }
    }

    pub(super) fn read(from: &mut &[u8]) -> Option<TextColumn> {
        let (of_row, places) = (Packed::read(from)?, bytes::take_u32s(from)?);
        let dead = usize::try_from(bytes::take_u64(from)?).ok()?;
        let arena = bytes::take_text(from)?;
        let rows = RowsOf::read(from)?;
        let accented = RowSet::read(from)?;
        let present = rows_in(&of_row);
        let domains = match from.split_off_first()? {
            0 => None,
            _ => {
                let texts = TextColumn::read(from)?;
                let without = present.minus(&texts.present);
                Some(Box::new(Domains { texts, without }))
            }
        };
        if rows.len() != places.len() || of_row.iter().any(|number| number > places.len() as u64) {
            return None;
        }
        let free: Vec<u32> = places.iter().zip(0..).filter(|(place, _)| **place == FREE).map(|(_, n)| n).collect();
        let mut column =
            TextColumn { of_row, present, places, rows, free, arena, dead, accented, domains, ..TextColumn::default() };
        let mut numbers = HashTable::with_capacity(column.distinct());
        for (number, compare, _) in column.texts() {
            let hash = column.hasher.hash_one(compare);
            // With the room taken beforehand nothing is ever hashed again.
            numbers.insert_unique(hash, number, |_| 0);
        }
        (column.numbers, column.marks) = (numbers, marks_of(&column.places));
        Some(column)
    }

    /// The first row at which a row's text and the texts' rows disagree.
    pub(super) fn check(&self) -> Option<Row> {
        let mut listed = 0u64;
        for (number, compare, _) in self.texts() {
            let mut stray = None;
            self.rows.for_each(number, |row| {
                listed += 1;
                if self.number(row) != Some(number) {
                    stray = Some(row);
                }
            });
            let found = self.numbers.find(self.hasher.hash_one(compare), |&other| other == number);
            if stray.is_some() || found.is_none() {
                return stray.or_else(|| self.rows.set(number).min()).or(Some(0));
            }
        }
        let own = rows_in(&self.of_row);
        (own != self.present || own.len() != listed || self.numbers.len() != self.distinct()).then_some(0)
    }
}

/// The rows with a number.
fn rows_in(of_row: &Packed) -> RowSet {
    RowSet::from_sorted((0..).zip(of_row.iter()).filter(|(_, number)| *number != 0).map(|(row, _)| row))
}

/// What follows the only `@`.
fn domain(text: &str) -> Option<&str> {
    text.split_once('@').map(|(_, domain)| domain).filter(|domain| !domain.contains('@'))
}

/// Appends a text to the arena: its length with the flag, the search-folded length where there is one, both texts, padding.
fn store(arena: &mut String, compare: &str, search: Option<&str>) {
    let more = stored_len(compare, search);
    if arena.capacity() - arena.len() < more {
        arena.reserve_exact(more + arena.len() / 8);
    }
    put_length(arena, (compare.len() as u64) << 1 | if search.is_some() { WITH_SEARCH } else { 0 });
    if let Some(search) = search {
        put_length(arena, search.len() as u64);
    }
    arena.push_str(compare);
    arena.push_str(search.unwrap_or_default());
    (arena.len()..arena.len().next_multiple_of(ALIGN)).for_each(|_| arena.push('\0'));
    // 16 GiB of distinct texts in one field do not fit in memory beside the rest.
    assert!(arena.len() / ALIGN <= u32::MAX as usize, "a text field holds at most 16 GiB");
}

fn marks_of(places: &[u32]) -> Marks {
    Marks::of(places.iter().copied().zip(0..).filter(|(place, _)| *place != FREE))
}

/// The bytes `store` takes.
fn stored_len(compare: &str, search: Option<&str>) -> usize {
    let lengths = length_len((compare.len() as u64) << 1) + search.map_or(0, |search| length_len(search.len() as u64));
    (lengths + compare.len() + search.map_or(0, str::len)).next_multiple_of(ALIGN)
}

/// The compare-folded and the search-folded text at a place; empty ones where there is none.
fn stored(arena: &str, place: u32) -> (&str, &str) {
    let text = Stored::at(arena, place as usize * ALIGN);
    (text.compare, text.search)
}

/// A text as `store` wrote it.
struct Stored<'a> {
    compare: &'a str,
    search: &'a str,
    /// Where the next one begins.
    end: usize,
}

impl Stored<'_> {
    fn at(arena: &str, mut at: usize) -> Stored<'_> {
        let length = take_length(arena, &mut at);
        let with_search = length & WITH_SEARCH != 0;
        let search_len = if with_search { take_length(arena, &mut at) as usize } else { 0 };
        let middle = at.saturating_add((length >> 1) as usize);
        let end = middle.saturating_add(search_len);
        let compare = arena.get(at..middle).unwrap_or_default();
        let search = if with_search { arena.get(middle..end).unwrap_or_default() } else { compare };
        Stored { compare, search, end: end.max(at + 1).saturating_add(ALIGN - 1) / ALIGN * ALIGN }
    }
}

/// A length in six bits a character, the lowest first; all but the last have the next bit too.
fn put_length(arena: &mut String, mut length: u64) {
    while length >= 0x40 {
        arena.push(char::from((length & 0x3f | 0x40) as u8));
        length >>= 6;
    }
    arena.push(char::from(length as u8));
}

fn length_len(length: u64) -> usize {
    (64 - (length | 1).leading_zeros() as usize).div_ceil(6)
}

fn take_length(arena: &str, at: &mut usize) -> u64 {
    let (mut length, mut shift) = (0, 0);
    while let Some(&byte) = arena.as_bytes().get(*at) {
        *at += 1;
        length |= u64::from(byte & 0x3f) << shift;
        shift += 6;
        if byte < 0x40 || shift > 54 {
            break;
        }
    }
    length
}

#[cfg(test)]
mod tests;
