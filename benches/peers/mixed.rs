//! Messages, tag edits and searches together: in each engine the same writes, each due at its moment whether or not the one
//! before is done, and searches one after the other.

use std::path::Path;
use std::time::{Duration, Instant};

use rollcall::contact::identity::Identifier;
use rollcall::contact::{ContactId, Interaction, InteractionKind, Millis};
use serde::{Deserialize, Serialize};

use crate::ask::{Ask, Param};
use crate::child::Child;
use crate::class::CLASSES;
use crate::cluster::Cluster;
use crate::literals::{LITERALS, Literals};
use crate::measure::Peer;
use crate::postgresql::PostgreSql;
use crate::rollcall::Rollcall;
use crate::row::Rows;
use crate::sqlite::Sqlite;
use crate::support::{NOW, quantile};
use crate::{Args, cache_bytes};

const MESSAGES_PER_S: u64 = 1000;
const TAG_EDITS_PER_S: u64 = 50;
const WRITES_PER_S: u64 = MESSAGES_PER_S + TAG_EDITS_PER_S;
/// Writers at the same time, where an engine takes any.
const WRITERS: u64 = 16;
/// Searches without writes, before.
const IDLE: Duration = Duration::from_secs(5);
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
pub enum Write {
    Message { contact: u32, at: Millis },
    Tag { contact: u32, tag: usize, on: bool },
}

/// Whoever writes; what it was given is durable when it returns.
pub trait Writer: Send {
    /// How many due writes it takes at once.
    fn at_once(&self) -> usize {
        1
    }

    fn write(&mut self, due: &[Write]);
}

/// Microseconds, p50 and p99.
type Quantiles = (f64, f64);

/// What came out for one engine.
#[derive(Serialize, Deserialize)]
pub struct Mixed {
    idle: Quantiles,
    search: Quantiles,
    searches: usize,
    /// From when it was due until it was durable.
    write: Quantiles,
    writes_per_s: f64,
}

/// Write `n` of all; each 21st edits a tag, first giving it and later taking it away again.
fn write(n: u64, contacts: u64) -> Write {
    let contact = (n * 104_729 % contacts) as u32 + 1;
    match n % (WRITES_PER_S / TAG_EDITS_PER_S) {
        0 => Write::Tag { contact, tag: (n / 21 % 40) as usize, on: (n / 840).is_multiple_of(2) },
        _ => Write::Message { contact, at: NOW + n as Millis },
    }
}

/// Searches alone, then beside the writers.
fn mixed(peer: &mut dyn Peer, writers: Vec<Box<dyn Writer>>, literals: &Literals, args: &Args) -> Mixed {
    let wanted = |name: &&str| CLASSES.iter().find(|class| class.name == *name).expect("a class");
    let classes: Vec<_> = SEARCHES.iter().map(wanted).collect();
    let asks: Vec<Ask> =
        (0..LITERALS).flat_map(|n| classes.iter().map(move |class| (class.ask)(literals, n))).collect();
    peer.begin(&asks[..classes.len()]);
    let mut search = |until: Duration| {
        let started = Instant::now();
        let turns = asks.iter().cycle().take_while(|_| started.elapsed() < until);
        let mut micros: Vec<f64> = turns.map(|ask| peer.ask(ask).0.as_nanos() as f64 / 1000.0).collect();
        micros.sort_by(f64::total_cmp);
        micros
    };
    let idle = search(IDLE);
    let (started, span) = (Instant::now(), Duration::from_secs(args.mixed_seconds));
    let (busy, mut took) = std::thread::scope(|scope| {
        let count = writers.len() as u64;
        let threads = (0..count).zip(writers).map(|(own, mut writer)| {
            scope.spawn(move || stream(writer.as_mut(), own, count, args.contacts, started, span))
        });
        let threads: Vec<_> = threads.collect();
        let busy = search(span);
        let took = threads.into_iter().flat_map(|thread| thread.join().expect("a writer ends well"));
        (busy, took.collect::<Vec<f64>>())
    });
    let writes_per_s = took.len() as f64 / started.elapsed().as_secs_f64().max(span.as_secs_f64());
    took.sort_by(f64::total_cmp);
    let both = |sorted: &[f64]| (quantile(sorted, 0.5), quantile(sorted, 0.99));
    Mixed { idle: both(&idle), search: both(&busy), searches: busy.len(), write: both(&took), writes_per_s }
}

/// One writer's share of the writes, until the time is over; how long each took.
fn stream(writer: &mut dyn Writer, own: u64, of: u64, contacts: u64, started: Instant, span: Duration) -> Vec<f64> {
    let due = |n: u64| started + Duration::from_micros(n * 1_000_000 / WRITES_PER_S);
    let (mut next, mut took) = (own, Vec::new());
    while started.elapsed() < span {
        std::thread::sleep(due(next).saturating_duration_since(Instant::now()));
        let mut batch = Vec::new();
        while batch.len() < writer.at_once() && due(next) <= Instant::now() {
            batch.push(next);
            next += of;
        }
        let writes: Vec<Write> = batch.iter().map(|n| write(*n, contacts)).collect();
        writer.write(&writes);
        took.extend(batch.iter().map(|n| due(*n).elapsed().as_nanos() as f64 / 1000.0));
    }
    took
}

impl Writer for Rollcall {
    fn write(&mut self, due: &[Write]) {
        for write in due {
            match *write {
                Write::Message { contact, at } => {
                    let kind = InteractionKind::IncomingMessage;
                    let message =
                        Interaction { kind, at, channel: Some(self.channel), author: None, text: Some("hello".into()) };
                    self.engine.record(&self.actor, &Identifier::Id(ContactId(contact)), message).expect("records");
                }
                Write::Tag { contact, tag, on } => {
                    let (who, names) = (Identifier::Id(ContactId(contact)), [self.tags[tag].clone()]);
                    let done = match on {
                        true => self.engine.add_tags(&self.actor, &who, &names),
                        false => self.engine.remove_tags(&self.actor, &who, &names),
                    };
                    done.expect("edits a tag");
                }
            }
        }
    }
}

/// A newer message moves the times and opens the conversation, as ours does.
const MOVED: &str = "last_message_at = $2, last_incoming_at = $2, last_interaction_at = $2, updated_at = $2, last_channel = 1, \
    opened_at = CASE conversation WHEN 0 THEN opened_at ELSE $2 END, conversation = 0, \
    status = CASE status WHEN 3 THEN 3 ELSE 0 END";

impl Writer for PostgreSql {
    fn write(&mut self, due: &[Write]) {
        for write in due {
            let (text, params) = match *write {
                Write::Message { contact, at } => (
                    format!(
                        "WITH kept AS (INSERT INTO interaction (contact, at, channel, text) VALUES ($1::int8, $2::int8, 1, 'hello')) \
                         UPDATE contact SET {MOVED} WHERE id = $1::int8"
                    ),
                    vec![Param::Int(contact.into()), Param::Int(at)],
                ),
                Write::Tag { contact, tag, on } => (
                    format!(
                        "UPDATE contact SET tags = array_remove(tags, $2::int8::int4){} WHERE id = $1::int8",
                        if on { " || $2::int8::int4" } else { "" }
                    ),
                    vec![Param::Int(contact.into()), Param::Int(tag as i64 + 1)],
                ),
            };
            assert_eq!(self.run(&text, params), 1, "one contact changes");
        }
    }
}

impl Writer for Sqlite {
    /// One writer at a time is all there is, so it shares a transaction among what waits.
    fn at_once(&self) -> usize {
        512
    }

    fn write(&mut self, due: &[Write]) {
        self.batch("BEGIN IMMEDIATE");
        for write in due {
            match *write {
                Write::Message { contact, at } => {
                    let params = || vec![Param::Int(contact.into()), Param::Int(at)];
                    self.run(
                        "INSERT INTO interaction (contact, at, channel, text) VALUES (?1, ?2, 1, 'hello')",
                        params(),
                    );
                    self.run(&format!("UPDATE contact SET {} WHERE id = ?1", MOVED.replace('$', "?")), params());
                }
                Write::Tag { contact, tag, on } => {
                    let text = match on {
                        true => "INSERT OR IGNORE INTO contact_tag VALUES (?2, ?1)",
                        false => "DELETE FROM contact_tag WHERE tag = ?2 AND contact = ?1",
                    };
                    self.run(text, vec![Param::Int(contact.into()), Param::Int(tag as i64 + 1)]);
                    let tags = "UPDATE contact SET tags = (SELECT json_group_array(tag) FROM contact_tag WHERE contact = ?1) WHERE id = ?1";
                    self.run(tags, vec![Param::Int(contact.into())]);
                }
            }
        }
        self.batch("COMMIT");
    }
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

/// Each engine after the other, so that none is disturbed by the rest.
pub fn run(folder: &Path, args: &Args) {
    println!(
        "measured mixed: {} contacts, {MESSAGES_PER_S} messages and {TAG_EDITS_PER_S} tag edits a second due for {} s; microseconds",
        args.contacts, args.mixed_seconds
    );
    println!(
        "{:12} {:>22} {:>22} {:>10} {:>24} {:>9}",
        "engine", "search idle p50/p99", "search p50/p99", "searches", "durable write p50/p99", "writes/s"
    );
    let ours = Child::start("rollcall", folder, args).mixed();
    line("rollcall", &ours);
    {
        let cluster = Cluster::start(cache_bytes(args.contacts));
        let (mut peer, _) = PostgreSql::load(&cluster, args.contacts);
        let literals = Literals::of(&Rows::new(), args.contacts);
        let writers = (0..WRITERS).map(|_| Box::new(PostgreSql::new(&cluster)) as Box<dyn Writer>).collect();
        line("postgresql", &mixed(&mut peer, writers, &literals, args));
    }
    line("sqlite", &Child::start("sqlite", folder, args).mixed());
}

fn line(engine: &str, mixed: &Mixed) {
    let both = |(p50, p99): Quantiles| format!("{p50:.0}/{p99:.0}");
    println!(
        "{engine:12} {:>22} {:>22} {:>10} {:>24} {:>9.0}",
        both(mixed.idle),
        both(mixed.search),
        mixed.searches,
        both(mixed.write),
        mixed.writes_per_s
    );
}
