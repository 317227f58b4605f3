//! What a caller of the ledger writes next.

use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::{Value as Json, json};

use super::super::server::CHANNEL;
use super::super::writes::Write;
use super::Caller;

/// From so many contacts on a caller deletes as often as it creates.
const CONTACTS_MAX: usize = 250;
/// Custom fields of one caller.
const FIELDS_MAX: usize = 8;
/// Tags of one caller.
const TAGS_MAX: usize = 200;
const NAMES: [&str; 8] = ["José", "Иван", "محمد", "美玲", "สมชาย", "Ada", "Núria", "Öykü"];
/// When the first interaction of a contact is, in milliseconds; the next come a second later each.
const BEGIN: i64 = 1_772_445_600_000;

impl Caller {
    fn unique(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// A word that stands in no other contact, and in no other word.
    fn word(&mut self) -> String {
        let n = self.unique();
        format!("q{}w{n}x", self.number)
    }

    fn email(&mut self) -> String {
        let n = self.unique();
        format!("e{}n{n}z@crash.example", self.number)
    }

    fn phone(&mut self) -> String {
        format!("+6012{:07}", self.number * 1_000_000 + self.unique())
    }

    fn tag(&mut self) -> String {
        if self.tags.len() < TAGS_MAX && self.rng.random_ratio(1, 5) {
            return format!("tag {} of {}", self.unique(), self.number);
        }
        self.tags.choose(&mut self.rng).expect("its own at least").clone()
    }

    fn values(&mut self) -> Json {
        let Some(slug) = self.fields.choose(&mut self.rng).cloned() else { return json!({}) };
        let n = self.unique();
        let value = match slug.rsplit('_').next() {
            _ if self.rng.random_ratio(1, 5) => Json::Null,
            Some("number") => json!(f64::from(n) + 0.5),
            Some("checkbox") => json!(n.is_multiple_of(2)),
            Some("date") => json!(format!("2026-0{}-1{}", n % 9 + 1, n % 10)),
            _ => json!(format!("Straße {n} 通り")),
        };
        json!({ slug: value })
    }

    pub(super) fn draw(&mut self) -> Write {
        let creates = if self.contacts.len() >= CONTACTS_MAX { 20 } else { 34 };
        let ids: Vec<u32> = self.contacts.keys().copied().collect();
        let Some(&id) = ids.choose(&mut self.rng) else { return self.create() };
        match self.rng.random_range(0..100) {
            n if n < creates => self.create(),
            0..40 => Write::Delete(id),
            40..60 => self.update(id),
            60..72 => {
                let tags = (0..self.rng.random_range(1..4)).map(|_| self.tag()).collect();
                Write::AddTags(id, tags)
            }
            72..78 => {
                let own = self.tags[0].clone();
                let tags = (0..2).map(|_| self.tag()).filter(|tag| *tag != own).collect::<Vec<_>>();
                // A name the workspace does not know cannot be removed.
                let known: Vec<String> = tags.into_iter().filter(|tag| self.tags.contains(tag)).collect();
                if known.is_empty() { self.update(id) } else { Write::RemoveTags(id, known) }
            }
            78..80 if self.fields.len() < FIELDS_MAX => {
                let kind = *["text", "number", "checkbox", "date"].choose(&mut self.rng).expect("some");
                let slug = format!("f{}_{}_{kind}", self.number, self.fields.len());
                Write::NewField(json!({"name": slug, "slug": slug, "dataType": kind, "searchable": kind == "text"}))
            }
            80..82 if self.tags.len() < TAGS_MAX => {
                let name = format!("made {} of {}", self.unique(), self.number);
                Write::NewTag(name)
            }
            _ => self.record(id),
        }
    }

    fn create(&mut self) -> Write {
        let first = *NAMES.choose(&mut self.rng).expect("some");
        let mut body = json!({
            "firstName": first, "lastName": self.word(), "email": self.email(), "customFields": self.values(),
            "tags": [self.tags[0].clone(), self.tag()],
        });
        if self.rng.random_bool(0.5) {
            body["phone"] = self.phone().into();
        }
        Write::Create(body)
    }

    fn update(&mut self, id: u32) -> Write {
        let body = match self.rng.random_range(0..8) {
            0 => json!({"firstName": NAMES.choose(&mut self.rng)}),
            1 => json!({"lastName": self.word()}),
            2 => json!({"email": self.email()}),
            3 => json!({"phone": self.phone()}),
            4 => json!({"phone": null, "language": "ms"}),
            5 => json!({"status": "closed"}),
            6 => json!({"tags": [self.tags[0].clone(), self.tag()], "language": null}),
            _ => json!({"customFields": self.values()}),
        };
        Write::Update(id, body)
    }

    fn record(&mut self, id: u32) -> Write {
        let at = BEGIN + 1000 * self.contacts[&id].history.len() as i64;
        let text = format!("Nachricht {} 消息", self.unique());
        Write::Record(
            id,
            match self.rng.random_range(0..3) {
                0 => json!({"kind": "comment", "at": at, "text": text}),
                1 => json!({"kind": "outgoingMessage", "at": at, "text": text, "channel": CHANNEL}),
                _ => json!({"kind": "incomingMessage", "at": at, "text": text, "channel": CHANNEL}),
            },
        )
    }
}
