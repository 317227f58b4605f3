//! Bulk edits by filter over HTTP: the receipt, what refuses it, progress, cancelling, undo, and how it is all forgotten.

use rollcall::contact::{JobId, PartKind};
use serde_json::{Value as Json, json};

use crate::support::api::{Api, NOW, Reply};
use crate::support::jobs;

const HAS_VIP: &str = r#"{"field": "tags", "operator": "hasAnyOf", "value": ["vip"]}"#;

fn vips() -> Json {
    serde_json::from_str(HAS_VIP).expect("JSON")
}

async fn prepared(api: &Api, body: Json) -> Json {
    let reply = api.send(&api.owner, "POST", "/v1/jobs", &body).await;
    assert_eq!(reply.status, 201, "{body}: {}", reply.json());
    assert_eq!(reply.header("location"), format!("/v1/jobs/{}", reply.json()["receipt"]["job"]));
    reply.json()["receipt"].clone()
}

async fn apply(api: &Api, receipt: &Json, body: Json) -> Reply {
    api.send(&api.owner, "POST", &format!("/v1/jobs/{}/apply", receipt["job"]), &body).await
}

#[track_caller]
fn ok(reply: Reply) {
    assert!((200..300).contains(&reply.status), "{}", reply.json());
}

/// The job's own answer once it is over.
async fn over(api: &Api, receipt: &Json) -> Json {
    let id = JobId(receipt["job"].as_u64().expect("an id") as u32);
    jobs::over(&api.engine, api.workspace, id);
    api.get(&api.owner, &format!("/v1/jobs/{id}")).await.json()["job"].clone()
}

async fn contacts(api: &Api) -> Json {
    let mut all = api.send(&api.owner, "POST", "/v1/contacts/search", &json!({"sort": [{"field": "id"}]})).await.json();
    for contact in all["items"].as_array_mut().expect("items") {
        for moving in ["version", "updatedAt"] {
            contact.as_object_mut().expect("a contact").remove(moving);
        }
    }
    all["items"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_applied_once_and_undone() {
    let api = Api::new().await;
    let (before, version) = (contacts(&api).await, api.version(&api.owner).await);
    let body = json!({"action": {"action": "addTags", "tags": ["VIP", "Fresh"]}});
    let receipt = prepared(&api, body).await;
    assert_eq!((&receipt["count"], receipt["sample"].as_array().map(Vec::len)), (&json!(4), Some(4)));
    // printf '\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4' | sha256sum
    assert_eq!(receipt["idsHash"], "bac02613b6f9456c3b486cbd9e93e575c8a054a7a6784af9e1669950bad5f6e2");
    assert_eq!(receipt["facetsBefore"]["tags"]["without"], 3);
    let after = &receipt["facetsAfter"]["tags"];
    assert_eq!(
        (&after["without"], &after["values"][0]["count"], &after["values"][1]["value"]),
        (&json!(0), &json!(4), &json!("vip"))
    );
    assert_eq!(after["values"][0]["value"], "Fresh");
    assert_eq!(api.version(&api.owner).await, version, "a receipt changes nothing");
    assert_eq!(api.get(&api.owner, "/v1/tags").await.json()["items"].as_array().map(Vec::len), Some(2));

    let applied = apply(&api, &receipt, json!({"count": 4, "idsHash": receipt["idsHash"]})).await;
    assert_eq!(applied.status, 202, "{}", applied.json());
    let again = apply(&api, &receipt, json!({})).await;
    assert_eq!((again.status, again.code().as_str()), (409, "job_state"));
    assert!(["running", "done"].contains(&again.json()["details"]["state"].as_str().unwrap_or_default()));
    let job = over(&api, &receipt).await;
    assert_eq!((&job["state"], &job["percent"], &job["kind"]), (&json!("done"), &json!(100), &json!("bulk")));
    assert_eq!((&job["counts"]["changed"], &job["counts"]["done"], &job["undo"]), (&json!(4), &json!(4), &Json::Null));
    assert_eq!(job["spec"]["action"]["tags"], json!(["VIP", "Fresh"]));
    assert_eq!(api.send(&api.owner, "POST", "/v1/contacts/count", &json!({"filter": vips()})).await.json()["total"], 4);
    let cancelled = api.send(&api.owner, "POST", &format!("/v1/jobs/{}/cancel", receipt["job"]), &json!({})).await;
    assert_eq!((cancelled.status, cancelled.code().as_str()), (409, "job_finished"));

    // Somebody takes one of the tags off, somebody else gives a contact one more: that stays.
    ok(api.send(&api.owner, "DELETE", "/v1/contacts/2/tags", &json!({"tags": ["Fresh"]})).await);
    ok(api.send(&api.owner, "POST", "/v1/contacts/3/tags", &json!({"tags": ["kept"]})).await);
    let undo = api.send(&api.owner, "POST", &format!("/v1/jobs/{}/undo", receipt["job"]), &json!({})).await;
    assert_eq!(undo.status, 202, "{}", undo.json());
    let job = over(&api, &receipt).await;
    assert_eq!(
        (&job["state"], &job["undo"]["restored"], &job["undo"]["percent"]),
        (&json!("undone"), &json!(4), &json!(100))
    );
    let mut now = contacts(&api).await;
    assert_eq!(now[2]["tags"].take(), json!(["kept"]));
    now[2]["tags"] = json!([]);
    assert_eq!(now, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_changed_is_refused_with_the_difference() {
    let api = Api::new().await;
    let receipt = prepared(&api, json!({"action": {"action": "block"}, "filter": vips()})).await;
    assert_eq!(
        (&receipt["count"], &receipt["facetsAfter"]["status"]["values"][0]["value"]),
        (&json!(1), &json!("blocked"))
    );
    ok(api.send(&api.owner, "POST", "/v1/contacts/2/tags", &json!({"tags": ["vip"]})).await);
    ok(api.send(&api.owner, "POST", "/v1/contacts/3/tags", &json!({"tags": ["vip"]})).await);
    ok(api.send(&api.owner, "DELETE", "/v1/contacts/1/tags", &json!({"tags": ["vip"]})).await);
    let version = api.version(&api.owner).await;
    let refused = apply(&api, &receipt, json!({"count": 1})).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "set_changed"));
    let expected = json!({"countThen": 1, "countNow": 2, "added": {"count": 2, "ids": [2, 3]}, "removed": {"count": 1, "ids": [1]}});
    assert_eq!(refused.json()["details"], expected);
    assert_eq!(api.version(&api.owner).await, version);
    // Time alone brings a contact in, too.
    let late = json!({"field": "timeSinceLastInteraction", "operator": "isGreaterThan", "value": {"amount": 1, "unit": "hours"}});
    ok(api.send(&api.owner, "POST", "/v1/contacts/1/interactions", &json!({"kind": "comment", "text": "x"})).await);
    let receipt = prepared(&api, json!({"action": {"action": "unblock"}, "filter": late})).await;
    assert_eq!(receipt["count"], 0);
    api.engine.clock().set(NOW + 7_200_000);
    let refused = apply(&api, &receipt, json!({})).await;
    assert_eq!((refused.code().as_str(), &refused.json()["details"]["added"]["ids"]), ("set_changed", &json!([1])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_repeats_the_count_and_is_for_those_who_may_delete() {
    let api = Api::new().await;
    let body = json!({"action": {"action": "delete"}, "filter": vips()});
    let refused = api.send(&api.keeper, "POST", "/v1/jobs", &body).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "user_restricted"));
    let receipt = prepared(&api, body).await;
    assert_eq!(receipt["facetsAfter"]["tags"], json!({"values": [], "without": 0}));
    let path = format!("/v1/jobs/{}/apply", receipt["job"]);
    let refused = api.send(&api.keeper, "POST", &path, &json!({"count": 1})).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "user_restricted"));
    for (body, status, code) in [
        (json!({}), 400, "missing_member"),
        (json!({"count": 2}), 409, "not_the_receipt"),
        (json!({"count": 1, "idsHash": "00"}), 409, "not_the_receipt"),
    ] {
        let refused = apply(&api, &receipt, body.clone()).await;
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{body}");
    }
    assert_eq!(apply(&api, &receipt, json!({"count": 1})).await.status, 202);
    let job = over(&api, &receipt).await;
    assert_eq!((&job["state"], &job["counts"]["deleted"]), (&json!("done"), &json!(1)));
    assert_eq!(api.get(&api.owner, "/v1/contacts/1").await.status, 404);
    let undo = api.send(&api.owner, "POST", &format!("/v1/jobs/{}/undo", receipt["job"]), &json!({})).await;
    assert_eq!((undo.status, undo.code().as_str()), (409, "cannot_undo"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_listed_with_its_reason_and_what_was_left_with_its_members() {
    let api = Api::new().await;
    let email = json!({"action": "setField", "field": "email", "value": "one@example.org"});
    let receipt = prepared(&api, json!({"action": email})).await;
    assert_eq!(apply(&api, &receipt, json!({})).await.status, 202);
    let job = over(&api, &receipt).await;
    assert_eq!((&job["counts"]["changed"], &job["counts"]["failed"]), (&json!(1), &json!(3)));
    let failed = format!("/v1/jobs/{}/failed", receipt["job"]);
    let first = api.get(&api.owner, &format!("{failed}?limit=2")).await.json();
    let items = json!([{"id": 2, "reason": "conflict"}, {"id": 3, "reason": "conflict"}]);
    assert_eq!((&first["items"], &first["next"], &first["total"]), (&items, &json!(3), &json!(3)));
    let last = api.get(&api.owner, &format!("{failed}?limit=2&after=3")).await.json();
    assert_eq!((&last["items"], &last["next"]), (&json!([{"id": 4, "reason": "conflict"}]), &Json::Null));

    // What it was is taken by another meanwhile.
    ok(api.send(&api.owner, "PATCH", "/v1/contacts/4", &json!({"email": "oscar@example.org"})).await);
    assert_eq!(
        api.send(&api.owner, "POST", &format!("/v1/jobs/{}/undo", receipt["job"]), &json!({})).await.status,
        202
    );
    let job = over(&api, &receipt).await;
    assert_eq!((&job["undo"]["left"], &job["undo"]["restored"]), (&json!(1), &json!(0)));
    let left = api.get(&api.owner, &format!("/v1/jobs/{}/left", receipt["job"])).await.json();
    assert_eq!((&left["items"], &left["total"]), (&json!([{"id": 1, "members": ["email"]}]), &json!(1)));
    assert_eq!(api.get(&api.owner, "/v1/contacts/1").await.json()["contact"]["email"], "one@example.org");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_an_action_is_told_where_the_request_has_it() {
    let api = Api::new().await;
    for (field, value, path, code) in [
        ("nope", json!(1), "action.field", "unknown_field"),
        ("createdAt", json!("2020-01-01"), "action.field", "read_only"),
        ("email", json!("x"), "action.value", "invalid_email"),
        ("firstName", json!(5), "action.value", "wrong_type"),
    ] {
        let action = json!({"action": {"action": "setField", "field": field, "value": value}});
        let refused = api.send(&api.owner, "POST", "/v1/jobs", &action).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, code), "{action}: {}", refused.json());
        assert_eq!(refused.json()["path"], path, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_under_the_same_key_does_nothing_twice() {
    let api = Api::new().await;
    let body = json!({"action": {"action": "addTags", "tags": ["vip"]}}).to_string().into_bytes();
    let headers = |key| [("content-type", "application/json"), ("idempotency-key", key)];
    let first = api.raw(Some(&api.owner), "POST", "/v1/jobs", &headers("a"), body.clone()).await;
    let again = api.raw(Some(&api.owner), "POST", "/v1/jobs", &headers("a"), body).await;
    assert_eq!((first.status, first.json()), (201, again.json()));
    let path = format!("/v1/jobs/{}/apply", first.json()["receipt"]["job"]);
    for _ in 0..2 {
        let applied = api.raw(Some(&api.owner), "POST", &path, &headers("b"), b"{}".to_vec()).await;
        assert_eq!(applied.status, 202, "{}", applied.json());
    }
    let job = over(&api, &first.json()["receipt"]).await;
    assert_eq!((&job["counts"]["changed"], &job["counts"]["unchanged"]), (&json!(3), &json!(1)));
    let listed = api.get(&api.owner, "/v1/jobs").await.json();
    assert_eq!((listed["items"].as_array().map(Vec::len), &listed["next"]), (Some(1), &Json::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_and_jobs_are_bounded_listed_newest_first_and_forgotten_in_time() {
    let api = Api::new().await;
    let body = json!({"action": {"action": "addTags", "tags": ["late"]}});
    let applied = prepared(&api, body.clone()).await;
    assert_eq!(apply(&api, &applied, json!({})).await.status, 202);
    over(&api, &applied).await;
    let limit = api.engine.settings().receipts_max;
    let mut last = Json::Null;
    for _ in 0..limit {
        last = prepared(&api, body.clone()).await;
    }
    let refused = api.send(&api.owner, "POST", "/v1/jobs", &body).await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "limit_exceeded"));
    let page = api.get(&api.owner, "/v1/jobs?limit=2").await.json();
    assert_eq!(page["items"][0]["id"], last["job"]);
    let next = api.get(&api.owner, &format!("/v1/jobs?limit=100&before={}", page["next"])).await.json();
    assert_eq!(next["items"].as_array().map(Vec::len), Some(limit - 1));
    let cancelled = api.send(&api.owner, "POST", &format!("/v1/jobs/{}/cancel", last["job"]), &json!({})).await;
    assert_eq!((cancelled.status, &cancelled.json()["job"]["state"]), (200, &json!("cancelled")));
    assert_eq!(apply(&api, &last, json!({})).await.code(), "job_state");

    let one = &page["items"][1]["id"];
    api.engine.clock().set(NOW + 86_400_000);
    let refused = apply(&api, &json!({"job": one}), json!({})).await;
    assert!(["receipt_expired", "not_found"].contains(&refused.code().as_str()), "{}", refused.json());
    jobs::until("the end of the receipts", || (api.engine.jobs(api.workspace).ok()?.value.len() == 2).then_some(()));
    assert_eq!(api.get(&api.owner, &format!("/v1/jobs/{one}")).await.status, 404);
    // The finished one is kept longer, then goes with what undoes it; what it did stays.
    let undo = format!("/v1/jobs/{}/undo", applied["job"]);
    api.engine.clock().set(NOW + 8 * 86_400_000);
    jobs::until("the end of the jobs", || api.engine.jobs(api.workspace).ok()?.value.is_empty().then_some(()));
    assert_eq!(api.send(&api.owner, "POST", &undo, &json!({})).await.status, 404);
    assert!(api.get(&api.owner, "/v1/contacts/2").await.json()["contact"]["tags"].to_string().contains("late"));
    let id = JobId(applied["job"].as_u64().expect("an id") as u32);
    assert!(api.engine.job_notes(api.workspace, id, PartKind::Left, 0, 1).is_err());
    assert!(api.engine.verify(api.workspace).expect("verified").problems.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_nobodys_but_its_workspaces() {
    let api = Api::new().await;
    let receipt = prepared(&api, json!({"action": {"action": "block"}})).await;
    let path = format!("/v1/jobs/{}", receipt["job"]);
    for (method, rest) in [("GET", ""), ("GET", "/failed"), ("GET", "/left"), ("POST", "/cancel"), ("POST", "/undo")] {
        let reply = api.raw(Some(&api.stranger), method, &format!("{path}{rest}"), &[], Vec::new()).await;
        assert_eq!((reply.status, reply.code().as_str()), (404, "not_found"), "{method} {rest}");
    }
    assert_eq!(api.send(&api.stranger, "POST", &format!("{path}/apply"), &json!({})).await.status, 404);
    assert_eq!(api.get(&api.stranger, "/v1/jobs").await.json()["items"], json!([]));
    assert_eq!(apply(&api, &receipt, json!({})).await.status, 202);
}
