//! Counting the codes of several fields among the same rows: in one pass over what the table has of each, or through posting lists.

use super::cells::{CellTally, Cells};
use super::postings::Postings;
use super::shares::{Extra, Share, in_shares};
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

/// How many of [`Among::fewer`] there are: by ordinal - 1, and of any.
#[derive(Default)]
struct Sum {
    of_ordinals: Vec<u64>,
    present: u64,
}

/// Counts by ordinal, as rows are walked.
enum Walk<'a> {
    Choices(ChoiceTally<'a>),
    Cells(CellTally<'a>),
}

impl<'a> Tally<'a> {
    /// Counts each among the rows; where there is none, there are no counts.
    pub fn count(tallies: &[Option<Tally<'a>>], among: &Among) -> Vec<Counts> {
        let (is_walked, cost) = Tally::ways(tallies, among);
        let extra = Extra::worth(cost);
        Tally::count_so(tallies, &is_walked, among, extra.shares())
    }

    /// Counts by these ways, in so many shares.
    fn count_so(tallies: &[Option<Tally<'a>>], is_walked: &[bool], among: &Among, shares: usize) -> Vec<Counts> {
        if is_walked.contains(&true) {
            among.list();
        }
        let shares = in_shares(shares, |share| Tally::count_share(tallies, is_walked, among, share));
        let sums = shares.into_iter().reduce(|mut sums, share| {
            sums.iter_mut().zip(&share).for_each(|(sum, count)| sum.add(count));
            sums
        });
        let counts = |(tally, sum): (&Option<Tally>, Sum)| tally.as_ref().map(|tally| tally.counts(&sum, among));
        tallies.iter().zip(sums.unwrap_or_default()).map(|pair| counts(pair).unwrap_or_default()).collect()
    }

    /// Which are counted by what the table has, if they are there, and what all of them cost. Reaching a row is paid for once by all.
    fn ways(tallies: &[Option<Tally>], among: &Among) -> (Vec<bool>, u64) {
        let rows = among.fewer().len();
        let cost = |tally: &Option<Tally>| {
            tally.as_ref().map_or((0, 0), |tally| (tally.postings.cost(among), rows * tally.of_rows.cost()))
        };
        let costs: Vec<(u64, u64)> = tallies.iter().map(cost).collect();
        let gain = costs.iter().map(|(listed, walked)| listed.saturating_sub(*walked)).sum::<u64>();
        let reaching = rows * ROW_COST;
        let listed = costs.iter().map(|(listed, _)| listed).sum::<u64>();
        match gain > reaching {
            true => (costs.iter().map(|(listed, walked)| walked <= listed).collect(), listed - gain + reaching),
            false => (vec![false; tallies.len()], listed),
        }
    }

    /// A share of what [`Tally::count`] counts: of the rows where these are walked, else of the posting lists.
    fn count_share(tallies: &[Option<Tally<'a>>], is_walked: &[bool], among: &Among, share: Share) -> Vec<Sum> {
        let tallies = || tallies.iter().zip(is_walked);
        let walk =
            |(tally, is_walked): (&Option<Tally<'a>>, &bool)| tally.as_ref().filter(|_| *is_walked).map(Tally::walk);
        let mut walks: Vec<Option<Walk>> = tallies().map(walk).collect();
        if is_walked.contains(&true) {
            for rows in share.part(among.list()).chunks(TOGETHER) {
                if let Some(walk) = walks.iter().flatten().next() {
                    walk.lane().touch(rows);
                }
                walks.iter_mut().flatten().for_each(|walk| walk.add(rows));
            }
        }
        let sum = |(tally, walk): (&Option<Tally>, Option<Walk>)| match (walk, tally) {
            (Some(walk), _) => walk.sum(),
            (None, Some(tally)) => tally.listed(among, share),
            (None, None) => Sum::default(),
        };
        tallies().map(|(tally, _)| tally).zip(walks).map(sum).collect()
    }

    fn walk(&self) -> Walk<'a> {
        let ordinals = self.postings.ordinals();
        match self.of_rows {
            OfRows::Choices(lane) => Walk::Choices(ChoiceTally::new(lane, ordinals)),
            OfRows::Sets(cells, lane) => Walk::Cells(cells.tally(lane, ordinals)),
        }
    }

    fn listed(&self, among: &Among, share: Share) -> Sum {
        // As if it were one more list: it is some share's.
        let is_here = self.postings.ordinals() % share.of == share.number;
        let present = if is_here { self.present.intersection_len(among.fewer()) } else { 0 };
        Sum { of_ordinals: self.postings.listed(among, share), present }
    }

    fn counts(&self, fewer: &Sum, among: &Among) -> Counts {
        let of_codes = self.postings.by_code(among, &fewer.of_ordinals);
        Counts { of_codes, present: among.of(self.present.len(), fewer.present) }
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

impl Sum {
    fn add(&mut self, other: &Sum) {
        self.of_ordinals.iter_mut().zip(&other.of_ordinals).for_each(|(sum, count)| *sum += count);
        self.present += other.present;
    }
}

impl<'a> Walk<'a> {
    fn lane(&self) -> Lane<'a> {
        match self {
            Walk::Choices(walk) => walk.lane,
            Walk::Cells(walk) => walk.lane(),
        }
    }

    fn sum(self) -> Sum {
        let (of_ordinals, present) = match self {
            Walk::Choices(walk) => walk.counts(),
            Walk::Cells(walk) => walk.counts(),
        };
        Sum { of_ordinals, present }
    }

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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::index::facet::Choices;
    use crate::index::set_facet::Sets;
    use crate::index::table::Table;

    /// What counting one by one finds.
    fn naive<'a>(codes: impl Iterator<Item = (&'a Row, Vec<u32>)>, among: &RowSet) -> (Vec<(u32, u64)>, u64) {
        let (mut counts, mut present) = (BTreeMap::new(), 0);
        for (_, codes) in codes.filter(|(row, _)| among.contains(**row)) {
            present += u64::from(!codes.is_empty());
            codes.into_iter().for_each(|code| *counts.entry(code).or_default() += 1);
        }
        (counts.into_iter().collect(), present)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_way_counts_the_same_in_any_number_of_shares(
            given in proptest::collection::btree_map(
                0u32..1500, (proptest::option::of(0u32..3), proptest::collection::btree_set(0u32..600, 0..6)), 0..400,
            ),
            among in proptest::collection::vec(0u32..1600, 0..900),
        ) {
            let mut table = Table::default();
            let (mut choices, mut sets) = (Choices::new(&mut table), Sets::new(&mut table));
            for (row, (choice, set)) in &given {
                choices.set(&mut table, *row, *choice);
                sets.set(&mut table, *row, &set.iter().copied().collect::<Vec<u32>>());
            }
            let tallies = [Some(choices.tally(&table)), None, Some(sets.tally(&table))];
            let all: RowSet = given.keys().copied().collect();
            for among in [RowSet::from_unsorted(among).and(&all), all.clone(), RowSet::new()] {
                let of_choices = naive(given.iter().map(|(row, (code, _))| (row, Vec::from_iter(*code))), &among);
                let of_sets = |set: &BTreeSet<u32>| set.iter().copied().collect();
                let of_sets = naive(given.iter().map(|(row, (_, set))| (row, of_sets(set))), &among);
                let among = Among::new(&among, &all);
                for (ways, shares) in (0..8).flat_map(|ways| (1..6).map(move |shares| (ways, shares))) {
                    let is_walked = [ways & 1 > 0, ways & 2 > 0, ways & 4 > 0];
                    let counted = Tally::count_so(&tallies, &is_walked, &among, shares);
                    let counted: Vec<_> = counted.into_iter().map(|counts| (counts.of_codes, counts.present)).collect();
                    prop_assert_eq!(&counted, &[of_choices.clone(), (Vec::new(), 0), of_sets.clone()]);
                }
            }
        }
    }
}
