//! A writer that keeps a ledger: what was acknowledged, and the one write whose answer never came.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use rollcall::contact::time;
use serde_json::{Value as Json, json};

use super::wire::Wire;

/// 2026-01-01T00:00:00Z, where the writers' messages begin.
const FIRST_MESSAGE: i64 = 1_767_225_600_000;

/// What a contact must be.
#[derive(Clone, Debug, PartialEq)]
struct Expected {
    first_name: String,
    tags: BTreeSet<String>,
    last_message: Option<i64>,
    /// Interactions in its history.
    history: usize,
}

/// A write that was sent.
#[derive(Clone, Debug)]
enum Sent {
    Create(String, Expected),
    /// The contact as it would be.
    Change(u32, Expected),
    Delete(u32),
}

/// A writer of its own contacts.
pub struct Writer {
    name: String,
    rng: ChaCha8Rng,
    known: BTreeMap<u32, Expected>,
    deleted: Vec<u32>,
    doubt: Option<Sent>,
    /// Changed since the last check.
    touched: BTreeSet<u32>,
    counter: u32,
    channel: u32,
    pub acknowledged: u64,
}

impl Writer {
    /// `channel` is the id of a channel that messages go by.
    pub fn new(name: &str, seed: u64, channel: u32) -> Writer {
        Writer {
            name: name.to_owned(),
            rng: super::seed::from(seed),
            known: BTreeMap::new(),
            deleted: Vec::new(),
            doubt: None,
            touched: BTreeSet::new(),
            counter: 0,
            channel,
            acknowledged: 0,
        }
    }

    /// Writes until the server is gone or takes no more writes.
    pub fn write(&mut self, address: SocketAddr, token: &str) {
        assert!(self.doubt.is_none(), "the last write is checked first");
        let Ok(mut wire) = Wire::connect(address, token) else { return };
        loop {
            let (sent, method, path, body) = self.next();
            self.counter += 1;
            match wire.ask(method, &path, &body) {
                Ok((200..=299, answer)) => {
                    self.acknowledged += 1;
                    self.settle(sent, answer["contact"]["id"].as_u64().map(|id| id as u32));
                }
                // The disk is gone: the write may be on it or not.
                Ok((500..=599, _)) | Err(_) => {
                    self.doubt = Some(sent);
                    return;
                }
                Ok((status, answer)) => panic!("{method} {path} {body}: {status} {answer}"),
            }
        }
    }

    fn next(&mut self) -> (Sent, &'static str, String, Json) {
        let marker = format!("{} {}", self.name, self.counter);
        let someone = self.known.iter().choose(&mut self.rng).map(|(id, contact)| (*id, contact.clone()));
        let (Some((id, mut contact)), 1..) = (someone, self.rng.random_range(0..4)) else {
            let email = format!("{}.{}@example.com", self.name, self.counter);
            let contact =
                Expected { first_name: marker, tags: [self.name.clone()].into(), last_message: None, history: 0 };
            let body = json!({"firstName": contact.first_name, "email": email, "tags": contact.tags});
            return (Sent::Create(email, contact), "POST", "/v1/contacts".into(), body);
        };
        let path = format!("/v1/contacts/id:{id}");
        match self.rng.random_range(0..8) {
            0..3 => {
                contact.first_name = marker;
                let body = json!({"firstName": contact.first_name});
                (Sent::Change(id, contact), "PATCH", path, body)
            }
            3 | 4 => {
                let tag = format!("tag {}", self.rng.random_range(0..30));
                contact.tags.insert(tag.clone());
                (Sent::Change(id, contact), "POST", format!("{path}/tags"), json!({"tags": [tag]}))
            }
            5 | 6 => {
                let at = FIRST_MESSAGE + i64::from(self.counter) * 1000;
                (contact.last_message, contact.history) = (Some(at), contact.history + 1);
                let body = json!({"kind": "incomingMessage", "channel": self.channel, "at": at, "text": marker});
                (Sent::Change(id, contact), "POST", format!("{path}/interactions"), body)
            }
            _ => (Sent::Delete(id), "DELETE", path, Json::Null),
        }
    }

    fn settle(&mut self, sent: Sent, id: Option<u32>) {
        match sent {
            Sent::Create(_, contact) => {
                let id = id.expect("the id of what was created");
                self.touched.insert(id);
                assert!(self.known.insert(id, contact).is_none(), "id {id} was given twice");
            }
            Sent::Change(id, contact) => {
                self.touched.insert(id);
                self.known.insert(id, contact);
            }
            Sent::Delete(id) => {
                self.known.remove(&id);
                self.deleted.push(id);
            }
        }
    }

    /// Compares the ledger with the server: all of it, or what was touched since the last check. The write in doubt is
    /// whole or absent, and is in the ledger or out of it from now on.
    pub fn check(&mut self, wire: &mut Wire, all: bool) {
        if let Some(sent) = self.doubt.take() {
            self.resolve(wire, sent);
        }
        for (id, contact) in self.known.iter().filter(|(id, _)| all || self.touched.contains(id)) {
            assert_eq!(found(wire, &format!("id:{id}")).map(|found| found.1).as_ref(), Some(contact), "contact {id}");
        }
        let recent = if all { 0 } else { self.deleted.len().saturating_sub(20) };
        for id in &self.deleted[recent..] {
            assert!(found(wire, &format!("id:{id}")).is_none(), "contact {id} was deleted and is there");
        }
        self.touched.clear();
        let tagged = json!({"filter": {"field": "tags", "operator": "hasAnyOf", "value": [self.name]}});
        let (status, answer) = wire.ask("POST", "/v1/contacts/count", &tagged).expect("an answer");
        // Before the first contact there is no such tag, which matches nobody.
        assert_eq!((status, answer["total"].as_u64()), (200, Some(self.known.len() as u64)), "{answer}");
    }

    fn resolve(&mut self, wire: &mut Wire, sent: Sent) {
        match sent {
            Sent::Create(email, contact) => {
                if let Some((id, found)) = found(wire, &format!("email:{email}")) {
                    assert_eq!(found, contact, "a contact created in part");
                    self.settle(Sent::Create(email, contact), Some(id));
                }
            }
            Sent::Change(id, after) => {
                let (_, now) = found(wire, &format!("id:{id}")).expect("a contact that was only changed is there");
                assert!(now == after || now == self.known[&id], "contact {id} was changed in part: {now:?}");
                self.settle(Sent::Change(id, now), None);
            }
            Sent::Delete(id) => match found(wire, &format!("id:{id}")) {
                None => self.settle(Sent::Delete(id), None),
                Some((_, now)) => assert_eq!(now, self.known[&id], "contact {id} was deleted in part"),
            },
        }
    }
}

/// The contact as the server has it.
fn found(wire: &mut Wire, identifier: &str) -> Option<(u32, Expected)> {
    let (status, answer) = wire.ask("GET", &format!("/v1/contacts/{identifier}"), &Json::Null).expect("an answer");
    if status == 404 {
        return None;
    }
    assert_eq!(status, 200, "{answer}");
    let contact = &answer["contact"];
    let path = format!("/v1/contacts/{identifier}/interactions?limit=100");
    let (status, history) = wire.ask("GET", &path, &Json::Null).expect("an answer");
    assert_eq!(status, 200, "{history}");
    let tags = contact["tags"].as_array().expect("tags").iter().filter_map(Json::as_str).map(str::to_owned).collect();
    let zone = time::zone("UTC").expect("UTC");
    let instant = |value: &Json| time::instant(value, &zone, 0).expect("an instant").start;
    let expected = Expected {
        first_name: contact["firstName"].as_str().unwrap_or_default().to_owned(),
        tags,
        last_message: Some(&contact["lastMessageAt"]).filter(|at| !at.is_null()).map(instant),
        history: history["items"].as_array().expect("items").len(),
    };
    Some((contact["id"].as_u64().expect("an id") as u32, expected))
}
