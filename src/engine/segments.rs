//! Segments: saved filters, made, changed, removed, and counted all at one version.
//!
//! A count is the number of rows found at some version, corrected by whoever changed since. So the read lock is held for one
//! segment's evaluation at a time, as by a search, and at last for fetching those few who changed; what was found is kept for
//! the next time as long as the segment means the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::define::{NAME_CHARS_MAX, named};
use super::select::member;
use super::txn::Txn;
use super::workspace::{State, Workspace};
use super::{Actor, Engine, Error, Result, Written};
use crate::contact::*;
use crate::filter::{self, Context, Filter, saved};
use crate::index::RowSet;
use crate::store::Subject;

/// The longest filter, as JSON text in bytes: well below what the store takes as one value.
const FILTER_BYTES_MAX: usize = 256 << 10;
/// What was found is evaluated anew, rather than corrected, once so many changed since.
const CORRECTED_MAX: usize = 2048;
/// How often what changed while segments were evaluated is awaited to be little.
const ROUNDS: usize = 3;
/// Bytes of row sets kept for the next count of a workspace.
const KEPT_BYTES: usize = 32 << 20;

/// The segments that every workspace begins with, under the ids 1, 2, 3 …
const ORDINARY: [(&str, &str); 4] = [
    ("All", r#"{"$and":[]}"#),
    ("Open", r#"{"field":"status","operator":"isEqualTo","value":"open"}"#),
    ("Unassigned", r#"{"field":"assignee","operator":"doesNotExist"}"#),
    // A filter cannot compare two fields, so it cannot say that the last message is incoming. This says: the contact has
    // written, the conversation is open, and nobody has said anything for three days. Who has an unanswered message of more
    // than three days is among them, and nobody to whom something was sent within that time.
    (
        "No reply for 3 days",
        r#"{"$and":[{"field":"status","operator":"isEqualTo","value":"open"},{"field":"lastIncomingMessageAt","operator":"exists"},{"field":"timeSinceLastMessage","operator":"isGreaterThan","value":{"amount":3,"unit":"days"}}]}"#,
    ),
];

/// The segments of a new workspace.
pub(super) fn ordinary() -> impl Iterator<Item = Segment> {
    (1..).zip(ORDINARY).map(|(id, (name, filter))| Segment {
        id: SegmentId(id),
        name: name.into(),
        filter: filter.into(),
        timezone: None,
    })
}

/// A segment to be made.
#[derive(Clone, Debug)]
pub struct NewSegment {
    pub name: String,
    pub filter: Json,
    /// IANA name; the workspace's where absent.
    pub timezone: Option<String>,
}

/// Changes of a segment; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct SegmentChanges {
    pub name: Option<String>,
    pub filter: Option<Json>,
    pub timezone: Option<Option<String>>,
}

/// A segment with the number of its contacts.
#[derive(Clone, Debug)]
pub struct CountedSegment {
    pub segment: Segment,
    /// `None` where nobody asked. An error says why the filter cannot be used any more: what it names is gone.
    pub count: Option<std::result::Result<u64, Mistake>>,
}

/// What was found of a segment at a version.
pub struct Found {
    filter: Filter,
    version: Seq,
    rows: RowSet,
}

impl Engine {
    /// Makes a segment. `me` in its filter is whoever asks later.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the path in the filter, [`Error::Conflict`] for a taken name, [`Error::Limit`].
    pub fn create_segment(&self, actor: &Actor, new: NewSegment) -> Result<Written<Segment>> {
        let me = actor.user_id();
        self.committer.write_as(actor, move |txn| {
            let (have, max) = (txn.catalog().segments.len(), txn.settings.segments_max);
            if have >= max {
                return Err(Error::Limit { what: "the segments of a workspace", limit: max });
            }
            let name = free_name(txn, &new.name, None)?;
            let mut id = txn.next_item();
            while id as usize <= ORDINARY.len() {
                id = txn.next_item();
            }
            let segment =
                Segment { id: SegmentId(id), name, filter: text(&new.filter)?, timezone: zone(new.timezone)? };
            put(txn, &segment);
            check(txn, &segment, &new.filter, me)?;
            Ok(segment)
        })
    }

    /// Changes a segment. Others that name it follow a new name; they must stay usable with a new filter.
    ///
    /// # Errors
    /// As [`Engine::create_segment`], and [`Error::NotFound`].
    pub fn update_segment(&self, actor: &Actor, id: SegmentId, changes: SegmentChanges) -> Result<Written<Segment>> {
        let me = actor.user_id();
        self.committer.write_as(actor, move |txn| {
            let before = stored(txn, id)?;
            let mut segment = before.clone();
            if let Some(name) = &changes.name {
                segment.name = free_name(txn, name, Some(id))?;
            }
            if let Some(filter) = &changes.filter {
                segment.filter = text(filter)?;
            }
            if let Some(timezone) = changes.timezone {
                segment.timezone = zone(timezone)?;
            }
            if segment == before {
                return Ok(segment);
            }
            let catalog = txn.catalog().clone();
            follow_rename(txn, Field::Segment, Some(before.name), &segment.name);
            put(txn, &segment);
            if let Some(filter) = &changes.filter {
                check(txn, &segment, filter, me)?;
                check_users(txn, &catalog, id, me)?;
            }
            Ok(segment)
        })
    }

    /// Removes a segment.
    ///
    /// # Errors
    /// [`Error::NotFound`]; `segment_in_use`, whose details list the `segments` (`id`, `name`) that name it.
    pub fn delete_segment(&self, actor: &Actor, id: SegmentId) -> Result<Written<()>> {
        self.committer.write_as(actor, move |txn| {
            let segment = stored(txn, id)?;
            let catalog = txn.catalog();
            let users: Vec<&Segment> =
                catalog.segments.values().filter(|other| names(other, catalog).contains(&id)).collect();
            if !users.is_empty() {
                let list = users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>().join(", ");
                let details: Vec<Json> = users.iter().map(|user| json!({"id": user.id.0, "name": user.name})).collect();
                return Err(Error::State {
                    code: "segment_in_use",
                    message: format!("the segment {} is used by {list}: change or delete these first", segment.name),
                    details: Some(Box::new(json!({ "segments": details }))),
                });
            }
            txn.define(Subject::Segment(id), |catalog| {
                catalog.remove_segment(id);
            });
            Ok(())
        })
    }

    /// The workspace's segments by id, all of them or one, with the numbers of their contacts where these are asked for; all
    /// at one version.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the one, [`Error::NotYet`].
    pub fn segments(
        &self,
        actor: &Actor,
        only: Option<SegmentId>,
        counted: bool,
        min_version: Option<Seq>,
    ) -> Result<Written<Vec<CountedSegment>>> {
        let mut round = 0;
        loop {
            let workspace = self.reached(actor.workspace, min_version)?;
            let (catalog, version) = {
                let state = workspace.state.read();
                (state.catalog.clone(), state.head.seq)
            };
            let segments: Vec<&Segment> =
                catalog.segments.values().filter(|segment| only.is_none_or(|only| only == segment.id)).collect();
            if let (Some(only), true) = (only, segments.is_empty()) {
                return Err(absent(only));
            }
            if !counted {
                let value =
                    segments.into_iter().map(|segment| CountedSegment { segment: segment.clone(), count: None });
                return Ok(Written { value: value.collect(), version });
            }
            let (now, me) = (self.shared.clock.now(), actor.user_id());
            let filters: Vec<_> =
                segments.iter().map(|one| member(one.id, &catalog, now, me, &self.shared.settings)).collect();
            let counting = Counting { engine: self, workspace: &workspace, catalog: &catalog };
            if let Some((counts, version)) = counting.counts(&segments, &filters, round)? {
                let value = segments.into_iter().zip(filters.iter().zip(counts)).map(|(segment, (filter, count))| {
                    let count = filter.as_ref().map(|_| count).map_err(Clone::clone);
                    CountedSegment { segment: segment.clone(), count: Some(count) }
                });
                return Ok(Written { value: value.collect(), version });
            }
            round += 1;
        }
    }
}

/// One attempt at counting: given up where the workspace defines something else meanwhile, or changes too fast.
struct Counting<'a> {
    engine: &'a Engine,
    workspace: &'a Arc<Workspace>,
    catalog: &'a Arc<Catalog>,
}

type Filters = [std::result::Result<Filter, Mistake>];

impl Counting<'_> {
    /// The counts, 0 where there is no filter, and their version.
    fn counts(&self, segments: &[&Segment], filters: &Filters, round: usize) -> Result<Option<(Vec<u64>, Seq)>> {
        if round > ROUNDS {
            return Ok(self.at_once(filters));
        }
        let mut found: Vec<Option<Arc<Found>>> = Vec::with_capacity(filters.len());
        for (segment, filter) in segments.iter().zip(filters) {
            let Ok(filter) = filter else {
                found.push(None);
                continue;
            };
            let Some(one) = self.find(segment.id, filter) else { return Ok(None) };
            found.push(Some(one));
        }
        self.keep(segments, &found);
        let oldest = found.iter().flatten().map(|one| one.version).min();
        let Some((changed, version)) = self.changed_since(oldest, round)? else { return Ok(None) };
        let count = |one: &Arc<Found>| {
            let was = changed.keys().filter(|row| one.rows.contains(**row)).count() as u64;
            let is = changed.values().flatten().filter(|contact| filter::matches(&one.filter, contact)).count() as u64;
            one.rows.len() - was + is
        };
        Ok(Some((found.iter().map(|one| one.as_ref().map_or(0, count)).collect(), version)))
    }

    /// Whether the state is still what the filters were read against.
    fn is_current(&self, state: &State) -> bool {
        !self.workspace.is_retired() && Arc::ptr_eq(&state.catalog, self.catalog)
    }

    /// What was found of the segment, lately or now.
    fn find(&self, id: SegmentId, filter: &Filter) -> Option<Arc<Found>> {
        let kept = self.workspace.segments.lock().get(&id).cloned().filter(|kept| kept.filter == *filter);
        let state = self.workspace.state.read();
        if !self.is_current(&state) {
            return None;
        }
        let is_new = |found: &Arc<Found>| {
            state.recent.count_after(found.version).is_some_and(|count| count <= CORRECTED_MAX / 2)
        };
        if let Some(kept) = kept.filter(is_new) {
            return Some(kept);
        }
        let (rows, version) = (filter::rows(filter, state.view()).into_owned(), state.head.seq);
        drop(state);
        Some(Arc::new(Found { filter: filter.clone(), version, rows: rows.compact() }))
    }

    /// Keeps what was found for the next time, as far as there is room.
    fn keep(&self, segments: &[&Segment], found: &[Option<Arc<Found>>]) {
        let mut kept = self.workspace.segments.lock();
        kept.retain(|id, _| self.catalog.segments.contains_key(id));
        kept.extend(segments.iter().zip(found).filter_map(|(segment, one)| Some((segment.id, one.clone()?))));
        let mut bytes = 0;
        kept.retain(|_, one| {
            bytes += one.rows.memory();
            bytes <= KEPT_BYTES
        });
    }

    /// Who changed after the version, as they are now, and the version now.
    #[allow(clippy::type_complexity)]
    fn changed_since(
        &self,
        oldest: Option<Seq>,
        round: usize,
    ) -> Result<Option<(BTreeMap<u32, Option<Arc<Contact>>>, Seq)>> {
        let shared = &self.engine.shared;
        let state = self.workspace.state.read();
        if !self.is_current(&state) {
            return Ok(None);
        }
        let most = if round < ROUNDS { CORRECTED_MAX } else { usize::MAX };
        let oldest = oldest.unwrap_or(state.head.seq);
        if state.recent.count_after(oldest).is_none_or(|count| count > most) {
            return Ok(None);
        }
        let mut changed = BTreeMap::new();
        for row in state.recent.after(oldest).unwrap_or_default().iter() {
            // Of those not alive the store may still have a record.
            let alive = state.index.alive().contains(row);
            let contact = match alive {
                true => self.workspace.contact(&state, &shared.records, &shared.cache, ContactId(row))?,
                false => None,
            };
            changed.insert(row, contact);
        }
        Ok(Some((changed, state.head.seq)))
    }

    /// Everything under one hold of the lock: where writes come faster than segments are evaluated, again and again.
    fn at_once(&self, filters: &Filters) -> Option<(Vec<u64>, Seq)> {
        let state = self.workspace.state.read();
        let count = |filter: &std::result::Result<Filter, Mistake>| {
            filter.as_ref().map_or(0, |filter| filter::rows(filter, state.view()).len())
        };
        self.is_current(&state).then(|| (filters.iter().map(count).collect(), state.head.seq))
    }
}

/// In every saved filter, puts the new name where a condition on the field says the old one.
pub(super) fn follow_rename(txn: &mut Txn, field: Field, old: Option<String>, new: &str) {
    let Some(old) = old.filter(|old| fold::compare(old) != fold::compare(new)) else { return };
    let catalog = txn.catalog().clone();
    for segment in catalog.segments.values() {
        let Ok(mut filter) = serde_json::from_str(&segment.filter) else { continue };
        if saved::rename(&mut filter, field, &catalog, &old, new) {
            put(txn, &Segment { filter: filter.to_string(), ..segment.clone() });
        }
    }
}

fn put(txn: &mut Txn, segment: &Segment) {
    txn.define(Subject::Segment(segment.id), |catalog| catalog.put_segment(segment.clone()));
}

fn stored(txn: &Txn, id: SegmentId) -> Result<Segment> {
    txn.catalog().segments.get(&id).cloned().ok_or_else(|| absent(id))
}

fn absent(id: SegmentId) -> Error {
    Error::NotFound { what: "segment", name: id.to_string() }
}

/// The name, if nobody else has it and it cannot be taken for an id.
fn free_name(txn: &Txn, name: &str, own: Option<SegmentId>) -> Result<String> {
    let name = named(name, "name", NAME_CHARS_MAX)?;
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = "digits alone were found, which would be taken for a segment's id; add a letter";
        return Err(Mistake::new("name", "invalid_name", message).into());
    }
    match txn.catalog().segment_named(&name) {
        Some(holder) if Some(holder.id) != own => {
            Err(Error::Conflict { message: format!("there is already a segment '{name}'"), holder: None })
        }
        _ => Ok(name),
    }
}

fn zone(timezone: Option<String>) -> Result<Option<String>> {
    if let Some(name) = &timezone {
        time::zone(name).map_err(|message| Mistake::new("timezone", "unknown_timezone", message))?;
    }
    Ok(timezone)
}

fn text(filter: &Json) -> Result<String> {
    let text = filter.to_string();
    if text.len() > FILTER_BYTES_MAX {
        let message = format!("{} bytes were found, a saved filter has at most {FILTER_BYTES_MAX}", text.len());
        return Err(Mistake::new("filter", "too_long", message).into());
    }
    Ok(text)
}

/// Refuses a filter that is wrong, given what the operation has staged.
fn check(txn: &Txn, segment: &Segment, filter: &Json, me: Option<UserId>) -> Result<()> {
    let catalog = txn.catalog();
    let zone = segment.timezone.as_ref().unwrap_or(&catalog.workspace.timezone);
    let zone = time::zone(zone).map_err(|message| Mistake::new("timezone", "unknown_timezone", message))?;
    // What `me` is will be known when somebody asks.
    let me = me.or(Some(UserId::default()));
    let context = Context { catalog, zone, now: txn.now, me, limits: txn.settings.limits() };
    filter::read_segment(segment.id, filter, "filter", &context)?;
    Ok(())
}

/// Refuses a change that makes another segment unusable: its limits are those of all it contains.
fn check_users(txn: &Txn, before: &Catalog, id: SegmentId, me: Option<UserId>) -> Result<()> {
    let me = me.or(Some(UserId::default()));
    let (after, settings) = (txn.catalog(), txn.settings);
    for user in users(after, id) {
        let usable = member(user, before, txn.now, me, settings).is_ok();
        if let (true, Err(mistake)) = (usable, member(user, after, txn.now, me, settings)) {
            let name = after.segments.get(&user).map_or("", |segment| &segment.name);
            let message =
                format!("the segment {name}, which uses this one, would not do any more: {}", mistake.message);
            return Err(Mistake::new("filter", mistake.code, message).into());
        }
    }
    Ok(())
}

/// The segments that contain that one, at any depth.
fn users(catalog: &Catalog, id: SegmentId) -> BTreeSet<SegmentId> {
    let named: Vec<(SegmentId, Vec<SegmentId>)> =
        catalog.segments.values().map(|segment| (segment.id, names(segment, catalog))).collect();
    let mut found = BTreeSet::from([id]);
    loop {
        let more: Vec<SegmentId> = named
            .iter()
            .filter(|(user, named)| !found.contains(user) && named.iter().any(|one| found.contains(one)))
            .map(|(user, _)| *user)
            .collect();
        if more.is_empty() {
            found.remove(&id);
            return found;
        }
        found.extend(more);
    }
}

/// The segments that a segment's filter names.
fn names(segment: &Segment, catalog: &Catalog) -> Vec<SegmentId> {
    serde_json::from_str(&segment.filter).map_or_else(|_| Vec::new(), |filter| saved::segments_named(&filter, catalog))
}
