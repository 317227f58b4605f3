//! The typed face of a store: contacts, catalog, change log, history, tokens.

use std::sync::Arc;

use super::{Change, Head, Store, StoreError, TokenRecord, Writes};
use crate::contact::{Catalog, Contact, ContactId, Interaction, Seq, Workspace, WorkspaceId, identity::IdentityKey};

/// Reads and writes records. Cheap to clone.
#[derive(Clone)]
pub struct Records {
    store: Arc<dyn Store>,
}

type Result<T> = std::result::Result<T, StoreError>;

#[allow(unused_variables, clippy::missing_errors_doc)] // owner: store
impl Records {
    /// Records kept in `store`.
    pub fn new(store: Arc<dyn Store>) -> Records {
        Records { store }
    }

    /// Every workspace, by id.
    pub fn workspaces(&self) -> Result<Vec<Workspace>> {
        todo!()
    }

    /// The workspace's counters; `None` where there is no such workspace.
    pub fn head(&self, ws: WorkspaceId) -> Result<Option<Head>> {
        todo!()
    }

    /// Everything the workspace defines.
    pub fn catalog(&self, ws: WorkspaceId) -> Result<Option<Catalog>> {
        todo!()
    }

    pub fn contact(&self, ws: WorkspaceId, id: ContactId) -> Result<Option<Contact>> {
        todo!()
    }

    /// Up to `limit` contacts with an id above `after`, ascending.
    pub fn contacts(&self, ws: WorkspaceId, after: ContactId, limit: usize) -> Result<Vec<Contact>> {
        todo!()
    }

    /// As `contacts`, but a damaged record comes as its error instead of ending the scan: for `verify`.
    pub fn contacts_checked(
        &self,
        ws: WorkspaceId,
        after: ContactId,
        limit: usize,
    ) -> Result<Vec<(ContactId, Result<Contact>)>> {
        todo!()
    }

    /// The contacts that hold an e-mail or phone, ascending.
    pub fn holders(&self, ws: WorkspaceId, key: &IdentityKey) -> Result<Vec<ContactId>> {
        todo!()
    }

    /// Up to `limit` changes after `after`, in order, without gaps.
    pub fn changes(&self, ws: WorkspaceId, after: Seq, limit: usize) -> Result<Vec<Change>> {
        todo!()
    }

    /// A contact's history, newest first, starting below `before` (`(at, number)` of the last one seen); each with its number.
    pub fn interactions(
        &self,
        ws: WorkspaceId,
        contact: ContactId,
        before: Option<(i64, u64)>,
        limit: usize,
    ) -> Result<Vec<(u64, Interaction)>> {
        todo!()
    }

    /// Every token of the server.
    pub fn tokens(&self) -> Result<Vec<TokenRecord>> {
        todo!()
    }

    /// Applies the writes in one atomic, durable batch.
    pub fn commit(&self, writes: Writes) -> Result<()> {
        todo!()
    }

    /// The hash of a contact's stored value that [`Head::digest`] sums.
    pub fn digest(ws: WorkspaceId, contact: &Contact) -> u64 {
        todo!()
    }

    /// The store itself.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }
}
