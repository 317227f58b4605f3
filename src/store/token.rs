//! An API token as stored: its hash, never itself.

use minicbor::{Decode, Encode};

use crate::contact::{Millis, TokenId, UserId, WorkspaceId};

/// A token of one user of one workspace.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TokenRecord {
    #[n(0)]
    pub id: TokenId,
    #[n(1)]
    pub workspace: WorkspaceId,
    #[n(2)]
    pub user: UserId,
    /// What it is for, in the words of who made it.
    #[n(3)]
    pub name: String,
    /// SHA-256 of the secret.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub hash: [u8; 32],
    #[n(5)]
    pub created_at: Millis,
    #[n(6)]
    pub expires_at: Option<Millis>,
    #[n(7)]
    pub revoked_at: Option<Millis>,
}
