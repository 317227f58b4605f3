//! `isLessThan`: the number, day or time is less, or the time since is shorter.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::Predicate;
use crate::filter::value::ordered;

pub(super) const OPERATOR: Operator = Operator {
    name: "isLessThan",
    aliases: &["isLessThanTime"],
    kinds: &[Kind::Number, Kind::Date, Kind::Time, Kind::Duration],
    complement_of: None,
    value: "a number, date or time; {\"amount\", \"unit\"} for a time since",
    doc: "The value is less (earlier); a time since is shorter.",
    read: |given| {
        Ok(match given.kind {
            Kind::Duration => Predicate::range(ordered::before_now(given)?.saturating_add(1), i64::MAX),
            _ => Predicate::range(i64::MIN, ordered::stretch(given)?.first.saturating_sub(1)),
        })
    },
};
