//! Values of a contact that are more than a string or a number.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{ChannelId, Millis};

/// What a custom field of a contact holds; the variant follows from the field's [`DataType`](super::DataType).
#[derive(Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Value {
    /// text, email and url fields, as given.
    #[n(0)]
    Text(#[n(0)] String),
    /// list fields: position in the field's allowed values.
    #[n(1)]
    Choice(#[n(0)] u16),
    /// checkbox fields.
    #[n(2)]
    Checkbox(#[n(0)] bool),
    /// number fields: finite, never `-0.0`.
    #[n(3)]
    Number(#[n(0)] f64),
    /// date fields: days since 1970-01-01.
    #[n(4)]
    Date(#[n(0)] i32),
    /// time fields: minutes since midnight.
    #[n(5)]
    Time(#[n(0)] u16),
}

/// The conversation's own status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conversation {
    #[n(0)]
    Open,
    #[default]
    #[n(1)]
    Closed,
    #[n(2)]
    Snoozed,
}

impl Conversation {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Conversation::Open => Status::Open.name(),
            Conversation::Closed => Status::Closed.name(),
            Conversation::Snoozed => Status::Snoozed.name(),
        }
    }
}

/// What a contact shows as its status; the discriminant is the declared order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    Open = 0,
    Closed = 1,
    Snoozed = 2,
    Blocked = 3,
}

impl Status {
    /// Every status in declared order.
    pub const ALL: [Status; 4] = [Status::Open, Status::Closed, Status::Snoozed, Status::Blocked];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        ["open", "closed", "snoozed", "blocked"][self as usize]
    }

    /// The status of that name, in any case.
    pub fn parse(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|s| s.name().eq_ignore_ascii_case(name))
    }
}

/// Two ASCII letters: an ISO 3166-1 alpha-2 country in upper case or an ISO 639-1 language in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
#[cbor(transparent)]
#[serde(transparent)]
pub struct Alpha2(#[n(0)] pub u16);

impl Alpha2 {
    /// The two letters as they stand.
    pub fn new(letters: [u8; 2]) -> Alpha2 {
        Alpha2(u16::from_be_bytes(letters))
    }

    /// The two letters as text.
    pub fn text(self) -> String {
        self.0.to_be_bytes().iter().map(|&b| b as char).collect()
    }
}

/// A phone number: kept in E.164 and as the caller gave it.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Phone {
    /// The E.164 digits without `+`, at most 15, first digit never 0.
    #[n(0)]
    pub digits: u64,
    /// How many of the digits are the country calling code: 1 to 3.
    #[n(1)]
    pub calling_code_len: u8,
    /// What the caller typed.
    #[n(2)]
    pub given: String,
}

/// A contact's place on one channel.
#[derive(Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelLink {
    #[n(0)]
    pub channel: ChannelId,
    /// Who the contact is on that channel: a number, a handle, an address.
    #[n(1)]
    pub address: Option<String>,
    #[n(2)]
    pub connected_at: Millis,
    #[n(3)]
    pub last_message_at: Option<Millis>,
    #[n(4)]
    pub last_incoming_at: Option<Millis>,
}
