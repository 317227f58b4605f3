//! The contact itself, as the store keeps it and the engine changes it.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{
    Alpha2, ChannelId, ChannelLink, ContactId, Conversation, CustomFieldId, Merged, Millis, Phone, Seq, StageId,
    Status, TagId, UserId, Value,
};

/// One contact. Stored as a CBOR array by index. A later version adds a field by taking the next number, never one used
/// before, as an `Option` or with `#[cbor(n(..), skip_if = "…")]` where the type's default says "nothing": older values
/// then read back with that field absent, encode again to the same bytes (which the digest of a workspace rests on), and
/// are read by older versions. So it goes for every stored struct; an enum may gain a variant, which only older versions
/// cannot read.
#[derive(Clone, Default, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Contact {
    #[n(0)]
    pub id: ContactId,
    /// The change that wrote this state.
    #[n(1)]
    pub version: Seq,
    #[n(2)]
    pub first_name: Option<String>,
    #[n(3)]
    pub last_name: Option<String>,
    /// As given; compared in lower case.
    #[n(4)]
    pub email: Option<String>,
    #[n(5)]
    pub phone: Option<Phone>,
    #[n(6)]
    pub country_code: Option<Alpha2>,
    #[n(7)]
    pub language: Option<Alpha2>,
    #[n(8)]
    pub profile_pic: Option<String>,
    /// Ascending, each once.
    #[n(9)]
    pub tags: Vec<TagId>,
    /// In order of connection.
    #[n(10)]
    pub channels: Vec<ChannelLink>,
    #[n(11)]
    pub last_interacted_channel: Option<ChannelId>,
    #[n(12)]
    pub assignee: Option<UserId>,
    #[n(13)]
    pub lifecycle: Option<StageId>,
    #[n(14)]
    pub conversation: Conversation,
    /// Hides the conversation's status; unblocking brings it back.
    #[n(15)]
    pub blocked: bool,
    #[n(16)]
    pub snoozed_until: Option<Millis>,
    #[n(17)]
    pub conversation_opened_at: Option<Millis>,
    #[n(18)]
    pub last_message_at: Option<Millis>,
    #[n(19)]
    pub last_incoming_message_at: Option<Millis>,
    #[n(20)]
    pub last_interaction_at: Option<Millis>,
    #[n(21)]
    pub created_at: Millis,
    #[n(22)]
    pub updated_at: Millis,
    /// Ascending by field, each once; an absent field has no entry.
    #[n(23)]
    pub custom: Vec<(CustomFieldId, Value)>,
    /// What the contacts merged into this one are still found by.
    #[n(24)]
    pub merged: Option<Box<Merged>>,
}

impl Contact {
    /// What the contact shows as its status.
    pub fn status(&self) -> Status {
        match (self.blocked, self.conversation) {
            (true, _) => Status::Blocked,
            (false, Conversation::Open) => Status::Open,
            (false, Conversation::Closed) => Status::Closed,
            (false, Conversation::Snoozed) => Status::Snoozed,
        }
    }

    /// Notes when the conversation was opened, if it was closed or snoozed `before`.
    pub fn note_opened(&mut self, before: &Contact, at: Millis) {
        if self.conversation == Conversation::Open && before.conversation != Conversation::Open {
            self.conversation_opened_at = self.conversation_opened_at.max(Some(at));
        }
    }

    /// When its snooze ends by itself; none while it is not snoozed, or snoozed without an end.
    pub fn snooze_end(&self) -> Option<Millis> {
        self.snoozed_until.filter(|_| self.conversation == Conversation::Snoozed)
    }

    /// First and last name joined by one space, or whichever there is.
    pub fn full_name(&self) -> Option<String> {
        match (&self.first_name, &self.last_name) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (first, last) => first.clone().or_else(|| last.clone()),
        }
    }

    /// The name a person sees: full name, else phone, else e-mail, else `Contact <id>`.
    pub fn display_name(&self) -> String {
        self.full_name()
            .or_else(|| self.phone.as_ref().map(Phone::e164))
            .or_else(|| self.email.clone())
            .unwrap_or_else(|| format!("Contact {}", self.id))
    }

    /// The custom field's value.
    pub fn custom(&self, field: CustomFieldId) -> Option<&Value> {
        self.custom.binary_search_by_key(&field, |(id, _)| *id).ok().map(|at| &self.custom[at].1)
    }

    /// Sets or, with `None`, clears a custom field.
    pub fn set_custom(&mut self, field: CustomFieldId, value: Option<Value>) {
        match (self.custom.binary_search_by_key(&field, |(id, _)| *id), value) {
            (Ok(at), Some(value)) => self.custom[at].1 = value,
            (Ok(at), None) => drop(self.custom.remove(at)),
            (Err(at), Some(value)) => self.custom.insert(at, (field, value)),
            (Err(_), None) => {}
        }
    }
}

/// Shows the id only: a contact's values must not reach a log by way of `{:?}`.
impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Contact({} at {})", self.id, self.version)
    }
}
