//! What operators come down to: a handful of tests that a contact and an index can both answer. (owner: filter)

use crate::contact::{Field, phone::Digits};

/// A test of one field. All are positive: false of a contact that lacks the value.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// Choice and checkbox: the code is one of these (sorted).
    ChoiceIn(Vec<u32>),
    /// Sets, by sorted codes.
    SetAny(Vec<u32>),
    SetAll(Vec<u32>),
    /// Has at least one, and none outside these.
    SetOnly(Vec<u32>),
    SetAtLeast(u32, Vec<u32>),
    /// The field has a value.
    Present,
    /// Number, instant, date, time of day, id: the key lies in `from..=to`.
    Range(i64, i64),
    Text(TextTest),
    Phone(TextTest, Vec<Digits>),
    /// `field` of a segment: resolved in place.
    Member(Box<super::Filter>),
    /// Never true: an unknown tag, a value no contact can have.
    Never(Field),
}

/// How text is compared; needles are compare-folded.
#[derive(Clone, Debug, PartialEq)]
pub enum TextTest {
    OneOf(Vec<String>),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
}
