//! Every workspace of the server, asleep or awake, by id and by name.

use std::collections::{BTreeMap, HashSet};

use super::Result;
use crate::contact::{Workspace, WorkspaceId, fold};
use crate::store::Records;

/// The list, as the store has it.
pub struct Directory {
    by_id: BTreeMap<WorkspaceId, Workspace>,
    /// Folded.
    names: HashSet<String>,
    /// The last id given, removed workspaces' ids included.
    last: WorkspaceId,
}

impl Directory {
    /// Reads the list.
    pub fn read(records: &Records) -> Result<Directory> {
        let mut directory =
            Directory { by_id: BTreeMap::new(), names: HashSet::new(), last: records.last_workspace()? };
        records.workspaces()?.into_iter().for_each(|workspace| directory.put(workspace));
        Ok(directory)
    }

    pub fn put(&mut self, workspace: Workspace) {
        self.last = self.last.max(workspace.id);
        self.names.insert(fold::compare(&workspace.name));
        self.by_id.insert(workspace.id, workspace);
    }

    /// Takes a workspace off; its id is not given again.
    pub fn remove(&mut self, ws: WorkspaceId) -> Option<Workspace> {
        let workspace = self.by_id.remove(&ws)?;
        self.names.remove(&fold::compare(&workspace.name));
        Some(workspace)
    }

    pub fn has(&self, ws: WorkspaceId) -> bool {
        self.by_id.contains_key(&ws)
    }

    /// Whether a workspace has that name, ignoring case.
    pub fn has_name(&self, name: &str) -> bool {
        self.names.contains(&fold::compare(name))
    }

    /// The id that the next workspace gets.
    pub fn next(&self) -> WorkspaceId {
        WorkspaceId(self.last.0 + 1)
    }

    /// All, by id.
    pub fn all(&self) -> Vec<Workspace> {
        self.by_id.values().cloned().collect()
    }
}
