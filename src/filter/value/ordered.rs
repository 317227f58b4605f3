//! Values of fields that have an order, as stretches of the keys of their column.
//!
//! A value may stand for more than one key: `2026-03-01` is every millisecond of that day. After it means after its
//! last key, before it before its first. `{"startOf": …}` is the first instant of its unit, so that "after the start of
//! the week" is this week.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::Given;
use crate::contact::time::{self, Span};
use crate::contact::{Field, Kind, Mistake};
use crate::filter::predicate::Predicate;
use crate::index::number_key;

/// The keys a value stands for, both ends in. Empty (`first` > `last`) for a number between two whole ids.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    pub first: i64,
    pub last: i64,
}

impl Stretch {
    fn one(key: i64) -> Stretch {
        Stretch { first: key, last: key }
    }
}

/// Reads one value of a number, date, time or instant field; of a duration field, an instant.
pub fn stretch(given: &Given) -> Result<Stretch, Mistake> {
    match given.kind {
        Kind::Number => number(given),
        Kind::Time => match given.value {
            Json::String(text) => time::time_of_day(text)
                .map(|minutes| Stretch::one(i64::from(minutes)))
                .map_err(|message| given.mistake("invalid_time", message)),
            _ => Err(given.wrong_type("a time of day, HH:MM")),
        },
        Kind::Date => date(given),
        _ => instant(given).map(|span| Stretch { first: span.start, last: span.end.saturating_sub(1) }),
    }
}

/// Reads `{from, to}`, both ends in.
pub fn between(given: &Given) -> Result<Predicate, Mistake> {
    let [from, to] = given.members(["from", "to"])?;
    let (start, end) = (stretch(&from)?, stretch(&to)?);
    if follows_the_clock(given.kind, given.value) {
        // What is in order today may cross tomorrow, and a saved filter must not break by that: it is empty then.
        return Ok(Predicate::Range(start.first, end.last));
    }
    if start.first > end.first && start.last > end.last {
        return Err(given.mistake("reversed_range", "from lies after to; exchange the two"));
    }
    Ok(Predicate::range(start.first, end.last))
}

/// Reads `{from, to}` of two ages: `from` is the shorter one.
pub fn between_ages(given: &Given) -> Result<Predicate, Mistake> {
    let [from, to] = given.members(["from", "to"])?;
    let (latest, earliest) = (before_now(&from)?, before_now(&to)?);
    if earliest > latest {
        return Err(given.mistake("reversed_range", "from is longer than to; exchange the two"));
    }
    Ok(Predicate::range(earliest, latest))
}

/// Reads `{amount, unit}` as the instant that lies so long before now.
pub fn before_now(given: &Given) -> Result<i64, Mistake> {
    if !given.value.is_object() {
        return Err(given.wrong_type("{\"amount\": 3, \"unit\": \"days\"}"));
    }
    time::before_now(given.value, &given.context.zone, given.context.now)
        .map_err(|message| given.mistake("invalid_duration", message))
}

/// Whether the value, or an end of it, follows the clock.
pub fn follows_the_clock(kind: Kind, value: &Json) -> bool {
    let relative = |value: &Json| value.get("ago").is_some() || value.get("startOf").is_some();
    match kind {
        Kind::Duration => !matches!(value, Json::Null | Json::String(_)),
        Kind::Instant | Kind::Date => {
            relative(value) || ["from", "to"].iter().filter_map(|end| value.get(end)).any(relative)
        }
        _ => false,
    }
}

fn number(given: &Given) -> Result<Stretch, Mistake> {
    let number = match given.value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => return Err(given.wrong_type("a number")),
    };
    let number: f64 = number.filter(|number| number.is_finite()).ok_or_else(|| given.wrong_type("a number"))?;
    if given.field == Field::Id {
        // `as` saturates: an id beyond every id stays beyond.
        return Ok(Stretch { first: number.ceil() as i64, last: number.floor() as i64 });
    }
    Ok(Stretch::one(number_key(number)))
}

fn instant(given: &Given) -> Result<Span, Mistake> {
    let span = time::instant(given.value, &given.context.zone, given.context.now)
        .map_err(|message| given.mistake("invalid_time", message))?;
    Ok(match given.value.get("startOf") {
        Some(_) => Span { start: span.start, end: span.start + 1 },
        None => span,
    })
}

fn date(given: &Given) -> Result<Stretch, Mistake> {
    if let Json::String(text) = given.value {
        match time::date(text) {
            Ok(days) => return Ok(Stretch::one(i64::from(days))),
            // Longer text may be an instant, whose local day is meant.
            Err(message) if text.trim().len() <= 10 => return Err(given.mistake("invalid_date", message)),
            Err(_) => {}
        }
    }
    let span = instant(given)?;
    let day = |at: i64| {
        let at =
            Timestamp::from_millisecond(at).map_err(|_| given.mistake("invalid_date", "the date is out of range"))?;
        let seconds = at.as_second() + i64::from(given.context.zone.to_offset(at).seconds());
        Ok(seconds.div_euclid(86_400))
    };
    Ok(Stretch { first: day(span.start)?, last: day(span.end.saturating_sub(1))? })
}
