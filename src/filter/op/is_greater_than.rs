//! `isGreaterThan`: the number, day or time is greater, or the time since is longer.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::Predicate;
use crate::filter::value::ordered;

pub(super) const OPERATOR: Operator = Operator {
    name: "isGreaterThan",
    aliases: &["isGreaterThanTime"],
    kinds: &[Kind::Number, Kind::Date, Kind::Time, Kind::Duration],
    complement_of: None,
    value: "a number, date or time; {\"amount\", \"unit\"} for a time since",
    doc: "The value is greater (later); a time since is longer.",
    read: |given| {
        Ok(match given.kind {
            Kind::Duration => Predicate::range(i64::MIN, ordered::before_now(given)?.saturating_sub(1)),
            _ => Predicate::range(ordered::stretch(given)?.last.saturating_add(1), i64::MAX),
        })
    },
};
