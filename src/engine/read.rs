//! Queries: one read lock, one version, from the filter to the page's contacts.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLockReadGuard;

use super::records_cache::ContactJson;
use super::select::{Ask, Refusal, Selection, select};
use super::workspace::{State, Workspace};
use super::{Actor, Engine, Error, Explained, Page, Query, Result, Written};
use crate::clock::Stopwatch;
use crate::contact::identity::Identifier;
use crate::contact::{Contact, ContactId, Seq, WorkspaceId};
use crate::filter::ContactReport;
use crate::index::Row;
use crate::store::StoreError;

impl Engine {
    /// A page: the contacts in order, the exact total, the facets, all at one version.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the path of the mistake, [`Error::WindowExceeded`], [`Error::NotYet`].
    pub fn search(&self, actor: &Actor, query: &Query) -> Result<Page> {
        let (records, cache) = (&self.shared.records, &self.shared.cache);
        self.paged(actor, query, |workspace, state, rows| workspace.page(state, records, cache, rows))
    }

    /// The same, each contact as [`Form::whole`](crate::contact::render::Form::whole) has it. Those that were asked for lately
    /// are at hand so.
    ///
    /// # Errors
    /// As [`Engine::search`].
    pub fn search_json(&self, actor: &Actor, query: &Query) -> Result<Page<ContactJson>> {
        let (records, cache) = (&self.shared.records, &self.shared.cache);
        self.paged(actor, query, |workspace, state, rows| workspace.json_page(state, records, cache, rows))
    }

    fn paged<C>(
        &self,
        actor: &Actor,
        query: &Query,
        fetch: impl FnOnce(&Workspace, &RwLockReadGuard<'_, State>, &[Row]) -> Result<Vec<Option<C>>>,
    ) -> Result<Page<C>> {
        let watch = Stopwatch::start();
        self.selected(actor, query, Ask::Page, |workspace, state, selection| {
            let contacts = all_there(&selection.rows, fetch(workspace, state, &selection.rows)?)?;
            let window = self.shared.settings.window_max as u64;
            Ok(Page {
                contacts,
                total: selection.total,
                reachable: selection.total.min(window),
                offset: query.offset,
                limit: query.limit.unwrap_or(self.shared.settings.page_default),
                facets: selection.facets,
                version: state.head.seq,
                took_micros: watch.micros(),
                catalog: state.catalog.clone(),
            })
        })
    }

    /// The exact number of matches.
    ///
    /// # Errors
    /// As [`Engine::search`].
    pub fn count(&self, actor: &Actor, query: &Query) -> Result<Written<u64>> {
        self.selected(actor, query, Ask::Count, |_, state, selection| {
            Ok(Written { value: selection.total, version: state.head.seq })
        })
    }

    /// The plan of a query with exact cardinalities and times.
    ///
    /// # Errors
    /// As [`Engine::search`].
    pub fn explain(&self, actor: &Actor, query: &Query) -> Result<Explained> {
        let watch = Stopwatch::start();
        self.selected(actor, query, Ask::Explain, |_, state, selection| {
            let explained = selection.explained.ok_or_else(|| Error::Io("the plan was not explained".into()))?;
            Ok(Explained { version: state.head.seq, took_micros: watch.micros(), ..explained })
        })
    }

    /// Which conditions of the query's filter hold for one contact, the value each saw, and when that changes by time alone.
    ///
    /// # Errors
    /// As [`Engine::search`], and [`Error::NotFound`].
    pub fn explain_contact(&self, actor: &Actor, who: &Identifier, query: &Query) -> Result<Written<ContactReport>> {
        let found = self.contact(actor.workspace, who, query.min_version)?;
        let catalog = self.catalog(actor.workspace)?;
        if !actor.sees(&found.value, &catalog) {
            return Err(super::txn::absent(who));
        }
        let me = actor.user.as_ref().map(|user| user.id);
        let report =
            super::select::report(query, &found.value, &catalog, self.shared.clock.now(), me, &self.shared.settings)?;
        Ok(Written { value: report, version: found.version })
    }

    /// Up to `limit` contacts with an id above `after`, ascending: what export walks.
    ///
    /// # Errors
    /// What the store reports.
    pub fn contacts_after(&self, ws: WorkspaceId, after: ContactId, limit: usize) -> Result<Vec<Contact>> {
        Ok(self.shared.records.contacts(ws, after, limit)?)
    }

    /// Evaluates the query; where its sort needs an order that is not there, builds it and asks again.
    fn selected<T>(
        &self,
        actor: &Actor,
        query: &Query,
        ask: Ask,
        finish: impl FnOnce(&Workspace, &RwLockReadGuard<'_, State>, Selection) -> Result<T>,
    ) -> Result<T> {
        let (now, me) = (self.shared.clock.now(), actor.user.as_ref().map(|user| user.id));
        let mut workspace = self.reached(actor.workspace, query.min_version)?;
        loop {
            let state = workspace.state.read();
            if workspace.is_retired() {
                drop(state);
                workspace = self.reached(actor.workspace, query.min_version)?;
                continue;
            }
            match select(query, state.view(), now, me, None, &self.shared.settings, ask) {
                Ok(selection) => return finish(&workspace, &state, selection),
                Err(Refusal::Error(error)) => return Err(error),
                Err(Refusal::NeedsOrder(field)) => {
                    drop(state);
                    workspace.build_order(field);
                }
            }
        }
    }

    /// The workspace, once it has reached the version. It may be retired before its state is held: then it is to be asked
    /// for again, for its successor's writes are in the store.
    pub(super) fn reached(&self, ws: WorkspaceId, min_version: Option<Seq>) -> Result<Arc<Workspace>> {
        let workspace = self.shared.awake(ws)?;
        match workspace.wait_for(min_version, self.min_version_wait()) {
            Ok(()) => Ok(workspace),
            Err(_) if workspace.is_retired() => self.reached(ws, min_version),
            Err(late) => Err(late),
        }
    }

    /// Whether the workspace can be asked without waiting: it is awake and has the version.
    pub fn is_at_hand(&self, ws: WorkspaceId, min_version: Option<Seq>) -> bool {
        self.shared.at_hand(ws).is_some_and(|workspace| workspace.has(min_version))
    }

    /// How long a read waits for its `minVersion`.
    fn min_version_wait(&self) -> Duration {
        Duration::from_millis(self.shared.settings.min_version_wait_ms)
    }
}

/// What was found of each row, where the store has all that the index has.
fn all_there<C>(rows: &[Row], found: Vec<Option<C>>) -> Result<Vec<C>> {
    let there = |(row, found): (&Row, Option<C>)| {
        found.ok_or_else(|| {
            let what = "the index has it, the store does not".into();
            Error::Store(StoreError::Damaged { key: format!("contact {row}"), what })
        })
    };
    rows.iter().zip(found).map(there).collect()
}
