//! Where store and index meet: the write path, queries, upkeep. Everything above it is thin.

mod definition;
mod error;
pub mod export;
pub mod import;
mod query;
mod select;
mod settings;

pub use definition::Definition;
pub use error::Error;
pub use query::{Explained, FacetCounts, Page, Query, Sort};
pub use select::select;
pub use settings::Settings;

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::clock::Clock;
use crate::contact::identity::Identifier;
use crate::contact::*;
use crate::filter::ContactReport;
use crate::store::{Store, TokenRecord};

type Result<T> = std::result::Result<T, Error>;

/// Who acts: a user of a workspace, or the operator at the command line (`user` absent).
#[derive(Clone, Debug)]
pub struct Actor {
    pub workspace: WorkspaceId,
    pub user: Option<Arc<User>>,
}

/// A result of a write, with the version at which every query shows it.
#[derive(Clone, Debug)]
pub struct Written<T> {
    pub value: T,
    pub version: Seq,
}

/// What became of an interaction.
#[derive(Clone, Debug)]
pub enum Recorded {
    /// Stored; the contact as it is now.
    Stored { number: u64, contact: Arc<Contact> },
    /// The contact is blocked: an incoming message is dropped.
    DroppedBlocked,
}

/// What verify found; empty `problems` means index and store agree completely.
#[derive(Clone, Debug, Default)]
pub struct VerifyReport {
    pub contacts: u64,
    /// Each in words, without contacts' values.
    pub problems: Vec<String>,
}

/// A workspace to be made.
#[derive(Clone, Debug)]
pub struct NewWorkspace {
    pub name: String,
    pub default_country: Option<String>,
    pub timezone: String,
    pub locale: String,
}

/// A custom field to be made.
#[derive(Clone, Debug)]
pub struct NewField {
    pub name: String,
    /// From the name where absent.
    pub slug: Option<String>,
    pub description: Option<String>,
    pub data_type: DataType,
    pub allowed_values: Vec<String>,
    pub searchable: bool,
}

/// The engine. Cheap to share; every method is sync and may block on disk: call it from a blocking pool.
pub struct Engine {
    // owner: engine
}

#[allow(unused_variables, clippy::missing_errors_doc, clippy::missing_panics_doc)]
impl Engine {
    /// Opens the engine over a store. `index_dir` keeps checkpoints and text indexes; without it they live in memory only.
    pub fn open(
        store: Arc<dyn Store>,
        index_dir: Option<&Path>,
        settings: Settings,
        clock: Clock,
    ) -> Result<Arc<Engine>> {
        todo!()
    }
    /// Stops writes, flushes, writes checkpoints. Idempotent.
    pub fn close(&self) -> Result<()> {
        todo!()
    }
    /// Why no writes are taken, if so.
    pub fn read_only(&self) -> Option<String> {
        todo!()
    }
    pub fn clock(&self) -> &Clock {
        todo!()
    }
    pub fn settings(&self) -> &Settings {
        todo!()
    }

    // Workspaces and tokens.
    pub fn create_workspace(&self, new: NewWorkspace) -> Result<Workspace> {
        todo!()
    }
    pub fn workspaces(&self) -> Result<Vec<Workspace>> {
        todo!()
    }
    /// Makes a token for a user; the secret is shown this once.
    pub fn create_token(
        &self,
        ws: WorkspaceId,
        user: UserId,
        name: &str,
        expires_at: Option<Millis>,
    ) -> Result<(TokenRecord, String)> {
        todo!()
    }
    pub fn tokens(&self, ws: WorkspaceId) -> Result<Vec<TokenRecord>> {
        todo!()
    }
    pub fn revoke_token(&self, ws: WorkspaceId, id: TokenId) -> Result<()> {
        todo!()
    }
    /// The actor of a secret that is known, not revoked and not expired. In memory, constant-time in the hash.
    pub fn authenticate(&self, secret: &str) -> Option<Actor> {
        todo!()
    }

    // What the workspace defines.
    pub fn catalog(&self, ws: WorkspaceId) -> Result<Arc<Catalog>> {
        todo!()
    }
    pub fn create_field(&self, ws: WorkspaceId, new: NewField) -> Result<Written<CustomField>> {
        todo!()
    }
    /// Creates (`id` 0) or changes; unique names enforced; for fields only name, description, searchable and appended choices change.
    pub fn put_field(&self, ws: WorkspaceId, field: CustomField) -> Result<Written<CustomField>> {
        todo!()
    }
    /// Removes the field and its values from every contact.
    pub fn delete_field(&self, ws: WorkspaceId, id: CustomFieldId) -> Result<Seq> {
        todo!()
    }
    pub fn put_tag(&self, ws: WorkspaceId, tag: Tag) -> Result<Written<Tag>> {
        todo!()
    }
    /// Removes the tag from every contact too.
    pub fn delete_tag(&self, ws: WorkspaceId, id: TagId) -> Result<Seq> {
        todo!()
    }
    pub fn put_channel(&self, ws: WorkspaceId, channel: Channel) -> Result<Written<Channel>> {
        todo!()
    }
    pub fn put_user(&self, ws: WorkspaceId, user: User) -> Result<Written<User>> {
        todo!()
    }
    pub fn put_stage(&self, ws: WorkspaceId, stage: Stage) -> Result<Written<Stage>> {
        todo!()
    }
    /// Removes the stage from every contact too.
    pub fn delete_stage(&self, ws: WorkspaceId, id: StageId) -> Result<Seq> {
        todo!()
    }

    // Contacts. `fields` is what a caller sends: `Draft::read` reads it.
    pub fn create_contact(&self, actor: &Actor, fields: &Map<String, Json>) -> Result<Written<Arc<Contact>>> {
        todo!()
    }
    pub fn contact(
        &self,
        ws: WorkspaceId,
        who: &Identifier,
        min_version: Option<Seq>,
    ) -> Result<Written<Arc<Contact>>> {
        todo!()
    }
    pub fn update_contact(
        &self,
        actor: &Actor,
        who: &Identifier,
        fields: &Map<String, Json>,
    ) -> Result<Written<Arc<Contact>>> {
        todo!()
    }
    pub fn delete_contact(&self, actor: &Actor, who: &Identifier) -> Result<Written<ContactId>> {
        todo!()
    }
    /// Adds tags by name; unknown ones are created.
    pub fn add_tags(&self, actor: &Actor, who: &Identifier, names: &[String]) -> Result<Written<Arc<Contact>>> {
        todo!()
    }
    pub fn remove_tags(&self, actor: &Actor, who: &Identifier, names: &[String]) -> Result<Written<Arc<Contact>>> {
        todo!()
    }
    /// Records an interaction and moves the time fields; `at` absent means now.
    pub fn record(&self, actor: &Actor, who: &Identifier, interaction: Interaction) -> Result<Written<Recorded>> {
        todo!()
    }
    /// A contact's history, newest first; `before` is the `(at, number)` of the last one seen.
    pub fn history(
        &self,
        ws: WorkspaceId,
        who: &Identifier,
        before: Option<(Millis, u64)>,
        limit: usize,
    ) -> Result<Vec<(u64, Interaction)>> {
        todo!()
    }
    /// Creates many contacts in one batch, each item answered on its own: the bulk loader's and importer's path. With
    /// `everything`, all fields an export writes may be given. Duplicate identities are refused per item unless `allow_duplicates`.
    pub fn create_many(
        &self,
        actor: &Actor,
        items: &[Map<String, Json>],
        everything: bool,
        allow_duplicates: bool,
    ) -> Result<Written<Vec<std::result::Result<ContactId, Error>>>> {
        todo!()
    }
    /// Creates many ready-made contacts (ids, versions and `updated_at` are given here; identities must be unique): the corpus loader's path.
    pub fn load(&self, ws: WorkspaceId, contacts: Vec<Contact>) -> Result<Written<Vec<ContactId>>> {
        todo!()
    }

    // Queries.
    pub fn search(&self, actor: &Actor, query: &Query) -> Result<Page> {
        todo!()
    }
    /// The exact number of matches.
    pub fn count(&self, actor: &Actor, query: &Query) -> Result<Written<u64>> {
        todo!()
    }
    pub fn explain(&self, actor: &Actor, query: &Query) -> Result<Explained> {
        todo!()
    }
    pub fn explain_contact(&self, actor: &Actor, who: &Identifier, query: &Query) -> Result<Written<ContactReport>> {
        todo!()
    }
    /// Up to `limit` contacts with an id above `after`, ascending: what export walks.
    pub fn contacts_after(&self, ws: WorkspaceId, after: ContactId, limit: usize) -> Result<Vec<Contact>> {
        todo!()
    }

    // Upkeep.
    /// Compares index and store completely.
    pub fn verify(&self, ws: WorkspaceId) -> Result<VerifyReport> {
        todo!()
    }
    /// Makes the index anew from the store.
    pub fn rebuild(&self, ws: WorkspaceId) -> Result<()> {
        todo!()
    }
    /// Writes the checkpoint and flushes the text index now.
    pub fn checkpoint(&self, ws: WorkspaceId) -> Result<()> {
        todo!()
    }
    /// Writes everything to one portable stream (NDJSON in zstd), consistent while writes go on. Returns the number of contacts.
    pub fn backup(&self, out: &mut dyn std::io::Write) -> Result<u64> {
        todo!()
    }
    /// Fills an empty store from a backup. Returns the number of contacts.
    pub fn restore(store: &Arc<dyn Store>, input: &mut dyn std::io::Read, clock: &Clock) -> Result<u64> {
        todo!()
    }
    /// Awake workspaces with contacts and index bytes by structure: for metrics.
    pub fn gauges(&self) -> Vec<(WorkspaceId, u64, Vec<(&'static str, usize)>)> {
        todo!()
    }
}
