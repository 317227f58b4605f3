//! A condition on a field, drawn at random: mostly about values that contacts have.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rand::prelude::*;
use rollcall::contact::{Field, Kind, Millis, time};
use rollcall::filter::op::Operator;
use serde_json::{Value as Json, json};

use super::World;
use super::values::{self, dialled, part, pick, retyped};
use crate::support::oracle::Oracle;

const UNITS: [(&str, u32); 8] = [
    ("seconds", 100_000),
    ("minute", 3_000),
    ("hours", 100),
    ("days", 60),
    ("week", 9),
    ("months", 14),
    ("quarters", 5),
    ("year", 60),
];

impl World {
    /// A condition that the operator and the field allow; calendar times are written for `zone`.
    pub fn condition(&mut self, field: Field, operator: &Operator, zone: &TimeZone) -> Json {
        let value = self.operand(field, operator.complement_of.unwrap_or(operator.name), zone);
        let (name, category) = self.spelled(field);
        let mut condition = json!({"field": name, "operator": operator.name});
        if let Some(category) = category {
            condition["category"] = category.into();
        }
        let silent = value.is_null() && self.rng.random_bool(0.5);
        if !silent {
            condition["value"] = value;
        }
        condition
    }

    /// One of the field's names; of some fields none, but the dialect's category.
    fn spelled(&mut self, field: Field) -> (Json, Option<&'static str>) {
        let category = match field {
            Field::Tags => "contactTag",
            Field::Lifecycle => "lifecycle",
            Field::Channels => "channel",
            Field::LastInteractedChannel => "lastInteractedChannel",
            _ => "contactField",
        };
        let aliases = field.standard().map_or(&[][..], |row| row.aliases);
        match self.rng.random_range(0..8) {
            0 if category != "contactField" => (Json::Null, Some(category)),
            1 if category == "contactField" => (field.name(&self.catalog).into(), Some(category)),
            2 if !aliases.is_empty() => (pick(&mut self.rng, aliases).into(), None),
            _ => (field.name(&self.catalog).into(), None),
        }
    }

    fn operand(&mut self, field: Field, positive: &str, zone: &TimeZone) -> Json {
        let kind = field.kind(&self.catalog);
        match positive {
            "exists" => pick(&mut self.rng, &[Some(""), None]).into(),
            "hasAnyOf" | "hasAllOf" | "hasOnly" => self.list(field, kind, zone),
            "hasAtLeast" => {
                let of = self.list(field, kind, zone);
                let groups = self.oracle().groups(field, &of).len();
                let count = self.rng.random_range(1..=groups);
                json!({"count": count, "of": of})
            }
            "isBetween" | "isTimestampBetween" => {
                let ages = kind == Kind::Duration && positive == "isBetween";
                let mut ends = [(); 2].map(|()| self.single(field, kind, positive, zone));
                if ages {
                    // Months and days can change places by the season: which is longer is a mistake of one day only.
                    ends[1] = json!({"amount": self.rng.random_range(0..60), "unit": ends[0]["unit"]});
                }
                if self.oracle().is_reversed(field, ages, &ends, zone) {
                    ends.reverse();
                }
                let [from, to] = ends;
                json!({"from": from, "to": to})
            }
            _ => self.single(field, kind, positive, zone),
        }
    }

    fn list(&mut self, field: Field, kind: Kind, zone: &TimeZone) -> Json {
        let some = pick(&mut self.rng, &[1, 1, 2, 2, 3, 5]);
        (0..some).map(|_| self.single(field, kind, "isEqualTo", zone)).collect()
    }

    fn single(&mut self, field: Field, kind: Kind, positive: &str, zone: &TimeZone) -> Json {
        match kind {
            Kind::Text => self.needle(field, positive).into(),
            Kind::Phone => self.number_part(positive),
            Kind::Choice | Kind::Set => self.choice(field),
            Kind::Checkbox => {
                [json!(true), json!(false), json!("true"), json!("False")].choose(&mut self.rng).cloned().into()
            }
            Kind::Segment => {
                let segment = self.usable_segment();
                if segment.id.0.is_multiple_of(2) { json!(segment.id.0) } else { json!(segment.name.to_uppercase()) }
            }
            Kind::Number => self.number(field),
            Kind::Time => values::time_of_day(&mut self.rng).into(),
            Kind::Date if self.rng.random_bool(0.7) => values::date(&mut self.rng, self.clock.now()).into(),
            Kind::Duration if !positive.starts_with("isTimestamp") => self.duration(),
            Kind::Date | Kind::Instant | Kind::Duration => self.instant(field, zone),
        }
    }

    /// A text some contact has in the field, or another.
    fn needle(&mut self, field: Field, positive: &str) -> String {
        let known: Vec<String> = {
            let oracle = self.oracle();
            self.contacts.values().filter_map(|contact| oracle.text(field, contact)).collect()
        };
        let rng = &mut self.rng;
        let text = if rng.random_bool(0.9) { known.choose(rng).cloned() } else { None };
        let text = text.unwrap_or_else(|| pick(rng, &values::LAST).to_owned());
        let text = match positive {
            "contains" => part(rng, &text, false, false),
            "startsWith" => part(rng, &text, true, false),
            "endsWith" => part(rng, &text, false, true),
            _ => text,
        };
        retyped(rng, &text)
    }

    /// A phone as somebody types it, or digits out of it.
    pub fn number_part(&mut self, positive: &str) -> Json {
        let phones = self.contacts.values().filter_map(|contact| contact.phone.as_ref());
        let phone = phones.choose(&mut self.rng).map(|phone| (phone.e164(), usize::from(phone.calling_code_len)));
        let (e164, code) = phone.unwrap_or(("+60123456789".into(), 2));
        let rng = &mut self.rng;
        let typed = dialled(rng, &e164, code);
        let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
        match positive {
            "contains" => part(rng, &digits, false, false).into(),
            "startsWith" if rng.random_bool(0.5) => part(rng, &digits, true, false).into(),
            "endsWith" => part(rng, &digits, false, true).into(),
            _ if rng.random_bool(0.1) => digits.parse::<u64>().map_or_else(|_| typed.into(), Json::from),
            _ => typed.into(),
        }
    }

    fn choice(&mut self, field: Field) -> Json {
        let catalog = self.catalog.clone();
        let rng = &mut self.rng;
        match field {
            Field::CountryCode => pick(rng, &["MY", "my", "DE", "US", "GB", "JP"]).into(),
            Field::Language => pick(rng, &["ms", "EN", "de", "th"]).into(),
            Field::Status => pick(rng, &["open", "Closed", "close", "snoozed", "BLOCKED"]).into(),
            Field::Lifecycle => {
                let stage = catalog.stages.values().choose(rng).expect("stages");
                if rng.random_bool(0.3) { stage.id.0.into() } else { retyped(rng, &stage.name).into() }
            }
            Field::Assignee => {
                let user = catalog.users.values().choose(rng).expect("users");
                match rng.random_range(0..4) {
                    0 => "me".into(),
                    1 => user.id.to_string().into(),
                    2 => retyped(rng, &user.email).into(),
                    _ => user.id.0.into(),
                }
            }
            Field::Tags if rng.random_bool(0.1) => pick(rng, &["no such tag", "nor this"]).into(),
            Field::Tags => {
                let tag = catalog.tags.values().choose(rng).map_or("vip", |tag| tag.name.as_str());
                retyped(rng, tag).into()
            }
            Field::Custom(id) => {
                let label = catalog.fields[&id].allowed_values.choose(rng).expect("choices");
                retyped(rng, label).into()
            }
            _ => {
                let channel = catalog.channels.values().choose(rng).expect("channels");
                match rng.random_range(0..3) {
                    _ if field == Field::Source => retyped(rng, &channel.source).into(),
                    0 => retyped(rng, &channel.source).into(),
                    1 => channel.id.to_string().into(),
                    _ => channel.id.0.into(),
                }
            }
        }
    }

    fn number(&mut self, field: Field) -> Json {
        let rng = &mut self.rng;
        let number = match field {
            Field::Id => f64::from(rng.random_range(0..self.contacts.len() as u32 + 20)) + pick(rng, &[0.0, 0.0, 0.5]),
            _ => values::number(rng),
        };
        if rng.random_bool(0.2) { number.to_string().into() } else { number.into() }
    }

    fn duration(&mut self) -> Json {
        let (unit, most) = pick(&mut self.rng, &UNITS);
        let amount = self.rng.random_range(0..most);
        match self.rng.random_range(0..4) {
            0 => json!({"amount": amount.to_string(), "unit": unit}),
            1 if most > 60 => json!({"amount": f64::from(amount) + 0.5, "unit": unit}),
            _ => json!({"amount": amount, "unit": unit}),
        }
    }

    /// An instant near a contact's, in one of its ways of writing.
    fn instant(&mut self, field: Field, zone: &TimeZone) -> Json {
        let known: Vec<Millis> = {
            let oracle = self.oracle();
            self.contacts.values().filter_map(|contact| oracle.ordered(field, contact)).map(|at| at as Millis).collect()
        };
        let from_contact = field.kind(&self.catalog) != Kind::Date && self.rng.random_bool(0.7);
        let drawn = values::instant(&mut self.rng, self.clock.now());
        let at = known.choose(&mut self.rng).copied().filter(|_| from_contact).unwrap_or(drawn);
        let local = |format: &str| {
            let at = Timestamp::from_millisecond(at).expect("an instant");
            at.to_zoned(zone.clone()).strftime(format).to_string()
        };
        match self.rng.random_range(0..8) {
            0 => at.into(),
            1 => at.to_string().into(),
            2 => time::rfc3339(at).into(),
            3 => local("%Y-%m-%d %H:%M").into(),
            4 => local("%Y-%m-%dT%H:%M:%S%:z").into(),
            5 => json!({"ago": self.duration()}),
            6 => {
                let (unit, offset) = (pick(&mut self.rng, &UNITS).0, self.rng.random_range(-3..2));
                json!({"startOf": unit, "offset": offset})
            }
            _ => local("%Y-%m-%d").into(),
        }
    }
}

impl Oracle<'_> {
    /// Whether the first end lies after the second.
    fn is_reversed(&self, field: Field, ages: bool, ends: &[Json; 2], zone: &TimeZone) -> bool {
        if ages {
            let before = |end: &Json| time::before_now(end, zone, self.now).expect("a duration");
            return before(&ends[1]) > before(&ends[0]);
        }
        let [from, to] = [0, 1].map(|end| self.stretch(field, &ends[end], zone));
        from.first > to.first && from.last > to.last
    }
}
