//! Phones by their digits: the prefix's range of the column, the grams of the text index, or a look at each number.

use std::borrow::Cow;

use super::Check;
use crate::contact::phone::Digits;
use crate::contact::{Field, Phone};
use crate::filter::{View, Way};
use crate::index::{RowSet, phone_prefix};

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
    let from_the_start = matches!(test, PhoneTest::Equals(_) | PhoneTest::StartsWith(_));
    let (mut rows, way) = if from_the_start && needles.len() == 1 && needles[0].international {
        let range = phone_prefix(&needles[0].digits);
        (range.map_or_else(RowSet::new, |range| column.scan(range)), Way::ColumnScan)
    } else {
        match by_grams(needles, view) {
            Some(rows) => (rows, Way::Grams),
            None => (column.present(), Way::ColumnScan),
        }
    };
    if let Some(within) = within {
        rows &= within;
    }
    rows.retain(check(test, view));
    (Cow::Owned(rows), way)
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
