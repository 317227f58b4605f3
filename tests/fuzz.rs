//! Whatever comes in from outside (filters, drafts, times, numbers, searches, checkpoints, files to import, backups),
//! random or spoiled: it is understood or refused in words, and nothing panics.
//!
//! `ROLLCALL_FUZZ` is the number of cases; a case that fails prints the `ROLLCALL_SEED` with which it is the first one.

#[path = "fuzz/dice.rs"]
mod dice;
#[path = "fuzz/world.rs"]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use jiff::tz::TimeZone;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rollcall::clock::Clock;
use rollcall::config::Config;
use rollcall::contact::draft::Scope;
use rollcall::contact::identity::Identifier;
use rollcall::contact::phone::Digits;
use rollcall::contact::{Contact, Draft, Millis, Mistake, Phone, fold, render, time};
use rollcall::corpus::Corpus;
use rollcall::engine::export::{self, Format};
use rollcall::engine::import::{ColumnTo, Columns, NewFields, Purpose, Unmapped};
use rollcall::engine::{self, Actor, Engine, Error, NewWorkspace, Query, import};
use rollcall::filter::{self, Limits, search};
use rollcall::index::Index;
use rollcall::store::{MemoryStore, Store};
use serde_json::{Value as Json, json};

use dice::Dice;
use world::World;

const NOW: Millis = 1_700_000_000_000;
const LIMITS: Limits = Limits { depth_max: 16, conditions_max: 256, list_values_max: 1000 };

/// Runs a share (in thousandths) of the cases; each has a seed of its own, so that a failing one can be run alone.
fn cases(test: &str, thousandths: u64, case: impl Fn(&mut Dice)) {
    let number = |variable| std::env::var(variable).ok().and_then(|value| value.parse::<u64>().ok());
    let seed = number("ROLLCALL_SEED").unwrap_or_else(|| rand::rng().random::<u32>().into());
    println!("seed fuzz {test}: ROLLCALL_SEED={seed}");
    let count = (number("ROLLCALL_FUZZ").unwrap_or(20_000) * thousandths).div_ceil(1000);
    for seed in seed..seed + count {
        let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| case(&mut dice))) {
            println!("fuzz {test}: failed; again with ROLLCALL_SEED={seed} ROLLCALL_FUZZ=1");
            resume_unwind(panic);
        }
    }
}

#[track_caller]
fn in_words(mistake: &Mistake, path: &str) {
    assert!(mistake.path.starts_with(path), "{:?} does not begin with {path:?}", mistake.path);
    assert!(!mistake.message.is_empty() && !mistake.code.is_empty(), "{mistake:?}");
}

#[test]
fn filters_are_understood_or_refused_with_their_path() {
    let world = World::new(60);
    cases("filters", 300, |dice| {
        let mut json = if dice.one_in(20) { dice.value(5) } else { world.filter(dice, 3) };
        if !dice.one_in(3) {
            dice.spoil(&mut json);
        }
        let path = dice.pick(&["filter", "conditions[3].filter"]);
        match filter::read(&json, path, &world.context(dice)) {
            Err(mistake) => in_words(&mistake, path),
            Ok(filter) => {
                let rows = filter::rows(&filter, world.view()).into_owned();
                for contact in &world.contacts {
                    let holds = filter::matches(&filter, contact);
                    assert_eq!(rows.contains(contact.id.0), holds, "{json}: contact {}", contact.id);
                    if contact.id.0.is_multiple_of(20) {
                        let report = filter::report(&filter, contact, &world.catalog, NOW);
                        assert_eq!(report.matches, holds, "{json}: contact {}", contact.id);
                    }
                }
            }
        }
    });
}

#[test]
fn drafts_are_understood_or_refused_with_every_mistake() {
    let world = World::new(100);
    cases("drafts", 250, |dice| {
        let contact = &world.contacts[dice.below(world.contacts.len())];
        let mut json = Json::Object(render::contact(contact, &world.catalog));
        dice.spoil(&mut json);
        let scope = if dice.one_in(2) { Scope::Person } else { Scope::Everything };
        let Json::Object(json) = json else { return };
        match Draft::read(&json, &world.catalog, scope, NOW) {
            Err(mistakes) => {
                assert!(!mistakes.is_empty());
                mistakes.iter().for_each(|mistake| in_words(mistake, ""));
            }
            Ok(draft) => {
                let mut once = Contact::default();
                draft.apply(&mut once);
                let mut twice = once.clone();
                draft.apply(&mut twice);
                assert!(once == twice, "a draft applied twice is as applied once: {json:?}");
                if let Err(mistake) = Draft::complete(&mut once) {
                    in_words(&mistake, "");
                }
                let rendered = render::contact(&once, &world.catalog);
                let again = Draft::read(&rendered, &world.catalog, Scope::Everything, NOW);
                assert!(again.is_ok(), "what was taken is taken again: {rendered:?}");
            }
        }
    });
}

#[test]
fn times_are_understood_or_refused() {
    let samples = [
        "2026-03-29T02:30",
        "2026-03-01T10:15:07+05:45",
        "2023-02-29",
        "0001-01-01",
        "9999-12-31T23:59:59Z",
        "1700000000000",
        "2024-12-30 24:00",
        "+002026-03-01",
        "2026-W09",
        "12:30",
        "2016-12-31T23:59:60Z",
    ];
    cases("times", 150, |dice| {
        let text = match dice.below(5) {
            0 => dice.text(),
            1 => dice.pick(&samples).to_owned(),
            _ => {
                let sample = dice.pick(&samples);
                dice.spoil_text(sample)
            }
        };
        let unit = dice.pick(&["second", "minutes", "hour", "days", "week", "months", "quarter", "years", "eon"]);
        let mut json = match dice.below(4) {
            0 => dice.number(),
            1 => json!({"ago": {"amount": dice.number(), "unit": unit}}),
            2 => json!({"startOf": unit, "offset": dice.number()}),
            _ => json!(text),
        };
        if dice.one_in(3) {
            dice.spoil(&mut json);
        }
        let zone = dice.pick(&["Pacific/Apia", "America/St_Johns", "UTC", "Africa/Cairo", "Antarctica/Troll"]);
        let zone: TimeZone = time::zone(zone).expect("a zone");
        let now = dice.pick(&[NOW, 253_402_207_200_999, -62_135_596_800_000, 0]);
        match time::instant(&json, &zone, now) {
            Ok(_) => {}
            Err(why) => assert!(!why.is_empty(), "{json}"),
        }
        assert!(time::before_now(&json, &zone, now).err().is_none_or(|why| !why.is_empty()));
        assert!(time::zone(&text).err().is_none_or(|why| !why.is_empty()));
        if let Ok(day) = time::date(&text) {
            assert_eq!(time::date(&time::date_text(day)), Ok(day), "{text:?}");
        }
        if let Ok(minute) = time::time_of_day(&text) {
            assert_eq!(time::time_of_day(&time::time_text(minute)), Ok(minute), "{text:?}");
        }
    });
}

#[test]
fn texts_numbers_and_searches_are_understood_or_refused() {
    let world = World::new(60);
    let samples = [
        "+60 12-345 6789",
        "0049 (0)151 234567",
        "id:17",
        "email:a@b.co",
        "phone:012 345 6789",
        "١٢٣٤٥",
        "José ØRSTED",
        "ann 012-345",
        "Größe ÇA",
        "（０３）1234",
        "x12 ext. 5",
    ];
    cases("texts", 250, |dice| {
        let sample = dice.pick(&samples);
        let text = if dice.one_in(3) { dice.text() } else { dice.spoil_text(sample) };
        let (compared, folded) = (fold::compare(&text), fold::search(&text));
        assert_eq!(fold::compare(&compared), compared, "{text:?}");
        assert_eq!(fold::search(&folded), folded, "{text:?}");
        if let Some(digits) = Digits::parse(&text) {
            assert!(!digits.digits.is_empty() && digits.digits.bytes().all(|byte| byte.is_ascii_digit()), "{text:?}");
        }
        let countries = "MY DE IT AR MX BR US RU HU CN JP LT AU BY CI CL CO CR KZ MN NI SM UY UZ VN ZW ID IL TR ZZ é";
        let country = countries.split(' ').nth(dice.below(40));
        let number: String = (0..3 + dice.below(13)).map(|_| char::from(dice.pick(b"00123456789"))).collect();
        let number =
            if dice.one_in(2) { text.clone() } else { format!("{}{number}", dice.pick(&["", "+", "0", "00"])) };
        match Phone::parse(&number, country) {
            Err(why) => assert!(!why.is_empty(), "{number:?}"),
            Ok(phone) => {
                let again = Phone::parse(&phone.e164(), None).map(|phone| phone.digits);
                assert_eq!(again, Ok(phone.digits), "{number:?} in {country:?}");
            }
        }
        assert!(Identifier::parse(&text, country).err().is_none_or(|why| !why.is_empty()), "{text:?}");
        match search::parse(&text, 200) {
            Err(why) => assert!(!why.is_empty(), "{text:?}"),
            Ok(None) => {}
            Ok(Some(search)) => {
                let rows = search::rows(&search, world.view(), None);
                for contact in &world.contacts {
                    let found = search::class_of(&search, contact, &world.catalog).is_some();
                    assert_eq!(rows.contains(contact.id.0), found, "{text:?}: contact {}", contact.id);
                }
            }
        }
    });
}

#[test]
fn a_spoiled_checkpoint_is_refused() {
    let world = World::new(40);
    let mut sound = Vec::new();
    world.index.write_checkpoint(b"header", &mut sound).expect("written");
    cases("checkpoints", 30, |dice| {
        let mut bytes = sound.clone();
        dice.spoil_bytes(&mut bytes);
        match Index::read_checkpoint(&bytes[..], &world.catalog) {
            Ok((header, index)) => {
                assert!(bytes == sound, "a spoiled checkpoint is taken for a sound one");
                assert_eq!((header.as_slice(), index.alive()), (&b"header"[..], world.index.alive()));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
}

fn engine(store: Arc<dyn Store>) -> Arc<Engine> {
    let settings = Config::defaults().expect("the defaults are sound").engine;
    Engine::open(store, None, settings, Clock::fixed(NOW)).expect("opens")
}

/// An engine in memory with a workspace.
fn workspace() -> (Arc<Engine>, Actor) {
    let engine = engine(Arc::new(MemoryStore::default()));
    let new = NewWorkspace {
        name: "one".into(),
        default_country: Some("MY".into()),
        timezone: "Asia/Kuala_Lumpur".into(),
        locale: "en".into(),
    };
    let actor = Actor::operator(engine.create_workspace(new).expect("a workspace").id);
    (engine, actor)
}

/// Reads like those of a caller; an error is one of the store's contents, in words.
fn read_all(engine: &Engine, actor: &Actor) {
    let facets = ["tags", "channels", "status", "assignee", "plan"].map(str::to_owned).to_vec();
    for search in [None, Some("a".to_owned())] {
        let query = Query { search, facets: facets.clone(), limit: Some(100), ..Query::default() };
        match engine.search(actor, &query) {
            Err(error) => assert!(!error.to_string().is_empty()),
            Ok(page) => page.contacts.iter().for_each(|contact| drop(render::contact(contact, &page.catalog))),
        }
    }
}

#[test]
fn spoiled_files_are_imported_row_by_row() {
    let world = World::new(12);
    let files = [Format::Csv, Format::Ndjson].map(|format| {
        let mut file = Vec::new();
        let mut rows = export::Rows::new(format, &mut file, &world.catalog).expect("a header");
        world.contacts.iter().for_each(|contact| rows.write(contact).expect("a row"));
        rows.finish().expect("finished");
        (format, file)
    });
    // A few of the tags: the others are made as they come.
    let mut defined = Corpus::new(3, NOW).definition().clone();
    defined.tags.truncate(5);
    cases("imports", 10, |dice| {
        let (engine, actor) = workspace();
        defined.apply(&engine, actor.workspace).expect("defined");
        let (format, mut bytes) = files[dice.below(2)].clone();
        dice.spoil_bytes(&mut bytes);
        let columns = if dice.one_in(4) { vec![("email".into(), ColumnTo::Field("firstName".into()))] } else { vec![] };
        let options = import::Options {
            purpose: dice.pick(&[Purpose::Add, Purpose::AddOrUpdate, Purpose::AddAll]),
            columns: Columns(columns),
            new_fields: Some(NewFields::Every(dice.one_in(2))),
            unmapped: if dice.one_in(2) { Unmapped::Ignore } else { Unmapped::Refuse },
            ..import::Options::default()
        };
        let delimiter = dice.one_in(2).then(|| char::from(dice.pick(b",,,;\t")));
        let new = import::NewImport { format: Some(format), delimiter, ..Default::default() };
        if let Err(error) = import_all(&engine, &actor, new, bytes, options) {
            assert!(!error.to_string().is_empty() && !matches!(error, Error::Closing), "{error}");
        }
        assert_eq!(engine.verify(actor.workspace).expect("verifies").problems, Vec::<String>::new());
        read_all(&engine, &actor);
    });
}

fn import_all(
    engine: &Engine,
    actor: &Actor,
    new: import::NewImport,
    bytes: Vec<u8>,
    options: import::Options,
) -> Result<(), Error> {
    let (ws, id) = (actor.workspace, engine.create_import(actor, new)?.value);
    let settled = || loop {
        let import = engine.import(ws, id).expect("there");
        if !import.job.state.is_active() {
            return import;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    engine.upload(ws, id, 0, bytes)?;
    engine.end_upload(ws, id)?;
    if let Some(why) = settled().job.error {
        assert!(!why.is_empty());
        return Ok(());
    }
    let before = engine.count(actor, &Query::default())?.value;
    engine.check_import(actor, id, options.clone())?;
    let checked = settled().spec.check;
    engine.start_import(actor, id, options)?;
    let done = settled();
    assert_eq!(checked.as_ref(), Some(&done.spec.tally), "the dry run and the run differ");
    assert_eq!(done.spec.tally.rows(), done.job.counts.total);
    assert_eq!(engine.count(actor, &Query::default())?.value, before + done.spec.tally.added);
    Ok(())
}

#[test]
fn spoiled_backups_are_refused_or_readable() {
    let (source, actor) = workspace();
    let corpus = Corpus::new(3, NOW);
    corpus.definition().apply(&source, actor.workspace).expect("defined");
    let corpus = corpus.for_workspace(&source.catalog(actor.workspace).expect("a catalog")).expect("all is defined");
    source.load(actor.workspace, corpus.contacts(0..25).collect()).expect("loaded");
    let mut packed = Vec::new();
    source.backup(&mut packed).expect("backed up");
    let sound = zstd::decode_all(packed.as_slice()).expect("unpacked");
    let lines: Vec<Json> =
        sound.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    cases("backups", 10, |dice| {
        let mut bytes = packed.clone();
        if dice.one_in(3) {
            dice.spoil_bytes(&mut bytes);
        } else {
            let mut lines = lines.clone();
            for _ in 0..1 + dice.below(2) {
                let at = dice.below(lines.len());
                dice.spoil(&mut lines[at]);
            }
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            bytes = zstd::encode_all(text.as_bytes(), 1).expect("packed");
        }
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let restored = engine::restore(&store, &mut bytes.as_slice());
        let engine = engine(store);
        let workspaces = engine.workspaces().expect("a list");
        match restored {
            Err(error) => assert!(!error.to_string().is_empty() && workspaces.is_empty(), "{error}"),
            Ok(_) => {
                for workspace in workspaces {
                    let actor = Actor::operator(workspace.id);
                    let problems = engine.verify(workspace.id).expect("it is verified").problems;
                    read_all(&engine, &actor);
                    let new = json!({"firstName": "next"}).as_object().cloned().unwrap_or_default();
                    let created = engine.create_contact(&actor, &new);
                    let closed = matches!(created, Err(Error::Closing));
                    assert!(!closed && (created.is_ok() || !problems.is_empty()), "{:?}", created.err());
                }
            }
        }
    });
}
