//! Exact counts of a field's values among rows, with what a person reads for each value.

use std::cmp::Reverse;

use compact_str::{CompactString, ToCompactString, format_compact};

use crate::contact::{Alpha2, ChannelId, Field, Kind, StageId, Status, TagId, UserId};
use crate::engine::{FacetCount, FacetCounts, FacetValue};
use crate::filter::{self, Filter, View};
use crate::index::{Among, Counts, RowSet};

/// Counts each value of facetable fields among the rows. Values that none of them has are left out, those of closed choices too.
pub(in crate::engine) fn count(view: View, fields: &[Field], among: &Among) -> Vec<FacetCounts> {
    let told = |(field, counts): (&Field, Counts)| told(view, *field, counts.of_codes, among.len() - counts.present);
    fields.iter().zip(view.index.counts(fields, among)).map(told).collect()
}

/// The counts of codes as they are answered.
pub(in crate::engine) fn told(view: View, field: Field, counts: Vec<(u32, u64)>, without: u64) -> FacetCounts {
    // In the order of FacetCounts::sort; the label's first bytes are at hand, for most counts of many are equal to others.
    let in_order = |(code, count)| {
        let label = label(view, field, code);
        (Reverse(count), first_bytes(&label), label, code)
    };
    let mut counts: Vec<(Reverse<u64>, u64, CompactString, u32)> = counts.into_iter().map(in_order).collect();
    counts.sort_unstable();
    let value = |(Reverse(count), _, label, code)| FacetCount { value: value(view, field, code), label, count };
    FacetCounts { field, values: counts.into_iter().map(value).collect(), without }
}

/// As a number that orders like them.
fn first_bytes(label: &str) -> u64 {
    let mut first = [0; 8];
    first.iter_mut().zip(label.bytes()).for_each(|(first, byte)| *first = byte);
    u64::from_be_bytes(first)
}

/// A code as a filter takes it: by its label, or its number.
fn value(view: View, field: Field, code: u32) -> FacetValue {
    match field {
        Field::Assignee | Field::Channels | Field::LastInteractedChannel => FacetValue::Id(code),
        Field::Custom(_) if field.kind(view.catalog) == Kind::Checkbox => FacetValue::Checked(code != 0),
        _ => FacetValue::Label,
    }
}

/// A code as a person reads it. What the workspace does not know shows as its id.
fn label(view: View, field: Field, code: u32) -> CompactString {
    let catalog = view.catalog;
    let known: Option<CompactString> = match field {
        Field::Tags => catalog.tags.get(&TagId(code)).map(|tag| tag.name.as_str().into()),
        Field::Source => view.index.source_name(code).map(CompactString::from),
        Field::Status => Status::ALL.get(code as usize).map(|status| status.name().into()),
        Field::Lifecycle => catalog.stages.get(&StageId(code)).map(|stage| stage.name.as_str().into()),
        Field::Assignee => catalog.users.get(&UserId(code)).map(|user| user.full_name().into()),
        Field::Channels | Field::LastInteractedChannel => {
            catalog.channels.get(&ChannelId(code)).map(|channel| channel.name.as_str().into())
        }
        Field::Custom(_) if field.kind(catalog) == Kind::Checkbox => Some((code != 0).to_compact_string()),
        Field::Custom(id) => {
            let choices = catalog.fields.get(&id).map(|field| field.allowed_values.as_slice());
            choices.and_then(|choices| choices.get(code as usize)).map(|choice| choice.as_str().into())
        }
        // Countries and languages.
        _ => u16::try_from(code).ok().map(|letters| Alpha2(letters).text().into()),
    };
    known.unwrap_or_else(|| format_compact!("#{code}"))
}

/// The rows each field is counted among when its own conditions are left out: those that stand directly in the filter's top-level
/// `$and`, or are all of the filter, negated or not.
pub(super) struct Disjunctive {
    /// The rows of everything but the fields' own conditions.
    rest: RowSet,
    /// The rows of each field's own conditions, together.
    own: Vec<(Field, RowSet)>,
}

impl Disjunctive {
    /// Splits the filter for the fields; `rows_of_rest` evaluates what is left of it, with all else that narrows the query.
    /// `None` where no field has conditions of its own.
    pub fn split(
        filter: Option<&Filter>,
        fields: &[Field],
        view: View,
        rows_of_rest: impl FnOnce(Option<Filter>) -> RowSet,
    ) -> Option<Disjunctive> {
        let nodes = match filter? {
            Filter::And(nodes) => nodes.as_slice(),
            single => std::slice::from_ref(single),
        };
        let own_field = |node: &Filter| condition_field(node).filter(|field| fields.contains(field));
        let (owned, rest): (Vec<&Filter>, Vec<&Filter>) = nodes.iter().partition(|node| own_field(node).is_some());
        if owned.is_empty() {
            return None;
        }
        let together = |nodes: Vec<&Filter>| Filter::And(nodes.into_iter().cloned().collect());
        let own = fields.iter().filter_map(|&field| {
            let of_field: Vec<&Filter> = owned.iter().copied().filter(|node| own_field(node) == Some(field)).collect();
            (!of_field.is_empty()).then(|| (field, filter::rows(&together(of_field), view).into_owned()))
        });
        let own = own.collect();
        Some(Disjunctive { rest: rows_of_rest((!rest.is_empty()).then(|| together(rest))), own })
    }

    /// Counts the fields: those without conditions of their own among `matches`, the rows of the whole query.
    pub fn count(&self, view: View, fields: &[Field], matches: &Among) -> Vec<FacetCounts> {
        let has_own = |field: &Field| self.own.iter().any(|(own, _)| own == field);
        let others: Vec<Field> = fields.iter().copied().filter(|field| !has_own(field)).collect();
        let mut others = count(view, &others, matches).into_iter();
        let counted = |field: &Field| match has_own(field) {
            true => count(view, &[*field], &Among::new(&self.rows(*field), view.index.alive())).pop(),
            false => others.next(),
        };
        fields.iter().filter_map(counted).collect()
    }

    /// The rows a field with conditions of its own is counted among.
    fn rows(&self, field: Field) -> RowSet {
        let mut rows = self.rest.clone();
        self.own.iter().filter(|(own, _)| *own != field).for_each(|(_, of_other)| rows &= of_other);
        rows
    }
}

/// The field of a condition, negated or not.
fn condition_field(node: &Filter) -> Option<Field> {
    match node.positive().0 {
        Filter::Condition(condition) => Some(condition.field),
        _ => None,
    }
}
