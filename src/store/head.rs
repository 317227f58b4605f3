//! The counters of a workspace and the entries of its change log.

use minicbor::{Decode, Encode};

use crate::contact::{ChannelId, ContactId, CustomFieldId, SegmentId, Seq, StageId, TagId, UserId};

/// A workspace's counters, rewritten with every batch that touches it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Head {
    /// The last change.
    #[n(0)]
    pub seq: Seq,
    /// The last contact id given.
    #[n(1)]
    pub last_contact: ContactId,
    /// How many contacts there are.
    #[n(2)]
    pub contacts: u64,
    /// Wrapping sum of a 64-bit hash of every contact's stored value and key: tells that one is missing or altered.
    #[n(3)]
    pub digest: u64,
    /// The last id given to any item of the catalog.
    #[n(4)]
    pub last_item: u32,
    /// Where the kept part of the change log begins: changes up to here were trimmed.
    #[n(5)]
    pub log_floor: Seq,
}

/// What a change was about. Deletions and edits look the same: the current state says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(flat)]
pub enum Subject {
    #[n(0)]
    Contact(#[n(0)] ContactId),
    #[n(1)]
    Field(#[n(0)] CustomFieldId),
    #[n(2)]
    Tag(#[n(0)] TagId),
    #[n(3)]
    Channel(#[n(0)] ChannelId),
    #[n(4)]
    User(#[n(0)] UserId),
    #[n(5)]
    Stage(#[n(0)] StageId),
    #[n(6)]
    Segment(#[n(0)] SegmentId),
    #[n(7)]
    Workspace,
}

/// One entry of the change log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub seq: Seq,
    pub subject: Subject,
}
