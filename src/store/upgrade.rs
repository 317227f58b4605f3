//! From an earlier layout of keys to this one.
//!
//! Format 1 had a key for every contact's own e-mail and phone, two thirds of all keys; since format 2 the index finds these,
//! and only what was merged has keys. What is half done bears the new version already, so that an older program refuses it, and goes
//! on at the next start. Keys that are left meanwhile lead nowhere: who holds something by them is asked of the contact too.

use std::collections::HashSet;

use super::records::{Records, Result};
use super::{Writes, keys};
use crate::contact::{ContactId, WorkspaceId};

/// Records looked at, and keys removed, at once.
const AT_ONCE: usize = 2000;

/// Whose keys stay.
#[derive(Default)]
struct Kept {
    keys: HashSet<Vec<u8>>,
    /// Contacts that cannot be read keep theirs: they are for `verify` to report.
    unread: HashSet<ContactId>,
}

impl Records {
    /// Removes what format 2 has no more; nothing from a new store.
    pub(super) fn upgrade_from_1(&self) -> Result<()> {
        for workspace in self.workspaces()? {
            tracing::info!(workspace = workspace.id.0, "the store is brought from format 1 to 2");
            let kept = self.keys_of_merged(workspace.id)?;
            self.remove_other_identities(workspace.id, &kept)?;
        }
        Ok(())
    }

    fn keys_of_merged(&self, ws: WorkspaceId) -> Result<Kept> {
        let (mut kept, mut last) = (Kept::default(), ContactId(0));
        loop {
            let page = self.contacts_checked(ws, last, AT_ONCE)?;
            let Some((id, _)) = page.last() else { return Ok(kept) };
            last = *id;
            for (id, contact) in page {
                match contact {
                    Ok(contact) => kept.keys.extend(Records::identities_of(ws, &contact)),
                    Err(_) => drop(kept.unread.insert(id)),
                }
            }
        }
    }

    fn remove_other_identities(&self, ws: WorkspaceId, kept: &Kept) -> Result<()> {
        let mut last: Option<Vec<u8>> = None;
        loop {
            let page = self.identities(ws, last.as_deref(), AT_ONCE)?;
            let Some((key, _)) = page.last() else { return Ok(()) };
            last = Some(key.clone());
            let is_kept = |key: &Vec<u8>| {
                let holder = keys::last_id(key).map(ContactId).unwrap_or_default();
                kept.keys.contains(key) || kept.unread.contains(&holder)
            };
            let mut writes = Writes::default();
            page.into_iter().map(|(key, _)| key).filter(|key| !is_kept(key)).for_each(|key| writes.delete(key));
            self.commit(writes)?;
        }
    }
}
