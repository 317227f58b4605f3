//! Counting the codes of several fields among the same rows: in one pass over what the table has of each, or through posting lists.

use super::cells::{CellTally, Cells};
use super::postings::Postings;
use super::table::Lane;
use super::{Among, Row, RowSet};

/// Rows that are counted in every field before the next ones are: what the table has of them stays in the processor's first cache.
const TOGETHER: usize = 512;

/// What counting costs by what the table has, in tenths of a nanosecond: to reach a row, then for a choice of it, for a set and each
/// byte of its cell.
const ROW_COST: u64 = 100;
const CHOICE_COST: u64 = 7;
const SET_COST: u64 = 15;

/// How many of some rows have each code of a field.
#[derive(Default)]
pub struct Counts {
    /// Ascending by code, none of them 0.
    pub of_codes: Vec<(u32, u64)>,
    /// How many have any.
    pub present: u64,
}

/// A field whose codes are to be counted.
pub(super) struct Tally<'a> {
    pub postings: &'a Postings,
    pub present: &'a RowSet,
    pub of_rows: OfRows<'a>,
}

/// What the table has of rows.
#[derive(Clone, Copy)]
pub(super) enum OfRows<'a> {
    Choices(Lane<'a>),
    Sets(&'a Cells, Lane<'a>),
}

/// Counts by ordinal, as rows are walked.
enum Walk<'a> {
    Choices(ChoiceTally<'a>),
    Cells(CellTally<'a>),
}

impl<'a> Tally<'a> {
    /// Counts each among the rows; where there is none, there are no counts.
    pub fn count(tallies: &[Option<Tally>], among: &Among) -> Vec<Counts> {
        let mut walks = Tally::walks(tallies, among);
        if walks.iter().any(Option::is_some) {
            for rows in among.list().chunks(TOGETHER) {
                walks.iter_mut().flatten().for_each(|walk| walk.add(rows));
            }
        }
        let counted =
            |(tally, walk): (&Option<Tally>, Option<Walk>)| tally.as_ref().map(|tally| tally.counts(walk, among));
        tallies.iter().zip(walks).map(|pair| counted(pair).unwrap_or_default()).collect()
    }

    /// Those that are counted by what the table has. Reaching a row is paid for once by all of them.
    fn walks(tallies: &[Option<Tally<'a>>], among: &Among) -> Vec<Option<Walk<'a>>> {
        let rows = among.fewer().len();
        let gain = |tally: &Tally| tally.postings.cost(among).checked_sub(rows * tally.of_rows.cost());
        let gains: Vec<Option<u64>> = tallies.iter().map(|tally| tally.as_ref().and_then(gain)).collect();
        let is_worth_it = gains.iter().flatten().sum::<u64>() > rows * ROW_COST;
        let walk = |(tally, gain): (&Option<Tally<'a>>, &Option<u64>)| match (tally, gain) {
            (Some(tally), Some(_)) if is_worth_it => Some(tally.walk()),
            _ => None,
        };
        tallies.iter().zip(&gains).map(walk).collect()
    }

    fn walk(&self) -> Walk<'a> {
        let ordinals = self.postings.ordinals();
        match self.of_rows {
            OfRows::Choices(lane) => Walk::Choices(ChoiceTally::new(lane, ordinals)),
            OfRows::Sets(cells, lane) => Walk::Cells(cells.tally(lane, ordinals)),
        }
    }

    fn counts(&self, walk: Option<Walk>, among: &Among) -> Counts {
        let (fewer, present) = match walk {
            Some(Walk::Choices(walk)) => walk.counts(),
            Some(Walk::Cells(walk)) => walk.counts(),
            None => (self.postings.listed(among), self.present.intersection_len(among.fewer())),
        };
        let of_codes = self.postings.by_code(among, &fewer);
        Counts { of_codes, present: among.of(self.present.len(), present) }
    }

    #[cfg(test)]
    pub fn count_one(self, among: &Among) -> Counts {
        Tally::count(&[Some(self)], among).remove(0)
    }
}

impl OfRows<'_> {
    fn cost(&self) -> u64 {
        match self {
            OfRows::Choices(_) => CHOICE_COST,
            OfRows::Sets(_, lane) => SET_COST + lane.width() as u64,
        }
    }
}

impl Walk<'_> {
    fn add(&mut self, rows: &[Row]) {
        match self {
            Walk::Choices(walk) => walk.add(rows),
            Walk::Cells(walk) => walk.add(rows),
        }
    }
}

/// Counts ordinals of one per row.
struct ChoiceTally<'a> {
    lane: Lane<'a>,
    /// Two in turn: adding to a number that was just added to has to wait for it. The ordinal 0 is that of no code.
    tables: [Vec<u32>; 2],
}

impl<'a> ChoiceTally<'a> {
    /// Of ordinals up to that.
    fn new(lane: Lane<'a>, ordinals: usize) -> ChoiceTally<'a> {
        ChoiceTally { lane, tables: [vec![0; ordinals + 1], vec![0; ordinals + 1]] }
    }

    fn add(&mut self, rows: &[Row]) {
        let lane = self.lane;
        match lane.width() {
            1 => self.add_each(rows, |row| u8::from_le_bytes(lane.get(row)).into()),
            2 => self.add_each(rows, |row| u16::from_le_bytes(lane.get(row)).into()),
            _ => self.add_each(rows, |row| u32::from_le_bytes(lane.get(row)) as usize),
        }
    }

    fn add_each(&mut self, rows: &[Row], ordinal: impl Fn(Row) -> usize) {
        let [even, odd] = &mut self.tables;
        let (pairs, last) = rows.as_chunks();
        for [a, b] in pairs {
            even[ordinal(*a)] += 1;
            odd[ordinal(*b)] += 1;
        }
        last.iter().for_each(|row| even[ordinal(*row)] += 1);
    }

    /// By ordinal - 1, and how many rows have one.
    fn counts(self) -> (Vec<u64>, u64) {
        let [even, odd] = self.tables;
        let sums = even.iter().zip(&odd).skip(1).map(|(even, odd)| u64::from(*even) + u64::from(*odd));
        let counts: Vec<u64> = sums.collect();
        let present = counts.iter().sum();
        (counts, present)
    }
}
