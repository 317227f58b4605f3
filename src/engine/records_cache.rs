//! Decoded contacts in memory, bounded in bytes, shared by all workspaces.

use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter};

use crate::contact::{Contact, ContactId, Merged, Value, WorkspaceId};

type Key = (WorkspaceId, ContactId);

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Arc<Contact>> for Bytes {
    fn weight(&self, _: &Key, contact: &Arc<Contact>) -> u64 {
        bytes(contact) as u64
    }
}

/// What a decoded contact takes on the heap, about.
pub fn bytes(contact: &Contact) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, |text| text.capacity() + 8);
    let custom = |value: &Value| if let Value::Text(text) = value { text.capacity() + 8 } else { 0 };
    size_of::<Contact>()
        + 64
        + text(&contact.first_name)
        + text(&contact.last_name)
        + text(&contact.email)
        + text(&contact.profile_pic)
        + contact.phone.as_ref().map_or(0, |phone| phone.given.capacity() + 8)
        + contact.tags.capacity() * 4
        + contact.channels.iter().map(|link| 72 + text(&link.address)).sum::<usize>()
        + contact.merged.as_deref().map_or(0, merged)
        + contact.custom.iter().map(|(_, value)| 40 + custom(value)).sum::<usize>()
}

fn merged(merged: &Merged) -> usize {
    let emails = merged.emails.iter().map(|email| email.capacity() + 32).sum::<usize>();
    96 + merged.ids.capacity() * 4 + merged.phones.capacity() * 8 + emails
}

/// Forgets nothing but what the byte limit pushes out.
#[derive(Clone)]
struct Quiet;

impl Lifecycle<Key, Arc<Contact>> for Quiet {
    type RequestState = ();
    fn on_evict(&self, (): &mut (), _: Key, _: Arc<Contact>) {}
}

/// The cache.
pub struct RecordCache(Cache<Key, Arc<Contact>, Bytes, DefaultHashBuilder, Quiet>);

impl RecordCache {
    /// A cache of at most `bytes_max` bytes.
    pub fn new(bytes_max: u64) -> RecordCache {
        let about = (bytes_max / 800).max(16) as usize;
        RecordCache(Cache::with(about, bytes_max, Bytes, DefaultHashBuilder::default(), Quiet))
    }

    /// The contact, if it is here.
    pub fn get(&self, ws: WorkspaceId, id: ContactId) -> Option<Arc<Contact>> {
        self.0.get(&(ws, id))
    }

    /// Keeps a contact as it is now.
    pub fn put(&self, ws: WorkspaceId, contact: Arc<Contact>) {
        self.0.insert((ws, contact.id), contact);
    }

    /// Forgets a deleted contact.
    pub fn remove(&self, ws: WorkspaceId, id: ContactId) {
        self.0.remove(&(ws, id));
    }

    /// Forgets a deleted workspace's contacts.
    pub fn remove_all(&self, ws: WorkspaceId) {
        self.0.retain(|(of, _), _| *of != ws);
    }

    /// Bytes held now.
    pub fn bytes(&self) -> u64 {
        self.0.weight()
    }
}
