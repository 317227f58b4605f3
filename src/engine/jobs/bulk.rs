//! A bulk edit: what it is to do and to which contacts, and one batch of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::run::{Step, Workshop};
use super::{members, notes, save, stored, undo};
use crate::contact::*;
use crate::engine::act::{Act, Acted, Planned};
use crate::engine::txn::Txn;
use crate::engine::{Error, Query, Result, SegmentRef};
use crate::index::{Row, RowSet};
use crate::store::Records;

/// How long queries may be held up by one batch, in nanoseconds.
const HELD_UP_NANOS: u64 = 1_500_000;
/// Contacts in a batch: at first, at least and at most.
const BATCH: (usize, usize, usize) = (32, 16, 2000);
/// Entries of histories that one batch of a deletion removes, beyond those of its last contact.
const ERASED: usize = 2000;

/// What is to be done, as a job's record keeps it. Sort, page and facets of the query are left out.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// As in [`Act::read`].
    pub action: Map<String, Json>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub search: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub filter: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub segment: Option<SegmentRef>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub timezone: Option<String>,
    /// The tags to add or remove, once it is applied: a tag that is renamed meanwhile stays the same.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tag_ids: Vec<TagId>,
}

impl Spec {
    /// Of a job's record.
    pub fn of(job: &Job) -> Result<Spec> {
        serde_json::from_str(&job.spec).map_err(|_| Error::Io(format!("what job {} is to do cannot be read", job.id)))
    }

    /// The query that finds the contacts.
    pub fn query(&self) -> Query {
        Query {
            search: self.search.clone(),
            filter: self.filter.clone(),
            segment: self.segment.clone(),
            timezone: self.timezone.clone(),
            ..Query::default()
        }
    }

    /// Whether contacts are deleted.
    pub fn deletes(&self) -> bool {
        self.is("delete")
    }

    fn is(&self, action: &str) -> bool {
        self.action.get("action").and_then(Json::as_str) == Some(action)
    }

    /// What is done to each contact; times count from `at`. What it names must still be there: nothing is made for it.
    fn act(&self, catalog: &Catalog, at: Millis, me: Option<UserId>) -> Result<Act> {
        let outdated = |why: String| {
            let message = format!("what it was to do does not fit what the workspace defines any more: {why}");
            Error::State { code: "action_outdated", message, details: None }
        };
        if self.is("removeTags") {
            return Ok(Act::RemoveTags(self.tag_ids.clone()));
        }
        if self.is("addTags") {
            return match self.tag_ids.iter().find(|tag| !catalog.tags.contains_key(tag)) {
                None => Ok(Act::AddTags(self.tag_ids.clone())),
                Some(gone) => Err(outdated(format!("tag {gone} was deleted"))),
            };
        }
        match Act::plan(catalog, at, &self.action, me) {
            Ok(Planned { act, new_tags }) if new_tags.is_empty() => Ok(act),
            Ok(_) => Err(outdated("a tag that it sets was deleted or renamed".into())),
            // The mistake's words may repeat the value.
            Err(error) => Err(outdated(error.code().into())),
        }
    }
}

/// The contacts of a job, from its parts.
pub fn rows(records: &Records, ws: WorkspaceId, job: JobId) -> Result<RowSet> {
    let parts = records.parts(ws, job, PartKind::Ids, 0, usize::MAX)?;
    let bytes: Vec<u8> = parts.into_iter().flat_map(|part| part.bytes).collect();
    RowSet::read(&mut &bytes[..]).ok_or_else(|| Error::Io(format!("the contacts of job {job} cannot be read")))
}

/// Stages data of a job in pieces.
pub fn put_parts(txn: &mut Txn, job: JobId, kind: PartKind, bytes: &[u8]) {
    for (number, piece) in (0..).zip(bytes.chunks(Part::BYTES_MAX)) {
        txn.put_side((job, kind, number), &Part { bytes: piece.to_vec() });
    }
}

/// The contacts of the jobs under way, so that not every batch reads them anew, and how many of them to take at a time.
#[derive(Default)]
pub struct Paces(Mutex<HashMap<(WorkspaceId, JobId), Pace>>);

#[derive(Clone)]
struct Pace {
    rows: Arc<RowSet>,
    size: usize,
}

impl Paces {
    fn of(&self, records: &Records, ws: WorkspaceId, job: JobId) -> Result<Pace> {
        if let Some(pace) = self.0.lock().get(&(ws, job)) {
            return Ok(pace.clone());
        }
        let pace = Pace { rows: Arc::new(rows(records, ws, job)?), size: BATCH.0 };
        self.0.lock().insert((ws, job), pace.clone());
        Ok(pace)
    }

    /// Takes so many at a time that queries wait no longer than they may; up to twice as many as last time.
    fn learn(&self, ws: WorkspaceId, job: JobId, nanos_each: u64) {
        if let Some(pace) = self.0.lock().get_mut(&(ws, job)) {
            let fits = HELD_UP_NANOS / nanos_each.max(1);
            pace.size = (fits as usize).min(2 * pace.size).clamp(BATCH.1, BATCH.2);
        }
    }

    /// Forgets a job that is over.
    pub fn forget(&self, ws: WorkspaceId, job: JobId) {
        self.0.lock().remove(&(ws, job));
    }
}

/// One batch of the job or of its undo.
pub fn step(workshop: &Workshop, ws: WorkspaceId, job: &Job) -> Result<Step> {
    let Pace { rows, size } = workshop.paces.of(&workshop.shared.records, ws, job.id)?;
    let (id, state) = (job.id, job.state);
    let is_over = workshop.committer.write(ws, move |txn| match state {
        JobState::Undoing => undo::batch(txn, id, &rows, size),
        _ => batch(txn, id, &rows, size),
    })?;
    let workspace = workshop.shared.awake(ws)?;
    workshop.paces.learn(ws, id, workspace.put_nanos.load(Ordering::Relaxed));
    Ok(if is_over.value { Step::Over } else { Step::More })
}

/// The next contacts; whether there are no more.
fn batch(txn: &mut Txn, id: JobId, rows: &RowSet, size: usize) -> Result<bool> {
    let mut job = stored(txn, id)?;
    if job.state != JobState::Running {
        return Ok(true);
    }
    let act = Spec::of(&job)?.act(txn.catalog(), job.started_at.unwrap_or(job.created_at), job.user)?;
    let (mut next, mut taken) = (rows.after(last(job.cursor)), 0);
    let (before, mut failed) = (job.counts.failed, Vec::new());
    while taken < size && txn.past_staged() < ERASED {
        let Some(row) = next.next() else { break };
        taken += 1;
        job.cursor = u64::from(row);
        let counts = &mut job.counts;
        counts.done += 1;
        match one(txn, id, &act, ContactId(row)) {
            Ok(Acted::Changed(_)) => counts.changed += 1,
            Ok(Acted::Unchanged(_)) => counts.unchanged += 1,
            Ok(Acted::Deleted(_)) => counts.deleted += 1,
            Err(error) if ends_all(&error) => return Err(error),
            Err(error) => {
                counts.failed += 1;
                failed.push(Note { item: row, words: vec![error.code().to_owned()] });
            }
        }
    }
    notes::add(txn, id, PartKind::Failed, before, &failed);
    let is_over = next.next().is_none();
    if is_over {
        job.state = JobState::Done;
        job.finished_at = Some(txn.now);
    }
    save(txn, &job)?;
    Ok(is_over)
}

fn one(txn: &mut Txn, job: JobId, act: &Act, id: ContactId) -> Result<Acted> {
    let gone = || Error::NotFound { what: "contact", name: id.to_string() };
    let before = txn.contact(id)?.ok_or_else(gone)?;
    let acted = act.apply(txn, before.clone())?;
    if let Acted::Changed(after) = &acted {
        txn.put_side((id, job), &members::changed(&before, after));
    }
    Ok(acted)
}

/// The contact id that a cursor stands at.
pub fn last(cursor: u64) -> Row {
    Row::try_from(cursor).unwrap_or(Row::MAX)
}

/// Whether an error is not one contact's but everyone's.
pub fn ends_all(error: &Error) -> bool {
    matches!(error, Error::Store(_) | Error::Io(_) | Error::Closing)
}
