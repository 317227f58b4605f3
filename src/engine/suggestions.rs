//! Merge suggestions: groups of contacts that share an e-mail or a phone, current as of every write.

use std::sync::Arc;

use super::workspace::{State, Workspace};
use super::{Engine, Result};
use crate::contact::{Catalog, Contact, ContactId, Field, Seq, WorkspaceId};
use crate::index::{Group, Shared};

/// Contacts of a group that are shown.
const SHOWN_MAX: usize = 10;

/// Contacts that share an e-mail or phone.
#[derive(Clone)]
pub struct Suggestion {
    pub by: Shared,
    /// The e-mail, folded for comparison, or the phone in E.164.
    pub value: String,
    pub count: u64,
    /// The first ten, by id.
    pub contacts: Vec<Arc<Contact>>,
}

/// Without the e-mail or phone: that must not reach a log by way of `{:?}`.
impl std::fmt::Debug for Suggestion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Suggestion({:?}: {})", self.by, self.count)
    }
}

/// A page of them.
#[derive(Clone, Debug)]
pub struct Suggestions {
    pub groups: Vec<Suggestion>,
    /// How many groups there are, exactly.
    pub total: u64,
    pub version: Seq,
    pub catalog: Arc<Catalog>,
}

impl Engine {
    /// The groups of contacts that share an e-mail or phone, or only one of the two: by lowest contact id, of one contact the
    /// e-mail first. Contacts that were merged into another are no contacts, and in none.
    ///
    /// # Errors
    /// [`super::Error::NotYet`].
    pub fn merge_suggestions(
        &self,
        ws: WorkspaceId,
        by: Option<Shared>,
        offset: u64,
        limit: usize,
        min_version: Option<Seq>,
    ) -> Result<Suggestions> {
        let mut workspace = self.reached(ws, min_version)?;
        loop {
            let state = workspace.state.read();
            if workspace.is_retired() {
                drop(state);
                workspace = self.reached(ws, min_version)?;
                continue;
            }
            let Some(duplicates) = state.index.duplicates() else {
                drop(state);
                workspace.build_duplicates();
                continue;
            };
            let total = duplicates.len(by);
            let groups = state.index.duplicate_groups(by, offset, limit, SHOWN_MAX);
            let shown = |group: Group| self.shown(&workspace, &state, group);
            let groups = groups.into_iter().map(shown).collect::<Result<_>>()?;
            return Ok(Suggestions { groups, total, version: state.head.seq, catalog: state.catalog.clone() });
        }
    }

    fn shown(
        &self,
        workspace: &Workspace,
        state: &parking_lot::RwLockReadGuard<'_, State>,
        group: Group,
    ) -> Result<Suggestion> {
        let first = group.rows.first().copied().unwrap_or_default();
        let value = match group.by {
            Shared::Email => state.index.text(Field::Email).and_then(|emails| emails.get(first)).map(str::to_owned),
            Shared::Phone => state.index.phone(first).map(|phone| phone.e164()),
        };
        let one = |row: &u32| workspace.contact(state, &self.shared.records, &self.shared.cache, ContactId(*row));
        let contacts = group.rows.iter().filter_map(|row| one(row).transpose()).collect::<Result<_>>()?;
        Ok(Suggestion { by: group.by, value: value.unwrap_or_default(), count: group.count, contacts })
    }
}
