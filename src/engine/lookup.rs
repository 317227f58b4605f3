//! Which contact a caller names, as of the moment of the state that is held.

use parking_lot::RwLockReadGuard;

use super::Result;
use super::workspace::{State, Workspace};
use crate::contact::identity::{Identifier, IdentityKey};
use crate::contact::{ContactId, Field};
use crate::store::Records;

/// The contact's id, the lowest where several hold the e-mail or phone.
pub fn row(
    workspace: &Workspace,
    state: &RwLockReadGuard<'_, State>,
    records: &Records,
    who: &Identifier,
) -> Result<Option<ContactId>> {
    let index = &state.index;
    Ok(match who {
        Identifier::Id(id) => index.alive().contains(id.0).then_some(*id),
        Identifier::Email(email) => {
            index.text(Field::Email).and_then(|emails| emails.equal(email).min()).map(ContactId)
        }
        Identifier::Phone(digits) => {
            // The store may be a batch ahead of the state: whoever is in that batch is looked at too, and the index decides.
            let mut holders = records.holders(workspace.id, &IdentityKey::Phone(*digits))?;
            holders.extend(workspace.in_flight.read().keys());
            let holds = |id: &ContactId| index.phone(id.0).is_some_and(|phone| phone.digits == *digits);
            holders.into_iter().filter(holds).min()
        }
    })
}
