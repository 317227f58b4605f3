//! Records beside contacts and catalog: merges, jobs and their parts, what undoes them, idempotency keys. Each kind has one
//! row here; an operation stages them in [`Sides`] and reads them through it.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::{Records, Writes, codec, keys, records::Result};
use crate::contact::{ContactId, Done, Job, JobId, Merge, Millis, Part, PartKind, Undo, WorkspaceId};

/// Entries of histories looked at in one scan.
const HISTORY_PAGE: usize = 1000;

/// A kind of record with a key of its own.
pub trait Side: Encode<()> + for<'b> Decode<'b, ()> {
    /// What names one of them in its workspace.
    type Id: Copy;
    /// Its key in the store.
    fn key(ws: WorkspaceId, id: Self::Id) -> Vec<u8>;
}

/// A record without content: that its key is there says all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Encode, Decode)]
pub struct Mark<const KIND: u8>;

/// Something that is to happen by itself at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The contact's snooze ends. Set and taken away along with the contact's record.
    Snooze(ContactId),
    /// The job is forgotten with all it kept.
    Job(JobId),
}

/// When an alarm rings, whose it is, and what it is for.
pub type RingsAt = (Millis, WorkspaceId, Alarm);

/// A workspace's keys among the server's, and where to go on; `None` at the end.
pub(super) type OwnKeys = (Vec<Vec<u8>>, Option<Vec<u8>>);

/// An alarm is set.
pub type AlarmSet = Mark<b'z'>;
/// The job is under way.
pub type ActiveJob = Mark<b'j'>;
/// An idempotency key was used at that time.
pub type UsedKey = Mark<b'a'>;

macro_rules! sides {
    ($($kind:ty, $id:ty, |$ws:ident, $name:pat_param| $key:expr;)*) => {$(
        impl Side for $kind {
            type Id = $id;
            fn key($ws: WorkspaceId, $name: $id) -> Vec<u8> {
                $key
            }
        }
    )*};
}

sides! {
    Merge, ContactId, |ws, secondary| keys::merge(ws, secondary);
    Job, JobId, |ws, id| keys::job(ws, id);
    ActiveJob, JobId, |ws, id| keys::active_job(ws, id);
    AlarmSet, (Millis, Alarm), |ws, (at, alarm)| keys::alarm(ws, at, alarm);
    Part, (JobId, PartKind, u32), |ws, (job, kind, number)| keys::part(ws, job, kind, number);
    Undo, (ContactId, JobId), |ws, (contact, job)| keys::undo(ws, contact, job);
    Done, [u8; 16], |ws, used| keys::done(ws, &used);
    UsedKey, (Millis, [u8; 16]), |ws, (at, used)| keys::used(ws, at, &used);
}

/// A set of neighbouring records, removed together.
#[derive(Clone, Copy, Debug)]
pub enum SideRange {
    /// What every job changed on a contact.
    UndosOf(ContactId),
    /// All the parts of a job.
    PartsOf(JobId),
    /// The parts of one kind of a job.
    Parts(JobId, PartKind),
}

impl SideRange {
    fn keys(self, ws: WorkspaceId) -> keys::Range {
        match self {
            SideRange::UndosOf(contact) => keys::undos(ws, contact),
            SideRange::PartsOf(job) => keys::parts_of(ws, job),
            SideRange::Parts(job, kind) => keys::parts(ws, job, kind, 0),
        }
    }
}

/// Side records that are written or removed and not yet durable.
#[derive(Default)]
pub struct Sides {
    entries: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Sides {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Stages a record.
    pub fn put<T: Side>(&mut self, ws: WorkspaceId, id: T::Id, value: &T) {
        let key = T::key(ws, id);
        let bytes = codec::encode(&key, value);
        self.entries.insert(key, Some(bytes));
    }

    /// Stages a removal.
    pub fn delete<T: Side>(&mut self, ws: WorkspaceId, id: T::Id) {
        self.entries.insert(T::key(ws, id), None);
    }

    /// Stages the removal of up to `limit` stored records of the range, and of all that are staged here or in `base`. Returns
    /// whether that is all there were.
    ///
    /// # Errors
    /// What the store reports.
    pub fn clear(
        &mut self,
        ws: WorkspaceId,
        range: SideRange,
        base: &Sides,
        records: &Records,
        limit: usize,
    ) -> Result<bool> {
        let (from, to) = range.keys(ws);
        let stored = records.entries(&(from.clone(), to.clone()), limit)?;
        let all = stored.len() < limit;
        let staged = |sides: &Sides| {
            let within = sides.entries.range(from.clone()..to.clone());
            within.map(|(key, _)| key.clone()).collect::<Vec<_>>()
        };
        let mut gone = staged(base);
        gone.extend(staged(self));
        gone.extend(stored.into_iter().map(|(key, _)| key));
        self.entries.extend(gone.into_iter().map(|key| (key, None)));
        Ok(all)
    }

    /// What is staged of a record: `None` where nothing is, `Some(None)` where it is removed.
    ///
    /// # Errors
    /// None but for a defect: what is staged was encoded here.
    pub fn get<T: Side>(&self, ws: WorkspaceId, id: T::Id) -> Result<Option<Option<T>>> {
        let key = T::key(ws, id);
        let Some(staged) = self.entries.get(&key) else { return Ok(None) };
        staged.as_ref().map(|bytes| codec::decode(&key, bytes)).transpose().map(Some)
    }

    /// What is staged of the workspace's jobs: by id, with `None` where one is removed.
    ///
    /// # Errors
    /// As [`Sides::get`].
    pub fn jobs(&self, ws: WorkspaceId) -> Result<Vec<(JobId, Option<Job>)>> {
        let (from, to) = keys::jobs(ws);
        let one = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| {
            let id = JobId(keys::last_id(key).unwrap_or_default());
            Ok((id, value.as_ref().map(|bytes| codec::decode(key, bytes)).transpose()?))
        };
        self.entries.range(from..to).map(one).collect()
    }

    /// When the first of the alarms that are set here rings. Those of contacts are not among them.
    pub fn first_alarm(&self) -> Option<Millis> {
        let (from, to) = keys::alarms();
        let mut set = self.entries.range(from..to).filter(|(_, value)| value.is_some());
        set.next().and_then(|(key, _)| keys::of_alarm(key)).map(|(at, ..)| at)
    }

    /// The newest of the idempotency keys used before a time that are removed here.
    pub fn last_forgotten(&self, ws: WorkspaceId, before: Millis) -> Option<(Millis, [u8; 16])> {
        let (from, to) = keys::used_before(ws, before);
        let gone = self.entries.range(from..to).rfind(|(_, value)| value.is_none());
        gone.and_then(|(key, _)| keys::of_used(key))
    }

    /// Puts later ones on top.
    pub fn absorb(&mut self, later: Sides) {
        self.entries.extend(later.entries);
    }

    /// Adds them to a batch.
    pub fn write(&self, writes: &mut Writes) {
        self.entries.iter().for_each(|(key, value)| writes.raw(key.clone(), value.clone()));
    }
}

#[allow(clippy::missing_errors_doc)] // each: what the store reports
impl Records {
    /// A side record.
    pub fn side<T: Side>(&self, ws: WorkspaceId, id: T::Id) -> Result<Option<T>> {
        self.one(&T::key(ws, id))
    }

    /// The workspace's jobs, by id.
    pub fn jobs(&self, ws: WorkspaceId) -> Result<Vec<Job>> {
        self.all(keys::jobs(ws))
    }

    /// Calls `visit` with every merge of the workspace and the id of the contact that was taken in; ascending.
    pub fn each_merge(&self, ws: WorkspaceId, mut visit: impl FnMut(ContactId, Merge)) -> Result<()> {
        self.each(keys::merges(ws), |key, bytes| {
            visit(keys::last_id(key).map(ContactId).unwrap_or_default(), codec::decode(key, bytes)?);
            Ok(())
        })
    }

    /// The ids that anything of a history is kept under, ascending.
    pub fn histories(&self, ws: WorkspaceId) -> Result<Vec<ContactId>> {
        let (mut owners, mut after) = (Vec::new(), None);
        loop {
            let entries = self.entries(&keys::histories(ws, after), HISTORY_PAGE)?;
            owners.extend(entries.iter().filter_map(|(key, _)| keys::of_interaction(key)).map(|(contact, _)| contact));
            owners.dedup();
            let Some(last) = owners.last().filter(|_| entries.len() == HISTORY_PAGE) else { return Ok(owners) };
            // The rest of a long history says nothing more: the oldest there can be is its end.
            after = Some((*last, i64::MIN, 0));
        }
    }

    /// Up to `limit` pieces of a job's data, from number `from` on, in order.
    pub fn parts(&self, ws: WorkspaceId, job: JobId, kind: PartKind, from: u32, limit: usize) -> Result<Vec<Part>> {
        let entries = self.entries(&keys::parts(ws, job, kind, from), limit)?;
        entries.iter().map(|(key, bytes)| codec::decode(key, bytes)).collect()
    }

    /// Every job under way on the server.
    pub fn active_jobs(&self) -> Result<Vec<(WorkspaceId, JobId)>> {
        let mut jobs = Vec::new();
        self.each(keys::active_jobs(), |key, _| {
            jobs.extend(keys::of_active_job(key));
            Ok(())
        })?;
        Ok(jobs)
    }

    /// The `limit` alarms of the server that ring first, after the named one, ascending: when, where, what.
    pub fn alarms(&self, after: Option<RingsAt>, limit: usize) -> Result<Vec<RingsAt>> {
        let (mut from, to) = keys::alarms();
        if let Some((at, ws, alarm)) = after {
            from = keys::after(keys::alarm(ws, at, alarm));
        }
        // A kind that a later version set is passed over: it must not keep the others from ringing.
        Ok(self.entries(&(from, to), limit)?.iter().filter_map(|(key, _)| keys::of_alarm(key)).collect())
    }

    /// When which contacts' snoozes end, as the alarms of the workspace have it, ascending.
    pub fn snoozes(&self, ws: WorkspaceId) -> Result<Vec<(Millis, ContactId)>> {
        let mut snoozes = Vec::new();
        self.each(keys::alarms(), |key, _| {
            let alarm = keys::of_alarm(key).ok_or_else(|| codec::damaged(key, "there is no such kind of alarm"))?;
            if let (at, of, Alarm::Snooze(contact)) = alarm {
                snoozes.extend((of == ws).then_some((at, contact)));
            }
            Ok(())
        })?;
        Ok(snoozes)
    }

    /// Up to `limit` idempotency keys used before a time, oldest first, after the one named: when and which.
    pub fn used_before(
        &self,
        ws: WorkspaceId,
        at: Millis,
        after: Option<(Millis, [u8; 16])>,
        limit: usize,
    ) -> Result<Vec<(Millis, [u8; 16])>> {
        let (mut from, to) = keys::used_before(ws, at);
        if let Some((at, key)) = after {
            from = keys::after(keys::used(ws, at, &key));
        }
        let entries = self.entries(&(from, to), limit)?;
        Ok(entries.iter().filter_map(|(key, _)| keys::of_used(key)).collect())
    }

    /// The workspace's own among some `limit` keys of the server's jobs under way and alarms, from a key on, and where to go
    /// on; `None` at the end.
    pub(super) fn server_keys_of(&self, ws: WorkspaceId, from: &[u8], limit: usize) -> Result<OwnKeys> {
        let mut found = Vec::new();
        for (first, to) in [keys::active_jobs(), keys::alarms()] {
            let entries = self.entries(&(first.max(from.to_vec()), to), limit)?;
            let all = entries.len() < limit;
            let last = entries.last().map(|(key, _)| keys::after(key.clone())).filter(|_| !all);
            found.extend(entries.into_iter().map(|(key, _)| key).filter(|key| keys::owner_on_server(key) == Some(ws)));
            if last.is_some() {
                return Ok((found, last));
            }
        }
        Ok((found, None))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::MemoryStore;

    const WS: WorkspaceId = WorkspaceId(3);

    fn part(text: &str) -> Part {
        Part { bytes: text.into() }
    }

    #[test]
    fn staged_records_hide_stored_ones_until_they_are_written() {
        let records = Records::new(Arc::new(MemoryStore::default()));
        let id = |number| (JobId(1), PartKind::Upload, number);
        let mut sides = Sides::default();
        (0..3).for_each(|number| sides.put(WS, id(number), &part(&number.to_string())));
        let mut writes = Writes::default();
        sides.write(&mut writes);
        records.commit(writes).unwrap();
        assert!(records.side::<Part>(WS, id(2)).unwrap() == Some(part("2")));
        assert_eq!(records.parts(WS, JobId(1), PartKind::Upload, 1, 9).unwrap().len(), 2);

        let mut later = Sides::default();
        later.delete::<Part>(WS, id(0));
        assert!(later.get::<Part>(WS, id(0)).unwrap() == Some(None));
        assert!(later.get::<Part>(WS, id(1)).unwrap().is_none());
        assert!(!later.clear(WS, SideRange::PartsOf(JobId(1)), &sides, &records, 2).unwrap());
        assert!(later.clear(WS, SideRange::Parts(JobId(1), PartKind::Upload), &sides, &records, 9).unwrap());
        sides.absorb(later);
        let mut writes = Writes::default();
        sides.write(&mut writes);
        records.commit(writes).unwrap();
        assert!(records.parts(WS, JobId(1), PartKind::Upload, 0, 9).unwrap().is_empty());
    }

    #[test]
    fn alarms_are_read_in_the_order_they_ring() {
        let records = Records::new(Arc::new(MemoryStore::default()));
        let mut writes = Writes::default();
        for (id, until) in [(1, 50), (2, -7), (3, 20)] {
            let contact = crate::contact::Contact {
                id: ContactId(id),
                conversation: crate::contact::Conversation::Snoozed,
                snoozed_until: Some(until),
                ..Default::default()
            };
            writes.put_contact(WS, None, &contact);
        }
        records.commit(writes).unwrap();
        let rung: Vec<_> = records.alarms(None, 2).unwrap().into_iter().map(|(at, _, alarm)| (at, alarm)).collect();
        assert_eq!(rung, [(-7, Alarm::Snooze(ContactId(2))), (20, Alarm::Snooze(ContactId(3)))]);
        assert_eq!(records.server_keys_of(WS, &[], 9).unwrap().0.len(), 3);
        let (first, next) = records.server_keys_of(WS, &[], 2).unwrap();
        let (rest, end) = records.server_keys_of(WS, &next.unwrap(), 2).unwrap();
        assert_eq!((first.len(), rest.len(), end), (2, 1, None));
        assert!(records.server_keys_of(WorkspaceId(9), &[], 9).unwrap().0.is_empty());
    }
}
