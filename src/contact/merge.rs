//! Contacts that were merged: what they are still found by, and what undoes it.

mod choice;
mod rules;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::identity::IdentityKey;
use super::{Contact, ContactId, Millis, UserId};

pub use choice::{Choices, Side};
pub use rules::{Past, merge, tidied, unmerge};

/// What the contacts merged into one are still found by. It lies in the contact that stayed, so that it goes with it. A
/// contact that takes in one with merged contacts of its own takes theirs too: there is never a chain to follow.
#[derive(Clone, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Merged {
    /// Ascending, each once. Their histories stay under these ids and are read as one with that of the contact.
    #[n(0)]
    pub ids: Vec<ContactId>,
    /// The e-mails of those merged, and the contact's own that gave way to one of them, folded for comparison; ascending,
    /// each once. One that the contact holds itself is here too, so that it leads here still when that changes.
    #[n(1)]
    pub emails: Vec<String>,
    /// Phones likewise, as E.164 digits; ascending, each once.
    #[n(2)]
    pub phones: Vec<u64>,
}

/// Shows the ids only: e-mails and phones must not reach a log by way of `{:?}`.
impl std::fmt::Debug for Merged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Merged({:?})", self.ids)
    }
}

impl Merged {
    /// What its contact is found by beside its own e-mail and phone.
    pub(super) fn keys(&self) -> impl Iterator<Item = IdentityKey> + '_ {
        let emails = self.emails.iter().cloned().map(IdentityKey::Email);
        let phones = self.phones.iter().copied().map(IdentityKey::Phone);
        emails.chain(phones).chain(self.ids.iter().copied().map(IdentityKey::Id))
    }

    /// As a contact keeps it: nothing where nothing was merged.
    pub fn kept(self) -> Option<Box<Merged>> {
        let is_empty = self.ids.is_empty() && self.emails.is_empty() && self.phones.is_empty();
        (!is_empty).then(|| Box::new(self))
    }
}

/// One merge, kept until it is undone or the contact deleted, under the id of the contact that went.
#[derive(Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Merge {
    /// The contact that stayed, at the time: it may have been merged into another since.
    #[n(0)]
    pub primary: ContactId,
    #[n(1)]
    pub at: Millis,
    #[n(2)]
    pub by: Option<UserId>,
    /// Both as they were before, and the primary as it was right after: the primary without its [`Merged`], which is what
    /// the merges into it make together.
    #[n(3)]
    pub primary_before: Contact,
    #[n(4)]
    pub secondary: Contact,
    #[n(5)]
    pub primary_after: Contact,
}
