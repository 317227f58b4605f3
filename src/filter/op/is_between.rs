//! `isBetween`: the number, day, time or time since lies between two ends, both in.

use super::Operator;
use crate::contact::Kind;
use crate::filter::value::ordered;

pub(super) const OPERATOR: Operator = Operator {
    name: "isBetween",
    aliases: &["isBetweenTime"],
    kinds: &[Kind::Number, Kind::Date, Kind::Time, Kind::Duration],
    complement_of: None,
    value: "{\"from\", \"to\"}, both ends in",
    doc: "The value lies between the two, or is one of them.",
    read: |given| match given.kind {
        Kind::Duration => ordered::between_ages(given),
        _ => ordered::between(given),
    },
};
