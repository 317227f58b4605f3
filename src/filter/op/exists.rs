//! `exists`: the contact has a value.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::Predicate;

pub(super) const OPERATOR: Operator = Operator {
    name: "exists",
    aliases: &[],
    kinds: &[
        Kind::Text,
        Kind::Phone,
        Kind::Choice,
        Kind::Set,
        Kind::Number,
        Kind::Instant,
        Kind::Duration,
        Kind::Date,
        Kind::Time,
        Kind::Checkbox,
    ],
    complement_of: None,
    value: "none (left out, null or \"\")",
    doc: "The contact has a value; of a set, at least one member.",
    read: |given| given.nothing().map(|()| Predicate::Present),
};
