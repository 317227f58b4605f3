//! `isNotMemberOf`: the complement of `isMemberOf`.

use super::{Operator, is_member_of};

pub(super) const OPERATOR: Operator =
    Operator::complement("isNotMemberOf", &is_member_of::OPERATOR, "The contact does not belong to the segment.");
