//! A contact as a caller would send it, drawn at random.

use rand::prelude::*;
use rollcall::contact::{DataType, time};
use serde_json::{Map, Value as Json, json};

use super::World;
use super::values::{self, pick};

impl World {
    /// What a caller sends for a new contact, or for changes to one where `clearing`; `everything` adds what only
    /// imports may set.
    pub fn person(&mut self, everything: bool, clearing: bool) -> Map<String, Json> {
        let mut person = Map::new();
        let mut standard = vec!["firstName", "lastName", "email", "phone", "countryCode", "language", "tags"];
        standard.extend(["assignee", "lifecycle", "status"]);
        if everything {
            standard.extend(["channels", "lastInteractedChannel", "conversationOpenedAt", "lastMessageAt"]);
            standard.extend(["lastIncomingMessageAt", "lastInteractionAt", "createdAt"]);
        }
        for name in standard {
            self.maybe(&mut person, name, clearing);
        }
        let custom: Vec<(String, DataType, Vec<String>)> = self
            .catalog
            .fields
            .values()
            .map(|field| (field.slug.clone(), field.data_type, field.allowed_values.clone()))
            .collect();
        for (slug, data_type, choices) in custom {
            if self.filled(&slug, clearing) {
                let value = self.custom(data_type, &choices);
                person.insert(slug, self.or_null(value, clearing));
            }
        }
        if !clearing && !["firstName", "email", "phone"].iter().any(|name| person.contains_key(*name)) {
            person.insert("firstName".into(), pick(&mut self.rng, &values::FIRST).into());
        }
        person
    }

    fn maybe(&mut self, person: &mut Map<String, Json>, name: &str, clearing: bool) {
        if self.filled(name, clearing) {
            let value = self.standard(name);
            // These are always there: clearing them is no change.
            let kept = matches!(name, "status" | "createdAt" | "firstName");
            let value = if kept { value } else { self.or_null(value, clearing) };
            person.insert(name.to_owned(), value);
        }
    }

    /// Dense, middling or sparse, the same for every contact of the world.
    fn filled(&mut self, name: &str, clearing: bool) -> bool {
        let hash = name.bytes().fold(self.density, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let chance = [0.95, 0.5, 0.08][(hash >> 7) as usize % 3];
        self.rng.random_bool(if clearing { 0.15 } else { chance })
    }

    fn or_null(&mut self, value: Json, clearing: bool) -> Json {
        if clearing && self.rng.random_bool(0.3) { Json::Null } else { value }
    }

    fn standard(&mut self, name: &str) -> Json {
        let now = self.clock.now();
        let catalog = self.catalog.clone();
        let rng = &mut self.rng;
        match name {
            "firstName" => pick(rng, &values::FIRST).into(),
            "lastName" => pick(rng, &values::LAST).into(),
            "email" => values::email(rng).into(),
            "phone" => values::phone(rng).into(),
            "countryCode" => pick(rng, &["MY", "DE", "us", "GB"]).into(),
            "language" => pick(rng, &["ms", "en", "DE"]).into(),
            "status" => pick(rng, &["open", "closed", "snoozed", "blocked"]).into(),
            "tags" => {
                let names = ["vip", "Größe", "買い物", "New", "a;b", "Z"];
                let some = rng.random_range(1..4);
                names.into_iter().sample(rng, some).into()
            }
            "assignee" => catalog.users.keys().map(|id| id.0).choose(rng).into(),
            "lifecycle" => catalog.stages.values().map(|stage| stage.name.clone()).choose(rng).into(),
            "lastInteractedChannel" => catalog.channels.keys().map(|id| id.0).choose(rng).into(),
            "channels" => {
                let some = rng.random_range(1..4);
                let ids = catalog.channels.keys().map(|id| id.0).sample(rng, some);
                let link = |id| json!({"id": id, "connectedAt": time::rfc3339(now), "address": format!("at {id}")});
                ids.into_iter().map(link).collect()
            }
            _ => time::rfc3339(values::instant(rng, now)).into(),
        }
    }

    fn custom(&mut self, data_type: DataType, choices: &[String]) -> Json {
        let now = self.clock.now();
        let rng = &mut self.rng;
        match data_type {
            DataType::Text => values::text(rng).into(),
            DataType::Email => values::email(rng).into(),
            DataType::Url => values::url(rng).into(),
            DataType::List => choices.choose(rng).cloned().into(),
            DataType::Checkbox => rng.random_bool(0.5).into(),
            DataType::Number => values::number(rng).into(),
            DataType::Date => values::date(rng, now).into(),
            DataType::Time => values::time_of_day(rng).into(),
        }
    }
}
