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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Map, Value as Json, json};

    use crate::clock::Clock;
    use crate::config::Config;
    use crate::contact::ContactId;
    use crate::contact::identity::Identifier;
    use crate::engine::{Actor, Engine, NewWorkspace};
    use crate::store::{MemoryStore, Writes};

    fn fields(fields: Json) -> Map<String, Json> {
        fields.as_object().cloned().expect("an object")
    }

    /// As where the upgrade of a store was cut short.
    #[test]
    fn a_key_left_of_format_1_neither_refuses_nor_leads() {
        let settings = Config::defaults().expect("the compiled-in defaults are sound").engine;
        let engine = Engine::open(Arc::new(MemoryStore::default()), None, settings, Clock::fixed(0)).expect("opens");
        let new = NewWorkspace { name: "w".into(), default_country: None, timezone: "UTC".into(), locale: "en".into() };
        let ws = engine.create_workspace(new).expect("a workspace").id;
        let actor = Actor::operator(ws);
        let given = fields(json!({"firstName": "Ana", "email": "ana@b.co", "phone": "+60123456789"}));
        let create = || engine.create_contact(&actor, &given);
        let id = |id| Identifier::Id(ContactId(id));
        let leave_keys = |id| {
            let first = engine.contact(ws, &id, None).expect("a contact");
            let mut writes = Writes::default();
            writes.put_keys_of_format_1(ws, &first.value);
            engine.shared.records.commit(writes).expect("written");
        };
        create().expect("created");
        leave_keys(id(1));
        assert!(create().is_err(), "its owner has it");
        let other = fields(json!({"email": "other@b.co", "phone": null}));
        engine.update_contact(&actor, &id(1), &other).expect("updated");
        create().expect("nobody has it");
        leave_keys(id(2));
        engine.delete_contact(&actor, &id(2)).expect("deleted");
        create().expect("nobody has it");
        let named = engine.contact(ws, &Identifier::Email("ana@b.co".into()), None).expect("the third");
        assert_eq!(named.value.id, ContactId(3));
    }
}
