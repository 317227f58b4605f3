//! An export is of one moment, whatever is written, defined or rebuilt while it is read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rollcall::clock::Clock;
use rollcall::contact::identity::Identifier;
use rollcall::contact::*;
use rollcall::corpus::Corpus;
use rollcall::engine::export::{Export, Format, Rows};
use rollcall::engine::{Actor, Engine, Error, NewField, Query, Settings};
use rollcall::store::MemoryStore;
use serde_json::{Map, Value as Json, json};

use crate::support::{api, settings};

const NOW: Millis = 1_770_000_000_000;
const PATIENCE: Duration = Duration::from_secs(60);

struct Place {
    engine: Arc<Engine>,
    actor: Actor,
    _folder: tempfile::TempDir,
}

/// A workspace of synthetic contacts, its text index and checkpoints on disk.
fn place(contacts: u64, settings: Settings) -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(MemoryStore::default());
    let engine = Engine::open(store, Some(folder.path()), settings, Clock::fixed(NOW)).expect("an engine opens");
    let ws = api::workspace(&engine, "Here");
    let corpus = Corpus::new(5, NOW);
    corpus.definition().apply(&engine, ws).expect("all is defined");
    let corpus = corpus.for_workspace(&engine.catalog(ws).expect("a catalog")).expect("all is there");
    engine.load(ws, corpus.contacts(0..contacts).collect()).expect("loaded");
    Place { engine, actor: Actor::operator(ws), _folder: folder }
}

fn fields(json: Json) -> Map<String, Json> {
    json.as_object().cloned().expect("an object")
}

fn id(id: u32) -> Identifier {
    Identifier::Id(ContactId(id))
}

fn ndjson(export: Export) -> String {
    let mut out = Vec::new();
    let count = export.count();
    assert_eq!(export.write(Format::Ndjson, &mut out, &mut |_| ()).expect("written"), count);
    String::from_utf8(out).expect("UTF-8")
}

/// The lines of contacts that were read piece by piece.
fn lines(contacts: &[Arc<Contact>], catalog: &Catalog) -> String {
    let mut out = Vec::new();
    let mut rows = Rows::new(Format::Ndjson, &mut out, catalog).expect("begins");
    contacts.iter().for_each(|contact| rows.write(contact).expect("written"));
    rows.finish().expect("ends");
    String::from_utf8(out).expect("UTF-8")
}

/// An export that is being read, and what it must come to.
struct Running {
    export: Export,
    expected: String,
    read: Vec<Arc<Contact>>,
    is_over: bool,
}

impl Running {
    fn begin(place: &Place, query: &Query) -> Running {
        // A snooze that ends by itself may come between: then all three are taken again.
        loop {
            let whole = place.engine.export(&place.actor, query).expect("an export");
            let version = whole.version();
            let expected = ndjson(whole);
            let counted = place.engine.count(&place.actor, query).expect("a count");
            let export = place.engine.export(&place.actor, query).expect("an export");
            if (counted.version, export.version()) == (version, version) {
                assert_eq!(export.count(), counted.value);
                return Running { export, expected, read: Vec::new(), is_over: false };
            }
        }
    }

    fn read(&mut self, most: usize) {
        let piece = self.export.next_chunk(most).expect("read");
        self.is_over = piece.is_empty();
        self.read.extend(piece);
    }

    fn check(&self) {
        assert_eq!(self.read.len() as u64, self.export.count());
        assert!(self.read.is_sorted_by_key(|contact| contact.id));
        // The header is that of the moment too, whatever fields came and went.
        let found = lines(&self.read, self.export.catalog());
        let differs = found.lines().zip(self.expected.lines()).find(|(found, expected)| found != expected);
        assert!(found == self.expected, "another moment: {differs:?}");
    }
}

/// One write, of whatever kind; what does not apply any more is passed over.
fn write(place: &Place, kind: u8, at: u32, turn: usize) {
    let Place { engine, actor, .. } = place;
    let (ws, who) = (actor.workspace, id(at));
    let catalog = engine.catalog(ws).expect("a catalog");
    let done: Result<(), Error> = match kind {
        0..=3 => engine.update_contact(actor, &who, &fields(json!({"firstName": format!("N{turn}")}))).map(drop),
        4 => engine.delete_contact(actor, &who).map(drop),
        5 => engine.create_contact(actor, &fields(json!({"firstName": "New", "tags": ["new"]}))).map(drop),
        6 => engine.add_tags(actor, &who, &[format!("t{}", turn % 5), "new".into()]).map(drop),
        7 => {
            let tag = catalog.tags.keys().nth(turn % catalog.tags.len().max(1));
            tag.map_or(Ok(()), |tag| engine.delete_tag(ws, *tag).map(drop))
        }
        8 => {
            let field = catalog.fields.keys().nth(turn % catalog.fields.len().max(1));
            field.map_or(Ok(()), |field| engine.delete_field(ws, *field).map(drop))
        }
        9 => engine.create_field(ws, new_field(turn)).map(drop),
        10 => {
            let message = Interaction {
                kind: InteractionKind::IncomingMessage,
                at: NOW + turn as i64,
                channel: catalog.channels.keys().next().copied(),
                author: None,
                text: Some("hello".into()),
            };
            engine.record(actor, &who, message).map(drop)
        }
        11 => engine.update_contact(actor, &who, &fields(json!({"lastName": null, "tags": []}))).map(drop),
        12 => engine.rebuild(ws),
        // Who takes in another is another contact then, and who is taken in is none: neither shows.
        14 => engine.merge(actor, &who, &id(1 + (at * 7 + turn as u32) % 140), &Map::new()).map(drop),
        15 => {
            let merged = engine.merges(ws, &who, None).ok().and_then(|merges| merges.value.last().map(|one| one.id));
            merged.map_or(Ok(()), |merged| engine.unmerge(actor, &who, merged).map(drop))
        }
        16 => {
            // It ends by itself, at once.
            let snooze = fields(json!({"status": "snoozed", "snoozedUntil": NOW + 1_000 + turn as i64}));
            let done = engine.update_contact(actor, &who, &snooze).map(drop);
            engine.clock().set(NOW + 1_000 + turn as i64);
            done
        }
        _ => engine.checkpoint(ws),
    };
    match done {
        Ok(()) | Err(Error::NotFound { .. } | Error::Invalid(_) | Error::Conflict { .. }) => {}
        Err(Error::State { code: "already_merged" | "merged_further" | "contact_blocked", .. }) => {}
        Err(error) => panic!("write {kind}: {error}"),
    }
}

fn new_field(turn: usize) -> NewField {
    NewField {
        name: format!("Field {turn}"),
        slug: None,
        description: None,
        data_type: DataType::Text,
        allowed_values: Vec::new(),
        searchable: false,
    }
}

fn queries(which: u8, tag: &str) -> Query {
    let filter = match which {
        0 => return Query { search: Some("an".into()), ..Query::default() },
        1 => json!({"field": "tags", "operator": "hasAnyOf", "value": [tag]}),
        2 => json!({"field": "email", "operator": "exists"}),
        _ => return Query::default(),
    };
    Query { filter: Some(filter), ..Query::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_between_the_pieces_does_not_show(
        contacts in 60u64..130,
        which in proptest::collection::vec(0u8..5, 2),
        turns in proptest::collection::vec((1usize..12, proptest::collection::vec((0u8..17, 1u32..140), 0..5)), 10..60),
    ) {
        let place = place(contacts, settings::small());
        let tag = place.engine.catalog(place.actor.workspace).expect("a catalog").tags.values().next().cloned();
        let query = |which: u8| queries(which, tag.as_ref().map_or("vip", |tag| &tag.name));
        let mut running = vec![Running::begin(&place, &query(which[0]))];
        for (turn, (most, writes)) in turns.iter().cycle().take(400).enumerate() {
            for one in running.iter_mut().filter(|one| !one.is_over) {
                one.read(*most);
            }
            if running.iter().all(|one| one.is_over) {
                break;
            }
            for (kind, at) in writes {
                write(&place, *kind, *at, turn);
            }
            if turn == 3 {
                // Another moment; its tag may be gone by now, which a query must not name.
                let second = if which[1] == 1 { 2 } else { which[1] };
                running.push(Running::begin(&place, &query(second)));
            }
        }
        for one in &mut running {
            while !one.is_over {
                one.read(40);
            }
            one.check();
        }
        prop_assert!(place.engine.verify(place.actor.workspace).expect("verified").problems.is_empty());
    }
}

/// A write that was answered: the contact, the version it made, and whether the contact is there since.
type Answered = (u32, u64, bool);

/// Writes until it is over, and gives what was answered.
fn write_on(place: &Place, writer: u32, is_over: &AtomicBool, count: &AtomicUsize) -> Vec<Answered> {
    let Place { engine, actor, .. } = place;
    let mut log = Vec::new();
    for turn in (0..50_000u32).take_while(|_| !is_over.load(Ordering::Relaxed)) {
        let at = 1 + (turn * 7919 + writer * 31) % 340;
        if turn % 11 == 0 {
            let done = engine.delete_contact(actor, &id(at));
            log.extend(done.ok().map(|gone| (at, gone.version.0, false)));
        } else if turn % 7 == 0 {
            let made = engine.create_contact(actor, &fields(json!({"firstName": "New"})));
            log.extend(made.ok().map(|made| (made.value.id.0, made.value.version.0, true)));
        } else {
            let name = fields(json!({"firstName": format!("W{writer}T{turn}")}));
            let done = engine.update_contact(actor, &id(at), &name);
            log.extend(done.ok().map(|done| (at, done.value.version.0, true)));
        }
        count.store(count.load(Ordering::Relaxed).max(log.len()), Ordering::Relaxed);
    }
    log
}

/// Every write is known with the version it made, so it is known what each version holds.
#[test]
fn beside_writers_each_contact_is_as_the_version_has_it() {
    let place = place(300, settings::small());
    let (engine, actor) = (&place.engine, &place.actor);
    let before = engine.contacts_after(actor.workspace, ContactId(0), 1000).expect("read");
    let (is_over, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut exports = Vec::new();
    let mut log: Vec<Answered> = Vec::new();
    std::thread::scope(|scope| {
        let writer = |number| {
            scope.spawn({
                let (place, is_over, count) = (&place, &is_over, &count);
                move || write_on(place, number, is_over, count)
            })
        };
        let writers: Vec<_> = (0..3).map(writer).collect();
        for most in [3, 7, 20, 50] {
            let mut export = engine.export(actor, &Query::default()).expect("an export");
            let mut found = BTreeMap::new();
            loop {
                let piece = export.next_chunk(most).expect("read");
                if piece.is_empty() {
                    break;
                }
                found.extend(piece.iter().map(|contact| (contact.id.0, contact.version.0)));
                // Writers are to come in between.
                let (seen, began) = (count.load(Ordering::Relaxed), Instant::now());
                while count.load(Ordering::Relaxed) == seen && found.len() < 250 {
                    assert!(began.elapsed() < PATIENCE, "nothing is written");
                    std::thread::yield_now();
                }
            }
            assert_eq!(found.len() as u64, export.count());
            exports.push((export.version().0, found));
        }
        is_over.store(true, Ordering::Relaxed);
        writers.into_iter().for_each(|writer| log.extend(writer.join().expect("a writer")));
    });
    assert!(log.len() > 100, "hardly anything was written: {}", log.len());
    log.sort_by_key(|(_, version, _)| *version);
    for (version, found) in exports {
        let mut expected: BTreeMap<u32, u64> = before.iter().map(|contact| (contact.id.0, contact.version.0)).collect();
        for (id, at, is_there) in log.iter().filter(|(_, at, _)| *at <= version) {
            match is_there {
                true => drop(expected.insert(*id, *at)),
                false => drop(expected.remove(id)),
            }
        }
        assert_eq!(found, expected, "as of version {version}");
    }
}

#[test]
fn what_changes_is_kept_within_bounds_and_else_the_export_fails() {
    let place = place(300, Settings { export_saved_bytes_max: 4_000, ..settings::small() });
    let (engine, actor) = (&place.engine, &place.actor);
    let mut export = engine.export(actor, &Query::default()).expect("an export");
    assert_eq!(export.next_chunk(50).expect("read").len(), 50);
    let rename = |at: u32| {
        let name = fields(json!({"firstName": "Changed"}));
        engine.update_contact(actor, &id(at), &name).expect("changed");
    };
    // Those that are read already are not kept, and one is kept once.
    (1..=50).for_each(rename);
    (0..50).for_each(|_| rename(60));
    assert_eq!(export.next_chunk(50).expect("read").len(), 50);
    (101..=200).for_each(rename);
    let lost = export.next_chunk(50).expect_err("the moment is lost");
    assert_eq!(lost.code(), "export_overrun");
    assert!(lost.to_string().contains("export_saved_bytes_max"), "{lost}");
    assert_eq!(ndjson(engine.export(actor, &Query::default()).expect("another")).lines().count(), 300);
}

#[test]
fn a_workspace_stays_awake_while_it_is_exported() {
    let place = place(80, settings::small());
    let engine = &place.engine;
    let other = api::workspace(engine, "There");
    let awake = || engine.gauges().awake.iter().map(|awake| awake.workspace).collect::<Vec<_>>();
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < PATIENCE, "{what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let mut running = Running::begin(&place, &Query::default());
    running.read(30);
    // Asked for later than the other, so that in each round it is looked at after it.
    engine.clock().set(NOW + 1);
    engine.catalog(other).expect("awake");
    engine.clock().set(NOW + 10 * 3_600_000);
    until("the other goes to sleep", &|| !awake().contains(&other));
    assert!(awake().contains(&place.actor.workspace), "it went to sleep");
    write(&place, 4, 50, 0);
    while !running.is_over {
        running.read(30);
    }
    running.check();
    drop(running);
    engine.clock().set(NOW + 20 * 3_600_000);
    until("it goes to sleep at last", &|| awake().is_empty());
}

#[test]
fn a_wrong_query_is_refused_as_a_search_is() {
    let place = place(1, settings::small());
    let refused = |query: Query| match place.engine.export(&place.actor, &query) {
        Err(error) => error.code(),
        Ok(_) => "",
    };
    let wrong = json!({"field": "emial", "operator": "exists"});
    assert_eq!(refused(Query { filter: Some(wrong), ..Query::default() }), "unknown_field");
    assert_eq!(
        refused(Query { timezone: Some("Mars".into()), filter: Some(json!({"$and": []})), ..Query::default() }),
        "unknown_timezone"
    );
    assert_eq!(refused(Query { min_version: Some(Seq(1 << 40)), ..Query::default() }), "version_not_reached");
}

#[test]
fn an_export_of_a_workspace_that_is_deleted_ends_with_an_error_and_leaves_nothing() {
    let place = place(120, settings::small());
    let (engine, ws) = (&place.engine, place.actor.workspace);
    let other = api::workspace(engine, "There");
    let mut export = engine.export(&place.actor, &Query::default()).expect("an export");
    assert_eq!(export.next_chunk(30).expect("read").len(), 30);
    write(&place, 0, 100, 1);
    engine.delete_workspace(ws, 120).expect("deleted");
    let ended = export.next_chunk(30).expect_err("half of it does not look whole");
    assert_eq!(ended.code(), "not_found");
    let mut out = Vec::new();
    let export = engine.export(&Actor::operator(other), &Query::default()).expect("another");
    assert_eq!(export.write(Format::Csv, &mut out, &mut |_| ()).expect("written"), 0);
}
