//! The routes that answer with a file.

use serde_json::{Value as Json, json};

use super::Tour;

/// A file has no member `version`: its headers say it.
async fn file(tour: &mut Tour, path: &str, body: Json) -> String {
    let reply = tour.api.send(&tour.api.owner, "POST", path, &body).await;
    assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.bytes));
    assert!(
        reply.header("rollcall-version").parse::<u64>().is_ok()
            && reply.header("rollcall-count").parse::<u64>().is_ok()
    );
    assert_eq!(reply.header("cache-control"), "no-store");
    assert!(reply.header("content-disposition").starts_with("attachment; filename=\"contacts-"));
    tour.seen.insert(("post".into(), path.into()));
    String::from_utf8(reply.bytes).expect("UTF-8")
}

pub async fn tour(tour: &mut Tour) {
    let csv = file(tour, "/v1/contacts/export", json!({"format": "csv", "search": "scarlet"})).await;
    assert!(csv.starts_with("id,firstName,") && csv.contains("\n2,Scarlet,"), "{csv}");
    let page = file(tour, "/v1/contacts/page.csv", json!({"search": "scarlet", "columns": ["name"]})).await;
    assert_eq!(page, "\"ID\",Name\n2,Scarlet\n");
}
