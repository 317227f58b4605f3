//! Sixteen threads write and search at once: what a write was acknowledged for, the writer's next query shows.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rollcall::clock::Clock;
use rollcall::contact::identity::Identifier;
use rollcall::contact::*;
use rollcall::engine::{Actor, Engine, Error, NewField, NewWorkspace, Query, Sort};
use rollcall::store::{MemoryStore, SledSettings, SledStore, Store};
use serde_json::{Map, Value as Json, json};

use crate::support::settings;

const THREADS: usize = 16;
/// Writes followed by their query, in all.
const PAIRS: u64 = 20_000;
/// Custom fields that one thread makes.
const FIELDS: usize = 5;
const START: Millis = 1_767_225_600_000;

fn engine(store: Arc<dyn Store>, folder: &Path) -> (Arc<Engine>, Actor, ChannelId) {
    let engine = Engine::open(store, Some(&folder.join("index")), settings::small(), Clock::system()).expect("opens");
    let new = NewWorkspace {
        name: "Zero".into(),
        default_country: Some("MY".into()),
        timezone: "Asia/Kuala_Lumpur".into(),
        locale: "en".into(),
    };
    let ws = engine.create_workspace(new).expect("a workspace").id;
    let channel = Channel { id: ChannelId(0), name: "Main".into(), source: "whatsapp".into() };
    let channel = engine.put_channel(ws, channel).expect("a channel").value.id;
    (engine, Actor { workspace: ws, user: None }, channel)
}

fn fields(json: Json) -> Map<String, Json> {
    json.as_object().expect("an object").clone()
}

/// One of the threads.
struct Caller<'a> {
    engine: &'a Engine,
    actor: &'a Actor,
    channel: ChannelId,
    number: usize,
    pairs: &'a AtomicU64,
}

impl Caller<'_> {
    /// Counts a write that was acknowledged.
    fn done<T>(&self, written: Result<T, Error>) -> T {
        self.pairs.fetch_add(1, Ordering::Relaxed);
        written.expect("the write is done")
    }

    fn found(&self, query: Query) -> Vec<u32> {
        let page = self.engine.search(self.actor, &query).expect("an answer");
        page.contacts.iter().map(|contact| contact.id.0).collect()
    }

    fn searched(&self, text: &str) -> Vec<u32> {
        self.found(Query { search: Some(text.into()), ..Query::default() })
    }

    fn filtered(&self, field: &str, operator: &str, value: Json) -> Vec<u32> {
        let filter = Some(json!({"field": field, "operator": operator, "value": value}));
        self.found(Query { filter, ..Query::default() })
    }

    /// A contact's life, each write followed by the queries that must show it.
    fn life(&self, round: usize) {
        let (me, unique) = (self.number, format!("u{}x{round}x", self.number));
        let email = format!("{unique}@example.com");
        let phone = format!("+6011{:08}", me * 1_000_000 + round);
        let tag = format!("caller {me}");
        let new = json!({"firstName": unique, "email": email, "phone": phone, "tags": [tag, unique]});
        let id = self.done(self.engine.create_contact(self.actor, &fields(new))).value.id;
        match round % 4 {
            0 => assert_eq!(self.searched(&unique), [id.0], "created, by name"),
            1 => assert_eq!(
                self.filtered("email", "isEqualTo", json!(email.to_uppercase())),
                [id.0],
                "created, by e-mail"
            ),
            2 => assert_eq!(self.searched(&phone[3..]), [id.0], "created, by phone"),
            _ => assert_eq!(self.filtered("tags", "hasAnyOf", json!([unique])), [id.0], "created, by tag"),
        }
        self.rename(id, &unique);
        self.message(id, round, &tag);
        self.tag(id, &unique);
        if round < FIELDS {
            self.new_field(id, round);
        }
        if !round.is_multiple_of(16) {
            self.done(self.engine.delete_contact(self.actor, &Identifier::Id(id)));
            assert!(self.filtered("id", "isEqualTo", json!(id.0)).is_empty(), "deleted, by id");
            assert!(self.searched(&unique).is_empty(), "deleted, by search");
        }
    }

    fn rename(&self, id: ContactId, unique: &str) {
        let renamed = format!("Ré{}", unique.replace('x', "q"));
        let change = fields(json!({"firstName": renamed, "lastName": "Žižek"}));
        self.done(self.engine.update_contact(self.actor, &Identifier::Id(id), &change));
        assert_eq!(self.searched(&format!("zizek {}", renamed.to_uppercase())), [id.0], "renamed, the new name");
        assert!(self.filtered("firstName", "isEqualTo", json!(unique)).is_empty(), "renamed, the old name");
    }

    fn message(&self, id: ContactId, round: usize, tag: &str) {
        let at = START + (round * THREADS + self.number) as i64 * 60_000;
        let kind = InteractionKind::IncomingMessage;
        let message = Interaction { kind, at, channel: Some(self.channel), author: None, text: None };
        self.done(self.engine.record(self.actor, &Identifier::Id(id), message));
        let sort = vec![Sort { field: "lastMessageAt".into(), descending: true, missing_first: false }];
        let own = Some(json!({"field": "tags", "operator": "hasAnyOf", "value": [tag]}));
        let newest = self.found(Query { filter: own, sort, limit: Some(1), ..Query::default() });
        assert_eq!(newest, [id.0], "a message moves its contact to the top");
        let exactly = json!({"from": at, "to": at});
        assert_eq!(
            self.filtered("lastIncomingMessageAt", "isTimestampBetween", exactly),
            [id.0],
            "a message, by its time"
        );
    }

    fn tag(&self, id: ContactId, unique: &str) {
        let name = format!("late {unique}");
        self.done(self.engine.add_tags(self.actor, &Identifier::Id(id), std::slice::from_ref(&name)));
        assert_eq!(self.filtered("tags", "hasAllOf", json!([name.to_uppercase()])), [id.0], "tagged");
        self.done(self.engine.remove_tags(self.actor, &Identifier::Id(id), std::slice::from_ref(&name)));
        assert!(self.filtered("tags", "hasAnyOf", json!([name])).is_empty(), "untagged");
    }

    fn new_field(&self, id: ContactId, round: usize) {
        let slug = format!("f{}_{round}", self.number);
        let new = NewField {
            name: slug.clone(),
            slug: Some(slug.clone()),
            description: None,
            data_type: DataType::Number,
            allowed_values: Vec::new(),
            searchable: false,
        };
        self.done(self.engine.create_field(self.actor.workspace, new));
        assert!(self.filtered(&slug, "exists", Json::Null).is_empty(), "a new field is empty");
        let change = fields(json!({"customFields": {slug.as_str(): 4.5}}));
        self.done(self.engine.update_contact(self.actor, &Identifier::Id(id), &change));
        assert_eq!(self.filtered(&slug, "isGreaterThan", json!(4)), [id.0], "a value of a new field");
    }
}

fn run(store: Arc<dyn Store>, pairs_wanted: u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (engine, actor, channel) = engine(store, folder.path());
    let pairs = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for number in 0..THREADS {
            let (engine, actor, pairs) = (&*engine, &actor, &pairs);
            scope.spawn(move || {
                let caller = Caller { engine, actor, channel, number, pairs };
                let mut round = 0;
                while pairs.load(Ordering::Relaxed) < pairs_wanted {
                    caller.life(round);
                    round += 1;
                }
            });
        }
    });
    let report = engine.verify(actor.workspace).expect("verified");
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    println!("measured zero lag: {} writes, each found by the next query", pairs.load(Ordering::Relaxed));
}

#[test]
fn what_is_acknowledged_on_disk_is_found_by_the_next_query() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = SledSettings { cache_bytes: 16 << 20, flush_every_ms: 500 };
    run(Arc::new(SledStore::open(&folder.path().join("store"), settings).expect("opens")), PAIRS / 2);
}

#[test]
fn what_is_acknowledged_in_memory_is_found_by_the_next_query() {
    run(Arc::new(MemoryStore::default()), PAIRS / 2);
}
