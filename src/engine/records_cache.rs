//! Contacts in memory, bounded in bytes, shared by all workspaces: as many as fit in the form the store has them in, which takes a
//! third of the room, and those lately asked for as they are handed out: decoded, or as JSON.

mod bounded;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bounded::{Bounded, Kept};

use crate::contact::{ChannelLink, Contact, ContactId, CustomFieldId, Merged, Value, WorkspaceId};

/// One part in so many of the room is for decoded contacts, and as much for JSON. What is missing there is made of the packed
/// contact in microseconds; what is packed nowhere is read from the store: so all else is for packed ones.
const MADE_SHARE: u64 = 8;
/// What contacts take on average, about: the cache wants to know beforehand how many there will be.
const DECODED: u64 = 1000;
const PACKED: u64 = 320;
const JSON: u64 = 1300;

/// A contact as the store encodes it.
type Packed = Arc<[u8]>;
/// A contact as an answer shows it, whole.
pub type ContactJson = Arc<[u8]>;

/// A workspace's catalog as long as it stays as it is: another mark, another catalog. JSON is of one of them, for names come
/// from there. Never given twice in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogMark(u64);

impl CatalogMark {
    /// The mark of a catalog that was just put in place.
    pub fn fresh() -> CatalogMark {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        CatalogMark(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

#[derive(Clone)]
struct Shown {
    of: CatalogMark,
    json: ContactJson,
}

impl Kept for Arc<Contact> {
    fn bytes(&self) -> usize {
        bytes(self)
    }

    fn holders(&self) -> usize {
        Arc::strong_count(self)
    }
}

impl Kept for Packed {
    fn bytes(&self) -> usize {
        self.len()
    }

    fn holders(&self) -> usize {
        Arc::strong_count(self)
    }
}

impl Kept for Shown {
    fn bytes(&self) -> usize {
        // The allocator rounds up by an eighth at most.
        self.json.len() + self.json.len() / 16
    }

    fn holders(&self) -> usize {
        Arc::strong_count(&self.json)
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

/// The cache.
pub struct RecordCache {
    decoded: Bounded<Arc<Contact>>,
    /// Every contact that was put, as long as there is room.
    packed: Bounded<Packed>,
    /// Those that were answered whole, since they were last put.
    shown: Bounded<Shown>,
}

impl RecordCache {
    /// A cache of at most `bytes_max` bytes.
    pub fn new(bytes_max: u64) -> RecordCache {
        let made = bytes_max / MADE_SHARE;
        RecordCache {
            decoded: Bounded::new(made, DECODED),
            packed: Bounded::new(bytes_max - 2 * made, PACKED),
            shown: Bounded::new(made, JSON),
        }
    }

    /// The contacts that are here; they are kept decoded from then on. Only for who holds the workspace's state: else what was
    /// found might take the place of what is published meanwhile.
    pub fn get_all(&self, ws: WorkspaceId, ids: &[ContactId]) -> Vec<Option<Arc<Contact>>> {
        self.all_decoded(ws, ids, true)
    }

    /// The same, not kept decoded: for who makes something else of them that is kept.
    pub fn get_all_once(&self, ws: WorkspaceId, ids: &[ContactId]) -> Vec<Option<Arc<Contact>>> {
        self.all_decoded(ws, ids, false)
    }

    fn all_decoded(&self, ws: WorkspaceId, ids: &[ContactId], keep: bool) -> Vec<Option<Arc<Contact>>> {
        let mut found = self.decoded.get_all(ws, ids);
        let missing = ids.iter().zip(&found).filter(|(_, found)| found.is_none());
        let missing: Vec<ContactId> = missing.map(|(id, _)| *id).collect();
        if missing.is_empty() {
            return found;
        }
        let packed = self.packed.get_all(ws, &missing);
        for (found, packed) in found.iter_mut().filter(|found| found.is_none()).zip(packed) {
            *found = packed.and_then(|packed| unpacked(&packed));
            if let Some(contact) = found.as_ref().filter(|_| keep) {
                self.decoded.insert(ws, contact.id, contact.clone());
            }
        }
        found
    }

    /// The contacts' JSON, of those whose is here and was made with that catalog.
    pub fn json_all(&self, ws: WorkspaceId, ids: &[ContactId], of: CatalogMark) -> Vec<Option<ContactJson>> {
        let shown = self.shown.get_all(ws, ids).into_iter();
        shown.map(|shown| shown.filter(|shown| shown.of == of).map(|shown| shown.json)).collect()
    }

    /// Keeps the contact's JSON until the contact is put again. As [`RecordCache::get_all`] only for who holds the workspace's
    /// state, and made of the contact and catalog of that state.
    pub fn put_json(&self, ws: WorkspaceId, id: ContactId, of: CatalogMark, json: ContactJson) {
        self.shown.insert(ws, id, Shown { of, json });
    }

    /// A contact, leaving the cache as it is: for who reads many, each once.
    pub fn peek(&self, ws: WorkspaceId, id: ContactId) -> Option<Arc<Contact>> {
        self.decoded.peek(ws, id).or_else(|| unpacked(&self.packed.peek(ws, id)?))
    }

    /// Keeps a contact that was asked for.
    pub fn put_asked(&self, ws: WorkspaceId, contact: Arc<Contact>) {
        self.put(ws, contact.clone());
        self.decoded.insert(ws, contact.id, contact);
    }

    /// Keeps a contact as it is now. Very many are written that nobody asks for, so it does not push out what is kept decoded.
    pub fn put(&self, ws: WorkspaceId, contact: Arc<Contact>) {
        self.shown.remove(ws, contact.id);
        let mut packed = Vec::with_capacity(PACKED as usize);
        match minicbor::encode(&*contact, &mut packed) {
            Ok(()) => self.packed.insert(ws, contact.id, packed.into()),
            // Writing to a vector cannot fail; what was known before would be wrong now.
            Err(_) => self.packed.remove(ws, contact.id),
        }
        self.decoded.replace(ws, contact.id, contact);
    }

    /// Forgets a deleted contact.
    pub fn remove(&self, ws: WorkspaceId, id: ContactId) {
        self.packed.remove(ws, id);
        self.decoded.remove(ws, id);
        self.shown.remove(ws, id);
    }

    /// Forgets a deleted workspace's contacts.
    pub fn remove_all(&self, ws: WorkspaceId) {
        self.packed.remove_all(ws);
        self.decoded.remove_all(ws);
        self.shown.remove_all(ws);
    }

    /// Bytes held now.
    pub fn bytes(&self) -> u64 {
        self.decoded.bytes() + self.packed.bytes() + self.shown.bytes()
    }
}

fn unpacked(packed: &[u8]) -> Option<Arc<Contact>> {
    minicbor::decode(packed).ok().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl RecordCache {
        fn get(&self, ws: WorkspaceId, id: ContactId) -> Option<Arc<Contact>> {
            self.get_all(ws, &[id]).remove(0)
        }

        fn json(&self, ws: WorkspaceId, id: ContactId, of: CatalogMark) -> Option<ContactJson> {
            self.json_all(ws, &[id], of).remove(0)
        }
    }

    const WS: WorkspaceId = WorkspaceId(1);

    fn contact(id: u32, name: &str) -> Arc<Contact> {
        let custom = vec![(CustomFieldId(1), Value::Text("so many words ".repeat(9)))];
        Arc::new(Contact { id: ContactId(id), first_name: Some(format!("{name} {id}")), custom, ..Contact::default() })
    }

    fn json(bytes: usize) -> ContactJson {
        vec![b' '; bytes].into()
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
    fn many_are_found_each_in_its_place() {
        let cache = RecordCache::new(1 << 22);
        (1..=300).filter(|id| id % 3 > 0).for_each(|id| cache.put(WS, contact(id, "a")));
        // Some decoded, some packed, a third absent, one twice; in no order.
        (1..=300).step_by(5).for_each(|id| drop(cache.get(WS, ContactId(id))));
        let ids: Vec<ContactId> = (0..200).map(|at| ContactId(at * 7919 % 300 + 1)).chain([ContactId(5)]).collect();
        let expected: Vec<_> = ids.iter().map(|id| (id.0 % 3 > 0).then(|| contact(id.0, "a"))).collect();
        let before = cache.decoded.len();
        assert!(cache.get_all_once(WS, &ids) == expected && cache.decoded.len() == before);
        assert!(cache.get_all(WS, &ids) == expected && cache.decoded.len() > before);
        assert!(cache.get_all(WS, &ids) == expected && cache.get_all(WS, &[]).is_empty());
        assert!(cache.get_all(WorkspaceId(2), &ids).iter().all(Option::is_none));
    }

    #[test]
    fn what_is_removed_is_gone_in_every_form() {
        let (cache, of) = (RecordCache::new(1 << 20), CatalogMark::fresh());
        let put = |ws, id| {
            cache.put(ws, contact(id, "a"));
            cache.put_json(ws, ContactId(id), of, json(0));
        };
        (1..=1000).for_each(|id| put(WS, id));
        put(WorkspaceId(2), 1);
        (1..=500).for_each(|id| cache.remove(WS, ContactId(id)));
        let here = |ws, id| {
            let id = ContactId(id);
            let forms = [cache.peek(ws, id), cache.get_all_once(ws, &[id]).remove(0), cache.get(ws, id)]
                .map(|form| form.is_some());
            let is_here = forms.contains(&true);
            assert!(is_here || cache.json(ws, id, of).is_none());
            is_here
        };
        assert!((1..=1000).all(|id| here(WS, id) == (id > 500)));
        cache.remove_all(WS);
        assert!((1..=1000).all(|id| !here(WS, id)) && here(WorkspaceId(2), 1));
        assert!(cache.json(WorkspaceId(2), ContactId(1), of).is_some());
    }

    #[test]
    fn json_is_of_one_catalog_one_workspace_and_one_state_of_the_contact() {
        let (cache, of, other) = (RecordCache::new(1 << 20), CatalogMark::fresh(), CatalogMark::fresh());
        let id = ContactId(1);
        cache.put_json(WS, id, of, json(8));
        assert_eq!(cache.json(WS, id, of), Some(json(8)));
        assert_eq!(cache.json(WS, id, other), None);
        assert_eq!(cache.json(WorkspaceId(2), id, of), None);
        cache.put_json(WS, id, other, json(9));
        assert_eq!((cache.json(WS, id, of), cache.json(WS, id, other)), (None, Some(json(9))));
        cache.put(WS, contact(1, "a"));
        assert_eq!(cache.json(WS, id, other), None);
    }

    #[test]
    fn the_limit_holds_when_there_is_too_much() {
        let cache = RecordCache::new(1 << 18);
        for id in 1..=5000 {
            cache.put(WS, contact(id, "a"));
            cache.put_json(WS, ContactId(id), CatalogMark::fresh(), json(1200));
        }
        assert!(cache.shown.bytes() <= 1 << 15 && cache.shown.len() > 0);
        assert!(cache.bytes() <= 1 << 18 && (1..1000).contains(&cache.packed.len()));
    }
}
