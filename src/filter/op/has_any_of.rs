//! `hasAnyOf`: the value, or one of the set, is on this list.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::{PhoneTest, Predicate, TextTest};
use crate::filter::value::{choice, set};

pub(super) const OPERATOR: Operator = Operator {
    name: "hasAnyOf",
    aliases: &[],
    kinds: &[Kind::Text, Kind::Phone, Kind::Choice, Kind::Set],
    complement_of: None,
    value: "a list of values of the field",
    doc: "The value is one of these; of a set, at least one member is.",
    read: |given| {
        let items = given.list()?;
        Ok(match given.kind {
            Kind::Phone => {
                Predicate::Phone(PhoneTest::Equals(items.iter().map(|item| item.digits()).collect::<Result<_, _>>()?))
            }
            Kind::Choice => {
                let codes: Vec<Vec<u32>> = items.iter().map(choice::codes).collect::<Result<_, _>>()?;
                Predicate::choice(codes.concat())
            }
            Kind::Set => Predicate::set_any(set::groups(&items)?.concat()),
            _ => {
                let mut needles: Vec<String> = items.iter().map(|item| item.needle()).collect::<Result<_, _>>()?;
                needles.sort_unstable();
                needles.dedup();
                Predicate::Text(TextTest::OneOf(needles))
            }
        })
    },
};
