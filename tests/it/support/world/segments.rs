//! Segments made, changed, renamed and removed at random, nested in one another, and what the engine must say of them.

use rand::prelude::*;
use rollcall::contact::{Catalog, Segment, SegmentId, time};
use rollcall::engine::{Error, NewSegment, SegmentChanges};
use serde_json::{Value as Json, json};

use super::queries::Asked;
use super::values::pick;
use super::{World, ZONES};

/// The most there are at a time: each is one more field's worth of conditions.
const MOST: usize = 12;

impl World {
    /// One segment comes, changes or goes.
    pub fn segment(&mut self) {
        let known = self.catalog.segments.keys().copied().choose(&mut self.rng);
        match (self.rng.random_range(0..6), known) {
            (0..2, _) if self.catalog.segments.len() < MOST => self.new_segment(),
            (0..3, Some(id)) => self.drop_segment(id),
            (3, Some(id)) => self.rename_segment(id),
            (_, Some(id)) => self.change_segment(id),
            (_, None) => self.new_segment(),
        }
        self.refresh();
    }

    /// A segment that a query may use: it names nothing that is gone, and is nested so little that it never is too deep.
    pub fn usable_segment(&mut self) -> Segment {
        let usable = |segment: &&Segment| !self.is_stale(segment.id) && self.nesting(segment.id) <= 2;
        let usable: Vec<Segment> = self.catalog.segments.values().filter(usable).cloned().collect();
        if let Some(segment) = usable.choose(&mut self.rng).cloned() {
            return segment;
        }
        let name = format!("Everybody {}", self.rng.random_range(0..1_000_000));
        let new = NewSegment { name, filter: Json::Null, timezone: None };
        let made = self.engine().create_segment(&self.actor, new).expect("a segment");
        let segment = self.noted(made);
        self.refresh();
        segment
    }

    fn nesting(&self, id: SegmentId) -> usize {
        let filter = serde_json::from_str(&self.catalog.segments[&id].filter).expect("JSON");
        1 + named(&filter, &self.catalog).into_iter().map(|inner| self.nesting(inner)).max().unwrap_or(0)
    }

    fn saved_filter(&mut self) -> (Json, Option<String>) {
        let timezone = self.rng.random_bool(0.5).then(|| pick(&mut self.rng, &ZONES).to_owned());
        let zone = time::zone(timezone.as_deref().unwrap_or(&self.catalog.workspace.timezone)).expect("a zone");
        let mut filter = self.tree(2, &zone, &mut Asked::new());
        if let (true, Some(inner)) =
            (self.rng.random_bool(0.6), self.catalog.segments.values().choose(&mut self.rng).cloned())
        {
            let value = if self.rng.random() { json!(inner.name.to_uppercase()) } else { json!(inner.id.0) };
            let operator = pick(&mut self.rng, &["isMemberOf", "isNotMemberOf"]);
            let nested = json!({"field": "segment", "operator": operator, "value": value});
            filter = json!({"$or": [nested, filter]});
        }
        (filter, timezone)
    }

    fn new_segment(&mut self) {
        let (filter, timezone) = self.saved_filter();
        let name = format!("Segment größe {}", self.rng.random_range(0..1_000_000));
        match self.engine().create_segment(&self.actor, NewSegment { name, filter, timezone }) {
            Ok(made) => drop(self.noted(made)),
            Err(error) => assert_only_limits(&error),
        }
    }

    fn change_segment(&mut self, id: SegmentId) {
        let (filter, timezone) = self.saved_filter();
        let reaches_itself = contains(&filter, id, &self.catalog);
        let changes = SegmentChanges { filter: Some(filter), timezone: Some(timezone), name: None };
        match self.engine().update_segment(&self.actor, id, changes) {
            Ok(changed) => {
                assert!(!reaches_itself, "a cycle was saved");
                self.noted(changed);
            }
            Err(Error::Invalid(mistakes)) if mistakes[0].code == "segment_cycle" => {
                assert!(reaches_itself, "{}", mistakes[0].message);
                assert!(mistakes[0].path.starts_with("filter"), "{}", mistakes[0].path);
                assert!(mistakes[0].message.contains(" → "), "{}", mistakes[0].message);
            }
            Err(error) => assert_only_limits(&error),
        }
    }

    fn rename_segment(&mut self, id: SegmentId) {
        if self.is_stale(id) {
            return;
        }
        let name = Some(format!("Renamed {}", self.rng.random_range(0..1_000_000)));
        let changes = SegmentChanges { name, ..SegmentChanges::default() };
        let before: Vec<bool> = self.membership(id);
        let renamed = self.engine().update_segment(&self.actor, id, changes).expect("a segment is renamed");
        self.noted(renamed);
        self.refresh();
        assert_eq!(before, self.membership(id));
    }

    fn membership(&self, id: SegmentId) -> Vec<bool> {
        let oracle = self.oracle();
        self.contacts.values().map(|contact| oracle.is_member(&self.catalog.segments[&id], contact)).collect()
    }

    fn drop_segment(&mut self, id: SegmentId) {
        let others: Vec<u32> = self
            .catalog
            .segments
            .values()
            .filter(|other| {
                let filter = serde_json::from_str(&other.filter).expect("JSON");
                named(&filter, &self.catalog).contains(&id)
            })
            .map(|other| other.id.0)
            .collect();
        match self.engine().delete_segment(&self.actor, id) {
            Ok(gone) => {
                assert!(others.is_empty(), "segment {id} went while {others:?} use it");
                self.noted(gone);
            }
            Err(Error::State { code: "segment_in_use", details: Some(details), .. }) => {
                let listed = details["segments"].as_array().expect("a list").iter();
                let listed: Vec<u32> = listed.map(|other| other["id"].as_u64().expect("an id") as u32).collect();
                assert_eq!(listed, others);
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// The engine lists every segment with the count that a plain scan comes to, or says why there is none.
    pub fn check_segments(&self, place: &str) {
        let listed = self.engine().segments(&self.actor, None, true, None).expect("segments are listed");
        assert!(listed.version >= self.version, "{place}");
        let ids: Vec<_> = listed.value.iter().map(|one| &one.segment).collect();
        assert_eq!(ids, self.catalog.segments.values().collect::<Vec<_>>(), "{place}");
        for one in listed.value {
            let gone = self.is_stale(one.segment.id);
            match one.count.expect("it was asked for") {
                Ok(count) => {
                    assert!(!gone, "{place}: segment {} names what is gone", one.segment.id);
                    let expected = self.membership(one.segment.id).into_iter().filter(|is| *is).count();
                    assert_eq!(count, expected as u64, "{place}: segment {} {}", one.segment.id, one.segment.filter);
                }
                Err(mistake) => assert!(gone, "{place}: segment {}: {}", one.segment.id, mistake.message),
            }
        }
    }

    /// Whether the segment, or one it names, says a field or stage that there is no more.
    pub fn is_stale(&self, id: SegmentId) -> bool {
        let filter: Json = serde_json::from_str(&self.catalog.segments[&id].filter).expect("JSON");
        let mut stale = false;
        each_condition(&filter, &mut |condition| stale |= self.is_stale_condition(condition));
        stale || named(&filter, &self.catalog).into_iter().any(|inner| self.is_stale(inner))
    }

    fn is_stale_condition(&self, condition: &Json) -> bool {
        let name = condition["field"].as_str().or(condition["category"].as_str()).expect("a field");
        let standard = rollcall::contact::STANDARD
            .iter()
            .find(|row| row.name.eq_ignore_ascii_case(name) || row.aliases.contains(&name) || name == "contactTag");
        if standard.is_none() {
            return !self.catalog.fields.values().any(|field| field.slug.eq_ignore_ascii_case(name));
        }
        if !name.to_lowercase().contains("lifecycle") {
            return false;
        }
        let known = |value: &Json| match value {
            Json::Number(id) => self.catalog.stages.keys().any(|stage| id.as_u64() == Some(stage.0.into())),
            Json::String(name) => name.is_empty() || self.catalog.stage_named(name).is_some(),
            _ => true,
        };
        match &condition["value"] {
            Json::Array(items) => !items.iter().all(known),
            value => !known(value),
        }
    }
}

/// What may refuse a filter that names only what there is: nesting adds up.
fn assert_only_limits(error: &Error) {
    match error {
        Error::Invalid(mistakes) if ["filter_too_deep", "too_many_conditions"].contains(&mistakes[0].code) => {}
        // It names a segment that names what is gone.
        Error::Invalid(mistakes) if mistakes[0].code == "unusable_segment" => {}
        other => panic!("{other}"),
    }
}

fn each_condition(node: &Json, f: &mut impl FnMut(&Json)) {
    match node {
        Json::Object(members) if members.contains_key("operator") => f(node),
        Json::Object(members) => members.values().for_each(|child| each_condition(child, f)),
        Json::Array(nodes) => nodes.iter().for_each(|node| each_condition(node, f)),
        _ => {}
    }
}

fn named(filter: &Json, catalog: &Catalog) -> Vec<SegmentId> {
    let mut found = Vec::new();
    each_condition(filter, &mut |condition| {
        if condition["field"] == "segment" {
            let value = &condition["value"];
            let by_name = value.as_str().and_then(|name| catalog.segment_named(name)).map(|segment| segment.id);
            found.extend(by_name.or_else(|| value.as_u64().map(|id| SegmentId(id as u32))));
        }
    });
    found
}

/// Whether the filter leads to the segment.
fn contains(filter: &Json, id: SegmentId, catalog: &Catalog) -> bool {
    named(filter, catalog).into_iter().any(|inner| {
        let filter = serde_json::from_str(&catalog.segments[&inner].filter).expect("JSON");
        inner == id || contains(&filter, id, catalog)
    })
}
