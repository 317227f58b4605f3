//! What identifies a contact: `id:`, `email:` and `phone:`.

use super::{Contact, ContactId, Phone, fold};

/// A name by which a caller points at one contact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Identifier {
    Id(ContactId),
    /// Folded for comparison.
    Email(String),
    /// E.164 digits.
    Phone(u64),
}

/// An e-mail or phone as the store keys it: unique in a workspace unless an import said otherwise.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdentityKey {
    /// Folded for comparison.
    Email(String),
    /// E.164 digits.
    Phone(u64),
}

impl IdentityKey {
    /// The keys a contact holds.
    pub fn of(contact: &Contact) -> impl Iterator<Item = IdentityKey> + '_ {
        let email = contact.email.as_deref().map(|email| IdentityKey::Email(fold::compare(email)));
        let phone = contact.phone.as_ref().map(|phone: &Phone| IdentityKey::Phone(phone.digits));
        email.into_iter().chain(phone)
    }
}

impl Identifier {
    /// Reads `id:17`, `email:a@b.co` or `phone:+60123456789`.
    ///
    /// # Errors
    /// A sentence that says what was found and what would do.
    pub fn parse(text: &str, default_country: Option<&str>) -> Result<Identifier, String> {
        let _ = (text, default_country);
        Err("owner: contact".into())
    }
}
