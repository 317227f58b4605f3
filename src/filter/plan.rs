//! How a filter becomes rows: bitmap algebra in the order of cardinalities, column checks, text.
//!
//! Within an `$and` what is cheap goes first, the fewest rows first, in place. What is dear (a range without an order,
//! text, phones) is looked up row by row once few rows are left, and otherwise evaluated on its own.

use std::borrow::Cow;

use super::predicate::{self, Check, Predicate};
use super::{Condition, Filter, View};
use crate::clock::Stopwatch;
use crate::contact::Field;
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
    /// Rows of a smaller set checked one by one; of none, where the rest of the `$and` leaves nothing.
    ColumnCheck,
    /// Distinct texts looked up or scanned.
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
    /// In the order of evaluation.
    pub children: Vec<PlanNode>,
}

/// The rows of a filter.
pub(super) fn rows<'a>(filter: &Filter, view: View<'a>) -> Cow<'a, RowSet> {
    Run { view, explain: false }.filter(filter, None).rows
}

/// The rows of a filter and how they were found.
pub(super) fn explain<'a>(filter: &Filter, view: View<'a>) -> (Cow<'a, RowSet>, PlanNode) {
    let Found { rows, node } = Run { view, explain: true }.filter(filter, None);
    let node = node.unwrap_or_else(|| PlanNode::new(String::new(), Way::Constant, rows.len()));
    (rows, node)
}

/// As [`super::keys_between`].
pub(super) fn keys_between<'a>(filters: impl IntoIterator<Item = &'a Filter>, field: Field) -> Option<(i64, i64)> {
    let ranges = filters.into_iter().filter_map(|filter| keys_of(filter, field));
    ranges.reduce(|one, other| (one.0.max(other.0), one.1.min(other.1)))
}

fn keys_of(filter: &Filter, field: Field) -> Option<(i64, i64)> {
    match filter {
        Filter::And(children) => keys_between(children, field),
        Filter::Condition(condition) => match &condition.predicate {
            Predicate::Range(from, to) if predicate::kept_in(condition.field) == field => Some((*from, *to)),
            Predicate::Member(inner) => keys_of(inner, field),
            _ => None,
        },
        Filter::Or(_) | Filter::Not(_) => None,
    }
}

/// One evaluation.
#[derive(Clone, Copy)]
struct Run<'a> {
    view: View<'a>,
    explain: bool,
}

/// What a node came to; the node of the plan only when it was asked for.
struct Found<'a> {
    rows: Cow<'a, RowSet>,
    node: Option<PlanNode>,
}

/// A child of an `$and`: its filter without a `Not` around it, and what evaluating it would take.
struct Part<'f> {
    filter: &'f Filter,
    negated: bool,
    /// At most so many rows, where that is known.
    at_most: Option<u64>,
    cost: u64,
}

/// What looking at one row costs, in the unit of `cost`: a row of a scan.
const CHECK_COST: u64 = if cfg!(test) { 1 } else { 48 };

impl<'a> Run<'a> {
    /// The rows of a filter; where `within` is given, exact on these only.
    fn filter(self, filter: &Filter, within: Option<&RowSet>) -> Found<'a> {
        let watch = Stopwatch::start();
        let mut found = match filter {
            Filter::And(children) => self.and(children, within),
            Filter::Or(children) => self.or(children, within),
            Filter::Not(inner) => self.not(inner, within),
            Filter::Condition(condition) => self.condition(condition, within),
        };
        if let Some(node) = &mut found.node {
            node.micros = watch.micros();
            if let Some(within) = within {
                (node.checked, node.rows) = (Some(within.len()), found.rows.intersection_len(within));
            }
        }
        found
    }

    fn node(self, what: impl FnOnce() -> String, way: Way, rows: &RowSet) -> Option<PlanNode> {
        self.explain.then(|| PlanNode::new(what(), way, rows.len()))
    }

    fn title(self, condition: &Condition) -> String {
        format!("{} {}", condition.field.name(self.view.catalog), condition.operator)
    }

    fn condition(self, condition: &Condition, within: Option<&RowSet>) -> Found<'a> {
        let what = || self.title(condition);
        if let Predicate::Member(inner) = &condition.predicate {
            let Found { rows, node: child } = self.filter(inner, within);
            let node = child.map(|child| PlanNode { what: what(), children: vec![child.clone()], ..child });
            return Found { rows, node };
        }
        let (rows, way) = predicate::rows(condition, self.view, within);
        let node = self.node(what, way, &rows);
        Found { rows, node }
    }

    fn not(self, inner: &Filter, within: Option<&RowSet>) -> Found<'a> {
        let alive = self.view.index.alive();
        let found = self.filter(inner, within);
        let node = found.node.map(|child| child.negated(inner, alive.len()));
        Found { rows: Cow::Owned(alive.minus(&found.rows)), node }
    }

    fn or(self, children: &[Filter], within: Option<&RowSet>) -> Found<'a> {
        let (mut sets, mut nodes) = (Vec::with_capacity(children.len()), Vec::new());
        for child in children {
            let found = self.filter(child, within);
            nodes.extend(found.node);
            if !found.rows.is_empty() {
                sets.push(found.rows);
            }
        }
        let rows = match sets.len() {
            _ if children.is_empty() => Cow::Borrowed(self.view.index.alive()),
            0 => Cow::Owned(RowSet::new()),
            1 => sets.remove(0),
            _ => Cow::Owned(RowSet::union(sets.iter().map(|set| &**set))),
        };
        let mut node = self.node(|| "$or".into(), Way::Bitmap, &rows);
        if let Some(node) = &mut node {
            node.children = nodes;
        }
        Found { rows, node }
    }

    fn and(self, children: &[Filter], within: Option<&RowSet>) -> Found<'a> {
        let mut parts: Vec<Part> = children.iter().map(|child| self.part(child)).collect();
        parts.sort_by_key(Part::rank);
        let mut rows: Option<Cow<'a, RowSet>> = None;
        let mut nodes = Vec::new();
        for part in parts {
            rows = Some(match rows {
                None => self.first(&part, within, &mut nodes),
                Some(rows) if rows.is_empty() => {
                    nodes.extend(self.skipped(&part));
                    rows
                }
                Some(rows) if rows.len().saturating_mul(CHECK_COST * leaves(part.filter)) < part.cost => {
                    self.checked(&part, rows, &mut nodes)
                }
                Some(rows) => self.narrowed(&part, rows, &mut nodes),
            });
        }
        let way = if children.is_empty() { Way::Constant } else { Way::Bitmap };
        let rows = rows.unwrap_or(Cow::Borrowed(self.view.index.alive()));
        let mut node = self.node(|| "$and".into(), way, &rows);
        if let Some(node) = &mut node {
            node.children = nodes;
        }
        Found { rows, node }
    }

    /// The first part's rows.
    fn first(self, part: &Part, within: Option<&RowSet>, nodes: &mut Vec<PlanNode>) -> Cow<'a, RowSet> {
        let alive = self.view.index.alive();
        let found = self.filter(part.filter, within);
        nodes.extend(found.node.map(|node| part.node(node, alive.len())));
        if part.negated { Cow::Owned(alive.minus(&found.rows)) } else { found.rows }
    }

    /// Those of the rows that the part, evaluated on its own, leaves.
    fn narrowed(self, part: &Part, mut rows: Cow<'a, RowSet>, nodes: &mut Vec<PlanNode>) -> Cow<'a, RowSet> {
        // Only what verifies its rows one by one gains from knowing which are wanted.
        let within = part.at_most.is_none().then_some(&*rows);
        let found = self.filter(part.filter, within);
        nodes.extend(found.node.map(|node| part.node(node, self.view.index.alive().len())));
        match (&mut rows, part.negated) {
            (Cow::Owned(rows), false) => *rows &= &*found.rows,
            (Cow::Owned(rows), true) => *rows -= &*found.rows,
            (Cow::Borrowed(borrowed), negated) => {
                rows = Cow::Owned(if negated { borrowed.minus(&found.rows) } else { borrowed.and(&found.rows) });
            }
        }
        rows
    }

    /// Those of the rows that the part leaves, looked at one by one.
    fn checked(self, part: &Part, rows: Cow<'a, RowSet>, nodes: &mut Vec<PlanNode>) -> Cow<'a, RowSet> {
        let (watch, before) = (Stopwatch::start(), rows.len());
        let mut rows = rows.into_owned();
        let mut holds = check(part.filter, self.view);
        rows.retain(|row| holds(row) != part.negated);
        if let Some(mut node) = self.node(|| self.what(part.filter), Way::ColumnCheck, &rows) {
            (node.checked, node.micros) = (Some(before), watch.micros());
            node.rows = if part.negated { before - rows.len() } else { rows.len() };
            nodes.push(part.node(node, before));
        }
        Cow::Owned(rows)
    }

    fn skipped(self, part: &Part) -> Option<PlanNode> {
        let mut node = self.node(|| self.what(part.filter), Way::ColumnCheck, &RowSet::new())?;
        node.checked = Some(0);
        Some(part.node(node, 0))
    }

    fn what(self, filter: &Filter) -> String {
        match filter {
            Filter::And(_) => "$and".into(),
            Filter::Or(_) => "$or".into(),
            Filter::Not(_) => "$not".into(),
            Filter::Condition(condition) => self.title(condition),
        }
    }

    fn part<'f>(self, filter: &'f Filter) -> Part<'f> {
        let (filter, negated) = match filter {
            Filter::Not(inner) => (&**inner, true),
            other => (other, false),
        };
        Part { filter, negated, at_most: self.at_most(filter), cost: self.cost(filter) }
    }

    /// At most so many rows match; `None` where only evaluating tells.
    fn at_most(self, filter: &Filter) -> Option<u64> {
        match filter {
            Filter::And(children) => {
                let all = children.iter().map(|child| self.at_most(child)).collect::<Option<Vec<_>>>()?;
                Some(all.into_iter().min().unwrap_or_else(|| self.view.index.alive().len()))
            }
            Filter::Or(children) => children.iter().map(|child| self.at_most(child)).sum(),
            Filter::Not(inner) => self.at_most(inner).map(|_| self.view.index.alive().len()),
            Filter::Condition(condition) => match &condition.predicate {
                Predicate::Member(inner) => self.at_most(inner),
                _ => predicate::at_most(condition, self.view),
            },
        }
    }

    /// What evaluating takes, about, in rows of a scan.
    fn cost(self, filter: &Filter) -> u64 {
        match filter {
            Filter::And(children) | Filter::Or(children) => children.iter().map(|child| self.cost(child)).sum(),
            Filter::Not(inner) => self.cost(inner),
            Filter::Condition(condition) => match &condition.predicate {
                Predicate::Member(inner) => self.cost(inner),
                _ => predicate::cost(condition, self.view),
            },
        }
    }
}

impl Part<'_> {
    /// What is known to be small first, then what takes out of it, then what only evaluating tells the size of.
    fn rank(&self) -> (u8, u64) {
        match (self.at_most, self.negated) {
            (Some(rows), false) => (0, rows),
            (Some(_), true) => (1, self.cost),
            (None, negated) => (2 + u8::from(negated), self.cost),
        }
    }

    /// The node of the part, from that of its filter.
    fn node(&self, node: PlanNode, among: u64) -> PlanNode {
        if self.negated { node.negated(self.filter, among) } else { node }
    }
}

impl PlanNode {
    fn new(what: String, way: Way, rows: u64) -> PlanNode {
        PlanNode { what, way, rows, checked: None, micros: 0, children: Vec::new() }
    }

    /// The node of the complement of `inner`, whose node this is. A negative operator's own node is the complement's.
    fn negated(self, inner: &Filter, among: u64) -> PlanNode {
        let rows = self.checked.unwrap_or(among).saturating_sub(self.rows);
        match inner {
            Filter::Condition(condition) if condition.is_negative() => PlanNode { rows, ..self },
            _ => PlanNode {
                what: "$not".into(),
                way: Way::Bitmap,
                rows,
                checked: self.checked,
                micros: self.micros,
                children: vec![self],
            },
        }
    }
}

/// Conditions in the tree: what looking at one row takes.
fn leaves(filter: &Filter) -> u64 {
    match filter {
        Filter::And(children) | Filter::Or(children) => children.iter().map(leaves).sum(),
        Filter::Not(inner) => leaves(inner),
        Filter::Condition(condition) => match &condition.predicate {
            Predicate::Member(inner) => leaves(inner),
            _ => 1,
        },
    }
}

/// The test of one row by the whole tree; for rows that are alive.
fn check<'b>(filter: &'b Filter, view: View<'b>) -> Check<'b> {
    let all = |children: &'b [Filter]| children.iter().map(|child| check(child, view)).collect::<Vec<_>>();
    match filter {
        Filter::And(children) => {
            let mut checks = all(children);
            Box::new(move |row| checks.iter_mut().all(|holds| holds(row)))
        }
        Filter::Or(children) => {
            let mut checks = all(children);
            Box::new(move |row| checks.is_empty() || checks.iter_mut().any(|holds| holds(row)))
        }
        Filter::Not(inner) => {
            let mut holds = check(inner, view);
            Box::new(move |row| !holds(row))
        }
        Filter::Condition(condition) => match &condition.predicate {
            Predicate::Member(inner) => check(inner, view),
            _ => predicate::check(condition, view),
        },
    }
}
