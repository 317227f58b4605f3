//! `doesNotExist`: the complement of `exists`.

use super::{Operator, exists};

pub(super) const OPERATOR: Operator =
    Operator::complement("doesNotExist", &exists::OPERATOR, "The contact has no value.");
