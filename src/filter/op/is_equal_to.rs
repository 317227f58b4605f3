//! `isEqualTo`: the field's value is this one.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::{PhoneTest, Predicate, TextTest};
use crate::filter::value::{choice, ordered};

pub(super) const OPERATOR: Operator = Operator {
    name: "isEqualTo",
    aliases: &[],
    kinds: &[Kind::Text, Kind::Phone, Kind::Choice, Kind::Number, Kind::Date, Kind::Time, Kind::Checkbox],
    complement_of: None,
    value: "one value of the field",
    doc: "The value is this one. Text ignores case, phones ignore how they are written.",
    read: |given| {
        Ok(match given.kind {
            Kind::Text => Predicate::Text(TextTest::OneOf(vec![given.needle()?])),
            Kind::Phone => Predicate::Phone(PhoneTest::Equals(vec![given.digits()?])),
            Kind::Choice | Kind::Checkbox => Predicate::choice(choice::codes(given)?),
            _ => {
                let stretch = ordered::stretch(given)?;
                Predicate::range(stretch.first, stretch.last)
            }
        })
    },
};
