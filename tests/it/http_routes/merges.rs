//! Merging, giving back, what was merged, and suggestions, called with good input.

use serde_json::{Value as Json, json};

use super::Tour;

pub async fn tour(tour: &mut Tour) {
    let merge = "/v1/contacts/{identifier}/merge";
    let mut ids = Vec::new();
    for (name, email) in [("Ida", "ida@example.org"), ("Ida M", "ida.m@example.org")] {
        let new = json!({"firstName": name, "email": email, "customFields": {"plan": "gold"}});
        let made = tour.call(201, "POST", "/v1/contacts", "/v1/contacts", Some(new)).await;
        ids.push(made["contact"]["id"].as_u64().expect("an id"));
    }
    let (one, two) = (ids[0], ids[1]);
    let path = format!("/v1/contacts/{one}/merge");
    let fields = json!({"email": "secondary", "customFields.plan": "primary"});
    let body = json!({"secondary": format!("id:{two}"), "fields": fields});
    let merged = tour.call(200, "POST", merge, &path, Some(body.clone())).await;
    assert_eq!((&merged["contact"]["id"], &merged["contact"]["email"]), (&json!(one), &json!("ida.m@example.org")));
    assert_eq!(tour.call(409, "POST", merge, &path, Some(body)).await["code"], "already_merged");
    for name in [format!("{two}"), "email:ida@example.org".into(), "email:ida.m@example.org".into()] {
        let found = tour.call(200, "GET", "/v1/contacts/{identifier}", &format!("/v1/contacts/{name}"), None).await;
        assert_eq!(found["contact"]["id"], one, "{name}");
    }
    let template = "/v1/contacts/{identifier}/merges";
    let merges = tour.call(200, "GET", template, &format!("/v1/contacts/{one}/merges"), None).await;
    let only = &merges["items"][0];
    assert_eq!((&only["contact"], &only["into"], &only["unmergeable"]), (&json!(two), &json!(one), &json!(true)));
    assert_eq!((&only["at"], only["by"].is_u64()), (&json!("2026-03-02T10:00:00.000Z"), true));
    let template = "/v1/contacts/{identifier}/unmerge";
    let path = format!("/v1/contacts/{one}/unmerge");
    let back = tour.call(200, "POST", template, &path, Some(json!({"secondary": two}))).await;
    assert_eq!((&back["primary"]["email"], &back["secondary"]["id"]), (&json!("ida@example.org"), &json!(two)));
    once(tour, one, two).await;
    suggestions(tour, one, two).await;
}

/// A merge and its undoing that are sent again do nothing twice.
async fn once(tour: &Tour, one: u64, two: u64) {
    let body = json!({"secondary": two}).to_string().into_bytes();
    for (what, key) in [("merge", "first"), ("unmerge", "second")] {
        let mut versions = Vec::new();
        for _ in 0..2 {
            let headers = [("content-type", "application/json"), ("idempotency-key", key)];
            let path = format!("/v1/contacts/{one}/{what}");
            let reply = tour.api.raw(Some(&tour.api.owner), "POST", &path, &headers, body.clone()).await;
            assert_eq!(reply.status, 200, "{what}: {}", String::from_utf8_lossy(&reply.bytes));
            versions.push(tour.api.version(&tour.api.owner).await);
        }
        assert_eq!(versions[0], versions[1], "{what} was done twice");
    }
}

async fn suggestions(tour: &mut Tour, one: u64, two: u64) {
    let path = "/v1/merge-suggestions";
    let none = tour.call(200, "GET", path, path, None).await;
    assert_eq!((&none["total"], &none["items"]), (&json!(0), &json!([])));
    let actor = rollcall::engine::Actor::operator(tour.api.workspace);
    let twin = json!({"firstName": "Twin", "email": "IDA@example.org", "phone": "+60123450000", "status": "blocked"});
    let twins = [twin, json!({"phone": "+60123450000"})].map(|twin| twin.as_object().cloned().expect("an object"));
    let made = tour.api.engine.create_many(&actor, &twins, false, true).expect("made").value;
    let made: Vec<Json> = made.into_iter().map(|id| json!(id.expect("an id"))).collect();
    let page = tour.call(200, "GET", path, &format!("{path}?limit=1"), None).await;
    assert_eq!(
        (&page["total"], &page["limit"], page["items"].as_array().map(Vec::len)),
        (&json!(2), &json!(1), Some(1))
    );
    let group = &page["items"][0];
    assert_eq!(
        (&group["by"], &group["value"], &group["count"]),
        (&json!("email"), &json!("ida@example.org"), &json!(2))
    );
    assert_eq!((&group["contacts"][0]["id"], &group["contacts"][1]["id"]), (&json!(one), &made[0]));
    assert_eq!((&group["contacts"][0]["blocked"], &group["contacts"][1]["blocked"]), (&json!(false), &json!(true)));
    let page = tour.call(200, "GET", path, &format!("{path}?by=phone&offset=0&limit=50"), None).await;
    assert_eq!((&page["total"], &page["items"][0]["value"]), (&json!(1), &json!("+60123450000")));
    assert_eq!(tour.call(200, "GET", path, &format!("{path}?offset=7"), None).await["items"], json!([]));
    for id in [one.into(), two.into()].iter().chain(&made) {
        tour.call(200, "DELETE", "/v1/contacts/{identifier}", &format!("/v1/contacts/{id}"), None).await;
    }
    assert_eq!(tour.call(200, "GET", path, path, None).await["total"], 0);
}
