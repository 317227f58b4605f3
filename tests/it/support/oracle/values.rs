//! What a contact has in a field, and what a condition's value means.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rollcall::contact::{Contact, Field, Kind, Millis, Value, time};
use serde_json::Value as Json;

use super::Oracle;
use super::filter::{items, scalar};

const DAY: i64 = 86_400_000;

/// The values that a condition's value stands for: all of a day, all of a minute; both ends in.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    pub first: f64,
    pub last: f64,
}

impl Oracle<'_> {
    /// Whether the contact has a value in the field; of a set, at least one member.
    pub fn has_value(&self, field: Field, contact: &Contact) -> bool {
        match field.kind(self.catalog) {
            Kind::Text => self.text(field, contact).is_some(),
            Kind::Phone => contact.phone.is_some(),
            Kind::Choice | Kind::Checkbox => self.choice(field, contact).is_some(),
            Kind::Set => !self.members(field, contact).is_empty(),
            Kind::Segment => true,
            _ => self.ordered(field, contact).is_some(),
        }
    }

    pub fn text(&self, field: Field, contact: &Contact) -> Option<String> {
        match field {
            Field::FirstName => contact.first_name.clone(),
            Field::LastName => contact.last_name.clone(),
            Field::Email => contact.email.clone(),
            Field::Name => {
                let parts: Vec<&str> =
                    [&contact.first_name, &contact.last_name].into_iter().flatten().map(String::as_str).collect();
                (!parts.is_empty()).then(|| parts.join(" "))
            }
            Field::Custom(id) => match contact.custom(id)? {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            },
            other => panic!("{other:?} is no text"),
        }
    }

    /// The choice as one word: a code, a name, an id, a place in the list.
    pub fn choice(&self, field: Field, contact: &Contact) -> Option<String> {
        match field {
            Field::CountryCode => contact.country_code.map(|code| code.text()),
            Field::Language => contact.language.map(|code| code.text()),
            Field::Status => Some(contact.status().name().to_owned()),
            Field::Lifecycle => contact.lifecycle.map(|id| id.to_string()),
            Field::Assignee => contact.assignee.map(|id| id.to_string()),
            Field::LastInteractedChannel => contact.last_interacted_channel.map(|id| id.to_string()),
            Field::Custom(id) => match contact.custom(id)? {
                Value::Choice(place) => Some(place.to_string()),
                Value::Checkbox(checked) => Some(checked.to_string()),
                _ => None,
            },
            other => panic!("{other:?} is no choice"),
        }
    }

    /// The choices that a condition's value names: one, or for a source of channels all its channels.
    pub fn choices_meant(&self, field: Field, value: &Json) -> Vec<String> {
        let given = scalar(value);
        let same = |a: &str| self.compared(a) == self.compared(&given);
        match field {
            Field::CountryCode => vec![given.to_uppercase()],
            Field::Language => vec![given.to_lowercase()],
            Field::Status => vec![if given == "close" { "closed".into() } else { given.to_lowercase() }],
            Field::Lifecycle => {
                let named = self.catalog.stages.values().find(|stage| same(&stage.name));
                vec![named.map_or(given.clone(), |stage| stage.id.to_string())]
            }
            Field::Assignee if given.eq_ignore_ascii_case("me") => vec![self.me.expect("somebody asks").to_string()],
            Field::Assignee => {
                let named = self.catalog.users.values().find(|user| same(&user.email));
                vec![named.map_or(given.clone(), |user| user.id.to_string())]
            }
            Field::LastInteractedChannel => self.channels_meant(&given),
            Field::Custom(id) if field.kind(self.catalog) == Kind::Choice => {
                let labels = &self.catalog.fields[&id].allowed_values;
                vec![labels.iter().position(|label| same(label)).expect("a choice of the list").to_string()]
            }
            _ => vec![given.to_lowercase()],
        }
    }

    fn channels_meant(&self, given: &str) -> Vec<String> {
        let of_source = self.catalog.channels.values().filter(|channel| channel.source.eq_ignore_ascii_case(given));
        let ids: Vec<String> = of_source.map(|channel| channel.id.to_string()).collect();
        if ids.is_empty() { vec![given.to_owned()] } else { ids }
    }

    /// The members of a set: folded names of tags, ids of channels, names of sources.
    pub fn members(&self, field: Field, contact: &Contact) -> BTreeSet<String> {
        let channels = contact.channels.iter().map(|link| link.channel);
        match field {
            Field::Tags => {
                contact.tags.iter().map(|id| self.compared(&self.catalog.tags[id].name).to_string()).collect()
            }
            Field::Channels => channels.map(|id| id.to_string()).collect(),
            Field::Source => channels.map(|id| self.catalog.channels[&id].source.clone()).collect(),
            other => panic!("{other:?} is no set"),
        }
    }

    /// The different members of a list, each as all that it stands for.
    pub fn groups(&self, field: Field, list: &Json) -> BTreeSet<BTreeSet<String>> {
        let group = |item: &Json| match field {
            Field::Channels => self.channels_meant(&scalar(item)).into_iter().collect(),
            Field::Source => BTreeSet::from([scalar(item).to_lowercase()]),
            _ => BTreeSet::from([self.compared(&scalar(item)).to_string()]),
        };
        items(list).iter().map(group).collect()
    }

    /// The number of a field with an order: milliseconds, days, minutes, ids.
    pub fn ordered(&self, field: Field, contact: &Contact) -> Option<f64> {
        let instant: Option<Millis> = match field {
            Field::Id => Some(contact.id.0.into()),
            Field::CreatedAt => Some(contact.created_at),
            Field::UpdatedAt => Some(contact.updated_at),
            Field::ConversationOpenedAt => contact.conversation_opened_at,
            Field::LastMessageAt | Field::TimeSinceLastMessage => contact.last_message_at,
            Field::LastIncomingMessageAt | Field::TimeSinceLastIncomingMessage => contact.last_incoming_message_at,
            Field::LastInteractionAt | Field::TimeSinceLastInteraction => contact.last_interaction_at,
            Field::Custom(id) => {
                return match contact.custom(id)? {
                    Value::Number(number) => Some(*number),
                    Value::Date(days) => Some(f64::from(*days)),
                    Value::Time(minutes) => Some(f64::from(*minutes)),
                    _ => None,
                };
            }
            other => panic!("{other:?} has no order of numbers"),
        };
        instant.map(|at| at as f64)
    }

    /// What a condition's value stands for in a field with an order.
    pub fn stretch(&self, field: Field, value: &Json, zone: &TimeZone) -> Stretch {
        let at = |place: f64| Stretch { first: place, last: place };
        match field.kind(self.catalog) {
            Kind::Number => at(scalar(value).parse().expect("a number")),
            Kind::Time => at(f64::from(time::time_of_day(&scalar(value)).expect("a time of day"))),
            Kind::Date => match value.as_str().and_then(|text| time::date(text).ok()) {
                Some(days) => at(f64::from(days)),
                None => {
                    let span = self.instant(value, zone);
                    Stretch { first: local_day(span.first, zone), last: local_day(span.last, zone) }
                }
            },
            _ => self.instant(value, zone),
        }
    }

    /// The start of a unit is its first instant, so that what comes after the start of the week is this week's.
    fn instant(&self, value: &Json, zone: &TimeZone) -> Stretch {
        let span = time::instant(value, zone, self.now).expect("an instant");
        let last = if value.get("startOf").is_some() { span.start } else { span.end - 1 };
        Stretch { first: span.start as f64, last: last as f64 }
    }
}

fn local_day(at: f64, zone: &TimeZone) -> f64 {
    let at = Timestamp::from_millisecond(at as i64).expect("an instant");
    let local = at.as_millisecond() + i64::from(zone.to_offset(at).seconds()) * 1_000;
    local.div_euclid(DAY) as f64
}
