//! Tests of the typed records over the store in memory.

use std::sync::Arc;

use super::*;
use crate::contact::merge::Merged;
use crate::contact::{ChannelId, CustomFieldId, InteractionKind, Phone, Tag, TagId, TokenId, UserId, Value};
use crate::store::{Failure, MemoryStore, Subject};

const WS: WorkspaceId = WorkspaceId(1);

fn records() -> Records {
    Records::open(Arc::new(MemoryStore::default())).unwrap()
}

fn commit(records: &Records, fill: impl FnOnce(&mut Writes)) {
    let mut writes = Writes::default();
    fill(&mut writes);
    records.commit(writes).unwrap();
}

fn contact(id: u32, email: Option<&str>, phone: Option<u64>) -> Contact {
    Contact {
        id: ContactId(id),
        email: email.map(Into::into),
        phone: phone.map(|digits| Phone { digits, calling_code_len: 2, given: String::new() }),
        tags: vec![TagId(3)],
        custom: vec![(CustomFieldId(1), Value::Number(1.5))],
        ..Contact::default()
    }
}

fn email(text: &str) -> IdentityKey {
    IdentityKey::Email(text.into())
}

fn ids(ids: &[u32]) -> Vec<ContactId> {
    ids.iter().copied().map(ContactId).collect()
}

#[test]
fn contacts_come_back_by_id_and_by_page() {
    let records = records();
    let all: Vec<Contact> = [1, 2, 255, 256, u32::MAX].map(|id| contact(id, Some("a@b.co"), Some(49_123))).into();
    commit(&records, |writes| {
        for contact in &all {
            assert_eq!(writes.put_contact(WS, None, contact), Records::digest(WS, contact));
        }
        writes.put_contact(WorkspaceId(2), None, &contact(7, None, None));
    });
    assert!(records.contact(WS, ContactId(256)).unwrap() == Some(all[3].clone()));
    assert!(records.contact(WS, ContactId(7)).unwrap().is_none());
    assert!(records.contacts(WS, ContactId(0), 3).unwrap() == all[..3]);
    assert!(records.contacts(WS, ContactId(255), 9).unwrap() == all[3..]);
    assert!(records.contacts(WS, ContactId(u32::MAX), 9).unwrap().is_empty());
    let checked = records.contacts_checked(WS, ContactId(2), 9).unwrap();
    assert_eq!(checked.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids(&[255, 256, u32::MAX]));
}

/// A contact that took others in: of that id, with that e-mail, and with that phone.
fn merged(contact: Contact, id: u32, email: &str, phone: u64) -> Contact {
    let merged = Merged { ids: ids(&[id]), emails: vec![email.into()], phones: vec![phone] };
    Contact { merged: merged.kept(), ..contact }
}

#[test]
fn keys_of_what_was_merged_follow_the_contact() {
    let records = records();
    let first = merged(contact(1, Some("own@b.co"), Some(491)), 7, "a@b.co", 49_123);
    let twin = merged(contact(2, Some("a@b.co"), None), 8, "a@b.co", 49_124);
    let moved = merged(first.clone(), 7, "new@b.co", 49_123);
    commit(&records, |writes| {
        writes.put_contact(WS, None, &first);
        writes.put_contact(WS, None, &twin);
        writes.put_contact(WS, None, &contact(3, Some("a@b.co"), Some(49_123)));
    });
    let holders = |key: IdentityKey| records.merged_holders(WS, &key).unwrap();
    assert_eq!(holders(email("a@b.co")), ids(&[1, 2]));
    assert_eq!(holders(IdentityKey::Phone(49_123)), ids(&[1]));
    assert_eq!(holders(IdentityKey::Id(ContactId(8))), ids(&[2]));
    assert_eq!((holders(email("own@b.co")), holders(IdentityKey::Phone(491))), (Vec::new(), Vec::new()));
    commit(&records, |writes| _ = writes.put_contact(WS, Some(&first), &moved));
    assert_eq!((holders(email("a@b.co")), holders(email("new@b.co"))), (ids(&[2]), ids(&[1])));
    assert_eq!(holders(IdentityKey::Phone(49_123)), ids(&[1]));
    let stored: Vec<_> = records.identities(WS, None, 9).unwrap();
    let mut expected: Vec<_> = [&moved, &twin].iter().flat_map(|each| Records::identities_of(WS, each)).collect();
    expected.sort();
    assert_eq!(stored.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), expected);
    let rest = records.identities(WS, Some(&stored[0].0), 9).unwrap();
    assert_eq!(rest.len(), stored.len() - 1);
    commit(&records, |writes| {
        writes.delete_contact(WS, &moved);
        writes.delete_contact(WS, &twin);
    });
    assert!(records.identities(WS, None, 9).unwrap().is_empty());
}

/// A store with keys as format 1 had them, and one of a contact that is gone; the contact that took others in.
fn of_format_1(marker: Option<u32>) -> (Arc<MemoryStore>, Records, Contact) {
    let store = Arc::new(MemoryStore::default());
    let records = Records::new(store.clone());
    let took_in = merged(contact(2, Some("a@b.co"), None), 8, "a@b.co", 49_124);
    commit(&records, |writes| {
        writes.put_workspace(&Workspace { id: WS, ..Workspace::default() });
        match marker {
            Some(version) => writes.put(keys::format(), &(version,)),
            None => writes.delete(keys::format()),
        }
        writes.put_contact(WS, None, &took_in);
        for id in (1..=3000).filter(|id| *id != took_in.id.0) {
            let contact = contact(id, Some(&format!("{id}@b.co")), Some(49_000 + u64::from(id)));
            writes.put_contact(WS, None, &contact);
            writes.put_keys_of_format_1(WS, &contact);
        }
        writes.put(keys::holder(WS, &email("gone@b.co"), ContactId(9000)), &());
    });
    assert_eq!(records.identities(WS, None, usize::MAX).unwrap().len(), 2 * 2999 + 3 + 1);
    (store, records, took_in)
}

fn marker(records: &Records) -> Option<(u32, bool)> {
    records.one(&keys::format()).unwrap()
}

#[test]
fn an_upgrade_leaves_the_keys_of_what_was_merged_or_cannot_be_read() {
    // What a backup was restored into had no marker.
    for before in [Some(1), None] {
        let (store, records, took_in) = of_format_1(before);
        let damaged = keys::contact(WS, ContactId(20));
        let mut bytes = store.get(&damaged).unwrap().unwrap();
        bytes[7] ^= 4;
        store.apply(vec![(damaged, Some(bytes))]).unwrap();
        let mut expected = Records::identities_of(WS, &took_in);
        let own = [email("20@b.co"), IdentityKey::Phone(49_020)];
        expected.extend(own.map(|held| keys::holder(WS, &held, ContactId(20))));
        expected.sort();
        Records::open(store).unwrap();
        let left = records.identities(WS, None, usize::MAX).unwrap().into_iter().map(|(key, _)| key);
        assert_eq!(left.collect::<Vec<_>>(), expected);
        assert_eq!(marker(&records), Some((2, false)));
    }
}

#[test]
fn a_store_whose_upgrade_fails_is_read_and_its_upgrade_goes_on() {
    let (store, records, took_in) = of_format_1(Some(1));
    store.fail_next(Failure::Sync);
    Records::open(store.clone()).unwrap();
    // An older version refuses it from here on.
    assert_eq!(marker(&records), Some((2, true)));
    assert!(records.contact(WS, took_in.id).unwrap() == Some(took_in));
    let again = Arc::new(MemoryStore::default());
    let all = store.scan(&[], &[255; 40], usize::MAX).unwrap();
    again.apply(all.into_iter().map(|(key, value)| (key, Some(value))).collect()).unwrap();
    let records = Records::open(again).unwrap();
    assert_eq!((marker(&records), records.identities(WS, None, usize::MAX).unwrap().len()), (Some((2, false)), 3));
}

/// Batches of changes up to `last`, of several sizes.
fn with_changes(last: u64) -> Records {
    let records = records();
    let mut seq = 0;
    for size in (1..).map(|n: u64| n * 97 % 1013) {
        let changes: Vec<Change> = (seq + 1..=last.min(seq + size))
            .map(|n| Change { seq: Seq(n), subject: Subject::Contact(ContactId(n as u32)) })
            .collect();
        seq += changes.len() as u64;
        commit(&records, |writes| {
            writes.put_changes(WS, &changes);
            writes.put_head(WS, &Head { seq: Seq(seq), ..Head::default() });
        });
        if seq == last {
            return records;
        }
    }
    records
}

#[test]
fn changes_are_read_from_anywhere_without_gaps() {
    let records = with_changes(4000);
    for (after, limit) in [(0, 10_000), (0, 1), (399, 3), (400, 401), (1234, 2000), (3999, 5), (4000, 5), (9000, 5)] {
        let changes = records.changes(WS, Seq(after), limit).unwrap();
        let seqs: Vec<u64> = changes.iter().map(|change| change.seq.0).collect();
        let expected: Vec<u64> = (after + 1..=4000).take(limit).collect();
        assert_eq!(seqs, expected, "after {after}, at most {limit}");
        assert!(changes.iter().all(|change| change.subject == Subject::Contact(ContactId(change.seq.0 as u32))));
    }
}

#[test]
fn a_trimmed_or_lost_change_is_an_error_and_not_a_gap() {
    let records = with_changes(4000);
    let mut writes = Writes::default();
    let floor = records.trim_changes(WS, Seq(1500), 100, &mut writes).unwrap().unwrap();
    records.commit(writes).unwrap();
    assert!(floor.0 <= 1500 && floor.0 > 1000, "{floor}");
    assert_eq!(records.changes(WS, floor, 9000).unwrap().len() as u64, 4000 - floor.0);
    assert!(matches!(records.changes(WS, Seq(floor.0 - 1), 9), Err(StoreError::Damaged { .. })));
    commit(&records, |writes| writes.put_head(WS, &Head { seq: Seq(4001), ..Head::default() }));
    assert!(matches!(records.changes(WS, Seq(3999), 9), Err(StoreError::Damaged { .. })));
    assert_eq!(records.changes(WS, Seq(3999), 1).unwrap().len(), 1);
}

#[test]
fn history_is_read_newest_first_by_pages() {
    let records = records();
    let entry = |at, text: &str| Interaction {
        kind: InteractionKind::IncomingMessage,
        at,
        channel: Some(ChannelId(1)),
        author: None,
        text: Some(text.into()),
    };
    let entries = [(1, 10, "old"), (2, 30, "new"), (3, 30, "newer"), (4, -5, "oldest")];
    commit(&records, |writes| {
        for (number, at, text) in entries {
            writes.put_interaction(WS, ContactId(7), number, &entry(at, text));
        }
        writes.put_interaction(WS, ContactId(8), 5, &entry(20, "other"));
    });
    let numbers = |page: Vec<(u64, Interaction)>| page.iter().map(|(number, _)| *number).collect::<Vec<_>>();
    assert_eq!(numbers(records.interactions(WS, ContactId(7), None, 3).unwrap()), [3, 2, 1]);
    assert_eq!(numbers(records.interactions(WS, ContactId(7), Some((30, 2)), 3).unwrap()), [1, 4]);
    let all = records.interactions_all(WS, None, 99).unwrap();
    let order: Vec<_> = all.iter().map(|(contact, number, _)| (contact.0, *number)).collect();
    assert_eq!(order, [(7, 3), (7, 2), (7, 1), (7, 4), (8, 5)]);
    let (contact, number, last) = &all[1];
    assert_eq!(records.interactions_all(WS, Some((*contact, last.at, *number)), 99).unwrap().len(), 3);
    commit(&records, |writes| writes.delete_interaction(WS, ContactId(7), 2, 30));
    assert_eq!(numbers(records.interactions(WS, ContactId(7), None, 9).unwrap()), [3, 1, 4]);
}

#[test]
fn the_catalog_is_one_key_an_item() {
    let records = records();
    assert!(records.catalog(WS).unwrap().is_none());
    let tag = |id, name: &str| Tag { id: TagId(id), name: name.into(), description: None, emoji: None, color: None };
    commit(&records, |writes| {
        writes.put_workspace(&Workspace { id: WS, name: "Acme".into(), ..Workspace::default() });
        (0..2500).for_each(|id| writes.put_tag(WS, &tag(id, &format!("tag {id}"))));
        writes.delete_item(WS, Subject::Tag(TagId(9)));
    });
    let catalog = records.catalog(WS).unwrap().unwrap();
    assert_eq!(catalog.workspace.name, "Acme");
    assert_eq!(catalog.tags.len(), 2499);
    assert!(catalog.tag_named("TAG 2400").is_some() && catalog.tag_named("tag 9").is_none());
    assert_eq!(records.workspaces().unwrap().len(), 1);
}

#[test]
fn a_deleted_workspace_leaves_nothing_and_its_id_is_not_given_again() {
    let records = records();
    let token = |id, workspace| TokenRecord {
        id: TokenId(id),
        workspace,
        user: UserId(1),
        name: String::new(),
        hash: [7; 32],
        created_at: 0,
        expires_at: None,
        revoked_at: None,
    };
    for ws in [WS, WorkspaceId(2)] {
        commit(&records, |writes| {
            writes.put_workspace(&Workspace { id: ws, ..Workspace::default() });
            writes.put_head(ws, &Head { last_contact: ContactId(1300), ..Head::default() });
            writes.put_token(&token(ws.0, ws));
            (1..=1300).for_each(|id| {
                writes.put_contact(ws, None, &merged(contact(id, None, None), 2000 + id, "a@b.co", 49_123));
            });
        });
    }
    assert_eq!(records.last_workspace().unwrap(), WorkspaceId(2));
    records.delete_workspace(WorkspaceId(2)).unwrap();
    assert_eq!(records.workspaces().unwrap().len(), 1);
    assert_eq!(records.tokens().unwrap().len(), 1);
    assert_eq!(records.last_workspace().unwrap(), WorkspaceId(2));
    assert_eq!(records.sweep(WorkspaceId(2), None, 9).unwrap().entries, 0);
    assert_eq!(records.merged_holders(WS, &email("a@b.co")).unwrap().len(), 1300);
}

#[test]
fn a_sweep_sees_every_value_and_names_the_damaged() {
    let records = records();
    commit(&records, |writes| {
        (1..=50).for_each(|id| _ = writes.put_contact(WS, None, &contact(id, Some(&format!("{id}@b.co")), None)));
    });
    let key = keys::contact(WS, ContactId(20));
    let mut bytes = records.store().get(&key).unwrap().unwrap();
    bytes[7] ^= 4;
    records.store().apply(vec![(key, Some(bytes))]).unwrap();
    let (mut from, mut entries, mut damaged) = (None, 0, 0);
    loop {
        let sweep = records.sweep(WS, from, 7).unwrap();
        entries += sweep.entries;
        damaged += sweep.damaged.len();
        from = sweep.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!((entries, damaged), (50, 1));
    assert!(records.contacts(WS, ContactId(0), 99).is_err());
    let checked = records.contacts_checked(WS, ContactId(0), 99).unwrap();
    assert_eq!(checked.iter().filter(|(_, contact)| contact.is_err()).map(|(id, _)| id.0).collect::<Vec<_>>(), [20]);
    assert_eq!(checked.len(), 50);
}

#[test]
fn a_newer_format_is_refused() {
    let records = records();
    commit(&records, |writes| writes.put(keys::format(), &(99u32,)));
    assert!(matches!(Records::open(records.store().clone()), Err(StoreError::Open(_))));
}

#[test]
fn a_contact_written_by_a_newer_version_is_read() {
    let contact = contact(1, Some("a@b.co"), Some(49_123));
    let key = keys::contact(WS, contact.id);
    let bytes = codec::encode(&key, &contact);
    let payload = codec::payload(&key, &bytes).unwrap();
    // 24 fields, the 25th is absent; the newer version has two more.
    assert_eq!(payload[..2], [0x98, 24]);
    let mut newer = [&[1, 0x98, 27], &payload[2..], &[0xf6, 0xf5, 0x81, 0x07]].concat();
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&key), &newer);
    newer.extend_from_slice(&checksum.to_le_bytes());
    assert!(codec::decode::<Contact>(&key, &newer).unwrap() == contact);
}
