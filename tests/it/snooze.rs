//! A snooze ends by itself at its time: in a workspace that sleeps, after a restart, a kill and a restore, whatever else is
//! wrong in the store; and while none ends nobody reads the store for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rollcall::clock::Clock;
use rollcall::contact::identity::Identifier;
use rollcall::contact::{Contact, ContactId, Conversation, Millis, Status, WorkspaceId, time};
use rollcall::engine::{Actor, Engine, Fate, NewWorkspace, Settings, restore};
use rollcall::store::{Alarm, AlarmSet, Batch, Entry, MemoryStore, Records, SledSettings, SledStore};
use rollcall::store::{Sides, Store, StoreError, Writes};
use serde_json::{Map, Value as Json, json};

use crate::support::connection::Connection;
use crate::support::server::{self, Server};
use crate::support::settings::shipped;

const NOW: Millis = 1_772_445_600_000;
const HOUR: Millis = 3_600_000;
/// How long what must happen is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

fn open(store: Arc<dyn Store>, settings: Settings, now: Millis) -> Arc<Engine> {
    Engine::open(store, None, settings, Clock::fixed(now)).expect("opens")
}

fn workspace(engine: &Engine, name: &str) -> Actor {
    let new = NewWorkspace { name: name.into(), default_country: None, timezone: "UTC".into(), locale: "en".into() };
    Actor::operator(engine.create_workspace(new).expect("a workspace").id)
}

fn fields(json: Json) -> Map<String, Json> {
    json.as_object().expect("an object").clone()
}

/// A contact who is snoozed until then.
fn snoozed(engine: &Engine, actor: &Actor, until: Millis) -> ContactId {
    let new = json!({"firstName": "Ann", "status": "snoozed", "snoozedUntil": time::rfc3339(until)});
    engine.create_contact(actor, &fields(new)).expect("created").value.id
}

fn contact(engine: &Engine, actor: &Actor, id: ContactId) -> Arc<Contact> {
    engine.contact(actor.workspace, &Identifier::Id(id), None).expect("the contact").value
}

/// Waits until it is so.
#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn opens(engine: &Engine, actor: &Actor, id: ContactId, at: Millis) {
    until("the snooze ends", || contact(engine, actor, id).conversation == Conversation::Open);
    let contact = contact(engine, actor, id);
    assert_eq!((contact.conversation_opened_at, contact.snoozed_until), (Some(at), None));
}

#[track_caller]
fn agrees(engine: &Engine, actor: &Actor) {
    let found = engine.verify(actor.workspace).expect("verified");
    assert!(found.problems.is_empty(), "{:?}", found.problems);
}

#[test]
fn a_snooze_ends_at_its_time_and_not_before() {
    let engine = open(Arc::new(MemoryStore::default()), shipped(), NOW);
    let actor = workspace(&engine, "one");
    let (late, soon) = (snoozed(&engine, &actor, NOW + 2 * HOUR), snoozed(&engine, &actor, NOW + HOUR));
    let endless = engine.create_contact(&actor, &fields(json!({"firstName": "Bo", "status": "snoozed"})));
    let endless = endless.expect("created").value.id;
    agrees(&engine, &actor);
    engine.clock().set(NOW + 2 * HOUR - 1);
    opens(&engine, &actor, soon, NOW + HOUR);
    // The earlier alarm has rung, so the clock was looked at: the later one is not due by a millisecond.
    assert_eq!(contact(&engine, &actor, late).conversation, Conversation::Snoozed);
    engine.clock().set(NOW + 2 * HOUR);
    opens(&engine, &actor, late, NOW + 2 * HOUR);
    assert_eq!(contact(&engine, &actor, endless).conversation, Conversation::Snoozed);
    agrees(&engine, &actor);
}

#[test]
fn an_end_that_is_moved_taken_away_or_hidden_by_a_block_counts_as_it_stands() {
    let engine = open(Arc::new(MemoryStore::default()), shipped(), NOW);
    let actor = workspace(&engine, "one");
    let [moved, closed, blocked, deleted, last] =
        [1, 1, 1, 1, 3].map(|hours| snoozed(&engine, &actor, NOW + hours * HOUR));
    let change = |id, changes| engine.update_contact(&actor, &Identifier::Id(id), &fields(changes)).expect("changed");
    change(moved, json!({"snoozedUntil": time::rfc3339(NOW + 2 * HOUR)}));
    change(closed, json!({"status": "closed"}));
    change(blocked, json!({"status": "blocked"}));
    engine.delete_contact(&actor, &Identifier::Id(deleted)).expect("deleted");
    agrees(&engine, &actor);
    engine.clock().set(NOW + HOUR);
    opens(&engine, &actor, blocked, NOW + HOUR);
    assert_eq!(contact(&engine, &actor, blocked).status(), Status::Blocked);
    assert_eq!(contact(&engine, &actor, moved).conversation, Conversation::Snoozed);
    assert_eq!(contact(&engine, &actor, closed).conversation, Conversation::Closed);
    // An alarm set later that rings sooner is not overslept.
    let between = snoozed(&engine, &actor, NOW + HOUR + 1);
    engine.clock().set(NOW + HOUR + 1);
    opens(&engine, &actor, between, NOW + HOUR + 1);
    engine.clock().set(NOW + 3 * HOUR);
    opens(&engine, &actor, moved, NOW + 2 * HOUR);
    opens(&engine, &actor, last, NOW + 3 * HOUR);
    agrees(&engine, &actor);
}

#[test]
fn many_snoozes_of_many_workspaces_end_at_one_time() {
    let engine = open(Arc::new(MemoryStore::default()), shipped(), NOW);
    let actors: Vec<Actor> = (0..3).map(|number| workspace(&engine, &format!("w{number}"))).collect();
    let new: Vec<Map<String, Json>> = (0..450)
        .map(|number| {
            fields(json!({"firstName": format!("c{number}"), "status": "snoozed", "snoozedUntil": NOW + HOUR}))
        })
        .collect();
    for actor in &actors {
        let made = engine.create_many(actor, &new, false, false).expect("made");
        assert!(made.value.iter().all(Result::is_ok));
    }
    engine.clock().set(NOW + HOUR);
    for actor in &actors {
        (1..=450).for_each(|id| opens(&engine, actor, ContactId(id), NOW + HOUR));
        agrees(&engine, actor);
    }
}

#[test]
fn a_sleeping_workspace_is_woken_by_its_alarm() {
    let settings = Settings { sleep_after_s: 60, ..shipped() };
    let engine = open(Arc::new(MemoryStore::default()), settings, NOW);
    let actor = workspace(&engine, "one");
    let id = snoozed(&engine, &actor, NOW + HOUR);
    engine.clock().set(NOW + HOUR / 2);
    until("it falls asleep", || engine.gauges().awake.is_empty());
    engine.clock().set(NOW + HOUR);
    until("its alarm wakes it", || !engine.gauges().awake.is_empty());
    opens(&engine, &actor, id, NOW + HOUR);
}

#[test]
fn a_snooze_ends_after_a_restart_and_after_a_restore() {
    let folder = tempfile::tempdir().expect("a folder");
    let sled = || -> Arc<dyn Store> {
        let settings = SledSettings { cache_bytes: 16 << 20, flush_every_ms: 500 };
        Arc::new(SledStore::open(folder.path(), settings).expect("opens"))
    };
    let engine = open(sled(), shipped(), NOW);
    let actor = workspace(&engine, "one");
    let id = snoozed(&engine, &actor, NOW + HOUR);
    let mut backup = Vec::new();
    engine.backup(&mut backup).expect("a backup");
    engine.close().expect("closes");
    drop(engine);
    let restored: Arc<dyn Store> = Arc::new(MemoryStore::default());
    restore(&restored, &mut backup.as_slice()).expect("restored");
    for store in [sled(), restored] {
        let engine = open(store, shipped(), NOW + 2 * HOUR);
        // Nobody asks for the workspace: its alarm wakes it.
        until("its alarm wakes it", || !engine.gauges().awake.is_empty());
        opens(&engine, &actor, id, NOW + HOUR);
        agrees(&engine, &actor);
    }
}

#[test]
fn a_snooze_ends_after_the_server_was_killed() {
    let data = tempfile::tempdir().expect("a folder");
    let token = server::furnish(data.path());
    let (server, address) = Server::start(data.path());
    let mut caller = Connection::open(address, &token).expect("the server is there");
    let end = Clock::system().now() + 3000;
    let new = json!({"firstName": "Ann", "status": "snoozed", "snoozedUntil": end});
    let (status, made) = caller.ask("POST", "/v1/contacts", Some(&new)).expect("an answer");
    assert_eq!((status, made["contact"]["status"].as_str()), (201, Some("snoozed")), "{made}");
    server.kill();
    let (server, address) = Server::start(data.path());
    let mut caller = Connection::open(address, &token).expect("the server is there");
    let begun = Instant::now();
    loop {
        let (_, found) = caller.ask("GET", "/v1/contacts/1", None).expect("an answer");
        let now = Clock::system().now();
        if found["contact"]["status"] == "open" {
            assert!(now >= end, "it ended {} ms early", end - now);
            assert_eq!(found["contact"]["conversationOpenedAt"], time::rfc3339(end));
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "the snooze does not end: {found}");
        std::thread::sleep(Duration::from_millis(20));
    }
    server.stop();
    server::verify(&server::copy(data.path()));
}

/// Writes or removes an alarm behind the engine's back.
fn tamper(store: &Arc<dyn Store>, ws: WorkspaceId, at: Millis, contact: ContactId, is_set: bool) {
    let (mut sides, mut writes, id) = (Sides::default(), Writes::default(), (at, Alarm::Snooze(contact)));
    if is_set {
        sides.put(ws, id, &AlarmSet::default());
    } else {
        sides.delete::<AlarmSet>(ws, id);
    }
    sides.write(&mut writes);
    Records::new(store.clone()).commit(writes).expect("written");
}

#[test]
fn verify_compares_snoozes_and_alarms() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let engine = open(store.clone(), shipped(), NOW);
    let (actor, other) = (workspace(&engine, "one"), workspace(&engine, "two"));
    let id = snoozed(&engine, &actor, NOW + HOUR);
    agrees(&engine, &actor);
    let problems = || engine.verify(actor.workspace).expect("verified").problems;
    tamper(&store, actor.workspace, NOW + HOUR, id, false);
    assert_eq!(problems(), ["contact 1: its snooze has an end and no alarm for it"]);
    tamper(&store, actor.workspace, NOW + HOUR, id, true);
    tamper(&store, actor.workspace, NOW + 2 * HOUR, ContactId(7), true);
    assert_eq!(problems(), ["contact 7: an alarm is set for a snooze that it has not"]);
    agrees(&engine, &other);
}

#[test]
fn stray_alarms_hinder_no_other() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let engine = open(store.clone(), shipped(), NOW);
    let actor = workspace(&engine, "one");
    let id = snoozed(&engine, &actor, NOW + HOUR);
    // More than are answered in one batch, of a workspace that does not exist; and one of a contact that is not snoozed so.
    (1..=500).for_each(|contact| tamper(&store, WorkspaceId(77), NOW + 1, ContactId(contact), true));
    tamper(&store, actor.workspace, NOW + 2, id, true);
    engine.clock().set(NOW + HOUR);
    opens(&engine, &actor, id, NOW + HOUR);
    agrees(&engine, &actor);
}

/// Counts what is read.
#[derive(Default)]
struct Counting {
    store: MemoryStore,
    reads: AtomicU64,
}

impl Store for Counting {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.store.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.store.scan(from, to, limit)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.store.apply(batch)
    }

    fn read_only(&self) -> Option<String> {
        self.store.read_only()
    }

    fn disk_bytes(&self) -> u64 {
        self.store.disk_bytes()
    }
}

#[test]
fn an_idle_server_does_not_read_the_store() {
    let store = Arc::new(Counting::default());
    let engine = open(store.clone(), shipped(), NOW);
    let actor = workspace(&engine, "one");
    let first = snoozed(&engine, &actor, NOW + HOUR);
    snoozed(&engine, &actor, NOW + 2 * HOUR);
    engine.clock().set(NOW + HOUR);
    opens(&engine, &actor, first, NOW + HOUR);
    // The round that follows an alarm looks for the next one, and a busy machine may come to it late; one that read in every
    // round would never be quiet for a dozen of them.
    let quiet = (0..12).any(|_| {
        let before = store.reads.load(Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(2500));
        store.reads.load(Ordering::SeqCst) == before
    });
    assert!(quiet, "an idle server reads the store");
}

#[test]
fn a_snooze_set_by_an_action_ends_too() {
    let engine = open(Arc::new(MemoryStore::default()), shipped(), NOW);
    let actor = workspace(&engine, "one");
    let ids: Vec<_> = (0..3)
        .map(|_| engine.create_contact(&actor, &fields(json!({"firstName": "Ann"}))).expect("created").value.id)
        .collect();
    let named: Vec<_> = ids.iter().map(|id| Ok(Identifier::Id(*id))).collect();
    let action = json!({"action": "setStatus", "status": "snoozed", "until": time::rfc3339(NOW + HOUR)});
    let done = engine.act_on_many(&actor, &named, &fields(action)).expect("done").value;
    assert!(done.iter().all(|item| item.fate == Fate::Changed));
    agrees(&engine, &actor);
    engine.clock().set(NOW + HOUR);
    ids.iter().for_each(|id| opens(&engine, &actor, *id, NOW + HOUR));
}
