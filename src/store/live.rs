//! All that is live in a store, entry by entry: checked, copied to a fresh store, and compared with the copy. What was
//! overwritten or deleted is in no copy, nor is what only finished jobs and old requests left behind.

use std::collections::{BTreeMap, HashSet};

use super::{Alarm, Entry, Head, Records, Store, StoreError, codec, keys, records::Result};
use crate::contact::{Done, JobId, JobKind, JobState, Millis, WorkspaceId};

/// Entries read at a time.
const PAGE: usize = 1000;
/// What goes to the copy in one batch, in bytes and in entries.
const BATCH_BYTES: usize = 2 << 20;
const BATCH_ENTRIES: usize = 4000;
/// Above every key.
const END: [u8; 32] = [255; 32];

/// What there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Keys with their values.
    pub entries: u64,
    /// Of both, in bytes.
    pub bytes: u64,
    /// Entries that the copy goes without.
    pub left_out: u64,
}

/// The live entries of a store that nobody writes meanwhile.
pub struct Live<'a> {
    records: &'a Records,
    /// Whose uploads and failed rows are still needed.
    active: HashSet<(WorkspaceId, JobId)>,
    /// Imports that were uploaded and not started: nothing of them stays.
    forgotten: HashSet<(WorkspaceId, JobId)>,
    keys_used_before: Millis,
}

#[allow(clippy::missing_errors_doc)] // each: what the store reports, `Damaged` for a value that is not as written
impl<'a> Live<'a> {
    /// What is live; idempotency keys used before that time are not.
    pub fn of(records: &'a Records, keys_used_before: Millis) -> Result<Live<'a>> {
        let (mut active, mut forgotten) = (HashSet::new(), HashSet::new());
        for workspace in records.workspaces()? {
            for job in records.jobs(workspace.id)? {
                match job.state {
                    state if state.is_active() => active.insert((workspace.id, job.id)),
                    JobState::Prepared if job.kind == JobKind::Import => forgotten.insert((workspace.id, job.id)),
                    _ => false,
                };
            }
        }
        Ok(Live { records, active, forgotten, keys_used_before })
    }

    /// Checks every value against its checksum, and every workspace against its counters. `tell` is told the entries seen.
    pub fn check(&self, tell: &mut dyn FnMut(u64)) -> Result<Tally> {
        let (mut tally, mut counters) = (Tally::default(), Counters::default());
        for entry in Entries::of(&**self.records.store()) {
            let (key, value) = entry?;
            codec::payload(&key, &value)?;
            if !self.keeps(&key, &value)? {
                tally.left_out += 1;
                continue;
            }
            counters.note(&key, &value)?;
            tally.entries += 1;
            tally.bytes += (key.len() + value.len()) as u64;
            tell(tally.entries);
        }
        counters.agree()?;
        Ok(tally)
    }

    /// Writes every entry to a store that has none.
    pub fn copy_to(&self, to: &dyn Store, tell: &mut dyn FnMut(u64)) -> Result<()> {
        let (mut batch, mut bytes, mut written) = (Vec::new(), 0, 0);
        for entry in Entries::of(&**self.records.store()) {
            let (key, value) = entry?;
            codec::payload(&key, &value)?;
            if !self.keeps(&key, &value)? {
                continue;
            }
            bytes += key.len() + value.len();
            batch.push((key, Some(value)));
            if bytes >= BATCH_BYTES || batch.len() >= BATCH_ENTRIES {
                written += batch.len() as u64;
                to.apply(std::mem::take(&mut batch))?;
                bytes = 0;
                tell(written);
            }
        }
        if batch.is_empty() { Ok(()) } else { to.apply(batch) }
    }

    /// Whether the copy has these entries, and no others, to the byte.
    pub fn is_same_in(&self, copy: &dyn Store, tell: &mut dyn FnMut(u64)) -> Result<bool> {
        let (mut copied, mut seen) = (Entries::of(copy), 0);
        for entry in Entries::of(&**self.records.store()) {
            let (key, value) = entry?;
            if !self.keeps(&key, &value)? {
                continue;
            }
            if copied.next().transpose()? != Some((key, value)) {
                return Ok(false);
            }
            seen += 1;
            tell(seen);
        }
        Ok(copied.next().is_none())
    }

    fn keeps(&self, key: &[u8], value: &[u8]) -> Result<bool> {
        if let Some((ws, job, holds_values)) = keys::of_part(key) {
            return Ok(!self.forgotten.contains(&(ws, job)) && (!holds_values || self.active.contains(&(ws, job))));
        }
        if let Some(job) = keys::of_job(key) {
            return Ok(!self.forgotten.contains(&job));
        }
        if let Some((_, ws, Alarm::Job(job))) = keys::of_any_alarm(key) {
            return Ok(!self.forgotten.contains(&(ws, job)));
        }
        match keys::letter(key) {
            Some(b'n') => Ok(codec::decode::<Done>(key, value)?.at >= self.keys_used_before),
            Some(b'a') => Ok(keys::of_used(key).is_some_and(|(at, _)| at >= self.keys_used_before)),
            _ => Ok(true),
        }
    }
}

/// How many contacts each workspace has, by its counters and by counting.
#[derive(Default)]
struct Counters(BTreeMap<WorkspaceId, (Option<Head>, u64, u64)>);

impl Counters {
    fn note(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let Some(ws) = keys::owner(key) else { return Ok(()) };
        match keys::letter(key) {
            Some(b'h') => self.0.entry(ws).or_default().0 = Some(codec::decode(key, value)?),
            Some(b'c') => {
                let (_, contacts, digest) = self.0.entry(ws).or_default();
                *contacts += 1;
                *digest = digest.wrapping_add(codec::digest(key, value));
            }
            _ => {}
        }
        Ok(())
    }

    fn agree(&self) -> Result<()> {
        for (ws, (head, contacts, digest)) in &self.0 {
            let head = head.unwrap_or_default();
            if (head.contacts, head.digest) != (*contacts, *digest) {
                let what = format!("{contacts} contacts were found, {} are counted; or one was altered", head.contacts);
                return Err(StoreError::Damaged { key: format!("workspace {ws}"), what });
            }
        }
        Ok(())
    }
}

/// Every entry of a store, ascending.
struct Entries<'a> {
    store: &'a dyn Store,
    page: std::vec::IntoIter<Entry>,
    /// Where the next page begins; `None` after the last.
    from: Option<Vec<u8>>,
}

impl<'a> Entries<'a> {
    fn of(store: &'a dyn Store) -> Entries<'a> {
        Entries { store, page: Vec::new().into_iter(), from: Some(Vec::new()) }
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        if let Some(entry) = self.page.next() {
            return Some(Ok(entry));
        }
        let from = self.from.take()?;
        match self.store.scan(&from, &END, PAGE) {
            Ok(page) => {
                self.from = page.last().filter(|_| page.len() == PAGE).map(|(key, _)| keys::after(key.clone()));
                self.page = page.into_iter();
                self.page.next().map(Ok)
            }
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
