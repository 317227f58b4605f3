//! What was asked: JSON → [`Expr`] (as typed) → [`Filter`] (resolved against the workspace) → rows, by a plan.
//!
//! `matches(contact)` defines what a condition means; `rows(view)` must agree with it. Both come from one table of
//! operators (`op/`) whose rows turn an operator and its value into a [`Predicate`].

mod clockwork;
mod expr;
mod found;
mod grams;
mod matches;
mod number;
pub mod op;
mod plan;
pub mod predicate;
mod resolve;
pub mod saved;
pub mod search;
mod seen;
mod segment;
mod value;

pub use expr::Expr;
pub use matches::{ConditionReport, ContactReport};
pub use plan::{PlanNode, Way};
pub use predicate::{PhoneTest, Predicate, TextTest};
pub use resolve::{Condition, Filter, Moving};

use std::borrow::Cow;

use jiff::tz::TimeZone;
use serde_json::Value as Json;

use crate::contact::{Catalog, Contact, Field, Millis, Mistake, SegmentId, UserId};
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
    /// Up to so many distinct texts of a field are scanned, which is then as fast as asking the text index.
    pub text_scan_max: usize,
    pub catalog: &'a Catalog,
}

/// Reads and resolves a filter; `path` is where it stands in the request (`filter`). `null` is no filter: everything.
///
/// # Errors
/// The first mistake, with its path in the tree, what was found, what would be accepted and the nearest name.
pub fn read(json: &Json, path: &str, context: &Context) -> Result<Filter, Mistake> {
    resolve::resolve(&expr::parse(json, path, &context.limits)?, path, context)
}

/// Reads and resolves the filter of a segment that is to be saved under that id, as [`read`] does, and so that it can be used
/// as a condition: it neither contains itself nor is too deep or long for that.
///
/// # Errors
/// The first mistake.
pub fn read_segment(id: SegmentId, json: &Json, path: &str, context: &Context) -> Result<Filter, Mistake> {
    segment::read(id, json, path, context)
}

/// The rows the filter matches, all of them alive; borrowed where the index keeps just that set.
pub fn rows<'a>(filter: &Filter, view: View<'a>) -> Cow<'a, RowSet> {
    plan::rows(filter, view)
}

/// The rows, with how each node was evaluated, its exact cardinality and time.
pub fn explain<'a>(filter: &Filter, view: View<'a>) -> (Cow<'a, RowSet>, PlanNode) {
    plan::explain(filter, view)
}

/// The keys between which those of all that match every filter lie that have one in the field, where the tops of the trees say so.
pub fn keys_between<'a>(filters: impl IntoIterator<Item = &'a Filter>, field: Field) -> Option<(i64, i64)> {
    plan::keys_between(filters, field)
}

/// Whether the contact matches: the meaning of the filter. Needs no catalog: a resolved filter has none of its names.
pub fn matches(filter: &Filter, contact: &Contact) -> bool {
    matches::holds(filter, contact)
}

/// What the filter makes of one contact, and when that changes by time alone. `now` is the time the filter was read at.
pub fn report(filter: &Filter, contact: &Contact, catalog: &Catalog, now: Millis) -> ContactReport {
    matches::report(filter, contact, catalog, now)
}

#[cfg(test)]
mod tests;
