//! Saved filters: rules, draw, the engine's step, and their live counts.

use rand::RngExt;
use rand::seq::IndexedRandom;
use rollcall::contact::SegmentId;
use rollcall::engine::{Actor, NewSegment, SegmentChanges};
use serde_json::{Value as Json, json};

use super::action::{Action, Refusal, Told};
use super::ask;
use super::draw::Draw;
use super::live::{self, Answer, Live};
use super::values;
use super::world::{Done, Model};

/// Those that every workspace begins with.
const ORDINARY: [&str; 4] = ["All", "Open", "Unassigned", "No reply for 3 days"];
pub const NAMES: &[&str] = &["Hot", "hot", "Mine", "Größe", "Quiet", "Late"];

/// A saved filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub name: String,
    pub filter: Json,
}

impl Model {
    pub(super) fn ordinary_segments(&mut self) {
        let condition =
            |field: &str, operator: &str, value: Json| json!({"field": field, "operator": operator, "value": value});
        let open = condition("status", "isEqualTo", json!("open"));
        let quiet = json!({"$and": [
            open,
            condition("lastIncomingMessageAt", "exists", Json::Null),
            condition("timeSinceLastMessage", "isGreaterThan", json!({"amount": 3, "unit": "days"})),
        ]});
        let unassigned = condition("assignee", "doesNotExist", Json::Null);
        for (name, filter) in ORDINARY.into_iter().zip([json!({"$and": []}), open, unassigned, quiet]) {
            let serial = self.next_serial();
            self.segments.insert(serial, Segment { name: name.into(), filter });
        }
    }

    pub(super) fn segment(&mut self, action: &Action) -> Done {
        match action {
            Action::AddSegment(name, filter) => {
                let name = self.free_segment(name, None)?;
                let serial = self.next_serial();
                self.segments.insert(serial, Segment { name, filter: filter.clone() });
                self.usable(serial)?;
            }
            Action::ChangeSegment(name, new_name, filter) => {
                let serial = self.segment_named(name).ok_or(Refusal::NotFound)?;
                let mut segment = self.segments[&serial].clone();
                if let Some(new) = new_name {
                    let new = self.free_segment(new, Some(serial))?;
                    self.follow("segment", &segment.name, &new);
                    segment.filter = self.segments[&serial].filter.clone();
                    segment.name = new;
                }
                if let Some(filter) = filter {
                    segment.filter = filter.clone();
                }
                self.segments.insert(serial, segment);
                if filter.is_some() {
                    self.usable(serial)?;
                }
            }
            Action::DropSegment(name) => {
                let serial = self.segment_named(name).ok_or(Refusal::NotFound)?;
                if self.segments.values().any(|other| self.names(&other.filter).contains(&serial)) {
                    return Err(Refusal::State("segment_in_use".into()));
                }
                self.segments.remove(&serial);
            }
            other => unreachable!("{} saves no filter", other.kind()),
        }
        Ok(Told::Nothing)
    }

    pub fn segment_named(&self, name: &str) -> Option<u64> {
        let folded = values::fold(name);
        self.segments.iter().find(|(_, segment)| values::fold(&segment.name) == folded).map(|(serial, _)| *serial)
    }

    fn free_segment(&self, name: &str, own: Option<u64>) -> Done<String> {
        let name = values::text(&json!(name), 255)?.ok_or(Refusal::Invalid)?;
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::Invalid);
        }
        match self.segment_named(&name) {
            Some(holder) if Some(holder) != own => Err(Refusal::Conflict(Vec::new())),
            _ => Ok(name),
        }
    }

    /// The segments that a filter names.
    fn names(&self, filter: &Json) -> Vec<u64> {
        let mut found = Vec::new();
        conditions(filter, &mut |field, value| {
            if field == "segment" {
                found.extend(value.as_str().and_then(|name| self.segment_named(name)));
            }
        });
        found
    }

    /// Whether the segment can be used: what it names is there, and it is not within itself.
    pub fn usable(&self, serial: u64) -> Done<()> {
        self.usable_within(&self.segments[&serial].filter, &mut vec![serial])
    }

    /// Whether the filter can be used in a query.
    pub fn usable_filter(&self, filter: &Json) -> bool {
        self.usable_within(filter, &mut Vec::new()).is_ok()
    }

    fn usable_within(&self, filter: &Json, within: &mut Vec<u64>) -> Done<()> {
        let mut good = true;
        let mut inner = Vec::new();
        conditions(filter, &mut |field, value| match (field, value.as_str()) {
            ("lifecycle", Some(name)) => good &= self.stage_named(name).is_some(),
            ("score" | "member", _) => good &= self.field_named(field).is_some(),
            ("segment", Some(name)) => match self.segment_named(name) {
                Some(serial) => inner.push(serial),
                None => good = false,
            },
            _ => {}
        });
        for serial in inner {
            if within.contains(&serial) {
                return Err(Refusal::Invalid);
            }
            within.push(serial);
            self.usable_within(&self.segments[&serial].filter, within)?;
            within.pop();
        }
        if good { Ok(()) } else { Err(Refusal::Invalid) }
    }

    /// Saved filters follow what is renamed.
    pub(super) fn follow(&mut self, field: &str, old: &str, new: &str) {
        let old = values::fold(old);
        if old == values::fold(new) {
            return;
        }
        let change = |text: &mut Json| {
            if text.as_str().is_some_and(|text| values::fold(text) == old) {
                *text = json!(new);
            }
        };
        for segment in self.segments.values_mut() {
            each(&mut segment.filter, &mut |of, value| match value {
                Json::Array(items) if of == field => items.iter_mut().for_each(change),
                value if of == field => change(value),
                _ => {}
            });
        }
    }
}

/// Every condition's field and value.
fn conditions(filter: &Json, f: &mut impl FnMut(&str, &Json)) {
    each(&mut filter.clone(), &mut |field, value| f(field, value));
}

fn each(filter: &mut Json, f: &mut impl FnMut(&str, &mut Json)) {
    let Some(members) = filter.as_object_mut() else { return };
    if let Some(field) = members.get("field").and_then(Json::as_str).map(str::to_owned) {
        members.get_mut("value").into_iter().for_each(|value| f(&field, value));
        return;
    }
    for child in members.values_mut() {
        match child {
            Json::Array(nodes) => nodes.iter_mut().for_each(|node| each(node, f)),
            node => each(node, f),
        }
    }
}

/// Each segment's live count.
///
/// # Errors
/// What differs.
pub fn counts(live: &Live, model: &Model) -> Result<(), String> {
    let there = live.engine().segments(&live.actor, None, true, None).map_err(|error| error.to_string())?.value;
    if there.len() != model.segments.len() {
        return Err(format!("{} segments, by the model {}", there.len(), model.segments.len()));
    }
    for counted in there {
        let name = &counted.segment.name;
        let serial = model.segment_named(name).ok_or_else(|| format!("the model has no segment {name}"))?;
        let segment = &model.segments[&serial];
        let expected = model
            .usable(serial)
            .ok()
            .map(|()| model.people.values().filter(|person| model.holds(&segment.filter, person)).count() as u64);
        let count = counted.count.and_then(Result::ok);
        if *name != segment.name || count != expected {
            let filter = &segment.filter;
            return Err(format!(
                "segment {name} has {count:?}, by the model {} has {expected:?}: {filter}",
                segment.name
            ));
        }
    }
    Ok(())
}

impl Live {
    pub(super) fn segment(&mut self, actor: &Actor, action: &Action) -> Answer {
        let (engine, catalog) = (self.engine().clone(), self.engine().catalog(self.ws()).map_err(live::refusal)?);
        let id = |name: &str| catalog.segment_named(name).map_or(SegmentId(live::NOBODY), |segment| segment.id);
        match action {
            Action::AddSegment(name, filter) => {
                let new = NewSegment { name: name.clone(), filter: filter.clone(), timezone: None };
                self.noted(engine.create_segment(actor, new)).map(drop)?;
            }
            Action::ChangeSegment(name, new, filter) => {
                let changes = SegmentChanges { name: new.clone(), filter: filter.clone(), timezone: None };
                self.noted(engine.update_segment(actor, id(name), changes)).map(drop)?;
            }
            Action::DropSegment(name) => self.noted(engine.delete_segment(actor, id(name))).map(drop)?,
            other => unreachable!("{} saves no filter", other.kind()),
        }
        Ok((Told::Nothing, None))
    }
}

impl Draw<'_> {
    fn known_segment(&mut self) -> String {
        let names: Vec<String> = self.model.segments.values().map(|segment| segment.name.clone()).collect();
        if names.is_empty() || self.spoil { self.pick(NAMES).to_owned() } else { self.pick(&names) }
    }

    /// Mostly a tag that somebody has and a segment names.
    pub(super) fn tag_to_rename(&mut self) -> String {
        let mut named: Vec<String> = Vec::new();
        for segment in self.model.segments.values() {
            conditions(&segment.filter, &mut |field, value| {
                let names = value.as_array().filter(|_| field == "tags").into_iter().flatten();
                named.extend(names.filter_map(Json::as_str).map(str::to_owned));
            });
        }
        let is_had = |name: &&String| {
            let tag = self.model.tag_named(name);
            tag.is_some_and(|tag| self.model.people.values().any(|person| person.tags.contains(&tag)))
        };
        let had: Vec<String> = named.iter().filter(is_had).cloned().collect();
        if had.is_empty() || self.spoil || self.rng.random_ratio(1, 4) { self.tag() } else { self.pick(&had) }
    }

    fn saved(&mut self) -> Json {
        let tags: Vec<&str> = self.model.tags.values().map(|tag| tag.name.as_str()).collect();
        let tree = match tags.choose(self.rng) {
            Some(tag) if self.rng.random_ratio(1, 3) => {
                let operator = self.pick(&["hasAnyOf", "hasAllOf", "hasNoneOf"]);
                json!({"field": "tags", "operator": operator, "value": [tag]})
            }
            _ => ask::tree(self.model, self.rng, 1, false),
        };
        // One level of segments within segments, lest the limits of a filter come into it.
        let within = self.pick(&ORDINARY).to_owned();
        match self.model.segment_named(&within).is_some() && self.rng.random_ratio(1, 3) {
            true => json!({"$and": [tree, {"field": "segment", "operator": "isMemberOf", "value": within}]}),
            false => tree,
        }
    }

    pub(super) fn segment(&mut self, kind: &str) -> Action {
        match kind {
            "addSegment" => {
                let name = self.pick(NAMES).to_owned();
                match self.spoil {
                    true => self.pick(&[
                        Action::AddSegment("17".into(), json!({"$and": []})),
                        Action::AddSegment(
                            name.clone(),
                            json!({"field": "lifecycle", "operator": "isEqualTo", "value": "nowhere"}),
                        ),
                        Action::AddSegment(
                            name.clone(),
                            json!({"field": "segment", "operator": "isMemberOf", "value": name}),
                        ),
                    ]),
                    false => Action::AddSegment(name, self.saved()),
                }
            }
            "changeSegment" => {
                let name = self.known_segment();
                let new = self.rng.random::<bool>().then(|| self.pick(NAMES).to_owned());
                let filter = if ORDINARY.contains(&name.as_str()) {
                    ask::tree(self.model, self.rng, 1, false)
                } else {
                    self.saved()
                };
                let keep = new.is_some() && self.rng.random();
                Action::ChangeSegment(name, new, (!keep).then_some(filter))
            }
            _ => Action::DropSegment(self.known_segment()),
        }
    }
}
