//! When an answer changes by time alone: against a filter read again at other times.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::world::{DAY, LIMITS, NOW, catalog};
use crate::contact::*;
use crate::filter::{Context, matches, read, report};

const HOUR: Millis = 3_600_000;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn message_at(at: Millis) -> Contact {
    Contact { last_message_at: Some(at), ..Contact::default() }
}

fn changes(condition: Json, zone_name: &str, now: Millis, contact: &Contact) -> Option<Millis> {
    let catalog = catalog();
    let context = Context { catalog: &catalog, zone: zone(zone_name), now, me: None, limits: LIMITS };
    let filter = read(&condition, "filter", &context).unwrap();
    report(&filter, contact, &catalog, now).changes_at
}

fn since(operator: &str, amount: u32, unit: &str) -> Json {
    json!({"field": "timeSinceLastMessage", "operator": operator, "value": {"amount": amount, "unit": unit}})
}

#[test]
fn durations_pass_at_the_millisecond_after() {
    let contact = message_at(NOW - 2 * DAY);
    assert_eq!(changes(since("isGreaterThan", 3, "days"), "UTC", NOW, &contact), Some(NOW + DAY + 1));
    assert_eq!(changes(since("isLessThan", 3, "days"), "UTC", NOW, &contact), Some(NOW + DAY));
    assert_eq!(changes(since("isGreaterThan", 1, "days"), "UTC", NOW, &contact), None);
    assert_eq!(changes(since("isGreaterThan", 49, "hours"), "UTC", NOW, &contact), Some(NOW + HOUR + 1));
    assert_eq!(changes(since("isGreaterThan", 3, "days"), "UTC", NOW, &Contact::default()), None);
}

#[test]
fn calendar_times_pass_at_their_boundary() {
    let contact = message_at(NOW);
    let week = json!({"field": "lastMessageAt", "operator": "isTimestampAfter", "value": {"startOf": "week"}});
    // Monday 2026-03-16 00:00 UTC.
    assert_eq!(changes(week.clone(), "UTC", NOW, &contact), Some(1_773_619_200_000));
    assert_eq!(changes(week, "Asia/Kuala_Lumpur", NOW, &contact), Some(1_773_619_200_000 - 8 * HOUR));
    // A day from 2026-03-28 09:30:15.250 in Berlin takes 23 hours.
    let eve = NOW + 17 * DAY;
    assert_eq!(
        changes(since("isGreaterThan", 1, "day"), "Europe/Berlin", eve, &message_at(eve)),
        Some(eve + 23 * HOUR + 1)
    );
}

#[test]
fn the_whole_answer_counts() {
    let contact = message_at(NOW - DAY);
    let either = json!({"$or": [since("isGreaterThan", 2, "days"), since("isLessThan", 5, "days")]});
    assert_eq!(changes(either, "UTC", NOW, &contact), None);
    let between = json!({"$and": [since("isGreaterThan", 2, "days"), since("isLessThan", 5, "days")]});
    assert_eq!(changes(between.clone(), "UTC", NOW, &contact), Some(NOW + DAY + 1));
    assert_eq!(changes(json!({"$not": between}), "UTC", NOW + 2 * DAY, &contact), Some(NOW + 4 * DAY));
    let birthday = Contact { custom: vec![(CustomFieldId(5), Value::Date(20_525))], ..Contact::default() };
    let today = json!({"field": "birthday", "operator": "isEqualTo", "value": {"startOf": "day"}});
    // 2026-03-13 00:00 UTC.
    assert_eq!(changes(today.clone(), "UTC", NOW, &birthday), Some(20_525 * DAY));
    assert_eq!(changes(today, "UTC", 20_525 * DAY + 5, &birthday), Some(20_526 * DAY));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Nothing changes before, and it has changed then; for spans of months, whose ends move unevenly.
    #[test]
    fn nothing_changes_earlier(
        ago in 0..70 * 24i64, now in 0..400 * 24i64, amount in 0..3u32,
        unit in prop::sample::select(&["days", "weeks", "months"][..]),
        operator in prop::sample::select(&["isGreaterThan", "isLessThan"][..]),
        zone_name in prop::sample::select(&["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe"][..]),
    ) {
        let now = NOW + now * HOUR;
        let contact = message_at(now - ago * HOUR);
        let json = since(operator, amount, unit);
        let catalog = catalog();
        let at = |now: Millis| {
            let context = Context { catalog: &catalog, zone: zone(zone_name), now, me: None, limits: LIMITS };
            matches(&read(&json, "filter", &context).unwrap(), &contact)
        };
        let changes = changes(json.clone(), zone_name, now, &contact);
        let end = changes.unwrap_or(now + 100 * DAY);
        for time in (now..end).step_by(HOUR as usize).chain([end - 1]) {
            prop_assert_eq!(at(time.max(now)), at(now), "at {} before {:?}", time, changes);
        }
        if let Some(changes) = changes {
            prop_assert!(changes > now && at(changes) != at(now));
        }
    }
}
