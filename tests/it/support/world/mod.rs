//! A workspace with something of everything, in an engine that is written to, checkpointed, put to sleep and reopened at
//! random, with a plain copy of what it must hold beside it.

mod conditions;
mod persons;
pub mod queries;
mod segments;
mod values;
mod writes;

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use rollcall::clock::Clock;
use rollcall::contact::*;
use rollcall::engine::{Actor, Engine, NewField, NewSegment, NewWorkspace};
use rollcall::store::{MemoryStore, SledSettings, SledStore, Store};
use serde_json::json;

use super::oracle::Oracle;
use super::{seed, settings};

/// 2026-03-29T00:30:00Z: Europe sets its clocks within the hour.
const START: Millis = 1_774_744_200_000;
pub const ZONES: [&str; 6] =
    ["Asia/Kuala_Lumpur", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"];
const LOCALES: [&str; 6] = ["en", "sv", "th", "zh", "de-u-co-phonebk", "ar"];
const CACHE: SledSettings = SledSettings { cache_bytes: 16 << 20, flush_every_ms: 200 };

/// The world.
pub struct World {
    pub rng: ChaCha8Rng,
    /// `None` only while it is reopened: the store on disk is opened once at a time.
    open: Option<Arc<Engine>>,
    pub actor: Actor,
    pub clock: Clock,
    /// What the workspace must hold.
    pub contacts: BTreeMap<u32, Contact>,
    pub catalog: Arc<Catalog>,
    /// The last version that a write was answered with.
    pub version: Seq,
    /// How often each field is filled in, by a hash of its name: some dense, some sparse.
    density: u64,
    folder: tempfile::TempDir,
    /// The store in memory; `None` where it is on disk.
    memory: Option<Arc<MemoryStore>>,
}

impl World {
    /// A world of that seed with `people` contacts.
    pub fn new(seed: u64, people: usize, on_disk: bool) -> World {
        let mut rng = seed::from(seed);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let memory = (!on_disk).then(|| Arc::new(MemoryStore::default()));
        let clock = Clock::fixed(START);
        let engine = open(folder.path(), memory.as_ref(), &clock);
        let workspace = engine
            .create_workspace(NewWorkspace {
                name: "World".into(),
                default_country: Some("MY".into()),
                timezone: (*ZONES.choose(&mut rng).expect("zones")).into(),
                locale: (*LOCALES.choose(&mut rng).expect("locales")).into(),
            })
            .expect("a workspace");
        let actor = Actor::operator(workspace.id);
        let (catalog, density) = (engine.catalog(workspace.id).expect("a catalog"), rng.random());
        let (contacts, version) = (BTreeMap::new(), Seq(0));
        let mut world =
            World { rng, open: Some(engine), actor, clock, contacts, catalog, version, density, folder, memory };
        world.define();
        let half = people / 2;
        world.create(half);
        world.save_segments();
        world.create(people - half);
        world
    }

    pub fn ws(&self) -> WorkspaceId {
        self.actor.workspace
    }

    pub fn engine(&self) -> &Arc<Engine> {
        self.open.as_ref().expect("the engine is open")
    }

    /// The scan over the plain copy.
    pub fn oracle(&self) -> Oracle<'_> {
        let me = self.actor.user.as_ref().map(|user| user.id);
        Oracle::new(&self.contacts, &self.catalog, self.clock.now(), me)
    }

    /// Closes everything and opens it again.
    pub fn reopen(&mut self) {
        self.close();
        self.open = Some(open(self.folder.path(), self.memory.as_ref(), &self.clock));
    }

    fn close(&mut self) {
        self.engine().close().expect("the engine closes");
        self.open = None;
    }

    fn define(&mut self) {
        let ws = self.ws();
        let users = [("Öykü", Some("Lim"), Role::Owner), ("ana", None, Role::Manager), ("Ana", None, Role::Agent)];
        for (first_name, last_name, role) in users {
            let email = format!("{}.{role:?}@example.com", fold::search(first_name));
            let user = User { last_name: last_name.map(str::to_owned), ..User::new(first_name, email, role) };
            let user = self.engine().put_user(ws, user).expect("a user").value;
            self.actor.user.get_or_insert_with(|| Arc::new(user));
        }
        for name in ["New lead", "Hot", "Kunde"] {
            let stage = Stage { id: StageId(0), name: name.into(), position: 0 };
            self.engine().put_stage(ws, stage).expect("a stage");
        }
        for (name, source) in [("Main", "whatsapp"), ("Sales", "whatsapp"), ("Post", "email"), ("Bot", "telegram")] {
            let channel = Channel { id: ChannelId(0), name: name.into(), source: source.into() };
            self.engine().put_channel(ws, channel).expect("a channel");
        }
        let types = [DataType::Text, DataType::List, DataType::Checkbox, DataType::Email, DataType::Number];
        for data_type in types.into_iter().chain([DataType::Url, DataType::Date, DataType::Time]) {
            self.new_field(data_type);
        }
        self.refresh();
    }

    /// A custom field, usable at once.
    pub fn new_field(&mut self, data_type: DataType) {
        let text = matches!(data_type, DataType::Text | DataType::Email | DataType::Url);
        let number = self.catalog.fields.len() + self.rng.random_range(0..1_000_000);
        let choices = ["red", "Blue", "größe", "緑"].map(String::from);
        let new = NewField {
            name: format!("{data_type:?} {number}"),
            slug: None,
            description: None,
            data_type,
            allowed_values: if data_type == DataType::List { choices.into() } else { Vec::new() },
            searchable: text && self.rng.random_bool(0.7),
        };
        self.version = self.engine().create_field(self.ws(), new).expect("a field").version;
        self.refresh();
    }

    /// Segments with a custom field, with times of their own zone, and one within the other.
    fn save_segments(&mut self) {
        let field = self.catalog.fields.values().next().map(|field| field.slug.clone()).expect("a field");
        let filters = [
            json!({"field": "status", "operator": "isEqualTo", "value": "open"}),
            json!({"$or": [{"field": field, "operator": "exists"},
                {"field": "createdAt", "operator": "isTimestampAfter", "value": {"startOf": "week"}}]}),
            json!({"$not": {"field": "segment", "operator": "isMemberOf", "value": "Seg 0"}}),
        ];
        for (at, filter) in filters.into_iter().enumerate() {
            let timezone = (at == 1).then(|| "America/New_York".to_owned());
            let new = NewSegment { name: format!("Seg {at}"), filter, timezone };
            self.version = self.engine().create_segment(&self.actor, new).expect("a segment").version;
        }
        self.refresh();
    }

    fn refresh(&mut self) {
        self.catalog = self.engine().catalog(self.ws()).expect("a catalog");
    }
}

fn store(folder: &std::path::Path, memory: Option<&Arc<MemoryStore>>) -> Arc<dyn Store> {
    match memory {
        Some(memory) => memory.clone(),
        None => Arc::new(SledStore::open(&folder.join("store"), CACHE).expect("the store opens")),
    }
}

fn open(folder: &std::path::Path, memory: Option<&Arc<MemoryStore>>, clock: &Clock) -> Arc<Engine> {
    let index = folder.join("index");
    let engine = Engine::open(store(folder, memory), Some(&index), settings::small(), clock.clone());
    engine.expect("the engine opens")
}
