//! After a deletion and `rollcall compact`, the values of who was deleted are in no file of the data folder: every file is
//! searched for them, in every form in which they could be kept.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rollcall::clock::Clock;
use rollcall::contact::identity::Identifier;
use rollcall::contact::*;
use rollcall::engine::import::{NewImport, Options};
use rollcall::engine::{Actor, Confirmation, Engine, NewField, NewWorkspace, Query};
use rollcall::store::{SledSettings, SledStore, Store};
use serde_json::{Map, Value as Json, json};

use crate::import_job::{settled, uploaded};
use crate::support::jobs::over;
use crate::support::{command, settings};

pub const PEOPLE: u32 = 240;
/// The first mobile number of those who stay, and of those who go.
const STAYS: u64 = 60_121_000_000;
const GOES: u64 = 60_137_000_000;

/// A word that stands in every text of one kind of contact, in letters that foldings change.
fn word(goes: bool) -> &'static str {
    if goes { "Qûæverlösch" } else { "Tarrýbleibt" }
}

fn phone(goes: bool, number: u32) -> u64 {
    if goes { GOES + u64::from(number) } else { STAYS + u64::from(number) }
}

fn number(goes: bool, number: u32) -> f64 {
    f64::from(number) + if goes { 7_654_321.625 } else { 1_234_567.375 }
}

fn person(goes: bool, at: u32) -> Map<String, Json> {
    let word = word(goes);
    let ascii = if goes { "quaeverloesch" } else { "tarrybleibt" };
    let fields = json!({
        "firstName": format!("{word} {at}"), "lastName": format!("Von {word}"),
        "email": format!("{ascii}.{at}@Example.com"), "phone": format!("+{}", phone(goes, at)),
        "profilePic": format!("https://example.com/{ascii}/{at}.png"), "tags": ["stays"],
        "channels": [{"id": 0, "address": format!("{ascii}-address-{at}"), "connectedAt": "2026-01-01T00:00:00Z"}],
        "customFields": {"note": format!("note of {word} {at}"), "work": format!("{ascii}{at}@work.example"),
            "site": format!("https://{ascii}.example/{at}"), "score": number(goes, at)},
    });
    fields.as_object().cloned().expect("an object")
}

/// What must not be found, in every form: as it was given and folded, in UTF-8 and both kinds of UTF-16; phones as digits,
/// backwards, and as numbers of eight bytes, as other numbers are.
fn needles(goes: bool, people: &[u32]) -> Vec<(String, Vec<u8>)> {
    let ascii = if goes { "quaeverloesch" } else { "tarrybleibt" };
    let mut texts: Vec<String> = vec![word(goes).into(), ascii.into(), ascii.to_uppercase()];
    texts.extend(
        [word(goes)]
            .iter()
            .flat_map(|word| [fold::compare(word), fold::search(word), word.to_lowercase(), word.to_uppercase()]),
    );
    texts.extend(texts.clone().iter().map(|text| text.chars().rev().collect()));
    let mut all = Vec::new();
    for &at in people {
        let digits = phone(goes, at).to_string();
        let national = format!("0{}", &digits[2..]);
        texts.extend([digits.chars().rev().collect(), digits, national]);
        let (phone, number) = (phone(goes, at), number(goes, at));
        for (what, bytes) in [
            ("phone", [phone.to_be_bytes(), phone.to_le_bytes()]),
            ("score", [number.to_be_bytes(), number.to_le_bytes()]),
        ] {
            all.extend(bytes.map(|bytes| (format!("{what} {at}"), bytes.to_vec())));
        }
    }
    for text in texts {
        let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        all.push((format!("{text} in UTF-16LE"), wide(u16::to_le_bytes)));
        all.push((format!("{text} in UTF-16BE"), wide(u16::to_be_bytes)));
        all.push((text.clone(), text.into_bytes()));
    }
    all
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        match entry.path() {
            path if path.is_dir() => files(&path, found),
            path => found.push(path),
        }
    }
}

/// Which of them are in which files of the folder; each file is gone through once.
fn found(folder: &Path, needles: &[(String, Vec<u8>)]) -> Vec<String> {
    let start = |bytes: &[u8]| usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2]);
    let mut starts: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut any = vec![false; 1 << 24];
    for (at, (what, needle)) in needles.iter().enumerate() {
        assert!(needle.len() >= 8, "{what} may be anywhere by chance");
        starts.entry(start(needle)).or_default().push(at);
        any[start(needle)] = true;
    }
    let (mut paths, mut found) = (Vec::new(), BTreeSet::new());
    files(folder, &mut paths);
    assert!(!paths.is_empty());
    for path in paths {
        let bytes = std::fs::read(&path).expect("a file is read");
        for at in 0..bytes.len().saturating_sub(7) {
            let here = start(&bytes[at..at + 3]);
            if any[here] {
                let whole = starts[&here].iter().filter(|needle| bytes[at..].starts_with(&needles[**needle].1));
                found.extend(whole.map(|needle| format!("{} in {}", needles[*needle].0, path.display())));
            }
        }
    }
    found.into_iter().collect()
}

fn open(folder: &Path) -> Arc<Engine> {
    let cache = SledSettings { cache_bytes: 16 << 20, flush_every_ms: 100 };
    let store: Arc<dyn Store> = Arc::new(SledStore::open(&folder.join("store"), cache).expect("the store opens"));
    Engine::open(store, Some(&folder.join("index")), settings::small(), Clock::system()).expect("the engine opens")
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A workspace with what it defines.
fn workspace(engine: &Engine, name: &str) -> (WorkspaceId, ChannelId) {
    let (timezone, locale) = ("UTC".to_owned(), "en".to_owned());
    let new = NewWorkspace { name: name.into(), default_country: Some("MY".into()), timezone, locale };
    let ws = engine.create_workspace(new).expect("a workspace").id;
    for (name, data_type) in
        [("note", DataType::Text), ("work", DataType::Email), ("site", DataType::Url), ("score", DataType::Number)]
    {
        let searchable = data_type != DataType::Number;
        let allowed_values = Vec::new();
        let new = NewField { name: name.into(), slug: None, description: None, data_type, allowed_values, searchable };
        engine.create_field(ws, new).expect("a field");
    }
    let channel = Channel { id: ChannelId(0), name: "Shop".into(), source: "whatsapp".into() };
    (ws, engine.put_channel(ws, channel).expect("a channel").value.id)
}

/// Contacts with a history: one in two goes, all of them where `all_go`. Their ids in the order they were made.
fn fill(engine: &Engine, (ws, channel): (WorkspaceId, ChannelId), all_go: bool) -> Vec<ContactId> {
    let actor = Actor::operator(ws);
    let persons: Vec<_> = (0..PEOPLE)
        .map(|at| {
            let mut person = person(all_go || at % 2 == 0, at);
            person["channels"][0]["id"] = channel.0.into();
            person
        })
        .collect();
    let made = engine.create_many(&actor, &persons, true, true).expect("contacts").value;
    let ids: Vec<ContactId> = made.into_iter().map(|one| one.expect("one is made")).collect();
    each_at_once(&ids, |at, id| {
        let word = word(all_go || at % 2 == 0);
        // Some are longer than what the store keeps in one piece.
        let text = Some(format!("{word} wrote {at}. ").repeat(if at % 9 < 2 { 400 } else { 1 }));
        let kind = if at % 3 == 0 { InteractionKind::Comment } else { InteractionKind::IncomingMessage };
        let channel = (kind == InteractionKind::IncomingMessage).then_some(channel);
        let interaction = Interaction { kind, at: engine.clock().now(), channel, author: None, text };
        engine.record(&actor, &Identifier::Id(id), interaction).expect("it is recorded");
    });
    ids
}

/// Does it for each of them, many at once, so that they share their syncs.
fn each_at_once(ids: &[ContactId], work: impl Fn(u32, ContactId) + Sync) {
    std::thread::scope(|scope| {
        for part in 0..16 {
            let work = &work;
            scope.spawn(move || (0..).zip(ids).skip(part).step_by(16).for_each(|(at, id)| work(at, *id)));
        }
    });
}

/// A folder with two workspaces that were written, flushed, checkpointed and opened again; in the first every other contact
/// was changed back and forth and deleted.
pub fn lived_in(folder: &Path) -> WorkspaceId {
    let engine = open(folder);
    let (first, second) = (workspace(&engine, "First"), workspace(&engine, "Second"));
    let ids = fill(&engine, first, false);
    fill(&engine, second, true);
    for (ws, _) in [first, second] {
        until("the text index", || folder.join(format!("index/{ws}/text/meta.json")).exists());
        engine.checkpoint(ws).expect("a checkpoint");
    }
    engine.close().expect("the engine closes");
    drop(engine);
    let engine = open(folder);
    let actor = Actor::operator(first.0);
    each_at_once(&ids, |at, id| {
        let goes = at % 2 == 0;
        let who = Identifier::Id(id);
        // Who stays had the other's name for a while.
        for name in [word(true), word(goes)] {
            let changes =
                json!({"firstName": format!("{name} {at}"), "customFields": {"note": format!("{name} noted")}});
            engine.update_contact(&actor, &who, changes.as_object().expect("an object")).expect("it changes");
        }
        lent(&engine, &actor, id, at);
        if goes {
            engine.delete_contact(&actor, &who).expect("it is deleted");
        }
    });
    engine.checkpoint(first.0).expect("a checkpoint");
    engine.close().expect("the engine closes");
    first.0
}

/// The contact takes in another that goes, with some of its values; most give it back, and it is deleted.
fn lent(engine: &Engine, actor: &Actor, id: ContactId, at: u32) {
    let (who, word) = (Identifier::Id(id), word(true));
    let twin = json!({"firstName": format!("{word} twin"), "lastName": word, "email": format!("quaeverloesch.twin{at}@example.com")});
    let twin = engine.create_contact(actor, twin.as_object().expect("an object")).expect("made").value.id;
    let (kind, text) = (InteractionKind::Event, Some(format!("{word} did it")));
    let entry = Interaction { kind, at: 1, channel: None, author: None, text };
    engine.record(actor, &Identifier::Id(twin), entry).expect("recorded");
    let choices = json!({"firstName": "secondary", "email": "secondary"});
    engine.merge(actor, &who, &Identifier::Id(twin), choices.as_object().expect("an object")).expect("merged");
    if at % 4 != 0 {
        engine.unmerge(actor, &who, twin).expect("given back");
        engine.delete_contact(actor, &Identifier::Id(twin)).expect("it is deleted");
    }
}

#[test]
fn nothing_of_the_deleted_is_in_any_file_after_a_compaction() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path();
    let ws = lived_in(folder);
    let asked = command::refused(folder, &["workspace", "delete", "second"], 2);
    assert!(asked.contains("--yes-delete 240"), "{asked}");
    let wrong = command::refused(folder, &["workspace", "delete", "second", "--yes-delete", "120"], 1);
    assert!(wrong.contains("240 contacts"), "{wrong}");
    command::done(folder, &["workspace", "delete", "second", "--yes-delete", "240"]);
    let everybody: Vec<u32> = (0..PEOPLE).collect();
    let (gone, staying): (Vec<u32>, Vec<u32>) = everybody.iter().partition(|at| **at % 2 == 0);
    let needles = [needles(true, &everybody)].concat();
    let before = found(folder, &needles);
    assert!(before.len() > PEOPLE as usize, "the search finds nothing even before: {before:#?}");

    let said = command::done(folder, &["compact"]);
    println!("measured erasure: {} forms of values in files before; {}", before.len(), said.trim());
    assert_eq!(found(folder, &needles), Vec::<String>::new());
    assert!(!found(folder, &self::needles(false, &staying)).is_empty());

    assert_eq!(command::done(folder, &["verify"]).trim(), "index and store agree");
    assert_eq!(found(folder, &needles), Vec::<String>::new(), "after the index was made anew");
    let listed = command::done(folder, &["workspace", "list"]);
    assert!(listed.contains("First") && !listed.contains("Second"), "{listed}");
    let engine = open(folder);
    let actor = Actor::operator(ws);
    let search = |text: &str| {
        let query = Query { search: Some(text.into()), ..Query::default() };
        engine.count(&actor, &query).expect("a count").value
    };
    assert_eq!((search("bleibt"), search("verlösch")), (staying.len() as u64, 0));
    for at in staying {
        let who = Identifier::Phone(phone(false, at));
        let found = engine.contact(ws, &who, None).expect("who stays is there").value;
        assert_eq!(found.email, Some(format!("tarrybleibt.{at}@Example.com")));
        assert_eq!(found.tags.len(), 1);
        let history = engine.history(ws, &Identifier::Id(found.id), None, 10).expect("a history");
        assert!(history[0].1.text.as_ref().is_some_and(|text| text.contains(&format!("wrote {at}."))));
    }
    assert_eq!(engine.catalog(ws).expect("a catalog").tags.len(), 1);
    assert_eq!(gone.len(), 120);
    engine.close().expect("the engine closes");
    drop(engine);
    assert_eq!(found(folder, &needles), Vec::<String>::new(), "after it was opened again");
}

/// One that goes, in a form that none of the others has.
fn other(word: &str, at: u32) -> Map<String, Json> {
    let mut person = person(true, 1000 + at);
    person["firstName"] = format!("{word} first {at}").into();
    person["email"] = format!("{word}.{at}@Example.com").into();
    person
}

/// Who was merged is in the records of the merge, under the forwarded e-mails and phones, and in histories under other ids.
#[test]
fn nothing_of_the_merged_is_left_when_the_primary_is_deleted() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path();
    let engine = open(folder);
    let (ws, channel) = workspace(&engine, "First");
    let actor = Actor::operator(ws);
    let (word, goes) = ("zweitkontakt", word(true));
    let make = |mut person: Map<String, Json>| {
        person["channels"][0]["id"] = channel.0.into();
        let made = engine.create_many(&actor, &[person], true, true).expect("contacts").value;
        made.into_iter().next().expect("one").expect("it is made")
    };
    let write = |id: ContactId, text: &str| {
        let (kind, at) = (InteractionKind::Comment, engine.clock().now());
        let text = Some(format!("{text} of {goes}"));
        let comment = Interaction { kind, at, channel: None, author: None, text };
        engine.record(&actor, &Identifier::Id(id), comment).expect("it is recorded");
    };
    let id = Identifier::Id;
    let kept = make(person(false, 1));
    for at in (0..60).step_by(6) {
        let [a, b, c] = [person(true, at), other(word, at), other(word, at + 1)].map(make);
        [a, b, c].into_iter().for_each(|id| write(id, "before"));
        engine.merge(&actor, &id(b), &id(c), &Map::new()).expect("merged");
        write(c, "between");
        let chosen = json!({"firstName": "secondary"});
        engine.merge(&actor, &id(a), &id(b), chosen.as_object().expect("an object")).expect("merged");
        write(b, "after");
        let change = json!({"lastName": format!("{word} later")});
        engine.update_contact(&actor, &id(c), change.as_object().expect("an object")).expect("changed");
        match at % 4 {
            // By an id that leads to it, or by itself.
            0 => engine.delete_contact(&actor, &id(c)).map(drop).expect("deleted"),
            _ => {
                // Apart again: what each had of the other goes with the last of them.
                engine.unmerge(&actor, &id(a), b).expect("apart");
                engine.unmerge(&actor, &id(b), c).expect("apart");
                [c, a, b].into_iter().for_each(|one| {
                    engine.delete_contact(&actor, &id(one)).expect("deleted");
                });
            }
        }
    }
    // Of those who stay, one had taken in and given back who goes.
    let gone = make(other(word, 90));
    engine.merge(&actor, &id(kept), &id(gone), &Map::new()).expect("merged");
    engine.unmerge(&actor, &id(kept), gone).expect("apart");
    engine.delete_contact(&actor, &id(gone)).expect("deleted");
    engine.checkpoint(ws).expect("a checkpoint");
    engine.close().expect("the engine closes");
    drop(engine);
    let mut needles = needles(true, &[0, 6, 12, 1000, 1006, 1001, 1090]);
    needles.extend([word.to_owned(), word.to_uppercase()].map(|text| (text.clone(), text.into_bytes())));
    assert!(found(folder, &needles).len() > 10, "the search finds nothing even before");
    command::done(folder, &["compact"]);
    assert_eq!(found(folder, &needles), Vec::<String>::new());
    assert_eq!(command::done(folder, &["verify"]).trim(), "index and store agree");
    let listed = command::done(folder, &["workspace", "list"]);
    assert!(listed.lines().nth(1).is_some_and(|line| line.split_whitespace().nth(2) == Some("1")), "{listed}");
}

/// The file of an import, in rows of those who go; one fails, for its phone is none.
fn file() -> String {
    let mut file = "firstName,email,phone,note\n".to_owned();
    for at in 0..30 {
        let (word, phone) =
            (word(true), if at == 7 { format!("{}x", phone(true, at)) } else { format!("+{}", phone(true, at)) });
        file.push_str(&format!("{word} {at},quaeverloesch.{at}@example.com,{phone},{word} note\n"));
    }
    file
}

/// Imports and bulk edits keep files, first rows, failed rows, and what undoes them.
#[test]
fn nothing_of_the_deleted_is_left_in_what_jobs_keep() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path();
    let engine = open(folder);
    let (ws, _) = workspace(&engine, "First");
    let actor = Actor::operator(ws);
    let new = NewImport { name: Some("people.csv".into()), format: None, delimiter: None, encoding: None };
    let upload = || uploaded(&engine, &actor, file().as_bytes(), new.clone());
    // One that ran, one that was stopped once it was looked at, one that waits to be started, one half there.
    let ran = upload().job.id;
    engine.start_import(&actor, ran, Options::default()).expect("starts");
    let ran = settled(&engine, ws, ran);
    assert_eq!((ran.job.state, ran.spec.tally.failed), (JobState::Done, 1), "{:?}", ran.job.error);
    let stopped = upload().job.id;
    engine.cancel_import(&actor, stopped).expect("stopped");
    upload();
    let half = engine.create_import(&actor, new.clone()).expect("made").value;
    engine.upload(ws, half, 0, file().into_bytes()).expect("put");
    // Two edits, one of them undone.
    for (undo, value) in [(true, "anders"), (false, "zuletzt")] {
        let action = json!({"action": "setField", "field": "note", "value": value});
        let action = action.as_object().expect("an object");
        let receipt = engine.prepare_job(&actor, &Query::default(), action).expect("a receipt");
        engine.apply_job(&actor, receipt.job, &Confirmation::default()).expect("begun");
        over(&engine, ws, receipt.job);
        if undo {
            engine.undo_job(&actor, receipt.job).expect("begun");
            over(&engine, ws, receipt.job);
        }
    }
    let everybody = engine.contacts_after(ws, ContactId(0), 1000).expect("read");
    assert_eq!(everybody.len(), 29);
    let last = everybody.iter().map(|contact| contact.id).collect::<Vec<_>>();
    each_at_once(&last, |_, id| {
        engine.delete_contact(&actor, &Identifier::Id(id)).expect("deleted");
    });
    engine.close().expect("the engine closes");
    drop(engine);
    let needles = needles(true, &(0..30).collect::<Vec<_>>());
    assert!(found(folder, &needles).len() > 30, "the search finds nothing even before");
    command::done(folder, &["compact"]);
    assert_eq!(found(folder, &needles), Vec::<String>::new());
    assert_eq!(command::done(folder, &["verify"]).trim(), "index and store agree");
}
