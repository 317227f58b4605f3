//! The contacts of a query as they are at one moment, read piece by piece while writes go on.
//!
//! The moment is the one at which the query is answered: its rows, what the workspace defines and the version are taken
//! under one read lock. From then on every batch, before it becomes visible, hands over what the contacts that it changes
//! were ([`Snapshots::keep`]); whoever reads finds a contact there or, if nobody has changed it, in the store. What has been
//! read is kept no longer. So an export holds up no writer and needs memory only for what changes while it runs.
//!
//! Snapshots belong to the workspace and not to its place in memory: one that is put to sleep or made anew in between shows
//! the same contacts.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::contact::{Catalog, Contact, ContactId, Seq, WorkspaceId};
use crate::engine::records_cache::bytes;
use crate::engine::shared::Shared;
use crate::engine::{Actor, Engine, Error, Query, Result, select};
use crate::index::{Row, RowSet};
use crate::store::StoreError;

/// What a saved contact takes beside itself.
const ENTRY_BYTES: usize = 48;

/// Contacts of before that somebody still has to read, by workspace.
#[derive(Default)]
pub struct Snapshots(Mutex<HashMap<WorkspaceId, Vec<Weak<Snapshot>>>>);

impl Snapshots {
    fn add(&self, ws: WorkspaceId, snapshot: &Arc<Snapshot>) {
        let mut all = self.0.lock();
        let of_workspace = all.entry(ws).or_default();
        // Where nothing is written nobody else looks who is done.
        of_workspace.retain(|snapshot| snapshot.strong_count() > 0);
        of_workspace.push(Arc::downgrade(snapshot));
    }

    /// Lets go of those of a workspace that is deleted: whoever reads one finds no workspace.
    pub fn forget(&self, ws: WorkspaceId) {
        self.0.lock().remove(&ws);
    }

    /// Whether one of the workspace is being read.
    pub fn is_live(&self, ws: WorkspaceId) -> bool {
        !self.live(ws).is_empty()
    }

    /// Keeps what changed contacts were for those that have not read them. Asked for under the workspace's write lock,
    /// before the change can be seen.
    pub fn keep(&self, ws: WorkspaceId, before: &HashMap<ContactId, Option<Arc<Contact>>>) {
        for snapshot in self.live(ws) {
            snapshot.keep(before);
        }
    }

    fn live(&self, ws: WorkspaceId) -> Vec<Arc<Snapshot>> {
        let mut all = self.0.lock();
        let Some(of_workspace) = all.get_mut(&ws) else { return Vec::new() };
        of_workspace.retain(|snapshot| snapshot.strong_count() > 0);
        let live: Vec<Arc<Snapshot>> = of_workspace.iter().filter_map(Weak::upgrade).collect();
        if of_workspace.is_empty() {
            all.remove(&ws);
        }
        live
    }
}

/// The rows of one moment, and those of their contacts that have changed since.
struct Snapshot {
    rows: RowSet,
    saved: Mutex<Saved>,
}

struct Saved {
    /// Rows below are read.
    next: Row,
    contacts: HashMap<Row, Arc<Contact>>,
    bytes: usize,
    bytes_max: usize,
    /// More changed than may be kept: the moment is lost.
    is_lost: bool,
}

impl Snapshot {
    fn new(rows: RowSet, bytes_max: usize) -> Snapshot {
        let saved = Saved { next: 0, contacts: HashMap::new(), bytes: 0, bytes_max, is_lost: false };
        Snapshot { rows, saved: Mutex::new(saved) }
    }

    fn keep(&self, before: &HashMap<ContactId, Option<Arc<Contact>>>) {
        let mut saved = self.saved.lock();
        for (id, contact) in before {
            if id.0 < saved.next || !self.rows.contains(id.0) || saved.contacts.contains_key(&id.0) || saved.is_lost {
                continue;
            }
            match contact {
                Some(contact) => {
                    saved.bytes += bytes(contact) + ENTRY_BYTES;
                    saved.contacts.insert(id.0, contact.clone());
                    // What was kept is let go by whoever reads, not under the lock that holds up everyone.
                    saved.is_lost = saved.bytes > saved.bytes_max;
                }
                None => saved.is_lost = true,
            }
        }
    }

    /// The next rows, with the contacts that have changed since. To be asked for under the workspace's read lock, under
    /// which the others are to be read.
    fn take(&self, most: usize) -> Result<Vec<(ContactId, Option<Arc<Contact>>)>> {
        let mut saved = self.saved.lock();
        if saved.is_lost {
            let message = format!(
                "too much changed while the contacts were exported: {} bytes of contacts as they were may be kept; export \
                 fewer at a time, or raise engine.export_saved_bytes_max",
                saved.bytes_max
            );
            return Err(Error::State { code: "export_overrun", message, details: None });
        }
        let mut taken = Vec::with_capacity(most);
        for row in self.rows.from(saved.next).take(most) {
            let contact = saved.contacts.remove(&row);
            saved.bytes -= contact.as_ref().map_or(0, |contact| bytes(contact) + ENTRY_BYTES);
            taken.push((ContactId(row), contact));
        }
        if let Some((last, _)) = taken.last() {
            saved.next = last.0.saturating_add(1);
        }
        Ok(taken)
    }
}

/// The contacts of a query at one moment, on their way out. What is changed, deleted or defined later does not show.
pub struct Export {
    shared: Arc<Shared>,
    ws: WorkspaceId,
    snapshot: Arc<Snapshot>,
    catalog: Arc<Catalog>,
    version: Seq,
}

impl Engine {
    /// Every match of the query's search, filter and segment, as of now; its order, page and facets do not matter.
    ///
    /// # Errors
    /// As [`Engine::search`].
    pub fn export(&self, actor: &Actor, query: &Query) -> Result<Export> {
        let (now, me) = (self.shared.clock.now(), actor.user_id());
        loop {
            let workspace = self.reached(actor.workspace, query.min_version)?;
            let state = workspace.state.read();
            if workspace.is_retired() {
                continue;
            }
            let rows = select::matching(query, state.view(), now, me, &self.shared.settings)?;
            let snapshot = Arc::new(Snapshot::new(rows, self.shared.settings.export_saved_bytes_max));
            // The lock is still held: no batch is published between the query and this.
            self.shared.snapshots.add(actor.workspace, &snapshot);
            return Ok(Export {
                shared: self.shared.clone(),
                ws: actor.workspace,
                snapshot,
                catalog: state.catalog.clone(),
                version: state.head.seq,
            });
        }
    }
}

impl Export {
    /// How many contacts it holds, exactly.
    pub fn count(&self) -> u64 {
        self.snapshot.rows.len()
    }

    /// The version it is of.
    pub fn version(&self) -> Seq {
        self.version
    }

    /// What the workspace defined at that version.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The next contacts, so many at most, ascending by id; none at the end.
    ///
    /// # Errors
    /// What the store reports; `export_overrun` where more contacts changed in the meantime than may be kept.
    pub fn next_chunk(&mut self, most: usize) -> Result<Vec<Arc<Contact>>> {
        loop {
            let workspace = self.shared.awake(self.ws)?;
            let state = workspace.state.read();
            if workspace.is_retired() {
                continue;
            }
            let taken = self.snapshot.take(most)?;
            let unchanged: Vec<ContactId> =
                taken.iter().filter(|(_, saved)| saved.is_none()).map(|(id, _)| *id).collect();
            let mut read =
                workspace.contacts(&state, &self.shared.records, &self.shared.cache, &unchanged)?.into_iter();
            drop(state);
            let contact = |(id, saved): (ContactId, Option<Arc<Contact>>)| {
                saved.or_else(|| read.next().flatten()).ok_or_else(|| {
                    let what = "the index has it, the store does not".into();
                    Error::Store(StoreError::Damaged { key: format!("contact {id}"), what })
                })
            };
            return taken.into_iter().map(contact).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_of_exports_that_are_over() {
        let (snapshots, ws) = (Snapshots::default(), WorkspaceId(1));
        let begin = || {
            let snapshot = Arc::new(Snapshot::new(RowSet::new(), 1));
            snapshots.add(ws, &snapshot);
            snapshot
        };
        (0..100).for_each(|_| drop(begin()));
        let living = begin();
        assert_eq!(snapshots.0.lock()[&ws].len(), 1);
        assert!(snapshots.is_live(ws));
        snapshots.forget(ws);
        assert!(!snapshots.is_live(ws) && snapshots.0.lock().is_empty());
        drop(living);
    }
}
