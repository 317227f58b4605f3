//! Writes until a query shows them, beside a raw append + fdatasync of the same run.
//!
//! `cargo bench --bench write`; `ROLLCALL_BENCH_CONTACTS=1000000` for a million contacts underneath.

mod support;

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use criterion::Criterion;
use rollcall::contact::identity::Identifier;
use rollcall::contact::{ChannelId, ContactId, Interaction, InteractionKind};
use rollcall::engine::Query;
use serde_json::json;
use support::{NOW, World, micros, quantile};

const RUNS: usize = 300;

fn main() {
    let world = support::world("write");
    raw(&world);
    one_by_one(&world);
    for clients in [8, 64] {
        messages(&world, clients);
    }
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let mut n = 0;
    criterion.bench_function("update until a query shows it", |bencher| {
        bencher.iter(|| {
            n += 1;
            update(&world, n);
        });
    });
    criterion.final_summary();
}

fn raw(world: &World) {
    let path = world.folder.join("raw");
    let mut file = std::fs::File::create(&path).expect("a file");
    let times = micros(RUNS, |_| {
        file.write_all(&[7u8; 700]).expect("writes");
        file.sync_data().expect("syncs");
    });
    println!(
        "measured yardstick: append of 700 bytes + fdatasync: p50 {:.0} p99 {:.0} microseconds",
        quantile(&times, 0.5),
        quantile(&times, 0.99)
    );
    let _ = std::fs::remove_file(path);
}

fn update(world: &World, n: usize) {
    let id = ContactId(1 + (n * 7919 % support::contacts() as usize) as u32);
    let name = format!("zq{n}x");
    let fields = json!({"lastName": name}).as_object().cloned().unwrap_or_default();
    world.engine.update_contact(&world.actor, &Identifier::Id(id), &fields).expect("updates");
    let page = world.engine.search(&world.actor, &Query { search: Some(name), ..Query::default() }).expect("a page");
    assert!(page.contacts.iter().any(|contact| contact.id == id), "the next query shows it");
}

fn one_by_one(world: &World) {
    let times = micros(RUNS, |run| update(world, run));
    println!(
        "measured update until a query shows it: p50 {:.0} p99 {:.0} microseconds",
        quantile(&times, 0.5),
        quantile(&times, 0.99)
    );
}

fn messages(world: &World, clients: usize) {
    let (done, started) = (AtomicUsize::new(0), Instant::now());
    let each = 6400 / clients;
    std::thread::scope(|scope| {
        for client in 0..clients {
            let done = &done;
            scope.spawn(move || {
                for n in 0..each {
                    let id = ContactId(1 + ((client * each + n) * 104_729 % support::contacts() as usize) as u32);
                    let channel =
                        world.engine.catalog(world.actor.workspace).expect("a catalog").channels.keys().next().copied();
                    let message = Interaction {
                        kind: InteractionKind::IncomingMessage,
                        at: NOW + n as i64,
                        channel: channel.or(Some(ChannelId(1))),
                        author: None,
                        text: Some("hello".into()),
                    };
                    world.engine.record(&world.actor, &Identifier::Id(id), message).expect("records");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "measured durable messages, {clients} clients: {:.0} a second",
        done.load(Ordering::Relaxed) as f64 / seconds
    );
}
