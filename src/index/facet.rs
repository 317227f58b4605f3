//! A field with one choice of few per row: a posting list per code, and a lane of the table for the way back.

use super::postings::{Postings, nothing};
use super::table::{Lane, LaneId, Table};
use super::tally::{OfRows, Tally};
use super::{Row, RowSet};

/// One code of few per row. The lane has the rows' ordinals, 0 for none: in one byte each as long as that is enough, then in two, then
/// in four.
pub(super) struct Choices {
    lane: LaneId,
    postings: Postings,
    present: RowSet,
}

/// A facet with one code of few per row.
#[derive(Clone, Copy)]
pub struct Facet<'a> {
    choices: &'a Choices,
    lane: Lane<'a>,
}

impl<'a> Facet<'a> {
    /// The row's code.
    pub fn get(&self, row: Row) -> Option<u32> {
        match ordinal(self.lane, row) {
            0 => None,
            ordinal => Some(self.choices.postings.code(ordinal)),
        }
    }

    /// The rows with that code.
    pub fn rows(&self, code: u32) -> &'a RowSet {
        self.choices.postings.rows(code).unwrap_or_else(|| nothing())
    }

    /// Every row with a code.
    pub fn present(&self) -> &'a RowSet {
        &self.choices.present
    }

    /// Codes in use with their rows, ascending by code.
    pub fn postings(&self) -> impl Iterator<Item = (u32, &'a RowSet)> + use<'a> {
        self.choices.postings.iter()
    }
}

impl Choices {
    /// Of no rows yet.
    pub fn new(table: &mut Table) -> Choices {
        Choices { lane: table.claim(1), postings: Postings::default(), present: RowSet::new() }
    }

    /// Ends it.
    pub fn release(self, table: &mut Table) {
        table.release(self.lane);
    }

    /// To be read.
    pub fn facet<'a>(&'a self, table: &'a Table) -> Facet<'a> {
        Facet { choices: self, lane: table.lane(self.lane) }
    }

    /// Sets or clears the row's code. Answers whether anything changed.
    pub fn set(&mut self, table: &mut Table, row: Row, code: Option<u32>) -> bool {
        let old = ordinal(table.lane(self.lane), row);
        if (old != 0).then(|| self.postings.code(old)) == code {
            return false;
        }
        // The new code first: the old one's ordinal is not free before the row has left it.
        let new = code.map_or(0, |code| self.postings.ordinal(code));
        if new != 0 {
            self.postings.insert(new, row);
        }
        if old != 0 {
            self.postings.remove(old, row);
        }
        self.put(table, row, new);
        match (old, new) {
            (0, _) => self.present.insert(row),
            (_, 0) => self.present.remove(row),
            _ => true,
        }
    }

    fn put(&self, table: &mut Table, row: Row, ordinal: u32) {
        let width = match ordinal {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            _ => 4,
        };
        if width > table.lane(self.lane).width() {
            // Little-endian: what is longer begins with what is shorter.
            table.widen(self.lane, width, |old, new| new[..old.len()].copy_from_slice(old));
        }
        let width = table.lane(self.lane).width();
        table.put(self.lane, row, &ordinal.to_le_bytes()[..width]);
    }

    /// To be counted.
    pub fn tally<'a>(&'a self, table: &'a Table) -> Tally<'a> {
        let of_rows = OfRows::Choices(table.lane(self.lane));
        Tally { postings: &self.postings, present: &self.present, of_rows }
    }

    /// Bytes in memory beside the table, about.
    pub fn memory(&self) -> usize {
        self.postings.memory() + self.present.memory()
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        self.lane.write(out);
        self.present.write(out);
        self.postings.write(out);
    }

    pub fn read(from: &mut &[u8], table: &Table) -> Option<Choices> {
        let (lane, present, postings) = (LaneId::read(from, table)?, RowSet::read(from)?, Postings::read(from)?);
        [1, 2, 4].contains(&table.lane(lane).width()).then_some(Choices { lane, postings, present })
    }

    /// The first row for which the table has a code that there is not, in any of these fields: all at once, as the table is large.
    pub fn stray<'a>(fields: impl Iterator<Item = &'a Choices>, table: &Table) -> Option<Row> {
        let lanes: Vec<(Lane, usize)> =
            fields.map(|field| (table.lane(field.lane), field.postings.ordinals())).collect();
        let is_stray = |row: Row| lanes.iter().any(|(lane, last)| ordinal(*lane, row) as usize > *last);
        (0..table.rows() as Row).find(|row| is_stray(*row))
    }

    /// The first row at which posting lists, table and `present` disagree.
    pub fn check(&self, table: &Table) -> Option<Row> {
        let facet = self.facet(table);
        let all = RowSet::union(self.postings.iter().map(|(_, rows)| rows));
        let differing = |a: &RowSet, b: &RowSet| a.minus(b).min().or_else(|| b.minus(a).min());
        let stray = |(code, rows): (u32, &RowSet)| rows.iter().find(|&row| facet.get(row) != Some(code));
        differing(&all, &self.present)
            .or_else(|| self.postings.iter().find_map(stray))
            .or_else(|| (0..table.rows() as Row).find(|&row| facet.get(row).is_some() != self.present.contains(row)))
            .or_else(|| (self.postings.entries() != self.present.len()).then_some(0))
    }
}

fn ordinal(lane: Lane, row: Row) -> u32 {
    match lane.width() {
        1 => u8::from_le_bytes(lane.get(row)).into(),
        2 => u16::from_le_bytes(lane.get(row)).into(),
        _ => u32::from_le_bytes(lane.get(row)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::index::Among;

    /// Codes of `among` counted one by one.
    fn naive_counts(of_row: &BTreeMap<Row, u32>, among: &RowSet) -> Vec<(u32, u64)> {
        let mut counts = BTreeMap::new();
        of_row
            .iter()
            .filter(|(row, _)| among.contains(**row))
            .for_each(|(_, code)| *counts.entry(*code).or_insert(0) += 1);
        counts.into_iter().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_facet_answers_as_a_map(
            sets in proptest::collection::vec((0u32..3000, proptest::option::of(0u32..12)), 0..600),
            among in proptest::collection::vec(0u32..3100, 0..2500),
        ) {
            let mut table = Table::default();
            let (mut choices, mut naive) = (Choices::new(&mut table), BTreeMap::new());
            for (row, code) in sets {
                let code = code.map(|code| code * 1_000_003);
                let old = match code {
                    Some(code) => naive.insert(row, code),
                    None => naive.remove(&row),
                };
                prop_assert_eq!(choices.set(&mut table, row, code), old != code);
            }
            prop_assert_eq!(choices.check(&table), None);
            let facet = choices.facet(&table);
            prop_assert!((0..3100).all(|row| facet.get(row) == naive.get(&row).copied()));
            prop_assert!(facet.present().iter().eq(naive.keys().copied()));
            for among in [RowSet::from_unsorted(among), RowSet::from_range(0..=4000), RowSet::from_range(0..=40), RowSet::new()] {
                for all in [RowSet::from_range(0..=4000), facet.present().clone()] {
                    let among_all = Among::new(&among, &all);
                    let counts = choices.tally(&table).count_one(&among_all);
                    let naive = naive_counts(&naive, &among);
                    prop_assert_eq!(counts.present, naive.iter().map(|(_, count)| count).sum::<u64>());
                    prop_assert_eq!(counts.of_codes, naive);
                }
            }
            for (code, rows) in facet.postings() {
                prop_assert!(rows.iter().eq(naive.iter().filter(|(_, c)| **c == code).map(|(row, _)| *row)));
            }
            let mut bytes = Vec::new();
            choices.write(&mut bytes);
            let read = Choices::read(&mut &bytes[..], &table).expect("what was written");
            prop_assert_eq!(read.check(&table), None);
            prop_assert!((0..3100).all(|row| read.facet(&table).get(row) == naive.get(&row).copied()));
        }
    }

    #[test]
    fn more_codes_than_two_bytes_hold() {
        let mut table = Table::default();
        let mut choices = Choices::new(&mut table);
        assert!((0..70_000).all(|row| choices.set(&mut table, row, Some(row + 7))));
        let facet = choices.facet(&table);
        assert_eq!((facet.get(69_999), facet.rows(8).min(), facet.rows(3).len()), (Some(70_006), Some(1), 0));
        let rows = RowSet::from_range(5..=5);
        let among = Among::new(&rows, facet.present());
        let counts = choices.tally(&table).count_one(&among);
        assert_eq!((counts.of_codes, counts.present), (vec![(12, 1)], 1));
        assert_eq!(choices.check(&table), None);
    }
}
