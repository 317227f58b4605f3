//! `isTimestampBefore`: the instant or day is before this one.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::Predicate;
use crate::filter::value::ordered;

pub(super) const OPERATOR: Operator = Operator {
    name: "isTimestampBefore",
    aliases: &[],
    kinds: &[Kind::Instant, Kind::Date, Kind::Duration],
    complement_of: None,
    value: "an instant: RFC 3339, YYYY-MM-DD, YYYY-MM-DD HH:mm, epoch milliseconds, {\"ago\"} or {\"startOf\"}",
    doc: "The value is before this one.",
    read: |given| Ok(Predicate::range(i64::MIN, ordered::stretch(given)?.first.saturating_sub(1))),
};
