//! Merging contacts and giving them back, on the engine: what leads where, whose history is whose, restarts and backups.

mod model;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rollcall::clock::Clock;
use rollcall::contact::identity::Identifier;
use rollcall::contact::*;
use rollcall::engine::{Actor, Engine, Error, restore};
use rollcall::store::{MemoryStore, Store};
use serde_json::{Map, Value as Json, json};

use crate::support::{api, settings};

const NOW: Millis = 1_700_000_000_000;

fn open(store: Arc<dyn Store>, folder: Option<&Path>) -> Arc<Engine> {
    Engine::open(store, folder, settings::small(), Clock::fixed(NOW)).expect("opens")
}

fn fields(json: Json) -> Map<String, Json> {
    json.as_object().expect("an object").clone()
}

fn id(id: u32) -> Identifier {
    Identifier::Id(ContactId(id))
}

fn email(email: &str) -> Identifier {
    Identifier::Email(email.into())
}

/// A workspace with these contacts, numbered from 1.
fn world(contacts: &[Json]) -> (Arc<Engine>, Actor) {
    let engine = open(Arc::new(MemoryStore::default()), None);
    let actor = Actor::operator(api::workspace(&engine, "one"));
    for contact in contacts {
        engine.create_contact(&actor, &fields(contact.clone())).expect("made");
    }
    (engine, actor)
}

fn merge(engine: &Engine, actor: &Actor, primary: u32, secondary: u32) -> Arc<Contact> {
    engine.merge(actor, &id(primary), &id(secondary), &Map::new()).expect("merged").value
}

fn comment(engine: &Engine, actor: &Actor, who: u32, at: Millis, text: &str) {
    let kind = InteractionKind::Comment;
    let entry = Interaction { kind, at, channel: None, author: None, text: Some(text.into()) };
    engine.record(actor, &id(who), entry).expect("recorded");
}

/// The texts of the whole history, read by pages of that size.
fn history(engine: &Engine, actor: &Actor, who: u32, page: usize) -> Vec<String> {
    let (mut texts, mut before) = (Vec::new(), None);
    loop {
        let entries = engine.history(actor.workspace, &id(who), before, page).expect("a history");
        let Some((number, last)) = entries.last() else { return texts };
        before = Some((last.at, *number));
        texts.extend(entries.iter().map(|(_, entry)| entry.text.clone().unwrap_or_default()));
    }
}

fn leads_to(engine: &Engine, actor: &Actor, who: &Identifier) -> Option<u32> {
    engine.contact(actor.workspace, who, None).ok().map(|found| found.value.id.0)
}

fn sound(engine: &Engine, actor: &Actor) {
    assert_eq!(engine.verify(actor.workspace).expect("verified").problems, [""; 0]);
}

fn state_code<T: std::fmt::Debug>(result: Result<T, Error>) -> (&'static str, Json) {
    match result.expect_err("refused") {
        Error::State { code, details, .. } => (code, details.map(|details| *details).unwrap_or_default()),
        other => (other.code(), Json::Null),
    }
}

fn same(one: &Contact, other: &Contact) -> bool {
    Contact { version: Seq(0), ..one.clone() } == Contact { version: Seq(0), ..other.clone() }
}

#[test]
fn what_was_the_seconds_leads_to_the_first_and_comes_back() {
    let (engine, actor) = world(&[
        json!({"firstName": "Ana", "email": "ana@example.org", "tags": ["a"]}),
        json!({"firstName": "Anna", "email": "Anna@example.org", "phone": "+60123456789", "tags": ["b"]}),
        json!({"firstName": "Other"}),
    ]);
    let ws = actor.workspace;
    let read = |who: u32| engine.contact(ws, &id(who), None).expect("there").value;
    let (one, two) = (read(1), read(2));
    for (who, at, text) in [(1, 10, "a"), (2, 20, "b"), (1, 30, "c"), (2, 30, "d"), (2, 5, "e")] {
        comment(&engine, &actor, who, at, text);
    }
    let (one_lived, two_lived) = (read(1), read(2));
    assert!(one != one_lived && two != two_lived);
    let chosen = fields(json!({"firstName": "secondary"}));
    let merged = engine.merge(&actor, &email("ana@example.org"), &id(2), &chosen).expect("merged").value;
    assert_eq!((merged.id.0, merged.first_name.as_deref(), merged.tags.len()), (1, Some("Anna"), 2));
    assert_eq!(merged.phone.as_ref().map(|phone| phone.digits), Some(60_123_456_789));
    for name in [id(2), email("anna@example.org"), Identifier::Phone(60_123_456_789), id(1)] {
        assert_eq!(leads_to(&engine, &actor, &name), Some(1), "{name:?}");
    }
    for page in 1..7 {
        assert_eq!(history(&engine, &actor, 2, page), ["d", "c", "b", "a", "e"]);
    }
    sound(&engine, &actor);
    // The e-mail is the first's now: nobody else may take it, and the first may.
    let taken = engine.create_contact(&actor, &fields(json!({"email": "ANNA@example.org"})));
    assert!(matches!(taken, Err(Error::Conflict { holder: Some(ContactId(1)), .. })));
    let moved = engine.update_contact(&actor, &id(3), &fields(json!({"email": "anna@example.org"})));
    assert!(matches!(moved, Err(Error::Conflict { holder: Some(ContactId(1)), .. })));
    for own in [json!("anna@example.org"), json!(null), json!("ana@example.org")] {
        engine.update_contact(&actor, &id(2), &fields(json!({"email": own}))).expect("its own");
        assert_eq!(leads_to(&engine, &actor, &email("anna@example.org")), Some(1));
    }
    let merges = engine.merges(ws, &id(1), None).expect("listed").value;
    assert_eq!((merges.len(), merges[0].id.0, merges[0].into.0, merges[0].at), (1, 2, 1, NOW));
    comment(&engine, &actor, 2, 40, "after");
    let back = engine.unmerge(&actor, &id(1), ContactId(2)).expect("given back").value;
    assert!(same(&back.secondary, &two_lived));
    let expected =
        Contact { last_interaction_at: Some(40), updated_at: back.primary.updated_at, ..(*one_lived).clone() };
    assert!(same(&back.primary, &expected));
    assert_eq!(history(&engine, &actor, 1, 2), ["after", "c", "a"]);
    assert_eq!(history(&engine, &actor, 2, 2), ["d", "b", "e"]);
    assert_eq!(leads_to(&engine, &actor, &email("anna@example.org")), Some(2));
    assert!(engine.merges(ws, &id(1), None).expect("listed").value.is_empty());
    sound(&engine, &actor);
}

#[test]
fn what_cannot_be_merged_or_given_back_says_why_and_changes_nothing() {
    let (engine, actor) = world(&[
        json!({"firstName": "A", "email": "a@example.org"}),
        json!({"firstName": "B"}),
        json!({"firstName": "C"}),
        json!({"firstName": "D", "status": "blocked"}),
    ]);
    let none = Map::new();
    let version = |engine: &Engine| engine.contact(actor.workspace, &id(1), None).expect("there").version;
    let before = version(&engine);
    assert_eq!(state_code(engine.merge(&actor, &id(1), &email("a@example.org"), &none)).0, "same_contact");
    assert_eq!(state_code(engine.merge(&actor, &id(1), &id(4), &none)), ("contact_blocked", json!({"contact": 4})));
    assert_eq!(state_code(engine.merge(&actor, &id(4), &id(1), &none)).0, "contact_blocked");
    assert_eq!(state_code(engine.merge(&actor, &id(1), &id(9), &none)).0, "not_found");
    assert_eq!(state_code(engine.unmerge(&actor, &id(1), ContactId(2))).0, "not_found");
    let wrong = fields(json!({"emial": "primary"}));
    assert_eq!(state_code(engine.merge(&actor, &id(1), &id(2), &wrong)).0, "unknown_field");
    assert_eq!(version(&engine), before);
    merge(&engine, &actor, 2, 1);
    assert_eq!(state_code(engine.merge(&actor, &id(2), &id(1), &none)), ("already_merged", json!({"contact": 2})));
    assert_eq!(state_code(engine.merge(&actor, &id(1), &id(2), &none)).0, "same_contact");
    merge(&engine, &actor, 3, 2);
    assert_eq!(leads_to(&engine, &actor, &id(1)), Some(3));
    assert_eq!(
        state_code(engine.unmerge(&actor, &id(3), ContactId(1))),
        ("merged_further", json!({"unmergeFirst": 2}))
    );
    engine.unmerge(&actor, &id(3), ContactId(2)).expect("the last first");
    assert_eq!(leads_to(&engine, &actor, &id(1)), Some(2));
    engine.unmerge(&actor, &id(2), ContactId(1)).expect("then the first");
    sound(&engine, &actor);
}

#[test]
fn a_deleted_contact_takes_what_it_took_in_with_it() {
    let (engine, actor) = world(&[json!({"firstName": "A"}), json!({"firstName": "B"}), json!({"firstName": "C"})]);
    (1..4).for_each(|who| comment(&engine, &actor, who, i64::from(who), "x"));
    merge(&engine, &actor, 2, 1);
    merge(&engine, &actor, 3, 2);
    assert_eq!(history(&engine, &actor, 1, 10).len(), 3);
    engine.delete_contact(&actor, &id(1)).expect("deleted");
    for who in 1..4 {
        assert_eq!(leads_to(&engine, &actor, &id(who)), None);
    }
    // Nothing is left that verify would have to explain.
    sound(&engine, &actor);
}

#[test]
fn what_was_removed_meanwhile_does_not_come_back() {
    let (engine, actor) = world(&[json!({"firstName": "A"}), json!({"firstName": "B", "tags": ["old", "kept"]})]);
    merge(&engine, &actor, 1, 2);
    let catalog = engine.catalog(actor.workspace).expect("a catalog");
    let (old, kept) = (catalog.tag_named("old").expect("a tag").id, catalog.tag_named("kept").expect("a tag").id);
    engine.delete_tag(actor.workspace, old).expect("deleted");
    let back = engine.unmerge(&actor, &id(1), ContactId(2)).expect("given back").value;
    assert_eq!((back.primary.tags.len(), back.secondary.tags.clone()), (0, vec![kept]));
    sound(&engine, &actor);
}

#[test]
fn verify_finds_a_merge_that_does_not_hold_together() {
    let store = Arc::new(MemoryStore::default());
    let engine = open(store.clone(), None);
    let actor = Actor::operator(api::workspace(&engine, "one"));
    for name in ["A", "B"] {
        engine.create_contact(&actor, &fields(json!({"firstName": name}))).expect("made");
    }
    comment(&engine, &actor, 2, 1, "x");
    merge(&engine, &actor, 1, 2);
    sound(&engine, &actor);
    let ws = actor.workspace.0.to_be_bytes();
    let key = [&ws[..], b"b", &2u32.to_be_bytes()].concat();
    let record = store.get(&key).expect("read").expect("the merge's record");
    store.apply(vec![(key.clone(), None)]).expect("removed");
    let problems = engine.verify(actor.workspace).expect("verified").problems;
    assert!(problems.iter().any(|problem| problem.contains("how is not kept")), "{problems:?}");
    store.apply(vec![(key, Some(record))]).expect("put back");
    sound(&engine, &actor);
}

#[test]
fn a_backup_taken_while_contacts_are_merged_is_whole() {
    let (engine, actor) = world(&[]);
    let people: Vec<_> =
        (0..1500).map(|n| fields(json!({"firstName": "P", "email": format!("p{n}@example.org")}))).collect();
    engine.create_many(&actor, &people, false, false).expect("made");
    for who in 1..200 {
        comment(&engine, &actor, who, i64::from(who), "x");
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (writer, sign, by) = (engine.clone(), stop.clone(), actor.clone());
    let writing = std::thread::spawn(move || {
        let mut done = 0;
        while !sign.load(Ordering::Relaxed) && done < 20_000 {
            // Pairs merge, part and, now and then, go: each kind meets a backup in every phase.
            let (one, two) = (1 + done * 7 % 1400, 1 + done * 11 % 1500);
            let _ = writer.merge(&by, &id(one), &id(two), &Map::new());
            let _ = writer.unmerge(&by, &id(1 + done * 3 % 1400), ContactId(1 + done * 5 % 1500));
            let merged = writer.merges(by.workspace, &id(one), None).map(|merges| merges.value).unwrap_or_default();
            let _ = merged.first().map(|merge| writer.unmerge(&by, &id(one), merge.id));
            if done % 9 == 0 {
                let _ = writer.delete_contact(&by, &id(1 + done * 13 % 1500));
            }
            done += 1;
        }
        done
    });
    for _ in 0..4 {
        let mut file = Vec::new();
        engine.backup(&mut file).expect("a backup");
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        restore(&store, &mut file.as_slice()).expect("restored");
        let restored = open(store, None);
        sound(&restored, &actor);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writing.join().expect("the writer ends") > 0);
    sound(&engine, &actor);
}

#[test]
fn an_agent_does_not_reach_what_they_do_not_see_by_way_of_what_was_theirs() {
    let (engine, operator) = world(&[json!({"firstName": "Ana"}), json!({"firstName": "Bo"})]);
    let new = User { show_only_mine: true, ..User::new("Lone", "lone@x.org", Role::Agent) };
    let lone = engine.put_user(&operator, new).expect("a user").value;
    let mine = fields(json!({"assignee": lone.id.0}));
    engine.update_contact(&operator, &id(2), &mine).expect("assigned");
    comment(&engine, &operator, 1, 1, "hidden");
    comment(&engine, &operator, 2, 2, "mine");
    // Found while it was theirs; then it is merged into one that is not.
    let found = engine.contact(operator.workspace, &id(2), None).expect("there").value;
    let agent = Actor { user: Some(Arc::new(lone)), ..operator.clone() };
    assert!(agent.sees(&found, &engine.catalog(operator.workspace).expect("a catalog")));
    let unassigned = fields(json!({"assignee": "primary"}));
    engine.merge(&operator, &id(1), &id(2), &unassigned).expect("merged");
    let entry = Interaction { kind: InteractionKind::Comment, at: 3, channel: None, author: None, text: None };
    assert_eq!(engine.record(&agent, &id(2), entry).expect_err("hidden").code(), "not_found");
    assert_eq!(engine.add_tags(&agent, &id(2), &["vip".into()]).expect_err("hidden").code(), "not_found");
    assert_eq!(engine.remove_tags(&agent, &id(2), &["vip".into()]).expect_err("hidden").code(), "not_found");
    let query = rollcall::engine::Query::default();
    assert_eq!(engine.explain_contact(&agent, &id(2), &query).expect_err("hidden").code(), "not_found");
    let history = engine.history_of_contact(operator.workspace, &found, None, 10).expect("a history");
    let texts: Vec<_> = history.iter().filter_map(|(_, entry)| entry.text.as_deref()).collect();
    assert_eq!(texts, ["mine"]);
}

#[test]
fn a_long_history_is_told_apart_while_it_goes_on() {
    let (engine, actor) = world(&[json!({"firstName": "Ana"}), json!({"firstName": "Bo"})]);
    comment(&engine, &actor, 2, 9_000_000, "Bo's");
    merge(&engine, &actor, 1, 2);
    let entries = 2500;
    (0..entries).for_each(|at| comment(&engine, &actor, 1, at, "later"));
    let (writer, by) = (engine.clone(), actor.clone());
    let writing = std::thread::spawn(move || (0..200).for_each(|at| comment(&writer, &by, 1, 1_000_000 + at, "now")));
    let parted = engine.unmerge(&actor, &id(1), ContactId(2)).expect("given back").value;
    writing.join().expect("the writer ends");
    // Bo's time went along; what happened before Ana was parted from Bo counts.
    assert!(parted.primary.last_interaction_at.is_some_and(|at| (entries - 1..9_000_000).contains(&at)));
    assert_eq!(parted.secondary.last_interaction_at, Some(9_000_000));
    let ana = engine.contact(actor.workspace, &id(1), None).expect("there").value;
    assert_eq!(ana.last_interaction_at, Some(1_000_199));
    assert_eq!(history(&engine, &actor, 1, 100).len(), 2700);
    assert_eq!(history(&engine, &actor, 2, 100), ["Bo's"]);
    sound(&engine, &actor);
}

#[test]
fn what_leads_to_a_contact_is_taken_and_says_why_and_so_many_can_be_merged() {
    let people: Vec<Json> = (0..502).map(|at| json!({"firstName": "N", "email": format!("e{at}@x.org")})).collect();
    let (engine, actor) = world(&people);
    (2..=501).for_each(|second| drop(merge(&engine, &actor, 1, second)));
    let refused = engine.merge(&actor, &id(1), &id(502), &Map::new()).expect_err("too many");
    assert_eq!(refused.code(), "limit_exceeded");
    assert!(engine.merge(&actor, &id(502), &id(1), &Map::new()).is_err());
    let said =
        |email: &str| engine.create_contact(&actor, &fields(json!({"email": email}))).expect_err("taken").to_string();
    assert_eq!(said("e0@x.org"), "contact 1 already has this e-mail");
    assert_eq!(said("E7@x.org"), "this e-mail leads to contact 1, into which one that had it was merged");
    engine.unmerge(&actor, &id(1), ContactId(300)).expect("given back");
    merge(&engine, &actor, 1, 502);
    sound(&engine, &actor);
}

/// What one of several callers does to a few contacts, so that batches hold operations that meet.
fn meddle(engine: &Engine, actor: &Actor, caller: u32) {
    for done in 0..150u32 {
        let draw = |salt: u32| 1 + (done.wrapping_mul(2_654_435_761) ^ caller.wrapping_mul(40_503) ^ salt) / 7 % 9;
        let (one, two) = (id(draw(1)), draw(2));
        let _ = match draw(3) {
            1 | 2 => engine.merge(actor, &one, &id(two), &Map::new()).map(drop),
            3 | 4 => engine.unmerge(actor, &one, ContactId(two)).map(drop),
            5 => engine.delete_contact(actor, &one).map(drop),
            6 => engine.update_contact(actor, &one, &fields(json!({"email": format!("e{two}@x.org")}))).map(drop),
            7 => {
                let end = NOW + Millis::from(two) * 1000;
                let snooze = json!({"status": "snoozed", "snoozedUntil": end});
                engine.update_contact(actor, &one, &fields(snooze)).map(drop)
            }
            8 => engine.create_contact(actor, &fields(json!({"email": format!("e{two}@x.org")}))).map(drop),
            _ => {
                let kind = InteractionKind::Event;
                let entry = Interaction { kind, at: i64::from(two), channel: None, author: None, text: None };
                engine.record(actor, &one, entry).map(drop)
            }
        };
    }
}

#[test]
fn operations_that_meet_in_a_batch_leave_nothing_that_does_not_hold_together() {
    for round in 0..6 {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let engine = open(store.clone(), None);
        let actor = Actor::operator(api::workspace(&engine, "one"));
        for at in 0..9 {
            engine.create_contact(&actor, &fields(json!({"email": format!("e{at}@x.org")}))).expect("made");
        }
        std::thread::scope(|scope| {
            for caller in 0..8 {
                let (engine, actor) = (&engine, &actor);
                scope.spawn(move || meddle(engine, actor, round * 8 + caller));
            }
        });
        sound(&engine, &actor);
        drop(engine);
        sound(&open(store, None), &actor);
    }
}
