//! A contact as the model keeps it: plain members, and how they show.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::world::Model;

/// The conversation's own status.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Talk {
    Open,
    Closed,
    Snoozed,
}

impl Talk {
    pub fn name(self) -> &'static str {
        match self {
            Talk::Open => "open",
            Talk::Closed => "closed",
            Talk::Snoozed => "snoozed",
        }
    }
}

/// A contact's place on a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub channel: u32,
    /// None but by import.
    pub address: Option<String>,
    pub connected_at: i64,
    pub last_message_at: Option<i64>,
    pub last_incoming_at: Option<i64>,
}

/// An entry of a history; later ones have higher serials.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub serial: u64,
    pub kind: &'static str,
    pub at: i64,
    pub channel: Option<u32>,
    pub author: Option<u32>,
    pub text: Option<String>,
}

/// A number in E.164, and as typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    pub e164: String,
    pub given: String,
}

/// A contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub id: u32,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<Number>,
    pub country: Option<String>,
    pub language: Option<String>,
    pub picture: Option<String>,
    /// Serials of tags: they ascend as the tags were made.
    pub tags: BTreeSet<u64>,
    pub channels: Vec<Link>,
    pub last_channel: Option<u32>,
    pub assignee: Option<u32>,
    /// Serial of a stage.
    pub stage: Option<u64>,
    pub talk: Talk,
    pub blocked: bool,
    pub snoozed_until: Option<i64>,
    pub opened_at: Option<i64>,
    pub last_message_at: Option<i64>,
    pub last_incoming_at: Option<i64>,
    pub last_interaction_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    /// By serial of the field, as it shows.
    pub custom: BTreeMap<u64, Json>,
    pub history: Vec<Entry>,
    /// What those merged into it are still found by.
    pub also_ids: BTreeSet<u32>,
    pub also_emails: BTreeSet<String>,
    pub also_phones: BTreeSet<String>,
}

/// What names a contact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Id(u32),
    /// In lower case.
    Email(String),
    Phone(String),
}

impl Person {
    pub fn new(id: u32, now: i64) -> Person {
        Person {
            id,
            first_name: None,
            last_name: None,
            email: None,
            phone: None,
            country: None,
            language: None,
            picture: None,
            tags: BTreeSet::new(),
            channels: Vec::new(),
            last_channel: None,
            assignee: None,
            stage: None,
            talk: Talk::Closed,
            blocked: false,
            snoozed_until: None,
            opened_at: None,
            last_message_at: None,
            last_incoming_at: None,
            last_interaction_at: None,
            created_at: now,
            updated_at: now,
            custom: BTreeMap::new(),
            history: Vec::new(),
            also_ids: BTreeSet::new(),
            also_emails: BTreeSet::new(),
            also_phones: BTreeSet::new(),
        }
    }

    pub fn status(&self) -> &'static str {
        if self.blocked { "blocked" } else { self.talk.name() }
    }

    /// When its snooze ends by itself.
    pub fn snooze_end(&self) -> Option<i64> {
        self.snoozed_until.filter(|_| self.talk == Talk::Snoozed)
    }

    pub fn name(&self) -> String {
        match (&self.first_name, &self.last_name) {
            (Some(first), Some(last)) => format!("{first} {last}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => match (&self.phone, &self.email) {
                (Some(phone), _) => phone.e164.clone(),
                (None, Some(email)) => email.clone(),
                (None, None) => format!("Contact {}", self.id),
            },
        }
    }

    /// Its e-mail and phone, and whatever came with those merged into it.
    pub fn keys(&self) -> BTreeSet<Key> {
        let mut keys = BTreeSet::new();
        keys.extend(self.email.iter().map(|email| Key::Email(email.to_lowercase())));
        keys.extend(self.phone.iter().map(|phone| Key::Phone(phone.e164.clone())));
        keys.extend(self.also_ids.iter().copied().map(Key::Id));
        keys.extend(self.also_emails.iter().cloned().map(Key::Email));
        keys.extend(self.also_phones.iter().cloned().map(Key::Phone));
        keys
    }

    /// The history, newest first.
    pub fn newest_first(&self) -> Vec<&Entry> {
        let mut entries: Vec<&Entry> = self.history.iter().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.serial)));
        entries
    }

    /// Every member as it shows, but for the version.
    pub fn shown(&self, model: &Model) -> Map<String, Json> {
        let assignee = self.assignee.map(|id| {
            let user = &model.users[&id];
            json!({"id": id, "firstName": user.first_name, "lastName": user.last_name, "email": user.email})
        });
        let tags: Vec<&String> = self.tags.iter().map(|serial| &model.tags[serial].name).collect();
        let custom = |(serial, field): (&u64, &super::world::Field)| {
            (field.slug.clone(), self.custom.get(serial).cloned().unwrap_or(Json::Null))
        };
        let custom: Map<String, Json> = model.fields.iter().map(custom).collect();
        let shown = json!({
            "id": self.id, "firstName": self.first_name, "lastName": self.last_name, "name": self.name(),
            "email": self.email, "phone": self.phone.as_ref().map(|phone| &phone.e164),
            "phoneGiven": self.phone.as_ref().map(|phone| &phone.given),
            "countryCode": self.country, "language": self.language, "profilePic": self.picture, "tags": tags,
            "channels": self.channels.iter().map(|link| self.link(link, model)).collect::<Vec<_>>(),
            "lastInteractedChannel": self.last_channel, "assignee": assignee,
            "lifecycle": self.stage.map(|serial| &model.stages[&serial].name),
            "status": self.status(), "conversationStatus": self.talk.name(), "snoozedUntil": time(self.snoozed_until),
            "conversationOpenedAt": time(self.opened_at), "lastMessageAt": time(self.last_message_at),
            "lastIncomingMessageAt": time(self.last_incoming_at), "lastInteractionAt": time(self.last_interaction_at),
            "createdAt": time(Some(self.created_at)), "updatedAt": time(Some(self.updated_at)), "customFields": custom,
        });
        shown.as_object().cloned().unwrap_or_default()
    }

    fn link(&self, link: &Link, model: &Model) -> Json {
        let channel = &model.channels[&link.channel];
        json!({
            "id": link.channel, "source": channel.source, "name": channel.name, "address": link.address,
            "connectedAt": time(Some(link.connected_at)), "lastMessageAt": time(link.last_message_at),
            "lastIncomingMessageAt": time(link.last_incoming_at),
        })
    }
}

/// An instant as it shows: RFC 3339, UTC, milliseconds.
pub fn time(at: Option<i64>) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(at?).expect("a time of this age");
    Some(at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}
