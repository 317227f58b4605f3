//! What an edit will make of the counts of its contacts, from the index alone: exactly what the same counts say after it.

use crate::contact::{Catalog, Contact, Field, Status, TagId};
use crate::engine::act::{Act, Planned};
use crate::engine::select::facets::told;
use crate::engine::{FacetCount, FacetCounts};
use crate::filter::View;
use crate::index::{Among, Counts, code_of};

/// The fields whose counts the edit can change.
pub fn fields(act: &Act, catalog: &Catalog) -> Vec<Field> {
    match act {
        Act::Delete => vec![Field::Tags, Field::Status, Field::Assignee, Field::Lifecycle],
        Act::AddTags(_) | Act::RemoveTags(_) => vec![Field::Tags],
        Act::Unblock | Act::SetStatus(_) => vec![Field::Status],
        Act::Set(draft) => {
            Field::all(catalog).filter(|field| field.is_facetable(catalog) && draft.names(*field)).collect()
        }
    }
}

/// The counts of a field among the rows once the edit is done. For [`Act::Unblock`] the blocked are left out: what their
/// conversations are is in no index ([`unblocked`]).
pub fn after(planned: &Planned, view: View, field: Field, among: &Among) -> FacetCounts {
    let all = among.len();
    let constant = |codes: Vec<u32>| {
        let without = if codes.is_empty() && planned.new_tags.is_empty() { all } else { 0 };
        told(view, field, codes.into_iter().filter(|_| all > 0).map(|code| (code, all)).collect(), without)
    };
    let mut facet = match &planned.act {
        Act::Delete => FacetCounts { field, values: Vec::new(), without: 0 },
        Act::AddTags(tags) => {
            let mut counts = view.index.count(field, among).of_codes;
            counts.retain(|(code, _)| !tags.contains(&TagId(*code)));
            let mut added: Vec<u32> = tags.iter().map(|tag| tag.0).collect();
            added.sort_unstable();
            added.dedup();
            counts.extend(added.into_iter().filter(|_| all > 0).map(|code| (code, all)));
            told(view, field, counts, 0)
        }
        Act::RemoveTags(tags) => removed(view, field, among, tags),
        Act::Unblock => {
            let mut counts = view.index.count(field, among).of_codes;
            counts.retain(|(code, _)| *code != Status::Blocked as u32);
            told(view, field, counts, 0)
        }
        Act::SetStatus(draft) => {
            let blocked =
                view.index.count(field, among).of_codes.into_iter().find(|(code, _)| *code == Status::Blocked as u32);
            let rest = all - blocked.map_or(0, |(_, count)| count);
            let mut probe = Contact::default();
            draft.apply(&mut probe);
            let set = (rest > 0).then_some((probe.status() as u32, rest));
            told(view, field, blocked.into_iter().chain(set).collect(), 0)
        }
        Act::Set(draft) => {
            let mut probe = Contact::default();
            draft.apply(&mut probe);
            match field {
                Field::Tags => constant(probe.tags.iter().map(|tag| tag.0).collect()),
                _ => constant(code_of(&probe, field).into_iter().collect()),
            }
        }
    };
    if field == Field::Tags && all > 0 {
        facet.values.extend(planned.new_tags.iter().map(|name| FacetCount::labelled(name, all)));
        facet.sort();
    }
    facet
}

/// The rows that will have no tag are those without, and those whose every tag goes.
fn removed(view: View, field: Field, among: &Among, tags: &[TagId]) -> FacetCounts {
    let Counts { of_codes: mut counts, present } = view.index.count(field, among);
    counts.retain(|(code, _)| !tags.contains(&TagId(*code)));
    let mut without = among.len() - present;
    if let Some(facet) = view.index.set_facet(field) {
        let mut codes: Vec<u32> = tags.iter().map(|tag| tag.0).collect();
        codes.sort_unstable();
        without += among.count(&facet.only(&codes));
    }
    told(view, field, counts, without)
}

/// The same counts of the status with those that were blocked, by what their conversations are.
pub fn unblocked(facet: &mut FacetCounts, statuses: &[Status]) {
    for status in statuses {
        let name = status.name();
        match facet.values.iter_mut().find(|found| found.label == name) {
            Some(found) => found.count += 1,
            None => facet.values.push(FacetCount::labelled(name, 1)),
        }
    }
    facet.sort();
}
