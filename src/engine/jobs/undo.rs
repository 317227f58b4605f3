//! Undoing a bulk edit: a background run of its own, which puts back on each contact what nobody has changed since.

use std::sync::Arc;

use super::bulk::{self, ends_all, last};
use super::members::{self, PutBack};
use super::{in_state, notes, refuse_crowd, save, stored};
use crate::contact::*;
use crate::engine::txn::Txn;
use crate::engine::{Actor, Engine, Error, Result, Written};
use crate::index::{Row, RowSet};

/// In place of the last contact, where nothing that undoes the job is left: above every id.
const ALL_GONE: u64 = u64::MAX;

impl Engine {
    /// Begins to undo a bulk edit that is over, however it ended.
    ///
    /// # Errors
    /// [`Error::NotFound`]; `cannot_undo` where contacts were deleted, `job_state` where it is not over or undone already.
    pub fn undo_job(&self, actor: &Actor, id: JobId) -> Result<Written<JobId>> {
        let written = self.committer.write_as(actor, move |txn| {
            let mut job = stored(txn, id)?;
            if job.kind != JobKind::Bulk || Engine::job_deletes(&job) {
                return Err(in_state("cannot_undo", &job, "only an edit of contacts can be undone, not a deletion"));
            }
            if !matches!(job.state, JobState::Done | JobState::Cancelled | JobState::Failed) {
                return Err(in_state("job_state", &job, "an edit is undone once, when it is over"));
            }
            refuse_crowd(txn)?;
            job.state = JobState::Undoing;
            job.finished_at = None;
            job.error = None;
            job.undo.total = job.counts.changed;
            save(txn, &job)?;
            Ok(id)
        })?;
        self.jobs.push(actor.workspace, id);
        Ok(written)
    }
}

/// Undoes the next contacts; whether there are no more.
pub fn batch(txn: &mut Txn, id: JobId, rows: &RowSet, size: usize) -> Result<bool> {
    let mut job = stored(txn, id)?;
    if job.state != JobState::Undoing {
        return Ok(true);
    }
    let (from, to) = (last(job.undo_cursor.unwrap_or(0)), last(job.cursor));
    let next: Vec<Row> = rows.after(from).take_while(|row| *row <= to).take(size).collect();
    let (before, mut left) = (job.undo.unchanged, Vec::new());
    for &row in &next {
        let contact = ContactId(row);
        let Some(undo) = txn.side::<Undo>((contact, id))? else { continue };
        txn.delete_side::<Undo>((contact, id));
        // A deletion takes the record along: one without its contact is of one that was merged into another.
        let words = match txn.contact(contact)? {
            Some(now) => one(txn, &undo, now)?,
            None => members::touched(&undo, txn.catalog())?,
        };
        job.undo.done += 1;
        if words.is_empty() {
            job.undo.changed += 1;
        } else {
            job.undo.unchanged += 1;
            left.push(Note { item: row, words });
        }
    }
    notes::add(txn, id, PartKind::Left, before, &left);
    job.undo_cursor = next.last().map(|row| u64::from(*row)).or(job.undo_cursor);
    let is_over = next.len() < size;
    if is_over {
        job.state = JobState::Undone;
        job.finished_at = Some(txn.now);
        // What undid them went with them.
        job.undo.deleted = job.undo.total.saturating_sub(job.undo.done);
        job.undo.done = job.undo.total;
    }
    save(txn, &job)?;
    Ok(is_over)
}

/// Puts one contact back; the members that are left as others made them.
fn one(txn: &mut Txn, undo: &Undo, now: Arc<Contact>) -> Result<Vec<String>> {
    let catalog = txn.catalog().clone();
    let PutBack { mut contact, mut left, touched } = members::put_back(undo, &now, &catalog)?;
    match txn.refuse_taken(&contact, Some(&now)) {
        Err(Error::Conflict { .. }) => {
            (contact.email, contact.phone) = (now.email.clone(), now.phone.clone());
            left.extend(touched.iter().filter(|name| matches!(name.as_str(), "email" | "phone")).cloned());
        }
        other => other?,
    }
    if contact == *now {
        return Ok(left);
    }
    contact.updated_at = contact.updated_at.max(txn.now);
    match txn.put(Some(now), contact) {
        Ok(_) => Ok(left),
        Err(error) if ends_all(&error) => Err(error),
        Err(_) => Ok(touched),
    }
}

/// Removes up to `limit` of what undoes the job; whether there may be more.
pub fn forget(txn: &mut Txn, job: &mut Job, limit: usize) -> Result<bool> {
    // Once all are gone, the ids are: they are among the parts that go next.
    if job.counts.changed == 0 || job.state == JobState::Undone || job.forgotten == Some(ALL_GONE) {
        return Ok(false);
    }
    let rows = bulk::rows(txn.records(), txn.workspace(), job.id)?;
    let next: Vec<Row> = rows.after(last(job.forgotten.unwrap_or(0))).take(limit).collect();
    for &row in &next {
        txn.delete_side::<Undo>((ContactId(row), job.id));
    }
    job.forgotten = Some(next.last().map_or(ALL_GONE, |row| u64::from(*row)));
    Ok(!next.is_empty())
}
