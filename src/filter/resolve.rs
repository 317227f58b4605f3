//! Expr → Filter: names become fields, values become predicates, negative operators become `Not`. (owner: filter)

use super::{Context, Expr, Predicate};
use crate::contact::{Field, Mistake};

/// A filter, resolved: nothing in it can fail any more.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Condition(Condition),
}

/// One condition; a negative operator is a `Not` around its positive twin.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Where it stands in the request.
    pub path: String,
    pub field: Field,
    /// As the caller wrote it, for explain.
    pub operator: &'static str,
    pub predicate: Predicate,
}

/// Resolves the tree.
///
/// # Errors
/// The first mistake.
pub fn resolve(expr: &Expr, context: &Context) -> Result<Filter, Mistake> {
    let _ = (expr, context);
    todo!()
}
