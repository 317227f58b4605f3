//! Comparing index and store completely, and making the index anew.

mod merges;

use std::sync::Arc;

use super::shared::Shared;
use super::workspace::Workspace;
use super::{Engine, Result, VerifyReport, checkpoint, flush};
use crate::contact::{ContactId, Millis, WorkspaceId};
use crate::index::{Index, RowTexts};
use crate::store::{Head, Records, StoreError};

/// Records read at a time.
const PAGE: usize = 4096;
/// Problems told of one kind; the rest is counted.
const PROBLEMS_MAX: usize = 100;

impl Engine {
    /// Compares index and store completely: every record's checksum, the counters, the change log, what was merged into whom,
    /// whose the histories are, the index in memory against one made anew, and the text index against the texts. No write happens
    /// meanwhile.
    ///
    /// # Errors
    /// [`super::Error::NotFound`]; what is found wrong is in the report.
    pub fn verify(&self, ws: WorkspaceId) -> Result<VerifyReport> {
        let shared = self.shared.clone();
        self.committer.alone(move || {
            let mut report = VerifyReport::default();
            let done = match shared.awake(ws) {
                Ok(workspace) => verify(&shared, &workspace, &mut report),
                Err(error @ super::Error::NotFound { .. }) => return Err(error),
                // Not even awake: say what of the store can be said.
                Err(error) => {
                    report.problems.push(error.to_string());
                    asleep(&shared.records, ws, &mut report)
                }
            };
            // What cannot be read any further is a problem like the others, not the end of the report.
            report.problems.extend(done.err().map(|error| error.to_string()));
            Ok(report)
        })?
    }

    /// Makes the index anew from the store: memory, text index and checkpoint. No write happens meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where the store itself is not whole, [`StoreError::ReadOnly`] after a failed write: what it
    /// then shows may never have been acknowledged.
    pub fn rebuild(&self, ws: WorkspaceId) -> Result<()> {
        let shared = self.shared.clone();
        self.committer.alone(move || {
            if let Some(why) = shared.records.store().read_only() {
                return Err(StoreError::ReadOnly(why).into());
            }
            let folder = shared.folder(ws).filter(|folder| folder.exists());
            let clear = || folder.map_or(Ok(()), |folder| std::fs::remove_dir_all(folder).map_err(checkpoint::io));
            let workspace = shared.wake_anew(ws, clear)?;
            persist(&shared, &workspace)
        })?
    }

    /// Flushes the text index and writes the checkpoint now.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn checkpoint(&self, ws: WorkspaceId) -> Result<()> {
        let workspace = self.shared.awake(ws)?;
        persist(&self.shared, &workspace)
    }

    /// Compacts the text index now, if it is worth the while; else that happens once no flush is due. About eight seconds a
    /// million contacts, during which reads and writes go on and flushes wait.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn compact(&self, ws: WorkspaceId) -> Result<()> {
        flush::compact(&*self.shared.awake(ws)?)
    }
}

fn persist(shared: &Shared, workspace: &Workspace) -> Result<()> {
    let (contacts, unflushed) = {
        let state = workspace.state.read();
        (state.head.contacts, state.index.unflushed().len())
    };
    if contacts >= shared.settings.text_index_contacts_min as u64 && unflushed > 0 {
        flush::flush(shared, workspace)?;
    }
    checkpoint::write(shared, workspace)
}

fn asleep(records: &Records, ws: WorkspaceId, report: &mut VerifyReport) -> Result<()> {
    let head = records.head(ws)?.unwrap_or_default();
    contacts(records, ws, &head, report, |_| {})
}

fn verify(shared: &Shared, workspace: &Arc<Workspace>, report: &mut VerifyReport) -> Result<()> {
    let (ws, records) = (workspace.id, &shared.records);
    let (head, catalog) = {
        let state = workspace.state.read();
        (state.head, state.catalog.clone())
    };
    match records.head(ws) {
        Ok(Some(stored)) if stored == head => {}
        Ok(stored) => {
            report.problems.push(format!("the counters in memory and in the store differ: {head:?} and {stored:?}"))
        }
        Err(error) => report.problems.push(error.to_string()),
    }
    match records.catalog(ws) {
        Ok(Some(stored)) if stored == *catalog => {}
        Ok(_) => report.problems.push("what the workspace defines differs between memory and store".into()),
        Err(error) => report.problems.push(error.to_string()),
    }
    let mut fresh = Index::bulk(&catalog);
    let (mut identities, mut snoozes, mut merged) = (Vec::new(), Vec::new(), merges::Merges::default());
    contacts(records, ws, &head, report, |contact| {
        fresh.put(contact.id.0, Some(contact), &catalog);
        identities.extend(Records::identities_of(ws, contact));
        snoozes.extend(contact.snooze_end().map(|at| (at, contact.id)));
        merged.contact(contact);
    })?;
    fresh.finish();
    report.problems.extend(merged.problems(records, ws, fresh.alive())?.into_iter().take(PROBLEMS_MAX));
    holders(records, ws, identities, report)?;
    alarms(records, ws, snoozes, report)?;
    checksums(records, ws, report)?;
    change_log(records, ws, &head, report);
    let state = workspace.state.read();
    report.problems.extend(state.index.differences(&fresh, &catalog, PROBLEMS_MAX));
    drop(state);
    texts(workspace, &fresh, report)
}

/// Every contact's record, their number and digest.
fn contacts(
    records: &Records,
    ws: WorkspaceId,
    head: &Head,
    report: &mut VerifyReport,
    mut each: impl FnMut(&crate::contact::Contact),
) -> Result<()> {
    let (mut after, mut digest) = (ContactId(0), 0u64);
    let mut damaged = 0;
    loop {
        let page = records.contacts_checked(ws, after, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (id, contact) in page {
            match contact {
                Ok(contact) => {
                    report.contacts += 1;
                    digest = digest.wrapping_add(Records::digest(ws, &contact));
                    each(&contact);
                }
                Err(error) if damaged < PROBLEMS_MAX => {
                    damaged += 1;
                    report.problems.push(format!("contact {id}: {error}"));
                }
                Err(_) => damaged += 1,
            }
        }
    }
    if damaged > PROBLEMS_MAX {
        report.problems.push(format!("and {} more damaged contacts", damaged - PROBLEMS_MAX));
    }
    if report.contacts != head.contacts {
        report.problems.push(format!("the store counts {} contacts, {} were found", head.contacts, report.contacts));
    } else if digest != head.digest {
        report
            .problems
            .push("the contacts' digest is not the one the store kept: one was lost, swapped or altered".into());
    }
    Ok(())
}

/// Every key of what was merged belongs to the contact that it was merged into, and every contact's are there.
fn holders(records: &Records, ws: WorkspaceId, mut expected: Vec<Vec<u8>>, report: &mut VerifyReport) -> Result<()> {
    expected.sort_unstable();
    let mut stored: Vec<Vec<u8>> = Vec::with_capacity(expected.len());
    loop {
        let page = records.identities(ws, stored.last().map(Vec::as_slice), PAGE)?;
        let last = page.len() < PAGE;
        for (key, holder) in page {
            report.problems.extend(holder.err().map(|error| error.to_string()));
            stored.push(key);
        }
        if last {
            break;
        }
    }
    stored.sort_unstable();
    if stored != expected {
        let (stored, expected) = (stored.len(), expected.len());
        let message =
            format!("{stored} keys of merged contacts are stored, contacts have {expected}, or they are not the same");
        report.problems.push(message);
    }
    Ok(())
}

/// Every snooze that has an end has its alarm, and no other has one.
fn alarms(
    records: &Records,
    ws: WorkspaceId,
    mut expected: Vec<(Millis, ContactId)>,
    report: &mut VerifyReport,
) -> Result<()> {
    expected.sort_unstable();
    let stored = records.snoozes(ws)?;
    let lacks = |of: &[(Millis, ContactId)], one: &(Millis, ContactId)| of.binary_search(one).is_err();
    let silent = expected.iter().filter(|snooze| lacks(&stored, snooze));
    let silent = silent.map(|(_, id)| format!("contact {id}: its snooze has an end and no alarm for it"));
    let stray = stored.iter().filter(|alarm| lacks(&expected, alarm));
    let stray = stray.map(|(_, id)| format!("contact {id}: an alarm is set for a snooze that it has not"));
    report.problems.extend(silent.chain(stray).take(PROBLEMS_MAX));
    Ok(())
}

/// The checksum of every value of the workspace, of whatever kind.
fn checksums(records: &Records, ws: WorkspaceId, report: &mut VerifyReport) -> Result<()> {
    let mut from = None;
    loop {
        let sweep = records.sweep(ws, from, PAGE)?;
        report.problems.extend(sweep.damaged.iter().take(PROBLEMS_MAX).map(ToString::to_string));
        if sweep.next.is_none() {
            return Ok(());
        }
        from = sweep.next;
    }
}

/// The change log runs without a gap to the last change.
fn change_log(records: &Records, ws: WorkspaceId, head: &Head, report: &mut VerifyReport) {
    let mut at = head.log_floor;
    loop {
        match records.changes(ws, at, PAGE) {
            Ok(changes) if changes.is_empty() => break,
            Ok(changes) => at = changes.last().map_or(at, |change| change.seq),
            Err(error) => return report.problems.push(error.to_string()),
        }
    }
    if at != head.seq {
        report.problems.push(format!("the change log ends at {at}, the last change is {}", head.seq));
    }
}

/// The committed text index, but for the rows that are newer in memory, holds exactly the texts' grams.
fn texts(workspace: &Workspace, fresh: &Index, report: &mut VerifyReport) -> Result<()> {
    let Some(text) = workspace.text.lock().clone() else { return Ok(()) };
    let state = workspace.state.read();
    let unflushed = state.index.unflushed();
    let rows = fresh.alive().iter().filter(|row| !unflushed.contains(*row));
    let mut texts = rows.map(|row| -> RowTexts { (row, fresh.row_texts(row)) });
    match text.view().verify(&mut texts, unflushed, PROBLEMS_MAX) {
        Ok(rows) => report.problems.extend(rows.iter().map(|row| format!("the text index differs for contact {row}"))),
        Err(error) => report.problems.push(error.to_string()),
    }
    Ok(())
}
