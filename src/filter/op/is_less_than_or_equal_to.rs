//! `isLessThanOrEqualTo`: the number, day or time is this one or less.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::Predicate;
use crate::filter::value::ordered;

pub(super) const OPERATOR: Operator = Operator {
    name: "isLessThanOrEqualTo",
    aliases: &[],
    kinds: &[Kind::Number, Kind::Date, Kind::Time],
    complement_of: None,
    value: "a number, date or time",
    doc: "The value is this one or less (earlier).",
    read: |given| Ok(Predicate::range(i64::MIN, ordered::stretch(given)?.last)),
};
