//! `isGreaterThanOrEqualTo`: the number, day or time is this one or greater.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::Predicate;
use crate::filter::value::ordered;

pub(super) const OPERATOR: Operator = Operator {
    name: "isGreaterThanOrEqualTo",
    aliases: &[],
    kinds: &[Kind::Number, Kind::Date, Kind::Time],
    complement_of: None,
    value: "a number, date or time",
    doc: "The value is this one or greater (later).",
    read: |given| Ok(Predicate::range(ordered::stretch(given)?.first, i64::MAX)),
};
