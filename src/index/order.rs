//! A field's rows in sorted order, equal keys by row: chunks of rows, and each row's chunk.

mod window;

use std::cmp::Ordering;

use super::packed::Packed;
use super::{Row, RowSet, bytes};

pub use window::{Found, Ranks};

/// Rows a chunk holds at most: a search inside is nine steps, a shift 2 KiB.
const CHUNK: usize = 512;
/// Rows a chunk is filled with where they come sorted, so that the first inserts do not split.
const FILLED: usize = 448;
/// A chunk that has fewer is joined with a neighbour, if both fit in half a chunk.
const SPARSE: usize = 64;

/// The rows that have a value, ascending by (key, row). Holds no keys: callers pass comparisons that read the column.
///
/// About 6½ bytes a row. Inserting costs some twenty comparisons, taking out none.
#[derive(Default)]
pub struct Order {
    /// By chunk number; a free one is empty.
    chunks: Vec<Vec<Row>>,
    /// By chunk number: its place in `places`.
    place_of: Vec<u32>,
    free: Vec<u32>,
    /// The chunks in order.
    places: Vec<Place>,
    /// By row: its chunk's number + 1, or 0 for none.
    chunk_of: Packed,
    len: usize,
}

/// A chunk's place in the order, with its length at hand for counting.
#[derive(Clone, Copy)]
struct Place {
    chunk: u32,
    len: u32,
}

impl Order {
    /// From rows already sorted by (key, row).
    pub fn from_sorted(rows: &[Row]) -> Order {
        let mut order = Order { len: rows.len(), ..Order::default() };
        let end = rows.iter().max().map_or(0, |&last| last as usize + 1);
        order.chunk_of = Packed::with_room(end, rows.len().div_ceil(FILLED) as u64);
        for (at, part) in rows.chunks(FILLED).enumerate() {
            part.iter().for_each(|&row| order.chunk_of.set(row, at as u64 + 1));
            order.chunks.push(part.to_vec());
            order.place_of.push(at as u32);
            order.places.push(Place { chunk: at as u32, len: part.len() as u32 });
        }
        order
    }

    /// Inserts a row; `compare(other)` says how `other` stands to the new row by (key, row). A row that is in is taken out first.
    pub fn insert(&mut self, row: Row, mut compare: impl FnMut(Row) -> Ordering) {
        self.remove(row);
        let last = self.places.last().and_then(|place| self.chunks[place.chunk as usize].last());
        let (place, at) = match last {
            None => {
                self.open(0, Vec::new());
                (0, 0)
            }
            // What is newest, or added last in a sorted load, goes to the end.
            Some(&last) if compare(last).is_lt() => {
                let place = self.places.len() - 1;
                (place, self.places[place].len as usize)
            }
            Some(_) => {
                let first = |place: &Place| self.chunks[place.chunk as usize][0];
                let place = self.places.partition_point(|place| compare(first(place)).is_lt()).saturating_sub(1);
                let chunk = &self.chunks[self.places[place].chunk as usize];
                (place, chunk.partition_point(|&other| compare(other).is_lt()))
            }
        };
        self.insert_at(place, at, row);
    }

    fn insert_at(&mut self, mut place: usize, mut at: usize, row: Row) {
        if self.places[place].len as usize == CHUNK {
            // At the very end nothing more will come into the full chunk: it stays full.
            let keep = if place + 1 == self.places.len() && at == CHUNK { CHUNK } else { CHUNK / 2 };
            self.split(place, keep);
            if at > keep || keep == CHUNK {
                place += 1;
                at -= keep;
            }
        }
        let number = self.places[place].chunk;
        let chunk = &mut self.chunks[number as usize];
        if chunk.len() == chunk.capacity() {
            // Doubling would leave a quarter of all chunks' memory unused.
            chunk.reserve_exact(if chunk.is_empty() { 4 } else { (CHUNK - chunk.len()).min(64) });
        }
        chunk.insert(at, row);
        self.places[place].len += 1;
        self.chunk_of.set(row, u64::from(number) + 1);
        self.len += 1;
    }

    /// Moves what the chunk has behind `keep` to a new chunk after it.
    fn split(&mut self, place: usize, keep: usize) {
        let chunk = &mut self.chunks[self.places[place].chunk as usize];
        let behind = chunk.split_off(keep);
        chunk.shrink_to(keep + 64);
        self.places[place].len = keep as u32;
        self.open(place + 1, behind);
    }

    /// Makes a chunk of the rows at that place.
    fn open(&mut self, place: usize, rows: Vec<Row>) {
        let number = self.free.pop().unwrap_or_else(|| {
            self.chunks.push(Vec::new());
            self.place_of.push(0);
            self.chunks.len() as u32 - 1
        });
        rows.iter().for_each(|&row| self.chunk_of.set(row, u64::from(number) + 1));
        self.places.insert(place, Place { chunk: number, len: rows.len() as u32 });
        self.chunks[number as usize] = rows;
        self.renumber(place);
    }

    /// Takes an empty chunk's place away.
    fn close(&mut self, place: usize) {
        let number = self.places.remove(place).chunk;
        self.chunks[number as usize] = Vec::new();
        self.free.push(number);
        self.renumber(place);
    }

    fn renumber(&mut self, from: usize) {
        for (place, at) in self.places.iter().zip(0..).skip(from) {
            self.place_of[place.chunk as usize] = at;
        }
    }

    /// Takes a row out, if it is in; needs no key.
    pub fn remove(&mut self, row: Row) -> bool {
        let Some(number) = self.chunk(row) else { return false };
        let chunk = &mut self.chunks[number as usize];
        // The chunk has the row, as `chunk_of` says so.
        let Some(at) = chunk.iter().position(|&other| other == row) else { return false };
        chunk.remove(at);
        self.chunk_of.set(row, 0);
        self.len -= 1;
        let place = self.place_of[number as usize] as usize;
        self.places[place].len -= 1;
        if (self.places[place].len as usize) < SPARSE {
            self.join(place);
        }
        true
    }

    /// Closes an empty chunk; joins a sparse one with a neighbour where both are half a chunk at most.
    fn join(&mut self, place: usize) {
        if self.places[place].len == 0 {
            return self.close(place);
        }
        let fits =
            |a: usize, b: usize| self.places.get(b).is_some_and(|b| self.places[a].len + b.len <= CHUNK as u32 / 2);
        let first = match place.checked_sub(1) {
            Some(before) if fits(before, place) => before,
            _ if fits(place, place + 1) => place,
            _ => return,
        };
        let (into, from) = (self.places[first].chunk, self.places[first + 1].chunk);
        let mut rows = std::mem::take(&mut self.chunks[from as usize]);
        rows.iter().for_each(|&row| self.chunk_of.set(row, u64::from(into) + 1));
        self.places[first].len += rows.len() as u32;
        self.chunks[into as usize].append(&mut rows);
        self.close(first + 1);
    }

    fn chunk(&self, row: Row) -> Option<u32> {
        self.chunk_of.get(row).checked_sub(1).map(|chunk| chunk as u32)
    }

    fn rows_at(&self, place: usize) -> &[Row] {
        &self.chunks[self.places[place].chunk as usize]
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no row has a value.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the row is in.
    pub fn contains(&self, row: Row) -> bool {
        self.chunk(row).is_some()
    }

    /// A number that orders the row among the others of this order as it stands now; not a count. About 50 ns.
    pub fn rank_of(&self, row: Row) -> Option<u64> {
        let chunk = self.chunk(row)?;
        let at = self.chunks[chunk as usize].iter().position(|&other| other == row)?;
        Some(u64::from(self.place_of[chunk as usize]) << 16 | at as u64)
    }

    /// How two rows that are in stand to each other in this order.
    pub(super) fn stand(&self, a: Row, b: Row) -> Option<Ordering> {
        let (chunk_a, chunk_b) = (self.chunk(a)?, self.chunk(b)?);
        if chunk_a != chunk_b {
            return Some(self.place_of[chunk_a as usize].cmp(&self.place_of[chunk_b as usize]));
        }
        if a == b {
            return Some(Ordering::Equal);
        }
        let first = self.chunks[chunk_a as usize].iter().find(|&&row| row == a || row == b)?;
        Some(if *first == a { Ordering::Less } else { Ordering::Greater })
    }

    /// Every row in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Row> + '_ {
        self.places.iter().flat_map(|place| self.chunks[place.chunk as usize].iter().copied())
    }

    /// The rows at the positions `from..to` in order, chunk by chunk.
    pub(super) fn range(&self, from: usize, to: usize) -> impl Iterator<Item = &[Row]> {
        let to = to.min(self.len);
        self.between(self.locate(from.min(to)), self.locate(to))
    }

    /// The rows from one place of a chunk and how far inside it to another, chunk by chunk.
    fn between(&self, (first, from): (usize, usize), (last, to): (usize, usize)) -> impl Iterator<Item = &[Row]> {
        (first..self.places.len().min(last + 1)).map(move |place| {
            let rows = self.rows_at(place);
            &rows[if place == first { from } else { 0 }..if place == last { to } else { rows.len() }]
        })
    }

    /// The place that holds the position, and how far inside.
    fn locate(&self, position: usize) -> (usize, usize) {
        let mut before = 0;
        for (at, place) in self.places.iter().enumerate() {
            if before + place.len as usize > position {
                return (at, position - before);
            }
            before += place.len as usize;
        }
        (self.places.len(), 0)
    }

    /// How many rows stand before the first for which `before` is false (`before` holds for a prefix of the order).
    pub fn partition(&self, before: impl FnMut(Row) -> bool) -> usize {
        let (place, inside) = self.bound(before);
        let whole: usize = self.places[..place].iter().map(|place| place.len as usize).sum();
        whole + inside
    }

    /// Where the first row is for which `before` is false: the place of a chunk, and how far inside.
    fn bound(&self, mut before: impl FnMut(Row) -> bool) -> (usize, usize) {
        let place = self.places.partition_point(|place| before(self.chunks[place.chunk as usize][0]));
        let Some(place) = place.checked_sub(1) else { return (0, 0) };
        (place, self.rows_at(place).partition_point(|&row| before(row)))
    }

    /// The rows of equal keys in order, chunk by chunk: those that `stands` says stand equal; less those before, greater those behind.
    pub fn equal(&self, stands: impl Fn(Row) -> Ordering) -> impl Iterator<Item = &[Row]> {
        let (less, not_greater) = (|row| stands(row) == Ordering::Less, |row| stands(row) != Ordering::Greater);
        self.between(self.bound(less), self.bound(not_greater))
    }

    /// The rows at the positions `from..to`, as a set.
    pub fn slice(&self, from: usize, to: usize) -> RowSet {
        RowSet::from_unsorted(self.range(from, to).collect::<Vec<_>>().concat())
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|chunk| chunk.capacity() * 4 + 8).sum();
        chunks + self.chunks.capacity() * 24 + self.places.capacity() * 12 + self.chunk_of.memory()
    }

    /// Appends the rows in order to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        bytes::put_u32s(out, &self.iter().collect::<Vec<_>>());
    }

    /// Reads what `write` wrote, from the front of `bytes`.
    pub(super) fn read(from: &mut &[u8]) -> Option<Order> {
        Some(Order::from_sorted(&bytes::take_u32s(from)?))
    }

    /// Checks every invariant; the first broken one in words.
    ///
    /// # Errors
    /// The first broken invariant.
    pub fn check(&self, mut compare: impl FnMut(Row, Row) -> Ordering) -> Result<(), String> {
        let mut previous = None;
        let mut count = 0;
        for (at, place) in self.places.iter().enumerate() {
            let chunk = &self.chunks[place.chunk as usize];
            if chunk.is_empty() || chunk.len() > CHUNK || chunk.len() != place.len as usize {
                return Err(format!("chunk {} has {} rows, noted {}", place.chunk, chunk.len(), place.len));
            }
            if self.place_of[place.chunk as usize] as usize != at {
                return Err(format!("chunk {} does not know its place", place.chunk));
            }
            for &row in chunk {
                if self.chunk(row) != Some(place.chunk) {
                    return Err(format!("row {row} does not know its chunk"));
                }
                if previous.is_some_and(|previous| !compare(previous, row).is_lt()) {
                    return Err(format!("row {row} stands too late"));
                }
                previous = Some(row);
                count += 1;
            }
        }
        let noted = self.chunk_of.iter().filter(|&chunk| chunk != 0).count();
        if count != self.len || noted != self.len {
            return Err(format!("{count} rows in chunks, {noted} with a chunk, {} counted", self.len));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
