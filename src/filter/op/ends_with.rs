//! `endsWith`: the text, or the phone, ends so.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::{PhoneTest, Predicate, TextTest};

pub(super) const OPERATOR: Operator = Operator {
    name: "endsWith",
    aliases: &[],
    kinds: &[Kind::Text, Kind::Phone],
    complement_of: None,
    value: "text, or digits for a phone",
    doc: "The text ends with this, ignoring case.",
    read: |given| {
        Ok(match given.kind {
            Kind::Phone => Predicate::Phone(PhoneTest::EndsWith(given.digits()?)),
            _ => Predicate::Text(TextTest::EndsWith(given.needle()?)),
        })
    },
};
