//! The engine when things meet: backups, deletions and reads while writes go on.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::ThreadId;
use std::time::Duration;

use parking_lot::Mutex;
use rollcall::clock::Clock;
use rollcall::contact::identity::Identifier;
use rollcall::contact::*;
use rollcall::engine::{self, Actor, Engine, Error};
use rollcall::store::{Batch, Entry, Failure, MemoryStore, Records, Store, StoreError};
use serde_json::{Map, Value as Json, json};

use crate::support::{api, settings};

type Hook = Box<dyn FnMut(usize) + Send>;

/// A store that calls back before and after each read of one thread, and tells of each batch it has applied.
#[derive(Default)]
struct Watched {
    inner: MemoryStore,
    reads: Mutex<Option<(ThreadId, usize, Hook)>>,
    applied: Mutex<Option<SyncSender<()>>>,
}

impl Watched {
    /// From now on calls `hook` with 1 before the first read of this thread, 2 after it, 3 before the second, and so on.
    fn around_reads(&self, hook: impl FnMut(usize) + Send + 'static) {
        *self.reads.lock() = Some((std::thread::current().id(), 0, Box::new(hook)));
    }

    /// The next batch waits, once it can be read, until this has received twice or is dropped.
    fn applied(&self) -> Receiver<()> {
        let (tell, told) = sync_channel(0);
        *self.applied.lock() = Some(tell);
        told
    }

    fn reading(&self) {
        let mut place = self.reads.lock();
        if let Some((thread, mut number, mut hook)) =
            place.take_if(|(thread, ..)| *thread == std::thread::current().id())
        {
            drop(place);
            number += 1;
            hook(number);
            *self.reads.lock() = Some((thread, number, hook));
        }
    }
}

impl Store for Watched {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.reading();
        let read = self.inner.get(key);
        self.reading();
        read
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.reading();
        let read = self.inner.scan(from, to, limit);
        self.reading();
        read
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        let done = self.inner.apply(batch);
        let waiting = self.applied.lock().take();
        if let Some(tell) = waiting {
            let _ = tell.send(()).and_then(|()| tell.send(()));
        }
        done
    }

    fn read_only(&self) -> Option<String> {
        self.inner.read_only()
    }

    fn disk_bytes(&self) -> u64 {
        0
    }
}

fn open(store: Arc<dyn Store>) -> Arc<Engine> {
    Engine::open(store, None, settings::shipped(), Clock::fixed(1_700_000_000_000)).expect("opens")
}

fn fields(json: Json) -> Map<String, Json> {
    json.as_object().expect("an object").clone()
}

fn id(id: u32) -> Identifier {
    Identifier::Id(ContactId(id))
}

fn operator(engine: &Engine) -> Actor {
    Actor::operator(api::workspace(engine, "one"))
}

#[test]
fn a_backup_misses_no_change_made_while_it_catches_up() {
    for moment in 3..26 {
        let store = Arc::new(Watched::default());
        let engine = open(store.clone());
        let actor = operator(&engine);
        engine.create_contact(&actor, &fields(json!({"firstName": "before"}))).expect("created");
        let (writer, by) = (engine.clone(), actor.clone());
        store.around_reads(move |number| {
            if number == 2 {
                let many = vec![fields(json!({"firstName": "many"})); 1001];
                writer.create_many(&by, &many, false, false).expect("created");
            }
            if number == moment {
                writer.update_contact(&by, &id(1), &fields(json!({"firstName": "after"}))).expect("updated");
            }
        });
        let mut file = Vec::new();
        engine.backup(&mut file).expect("backed up");
        *store.reads.lock() = None;
        let restored: Arc<dyn Store> = Arc::new(MemoryStore::default());
        engine::restore(&restored, &mut &file[..]).unwrap_or_else(|why| panic!("a change at read {moment}: {why}"));
    }
}

type Script = fn(&Engine, &Actor);

/// What may happen while a backup runs: 1 has taken in 2 and 3 has taken in 4 before it begins, 5 and 6 stand alone.
const SCRIPTS: [Script; 7] = [
    |engine, by| drop(engine.merge(by, &id(5), &id(6), &Map::new()).expect("merged")),
    |engine, by| drop(engine.merge(by, &id(5), &id(1), &Map::new()).expect("merged")),
    |engine, by| drop(engine.unmerge(by, &id(1), ContactId(2)).expect("given back")),
    |engine, by| assert_eq!(engine.delete_contact(by, &id(4)).expect("deleted").value.0, 3),
    |engine, by| {
        engine.unmerge(by, &id(1), ContactId(2)).expect("given back");
        engine.delete_contact(by, &id(1)).expect("deleted");
    },
    |engine, by| {
        engine.merge(by, &id(6), &id(3), &Map::new()).expect("merged");
        engine.delete_contact(by, &id(6)).expect("deleted");
    },
    |engine, by| {
        engine.unmerge(by, &id(1), ContactId(2)).expect("given back");
        engine.record(by, &id(2), comment()).expect("recorded");
        engine.merge(by, &id(6), &id(2), &Map::new()).expect("merged");
    },
];

#[test]
fn a_backup_has_what_is_merged_and_given_back_while_it_runs() {
    for (place, script) in SCRIPTS.into_iter().enumerate() {
        for (moment, many) in (1..22).map(|moment| (moment, false)).chain([(5, true), (9, true), (15, true)]) {
            let store = Arc::new(Watched::default());
            let engine = open(store.clone());
            let actor = operator(&engine);
            for who in 1..7 {
                engine.create_contact(&actor, &fields(json!({"firstName": "x"}))).expect("created");
                engine.record(&actor, &id(who), comment()).expect("recorded");
            }
            for (one, two) in [(1, 2), (3, 4)] {
                engine.merge(&actor, &id(one), &id(two), &Map::new()).expect("merged");
            }
            let before = seen(&engine, &actor);
            let (writer, by) = (engine.clone(), actor.clone());
            store.around_reads(move |number| {
                if number == 2 && many {
                    let many = vec![fields(json!({"firstName": "many"})); 1001];
                    writer.create_many(&by, &many, false, false).expect("created");
                }
                if number == moment {
                    script(&writer, &by);
                }
            });
            let mut file = Vec::new();
            engine.backup(&mut file).expect("backed up");
            *store.reads.lock() = None;
            let restored: Arc<dyn Store> = Arc::new(MemoryStore::default());
            engine::restore(&restored, &mut &file[..]).expect("restored");
            let restored = open(restored);
            let what = format!("script {place} at read {moment}");
            assert_eq!(restored.verify(actor.workspace).expect("verified").problems, [""; 0], "{what}");
            // Once the workspace is written, what happens is too late to be in it.
            let seen = seen(&restored, &actor);
            assert!(seen == self::seen(&engine, &actor) || moment > 16 && seen == before, "{what}");
        }
    }
}

/// The six contacts and the numbers of their histories.
fn seen(engine: &Engine, actor: &Actor) -> Vec<(Option<Contact>, Vec<u64>)> {
    let one = |who: u32| {
        let contact = engine.contact(actor.workspace, &id(who), None).ok().map(|found| (*found.value).clone());
        let history = engine.history(actor.workspace, &id(who), None, 99).unwrap_or_default();
        (contact, history.iter().map(|entry| entry.0).collect())
    };
    (1..7).map(one).collect()
}

fn lines(engine: &Engine) -> Vec<String> {
    let mut file = Vec::new();
    engine.backup(&mut file).expect("backed up");
    let text = String::from_utf8(zstd::decode_all(&file[..]).expect("unpacks")).expect("text");
    text.lines().map(String::from).collect()
}

/// Restores the lines, the last of which is written anew.
fn restore(mut lines: Vec<String>) -> Result<Arc<dyn Store>, Error> {
    lines.pop();
    lines.push(json!({ "end": lines.len() }).to_string());
    let file = zstd::encode_all((lines.join("\n") + "\n").as_bytes(), 1).expect("packs");
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    engine::restore(&store, &mut &file[..]).map(|_| store)
}

#[test]
fn a_contact_made_and_deleted_during_a_backup_leaves_no_history_in_it() {
    let engine = open(Arc::new(MemoryStore::default()));
    let actor = operator(&engine);
    engine.create_contact(&actor, &fields(json!({"firstName": "gone"}))).expect("created");
    engine.record(&actor, &id(1), comment()).expect("recorded");
    let history = lines(&engine).into_iter().find(|line| line.starts_with(r#"{"history""#)).expect("a history");
    engine.delete_contact(&actor, &id(1)).expect("deleted");
    let mut backup = lines(&engine);
    backup.splice(1..1, [history, format!(r#"{{"gone":[{},1]}}"#, actor.workspace)]);
    let records = Records::new(restore(backup).expect("restored"));
    assert!(records.interactions(actor.workspace, ContactId(1), None, 10).expect("read").is_empty());
}

fn comment() -> Interaction {
    let (kind, text) = (InteractionKind::Comment, Some("said".into()));
    Interaction { kind, at: 5, channel: None, author: None, text }
}

#[test]
fn a_restore_refuses_what_belongs_to_no_workspace_of_the_file() {
    let engine = open(Arc::new(MemoryStore::default()));
    let actor = operator(&engine);
    engine.create_contact(&actor, &fields(json!({"firstName": "a"}))).expect("created");
    api::token(&engine, actor.workspace, api::user("Ann", Role::Owner));
    let backup = lines(&engine);
    assert!(restore(backup.clone()).is_ok());
    for kind in [r#"{"token""#, r#"{"contact""#] {
        let mut strange = backup.clone();
        let line = strange.iter().find(|line| line.starts_with(kind)).expect("a line").clone();
        let line = line.replace(r#""workspace":1"#, r#""workspace":7"#).replace(r#""contact":[1,"#, r#""contact":[7,"#);
        assert!(!backup.contains(&line));
        strange.insert(1, line);
        assert!(restore(strange).is_err(), "{kind} of a workspace that is not in the file");
    }
}

#[test]
fn a_backup_altered_anywhere_is_refused() {
    let engine = open(Arc::new(MemoryStore::default()));
    let actor = operator(&engine);
    engine.create_contact(&actor, &fields(json!({"firstName": "a"}))).expect("created");
    engine.record(&actor, &id(1), comment()).expect("recorded");
    api::token(&engine, actor.workspace, api::user("Ann", Role::Owner));
    let mut file = Vec::new();
    engine.backup(&mut file).expect("backed up");
    let whole = zstd::decode_all(&file[..]).expect("unpacks");
    for at in 0..file.len() {
        let mut altered = file.clone();
        altered[at] ^= 4;
        let same = zstd::decode_all(&altered[..]).is_ok_and(|text| text == whole);
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        assert!(same || engine::restore(&store, &mut &altered[..]).is_err(), "byte {at} of {}", file.len());
    }
}

#[test]
fn a_tag_deleted_while_it_is_given_dangles_nowhere() {
    let engine = open(Arc::new(MemoryStore::default()));
    let actor = operator(&engine);
    let many = vec![fields(json!({"firstName": "a"})); 30];
    engine.create_many(&actor, &many, false, false).expect("created");
    for round in 0..20 {
        let tag = Tag { id: TagId(0), name: format!("t{round}"), description: None, emoji: None, color: None };
        let tag = engine.put_tag(actor.workspace, tag).expect("made").value;
        std::thread::scope(|scope| {
            for from in [1, 16] {
                let (engine, actor, name) = (&engine, &actor, tag.name.clone());
                scope.spawn(move || {
                    for contact in from..from + 15 {
                        engine.add_tags(actor, &id(contact), std::slice::from_ref(&name)).expect("tagged");
                    }
                });
            }
            engine.delete_tag(actor.workspace, tag.id).expect("deleted");
        });
        let catalog = engine.catalog(actor.workspace).expect("a catalog");
        for contact in engine.contacts_after(actor.workspace, ContactId(0), 100).expect("read") {
            assert!(contact.tags.iter().all(|tag| catalog.tags.contains_key(tag)), "round {round}");
        }
    }
}

/// An engine whose contact 1 is in the store and the index, and not in the cache.
fn cold(store: &Arc<Watched>) -> (Arc<Engine>, Actor) {
    let engine = open(store.clone());
    let actor = operator(&engine);
    engine.create_contact(&actor, &fields(json!({"firstName": "before"}))).expect("created");
    engine.close().expect("closed");
    let engine = open(store.clone());
    engine.catalog(actor.workspace).expect("awake");
    (engine, actor)
}

fn first_name(engine: &Engine, actor: &Actor) -> Option<String> {
    engine.contact(actor.workspace, &id(1), None).expect("there").value.first_name.clone()
}

#[test]
fn a_read_that_meets_a_write_sees_what_was_before_it() {
    let store = Arc::new(Watched::default());
    let (engine, actor) = cold(&store);
    let (told, writer, by) = (Mutex::new(Some(store.applied())), engine.clone(), actor.clone());
    let writing = Arc::new(Mutex::new(None));
    let place = writing.clone();
    store.around_reads(move |_| {
        if let Some(told) = told.lock().take() {
            let (writer, by) = (writer.clone(), by.clone());
            *place.lock() = Some(std::thread::spawn(move || writer.delete_contact(&by, &id(1))));
            told.recv().expect("applied");
        }
    });
    assert_eq!(first_name(&engine, &actor).as_deref(), Some("before"));
    let writing = writing.lock().take().expect("it wrote");
    writing.join().expect("no panic").expect("deleted");
    assert!(engine.contact(actor.workspace, &id(1), None).is_err());
}

#[test]
fn a_history_that_meets_a_write_shows_what_was_before_it() {
    let store = Arc::new(Watched::default());
    let (engine, actor) = cold(&store);
    engine.record(&actor, &id(1), comment()).expect("recorded");
    let (told, writer, by) = (Mutex::new(Some(store.applied())), engine.clone(), actor.clone());
    store.around_reads(move |_| {
        if let Some(told) = told.lock().take() {
            let (writer, by) = (writer.clone(), by.clone());
            std::thread::spawn(move || writer.record(&by, &id(1), comment()));
            told.recv().expect("applied");
        }
    });
    let history = engine.history(actor.workspace, &id(1), None, 10).expect("a history");
    assert_eq!(history.len(), 1, "an entry is shown before its version");
}

#[test]
fn a_read_that_meets_a_rebuild_leaves_nothing_old_behind() {
    let store = Arc::new(Watched::default());
    let (engine, actor) = cold(&store);
    let (tell, told) = channel();
    let (writer, by, told) = (engine.clone(), actor.clone(), Mutex::new(told));
    let writing = Arc::new(Mutex::new(None));
    let place = writing.clone();
    store.around_reads(move |number| {
        if number == 2 {
            let (writer, by, tell) = (writer.clone(), by.clone(), tell.clone());
            *place.lock() = Some(std::thread::spawn(move || {
                writer.rebuild(by.workspace).expect("rebuilt");
                writer.update_contact(&by, &id(1), &fields(json!({"firstName": "after"}))).expect("updated");
                let _ = tell.send(());
            }));
            let _ = told.lock().recv_timeout(Duration::from_millis(100));
        }
    });
    first_name(&engine, &actor);
    let writing = writing.lock().take().expect("it wrote");
    writing.join().expect("no panic");
    assert_eq!(first_name(&engine, &actor).as_deref(), Some("after"));
    assert_eq!(engine.verify(actor.workspace).expect("verifies").problems, Vec::<String>::new());
}

#[test]
fn a_rebuild_does_not_bring_out_what_was_never_acknowledged() {
    let store = Arc::new(MemoryStore::default());
    let engine = open(store.clone());
    let actor = operator(&engine);
    engine.create_contact(&actor, &fields(json!({"firstName": "before"}))).expect("created");
    store.fail_next(Failure::Sync);
    engine.update_contact(&actor, &id(1), &fields(json!({"firstName": "after"}))).expect_err("no sync");
    engine.rebuild(actor.workspace).expect_err("the store is not to be trusted");
    assert_eq!(first_name(&engine, &actor).as_deref(), Some("before"));
}

#[test]
fn making_a_token_keeps_nobody_else_waiting() {
    let store = Arc::new(Watched::default());
    let engine = open(store.clone());
    let actor = operator(&engine);
    let secret = api::token(&engine, actor.workspace, api::user("Ann", Role::Owner));
    let told = store.applied();
    let (tell, known) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| engine.create_token(actor.workspace, UserId(1), "slow", None).expect("made"));
        told.recv().expect("being written");
        scope.spawn(|| tell.send(engine.authenticate(&secret).is_some()));
        let known = known.recv_timeout(Duration::from_secs(2));
        drop(told);
        assert_eq!(known, Ok(true));
    });
}

#[test]
fn a_stage_may_stand_at_the_last_position_there_is() {
    let engine = open(Arc::new(MemoryStore::default()));
    let ws = operator(&engine).workspace;
    let stage = |name: &str, position| Stage { id: StageId(0), name: name.into(), position };
    engine.put_stage(ws, stage("last", u32::MAX)).expect("made");
    engine.put_stage(ws, stage("next", 0)).expect("made");
}

#[test]
fn nothing_that_is_defined_is_too_large_for_the_store() {
    let engine = open(Arc::new(MemoryStore::default()));
    let ws = operator(&engine).workspace;
    let huge = || Some("x".repeat(2 << 20));
    let tag = |emoji, color| Tag { id: TagId(0), name: "t".into(), description: None, emoji, color };
    let user = User { team: huge(), ..api::user("Ann", Role::Owner) };
    assert!(matches!(engine.put_tag(ws, tag(huge(), None)), Err(Error::Invalid(_))));
    assert!(matches!(engine.put_tag(ws, tag(None, huge())), Err(Error::Invalid(_))));
    assert!(matches!(engine.put_user(ws, user), Err(Error::Invalid(_))));
    engine.put_user(ws, api::user("Ann", Role::Owner)).expect("made");
    let name = "x".repeat(2 << 20);
    assert!(matches!(engine.create_token(ws, UserId(1), &name, None), Err(Error::Invalid(_))));
}
