//! A contact as JSON, the inverse of [`Draft::read`](super::Draft::read): what the API answers and what exports write.

use serde_json::{Map, Value as Json};

use super::{Catalog, Contact};

/// Every member in wire names, absent values as `null`; times RFC 3339 UTC with milliseconds.
pub fn contact(contact: &Contact, catalog: &Catalog) -> Map<String, Json> {
    let _ = (contact, catalog);
    Map::new() // owner: contact
}
