//! A query as asked, and what it answers.

use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::contact::{Catalog, Contact, Field, SegmentId, Seq};
use crate::filter::PlanNode;

/// One request: search AND filter AND segment, sorted, one page of the window, facets. Names are as the caller wrote them.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub search: Option<String>,
    pub filter: Option<Json>,
    pub segment: Option<SegmentRef>,
    pub timezone: Option<String>,
    /// Up to 3; empty means by quality with a search, else `lastMessageAt` descending.
    pub sort: Vec<Sort>,
    pub offset: usize,
    /// 1 to 100; `None` is the default.
    pub limit: Option<usize>,
    /// Fields to count.
    pub facets: Vec<String>,
    /// Count each field as if its own conditions were absent from the top-level `$and`.
    pub disjunctive: bool,
    pub min_version: Option<Seq>,
}

/// A segment as a query names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SegmentRef {
    Id(SegmentId),
    /// By name, ignoring case, or else by an id in digits: as a condition on segments does.
    Name(String),
}

impl From<SegmentId> for SegmentRef {
    fn from(id: SegmentId) -> SegmentRef {
        SegmentRef::Id(id)
    }
}

impl From<&str> for SegmentRef {
    fn from(name: &str) -> SegmentRef {
        SegmentRef::Name(name.to_owned())
    }
}

/// One sort key as asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    pub field: String,
    pub descending: bool,
    /// Missing values first instead of last.
    pub missing_first: bool,
}

/// A page: of contacts, or of what was made of them.
#[derive(Clone, Debug)]
pub struct Page<C = Arc<Contact>> {
    pub contacts: Vec<C>,
    pub total: u64,
    /// `min(total, window)`.
    pub reachable: u64,
    pub offset: usize,
    pub limit: usize,
    pub facets: Vec<FacetCounts>,
    pub version: Seq,
    pub took_micros: u64,
    /// What the workspace defined at that version, to render the contacts with.
    pub catalog: Arc<Catalog>,
}

/// The counts of one facet.
#[derive(Clone, Debug, PartialEq)]
pub struct FacetCounts {
    pub field: Field,
    /// By count descending, then label.
    pub values: Vec<FacetCount>,
    /// How many matches have no value.
    pub without: u64,
}

/// The count of one value.
#[derive(Clone, Debug, PartialEq)]
pub struct FacetCount {
    pub value: FacetValue,
    /// As a person reads it; a short one takes no memory of its own.
    pub label: CompactString,
    /// How many matches have it.
    pub count: u64,
}

/// A value of a facet as a filter takes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FacetValue {
    /// By its label: the name of a tag, a code.
    Label,
    Id(u32),
    Checked(bool),
}

impl FacetCount {
    /// A value that is named by its label.
    pub fn labelled(label: &str, count: u64) -> FacetCount {
        FacetCount { value: FacetValue::Label, label: label.into(), count }
    }

    /// The value as a filter takes it.
    pub fn json(&self) -> Json {
        match self.value {
            FacetValue::Label => Json::from(self.label.as_str()),
            FacetValue::Id(id) => Json::from(id),
            FacetValue::Checked(checked) => Json::from(checked),
        }
    }
}

impl FacetCounts {
    /// Puts the values in order.
    pub(super) fn sort(&mut self) {
        self.values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
    }
}

/// The plan of a query.
#[derive(Clone, Debug)]
pub struct Explained {
    pub filter: Option<PlanNode>,
    pub search: Option<PlanNode>,
    /// How the page was ordered: `walk lastMessageAt`, `gather name`, `rank` …
    pub order: String,
    pub total: u64,
    pub version: Seq,
    pub took_micros: u64,
}
