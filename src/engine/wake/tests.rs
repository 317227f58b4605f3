//! What a text index lacks after a restart, whatever was written since.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::clock::Clock;
use crate::config::Config;
use crate::contact::identity::Identifier;
use crate::contact::{ContactId, WorkspaceId};
use crate::engine::{Actor, Engine, NewWorkspace, Query, flush};
use crate::store::{MemoryStore, Store};

fn open(store: &Arc<dyn Store>, folder: &Path) -> Arc<Engine> {
    let mut settings = Config::defaults().expect("the compiled-in defaults are sound").engine;
    (settings.text_index_contacts_min, settings.text_scan_max, settings.checkpoint_contacts_min) = (1, 0, 1);
    // Nothing is flushed but what a test flushes, and no change is kept that nothing needs.
    (settings.text_flush_rows, settings.changes_kept_min) = (usize::MAX, 0);
    Engine::open(store.clone(), Some(folder), settings, Clock::fixed(0)).expect("opens")
}

fn fields(fields: Json) -> Map<String, Json> {
    fields.as_object().cloned().expect("an object")
}

struct World {
    store: Arc<dyn Store>,
    folder: tempfile::TempDir,
    engine: Arc<Engine>,
    ws: WorkspaceId,
}

impl World {
    /// Ten contacts, all of them flushed and in a checkpoint.
    fn new() -> World {
        let (store, folder) = (Arc::new(MemoryStore::default()) as Arc<dyn Store>, tempfile::tempdir().unwrap());
        let engine = open(&store, folder.path());
        let new = NewWorkspace { name: "w".into(), default_country: None, timezone: "UTC".into(), locale: "en".into() };
        let ws = engine.create_workspace(new).expect("a workspace").id;
        let many: Vec<_> = (0..10).map(|at| fields(json!({"firstName": format!("Anna{at}")}))).collect();
        engine.create_many(&Actor::operator(ws), &many, true, true).expect("contacts");
        engine.checkpoint(ws).expect("a checkpoint");
        World { store, folder, engine, ws }
    }

    fn named(&self, row: u32, name: &str) {
        let who = Identifier::Id(ContactId(row));
        self.engine
            .update_contact(&Actor::operator(self.ws), &who, &fields(json!({"firstName": name})))
            .expect("named");
    }

    fn tagged(&self, rows: std::ops::RangeInclusive<u32>) {
        for row in rows {
            let who = Identifier::Id(ContactId(row));
            self.engine.add_tags(&Actor::operator(self.ws), &who, &["t".into()]).expect("tagged");
        }
    }

    fn flush(&self) {
        flush::flush(&self.engine.shared, &self.engine.shared.awake(self.ws).expect("awake")).expect("flushed");
    }

    fn trim(&self) {
        let workspace = self.engine.shared.awake(self.ws).expect("awake");
        crate::engine::checkpoint::trim_log(&self.engine.shared, &workspace).expect("trimmed");
    }

    /// Opened again; as after a crash unless it is closed before.
    fn again(self) -> World {
        let World { store, folder, engine, ws } = self;
        drop(engine);
        let engine = open(&store, folder.path());
        World { store, folder, engine, ws }
    }

    /// The rows the text index lacks; it is there.
    fn unflushed(&self) -> Vec<u32> {
        let workspace = self.engine.shared.awake(self.ws).expect("awake");
        let state = workspace.state.read();
        assert!(state.grams.is_some(), "the text index was not used");
        state.index.unflushed().iter().collect()
    }

    fn found(&self, search: &str) -> Vec<u32> {
        let query = Query { search: Some(search.into()), ..Query::default() };
        let page = self.engine.search(&Actor::operator(self.ws), &query).expect("a page");
        let mut ids: Vec<u32> = page.contacts.iter().map(|contact| contact.id.0).collect();
        ids.sort_unstable();
        ids
    }
}

#[test]
fn what_changed_but_no_text_is_not_looked_at_after_a_restart() {
    let world = World::new();
    world.tagged(1..=5);
    // Closed with a checkpoint that is newer than the text index, whose part of the change log is gone.
    world.engine.checkpoint(world.ws).expect("a checkpoint");
    world.trim();
    let world = world.again();
    assert_eq!(world.unflushed(), [0; 0]);
    // After a crash too: only what the text changed of.
    world.tagged(6..=10);
    world.named(3, "Berta");
    let world = world.again();
    assert_eq!(world.unflushed(), [3]);
    assert_eq!((world.found("berta"), world.found("anna2")), (vec![3], vec![]));
    // The next checkpoint knows of the row, though it was written by another process than changed it.
    world.tagged(1..=1);
    world.engine.close().expect("closes");
    let world = world.again();
    assert_eq!((world.unflushed(), world.found("berta")), (vec![3], vec![3]));
}

#[test]
fn a_text_that_was_flushed_after_the_checkpoint_and_went_again_is_not_found() {
    let world = World::new();
    world.named(4, "Berta");
    world.flush();
    world.named(4, "Anna3");
    let world = world.again();
    assert_eq!(world.unflushed(), [4]);
    assert_eq!((world.found("berta"), world.found("anna3")), (vec![], vec![4]));
}

#[test]
fn an_older_checkpoint_knows_less_and_still_tells() {
    let world = World::new();
    world.named(2, "Berta");
    world.flush();
    world.tagged(1..=3);
    world.engine.checkpoint(world.ws).expect("a checkpoint");
    world.named(5, "Carla");
    let newest = crate::engine::checkpoint::newest_first(&world.folder.path().join(world.ws.to_string()));
    assert_eq!(newest.len(), 2);
    std::fs::write(&newest[0], b"damaged").expect("written");
    let world = world.again();
    assert_eq!((world.found("berta"), world.found("carla"), world.found("anna1")), (vec![2], vec![5], vec![]));
    assert_eq!(world.engine.verify(world.ws).expect("verifies").problems, [""; 0]);
}
