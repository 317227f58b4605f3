//! Random queries over random contacts with random writes in between: the engine answers as a plain scan does.
//!
//! A failure prints the world's seed: `ROLLCALL_SEED=… cargo test --test it oracle` begins with that world.

use std::collections::BTreeMap;

use rand::RngExt;
use rollcall::contact::Contact;
use rollcall::contact::identity::Identifier;
use rollcall::engine::{Page, Query};
use rollcall::filter::{self, Context, PlanNode};
use serde_json::json;

use crate::support::oracle::{Answer, Oracle};
use crate::support::seed;
use crate::support::world::World;
use crate::support::world::queries::{Asked, every_pair};

/// Queries of one world.
const QUERIES: u32 = 100;

#[test]
fn every_query_is_answered_as_by_a_plain_scan() {
    let first = seed::seed("oracle");
    let cases = seed::rounds("ROLLCALL_CASES", 2000);
    let mut asked = Asked::new();
    let mut seen = Seen::default();
    for number in 0..cases.div_ceil(QUERIES) {
        let seed = first.wrapping_add(u64::from(number));
        let on_disk = seed % 4 == 3;
        let people = [0, 3, 60, 120, 250][(seed / 4 % 5) as usize];
        let mut world = World::new(seed, people, on_disk);
        for case in 0..QUERIES.min(cases - number * QUERIES) {
            (0..world.rng.random_range(0..4)).for_each(|_| world.happen());
            let query = world.query(&mut asked);
            let place = format!("ROLLCALL_SEED={seed}, query {case}: {}", shown(&query));
            check(&world, &query, &place, &mut seen);
            if case % 10 == 0 {
                world.check_segments(&place);
                laws(&mut world, &mut asked, &place);
            }
        }
        let report = world.engine().verify(world.ws()).expect("it can be verified");
        assert!(report.problems.is_empty(), "ROLLCALL_SEED={seed}: {:?}", report.problems);
        assert_eq!(report.contacts as usize, world.contacts.len());
    }
    let missed: Vec<_> = every_pair().difference(&asked).cloned().collect();
    assert!(cases < 2000 || missed.is_empty(), "never asked: {missed:?}");
    // A comparison of nothing with nothing would prove nothing.
    assert!(cases < 2000 || seen.with_matches > cases / 3, "only {} queries matched anybody", seen.with_matches);
    let unused: Vec<_> = WAYS.iter().filter(|way| !seen.ways.contains_key(**way)).collect();
    assert!(cases < 2000 || unused.is_empty(), "ways of evaluating that were never taken: {unused:?}");
    println!(
        "measured oracle: {cases} queries as by a scan, {} of them with matches, by {:?}",
        seen.with_matches, seen.ways
    );
}

/// Every way of evaluating a node.
const WAYS: [&str; 7] = ["Bitmap", "OrderSlice", "ColumnScan", "ColumnCheck", "TextScan", "Grams", "Constant"];

/// What the queries came to.
#[derive(Default)]
struct Seen {
    with_matches: u32,
    /// How often each way was taken.
    ways: BTreeMap<String, u32>,
}

impl Seen {
    fn note(&mut self, plan: &PlanNode) {
        *self.ways.entry(format!("{:?}", plan.way)).or_default() += 1;
        plan.children.iter().for_each(|child| self.note(child));
    }
}

/// One query: page, total, facets, count, plan, and the matcher.
fn check(world: &World, query: &Query, place: &str, seen: &mut Seen) {
    let oracle = world.oracle();
    let expected = oracle.answer(query);
    let page = world.engine().search(&world.actor, query).unwrap_or_else(|error| panic!("{place}\n{error}"));
    compare(world, query, &expected, &page, place);
    let total = expected.ids.len() as u64;
    let count = world.engine().count(&world.actor, query).expect("a count");
    assert_eq!(count.value, total, "{place}: count");
    let explained = world.engine().explain(&world.actor, query).expect("a plan");
    assert_eq!(explained.total, total, "{place}: explain");
    seen.with_matches += u32::from(total > 0);
    explained.filter.iter().chain(&explained.search).for_each(|plan| seen.note(plan));
    if let (None, Some(plan)) = (&query.search, &explained.filter) {
        assert_eq!(plan.rows, total, "{place}: the plan's own number\n{plan:?}");
    }
    if let Some(json) = &query.filter {
        matcher(world, &oracle, query, json, place);
        for contact in world.contacts.values().step_by(40) {
            one_contact(world, query, json, contact, place);
        }
    }
}

fn compare(world: &World, query: &Query, expected: &Answer, page: &Page, place: &str) {
    let found: Vec<u32> = page.contacts.iter().map(|contact| contact.id.0).collect();
    let limit = query.limit.unwrap_or(25);
    let wanted: Vec<u32> = expected.ids.iter().copied().skip(query.offset).take(limit).collect();
    assert_eq!(page.total, expected.ids.len() as u64, "{place}\nfound {found:?}\nexpected {:?}", expected.ids);
    assert_eq!(found, wanted, "{place}\nall: {:?}", expected.ids);
    assert_eq!(page.reachable, page.total.min(2500), "{place}");
    assert_eq!((page.offset, page.limit), (query.offset, limit), "{place}");
    assert_eq!(page.facets, expected.facets, "{place}");
    assert!(page.version >= world.version, "{place}: {} shows less than {}", page.version, world.version);
    for contact in &page.contacts {
        assert!(world.contacts[&contact.id.0] == **contact, "{place}: contact {} is not as written", contact.id);
    }
}

/// The matcher says of each contact what the scan says.
fn matcher(world: &World, oracle: &Oracle, query: &Query, json: &serde_json::Value, place: &str) {
    let zone = oracle.zone_of(query);
    let limits = world.engine().settings().limits();
    let context = Context { catalog: &world.catalog, zone: zone.clone(), now: oracle.now, me: oracle.me, limits };
    let filter = filter::read(json, "filter", &context).unwrap_or_else(|mistake| panic!("{place}\n{mistake}"));
    for contact in world.contacts.values() {
        let expected = oracle.holds(json, &zone, contact);
        assert_eq!(filter::matches(&filter, contact), expected, "{place}: matcher of contact {}", contact.id);
    }
}

/// What explain says of one contact: whether it matches, and when that changes by time alone.
fn one_contact(world: &World, query: &Query, json: &serde_json::Value, contact: &Contact, place: &str) {
    let alone = Query { filter: Some(json.clone()), timezone: query.timezone.clone(), ..Query::default() };
    let who = Identifier::Id(contact.id);
    let report = world.engine().explain_contact(&world.actor, &who, &alone).expect("a report").value;
    let (zone, now) = (world.oracle().zone_of(query), world.clock.now());
    let holds = |at| {
        let oracle = world.oracle();
        Oracle::new(&world.contacts, &world.catalog, at, oracle.me).holds(json, &zone, contact)
    };
    assert_eq!(report.matches, holds(now), "{place}: explain of contact {}", contact.id);
    match report.changes_at {
        Some(at) => {
            assert!(at > now && holds(at) != holds(now), "{place}: contact {} does not change at {at}", contact.id);
            assert_eq!(holds(at - 1), holds(now), "{place}: contact {} changes before {at}", contact.id);
        }
        None => {
            let days = [1, 2, 8, 40, 400].map(|days| now + days * 86_400_000);
            let changed = days.into_iter().find(|at| holds(*at) != holds(now));
            assert_eq!(changed, None, "{place}: contact {} changes by time", contact.id);
        }
    }
}

/// Complement, double negation and De Morgan, by counts.
fn laws(world: &mut World, asked: &mut Asked, place: &str) {
    let zone = world.oracle().zone_of(&Query::default());
    let (a, b) = (world.tree(2, &zone, asked), world.tree(2, &zone, asked));
    let count = |filter: serde_json::Value| {
        let query = Query { filter: Some(filter), ..Query::default() };
        world.engine().count(&world.actor, &query).unwrap_or_else(|error| panic!("{place}: {a} {b}\n{error}")).value
    };
    let all = world.contacts.len() as u64;
    assert_eq!(count(a.clone()) + count(json!({"$not": a})), all, "{place}: complement of {a}");
    assert_eq!(count(json!({"$not": {"$not": a}})), count(a.clone()), "{place}: double negation of {a}");
    let not_and = count(json!({"$not": {"$and": [a, b]}}));
    assert_eq!(not_and, count(json!({"$or": [{"$not": a}, {"$not": b}]})), "{place}: De Morgan of {a} and {b}");
    let not_or = count(json!({"$not": {"$or": [a, b]}}));
    assert_eq!(not_or, count(json!({"$and": [{"$not": a}, {"$not": b}]})), "{place}: De Morgan of {a} or {b}");
}

/// The query as JSON, to be read and typed again.
fn shown(query: &Query) -> String {
    let key = |key: &rollcall::engine::Sort| json!({"field": key.field, "descending": key.descending, "missingFirst": key.missing_first});
    let sort: Vec<_> = query.sort.iter().map(key).collect();
    json!({
        "search": query.search, "filter": query.filter, "segment": format!("{:?}", query.segment), "timezone": query.timezone,
        "sort": sort, "offset": query.offset, "limit": query.limit, "facets": query.facets,
        "disjunctive": query.disjunctive,
    })
    .to_string()
}
