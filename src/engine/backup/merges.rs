//! Merged contacts in a backup: each merge is a line under the id of the contact that went, whose history it keeps.

use std::io::Write;

use super::{Line, Out, Restoring};
use crate::contact::{Contact, ContactId, Merge, WorkspaceId};
use crate::engine::Result;
use crate::engine::merge::merged_into;
use crate::store::{Records, Sides};

/// Writes the merges of all that a contact took in.
pub fn of_contact(records: &Records, ws: WorkspaceId, contact: &Contact, out: &mut Out<impl Write>) -> Result<()> {
    merged_into(contact).iter().try_for_each(|id| of_id(records, ws, *id, out).map(drop))
}

/// Writes the merge of that id, if there is one; whether there is.
pub fn of_id(records: &Records, ws: WorkspaceId, contact: ContactId, out: &mut Out<impl Write>) -> Result<bool> {
    let merge = records.side::<Merge>(ws, contact)?;
    let Some(merge) = merge else { return Ok(false) };
    out.line(&Line::Merge { workspace: ws, contact, merge: Box::new(merge) })?;
    Ok(true)
}

impl Restoring {
    /// A contact is merged into another: its record goes, its history stays.
    pub(super) fn merged(&mut self, ws: WorkspaceId, id: ContactId, merge: &Merge) -> Result<()> {
        if let Some(contact) = self.stored(ws, id)? {
            self.writes.delete_contact(ws, &contact);
            self.pending.insert((ws, id));
        }
        self.change(|sides| sides.put(ws, id, merge));
        Ok(())
    }

    /// A contact is there, or gone with its history: then no merge of it is.
    pub(super) fn unmerged(&mut self, ws: WorkspaceId, id: ContactId) {
        self.change(|sides| sides.delete::<Merge>(ws, id));
    }

    fn change(&mut self, change: impl FnOnce(&mut Sides)) {
        let mut sides = Sides::default();
        change(&mut sides);
        sides.write(&mut self.writes);
    }
}
