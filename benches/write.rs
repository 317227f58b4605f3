//! Writes until a query shows them, in turn with a raw append + fdatasync; then messages from several clients.
//!
//! `cargo bench --bench write`; `ROLLCALL_BENCH_CONTACTS=1000000` for a million contacts underneath.

mod support;

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime};

use rollcall::contact::identity::Identifier;
use rollcall::contact::{ChannelId, ContactId, Interaction, InteractionKind};
use rollcall::engine::Query;
use serde_json::json;
use support::{NOW, World, quantile, timed};

const RUNS: usize = 600;

fn main() {
    let world = support::world("write");
    // What an earlier run changed is in the text index, as it would be after a while.
    world.engine.checkpoint(world.actor.workspace).expect("a checkpoint");
    updates(&world);
    for clients in [8, 64] {
        messages(&world, clients);
    }
}

/// One by one, each after one of the yardstick: what else the machine does falls on both. The yardstick's file grows, as a log that
/// is appended to does; the store's own journal keeps its size, which spares each of its syncs that much.
fn updates(world: &World) {
    let path = world.folder.join("raw");
    let mut file = File::create(&path).expect("a file");
    // A name that is there already would be no write.
    let fresh = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_millis() as usize;
    let runs = (0..RUNS).map(|run| (timed(|| append(&mut file)), timed(|| update(world, fresh + run))));
    let (mut raw, mut shown): (Vec<f64>, Vec<f64>) = runs.unzip();
    let _ = std::fs::remove_file(path);
    [&mut raw, &mut shown].into_iter().for_each(|times| times.sort_by(f64::total_cmp));
    tell("yardstick: append of 700 bytes + fdatasync", &raw);
    tell("update until a query shows it", &shown);
    println!("measured update beside yardstick: {:.2} times", quantile(&shown, 0.5) / quantile(&raw, 0.5));
}

fn tell(what: &str, times: &[f64]) {
    println!("measured {what}: p50 {:.0} p99 {:.0} microseconds", quantile(times, 0.5), quantile(times, 0.99));
}

fn append(file: &mut File) {
    file.write_all(&[7u8; 700]).expect("writes");
    file.sync_data().expect("syncs");
}

fn update(world: &World, n: usize) {
    let id = ContactId(1 + (n * 7919 % support::contacts() as usize) as u32);
    let name = format!("zq{n}x");
    let fields = json!({"lastName": name}).as_object().cloned().unwrap_or_default();
    world.engine.update_contact(&world.actor, &Identifier::Id(id), &fields).expect("updates");
    let page = world.engine.search(&world.actor, &Query { search: Some(name), ..Query::default() }).expect("a page");
    assert!(page.contacts.iter().any(|contact| contact.id == id), "the next query shows it");
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
