//! `isTimestampAfter`: the instant or day is after this one.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::Predicate;
use crate::filter::value::ordered;

pub(super) const OPERATOR: Operator = Operator {
    name: "isTimestampAfter",
    aliases: &[],
    kinds: &[Kind::Instant, Kind::Date, Kind::Duration],
    complement_of: None,
    value: "an instant: RFC 3339, YYYY-MM-DD, YYYY-MM-DD HH:mm, epoch milliseconds, {\"ago\"} or {\"startOf\"}",
    doc: "The value is after this one; after a day or minute that is given without more means after all of it.",
    read: |given| Ok(Predicate::range(ordered::stretch(given)?.last.saturating_add(1), i64::MAX)),
};
