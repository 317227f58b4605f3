//! Every query class in process: p50 and p95 over many literals, beside a plain scan of the same contacts in the same run.
//!
//! `cargo bench --bench query` at 100,000 contacts; `ROLLCALL_BENCH_CONTACTS=1000000 cargo bench --bench query` at a million.
//! `ROLLCALL_BENCH_CLASSES=TEXT,TEXT` prints the table of the classes with one of the texts in their names, without Criterion's runs.

mod support;

use criterion::Criterion;
use rollcall::contact::{Contact, ContactId};
use rollcall::filter;
use support::classes::{CLASSES, Class};
use support::{World, micros, quantile};

const RUNS: usize = 200;

fn main() {
    let world = support::world("query");
    table(&world);
    scan(&world);
    println!("measured memory: {}", support::memory(&world.engine, world.actor.workspace, support::contacts()));
    println!("bytes a contact: {}", support::structures(&world.engine, world.actor.workspace, support::contacts()));
    if std::env::var_os("ROLLCALL_BENCH_CLASSES").is_some() {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    for class in CLASSES {
        let mut n = 0;
        criterion.bench_function(class.name, |bencher| {
            bencher.iter(|| {
                n += 1;
                ask(&world, class, n)
            });
        });
    }
    criterion.final_summary();
}

fn ask(world: &World, class: &Class, n: usize) -> u64 {
    let query = (class.query)(n);
    if class.count {
        return world.engine.count(&world.actor, &query).expect("a count").value;
    }
    world.engine.search(&world.actor, &query).expect("a page").total
}

fn table(world: &World) {
    println!(
        "measured query, {} contacts, page of 100, {RUNS} runs over 40 literals, microseconds",
        support::contacts()
    );
    println!("{:32} {:>9} {:>9} {:>9} {:>9}", "class", "first", "p50", "p95", "matches");
    let only = std::env::var("ROLLCALL_BENCH_CLASSES").unwrap_or_default();
    for class in CLASSES.iter().filter(|class| only.split(',').any(|text| class.name.contains(text))) {
        let first = micros(1, |_| assert!(ask(world, class, 0) <= support::contacts()))[0];
        let matches = ask(world, class, 0);
        let times = micros(RUNS, |run| assert!(ask(world, class, run % 40) <= support::contacts()));
        println!(
            "{:32} {first:9.0} {:9.0} {:9.0} {matches:9}",
            class.name,
            quantile(&times, 0.5),
            quantile(&times, 0.95)
        );
    }
}

/// The yardstick: the same filter by a plain scan over the contacts in memory.
fn scan(world: &World) {
    let catalog = world.engine.catalog(world.actor.workspace).expect("a catalog");
    let contacts: Vec<Contact> =
        world.engine.contacts_after(world.actor.workspace, ContactId(0), 100_000).expect("contacts");
    let query =
        CLASSES.iter().find(|class| class.name == "nested five deep").map(|class| (class.query)(0)).expect("the class");
    let context = filter::Context {
        catalog: &catalog,
        zone: jiff::tz::TimeZone::UTC,
        now: support::NOW,
        me: None,
        limits: world.engine.settings().limits(),
    };
    let filter = filter::read(&query.filter.expect("a filter"), "filter", &context).expect("reads");
    let mut found = 0;
    let times = micros(5, |_| found = contacts.iter().filter(|contact| filter::matches(&filter, contact)).count());
    println!(
        "measured yardstick: 'nested five deep' as a plain scan over {} contacts: p50 {:.0} microseconds",
        contacts.len(),
        quantile(&times, 0.5)
    );
    assert!(found > 0, "the yardstick's filter finds something");
}
