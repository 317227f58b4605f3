//! What happened with a contact: messages, comments, events; and the time fields it moves.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{ChannelId, ChannelLink, Contact, Conversation, Millis, UserId};

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

impl Interaction {
    /// Moves the contact's time fields, never backwards.
    pub fn move_times(&self, contact: &mut Contact) {
        let at = self.at;
        forward(&mut contact.last_interaction_at, at);
        let incoming = self.kind == InteractionKind::IncomingMessage;
        if !incoming && self.kind != InteractionKind::OutgoingMessage {
            return;
        }
        let newest = forward(&mut contact.last_message_at, at);
        if incoming {
            forward(&mut contact.last_incoming_message_at, at);
        }
        if let Some(channel) = self.channel {
            if newest {
                contact.last_interacted_channel = Some(channel);
            }
            on_channel(contact, channel, at, incoming);
        }
        // A late message does not open what was closed after it.
        let reopens = contact.conversation != Conversation::Open && newest;
        if reopens {
            contact.conversation = Conversation::Open;
            contact.snoozed_until = None;
            forward(&mut contact.conversation_opened_at, at);
        }
    }
}

fn on_channel(contact: &mut Contact, channel: ChannelId, at: Millis, incoming: bool) {
    let link = match contact.channels.iter_mut().position(|link| link.channel == channel) {
        Some(at) => &mut contact.channels[at],
        None => {
            let link =
                ChannelLink { channel, address: None, connected_at: at, last_message_at: None, last_incoming_at: None };
            let place = contact.channels.partition_point(|other| other.connected_at <= at);
            contact.channels.insert(place, link);
            &mut contact.channels[place]
        }
    };
    forward(&mut link.last_message_at, at);
    if incoming {
        forward(&mut link.last_incoming_at, at);
    }
}

/// Sets the time if it is newer; whether it is the newest now.
fn forward(time: &mut Option<Millis>, at: Millis) -> bool {
    let newest = time.is_none_or(|time| at >= time);
    if newest {
        *time = Some(at);
    }
    newest
}
