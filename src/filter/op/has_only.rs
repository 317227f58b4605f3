//! `hasOnly`: the set has members, and none outside this list.

use super::Operator;
use crate::contact::Kind;
use crate::filter::predicate::Predicate;
use crate::filter::value::set;

pub(super) const OPERATOR: Operator = Operator {
    name: "hasOnly",
    aliases: &[],
    kinds: &[Kind::Set],
    complement_of: None,
    value: "a list of members",
    doc: "The set has at least one member, and none but these.",
    read: |given| Ok(Predicate::set_only(set::groups(&given.list()?)?.concat())),
};
