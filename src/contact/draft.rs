//! What a caller sends for a contact: read field by field, then applied, with all mistakes at once.

use serde_json::{Map, Value as Json};

use super::{Catalog, Contact, Millis, Mistake};

/// A partial contact: for each named field a new value or, for JSON `null` or an empty string, none.
///
/// Reads wire names (`firstName` … `customFields: {slug: value}`, a slug at top level too), names of tags,
/// channels by id or name, assignee by id or e-mail, lifecycle by name. Tags not in the catalog are kept apart, for
/// the caller to create. Every value may come as a JSON string, so that a CSV row is a draft as well.
pub struct Draft {
    changes: Vec<Change>,
    /// Tag names the catalog does not know, in order of appearance.
    pub unknown_tags: Vec<String>,
}

/// What the drafter may set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The fields a person edits.
    Person,
    /// Those and status, channels and all time fields: imports and restores.
    Everything,
}

/// One change to one contact.
type Change = Box<dyn Fn(&mut Contact) + Send>;

impl Draft {
    /// Reads `json` against what the workspace defines.
    ///
    /// # Errors
    /// Every mistake of the input, in its order.
    pub fn read(json: &Map<String, Json>, catalog: &Catalog, scope: Scope, now: Millis) -> Result<Draft, Vec<Mistake>> {
        let _ = (json, catalog, scope, now);
        Err(Vec::new()) // owner: contact
    }

    /// Applies every change. A country absent at creation is derived from the phone by the caller's next step,
    /// [`Draft::complete`].
    pub fn apply(&self, contact: &mut Contact) {
        for change in &self.changes {
            change(contact);
        }
    }

    /// What creation adds: the country of the phone, and the rule that a contact has a first name, an e-mail or a phone.
    ///
    /// # Errors
    /// The mistake of a contact with none of the three.
    pub fn complete(contact: &mut Contact) -> Result<(), Mistake> {
        let _ = contact;
        Ok(()) // owner: contact
    }
}

/// Reads an e-mail address.
pub fn email(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}
