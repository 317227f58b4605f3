//! `contains`: the text, or the phone's digits, have this in them.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::{PhoneTest, Predicate, TextTest};

pub(super) const OPERATOR: Operator = Operator {
    name: "contains",
    aliases: &[],
    kinds: &[Kind::Text, Kind::Phone],
    complement_of: None,
    value: "text, or digits for a phone",
    doc: "The text has this in it, ignoring case.",
    read: |given| {
        Ok(match given.kind {
            Kind::Phone => Predicate::Phone(PhoneTest::Contains(given.digits()?)),
            _ => Predicate::Text(TextTest::Contains(given.needle()?)),
        })
    },
};
