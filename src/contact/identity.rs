//! What identifies a contact: `id:`, `email:` and `phone:`.

use super::{Contact, ContactId, Phone, draft, fold};

/// A name by which a caller points at one contact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Identifier {
    Id(ContactId),
    /// Folded for comparison.
    Email(String),
    /// E.164 digits.
    Phone(u64),
}

/// What a contact is known by: unique in a workspace unless an import said otherwise.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdentityKey {
    /// Folded for comparison.
    Email(String),
    /// E.164 digits.
    Phone(u64),
    /// The id of a contact that was merged into the holder.
    Id(ContactId),
}

impl IdentityKey {
    /// The keys a contact holds, each once: its own, and those of the contacts merged into it.
    pub fn of(contact: &Contact) -> impl Iterator<Item = IdentityKey> + '_ {
        let email = contact.email.as_deref().map(|email| IdentityKey::Email(fold::compare(email)));
        let phone = contact.phone.as_ref().map(|phone: &Phone| IdentityKey::Phone(phone.digits));
        let own = [email, phone];
        let is_own = |key: &IdentityKey| own.iter().flatten().any(|own| own == key);
        let merged: Vec<IdentityKey> = IdentityKey::merged(contact).filter(|key| !is_own(key)).collect();
        own.into_iter().flatten().chain(merged)
    }

    /// The keys of the contacts merged into it: the contact may hold some as its own too.
    pub fn merged(contact: &Contact) -> impl Iterator<Item = IdentityKey> + '_ {
        contact.merged.iter().flat_map(|merged| merged.keys())
    }
}

impl Identifier {
    /// Reads `id:17`, `email:a@b.co` or `phone:+60123456789`; a phone without `+` is read in `default_country`.
    ///
    /// # Errors
    /// A sentence that says what was found and what would do.
    pub fn parse(text: &str, default_country: Option<&str>) -> Result<Identifier, String> {
        let (kind, value) = text.split_once(':').ok_or(FORMS)?;
        let value = value.trim();
        match kind.trim().to_ascii_lowercase().as_str() {
            "id" => value
                .parse::<u32>()
                .ok()
                .filter(|&id| id > 0 && value.bytes().all(|byte| byte.is_ascii_digit()))
                .map(|id| Identifier::Id(ContactId(id)))
                .ok_or_else(|| format!("After id: comes a whole number from 1 to {}.", u32::MAX)),
            "email" => draft::email(value).map(|email| Identifier::Email(fold::compare(&email))),
            "phone" => Phone::parse(value, default_country).map(|phone| Identifier::Phone(phone.digits)),
            _ => Err(FORMS.to_owned()),
        }
    }
}

const FORMS: &str = "A contact is named by id:17, email:ana@example.com or phone:+60123456789.";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Identifier, String> {
        Identifier::parse(text, Some("MY"))
    }

    #[test]
    fn the_three_ways_to_name_a_contact() {
        assert_eq!(read("id:17"), Ok(Identifier::Id(ContactId(17))));
        assert_eq!(read("ID: 4294967295 "), Ok(Identifier::Id(ContactId(u32::MAX))));
        assert_eq!(read("email:Zoë@Example.COM"), Ok(Identifier::Email("zoë@example.com".into())));
        assert_eq!(read("phone:+60 12 345 6789"), Ok(Identifier::Phone(60_123_456_789)));
        assert_eq!(read("phone:012 345 6789"), Ok(Identifier::Phone(60_123_456_789)));
    }

    #[test]
    fn anything_else_says_what_would_do() {
        for text in [
            "",
            "17",
            "name:x",
            "id:",
            "id:0",
            "id:-1",
            "id:+1",
            "id:4294967296",
            "id:1.5",
            "email:",
            "email:x",
            "phone:",
            "phone:x",
        ] {
            assert!(read(text).is_err_and(|why| why.ends_with('.')), "{text}");
        }
        assert!(Identifier::parse("phone:012 345 6789", None).is_err());
    }

    #[test]
    fn a_contact_holds_the_keys_it_is_named_by() {
        let contact = Contact {
            email: Some("Ana@Example.com".into()),
            phone: Phone::parse("+60123456789", None).ok(),
            ..Contact::default()
        };
        let keys: Vec<IdentityKey> = IdentityKey::of(&contact).collect();
        assert!(keys == [IdentityKey::Email("ana@example.com".into()), IdentityKey::Phone(60_123_456_789)]);
    }
}
