//! The receipt of a bulk edit: exactly which contacts it is about and what would become of them. Making one changes no
//! contact and makes no tag.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use super::bulk::{self, Spec};
use super::{not_now, outlook, refuse_receipts, save};
use crate::contact::*;
use crate::engine::act::{Act, Planned};
use crate::engine::select::{self, facets};
use crate::engine::workspace::State;
use crate::engine::{Actor, Engine, Error, FacetCounts, Query, Result, Written};
use crate::index::{Among, Index, Row, RowSet};

/// Contacts shown of those that a receipt is about.
const SAMPLE: usize = 10;
/// The longest form of action and query, in bytes: it is rewritten with every batch.
const SPEC_BYTES_MAX: usize = 256 << 10;
/// How often it is begun again while contacts that have to be read change.
const TRIES: usize = 10;
/// Contacts read while queries and the committer's next batch wait.
const READ_AT_ONCE: usize = 64;

/// A bulk edit that can be applied, as its caller sees it.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub job: JobId,
    /// How many contacts the query finds, exactly.
    pub count: u64,
    /// SHA-256, in lower-case hexadecimal digits, of the ids in ascending order, each as four bytes, big-endian.
    pub ids_hash: String,
    /// The first of these contacts by id, as they are now.
    pub sample: Vec<Arc<Contact>>,
    /// The counts of the fields that the edit touches, among these contacts, before and after it.
    pub facets_before: Vec<FacetOutlook>,
    pub facets_after: Vec<FacetOutlook>,
    /// The version at which the contacts were found.
    pub version: Seq,
    /// Until when it can be applied.
    pub expires_at: Millis,
    /// To render the sample with.
    pub catalog: Arc<Catalog>,
}

/// The counts of one field, as in [`FacetCounts`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FacetOutlook {
    /// Its name on the wire.
    pub field: String,
    /// Value, label, count.
    pub values: Vec<(Json, String, u64)>,
    pub without: u64,
}

/// What is kept of a receipt beside the job's record.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    pub ids_hash: String,
    sample: Vec<ContactId>,
    facets_before: Vec<FacetOutlook>,
    facets_after: Vec<FacetOutlook>,
    version: Seq,
}

/// What a query finds at one moment, and what an edit would make of it.
struct Drawn {
    rows: RowSet,
    version: Seq,
    before: Vec<FacetCounts>,
    after: Vec<FacetCounts>,
    catalog: Arc<Catalog>,
    /// Those of which more must be known than the index does.
    blocked: RowSet,
}

impl Engine {
    /// Finds the contacts of a query and prepares to do `action` to each of them. The query's sort, page and facets count
    /// for nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every mistake of the action, or of the query; [`Error::Limit`].
    pub fn prepare_job(&self, actor: &Actor, query: &Query, action: &Map<String, Json>) -> Result<Receipt> {
        let (ws, me) = (actor.workspace, actor.user_id());
        let query = Query { sort: Vec::new(), offset: 0, limit: None, facets: Vec::new(), ..query.clone() };
        let spec = Spec {
            action: action.clone(),
            search: query.search.clone(),
            filter: query.filter.clone(),
            segment: query.segment.clone(),
            timezone: query.timezone.clone(),
            tag_ids: Vec::new(),
        };
        let spec = serde_json::to_string(&spec).map_err(|error| Error::Io(error.to_string()))?;
        if spec.len() > SPEC_BYTES_MAX {
            let message = format!("action and query take {} bytes, at most {SPEC_BYTES_MAX} will do", spec.len());
            return Err(Mistake::new("filter", "too_long", message).into());
        }
        let drawn = self.draw(actor, &query, action)?;
        let kept = drawn.kept();
        let kept = serde_json::to_vec(&kept).map_err(|error| Error::Io(error.to_string()))?;
        let mut ids = Vec::new();
        drawn.rows.write(&mut ids);
        let count = drawn.rows.len();
        let written = self.committer.write_as(actor, move |txn| {
            refuse_receipts(txn)?;
            let id = JobId(txn.next_item());
            let mut job = Job::new(id, JobKind::Bulk, JobState::Prepared, me, txn.now);
            (job.spec, job.counts.total) = (spec, count);
            bulk::put_parts(txn, id, PartKind::Ids, &ids);
            bulk::put_parts(txn, id, PartKind::Receipt, &kept);
            save(txn, &job)?;
            Ok(id)
        })?;
        self.receipt(ws, written.value)
    }

    /// The receipt of a bulk edit, as it was made.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn receipt(&self, ws: WorkspaceId, id: JobId) -> Result<Receipt> {
        let Written { value: job, .. } = self.job(ws, id)?;
        let kept = kept(&self.shared.records, ws, id)?;
        let (sample, catalog) = self.sampled(ws, &kept.sample)?;
        Ok(Receipt {
            job: id,
            count: job.counts.total,
            ids_hash: kept.ids_hash,
            sample,
            facets_before: kept.facets_before,
            facets_after: kept.facets_after,
            version: kept.version,
            expires_at: job.created_at + self.shared.settings.receipt_kept_s as i64 * 1000,
            catalog,
        })
    }

    /// Those of the contacts that are still there, as they are now.
    fn sampled(&self, ws: WorkspaceId, ids: &[ContactId]) -> Result<(Vec<Arc<Contact>>, Arc<Catalog>)> {
        loop {
            let workspace = self.reached(ws, None)?;
            let state = workspace.state.read();
            if !workspace.is_retired() {
                let one = |id: &ContactId| workspace.contact(&state, &self.shared.records, &self.shared.cache, *id);
                let sample = ids.iter().filter_map(|id| one(id).transpose()).collect::<Result<_>>()?;
                return Ok((sample, state.catalog.clone()));
            }
        }
    }

    fn draw(&self, actor: &Actor, query: &Query, action: &Map<String, Json>) -> Result<Drawn> {
        for _ in 0..TRIES {
            let workspace = self.reached(actor.workspace, query.min_version)?;
            let mut drawn = {
                let state = workspace.state.read();
                if workspace.is_retired() {
                    continue;
                }
                self.drawn(&state, actor, query, action)?
            };
            if drawn.blocked.is_empty() {
                return Ok(drawn);
            }
            if let Some(statuses) = self.conversations(actor.workspace, &drawn.blocked, drawn.version)? {
                drawn.after.iter_mut().for_each(|facet| outlook::unblocked(facet, &statuses));
                return Ok(drawn);
            }
        }
        Err(not_now("busy", "the contacts it is about keep changing while they are read; try again".into()))
    }

    fn drawn(&self, state: &State, actor: &Actor, query: &Query, action: &Map<String, Json>) -> Result<Drawn> {
        let (now, me, settings) = (self.shared.clock.now(), actor.user_id(), &self.shared.settings);
        let (view, limit) = (state.view(), settings.tags_max);
        let planned: Planned = Act::plan(&state.catalog, now, action, me).map_err(in_action)?;
        if state.catalog.tags.len() + planned.new_tags.len() > limit {
            return Err(Error::Limit { what: "the tags of a workspace", limit });
        }
        let rows = select::matching(query, view, now, me, settings)?;
        let fields = outlook::fields(&planned.act, &state.catalog);
        let blocked = match &planned.act {
            Act::Unblock => blocked(&state.index, &rows),
            _ => RowSet::new(),
        };
        let among = Among::new(&rows, state.index.alive());
        Ok(Drawn {
            version: state.head.seq,
            before: facets::count(view, &fields, &among),
            after: fields.iter().map(|field| outlook::after(&planned, view, *field, &among)).collect(),
            catalog: state.catalog.clone(),
            rows,
            blocked,
        })
    }

    /// What blocked contacts would show as their status unblocked; `None` where one of them has changed since the version.
    fn conversations(&self, ws: WorkspaceId, rows: &RowSet, version: Seq) -> Result<Option<Vec<Status>>> {
        let (mut statuses, mut after) = (Vec::new(), 0);
        loop {
            let next: Vec<Row> = rows.after(after).take(READ_AT_ONCE).collect();
            let Some(&last) = next.last() else { return Ok(Some(statuses)) };
            after = last;
            let workspace = self.reached(ws, None)?;
            let state = workspace.state.read();
            if workspace.is_retired() {
                return Ok(None);
            }
            for row in next {
                let id = ContactId(row);
                match workspace.contact(&state, &self.shared.records, &self.shared.cache, id)? {
                    Some(contact) if contact.version <= version => {
                        statuses.push(Contact { blocked: false, ..(*contact).clone() }.status());
                    }
                    _ => return Ok(None),
                }
            }
        }
    }
}

impl Drawn {
    fn kept(&self) -> Kept {
        let told = |facets: &[FacetCounts]| {
            let one = |facet: &FacetCounts| FacetOutlook {
                field: facet.field.name(&self.catalog).to_owned(),
                values: facet.values.iter().map(|one| (one.json(), one.label.to_string(), one.count)).collect(),
                without: facet.without,
            };
            facets.iter().map(one).collect()
        };
        Kept {
            ids_hash: ids_hash(&self.rows),
            sample: self.rows.iter().take(SAMPLE).map(ContactId).collect(),
            facets_before: told(&self.before),
            facets_after: told(&self.after),
            version: self.version,
        }
    }
}

fn blocked(index: &Index, rows: &RowSet) -> RowSet {
    index.facet(Field::Status).map(|facet| facet.rows(Status::Blocked as u32).and(rows)).unwrap_or_default()
}

/// What is kept of a job's receipt.
///
/// # Errors
/// None but for a defect: the parts' checksums were found right.
pub fn kept(records: &crate::store::Records, ws: WorkspaceId, id: JobId) -> Result<Kept> {
    let parts = records.parts(ws, id, PartKind::Receipt, 0, usize::MAX)?;
    let bytes: Vec<u8> = parts.into_iter().flat_map(|part| part.bytes).collect();
    serde_json::from_slice(&bytes).map_err(|_| Error::Io(format!("the receipt of job {id} cannot be read")))
}

/// Mistakes in the action, with their place in the request.
pub fn in_action(error: Error) -> Error {
    let within = |mistake: Mistake| Mistake { path: format!("action.{}", mistake.path), ..mistake };
    match error {
        Error::Invalid(mistakes) => Error::Invalid(mistakes.into_iter().map(within).collect()),
        other => other,
    }
}

/// See [`Receipt::ids_hash`].
fn ids_hash(rows: &RowSet) -> String {
    let mut hasher = Sha256::new();
    rows.for_each(|row| hasher.update(row.to_be_bytes()));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
