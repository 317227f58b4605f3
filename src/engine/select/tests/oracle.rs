//! The same answers by looking at every contact.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::world::World;
use crate::contact::*;
use crate::engine::{FacetCount, FacetCounts, FacetValue, Query, Sort};
use crate::filter::Filter;
use crate::filter::search::{self, Search};
use crate::index::{Collation, Row};

/// A contact's value to sort by.
#[derive(Clone, Debug)]
enum SortValue {
    Number(f64),
    Bytes(String),
    Text(String),
}

fn instant(at: Option<Millis>) -> Option<SortValue> {
    at.map(|at| SortValue::Number(at as f64))
}

fn sort_value(contact: &Contact, field: Field, world: &World) -> Option<SortValue> {
    let catalog = &world.catalog;
    let number = |number: usize| Some(SortValue::Number(number as f64));
    let text = |text: &Option<String>| text.as_deref().map(|text| SortValue::Text(fold::compare(text)));
    match field {
        Field::Id => number(contact.id.0 as usize),
        Field::FirstName => text(&contact.first_name),
        Field::LastName => text(&contact.last_name),
        Field::Name => text(&contact.full_name()),
        Field::Email => text(&contact.email),
        Field::Phone => contact.phone.as_ref().map(|phone| SortValue::Bytes(phone.e164())),
        Field::CountryCode => contact.country_code.map(|code| SortValue::Bytes(code.text())),
        Field::Language => contact.language.map(|code| SortValue::Bytes(code.text())),
        Field::LastInteractedChannel => contact.last_interacted_channel.and_then(|id| number(id.0 as usize)),
        Field::Status => number(Status::ALL.iter().position(|status| *status == contact.status())?),
        Field::Lifecycle => {
            let stage = contact.lifecycle?;
            catalog.stages_in_order().iter().position(|other| other.id == stage).and_then(number)
        }
        Field::Assignee => {
            let collation = Collation::new(&catalog.workspace.locale);
            let name = |id: &UserId| fold::compare(&catalog.users[id].full_name());
            let mut users: Vec<UserId> = catalog.users.keys().copied().collect();
            users.sort_by(|a, b| collation.compare(&name(a), &name(b)).then(a.cmp(b)));
            let user = contact.assignee?;
            users.iter().position(|other| *other == user).and_then(number)
        }
        Field::ConversationOpenedAt => instant(contact.conversation_opened_at),
        Field::LastMessageAt => instant(contact.last_message_at),
        Field::LastIncomingMessageAt => instant(contact.last_incoming_message_at),
        Field::LastInteractionAt => instant(contact.last_interaction_at),
        Field::CreatedAt => instant(Some(contact.created_at)),
        Field::UpdatedAt => instant(Some(contact.updated_at)),
        Field::Custom(id) => Some(match contact.custom(id)? {
            Value::Text(text) => SortValue::Text(fold::compare(text)),
            Value::Choice(choice) => SortValue::Number(f64::from(*choice)),
            Value::Checkbox(checked) => SortValue::Number(f64::from(u8::from(*checked))),
            Value::Number(number) => SortValue::Number(*number),
            Value::Date(days) => SortValue::Number(f64::from(*days)),
            Value::Time(minutes) => SortValue::Number(f64::from(*minutes)),
        }),
        other => {
            let since = other.counts_from().unwrap_or_else(|| panic!("{other:?} is not sortable"));
            let SortValue::Number(at) = sort_value(contact, since, world)? else { panic!("an instant is a number") };
            Some(SortValue::Number(-at))
        }
    }
}

fn compare_values(a: &SortValue, b: &SortValue, collation: &Collation) -> Ordering {
    match (a, b) {
        (SortValue::Number(a), SortValue::Number(b)) => a.total_cmp(b),
        (SortValue::Bytes(a), SortValue::Bytes(b)) => a.cmp(b),
        (SortValue::Text(a), SortValue::Text(b)) => collation.compare(a, b),
        other => panic!("{other:?}"),
    }
}

fn compare(world: &World, collation: &Collation, keys: &[(Field, Sort)], a: &Contact, b: &Contact) -> Ordering {
    let by_key = |(field, key): &(Field, Sort)| {
        let missing = if key.missing_first { Ordering::Less } else { Ordering::Greater };
        match (sort_value(a, *field, world), sort_value(b, *field, world)) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => missing,
            (Some(_), None) => missing.reverse(),
            (Some(a), Some(b)) if key.descending => compare_values(&b, &a, collation),
            (Some(a), Some(b)) => compare_values(&a, &b, collation),
        }
    };
    keys.iter().map(by_key).fold(Ordering::Equal, Ordering::then).then(a.id.cmp(&b.id))
}

/// The contacts that the query's search, and the filters, match.
pub fn matches<'w>(world: &'w World, search: Option<&Search>, filters: &[&Filter]) -> Vec<&'w Contact> {
    let searched = |contact: &&Contact| search.is_none_or(|s| search::class_of(s, contact, &world.catalog).is_some());
    let filtered = |contact: &&Contact| filters.iter().all(|f| crate::filter::matches(f, contact));
    world.contacts.values().filter(searched).filter(filtered).collect()
}

/// The page's rows.
pub fn page(world: &World, query: &Query, search: Option<&Search>, mut matches: Vec<&Contact>) -> Vec<Row> {
    let collation = Collation::new(&world.catalog.workspace.locale);
    let mut sort = query.sort.clone();
    if sort.is_empty() {
        sort = vec![Sort { field: "lastMessageAt".into(), descending: true, missing_first: false }];
    }
    let keys: Vec<(Field, Sort)> =
        sort.into_iter().map(|key| (Field::named(&key.field, &world.catalog).expect("a field"), key)).collect();
    let class = |contact: &Contact| match search.filter(|_| query.sort.is_empty()) {
        Some(search) => search::class_of(search, contact, &world.catalog),
        None => None,
    };
    matches.sort_by(|a, b| class(a).cmp(&class(b)).then_with(|| compare(world, &collation, &keys, a, b)));
    matches.iter().skip(query.offset).take(query.limit.unwrap_or(25)).map(|contact| contact.id.0).collect()
}

/// The values a contact has in a facet, as `(value, label)`.
fn facet_values(contact: &Contact, field: Field, catalog: &Catalog) -> Vec<(Json, String)> {
    let same = |text: String| (Json::from(text.as_str()), text);
    let channel = |id: ChannelId| (Json::from(id.0), catalog.channels[&id].name.clone());
    let one = |value: Option<(Json, String)>| value.into_iter().collect();
    match field {
        Field::Tags => contact.tags.iter().map(|id| same(catalog.tags[id].name.clone())).collect(),
        Field::Channels => contact.channels.iter().map(|link| channel(link.channel)).collect(),
        Field::Source => {
            let mut sources: Vec<String> =
                contact.channels.iter().map(|link| catalog.channels[&link.channel].source.clone()).collect();
            sources.sort();
            sources.dedup();
            sources.into_iter().map(same).collect()
        }
        Field::Status => vec![same(contact.status().name().into())],
        Field::Lifecycle => one(contact.lifecycle.map(|id| same(catalog.stages[&id].name.clone()))),
        Field::Assignee => one(contact.assignee.map(|id| (Json::from(id.0), catalog.users[&id].full_name()))),
        Field::LastInteractedChannel => one(contact.last_interacted_channel.map(channel)),
        Field::CountryCode => one(contact.country_code.map(|code| same(code.text()))),
        Field::Language => one(contact.language.map(|code| same(code.text()))),
        Field::Custom(id) => one(contact.custom(id).map(|value| match value {
            Value::Choice(choice) => same(catalog.fields[&id].allowed_values[usize::from(*choice)].clone()),
            Value::Checkbox(checked) => (Json::from(*checked), checked.to_string()),
            _ => panic!("not a facet"),
        })),
        other => panic!("{other:?} is not facetable"),
    }
}

/// A facet's counts.
pub fn facet(world: &World, field: Field, matches: &[&Contact]) -> FacetCounts {
    let mut counts: BTreeMap<(String, String), (Json, u64)> = BTreeMap::new();
    let mut without = 0;
    for contact in matches {
        let values = facet_values(contact, field, &world.catalog);
        without += u64::from(values.is_empty());
        for (value, label) in values {
            counts.entry((label, value.to_string())).or_insert((value, 0)).1 += 1;
        }
    }
    let mut values: Vec<(Json, String, u64)> =
        counts.into_iter().map(|((label, _), (value, count))| (value, label, count)).collect();
    values.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    let values = values.into_iter().map(counted).collect();
    FacetCounts { field, values, without }
}

fn counted((value, label, count): (Json, String, u64)) -> FacetCount {
    let value = match value {
        Json::Number(id) => FacetValue::Id(id.as_u64().expect("an id") as u32),
        Json::Bool(checked) => FacetValue::Checked(checked),
        _ => FacetValue::Label,
    };
    FacetCount { value, label: label.into(), count }
}
