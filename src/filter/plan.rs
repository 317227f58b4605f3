//! How a filter becomes rows: bitmap algebra in the order of cardinalities, column checks, text. (owner: filter)

use super::{Filter, View};
use crate::index::RowSet;

/// How a node was evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Posting lists combined.
    Bitmap,
    /// A slice of a sort order.
    OrderSlice,
    /// A scan of a column.
    ColumnScan,
    /// Rows of a smaller set checked one by one.
    ColumnCheck,
    /// Distinct texts scanned.
    TextScan,
    /// Grams of the text index, then verified.
    Grams,
    /// The whole set of contacts, or nothing.
    Constant,
}

/// A node of the plan.
#[derive(Clone, Debug)]
pub struct PlanNode {
    /// `$and`, `$or`, `$not` or `field operator`.
    pub what: String,
    pub way: Way,
    /// Exact: how many contacts the node matches (among those it was checked on, for a column check).
    pub rows: u64,
    /// How many rows it was checked on, for a column check.
    pub checked: Option<u64>,
    pub micros: u64,
    pub children: Vec<PlanNode>,
}

/// The rows of a filter.
pub fn rows(filter: &Filter, view: View) -> RowSet {
    let _ = (filter, view);
    todo!()
}

/// The rows of a filter and how they were found.
pub fn explain(filter: &Filter, view: View) -> (RowSet, PlanNode) {
    let _ = (filter, view);
    todo!()
}
