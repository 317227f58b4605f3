//! What a copy takes along and what it leaves.

use std::sync::Arc;

use super::*;
use crate::contact::{Contact, ContactId, Job, Part, PartKind, Workspace};
use crate::store::{AlarmSet, MemoryStore, Sides, UsedKey, Writes};

const WS: WorkspaceId = WorkspaceId(1);

fn job(id: u32, kind: JobKind, state: JobState) -> Job {
    Job::new(JobId(id), kind, state, None, 0)
}

fn filled() -> Records {
    let records = Records::new(Arc::new(MemoryStore::default()));
    let mut writes = Writes::default();
    writes.put_workspace(&Workspace { id: WS, ..Workspace::default() });
    let mut head = Head::default();
    for id in 1..=2500 {
        let contact = Contact { id: ContactId(id), first_name: Some(format!("C{id}")), ..Contact::default() };
        head.digest = head.digest.wrapping_add(writes.put_contact(WS, None, &contact));
        head.contacts += 1;
    }
    writes.put_head(WS, &head);
    let mut sides = Sides::default();
    let states = [JobState::Running, JobState::Done, JobState::Prepared, JobState::Failed];
    for (id, state) in (1..).zip(states) {
        sides.put(WS, JobId(id), &job(id, JobKind::Import, state));
        sides.put(WS, (9, Alarm::Job(JobId(id))), &AlarmSet::default());
        for kind in [PartKind::Ids, PartKind::Left, PartKind::Failed, PartKind::Upload] {
            sides.put(WS, (JobId(id), kind, 0), &Part { bytes: b"x".to_vec() });
        }
    }
    for (at, key) in [(99, [1; 16]), (100, [2; 16])] {
        sides.put(WS, key, &Done { request: [0; 16], outcome: Vec::new(), at });
        sides.put(WS, (at, key), &UsedKey::default());
    }
    sides.write(&mut writes);
    records.commit(writes).unwrap();
    records
}

fn compacted(records: &Records) -> (Tally, Records) {
    let live = Live::of(records, 100).unwrap();
    let copy = Records::new(Arc::new(MemoryStore::default()));
    let tally = live.check(&mut |_| {}).unwrap();
    live.copy_to(&**copy.store(), &mut |_| {}).unwrap();
    assert!(live.is_same_in(&**copy.store(), &mut |_| {}).unwrap());
    (tally, copy)
}

#[test]
fn a_copy_has_all_but_what_finished_jobs_and_old_requests_left() {
    let records = filled();
    let (tally, copy) = compacted(&records);
    assert_eq!(copy.contacts(WS, ContactId(0), 9999).unwrap().len(), 2500);
    assert_eq!(copy.head(WS).unwrap(), records.head(WS).unwrap());
    let has = |id, kind| !copy.parts(WS, JobId(id), kind, 0, 9).unwrap().is_empty();
    for (id, kept) in
        [(1, [true; 4]), (2, [true, true, false, false]), (3, [false; 4]), (4, [true, true, false, false])]
    {
        assert_eq!([PartKind::Ids, PartKind::Left, PartKind::Failed, PartKind::Upload].map(|kind| has(id, kind)), kept);
    }
    assert_eq!(copy.jobs(WS).unwrap().iter().map(|job| job.id.0).collect::<Vec<_>>(), [1, 2, 4]);
    assert_eq!(copy.alarms(None, 9).unwrap().len(), 3);
    assert!(copy.side::<Done>(WS, [1; 16]).unwrap().is_none() && copy.side::<Done>(WS, [2; 16]).unwrap().is_some());
    assert_eq!(copy.used_before(WS, 1000, None, 9).unwrap().len(), 1);
    // Four parts, the job and the alarm of one; two parts each of two others; one key and its time.
    assert_eq!(tally.left_out, 6 + 4 + 2);
    let again = compacted(&copy).0;
    assert_eq!(again, Tally { left_out: 0, ..tally });
}

#[test]
fn a_copy_that_differs_is_told() {
    let records = filled();
    let live = Live::of(&records, 100).unwrap();
    let contact = keys::contact(WS, ContactId(7));
    let other = codec::encode(&contact, &Contact { id: ContactId(7), ..Contact::default() });
    let above = keys::contact(WorkspaceId(9), ContactId(1));
    for change in [(contact.clone(), None), (contact, Some(other)), (above, Some(b"more".to_vec()))] {
        let (_, copy) = compacted(&records);
        copy.store().apply(vec![change]).unwrap();
        assert!(!live.is_same_in(&**copy.store(), &mut |_| {}).unwrap());
    }
}

#[test]
fn damage_ends_it() {
    let flips: [fn(&Records); 2] = [
        |records| {
            let key = keys::contact(WS, ContactId(7));
            let mut value = records.store().get(&key).unwrap().unwrap();
            value[3] ^= 1;
            records.store().apply(vec![(key, Some(value))]).unwrap();
        },
        |records| records.store().apply(vec![(keys::contact(WS, ContactId(7)), None)]).unwrap(),
    ];
    for flip in flips {
        let records = filled();
        flip(&records);
        let live = Live::of(&records, 100).unwrap();
        assert!(matches!(live.check(&mut |_| {}), Err(StoreError::Damaged { .. })));
    }
}
