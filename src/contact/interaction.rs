//! What happened with a contact: messages, comments, events.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{ChannelId, Millis, UserId};

/// The four kinds of interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum InteractionKind {
    #[n(0)]
    IncomingMessage,
    #[n(1)]
    OutgoingMessage,
    #[n(2)]
    Comment,
    #[n(3)]
    Event,
}

/// One entry of a contact's history.
#[derive(Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Interaction {
    #[n(0)]
    pub kind: InteractionKind,
    #[n(1)]
    pub at: Millis,
    /// Messages: the channel it came or went by.
    #[n(2)]
    pub channel: Option<ChannelId>,
    /// Outgoing messages and comments: who wrote it.
    #[n(3)]
    pub author: Option<UserId>,
    #[n(4)]
    pub text: Option<String>,
}

/// Without its text: that must not reach a log by way of `{:?}`.
impl std::fmt::Debug for Interaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {}", self.kind, self.at)
    }
}
