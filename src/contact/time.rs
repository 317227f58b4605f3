//! Reading instants, dates, times and durations as people write them, in a time zone.

use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::Millis;

/// An instant as asked: a stretch of time, because `2026-03-01` means the whole day and `2026-03-01 10:15` the minute.
/// `start..end`, end out; a full RFC 3339 instant or an epoch number is one millisecond long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: Millis,
    pub end: Millis,
}

/// Reads an instant: RFC 3339, `YYYY-MM-DD HH:mm[:ss]`, `YYYY-MM-DD`, epoch milliseconds (number or string),
/// `{"ago": {"amount", "unit"}}` or `{"startOf": unit, "offset": n}`.
///
/// # Errors
/// A sentence that says what was found and what would do.
pub fn instant(value: &Json, zone: &TimeZone, now: Millis) -> Result<Span, String> {
    let _ = (value, zone, now);
    Err("owner: contact".into())
}

/// The instant that lies `{amount, unit}` before `now`; calendar units (days and longer) follow the zone.
///
/// # Errors
/// A sentence that says what was found and what would do.
pub fn before_now(duration: &Json, zone: &TimeZone, now: Millis) -> Result<Millis, String> {
    let _ = (duration, zone, now);
    Err("owner: contact".into())
}

/// Reads `YYYY-MM-DD` as days since 1970-01-01.
///
/// # Errors
/// A sentence that says what was found and what would do.
pub fn date(text: &str) -> Result<i32, String> {
    let _ = text;
    Err("owner: contact".into())
}

/// Reads `HH:MM` as minutes since midnight.
///
/// # Errors
/// A sentence that says what was found and what would do.
pub fn time_of_day(text: &str) -> Result<u16, String> {
    let _ = text;
    Err("owner: contact".into())
}

/// The zone of an IANA name, in any case.
///
/// # Errors
/// A sentence that says what was found and what would do.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    let _ = name;
    Err("owner: contact".into())
}

/// An instant as RFC 3339 in UTC with milliseconds.
pub fn rfc3339(at: Millis) -> String {
    let _ = at;
    String::new() // owner: contact
}
