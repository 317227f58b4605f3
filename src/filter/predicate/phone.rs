//! Phones by their digits: a range of the numbers' order, the grams of the text index, or a look at each number.

use std::borrow::Cow;

use std::ops::RangeInclusive;

use super::{Check, range};
use crate::contact::phone::Digits;
use crate::contact::{Field, Phone};
use crate::filter::{View, Way};
use crate::index::{RowSet, phone_exactly, phone_prefix};

/// How a phone is compared: in its international form, and unless the digits are marked international in its national
/// form with or without trunk `0`.
#[derive(Clone, Debug, PartialEq)]
pub enum PhoneTest {
    /// Is one of these.
    Equals(Vec<Digits>),
    Contains(Digits),
    StartsWith(Digits),
    EndsWith(Digits),
}

impl PhoneTest {
    /// Whether the phone passes.
    pub fn holds(&self, phone: &Phone) -> bool {
        match self {
            PhoneTest::Equals(numbers) => numbers.iter().any(|digits| digits.equals(phone)),
            PhoneTest::Contains(digits) => digits.within(phone),
            PhoneTest::StartsWith(digits) => digits.starts(phone),
            PhoneTest::EndsWith(digits) => digits.ends(phone),
        }
    }
}

/// The rows that pass; where `within` is given, exact on these only.
pub(super) fn rows<'a>(test: &PhoneTest, view: View<'a>, within: Option<&RowSet>) -> (Cow<'a, RowSet>, Way) {
    let Some(column) = view.index.column(Field::Phone) else { return (Cow::Owned(RowSet::new()), Way::Constant) };
    let needles = match test {
        PhoneTest::Equals(numbers) => numbers.as_slice(),
        PhoneTest::Contains(digits) | PhoneTest::StartsWith(digits) | PhoneTest::EndsWith(digits) => {
            std::slice::from_ref(digits)
        }
    };
    if let Some(ranges) = ranges(test) {
        return by_ranges(&ranges, view);
    }
    let (mut rows, way) = match by_grams(needles, view) {
        Some(rows) => (rows, Way::Grams),
        None => (column.present().clone(), Way::ColumnScan),
    };
    if let Some(within) = within {
        rows &= within;
    }
    rows.retain(check(test, view));
    (Cow::Owned(rows), way)
}

/// The keys of the numbers, where these tell: from the start of what is marked international.
fn ranges(test: &PhoneTest) -> Option<Vec<RangeInclusive<i64>>> {
    match test {
        PhoneTest::Equals(numbers) if numbers.iter().all(|digits| digits.international) => {
            Some(numbers.iter().filter_map(|digits| phone_exactly(&digits.digits)).collect())
        }
        PhoneTest::StartsWith(digits) if digits.international => {
            Some(phone_prefix(&digits.digits).into_iter().collect())
        }
        _ => None,
    }
}

fn by_ranges<'a>(ranges: &[RangeInclusive<i64>], view: View<'a>) -> (Cow<'a, RowSet>, Way) {
    let mut found = ranges.iter().map(|range| range::rows(*range.start(), *range.end(), Field::Phone, view));
    let (mut rows, way) = found.next().unwrap_or_else(|| (Cow::Owned(RowSet::new()), Way::Constant));
    found.for_each(|(more, _)| *rows.to_mut() |= &more);
    (rows, way)
}

/// How many rows pass at most, where the order of the numbers tells.
pub(super) fn at_most(test: &PhoneTest, view: View) -> Option<u64> {
    ranges(test)?.iter().map(|range| range::count(*range.start(), *range.end(), Field::Phone, view)).sum()
}

/// The rows to be read, about.
pub(super) fn cost(test: &PhoneTest, view: View) -> u64 {
    match ranges(test) {
        Some(ranges) => ranges.iter().map(|range| range::cost(*range.start(), *range.end(), Field::Phone, view)).sum(),
        None => view.index.alive().len().saturating_mul(4),
    }
}

/// The rows whose number has one of the needles in it, by its grams, and those whose grams are not known. Digits that a
/// number equals, begins or ends with are within one of its two forms.
fn by_grams(needles: &[Digits], view: View) -> Option<RowSet> {
    const NEEDLES_MAX: usize = 64;
    let grams = view.grams?;
    if view.index.alive().len() as usize <= view.text_scan_max || needles.len() > NEEDLES_MAX {
        return None;
    }
    let mut rows = RowSet::new();
    for digits in needles {
        rows |= &grams.candidates(Field::Phone, &digits.digits).ok()?;
    }
    rows |= view.index.unflushed();
    Some(rows)
}

pub(super) fn check<'a>(test: &'a PhoneTest, view: View<'a>) -> Check<'a> {
    Box::new(|row| view.index.phone(row).is_some_and(|phone| test.holds(&phone)))
}
