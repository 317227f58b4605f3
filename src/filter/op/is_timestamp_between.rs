//! `isTimestampBetween`: the instant or day lies between two, both in.

use super::Operator;
use crate::contact::Kind;
use crate::filter::value::ordered;

pub(super) const OPERATOR: Operator = Operator {
    name: "isTimestampBetween",
    aliases: &[],
    kinds: &[Kind::Instant, Kind::Date, Kind::Duration],
    complement_of: None,
    value: "{\"from\", \"to\"}, two instants",
    doc: "The value lies between the two; days and minutes given as ends belong to it whole.",
    read: |given| ordered::between(given),
};
