//! What was asked: JSON → [`Expr`] (as typed) → [`Filter`] (resolved against the workspace) → rows, by a plan.
//!
//! `matches(contact)` defines what a condition means; `rows(view)` must agree with it. Both come from one table of
//! operators (`op/`) whose rows turn an operator and its value into a [`Predicate`].

mod expr;
mod matches;
pub mod op;
mod plan;
pub mod predicate;
mod resolve;
pub mod search;

pub use expr::Expr;
pub use matches::{ConditionReport, ContactReport};
pub use plan::{PlanNode, Way};
pub use predicate::Predicate;
pub use resolve::{Condition, Filter};

use jiff::tz::TimeZone;
use serde_json::Value as Json;

use crate::contact::{Catalog, Contact, Millis, Mistake, UserId};
use crate::index::{GramView, Index, RowSet};

/// The limits of a filter tree; each a setting.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub depth_max: usize,
    pub conditions_max: usize,
    pub list_values_max: usize,
}

/// What a filter is read against.
pub struct Context<'a> {
    pub catalog: &'a Catalog,
    pub zone: TimeZone,
    pub now: Millis,
    /// Who asks: what `me` means.
    pub me: Option<UserId>,
    pub limits: Limits,
}

/// What a filter is evaluated on: the index in memory and the committed text index, read at one moment.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub index: &'a Index,
    pub grams: Option<&'a GramView>,
    pub catalog: &'a Catalog,
}

/// Reads and resolves a filter; `path` is where it stands in the request (`filter`).
///
/// # Errors
/// The first mistake, with its path in the tree, what was found, what would be accepted and the nearest name.
pub fn read(json: &Json, path: &str, context: &Context) -> Result<Filter, Mistake> {
    resolve::resolve(&expr::parse(json, path, &context.limits)?, context)
}

/// The rows the filter matches, all of them alive.
pub fn rows(filter: &Filter, view: View) -> RowSet {
    plan::rows(filter, view)
}

/// The rows, with how each node was evaluated, its exact cardinality and time.
pub fn explain(filter: &Filter, view: View) -> (RowSet, PlanNode) {
    plan::explain(filter, view)
}

/// Whether the contact matches: the meaning of the filter.
pub fn matches(filter: &Filter, contact: &Contact, catalog: &Catalog) -> bool {
    matches::matches(filter, contact, catalog)
}
