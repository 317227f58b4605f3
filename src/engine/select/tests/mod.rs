//! Selections against a plain scan over all contacts, and the answers to wrong queries.

mod oracle;
mod world;

use serde::de::value::{Error as DeError, MapDeserializer};
use serde::de::{Deserialize, Deserializer, IntoDeserializer, Visitor};
use serde_json::{Value as Json, json};

use self::world::{Dice, World};
use super::*;
use crate::contact::{Catalog, SegmentId};
use crate::engine::Sort;
use crate::filter::search::Search;

/// Every setting a thousand, or no.
struct Thousand;

impl IntoDeserializer<'_, DeError> for Thousand {
    type Deserializer = Thousand;
    fn into_deserializer(self) -> Thousand {
        self
    }
}

impl<'de> Deserializer<'de> for Thousand {
    type Error = DeError;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_u64(1_000)
    }
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_bool(false)
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_map(MapDeserializer::new(fields.iter().map(|field| (*field, Thousand))))
    }
    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 u16 u32 u64 i128 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn settings() -> Settings {
    let mut settings = Settings::deserialize(Thousand).expect("settings");
    (settings.page_max, settings.page_default, settings.window_max) = (100, 25, 2_500);
    (settings.sort_keys_max, settings.search_chars_max, settings.depth_max) = (3, 200, 16);
    settings
}

const NOW: Millis = 1_700_000_100_000;
const ME: Option<UserId> = Some(UserId(3));

/// Selects; builds the orders it asks for.
fn selected(world: &mut World, query: &Query, restrict: Option<&Filter>, ask: Ask) -> Selection {
    for _ in 0..4 {
        match select(query, world.view(), NOW, ME, restrict, &settings(), ask) {
            Ok(selection) => return selection,
            Err(Refusal::NeedsOrder(field)) => world.index.build_order(field),
            Err(Refusal::Error(error)) => panic!("{error}: {query:?}"),
        }
    }
    panic!("it asks for orders for ever: {query:?}");
}

const SEARCHES: [&str; 40] = [
    "a",
    "an",
    "ann",
    "anna",
    "car",
    "scar",
    "carl",
    "gma",
    "gmai",
    "gmail",
    "@gmail.com",
    "mail",
    ".com",
    "小",
    "小明",
    "мар",
    "012",
    "+60 12",
    "60123",
    "12 345",
    "o'b",
    "o'brien",
    "ann gmail",
    "9",
    "10",
    "1 2",
    "ann zz",
    "carlos car",
    "0123456789",
    "345",
    "6012",
    "012345",
    "123 456",
    "+1 415",
    "a a a",
    "e i o",
    "room 9",
    "@",
    "car gmail 012",
    "60312345678 9",
];

fn random_query(dice: &mut Dice, catalog: &Catalog, size: usize) -> Query {
    let sortable: Vec<&str> = Field::all(catalog).filter(|f| f.is_sortable()).map(|f| f.name(catalog)).collect();
    let facets: Vec<&str> = Field::all(catalog).filter(|f| f.is_facetable(catalog)).map(|f| f.name(catalog)).collect();
    let sort = |dice: &mut Dice| Sort {
        field: dice.pick(&sortable).to_owned(),
        descending: dice.of_ten(5),
        missing_first: dice.of_ten(3),
    };
    Query {
        search: dice.of_ten(5).then(|| dice.pick(&SEARCHES).to_owned()),
        sort: (0..dice.below(4)).map(|_| sort(dice)).collect(),
        offset: if dice.of_ten(5) { 0 } else { dice.below(size) },
        limit: dice.maybe(&[1, 2, 5, 25, 100]),
        facets: if dice.of_ten(3) { (0..4).map(|_| dice.pick(&facets).to_owned()).collect() } else { Vec::new() },
        ..Query::default()
    }
}

/// A condition; those on fields with facets come often.
fn random_condition(dice: &mut Dice) -> Json {
    let with = |field: &str, operator: &str, value: Json| json!({"field": field, "operator": operator, "value": value});
    let negative = dice.of_ten(3);
    let any = if negative { "hasNoneOf" } else { "hasAnyOf" };
    let equal = if negative { "isNotEqualTo" } else { "isEqualTo" };
    match dice.below(12) {
        0 => with("tags", any, json!(["vip", "car"])),
        1 => with("tags", "hasAllOf", json!(["Lead"])),
        2 => with("status", any, json!(["open", "snoozed"])),
        3 => with("countryCode", equal, json!("MY")),
        4 => with("assignee", equal, json!(dice.pick(&["me", "1", "u2@example.com"]))),
        5 => with("channels", any, json!([1])),
        6 => with("plan", equal, json!("Basic")),
        7 => with("member", "isEqualTo", json!(negative)),
        8 => with("firstName", if negative { "doesNotContain" } else { "contains" }, json!("an")),
        9 => with("score", "isGreaterThan", json!(0)),
        10 => json!({"field": "lifecycle", "operator": if negative { "doesNotExist" } else { "exists" }}),
        _ => with("email", "endsWith", json!("gmail.com")),
    }
}

fn random_filter(dice: &mut Dice) -> Json {
    let some = |dice: &mut Dice| (0..dice.below(4)).map(|_| random_condition(dice)).collect::<Vec<Json>>();
    let nodes = some(dice);
    match dice.below(6) {
        0 => random_condition(dice),
        1 => json!({"$or": nodes}),
        2 => json!({"$not": {"$and": nodes}}),
        3 => json!({"$and": [{"$or": some(dice)}, random_condition(dice), random_condition(dice)]}),
        _ => json!({"$and": nodes}),
    }
}

/// The query with a filter and, sometimes, a segment; and both as filters.
fn with_filter(dice: &mut Dice, catalog: &Catalog, mut query: Query) -> (Query, Option<Filter>, Option<Filter>) {
    query.filter = dice.of_ten(8).then(|| random_filter(dice));
    query.segment = dice.of_ten(2).then(|| SegmentId(1 + dice.below(2) as u32).into());
    query.disjunctive = dice.of_ten(5);
    let settings = settings();
    let reader = Reader { catalog, now: NOW, me: ME, settings: &settings };
    let filter = reader.filter(&query).expect("a filter");
    let segment = query.segment.as_ref().map(|named| reader.segment(named).expect("a segment"));
    (query, filter, segment)
}

fn search_of(query: &Query) -> Option<Search> {
    query.search.as_deref().and_then(|text| search::parse(text, 200).expect("a search"))
}

/// Compares a selection with the scan, facets in plain mode.
fn check(world: &mut World, query: &Query, restrict: Option<&Filter>, filters: &[&Filter]) {
    let selection = selected(world, query, restrict, Ask::Page);
    let count = selected(world, query, restrict, Ask::Count);
    let explained = selected(world, query, restrict, Ask::Explain);
    let search = search_of(query);
    let filters: Vec<&Filter> = filters.iter().copied().chain(restrict).collect();
    let matches = oracle::matches(world, search.as_ref(), &filters);
    assert_eq!(selection.total, matches.len() as u64, "total of {query:?}");
    assert_eq!((count.total, count.rows.len()), (selection.total, 0), "count of {query:?}");
    assert_eq!(explained.rows, selection.rows);
    assert_eq!(explained.explained.expect("a plan").total, selection.total);
    if !query.disjunctive {
        let facets: Vec<FacetCounts> =
            selection.facets.iter().map(|facet| oracle::facet(world, facet.field, &matches)).collect();
        assert_eq!(selection.facets, facets, "facets of {query:?}");
    }
    assert_eq!(selection.rows, oracle::page(world, query, search.as_ref(), matches), "page of {query:?}");
}

/// The contacts assigned to whoever asks.
fn mine(catalog: &Catalog) -> Filter {
    let settings = settings();
    let reader = Reader { catalog, now: NOW, me: ME, settings: &settings };
    let filter = Some(json!({"field": "assignee", "operator": "isEqualTo", "value": "me"}));
    reader.filter(&Query { filter, ..Query::default() }).expect("a filter").expect("a filter")
}

/// Compares each facet with the scan of a query that lacks the field's own conditions, taken out of the JSON.
fn check_disjunctive(world: &mut World, query: &Query, restrict: Option<&Filter>, segment: Option<&Filter>) {
    let selection = selected(world, query, restrict, Ask::Page);
    for facet in &selection.facets {
        let name = facet.field.name(&world.catalog).to_owned();
        let is_own = |node: &Json| node["field"] == name.as_str();
        let mut without = query.filter.clone().unwrap_or(Json::Null);
        if is_own(&without) {
            without = Json::Null;
        } else if let Some(nodes) = without.get_mut("$and").and_then(Json::as_array_mut) {
            nodes.retain(|node| !is_own(node));
        }
        let settings = settings();
        let reader = Reader { catalog: &world.catalog, now: NOW, me: ME, settings: &settings };
        let filter = reader.filter(&Query { filter: Some(without), ..Query::default() }).expect("a filter");
        let filters: Vec<&Filter> = filter.iter().chain(segment).chain(restrict).collect();
        let matches = oracle::matches(world, search_of(query).as_ref(), &filters);
        assert_eq!(*facet, oracle::facet(world, facet.field, &matches), "{query:?}");
    }
}

fn run(seeds: std::ops::Range<u64>, queries: usize, with_grams: bool) {
    for seed in seeds {
        let mut dice = Dice(seed);
        let size = 1 + dice.below(120);
        let mut world = World::new(&mut dice, size, with_grams);
        for _ in 0..queries {
            let query = random_query(&mut dice, &world.catalog, size);
            let (query, filter, segment) = with_filter(&mut dice, &world.catalog, query);
            let restrict = dice.of_ten(2).then(|| mine(&world.catalog));
            let filters: Vec<&Filter> = filter.iter().chain(&segment).collect();
            check(&mut world, &query, restrict.as_ref(), &filters);
            if query.disjunctive {
                check_disjunctive(&mut world, &query, restrict.as_ref(), segment.as_ref());
            }
        }
    }
}

#[test]
fn pages_totals_and_facets_are_those_of_a_scan() {
    run(0..40, 40, false);
}

#[test]
fn they_are_so_with_a_text_index_behind_by_some_writes() {
    run(1_000..1_012, 80, true);
}

#[test]
fn quality_decides_where_nothing_else_is_asked_for() {
    for seed in 2_000..2_006 {
        let mut dice = Dice(seed);
        let mut world = World::new(&mut dice, 150, seed % 2 == 0);
        for text in SEARCHES {
            for (offset, limit) in [(0, 1), (0, 4), (3, 5), (20, 25)] {
                let query = Query { search: Some(text.into()), offset, limit: Some(limit), ..Query::default() };
                check(&mut world, &query, None, &[]);
            }
        }
    }
}

fn mistakes(query: Query) -> Vec<(String, &'static str)> {
    let world = World::new(&mut Dice(1), 5, false);
    match select(&query, world.view(), NOW, ME, None, &settings(), Ask::Page) {
        Err(Refusal::Error(Error::Invalid(mistakes))) => mistakes.into_iter().map(|m| (m.path, m.code)).collect(),
        other => panic!("{other:?}"),
    }
}

fn key(field: &str) -> Sort {
    Sort { field: field.into(), descending: false, missing_first: false }
}

#[test]
fn every_mistake_is_told_with_its_path() {
    let query = Query {
        search: Some("x".repeat(201)),
        filter: Some(json!({"field": "nmae", "operator": "exists"})),
        segment: Some(SegmentId(99).into()),
        sort: vec![key("name"), key("tags"), key("fristName")],
        limit: Some(0),
        facets: vec!["tags".into(), "name".into(), "colour".into()],
        ..Query::default()
    };
    let found = mistakes(query);
    let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        ["search", "filter.field", "segment", "sort[1].field", "sort[2].field", "facets[1]", "facets[2]", "limit"]
    );
    assert_eq!((found[3].1, found[4].1), ("not_sortable", "unknown_field"));
    assert_eq!((found[5].1, found[6].1), ("not_facetable", "unknown_field"));
}

#[test]
fn limits_and_names_are_checked() {
    let code = |query| mistakes(query).remove(0);
    let sort = vec![key("name"), key("email"), key("id"), key("phone")];
    assert_eq!(code(Query { sort, ..Query::default() }), ("sort".into(), "too_many_sort_keys"));
    assert_eq!(code(Query { limit: Some(101), ..Query::default() }), ("limit".into(), "out_of_range"));
    let timezone = Some("Mars/Olympus".into());
    assert_eq!(
        code(Query { timezone, filter: Some(json!({"$and": []})), ..Query::default() }),
        ("timezone".into(), "unknown_timezone")
    );
    assert_eq!(code(Query { segment: Some(SegmentId(3).into()), ..Query::default() }).0, "segment");
}

#[test]
fn slips_are_named() {
    let world = World::new(&mut Dice(1), 5, false);
    let query = Query { sort: vec![key("fristName")], ..Query::default() };
    let Err(Refusal::Error(error)) = select(&query, world.view(), NOW, ME, None, &settings(), Ask::Page) else {
        panic!("a mistake");
    };
    assert!(error.to_string().contains("Did you mean firstName?"), "{error}");
}

#[test]
fn the_window_ends_where_it_ends() {
    let mut world = World::new(&mut Dice(1), 5, false);
    let inside = Query { offset: 2_400, limit: Some(100), ..Query::default() };
    assert_eq!(selected(&mut world, &inside, None, Ask::Page).rows, Vec::<Row>::new());
    for (offset, limit) in [(2_401, Some(100)), (2_476, None), (usize::MAX, Some(1))] {
        let query = Query { offset, limit, ..Query::default() };
        let refusal = select(&query, world.view(), NOW, ME, None, &settings(), Ask::Page);
        assert!(matches!(refusal, Err(Refusal::Error(Error::WindowExceeded { .. }))));
    }
}

#[test]
fn explain_names_the_ways() {
    let mut world = World::new(&mut Dice(3), 100, false);
    let plan = |world: &mut World, query| selected(world, &query, None, Ask::Explain).explained.expect("a plan");
    let filter = Some(json!({"field": "tags", "operator": "hasAnyOf", "value": ["vip"]}));
    let explained = plan(&mut world, Query { filter, search: Some("an car".into()), ..Query::default() });
    assert_eq!((explained.order.as_str(), explained.search.map(|node| node.children.len())), ("rank", Some(2)));
    assert!(explained.filter.is_some_and(|node| node.rows > explained.total));
    assert!(plan(&mut world, Query::default()).order.ends_with(" lastMessageAt"));
    assert_eq!(plan(&mut world, Query { sort: vec![key("status")], ..Query::default() }).order, "values of status");
    assert_eq!(plan(&mut world, Query { sort: vec![key("id")], ..Query::default() }).order, "id");
}

#[test]
fn the_report_of_one_contact_agrees_with_the_selection() {
    let mut world = World::new(&mut Dice(4), 60, false);
    let mut dice = Dice(5);
    for _ in 0..40 {
        let query = random_query(&mut dice, &world.catalog, 60);
        let (query, ..) = with_filter(&mut dice, &world.catalog, query);
        let total = selected(&mut world, &query, None, Ask::Count).total;
        let reports = world
            .contacts
            .values()
            .map(|contact| report(&query, contact, &world.catalog, NOW, ME, &settings()).expect("a report"));
        assert_eq!(reports.filter(|report| report.matches).count() as u64, total);
    }
}
