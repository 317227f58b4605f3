//! Every route of jobs once with good input.

use rollcall::contact::JobId;
use serde_json::json;

use super::Tour;
use crate::support::jobs;

pub async fn tour(tour: &mut Tour) {
    let new = json!({
        "action": {"action": "setStatus", "status": "snoozed", "until": "2056-01-01"},
        "search": null, "filter": {"$and": []}, "timezone": "utc",
    });
    let receipt = tour.call(201, "POST", "/v1/jobs", "/v1/jobs", Some(new)).await["receipt"].take();
    assert_eq!(receipt["facetsAfter"]["status"]["values"][0]["label"], "snoozed");
    assert_eq!(receipt["expiresAt"], "2026-03-03T10:00:00.000Z");
    let path = format!("/v1/jobs/{}", receipt["job"]);
    let apply = json!({"count": receipt["count"], "idsHash": receipt["idsHash"]});
    let job = tour.call(202, "POST", "/v1/jobs/{id}/apply", &format!("{path}/apply"), Some(apply)).await["job"].take();
    assert!(job["startedAt"].is_string() && job["user"].is_u64());
    let id = JobId(receipt["job"].as_u64().expect("an id") as u32);
    jobs::over(&tour.api.engine, tour.api.workspace, id);
    let job = tour.call(200, "GET", "/v1/jobs/{id}", &path, None).await["job"].take();
    assert_eq!((&job["state"], &job["counts"]["done"]), (&json!("done"), &receipt["count"]));
    let failed = tour.call(200, "GET", "/v1/jobs/{id}/failed", &format!("{path}/failed?limit=1&after=0"), None).await;
    assert_eq!(failed["items"], json!([]));
    tour.call(202, "POST", "/v1/jobs/{id}/undo", &format!("{path}/undo"), None).await;
    jobs::over(&tour.api.engine, tour.api.workspace, id);
    let left = tour.call(200, "GET", "/v1/jobs/{id}/left", &format!("{path}/left"), None).await;
    assert_eq!((&left["items"], &left["next"]), (&json!([]), &json!(null)));
    let other = json!({"action": {"action": "delete"}, "search": "car"});
    let receipt = tour.call(201, "POST", "/v1/jobs", "/v1/jobs", Some(other)).await["receipt"].take();
    let path = format!("/v1/jobs/{}/cancel", receipt["job"]);
    let cancelled = tour.call(200, "POST", "/v1/jobs/{id}/cancel", &path, None).await;
    assert_eq!(cancelled["job"]["state"], "cancelled");
    let listed = tour.call(200, "GET", "/v1/jobs", "/v1/jobs?limit=1", None).await;
    assert_eq!((&listed["items"][0]["id"], listed["next"].is_u64()), (&receipt["job"], true));
}
