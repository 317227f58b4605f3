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
    Actor { workspace: api::workspace(engine, "one"), user: None }
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
