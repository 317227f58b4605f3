//! Who has an e-mail or a phone.

use super::{Index, RowSet, phone_exactly};
use crate::contact::Field;
use crate::contact::identity::IdentityKey;

impl Index {
    /// The contacts whose own e-mail or phone it is. What contacts that were merged had is in no index. Some microseconds.
    pub fn owners(&self, key: &IdentityKey) -> RowSet {
        match key {
            IdentityKey::Email(email) => self.texts.get(&Field::Email).map(|emails| emails.equal(email)),
            IdentityKey::Phone(digits) => self.owners_of_phone(*digits),
            IdentityKey::Id(_) => None,
        }
        .unwrap_or_default()
    }

    fn owners_of_phone(&self, digits: u64) -> Option<RowSet> {
        let keys = phone_exactly(&digits.to_string())?;
        match (self.positions(Field::Phone, *keys.start(), *keys.end()), self.orders.get(&Field::Phone)) {
            (Some(places), Some(order)) => Some(order.slice(places.start, places.end)),
            _ => self.columns.get(&Field::Phone).map(|phones| phones.scan(keys)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::{Catalog, Contact, ContactId, Phone};

    #[test]
    fn owners_are_those_whose_key_it_is() {
        let emails = ["Zoë@b.co", "ZOË@B.CO", "zoe@b.co", "zoë@b.com", "ᾳ@b.co", "αι@b.co"];
        // Of one number the other is the beginning, or what it is filled with is its own zero.
        let phones = [49_123, 491_230, 49_1230_0000, 49_123, 7, 999_999_999_999_999];
        let contacts = (0..36).map(|n| Contact {
            id: ContactId(n as u32 + 1),
            email: (n % 5 != 0).then(|| emails[n % 6].to_owned()),
            phone: (n % 7 != 0).then(|| Phone {
                digits: phones[n / 6],
                calling_code_len: (n % 3) as u8,
                given: String::new(),
            }),
            ..Contact::default()
        });
        let contacts: Vec<Contact> = contacts.collect();
        let catalog = Catalog::default();
        for (mut index, is_bulk) in [(Index::new(&catalog), false), (Index::bulk(&catalog), true)] {
            contacts.iter().for_each(|contact| index.put(contact.id.0, Some(contact), &catalog));
            assert_eq!(index.order(Field::Phone).is_none(), is_bulk);
            let known = contacts.iter().flat_map(IdentityKey::of);
            let others = [
                IdentityKey::Phone(4_912_300),
                IdentityKey::Phone(4),
                IdentityKey::Phone(u64::MAX),
                IdentityKey::Id(ContactId(1)),
            ];
            for key in known.chain(others).chain([IdentityKey::Email("b.co".into())]) {
                let naive = contacts.iter().filter(|contact| IdentityKey::of(contact).any(|own| own == key));
                assert!(index.owners(&key).iter().eq(naive.map(|contact| contact.id.0)));
            }
        }
    }
}
