//! The routes of imports, once each with good input.

use serde_json::json;

use super::Tour;

const ONE: &str = "/v1/imports/{id}";

pub async fn tour(tour: &mut Tour) {
    let made = tour.call(201, "POST", "/v1/imports", "/v1/imports", Some(json!({"name": "people.csv"}))).await;
    let path = format!("/v1/imports/{}", made["import"]["id"]);
    assert_eq!(made["import"]["state"], "uploading");
    let file = format!("{path}/file");
    let template = format!("{ONE}/file");
    tour.bytes("PUT", &template, &format!("{file}?more=true"), b"First name,Mobile\nAnn,").await;
    tour.bytes("PUT", &template, &format!("{file}?offset=22"), b"+60123456700\n,\n").await;
    let ready = settled(tour, &path).await;
    assert_eq!((&ready["state"], &ready["rows"]), (&json!("ready"), &json!(2)), "{ready}");
    assert_eq!(ready["file"]["columns"][1]["suggestion"], json!({"field": "phone", "sure": "export"}));
    let options = json!({"tags": ["imported"]});
    tour.call(200, "POST", &format!("{ONE}/check"), &format!("{path}/check"), Some(options.clone())).await;
    let checked = settled(tour, &path).await;
    assert_eq!((&checked["check"]["added"], &checked["check"]["failed"]), (&json!(1), &json!(1)), "{checked}");
    tour.call(200, "POST", &format!("{ONE}/start"), &format!("{path}/start"), Some(options)).await;
    let done = settled(tour, &path).await;
    assert_eq!((&done["state"], &done["outcome"]), (&json!("done"), &checked["check"]), "{done}");
    let result = tour.bytes("GET", &format!("{ONE}/result"), &format!("{path}/result"), b"").await;
    let text = String::from_utf8_lossy(&result.bytes).into_owned();
    assert!(text.starts_with("First name,Mobile,importError\n,,") && text.lines().count() == 2, "{text}");
    let second = tour.call(201, "POST", "/v1/imports", "/v1/imports", None).await;
    let cancel = format!("/v1/imports/{}/cancel", second["import"]["id"]);
    let gone = tour.call(200, "POST", &format!("{ONE}/cancel"), &cancel, None).await;
    assert_eq!(gone["import"]["state"], "cancelled");
    let listed = tour.call(200, "GET", "/v1/imports", "/v1/imports", None).await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
}

/// The import once nothing is under way.
async fn settled(tour: &mut Tour, path: &str) -> serde_json::Value {
    for _ in 0..3000 {
        let import = tour.call(200, "GET", ONE, path, None).await["import"].clone();
        if !["looking", "checking", "running"].contains(&import["state"].as_str().unwrap_or_default()) {
            return import;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{path} does not settle");
}
