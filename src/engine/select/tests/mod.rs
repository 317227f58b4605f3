//! Selections against a plain scan over all contacts, and the answers to wrong queries.

mod oracle;
mod world;

use serde::de::value::{Error as DeError, MapDeserializer};
use serde::de::{Deserialize, Deserializer, IntoDeserializer, Visitor};
use serde_json::json;

use self::world::{Dice, World};
use super::*;
use crate::contact::Catalog;
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

fn run(seeds: std::ops::Range<u64>, queries: usize, with_grams: bool) {
    for seed in seeds {
        let mut dice = Dice(seed);
        let size = 1 + dice.below(120);
        let mut world = World::new(&mut dice, size, with_grams);
        for _ in 0..queries {
            let query = random_query(&mut dice, &world.catalog, size);
            check(&mut world, &query, None, &[]);
        }
    }
}

#[test]
fn pages_totals_and_facets_are_those_of_a_scan() {
    run(0..40, 50, false);
}

#[test]
fn they_are_so_with_a_text_index_behind_by_some_writes() {
    run(1_000..1_012, 120, true);
}

#[test]
fn quality_decides_where_nothing_else_is_asked_for() {
    for seed in 2_000..2_008 {
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
