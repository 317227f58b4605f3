//! What keeps the records in order: the format marker, verification, trimming the change log, deleting a workspace.

use std::sync::Arc;

use minicbor::{Decode, Encode};

use super::{
    Entry, Store, StoreError, Writes, codec, keys,
    records::{Records, Result},
};
use crate::contact::{Contact, ContactId, Seq, WorkspaceId, identity::IdentityKey};

/// The version of the layout of keys and values that this program writes.
const VERSION: u32 = 2;
/// How many keys one batch of a workspace's deletion looks at.
const DELETED_AT_ONCE: usize = 500;

/// The layout's version, at its own key.
#[derive(Encode, Decode)]
struct Format {
    #[n(0)]
    version: u32,
    /// Whether there may still be what an earlier version had.
    #[cbor(n(1), default)]
    unfinished: bool,
}

/// A workspace that was deleted; kept for ever, so that its id is not given again.
#[derive(Encode, Decode)]
struct Removal {
    #[n(0)]
    finished: bool,
}

/// How far the deletion of a workspace is.
#[derive(Debug)]
pub struct Deletion {
    ws: WorkspaceId,
    /// Where it goes on among the jobs and alarms of the server; `None` once its own are gone.
    on_server: Option<Vec<u8>>,
}

/// What was merged, as the store has it: the stored key, and who took it in unless the record is damaged.
pub type HeldIdentity = (Vec<u8>, Result<ContactId>);

/// One step through all values of a workspace.
#[derive(Debug, Default)]
pub struct Sweep {
    /// How many values were looked at.
    pub entries: usize,
    /// Those that are not as they were written.
    pub damaged: Vec<StoreError>,
    /// Where to go on; `None` at the end.
    pub next: Option<Vec<u8>>,
}

#[allow(clippy::missing_errors_doc)] // each: what the store reports
impl Records {
    /// Records kept in `store`: marks a new one with the version of its layout, brings an older one to it, and finishes deletions
    /// of workspaces that were interrupted.
    ///
    /// # Errors
    /// [`StoreError::Open`] where a newer version of the program wrote it.
    pub fn open(store: Arc<dyn Store>) -> Result<Records> {
        let records = Records::new(store);
        match records.one::<Format>(&keys::format())? {
            Some(Format { version, .. }) if version > VERSION => {
                return Err(StoreError::Open(format!(
                    "it has format {version}, written by a newer version of Rollcall; this one reads up to {VERSION}: \
                     use that newer version"
                )));
            }
            Some(Format { version: VERSION, unfinished: false }) => {}
            // A new one, or what a backup was restored into by an older version.
            None => records.upgrade()?,
            // What is damaged or full can be read all the same.
            Some(_) => {
                if let Err(error) = records.upgrade() {
                    tracing::warn!(%error, "the store could not be brought to its present format; the next start tries again");
                }
            }
        }
        if records.store().read_only().is_none() {
            for (ws, removal) in records.removals()? {
                if !removal.finished {
                    records.delete_workspace(ws)?;
                }
            }
        }
        Ok(records)
    }

    /// Brings a store of format 1, or without a marker, to the present format.
    fn upgrade(&self) -> Result<()> {
        let mark = |unfinished| {
            let mut writes = Writes::default();
            writes.put(keys::format(), &Format { version: VERSION, unfinished });
            self.commit(writes)
        };
        mark(true)?;
        self.upgrade_from_1()?;
        mark(false)
    }

    /// The highest workspace id ever given, 0 at first.
    pub fn last_workspace(&self) -> Result<WorkspaceId> {
        let living = self.workspaces()?.into_iter().map(|workspace| workspace.id);
        let removed = self.removals()?.into_iter().map(|(ws, _)| ws);
        Ok(living.chain(removed).max().unwrap_or_default())
    }

    fn removals(&self) -> Result<Vec<(WorkspaceId, Removal)>> {
        let mut removals = Vec::new();
        self.each(keys::removals(), |key, bytes| {
            let ws = keys::last_id(key).map(WorkspaceId).unwrap_or_default();
            removals.push((ws, codec::decode(key, bytes)?));
            Ok(())
        })?;
        Ok(removals)
    }

    /// Deletes a workspace with all that is in it, in many small batches; the first takes it off the list, and what an
    /// interruption leaves is deleted at the next [`Records::open`]. To be called by the thread that commits.
    pub fn delete_workspace(&self, ws: WorkspaceId) -> Result<()> {
        let mut deletion = self.begin_deletion(ws)?;
        while !self.go_on_deleting(&mut deletion)? {}
        Ok(())
    }

    /// The first batch of [`Records::delete_workspace`]: from here on there is no such workspace.
    pub fn begin_deletion(&self, ws: WorkspaceId) -> Result<Deletion> {
        let mut writes = Writes::default();
        writes.delete(keys::workspace(ws));
        for token in self.tokens()?.iter().filter(|token| token.workspace == ws) {
            writes.delete_token(token.id);
        }
        writes.put(keys::removal(ws), &Removal { finished: false });
        self.commit(writes)?;
        Ok(Deletion { ws, on_server: Some(Vec::new()) })
    }

    /// Each later batch; whether it was the last.
    pub fn go_on_deleting(&self, deletion: &mut Deletion) -> Result<bool> {
        let (ws, mut writes) = (deletion.ws, Writes::default());
        if let Some(from) = &deletion.on_server {
            let (own, next) = self.server_keys_of(ws, from, DELETED_AT_ONCE)?;
            own.into_iter().for_each(|key| writes.delete(key));
            self.commit(writes)?;
            deletion.on_server = next;
            return Ok(false);
        }
        let entries = self.entries(&keys::whole(ws), DELETED_AT_ONCE)?;
        let last = entries.len() < DELETED_AT_ONCE;
        entries.into_iter().for_each(|(key, _)| writes.delete(key));
        if last {
            writes.put(keys::removal(ws), &Removal { finished: true });
        }
        self.commit(writes)?;
        Ok(last)
    }

    /// Adds to `writes` the removal of changes up to `upto`, of at most `limit` values. Returns the last change
    /// removed, for [`super::Head::log_floor`] in the same batch; `None` where nothing can go.
    pub fn trim_changes(&self, ws: WorkspaceId, upto: Seq, limit: usize, writes: &mut Writes) -> Result<Option<Seq>> {
        // A value is keyed by its last change, so those at or below `upto` are exactly those that hold nothing newer.
        let range = (keys::log(ws, Seq(0)).0, keys::after(keys::changes(ws, upto)));
        let mut floor = None;
        for (key, _) in self.entries(&range, limit)? {
            floor = keys::last_change(&key);
            writes.delete(key);
        }
        Ok(floor)
    }

    /// As [`Records::contacts`], but a damaged record comes as its error instead of ending the scan: for `verify`.
    /// Fewer than `limit` mean the end.
    pub fn contacts_checked(
        &self,
        ws: WorkspaceId,
        after: ContactId,
        limit: usize,
    ) -> Result<Vec<(ContactId, Result<Contact>)>> {
        match self.entries(&keys::contacts(ws, after), limit) {
            Ok(entries) => Ok(entries
                .iter()
                .map(|(key, bytes)| {
                    let id = keys::last_id(key).map(ContactId).unwrap_or_default();
                    (id, codec::decode(key, bytes))
                })
                .collect()),
            Err(_) => self.contacts_one_by_one(ws, after, limit),
        }
    }

    /// For a store whose scans stop at damage in its own structure: what can still be read by its key.
    fn contacts_one_by_one(
        &self,
        ws: WorkspaceId,
        after: ContactId,
        limit: usize,
    ) -> Result<Vec<(ContactId, Result<Contact>)>> {
        let last = self.head(ws)?.map_or(0, |head| head.last_contact.0);
        let each = (after.0.saturating_add(1)..=last).map(ContactId);
        let found = each.filter_map(|id| self.contact(ws, id).transpose().map(|contact| (id, contact)));
        Ok(found.take(limit).collect())
    }

    /// Up to `limit` keys of what was merged after `after` (a key of an earlier answer), in the store's order: for `verify`.
    /// Fewer than `limit` mean the end.
    pub fn identities(&self, ws: WorkspaceId, after: Option<&[u8]>, limit: usize) -> Result<Vec<HeldIdentity>> {
        let from = after.map(|key| keys::after(key.to_vec())).unwrap_or_default();
        let mut found = Vec::new();
        for (first, to) in keys::identities(ws) {
            if found.len() < limit {
                let range = (from.clone().max(first), to);
                found.extend(self.entries(&range, limit - found.len())?);
            }
        }
        let held = |(key, bytes): Entry| {
            let contact = keys::last_id(&key).map(ContactId).unwrap_or_default();
            let checked = codec::decode::<()>(&key, &bytes).map(|()| contact);
            (key, checked)
        };
        Ok(found.into_iter().map(held).collect())
    }

    /// The keys of what was merged that the store must have for a contact, to compare with [`Records::identities`].
    pub fn identities_of(ws: WorkspaceId, contact: &Contact) -> Vec<Vec<u8>> {
        IdentityKey::merged(contact).map(|held| keys::holder(ws, &held, contact.id)).collect()
    }

    /// Checks the next `limit` values of the workspace, of every kind, from `from` ([`Sweep::next`], `None` at first).
    pub fn sweep(&self, ws: WorkspaceId, from: Option<Vec<u8>>, limit: usize) -> Result<Sweep> {
        let (first, to) = keys::whole(ws);
        let mut entries = self.entries(&(from.unwrap_or(first), to), limit)?;
        let damaged = entries.iter().filter_map(|(key, bytes)| codec::payload(key, bytes).err()).collect();
        let looked_at = entries.len();
        let next = entries.pop().filter(|_| looked_at == limit).map(|(key, _)| keys::after(key));
        Ok(Sweep { entries: looked_at, damaged, next })
    }
}
