//! The meaning of a filter tree, read from its JSON for one contact.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use rollcall::contact::phone::Digits;
use rollcall::contact::{Catalog, Contact, Field, Kind, Segment, time};
use serde_json::Value as Json;

use super::Oracle;
use super::values::Stretch;

/// Operators that only deny another one.
const DENIALS: [(&str, &str); 5] = [
    ("isNotEqualTo", "isEqualTo"),
    ("doesNotContain", "contains"),
    ("hasNoneOf", "hasAnyOf"),
    ("doesNotExist", "exists"),
    ("isNotMemberOf", "isMemberOf"),
];

/// A condition's field, by `field` or by the dialect's `category`.
pub fn field_of(condition: &Json, catalog: &Catalog) -> Field {
    let name = match (condition["field"].as_str(), condition["category"].as_str()) {
        (Some(name), _) => name,
        (None, Some("contactTag")) => "tags",
        (None, Some("channel")) => "channels",
        (None, Some(category)) => category,
        (None, None) => panic!("a condition without a field: {condition}"),
    };
    Field::named(name, catalog).unwrap_or_else(|| panic!("no field {name}"))
}

/// Whether the node is a condition, not a combination of nodes.
pub fn is_condition(node: &Json) -> bool {
    node.get("operator").is_some()
}

impl Oracle<'_> {
    /// Whether the node is true of the contact; calendar times are those of `zone`.
    pub fn holds(&self, node: &Json, zone: &TimeZone, contact: &Contact) -> bool {
        if let Some(nodes) = node.get("$and").and_then(Json::as_array) {
            nodes.iter().all(|node| self.holds(node, zone, contact))
        } else if let Some(nodes) = node.get("$or").and_then(Json::as_array) {
            nodes.is_empty() || nodes.iter().any(|node| self.holds(node, zone, contact))
        } else if let Some(node) = node.get("$not") {
            !self.holds(node, zone, contact)
        } else {
            // The dialect says `isBetweenTime` and the like of durations.
            let operator = node["operator"].as_str().map(|name| name.strip_suffix("Time").unwrap_or(name));
            let operator = operator.expect("an operator");
            let denied = DENIALS.iter().find(|denial| denial.0 == operator);
            let positive = denied.map_or(operator, |denial| denial.1);
            let field = field_of(node, self.catalog);
            self.condition(field, positive, &node["value"], zone, contact) != denied.is_some()
        }
    }

    /// Whether the contact belongs to the saved filter.
    pub fn is_member(&self, segment: &Segment, contact: &Contact) -> bool {
        let filter = serde_json::from_str(&segment.filter).expect("a segment's filter is JSON");
        let zone = segment.timezone.as_ref().unwrap_or(&self.catalog.workspace.timezone);
        self.holds(&filter, &time::zone(zone).expect("a zone"), contact)
    }

    /// A positive operator.
    fn condition(&self, field: Field, operator: &str, value: &Json, zone: &TimeZone, contact: &Contact) -> bool {
        let kind = field.kind(self.catalog);
        if operator == "exists" {
            return self.has_value(field, contact);
        }
        match kind {
            Kind::Text => self.text(field, contact).is_some_and(|text| self.text_holds(operator, &text, value)),
            Kind::Phone => contact.phone.as_ref().is_some_and(|phone| {
                let digits = |value: &Json| Digits::parse(&scalar(value)).expect("digits");
                match operator {
                    "isEqualTo" => digits(value).equals(phone),
                    "contains" => digits(value).within(phone),
                    "startsWith" => digits(value).starts(phone),
                    "endsWith" => digits(value).ends(phone),
                    "hasAnyOf" => items(value).iter().any(|item| digits(item).equals(phone)),
                    other => panic!("phone {other}"),
                }
            }),
            Kind::Choice | Kind::Checkbox => self.choice(field, contact).is_some_and(|choice| match operator {
                "isEqualTo" => self.choices_meant(field, value).contains(&choice),
                "hasAnyOf" => items(value).iter().any(|item| self.choices_meant(field, item).contains(&choice)),
                other => panic!("choice {other}"),
            }),
            Kind::Set => self.set_holds(field, operator, value, contact),
            Kind::Segment => {
                let by_name = value.as_str().and_then(|name| self.catalog.segment_named(name));
                let segment = by_name
                    .or_else(|| self.catalog.segments.values().find(|segment| scalar(value) == segment.id.to_string()));
                self.is_member(segment.expect("a segment"), contact)
            }
            _ => self.ordered(field, contact).is_some_and(|found| match kind {
                Kind::Duration if !operator.starts_with("isTimestamp") => self.age_holds(operator, found, value, zone),
                _ => self.ordered_holds(field, operator, found, value, zone),
            }),
        }
    }

    fn text_holds(&self, operator: &str, text: &str, value: &Json) -> bool {
        let (text, needle) = (self.compared(text), |value: &Json| self.compared(value.as_str().expect("text")));
        match operator {
            "isEqualTo" => text == needle(value),
            "contains" => text.contains(&*needle(value)),
            "startsWith" => text.starts_with(&*needle(value)),
            "endsWith" => text.ends_with(&*needle(value)),
            "hasAnyOf" => items(value).iter().any(|item| text == needle(item)),
            other => panic!("text {other}"),
        }
    }

    fn set_holds(&self, field: Field, operator: &str, value: &Json, contact: &Contact) -> bool {
        let members = self.members(field, contact);
        let has = |group: &BTreeSet<String>| group.iter().any(|member| members.contains(member));
        let groups = |list: &Json| self.groups(field, list);
        match operator {
            "hasAnyOf" => groups(value).iter().any(has),
            "hasAllOf" => groups(value).iter().all(has),
            "hasOnly" => {
                let allowed: BTreeSet<String> = groups(value).into_iter().flatten().collect();
                !members.is_empty() && members.iter().all(|member| allowed.contains(member))
            }
            "hasAtLeast" => {
                let count: usize = scalar(&value["count"]).parse().expect("a count");
                groups(&value["of"]).iter().filter(|group| has(group)).count() >= count
            }
            other => panic!("set {other}"),
        }
    }

    fn ordered_holds(&self, field: Field, operator: &str, found: f64, value: &Json, zone: &TimeZone) -> bool {
        let stretch = |value: &Json| self.stretch(field, value, zone);
        let Stretch { first, last } = match operator {
            "isBetween" | "isTimestampBetween" => {
                Stretch { first: stretch(&value["from"]).first, last: stretch(&value["to"]).last }
            }
            _ => stretch(value),
        };
        match operator {
            "isEqualTo" | "isBetween" | "isTimestampBetween" => first <= found && found <= last,
            "isGreaterThan" | "isTimestampAfter" => found > last,
            "isLessThan" | "isTimestampBefore" => found < first,
            "isGreaterThanOrEqualTo" => found >= first,
            "isLessThanOrEqualTo" => found <= last,
            other => panic!("ordered {other}"),
        }
    }

    /// The longer ago, the greater.
    fn age_holds(&self, operator: &str, found: f64, value: &Json, zone: &TimeZone) -> bool {
        let bound = |value: &Json| time::before_now(value, zone, self.now).expect("a duration") as f64;
        match operator {
            "isGreaterThan" => found < bound(value),
            "isLessThan" => found > bound(value),
            "isBetween" => bound(&value["to"]) <= found && found <= bound(&value["from"]),
            other => panic!("duration {other}"),
        }
    }
}

/// Text or number as text.
pub fn scalar(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned())
}

pub fn items(value: &Json) -> &[Json] {
    value.as_array().expect("a list")
}
