//! Which contacts changed last, so that what was found at an earlier version can be brought up to date by looking at a few.

use std::collections::VecDeque;

use crate::contact::Seq;
use crate::index::{Row, RowSet};

/// The most changes remembered: half a megabyte.
const KEPT: usize = 1 << 15;

/// The changed contacts of the last batches.
pub struct Recent {
    rows: VecDeque<(Seq, Row)>,
    /// All changes after this version are here.
    since: Seq,
}

impl Recent {
    /// Nothing has changed since that version.
    pub fn since(version: Seq) -> Recent {
        Recent { rows: VecDeque::new(), since: version }
    }

    /// Notes what a batch changed that led to the version.
    pub fn note(&mut self, version: Seq, rows: impl Iterator<Item = Row>) {
        for row in rows {
            if self.rows.len() == KEPT
                && let Some((forgotten, _)) = self.rows.pop_front()
            {
                self.since = forgotten;
            }
            self.rows.push_back((version, row));
        }
    }

    /// How many changes there were after the version; `None` where that is not known any more.
    pub fn count_after(&self, version: Seq) -> Option<usize> {
        (version >= self.since).then(|| self.rows.len() - self.rows.partition_point(|(at, _)| *at <= version))
    }

    /// Who changed after the version; `None` where that is not known any more.
    pub fn after(&self, version: Seq) -> Option<RowSet> {
        let count = self.count_after(version)?;
        Some(self.rows.range(self.rows.len() - count..).map(|(_, row)| *row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(found: Option<RowSet>) -> Option<Vec<Row>> {
        found.map(|rows| rows.iter().collect())
    }

    #[test]
    fn changes_are_known_from_any_version_that_is_kept() {
        let mut recent = Recent::since(Seq(5));
        recent.note(Seq(7), [1, 2].into_iter());
        recent.note(Seq(8), [2, 9].into_iter());
        assert_eq!(rows(recent.after(Seq(4))), None);
        assert_eq!(rows(recent.after(Seq(5))), Some(vec![1, 2, 9]));
        assert_eq!(rows(recent.after(Seq(7))), Some(vec![2, 9]));
        assert_eq!(rows(recent.after(Seq(8))), Some(vec![]));
        assert_eq!(recent.count_after(Seq(5)), Some(4));
    }

    #[test]
    fn what_was_forgotten_is_not_taken_for_no_change() {
        let mut recent = Recent::since(Seq(0));
        (1..=KEPT as u64 + 10).for_each(|seq| recent.note(Seq(seq), [seq as Row].into_iter()));
        assert_eq!(recent.count_after(Seq(9)), None);
        assert_eq!(recent.count_after(Seq(10)), Some(KEPT));
    }
}
