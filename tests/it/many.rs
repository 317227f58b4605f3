//! One action on many contacts named in a call: each item answered on its own, nothing left behind by those refused; and the
//! states of a conversation that actions and changes set.

use serde_json::{Value as Json, json};

use crate::support::api::{Api, NOW, Reply};

const ACTIONS: &str = "/v1/contacts/actions";

async fn act(api: &Api, token: &str, body: &Json) -> Reply {
    api.send(token, "POST", ACTIONS, body).await
}

/// Does it as the owner; it must be answered.
async fn done(api: &Api, body: Json) -> Json {
    let reply = act(api, &api.owner, &body).await;
    assert_eq!(reply.status, 200, "{body}: {}", String::from_utf8_lossy(&reply.bytes));
    let answer = reply.json();
    assert_eq!(answer["items"].as_array().map(Vec::len), body["contacts"].as_array().map(Vec::len));
    answer
}

async fn contact(api: &Api, id: u32) -> Json {
    api.get(&api.owner, &format!("/v1/contacts/{id}")).await.json()["contact"].clone()
}

async fn tags(api: &Api) -> Vec<Json> {
    let tags = api.get(&api.owner, "/v1/tags").await.json();
    tags["items"].as_array().expect("tags").iter().map(|tag| tag["name"].clone()).collect()
}

/// What became of each: its status, or the code of its error.
fn fates(answer: &Json) -> Vec<&str> {
    let items = answer["items"].as_array().expect("items").iter();
    items.map(|item| item["status"].as_str().or(item["error"]["code"].as_str()).expect("a fate")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_contact_is_answered_on_its_own() {
    let api = Api::new().await;
    let named = json!([
        "id:1",
        2,
        "3",
        "email:OSCAR@example.org",
        "phone:012-345 6789",
        "id:77",
        "email:nobody@example.org",
        "email:nobody",
        "abc",
        0,
        null,
        [1]
    ]);
    let answer = done(&api, json!({"contacts": named, "action": "addTags", "tags": ["vip", "Fresh"]})).await;
    let expected = [
        "changed",
        "changed",
        "changed",
        "changed",
        "changed",
        "not_found",
        "not_found",
        "invalid_identifier",
        "invalid_identifier",
        "invalid_identifier",
        "wrong_type",
        "wrong_type",
    ];
    assert_eq!(fates(&answer), expected);
    let counts = ["changed", "unchanged", "failed"].map(|count| answer[count].as_u64());
    assert_eq!(counts, [Some(5), Some(0), Some(7)]);
    for (item, named) in answer["items"].as_array().expect("items").iter().zip(named.as_array().expect("names")) {
        assert_eq!(&item["contact"], named);
        assert!(item["error"].is_null() || item["error"]["message"].as_str().is_some_and(|message| message.len() > 10));
    }
    assert_eq!(answer["items"][3]["id"], 1);
    assert_eq!(answer["version"], api.version(&api.owner).await);
    assert_eq!(contact(&api, 1).await["tags"], json!(["vip", "new", "Fresh"]));
    let again = done(&api, json!({"contacts": [1, 2], "action": "addTags", "tags": ["VIP", "fresh"]})).await;
    assert_eq!((fates(&again), &again["unchanged"]), (vec!["unchanged"; 2], &json!(2)));
    assert_eq!(again["version"], answer["version"], "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_leaves_nothing_behind() {
    let api = Api::new().await;
    let (version, before) = (api.version(&api.owner).await, tags(&api).await);
    let answer = done(&api, json!({"contacts": [77, "abc"], "action": "addTags", "tags": ["orphan"]})).await;
    assert_eq!(answer["failed"], 2);
    assert_eq!((api.version(&api.owner).await, tags(&api).await), (version, before.clone()));
    // An e-mail that several are to be given goes to the first of them.
    let shared = json!({"contacts": [1, 2, 3], "action": "setField", "field": "email", "value": "one@example.org"});
    assert_eq!(fates(&done(&api, shared).await), ["changed", "conflict", "conflict"]);
    assert_eq!(contact(&api, 2).await["email"], "scarlet@example.org");
    let version = api.version(&api.owner).await;
    for (action, status, code) in [
        (json!({"action": "addTags", "tags": ["orphan", ""]}), 400, "missing_member"),
        (json!({"action": "addTags", "tags": []}), 400, "wrong_type"),
        (json!({"action": "addTag", "tags": ["x"]}), 400, "unknown_action"),
        (json!({"action": "block", "tags": ["orphan"]}), 400, "unknown_member"),
        (json!({"action": "assign", "assignee": 99}), 400, "unknown_user"),
        (json!({"action": "setLifecycle", "lifecycle": "Gone"}), 400, "unknown_stage"),
        (json!({"action": "setStatus", "status": "blocked"}), 400, "unknown_choice"),
        (json!({"action": "setStatus", "status": "snoozed", "until": "2026-03-02T10:00:00Z"}), 400, "in_the_past"),
        (json!({"action": "setStatus", "status": "snoozed", "until": "soon"}), 400, "invalid_time"),
        (json!({"action": "setStatus", "status": "open", "until": "2027-01-01T00:00:00Z"}), 400, "not_snoozed"),
        (json!({"action": "comment", "text": "  "}), 400, "missing_member"),
        (json!({"action": "comment", "text": 7}), 400, "wrong_type"),
        (json!({"action": "comment", "text": "x".repeat(100_000)}), 400, "too_long"),
        (json!({"action": "comment", "text": "x", "at": 1}), 400, "unknown_member"),
        (json!({}), 400, "missing_member"),
    ] {
        let mut body = action.clone();
        body["contacts"] = json!([1, 2]);
        let reply = act(&api, &api.owner, &body).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{:.100}", action.to_string());
        if action.get("until").is_some() {
            assert_eq!(reply.json()["path"], "until");
        }
    }
    for (contacts, status, code) in [
        (json!([]), 400, "wrong_type"),
        (json!("id:1"), 400, "wrong_type"),
        (Json::Null, 400, "wrong_type"),
        (json!(vec![1; 101]), 422, "limit_exceeded"),
    ] {
        let reply = act(&api, &api.owner, &json!({"contacts": contacts, "action": "block"})).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code));
        if status == 422 {
            assert_eq!(reply.json()["limit"], 100);
            assert!(reply.json()["detail"].as_str().is_some_and(|detail| detail.contains("100")));
        }
    }
    assert_eq!((api.version(&api.owner).await, tags(&api).await), (version, before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_named_twice_is_answered_twice_and_done_once() {
    let api = Api::new().await;
    let comment = json!({"contacts": [1, "id:1", "email:oscar@example.org", 2], "action": "comment", "text": "hello"});
    let answer = done(&api, comment).await;
    assert_eq!(fates(&answer), ["changed"; 4]);
    let me = api.get(&api.owner, "/v1/me").await.json()["user"]["id"].clone();
    for id in [1, 2] {
        let history = api.get(&api.owner, &format!("/v1/contacts/{id}/interactions")).await.json();
        let items = history["items"].as_array().expect("items");
        assert_eq!(items.len(), 1);
        assert_eq!(
            (&items[0]["kind"], &items[0]["text"], &items[0]["author"]),
            (&json!("comment"), &json!("hello"), &me)
        );
        assert_eq!(contact(&api, id).await["lastInteractionAt"], items[0]["at"]);
    }
    let gone = done(&api, json!({"contacts": [1, "email:oscar@example.org", 1], "action": "delete"})).await;
    assert_eq!((fates(&gone), &gone["changed"]), (vec!["deleted"; 3], &json!(3)));
    assert_eq!(api.get(&api.owner, "/v1/contacts/1").await.status, 404);
    let again = done(&api, json!({"contacts": [1], "action": "delete"})).await;
    assert_eq!(fates(&again), ["not_found"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_does_what_it_says() {
    let api = Api::new().await;
    let me = api.get(&api.owner, "/v1/me").await.json()["user"]["id"].clone();
    let end = "2026-03-02T12:00:00.000Z";
    let steps = [
        (json!({"action": "assign", "assignee": "me"}), "assignee/id", me),
        (json!({"action": "assign", "assignee": "abe@example.org"}), "assignee/firstName", json!("Abe")),
        (json!({"action": "assign", "assignee": null}), "assignee", Json::Null),
        (json!({"action": "setLifecycle", "lifecycle": "new lead"}), "lifecycle", json!("New Lead")),
        (json!({"action": "setLifecycle", "lifecycle": null}), "lifecycle", Json::Null),
        (json!({"action": "setStatus", "status": "open"}), "status", json!("open")),
        (json!({"action": "setStatus", "status": "snoozed", "until": end}), "snoozedUntil", json!(end)),
        (json!({"action": "block"}), "status", json!("blocked")),
        // What is under the block changes, the block stays.
        (json!({"action": "setStatus", "status": "snoozed"}), "snoozedUntil", Json::Null),
        (json!({"action": "setLifecycle", "lifecycle": "Customer"}), "status", json!("blocked")),
        (json!({"action": "unblock"}), "status", json!("snoozed")),
        (json!({"action": "setStatus", "status": "closed"}), "status", json!("closed")),
        (json!({"action": "removeTags", "tags": ["VIP", "unknown"]}), "tags", json!(["new"])),
        (json!({"action": "addTags", "tags": ["ü"]}), "tags", json!(["new", "ü"])),
        (json!({"action": "setField", "field": "age", "value": 50}), "customFields/age", json!(50.0)),
        (json!({"action": "setField", "field": "Plan", "value": null}), "customFields/plan", Json::Null),
    ];
    for (action, member, expected) in steps {
        let mut body = action.clone();
        body["contacts"] = json!([1]);
        assert_eq!(fates(&done(&api, body).await), ["changed"], "{action}");
        let contact = contact(&api, 1).await;
        let found = contact.pointer(&format!("/{member}")).cloned().unwrap_or_default();
        assert!(
            found == expected || found.as_f64().is_some() && found.as_f64() == expected.as_f64(),
            "{action}: {found}"
        );
    }
    assert!(api.engine.verify(api.workspace).expect("verified").problems.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_delete_deletes_many() {
    let api = Api::new().await;
    let delete = json!({"contacts": [1], "action": "delete"});
    for (token, code) in [(&api.keeper, "user_restricted"), (&api.agent, "role_not_allowed")] {
        let reply = act(&api, token, &delete).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, code));
    }
    assert_eq!(act(&api, &api.keeper, &json!({"contacts": [1], "action": "block"})).await.status, 200);
    let reply = act(&api, &api.agent, &json!({"contacts": [1], "action": "addTags", "tags": ["x"]})).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "role_not_allowed"));
    assert_eq!(act(&api, &api.manager, &delete).await.json()["changed"], 1);
    let strangers = act(&api, &api.stranger, &json!({"contacts": [1], "action": "delete"})).await;
    assert_eq!(strangers.json()["changed"], 1, "the other workspace's own contact 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_snoozes_blocks_and_brings_back() {
    let api = Api::new().await;
    let patch = async |changes: Json| api.send(&api.owner, "PATCH", "/v1/contacts/1", &changes).await;
    let refused = async |changes: Json, code: &str| {
        let reply = api.send(&api.owner, "PATCH", "/v1/contacts/1", &changes).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, code), "{changes}");
        assert_eq!(reply.json()["path"], "snoozedUntil");
    };
    let end = "2026-03-05T09:00:00.000Z";
    refused(json!({"snoozedUntil": end}), "not_snoozed").await;
    refused(json!({"status": "closed", "snoozedUntil": end}), "not_snoozed").await;
    refused(json!({"status": "snoozed", "snoozedUntil": NOW}), "in_the_past").await;
    refused(json!({"status": "snoozed", "snoozedUntil": "2020-01-01"}), "in_the_past").await;
    let snoozed = patch(json!({"snoozedUntil": end, "status": "snoozed"})).await.json()["contact"].clone();
    assert_eq!((&snoozed["status"], &snoozed["snoozedUntil"]), (&json!("snoozed"), &json!(end)));
    // Once snoozed, the end alone is moved; and the status alone leaves it.
    let later = "2026-03-06T09:00:00.000Z";
    assert_eq!(patch(json!({"snoozedUntil": later})).await.json()["contact"]["snoozedUntil"], later);
    assert_eq!(patch(json!({"status": "snoozed"})).await.json()["contact"]["snoozedUntil"], later);
    let blocked = patch(json!({"status": "blocked"})).await.json()["contact"].clone();
    assert_eq!((&blocked["status"], &blocked["conversationStatus"]), (&json!("blocked"), &json!("snoozed")));
    done(&api, json!({"contacts": [1], "action": "unblock"})).await;
    let back = contact(&api, 1).await;
    assert_eq!((&back["status"], &back["snoozedUntil"]), (&json!("snoozed"), &json!(later)));
    let open = patch(json!({"status": "open"})).await.json()["contact"].clone();
    assert_eq!((&open["status"], &open["snoozedUntil"]), (&json!("open"), &Json::Null));
    // A new snooze has no end but its own.
    assert_eq!(patch(json!({"status": "snoozed"})).await.json()["contact"]["snoozedUntil"], Json::Null);
    let new = json!({"firstName": "Zoe", "status": "closed", "snoozedUntil": end});
    assert_eq!(api.send(&api.owner, "POST", "/v1/contacts", &new).await.code(), "not_snoozed");
    let new = json!({"firstName": "Zoe", "status": "snoozed", "snoozedUntil": end});
    assert_eq!(api.send(&api.owner, "POST", "/v1/contacts", &new).await.json()["contact"]["snoozedUntil"], end);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_is_opened_by_hand_says_when() {
    let api = Api::new().await;
    let patch = async |changes: Json| api.send(&api.owner, "PATCH", "/v1/contacts/1", &changes).await;
    let opened = async || contact(&api, 1).await["conversationOpenedAt"].clone();
    let now = rollcall::contact::time::rfc3339(NOW);
    patch(json!({"status": "closed"})).await;
    let before = opened().await;
    assert_ne!(before, now);
    // It is not opened where it is open behind a block, nor closed or snoozed.
    patch(json!({"status": "blocked"})).await;
    done(&api, json!({"contacts": [1], "action": "unblock"})).await;
    patch(json!({"status": "snoozed"})).await;
    assert_eq!(opened().await, before);
    patch(json!({"status": "open"})).await;
    assert_eq!(opened().await, now);
    api.engine.clock().set(NOW + 1000);
    patch(json!({"status": "blocked"})).await;
    patch(json!({"status": "open"})).await;
    assert_eq!(opened().await, now, "it was open all the time");
    done(&api, json!({"contacts": [1], "action": "setStatus", "status": "closed"})).await;
    done(&api, json!({"contacts": [1], "action": "setStatus", "status": "open"})).await;
    assert_eq!(opened().await, rollcall::contact::time::rfc3339(NOW + 1000));
}
