//! Messages, tag edits and searches together: in each engine the same writes, each due at its moment whether or not the one
//! before is done, and searches one after the other as fast as they are answered.
//!
//! A write's time is from when it was due until it was durable, so waiting for its turn counts. The searches were all asked
//! once before any is timed. In the end each engine must find exactly the contacts whose messages it took.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use rollcall::contact::Millis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::ask::{Ask, Cond, LAST_MESSAGE, STATUS, instants, named, not};
use crate::child::Child;
use crate::class::CLASSES;
use crate::cluster::Cluster;
use crate::goals::{self, Goal};
use crate::json::two_places;
use crate::literals::{LITERALS, Literals};
use crate::measure::Peer;
use crate::postgresql::PostgreSql;
use crate::rollcall::Rollcall;
use crate::row::Rows;
use crate::sqlite::Sqlite;
use crate::support::{NOW, quantile};
use crate::writers::Writer;
use crate::{Args, cache_bytes};

const MESSAGES_PER_S: u64 = 1000;
const TAG_EDITS_PER_S: u64 = 50;
const WRITES_PER_S: u64 = MESSAGES_PER_S + TAG_EDITS_PER_S;
/// Writers at the same time, where an engine takes any.
const WRITERS: usize = 16;
/// So many tag edits give a tag each, as many after them take the same away again.
const TAGS_AT_ONCE: u64 = 64;
/// Searches without writes, before: for so long, and every question once if it takes no longer than the most.
const IDLE: Duration = Duration::from_secs(10);
const IDLE_MAX: Duration = Duration::from_secs(30);
/// After the last write was due, what is late may still be done for so long.
const GRACE: Duration = Duration::from_secs(10);
/// What is searched, in turn.
const SEARCHES: [&str; 8] = [
    "browse",
    "tag",
    "status and language by name",
    "nested five deep",
    "no reply for days",
    "search 3 characters",
    "search 6 characters",
    "phone contains",
];

/// One write.
#[derive(Clone, Copy)]
pub enum Write {
    Message { contact: u32, at: Millis },
    Tag { contact: u32, tag: usize, on: bool },
}

/// Microseconds.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Spread {
    #[serde(serialize_with = "two_places")]
    p50: f64,
    #[serde(serialize_with = "two_places")]
    p99: f64,
    #[serde(serialize_with = "two_places")]
    max: f64,
}

/// What came out for one engine.
#[derive(Serialize, Deserialize)]
pub struct Mixed {
    search_idle_us: Spread,
    search_us: Spread,
    searches: usize,
    /// From when it was due until it was durable; for one that was never done, until it was given up.
    write_us: Spread,
    writes_due: usize,
    writes_done: usize,
    #[serde(serialize_with = "two_places")]
    writes_per_s: f64,
}

/// What one writer did.
#[derive(Default)]
struct Stream {
    micros: Vec<f64>,
    done: usize,
    /// Whose messages.
    contacts: HashSet<u32>,
}

impl Spread {
    fn of(mut micros: Vec<f64>) -> Spread {
        micros.sort_by(f64::total_cmp);
        Spread { p50: quantile(&micros, 0.5), p99: quantile(&micros, 0.99), max: quantile(&micros, 1.0) }
    }
}

/// All writes in the order in which they are due. Each 21st edits a tag, the others are messages, newer than all there are;
/// none to the blocked, whose messages ours drops.
fn schedule(rows: &Rows, contacts: u64, count: u64) -> Vec<Write> {
    let contact = |n: u64| (n * 104_729 % contacts) as u32 + 1;
    let blocked = |id: u32| rows.contacts(u64::from(id) - 1..u64::from(id))[0].blocked;
    let write = |n: u64| {
        let edit = n / (WRITES_PER_S / TAG_EDITS_PER_S);
        if n.is_multiple_of(WRITES_PER_S / TAG_EDITS_PER_S) {
            let on = (edit / TAGS_AT_ONCE).is_multiple_of(2);
            let pair = edit % TAGS_AT_ONCE + edit / (2 * TAGS_AT_ONCE) * TAGS_AT_ONCE;
            return Write::Tag { contact: contact(pair * 31), tag: (pair % 40) as usize, on };
        }
        let open = (n..).map(contact).find(|id| !blocked(*id)).expect("somebody is not blocked");
        Write::Message { contact: open, at: NOW + n as Millis }
    };
    (0..count).map(write).collect()
}

/// The searches' times as long as there are more to come.
fn search(peer: &mut dyn Peer, asks: &[Ask], more: impl Fn(usize) -> bool) -> Vec<f64> {
    let turns = asks.iter().cycle().enumerate().take_while(|(turn, _)| more(*turn));
    turns.map(|(_, ask)| peer.ask(ask).0.as_nanos() as f64 / 1000.0).collect()
}

/// Searches alone, then beside the writers.
fn mixed(peer: &mut dyn Peer, writers: Vec<Box<dyn Writer>>, literals: &Literals, args: &Args) -> Mixed {
    let wanted = |name: &&str| CLASSES.iter().find(|class| class.name == *name).expect("a class");
    let classes: Vec<_> = SEARCHES.iter().map(wanted).collect();
    let asks: Vec<Ask> =
        (0..LITERALS).flat_map(|n| classes.iter().map(move |class| (class.ask)(literals, n))).collect();
    let span = Duration::from_secs(args.mixed_seconds);
    let writes = schedule(&Rows::new(), args.contacts, args.mixed_seconds * WRITES_PER_S);
    peer.begin(&asks[..classes.len()]);
    let started = Instant::now();
    search(peer, &asks, |turn| turn < asks.len() && started.elapsed() < IDLE_MAX);
    let started = Instant::now();
    let idle = search(peer, &asks, |turn| started.elapsed() < if turn < asks.len() { IDLE_MAX } else { IDLE });
    let started = Instant::now();
    let (busy, streams) = std::thread::scope(|scope| {
        let (count, writes) = (writers.len(), &writes);
        let threads = writers
            .into_iter()
            .enumerate()
            .map(|(own, mut writer)| scope.spawn(move || stream(writer.as_mut(), writes, (own, count), started, span)));
        let threads: Vec<_> = threads.collect();
        let busy = search(peer, &asks, |_| started.elapsed() < span);
        let streams = threads.into_iter().map(|thread| thread.join().expect("a writer ends well"));
        (busy, streams.collect::<Vec<Stream>>())
    });
    let took = started.elapsed().as_secs_f64();
    verify(peer, &streams);
    let writes_done = streams.iter().map(|stream| stream.done).sum();
    Mixed {
        search_idle_us: Spread::of(idle),
        searches: busy.len(),
        search_us: Spread::of(busy),
        write_us: Spread::of(streams.into_iter().flat_map(|stream| stream.micros).collect()),
        writes_due: writes.len(),
        writes_done,
        writes_per_s: writes_done as f64 / took,
    }
}

/// One of so many writers' share of the writes.
fn stream(
    writer: &mut dyn Writer,
    writes: &[Write],
    (own, of): (usize, usize),
    started: Instant,
    span: Duration,
) -> Stream {
    let due = |n: usize| started + Duration::from_micros(n as u64 * 1_000_000 / WRITES_PER_S);
    let late = |n: usize| due(n).elapsed().as_nanos() as f64 / 1000.0;
    let (mut next, mut stream) = (own, Stream::default());
    while next < writes.len() && started.elapsed() < span + GRACE {
        std::thread::sleep(due(next).saturating_duration_since(Instant::now()));
        let waiting = (next..writes.len()).step_by(of).take_while(|n| due(*n) <= Instant::now());
        let batch: Vec<usize> = waiting.take(writer.at_once()).collect();
        writer.write(&batch.iter().map(|n| writes[*n]).collect::<Vec<Write>>());
        stream.micros.extend(batch.iter().map(|n| late(*n)));
        stream.done += batch.len();
        stream.contacts.extend(batch.iter().filter_map(|n| match writes[*n] {
            Write::Message { contact, .. } => Some(contact),
            Write::Tag { .. } => None,
        }));
        next += batch.len() * of;
    }
    stream.micros.extend((next..writes.len()).step_by(of).map(late));
    stream
}

/// That the engine finds whoever had a message, and nobody else.
fn verify(peer: &mut dyn Peer, streams: &[Stream]) {
    let written: HashSet<u32> = streams.iter().flat_map(|stream| &stream.contacts).copied().collect();
    let since = instants(LAST_MESSAGE, NOW + 1, NOW + Millis::from(u32::MAX));
    let open = not(named(STATUS, &[("blocked", 3)]));
    let ask = Ask { cond: Some(Cond::All(vec![since, open])), ..Ask::default() };
    assert_eq!(peer.ask(&ask).1.total, written.len() as u64, "every message that was taken is found");
}

/// In the child: so many messages, as they come.
pub fn messages(peer: &mut Rollcall, count: u32) {
    let (rows, contacts) = (Rows::new(), peer.contacts());
    peer.write(&schedule(&rows, contacts, count.into()));
}

/// In the child: Rollcall takes every writer there is.
pub fn rollcall(peer: &mut Rollcall, literals: &Literals, args: &Args) -> Mixed {
    let writers = (0..WRITERS).map(|_| Box::new(peer.clone()) as Box<dyn Writer>).collect();
    mixed(peer, writers, literals, args)
}

/// In the child: a second connection writes.
pub fn sqlite(peer: &mut Sqlite, folder: &Path, literals: &Literals, args: &Args) -> Mixed {
    mixed(peer, vec![Box::new(Sqlite::open(folder, cache_bytes(args.contacts)))], literals, args)
}

fn postgresql(args: &Args) -> Mixed {
    let cluster = Cluster::start(cache_bytes(args.contacts));
    let (mut peer, _) = PostgreSql::load(&cluster, args.contacts);
    let literals = Literals::of(&Rows::new(), args.contacts);
    let writers = (0..WRITERS).map(|_| Box::new(PostgreSql::new(&cluster)) as Box<dyn Writer>).collect();
    mixed(&mut peer, writers, &literals, args)
}

/// Each engine after the other, so that none is disturbed by the rest; its data go before the next one's come.
pub fn run(folder: &Path, args: &Args) -> Json {
    println!(
        "measured mixed: {} contacts, {MESSAGES_PER_S} messages and {TAG_EDITS_PER_S} tag edits a second due for {} s; microseconds",
        args.contacts, args.mixed_seconds
    );
    println!(
        "{:12} {:>26} {:>26} {:>9} {:>28} {:>8} {:>14}",
        "engine",
        "search idle p50/p99/max",
        "search p50/p99/max",
        "searches",
        "durable write p50/p99/max",
        "writes/s",
        "done of due"
    );
    let of_child = |name: &str| {
        let mixed = Child::start(name, folder, args).mixed();
        std::fs::remove_dir_all(folder.join(name)).expect("its data go");
        mixed
    };
    let (mut engines, mut ours) = (Map::new(), None);
    for name in ["rollcall", "postgresql", "sqlite"].into_iter().filter(|name| args.has(name)) {
        let mixed = if name == "postgresql" { postgresql(args) } else { of_child(name) };
        line(name, &mixed);
        engines.insert(name.to_owned(), json!(mixed));
        ours = ours.or(Some(mixed));
    }
    let ours = ours.expect("Rollcall is never left out");
    let slower = ours.search_us.p99 / ours.search_idle_us.p99;
    let goals = [
        Goal::at_most("search p99 while writes go on, beside idle", slower, 3.0, " ×"),
        Goal::at_least("writes done of those due", ours.writes_done as f64, ours.writes_due as f64, ""),
    ];
    json!({"contacts": args.contacts, "seconds": args.mixed_seconds, "messages_per_s": MESSAGES_PER_S,
        "tag_edits_per_s": TAG_EDITS_PER_S, "engines": engines, "goals": goals::told(&goals)})
}

fn line(engine: &str, mixed: &Mixed) {
    let shown = |spread: Spread| format!("{:.0}/{:.0}/{:.0}", spread.p50, spread.p99, spread.max);
    println!(
        "{engine:12} {:>26} {:>26} {:>9} {:>28} {:>8.0} {:>14}; search p99 {:.2} times idle",
        shown(mixed.search_idle_us),
        shown(mixed.search_us),
        mixed.searches,
        shown(mixed.write_us),
        mixed.writes_per_s,
        format!("{}/{}", mixed.writes_done, mixed.writes_due),
        mixed.search_us.p99 / mixed.search_idle_us.p99,
    );
}
