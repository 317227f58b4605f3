//! Phones by their digits: a range of the numbers' order, the grams of the text index and then each candidate looked at, or a
//! look at each number.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::{Check, range};
use crate::contact::phone::Digits;
use crate::contact::{Field, Phone};
use crate::filter::grams::Grams;
use crate::filter::number::Number;
use crate::filter::search::Level;
use crate::filter::{View, Way};
use crate::index::{Column, RowSet, phone_exactly, phone_prefix};

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

/// A [`PhoneTest`] ready for the keys of the index's column.
enum Ready {
    Equals(Vec<Number>),
    Contains(Number),
    StartsWith(Number),
    EndsWith(Number),
}

impl Ready {
    fn new(test: &PhoneTest) -> Ready {
        let number = |digits: &Digits| Number::new(digits.clone());
        match test {
            PhoneTest::Equals(numbers) => Ready::Equals(numbers.iter().map(number).collect()),
            PhoneTest::Contains(digits) => Ready::Contains(number(digits)),
            PhoneTest::StartsWith(digits) => Ready::StartsWith(number(digits)),
            PhoneTest::EndsWith(digits) => Ready::EndsWith(number(digits)),
        }
    }

    fn holds(&self, key: i64) -> bool {
        match self {
            Ready::Equals(numbers) => numbers.iter().any(|number| number.begins(key) == Some(Level::Whole)),
            Ready::Contains(number) => number.within(key),
            Ready::StartsWith(number) => number.begins(key).is_some(),
            Ready::EndsWith(number) => number.ends(key),
        }
    }
}

/// The rows that pass; where `within` is given, exact on these only.
pub(super) fn rows<'a>(test: &PhoneTest, view: View<'a>, within: Option<&RowSet>) -> (Cow<'a, RowSet>, Way) {
    let Some(column) = view.index.column(Field::Phone) else { return (Cow::Owned(RowSet::new()), Way::Constant) };
    if let Some(ranges) = ranges(test) {
        return by_ranges(&ranges, view);
    }
    let ready = Ready::new(test);
    let (found, way) = match by_grams(test, column, view) {
        Some(rows) => (Cow::Owned(rows), Way::Grams),
        None => (Cow::Borrowed(column.present()), Way::ColumnScan),
    };
    let mut rows = match within {
        Some(within) => within.and(&found),
        None => found.into_owned(),
    };
    rows.retain(|row| column.get(row).is_some_and(|key| ready.holds(key)));
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
    let found = ranges.iter().map(|range| range::rows(*range.start(), *range.end(), Field::Phone, view));
    let (mut found, ways): (Vec<Cow<RowSet>>, Vec<Way>) = found.unzip();
    let way = ways.first().copied().unwrap_or(Way::Constant);
    match found.len() {
        1 => (found.remove(0), way),
        _ => (Cow::Owned(RowSet::union(found.iter().map(|rows| &**rows))), way),
    }
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

/// The rows that may pass by the grams of their numbers, and those whose grams are not known.
fn by_grams(test: &PhoneTest, column: &Column, view: View) -> Option<RowSet> {
    const NEEDLES_MAX: usize = 64;
    let grams = Grams::of(view, Field::Phone, column.present().len() as usize, true)?;
    let mut rows = match test {
        PhoneTest::Equals(numbers) if numbers.len() > NEEDLES_MAX => return None,
        PhoneTest::Equals(numbers) => {
            let sets = numbers.iter().map(|digits| grams.candidates(&digits.digits));
            let sets = sets.collect::<Result<Vec<_>, _>>().ok()?;
            RowSet::union(sets.iter().map(|found| &*found.rows))
        }
        PhoneTest::Contains(digits) | PhoneTest::StartsWith(digits) | PhoneTest::EndsWith(digits) => {
            Arc::unwrap_or_clone(grams.candidates(&digits.digits).ok()?.rows)
        }
    };
    grams.add_unknown(&mut rows);
    Some(rows)
}

pub(super) fn check<'a>(test: &'a PhoneTest, view: View<'a>) -> Check<'a> {
    let (column, ready) = (view.index.column(Field::Phone), Ready::new(test));
    Box::new(move |row| column.and_then(|column| column.get(row)).is_some_and(|key| ready.holds(key)))
}
