//! What operators come down to: a handful of tests that a contact and an index can both answer.
//!
//! One file per group of predicates, each with the two answers side by side: `matches` on the contact is what it
//! means, `rows` and `check` on the index must agree. Every predicate is positive: false of a contact that lacks
//! the value.

mod choice;
mod name;
mod phone;
mod range;
mod set;
mod text;

pub use phone::PhoneTest;
pub use text::TextTest;

use std::borrow::Cow;

use super::{Condition, Filter, View, Way, seen};
use crate::contact::{Contact, Field};
use crate::index::{Row, RowSet};

/// A test of one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// Choice and checkbox: the code is one of these (ascending, each once).
    ChoiceIn(Vec<u32>),
    /// Sets: has one of these codes (ascending, each once).
    SetAny(Vec<u32>),
    /// Has of each group at least one code.
    SetAll(Vec<Vec<u32>>),
    /// Has at least one, and none outside these.
    SetOnly(Vec<u32>),
    /// Has of so many groups at least one code.
    SetAtLeast(u32, Vec<Vec<u32>>),
    /// The field has a value.
    Present,
    /// Number, instant, date, time of day, id: the key lies in `from..=to`.
    Range(i64, i64),
    Text(TextTest),
    Phone(PhoneTest),
    /// Belongs to a segment, resolved in place.
    Member(Box<Filter>),
    /// Never true: an unknown tag, a value no contact can have.
    Never,
}

impl Predicate {
    /// The code is one of these.
    pub fn choice(codes: Vec<u32>) -> Predicate {
        some(codes, Predicate::ChoiceIn)
    }

    /// Has one of these codes.
    pub fn set_any(codes: Vec<u32>) -> Predicate {
        some(codes, Predicate::SetAny)
    }

    /// Has at least one code, and none outside these.
    pub fn set_only(codes: Vec<u32>) -> Predicate {
        some(codes, Predicate::SetOnly)
    }

    /// Has of each group at least one code; of an empty group nobody has one.
    pub fn set_all(mut groups: Vec<Vec<u32>>) -> Predicate {
        match groups.len() {
            _ if groups.iter().any(Vec::is_empty) => Predicate::Never,
            1 => Predicate::set_any(groups.remove(0)),
            _ => Predicate::SetAll(groups),
        }
    }

    /// Has of at least `least` groups at least one code.
    pub fn set_at_least(least: u32, mut groups: Vec<Vec<u32>>) -> Predicate {
        groups.retain(|group| !group.is_empty());
        match least as usize {
            1 => Predicate::set_any(groups.concat()),
            least if least > groups.len() => Predicate::Never,
            least if least == groups.len() => Predicate::set_all(groups),
            _ => Predicate::SetAtLeast(least, groups),
        }
    }

    /// The key lies in `from..=to`.
    pub fn range(from: i64, to: i64) -> Predicate {
        if from > to { Predicate::Never } else { Predicate::Range(from, to) }
    }
}

fn some(mut codes: Vec<u32>, predicate: fn(Vec<u32>) -> Predicate) -> Predicate {
    codes.sort_unstable();
    codes.dedup();
    if codes.is_empty() { Predicate::Never } else { predicate(codes) }
}

/// The field whose structures answer for a field: durations count from an instant, a source is its channels.
pub(super) fn kept_in(field: Field) -> Field {
    match field {
        Field::Source => Field::Channels,
        other => other.counts_from().unwrap_or(other),
    }
}

/// Whether the predicate is true of the contact: its meaning.
pub fn matches(condition: &Condition, contact: &Contact) -> bool {
    holds(&condition.predicate, condition.field, contact)
}

/// [`matches`] for a predicate read at another time than its condition.
pub(super) fn holds(predicate: &Predicate, field: Field, contact: &Contact) -> bool {
    let field = kept_in(field);
    match predicate {
        Predicate::Never => false,
        Predicate::Present => seen::present(contact, field),
        Predicate::ChoiceIn(codes) => seen::code(contact, field).is_some_and(|code| codes.binary_search(&code).is_ok()),
        Predicate::Range(from, to) => seen::key(contact, field).is_some_and(|key| (*from..=*to).contains(&key)),
        Predicate::Text(test) => seen::text(contact, field).is_some_and(|text| test.holds(&text)),
        Predicate::Phone(test) => contact.phone.as_ref().is_some_and(|phone| test.holds(phone)),
        Predicate::Member(filter) => super::matches::holds(filter, contact),
        Predicate::SetAny(_) | Predicate::SetAll(_) | Predicate::SetOnly(_) | Predicate::SetAtLeast(..) => {
            set::Test::of(predicate).is_some_and(|test| test.holds(seen::codes(contact, field)))
        }
    }
}

/// The rows for which the predicate is true, and how they were found; where `within` is given, exact on these only. `Member` is the plan's to evaluate.
pub(super) fn rows<'a>(condition: &Condition, view: View<'a>, within: Option<&RowSet>) -> (Cow<'a, RowSet>, Way) {
    let field = kept_in(condition.field);
    let nothing = || (Cow::Owned(RowSet::new()), Way::Constant);
    match &condition.predicate {
        Predicate::Never | Predicate::Member(_) => nothing(),
        Predicate::Present => (present(field, view), Way::Bitmap),
        Predicate::ChoiceIn(codes) => (choice::rows(codes, field, view), Way::Bitmap),
        Predicate::Range(from, to) => range::rows(*from, *to, field, view),
        Predicate::Text(test) if field == Field::Name => name::rows(test, view, within),
        Predicate::Text(test) => text::rows(test, field, view, within),
        Predicate::Phone(test) => phone::rows(test, view, within),
        set => set::rows(set, field, view),
    }
}

/// A test of rows by the index, one row at a time.
pub(super) type Check<'a> = Box<dyn FnMut(Row) -> bool + 'a>;

/// The test of a row by the predicate; for rows that are alive.
pub(super) fn check<'a>(condition: &'a Condition, view: View<'a>) -> Check<'a> {
    let field = kept_in(condition.field);
    match &condition.predicate {
        Predicate::Never | Predicate::Member(_) => Box::new(|_| false),
        Predicate::Present => match kept_present(field, view) {
            Some(present) => Box::new(|row| present.contains(row)),
            None => {
                let parts = [Field::FirstName, Field::LastName].map(|part| view.index.text(part));
                Box::new(move |row| parts.iter().flatten().any(|column| column.present().contains(row)))
            }
        },
        Predicate::ChoiceIn(codes) => choice::check(codes, field, view),
        Predicate::Range(from, to) => range::check(*from, *to, field, view),
        Predicate::Text(test) if field == Field::Name => name::check(test, view),
        Predicate::Text(test) => text::check(test, field, view),
        Predicate::Phone(test) => phone::check(test, view),
        set => set::check(set, field, view),
    }
}

/// How many rows a predicate can match at most, where that can be told without evaluating it.
pub(super) fn at_most(condition: &Condition, view: View) -> Option<u64> {
    let field = kept_in(condition.field);
    match &condition.predicate {
        Predicate::Never => Some(0),
        Predicate::Present => Some(kept_present(field, view).unwrap_or(view.index.alive()).len()),
        Predicate::ChoiceIn(codes) => Some(choice::count(codes, field, view)),
        Predicate::Range(from, to) => range::count(*from, *to, field, view),
        Predicate::Phone(test) => phone::at_most(test, view),
        set @ (Predicate::SetAny(_) | Predicate::SetAll(_) | Predicate::SetOnly(_) | Predicate::SetAtLeast(..)) => {
            Some(set::at_most(set, field, view))
        }
        _ => None,
    }
}

/// What evaluating the predicate takes, about, in rows of a scan. Sets that the index keeps cost nothing.
pub(super) fn cost(condition: &Condition, view: View) -> u64 {
    const WORDS: u64 = 32; // rows that one operation on bitmaps does at a time, about
    let field = kept_in(condition.field);
    let all = view.index.alive().len();
    match &condition.predicate {
        Predicate::Never | Predicate::Member(_) => 0,
        Predicate::Present => kept_present(field, view).map_or(all / WORDS, |_| 0),
        Predicate::ChoiceIn(codes) | Predicate::SetAny(codes) if codes.len() == 1 => 0,
        Predicate::ChoiceIn(_) | Predicate::SetAny(_) | Predicate::SetAll(_) => {
            at_most(condition, view).unwrap_or(all) / WORDS
        }
        Predicate::Range(from, to) => range::cost(*from, *to, field, view),
        Predicate::Text(TextTest::OneOf(needles)) => needles.len() as u64 * 4,
        Predicate::SetOnly(codes) => set::entries(codes.iter(), field, view),
        Predicate::SetAtLeast(_, groups) => set::entries(groups.iter().flatten(), field, view),
        Predicate::Text(_) => all,
        Predicate::Phone(test) => phone::cost(test, view),
    }
}

/// Every row with a value in the field, borrowed where the index keeps that set.
fn present<'a>(field: Field, view: View<'a>) -> Cow<'a, RowSet> {
    kept_present(field, view).map_or_else(|| Cow::Owned(view.index.present(field)), Cow::Borrowed)
}

/// The set of every row with a value in the field, where the index keeps it: not of whole names.
fn kept_present(field: Field, view: View<'_>) -> Option<&RowSet> {
    let index = view.index;
    match field {
        Field::Id | Field::Status | Field::CreatedAt | Field::UpdatedAt => Some(index.alive()),
        field => {
            let facet = index.facet(field).map(|facet| facet.present());
            let set = || index.set_facet(field).map(|set| set.present());
            let number = || index.column(field).map(|column| column.present());
            facet.or_else(set).or_else(number).or_else(|| index.text(field).map(|text| text.present()))
        }
    }
}

/// The union of sets, borrowed where there is only one.
fn union<'a>(sets: impl IntoIterator<Item = &'a RowSet>) -> Cow<'a, RowSet> {
    let mut sets: Vec<&RowSet> = sets.into_iter().filter(|set| !set.is_empty()).collect();
    match sets.len() {
        0 => Cow::Owned(RowSet::new()),
        1 => Cow::Borrowed(sets.remove(0)),
        _ => Cow::Owned(RowSet::union(sets)),
    }
}
