//! Sets of codes: tags, channels.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::{Check, Predicate, union};
use crate::contact::Field;
use crate::filter::{View, Way};
use crate::index::{RowSet, SetFacet};

/// Bitmap operations up to which `SetAtLeast` counts by bitmaps instead of row by row.
const COUNTING_OPERATIONS_MAX: usize = 64;

/// A predicate on sets, made ready to test many.
pub(super) struct Test {
    /// `(code, group)`, ascending.
    members: Vec<(u32, u32)>,
    least: usize,
    /// No code outside the members.
    only: bool,
}

impl Test {
    pub(super) fn of(predicate: &Predicate) -> Option<Test> {
        let (groups, least, only) = match predicate {
            Predicate::SetAny(codes) => (std::slice::from_ref(codes), 1, false),
            Predicate::SetOnly(codes) => (std::slice::from_ref(codes), 1, true),
            Predicate::SetAll(groups) => (groups.as_slice(), groups.len(), false),
            Predicate::SetAtLeast(least, groups) => (groups.as_slice(), *least as usize, false),
            _ => return None,
        };
        let numbered = groups.iter().zip(0..);
        let mut members: Vec<(u32, u32)> =
            numbered.flat_map(|(group, number)| group.iter().map(move |&code| (code, number))).collect();
        members.sort_unstable();
        Some(Test { members, least, only })
    }

    pub(super) fn holds(&self, codes: impl IntoIterator<Item = u32>) -> bool {
        let mut groups: SmallVec<[u32; 16]> = SmallVec::new();
        for code in codes {
            let from = self.members.partition_point(|member| member.0 < code);
            let before = groups.len();
            groups.extend(self.members[from..].iter().take_while(|member| member.0 == code).map(|member| member.1));
            if self.only && groups.len() == before {
                return false;
            }
        }
        groups.sort_unstable();
        groups.dedup();
        groups.len() >= self.least
    }
}

pub(super) fn rows<'a>(predicate: &Predicate, field: Field, view: View<'a>) -> (Cow<'a, RowSet>, Way) {
    let Some(facet) = view.index.set_facet(field) else { return (Cow::Owned(RowSet::new()), Way::Constant) };
    let of = |group: &Vec<u32>| union(group.iter().map(|&code| facet.rows(code)));
    match predicate {
        Predicate::SetAny(codes) => (of(codes), Way::Bitmap),
        Predicate::SetAll(groups) => (all(groups.iter().map(of).collect()), Way::Bitmap),
        Predicate::SetOnly(codes) => only(codes, of(codes), facet),
        Predicate::SetAtLeast(least, groups) if *least as usize * groups.len() <= COUNTING_OPERATIONS_MAX => {
            (Cow::Owned(at_least(*least as usize, groups.iter().map(of))), Way::Bitmap)
        }
        Predicate::SetAtLeast(_, groups) => {
            let mut rows = of(&groups.concat()).into_owned();
            retain(&mut rows, predicate, facet);
            (Cow::Owned(rows), Way::ColumnCheck)
        }
        _ => (Cow::Owned(RowSet::new()), Way::Constant),
    }
}

fn retain(rows: &mut RowSet, predicate: &Predicate, facet: &SetFacet) {
    if let Some(test) = Test::of(predicate) {
        rows.retain(|row| test.holds(facet.get(row)));
    }
}

/// The rows of every set, the smallest first.
fn all(mut sets: Vec<Cow<'_, RowSet>>) -> Cow<'_, RowSet> {
    sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
    let Some(mut rows) = sets.pop() else { return Cow::Owned(RowSet::new()) };
    while let Some(next) = sets.pop() {
        if rows.is_empty() {
            break;
        }
        rows = match rows {
            Cow::Borrowed(borrowed) => Cow::Owned(borrowed.and(&next)),
            Cow::Owned(mut owned) => {
                owned &= &*next;
                Cow::Owned(owned)
            }
        };
    }
    rows
}

/// Rows with one of the codes, less those with any other: by the rows' own codes, or by the other posting lists where
/// these hold fewer rows.
fn only<'a>(codes: &[u32], any: Cow<'a, RowSet>, facet: &'a SetFacet) -> (Cow<'a, RowSet>, Way) {
    let others = || facet.postings().filter(|(code, _)| codes.binary_search(code).is_err());
    if others().map(|(_, rows)| rows.len()).sum::<u64>() < any.len().saturating_mul(4) {
        return (Cow::Owned(any.minus(&union(others().map(|(_, rows)| rows)))), Way::Bitmap);
    }
    let mut rows = any.into_owned();
    retain(&mut rows, &Predicate::SetOnly(codes.to_vec()), facet);
    (Cow::Owned(rows), Way::ColumnCheck)
}

/// Rows in at least `least` of the sets: `met[n]` are those in more than `n` of the sets seen so far.
fn at_least<'a>(least: usize, sets: impl Iterator<Item = Cow<'a, RowSet>>) -> RowSet {
    let mut met = vec![RowSet::new(); least];
    for set in sets {
        for n in (1..least).rev() {
            let more = met[n - 1].and(&set);
            met[n] |= &more;
        }
        if let Some(any) = met.first_mut() {
            *any |= &*set;
        }
    }
    met.pop().unwrap_or_default()
}

pub(super) fn check<'a>(predicate: &'a Predicate, field: Field, view: View<'a>) -> Check<'a> {
    match (view.index.set_facet(field), Test::of(predicate)) {
        (Some(facet), Some(test)) => Box::new(move |row| test.holds(facet.get(row))),
        _ => Box::new(|_| false),
    }
}

/// An upper bound for `SetAny` and `SetAll`, from the lengths of posting lists.
pub(super) fn at_most(predicate: &Predicate, field: Field, view: View) -> u64 {
    let Some(facet) = view.index.set_facet(field) else { return 0 };
    let most =
        |group: &Vec<u32>| group.iter().map(|&code| facet.rows(code).len()).sum::<u64>().min(facet.present().len());
    match predicate {
        Predicate::SetAny(codes) => most(codes),
        Predicate::SetAll(groups) => groups.iter().map(most).min().unwrap_or(0),
        _ => facet.present().len(),
    }
}
