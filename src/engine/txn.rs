//! One operation's view of its workspace while it runs in the committer: reads what is staged, stages what it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::merge::merged_into;
use super::staged::{HistoryWrite, Sources, Staged};
use super::workspace::State;
use super::{Error, Query, Result, Settings, records_cache, select};
use crate::contact::identity::{Identifier, IdentityKey};
use crate::contact::*;
use crate::index::RowSet;
use crate::store::{Records, Side, SideRange, Subject};

/// What a contact may take; well below what the store takes as one value.
const CONTACT_BYTES_MAX: usize = 512 << 10;

/// An operation in progress. What it stages counts only if it ends well.
pub struct Txn<'a> {
    staged: Staged,
    base: &'a Staged,
    sources: Sources<'a>,
    pub settings: &'a Settings,
    pub now: Millis,
    /// Whose operation it is, where that is a user's: a contact that they do not see is none that can be named.
    pub user: Option<Arc<User>>,
}

impl<'a> Txn<'a> {
    pub fn new(base: &'a Staged, sources: Sources<'a>, settings: &'a Settings, now: Millis) -> Txn<'a> {
        let mut staged = Staged::new(base.workspace.clone());
        (staged.head, staged.catalog) = (base.head, base.catalog.clone());
        Txn { staged, base, sources, settings, now, user: None }
    }

    /// Takes back all that it staged.
    pub fn start_over(&mut self) {
        let mut staged = Staged::new(self.base.workspace.clone());
        (staged.head, staged.catalog) = (self.base.head, self.base.catalog.clone());
        self.staged = staged;
    }

    /// What it staged.
    pub fn into_staged(self) -> Staged {
        self.staged
    }

    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.staged.catalog
    }

    pub fn contact(&self, id: ContactId) -> Result<Option<Arc<Contact>>> {
        match self.staged.contacts.get(&id) {
            Some(touched) => Ok(touched.now.clone()),
            None => self.base.contact(id, &self.sources),
        }
    }

    /// Up to `limit` of the contacts that the index finds, all that this batch has touched, and whether that is all there
    /// can be: the index does not know of the batch yet.
    pub fn carriers(&self, find: impl FnOnce(&State) -> RowSet, limit: usize) -> (BTreeSet<ContactId>, bool) {
        let rows = find(&self.base.workspace.state.read());
        let found = rows.iter().take(limit).map(ContactId);
        let touched = self.base.contacts.keys().chain(self.staged.contacts.keys()).copied();
        (found.chain(touched).collect(), rows.len() <= limit as u64)
    }

    /// Who holds an e-mail or phone.
    pub fn holders(&self, key: &IdentityKey) -> Result<BTreeSet<ContactId>> {
        Ok(self.staged.holders_after(key, self.base.holders(key, &self.sources)?))
    }

    /// The contact a caller named; the lowest id where several hold the e-mail or phone.
    pub fn named(&self, who: &Identifier) -> Result<Arc<Contact>> {
        let seen = |contact: &Arc<Contact>| self.user.as_ref().is_none_or(|user| user.sees(contact, self.catalog()));
        self.found(who)?.filter(seen).ok_or_else(|| absent(who))
    }

    fn found(&self, who: &Identifier) -> Result<Option<Arc<Contact>>> {
        let key = match who {
            Identifier::Id(id) => match self.contact(*id)? {
                Some(contact) => return Ok(Some(contact)),
                None => IdentityKey::Id(*id),
            },
            Identifier::Email(email) => IdentityKey::Email(email.clone()),
            Identifier::Phone(digits) => IdentityKey::Phone(*digits),
        };
        let holder = self.holders(&key)?.first().copied();
        Ok(holder.map(|id| self.contact(id)).transpose()?.flatten())
    }

    /// A record beside contacts and catalog.
    pub fn side<T: Side>(&self, id: T::Id) -> Result<Option<T>> {
        let ws = self.base.workspace.id;
        for sides in [&self.staged.sides, &self.base.sides] {
            if let Some(staged) = sides.get::<T>(ws, id)? {
                return Ok(staged);
            }
        }
        Ok(self.sources.records.side(ws, id)?)
    }

    /// Stages a record beside contacts and catalog.
    pub fn put_side<T: Side>(&mut self, id: T::Id, value: &T) {
        self.staged.sides.put(self.base.workspace.id, id, value);
    }

    /// Stages the removal of such a record.
    pub fn delete_side<T: Side>(&mut self, id: T::Id) {
        self.staged.sides.delete::<T>(self.base.workspace.id, id);
    }

    /// Stages the removal of up to `limit` neighbouring records; whether that is all there were.
    pub fn clear_sides(&mut self, range: SideRange, limit: usize) -> Result<bool> {
        let ws = self.base.workspace.id;
        Ok(self.staged.sides.clear(ws, range, &self.base.sides, self.sources.records, limit)?)
    }

    /// The workspace's jobs, by id.
    pub fn jobs(&self) -> Result<Vec<Job>> {
        let ws = self.base.workspace.id;
        let stored = self.sources.records.jobs(ws)?;
        let mut jobs: BTreeMap<JobId, Job> = stored.into_iter().map(|job| (job.id, job)).collect();
        for sides in [&self.base.sides, &self.staged.sides] {
            for (id, job) in sides.jobs(ws)? {
                match job {
                    Some(job) => jobs.insert(id, job),
                    None => jobs.remove(&id),
                };
            }
        }
        Ok(jobs.into_values().collect())
    }

    /// The contacts that match the query, exactly as of this operation; `None` where what the workspace defines has changed
    /// within this batch, which the index does not know of yet: ask again in the next.
    pub fn matching(&self, query: &Query, me: Option<UserId>) -> Result<Option<RowSet>> {
        let (catalog, settings) = (&self.staged.catalog, self.settings);
        let mut rows = {
            let state = self.base.workspace.state.read();
            if !Arc::ptr_eq(&state.catalog, catalog) {
                return Ok(None);
            }
            select::matching(query, state.view(), self.now, me, settings)?
        };
        for (id, touched) in self.base.contacts.iter().chain(&self.staged.contacts) {
            let matches = |contact: &Arc<Contact>| {
                select::report(query, contact, catalog, self.now, me, settings).map(|report| report.matches)
            };
            match touched.now.as_ref().map(matches).transpose()? {
                Some(true) => rows.insert(id.0),
                _ => rows.remove(id.0),
            };
        }
        Ok(Some(rows))
    }

    /// Up to `limit` idempotency keys used before a time that this batch has not removed yet, oldest first.
    pub fn used_before(&self, at: Millis, limit: usize) -> Result<Vec<(Millis, [u8; 16])>> {
        let ws = self.base.workspace.id;
        // They are removed oldest first: those before the last removed are gone too.
        let after = self.base.sides.last_forgotten(ws, at);
        Ok(self.sources.records.used_before(ws, at, after, limit)?)
    }

    /// Whose contacts these are.
    pub fn workspace(&self) -> WorkspaceId {
        self.base.workspace.id
    }

    /// The version that the operation makes, as far as it has come.
    pub fn version(&self) -> Seq {
        self.staged.head.seq
    }

    /// The records as they were before the batch.
    pub fn records(&self) -> &Records {
        self.sources.records
    }

    /// Refuses an e-mail or phone that another contact holds.
    pub fn refuse_taken(&self, contact: &Contact, before: Option<&Contact>) -> Result<()> {
        let held: Vec<IdentityKey> = before.map(|before| IdentityKey::of(before).collect()).unwrap_or_default();
        for key in IdentityKey::of(contact).filter(|key| !held.contains(key)) {
            if let Some(holder) = self.holders(&key)?.into_iter().find(|id| *id != contact.id) {
                return Err(self.taken(&key, holder));
            }
        }
        Ok(())
    }

    fn taken(&self, key: &IdentityKey, holder: ContactId) -> Error {
        let what = if matches!(key, IdentityKey::Email(_)) { "e-mail" } else { "phone" };
        // The holder does not show what only leads to it.
        let leads = self.contact(holder).ok().flatten().is_some_and(|contact| {
            let alone = Contact { merged: None, ..(*contact).clone() };
            !IdentityKey::of(&alone).any(|own| own == *key)
        });
        let message = match leads {
            true => format!("this {what} leads to contact {holder}, into which one that had it was merged"),
            false => format!("contact {holder} already has this {what}"),
        };
        Error::Conflict { message, holder: Some(holder) }
    }

    /// The next contact id.
    pub fn next_contact(&mut self) -> Result<ContactId> {
        let last = &mut self.staged.head.last_contact.0;
        *last = last
            .checked_add(1)
            .ok_or(Error::Limit { what: "the contact ids of a workspace", limit: u32::MAX as usize })?;
        Ok(ContactId(*last))
    }

    /// Stages a contact's new state.
    pub fn put(&mut self, before: Option<Arc<Contact>>, now: Contact) -> Result<Arc<Contact>> {
        if records_cache::bytes(&now) > CONTACT_BYTES_MAX {
            return Err(Error::Limit { what: "the size of a contact in bytes", limit: CONTACT_BYTES_MAX });
        }
        self.staged.put(before, Some(now)).ok_or_else(|| Error::Io("nothing to put".into()))
    }

    /// Stages the removal of the contact and of all that was merged into it, histories and what jobs keep of their values included.
    pub fn delete(&mut self, contact: Arc<Contact>) -> Result<()> {
        self.delete_history(contact.id)?;
        for merged in merged_into(&contact) {
            self.delete_history(*merged)?;
            self.delete_side::<Merge>(*merged);
            // A backup that is under way reads the change log.
            self.staged.touch(*merged);
        }
        for id in std::iter::once(&contact.id).chain(merged_into(&contact)) {
            self.clear_sides(SideRange::UndosOf(*id), usize::MAX)?;
        }
        self.staged.put(Some(contact), None);
        Ok(())
    }

    /// Stages the removal of the contact alone: its history stays, for another that takes it in.
    pub fn take_away(&mut self, contact: Arc<Contact>) {
        self.staged.put(Some(contact), None);
    }

    fn delete_history(&mut self, contact: ContactId) -> Result<()> {
        let staged = [&self.base.history, &self.staged.history];
        let mut gone: Vec<HistoryWrite> =
            staged.into_iter().flatten().filter(|entry| entry.contact == contact).cloned().collect();
        self.sources.records.each_interaction(self.base.workspace.id, contact, |number, entry| {
            gone.push(HistoryWrite { contact, number, at: entry.at, entry: None });
        })?;
        self.staged.history.extend(gone.into_iter().map(|entry| HistoryWrite { entry: None, ..entry }));
        Ok(())
    }

    /// What is kept under the contact's own id, with each entry's number, in no order.
    pub fn history(&self, contact: ContactId) -> Result<Vec<(u64, Interaction)>> {
        let mut entries = BTreeMap::new();
        self.sources.records.each_interaction(self.base.workspace.id, contact, |number, entry| {
            entries.insert(number, entry);
        })?;
        for staged in self.base.history.iter().chain(&self.staged.history).filter(|entry| entry.contact == contact) {
            match &staged.entry {
                Some(interaction) => drop(entries.insert(staged.number, interaction.clone())),
                None => drop(entries.remove(&staged.number)),
            }
        }
        Ok(entries.into_iter().collect())
    }

    /// Stages a new entry of the history of a contact just put; its number is the version that this made.
    pub fn add_history(&mut self, contact: &Contact, entry: Interaction) -> u64 {
        let number = contact.version.0;
        self.staged.history.push(HistoryWrite { contact: contact.id, number, at: entry.at, entry: Some(entry) });
        number
    }

    /// How many entries of histories are staged.
    pub fn past_staged(&self) -> usize {
        self.staged.history.len()
    }

    /// The entry of that time and number of a contact's history, as the batch has it.
    pub fn past(&self, contact: ContactId, at: Millis, number: u64) -> Result<Option<Interaction>> {
        let mut staged = self.base.history.iter().chain(&self.staged.history);
        let is = |entry: &&HistoryWrite| (entry.contact, entry.at, entry.number) == (contact, at, number);
        if let Some(entry) = staged.rfind(is) {
            return Ok(entry.entry.clone());
        }
        let page = self.sources.records.interactions(self.base.workspace.id, contact, Some((at, number + 1)), 1)?;
        Ok(page.into_iter().find(|(found, entry)| (*found, entry.at) == (number, at)).map(|(_, entry)| entry))
    }

    /// The next id for an item of the catalog.
    pub fn next_item(&mut self) -> u32 {
        self.staged.head.last_item += 1;
        self.staged.head.last_item
    }

    /// Changes the catalog: `change` does it, `subject` says what it was about.
    pub fn define(&mut self, subject: Subject, change: impl FnOnce(&mut Catalog)) {
        change(Arc::make_mut(&mut self.staged.catalog));
        self.staged.put_item(subject);
    }
}

/// The error for a contact that is not there.
pub fn absent(who: &Identifier) -> Error {
    let name = match who {
        Identifier::Id(id) => format!("id:{id}"),
        Identifier::Email(_) => "with this e-mail".into(),
        Identifier::Phone(_) => "with this phone".into(),
    };
    Error::NotFound { what: "contact", name }
}
