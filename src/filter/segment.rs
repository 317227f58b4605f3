//! A saved filter as a condition: resolved in place, with the depth and the conditions it adds, and no cycle.

use std::cell::Cell;

use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::predicate::Predicate;
use super::value::Given;
use super::{Context, Filter, Limits, expr, resolve};
use crate::contact::{Mistake, Segment, SegmentId, time};

/// Where in the tree, segments' trees included, a condition is being read.
pub struct Scope<'a> {
    /// The segments being resolved around it, outermost first.
    pub within: &'a [SegmentId],
    /// Levels of nodes down to the condition, itself included.
    pub level: usize,
    /// Conditions read so far.
    pub conditions: &'a Cell<usize>,
}

/// The predicate of belonging to the segment that is named.
pub fn member(given: &Given) -> Result<Predicate, Mistake> {
    let catalog = given.context.catalog;
    let segment = match given.value {
        Json::String(name) => catalog.segment_named(name),
        Json::Number(_) => None,
        _ => return Err(given.wrong_type("the id or the name of a segment")),
    };
    let segment = segment.or_else(|| catalog.segments.get(&SegmentId(given.whole()?))).ok_or_else(|| {
        let names = catalog.segments.values().map(|segment| segment.name.as_str());
        given.unknown("unknown_segment", "the id or the name of a segment", names)
    })?;
    if let Some(at) = given.scope.within.iter().position(|id| *id == segment.id) {
        let names = given.scope.within[at..].iter().filter_map(|id| catalog.segments.get(id)).chain([segment]);
        let way = names.map(|segment| segment.name.as_str()).collect::<Vec<_>>().join(" → ");
        let message = format!("the segment {} would contain itself: {way}", segment.name);
        return Err(given.mistake("segment_cycle", message));
    }
    resolve_segment(segment, given).map(|filter| Predicate::Member(Box::new(filter)))
}

/// Reads the filter that the segment is to have.
pub fn read(id: SegmentId, json: &Json, path: &str, context: &Context) -> Result<Filter, Mistake> {
    // As a condition it takes one level and one condition more.
    let Limits { depth_max, conditions_max, .. } = context.limits;
    let (depth_max, conditions_max) = (depth_max.saturating_sub(1), conditions_max.saturating_sub(1));
    let limits = Limits { depth_max, conditions_max, ..context.limits };
    let (context, conditions) = (Context { limits, zone: context.zone.clone(), ..*context }, Cell::new(0));
    let scope = Scope { within: &[id], level: 0, conditions: &conditions };
    resolve::node(&expr::parse(json, path, &limits)?, path, &context, &scope)
}

fn resolve_segment(segment: &Segment, given: &Given) -> Result<Filter, Mistake> {
    let unusable =
        |why: String| given.mistake("unusable_segment", format!("the segment {} cannot be used: {why}", segment.name));
    let json: Json = serde_json::from_str(&segment.filter).map_err(|_| unusable("its filter is not JSON".into()))?;
    let context = Context { zone: zone_of(segment, given.context).map_err(unusable)?, ..*given.context };
    let within: Vec<SegmentId> = given.scope.within.iter().copied().chain([segment.id]).collect();
    let scope = Scope { within: &within, level: given.scope.level, conditions: given.scope.conditions };
    let path = format!("{}.segment:{}", given.condition, segment.id);
    expr::parse(&json, &path, &context.limits).and_then(|expr| resolve::node(&expr, &path, &context, &scope)).map_err(
        // A saved filter can go stale, and then its own mistake is not one of this request's members.
        |mistake| match mistake.code {
            "segment_cycle" | "filter_too_deep" | "too_many_conditions" | "unusable_segment" => {
                given.mistake(mistake.code, mistake.message)
            }
            _ => unusable(mistake.to_string()),
        },
    )
}

/// The zone of the segment's calendar times: its own, else the workspace's, whoever asks.
fn zone_of(segment: &Segment, context: &Context) -> Result<TimeZone, String> {
    match &segment.timezone {
        Some(name) => time::zone(name),
        None => time::zone(&context.catalog.workspace.timezone),
    }
}
