//! `/v1/contacts/search` and `/v1/contacts/count`: queries.

use axum::extract::State;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::json::JsonBody;
use super::problem::Problem;
use super::query_string::QueryString;
use super::roles::{May, SearchContacts};
use super::segments::SegmentName;
use super::strict::{self, AsObject};
use super::wire::ContactBody;
use crate::contact::render::Form;
use crate::contact::{Catalog, Field, Seq, column};
use crate::engine::{self, ContactJson, FacetCount, FacetCounts, Page, Query, Sort};

/// What an answer without contacts begins with.
const NO_ITEMS: &[u8] = b"{\"items\":[]";

/// A query: search AND filter AND segment, sorted, one page of the window, facets. Every member is optional.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SearchBody {
    /// Words, each of which must match somewhere in the contact.
    search: Option<String>,
    /// A filter tree: `{"$and": […]}`, `{"$or": […]}`, `{"$not": …}` or `{field, operator, value}`.
    #[serde(default, deserialize_with = "strict::optional")]
    #[schema(value_type = Option<Object>)]
    filter: Option<Json>,
    /// A segment's id or name.
    segment: Option<SegmentName>,
    /// IANA name in any case; the workspace's where absent.
    #[schema(example = "Asia/Kuala_Lumpur")]
    timezone: Option<String>,
    /// Up to 3 keys.
    #[serde(default, skip_serializing)]
    #[schema(value_type = Vec<SortBody>)]
    sort: Vec<AsObject<SortBody>>,
    offset: Option<usize>,
    /// 1 to 100; 25 where absent.
    limit: Option<usize>,
    /// The fields to answer of each contact, besides `id`; all where absent. A custom field may be `customFields.slug`.
    /// `channels` is then what a row shows: up to 3, the last interacted first, then by time connected; how many more there
    /// are is `moreChannels`.
    columns: Option<Vec<String>>,
    /// Fields to count.
    #[serde(default)]
    facets: Vec<String>,
    #[serde(default)]
    facet_mode: FacetMode,
    /// Wait briefly until the workspace has this version.
    min_version: Option<u64>,
}

/// One key of a sort.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SortBody {
    field: String,
    #[serde(default)]
    order: Order,
    #[serde(default)]
    missing: Missing,
}

/// Which way a key sorts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    #[default]
    Asc,
    Desc,
}

/// Where contacts without a value stand, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Missing {
    First,
    #[default]
    Last,
}

/// What a facet counts: the matches, or the matches as if the field's own conditions were absent.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum FacetMode {
    #[default]
    Plain,
    Disjunctive,
}

impl SearchBody {
    /// The query for the engine, and the columns asked for.
    pub fn query(self) -> (Query, Option<Vec<String>>) {
        let sort = self.sort.into_iter().map(|AsObject(key)| Sort {
            field: key.field,
            descending: key.order == Order::Desc,
            missing_first: key.missing == Missing::First,
        });
        let query = Query {
            search: self.search,
            filter: self.filter,
            segment: self.segment.map(Into::into),
            timezone: self.timezone,
            sort: sort.collect(),
            offset: self.offset.unwrap_or(0),
            limit: self.limit,
            facets: self.facets,
            disjunctive: self.facet_mode == FacetMode::Disjunctive,
            min_version: self.min_version.map(Seq),
        };
        (query, self.columns)
    }
}

/// What is counted: a query without order, page and columns.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CountBody {
    /// Words, each of which must match somewhere in the contact.
    search: Option<String>,
    /// A filter tree.
    #[serde(default, deserialize_with = "strict::optional")]
    #[schema(value_type = Option<Object>)]
    filter: Option<Json>,
    /// A segment's id or name.
    segment: Option<SegmentName>,
    /// IANA name in any case; the workspace's where absent.
    timezone: Option<String>,
    /// Wait briefly until the workspace has this version.
    min_version: Option<u64>,
}

impl CountBody {
    /// The query for the engine.
    pub fn query(self) -> Query {
        Query {
            search: self.search,
            filter: self.filter,
            segment: self.segment.map(Into::into),
            timezone: self.timezone,
            min_version: self.min_version.map(Seq),
            ..Query::default()
        }
    }
}

/// A page of the answer to a query.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchAnswer<'a> {
    /// The page's contacts in order.
    #[schema(value_type = Vec<ContactBody>)]
    items: Items,
    /// How many contacts match, exactly.
    total: u64,
    /// How many of them pages can reach: `min(total, 2500)`.
    reachable: u64,
    offset: usize,
    limit: usize,
    /// Counts by field.
    #[serde(skip_serializing_if = "Facets::is_empty")]
    #[schema(value_type = BTreeMap<String, Facet>)]
    facets: Facets<'a>,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
    /// Microseconds the engine took.
    took_micros: u64,
}

/// The counts of one field among the matches.
#[derive(Serialize, ToSchema)]
pub struct Facet<'a> {
    pub values: Vec<FacetValue<'a>>,
    /// How many matches have no value.
    pub without: u64,
}

/// One value and how many matches have it.
#[derive(Serialize, ToSchema)]
pub struct FacetValue<'a> {
    /// As a filter takes it.
    #[schema(value_type = Json)]
    pub value: ValueBody<'a>,
    /// As a person reads it.
    pub label: &'a str,
    pub count: u64,
}

impl<'a> FacetValue<'a> {
    fn of(counted: &'a FacetCount) -> FacetValue<'a> {
        let value = match counted.value {
            engine::FacetValue::Label => ValueBody::Text(&counted.label),
            engine::FacetValue::Id(id) => ValueBody::Id(id),
            engine::FacetValue::Checked(checked) => ValueBody::Checked(checked),
        };
        FacetValue { value, label: &counted.label, count: counted.count }
    }
}

/// A facet's value, without copying it.
#[derive(Serialize)]
#[serde(untagged)]
pub enum ValueBody<'a> {
    Text(&'a str),
    Id(u32),
    Checked(bool),
    /// As it was kept.
    Kept(&'a Json),
}

/// The exact number of matches.
#[derive(Serialize, ToSchema)]
pub struct CountAnswer {
    total: u64,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// No contacts: theirs are not values but bytes, which stand in their place.
type Items = [(); 0];

struct Facets<'a> {
    facets: &'a [FacetCounts],
    catalog: &'a Catalog,
}

impl Facets<'_> {
    fn is_empty(&self) -> bool {
        self.facets.is_empty()
    }
}

impl Serialize for Facets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.facets.len()))?;
        for facet in self.facets {
            let values = facet.values.iter().map(FacetValue::of).collect();
            map.serialize_entry(facet.field.name(self.catalog), &Facet { values, without: facet.without })?;
        }
        map.end()
    }
}

/// Search, filter, sort, page and count contacts at one moment
#[utoipa::path(post, operation_id = "searchContacts", path = "/contacts/search", tag = "Queries", request_body = SearchBody,
    responses((status = 200, body = SearchAnswer<'static>)))]
pub async fn search(
    State(app): State<App>,
    caller: May<SearchContacts>,
    query: QueryString,
    JsonBody(body): JsonBody<SearchBody>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let at_hand = caller.at_hand(app.engine(), body.min_version.map(Seq));
    app.read_here(at_hand, move |engine| {
        let (query, columns) = body.query();
        let Some(names) = columns else { return whole_answer(&engine.search_json(caller.actor(), &query)?) };
        resolve(&names, &*engine.catalog(caller.actor().workspace)?)?;
        let page = engine.search(caller.actor(), &query)?;
        // Resolved again: the page's own catalog is the one its contacts are rendered with.
        let columns = resolve(&names, &page.catalog)?;
        columns_answer(&page, &columns)
    })
    .await
}

/// Count the matches of a query
#[utoipa::path(post, operation_id = "countContacts", path = "/contacts/count", tag = "Queries", request_body = CountBody,
    responses((status = 200, body = CountAnswer)))]
pub async fn count(
    State(app): State<App>,
    caller: May<SearchContacts>,
    query: QueryString,
    JsonBody(body): JsonBody<CountBody>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let at_hand = caller.at_hand(app.engine(), body.min_version.map(Seq));
    app.read_here(at_hand, move |engine| {
        let counted = engine.count(caller.actor(), &body.query())?;
        Answer::ok(counted.version, &CountAnswer { total: counted.value, version: counted.version })
    })
    .await
}

/// The page as an answer, of all its contacts' fields.
///
/// # Errors
/// As [`Answer::ok`].
pub(super) fn whole_answer(page: &Page<ContactJson>) -> Result<Answer, Problem> {
    let rest = after_items(page)?;
    let items: usize = page.contacts.iter().map(|json| json.len() + 1).sum();
    let mut out = Vec::with_capacity(NO_ITEMS.len() + items + rest.len());
    out.extend_from_slice(&NO_ITEMS[..NO_ITEMS.len() - 1]);
    for (at, json) in page.contacts.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(json);
    }
    out.extend_from_slice(&rest);
    Ok(Answer::written(page.version, out))
}

/// The page as an answer, of some of its contacts' fields.
fn columns_answer(page: &Page, columns: &[Field]) -> Result<Answer, Problem> {
    let rest = after_items(page)?;
    let form = Form::row(&page.catalog, columns);
    let mut out = Vec::with_capacity(4096);
    out.extend_from_slice(&NO_ITEMS[..NO_ITEMS.len() - 1]);
    for (at, contact) in page.contacts.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        form.push(&mut out, contact);
        if at == 0 {
            // The others are about as long.
            out.reserve((out.len() + out.len() / 4) * page.contacts.len() + rest.len());
        }
    }
    out.extend_from_slice(&rest);
    Ok(Answer::written(page.version, out))
}

/// What follows the last contact.
fn after_items<C>(page: &Page<C>) -> Result<Vec<u8>, Problem> {
    let body = SearchAnswer {
        items: [],
        total: page.total,
        reachable: page.reachable,
        offset: page.offset,
        limit: page.limit,
        facets: Facets { facets: &page.facets, catalog: &page.catalog },
        version: page.version,
        took_micros: page.took_micros,
    };
    let mut body = serde_json::to_vec(&body).map_err(|_| Problem::internal())?;
    if !body.starts_with(NO_ITEMS) {
        return Err(Problem::internal());
    }
    body.drain(..NO_ITEMS.len() - 1);
    Ok(body)
}

/// The fields of these names, each once, in order.
pub(super) fn resolve(names: &[String], catalog: &Catalog) -> Result<Vec<Field>, Problem> {
    let mut fields = Vec::with_capacity(names.len().min(64));
    let mut mistakes = Vec::new();
    for (at, name) in names.iter().enumerate() {
        match column::named(name, catalog) {
            Some(Field::Segment) | None => mistakes.push(column::unknown(format!("columns[{at}]"), name, catalog)),
            Some(field) if fields.contains(&field) => {}
            Some(field) => fields.push(field),
        }
    }
    if mistakes.is_empty() { Ok(fields) } else { Err(Problem::mistakes(mistakes)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json::parse;

    #[test]
    fn a_query_reads_as_the_specification_writes_it() {
        let body = r#"{ "search": "car", "filter": {"$and": []}, "segment": 4, "timezone": "Asia/Kuala_Lumpur",
            "sort": [{"field": "lastMessageAt", "order": "desc"}, {"field": "name", "missing": "first"}],
            "offset": 50, "limit": 100, "columns": ["name", "email", "tags"], "facets": ["tags"],
            "facetMode": "disjunctive", "minVersion": 7 }"#;
        let (query, columns) = parse::<SearchBody>(body.as_bytes()).expect("a query").query();
        assert_eq!(query.search.as_deref(), Some("car"));
        assert_eq!(query.segment, Some(crate::contact::SegmentId(4).into()));
        assert_eq!((query.offset, query.limit), (50, Some(100)));
        assert!(query.disjunctive);
        assert_eq!(query.min_version, Some(Seq(7)));
        assert_eq!(columns.map(|columns| columns.len()), Some(3));
        let first = Sort { field: "lastMessageAt".into(), descending: true, missing_first: false };
        let second = Sort { field: "name".into(), descending: false, missing_first: true };
        assert_eq!(query.sort, [first, second]);
    }

    #[test]
    fn columns_are_resolved_and_slips_named() {
        let catalog = Catalog::default();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let fields = resolve(&names(&["name", "NAME", "email"]), &catalog).ok();
        assert_eq!(fields, Some(vec![Field::Name, Field::Email]));
        assert!(resolve(&names(&["name", "emial"]), &catalog).is_err());
        assert!(resolve(&names(&["segment"]), &catalog).is_err());
    }
}
