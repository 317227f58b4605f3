//! A workspace with one of everything, and random contacts and filters for it.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

use crate::contact::*;
use crate::filter::{Context, Filter, Limits, op, read};

/// 2026-03-11T09:30:15.250Z, a Wednesday.
pub const NOW: Millis = 1_773_221_415_250;
pub const DAY: Millis = 86_400_000;

pub const LIMITS: Limits = Limits { depth_max: 16, conditions_max: 256, list_values_max: 1_000 };

const FIELDS: [(u32, &str, DataType); 8] = [
    (1, "note", DataType::Text),
    (2, "plan", DataType::List),
    (3, "opted_in", DataType::Checkbox),
    (4, "score", DataType::Number),
    (5, "birthday", DataType::Date),
    (6, "call_at", DataType::Time),
    (7, "site", DataType::Url),
    (8, "work_mail", DataType::Email),
];

pub fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.workspace.timezone = "Asia/Kuala_Lumpur".into();
    for (id, slug, data_type) in FIELDS {
        let allowed_values = match data_type {
            DataType::List => vec!["Free".into(), "Pro".into(), "Größe XL".into()],
            _ => Vec::new(),
        };
        let (id, slug, name) = (CustomFieldId(id), slug.to_owned(), slug.to_owned());
        catalog.put_field(CustomField {
            id,
            slug,
            name,
            description: None,
            data_type,
            allowed_values,
            searchable: false,
        });
    }
    for (id, name) in [(1, "VIP"), (2, "Lead"), (3, "Größe"), (4, "renewal")] {
        catalog.put_tag(Tag { id: TagId(id), name: name.into(), description: None, emoji: None, color: None });
    }
    for (id, source) in [(1, "whatsapp"), (2, "whatsapp"), (3, "telegram"), (4, "email")] {
        catalog.put_channel(Channel { id: ChannelId(id), name: format!("channel {id}"), source: source.into() });
    }
    put_users(&mut catalog);
    for (id, name) in [(1, "New Lead"), (2, "Hot Lead"), (3, "Customer")] {
        catalog.put_stage(Stage { id: StageId(id), name: name.into(), position: id });
    }
    let quiet = json!({"$and": [{"field": "status", "operator": "isEqualTo", "value": "open"},
        {"field": "timeSinceLastMessage", "operator": "isGreaterThan", "value": {"amount": 2, "unit": "days"}}]});
    let nested = json!({"$or": [{"field": "segment", "operator": "isMemberOf", "value": 1},
        {"field": "tags", "operator": "hasNoneOf", "value": ["vip"]}]});
    for (id, name, filter) in [(1, "Quiet", quiet), (2, "Nested", nested)] {
        catalog.put_segment(Segment {
            id: SegmentId(id),
            name: name.into(),
            filter: filter.to_string(),
            timezone: None,
        });
    }
    catalog
}

pub fn context(catalog: &Catalog) -> Context<'_> {
    Context { catalog, zone: TimeZone::UTC, now: NOW, me: Some(UserId(1)), limits: LIMITS }
}

/// The filter, which is right.
pub fn filter(json: &Json, catalog: &Catalog) -> Filter {
    read(json, "filter", &context(catalog)).unwrap_or_else(|mistake| panic!("{mistake} in {json}"))
}

const TEXTS: [&str; 18] = [
    "Ana",
    "ana",
    "ÓSCAR",
    "Oscar",
    "Straße",
    "STRASSE",
    "김민준",
    "김",
    "สมชาย",
    "李",
    "小龍",
    "a",
    "b a",
    "a b",
    "ab ab",
    "é e",
    "e\u{301}a",
    "ﬁ ＡＢ",
];
const NUMBERS: [&str; 8] = [
    "+60123456789",
    "+60123456",
    "+6012345670",
    "+44207946001",
    "+14155552671",
    "+6511234567",
    "+60312345678",
    "+390612345",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => select(&TEXTS[..]).prop_map(String::from), 1 => "[abéÉe ]{1,5}"]
}

fn instant() -> impl Strategy<Value = Millis> {
    (-20 * DAY..5 * DAY, prop::bool::weighted(0.3)).prop_map(|(back, round)| match round {
        true => (NOW + back).div_euclid(DAY) * DAY,
        false => NOW + back,
    })
}

fn sometimes<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.5, value)
}

type Custom =
    (Option<String>, Option<u16>, Option<bool>, Option<f64>, Option<i32>, Option<u16>, Option<String>, Option<String>);

fn custom() -> impl Strategy<Value = Custom> {
    (
        sometimes(text()),
        sometimes(0..3u16),
        sometimes(any::<bool>()),
        sometimes(select(&[-3.5, 0.0, 1.0, 2.0, 2.5, 1e9][..])),
        sometimes(20_500..20_530i32),
        sometimes((0..24u16).prop_map(|hour| hour * 60)),
        sometimes(text()),
        sometimes(text()),
    )
}

fn values((note, plan, opted_in, score, birthday, call_at, site, mail): Custom) -> Vec<(CustomFieldId, Value)> {
    let values = [
        note.map(Value::Text),
        plan.map(Value::Choice),
        opted_in.map(Value::Checkbox),
        score.map(Value::Number),
        birthday.map(Value::Date),
        call_at.map(Value::Time),
        site.map(Value::Text),
        mail.map(Value::Text),
    ];
    values.into_iter().zip(1..).filter_map(|(value, id)| Some((CustomFieldId(id), value?))).collect()
}

/// An address, or almost one: the index keeps what follows the only `@` apart.
fn email() -> impl Strategy<Value = String> {
    "[aAeé]{0,3}@[abÉ]{1,2}[.@＠][ac]{1,2}"
}

/// A contact without an id, with about half of its values missing.
pub fn contact() -> impl Strategy<Value = Contact> {
    let mail = prop_oneof![1 => text(), 3 => email()];
    let who = (sometimes(text()), sometimes(text()), sometimes(mail), sometimes(select(&NUMBERS[..])));
    let choices = (
        sometimes(select(&["MY", "DE"][..])),
        sometimes(select(&["en", "ms"][..])),
        sometimes(1..=2u32),
        sometimes(1..=3u32),
        sometimes(1..=4u32),
        0..3usize,
        prop::bool::weighted(0.1),
    );
    let sets = (prop::collection::btree_set(1..=4u32, 0..4), prop::collection::btree_set(1..=4u32, 0..4));
    let times =
        (sometimes(instant()), sometimes(instant()), sometimes(instant()), sometimes(instant()), instant(), instant());
    (who, choices, sets, times, custom()).prop_map(|(who, choices, sets, times, custom)| {
        let alpha2 = |code: &str| Alpha2::new([code.as_bytes()[0], code.as_bytes()[1]]);
        let conversation = [Conversation::Open, Conversation::Closed, Conversation::Snoozed][choices.5];
        let link = |id| ChannelLink {
            channel: ChannelId(id),
            address: None,
            connected_at: 0,
            last_message_at: None,
            last_incoming_at: None,
        };
        Contact {
            first_name: who.0,
            last_name: who.1,
            email: who.2,
            phone: who.3.and_then(|given| Phone::parse(given, None).ok()),
            country_code: choices.0.map(alpha2),
            language: choices.1.map(alpha2),
            assignee: choices.2.map(UserId),
            lifecycle: choices.3.map(StageId),
            last_interacted_channel: choices.4.map(ChannelId),
            conversation,
            blocked: choices.6,
            tags: sets.0.into_iter().map(TagId).collect(),
            channels: sets.1.into_iter().map(link).collect(),
            conversation_opened_at: times.0,
            last_message_at: times.1,
            last_incoming_message_at: times.2,
            last_interaction_at: times.3,
            created_at: times.4,
            updated_at: times.5,
            custom: values(custom),
            ..Contact::default()
        }
    })
}

/// One value of a field, right for its kind.
fn value(field: Field, kind: Kind) -> BoxedStrategy<Json> {
    let of = |choices: Vec<Json>| select(choices).boxed();
    match (kind, field) {
        (Kind::Text, Field::Email) => {
            let pieces = prop_oneof!["[aeÉ]{0,3}@[ab]{0,2}", "[abé]{1,2}[.@][ac]{1,2}", "[abÉ.@]{1,2}"];
            prop_oneof![1 => text(), 1 => email(), 4 => pieces].prop_map(Json::from).boxed()
        }
        (Kind::Text, _) => prop_oneof![2 => text(), 1 => "[abeéÉAmi김 ]{1,3}"].prop_map(Json::from).boxed(),
        (Kind::Phone, _) => of([
            "+60",
            "0060 12",
            "012-345",
            "12 345 6789",
            "0123456789",
            "+60123456789",
            "7",
            "00",
            "44",
            "+6012345670",
        ]
        .map(Json::from)
        .to_vec()),
        (Kind::Choice, Field::CountryCode) => of(vec![json!("my"), json!("DE"), json!("FR")]),
        (Kind::Choice, Field::Language) => of(vec![json!("EN"), json!("ms")]),
        (Kind::Choice, Field::Status) => of(vec![json!("open"), json!("Closed"), json!("snoozed"), json!("blocked")]),
        (Kind::Choice, Field::Assignee) => of(vec![json!(1), json!("2"), json!("me"), json!("BO@example.com")]),
        (Kind::Choice, Field::Lifecycle) => of(vec![json!("hot lead"), json!(1), json!("3")]),
        (Kind::Choice, Field::LastInteractedChannel) | (Kind::Set, Field::Channels) => {
            of(vec![json!(1), json!("3"), json!("WhatsApp"), json!("email")])
        }
        (Kind::Choice, _) => of(vec![json!("free"), json!("Pro"), json!("GRÖSSE xl")]),
        (Kind::Set, Field::Source) => of(vec![json!("whatsapp"), json!("Telegram"), json!("email")]),
        (Kind::Set, _) => {
            of(vec![json!("vip"), json!("lead"), json!("GRÖSSE"), json!("renewal"), json!("no such tag")])
        }
        (Kind::Number, Field::Id) => of(vec![json!(3), json!("12"), json!(7.5), json!(-1), json!(1e30), json!(20)]),
        (Kind::Number, _) => of(vec![json!(0), json!("2"), json!(2.5), json!(-3.5), json!(-0.0), json!(1e9)]),
        (Kind::Date, _) => of(vec![
            json!("2026-02-20"),
            json!("2026-03-11"),
            json!({"ago": {"amount": 9, "unit": "days"}}),
            json!({"startOf": "month"}),
        ]),
        (Kind::Time, _) => of(vec![json!("08:00"), json!("13:30"), json!("23:00")]),
        (Kind::Checkbox, _) => of(vec![json!(true), json!("false")]),
        (Kind::Segment, _) => of(vec![json!(1), json!("nested"), json!("2")]),
        (Kind::Instant | Kind::Duration, _) => of(vec![
            json!("2026-03-01"),
            json!("2026-03-10 12:00"),
            json!("2026-03-05T00:00:00Z"),
            json!(NOW - 3 * DAY),
            json!({"ago": {"amount": 36, "unit": "hours"}}),
            json!({"startOf": "week", "offset": -1}),
        ]),
    }
}

fn pair(value: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    (value.clone(), value).prop_map(|(from, to)| json!({"from": from, "to": to})).boxed()
}

/// A condition by any operator of the table on a field that takes it; `None` where the value came out reversed.
pub fn condition(catalog: &Catalog) -> impl Strategy<Value = Json> + use<> {
    let fields: Vec<(Field, Kind, String)> =
        Field::all(catalog).map(|field| (field, field.kind(catalog), field.name(catalog).to_owned())).collect();
    let rows: Vec<_> = fields
        .iter()
        .flat_map(|(field, kind, name)| {
            op::of_kind(*kind).map(move |operator| (*field, *kind, name.clone(), operator.name))
        })
        .collect();
    select(rows).prop_flat_map(|(field, kind, name, operator)| {
        let positive = op::named(operator).and_then(|row| row.complement_of).unwrap_or(operator);
        let one = value(field, kind);
        let age = || {
            (0..9u32, select(&["days", "hours", "weeks"][..]))
                .prop_map(|(amount, unit)| json!({"amount": amount, "unit": unit}))
        };
        let value = match positive {
            "exists" => Just(Json::Null).boxed(),
            "isGreaterThan" | "isLessThan" if kind == Kind::Duration => age().boxed(),
            "isBetween" if kind == Kind::Duration => pair(age().boxed()),
            "isBetween" | "isTimestampBetween" => pair(one),
            "hasAnyOf" | "hasAllOf" | "hasOnly" => prop::collection::vec(one, 1..4).prop_map(Json::from).boxed(),
            "hasAtLeast" => (1..3u32, prop::collection::vec(one, 1..5))
                .prop_map(|(count, of)| json!({"count": count, "of": of}))
                .boxed(),
            _ => one,
        };
        value.prop_map(move |value| json!({"field": name, "operator": operator, "value": value}))
    })
}

/// A tree of conditions.
pub fn tree(catalog: &Catalog) -> impl Strategy<Value = Json> + use<> {
    condition(catalog).prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            2 => prop::collection::vec(inner.clone(), 0..4).prop_map(|nodes| json!({"$and": nodes})),
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(|nodes| json!({"$or": nodes})),
            1 => inner.prop_map(|node| json!({"$not": node})),
        ]
    })
}

fn put_users(catalog: &mut Catalog) {
    for (id, email) in [(1, "ana@example.com"), (2, "bo@example.com")] {
        catalog.put_user(User { id: UserId(id), ..User::new("U", email, Role::Manager) });
    }
}

/// What random values may be refused for: they are not looked at together.
pub fn unlucky(mistake: &Mistake) -> bool {
    matches!(mistake.code, "reversed_range" | "count_too_large")
}
