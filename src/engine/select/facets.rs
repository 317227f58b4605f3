//! Exact counts of a field's values among rows, with what a person reads for each value.

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

/// The counts of codes, which ascend, as they are answered.
pub(in crate::engine) fn told(view: View, field: Field, counts: Vec<(u32, u64)>, without: u64) -> FacetCounts {
    let mut labels: Vec<CompactString> = counts.iter().map(|(code, _)| label(view, field, *code)).collect();
    let order = in_order(&counts, &labels);
    let value = |at: usize| {
        let (code, count) = counts[at];
        FacetCount { value: value(view, field, code), label: std::mem::take(&mut labels[at]), count }
    };
    FacetCounts { field, values: order.map(value).collect(), without }
}

/// The places of counts in the order of [`FacetCounts::sort`]. Most go by one number: the count from the highest on, the first bytes
/// of the label, the place.
fn in_order(counts: &[(u32, u64)], labels: &[CompactString]) -> impl Iterator<Item = usize> + use<> {
    let place = |key: &u128| *key as u32 as usize;
    // Rows are numbered by 32 bits, so no count needs more.
    let key = |(at, ((_, count), label)): (usize, (&(u32, u64), &CompactString))| {
        u128::from(u32::MAX - *count as u32) << 96 | u128::from(first_bytes(label)) << 32 | at as u128
    };
    let mut keys: Vec<u128> = counts.iter().zip(labels).enumerate().map(key).collect();
    keys.sort_unstable();
    for alike in keys.chunk_by_mut(|a, b| a >> 32 == b >> 32).filter(|alike| alike.len() > 1) {
        alike.sort_by_key(|key| &labels[place(key)]);
    }
    keys.into_iter().map(move |key| place(&key))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn most_come_first_then_labels_by_their_bytes(
            mut values in proptest::collection::vec((0u64..3, prop_oneof!["[ab]{0,3}", "[é\0]{0,2}", "abcdefg[h\0]{0,2}[a-c]?"]), 0..40),
        ) {
            values.push((u64::from(u32::MAX), "all".into()));
            let counts: Vec<(u32, u64)> = (0..).zip(&values).map(|(code, (count, _))| (code, *count)).collect();
            let labels: Vec<CompactString> = values.iter().map(|(_, label)| label.as_str().into()).collect();
            let mut naive: Vec<usize> = (0..values.len()).collect();
            naive.sort_by_key(|&at| (std::cmp::Reverse(values[at].0), values[at].1.as_bytes()));
            prop_assert!(in_order(&counts, &labels).eq(naive));
        }
    }
}
