//! What is refused, where, by which code and in which words.

use serde_json::{Value as Json, json};

use super::world::{LIMITS, catalog, context};
use crate::contact::{Mistake, Segment, SegmentId};
use crate::filter::{Context, Limits, read};

fn refused(filter: &Json) -> Mistake {
    let catalog = catalog();
    read(filter, "filter", &context(&catalog)).err().unwrap_or_else(|| panic!("accepted: {filter}"))
}

/// Field, operator, value; path, code and words of the mistake.
type Row = (&'static str, &'static str, Json, &'static str, &'static str, &'static str);

fn all_are_refused<const N: usize>(rows: [Row; N]) {
    for (field, operator, value, path, code, words) in rows {
        let condition = json!({"field": field, "operator": operator, "value": value});
        let mistake = refused(&json!({"$and": [{"$and": []}, condition]}));
        let found = (mistake.path.as_str(), mistake.code);
        assert_eq!(found, (format!("filter.$and[1].{path}").as_str(), code), "{condition}: {mistake}");
        assert!(mistake.message.contains(words), "{mistake} of {condition}");
    }
}

fn range(from: Json, to: Json) -> Json {
    json!({"from": from, "to": to})
}

#[test]
fn wrong_names_and_texts_are_refused_in_words() {
    all_are_refused([
        ("emial", "exists", Json::Null, "field", "unknown_field", "Did you mean email?"),
        ("scores", "exists", Json::Null, "field", "unknown_field", "Did you mean score?"),
        ("email", "equals", json!("x"), "operator", "unknown_operator", "isEqualTo, isNotEqualTo, contains"),
        ("email", "contain", json!("x"), "operator", "unknown_operator", "Did you mean contains?"),
        ("tags", "contains", json!("x"), "operator", "wrong_operator", "tags is a set field and takes hasAnyOf"),
        ("createdAt", "contains", json!("x"), "operator", "wrong_operator", "createdAt is an instant field"),
        ("score", "isTimestampAfter", json!(1), "operator", "wrong_operator", "isGreaterThan"),
        ("email", "isEqualTo", json!(5), "value", "wrong_type", "found the number 5"),
        ("email", "isEqualTo", Json::Null, "value", "wrong_type", "found null"),
        ("email", "contains", json!(""), "value", "empty_value", "doesNotExist"),
        ("email", "hasAnyOf", json!("x"), "value", "wrong_type", "a list"),
        ("email", "hasAnyOf", json!([]), "value", "empty_value", "empty"),
        ("email", "hasAnyOf", json!(["x", 5]), "value[1]", "wrong_type", "the number 5"),
        ("email", "exists", json!(true), "value", "unexpected_value", "takes no value"),
        ("phone", "contains", json!("abc"), "value", "invalid_phone", "digits"),
        ("phone", "contains", json!("+"), "value", "invalid_phone", "digits"),
        ("status", "isEqualTo", json!("opne"), "value", "unknown_status", "Did you mean open?"),
        ("countryCode", "isEqualTo", json!("XX"), "value", "unknown_code", "ISO 3166-1"),
        ("language", "hasAnyOf", json!(["en", "english"]), "value[1]", "unknown_code", "ISO 639-1"),
        ("lifecycle", "isEqualTo", json!("hot laed"), "value", "unknown_stage", "Did you mean Hot Lead?"),
    ]);
}

#[test]
fn wrong_members_are_refused_in_words() {
    all_are_refused([
        ("assignee", "isEqualTo", json!("anna@example.com"), "value", "unknown_user", "mean ana@example.com?"),
        ("assignee", "isEqualTo", json!(99), "value", "unknown_user", "the number 99"),
        ("lastInteractedChannel", "isEqualTo", json!("telegrm"), "value", "unknown_channel", "mean telegram?"),
        ("channels", "hasAnyOf", json!([77]), "value[0]", "unknown_channel", "the number 77"),
        ("source", "hasAnyOf", json!(["viber"]), "value[0]", "unknown_source", "viber"),
        ("tags", "hasAnyOf", json!([5]), "value[0]", "wrong_type", "name of a tag"),
        ("tags", "hasAtLeast", json!(["vip"]), "value", "wrong_type", "count"),
        ("tags", "hasAtLeast", json!({"count": 0, "of": ["vip"]}), "value.count", "wrong_type", "from 1 on"),
        (
            "tags",
            "hasAtLeast",
            json!({"count": 2, "of": ["vip", "VIP"]}),
            "value.count",
            "count_too_large",
            "1 different",
        ),
        ("tags", "hasAtLeast", json!({"count": 1, "off": ["vip"]}), "value.off", "unknown_member", "Did you mean of?"),
        ("plan", "isEqualTo", json!("prro"), "value", "unknown_choice", "Did you mean Pro?"),
        ("opted_in", "isEqualTo", json!("yes"), "value", "wrong_type", "true or false"),
    ]);
}

#[test]
fn wrong_numbers_times_and_segments_are_refused_in_words() {
    all_are_refused([
        ("score", "isEqualTo", json!("ten"), "value", "wrong_type", "a number"),
        ("score", "isEqualTo", json!("1e999"), "value", "wrong_type", "a number"),
        ("score", "isBetween", range(json!(5), json!(4)), "value", "reversed_range", "exchange"),
        ("score", "isBetween", json!({"from": 5}), "value.to", "missing_member", "to is missing"),
        ("score", "isBetween", range(json!(1), json!("x")), "value.to", "wrong_type", "text \"x\""),
        ("birthday", "isEqualTo", json!("2026-02-30"), "value", "invalid_date", "YYYY-MM-DD"),
        ("call_at", "isEqualTo", json!("25:00"), "value", "invalid_time", "HH:MM"),
        ("call_at", "isEqualTo", json!(25), "value", "wrong_type", "HH:MM"),
        ("createdAt", "isTimestampAfter", json!("yesterday"), "value", "invalid_time", ""),
        (
            "createdAt",
            "isTimestampBetween",
            range(json!("2026-03-02"), json!("2026-03-01")),
            "value",
            "reversed_range",
            "",
        ),
        ("createdAt", "isEqualTo", json!("2026-03-02"), "operator", "wrong_operator", "isTimestampBetween"),
        ("timeSinceLastMessage", "isGreaterThan", json!(3), "value", "wrong_type", "amount"),
        (
            "timeSinceLastMessage",
            "isGreaterThan",
            json!({"amount": 3, "unit": "dayz"}),
            "value",
            "invalid_duration",
            "days",
        ),
        (
            "timeSinceLastMessage",
            "isBetween",
            range(json!({"amount": 3, "unit": "days"}), json!({"amount": 2, "unit": "days"})),
            "value",
            "reversed_range",
            "longer",
        ),
        ("segment", "isMemberOf", json!("quite"), "value", "unknown_segment", "Did you mean Quiet?"),
        ("segment", "isMemberOf", json!(9), "value", "unknown_segment", "the number 9"),
        ("segment", "exists", Json::Null, "operator", "wrong_operator", "isMemberOf, isNotMemberOf"),
    ]);
}

#[test]
fn lists_have_a_limit() {
    let list = |count: usize| json!({"field": "tags", "operator": "hasAnyOf", "value": vec!["x"; count]});
    let mistake = refused(&list(LIMITS.list_values_max + 1));
    assert_eq!(mistake.code, "too_many_values");
    assert!(mistake.message.contains("1001 values; at most 1000"), "{mistake}");
}

#[test]
fn me_needs_someone_who_asks() {
    let catalog = catalog();
    let condition = json!({"field": "assignee", "operator": "isEqualTo", "value": "me"});
    let nobody = Context { me: None, ..context(&catalog) };
    assert_eq!(read(&condition, "filter", &nobody).map_err(|mistake| mistake.code), Err("unknown_user"));
}

#[test]
fn segments_have_no_cycle_and_count_towards_the_limits() {
    let mut catalog = catalog();
    let member = |id: u32| json!({"field": "segment", "operator": "isMemberOf", "value": id});
    for (id, filter) in [
        (10, member(11)),
        (11, json!({"$not": member(10)})),
        (20, member(21)),
        (21, json!({"$and": vec![member(1); 4]})),
    ] {
        catalog.put_segment(Segment {
            id: SegmentId(id),
            name: format!("segment {id}"),
            filter: filter.to_string(),
            timezone: None,
        });
    }
    catalog.put_segment(Segment {
        id: SegmentId(30),
        name: "stale".into(),
        filter: "{\"field\": \"gone\", \"operator\": \"exists\"}".into(),
        timezone: None,
    });
    let code = |id: u32, limits: Limits| {
        let context = Context { limits, ..context(&catalog) };
        read(&member(id), "filter", &context).map(|_| ()).map_err(|mistake| (mistake.path, mistake.code))
    };
    let at_value = |code| Err(("filter.value".to_owned(), code));
    assert_eq!(code(10, LIMITS), at_value("segment_cycle"));
    assert_eq!(code(30, LIMITS), at_value("unusable_segment"));
    assert_eq!(code(20, LIMITS), Ok(()));
    assert_eq!(code(20, Limits { depth_max: 4, ..LIMITS }), at_value("filter_too_deep"));
    assert_eq!(code(20, Limits { conditions_max: 13, ..LIMITS }), at_value("too_many_conditions"));
    assert_eq!(code(20, Limits { conditions_max: 14, ..LIMITS }), Ok(()));
}
