//! Ids: dense `u32`s inside one workspace, never reused, and the workspace's sequence number.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
        #[cbor(transparent)]
        #[serde(transparent)]
        pub struct $name(#[n(0)] pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

id! {
    /// A workspace of this server.
    WorkspaceId(u32);
    /// A contact, which is also its row in every structure of the index: 1, 2, 3 … per workspace.
    ContactId(u32);
    /// A user of a workspace.
    UserId(u32);
    /// A tag of a workspace.
    TagId(u32);
    /// A channel of a workspace (one connected WhatsApp number, one mailbox …).
    ChannelId(u32);
    /// A lifecycle stage of a workspace.
    StageId(u32);
    /// A custom field of a workspace.
    CustomFieldId(u32);
    /// A saved filter of a workspace.
    SegmentId(u32);
    /// An API token of the server.
    TokenId(u32);
    /// A job of a workspace: a bulk edit with its receipt, an import.
    JobId(u32);
    /// The number of a change in its workspace: 1, 2, 3 … without gaps.
    Seq(u64);
}
