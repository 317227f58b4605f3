//! What every part of the engine shares, and the workspaces that are awake.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize};

use parking_lot::{Mutex, RwLock};

use super::directory::Directory;
use super::export::snapshot::Snapshots;
use super::import;
use super::records_cache::RecordCache;
use super::wake;
use super::workspace::Workspace;
use super::{Error, Result, Settings};
use crate::clock::Clock;
use crate::contact::{TokenId, WorkspaceId};
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
    /// Held by whoever makes or revokes a token; never by who only asks for one.
    pub tokens_writing: Mutex<()>,
    pub directory: RwLock<Directory>,
    /// Backups under way: the change log is not trimmed meanwhile.
    pub backups: AtomicUsize,
    /// Moments that are being exported.
    pub snapshots: Snapshots,
    /// What imports under way have at hand.
    pub imports: import::Benches,
    /// When the next alarm rings, at the earliest; whoever sets an earlier one lowers it.
    pub next_alarm: AtomicI64,
    slots: Mutex<HashMap<WorkspaceId, Arc<Slot>>>,
}

/// The place of a workspace: one thread wakes it, the others wait for that one.
type Slot = Mutex<Option<Arc<Workspace>>>;

impl Shared {
    pub fn new(records: Records, index_dir: Option<PathBuf>, settings: Settings, clock: Clock) -> Result<Shared> {
        let tokens = records.tokens()?.into_iter().map(|token| (token.id, token)).collect();
        let directory = Directory::read(&records)?;
        Ok(Shared {
            cache: RecordCache::new(settings.record_cache_bytes),
            records,
            settings,
            clock,
            index_dir,
            tokens: RwLock::new(tokens),
            tokens_writing: Mutex::default(),
            directory: RwLock::new(directory),
            backups: AtomicUsize::new(0),
            snapshots: Snapshots::default(),
            imports: import::Benches::default(),
            next_alarm: AtomicI64::new(i64::MIN),
            slots: Mutex::default(),
        })
    }

    /// The workspace, woken if it sleeps.
    pub fn awake(&self, ws: WorkspaceId) -> Result<Arc<Workspace>> {
        let workspace = loop {
            let slot = self.slot(ws)?;
            let mut place = slot.lock();
            if let Some(workspace) = &*place {
                break workspace.clone();
            }
            // What is woken where nobody looks for it any more would miss the next write.
            if self.slots.lock().get(&ws).is_some_and(|current| Arc::ptr_eq(current, &slot)) {
                let woken = Arc::new(wake::wake(self, ws)?);
                *place = Some(woken.clone());
                break woken;
            }
        };
        workspace.touch(self.clock.now());
        Ok(workspace)
    }

    /// The workspace, if it is awake and not being woken.
    pub fn at_hand(&self, ws: WorkspaceId) -> Option<Arc<Workspace>> {
        let slot = self.slots.lock().get(&ws).cloned()?;
        let workspace = slot.try_lock()?.clone()?;
        workspace.touch(self.clock.now());
        Some(workspace)
    }

    /// The place of a workspace that exists.
    fn slot(&self, ws: WorkspaceId) -> Result<Arc<Slot>> {
        let mut slots = self.slots.lock();
        if let Some(slot) = slots.get(&ws) {
            return Ok(slot.clone());
        }
        // A caller's id must not leave a slot behind for a workspace that does not exist, nor that is deleted just now.
        if !self.directory.read().has(ws) {
            return Err(Error::NotFound { what: "workspace", name: ws.to_string() });
        }
        Ok(slots.entry(ws).or_default().clone())
    }

    /// Wakes the workspace anew after `clear` has changed its files; meanwhile nobody else writes them or wakes it. Only the
    /// committer's thread may ask for it, when no write is under way.
    pub fn wake_anew(&self, ws: WorkspaceId, clear: impl FnOnce() -> Result<()>) -> Result<Arc<Workspace>> {
        let slot = self.slot(ws)?;
        let mut place = slot.lock();
        if let Some(old) = place.take() {
            old.retire();
        }
        clear()?;
        let woken = Arc::new(wake::wake(self, ws)?);
        *place = Some(woken.clone());
        Ok(woken)
    }

    /// The workspaces that are awake.
    pub fn all_awake(&self) -> Vec<Arc<Workspace>> {
        let slots: Vec<Arc<Slot>> = self.slots.lock().values().cloned().collect();
        // A slot that is locked is being woken: it is not awake yet.
        slots.iter().filter_map(|slot| slot.try_lock().and_then(|place| place.clone())).collect()
    }

    /// Lets the workspace go from memory. Only the committer's thread may ask for it, when no write is under way.
    pub fn forget(&self, workspace: &Workspace) {
        let slot = self.slots.lock().get(&workspace.id).cloned();
        // Locked, so that nobody is given the workspace once it is retired.
        let mut place = slot.as_ref().map(|slot| slot.lock());
        workspace.retire();
        if let Some(place) = &mut place {
            **place = None;
        }
        self.slots.lock().remove(&workspace.id);
    }

    /// Lets go of a workspace that was taken off the list, for good. As [`Shared::forget`], for the committer's thread only.
    pub fn let_go(&self, ws: WorkspaceId) {
        let slot = self.slots.lock().remove(&ws);
        // Whoever is waking it is waited for; whoever comes later looks for its slot again, and there is none.
        if let Some(workspace) = slot.and_then(|slot| slot.lock().take()) {
            workspace.retire();
        }
        self.snapshots.forget(ws);
    }

    /// The folder of the workspace's derived files.
    pub fn folder(&self, ws: WorkspaceId) -> Option<PathBuf> {
        self.index_dir.as_ref().map(|dir| dir.join(ws.to_string()))
    }
}
