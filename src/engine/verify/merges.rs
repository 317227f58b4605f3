//! Whether merged contacts and their histories hold together: each id is of one contact, or leads to one.

use std::collections::BTreeMap;

use crate::contact::{Contact, ContactId, WorkspaceId};
use crate::engine::Result;
use crate::engine::merge::merged_into;
use crate::index::RowSet;
use crate::store::Records;

/// What the contacts say of what they took in.
#[derive(Default)]
pub struct Merges {
    /// The contact that each merged id leads to.
    leads_to: BTreeMap<ContactId, ContactId>,
    problems: Vec<String>,
}

impl Merges {
    /// Takes note of a contact.
    pub fn contact(&mut self, contact: &Contact) {
        for id in merged_into(contact) {
            if let Some(other) = self.leads_to.insert(*id, contact.id) {
                self.problems.push(format!("contact {id} is merged into contact {other} and into {}", contact.id));
            }
        }
    }

    /// What is wrong, once every contact was noted.
    ///
    /// # Errors
    /// What the store reports.
    pub fn problems(mut self, records: &Records, ws: WorkspaceId, alive: &RowSet) -> Result<Vec<String>> {
        let mut unrecorded = self.leads_to.clone();
        let Merges { leads_to, problems } = &mut self;
        records.each_merge(ws, |id, merge| match unrecorded.remove(&id) {
            None => problems.push(format!("a merge of contact {id} is kept, and it leads to no contact")),
            // Straight into the contact, or into one that was merged into it in turn.
            Some(holder) if merge.primary == holder || leads_to.get(&merge.primary) == Some(&holder) => {}
            Some(holder) => {
                problems.push(format!("contact {id} was merged into contact {}, and leads to {holder}", merge.primary));
            }
        })?;
        for (id, into) in unrecorded {
            self.problems.push(format!("contact {id} is merged into contact {into}, and how is not kept"));
        }
        for id in self.leads_to.keys().filter(|id| alive.contains(id.0)) {
            self.problems.push(format!("contact {id} is there, and merged into another"));
        }
        for id in records.histories(ws)? {
            if !alive.contains(id.0) && !self.leads_to.contains_key(&id) {
                self.problems.push(format!("a history of contact {id} is kept, which is not there"));
            }
        }
        Ok(self.problems)
    }
}
