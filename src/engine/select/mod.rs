//! From a query to the rows of its page, its total and its facets, on one view.

pub(super) mod facets;
mod page;
mod rank;
mod read;
mod sort;

use std::borrow::Cow;

use self::facets::Disjunctive;
use self::page::Pager;
use self::read::{Asked, Reader};
use self::sort::Key;
use super::{Error, Explained, FacetCounts, Query, Settings};
use crate::clock::Stopwatch;
use crate::contact::{Catalog, Contact, Field, Millis, Mistake, SegmentId, Seq, UserId};
use crate::filter::search::{self, Found, Ranking};
use crate::filter::{self, ContactReport, Filter, PlanNode, View};
use crate::index::{Among, Row, RowSet};

/// What a query comes to on one view.
#[derive(Debug)]
pub struct Selection {
    /// The page's rows in order; none for a count.
    pub rows: Vec<Row>,
    /// How many contacts match, exactly.
    pub total: u64,
    /// In the order asked for, each once; for a page only.
    pub facets: Vec<FacetCounts>,
    /// Only when asked for; its `version` is the caller's to fill in.
    pub explained: Option<Explained>,
}

/// What to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The page, the total and the facets.
    Page,
    /// The total only.
    Count,
    /// The plan and the page's way of ordering, with the total.
    Explain,
}

/// Why a selection did not come about.
#[derive(Debug)]
pub enum Refusal {
    /// The query is wrong.
    Error(Error),
    /// An order that the sort needs is not built: build it, then ask again.
    NeedsOrder(Field),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Error(error)
    }
}

impl From<Field> for Refusal {
    fn from(field: Field) -> Refusal {
        Refusal::NeedsOrder(field)
    }
}

/// Evaluates the query on the view. Times and zone come from the query; `now` and `me` from the caller, as does `restrict`: the
/// contacts the actor may see, all where it is absent.
///
/// # Errors
/// [`Refusal`].
pub fn select(
    query: &Query,
    view: View,
    now: Millis,
    me: Option<UserId>,
    restrict: Option<&Filter>,
    settings: &Settings,
    ask: Ask,
) -> Result<Selection, Refusal> {
    let watch = Stopwatch::start();
    let asked = Reader { catalog: view.catalog, now, me, settings }.read(query, view)?;
    let sources = Sources { asked: &asked, restrict };
    let explain = ask == Ask::Explain;
    let Matches { rows: matches, filter_plan, search_plan, found } = sources.matches(view, explain);
    let total = matches.len();
    if ask == Ask::Count {
        return Ok(Selection { rows: Vec::new(), total, facets: Vec::new(), explained: None });
    }
    let (rows, order) = page_rows(&sources, view, &matches, &found)?;
    let facets = if ask == Ask::Page { sources.facets(view, &matches, query.disjunctive) } else { Vec::new() };
    let explained = explain.then(|| Explained {
        filter: filter_plan,
        search: search_plan,
        order,
        total,
        version: Seq::default(),
        took_micros: watch.micros(),
    });
    Ok(Selection { rows, total, facets, explained })
}

/// The rows that match the query's search, filter and segment, all of them.
///
/// # Errors
/// [`Error::Invalid`].
pub fn matching(
    query: &Query,
    view: View,
    now: Millis,
    me: Option<UserId>,
    settings: &Settings,
) -> Result<RowSet, Error> {
    let unpaged = Query { sort: Vec::new(), offset: 0, limit: None, facets: Vec::new(), ..query.clone() };
    let asked = Reader { catalog: view.catalog, now, me, settings }.read(&unpaged, view)?;
    Ok(Sources { asked: &asked, restrict: None }.matches(view, false).rows.into_owned())
}

/// What the query's search, filter and segment make of one contact: the conditions of the segment's filter, then of the query's own.
///
/// # Errors
/// [`Error::Invalid`].
pub(super) fn report(
    query: &Query,
    contact: &Contact,
    catalog: &Catalog,
    now: Millis,
    me: Option<UserId>,
    settings: &Settings,
) -> Result<ContactReport, Error> {
    let reader = Reader { catalog, now, me, settings };
    let (search, filter) = (reader.search(query)?, reader.filter(query)?);
    let segment = query.segment.as_ref().map(|named| reader.segment(named)).transpose()?;
    let both = Filter::And(segment.into_iter().chain(filter).collect());
    let mut report = filter::report(&both, contact, catalog, now);
    if search.is_some_and(|search| search::class_of(&search, contact, catalog).is_none()) {
        // No time that passes makes the search match.
        (report.matches, report.changes_at) = (false, None);
    }
    Ok(report)
}

/// The contacts of a segment, as a query that names it reads it.
///
/// # Errors
/// Why the segment cannot be used.
pub(super) fn member(
    id: SegmentId,
    catalog: &Catalog,
    now: Millis,
    me: Option<UserId>,
    settings: &Settings,
) -> Result<Filter, Mistake> {
    Reader { catalog, now, me, settings }.segment(&id.into())
}

/// The rows of the page, and how they were ordered.
fn page_rows(sources: &Sources, view: View, matches: &RowSet, found: &Found) -> Result<(Vec<Row>, String), Field> {
    let asked = sources.asked;
    let between = asked.sort.first().and_then(|key| sources.keys_between(key.field));
    let mut rows = Vec::with_capacity(asked.limit.min(matches.len() as usize));
    let mut pager = Pager { index: view.index, catalog: view.catalog, between, way: None };
    match &asked.search {
        Some(search) if asked.sort.is_empty() => {
            let newest = [Key::new(Field::LastMessageAt, true, false, view)];
            let mut ranking = Ranking::new(search, view, found);
            rank::page(&mut ranking, &mut pager, &newest, matches, asked.offset, asked.limit, &mut rows)?;
        }
        _ => pager.page(&asked.sort, matches, asked.offset, asked.limit, &mut rows)?,
    }
    Ok((rows, pager.way.unwrap_or_else(|| "nothing to order".into())))
}

/// The matches of a whole query.
struct Matches<'v> {
    rows: Cow<'v, RowSet>,
    /// Where it is asked for.
    filter_plan: Option<PlanNode>,
    search_plan: Option<PlanNode>,
    /// What the search found on the way.
    found: Found,
}

/// Everything that narrows a query.
struct Sources<'q> {
    asked: &'q Asked,
    restrict: Option<&'q Filter>,
}

impl Sources<'_> {
    /// The filters, as one; `filter` stands for the query's own.
    fn narrowed(&self, filter: Option<&Filter>) -> Option<Filter> {
        let mut all: Vec<Filter> =
            [self.restrict, self.asked.segment.as_ref(), filter].into_iter().flatten().cloned().collect();
        if all.len() > 1 { Some(Filter::And(all)) } else { all.pop() }
    }

    /// The field with the keys between which those of all matches lie that have one in it, where the filters say so.
    fn keys_between(&self, field: Field) -> Option<(Field, i64, i64)> {
        let filters = [self.restrict, self.asked.segment.as_ref(), self.asked.filter.as_ref()];
        filter::keys_between(filters.into_iter().flatten(), field).map(|(from, to)| (field, from, to))
    }

    /// The matches of the whole query; with the filter's plan where it is asked for.
    fn matches<'v>(&self, view: View<'v>, explain: bool) -> Matches<'v> {
        let filter = self.narrowed(self.asked.filter.as_ref());
        let (of_filter, filter_plan) = match &filter {
            None => (Cow::Borrowed(view.index.alive()), None),
            Some(filter) if explain => {
                let (rows, plan) = filter::explain(filter, view);
                (rows, Some(plan))
            }
            Some(filter) => (filter::rows(filter, view), None),
        };
        let Some(search) = &self.asked.search else {
            return Matches { rows: of_filter, filter_plan, search_plan: None, found: Found::default() };
        };
        let (rows, plan, found) = search::evaluate(search, view, filter.is_some().then_some(&*of_filter));
        Matches { rows: Cow::Owned(rows), filter_plan, search_plan: Some(plan), found }
    }

    /// The facets asked for.
    fn facets(&self, view: View, matches: &RowSet, disjunctive: bool) -> Vec<FacetCounts> {
        let fields = &self.asked.facets;
        if fields.is_empty() {
            return Vec::new();
        }
        let rest = |filter: Option<Filter>| {
            let narrowed = self.narrowed(filter.as_ref());
            let of_filter = narrowed.as_ref().map(|filter| filter::rows(filter, view));
            match &self.asked.search {
                Some(search) => search::rows(search, view, of_filter.as_deref()),
                None => of_filter.map_or_else(|| view.index.alive().clone(), Cow::into_owned),
            }
        };
        let split = if disjunctive { Disjunctive::split(self.asked.filter.as_ref(), fields, view, rest) } else { None };
        let among = Among::new(matches, view.index.alive());
        match split {
            Some(split) => split.count(view, fields, &among),
            None => facets::count(view, fields, &among),
        }
    }
}

#[cfg(test)]
mod tests;
