//! The routes of segments.

use serde_json::json;

use super::Tour;

pub async fn tour(tour: &mut Tour) {
    let (all, one) = ("/v1/segments", "/v1/segments/{id}");
    let filter = json!({"field": "tags", "operator": "hasAnyOf", "value": ["vip"]});
    let new = json!({"name": "Important", "filter": filter, "timezone": "asia/tokyo"});
    let made = tour.call(201, "POST", all, all, Some(new)).await;
    let id = made["segment"]["id"].as_u64().expect("an id");
    assert_eq!(made["segment"], json!({"id": id, "name": "Important", "filter": filter, "timezone": "asia/tokyo"}));
    let path = format!("/v1/segments/{id}");
    let found = tour.call(200, "GET", one, &path, None).await;
    assert!(found["segment"]["count"].is_u64());
    let changed =
        json!({"name": "Open ones", "filter": {"field": "segment", "operator": "isMemberOf", "value": "open"}});
    let changed = tour.call(200, "PATCH", one, &path, Some(changed)).await;
    assert_eq!(
        (&changed["segment"]["name"], &changed["segment"]["timezone"]),
        (&json!("Open ones"), &json!("asia/tokyo"))
    );
    let listed = tour.call(200, "GET", all, all, None).await;
    let items = listed["items"].as_array().expect("items");
    let names: Vec<_> = items.iter().filter_map(|item| item["name"].as_str()).collect();
    assert_eq!(names, ["All", "Open", "Unassigned", "No reply for 3 days", "Open ones"]);
    assert_eq!(items[4]["count"], items[1]["count"]);
    let bare = tour.call(200, "GET", all, "/v1/segments?count=false", None).await;
    assert!(bare["items"][0].get("count").is_none());
    let page = "/v1/segments/{id}/contacts";
    let contacts = tour.call(200, "GET", page, "/v1/segments/1/contacts?offset=1&limit=2", None).await;
    assert_eq!((&contacts["offset"], &contacts["limit"]), (&json!(1), &json!(2)));
    assert_eq!(contacts["total"], items[0]["count"]);
    let body = json!({"segment": "ALL"});
    let searched = tour.call(200, "POST", "/v1/contacts/count", "/v1/contacts/count", Some(body)).await;
    assert_eq!(searched["total"], items[0]["count"]);
    assert_eq!(tour.call(200, "DELETE", one, &path, None).await["deleted"], id);
    tour.call(404, "GET", one, &path, None).await;
    tour.call(404, "GET", page, &format!("{path}/contacts"), None).await;
}
