//! Sets of codes: tags, channels.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::{Check, Predicate, union};
use crate::contact::Field;
use crate::filter::{View, Way};
use crate::index::{RowSet, at_least};

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
        Predicate::SetOnly(codes) => (Cow::Owned(facet.only(codes)), Way::Bitmap),
        Predicate::SetAtLeast(least, groups) => {
            let sets: Vec<Cow<RowSet>> = groups.iter().map(of).collect();
            let sets: Vec<&RowSet> = sets.iter().map(|set| &**set).collect();
            (Cow::Owned(at_least(*least as usize, &sets)), Way::Bitmap)
        }
        _ => (Cow::Owned(RowSet::new()), Way::Constant),
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

pub(super) fn check<'a>(predicate: &'a Predicate, field: Field, view: View<'a>) -> Check<'a> {
    match (view.index.set_facet(field), Test::of(predicate)) {
        (Some(facet), Some(test)) => Box::new(move |row| test.holds(facet.get(row))),
        _ => Box::new(|_| false),
    }
}

/// How many rows the posting lists of the codes have in all.
pub(super) fn entries<'a>(codes: impl Iterator<Item = &'a u32>, field: Field, view: View) -> u64 {
    view.index.set_facet(field).map_or(0, |facet| codes.map(|&code| facet.rows(code).len()).sum())
}

/// An upper bound, from the lengths of posting lists.
pub(super) fn at_most(predicate: &Predicate, field: Field, view: View) -> u64 {
    let Some(facet) = view.index.set_facet(field) else { return 0 };
    let most =
        |group: &Vec<u32>| group.iter().map(|&code| facet.rows(code).len()).sum::<u64>().min(facet.present().len());
    match predicate {
        Predicate::SetAny(codes) | Predicate::SetOnly(codes) => most(codes),
        Predicate::SetAtLeast(least, groups) => {
            (groups.iter().map(most).sum::<u64>() / u64::from(*least)).min(facet.present().len())
        }
        Predicate::SetAll(groups) => groups.iter().map(most).min().unwrap_or(0),
        _ => facet.present().len(),
    }
}
