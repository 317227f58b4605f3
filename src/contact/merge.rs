//! Contacts that were merged: what they are still found by, and what undoes it.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::identity::IdentityKey;
use super::{Contact, ContactId, Millis, UserId};

/// What the contacts merged into one are still found by. It lies in the contact that stayed, so that it goes with it. A
/// contact that takes in one with merged contacts of its own takes theirs too: there is never a chain to follow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Merged {
    /// Ascending, each once. Their histories stay under these ids and are read as one with that of the contact.
    #[n(0)]
    pub ids: Vec<ContactId>,
    /// E-mails that did not stay, folded for comparison; ascending, each once.
    #[n(1)]
    pub emails: Vec<String>,
    /// Phones that did not stay, as E.164 digits; ascending, each once.
    #[n(2)]
    pub phones: Vec<u64>,
}

impl Merged {
    /// The keys that are found by, but for those that the contact holds as its own.
    pub(super) fn keys(&self, own_email: Option<&str>, own_phone: Option<u64>) -> Vec<IdentityKey> {
        let emails = self.emails.iter().filter(|email| own_email != Some(email)).cloned().map(IdentityKey::Email);
        let phones = self.phones.iter().copied().filter(|phone| own_phone != Some(*phone)).map(IdentityKey::Phone);
        emails.chain(phones).chain(self.ids.iter().copied().map(IdentityKey::Id)).collect()
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
    /// Both as they were before, and the primary as it was right after.
    #[n(3)]
    pub primary_before: Contact,
    #[n(4)]
    pub secondary: Contact,
    #[n(5)]
    pub primary_after: Contact,
}
