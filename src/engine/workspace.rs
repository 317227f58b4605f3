//! A workspace that is awake: its state under one lock, and what readers need to see one version throughout.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::export::snapshot::Snapshots;
use super::recent::Recent;
use super::records_cache::{CatalogMark, ContactJson, RecordCache};
use super::segments::Found;
use super::{Error, Result};
use crate::clock::Stopwatch;
use crate::contact::render::Form;
use crate::contact::{Catalog, Contact, ContactId, Field, Millis, SegmentId, Seq, WorkspaceId};
use crate::filter::View;
use crate::index::{GramIndex, GramView, Index, Row, RowSet, Share, in_shares};
use crate::store::{Head, Records};

/// Contacts are read in one walk where one in so many is asked for: the others are read for nothing.
const WALK_SHARE: usize = 3;
/// Rows of which duplicates are found under one hold of the lock: some 2 ms.
const STEP_ROWS: usize = 8192;
/// Contacts are read one after the other while each takes less than this: they come from memory. From a disk so many threads read
/// at once.
const WAITED_MICROS: u64 = 50;
const READERS_MAX: usize = 24;

/// What a query reads, all at one version.
pub struct State {
    pub head: Head,
    pub catalog: Arc<Catalog>,
    /// Another as soon as the catalog is another.
    pub mark: CatalogMark,
    pub index: Index,
    /// The committed text index, where the workspace is large enough for one.
    pub grams: Option<Arc<GramView>>,
    /// The setting of that name.
    pub text_scan_max: usize,
    /// While a text flush runs: the rows written since it began.
    pub changed_in_flush: Option<RowSet>,
    /// Who changed last.
    pub recent: Recent,
}

impl State {
    /// What filters evaluate on.
    pub fn view(&self) -> View<'_> {
        View {
            index: &self.index,
            grams: self.grams.as_deref(),
            text_scan_max: self.text_scan_max,
            catalog: &self.catalog,
        }
    }
}

/// The last text flush; none yet counts as one when the workspace woke.
pub struct Flushed {
    pub since: Stopwatch,
    pub took_micros: u64,
    pub failed: bool,
}

/// A workspace that is awake.
pub struct Workspace {
    pub id: WorkspaceId,
    pub state: RwLock<State>,
    /// The state's catalog again, for who needs nothing else of it and must not wait for who reads or writes it.
    catalog: RwLock<Arc<Catalog>>,
    /// The contacts as they were before the batch that is being made durable: the store may already show what comes
    /// next, a query must not. Empty between batches.
    pub in_flight: RwLock<HashMap<ContactId, Option<Arc<Contact>>>>,
    /// The text index on disk, once there is one. Locked by whoever writes files of the workspace.
    pub text: Mutex<Option<Arc<GramIndex>>>,
    pub flushed: Mutex<Flushed>,
    /// Another took its place: whoever still holds it may read, and writes no file and no counter.
    retired: AtomicBool,
    /// The version last published, for those who wait for one.
    published: Mutex<Seq>,
    arrived: Condvar,
    /// The version the newest checkpoint covers.
    pub checkpointed: AtomicU64,
    /// When it was last asked for.
    pub used_at: AtomicI64,
    /// About how many nanoseconds queries were lately held up by each contact that was published.
    pub put_nanos: AtomicU64,
    /// What was last found of each segment.
    pub segments: Mutex<HashMap<SegmentId, Arc<Found>>>,
}

/// Batches with fewer contacts say little of what one costs.
const MEASURED_MIN: u64 = 8;

impl Workspace {
    pub fn new(
        id: WorkspaceId,
        state: State,
        text: Option<Arc<GramIndex>>,
        checkpointed: Seq,
        now: Millis,
    ) -> Workspace {
        Workspace {
            id,
            published: Mutex::new(state.head.seq),
            catalog: RwLock::new(state.catalog.clone()),
            state: RwLock::new(state),
            in_flight: RwLock::default(),
            text: Mutex::new(text),
            flushed: Mutex::new(Flushed { since: Stopwatch::start(), took_micros: 0, failed: false }),
            retired: AtomicBool::new(false),
            arrived: Condvar::new(),
            checkpointed: AtomicU64::new(checkpointed.0),
            used_at: AtomicI64::new(now),
            put_nanos: AtomicU64::new(0),
            segments: Mutex::default(),
        }
    }

    /// Ends its right to the workspace's files; waits for whoever is writing one, and for queries that have begun: those
    /// that begin later see that it is retired.
    pub fn retire(&self) {
        let _files = self.text.lock();
        self.retired.store(true, Ordering::SeqCst);
        drop(self.state.write());
    }

    /// Whether it was retired. It stays as it is told to the committer, and to whoever holds `text` or `state`.
    pub fn is_retired(&self) -> bool {
        self.retired.load(Ordering::SeqCst)
    }

    /// What it defines.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.read().clone()
    }

    /// Notes that it is in use.
    pub fn touch(&self, now: Millis) {
        self.used_at.store(now, Ordering::Relaxed);
    }

    /// The contact as the state under `_state` has it. The guard is asked for because only under it do store and index agree.
    pub fn contact(
        &self,
        _state: &RwLockReadGuard<'_, State>,
        records: &Records,
        cache: &RecordCache,
        id: ContactId,
    ) -> Result<Option<Arc<Contact>>> {
        Ok(self.known_or_read(records, cache, &[id], |ids| cache.get_all(self.id, ids))?.pop().flatten())
    }

    /// As [`Workspace::contact`], of the rows of a page, in their order.
    pub fn page(
        &self,
        _state: &RwLockReadGuard<'_, State>,
        records: &Records,
        cache: &RecordCache,
        rows: &[Row],
    ) -> Result<Vec<Option<Arc<Contact>>>> {
        let ids: Vec<ContactId> = rows.iter().map(|row| ContactId(*row)).collect();
        self.known_or_read(records, cache, &ids, |ids| cache.get_all(self.id, ids))
    }

    /// As [`Workspace::page`], each whole and as JSON.
    ///
    /// What is kept of that was made of this state, under it, and goes when a contact's next state is published; so it is as
    /// good while a batch is in flight, which leaves the cache alone.
    pub fn json_page(
        &self,
        state: &RwLockReadGuard<'_, State>,
        records: &Records,
        cache: &RecordCache,
        rows: &[Row],
    ) -> Result<Vec<Option<ContactJson>>> {
        let ids: Vec<ContactId> = rows.iter().map(|row| ContactId(*row)).collect();
        let mut found = cache.json_all(self.id, &ids, state.mark);
        let missing = ids.iter().zip(&found).filter(|(_, json)| json.is_none());
        let missing: Vec<ContactId> = missing.map(|(id, _)| *id).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let (form, mut json) = (Form::whole(&state.catalog), Vec::new());
        let contacts = self.known_or_read(records, cache, &missing, |ids| cache.get_all_once(self.id, ids))?;
        let unmade = found.iter_mut().filter(|json| json.is_none());
        for (made, contact) in unmade.zip(contacts) {
            let Some(contact) = contact else { continue };
            json.clear();
            form.push(&mut json, &contact);
            let json = ContactJson::from(json.as_slice());
            cache.put_json(self.id, contact.id, state.mark, json.clone());
            *made = Some(json);
        }
        Ok(found)
    }

    /// Those that `known` has not are read from the store. What it has is what is published, also of contacts in flight.
    fn known_or_read(
        &self,
        records: &Records,
        cache: &RecordCache,
        ids: &[ContactId],
        known: impl Fn(&[ContactId]) -> Vec<Option<Arc<Contact>>>,
    ) -> Result<Vec<Option<Arc<Contact>>>> {
        let mut found = known(ids);
        let missing = ids.iter().zip(&found).filter(|(_, found)| found.is_none());
        let missing: Vec<ContactId> = missing.map(|(id, _)| *id).collect();
        let mut read = read_all(&missing, |id| self.read(records, cache, id))?.into_iter();
        for found in found.iter_mut().filter(|found| found.is_none()) {
            *found = read.next().flatten();
        }
        Ok(found)
    }

    fn read(&self, records: &Records, cache: &RecordCache, id: ContactId) -> Result<Option<Arc<Contact>>> {
        if let Some(before) = self.in_flight.read().get(&id) {
            return Ok(before.clone());
        }
        let contact = records.contact(self.id, id)?.map(Arc::new);
        // A batch may have reached the store since; it is noted before it does, and stays so while the state is held.
        if let Some(before) = self.in_flight.read().get(&id) {
            return Ok(before.clone());
        }
        // What is read for a retired workspace may be older than what its successor has put.
        if let Some(contact) = contact.as_ref().filter(|_| !self.is_retired()) {
            cache.put_asked(self.id, contact.clone());
        }
        Ok(contact)
    }

    /// As [`Workspace::contact`], of many with ascending ids. The cache is asked, and left as it is: who reads many reads
    /// each once.
    pub fn contacts(
        &self,
        _state: &RwLockReadGuard<'_, State>,
        records: &Records,
        cache: &RecordCache,
        ids: &[ContactId],
    ) -> Result<Vec<Option<Arc<Contact>>>> {
        let mut found: Vec<Option<Arc<Contact>>> = ids.iter().map(|id| cache.peek(self.id, *id)).collect();
        let missing: Vec<ContactId> =
            ids.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(id, _)| *id).collect();
        let mut stored = stored(self.id, records, &missing)?.into_iter();
        // Looked at last: a batch is noted here before it reaches the store, and stays so while the state is held.
        let in_flight = self.in_flight.read();
        for (id, found) in ids.iter().zip(&mut found) {
            if found.is_none() {
                *found = stored.next().flatten();
            }
            if let Some(before) = in_flight.get(id) {
                *found = before.clone();
            }
        }
        Ok(found)
    }

    /// Whether the version is published.
    pub fn has(&self, wanted: Option<Seq>) -> bool {
        wanted.is_none_or(|wanted| *self.published.lock() >= wanted)
    }

    /// Waits until the version is published.
    pub fn wait_for(&self, wanted: Option<Seq>, wait: Duration) -> Result<()> {
        let Some(wanted) = wanted else { return Ok(()) };
        let mut published = self.published.lock();
        self.arrived.wait_while_for(&mut published, |published| *published < wanted, wait);
        match *published {
            current if current < wanted => Err(Error::NotYet { wanted: wanted.0, current: current.0 }),
            _ => Ok(()),
        }
    }

    /// Tells those who wait that the version is there.
    pub fn announce(&self, seq: Seq) {
        *self.published.lock() = seq;
        self.arrived.notify_all();
    }

    /// Builds an order that a sort asked for.
    pub fn build_order(&self, field: Field) {
        self.state.write().index.build_order(field);
    }

    /// Builds the groups of contacts that share an e-mail or phone, which merge suggestions are. Others read and write
    /// between its steps.
    pub fn build_duplicates(&self) {
        while !self.is_retired() {
            let mut state = self.state.write();
            let is_whole = state.index.build_duplicates(STEP_ROWS);
            RwLockWriteGuard::unlock_fair(state);
            if is_whole {
                return;
            }
        }
    }

    /// Applies changed contacts and what the workspace defines now: the moment at which a write becomes visible.
    pub fn publish(
        &self,
        cache: &RecordCache,
        snapshots: &Snapshots,
        head: Head,
        catalog: Arc<Catalog>,
        changed: Vec<(ContactId, Option<Arc<Contact>>)>,
    ) {
        let mut state = self.state.write();
        snapshots.keep(self.id, &self.in_flight.read());
        let watch = Stopwatch::start();
        if !Arc::ptr_eq(&state.catalog, &catalog) {
            state.index.define(&catalog);
            *self.catalog.write() = catalog.clone();
            state.catalog = catalog;
            state.mark = CatalogMark::fresh();
        }
        let State { index, catalog, changed_in_flush, recent, .. } = &mut *state;
        recent.note(head.seq, changed.iter().map(|(id, _)| id.0));
        let contacts = changed.len() as u64;
        index.put_all(changed.iter().map(|(id, contact)| (id.0, contact.as_deref())), catalog);
        for (id, contact) in changed {
            note(changed_in_flush, id.0);
            match contact {
                Some(contact) => cache.put(self.id, contact),
                None => cache.remove(self.id, id),
            }
        }
        state.head = head;
        self.in_flight.write().clear();
        drop(state);
        self.measured(watch, contacts);
        self.announce(head.seq);
    }

    fn measured(&self, watch: Stopwatch, contacts: u64) {
        let before = self.put_nanos.load(Ordering::Relaxed);
        if contacts >= MEASURED_MIN || (before == 0 && contacts > 0) {
            let nanos = watch.micros() * 1000 / contacts;
            self.put_nanos.store(if before == 0 { nanos } else { (3 * before + nanos) / 4 }, Ordering::Relaxed);
        }
    }
}

/// Reads them one after the other until one is waited for: then the others on several threads.
fn read_all<T: Send>(ids: &[ContactId], read: impl Fn(ContactId) -> Result<T> + Sync) -> Result<Vec<T>> {
    let mut found = Vec::with_capacity(ids.len());
    while let Some(id) = ids.get(found.len()) {
        let watch = Stopwatch::start();
        found.push(read(*id)?);
        if watch.micros() >= WAITED_MICROS {
            found.append(&mut read_by(READERS_MAX, &ids[found.len()..], &read)?);
        }
    }
    Ok(found)
}

/// Reads them on so many threads, this one among them.
fn read_by<T: Send>(readers: usize, ids: &[ContactId], read: impl Fn(ContactId) -> Result<T> + Sync) -> Result<Vec<T>> {
    let some = |share: Share| share.part(ids).iter().map(|id| read(*id)).collect::<Result<Vec<T>>>();
    let found: Result<Vec<Vec<T>>> = in_shares(readers.min(ids.len()), some).into_iter().collect();
    Ok(found?.into_iter().flatten().collect())
}

/// The stored contacts of ascending ids: where they stand close together, in one walk.
fn stored(ws: WorkspaceId, records: &Records, ids: &[ContactId]) -> Result<Vec<Option<Arc<Contact>>>> {
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(Vec::new()) };
    let span = (last.0 - first.0) as usize + 1;
    if span > ids.len().saturating_mul(WALK_SHARE) {
        let one = |id: &ContactId| Ok(records.contact(ws, *id)?.map(Arc::new));
        return ids.iter().map(one).collect();
    }
    let mut walk = records.contacts(ws, ContactId(first.0.saturating_sub(1)), span)?.into_iter().peekable();
    let one = |id: &ContactId| {
        while walk.next_if(|contact| contact.id < *id).is_some() {}
        walk.next_if(|contact| contact.id == *id).map(Arc::new)
    };
    Ok(ids.iter().map(one).collect())
}

fn note(changed: &mut Option<RowSet>, row: Row) {
    if let Some(changed) = changed {
        changed.insert(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_together_comes_in_its_order_or_not_at_all() {
        for len in [0, 1, 2, 3, 5, 16, 17, 100] {
            let ids: Vec<ContactId> = (0..len).map(ContactId).collect();
            let refuse_last = |id: ContactId| if id.0 == len - 1 { Err(Error::Io("no".into())) } else { Ok(id) };
            assert_eq!(read_all(&ids, Ok).unwrap(), ids);
            assert_eq!(read_all(&ids, refuse_last).is_err(), len > 0);
            for readers in [1, 2, 7, 24] {
                assert_eq!(read_by(readers, &ids, Ok).unwrap(), ids);
                assert_eq!(read_by(readers, &ids, refuse_last).is_err(), len > 0);
            }
        }
    }
}
