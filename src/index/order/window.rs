//! The page of a filtered order: which of the filter's rows stand at the ranks asked for.

use std::ops::Range;

use super::{CHUNK, Order};
use crate::index::{Row, RowSet};

/// What a step of each way costs, in tenths of a nanosecond (measured at a million rows): asking a set of lists, or one that is
/// mostly words, or words.
const CONTAINS_LISTED: u64 = 200;
const CONTAINS: u64 = 30;
const WORD_TEST: u64 = 7;
/// What counting a member costs; and where each has a stretch of memory to itself.
const COUNT: u64 = 20;
const COUNT_SPARSE: u64 = 45;
/// What 64 rows cost to make a word of, and to tell the span of.
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

/// The ranks `skip..skip+take`; `from_end`: counted from the last.
#[derive(Clone, Copy, Debug)]
pub struct Ranks {
    pub skip: usize,
    pub take: usize,
    pub from_end: bool,
}

/// What finding a window costs, in tenths of a nanosecond, by each way.
struct Costs {
    contains: u64,
    words: u64,
    span: u64,
    /// Walking everything.
    all: u64,
    gather: u64,
    /// Steps after which a walk gives up: members may stand far from the end walked from.
    budget: u64,
}

/// Whether the row's bit is set, a bit for each row from 0 on.
fn bit(words: &[u64], row: Row) -> bool {
    words[row as usize / 64] >> (row % 64) & 1 == 1
}

impl Order {
    /// The rows of the set at those ranks of its members in this order (members without a value are no members): by walking the
    /// order, or by counting members per chunk and visiting only the chunks of the window; whichever is cheaper. From the end the
    /// answer is in descending order by (key, row). `within`: the positions at which the members stand, as far as that is known;
    /// `span` tells more of the members as words, where there is one.
    /// Also returns how the rows were found, for explain.
    pub fn window(
        &self,
        among: &RowSet,
        ranks: Ranks,
        within: Range<usize>,
        span: Option<impl FnOnce(&[u64]) -> Option<Range<usize>>>,
    ) -> (Vec<Row>, Found) {
        let within = within.start..within.end.min(self.len);
        if within.is_empty() || among.is_empty() || ranks.take == 0 {
            return (Vec::new(), Found::Walk);
        }
        let costs = self.costs(among.len(), ranks, within.len() as u64);
        let is_tried = costs.contains <= costs.words.min(costs.gather);
        let walked = match is_tried {
            true => self.walk(self.places_of(&within), ranks, costs.budget, |row| among.contains(row)),
            false => None,
        };
        let walked = walked.or_else(|| self.walk_words(among, ranks, within, &costs, is_tried, span));
        match walked {
            Some(found) => (found, Found::Walk),
            None => (self.gather(among, ranks), Found::Gather),
        }
    }

    fn costs(&self, members: u64, ranks: Ranks, rows: u64) -> Costs {
        let wanted = (ranks.skip as u64).saturating_add(ranks.take as u64);
        let steps = wanted.saturating_mul(rows.div_ceil(members.min(rows))).min(rows);
        // Filter and order seldom have nothing to do with each other.
        let feared = steps * 2;
        let to_words = self.to_words_cost(members);
        let words = to_words + feared * WORD_TEST;
        Costs {
            contains: feared * if self.is_sparse(members) { CONTAINS_LISTED } else { CONTAINS },
            words,
            span: words + self.chunk_of.rows() as u64 / 64 * WORD_SPANNED,
            all: to_words + rows * WORD_TEST,
            // One pass counts; another collects, unless the window lies in few chunks.
            gather: self.count_cost(members) * 3 / 2 + self.places.len() as u64 * 10,
            budget: steps * 4 + CHUNK as u64,
        }
    }

    /// Walks with the set as words: from the end, unless that `is_tried`, then from where the first member can be. `None` where
    /// gathering is cheaper.
    fn walk_words(
        &self,
        among: &RowSet,
        ranks: Ranks,
        within: Range<usize>,
        costs: &Costs,
        is_tried: bool,
        span: Option<impl FnOnce(&[u64]) -> Option<Range<usize>>>,
    ) -> Option<Vec<Row>> {
        let span = span.filter(|_| costs.span < costs.gather);
        if span.is_none() && costs.all > costs.gather && (is_tried || costs.words >= costs.gather) {
            return None;
        }
        among.with_words(self.chunk_of.rows(), |words| {
            let walk = |within: &Range<usize>, budget: u64| {
                self.walk(self.places_of(within), ranks, budget, |row| bit(words, row))
            };
            let walked = if is_tried { None } else { walk(&within, costs.budget) };
            if walked.is_some() {
                return walked;
            }
            let span = span.and_then(|span| span(words)).unwrap_or(0..self.len);
            let nearer = span.start.max(within.start)..span.end.min(within.end);
            let begins = if ranks.from_end { nearer.end != within.end } else { nearer.start != within.start };
            // Where gathering costs more than walking everything, the walk need not give up.
            let to_the_end = nearer.len() as u64 * WORD_TEST <= costs.gather;
            let budget = if to_the_end { u64::MAX } else { costs.budget };
            if begins || to_the_end { walk(&nearer, budget) } else { None }
        })
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
        // Mostly all of them, and finding a place means going through those before it.
        let end = if positions.end == self.len { self.places.len() } else { self.locate(positions.end - 1).0 + 1 };
        self.locate(positions.start).0..end
    }

    /// Walks these places from the end given until the window is full; `None` when the budget of steps is spent before.
    pub(super) fn walk(
        &self,
        places: Range<usize>,
        Ranks { mut skip, take, from_end }: Ranks,
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
    pub(super) fn gather(&self, among: &RowSet, Ranks { skip, take, from_end }: Ranks) -> Vec<Row> {
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
                let ranks = Ranks { skip: inside, take: to - from, from_end: false };
                self.walk(places, ranks, u64::MAX, |row| bit(words, row)).unwrap_or_default()
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
