//! `isNotEqualTo`: the complement of `isEqualTo`.

use super::{Operator, is_equal_to};

pub(super) const OPERATOR: Operator =
    Operator::complement("isNotEqualTo", &is_equal_to::OPERATOR, "The value is another one, or the contact has none.");
