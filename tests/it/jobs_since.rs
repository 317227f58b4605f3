//! What the undo of a bulk edit makes of contacts that others changed since.

use std::sync::Arc;

use rollcall::clock::Clock;
use rollcall::contact::identity::Identifier;
use rollcall::contact::*;
use rollcall::engine::{Actor, Confirmation, Engine, Query};
use rollcall::store::MemoryStore;
use serde_json::{Map, Value as Json, json};

use crate::support::{api, jobs, settings};

const NOW: Millis = 1_700_000_000_000;

struct Place {
    engine: Arc<Engine>,
    actor: Actor,
}

fn object(value: Json) -> Map<String, Json> {
    value.as_object().expect("an object").clone()
}

fn id(contact: u32) -> Identifier {
    Identifier::Id(ContactId(contact))
}

impl Place {
    /// With so many contacts.
    fn new(people: u32) -> Place {
        let store = Arc::new(MemoryStore::default());
        let engine = Engine::open(store, None, settings::shipped(), Clock::fixed(NOW)).expect("opens");
        let ws = api::workspace(&engine, "one");
        let one = |n: u32| Contact { first_name: Some(format!("Ann {n}")), created_at: NOW, ..Contact::default() };
        engine.load(ws, (1..=people).map(one).collect()).expect("loads");
        Place { engine, actor: Actor::operator(ws) }
    }

    fn done(&self, action: Json) -> JobId {
        let receipt = self.engine.prepare_job(&self.actor, &Query::default(), &object(action)).expect("a receipt");
        self.engine.apply_job(&self.actor, receipt.job, &Confirmation::default()).expect("applied");
        let job = jobs::over(&self.engine, self.actor.workspace, receipt.job);
        assert_eq!((job.state, job.counts.failed), (JobState::Done, 0));
        receipt.job
    }

    fn undone(&self, job: JobId) -> Job {
        self.engine.undo_job(&self.actor, job).expect("undoing");
        let job = jobs::over(&self.engine, self.actor.workspace, job);
        assert_eq!(job.undo.total, job.undo.changed + job.undo.unchanged + job.undo.deleted);
        assert_eq!((job.state, job.undo.done), (JobState::Undone, job.undo.total));
        job
    }

    fn left(&self, job: JobId) -> Vec<(u32, Vec<String>)> {
        let notes = self.engine.job_notes(self.actor.workspace, job, PartKind::Left, 0, 100).expect("notes").value.1;
        notes.into_iter().map(|note| (note.item, note.words)).collect()
    }

    fn contact(&self, contact: u32) -> Arc<Contact> {
        self.engine.contact(self.actor.workspace, &id(contact), None).expect("a contact").value
    }

    fn update(&self, contact: u32, fields: Json) {
        self.engine.update_contact(&self.actor, &id(contact), &object(fields)).expect("updated");
    }
}

#[test]
fn a_snooze_that_somebody_gave_another_end_is_left() {
    let place = Place::new(3);
    let job = place.done(json!({"action": "setStatus", "status": "snoozed"}));
    place.update(2, json!({"status": "snoozed", "snoozedUntil": "2056-01-01"}));
    let snoozed = place.contact(2);
    let undone = place.undone(job);
    assert_eq!((undone.undo.changed, undone.undo.unchanged), (2, 1));
    assert_eq!(place.left(job), [(2, vec!["status".to_owned()])]);
    assert_eq!(place.contact(2), snoozed);
    assert_eq!(place.contact(1).snoozed_until, None);
}

#[test]
fn a_snooze_that_ended_by_itself_is_left_where_it_was_not_open_before() {
    let place = Place::new(2);
    place.update(1, json!({"status": "open"}));
    place.update(2, json!({"status": "closed"}));
    let job = place.done(json!({"action": "setStatus", "status": "snoozed", "until": "2023-11-15T00:00:00Z"}));
    place.engine.clock().set(NOW + 3 * 3_600_000);
    jobs::until("the snoozes' end", || {
        (1..=2).all(|n| place.contact(n).conversation == Conversation::Open).then_some(())
    });
    let undone = place.undone(job);
    assert_eq!((undone.undo.changed, undone.undo.unchanged), (1, 1));
    assert_eq!(place.left(job), [(2, vec!["status".to_owned()])]);
}

#[test]
fn a_contact_that_was_merged_into_another_is_listed_as_left_and_one_that_was_deleted_as_gone() {
    let place = Place::new(5);
    let job = place.done(json!({"action": "setField", "field": "lastName", "value": "fr"}));
    let primary = place.engine.merge(&place.actor, &id(1), &id(2), &Map::new()).expect("merged").value;
    assert_eq!(primary.id, ContactId(1));
    place.engine.delete_contact(&place.actor, &id(3)).expect("deleted");
    place.engine.merge(&place.actor, &id(4), &id(5), &Map::new()).expect("merged");
    place.engine.delete_contact(&place.actor, &id(4)).expect("deleted");
    let undone = place.undone(job);
    assert_eq!((undone.undo.changed, undone.undo.unchanged, undone.undo.deleted), (1, 1, 3));
    assert_eq!(place.left(job), [(2, vec!["lastName".to_owned()])]);
    // The primary's own value was put back, the other's is with the merge.
    assert_eq!(place.contact(1).last_name, None);
    let back = place.engine.unmerge(&place.actor, &id(1), ContactId(2)).expect("unmerged").value;
    assert_eq!(back.secondary.last_name.as_deref(), Some("fr"));
}

#[test]
fn edits_on_top_of_each_other_are_undone_in_any_order() {
    let set = |value: &str| json!({"action": "setField", "field": "lastName", "value": value});
    // The last first: all is as it was.
    let place = Place::new(4);
    let (first, second) = (place.done(set("fr")), place.done(set("de")));
    assert_eq!((place.undone(second).undo.changed, place.undone(first).undo.changed), (4, 4));
    assert!((1..=4).all(|n| place.contact(n).last_name.is_none()));
    // The first first: what the second made of it stays until that one is undone.
    let (first, second) = (place.done(set("fr")), place.done(set("de")));
    place.update(1, json!({"lastName": "fr"}));
    place.update(2, json!({"lastName": "it"}));
    let undone = place.undone(first);
    assert_eq!((undone.undo.changed, undone.undo.unchanged), (1, 3));
    let undone = place.undone(second);
    assert_eq!((undone.undo.changed, undone.undo.unchanged), (2, 2));
    let languages: Vec<_> = (1..=4).map(|n| place.contact(n).last_name.clone()).collect();
    assert_eq!(languages, [None, Some("it".into()), Some("fr".into()), Some("fr".into())]);
    assert_eq!(place.left(second).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2]);
}
