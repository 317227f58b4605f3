//! One action on many contacts, and the columns of a user's table.

use serde_json::json;

use super::Tour;

pub async fn tour(tour: &mut Tour) {
    let path = "/v1/contacts/actions";
    let act = json!({"contacts": [1, "id:2", "nobody"], "action": "addTags", "tags": ["toured"]});
    let done = tour.call(200, "POST", path, path, Some(act)).await;
    assert_eq!((&done["changed"], &done["unchanged"], &done["failed"]), (&json!(2), &json!(0), &json!(1)));
    let back = json!({"contacts": [1, 2], "action": "removeTags", "tags": ["toured"]});
    assert_eq!(tour.call(200, "POST", path, path, Some(back)).await["changed"], 2);
    let path = "/v1/me/columns";
    let default = tour.call(200, "GET", path, path, None).await;
    assert_eq!(default["isDefault"], true);
    let set = tour.call(200, "PUT", path, path, Some(json!({"columns": ["tags", "name"]}))).await;
    assert_eq!(set["columns"], json!(["tags", "name"]));
    let put_back = tour.call(200, "PUT", path, path, Some(json!({"columns": default["columns"]}))).await;
    assert_eq!(put_back["columns"], default["columns"]);
}
