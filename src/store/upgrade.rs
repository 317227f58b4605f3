//! From an earlier layout of keys to this one.
//!
//! Format 1 had a key for every contact's own e-mail and phone, two thirds of all keys; since format 2 the index finds these,
//! and only what was merged has keys. An upgrade that is interrupted goes on at the next start.

use super::records::{Records, Result};
use super::{Writes, keys};
use crate::contact::{ContactId, WorkspaceId};

/// Keys looked at for one batch.
const AT_ONCE: usize = 2000;

impl Records {
    /// Removes what format 2 has no more.
    pub(super) fn upgrade_from_1(&self) -> Result<()> {
        for workspace in self.workspaces()? {
            tracing::info!(workspace = workspace.id.0, "the store is brought from format 1 to 2");
            self.remove_own_identities(workspace.id)?;
        }
        Ok(())
    }

    fn remove_own_identities(&self, ws: WorkspaceId) -> Result<()> {
        let mut last: Option<Vec<u8>> = None;
        loop {
            let page = self.identities(ws, last.as_deref(), AT_ONCE)?;
            let Some((key, _)) = page.last() else { return Ok(()) };
            last = Some(key.clone());
            let mut writes = Writes::default();
            for (key, _) in page {
                if !self.is_of_merged(ws, &key) {
                    writes.delete(key);
                }
            }
            self.commit(writes)?;
        }
    }

    /// Whether the key is one that format 2 has. A contact that cannot be read keeps its own: it is for `verify` to report.
    fn is_of_merged(&self, ws: WorkspaceId, key: &[u8]) -> bool {
        match self.contact(ws, keys::last_id(key).map(ContactId).unwrap_or_default()) {
            Ok(Some(contact)) => Records::identities_of(ws, &contact).iter().any(|own| own == key),
            Ok(None) => false,
            Err(_) => true,
        }
    }
}
