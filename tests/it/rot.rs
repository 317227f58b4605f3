//! One flipped bit anywhere in the data folder: what `verify` finds nothing wrong with answers as before, what is
//! damaged is said, and nothing panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memmem;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rollcall::clock::Clock;
use rollcall::config::Config;
use rollcall::contact::identity::Identifier;
use rollcall::contact::{Catalog, ChannelId, Contact, ContactId, Field, Interaction, InteractionKind, Millis, UserId};
use rollcall::corpus::Corpus;
use rollcall::engine::{Actor, Engine, Error, FacetCounts, NewWorkspace, Query, Sort};
use rollcall::store::SledStore;
use serde_json::{Map, Value as Json, json};

use crate::store_suite::SETTINGS;
use crate::support::seed;

const NOW: Millis = 1_700_000_000_000;
const CONTACTS: u64 = 300;

/// A closed data folder and what it answered while it was sound.
struct Sound {
    folder: tempfile::TempDir,
    actor: Actor,
    secret: String,
    answers: Vec<Answer>,
}

/// What one question was answered with.
#[derive(Clone, Default, PartialEq)]
struct Answer {
    question: String,
    contacts: Vec<Contact>,
    total: u64,
    facets: Vec<FacetCounts>,
    history: Vec<(u64, Interaction)>,
    catalog: Option<Catalog>,
}

#[derive(Debug, Default)]
struct Outcomes {
    refused: u32,
    reported: u32,
    /// Of the reported ones those that a rebuild mended.
    mended: u32,
    harmless: u32,
}

#[test]
fn a_flipped_bit_is_said_or_does_no_harm() {
    let mut rng = seed::rng("rot");
    let sound = Sound::make();
    let mut outcomes = Outcomes::default();
    for round in 0..seed::rounds("ROLLCALL_ROT_ROUNDS", 60) {
        let folder = tempfile::tempdir().expect("a folder");
        copy(sound.folder.path(), folder.path());
        let place = format!("round {round}: {}", flip(folder.path(), &mut rng));
        let judged = catch_unwind(AssertUnwindSafe(|| judge(&sound, folder.path(), &place, &mut outcomes)));
        let wrong = match judged {
            Ok(Ok(())) => continue,
            Ok(Err(wrong)) => wrong,
            Err(_) => "it panicked".to_owned(),
        };
        panic!("{place}: {wrong}; the sound folder is kept in {}", sound.folder.keep().display());
    }
    println!("measured rot: {outcomes:?}");
}

/// Opens the damaged folder as a server does, asks everything, verifies, and asks again.
fn judge(sound: &Sound, folder: &Path, place: &str, outcomes: &mut Outcomes) -> Result<(), String> {
    let engine = match open(folder) {
        Ok(engine) => engine,
        Err(error) => {
            outcomes.refused += 1;
            return said(place, "refused", &error);
        }
    };
    let before = sound.ask(&engine);
    let problems = match engine.verify(sound.actor.workspace) {
        Ok(report) => report.problems,
        Err(error) => vec![said(place, "not verified", &error).map(|()| error.to_string())?],
    };
    if problems.is_empty() {
        outcomes.harmless += 1;
        sound.compare("before verify", before)?;
        return sound.compare("after verify", sound.ask(&engine));
    }
    println!("{place}: reported: {}", problems.join("; "));
    outcomes.reported += 1;
    if let Err(error) = before {
        said(place, "reads", &error)?;
    }
    match engine.rebuild(sound.actor.workspace) {
        Err(error) => said(place, "not rebuilt", &error),
        Ok(()) => match engine.verify(sound.actor.workspace) {
            Ok(report) if report.problems.is_empty() => {
                outcomes.mended += 1;
                sound.compare("rebuilt", sound.ask(&engine))
            }
            Ok(_) => Ok(()),
            Err(error) => said(place, "not verified again", &error),
        },
    }
}

/// An error has words, and is not that of a thread of the engine which panicked.
fn said(place: &str, what: &str, error: &Error) -> Result<(), String> {
    println!("{place}: {what}: {error}");
    match error {
        Error::Closing => Err(format!("{what}: a thread of the engine ended")),
        error if error.to_string().is_empty() => Err(format!("{what}: an error without words")),
        _ => Ok(()),
    }
}

fn open(folder: &Path) -> Result<Arc<Engine>, Error> {
    let mut settings = Config::defaults().expect("the defaults are sound").engine;
    settings.text_index_contacts_min = 50;
    settings.checkpoint_contacts_min = 50;
    let store = Arc::new(SledStore::open(&folder.join("store"), SETTINGS)?);
    Engine::open(store, Some(&folder.join("index")), settings, Clock::fixed(NOW))
}

impl Sound {
    /// Three hundred contacts with history, two checkpoints, a text index of several commits, and changes after all of them.
    fn make() -> Sound {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = open(folder.path()).expect("the engine opens");
        let new = NewWorkspace {
            name: "one".into(),
            default_country: Some("MY".into()),
            timezone: "Asia/Kuala_Lumpur".into(),
            locale: "en".into(),
        };
        let actor = Actor::operator(engine.create_workspace(new).expect("a workspace").id);
        let corpus = Corpus::new(7, NOW);
        corpus.definition().apply(&engine, actor.workspace).expect("definitions");
        let catalog = engine.catalog(actor.workspace).expect("a catalog");
        let corpus = corpus.for_workspace(&catalog).expect("all is defined");
        let owner = catalog.users.values().next().map(|user| user.id).expect("an owner");
        let (_, secret) = engine.create_token(actor.workspace, owner, "rot", None).expect("a token");
        let parts = 3;
        for part in 0..parts {
            let places = part * CONTACTS / parts..(part + 1) * CONTACTS / parts;
            engine.load(actor.workspace, corpus.contacts(places.clone()).collect()).expect("loaded");
            change(&engine, &actor, owner, places);
            engine.checkpoint(actor.workspace).expect("a checkpoint");
        }
        change(&engine, &actor, owner, 40..80);
        drop(engine);
        let mut sound = Sound { folder, actor, secret, answers: Vec::new() };
        let engine = open(sound.folder.path()).expect("it opens again");
        sound.answers = sound.ask(&engine).expect("it answers");
        let report = engine.verify(sound.actor.workspace).expect("verifies");
        assert_eq!((report.problems, report.contacts), (vec![], sound.answers[0].contacts.len() as u64));
        drop(engine);
        let files = files(sound.folder.path());
        for part in Part::ALL {
            assert!(files.iter().any(|file| part.has(file)), "there are files of every part: {files:?}");
        }
        sound
    }

    fn compare(&self, when: &str, answers: Result<Vec<Answer>, Error>) -> Result<(), String> {
        let answers = answers.map_err(|error| format!("{when}: nothing is wrong, and yet: {error}"))?;
        match self.answers.iter().zip(&answers).find(|(expected, answer)| expected != answer) {
            Some((expected, answer)) => Err(format!(
                "{when}: silently wrong: {}: {} of {} instead of {} of {}",
                expected.question,
                answer.contacts.len(),
                answer.total,
                expected.contacts.len(),
                expected.total
            )),
            None if answers.len() != self.answers.len() => Err(format!("{when}: other questions could be asked")),
            None => Ok(()),
        }
    }

    /// Everything there is to ask, in a fixed order.
    fn ask(&self, engine: &Engine) -> Result<Vec<Answer>, Error> {
        let ws = self.actor.workspace;
        let mut asking = Asking { engine, actor: &self.actor, answers: Vec::new() };
        let all = engine.contacts_after(ws, ContactId(0), 10_000)?;
        asking.note(Answer { question: "the store's contacts".into(), contacts: all.clone(), ..Answer::default() });
        let catalog = Catalog::clone(&*engine.catalog(ws)?);
        let workspaces = engine.workspaces()?;
        let defined = Answer { question: "definitions".into(), total: workspaces.len() as u64, ..Answer::default() };
        asking.note(Answer { catalog: Some(catalog.clone()), ..defined });
        let known = engine.authenticate(&self.secret).is_some();
        asking.note(Answer { question: "the token".into(), total: known.into(), ..Answer::default() });
        (1..=CONTACTS as u32).try_for_each(|id| asking.contact(ContactId(id)))?;
        for contact in &all {
            asking.names_of(contact)?;
        }
        asking.fields(&catalog)?;
        asking.filters()?;
        Ok(asking.answers)
    }
}

struct Asking<'a> {
    engine: &'a Engine,
    actor: &'a Actor,
    answers: Vec<Answer>,
}

impl Asking<'_> {
    fn note(&mut self, answer: Answer) {
        self.answers.push(answer);
    }

    fn get(&mut self, question: String, who: &Identifier) -> Result<(), Error> {
        let contacts = match self.engine.contact(self.actor.workspace, who, None) {
            Ok(found) => vec![Contact::clone(&found.value)],
            Err(Error::NotFound { what: "contact", .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        self.note(Answer { question, contacts, ..Answer::default() });
        Ok(())
    }

    /// A contact and its history, or that there is none.
    fn contact(&mut self, id: ContactId) -> Result<(), Error> {
        let who = Identifier::Id(id);
        self.get(format!("contact {id}"), &who)?;
        let history = match self.engine.history(self.actor.workspace, &who, None, 100) {
            Ok(history) => history,
            Err(Error::NotFound { what: "contact", .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        self.note(Answer { question: format!("history of {id}"), history, ..Answer::default() });
        Ok(())
    }

    /// The contact by its e-mail and phone, and as searches for every third find it.
    fn names_of(&mut self, contact: &Contact) -> Result<(), Error> {
        let id = contact.id;
        let phone = contact.phone.as_ref().map(|phone| format!("phone:{}", phone.e164()));
        let email = contact.email.as_ref().map(|email| format!("email:{email}"));
        for who in [email, phone].into_iter().flatten() {
            let kind = who.split(':').next().unwrap_or_default().to_owned();
            let who = Identifier::parse(&who, None).map_err(Error::Io)?;
            self.get(format!("{kind} of {id}"), &who)?;
        }
        if id.0.is_multiple_of(3) {
            let words = [&contact.first_name, &contact.last_name, &contact.email];
            for word in words.into_iter().flatten() {
                let infix: String = word.chars().skip(1).take(3 + id.0 as usize % 3).collect();
                self.search(format!("infix of {id}"), Query { search: Some(infix), ..Query::default() })?;
            }
            if let Some(phone) = &contact.phone {
                let digits = phone.e164().chars().skip(4).take(5).collect();
                self.search(format!("digits of {id}"), Query { search: Some(digits), ..Query::default() })?;
            }
        }
        Ok(())
    }

    fn search(&mut self, question: String, query: Query) -> Result<(), Error> {
        let page = self.engine.search(self.actor, &Query { limit: Some(100), ..query })?;
        let contacts = page.contacts.iter().map(|contact| Contact::clone(contact)).collect();
        self.note(Answer { question, contacts, total: page.total, facets: page.facets, ..Answer::default() });
        Ok(())
    }

    /// Who has a value of each field, in its order, counted where it can be counted.
    fn fields(&mut self, catalog: &Catalog) -> Result<(), Error> {
        for field in Field::all(catalog).filter(|field| *field != Field::Segment) {
            let name = field.name(catalog).to_owned();
            let filter = Some(json!({"field": name, "operator": "exists"}));
            let facets = if field.is_facetable(catalog) { vec![name.clone()] } else { vec![] };
            for (offset, descending) in [(0, false), (100, true)] {
                let key = Sort { field: name.clone(), descending, missing_first: false };
                let sort = if field.is_sortable() { vec![key] } else { vec![] };
                let filter = if field == Field::Id { None } else { filter.clone() };
                let query = Query { filter, sort, offset, facets: facets.clone(), ..Query::default() };
                self.search(format!("{name} from {offset}"), query)?;
            }
        }
        Ok(())
    }

    fn filters(&mut self) -> Result<(), Error> {
        let time = |ago: i64| json!(NOW - ago * 86_400_000);
        let filters: Vec<Json> = vec![
            json!({"field": "name", "operator": "contains", "value": "a"}),
            json!({"field": "email", "operator": "endsWith", "value": ".com"}),
            json!({"field": "phone", "operator": "startsWith", "value": "+6"}),
            json!({"field": "lastMessageAt", "operator": "isTimestampAfter", "value": time(90)}),
            json!({"field": "createdAt", "operator": "isTimestampBetween", "value": {"from": time(400), "to": time(30)}}),
            json!({"field": "timeSinceLastMessage", "operator": "isLessThan", "value": {"amount": 200, "unit": "days"}}),
            json!({"field": "tags", "operator": "hasAnyOf", "value": ["vip", "lead"]}),
            json!({"$not": {"field": "status", "operator": "isEqualTo", "value": "open"}}),
            json!({"field": "score", "operator": "isBetween", "value": {"from": 10, "to": 60}}),
            json!({"field": "plan", "operator": "hasAnyOf", "value": ["free", "business"]}),
            json!({"field": "source", "operator": "hasAnyOf", "value": ["whatsapp", "email"]}),
        ];
        for filter in filters {
            let question = filter.to_string();
            self.search(question, Query { filter: Some(filter), ..Query::default() })?;
        }
        Ok(())
    }
}

/// Updates, messages, comments and deletions of some of the contacts of these places.
fn change(engine: &Engine, actor: &Actor, owner: UserId, places: std::ops::Range<u64>) {
    let channel =
        ChannelId(engine.catalog(actor.workspace).expect("a catalog").channels.keys().next().map_or(0, |id| id.0));
    for place in places {
        let who = Identifier::Id(ContactId(place as u32 + 1));
        if engine.contact(actor.workspace, &who, None).is_err() {
            continue;
        }
        match place % 6 {
            0 => {
                let fields: Map<String, Json> = json!({"lastName": format!("Neu {place}"), "language": "de"})
                    .as_object()
                    .cloned()
                    .unwrap_or_default();
                engine.update_contact(actor, &who, &fields).expect("updated");
            }
            1 if place.is_multiple_of(5) => drop(engine.delete_contact(actor, &who).expect("deleted")),
            turn => {
                let kind = match turn {
                    2 => InteractionKind::IncomingMessage,
                    3 => InteractionKind::OutgoingMessage,
                    _ => InteractionKind::Comment,
                };
                let text = Some(format!("{place} ").repeat(if turn == 4 { 700 } else { 3 }));
                let said =
                    Interaction { kind, at: NOW - place as i64, channel: Some(channel), author: Some(owner), text };
                engine.record(actor, &who, said).expect("recorded");
            }
        }
    }
}

/// The kinds of files in a data folder.
#[derive(Clone, Copy)]
enum Part {
    Log,
    Checkpoint,
    Text,
    Rest,
}

impl Part {
    const ALL: [Part; 4] = [Part::Log, Part::Checkpoint, Part::Text, Part::Rest];

    fn has(self, file: &Path) -> bool {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let of = match file {
            _ if file.ends_with("store/db") => Part::Log,
            _ if name.starts_with("checkpoint-") => Part::Checkpoint,
            _ if file.parent().is_some_and(|folder| folder.ends_with("text")) => Part::Text,
            _ => Part::Rest,
        };
        of as u8 == self as u8
    }
}

/// Flips one bit of one file, each part getting its share, and says where.
fn flip(folder: &Path, rng: &mut ChaCha8Rng) -> String {
    let part = match rng.random_range(0..100) {
        0..40 => Part::Log,
        40..60 => Part::Checkpoint,
        60..85 => Part::Text,
        _ => Part::Rest,
    };
    let files: Vec<PathBuf> = files(folder).into_iter().filter(|file| part.has(file)).collect();
    let file = &files[rng.random_range(0..files.len())];
    let mut bytes = std::fs::read(file).expect("a file");
    let mut at = rng.random_range(0..bytes.len());
    match part {
        // sled leaves what it wrote before: every other time where a contact was written last, which is what can be lost.
        Part::Log if rng.random_bool(0.5) => {
            let near = memmem::find(&bytes[at..], b"example").map_or(at, |found| at + found);
            let last = memmem::rfind(&bytes, &bytes[near.saturating_sub(12)..near + 1]).unwrap_or(near);
            at = last.saturating_sub(rng.random_range(0..200));
        }
        // Most often what is not empty space.
        _ => (0..50).for_each(|_| at = if bytes[at] == 0 { rng.random_range(0..bytes.len()) } else { at }),
    }
    let bit = rng.random_range(0..8);
    bytes[at] ^= 1 << bit;
    std::fs::write(file, bytes).expect("written");
    format!("{} byte {at} bit {bit}", file.strip_prefix(folder).unwrap_or(file).display())
}

/// The files that hold something, in a fixed order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.metadata().is_ok_and(|file| file.len() > 0) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let copied = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &copied);
        } else {
            std::fs::copy(&path, &copied).expect("copied");
        }
    }
}
