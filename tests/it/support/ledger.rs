//! A ledger of acknowledged writes: callers write what they like over HTTP until the server dies, each to contacts of its
//! own, so that afterwards the exact state of every contact is known, but for one write a caller that was not answered.

mod draw;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value as Json, json};

use super::connection::{Connection, Gone};
use super::writes::{Write, plain, same};

/// Whether a caller may be told that the server has failed.
#[derive(Clone, Copy, PartialEq)]
pub enum Failures {
    /// Only an answer that breaks off is no answer.
    Never,
    /// The disk fails before the server dies: 500 and 503 are no answers either.
    Expected,
}

/// Everything acknowledged so far.
pub struct Ledger {
    token: String,
    callers: Vec<Caller>,
    /// Writes acknowledged, over all callers.
    acknowledged: AtomicU64,
}

/// One caller and what it was told.
struct Caller {
    number: u32,
    rng: ChaCha8Rng,
    contacts: BTreeMap<u32, Kept>,
    /// Those written since the last look.
    written: BTreeSet<u32>,
    /// Id, e-mail and word of those deleted since the last look.
    gone: Vec<Kept>,
    tags: Vec<String>,
    fields: Vec<String>,
    /// Sent and not answered.
    doubt: Option<Write>,
    /// The latest version an answer told.
    version: u64,
    /// Counts what must be unique.
    next: u32,
    failures: Failures,
}

/// A contact as last acknowledged.
#[derive(Clone)]
struct Kept {
    contact: Json,
    /// Number and text of its interactions, oldest first.
    history: Vec<(u64, Json)>,
}

impl Kept {
    fn text(&self, member: &str) -> &str {
        self.contact[member].as_str().unwrap_or_default()
    }
}

impl Ledger {
    /// An empty one for so many callers. The workspace needs a channel; the token is an owner's.
    pub fn new(token: String, callers: u32, failures: Failures, rng: &mut ChaCha8Rng) -> Ledger {
        let callers = (0..callers).map(|number| Caller {
            number,
            rng: ChaCha8Rng::seed_from_u64(rng.random()),
            contacts: BTreeMap::new(),
            written: BTreeSet::new(),
            gone: Vec::new(),
            tags: vec![format!("caller {number}")],
            fields: Vec::new(),
            doubt: None,
            version: 0,
            next: 0,
            failures,
        });
        Ledger { token, callers: callers.collect(), acknowledged: AtomicU64::new(0) }
    }

    /// Lets every caller write until the server is gone, which `end` sees to; it is given the count of writes
    /// acknowledged so far. Gives back how many were acknowledged meanwhile.
    pub fn write_until(&mut self, server: SocketAddr, end: impl FnOnce(&AtomicU64)) -> u64 {
        let (token, acknowledged) = (&self.token, &self.acknowledged);
        let before = acknowledged.load(Ordering::SeqCst);
        std::thread::scope(|scope| {
            for caller in &mut self.callers {
                scope.spawn(move || {
                    if let Ok(mut server) = Connection::open(server, token) {
                        while caller.write(&mut server, acknowledged).is_ok() {}
                    }
                });
            }
            end(acknowledged);
        });
        acknowledged.load(Ordering::SeqCst) - before
    }

    /// Compares everything with a server started anew. What was in doubt is decided: it was done wholly or not at all. Gives
    /// back how many of those were done.
    pub fn settle(&mut self, server: SocketAddr) -> u32 {
        let token = &self.token;
        let open = || Connection::open(server, token).expect("the server is there");
        let done = std::thread::scope(|scope| {
            let settle = |caller: &'_ mut Caller| caller.settle(&mut open()).expect("the server answers");
            let checks = self.callers.iter_mut().map(|caller| scope.spawn(move || settle(caller)));
            let checks: Vec<_> = checks.collect();
            let found = checks.into_iter().map(|check| check.join().expect("the server has what it told"));
            found.filter(|done| *done).count()
        });
        let (status, counted) = open().ask("POST", "/v1/contacts/count", Some(&json!({}))).expect("an answer");
        let told = self.callers.iter().map(|caller| caller.version).max();
        assert_eq!((status, counted["total"].as_u64()), (200, Some(self.contacts() as u64)), "{counted}");
        assert!(counted["version"].as_u64() >= told, "version {told:?} was acknowledged: {counted}");
        done as u32
    }

    /// How many contacts there must be.
    pub fn contacts(&self) -> usize {
        self.callers.iter().map(|caller| caller.contacts.len()).sum()
    }

    /// How many writes are in doubt.
    pub fn doubts(&self) -> usize {
        self.callers.iter().filter(|caller| caller.doubt.is_some()).count()
    }
}

impl Caller {
    /// Sends one write and notes the answer; none leaves it in doubt.
    fn write(&mut self, server: &mut Connection, acknowledged: &AtomicU64) -> Result<(), Gone> {
        let write = self.draw();
        let (method, path, body) = write.request();
        self.doubt = Some(write.clone());
        let (status, answer) = server.ask(method, &path, body.as_ref())?;
        if status >= 500 && self.failures == Failures::Expected {
            return Err(Gone);
        }
        assert!((200..=201).contains(&status), "{write:?}: {status} {answer}");
        self.doubt = None;
        acknowledged.fetch_add(1, Ordering::SeqCst);
        let version = answer["version"].as_u64().expect("an answer has a version");
        assert!(version >= self.version, "{write:?}: version {version} after {}", self.version);
        self.version = version;
        self.note(&write, &answer);
        if self.rng.random_ratio(1, 8) {
            let told = self.contacts.values().last().cloned();
            told.map_or(Ok(()), |kept| self.found(server, kept.text("lastName"), Some(&kept)))?;
        }
        Ok(())
    }

    /// Takes the answer into the ledger, after comparing it with what the write must make of the contact.
    fn note(&mut self, write: &Write, answer: &Json) {
        match write {
            Write::NewTag(name) => return self.tags.push(name.clone()),
            Write::NewField(body) => return self.fields.push(body["slug"].as_str().expect("a slug").to_owned()),
            Write::Delete(id) => {
                assert_eq!(answer["deleted"], *id);
                self.gone.extend(self.contacts.remove(id));
                return;
            }
            _ => {}
        }
        let told = &answer["contact"];
        let before = write.contact().map_or(json!({}), |id| self.contacts[&id].contact.clone());
        assert_eq!(plain(told), write.outcome(&before), "{write:?}");
        self.keep(write, told.clone());
        if let Write::Record(id, body) = write {
            let number = answer["interaction"]["number"].as_u64().expect("a number");
            self.contacts.get_mut(id).expect("kept").history.push((number, body["text"].clone()));
        }
    }

    fn keep(&mut self, write: &Write, contact: Json) {
        let id = contact["id"].as_u64().expect("an id") as u32;
        if let Write::Create(body) | Write::Update(_, body) = write {
            self.learn(&body["tags"]);
        }
        if let Write::AddTags(_, names) = write {
            self.learn(&json!(names));
        }
        let kept = self.contacts.entry(id).or_insert_with(|| Kept { contact: Json::Null, history: Vec::new() });
        kept.contact = contact;
        self.written.insert(id);
    }

    fn learn(&mut self, names: &Json) {
        for name in names.as_array().into_iter().flatten().filter_map(Json::as_str) {
            if !self.tags.iter().any(|tag| tag == name) {
                self.tags.push(name.to_owned());
            }
        }
    }
}

/// What is there afterwards.
impl Caller {
    /// Whether what was in doubt was done.
    fn settle(&mut self, server: &mut Connection) -> Result<bool, Gone> {
        let done = match self.doubt.take() {
            Some(write) => self.decide(server, &write)?,
            None => false,
        };
        for id in std::mem::take(&mut self.written) {
            let Some(kept) = self.contacts.get(&id) else { continue };
            let (status, answer) = server.ask("GET", &format!("/v1/contacts/id:{id}"), None)?;
            assert!(status == 200, "contact {id} was acknowledged: {status} {answer}");
            let there = &answer["contact"];
            assert!(same(&kept.contact, there), "acknowledged: {}\nthere: {there}", kept.contact);
        }
        self.pages(server)?;
        let all: Vec<Kept> = self.contacts.values().cloned().collect();
        for kept in all.sample(&mut self.rng, 8) {
            assert_eq!(history(server, &kept.contact)?, kept.history, "the history of {}", kept.contact);
            self.found(server, kept.text("lastName"), Some(kept))?;
            self.found(server, kept.text("email"), Some(kept))?;
            for (name, value) in [("email", kept.text("email")), ("phone", kept.text("phone"))] {
                if !value.is_empty() {
                    let (_, answer) = server.ask("GET", &format!("/v1/contacts/{name}:{value}"), None)?;
                    assert_eq!(answer["contact"]["id"], kept.contact["id"], "{name}:{value}");
                }
            }
        }
        for kept in std::mem::take(&mut self.gone).iter().rev().take(8) {
            for name in [format!("id:{}", kept.contact["id"]), format!("email:{}", kept.text("email"))] {
                let (status, answer) = server.ask("GET", &format!("/v1/contacts/{name}"), None)?;
                assert_eq!(status, 404, "{name} was deleted: {answer}");
            }
            self.found(server, kept.text("lastName"), None)?;
        }
        self.names(server)?;
        Ok(done)
    }

    /// All its contacts, page by page by their tag, and no others, are as they were acknowledged, however long ago.
    fn pages(&self, server: &mut Connection) -> Result<(), Gone> {
        if self.contacts.is_empty() {
            return Ok(());
        }
        let filter = json!({"field": "tags", "operator": "hasAnyOf", "value": [self.tags[0]]});
        let mut query = json!({"filter": filter, "sort": [{"field": "id"}], "limit": 100, "offset": 0});
        let mut expected = self.contacts.values();
        loop {
            let (status, page) = server.ask("POST", "/v1/contacts/search", Some(&query))?;
            assert_eq!((status, page["total"].as_u64()), (200, Some(self.contacts.len() as u64)), "{page}");
            let there = page["items"].as_array().expect("items");
            for (there, kept) in there.iter().zip(expected.by_ref().take(there.len())) {
                assert!(same(&kept.contact, there), "acknowledged: {}\nthere: {there}", kept.contact);
            }
            if there.len() < 100 {
                assert!(expected.next().is_none());
                return Ok(());
            }
            query["offset"] = json!(query["offset"].as_u64().unwrap_or(0) + 100);
        }
    }

    /// Its tags and its fields are there.
    fn names(&self, server: &mut Connection) -> Result<(), Gone> {
        let tags = names(server, "/v1/tags")?;
        let made = self.tags.iter().skip(usize::from(self.contacts.is_empty()));
        made.for_each(|tag| assert!(tags.contains(tag), "the tag {tag} was acknowledged"));
        let fields = names(server, "/v1/fields")?;
        self.fields.iter().for_each(|slug| assert!(fields.contains(slug), "the field {slug} was acknowledged"));
        Ok(())
    }

    /// Finds out whether the write that was not answered was done, and that it was wholly or not at all.
    fn decide(&mut self, server: &mut Connection, write: &Write) -> Result<bool, Gone> {
        let done = match write {
            Write::NewTag(name) => names(server, "/v1/tags")?.contains(name),
            Write::NewField(body) => names(server, "/v1/fields")?.contains(body["slug"].as_str().expect("a slug")),
            _ => return self.decide_contact(server, write),
        };
        if done {
            self.note(write, &Json::Null);
        }
        Ok(done)
    }

    fn decide_contact(&mut self, server: &mut Connection, write: &Write) -> Result<bool, Gone> {
        let before = write.contact().map(|id| self.contacts[&id].clone());
        let who = match write {
            Write::Create(body) => format!("email:{}", body["email"].as_str().expect("an e-mail")),
            _ => format!("id:{}", write.contact().expect("a contact")),
        };
        let (status, answer) = server.ask("GET", &format!("/v1/contacts/{who}"), None)?;
        let there = answer["contact"].clone();
        let gone = status == 404;
        let undone = match &before {
            None => gone,
            Some(kept) => !gone && same(&kept.contact, &there),
        };
        if gone && matches!(write, Write::Delete(_)) {
            self.gone.extend(self.contacts.remove(&write.contact().expect("a contact")));
        } else if !undone {
            assert!(status == 200 && !matches!(write, Write::Delete(_)), "{write:?}: {status} {answer}");
            let basis = before.as_ref().map_or(json!({}), |kept| kept.contact.clone());
            assert_eq!(plain(&there), write.outcome(&basis), "{write:?} was done in part");
            self.keep(write, there.clone());
        }
        if let Some(kept) = before.filter(|_| !gone) {
            self.decide_history(server, write, &kept, &there, undone)?;
        }
        self.decide_tags(server, write, undone)?;
        Ok(!undone)
    }

    /// The interaction is in the history exactly if the contact shows it.
    fn decide_history(
        &mut self,
        server: &mut Connection,
        write: &Write,
        before: &Kept,
        there: &Json,
        undone: bool,
    ) -> Result<(), Gone> {
        let mut history = history(server, there)?;
        if let (Write::Record(id, body), false) = (write, undone) {
            let last = history.pop();
            assert_eq!(last.as_ref().map(|(_, text)| text), Some(&body["text"]), "{write:?} was done in part");
            self.contacts.get_mut(id).expect("kept").history.extend(last);
        }
        assert_eq!(history, before.history, "{write:?}");
        Ok(())
    }

    /// A new tag is there exactly if the contact carries it.
    fn decide_tags(&self, server: &mut Connection, write: &Write, undone: bool) -> Result<(), Gone> {
        let named = match write {
            Write::Create(body) | Write::Update(_, body) => &body["tags"],
            Write::AddTags(_, names) => &json!(names),
            _ => return Ok(()),
        };
        let known = names(server, "/v1/tags")?;
        for name in named.as_array().into_iter().flatten().filter_map(Json::as_str) {
            let is_new = !self.tags.iter().any(|tag| tag == name);
            assert!(!(undone && is_new && known.contains(name)), "{write:?} left the tag {name} and nothing else");
        }
        Ok(())
    }

    /// A search for the word finds that contact alone, or nothing.
    fn found(&self, server: &mut Connection, word: &str, expected: Option<&Kept>) -> Result<(), Gone> {
        let (status, page) = server.ask("POST", "/v1/contacts/search", Some(&json!({ "search": word })))?;
        if status >= 500 && self.failures == Failures::Expected {
            return Err(Gone);
        }
        assert_eq!(status, 200, "{page}");
        let ids: Vec<&Json> = page["items"].as_array().into_iter().flatten().map(|item| &item["id"]).collect();
        let expected: Vec<&Json> = expected.iter().map(|kept| &kept.contact["id"]).collect();
        assert_eq!(ids, expected, "a search for {word}");
        Ok(())
    }
}

/// Number and text of a contact's interactions, oldest first.
fn history(server: &mut Connection, contact: &Json) -> Result<Vec<(u64, Json)>, Gone> {
    let mut found = Vec::new();
    let mut next = String::new();
    loop {
        let path = format!("/v1/contacts/id:{}/interactions?limit=100{next}", contact["id"]);
        let (status, page) = server.ask("GET", &path, None)?;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().into_iter().flatten();
        found.extend(items.map(|item| (item["number"].as_u64().expect("a number"), item["text"].clone())));
        match page["next"].as_str() {
            Some(before) => next = format!("&before={before}"),
            None => break,
        }
    }
    found.reverse();
    Ok(found)
}

/// The names of what the workspace defines.
fn names(server: &mut Connection, path: &str) -> Result<BTreeSet<String>, Gone> {
    let (_, listed) = server.ask("GET", path, None)?;
    let items = listed["items"].as_array().into_iter().flatten();
    Ok(items.filter_map(|item| item["name"].as_str().map(str::to_owned)).collect())
}
