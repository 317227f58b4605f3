//! What single conditions mean, on contacts made for it.

use serde_json::{Value as Json, json};

use super::world::{DAY, NOW, catalog, filter};
use crate::contact::*;
use crate::filter::{matches, report};

fn ana() -> Contact {
    Contact {
        id: ContactId(7),
        first_name: Some("Ána".into()),
        last_name: Some("Lopez Cruz".into()),
        email: Some("Ana@Example.com".into()),
        phone: Phone::parse("+60 12 345 6789", None).ok(),
        tags: vec![TagId(1), TagId(3)],
        channels: [1, 3]
            .map(|id| ChannelLink {
                channel: ChannelId(id),
                address: None,
                connected_at: 0,
                last_message_at: None,
                last_incoming_at: None,
            })
            .to_vec(),
        conversation: Conversation::Open,
        last_message_at: Some(NOW - 3 * DAY),
        created_at: NOW - 10 * DAY,
        updated_at: NOW,
        custom: vec![
            (CustomFieldId(2), Value::Choice(1)),
            (CustomFieldId(3), Value::Checkbox(true)),
            (CustomFieldId(4), Value::Number(50.0)),
            (CustomFieldId(5), Value::Date(20_523)),
            (CustomFieldId(6), Value::Time(14 * 60 + 30)),
        ],
        ..Contact::default()
    }
}

fn all_mean<const N: usize>(rows: [(&str, &str, Json, bool); N]) {
    let (catalog, contact) = (catalog(), ana());
    for (field, operator, value, truth) in rows {
        let condition = json!({"field": field, "operator": operator, "value": value});
        assert_eq!(matches(&filter(&condition, &catalog), &contact), truth, "{condition}");
    }
}

#[test]
fn texts_choices_and_sets_mean_what_the_table_says() {
    all_mean([
        ("firstName", "isEqualTo", json!("ÁNA"), true),
        ("firstName", "isEqualTo", json!("A\u{301}na"), true),
        ("firstName", "isEqualTo", json!("Ana"), false),
        ("name", "contains", json!("a lop"), true),
        ("name", "endsWith", json!("z CRUZ"), true),
        ("email", "isEqualTo", json!("ana@example.com"), true),
        ("email", "hasAnyOf", json!(["x", "ANA@EXAMPLE.COM"]), true),
        ("note", "isNotEqualTo", json!("x"), true),
        ("note", "contains", json!("x"), false),
        ("note", "doesNotContain", json!("x"), true),
        ("phone", "isEqualTo", json!("0060 12-345 6789"), true),
        ("phone", "isEqualTo", json!("012-345 6789"), true),
        ("phone", "startsWith", json!("012"), true),
        ("phone", "endsWith", json!("6789"), true),
        ("status", "isEqualTo", json!("OPEN"), true),
        ("status", "isNotEqualTo", json!("close"), true),
        ("tags", "hasAnyOf", json!(["vip", "unheard of"]), true),
        ("tags", "hasAllOf", json!(["vip", "GRÖSSE"]), true),
        ("tags", "hasAllOf", json!(["vip", "unheard of"]), false),
        ("tags", "hasNoneOf", json!(["unheard of"]), true),
        ("tags", "hasOnly", json!(["vip", "größe", "lead"]), true),
        ("tags", "hasOnly", json!(["vip", "lead"]), false),
        ("tags", "hasAtLeast", json!({"count": 2, "of": ["vip", "lead", "größe"]}), true),
        ("tags", "hasAtLeast", json!({"count": "2", "of": ["vip", "lead", "renewal"]}), false),
        ("channels", "hasAllOf", json!(["whatsapp", 3]), true),
        ("channels", "hasOnly", json!(["whatsapp"]), false),
        ("channels", "hasAtLeast", json!({"count": 2, "of": ["whatsapp", "email"]}), false),
        ("source", "hasAllOf", json!(["WhatsApp", "telegram"]), true),
        ("assignee", "isEqualTo", json!("me"), false),
        ("assignee", "doesNotExist", Json::Null, true),
        ("plan", "isEqualTo", json!("pro"), true),
        ("opted_in", "isEqualTo", json!("true"), true),
        ("opted_in", "isNotEqualTo", json!(true), false),
    ]);
}

#[test]
fn numbers_times_and_segments_mean_what_the_table_says() {
    all_mean([
        ("score", "isBetween", json!({"from": "10", "to": "50"}), true),
        ("score", "isGreaterThan", json!(50), false),
        ("score", "isGreaterThanOrEqualTo", json!("50.0"), true),
        ("id", "isLessThan", json!(7.5), true),
        ("id", "isEqualTo", json!(7.5), false),
        ("birthday", "isEqualTo", json!("2026-03-11"), true),
        ("birthday", "isEqualTo", json!({"startOf": "day"}), true),
        ("birthday", "isTimestampAfter", json!("2026-03-10"), true),
        ("birthday", "isTimestampAfter", json!("2026-03-11"), false),
        ("birthday", "isTimestampBetween", json!({"from": "2026-03-11", "to": "2026-03-11"}), true),
        ("birthday", "isLessThan", json!("2026-03-12"), true),
        ("call_at", "isBetween", json!({"from": "14:30", "to": "15:00"}), true),
        ("call_at", "isLessThanOrEqualTo", json!("14:29"), false),
        ("lastMessageAt", "isTimestampAfter", json!("2026-03-08"), false),
        ("lastMessageAt", "isTimestampBefore", json!("2026-03-08"), false),
        ("lastMessageAt", "isTimestampBetween", json!({"from": "2026-03-08", "to": "2026-03-08"}), true),
        ("lastMessageAt", "isTimestampAfter", json!({"startOf": "week", "offset": -1}), true),
        ("lastMessageAt", "isTimestampAfter", json!({"startOf": "week"}), false),
        ("lastIncomingMessageAt", "isTimestampAfter", json!("2020-01-01"), false),
        ("timeSinceLastMessage", "isGreaterThan", json!({"amount": 3, "unit": "days"}), false),
        ("timeSinceLastMessage", "isGreaterThanTime", json!({"amount": 71, "unit": "hours"}), true),
        ("timeSinceLastMessage", "isLessThanTime", json!({"amount": 1, "unit": "week"}), true),
        (
            "timeSinceLastMessage",
            "isBetweenTime",
            json!({"from": {"amount": 1, "unit": "days"}, "to": {"amount": 3, "unit": "days"}}),
            true,
        ),
        ("timeSinceLastMessage", "isTimestampBefore", json!("2026-03-09"), true),
        ("timeSinceLastIncomingMessage", "isGreaterThan", json!({"amount": 3, "unit": "days"}), false),
        ("timeSinceLastIncomingMessage", "doesNotExist", json!(""), true),
        ("segment", "isMemberOf", json!("quiet"), true),
        ("segment", "isNotMemberOf", json!(2), false),
        ("assigneeUserId", "exists", json!(""), false),
    ]);
}

#[test]
fn the_dialects_payloads_are_read() {
    let catalog = catalog();
    for (payload, truth) in [
        (json!({"$and": []}), true),
        (json!({"$or": []}), true),
        (
            json!({"$and": [{"category": "contactField", "field": "createdAt", "operator": "isTimestampBetween",
            "value": {"from": "2026-03-01 00:00", "to": "2026-03-01 23:59"}},
            {"category": "contactTag", "field": null, "operator": "hasNoneOf", "value": ["do-not-contact"]}]}),
            true,
        ),
        (
            json!({"$or": [{"category": "lifecycle", "field": null, "operator": "isEqualTo", "value": "Hot Lead"}]}),
            false,
        ),
        (
            json!({"$and": [{"category": "contactField", "field": "opted_in", "operator": "isEqualTo", "value": true},
            {"category": "contactField", "field": "assigneeUserId", "operator": "isEqualTo", "value": "1"}]}),
            false,
        ),
        (json!({"category": "channel", "field": null, "operator": "hasAnyOf", "value": ["telegram"]}), true),
    ] {
        assert_eq!(matches(&filter(&payload, &catalog), &ana()), truth, "{payload}");
    }
}

#[test]
fn the_report_says_what_each_condition_saw() {
    let catalog = catalog();
    let tree = json!({"$and": [
        {"field": "tags", "operator": "hasNoneOf", "value": ["lead"]},
        {"$not": {"field": "plan", "operator": "isEqualTo", "value": "pro"}},
        {"field": "assignee", "operator": "isNotEqualTo", "value": 1},
        {"field": "segment", "operator": "isMemberOf", "value": 1}]});
    let report = report(&filter(&tree, &catalog), &ana(), &catalog, NOW);
    let seen: Vec<(&str, &str, bool, Json)> = report
        .conditions
        .iter()
        .map(|condition| (condition.path.as_str(), condition.operator, condition.holds, condition.saw.clone()))
        .collect();
    assert_eq!(
        seen,
        [
            ("filter.$and[0]", "hasNoneOf", true, json!(["VIP", "Größe"])),
            ("filter.$and[1].$not", "isEqualTo", true, json!("Pro")),
            ("filter.$and[2]", "isNotEqualTo", true, Json::Null),
            ("filter.$and[3]", "isMemberOf", true, json!(true)),
            ("filter.$and[3].segment:1.$and[0]", "isEqualTo", true, json!("open")),
            ("filter.$and[3].segment:1.$and[1]", "isGreaterThan", true, json!("2026-03-08T09:30:15.250Z")),
        ]
    );
    assert!(!report.matches && report.changes_at.is_none());
}
