//! Counts of values, one contact at a time.

use std::collections::BTreeMap;

use rollcall::contact::{ChannelId, Contact, Field, Kind, StageId, UserId};
use rollcall::engine::{FacetCount, FacetCounts, FacetValue, Query};
use serde_json::Value as Json;

use super::Oracle;
use super::filter::{field_of, is_condition};

impl Oracle<'_> {
    /// The facets asked for; `matches` are those of the whole query.
    pub fn facets(&self, query: &Query, matches: &[&Contact]) -> Vec<FacetCounts> {
        let mut fields: Vec<Field> = Vec::new();
        for name in &query.facets {
            let field = Field::named(name, self.catalog).expect("a field");
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        let count = |field: Field| {
            if !query.disjunctive {
                return self.count(field, matches.iter().copied());
            }
            let zone = self.zone_of(query);
            let nodes = top_level(query.filter.as_ref());
            let others: Vec<&Json> = nodes.into_iter().filter(|node| self.own_field(node) != Some(field)).collect();
            let among = self.contacts.values().filter(|contact| {
                self.is_found(query, contact) && others.iter().all(|node| self.holds(node, &zone, contact))
            });
            self.count(field, among)
        };
        fields.into_iter().map(count).collect()
    }

    /// The field that a node at the top level is a condition on, denied or not.
    fn own_field(&self, node: &Json) -> Option<Field> {
        match node.get("$not") {
            Some(inner) => self.own_field(inner),
            None => is_condition(node).then(|| field_of(node, self.catalog)),
        }
    }

    fn count<'c>(&self, field: Field, among: impl Iterator<Item = &'c Contact>) -> FacetCounts {
        let (mut counts, mut without) = (BTreeMap::<String, u64>::new(), 0);
        for contact in among {
            let values: Vec<String> = match field.kind(self.catalog) {
                Kind::Set if field == Field::Tags => {
                    contact.tags.iter().map(|id| self.catalog.tags[id].name.clone()).collect()
                }
                Kind::Set => self.members(field, contact).into_iter().collect(),
                _ => self.choice(field, contact).into_iter().collect(),
            };
            without += u64::from(values.is_empty());
            values.into_iter().for_each(|value| *counts.entry(value).or_default() += 1);
        }
        let shown = |(value, count): (String, u64)| {
            let (value, label) = self.shown(field, &value);
            FacetCount { value, label: label.into(), count }
        };
        let mut values: Vec<FacetCount> = counts.into_iter().map(shown).collect();
        values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
        FacetCounts { field, values, without }
    }

    /// A value as a filter takes it, and as a person reads it.
    fn shown(&self, field: Field, value: &str) -> (FacetValue, String) {
        let id = || value.parse::<u32>().expect("an id");
        let catalog = self.catalog;
        match field {
            Field::Assignee => (FacetValue::Id(id()), catalog.users[&UserId(id())].full_name()),
            Field::Lifecycle => (FacetValue::Label, catalog.stages[&StageId(id())].name.clone()),
            Field::Channels | Field::LastInteractedChannel => {
                (FacetValue::Id(id()), catalog.channels[&ChannelId(id())].name.clone())
            }
            Field::Custom(field) if catalog.fields[&field].kind() == Kind::Checkbox => {
                (FacetValue::Checked(value == "true"), value.to_owned())
            }
            Field::Custom(field) => (FacetValue::Label, catalog.fields[&field].allowed_values[id() as usize].clone()),
            _ => (FacetValue::Label, value.to_owned()),
        }
    }
}

fn top_level(filter: Option<&Json>) -> Vec<&Json> {
    match filter {
        None => Vec::new(),
        Some(node) => match node.get("$and").and_then(Json::as_array) {
            Some(nodes) => nodes.iter().collect(),
            None => vec![node],
        },
    }
}
