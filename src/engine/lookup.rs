//! Which contact a caller names, as of the moment of the state that is held.

use parking_lot::RwLockReadGuard;

use super::Result;
use super::records_cache::RecordCache;
use super::workspace::{State, Workspace};
use crate::contact::ContactId;
use crate::contact::identity::{Identifier, IdentityKey};
use crate::store::Records;

/// The contact's id, the lowest where several hold the e-mail or phone. One that was merged into another names that other.
pub fn row(
    workspace: &Workspace,
    state: &RwLockReadGuard<'_, State>,
    records: &Records,
    cache: &RecordCache,
    who: &Identifier,
) -> Result<Option<ContactId>> {
    let index = &state.index;
    let key = match who {
        Identifier::Id(id) if index.alive().contains(id.0) => return Ok(Some(*id)),
        Identifier::Id(id) => IdentityKey::Id(*id),
        Identifier::Email(email) => IdentityKey::Email(email.clone()),
        Identifier::Phone(digits) => IdentityKey::Phone(*digits),
    };
    let owner = index.owners(&key).min().map(ContactId);
    // The store may be a batch ahead of the state: whoever is in that batch is looked at too, and the state decides.
    let mut candidates = records.merged_holders(workspace.id, &key)?;
    candidates.extend(workspace.in_flight.read().keys());
    candidates.sort_unstable();
    for id in candidates.into_iter().take_while(|id| owner.is_none_or(|owner| *id < owner)) {
        let contact = workspace.contact(state, records, cache, id)?;
        if contact.is_some_and(|contact| IdentityKey::merged(&contact).any(|held| held == key)) {
            return Ok(Some(id));
        }
    }
    Ok(owner)
}
