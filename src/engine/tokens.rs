//! API tokens: made, listed, revoked, and who a secret is.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::define::{NAME_CHARS_MAX, named};
use super::{Actor, Engine, Error, Result};
use crate::contact::{Catalog, Millis, TokenId, UserId, WorkspaceId};
use crate::store::TokenRecord;

/// What every secret begins with, so that a leaked one is recognised for what it is.
const PREFIX: &str = "rollcall_";

impl Engine {
    /// Makes a token for a user; the secret is shown this once.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown workspace or user, [`Error::Invalid`] for no name or too long a one.
    pub fn create_token(
        &self,
        ws: WorkspaceId,
        user: UserId,
        name: &str,
        expires_at: Option<Millis>,
    ) -> Result<(TokenRecord, String)> {
        let name = named(name, "name", NAME_CHARS_MAX)?;
        // Spans reading the last id and writing the next one; the tokens themselves are not locked while the disk writes.
        // The workspace is looked up within, for its deletion waits for this lock.
        let _writing = self.shared.tokens_writing.lock();
        if !self.catalog(ws)?.users.contains_key(&user) {
            return Err(Error::NotFound { what: "user", name: user.to_string() });
        }
        let id = TokenId(self.shared.tokens.read().keys().map(|id| id.0).max().unwrap_or(0) + 1);
        let mut random = [0u8; 32];
        rand::rng().fill_bytes(&mut random);
        let secret = format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(random));
        let record = TokenRecord {
            id,
            workspace: ws,
            user,
            name,
            hash: Sha256::digest(secret.as_bytes()).into(),
            created_at: self.shared.clock.now(),
            expires_at,
            revoked_at: None,
        };
        self.committer.write_token(record.clone())?;
        self.shared.tokens.write().insert(id, record.clone());
        Ok((record, secret))
    }

    /// The workspace's tokens, by id.
    ///
    /// # Errors
    /// None today; a store that keeps tokens elsewhere may fail.
    pub fn tokens(&self, ws: WorkspaceId) -> Result<Vec<TokenRecord>> {
        let tokens = self.shared.tokens.read();
        let mut own: Vec<TokenRecord> = tokens.values().filter(|token| token.workspace == ws).cloned().collect();
        own.sort_by_key(|token| token.id);
        Ok(own)
    }

    /// Revokes a token at once. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn revoke_token(&self, ws: WorkspaceId, id: TokenId) -> Result<()> {
        let _writing = self.shared.tokens_writing.lock();
        let token = self.shared.tokens.read().get(&id).filter(|token| token.workspace == ws).cloned();
        let token = token.ok_or(Error::NotFound { what: "token", name: id.to_string() })?;
        if token.revoked_at.is_none() {
            let revoked = TokenRecord { revoked_at: Some(self.shared.clock.now()), ..token };
            self.committer.write_token(revoked.clone())?;
            self.shared.tokens.write().insert(id, revoked);
        }
        Ok(())
    }

    /// The actor of a secret that is known, not revoked and not expired. Wakes the workspace.
    pub fn authenticate(&self, secret: &str) -> Option<Actor> {
        self.bearer(secret).and_then(|bearer| self.actor(bearer))
    }

    /// Whose a secret is that is known, not revoked and not expired. Compared in constant time; waits for nothing.
    pub fn bearer(&self, secret: &str) -> Option<Bearer> {
        let id: u32 = secret.strip_prefix(PREFIX)?.split('_').next()?.parse().ok()?;
        let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let tokens = self.shared.tokens.read();
        let token = tokens.get(&TokenId(id))?;
        let known: bool = hash.ct_eq(&token.hash).into();
        let expired = token.expires_at.is_some_and(|at| at <= self.shared.clock.now());
        (known && !expired && token.revoked_at.is_none())
            .then_some(Bearer { workspace: token.workspace, user: token.user })
    }

    /// The user as the workspace knows them now, which wakes it; none where either is gone.
    pub fn actor(&self, bearer: Bearer) -> Option<Actor> {
        bearer.acts(&*self.catalog(bearer.workspace).ok()?)
    }

    /// As [`Engine::actor`], without waiting; none where the workspace is not awake, or they are gone.
    pub fn actor_at_hand(&self, bearer: Bearer) -> Option<Actor> {
        bearer.acts(&self.shared.at_hand(bearer.workspace)?.catalog())
    }
}

/// Whose a token is.
#[derive(Clone, Copy, Debug)]
pub struct Bearer {
    pub workspace: WorkspaceId,
    user: UserId,
}

impl Bearer {
    fn acts(self, catalog: &Catalog) -> Option<Actor> {
        let user = catalog.users.get(&self.user).cloned()?;
        Some(Actor { workspace: self.workspace, user: Some(Arc::new(user)), once: None })
    }
}
