//! Applying a receipt: only if the query still finds exactly the contacts that it was made of.

use serde_json::{Value as Json, json};

use super::bulk::{self, Spec};
use super::{in_state, not_now, receipt, refuse_crowd, save, stored};
use crate::contact::*;
use crate::engine::act::Act;
use crate::engine::txn::Txn;
use crate::engine::{Actor, Engine, Error, Result, Written};
use crate::index::RowSet;

/// Ids told of contacts that came or went.
const TOLD: usize = 100;
/// How often it is asked again while what the workspace defines changes.
const TRIES: usize = 50;

/// What the caller repeats of the receipt.
#[derive(Clone, Debug, Default)]
pub struct Confirmation {
    /// How many contacts; a deletion must say it.
    pub count: Option<u64>,
    pub ids_hash: Option<String>,
}

impl Engine {
    /// Puts a prepared bulk edit in line. The query is evaluated anew in the very batch that does so, its relative times
    /// counted from then, `me` being who made the receipt: if time or a write has brought a contact in or out, it is refused.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] where a deletion does not repeat the count, or the action does not fit any
    /// more; [`Error::Limit`]; `job_state` where it was applied or cancelled, `receipt_expired`, `not_the_receipt` where what
    /// is repeated is not the receipt's, `set_changed` with `{countThen, countNow, added: {count, ids}, removed: {count, ids}}`.
    pub fn apply_job(&self, actor: &Actor, id: JobId, confirmed: &Confirmation) -> Result<Written<JobId>> {
        for _ in 0..TRIES {
            let confirmed = confirmed.clone();
            match self.committer.write_as(actor, move |txn| apply(txn, id, &confirmed)) {
                Err(Error::State { code: "busy", .. }) => {}
                Err(error) => return Err(error),
                Ok(written) => {
                    self.jobs.push(actor.workspace, id);
                    return Ok(written);
                }
            }
        }
        Err(busy())
    }
}

fn busy() -> Error {
    not_now("busy", "what the workspace defines keeps changing; try again".into())
}

fn apply(txn: &mut Txn, id: JobId, confirmed: &Confirmation) -> Result<JobId> {
    let mut job = stored(txn, id)?;
    if job.kind != JobKind::Bulk || job.state != JobState::Prepared {
        return Err(in_state("job_state", &job, "only a receipt that was not applied yet can be"));
    }
    let kept_ms = txn.settings.receipt_kept_s as i64 * 1000;
    if job.created_at + kept_ms <= txn.now {
        return Err(not_now("receipt_expired", format!("the receipt of job {id} is too old; make a new one")));
    }
    let mut spec = Spec::of(&job)?;
    let planned = Act::plan(txn.catalog(), txn.now, &spec.action, job.user).map_err(receipt::in_action)?;
    confirm(txn, &job, planned.act.deletes(), confirmed)?;
    refuse_crowd(txn)?;
    let then = bulk::rows(txn.records(), txn.workspace(), id)?;
    let now = txn.matching(&spec.query(), job.user)?.ok_or_else(busy)?;
    if then != now {
        return Err(changed(id, &then, &now));
    }
    // Only now are the tags made that it needs: the query was asked of the workspace as it is.
    if let Act::AddTags(tags) | Act::RemoveTags(tags) = Act::read(txn, &spec.action, job.user)? {
        spec.tag_ids = tags;
    }
    job.spec = serde_json::to_string(&spec).map_err(|error| Error::Io(error.to_string()))?;
    job.state = JobState::Running;
    job.started_at = Some(txn.now);
    save(txn, &job)?;
    Ok(id)
}

fn confirm(txn: &Txn, job: &Job, deletes: bool, confirmed: &Confirmation) -> Result<()> {
    let total = job.counts.total;
    match confirmed.count {
        None if deletes => {
            let message = "a deletion cannot be undone: repeat the number of contacts";
            return Err(Mistake::new("count", "missing_member", message).into());
        }
        Some(count) if count != total => {
            let message = format!("the receipt of job {} is about {total} contacts, not {count}", job.id);
            return Err(not_now("not_the_receipt", message));
        }
        _ => {}
    }
    let Some(hash) = &confirmed.ids_hash else { return Ok(()) };
    match receipt::kept(txn.records(), txn.workspace(), job.id)?.ids_hash.eq_ignore_ascii_case(hash) {
        true => Ok(()),
        false => Err(not_now("not_the_receipt", format!("the receipt of job {} has another idsHash", job.id))),
    }
}

fn changed(id: JobId, then: &RowSet, now: &RowSet) -> Error {
    let told =
        |rows: RowSet| -> Json { json!({"count": rows.len(), "ids": rows.iter().take(TOLD).collect::<Vec<_>>()}) };
    let (added, removed) = (now.minus(then), then.minus(now));
    let message = format!(
        "the query of job {id} found {} contacts and finds {} now, {} of them new, {} not any more: look at them and make a new receipt",
        then.len(),
        now.len(),
        added.len(),
        removed.len()
    );
    let details = json!({
        "countThen": then.len(),
        "countNow": now.len(),
        "added": told(added),
        "removed": told(removed),
    });
    Error::State { code: "set_changed", message, details: Some(Box::new(details)) }
}
