//! What every part of the engine shares, and the workspaces that are awake.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parking_lot::{Mutex, RwLock};

use super::records_cache::RecordCache;
use super::wake;
use super::workspace::Workspace;
use super::{Error, Result, Settings};
use crate::clock::Clock;
use crate::contact::{self, TokenId, WorkspaceId};
use crate::store::{Records, TokenRecord};

/// The engine's insides.
pub struct Shared {
    pub records: Records,
    pub cache: RecordCache,
    pub settings: Settings,
    pub clock: Clock,
    /// Where derived files live; without it the index is in memory only.
    pub index_dir: Option<PathBuf>,
    pub tokens: RwLock<HashMap<TokenId, TokenRecord>>,
    /// Every workspace, asleep or awake.
    pub workspaces: RwLock<BTreeMap<WorkspaceId, contact::Workspace>>,
    /// Backups under way: the change log is not trimmed meanwhile.
    pub backups: AtomicUsize,
    slots: Mutex<HashMap<WorkspaceId, Arc<Slot>>>,
}

/// The place of a workspace: one thread wakes it, the others wait for that one.
type Slot = Mutex<Option<Arc<Workspace>>>;

impl Shared {
    pub fn new(records: Records, index_dir: Option<PathBuf>, settings: Settings, clock: Clock) -> Result<Shared> {
        let tokens = records.tokens()?.into_iter().map(|token| (token.id, token)).collect();
        let workspaces = records.workspaces()?.into_iter().map(|workspace| (workspace.id, workspace)).collect();
        Ok(Shared {
            cache: RecordCache::new(settings.record_cache_bytes),
            records,
            settings,
            clock,
            index_dir,
            tokens: RwLock::new(tokens),
            workspaces: RwLock::new(workspaces),
            backups: AtomicUsize::new(0),
            slots: Mutex::default(),
        })
    }

    /// The workspace, woken if it sleeps.
    pub fn awake(&self, ws: WorkspaceId) -> Result<Arc<Workspace>> {
        let slot = self.slots.lock().get(&ws).cloned();
        let slot = match slot {
            Some(slot) => slot,
            None => {
                // A caller's id must not leave a slot behind for a workspace that does not exist.
                if !self.workspaces.read().contains_key(&ws) {
                    return Err(Error::NotFound { what: "workspace", name: ws.to_string() });
                }
                self.slots.lock().entry(ws).or_default().clone()
            }
        };
        let mut place = slot.lock();
        let workspace = match &*place {
            Some(workspace) => workspace.clone(),
            None => {
                let woken = Arc::new(wake::wake(self, ws)?);
                *place = Some(woken.clone());
                woken
            }
        };
        workspace.touch(self.clock.now());
        Ok(workspace)
    }

    /// The workspaces that are awake.
    pub fn all_awake(&self) -> Vec<Arc<Workspace>> {
        let slots: Vec<Arc<Slot>> = self.slots.lock().values().cloned().collect();
        // A slot that is locked is being woken: it is not awake yet.
        slots.iter().filter_map(|slot| slot.try_lock().and_then(|place| place.clone())).collect()
    }

    /// Lets the workspace go from memory. Only the committer's thread may ask for it, when no write is under way.
    pub fn forget(&self, ws: WorkspaceId) {
        self.slots.lock().remove(&ws);
    }

    /// The folder of the workspace's derived files.
    pub fn folder(&self, ws: WorkspaceId) -> Option<PathBuf> {
        self.index_dir.as_ref().map(|dir| dir.join(ws.to_string()))
    }
}
