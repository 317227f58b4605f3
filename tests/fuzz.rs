//! Random and mutated input into everything that reads what a caller sent: nothing panics, and every refusal says where
//! and why.
//!
//! `ROLLCALL_FUZZ` is the number of cases of each reader, `ROLLCALL_SEED` the seed of an earlier run.

use std::sync::Arc;

use jiff::tz::TimeZone;
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use rollcall::clock::Clock;
use rollcall::config::Config;
use rollcall::contact::draft::Scope;
use rollcall::contact::identity::Identifier;
use rollcall::contact::phone::Digits;
use rollcall::contact::*;
use rollcall::engine::export::Format;
use rollcall::engine::import::{self, Options};
use rollcall::engine::{Actor, Engine, NewWorkspace, Query};
use rollcall::filter::{self, Context, Limits, op};
use rollcall::index::{Index, write_sections};
use rollcall::store::MemoryStore;
use serde_json::{Map, Value as Json, json};

const NOW: Millis = 1_774_744_200_000;
const LIMITS: Limits = Limits { depth_max: 16, conditions_max: 256, list_values_max: 1000 };
/// Texts that have broken readers before.
const NASTY: [&str; 40] = [
    "",
    " ",
    "\0",
    "\u{feff}",
    "\u{202e}x",
    "ß",
    "İ",
    "e\u{301}\u{301}\u{301}",
    "👩‍👩‍👧‍👧",
    "𝟕𝟕𝟕",
    "٣٤٥",
    "１２３",
    "-",
    "+",
    "00",
    "+0",
    "()",
    "(0)",
    "+60(0)",
    "ext",
    "x1",
    "tel:",
    "1e309",
    "-1e309",
    "NaN",
    "Infinity",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "0000-00-00",
    "9999-12-31",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:60-23:59",
    "2026-03-29 02:30",
    "24:00",
    "id:0",
    "email:@",
    "phone:",
    "null",
    "$and",
];
const UNITS: [&str; 6] = ["seconds", "day", "weeks", "months", "quarters", "years"];

fn cases() -> u32 {
    std::env::var("ROLLCALL_FUZZ").ok().and_then(|cases| cases.parse().ok()).unwrap_or(3_000)
}

fn rng(what: &str) -> ChaCha8Rng {
    let given = std::env::var("ROLLCALL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| rand::rng().random());
    println!("seed of fuzz {what}: ROLLCALL_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}

/// Any text, most often one of those people and mischief come up with, changed a little.
fn text(rng: &mut ChaCha8Rng) -> String {
    let mut text = match rng.random_range(0..4) {
        0 => (0..rng.random_range(0..12)).map(|_| rng.random::<char>()).collect(),
        1 => {
            (0..rng.random_range(0..20)).map(|_| *b"0123456789+-:() .TZ".choose(rng).expect("a byte") as char).collect()
        }
        _ => (*NASTY.choose(rng).expect("a text")).to_owned(),
    };
    if rng.random_bool(0.3) {
        text.push_str(NASTY.choose(rng).expect("a text"));
    }
    if rng.random_bool(0.01) { text.repeat(5_000) } else { text }
}

fn value(rng: &mut ChaCha8Rng, depth: u32) -> Json {
    match rng.random_range(0..if depth == 0 { 7 } else { 12 }) {
        0 => Json::Null,
        1 => rng.random::<bool>().into(),
        2 => rng.random::<i64>().into(),
        3 => rng.random_range(-5..400).into(),
        4 => f64::from_bits(rng.random()).into(),
        5 | 6 => text(rng).into(),
        7 => (0..rng.random_range(0..4)).map(|_| value(rng, depth - 1)).collect(),
        8 => json!({"from": value(rng, depth - 1), "to": value(rng, depth - 1)}),
        9 => json!({"amount": value(rng, 0), "unit": UNITS.choose(rng).expect("a unit")}),
        10 => json!({"startOf": UNITS.choose(rng).expect("a unit"), "offset": value(rng, 0)}),
        _ => match rng.random_range(0..3) {
            0 => json!({"ago": {"amount": rng.random::<u64>() >> rng.random_range(0..60), "unit": UNITS.choose(rng)}}),
            1 => json!({"count": value(rng, 0), "of": value(rng, depth - 1)}),
            _ => Json::Object((0..rng.random_range(0..4)).map(|_| (text(rng), value(rng, depth - 1))).collect()),
        },
    }
}

/// Something that looks like a filter, more or less.
fn tree(rng: &mut ChaCha8Rng, catalog: &Catalog, depth: u32) -> Json {
    match rng.random_range(0..if depth == 0 { 5 } else { 9 }) {
        0 => value(rng, 2),
        1..5 => {
            let field = Field::all(catalog).choose(rng).expect("a field");
            let operator = op::of_kind(field.kind(catalog)).choose(rng).expect("an operator").name;
            let mut condition = json!({"field": field.name(catalog), "operator": operator, "value": value(rng, 2)});
            if rng.random_bool(0.1) {
                condition["operator"] = value(rng, 0);
            }
            if rng.random_bool(0.1) {
                condition["category"] = value(rng, 0);
            }
            condition
        }
        5 | 6 => {
            json!({"$and": (0..rng.random_range(0..4)).map(|_| tree(rng, catalog, depth - 1)).collect::<Vec<_>>()})
        }
        7 => json!({"$or": (0..rng.random_range(0..4)).map(|_| tree(rng, catalog, depth - 1)).collect::<Vec<_>>()}),
        _ => json!({"$not": tree(rng, catalog, depth - 1)}),
    }
}

fn engine() -> (Arc<Engine>, Actor) {
    let settings = Config::defaults().expect("the defaults are read").engine;
    let engine = Engine::open(Arc::new(MemoryStore::default()), None, settings, Clock::fixed(NOW)).expect("opens");
    let new = NewWorkspace {
        name: "Fuzz".into(),
        default_country: Some("MY".into()),
        timezone: "Europe/Berlin".into(),
        locale: "en".into(),
    };
    let ws = engine.create_workspace(new).expect("a workspace").id;
    let types = [DataType::Text, DataType::List, DataType::Checkbox, DataType::Email, DataType::Number, DataType::Url];
    for data_type in types.into_iter().chain([DataType::Date, DataType::Time]) {
        let new = rollcall::engine::NewField {
            name: format!("{data_type:?} field"),
            slug: None,
            description: None,
            data_type,
            allowed_values: if data_type == DataType::List { vec!["a".into(), "b".into()] } else { Vec::new() },
            searchable: data_type == DataType::Text,
        };
        engine.create_field(ws, new).expect("a field");
    }
    engine.put_stage(ws, Stage { id: StageId(0), name: "New".into(), position: 0 }).expect("a stage");
    engine.put_channel(ws, Channel { id: ChannelId(0), name: "Main".into(), source: "sms".into() }).expect("a channel");
    (engine, Actor { workspace: ws, user: None })
}

fn said(mistake: &Mistake) -> bool {
    mistake.code.len() > 2 && mistake.message.len() > 10
}

#[test]
fn filters() {
    let mut rng = rng("filters");
    let (engine, actor) = engine();
    let catalog = engine.catalog(actor.workspace).expect("a catalog");
    let zones = ["Europe/Berlin", "Pacific/Apia", "UTC"].map(|name| time::zone(name).expect("a zone"));
    for _ in 0..cases() {
        let json = tree(&mut rng, &catalog, 4);
        let zone: TimeZone = zones.choose(&mut rng).expect("a zone").clone();
        let context = Context { catalog: &catalog, zone, now: NOW, me: None, limits: LIMITS };
        match filter::read(&json, "filter", &context) {
            Ok(read) => {
                filter::matches(&read, &Contact::default());
                engine
                    .search(&actor, &Query { filter: Some(json), ..Query::default() })
                    .expect("what is read is answered");
            }
            Err(mistake) => assert!(mistake.path.starts_with("filter") && said(&mistake), "{json}: {mistake:?}"),
        }
    }
}

#[test]
fn drafts_times_phones_identifiers_and_searches() {
    let mut rng = rng("drafts");
    let (engine, actor) = engine();
    let catalog = engine.catalog(actor.workspace).expect("a catalog");
    let names: Vec<&str> = Field::all(&catalog).map(|field| field.name(&catalog)).chain(draft::RESERVED).collect();
    for _ in 0..cases() {
        let member = |rng: &mut ChaCha8Rng| {
            let name = if rng.random_bool(0.05) { text(rng) } else { (*names.choose(rng).expect("a name")).to_owned() };
            (name, value(rng, 2))
        };
        let person: Map<String, Json> = (0..rng.random_range(0..6)).map(|_| member(&mut rng)).collect();
        let scope = if rng.random_bool(0.5) { Scope::Person } else { Scope::Everything };
        match Draft::read(&person, &catalog, scope, NOW) {
            Ok(draft) => {
                let mut contact = Contact::default();
                draft.apply(&mut contact);
                let _ = Draft::complete(&mut contact);
                render::contact(&contact, &catalog);
            }
            Err(mistakes) => assert!(!mistakes.is_empty() && mistakes.iter().all(said), "{mistakes:?}"),
        }
        let zone = time::zone("America/New_York").expect("a zone");
        let spoken = |refused: String| assert!(refused.len() > 10 && refused.contains(' '), "{refused}");
        let any = value(&mut rng, 2);
        time::instant(&any, &zone, NOW).map(|span| assert!(span.start < span.end)).unwrap_or_else(spoken);
        time::before_now(&any, &zone, NOW).map(drop).unwrap_or_else(spoken);
        let typed = text(&mut rng);
        Identifier::parse(&typed, Some("MY")).map(drop).unwrap_or_else(spoken);
        Phone::parse(&typed, Some("DE")).map(|phone| phone.country()).map(drop).unwrap_or_else(spoken);
        time::zone(&typed).map(drop).unwrap_or_else(spoken);
        Digits::parse(&typed);
        filter::search::parse(&typed, 200).map(drop).unwrap_or_else(spoken);
    }
}

#[test]
fn contacts_and_searches_of_the_engine() {
    let mut rng = rng("engine");
    let (engine, actor) = engine();
    for _ in 0..cases() / 10 {
        let person: Map<String, Json> = ["firstName", "lastName", "email", "phone"]
            .map(|name| (name.to_owned(), text(&mut rng).into()))
            .into_iter()
            .collect();
        let _ = engine.create_contact(&actor, &person);
        let typed = text(&mut rng);
        let asked = engine.search(&actor, &Query { search: Some(typed), ..Query::default() });
        assert!(asked.is_ok() || asked.is_err_and(|error| error.code() == "search_too_long"));
    }
    let report = engine.verify(actor.workspace).expect("verified");
    assert!(report.problems.is_empty(), "{:?}", report.problems);
}

#[test]
fn checkpoints() {
    let mut rng = rng("checkpoints");
    let (engine, actor) = engine();
    let catalog = engine.catalog(actor.workspace).expect("a catalog");
    let mut index = Index::new(&catalog);
    for id in 1..40 {
        let contact = Contact {
            id: ContactId(id),
            first_name: Some(format!("Ana {}", id % 7)),
            tags: vec![TagId(id % 3)],
            created_at: NOW - i64::from(id),
            ..Contact::default()
        };
        index.put(id, Some(&contact), &catalog);
    }
    let mut whole = Vec::new();
    write_sections(b"header", &index.snapshot_sections(), &mut whole).expect("written");
    assert!(Index::read_checkpoint(&whole, &catalog).is_ok());
    for _ in 0..cases() / 3 {
        let mut bytes = whole.clone();
        match rng.random_range(0..4) {
            0 => bytes.truncate(rng.random_range(0..bytes.len())),
            1 => bytes.push(rng.random()),
            2 => bytes = (0..rng.random_range(0..200)).map(|_| rng.random()).collect(),
            _ => {
                let at = rng.random_range(0..bytes.len());
                bytes[at] ^= 1 << rng.random_range(0..8);
            }
        }
        assert!(
            Index::read_checkpoint(&bytes, &catalog).is_err(),
            "{} of {} bytes are taken",
            bytes.len(),
            whole.len()
        );
    }
}

#[test]
fn files_to_import() {
    let mut rng = rng("import");
    let (engine, actor) = engine();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, failed) = (folder.path().join("in.csv"), folder.path().join("failed.csv"));
    let headers =
        ["firstName", " Last Name", "email", "phone", "tags", "number_field", "date_field", "createdAt", "status", "?"];
    for _ in 0..cases() / 60 {
        let mut content =
            headers.iter().filter(|_| rng.random_bool(0.8)).copied().collect::<Vec<_>>().join(",").into_bytes();
        for _ in 0..rng.random_range(0..8) {
            let row: Vec<String> = (0..rng.random_range(0..12)).map(|_| text(&mut rng)).collect();
            content.extend_from_slice(format!("\n{}", row.join(",")).as_bytes());
        }
        for _ in 0..rng.random_range(0..3) {
            let at = rng.random_range(0..=content.len());
            content.insert(at, *[b'"', b'\r', 0xff, b',', b'\n', 0].choose(&mut rng).expect("a byte"));
        }
        std::fs::write(&file, content).expect("written");
        let options = Options {
            format: if rng.random_bool(0.9) { Format::Csv } else { Format::Ndjson },
            delimiter: b',',
            map: Vec::new(),
            types: Vec::new(),
            new_fields: false,
            ignore_unknown: true,
            allow_duplicates: rng.random_bool(0.5),
        };
        let catalog = engine.catalog(actor.workspace).expect("a catalog");
        let Ok(plan) = import::plan(&file, &catalog, &options) else { continue };
        let done =
            import::run(&engine, &actor, &file, &options, &plan, &failed, &mut |_| {}).expect("the rest is imported");
        assert_eq!(done.imported + done.failed, plan.rows);
    }
    assert!(engine.verify(actor.workspace).expect("verified").problems.is_empty());
}
