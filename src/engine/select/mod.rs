//! From a query to the rows of its page, its total and its facets, on one view. (owner: select)

use super::{Error, Explained, FacetCounts, Query, Settings};
use crate::contact::{Millis, UserId};
use crate::filter::View;
use crate::index::Row;

/// What a query comes to on one view.
pub struct Selection {
    /// The page's rows in order.
    pub rows: Vec<Row>,
    pub total: u64,
    pub facets: Vec<FacetCounts>,
    /// Only when asked for.
    pub explained: Option<Explained>,
}

/// What to compute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Page,
    Count,
    Explain,
}

/// Why a selection did not come about.
pub enum Refusal {
    Error(Error),
    /// An order that the sort needs is not built: build it, then ask again.
    NeedsOrder(crate::contact::Field),
}

/// Evaluates the query on the view. Times and zone come from the query; `now` and `me` from the caller.
///
/// # Errors
/// [`Refusal`].
pub fn select(
    query: &Query,
    view: View,
    now: Millis,
    me: Option<UserId>,
    restrict: Option<&crate::filter::Filter>,
    settings: &Settings,
    ask: Ask,
) -> Result<Selection, Refusal> {
    let _ = (query, view, now, me, restrict, settings, ask);
    todo!()
}
pub fn report(
    _q: &Query,
    _c: &crate::contact::Contact,
    _cat: &crate::contact::Catalog,
    _now: Millis,
    _me: Option<UserId>,
    _s: &Settings,
) -> Result<crate::filter::ContactReport, Error> {
    todo!()
}
