//! Idempotency keys: what was done under one is noted in the batch that did it, so that a repeat after a lost answer, even
//! one lost in a crash, finds the result and does nothing twice. Contacts are noted by id, never by their values.

use std::sync::Arc;

use minicbor::{Decode, Encode};

use super::txn::{Txn, absent};
use super::{Error, Recorded, Result, Unmerged};
use crate::contact::identity::Identifier;
use crate::contact::*;
use crate::store::UsedKey;

/// How long a key is remembered, in milliseconds: a day.
pub const REMEMBERED: Millis = 24 * 3600 * 1000;
/// Forgotten keys removed along with each new one: more than come in, so that none stays.
const REMOVED_AT_ONCE: usize = 4;

/// A caller's idempotency key, and what it was sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Once {
    /// A hash of the user and the key.
    pub key: [u8; 16],
    /// A hash of the request.
    pub request: [u8; 16],
}

/// A result that can be noted and found again.
pub trait Outcome: Sized {
    /// Its form in the store, without contacts' values.
    fn note(&self) -> Vec<u8>;

    /// The result of that form.
    ///
    /// # Errors
    /// [`Error::NotFound`] where what it was about is gone.
    fn recall(noted: &[u8], txn: &Txn) -> Result<Self>;
}

/// Does the operation, or finds what it did before.
pub fn run<R: Outcome>(txn: &mut Txn, once: &Once, operation: impl FnOnce(&mut Txn) -> Result<R>) -> Result<R> {
    if let Some(done) = txn.side::<Done>(once.key)?.filter(|done| done.at > txn.now - REMEMBERED) {
        if done.request != once.request {
            return Err(Error::KeyReused);
        }
        return R::recall(&done.outcome, txn);
    }
    let value = operation(txn)?;
    let done = Done { request: once.request, outcome: value.note(), at: txn.now };
    txn.put_side(once.key, &done);
    txn.put_side((txn.now, once.key), &UsedKey::default());
    for (at, key) in txn.used_before(txn.now - REMEMBERED, REMOVED_AT_ONCE)? {
        txn.delete_side::<UsedKey>((at, key));
        // It may have been used again since.
        if txn.side::<Done>(key)?.is_some_and(|done| done.at == at) {
            txn.delete_side::<Done>(key);
        }
    }
    Ok(value)
}

/// A value's CBOR.
pub fn noted<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to a Vec cannot fail, and no type of ours refuses to be encoded.
    let _ = minicbor::encode(value, &mut bytes);
    bytes
}

/// The value of that CBOR.
///
/// # Errors
/// None but for a defect: its checksum was found right.
pub fn recalled<T: for<'b> Decode<'b, ()>>(noted: &[u8]) -> Result<T> {
    minicbor::decode(noted).map_err(|_| Error::Io("what was noted of an earlier request cannot be read".into()))
}

/// Notes what says nothing of a contact as it is.
macro_rules! by_value {
    ($($kind:ty),* $(,)?) => {$(
        impl Outcome for $kind {
            fn note(&self) -> Vec<u8> {
                noted(self)
            }

            fn recall(noted: &[u8], _: &Txn) -> Result<Self> {
                recalled(noted)
            }
        }
    )*};
}

by_value! { (), u64, ContactId, JobId, CustomField, Tag, Channel, User, Stage, Segment }

impl Outcome for Arc<Contact> {
    fn note(&self) -> Vec<u8> {
        noted(&self.id)
    }

    fn recall(noted: &[u8], txn: &Txn) -> Result<Self> {
        txn.named(&Identifier::Id(recalled(noted)?))
    }
}

impl Outcome for Unmerged {
    fn note(&self) -> Vec<u8> {
        noted(&(self.primary.id, self.secondary.id))
    }

    fn recall(noted: &[u8], txn: &Txn) -> Result<Self> {
        let (primary, secondary) = recalled::<(ContactId, ContactId)>(noted)?;
        let of = |id: ContactId| txn.named(&Identifier::Id(id));
        Ok(Unmerged { primary: of(primary)?, secondary: of(secondary)? })
    }
}

impl Outcome for Recorded {
    fn note(&self) -> Vec<u8> {
        match self {
            Recorded::Stored { number, interaction, contact } => noted(&Some((*number, interaction.at, contact.id))),
            Recorded::DroppedBlocked => noted(&None::<(u64, Millis, ContactId)>),
        }
    }

    fn recall(noted: &[u8], txn: &Txn) -> Result<Self> {
        let Some((number, at, id)) = recalled::<Option<(u64, Millis, ContactId)>>(noted)? else {
            return Ok(Recorded::DroppedBlocked);
        };
        // The entry stays under the id it was recorded for, also when that contact was merged into another since.
        let interaction = txn.past(id, at, number)?.ok_or_else(|| absent(&Identifier::Id(id)))?;
        Ok(Recorded::Stored { number, interaction, contact: txn.named(&Identifier::Id(id))? })
    }
}
