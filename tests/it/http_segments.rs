//! Segments over HTTP: what a new workspace has, what is refused, what becomes of those that name what is renamed or gone.

use serde_json::{Value as Json, json};

use crate::support::api::Api;

fn condition(field: &str, operator: &str, value: Json) -> Json {
    json!({"field": field, "operator": operator, "value": value})
}

async fn made(api: &Api, name: &str, filter: Json) -> u64 {
    let reply = api.send(&api.owner, "POST", "/v1/segments", &json!({"name": name, "filter": filter})).await;
    assert_eq!(reply.status, 201, "{name}: {}", String::from_utf8_lossy(&reply.bytes));
    assert_eq!(reply.header("location"), format!("/v1/segments/{}", reply.json()["segment"]["id"]));
    reply.json()["segment"]["id"].as_u64().expect("an id")
}

async fn segment(api: &Api, id: u64) -> Json {
    api.get(&api.owner, &format!("/v1/segments/{id}")).await.json()["segment"].clone()
}

async fn change(api: &Api, id: u64, changes: Json) -> crate::support::api::Reply {
    api.send(&api.owner, "PATCH", &format!("/v1/segments/{id}"), &changes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_workspace_has_the_four_ordinary_ones_and_they_mean_what_they_say() {
    let api = Api::new().await;
    let day = 24 * 3600 * 1000;
    let now = api.engine.clock().now();
    // 1 has waited for four days, 2 was answered yesterday, 3 wrote an hour ago, 4 never wrote.
    let messages = [
        (1, "incomingMessage", 4 * day),
        (2, "incomingMessage", 5 * day),
        (2, "outgoingMessage", day),
        (3, "incomingMessage", day / 24),
        (4, "outgoingMessage", 6 * day),
    ];
    for (contact, kind, ago) in messages {
        let body = json!({"kind": kind, "channel": "whatsapp", "at": now - ago, "text": "x"});
        let reply = api.send(&api.owner, "POST", &format!("/v1/contacts/{contact}/interactions"), &body).await;
        assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.bytes));
    }
    let me = api.get(&api.owner, "/v1/me").await.json()["user"]["id"].clone();
    api.send(&api.owner, "PATCH", "/v1/contacts/3", &json!({"assignee": me, "status": "closed"})).await;
    let listed = api.get(&api.owner, "/v1/segments").await.json();
    let counts: Vec<(String, u64)> = listed["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|one| (one["name"].as_str().expect("a name").to_owned(), one["count"].as_u64().expect("a count")))
        .collect();
    let expected = [("All", 4), ("Open", 3), ("Unassigned", 3), ("No reply for 3 days", 1)];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)));
    // Nothing is written, time passes, and the list says so.
    api.engine.clock().set(now + 3 * day);
    let later = segment(&api, 4).await;
    assert_eq!(later["count"], 2, "the one answered yesterday has waited too by now");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_are_checked_when_saved_as_in_a_query() {
    let api = Api::new().await;
    let before = api.version(&api.owner).await;
    let inner = condition("emial", "exists", Json::Null);
    let wrong = [
        (json!({"$and": [inner]}), "unknown_field", "filter.$and[0].field"),
        (condition("status", "isEqualTo", json!("opne")), "unknown_status", "filter.value"),
        (condition("segment", "isMemberOf", json!("Opne")), "unknown_segment", "filter.value"),
        (condition("segment", "isMemberOf", json!("New")), "segment_cycle", "filter.value"),
        (json!([]), "wrong_type", "filter"),
        (json!({}), "empty_node", "filter"),
    ];
    for (filter, code, path) in wrong {
        let reply = api.send(&api.owner, "POST", "/v1/segments", &json!({"name": "New", "filter": filter})).await;
        let body = reply.json();
        assert_eq!(
            (reply.status, body["code"].as_str(), body["path"].as_str()),
            (400, Some(code), Some(path)),
            "{body}"
        );
    }
    // Fifteen levels can be used as a condition, sixteen could not.
    let nested =
        |levels: usize| (1..levels).fold(condition("id", "exists", Json::Null), |inner, _| json!({"$not": inner}));
    let deep = api.send(&api.owner, "POST", "/v1/segments", &json!({"name": "Deep", "filter": nested(16)})).await;
    assert_eq!((deep.status, deep.code().as_str()), (400, "filter_too_deep"));
    assert_eq!(api.version(&api.owner).await, before, "what was refused left something");
    let deep = made(&api, "Deep", nested(15)).await;
    let body = api.send(&api.owner, "POST", "/v1/contacts/count", &json!({"segment": deep})).await;
    assert_eq!(body.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_unique_ignoring_case_and_never_digits_alone() {
    let api = Api::new().await;
    for (name, status, code) in [
        ("ALL", 409, "conflict"),
        ("", 400, "missing_member"),
        ("12", 400, "invalid_name"),
        (&*"x".repeat(256), 400, "too_long"),
    ] {
        let reply = api.send(&api.owner, "POST", "/v1/segments", &json!({"name": name, "filter": null})).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{name}");
    }
    let long = made(&api, &"ü".repeat(255), Json::Null).await;
    assert_eq!(change(&api, long, json!({"name": "open"})).await.status, 409);
    assert_eq!(change(&api, 2, json!({"name": "OPEN"})).await.status, 200, "one's own name in other letters is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_is_refused_with_its_way() {
    let api = Api::new().await;
    let a = made(&api, "A", Json::Null).await;
    let b = made(&api, "B", json!({"$not": condition("segment", "isNotMemberOf", json!("a"))})).await;
    let c = made(&api, "C", json!({"$and": [condition("segment", "isMemberOf", json!(b))]})).await;
    let filter =
        json!({"$or": [condition("id", "exists", Json::Null), condition("segment", "isMemberOf", json!("C"))]});
    let reply = change(&api, a, json!({"filter": filter})).await;
    let body = reply.json();
    assert_eq!((reply.status, body["code"].as_str()), (400, Some("segment_cycle")));
    assert_eq!(body["path"], "filter.$or[1].value");
    assert!(body["detail"].as_str().is_some_and(|detail| detail.contains("A → C → B → A")), "{body}");
    assert_eq!(segment(&api, a).await["filter"], Json::Null);
    // The same by way of a rename is none: C is named by id, and B follows A.
    assert_eq!(change(&api, a, json!({"name": "Alpha"})).await.status, 200);
    assert_eq!(
        segment(&api, b).await["filter"],
        json!({"$not": condition("segment", "isNotMemberOf", json!("Alpha"))})
    );
    assert_eq!(segment(&api, c).await["count"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_in_use_is_not_deleted_nor_made_unusable() {
    let api = Api::new().await;
    let inner = made(&api, "Inner", Json::Null).await;
    let deep = (0..12).fold(condition("segment", "isMemberOf", json!("Inner")), |inner, _| json!({"$not": inner}));
    let outer = made(&api, "Outer", deep).await;
    let reply = api.send(&api.owner, "DELETE", &format!("/v1/segments/{inner}"), &Json::Null).await;
    let body = reply.json();
    assert_eq!((reply.status, body["code"].as_str()), (409, Some("segment_in_use")), "{body}");
    assert_eq!(body["details"], json!({"segments": [{"id": outer, "name": "Outer"}]}));
    let deeper = json!({"$not": {"$not": {"$not": condition("id", "exists", Json::Null)}}});
    let reply = change(&api, inner, json!({"filter": deeper})).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "filter_too_deep"));
    assert!(reply.json()["detail"].as_str().is_some_and(|detail| detail.contains("Outer")), "{}", reply.json());
    for id in [outer, inner] {
        let reply = api.send(&api.owner, "DELETE", &format!("/v1/segments/{id}"), &Json::Null).await;
        assert_eq!(reply.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_segment_names_may_be_renamed_and_may_go() {
    let api = Api::new().await;
    let tagged = made(&api, "Tagged", condition("tags", "hasAnyOf", json!(["VIP"]))).await;
    let aged = made(&api, "Aged", condition("age", "isGreaterThan", json!(10))).await;
    let staged = made(&api, "Staged", condition("lifecycle", "isEqualTo", json!("customer"))).await;
    let nested = made(&api, "Nested", json!({"$not": condition("segment", "isMemberOf", json!("Staged"))})).await;
    for (id, count) in [(tagged, 1), (aged, 1), (staged, 1), (nested, 3)] {
        assert_eq!(segment(&api, id).await["count"], count);
    }
    let id_of = |list: Json, name: &'static str| {
        list["items"].as_array().expect("items").iter().find(|one| one["name"] == name).expect("it")["id"].clone()
    };
    let tag = id_of(api.get(&api.owner, "/v1/tags").await.json(), "vip");
    let stage = id_of(api.get(&api.owner, "/v1/lifecycle-stages").await.json(), "Customer");
    let (tag, stage) = (format!("/v1/tags/{tag}"), format!("/v1/lifecycle-stages/{stage}"));
    assert_eq!(api.send(&api.owner, "PATCH", &tag, &json!({"name": "gold"})).await.status, 200);
    assert_eq!(api.send(&api.owner, "PATCH", &stage, &json!({"name": "Client"})).await.status, 200);
    assert_eq!(segment(&api, tagged).await["filter"]["value"], json!(["gold"]));
    assert_eq!((&segment(&api, tagged).await["count"], &segment(&api, staged).await["count"]), (&json!(1), &json!(1)));
    for path in [&*tag, &*stage, "/v1/fields/age"] {
        assert_eq!(api.send(&api.owner, "DELETE", path, &Json::Null).await.status, 200);
    }
    // A tag that nobody has any more is no mistake; a field or stage that is gone is one, and is said, not guessed at.
    let listed = api.get(&api.owner, "/v1/segments").await;
    assert_eq!(listed.status, 200);
    let listed = listed.json();
    let found =
        |id: u64| listed["items"].as_array().expect("items").iter().find(|one| one["id"] == id).expect("it").clone();
    assert_eq!((&found(tagged)["count"], found(tagged).get("error")), (&json!(0), None));
    for (id, gone) in [(aged, "age"), (staged, "Client"), (nested, "Client")] {
        let one = found(id);
        assert_eq!((&one["count"], &one["error"]["code"]), (&Json::Null, &json!("unusable_segment")));
        assert!(one["error"]["message"].as_str().is_some_and(|message| message.contains(gone)), "{one}");
        let refused = api.send(&api.owner, "POST", "/v1/contacts/search", &json!({"segment": id})).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "unusable_segment"));
    }
    assert_eq!(api.send(&api.owner, "POST", "/v1/contacts/search", &json!({})).await.status, 200);
    let mended = condition("id", "isGreaterThan", json!(1));
    assert_eq!(change(&api, staged, json!({"filter": mended})).await.status, 200);
    assert_eq!(segment(&api, nested).await["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn me_is_whoever_asks() {
    let api = Api::new().await;
    let mine = made(&api, "Mine", condition("assignee", "isEqualTo", json!("me"))).await;
    let me = api.get(&api.manager, "/v1/me").await.json()["user"]["id"].clone();
    api.send(&api.owner, "PATCH", "/v1/contacts/2", &json!({"assignee": me})).await;
    for (token, count) in [(&api.owner, 0), (&api.manager, 1), (&api.owner, 0)] {
        let found = api.get(token, &format!("/v1/segments/{mine}")).await.json();
        assert_eq!(found["segment"]["count"], count);
        let page = api.get(token, &format!("/v1/segments/{mine}/contacts")).await.json();
        assert_eq!(page["total"], count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_makes_one_segment() {
    let api = Api::new().await;
    let body = json!({"name": "Once", "filter": null}).to_string().into_bytes();
    let headers = [("content-type", "application/json"), ("idempotency-key", "abc")];
    let first = api.raw(Some(&api.owner), "POST", "/v1/segments", &headers, body.clone()).await;
    let second = api.raw(Some(&api.owner), "POST", "/v1/segments", &headers, body).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.json()["segment"], second.json()["segment"]);
    let settings = api.engine.settings();
    for number in 5..settings.segments_max {
        let new = rollcall::engine::NewSegment { name: format!("s{number}"), filter: Json::Null, timezone: None };
        api.engine.create_segment(&api.workspace.into(), new).expect("there is room");
    }
    let reply = api.send(&api.owner, "POST", "/v1/segments", &json!({"name": "one more", "filter": null})).await;
    assert_eq!((reply.status, reply.code().as_str()), (422, "limit_exceeded"));
}
