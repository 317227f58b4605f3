//! Contacts in memory, bounded in bytes, shared by all workspaces: as many as fit in the form the store has them in, which takes a
//! third of the room, and those lately asked for as they are handed out.

use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter};

use crate::contact::{ChannelLink, Contact, ContactId, CustomFieldId, Merged, Value, WorkspaceId};

/// One part in so many of the room is for decoded contacts.
const DECODED_SHARE: u64 = 4;
/// What an entry takes beside its value, about: its key, its place in the cache, what the allocator rounds up.
const ENTRY: usize = 80;
/// What contacts take on average, about: the cache wants to know beforehand how many there will be.
const DECODED: u64 = 1000;
const PACKED: u64 = 320;

type Key = (WorkspaceId, ContactId);
/// A contact as the store encodes it.
type Packed = Arc<[u8]>;

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Arc<Contact>> for Bytes {
    fn weight(&self, _: &Key, contact: &Arc<Contact>) -> u64 {
        (bytes(contact) + ENTRY) as u64
    }
}

impl Weighter<Key, Packed> for Bytes {
    fn weight(&self, _: &Key, packed: &Packed) -> u64 {
        (packed.len() + ENTRY) as u64
    }
}

/// What a decoded contact takes on the heap, about.
pub fn bytes(contact: &Contact) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, |text| text.capacity() + 8);
    let custom = |value: &Value| if let Value::Text(text) = value { text.capacity() + 8 } else { 0 };
    size_of::<Contact>()
        + text(&contact.first_name)
        + text(&contact.last_name)
        + text(&contact.email)
        + text(&contact.profile_pic)
        + contact.phone.as_ref().map_or(0, |phone| phone.given.capacity() + 8)
        + contact.tags.capacity() * 4
        + contact.channels.capacity() * size_of::<ChannelLink>()
        + contact.channels.iter().map(|link| text(&link.address)).sum::<usize>()
        + contact.merged.as_deref().map_or(0, merged)
        + contact.custom.capacity() * size_of::<(CustomFieldId, Value)>()
        + contact.custom.iter().map(|(_, value)| custom(value)).sum::<usize>()
}

fn merged(merged: &Merged) -> usize {
    let emails = merged.emails.iter().map(|email| email.capacity() + 32).sum::<usize>();
    96 + merged.ids.capacity() * 4 + merged.phones.capacity() * 8 + emails
}

/// Forgets nothing but what the byte limit pushes out.
#[derive(Clone)]
struct Quiet;

impl<T> Lifecycle<Key, T> for Quiet {
    type RequestState = ();
    fn on_evict(&self, (): &mut (), _: Key, _: T) {}
}

type Bounded<T> = Cache<Key, T, Bytes, DefaultHashBuilder, Quiet>;

/// The cache.
pub struct RecordCache {
    decoded: Bounded<Arc<Contact>>,
    /// Every contact that was put, as long as there is room.
    packed: Bounded<Packed>,
}

impl RecordCache {
    /// A cache of at most `bytes_max` bytes.
    pub fn new(bytes_max: u64) -> RecordCache {
        let decoded = bytes_max / DECODED_SHARE;
        RecordCache { decoded: bounded(decoded, DECODED), packed: bounded(bytes_max - decoded, PACKED) }
    }

    /// The contact, if it is here; it is kept decoded from then on. Only for who holds the workspace's state: else what was found
    /// might take the place of what is published meanwhile.
    pub fn get(&self, ws: WorkspaceId, id: ContactId) -> Option<Arc<Contact>> {
        self.decoded.get(&(ws, id)).or_else(|| {
            let contact = unpacked(&self.packed.get(&(ws, id))?)?;
            self.decoded.insert((ws, id), contact.clone());
            Some(contact)
        })
    }

    /// The same, leaving the cache as it is: for who reads many, each once.
    pub fn peek(&self, ws: WorkspaceId, id: ContactId) -> Option<Arc<Contact>> {
        self.decoded.peek(&(ws, id)).or_else(|| unpacked(&self.packed.peek(&(ws, id))?))
    }

    /// Keeps a contact as it is now.
    pub fn put(&self, ws: WorkspaceId, contact: Arc<Contact>) {
        let key = (ws, contact.id);
        let mut packed = Vec::with_capacity(PACKED as usize);
        match minicbor::encode(&*contact, &mut packed) {
            Ok(()) => self.packed.insert(key, packed.into()),
            // Writing to a vector cannot fail; what was known before would be wrong now.
            Err(_) => drop(self.packed.remove(&key)),
        }
        self.decoded.insert(key, contact);
    }

    /// Forgets a deleted contact.
    pub fn remove(&self, ws: WorkspaceId, id: ContactId) {
        self.packed.remove(&(ws, id));
        self.decoded.remove(&(ws, id));
    }

    /// Forgets a deleted workspace's contacts.
    pub fn remove_all(&self, ws: WorkspaceId) {
        self.packed.retain(|(of, _), _| *of != ws);
        self.decoded.retain(|(of, _), _| *of != ws);
    }

    /// Bytes held now.
    pub fn bytes(&self) -> u64 {
        self.decoded.weight() + self.packed.weight()
    }
}

fn bounded<T: Clone>(bytes_max: u64, each: u64) -> Bounded<T>
where
    Bytes: Weighter<Key, T>,
{
    let about = (bytes_max / each).max(16) as usize;
    Cache::with(about, bytes_max, Bytes, DefaultHashBuilder::default(), Quiet)
}

fn unpacked(packed: &[u8]) -> Option<Arc<Contact>> {
    minicbor::decode(packed).ok().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WS: WorkspaceId = WorkspaceId(1);

    fn contact(id: u32, name: &str) -> Arc<Contact> {
        let custom = vec![(CustomFieldId(1), Value::Text("so many words ".repeat(9)))];
        Arc::new(Contact { id: ContactId(id), first_name: Some(format!("{name} {id}")), custom, ..Contact::default() })
    }

    #[test]
    fn what_is_put_comes_back_as_it_was_put_last() {
        let cache = RecordCache::new(1 << 20);
        for name in ["first", "second"] {
            (1..=1000).for_each(|id| cache.put(WS, contact(id, name)));
            // There is room for all of them packed, and for fewer decoded.
            assert!(cache.decoded.len() < 600 && cache.packed.len() == 1000);
            for id in (1..=1000).map(ContactId) {
                let peeked = cache.peek(WS, id);
                assert!(peeked == Some(contact(id.0, name)) && cache.get(WS, id) == peeked);
            }
            assert!(cache.bytes() <= 1 << 20);
        }
    }

    #[test]
    fn what_is_removed_is_gone_in_both_forms() {
        let cache = RecordCache::new(1 << 20);
        (1..=1000).for_each(|id| cache.put(WS, contact(id, "a")));
        cache.put(WorkspaceId(2), contact(1, "b"));
        (1..=500).for_each(|id| cache.remove(WS, ContactId(id)));
        let here = |ws, id| cache.peek(ws, ContactId(id)).is_some() || cache.get(ws, ContactId(id)).is_some();
        assert!((1..=1000).all(|id| here(WS, id) == (id > 500)));
        cache.remove_all(WS);
        assert!((1..=1000).all(|id| !here(WS, id)) && here(WorkspaceId(2), 1));
    }

    #[test]
    fn the_limit_holds_when_there_is_too_much() {
        let cache = RecordCache::new(1 << 18);
        (1..=5000).for_each(|id| cache.put(WS, contact(id, "a")));
        assert!(cache.bytes() <= 1 << 18 && !cache.packed.is_empty() && cache.packed.len() < 1000);
    }
}
