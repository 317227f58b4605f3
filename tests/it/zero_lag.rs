//! What is acknowledged is in the very next answer: many threads write and ask at once, while text flushes,
//! checkpoints, log trims and rebuilds go on under them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rollcall::clock::Clock;
use rollcall::config::Config;
use rollcall::contact::identity::Identifier;
use rollcall::contact::{Channel, ChannelId, Contact, ContactId, Interaction, InteractionKind, Millis};
use rollcall::engine::{Actor, Engine, Error, NewWorkspace, Query, Recorded, Sort};
use rollcall::store::SledStore;
use serde_json::{Map, Value as Json, json};

use crate::store_suite::SETTINGS;
use crate::support::seed;

const THREADS: u32 = 16;
/// Writes of one thread's turn, each followed at once by questions.
const WRITES_PER_TURN: u32 = 5;
/// Contacts a thread keeps before it deletes its oldest.
const KEPT: usize = 10;
const TAGS: u32 = 12;
const NOW: Millis = 1_700_000_000_000;
/// Names in several scripts, so that every folding is in the race.
const NAMES: [&str; 5] = ["Óscar", "Дмитрий", "عمر", "美玲", "สมชาย"];

#[test]
fn sixteen_threads_find_what_they_wrote_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(folder.path());
    let (actor, channel) = workspace(&engine);
    let pairs = seed::rounds("ROLLCALL_ZERO_LAG_WRITES", 20_000);
    let turns = pairs.div_ceil(THREADS * WRITES_PER_TURN);
    let (asked, done) = (AtomicU32::new(0), AtomicBool::new(false));
    let upkeep = std::thread::scope(|scope| {
        let upkeep = scope.spawn(|| disturb(&engine, &actor, &done));
        let writers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let mut writer = Writer { engine: &engine, actor: &actor, channel, thread, kept: VecDeque::new() };
                let asked = &asked;
                scope.spawn(move || (0..turns).for_each(|turn| writer.turn(turn, asked)))
            })
            .collect();
        let outcomes: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Ordering::Relaxed);
        outcomes.into_iter().for_each(|outcome| outcome.expect("a writer missed something"));
        upkeep.join().expect("upkeep went through")
    });
    println!("measured zero lag: {} writes searched at once, {upkeep:?}", asked.load(Ordering::Relaxed));
    assert!(asked.load(Ordering::Relaxed) >= pairs);
    let problems = |engine: &Engine| engine.verify(actor.workspace).expect("verifies").problems;
    assert_eq!(problems(&engine), Vec::<String>::new());
    engine.close().expect("closes");
    drop(engine);
    let engine = open(folder.path());
    let all = engine.count(&actor, &Query::default()).expect("counts").value;
    assert_eq!(all, u64::from(THREADS) * KEPT.min(turns as usize) as u64 + FILLERS);
    assert_eq!(problems(&engine), Vec::<String>::new());
}

/// Contacts that are there from the beginning, so that the workspace is large enough for a text index.
const FILLERS: u64 = 200;

fn open(folder: &std::path::Path) -> Arc<Engine> {
    let mut settings = Config::defaults().expect("the defaults are sound").engine;
    settings.text_index_contacts_min = 50;
    settings.text_flush_rows = 20;
    settings.checkpoint_changes = 100;
    settings.checkpoint_contacts_min = 50;
    settings.changes_kept_min = 50;
    settings.sleep_after_s = 1_000_000;
    // Small, so that contacts are read from the store as well.
    settings.record_cache_bytes = 64 << 10;
    let store = Arc::new(SledStore::open(&folder.join("store"), SETTINGS).expect("the store opens"));
    Engine::open(store, Some(&folder.join("index")), settings, Clock::fixed(NOW)).expect("the engine opens")
}

fn workspace(engine: &Engine) -> (Actor, ChannelId) {
    let new = NewWorkspace {
        name: "one".into(),
        default_country: Some("MY".into()),
        timezone: "Asia/Kuala_Lumpur".into(),
        locale: "en".into(),
    };
    let actor = Actor::operator(engine.create_workspace(new).expect("a workspace").id);
    let channel = Channel { id: ChannelId(0), name: "Main".into(), source: "whatsapp".into() };
    let channel = engine.put_channel(actor.workspace, channel).expect("a channel").value.id;
    let fillers: Vec<_> = (0..FILLERS).map(|at| fields(json!({"firstName": format!("Filler {at}")}))).collect();
    let created = engine.create_many(&actor, &fillers, false, false).expect("fillers").value;
    assert!(created.iter().all(Result::is_ok));
    (actor, channel)
}

#[derive(Debug, Default)]
struct Upkeep {
    checkpoints: u32,
    verified: u32,
    rebuilt: u32,
}

/// What a server does of itself, and what an operator may ask of it, as often as it will go.
fn disturb(engine: &Engine, actor: &Actor, done: &AtomicBool) -> Upkeep {
    let mut upkeep = Upkeep::default();
    while !done.load(Ordering::Relaxed) {
        engine.checkpoint(actor.workspace).expect("a checkpoint");
        upkeep.checkpoints += 1;
        if upkeep.checkpoints.is_multiple_of(5) {
            let problems = engine.verify(actor.workspace).expect("verifies").problems;
            assert_eq!(problems, Vec::<String>::new(), "under way");
            upkeep.verified += 1;
        }
        if upkeep.checkpoints.is_multiple_of(16) {
            engine.rebuild(actor.workspace).expect("rebuilt");
            upkeep.rebuilt += 1;
        }
    }
    upkeep
}

fn fields(json: Json) -> Map<String, Json> {
    json.as_object().expect("an object").clone()
}

fn is(field: &str, operator: &str, value: impl Into<Json>) -> Json {
    json!({"field": field, "operator": operator, "value": value.into()})
}

/// What one contact of a writer is called.
struct Known {
    id: ContactId,
    token: String,
    email: String,
    phone: String,
    tag: String,
}

struct Writer<'a> {
    engine: &'a Engine,
    actor: &'a Actor,
    channel: ChannelId,
    thread: u32,
    /// Oldest first.
    kept: VecDeque<Known>,
}

impl Writer<'_> {
    fn turn(&mut self, turn: u32, asked: &AtomicU32) {
        let known = self.create(turn);
        let known = self.rename(known, turn);
        self.retag(&known);
        self.message(&known, turn);
        self.kept.push_back(known);
        if self.kept.len() > KEPT {
            self.delete();
        } else {
            self.rename_back();
        }
        asked.fetch_add(WRITES_PER_TURN, Ordering::Relaxed);
    }

    fn create(&self, turn: u32) -> Known {
        let thread = self.thread;
        let token = format!("w{thread:02}k{turn:05}z");
        let (email, tag) = (format!("{token}@Example.org"), format!("t{thread}-{}", turn % TAGS));
        let phone = format!("+6012{}", 3_000_000 + thread * 100_000 + turn);
        let name = format!("{} x{token}", NAMES[turn as usize % NAMES.len()]);
        let new = json!({"firstName": name, "email": email, "phone": phone, "tags": [tag, self.own_tag()]});
        let (earlier, tagged) = (self.living(), self.tagged(&tag));
        let made = self.engine.create_contact(self.actor, &fields(new)).expect("created").value;
        let known = Known { id: made.id, token, email, phone, tag };
        let only = [known.id];
        self.found(&known.token[1..9], &only);
        self.found(&known.email.to_uppercase(), &only);
        self.found(&known.phone[3..], &only);
        self.found(&format!("0{}", &known.phone[3..]), &only);
        self.matching(is("email", "isEqualTo", known.email.to_lowercase()), &only);
        self.matching(is("phone", "endsWith", &known.phone[5..]), &only);
        self.counted(is("tags", "hasAnyOf", json!([known.tag])), tagged + 1);
        self.counted(is("tags", "hasAllOf", json!([self.own_tag()])), earlier + 1);
        self.got(&known, &made);
        known
    }

    /// The old name and e-mail are gone, the new ones are there.
    fn rename(&self, old: Known, turn: u32) -> Known {
        let token = format!("v{}y", &old.token[1..9]);
        let known = Known { email: format!("{token}@example.net"), token, ..old };
        let change = json!({"firstName": format!("Neu {}", known.token), "lastName": NAMES[turn as usize % 5],
            "email": known.email});
        let made = self.engine.update_contact(self.actor, &Identifier::Id(known.id), &fields(change));
        let made = made.expect("updated").value;
        self.found(&old.token, &[]);
        self.found(&known.token[..9], &[known.id]);
        self.matching(is("email", "startsWith", &old.token[..]), &[]);
        self.matching(is("firstName", "endsWith", &known.token[..]), &[known.id]);
        self.absent(&Identifier::parse(&format!("email:{}", old.email), None).expect("an identifier"));
        self.got(&known, &made);
        known
    }

    fn retag(&self, known: &Known) {
        let who = Identifier::Id(known.id);
        let both = json!({"$and": [is("tags", "hasAllOf", json!(["Late", self.own_tag()])),
            is("firstName", "contains", &known.token[..])]});
        self.engine.add_tags(self.actor, &who, &["late".into()]).expect("tagged");
        self.matching(both.clone(), &[known.id]);
        self.engine.remove_tags(self.actor, &who, &["LATE".into()]).expect("untagged");
        self.matching(both, &[]);
    }

    /// A newer message than all before puts its contact first, and moves its times.
    fn message(&self, known: &Known, turn: u32) {
        let at = NOW - 10_000_000 + i64::from(turn) * 20 + i64::from(self.thread);
        let message = Interaction {
            kind: InteractionKind::IncomingMessage,
            at,
            channel: Some(self.channel),
            author: None,
            text: Some("hi".into()),
        };
        let recorded = self.engine.record(self.actor, &Identifier::Id(known.id), message).expect("recorded").value;
        let Recorded::Stored { contact, .. } = recorded else { panic!("an unblocked contact's message is stored") };
        let own = is("tags", "hasAnyOf", json!([self.own_tag()]));
        let newest = Query { filter: Some(own.clone()), limit: Some(1), ..Query::default() };
        assert_eq!(self.ids(&newest), [known.id], "first by default");
        let asked = Sort { field: "lastMessageAt".into(), descending: true, missing_first: false };
        assert_eq!(self.ids(&Query { sort: vec![asked], ..newest }), [known.id], "first by the time of its message");
        let within = is("lastIncomingMessageAt", "isTimestampBetween", json!({"from": at, "to": at}));
        self.matching(json!({"$and": [within, own]}), &[known.id]);
        self.got(known, &contact);
    }

    fn delete(&mut self) {
        let Some(gone) = self.kept.pop_front() else { return };
        let tagged = self.tagged(&gone.tag);
        self.engine.delete_contact(self.actor, &Identifier::Id(gone.id)).expect("deleted");
        self.found(&gone.token[..9], &[]);
        self.found(&gone.phone[3..], &[]);
        self.matching(is("email", "isEqualTo", &gone.email[..]), &[]);
        self.counted(is("tags", "hasAnyOf", json!([gone.tag])), tagged);
        self.counted(is("tags", "hasAnyOf", json!([self.own_tag()])), self.living());
        self.absent(&Identifier::Id(gone.id));
        self.absent(&Identifier::parse(&format!("phone:{}", gone.phone), None).expect("an identifier"));
    }

    /// While there is nothing to delete yet: one more change, of a field that only a column holds.
    fn rename_back(&mut self) {
        let Some(known) = self.kept.back() else { return };
        let change = json!({"language": "de"});
        self.engine.update_contact(self.actor, &Identifier::Id(known.id), &fields(change)).expect("updated");
        self.counted(
            json!({"$and": [is("language", "isEqualTo", "de"), is("tags", "hasAnyOf", json!([self.own_tag()]))]}),
            self.living(),
        );
    }

    /// A tag that all of this writer's contacts have.
    fn own_tag(&self) -> String {
        format!("of {}", self.thread)
    }

    fn living(&self) -> u64 {
        self.kept.len() as u64
    }

    fn tagged(&self, tag: &str) -> u64 {
        self.kept.iter().filter(|known| known.tag == tag).count() as u64
    }

    fn ids(&self, query: &Query) -> Vec<ContactId> {
        let page = self.engine.search(self.actor, query).expect("searches");
        page.contacts.iter().map(|contact| contact.id).collect()
    }

    #[track_caller]
    fn found(&self, search: &str, expected: &[ContactId]) {
        let query = Query { search: Some(search.into()), ..Query::default() };
        assert_eq!(self.ids(&query), expected, "search {search}");
        let counted = self.engine.count(self.actor, &query).expect("counts").value;
        assert_eq!(counted, expected.len() as u64, "count of search {search}");
    }

    #[track_caller]
    fn matching(&self, filter: Json, expected: &[ContactId]) {
        let query = Query { filter: Some(filter), ..Query::default() };
        assert_eq!(self.ids(&query), expected, "{:?}", query.filter);
    }

    #[track_caller]
    fn counted(&self, filter: Json, expected: u64) {
        let query = Query { filter: Some(filter), ..Query::default() };
        assert_eq!(self.engine.count(self.actor, &query).expect("counts").value, expected, "{:?}", query.filter);
    }

    /// The contact as it was answered, by each of its three names.
    #[track_caller]
    fn got(&self, known: &Known, made: &Arc<Contact>) {
        for name in [format!("id:{}", known.id), format!("email:{}", known.email), format!("phone:{}", known.phone)] {
            let who = Identifier::parse(&name, None).expect("an identifier");
            let got = self.engine.contact(self.actor.workspace, &who, None).expect("it is there").value;
            assert!(got == *made, "{name} is not as it was answered");
        }
    }

    #[track_caller]
    fn absent(&self, who: &Identifier) {
        let got = self.engine.contact(self.actor.workspace, who, None);
        assert!(matches!(got, Err(Error::NotFound { .. })), "{who:?} is still there");
    }
}
