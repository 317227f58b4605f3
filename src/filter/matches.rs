//! One contact against a filter: the meaning of every operator, and the report of explain. (owner: filter)

use super::Filter;
use crate::contact::{Catalog, Contact, Millis};

/// Whether the contact matches.
pub fn matches(filter: &Filter, contact: &Contact, catalog: &Catalog) -> bool {
    let _ = (filter, contact, catalog);
    todo!()
}

/// What explain says of one contact.
#[derive(Clone, Debug, PartialEq)]
pub struct ContactReport {
    pub matches: bool,
    pub conditions: Vec<ConditionReport>,
    /// When the answer changes by time alone, if nothing else happens.
    pub changes_at: Option<Millis>,
}

/// What explain says of one condition.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionReport {
    pub path: String,
    pub field: String,
    pub operator: &'static str,
    pub holds: bool,
    /// The value the condition saw, as JSON.
    pub saw: serde_json::Value,
}
