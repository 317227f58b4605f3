//! Which contact a caller names, by the index: so that it agrees with every query of the same moment.

use super::workspace::State;
use crate::contact::identity::Identifier;
use crate::contact::{ContactId, Field};

/// The contact's id, the lowest where several hold the e-mail or phone.
pub fn row(state: &State, who: &Identifier) -> Option<ContactId> {
    let index = &state.index;
    match who {
        Identifier::Id(id) => index.alive().contains(id.0).then_some(*id),
        Identifier::Email(email) => index.text(Field::Email)?.equal(email).min().map(ContactId),
        Identifier::Phone(digits) => index.phone_rows(*digits).min().map(ContactId),
    }
}
