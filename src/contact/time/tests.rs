//! Instants, calendar units across daylight saving, and what is refused.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// 2026-03-11T09:30:15.250Z, a Wednesday.
const NOW: Millis = 1_773_221_415_250;

fn utc(text: &str) -> Millis {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn read(value: Json, zone_name: &str) -> Result<(String, Millis), String> {
    let span = instant(&value, &zone(zone_name).unwrap(), NOW)?;
    Ok((rfc3339(span.start), span.end - span.start))
}

#[track_caller]
fn check(value: Json, zone_name: &str, start: &str, length: Millis) {
    let (found, found_length) = read(value, zone_name).unwrap();
    assert_eq!((utc(&found), found_length), (utc(start), length), "starts {found}");
}

#[test]
fn written_instants_are_as_long_as_they_are_exact() {
    let kl = "Asia/Kuala_Lumpur";
    check(json!("2026-03-01"), kl, "2026-02-28T16:00:00Z", 86_400_000);
    check(json!("2026-03-01 10:15"), kl, "2026-03-01T02:15:00Z", 60_000);
    check(json!("2026-03-01T10:15:07"), kl, "2026-03-01T02:15:07Z", 1_000);
    check(json!("2026-03-01T10:15:07.5"), kl, "2026-03-01T02:15:07.5Z", 1);
    check(json!("2026-03-01T10:15:07Z"), kl, "2026-03-01T10:15:07Z", 1);
    check(json!(" 2026-03-01t10:15:07.123456+08:00 "), "UTC", "2026-03-01T02:15:07.123Z", 1);
    check(json!("2026-03-01 10:15 -0330"), "UTC", "2026-03-01T13:45:00Z", 1);
    check(json!(NOW), kl, "2026-03-11T09:30:15.250Z", 1);
    check(json!(NOW.to_string()), kl, "2026-03-11T09:30:15.250Z", 1);
    check(json!(-1), kl, "1969-12-31T23:59:59.999Z", 1);
    check(json!(1.5e12), kl, "2017-07-14T02:40:00Z", 1);
}

#[test]
fn local_days_and_gaps_follow_the_zone() {
    let berlin = "Europe/Berlin";
    check(json!("2026-03-29"), berlin, "2026-03-28T23:00:00Z", 23 * 3_600_000);
    check(json!("2026-10-25"), berlin, "2026-10-24T22:00:00Z", 25 * 3_600_000);
    // Skipped: read with the offset from before. Twice: the first.
    check(json!("2026-03-29 02:30"), berlin, "2026-03-29T01:30:00Z", 60_000);
    check(json!("2026-10-25 02:30"), berlin, "2026-10-25T00:30:00Z", 60_000);
}

#[test]
fn ago_counts_calendar_units_in_the_zone() {
    let ago = |amount: Json, unit: &str| json!({"ago": {"amount": amount, "unit": unit}});
    check(ago(json!(90), "seconds"), "UTC", "2026-03-11T09:28:45.250Z", 1);
    check(ago(json!("1.5"), "Hour"), "UTC", "2026-03-11T08:00:15.250Z", 1);
    check(ago(json!(2), "weeks"), "UTC", "2026-02-25T09:30:15.250Z", 1);
    check(ago(json!(1), "quarter"), "UTC", "2025-12-11T09:30:15.250Z", 1);
    check(ago(json!(1), "year"), "UTC", "2025-03-11T09:30:15.250Z", 1);
    check(ago(json!(0), "months"), "UTC", "2026-03-11T09:30:15.250Z", 1);
    // New York's clocks went forward on March 8: three days ago at the same time of day is 71 hours away.
    check(ago(json!(4), "days"), "America/New_York", "2026-03-07T10:30:15.250Z", 1);
    check(ago(json!(96), "hours"), "America/New_York", "2026-03-07T09:30:15.250Z", 1);
}

#[test]
fn start_of_is_the_whole_unit() {
    let start_of = |unit: &str, offset: i64| json!({"startOf": unit, "offset": offset});
    let day = 86_400_000;
    check(json!({"startOf": "week"}), "UTC", "2026-03-09T00:00:00Z", 7 * day);
    check(start_of("week", -1), "America/New_York", "2026-03-02T05:00:00Z", 7 * day - 3_600_000);
    check(start_of("day", 1), "Asia/Tokyo", "2026-03-11T15:00:00Z", day);
    check(start_of("month", -1), "UTC", "2026-02-01T00:00:00Z", 28 * day);
    check(start_of("quarter", 0), "UTC", "2026-01-01T00:00:00Z", 90 * day);
    check(start_of("years", 2), "UTC", "2028-01-01T00:00:00Z", 366 * day);
    check(start_of("hour", 0), "Asia/Kathmandu", "2026-03-11T09:15:00Z", 3_600_000);
    check(start_of("minute", -30), "UTC", "2026-03-11T09:00:00Z", 60_000);
    check(json!({"startOf": "month", "offset": "-1"}), "UTC", "2026-02-01T00:00:00Z", 28 * day);
}

#[test]
fn what_is_no_instant_is_refused_in_a_sentence() {
    for value in [
        json!(null),
        json!(true),
        json!([]),
        json!({}),
        json!(""),
        json!("yesterday"),
        json!("2026-02-30"),
        json!("0000-01-01"),
        json!("10000-01-01"),
        json!("2026-3-1"),
        json!("2026-03-01 25:00"),
        json!("2026-03-01T10"),
        json!("2026-03-01T10:15:07+25:00"),
        json!("2026-03-01 10:15 CET"),
        json!("2026-03-01é"),
        json!("12é"),
        json!(1.5),
        json!(1e300),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!("99999999999999999999"),
        json!({"ago": 3}),
        json!({"ago": {"amount": -1, "unit": "days"}}),
        json!({"ago": {"amount": 1.5, "unit": "days"}}),
        json!({"ago": {"amount": 1, "unit": "fortnights"}}),
        json!({"ago": {"amount": "NaN", "unit": "hours"}}),
        json!({"ago": {"amount": 1e300, "unit": "hours"}}),
        json!({"ago": {"amount": 1e15, "unit": "years"}}),
        json!({"ago": {"amount": 3000, "unit": "years"}}),
        json!({"ago": {"amount": 1, "unit": "days"}, "offset": 1}),
        json!({"startOf": "days", "offset": i64::MAX}),
        json!({"startOf": "hour", "offset": i64::MIN}),
        json!({"startOf": "quarter", "offset": i64::MAX}),
        json!({"startOf": "week", "offset": 1.5}),
        json!({"startOf": "week", "by": 1}),
        json!({"startOf": 7}),
    ] {
        let why = read(value.clone(), "Europe/Berlin").expect_err(&value.to_string());
        assert!(why.ends_with(['.', '?']), "{why}");
    }
    let why = read(json!({"ago": {"amount": 1, "unit": "dais"}}), "UTC").unwrap_err();
    assert!(why.ends_with("Did you mean days?"), "{why}");
}

#[test]
fn the_ends_of_time_do_not_panic() {
    for now in [i64::MIN, i64::MAX, FIRST, LAST] {
        for name in ["Pacific/Kiritimati", "Etc/GMT+12", "+14:00"] {
            let zone = zone(name).unwrap();
            for unit in Unit::NAMES {
                let _ = instant(&json!({"startOf": unit}), &zone, now);
                let _ = instant(&json!({"startOf": unit, "offset": 1}), &zone, now);
                let _ = instant(&json!({"ago": {"amount": 1, "unit": unit}}), &zone, now);
            }
            for text in ["0001-01-01", "9999-12-31", "9999-12-31 23:59:59", "0001-01-01T00:00:00+14:00"] {
                let _ = instant(&json!(text), &zone, now);
            }
        }
        let _ = rfc3339(now);
    }
}

#[test]
fn zones_are_found_in_any_case() {
    assert_eq!(zone("asia/kuala_lumpur").unwrap().iana_name(), Some("Asia/Kuala_Lumpur"));
    assert!(zone("utc").is_ok() && zone("+08:00").is_ok() && zone("-0330").is_ok());
    assert!(zone("Asia/Kuala_Lumpu").unwrap_err().contains("Did you mean Asia/Kuala_Lumpur?"));
    for name in ["", "Mars/Olympus", "+99:00", "../etc/passwd", "Etc/Unknown", "UTC0"] {
        assert!(zone(name).is_err(), "{name}");
    }
}

#[test]
fn dates_and_times_of_day() {
    assert_eq!(date("1970-01-02"), Ok(1));
    assert_eq!(date("0001-01-01"), Ok(-719_162));
    assert_eq!(date(" 9999-12-31 "), Ok(2_932_896));
    for text in ["", "2026-02-29", "2026-13-01", "26-01-01", "2026-01-01T00:00", "２０２６-01-01"] {
        assert!(date(text).is_err(), "{text}");
    }
    assert_eq!((time_of_day("00:00"), time_of_day("23:59"), time_of_day("09:05")), (Ok(0), Ok(1439), Ok(545)));
    for text in ["", "24:00", "9:05", "09:60", "09:05:00", "0905"] {
        assert!(time_of_day(text).is_err(), "{text}");
    }
    assert_eq!((time_text(0), time_text(1439)), ("00:00".into(), "23:59".into()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn instants_are_written_as_they_are_read(at in FIRST..=LAST) {
        let text = rfc3339(at);
        prop_assert_eq!(utc(&text), at);
        prop_assert_eq!(instant(&json!(text), &TimeZone::UTC, 0), moment(at));
    }

    #[test]
    fn dates_are_written_as_they_are_read(days in -719_162..=2_932_896_i32) {
        prop_assert_eq!(date(&date_text(days)), Ok(days));
    }

    #[test]
    fn units_follow_one_another_without_a_gap(
        now in FIRST / 2..LAST / 2,
        unit in proptest::sample::select(&Unit::NAMES[..]),
        place in proptest::sample::select(&["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"][..]),
    ) {
        let zone = zone(place).unwrap();
        let this = instant(&json!({"startOf": unit}), &zone, now).unwrap();
        let next = instant(&json!({"startOf": unit, "offset": 1}), &zone, now).unwrap();
        prop_assert!(this.start <= now && now < this.end);
        prop_assert_eq!(this.end, next.start);
    }

    #[test]
    fn no_text_panics(text in "[-0-9T:Z+. é]{0,26}|\\PC{0,12}") {
        let _ = instant(&json!(text), &TimeZone::UTC, NOW);
        let _ = (date(&text), time_of_day(&text), offset(&text));
    }
}
