//! The groups against a scan of all contacts, after random writes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::contact::{Catalog, Contact, ContactId, Phone, fold};

/// Some differ in case only, and two in what `search` makes of them too.
const EMAILS: [&str; 6] = ["ᾳ@x.org", "ΑΙ@x.org", "A@x.org", "a@X.org", "b@x.org", "αι@x.org"];

/// A write: the row, and its e-mail and phone if it is there after it.
type Write = (Row, Option<(Option<usize>, Option<u64>)>);

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let values = (prop::option::of(0..EMAILS.len()), prop::option::of(60_000u64..60_004));
    prop::collection::vec((1u32..30, prop::option::weighted(0.8, values)), 0..120)
}

fn apply(index: &mut Index, rows: &mut BTreeMap<Row, Contact>, (row, values): Write) {
    let contact = values.map(|(email, digits)| Contact {
        id: ContactId(row),
        email: email.map(|place| EMAILS[place].to_owned()),
        // The same digits make one phone, whatever of them is said to be the calling code.
        phone: digits.map(|digits| Phone { digits, calling_code_len: (row % 3 + 1) as u8, given: String::new() }),
        ..Contact::default()
    });
    index.put(row, contact.as_ref(), &Catalog::default());
    match contact {
        Some(contact) => drop(rows.insert(row, contact)),
        None => drop(rows.remove(&row)),
    }
}

fn scanned(rows: &BTreeMap<Row, Contact>) -> Vec<Group> {
    let mut groups: BTreeMap<(Shared, String), Vec<Row>> = BTreeMap::new();
    for (row, contact) in rows {
        let email = contact.email.as_deref().map(|email| (Shared::Email, fold::compare(email)));
        let phone = contact.phone.as_ref().map(|phone| (Shared::Phone, phone.digits.to_string()));
        email.into_iter().chain(phone).for_each(|key| groups.entry(key).or_default().push(*row));
    }
    let groups = groups.into_iter().filter(|(_, rows)| rows.len() > 1);
    let mut groups: Vec<Group> = groups
        .map(|((by, _), rows)| Group { by, count: rows.len() as u64, rows: rows.into_iter().take(3).collect() })
        .collect();
    groups.sort_by_key(|group| (group.rows[0], group.by));
    groups
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_groups_are_those_of_a_scan_and_so_is_every_page(first in writes(), then in writes()) {
        let (mut index, mut rows) = (Index::new(&Catalog::default()), BTreeMap::new());
        first.into_iter().for_each(|write| apply(&mut index, &mut rows, write));
        // Built between the writes, a row or two at a time.
        let mut is_whole = false;
        for (place, write) in then.into_iter().enumerate() {
            is_whole = is_whole || index.build_duplicates(1 + place % 2);
            prop_assert_eq!(index.duplicates().is_some(), is_whole);
            apply(&mut index, &mut rows, write);
            if !is_whole {
                continue;
            }
            for by in [None, Some(Shared::Email), Some(Shared::Phone)] {
                let expected: Vec<Group> = scanned(&rows).into_iter().filter(|group| by.is_none_or(|by| by == group.by)).collect();
                prop_assert_eq!(index.duplicates().unwrap().len(by), expected.len() as u64);
                for (offset, limit) in [(0, 50), (1, 2), (2, 1), (3, 4), (40, 5)] {
                    let page: Vec<Group> = expected.iter().skip(offset).take(limit).cloned().collect();
                    prop_assert_eq!(index.duplicate_groups(by, offset as u64, limit, 3), page);
                }
            }
            prop_assert_eq!(index.check_duplicates(), None);
        }
    }
}

#[test]
fn what_is_kept_wrongly_is_found() {
    let (mut index, mut rows) = (Index::new(&Catalog::default()), BTreeMap::new());
    assert!(index.build_duplicates(9));
    (1..4).for_each(|row| apply(&mut index, &mut rows, (row, Some((Some(4), Some(60_000))))));
    assert_eq!(index.check_duplicates(), None);
    let kept = index.duplicates.as_mut().unwrap();
    kept.emails.insert(2);
    assert_eq!(index.check_duplicates(), Some(2));
    let kept = index.duplicates.as_mut().unwrap();
    kept.emails.remove(2);
    kept.phone_rows.rows.remove(0, 3);
    assert_eq!(index.check_duplicates(), Some(1));
    assert!(!index.differences(&index, &Catalog::default(), 9).is_empty());
}
