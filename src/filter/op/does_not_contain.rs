//! `doesNotContain`: the complement of `contains`.

use super::{Operator, contains};

pub(super) const OPERATOR: Operator = Operator::complement(
    "doesNotContain",
    &contains::OPERATOR,
    "The text does not have this in it, or the contact has no text.",
);
