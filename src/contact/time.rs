//! Reading instants, dates, times and durations as people write them, in a time zone.
//!
//! Weeks begin on Monday, quarters in January, April, July and October. A local time that the zone skips is read as if
//! the clocks had not changed yet, and one that comes twice is the first (jiff's *compatible*). Instants lie in the years
//! 1 to 9999 UTC.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};
use serde_json::{Map, Value as Json};

use super::{Millis, suggest};

/// An instant as asked: a stretch of time, because `2026-03-01` means the whole day and `2026-03-01 10:15` the minute.
/// `start..end`, end out; a full RFC 3339 instant, an epoch number or an `ago` is one millisecond long, a `startOf` its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: Millis,
    pub end: Millis,
}

/// 0001-01-01T00:00:00Z.
const FIRST: Millis = -62_135_596_800_000;
/// 9999-12-30T22:00:00.999Z, the last instant that every time zone can show.
const LAST: Millis = 253_402_207_200_999;

const INSTANT_FORMS: &str = "use RFC 3339 (2026-03-01T10:15:00Z), YYYY-MM-DD HH:mm, YYYY-MM-DD, epoch milliseconds, \
                             {\"ago\": {\"amount\": 3, \"unit\": \"days\"}} or {\"startOf\": \"week\"}";
const RANGE: &str = "The instant is too far away: the first is 0001-01-01T00:00:00Z, the last lies on 9999-12-30.";

/// A unit of time; from days on its length depends on the calendar of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    const NAMES: [&str; 8] = ["seconds", "minutes", "hours", "days", "weeks", "months", "quarters", "years"];
    const ALL: [Unit; 8] =
        [Unit::Second, Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Quarter, Unit::Year];

    /// Reads a unit in singular or plural.
    fn read(value: Option<&Json>) -> Result<Unit, String> {
        let choices = Unit::NAMES.join(", ");
        let Some(name) = value.and_then(Json::as_str) else {
            return Err(format!("The unit is missing or no text: use one of {choices}."));
        };
        let place = Unit::NAMES.iter().position(|plural| {
            plural.eq_ignore_ascii_case(name) || plural[..plural.len() - 1].eq_ignore_ascii_case(name)
        });
        place.map(|place| Unit::ALL[place]).ok_or_else(|| {
            format!(
                "There is no such unit: use one of {choices}.{}",
                suggest::did_you_mean(name, Unit::NAMES.into_iter())
            )
        })
    }

    /// The length of a unit that has one.
    fn millis(self) -> Option<Millis> {
        match self {
            Unit::Second => Some(1_000),
            Unit::Minute => Some(60_000),
            Unit::Hour => Some(3_600_000),
            _ => None,
        }
    }

    /// So many of a calendar unit as a span of jiff's.
    fn span(self, amount: i64) -> Option<jiff::Span> {
        let none = jiff::Span::new();
        match self {
            Unit::Day => none.try_days(amount).ok(),
            Unit::Week => none.try_weeks(amount).ok(),
            Unit::Month => none.try_months(amount).ok(),
            Unit::Quarter => none.try_months(amount.checked_mul(3)?).ok(),
            Unit::Year => none.try_years(amount).ok(),
            _ => None,
        }
    }
}

/// Reads an instant: RFC 3339, `YYYY-MM-DD HH:mm[:ss]`, `YYYY-MM-DD`, epoch milliseconds (number or string),
/// `{"ago": {"amount", "unit"}}` or `{"startOf": unit, "offset": n}`. RFC 3339 without an offset is read in `zone`, and
/// is as long as it is exact: `2026-03-01T10:15` is a minute, `2026-03-01T10:15:07` a second. Text of digits alone is
/// epoch milliseconds.
///
/// # Errors
/// A sentence that says what was found and what would do.
pub fn instant(value: &Json, zone: &TimeZone, now: Millis) -> Result<Span, String> {
    match value {
        Json::Number(number) => {
            let at = number.as_i64().or_else(|| whole(number.as_f64()?));
            let at = at.ok_or_else(|| format!("Epoch milliseconds are a whole number: {INSTANT_FORMS}."))?;
            moment(at)
        }
        Json::String(text) => written(text.trim(), zone),
        Json::Object(members) => relative(members, zone, now),
        other => Err(format!("Found {}, not an instant: {INSTANT_FORMS}.", kind(other))),
    }
}

/// The instant that lies `{amount, unit}` before `now`; calendar units (days and longer) follow the zone. The amount is a
/// number ≥ 0 or text of one; only seconds, minutes and hours can be broken (`1.5 days` has no one meaning where a day
/// may have 23 hours).
///
/// # Errors
/// A sentence that says what was found and what would do.
pub fn before_now(duration: &Json, zone: &TimeZone, now: Millis) -> Result<Millis, String> {
    let members = duration.as_object().ok_or_else(|| {
        format!("Found {}, not a duration: use {{\"amount\": 3, \"unit\": \"days\"}}.", kind(duration))
    })?;
    only(members, &["amount", "unit"])?;
    let unit = Unit::read(members.get("unit"))?;
    let amount = match members.get("amount") {
        Some(Json::Number(number)) => number.as_f64(),
        Some(Json::String(text)) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    let amount = amount
        .filter(|amount| amount.is_finite() && *amount >= 0.0)
        .ok_or("The amount is missing or no number: use a number from 0 on.")?;
    if let Some(length) = unit.millis() {
        let millis = (amount * length as f64).round();
        return match millis < LAST as f64 * 2.0 {
            true => inside(now.saturating_sub(millis as Millis)),
            false => Err(RANGE.to_owned()),
        };
    }
    let count = whole(amount).ok_or("Days and longer units are counted whole: use a whole amount, or hours.")?;
    let span = unit.span(count).ok_or(RANGE)?;
    let before = local(now, zone)?.checked_sub(span).map_err(|_| RANGE)?;
    inside(before.timestamp().as_millisecond())
}

/// Reads `YYYY-MM-DD` (years 0001 to 9999) as days since 1970-01-01.
///
/// # Errors
/// A sentence that says what was found and what would do.
pub fn date(text: &str) -> Result<i32, String> {
    let date = calendar_day(text.trim()).ok_or("This is no date: use YYYY-MM-DD, such as 2026-03-01.")?;
    let days = date.since(Date::constant(1970, 1, 1)).map_err(|_| RANGE)?;
    Ok(days.get_days())
}

/// Days since 1970-01-01 as `YYYY-MM-DD`, the inverse of [`date`]; years outside 1 to 9999 show as the nearest day inside.
pub fn date_text(days: i32) -> String {
    ascii(&date_ascii(days))
}

/// [`date_text`] as bytes.
pub fn date_ascii(days: i32) -> [u8; 10] {
    // Howard Hinnant's civil_from_days, with years that begin in March.
    let days = (days.clamp(-719_162, 2_932_896) + 719_468) as u32;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u32::from(month <= 2);
    let ([y1, y2], [y3, y4]) = (two(year / 100), two(year % 100));
    let ([m1, m2], [d1, d2]) = (two(month), two(day));
    [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]
}

/// A number below 100 in two digits.
fn two(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

fn ascii(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Reads `HH:MM` (00:00 to 23:59) as minutes since midnight.
///
/// # Errors
/// A sentence that says what was found and what would do.
pub fn time_of_day(text: &str) -> Result<u16, String> {
    let time = clock(text.trim()).filter(|(_, precision)| *precision == 60_000);
    let (time, _) = time.ok_or("This is no time of day: use HH:MM, from 00:00 to 23:59.")?;
    Ok(time.hour() as u16 * 60 + time.minute() as u16)
}

/// Minutes since midnight as `HH:MM`, the inverse of [`time_of_day`].
pub fn time_text(minutes: u16) -> String {
    ascii(&time_ascii(minutes))
}

/// [`time_text`] as bytes.
pub fn time_ascii(minutes: u16) -> [u8; 5] {
    let ([h1, h2], [m1, m2]) = (two(u32::from(minutes / 60) % 100), two(u32::from(minutes % 60)));
    [h1, h2, b':', m1, m2]
}

/// The zone of an IANA name, in any case, or of an offset such as `+08:00`.
///
/// # Errors
/// A sentence that says what was found and what would do.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    let name = name.trim();
    if let Some(offset) = offset(name) {
        return Ok(TimeZone::fixed(offset));
    }
    let found = TimeZone::get(name).ok().filter(|zone| !zone.is_unknown() && zone.iana_name().is_some());
    found.ok_or_else(|| {
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let nearest = suggest::did_you_mean(name, names.iter().map(String::as_str));
        format!("There is no such time zone: use an IANA name such as Asia/Kuala_Lumpur, or an offset such as +08:00.{nearest}")
    })
}

/// An instant as RFC 3339 in UTC with milliseconds; outside the years 1 to 9999 the nearest day inside.
pub fn rfc3339(at: Millis) -> String {
    ascii(&instant_ascii(at))
}

/// [`rfc3339`] as bytes.
pub fn instant_ascii(at: Millis) -> [u8; 24] {
    let (days, rest) = (at.div_euclid(86_400_000), at.rem_euclid(86_400_000) as u32);
    let days = i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX });
    let ([h1, h2], [m1, m2]) = (two(rest / 3_600_000), two(rest / 60_000 % 60));
    let ([s1, s2], [f2, f3]) = (two(rest / 1_000 % 60), two(rest % 100));
    let f1 = b'0' + (rest % 1_000 / 100) as u8;
    let mut text = [0; 24];
    text[..10].copy_from_slice(&date_ascii(days));
    text[10..].copy_from_slice(&[b'T', h1, h2, b':', m1, m2, b':', s1, s2, b'.', f1, f2, f3, b'Z']);
    text
}

/// An instant in text.
fn written(text: &str, zone: &TimeZone) -> Result<Span, String> {
    let refusal = || format!("This is no instant: {INSTANT_FORMS}.");
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return moment(text.parse().map_err(|_| RANGE)?);
    }
    if let Some(day) = calendar_day(text) {
        let start = zone.to_zoned(day.to_datetime(Time::midnight())).map_err(|_| RANGE)?;
        return stretch(&start, 1.day());
    }
    let (day, rest) = text.split_at_checked(10).ok_or_else(refusal)?;
    let day = calendar_day(day).ok_or_else(refusal)?;
    let rest = rest.strip_prefix(['T', 't', ' ']).ok_or_else(refusal)?;
    let time_len = rest.find(|c: char| !matches!(c, '0'..='9' | ':' | '.')).unwrap_or(rest.len());
    let (time, zone_text) = rest.split_at(time_len);
    let (time, precision) = clock(time).ok_or_else(refusal)?;
    let at = DateTime::from_parts(day, time);
    match zone_text.trim_start() {
        "" => {
            let start = inside(zone.to_timestamp(at).map_err(|_| RANGE)?.as_millisecond())?;
            Ok(Span { start, end: start + precision })
        }
        text => {
            let offset = offset(text).ok_or_else(refusal)?;
            moment(offset.to_timestamp(at).map_err(|_| RANGE)?.as_millisecond())
        }
    }
}

/// `{"ago": …}` or `{"startOf": …, "offset": …}`.
fn relative(members: &Map<String, Json>, zone: &TimeZone, now: Millis) -> Result<Span, String> {
    if let Some(duration) = members.get("ago") {
        only(members, &["ago"])?;
        return moment(before_now(duration, zone, now)?);
    }
    if !members.contains_key("startOf") {
        return Err(format!("Found an object, not an instant: {INSTANT_FORMS}."));
    }
    only(members, &["startOf", "offset"])?;
    let unit = Unit::read(members.get("startOf"))?;
    let offset = match members.get("offset") {
        None | Some(Json::Null) => Some(0),
        Some(Json::Number(number)) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Some(Json::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    let offset: i64 =
        offset.ok_or("The offset is no whole number: use -1 for the last unit, 0 for this one, 1 for the next.")?;
    start_of(unit, offset, zone, now)
}

/// The unit that `now` lies in, moved by `offset` units.
fn start_of(unit: Unit, offset: i64, zone: &TimeZone, now: Millis) -> Result<Span, String> {
    let now = local(now, zone)?;
    if let Some(length) = unit.millis() {
        // Clocks show offsets of half and quarter hours, so the hour begins where the local clock says so. Truncating by the
        // offset keeps the two hours of a clock set back apart.
        let shift = i64::from(now.offset().seconds()) * 1_000;
        let begin = (now.timestamp().as_millisecond() + shift).div_euclid(length) * length - shift;
        let start = inside(offset.checked_mul(length).and_then(|by| begin.checked_add(by)).ok_or(RANGE)?)?;
        return Ok(Span { start, end: start + length });
    }
    let day = now.date();
    let first = match unit {
        Unit::Week => day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).map_err(|_| RANGE)?,
        Unit::Month => day.first_of_month(),
        Unit::Quarter => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).map_err(|_| RANGE)?,
        Unit::Year => day.first_of_year(),
        _ => day,
    };
    let first = first.checked_add(unit.span(offset).ok_or(RANGE)?).map_err(|_| RANGE)?;
    let start = zone.to_zoned(first.to_datetime(Time::midnight())).map_err(|_| RANGE)?;
    stretch(&start, unit.span(1).ok_or(RANGE)?)
}

/// From the start of a local day to the start of the local day `length` later.
fn stretch(start: &Zoned, length: jiff::Span) -> Result<Span, String> {
    let next = start.date().checked_add(length).map_err(|_| RANGE)?;
    let end = start.time_zone().to_timestamp(next.to_datetime(Time::midnight())).map_err(|_| RANGE)?;
    Ok(Span { start: inside(start.timestamp().as_millisecond())?, end: inside(end.as_millisecond())? })
}

/// One millisecond.
fn moment(at: Millis) -> Result<Span, String> {
    inside(at).map(|start| Span { start, end: start + 1 })
}

fn inside(at: Millis) -> Result<Millis, String> {
    (FIRST..=LAST).contains(&at).then_some(at).ok_or_else(|| RANGE.to_owned())
}

fn local(now: Millis, zone: &TimeZone) -> Result<Zoned, String> {
    let now = Timestamp::from_millisecond(inside(now)?).map_err(|_| RANGE)?;
    Ok(now.to_zoned(zone.clone()))
}

/// `YYYY-MM-DD` and nothing else, from the year 1 on.
fn calendar_day(text: &str) -> Option<Date> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let date = Date::new(year, number(&[*m1, *m2])? as i8, number(&[*d1, *d2])? as i8).ok()?;
    (year > 0).then_some(date)
}

/// `HH:mm`, `HH:mm:ss` or `HH:mm:ss.fff…`, with the milliseconds it leaves open. A leap second is the second before it.
fn clock(text: &str) -> Option<(Time, Millis)> {
    let bytes = text.as_bytes();
    let [h1, h2, b':', m1, m2, rest @ ..] = bytes else { return None };
    let (hour, minute) = (number(&[*h1, *h2])? as i8, number(&[*m1, *m2])? as i8);
    let (second, fraction, precision) = match rest {
        [] => (0, 0, 60_000),
        [b':', s1, s2] => (number(&[*s1, *s2])?, 0, 1_000),
        [b':', s1, s2, b'.', fraction @ ..] if (1..=9).contains(&fraction.len()) => {
            let mut padded = [b'0'; 3];
            let shown = fraction.len().min(3);
            padded[..shown].copy_from_slice(&fraction[..shown]);
            if !fraction.iter().all(u8::is_ascii_digit) {
                return None;
            }
            (number(&[*s1, *s2])?, number(&padded)?, 1)
        }
        _ => return None,
    };
    let second = if second == 60 { 59 } else { second };
    let time = Time::new(hour, minute, second as i8, i32::from(fraction) * 1_000_000).ok()?;
    Some((time, precision))
}

/// `Z`, `+08:00`, `+0800` or `+08`.
fn offset(text: &str) -> Option<Offset> {
    if text.eq_ignore_ascii_case("z") {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match text.as_bytes() {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [h1, h2] => (number(&[*h1, *h2])?, 0),
        [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => (number(&[*h1, *h2])?, number(&[*m1, *m2])?),
        _ => return None,
    };
    let seconds = sign * (i64::from(hours) * 3_600 + i64::from(minutes) * 60);
    (hours < 24 && minutes < 60).then(|| Offset::UTC.checked_add(SignedDuration::from_secs(seconds)).ok())?
}

/// ASCII digits, at most four.
fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i16::from(digit - b'0')))
}

/// A number without a fraction that a float holds exactly.
fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i64)
}

/// Refuses members outside `known`.
fn only(members: &Map<String, Json>, known: &[&str]) -> Result<(), String> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let nearest = suggest::did_you_mean(name, known.iter().copied());
            Err(format!("There is a member that does not belong here: use only {}.{nearest}", known.join(" and ")))
        }
    }
}

/// What a JSON value is, in words.
pub(super) fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
