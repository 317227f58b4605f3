//! What a batch of operations has changed in one workspace, before any of it is durable or visible.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Result;
use super::records_cache::RecordCache;
use super::workspace::Workspace;
use crate::contact::identity::IdentityKey;
use crate::contact::{Catalog, Contact, ContactId, Interaction, Millis};
use crate::store::{Change, Head, Records, Sides, StoreError, Subject, Writes};

/// The changes of one workspace. Operations read through it, so that each sees those before it in the batch.
pub struct Staged {
    pub workspace: Arc<Workspace>,
    pub head: Head,
    pub catalog: Arc<Catalog>,
    /// Contacts as they were before the batch and as they are now.
    pub contacts: HashMap<ContactId, Touched>,
    /// Who took an identity in this batch; they may have given it up again.
    takers: HashMap<IdentityKey, BTreeSet<ContactId>>,
    pub changes: Vec<Change>,
    pub items: BTreeSet<ItemKey>,
    pub history: Vec<HistoryWrite>,
    pub sides: Sides,
}

/// A contact before and after.
#[derive(Clone)]
pub struct Touched {
    pub before: Option<Arc<Contact>>,
    pub now: Option<Arc<Contact>>,
}

/// An entry of a contact's history to add (`Some`) or remove.
#[derive(Clone)]
pub struct HistoryWrite {
    pub contact: ContactId,
    pub number: u64,
    pub at: i64,
    pub entry: Option<Interaction>,
}

/// An item of the catalog that is written or removed: kind and id.
pub type ItemKey = (u8, u32);

/// The key of the item a change is about.
fn item_key(subject: Subject) -> Option<ItemKey> {
    Some(match subject {
        Subject::Contact(_) => return None,
        Subject::Field(id) => (0, id.0),
        Subject::Tag(id) => (1, id.0),
        Subject::Channel(id) => (2, id.0),
        Subject::User(id) => (3, id.0),
        Subject::Stage(id) => (4, id.0),
        Subject::Segment(id) => (5, id.0),
        Subject::Workspace => (6, 0),
    })
}

/// Where the contacts that are not staged come from.
pub struct Sources<'a> {
    pub records: &'a Records,
    pub cache: &'a RecordCache,
}

impl Staged {
    /// Nothing changed yet.
    pub fn new(workspace: Arc<Workspace>) -> Staged {
        let (head, catalog) = {
            let state = workspace.state.read();
            (state.head, state.catalog.clone())
        };
        Staged {
            workspace,
            head,
            catalog,
            contacts: HashMap::new(),
            takers: HashMap::new(),
            changes: Vec::new(),
            items: BTreeSet::new(),
            history: Vec::new(),
            sides: Sides::default(),
        }
    }

    /// The contact as the batch has it.
    pub fn contact(&self, id: ContactId, from: &Sources) -> Result<Option<Arc<Contact>>> {
        if let Some(touched) = self.contacts.get(&id) {
            return Ok(touched.now.clone());
        }
        if let Some(contact) = from.cache.peek(self.workspace.id, id) {
            return Ok(Some(contact));
        }
        Ok(from.records.contact(self.workspace.id, id)?.map(Arc::new))
    }

    /// Who holds an e-mail or phone. The index is as of all before the batch.
    pub fn holders(&self, key: &IdentityKey, from: &Sources) -> Result<BTreeSet<ContactId>> {
        let owners = self.workspace.state.read().index.owners(key);
        let mut holders: BTreeSet<ContactId> = owners.iter().map(ContactId).collect();
        for id in from.records.merged_holders(self.workspace.id, key)? {
            if holds(self.contact(id, from)?.as_deref(), key) {
                holders.insert(id);
            }
        }
        Ok(self.holders_after(key, holders))
    }

    /// Who of those that held an e-mail or phone before these changes, and of those that took it in them, holds it now.
    pub fn holders_after(&self, key: &IdentityKey, mut holders: BTreeSet<ContactId>) -> BTreeSet<ContactId> {
        holders.extend(self.takers.get(key).into_iter().flatten());
        holders.retain(|id| self.contacts.get(id).is_none_or(|touched| holds(touched.now.as_deref(), key)));
        holders
    }

    /// Stages a contact's new state; `before` is what [`Staged::contact`] gave for it.
    pub fn put(&mut self, before: Option<Arc<Contact>>, now: Option<Contact>) -> Option<Arc<Contact>> {
        let id = now.as_ref().map(|contact| contact.id).or(before.as_ref().map(|contact| contact.id))?;
        self.head.seq.0 += 1;
        self.changes.push(Change { seq: self.head.seq, subject: Subject::Contact(id) });
        let now = now.map(|mut contact| {
            contact.version = self.head.seq;
            Arc::new(contact)
        });
        for key in now.iter().flat_map(|contact| IdentityKey::of(contact)) {
            self.takers.entry(key).or_default().insert(id);
        }
        let touched = self.contacts.entry(id).or_insert(Touched { before, now: None });
        touched.now = now.clone();
        now
    }

    /// Notes that something under the id changed that is not the contact itself: of one that was merged into another.
    pub fn touch(&mut self, id: ContactId) {
        self.head.seq.0 += 1;
        self.changes.push(Change { seq: self.head.seq, subject: Subject::Contact(id) });
    }

    /// Notes that an item of the catalog was written or removed (the catalog itself is changed by the caller).
    pub fn put_item(&mut self, subject: Subject) {
        self.head.seq.0 += 1;
        self.changes.push(Change { seq: self.head.seq, subject });
        self.items.extend(item_key(subject));
    }

    /// Forgets all that only writing needs: what contacts were, and the log of changes.
    pub fn forget_past(&mut self) {
        self.contacts.values_mut().for_each(|touched| touched.before = None);
        (self.changes, self.items) = (Vec::new(), BTreeSet::new());
    }

    /// Puts another round of changes, made on a copy of this one's head and catalog, on top.
    pub fn absorb(&mut self, delta: Staged) {
        // The first round brings most of what there is.
        if self.contacts.is_empty() {
            self.contacts = delta.contacts;
        } else {
            for (id, Touched { before, now }) in delta.contacts {
                self.contacts.entry(id).or_insert(Touched { before, now: None }).now = now;
            }
        }
        if self.takers.is_empty() {
            self.takers = delta.takers;
        } else {
            for (key, ids) in delta.takers {
                self.takers.entry(key).or_default().extend(ids);
            }
        }
        self.head = delta.head;
        self.catalog = delta.catalog;
        self.changes.extend(delta.changes);
        self.items.extend(delta.items);
        self.history.extend(delta.history);
        self.sides.absorb(delta.sides);
    }

    /// Adds everything to the batch's writes and settles the counters.
    pub fn write(&mut self, writes: &mut Writes) {
        self.sides.write(writes);
        let ws = self.workspace.id;
        if self.changes.is_empty() && self.history.is_empty() {
            // A job takes a number and changes nothing else that is counted.
            if self.head != self.workspace.state.read().head {
                writes.put_head(ws, &self.head);
            }
            return;
        }
        for touched in self.contacts.values() {
            let (before, now) = (touched.before.as_deref(), touched.now.as_deref());
            if let Some(before) = before {
                self.head.digest = self.head.digest.wrapping_sub(Records::digest(ws, before));
                self.head.contacts -= 1;
            }
            match (before, now) {
                (_, Some(now)) => {
                    self.head.digest = self.head.digest.wrapping_add(writes.put_contact(ws, before, now));
                    self.head.contacts += 1;
                }
                (Some(before), None) => writes.delete_contact(ws, before),
                (None, None) => {}
            }
        }
        for entry in &self.history {
            match &entry.entry {
                Some(interaction) => writes.put_interaction(ws, entry.contact, entry.number, interaction),
                None => writes.delete_interaction(ws, entry.contact, entry.number, entry.at),
            }
        }
        self.write_items(writes);
        writes.put_changes(ws, &self.changes);
        writes.put_head(ws, &self.head);
    }

    fn write_items(&self, writes: &mut Writes) {
        use crate::contact::{ChannelId, CustomFieldId, SegmentId, StageId, TagId, UserId};
        let (ws, catalog) = (self.workspace.id, &self.catalog);
        macro_rules! item {
            ($id:expr, $map:ident, $put:ident, $subject:ident) => {
                match catalog.$map.get(&$id) {
                    Some(item) => writes.$put(ws, item),
                    None => writes.delete_item(ws, Subject::$subject($id)),
                }
            };
        }
        for (kind, id) in &self.items {
            match kind {
                0 => item!(CustomFieldId(*id), fields, put_field, Field),
                1 => item!(TagId(*id), tags, put_tag, Tag),
                2 => item!(ChannelId(*id), channels, put_channel, Channel),
                3 => item!(UserId(*id), users, put_user, User),
                4 => item!(StageId(*id), stages, put_stage, Stage),
                5 => item!(SegmentId(*id), segments, put_segment, Segment),
                _ => writes.put_workspace(&catalog.workspace),
            }
        }
    }

    /// The first to ring of the alarms that it sets.
    pub fn first_alarm(&self) -> Option<Millis> {
        let end = |contact: &Option<Arc<Contact>>| contact.as_ref().and_then(|contact| contact.snooze_end());
        let moved = self.contacts.values().filter(|touched| end(&touched.before) != end(&touched.now));
        moved.filter_map(|touched| end(&touched.now)).chain(self.sides.first_alarm()).min()
    }

    /// What the contacts were before the batch, for readers until it is published.
    pub fn before(&self) -> HashMap<ContactId, Option<Arc<Contact>>> {
        self.contacts.iter().map(|(id, touched)| (*id, touched.before.clone())).collect()
    }

    /// What the contacts are after it, ascending: what the index keeps by row grows at its end, and is next to what was read last.
    pub fn after(self) -> Vec<(ContactId, Option<Arc<Contact>>)> {
        let mut after: Vec<_> = self.contacts.into_iter().map(|(id, touched)| (id, touched.now)).collect();
        after.sort_unstable_by_key(|(id, _)| *id);
        after
    }
}

fn holds(contact: Option<&Contact>, key: &IdentityKey) -> bool {
    contact.is_some_and(|contact| IdentityKey::of(contact).any(|held| held == *key))
}

/// The store's answer in a form that every operation of a failed batch can be told.
pub fn told(error: &StoreError) -> StoreError {
    match error {
        StoreError::TooLarge { what, bytes, limit } => StoreError::TooLarge { what, bytes: *bytes, limit: *limit },
        StoreError::ReadOnly(why) => StoreError::ReadOnly(why.clone()),
        other => StoreError::ReadOnly(other.to_string()),
    }
}
