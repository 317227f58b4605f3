//! `hasAllOf`: the set has every member of this list.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::Predicate;
use crate::filter::value::set;

pub(super) const OPERATOR: Operator = Operator {
    name: "hasAllOf",
    aliases: &[],
    kinds: &[Kind::Set],
    complement_of: None,
    value: "a list of members",
    doc: "The set has every one of these. A channel source stands for any channel of that source.",
    read: |given| Ok(Predicate::set_all(set::groups(&given.list()?)?)),
};
