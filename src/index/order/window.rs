//! The page of a filtered order: which of the filter's rows stand at the ranks asked for.

use std::ops::Range;

use super::{CHUNK, Order};
use crate::index::{Row, RowSet};

/// What a step of each way costs, in tenths of a nanosecond (measured at a million rows).
const CONTAINS_LISTED: u64 = 200;
const CONTAINS: u64 = 30;
const WORD_TEST: u64 = 7;
const COUNT: u64 = 20;
/// Where each member has a stretch of memory to itself.
const COUNT_SPARSE: u64 = 45;
/// The same for 64 rows.
const WORD_MADE: u64 = 5;
const WORD_SPANNED: u64 = 20;

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
    /// which the members stand, as far as that is known; `span` tells more of the members as words, if it can.
    /// Also returns how the rows were found, for explain.
    ///
    /// Members may stand far from the end walked from: so the walk has a budget, and begins where the first can be once it is spent.
    pub fn window(
        &self,
        among: &RowSet,
        skip: usize,
        take: usize,
        from_end: bool,
        within: Range<usize>,
        span: impl FnOnce(&[u64]) -> Option<Range<usize>>,
    ) -> (Vec<Row>, Found) {
        let (rows, members) = (within.end.min(self.len).saturating_sub(within.start) as u64, among.len());
        if rows == 0 || members == 0 || take == 0 {
            return (Vec::new(), Found::Walk);
        }
        let within = within.start..within.start + rows as usize;
        let wanted = (skip as u64).saturating_add(take as u64);
        let steps = wanted.saturating_mul(rows.div_ceil(members.min(rows))).min(rows);
        // One pass counts; another collects, unless the window lies in few chunks.
        let gather = self.count_cost(members) * 3 / 2 + self.places.len() as u64 * 10;
        let words = self.chunk_of.rows() as u64 / 64;
        let to_words = self.to_words_cost(members);
        // Filter and order seldom have nothing to do with each other.
        let feared = steps * 2;
        let by_contains = feared * if self.is_sparse(members) { CONTAINS_LISTED } else { CONTAINS };
        let by_words = to_words + feared * WORD_TEST;
        let by_span = by_words + words * WORD_SPANNED;
        let budget = steps * 4 + CHUNK as u64;
        let is_tried = by_contains <= by_words.min(gather);
        let mut walked = None;
        if is_tried {
            walked = self.walk(self.places_of(&within), skip, take, from_end, budget, |row| among.contains(row));
        }
        if walked.is_none() && (by_span < gather || !is_tried && by_words < gather) {
            walked = among.with_words(self.chunk_of.rows(), |words| {
                let member = |row: Row| words[row as usize / 64] >> (row % 64) & 1 == 1;
                let walk = |within: &Range<usize>, budget| {
                    self.walk(self.places_of(within), skip, take, from_end, budget, member)
                };
                let walked = if is_tried { None } else { walk(&within, budget) };
                if walked.is_some() || by_span >= gather {
                    return walked;
                }
                let span = span(words).unwrap_or(0..self.len);
                let within = span.start.max(within.start)..span.end.min(within.end);
                // Where gathering costs more than walking everything, the walk need not give up.
                let all = within.len() as u64 * WORD_TEST;
                walk(&within, if all <= gather { u64::MAX } else { budget })
            });
        }
        match walked {
            Some(found) => (found, Found::Walk),
            None => (self.gather(among, skip, take, from_end), Found::Gather),
        }
    }

    /// What a set of so many members costs to make words of: sets of many are words already.
    fn to_words_cost(&self, members: u64) -> u64 {
        let words = self.chunk_of.rows() as u64 / 64;
        words * WORD_MADE + if self.is_sparse(members) { members * 8 } else { words * WORD_MADE }
    }

    /// What going through so many members costs, a look at each one's chunk included.
    fn count_cost(&self, members: u64) -> u64 {
        members * if members * 32 < self.chunk_of.rows() as u64 { COUNT_SPARSE } else { COUNT }
    }

    /// Whether so many members are mostly listed.
    fn is_sparse(&self, members: u64) -> bool {
        members * 64 < self.chunk_of.rows() as u64
    }

    /// The places of the chunks at those positions.
    fn places_of(&self, positions: &Range<usize>) -> Range<usize> {
        if positions.is_empty() {
            return 0..0;
        }
        self.locate(positions.start).0..self.locate(positions.end - 1).0 + 1
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
        let mut members = [0; CHUNK];
        for at in 0..places.len() {
            let rows = self.rows_at(if from_end { places.end - 1 - at } else { places.start + at });
            budget = budget.checked_sub(rows.len() as u64)?;
            // Without a branch: which rows are members cannot be foreseen.
            let mut count = 0;
            for &row in rows {
                members[count] = row;
                count += usize::from(member(row));
            }
            let here = skip.min(count)..count.min(skip.saturating_add(take - found.len()));
            if from_end {
                found.extend(members[count - here.end..count - here.start].iter().rev());
            } else {
                found.extend(&members[here]);
            }
            if found.len() == take {
                break;
            }
            skip = skip.saturating_sub(count);
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
        let visited: usize = self.places[places.clone()].iter().map(|place| place.len as usize).sum();
        let by_words = self.to_words_cost(among.len()) + visited as u64 * WORD_TEST;
        let mut rows = if by_words < self.count_cost(among.len()) {
            among.with_words(self.chunk_of.rows(), |words| {
                let member = |row: Row| words[row as usize / 64] >> (row % 64) & 1 == 1;
                self.walk(places, inside, to - from, false, u64::MAX, member).unwrap_or_default()
            })
        } else {
            let mut rows = self.members_in_order(among, places, &counts);
            rows.drain(..inside);
            rows.truncate(to - from);
            rows
        };
        if from_end {
            rows.reverse();
        }
        rows
    }

    /// The members in the chunks at those places, in order.
    fn members_in_order(&self, among: &RowSet, places: Range<usize>, counts: &[u32]) -> Vec<Row> {
        if (places.len() * CHUNK) as u64 * CONTAINS_LISTED < self.count_cost(among.len()) {
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
