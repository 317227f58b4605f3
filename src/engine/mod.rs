//! Where store and index meet: the write path, queries, upkeep. Everything above it is thin.

mod act;
mod alarms;
mod backup;
mod checkpoint;
mod commit;
mod contacts;
mod define;
mod definition;
mod delete_workspace;
mod directory;
mod error;
pub mod export;
mod flush;
pub mod import;
mod interactions;
mod jobs;
mod lookup;
mod many;
mod merge;
mod once;
mod query;
mod read;
mod recent;
mod records_cache;
mod segments;
pub mod select;
mod settings;
mod shared;
mod staged;
mod suggestions;
mod tokens;
mod txn;
mod upkeep;
mod verify;
mod wake;
mod workspace;

pub use backup::restore;

pub use crate::index::Shared as SharedBy;
pub use act::{ACTIONS, Acted};
pub use definition::Definition;
pub use error::Error;
pub use jobs::{Confirmation, FacetOutlook, Receipt};
pub use many::{Fate, ManyItem};
pub use merge::{MergedIn, Unmerged};
pub use once::{Once, REMEMBERED};
pub use query::{Explained, FacetCount, FacetCounts, FacetValue, Page, Query, SegmentRef, Sort};
pub use records_cache::ContactJson;
pub use segments::{CountedSegment, NewSegment, SegmentChanges};
pub use settings::Settings;
pub use suggestions::{Suggestion, Suggestions};
pub use tokens::Bearer;

use std::path::Path;
use std::sync::Arc;

use crate::clock::Clock;
use crate::contact::*;
use crate::store::{Records, Store};
use alarms::Alarms;
use commit::Committer;
use jobs::{Runner, Workshop};
use shared::Shared;
use upkeep::Upkeep;

type Result<T> = std::result::Result<T, Error>;

/// Who acts: a user of a workspace, or the operator at the command line (`user` absent).
#[derive(Clone, Debug)]
pub struct Actor {
    pub workspace: WorkspaceId,
    pub user: Option<Arc<User>>,
    /// Done at most once under this key.
    pub once: Option<Once>,
}

impl Actor {
    /// The operator.
    pub fn operator(workspace: WorkspaceId) -> Actor {
        Actor { workspace, user: None, once: None }
    }

    /// The user's id; none is the operator.
    pub fn user_id(&self) -> Option<UserId> {
        self.user.as_ref().map(|user| user.id)
    }

    /// Whether they may see the contact; the operator sees all.
    pub fn sees(&self, contact: &Contact, catalog: &Catalog) -> bool {
        self.user.as_ref().is_none_or(|user| user.sees(contact, catalog))
    }
}

impl From<WorkspaceId> for Actor {
    fn from(workspace: WorkspaceId) -> Actor {
        Actor::operator(workspace)
    }
}

impl From<&Actor> for Actor {
    fn from(actor: &Actor) -> Actor {
        actor.clone()
    }
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
    Stored { number: u64, interaction: Interaction, contact: Arc<Contact> },
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
    shared: Arc<Shared>,
    committer: Arc<Committer>,
    upkeep: Upkeep,
    jobs: Runner,
    alarms: Alarms,
}

impl Engine {
    /// Opens the engine over a store. `index_dir` keeps checkpoints and text indexes; without it they live in memory only.
    ///
    /// # Errors
    /// What the store or the system reports.
    pub fn open(
        store: Arc<dyn Store>,
        index_dir: Option<&Path>,
        settings: Settings,
        clock: Clock,
    ) -> Result<Arc<Engine>> {
        let shared = Shared::new(Records::open(store)?, index_dir.map(Path::to_path_buf), settings, clock)?;
        delete_workspace::remove_leftovers(&shared);
        let shared = Arc::new(shared);
        let committer = Arc::new(Committer::start(shared.clone()).map_err(checkpoint::io)?);
        let upkeep = Upkeep::start(shared.clone(), committer.clone()).map_err(checkpoint::io)?;
        let workshop = Workshop::new(shared.clone(), committer.clone());
        let (jobs, alarms) = (Runner::start(workshop.clone())?, Alarms::start(workshop)?);
        Ok(Arc::new(Engine { shared, committer, upkeep, jobs, alarms }))
    }

    /// Takes no more writes, finishes those that wait, writes checkpoints. Doing it again changes nothing.
    ///
    /// # Errors
    /// What the file system reports; nothing acknowledged is lost by it.
    pub fn close(&self) -> Result<()> {
        self.stop();
        for workspace in self.shared.all_awake() {
            upkeep::settle(&self.shared, &workspace)?;
        }
        Ok(())
    }

    fn stop(&self) {
        self.jobs.stop();
        self.alarms.stop();
        self.upkeep.stop();
        self.committer.stop();
    }

    /// Why no writes are taken, if so.
    pub fn read_only(&self) -> Option<String> {
        self.shared.records.store().read_only()
    }

    /// The engine's clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// The engine's settings.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Where derived files lie; none where they live in memory only.
    pub fn index_dir(&self) -> Option<&Path> {
        self.shared.index_dir.as_deref()
    }

    /// What is awake and what it takes: for metrics.
    pub fn gauges(&self) -> Gauges {
        let awake = self.shared.all_awake();
        let one = |workspace: &Arc<workspace::Workspace>| {
            let state = workspace.state.read();
            AwakeGauges {
                workspace: workspace.id,
                contacts: state.head.contacts,
                version: state.head.seq,
                memory: state.index.memory(),
            }
        };
        Gauges {
            awake: awake.iter().map(one).collect(),
            record_cache_bytes: self.shared.cache.bytes(),
            store_bytes: self.shared.records.store().disk_bytes(),
        }
    }
}

/// What the engine holds.
#[derive(Clone, Debug)]
pub struct Gauges {
    pub awake: Vec<AwakeGauges>,
    pub record_cache_bytes: u64,
    /// On disk.
    pub store_bytes: u64,
}

/// What one workspace that is awake holds.
#[derive(Clone, Debug)]
pub struct AwakeGauges {
    pub workspace: WorkspaceId,
    pub contacts: u64,
    pub version: Seq,
    /// Bytes by structure of the index.
    pub memory: Vec<(&'static str, usize)>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}
