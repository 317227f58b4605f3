//! The counts of all segments while contacts are written: each list is of one version, and adds up as that version does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rollcall::clock::Clock;
use rollcall::contact::identity::Identifier;
use rollcall::contact::*;
use rollcall::engine::{Actor, Engine, Error, NewField, NewSegment, Query};
use rollcall::store::MemoryStore;
use serde_json::{Map, Value as Json, json};

use crate::support::command::in_memory;
use crate::support::jobs::PATIENCE;
use crate::support::{seed, settings};

const CONTACTS: usize = 400;
const LISTS: usize = 150;

fn contact(language: &str) -> Map<String, Json> {
    json!({"firstName": "A", "language": language}).as_object().cloned().expect("an object")
}

/// Every contact always has one of two languages, so that their counts add up to all at every version, and only if the
/// three numbers are of one version.
#[test]
fn the_counts_of_a_list_are_of_one_version() {
    let (engine, workspace) = in_memory(1_774_744_200_000);
    let actor = Actor::operator(workspace.id);
    let many: Vec<_> = (0..CONTACTS).map(|at| contact(if at % 2 == 0 { "de" } else { "en" })).collect();
    engine.create_many(&actor, &many, true, true).expect("contacts are made");
    let speaks = |language: &str| json!({"field": "language", "operator": "isEqualTo", "value": language});
    let mut ids = vec![SegmentId(1)];
    for language in ["de", "en"] {
        let filter = json!({"$and": [speaks(language), {"field": "firstName", "operator": "contains", "value": "a"}]});
        let new = NewSegment { name: language.into(), filter, timezone: None };
        ids.push(engine.create_segment(&actor, new).expect("a segment").value.id);
    }
    let (stop, moved) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let (engine, actor, stop, moved) = (&engine, &actor, &stop, &moved);
        scope.spawn(move || {
            for turn in 0.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let one = Identifier::Id(ContactId(1 + turn * 7 % CONTACTS as u32));
                let language = if turn % 3 == 0 { "de" } else { "en" };
                engine.update_contact(actor, &one, &contact(language)).expect("a contact changes");
                if turn % 5 == 0 {
                    engine.create_contact(actor, &contact(language)).expect("a contact is made");
                }
                moved.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut last = 0;
        let begun = Instant::now();
        for list in 0.. {
            // However late the writer is let run.
            let is_written = moved.load(Ordering::Relaxed) > 0;
            if list >= LISTS && (is_written || begun.elapsed() > PATIENCE) {
                break;
            }
            let listed = engine.segments(actor, None, true, None).expect("a list");
            let count = |id| {
                let found = listed.value.iter().find(|one| one.segment.id == id).expect("it is listed");
                *found.count.as_ref().expect("asked for").as_ref().expect("usable")
            };
            assert_eq!(count(ids[0]), count(ids[1]) + count(ids[2]), "version {}", listed.version);
            assert!(listed.version.0 >= last);
            last = listed.version.0;
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(moved.load(Ordering::Relaxed) > 0);
    let listed = engine.segments(&actor, None, true, None).expect("a list");
    for one in listed.value {
        let query = Query { segment: Some(one.segment.id.into()), ..Query::default() };
        let count = engine.count(&actor, &query).expect("a count").value;
        assert_eq!(one.count.expect("asked for").expect("usable"), count);
    }
}

/// A user who may see all.
fn user(name: &str) -> User {
    crate::support::api::user(name, Role::Owner)
}

/// Segments of every way to be kept: what changes by a write, by time, by who asks, and by another segment.
fn every_kind(engine: &Engine, actor: &Actor) {
    let condition =
        |field: &str, operator: &str, value: Json| json!({"field": field, "operator": operator, "value": value});
    for (name, filter) in [
        ("vip", condition("tags", "hasAnyOf", json!(["vip"]))),
        ("untagged", json!({"field": "tags", "operator": "doesNotExist"})),
        ("mine", condition("assignee", "isEqualTo", json!("me"))),
        ("lately", condition("timeSinceLastInteraction", "isLessThan", json!({"amount": 5, "unit": "minutes"}))),
        ("today", condition("createdAt", "isTimestampAfter", json!({"startOf": "day"}))),
        ("named", condition("name", "contains", json!("a1"))),
        ("noted", json!({"field": "note", "operator": "exists"})),
        ("staged", condition("lifecycle", "isEqualTo", json!("New"))),
        (
            "nested",
            json!({"$and": [condition("segment", "isMemberOf", json!("mine")), {"$not": condition("segment", "isMemberOf", json!("vip"))}]}),
        ),
        ("nested twice", condition("segment", "isNotMemberOf", json!("nested"))),
        ("shop", condition("channels", "hasAnyOf", json!(["whatsapp"]))),
        ("called", condition("phone", "contains", json!("771"))),
    ] {
        engine.create_segment(actor, NewSegment { name: name.into(), filter, timezone: None }).expect("a segment");
    }
}

/// Every number of the list is that of a search by the segment, or neither can be told. Snoozes that end by themselves may
/// come in between: then once more.
fn agree(engine: &Engine, actor: &Actor, when: &str) {
    for _ in 0..1000 {
        let listed = engine.segments(actor, None, true, None).expect("a list");
        let version = listed.version;
        let counted = listed.value.iter().map(|one| {
            let query = Query { segment: Some(one.segment.id.into()), ..Query::default() };
            engine.count(actor, &query)
        });
        let counted: Vec<_> = counted.collect();
        if counted.iter().flatten().any(|counted| counted.version != version) {
            continue;
        }
        for (one, counted) in listed.value.into_iter().zip(counted) {
            let number = one.count.expect("asked for");
            let counted = counted.ok().map(|counted| counted.value);
            assert_eq!(number.clone().ok(), counted, "{when}: {}: {number:?}", one.segment.name);
        }
        return;
    }
    panic!("{when}: there is no end of changes");
}

/// An action on several at once.
fn action(turn: u32, now: Millis, me: Option<UserId>) -> Json {
    match turn % 8 {
        0 => json!({"action": "removeTags", "tags": ["vip", "t0", "t1", "t2"]}),
        1 => json!({"action": "assign", "assignee": me}),
        2 => json!({"action": "assign", "assignee": null}),
        3 => json!({"action": "block"}),
        4 => json!({"action": "unblock"}),
        5 => {
            json!({"action": "setLifecycle", "lifecycle": if turn.is_multiple_of(3) { Json::Null } else { json!("New") }})
        }
        6 => json!({"action": "setField", "field": "note", "value": format!("n{turn}")}),
        _ => json!({"action": "setStatus", "status": "snoozed", "until": time::rfc3339(now + 60_000)}),
    }
}

/// What is defined comes and goes.
fn define(engine: &Engine, ws: WorkspaceId, turn: u32) -> Result<(), Error> {
    let catalog = engine.catalog(ws)?;
    let tag = ["vip", "t0", "t1"][turn as usize % 3];
    match (turn % 3, catalog.field_with_slug("note"), catalog.stage_named("New")) {
        (0, ..) => catalog.tag_named(tag).map_or(Ok(()), |tag| engine.delete_tag(ws, tag.id).map(drop)),
        (1, Some(field), _) => engine.delete_field(ws, field.id).map(drop),
        (1, None, _) => engine.create_field(ws, note()).map(drop),
        (_, _, Some(stage)) => engine.delete_stage(ws, stage.id).map(drop),
        _ => engine.put_stage(ws, Stage { id: StageId(0), name: "New".into(), position: 0 }).map(drop),
    }
}

/// One write, of whatever kind; what cannot be done as things stand is passed over.
fn write(engine: &Engine, actor: &Actor, rng: &mut ChaCha8Rng, turn: u32) -> String {
    let (ws, now) = (actor.workspace, engine.clock().now());
    let (who, other, draw) = (rng.random_range(1..90), rng.random_range(1..90), rng.random_range(0..840));
    let id = |id: u32| Identifier::Id(ContactId(id));
    let fields = |json: Json| json.as_object().cloned().expect("an object");
    let kind = rng.random_range(0..16);
    let done = match kind {
        0 => {
            let person = json!({"firstName": format!("A{turn}"), "phone": format!("+6012377{turn:04}")});
            engine.create_contact(actor, &fields(person)).map(drop)
        }
        1 => engine.delete_contact(actor, &id(who)).map(drop),
        2 => engine.merge(actor, &id(who), &id(other), &Map::new()).map(drop),
        3 => {
            let merges = engine.merges(ws, &id(who), None);
            let merged = merges.ok().and_then(|merges| merges.value.last().map(|one| one.id));
            merged.map_or(Ok(()), |merged| engine.unmerge(actor, &id(who), merged).map(drop))
        }
        4 => engine.add_tags(actor, &id(who), &["vip".into(), format!("t{}", turn % 3)]).map(drop),
        5 | 6 => {
            let channel = engine.catalog(ws).expect("a catalog").channels.keys().next().copied();
            let kind = InteractionKind::IncomingMessage;
            engine.record(actor, &id(who), Interaction { kind, at: now, channel, author: None, text: None }).map(drop)
        }
        // So long that what was lately is lately no more, or that the day is over.
        7 | 8 => {
            engine.clock().set(now + [40_000, 400_000, 50_000_000][draw as usize % 3]);
            Ok(())
        }
        9 => define(engine, ws, draw),
        10 => engine.rebuild(ws),
        _ => {
            let items: Vec<_> = (0..5).map(|step| Ok(id(1 + (who + step * 11) % 90))).collect();
            engine.act_on_many(actor, &items, &fields(action(draw, now, actor.user_id()))).map(drop)
        }
    };
    match done {
        Ok(()) | Err(Error::NotFound { .. } | Error::Conflict { .. } | Error::Invalid(_) | Error::State { .. }) => {}
        Err(error) => panic!("write {kind}: {error}"),
    }
    format!("turn {turn}, write {kind}")
}

fn note() -> NewField {
    NewField {
        name: "note".into(),
        slug: None,
        description: None,
        data_type: DataType::Text,
        allowed_values: Vec::new(),
        searchable: false,
    }
}

/// `ROLLCALL_SEGMENT_TURNS=20000` makes a long run of it.
#[test]
fn the_counts_are_those_of_a_search_after_writes_of_every_kind() {
    let mut rng = seed::rng("segment counts");
    let (folder, store) = (tempfile::tempdir().expect("a folder"), Arc::new(MemoryStore::default()));
    let open =
        |now| Engine::open(store.clone(), Some(folder.path()), settings::small(), Clock::fixed(now)).expect("opens");
    let mut engine = open(1_774_744_200_000);
    let ws = crate::support::api::workspace(&engine, "Here");
    let mut actors = ["Ana", "Ben"]
        .map(|name| engine.put_user(ws, user(name)).expect("a user").value)
        .map(|user| Actor { user: Some(Arc::new(user)), ..Actor::operator(ws) });
    let channel = Channel { id: ChannelId(0), name: "Shop".into(), source: "whatsapp".into() };
    engine.put_channel(ws, channel).expect("a channel");
    engine.create_field(ws, note()).expect("a field");
    engine.put_stage(ws, Stage { id: StageId(0), name: "New".into(), position: 0 }).expect("a stage");
    let many: Vec<_> = (0..90).map(|at| contact(if at % 2 == 0 { "de" } else { "en" })).collect();
    engine.create_many(&actors[0], &many, true, true).expect("contacts are made");
    engine.add_tags(&actors[0], &Identifier::Id(ContactId(1)), &["vip".into()]).expect("tagged");
    every_kind(&engine, &actors[0]);
    for turn in 0..seed::rounds("ROLLCALL_SEGMENT_TURNS", 400) {
        let when = write(&engine, &actors[0], &mut rng, turn);
        actors.iter().for_each(|actor| agree(&engine, actor, &when));
        actors.swap(0, 1);
        if turn % 97 == 96 {
            let now = engine.clock().now();
            engine.close().expect("closes");
            drop(engine);
            engine = open(now);
            actors.iter().for_each(|actor| agree(&engine, actor, "opened again"));
        }
    }
    assert!(engine.verify(ws).expect("verified").problems.is_empty());
}
