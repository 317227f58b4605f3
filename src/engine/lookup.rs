//! Which contact a caller names, as of the moment of the state that is held.

use parking_lot::RwLockReadGuard;

use super::Result;
use super::records_cache::RecordCache;
use super::workspace::{State, Workspace};
use crate::contact::identity::{Identifier, IdentityKey};
use crate::contact::{ContactId, Field};
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
    // The store may be a batch ahead of the state: whoever is in that batch is looked at too, and the state decides.
    let mut candidates = records.holders(workspace.id, &key)?;
    candidates.extend(workspace.in_flight.read().keys());
    candidates.sort_unstable();
    for id in candidates {
        let holds = match &key {
            IdentityKey::Email(email) if is_email(state, id, email) => true,
            IdentityKey::Phone(digits) if index.phone(id.0).is_some_and(|phone| phone.digits == *digits) => true,
            // What was merged is in no index.
            _ => workspace
                .contact(state, records, cache, id)?
                .is_some_and(|contact| contact.merged.is_some() && IdentityKey::of(&contact).any(|held| held == key)),
        };
        if holds {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn is_email(state: &State, id: ContactId, email: &str) -> bool {
    state.index.text(Field::Email).is_some_and(|emails| emails.get(id.0) == Some(email))
}
