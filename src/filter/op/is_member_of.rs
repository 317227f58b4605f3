//! `isMemberOf`: the contact matches a saved filter.

use super::Operator;
use crate::contact::Kind;

pub(super) const OPERATOR: Operator = Operator {
    name: "isMemberOf",
    aliases: &[],
    kinds: &[Kind::Segment],
    complement_of: None,
    value: "the id or the name of a segment",
    doc: "The contact belongs to the segment, as it is defined now.",
    read: |given| crate::filter::segment::member(given),
};
