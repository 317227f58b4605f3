//! The index as a whole against the contacts it was given.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::contact::{
    Alpha2, Channel, ChannelId, ChannelLink, ContactId, Conversation, CustomField, CustomFieldId, DataType, StageId,
    TagId, UserId, Value, fold,
};

const TYPES: [DataType; 8] = [
    DataType::Text,
    DataType::List,
    DataType::Checkbox,
    DataType::Email,
    DataType::Number,
    DataType::Url,
    DataType::Date,
    DataType::Time,
];

fn catalog(customs: usize) -> Catalog {
    let mut catalog = Catalog::default();
    catalog.workspace.locale = "sv".into();
    for (&data_type, id) in TYPES[..customs].iter().zip(1..) {
        let id = CustomFieldId(id);
        let field = CustomField {
            id,
            slug: format!("f{id}"),
            name: format!("Field {id}"),
            description: None,
            data_type,
            allowed_values: vec!["a".into(), "b".into()],
            searchable: true,
        };
        catalog.fields.insert(id, field);
    }
    for id in 1..6 {
        let source = if id % 2 == 0 { "sms" } else { "email" };
        let channel = Channel { id: ChannelId(id), name: format!("Channel {id}"), source: source.into() };
        catalog.channels.insert(channel.id, channel);
    }
    catalog
}

fn custom(data_type: DataType, seed: u16) -> Value {
    match data_type {
        DataType::Text | DataType::Email | DataType::Url => Value::Text(format!("Täxt {}", seed % 40)),
        DataType::List => Value::Choice(seed % 2),
        DataType::Checkbox => Value::Checkbox(seed % 2 == 1),
        DataType::Number => Value::Number(f64::from(seed % 9) - 4.5),
        DataType::Date => Value::Date(i32::from(seed % 50) - 25),
        DataType::Time => Value::Time(seed % 1440),
    }
}

fn name() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("(Åsa|åsa|Öl|Zoe|ᾳ|Иван|張|room ?[0-9]{1,2}|a\u{ad}b|ab){1}( b)?")
}

fn contact() -> impl Strategy<Value = Contact> {
    let names = (name(), name(), proptest::option::of("[a-c]{1,3}@x\\.de"));
    let codes =
        (0u16..4, proptest::option::of(0u32..3), any::<bool>(), proptest::option::of(600_000_000u64..600_000_020));
    let sets = (proptest::collection::btree_set(1u32..9, 0..7), proptest::collection::vec(1u32..6, 0..4));
    let times = proptest::collection::vec(proptest::option::of(0i64..30), 6);
    let customs = proptest::collection::vec(proptest::option::of(any::<u16>()), TYPES.len());
    (names, codes, sets, times, customs).prop_map(|(names, codes, sets, times, customs)| Contact {
        first_name: names.0,
        last_name: names.1,
        email: names.2,
        phone: codes.3.map(|digits| Phone { digits, calling_code_len: 2, given: String::new() }),
        country_code: codes.1.map(|country| Alpha2::new([b'A', b'A' + country as u8])),
        language: (codes.0 == 1).then(|| Alpha2::new(*b"sv")),
        tags: sets.0.into_iter().map(TagId).collect(),
        channels: sets.1.iter().map(|&id| link(id)).collect(),
        last_interacted_channel: sets.1.first().map(|&id| ChannelId(id)),
        assignee: codes.1.map(UserId),
        lifecycle: (codes.0 > 1).then_some(StageId(u32::from(codes.0))),
        conversation: if codes.2 { Conversation::Open } else { Conversation::Snoozed },
        blocked: codes.0 == 3,
        conversation_opened_at: times[0],
        last_message_at: times[1],
        last_incoming_message_at: times[2],
        last_interaction_at: times[3],
        created_at: times[4].unwrap_or(7),
        updated_at: times[5].unwrap_or(8),
        custom: customs
            .iter()
            .zip(TYPES)
            .zip(1..)
            .filter_map(|((seed, data_type), id)| Some((CustomFieldId(id), custom(data_type, (*seed)?))))
            .collect(),
        ..Contact::default()
    })
}

fn link(channel: u32) -> ChannelLink {
    let channel = ChannelId(channel);
    ChannelLink { channel, address: None, connected_at: 0, last_message_at: None, last_incoming_at: None }
}

type Writes = Vec<(Row, Option<Contact>)>;

fn writes() -> impl Strategy<Value = Writes> {
    proptest::collection::vec((1u32..60, prop_oneof![5 => contact().prop_map(Some), 1 => Just(None)]), 1..120)
}

/// The index after the writes, and the contacts that are left.
fn written(writes: &Writes, catalog: &Catalog) -> (Index, BTreeMap<Row, Contact>) {
    let (mut index, mut contacts) = (Index::new(catalog), BTreeMap::new());
    // One by one, then more and more of them at once; a row may be among them several times.
    let (mut rest, mut together) = (&writes[..], 1);
    while !rest.is_empty() {
        if rest.len() * 3 <= writes.len() * 2 || writes.len() < 3 {
            Field::all(catalog).for_each(|field| index.build_order(field));
        }
        let (batch, after) = rest.split_at(together.min(rest.len()));
        index.put_all(batch.iter().map(|(row, contact)| (*row, contact.as_ref())), catalog);
        for (row, contact) in batch {
            match contact {
                Some(contact) => drop(contacts.insert(*row, contact.clone())),
                None => drop(contacts.remove(row)),
            }
        }
        (rest, together) = (after, 1 + (writes.len() - after.len()) / 8);
    }
    (index, contacts)
}

fn rebuilt(contacts: &BTreeMap<Row, Contact>, catalog: &Catalog) -> Index {
    let mut index = Index::bulk(catalog);
    contacts.iter().for_each(|(&row, contact)| index.put(row, Some(contact), catalog));
    index.finish();
    index
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn an_index_kept_up_to_date_is_one_built_anew(writes in writes()) {
        let catalog = catalog(TYPES.len());
        let (index, contacts) = written(&writes, &catalog);
        let mut anew = rebuilt(&contacts, &catalog);
        prop_assert_eq!(index.differences(&anew, &catalog, 9), Vec::<String>::new());
        for field in Field::all(&catalog) {
            anew.build_order(field);
            prop_assert_eq!(index.order(field).is_some(), anew.order(field).is_some());
            if let (Some(kept), Some(built)) = (index.order(field), anew.order(field)) {
                prop_assert!(kept.iter().eq(built.iter()), "{:?}", field);
            }
        }
    }

    #[test]
    fn names_stand_in_the_order_of_the_collation(writes in writes()) {
        let catalog = catalog(0);
        let (index, contacts) = written(&writes, &catalog);
        let name = |row: &Row| contacts[row].full_name().map(|name| fold::compare(&name));
        let mut rows: Vec<Row> = contacts.keys().copied().filter(|row| name(row).is_some()).collect();
        prop_assert!(rows.iter().all(|row| index.full_name(*row).as_deref() == name(row).as_deref()));
        let by_name = |a: &Row, b: &Row| index.collation().compare(&name(a).unwrap_or_default(), &name(b).unwrap_or_default());
        rows.sort_by(|a, b| by_name(a, b).then(a.cmp(b)));
        let order = index.order(Field::Name).unwrap();
        prop_assert!(order.iter().eq(rows.iter().copied()));
        prop_assert_eq!(index.present(Field::Name), rows.iter().copied().collect::<RowSet>());
        for pair in rows.windows(2) {
            prop_assert_eq!(index.compare(Field::Name, pair[0], pair[1]), by_name(&pair[0], &pair[1]));
            prop_assert_eq!(index.compare(Field::Name, pair[1], pair[0]), by_name(&pair[1], &pair[0]));
        }
    }

    #[test]
    fn the_index_shows_what_the_contact_has(writes in writes()) {
        let catalog = catalog(TYPES.len());
        let (index, contacts) = written(&writes, &catalog);
        prop_assert!(index.alive().iter().eq(contacts.keys().copied()));
        for (&row, contact) in &contacts {
            prop_assert_eq!(index.facet(Field::Status).unwrap().get(row), Some(contact.status() as u32));
            prop_assert!(index.set_facet(Field::Tags).unwrap().get(row).eq(contact.tags.iter().map(|tag| tag.0)));
            let phone = contact.phone.as_ref().map(|phone| (phone.digits, phone.calling_code_len));
            prop_assert_eq!(index.phone(row).map(|phone| (phone.digits, phone.calling_code_len)), phone);
            let mut sources: Vec<&str> = contact.channels.iter().map(|link| &*catalog.channels[&link.channel].source).collect();
            sources.sort_unstable();
            sources.dedup();
            let mut shown: Vec<&str> = index.set_facet(Field::Source).unwrap().get(row).filter_map(|code| index.source_name(code)).collect();
            shown.sort_unstable();
            prop_assert_eq!(shown, sources);
            for (id, value) in &contact.custom {
                let field = Field::Custom(*id);
                let holds = match value {
                    Value::Text(text) => index.text(field).and_then(|column| column.get(row)) == Some(&*fold::compare(text)),
                    Value::Choice(code) => index.facet(field).and_then(|facet| facet.get(row)) == Some(u32::from(*code)),
                    Value::Checkbox(checked) => index.facet(field).and_then(|facet| facet.get(row)) == Some(u32::from(*checked)),
                    Value::Number(number) => index.column(field).and_then(|column| column.get(row)).map(number_from_key) == Some(*number),
                    Value::Date(days) => index.column(field).and_then(|column| column.get(row)) == Some(i64::from(*days)),
                    Value::Time(minutes) => index.column(field).and_then(|column| column.get(row)) == Some(i64::from(*minutes)),
                };
                prop_assert!(holds && index.present(field).contains(row));
            }
            let texts = TEXTS.iter().filter(|field| fields::text_of(contact, **field).is_some()).count();
            let custom = contact.custom.iter().filter(|(_, value)| matches!(value, Value::Text(_))).count();
            let phone_forms = contact.phone.iter().count() * 2;
            prop_assert_eq!(index.row_texts(row).len(), texts + custom + phone_forms);
        }
    }

    #[test]
    fn a_checkpoint_gives_the_index_back(writes in writes()) {
        let catalog = catalog(TYPES.len());
        let (index, contacts) = written(&writes, &catalog);
        let mut file = Vec::new();
        index.write_checkpoint(b"ws 1 at 7", &mut file).unwrap();
        let (header, mut read) = Index::read_checkpoint(&file[..], &catalog).unwrap();
        prop_assert_eq!(header, b"ws 1 at 7");
        prop_assert_eq!(read.differences(&index, &catalog, 9), Vec::<String>::new());
        prop_assert_eq!(read.unflushed(), index.unflushed());
        prop_assert!(read.orders.keys().eq(index.orders.keys()));
        // What was read goes on being written to.
        let mut contacts = contacts;
        for (row, contact) in writes.iter().rev().take(20) {
            read.put(row + 3, contact.as_ref(), &catalog);
            match contact {
                Some(contact) => drop(contacts.insert(row + 3, contact.clone())),
                None => drop(contacts.remove(&(row + 3))),
            }
        }
        prop_assert_eq!(read.differences(&rebuilt(&contacts, &catalog), &catalog, 9), Vec::<String>::new());
    }
}

fn small() -> (Index, Catalog, Contact) {
    let catalog = catalog(2);
    let mut index = Index::new(&catalog);
    let contact = Contact {
        id: ContactId(3),
        first_name: Some("Óscar".into()),
        tags: vec![TagId(1), TagId(4)],
        channels: vec![link(1), link(2)],
        created_at: 5,
        ..Contact::default()
    };
    index.put(3, Some(&contact), &catalog);
    (index, catalog, contact)
}

#[test]
fn every_flip_and_every_cut_of_a_checkpoint_is_noticed() {
    let (index, catalog, _) = small();
    let mut file = Vec::new();
    index.write_checkpoint(b"header", &mut file).unwrap();
    assert!(Index::read_checkpoint(&file[..], &catalog).is_ok());
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(Index::read_checkpoint(&flipped[..], &catalog).is_err(), "flip at {at}");
        assert!(Index::read_checkpoint(&file[..at], &catalog).is_err(), "cut at {at}");
    }
    file.push(0);
    assert!(Index::read_checkpoint(&file[..], &catalog).is_err());
}

#[test]
fn a_checkpoint_of_another_version_says_so() {
    let (index, catalog, _) = small();
    let mut file = Vec::new();
    index.write_checkpoint(b"", &mut file).unwrap();
    file[17] = b'9';
    let prelude = 8 + 8 + usize::from(file[8]) + 8 + 8;
    let sum = crc32c::crc32c(&file[..prelude]).to_le_bytes();
    file[prelude..prelude + 4].copy_from_slice(&sum);
    let read = Index::read_checkpoint(&file[..], &catalog);
    assert!(matches!(read, Err(CheckpointError::OtherVersion(_))));
}

#[test]
fn the_version_names_the_icu_that_is_used() {
    let lock = include_str!("../../Cargo.lock");
    for name in ["icu_collator", "icu_collator_data", "icu_casemap", "icu_normalizer"] {
        let used = lock.contains(&format!("name = \"{name}\"\nversion = \"2.4."));
        assert!(used, "{name} is another version: change checkpoint's VERSION with it, then this test");
    }
}

#[test]
fn only_changed_texts_await_the_flush() {
    let (mut index, catalog, mut contact) = small();
    assert!(index.unflushed().iter().eq([3]));
    index.put(4, Some(&contact), &catalog);
    let flushing = index.unflushed().clone();
    index.put(4, Some(&Contact { email: Some("a@b.c".into()), ..contact.clone() }), &catalog);
    index.flushed(&flushing, &RowSet::from_range(4..=4));
    assert!(index.unflushed().iter().eq([4]));
    contact.last_message_at = Some(9);
    index.put(3, Some(&contact), &catalog);
    assert!(!index.unflushed().contains(3));
    index.put(3, None, &catalog);
    assert!(index.unflushed().iter().eq([3, 4]) && index.alive().iter().eq([4]));
    index.unflush_all();
    assert!(index.unflushed().iter().eq([4]));
}

#[test]
fn what_the_workspace_defines_can_change() {
    let (mut index, mut catalog, mut contact) = small();
    assert!(index.facet(Field::Custom(CustomFieldId(3))).is_none());
    catalog.fields = super::tests::catalog(3).fields;
    catalog.channels.get_mut(&ChannelId(1)).unwrap().source = "fax".into();
    catalog.workspace.locale = "en".into();
    index.define(&catalog);
    contact.custom = vec![(CustomFieldId(3), Value::Checkbox(true))];
    contact.first_name = Some("Zoe".into());
    index.put(4, Some(&contact), &catalog);
    assert!(index.facet(Field::Custom(CustomFieldId(3))).unwrap().rows(1).iter().eq([4]));
    let sources = index.set_facet(Field::Source).unwrap();
    assert!(sources.rows(index.source_code("fax").unwrap()).iter().eq([3, 4]));
    assert!(sources.rows(index.source_code("email").unwrap()).is_empty());
    assert!(index.order(Field::Name).unwrap().iter().eq([3, 4]), "ó sorts before z in English");
    catalog.fields.clear();
    index.define(&catalog);
    assert!(index.text(Field::Custom(CustomFieldId(1))).is_none());
}

#[test]
fn differences_name_field_and_row_and_no_value() {
    let (index, catalog, mut contact) = small();
    let mut other = Index::new(&catalog);
    contact.first_name = Some("Secret".into());
    contact.tags.pop();
    contact.last_message_at = Some(1);
    other.put(3, Some(&contact), &catalog);
    other.put(9, Some(&contact), &catalog);
    let found = index.differences(&other, &catalog, 100);
    for words in [
        "row 9 is in one of the two only",
        "firstName differs in row 3",
        "tags differs in row 3",
        "lastMessageAt differs in row 3",
    ] {
        assert!(found.iter().any(|found| found == words), "{words}: {found:?}");
    }
    assert!(found.iter().all(|words| !words.to_lowercase().contains("secret")));
    assert_eq!(index.differences(&other, &catalog, 2).len(), 2);
    assert!(index.memory().iter().map(|(_, bytes)| bytes).sum::<usize>() > 0);
}

#[test]
fn a_text_field_that_goes_leaves_its_rows_to_the_next_flush() {
    let id = CustomFieldId(900);
    let mut catalog = Catalog::default();
    let field = |data_type| CustomField {
        id,
        slug: "gone".into(),
        name: "Gone".into(),
        description: None,
        data_type,
        allowed_values: Vec::new(),
        searchable: true,
    };
    catalog.put_field(field(DataType::Text));
    let mut index = Index::new(&catalog);
    let contact = Contact { id: ContactId(7), custom: vec![(id, Value::Text("words".into()))], ..Contact::default() };
    index.put(7, Some(&contact), &catalog);
    index.flushed(&RowSet::from_iter([7]), &RowSet::new());
    assert!(index.unflushed().is_empty());
    catalog.remove_field(id);
    index.define(&catalog);
    assert!(index.unflushed().iter().eq([7]));
}
