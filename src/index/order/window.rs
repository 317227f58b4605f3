//! The page of a filtered order: which of the filter's rows stand at the ranks asked for.

use std::ops::Range;

use super::{CHUNK, Order};
use crate::index::{Row, RowSet};

/// What a step of each way costs, in tenths of a nanosecond (measured at a million rows).
const CONTAINS_LISTED: u64 = 200;
const CONTAINS: u64 = 30;
const WORD_TEST: u64 = 15;
const COUNT: u64 = 20;

/// How a window was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Walked the order, testing membership.
    Walk,
    /// Counted members per chunk, then visited the chunks of the window.
    Gather,
}

impl Order {
    /// The rows of the set at ranks `skip..skip+take` of its members in this order (members without a value are no members):
    /// by walking the order, or by counting members per chunk and visiting only the chunks of the window; whichever is cheaper.
    /// `from_end`: ranks counted from the last; the answer is then in descending order by (key, row). `within`: the positions at
    /// which the members stand, as far as that is known.
    /// Also returns how the rows were found, for explain.
    ///
    /// A filter that stands far from the end walked from costs little more than gathering: the walk has a budget.
    pub fn window(
        &self,
        among: &RowSet,
        skip: usize,
        take: usize,
        from_end: bool,
        within: Range<usize>,
    ) -> (Vec<Row>, Found) {
        let (rows, members) = (within.end.min(self.len).saturating_sub(within.start) as u64, among.len());
        if rows == 0 || members == 0 || take == 0 {
            return (Vec::new(), Found::Walk);
        }
        let places = self.locate(within.start).0..self.locate(within.start + rows as usize - 1).0 + 1;
        let wanted = (skip as u64).saturating_add(take as u64);
        let steps = wanted.saturating_mul(rows.div_ceil(members.min(rows))).min(rows);
        // One pass counts; another collects, unless the window lies in few chunks.
        let gather = members * COUNT * 3 / 2 + self.places.len() as u64 * 10;
        let words = self.chunk_of.rows() as u64 / 64;
        // Sets of many rows are words already; those of few are searched, or written out once.
        let listed = members * 64 < self.chunk_of.rows() as u64;
        let (contains, copy) = if listed { (CONTAINS_LISTED, members * 8) } else { (CONTAINS, words * 5) };
        let to_words = words * 5 + copy;
        let (by_contains, by_words) = (steps * contains, to_words + steps * WORD_TEST);
        // Where gathering costs more than walking everything, the walk need not give up.
        let far = to_words + rows * WORD_TEST <= gather;
        let budget = steps * 4 + CHUNK as u64;
        let mut walked = None;
        if by_contains <= by_words.min(gather) {
            walked = self.walk(places.clone(), skip, take, from_end, budget, |row| among.contains(row));
        }
        if walked.is_none() && (far || by_words < by_contains.min(gather)) {
            let budget = if far { u64::MAX } else { budget };
            walked = among.with_words(self.chunk_of.rows(), |words| {
                let member = |row: Row| words[row as usize / 64] >> (row % 64) & 1 == 1;
                self.walk(places, skip, take, from_end, budget, member)
            });
        }
        match walked {
            Some(found) => (found, Found::Walk),
            None => (self.gather(among, skip, take, from_end), Found::Gather),
        }
    }

    /// Walks these places from the end given until the window is full; `None` when the budget of steps is spent before.
    pub(super) fn walk(
        &self,
        places: Range<usize>,
        mut skip: usize,
        take: usize,
        from_end: bool,
        mut budget: u64,
        member: impl Fn(Row) -> bool,
    ) -> Option<Vec<Row>> {
        let mut found = Vec::with_capacity(take.min(self.len));
        for at in 0..places.len() {
            let rows = self.rows_at(if from_end { places.end - 1 - at } else { places.start + at });
            budget = budget.checked_sub(rows.len() as u64)?;
            let mut see = |row: Row| {
                if member(row) {
                    if skip > 0 {
                        skip -= 1;
                    } else {
                        found.push(row);
                    }
                }
                found.len() == take
            };
            let full = if from_end { rows.iter().rev().any(|&row| see(row)) } else { rows.iter().any(|&row| see(row)) };
            if full {
                break;
            }
        }
        Some(found)
    }

    /// Counts the members of each chunk, then orders those of the chunks that hold the window.
    pub(super) fn gather(&self, among: &RowSet, skip: usize, take: usize, from_end: bool) -> Vec<Row> {
        let mut counts = vec![0u32; self.chunks.len()];
        among.for_each(|row| {
            if let Some(chunk) = self.chunk(row) {
                counts[chunk as usize] += 1;
            }
        });
        let total: usize = counts.iter().map(|&count| count as usize).sum();
        // Ranks from the end are turned into ranks from the start.
        let end = skip.saturating_add(take).min(total);
        let (from, to) = if from_end { (total - end, total - skip.min(total)) } else { (skip, end) };
        if from >= to {
            return Vec::new();
        }
        let (mut before, mut places, mut inside) = (0, 0..0, 0);
        for (at, place) in self.places.iter().enumerate() {
            let count = counts[place.chunk as usize] as usize;
            if before <= from {
                (places.start, inside) = (at, from - before);
            }
            places.end = at + 1;
            before += count;
            if before >= to {
                break;
            }
        }
        let mut rows = self.members_in_order(among, places, &counts);
        rows.drain(..inside);
        rows.truncate(to - from);
        if from_end {
            rows.reverse();
        }
        rows
    }

    /// The members in the chunks at those places, in order.
    fn members_in_order(&self, among: &RowSet, places: Range<usize>, counts: &[u32]) -> Vec<Row> {
        if (places.len() * CHUNK) as u64 * CONTAINS_LISTED < among.len() * COUNT {
            let rows = places.flat_map(|place| self.rows_at(place).iter().copied());
            return rows.filter(|&row| among.contains(row)).collect();
        }
        // First by place: each place's members get the stretch that their count says.
        let mut starts = Vec::with_capacity(places.len() + 1);
        let mut end = 0;
        for place in &self.places[places.clone()] {
            starts.push(end);
            end += counts[place.chunk as usize] as usize;
        }
        let mut rows = vec![0; end];
        let mut next = starts.clone();
        let (first, many) = (places.start as u32, places.len() as u32);
        among.for_each(|row| {
            let Some(chunk) = self.chunk(row) else { return };
            let at = self.place_of[chunk as usize].wrapping_sub(first);
            if at < many {
                rows[next[at as usize]] = row;
                next[at as usize] += 1;
            }
        });
        // Then inside each place, where there is more than one.
        for (at, place) in places.enumerate() {
            let stretch = &mut rows[starts[at]..next[at]];
            if stretch.len() > 1 {
                sort_as_in(self.rows_at(place), stretch);
            }
        }
        rows
    }
}

/// Sorts some of a chunk's rows, given ascending by row, as they stand in the chunk.
fn sort_as_in(chunk: &[Row], rows: &mut [Row]) {
    // A row whose bit is not set is none of them; the few others are looked up.
    let mut bits = [0u64; 64];
    let bit = |row: Row| (row.wrapping_mul(0x9E37_79B1) >> 20) as usize;
    rows.iter().for_each(|&row| bits[bit(row) / 64] |= 1 << (bit(row) % 64));
    let mut sorted = [0; CHUNK];
    let mut count = 0;
    for &row in chunk {
        if bits[bit(row) / 64] >> (bit(row) % 64) & 1 == 1 && rows.binary_search(&row).is_ok() {
            sorted[count] = row;
            count += 1;
            if count == rows.len() {
                break;
            }
        }
    }
    rows[..count].copy_from_slice(&sorted[..count]);
}
