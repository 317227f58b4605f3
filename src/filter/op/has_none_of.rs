//! `hasNoneOf`: the complement of `hasAnyOf`.

use super::{Operator, has_any_of};

pub(super) const OPERATOR: Operator = Operator::complement(
    "hasNoneOf",
    &has_any_of::OPERATOR,
    "The value is none of these; of a set, no member is. True of a contact without a value.",
);
