//! Random queries, and what the model answers: filters over its plain members, orders, pages, facets.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand_chacha::ChaCha8Rng;
use rollcall::engine::{Query, Sort};
use serde_json::{Value as Json, json};

use super::live::Live;
use super::person::Person;
use super::values;
use super::world::Model;

/// Asks one query of both.
///
/// # Errors
/// What differs.
pub fn one(live: &Live, model: &Model, rng: &mut ChaCha8Rng) -> Result<(), String> {
    let filter = tree(model, rng, 2, true);
    let mut matches: Vec<&Person> = model.people.values().filter(|person| model.holds(&filter, person)).collect();
    let sorts = if model.field_named("score").is_some() { SORTS } else { &SORTS[..5] };
    let (field, descending) = (*sorts.choose(rng).unwrap_or(&"id"), rng.random());
    matches
        .sort_by(|a, b| stand(sort_key(model, a, field), sort_key(model, b, field), descending).then(a.id.cmp(&b.id)));
    let (offset, limit) = (rng.random_range(0..4) * 2, rng.random_range(1..30));
    let query = Query {
        filter: Some(filter.clone()),
        sort: vec![Sort { field: field.into(), descending, missing_first: false }],
        offset,
        limit: Some(limit),
        facets: FACETS.map(String::from).into(),
        ..Query::default()
    };
    let asked = || format!("filter {filter}, sort {field}, descending {descending}, {limit} from {offset}");
    let page = live.engine().search(&live.actor, &query).map_err(|error| format!("{}: {error}", asked()))?;
    let found: Vec<u32> = page.contacts.iter().map(|contact| contact.id.0).collect();
    let all: Vec<u32> = matches.iter().map(|person| person.id).collect();
    let expected: Vec<u32> = all.iter().copied().skip(offset).take(limit).collect();
    if (page.total as usize, &found) != (all.len(), &expected) {
        return Err(format!("{}: {found:?} of {}, by the model {expected:?} of {}", asked(), page.total, all.len()));
    }
    for (name, there) in FACETS.into_iter().zip(&page.facets) {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let mut without = 0;
        for person in &matches {
            let values = facet(model, person, name);
            without += u64::from(values.is_empty());
            values.into_iter().for_each(|value| *counts.entry(value).or_default() += 1);
        }
        let found: BTreeMap<String, u64> = there.values.iter().map(|one| (one.label.to_string(), one.count)).collect();
        if (&found, there.without) != (&counts, without) {
            return Err(format!("{}: facet {name} {found:?}, by the model {counts:?} and {without}", asked()));
        }
    }
    Ok(())
}

const SORTS: &[&str] = &["id", "createdAt", "updatedAt", "lastMessageAt", "lastInteractionAt", "score"];
const FACETS: [&str; 4] = ["status", "tags", "lifecycle", "countryCode"];

fn stand(a: Option<f64>, b: Option<f64>, descending: bool) -> std::cmp::Ordering {
    match (a, b) {
        (Some(a), Some(b)) if descending => b.total_cmp(&a),
        (Some(a), Some(b)) => a.total_cmp(&b),
        (None, None) => std::cmp::Ordering::Equal,
        // Who has none comes last, either way.
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (Some(_), None) => std::cmp::Ordering::Less,
    }
}

fn sort_key(model: &Model, person: &Person, field: &str) -> Option<f64> {
    let of = |at: Option<i64>| at.map(|at| at as f64);
    match field {
        "id" => Some(f64::from(person.id)),
        "createdAt" => of(Some(person.created_at)),
        "updatedAt" => of(Some(person.updated_at)),
        "lastMessageAt" => of(person.last_message_at),
        "lastInteractionAt" => of(person.last_interaction_at),
        slug => model.custom_of(person, slug)?.as_f64(),
    }
}

fn facet(model: &Model, person: &Person, field: &str) -> Vec<String> {
    match field {
        "status" => vec![person.status().to_owned()],
        "tags" => person.tags.iter().map(|tag| model.tags[tag].name.clone()).collect(),
        "lifecycle" => person.stage.iter().map(|stage| model.stages[stage].name.clone()).collect(),
        _ => person.country.iter().cloned().collect(),
    }
}

/// A random filter, of things that are there.
pub fn tree(model: &Model, rng: &mut ChaCha8Rng, depth: u32, segments: bool) -> Json {
    let draw = rng.random_range(0..8);
    if depth == 0 || draw > 3 {
        let usable = model.segments.iter().filter(|(serial, _)| segments && model.usable(**serial).is_ok());
        let segment = usable.choose(rng).filter(|_| rng.random_ratio(1, 6));
        let Some((_, segment)) = segment else { return leaf(model, rng) };
        let operator = if rng.random() { "isMemberOf" } else { "isNotMemberOf" };
        return json!({"field": "segment", "operator": operator, "value": segment.name});
    }
    let two: Vec<Json> = (0..rng.random_range(1..3)).map(|_| tree(model, rng, depth - 1, segments)).collect();
    match draw {
        0 => json!({ "$and": two }),
        1 => json!({ "$or": two }),
        2 => json!({ "$not": two[0] }),
        _ => json!({ "$and": [] }),
    }
}

fn leaf(model: &Model, rng: &mut ChaCha8Rng) -> Json {
    let condition =
        |field: &str, operator: &str, value: Json| json!({"field": field, "operator": operator, "value": value});
    let pick = |rng: &mut ChaCha8Rng, of: &[&str]| (*of.choose(rng).expect("something")).to_owned();
    let tags: Vec<&str> = model.tags.values().map(|tag| tag.name.as_str()).collect();
    let stages: Vec<&str> = model.stages.values().map(|stage| stage.name.as_str()).collect();
    let there = |rng: &mut ChaCha8Rng, field: &str| {
        condition(field, if rng.random() { "exists" } else { "doesNotExist" }, Json::Null)
    };
    match rng.random_range(0..11) {
        0 | 1 if !tags.is_empty() => {
            let some: Vec<String> = (0..rng.random_range(1..3)).map(|_| pick(rng, &tags)).collect();
            condition("tags", &pick(rng, &["hasAnyOf", "hasAllOf", "hasNoneOf"]), json!(some))
        }
        2 | 3 => {
            let status = pick(rng, &["open", "closed", "snoozed", "blocked"]);
            condition("status", &pick(rng, &["isEqualTo", "isNotEqualTo"]), json!(status))
        }
        4 => {
            let users: Vec<u32> = model.users.keys().copied().collect();
            condition("assignee", &pick(rng, &["isEqualTo", "isNotEqualTo"]), json!(users.choose(rng)))
        }
        5 if !stages.is_empty() => condition("lifecycle", "isEqualTo", json!(pick(rng, &stages))),
        6 => condition("email", &pick(rng, &["isEqualTo", "isNotEqualTo"]), json!(pick(rng, values::EMAILS))),
        7 => {
            let field = pick(rng, &["email", "phone", "assignee", "lifecycle", "tags", "lastMessageAt", "firstName"]);
            there(rng, &field)
        }
        8 if model.field_named("score").is_some() => {
            condition("score", "isGreaterThan", json!(rng.random_range(-1..10)))
        }
        9 if model.field_named("member").is_some() => condition("member", "isEqualTo", json!(rng.random::<bool>())),
        _ => {
            let field = pick(rng, &["lastMessageAt", "createdAt", "updatedAt", "lastInteractionAt"]);
            let at = model.now - rng.random_range(0..100_000_000);
            condition(&field, &pick(rng, &["isTimestampAfter", "isTimestampBefore"]), json!(at))
        }
    }
}

impl Model {
    /// The value of a custom field by slug.
    pub fn custom_of<'a>(&self, person: &'a Person, slug: &str) -> Option<&'a Json> {
        person.custom.get(&self.field_named(slug)?)
    }

    /// Whether the filter matches the contact.
    pub fn holds(&self, filter: &Json, person: &Person) -> bool {
        let nodes = |name: &str| filter[name].as_array();
        if let Some(all) = nodes("$and") {
            return all.iter().all(|node| self.holds(node, person));
        }
        if let Some(any) = nodes("$or") {
            return any.is_empty() || any.iter().any(|node| self.holds(node, person));
        }
        if !filter["$not"].is_null() {
            return !self.holds(&filter["$not"], person);
        }
        let text = |member: &str| filter[member].as_str().unwrap_or_default();
        self.condition(text("field"), text("operator"), &filter["value"], person)
    }

    fn condition(&self, field: &str, operator: &str, value: &Json, person: &Person) -> bool {
        if let Some(positive) = match operator {
            "isNotEqualTo" => Some("isEqualTo"),
            "doesNotExist" => Some("exists"),
            "hasNoneOf" => Some("hasAnyOf"),
            "isNotMemberOf" => Some("isMemberOf"),
            _ => None,
        } {
            return !self.condition(field, positive, value, person);
        }
        let at = match field {
            "lastMessageAt" => person.last_message_at,
            "lastInteractionAt" => person.last_interaction_at,
            "createdAt" => Some(person.created_at),
            _ => Some(person.updated_at),
        };
        let text = || value.as_str().unwrap_or_default();
        match (field, operator) {
            ("segment", _) => {
                let segment = self.segment_named(text()).map(|serial| self.segments[&serial].filter.clone());
                segment.is_some_and(|filter| self.holds(&filter, person))
            }
            ("timeSinceLastMessage", _) => {
                let days = value["amount"].as_i64().unwrap_or_default();
                person.last_message_at.is_some_and(|at| self.now - at > days * 86_400_000)
            }
            ("lastIncomingMessageAt", _) => person.last_incoming_at.is_some(),
            ("tags", "exists") => !person.tags.is_empty(),
            ("tags", operator) => {
                let wanted = value.as_array().into_iter().flatten().filter_map(Json::as_str);
                let mut has = wanted.map(|name| self.tag_named(name).is_some_and(|tag| person.tags.contains(&tag)));
                if operator == "hasAnyOf" { has.any(|has| has) } else { has.all(|has| has) }
            }
            ("status", _) => person.status() == text(),
            ("assignee", "exists") => person.assignee.is_some(),
            ("assignee", _) => person.assignee.map(u64::from) == value.as_u64(),
            ("lifecycle", "exists") => person.stage.is_some(),
            ("lifecycle", _) => person.stage.is_some() && person.stage == self.stage_named(text()),
            ("email", "exists") => person.email.is_some(),
            ("email", _) => person.email.as_ref().is_some_and(|email| email.to_lowercase() == text().to_lowercase()),
            ("phone", _) => person.phone.is_some(),
            ("firstName", _) => person.first_name.is_some(),
            ("score", _) => {
                let score = self.custom_of(person, "score").and_then(Json::as_f64);
                score.is_some_and(|score| value.as_f64().is_some_and(|than| score > than))
            }
            ("member", _) => self.custom_of(person, "member") == Some(value),
            (_, "exists") => at.is_some(),
            (_, "isTimestampAfter") => at.is_some_and(|at| value.as_i64().is_some_and(|than| at > than)),
            _ => at.is_some_and(|at| value.as_i64().is_some_and(|than| at < than)),
        }
    }
}
