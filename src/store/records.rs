//! The typed face of a store: contacts, catalog, change log, history, tokens.

use std::sync::Arc;

use minicbor::Decode;

use super::{Change, Entry, Head, Store, StoreError, TokenRecord, Writes, codec, keys, writes::Run};
use crate::contact::{Catalog, Contact, ContactId, Interaction, Seq, Workspace, WorkspaceId, identity::IdentityKey};

/// How many entries one scan asks for where the caller wants them all.
const SCAN: usize = 1000;

/// Reads and writes records. Cheap to clone.
#[derive(Clone)]
pub struct Records {
    store: Arc<dyn Store>,
}

/// One entry of a workspace's histories: whose, its number, itself.
pub type PastInteraction = (ContactId, u64, Interaction);

pub(super) type Result<T> = std::result::Result<T, StoreError>;

#[allow(clippy::missing_errors_doc)] // each: what the store reports, and `Damaged` for a record that is not as written
impl Records {
    /// Records kept in `store`, which [`Records::open`] has found to be of a known format.
    pub fn new(store: Arc<dyn Store>) -> Records {
        Records { store }
    }

    /// Every workspace, by id.
    pub fn workspaces(&self) -> Result<Vec<Workspace>> {
        self.all(keys::workspaces())
    }

    /// The workspace's counters; `None` where there is no such workspace.
    pub fn head(&self, ws: WorkspaceId) -> Result<Option<Head>> {
        self.one(&keys::head(ws))
    }

    /// Everything the workspace defines.
    pub fn catalog(&self, ws: WorkspaceId) -> Result<Option<Catalog>> {
        let Some(workspace) = self.one(&keys::workspace(ws))? else { return Ok(None) };
        let mut catalog = Catalog::default();
        catalog.workspace = workspace;
        self.each(keys::items(ws), |key, bytes| {
            match keys::item_kind(key) {
                Some(b'f') => catalog.put_field(codec::decode(key, bytes)?),
                Some(b't') => catalog.put_tag(codec::decode(key, bytes)?),
                Some(b'c') => catalog.put_channel(codec::decode(key, bytes)?),
                Some(b'u') => catalog.put_user(codec::decode(key, bytes)?),
                Some(b's') => catalog.put_stage(codec::decode(key, bytes)?),
                Some(b'g') => catalog.put_segment(codec::decode(key, bytes)?),
                _ => return Err(codec::damaged(key, "there is no such kind of item")),
            }
            Ok(())
        })?;
        Ok(Some(catalog))
    }

    /// The contact of that id.
    pub fn contact(&self, ws: WorkspaceId, id: ContactId) -> Result<Option<Contact>> {
        self.one(&keys::contact(ws, id))
    }

    /// Up to `limit` contacts with an id above `after`, ascending.
    pub fn contacts(&self, ws: WorkspaceId, after: ContactId, limit: usize) -> Result<Vec<Contact>> {
        let entries = self.entries(&keys::contacts(ws, after), limit)?;
        entries.iter().map(|(key, bytes)| codec::decode(key, bytes)).collect()
    }

    /// Who took in a contact with that e-mail, phone or id, ascending. The contact itself has the last word: a key of an earlier format
    /// may be left.
    pub fn merged_holders(&self, ws: WorkspaceId, key: &IdentityKey) -> Result<Vec<ContactId>> {
        let mut holders = Vec::new();
        self.each(keys::holders(ws, key), |key, bytes| {
            codec::decode::<()>(key, bytes)?;
            holders.extend(keys::last_id(key).map(ContactId));
            Ok(())
        })?;
        Ok(holders)
    }

    /// Up to `limit` changes after `after`, in order, without gaps: one that is missing (also one trimmed away) is an
    /// error.
    pub fn changes(&self, ws: WorkspaceId, after: Seq, limit: usize) -> Result<Vec<Change>> {
        // The head is read first: it and the log are written together, so the log holds all that this head counts.
        let Some(head) = self.head(ws)? else { return Ok(Vec::new()) };
        let mut changes: Vec<Change> = Vec::new();
        let mut next = after.0 + 1;
        while changes.len() < limit && next <= head.seq.0 {
            let (from, to) = keys::log(ws, Seq(next));
            let runs = self.store.scan(&from, &to, (limit - changes.len()).min(32))?;
            if runs.is_empty() {
                return Err(codec::damaged(&from, format!("the change log lacks {next} and what follows")));
            }
            for (key, bytes) in runs {
                let run: Run = codec::decode(&key, &bytes)?;
                if run.first.0 + run.subjects.len() as u64 - 1 != keys::last_change(&key).unwrap_or_default().0 {
                    return Err(codec::damaged(&key, "its number of changes is wrong"));
                }
                let Some(skip) = next.checked_sub(run.first.0) else {
                    return Err(codec::damaged(&key, format!("the change log lacks {next} to {}", run.first.0 - 1)));
                };
                let numbered = (next..).map(Seq).zip(run.subjects.into_iter().skip(skip as usize));
                changes.extend(numbered.map(|(seq, subject)| Change { seq, subject }));
                next = keys::last_change(&key).unwrap_or_default().0 + 1;
            }
        }
        changes.truncate(limit);
        Ok(changes)
    }

    /// A contact's history, newest first, starting below `before` (`(at, number)` of the last one seen); each with its number.
    pub fn interactions(
        &self,
        ws: WorkspaceId,
        contact: ContactId,
        before: Option<(i64, u64)>,
        limit: usize,
    ) -> Result<Vec<(u64, Interaction)>> {
        let entries = self.entries(&keys::history(ws, contact, before), limit)?;
        entries
            .iter()
            .map(|(key, bytes)| past(key, bytes).map(|(_, number, interaction)| (number, interaction)))
            .collect()
    }

    /// Calls `visit` with every entry of a contact's history and its number, newest first.
    pub fn each_interaction(
        &self,
        ws: WorkspaceId,
        contact: ContactId,
        mut visit: impl FnMut(u64, Interaction),
    ) -> Result<()> {
        self.each(keys::history(ws, contact, None), |key, bytes| {
            let (_, number, interaction) = past(key, bytes)?;
            visit(number, interaction);
            Ok(())
        })
    }

    /// Up to `limit` entries of all histories of the workspace, contact by contact and each newest first, after the
    /// named one (contact, time, number): for backups.
    pub fn interactions_all(
        &self,
        ws: WorkspaceId,
        after: Option<(ContactId, i64, u64)>,
        limit: usize,
    ) -> Result<Vec<PastInteraction>> {
        self.entries(&keys::histories(ws, after), limit)?.iter().map(|(key, bytes)| past(key, bytes)).collect()
    }

    /// Every token of the server.
    pub fn tokens(&self) -> Result<Vec<TokenRecord>> {
        self.all(keys::tokens())
    }

    /// Applies the writes in one atomic, durable batch.
    pub fn commit(&self, writes: Writes) -> Result<()> {
        if writes.is_empty() { Ok(()) } else { self.store.apply(writes.into_batch()) }
    }

    /// The hash of a contact's stored value that [`Head::digest`] sums.
    pub fn digest(ws: WorkspaceId, contact: &Contact) -> u64 {
        let key = keys::contact(ws, contact.id);
        codec::digest(&key, &codec::encode(&key, contact))
    }

    /// The store itself.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(super) fn one<T: for<'b> Decode<'b, ()>>(&self, key: &[u8]) -> Result<Option<T>> {
        self.store.get(key)?.map(|bytes| codec::decode(key, &bytes)).transpose()
    }

    pub(super) fn all<T: for<'b> Decode<'b, ()>>(&self, range: keys::Range) -> Result<Vec<T>> {
        let mut all = Vec::new();
        self.each(range, |key, bytes| codec::decode(key, bytes).map(|value| all.push(value)))?;
        Ok(all)
    }

    pub(super) fn entries(&self, (from, to): &keys::Range, limit: usize) -> Result<Vec<Entry>> {
        self.store.scan(from, to, limit)
    }

    /// Calls `visit` with every key and value of the range.
    pub(super) fn each(
        &self,
        (mut from, to): keys::Range,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<()>,
    ) -> Result<()> {
        loop {
            let entries = self.store.scan(&from, &to, SCAN)?;
            entries.iter().try_for_each(|(key, bytes)| visit(key, bytes))?;
            match entries.into_iter().nth(SCAN - 1) {
                Some((last, _)) => from = keys::after(last),
                None => return Ok(()),
            }
        }
    }
}

fn past(key: &[u8], bytes: &[u8]) -> Result<PastInteraction> {
    let interaction = codec::decode(key, bytes)?;
    let (contact, number) = keys::of_interaction(key).ok_or_else(|| codec::damaged(key, "its key is malformed"))?;
    Ok((contact, number, interaction))
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
