//! `startsWith`: the text, or the phone in one of its forms, begins so.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::{PhoneTest, Predicate, TextTest};

pub(super) const OPERATOR: Operator = Operator {
    name: "startsWith",
    aliases: &[],
    kinds: &[Kind::Text, Kind::Phone],
    complement_of: None,
    value: "text, or digits for a phone",
    doc: "The text begins with this, ignoring case.",
    read: |given| {
        Ok(match given.kind {
            Kind::Phone => Predicate::Phone(PhoneTest::StartsWith(given.digits()?)),
            _ => Predicate::Text(TextTest::StartsWith(given.needle()?)),
        })
    },
};
