//! The counts of all segments while contacts are written: each list is of one version, and adds up as that version does.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rollcall::contact::identity::Identifier;
use rollcall::contact::{ContactId, SegmentId};
use rollcall::engine::{Actor, NewSegment, Query};
use serde_json::{Map, Value as Json, json};

use crate::support::command::in_memory;

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
        for _ in 0..LISTS {
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
