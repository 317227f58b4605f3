//! One contact against a filter: the meaning of every operator, and the report of explain.

use serde_json::{Value as Json, json};

use super::predicate::{self, Predicate, holds as predicate_holds};
use super::{Condition, Filter, seen};
use crate::contact::{Catalog, Contact, Millis};

/// Whether the contact matches.
pub(super) fn holds(filter: &Filter, contact: &Contact) -> bool {
    match filter {
        Filter::And(children) => children.iter().all(|child| holds(child, contact)),
        Filter::Or(children) => children.is_empty() || children.iter().any(|child| holds(child, contact)),
        Filter::Not(inner) => !holds(inner, contact),
        Filter::Condition(condition) => predicate::matches(condition, contact),
    }
}

/// What explain says of one contact.
#[derive(Clone, Debug, PartialEq)]
pub struct ContactReport {
    pub matches: bool,
    /// Every condition in the order of the request, each segment's own after the condition on the segment.
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
    /// The value the condition saw, as JSON: of a duration its instant, of a segment whether the contact belongs to it.
    pub saw: Json,
}

/// What explain says of the contact; `now` is the time that the filter was read at.
pub(super) fn report(filter: &Filter, contact: &Contact, catalog: &Catalog, now: Millis) -> ContactReport {
    let mut conditions = Vec::new();
    each_condition(filter, &mut |condition| conditions.push(condition_report(condition, contact, catalog)));
    ContactReport {
        matches: holds(filter, contact),
        conditions,
        changes_at: super::clockwork::changes_at(filter, contact, catalog, now),
    }
}

/// Calls `f` with every condition of the tree, segments' own included.
pub(super) fn each_condition<'a>(filter: &'a Filter, f: &mut impl FnMut(&'a Condition)) {
    match filter {
        Filter::And(children) | Filter::Or(children) => children.iter().for_each(|child| each_condition(child, f)),
        Filter::Not(inner) => each_condition(inner, f),
        Filter::Condition(condition) => {
            f(condition);
            if let Predicate::Member(inner) = &condition.predicate {
                each_condition(inner, f);
            }
        }
    }
}

fn condition_report(condition: &Condition, contact: &Contact, catalog: &Catalog) -> ConditionReport {
    let positive = predicate_holds(&condition.predicate, condition.field, contact);
    let saw = match condition.predicate {
        Predicate::Member(_) => json!(positive),
        _ => seen::shown(contact, condition.field, catalog),
    };
    ConditionReport {
        path: condition.path.clone(),
        field: condition.field.name(catalog).to_owned(),
        operator: condition.operator,
        holds: positive != condition.is_negative(),
        saw,
    }
}
