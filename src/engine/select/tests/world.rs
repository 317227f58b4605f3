//! A small workspace full of equal and missing values, with its contacts, its index and, if wanted, its text index.

use std::collections::BTreeMap;

use tempfile::TempDir;

use crate::contact::*;
use crate::filter::View;
use crate::index::{GramIndex, GramSettings, Index, Row, RowSet, RowTexts};

/// Random choices from a seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Whether it falls among `of` of ten.
    pub fn of_ten(&mut self, of: usize) -> bool {
        self.below(10) < of
    }

    pub fn maybe<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        if self.of_ten(7) { Some(self.pick(of)) } else { None }
    }
}

const FIRST: [&str; 12] =
    ["Ann", "ann", "Anna", "Óscar", "oscar", "Carlos", "Scarlet", "王小明", "Мария", "O'Brien", "room 9", "room 10"];
const LAST: [&str; 12] =
    ["Car", "car-pool", "Lee", "Ångström", "Zoë", "小明", "มานี", "Annan", "de la Car", "9", "Ann 012", "Smith"];
const ADDRESS: [&str; 8] = ["ann", "scar", "carl", "oscar", "mail", "o.brien", "60123", "zoe"];
const DOMAIN: [&str; 5] = ["gmail.com", "mail.example", "car.io", "gmai.de", "012345.net"];
const COMPANY: [&str; 11] =
    ["Carl Ltd", "Mail & Co", "gmail", "ACME 012", "Ann's", "王記", "oscar", "Scar Tissue", "x", "car car", "no car"];
const DIGITS: [(u64, u8); 9] = [
    (60_123_456_789, 2),
    (60_123_456_780, 2),
    (60_312_345_678, 2),
    (14_155_550_123, 1),
    (14_155_550_199, 1),
    (49_301_234_567, 2),
    (37_212_345_678, 3),
    (6_012, 2),
    (6_834_012, 3),
];

pub struct World {
    pub catalog: Catalog,
    pub contacts: BTreeMap<Row, Contact>,
    pub index: Index,
    grams: Option<(GramIndex, std::sync::Arc<crate::index::GramView>, TempDir)>,
}

impl World {
    /// `size` contacts, some gone again, some written twice; with a text index, the last of them are not flushed yet.
    pub fn new(dice: &mut Dice, size: usize, with_grams: bool) -> World {
        let catalog = catalog(dice);
        let index = Index::new(&catalog);
        let mut world = World { catalog, contacts: BTreeMap::new(), index, grams: None };
        world.write(dice, size, size * 5 / 4);
        if with_grams {
            world.flush();
            world.write(dice, size, size / 6);
        }
        world
    }

    fn write(&mut self, dice: &mut Dice, size: usize, times: usize) {
        for _ in 0..times {
            let row = 1 + dice.below(size + 1) as Row;
            if dice.below(12) == 0 {
                self.contacts.remove(&row);
            } else {
                let mut contact = contact(dice, row);
                if let (Some(known), true) = (self.contacts.get(&row), dice.of_ten(4)) {
                    // Nothing but what a message or another number would change.
                    let (phone, last_message_at) = (contact.phone.take(), contact.last_message_at);
                    contact = Contact { phone, last_message_at, ..known.clone() };
                }
                self.contacts.insert(row, contact);
            }
            self.index.put(row, self.contacts.get(&row), &self.catalog);
        }
    }

    fn flush(&mut self) {
        let folder = tempfile::tempdir().expect("a folder");
        let settings =
            GramSettings { cache_max: 1 << 16, flush_memory_max: 0, bulk_memory_max: 0, check_files_at_open: false };
        let grams = GramIndex::open(&folder.path().join("text"), "test", settings).expect("a text index");
        let of_row = |row: &Row| -> RowTexts { (*row, self.index.row_texts(*row)) };
        let prepared = grams.prepare(&RowSet::new(), &mut self.contacts.keys().map(of_row), 1).expect("a flush");
        grams.install(prepared);
        let flushed = self.index.unflushed().clone();
        self.index.flushed(&flushed, &RowSet::new());
        let view = grams.view();
        self.grams = Some((grams, view, folder));
    }

    pub fn view(&self) -> View<'_> {
        let grams = self.grams.as_ref().map(|(_, view, _)| &**view);
        View { index: &self.index, grams, text_scan_max: 8, catalog: &self.catalog }
    }
}

fn catalog(dice: &mut Dice) -> Catalog {
    let mut catalog = Catalog::default();
    catalog.workspace.timezone = "Asia/Kuala_Lumpur".into();
    catalog.workspace.locale = dice.pick(&["en", "sv"]).into();
    for (id, name) in [(1, "vip"), (2, "Lead"), (3, "émigré"), (4, "car"), (5, "unused")] {
        catalog.put_tag(Tag { id: TagId(id), name: name.into(), description: None, emoji: None, color: None });
    }
    for (id, name, source) in [(1, "Main", "whatsapp"), (2, "Main", "email"), (3, "Shop", "whatsapp")] {
        catalog.put_channel(Channel { id: ChannelId(id), name: name.into(), source: source.into() });
    }
    for (id, first, last) in
        [(1, "Zoe", None), (2, "élan", None), (3, "Eve", Some("B")), (4, "eve", Some("A")), (5, "Eve", Some("B"))]
    {
        catalog.put_user(User {
            id: UserId(id),
            last_name: last.map(str::to_owned),
            ..User::new(first, format!("u{id}@example.com"), Role::Agent)
        });
    }
    for (id, name, position) in [(1, "Won", 9), (2, "New", 0), (3, "Hot", 5)] {
        catalog.put_stage(Stage { id: StageId(id), name: name.into(), position });
    }
    add_segments(&mut catalog);
    add_fields(&mut catalog);
    catalog
}

fn add_segments(catalog: &mut Catalog) {
    for (id, name, filter, timezone) in [
        (1, "Open", r#"{"field": "status", "operator": "isEqualTo", "value": "open"}"#, None),
        (
            2,
            "Old",
            r#"{"field": "lastMessageAt", "operator": "isTimestampBefore", "value": "1970-01-02"}"#,
            Some("America/New_York"),
        ),
        (3, "Broken", r#"{"field": "gone", "operator": "exists"}"#, None),
    ] {
        catalog.put_segment(Segment {
            id: SegmentId(id),
            name: name.into(),
            filter: filter.into(),
            timezone: timezone.map(str::to_owned),
        });
    }
}

fn add_fields(catalog: &mut Catalog) {
    let fields = [
        ("plan", DataType::List, false),
        ("member", DataType::Checkbox, false),
        ("score", DataType::Number, false),
        ("company", DataType::Text, true),
        ("site", DataType::Url, false),
        ("due", DataType::Date, false),
        ("at", DataType::Time, false),
    ];
    for (id, (slug, data_type, searchable)) in (1..).zip(fields) {
        catalog.put_field(CustomField {
            id: CustomFieldId(id),
            slug: slug.into(),
            name: slug.into(),
            description: None,
            data_type,
            allowed_values: vec!["Gold".into(), "Basic".into(), "Free".into()],
            searchable,
        });
    }
}

fn contact(dice: &mut Dice, row: Row) -> Contact {
    let instant = |dice: &mut Dice| dice.maybe(&[0, 1, 1_000, 86_400_000, 1_700_000_000_000, -5]);
    let mut channels: Vec<ChannelId> = (1..=3).map(ChannelId).filter(|_| dice.of_ten(4)).collect();
    if dice.of_ten(5) {
        channels.reverse();
    }
    let link = |channel| ChannelLink {
        channel,
        address: None,
        connected_at: 0,
        last_message_at: None,
        last_incoming_at: None,
    };
    let email = format!("{}{}@{}", dice.pick(&ADDRESS), dice.below(3), dice.pick(&DOMAIN));
    let mut contact = Contact {
        id: ContactId(row),
        first_name: dice.maybe(&FIRST).map(str::to_owned),
        last_name: dice.maybe(&LAST).map(str::to_owned),
        email: dice.of_ten(8).then_some(email),
        phone: dice.maybe(&DIGITS).map(|(digits, calling_code_len)| Phone {
            digits,
            calling_code_len,
            given: String::new(),
        }),
        country_code: dice.maybe(&[*b"MY", *b"DE", *b"US"]).map(Alpha2::new),
        language: dice.maybe(&[*b"en", *b"ms"]).map(Alpha2::new),
        tags: (1..=4).map(TagId).filter(|_| dice.of_ten(4)).collect(),
        last_interacted_channel: dice.maybe(&channels_or_none(&channels)).flatten(),
        channels: channels.into_iter().map(link).collect(),
        assignee: dice.maybe(&[1, 2, 3, 4, 5]).map(UserId),
        lifecycle: dice.maybe(&[1, 2, 3]).map(StageId),
        conversation: dice.pick(&[Conversation::Open, Conversation::Closed, Conversation::Snoozed]),
        blocked: dice.of_ten(1),
        conversation_opened_at: instant(dice),
        last_message_at: instant(dice),
        last_incoming_message_at: instant(dice),
        last_interaction_at: instant(dice),
        created_at: dice.pick(&[1, 2, 3]),
        updated_at: dice.pick(&[7, 8]),
        ..Contact::default()
    };
    let values = [
        dice.maybe(&[0, 1, 2]).map(Value::Choice),
        dice.maybe(&[true, false]).map(Value::Checkbox),
        dice.maybe(&[-1.5, 0.0, 2.0, 1e9]).map(Value::Number),
        dice.maybe(&COMPANY).map(|text| Value::Text(text.to_owned())),
        dice.maybe(&["https://a.example", "https://car.example"]).map(|text| Value::Text(text.to_owned())),
        dice.maybe(&[-1, 0, 20_000]).map(Value::Date),
        dice.maybe(&[0, 5, 1_439]).map(Value::Time),
    ];
    for (id, value) in (1..).zip(values) {
        contact.set_custom(CustomFieldId(id), value);
    }
    contact
}

fn channels_or_none(channels: &[ChannelId]) -> Vec<Option<ChannelId>> {
    channels.iter().copied().map(Some).chain([None]).collect()
}
