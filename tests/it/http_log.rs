//! What a request leaves in the log: its route, never what it named, asked or said.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::support::api::Api;
use crate::support::child;

/// A log that is kept in memory.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// In a process of its own: what other tests log at the same time would decide whether this one's lines are kept.
#[test]
fn the_log_names_routes_and_nobody() {
    if child::folder().is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = child::command("http_log::the_log_names_routes_and_nobody", folder.path(), "").output();
        let output = run.expect("the test runs again");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(requests_are_logged_by_route());
}

async fn requests_are_logged_by_route() {
    let api = Api::new().await;
    let kept = Kept::default();
    let writer = kept.clone();
    let log =
        tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
    let guard = tracing::subscriber::set_default(log.finish());
    api.get(&api.owner, "/v1/contacts/email:oscar@example.org?minVersion=1").await;
    api.get(&api.owner, "/v1/contacts/phone:+60123456789?nonsense=Rosalind").await;
    api.send(&api.owner, "POST", "/v1/contacts", &json!({"firstName": "Rosalind", "email": "oscar@example.org"})).await;
    api.send(&api.owner, "POST", "/v1/contacts/search", &json!({"search": "Rosalind", "filter": "Rosalind"})).await;
    api.get("wrong-secret", "/v1/me").await;
    api.get(&api.owner, "/Rosalind").await;
    drop(guard);
    let text = String::from_utf8(kept.0.lock().expect("not poisoned").clone()).expect("UTF-8");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|line: &serde_json::Value| line["fields"]["message"] == "answered")
        .collect();
    let routes: Vec<&str> = lines.iter().filter_map(|line| line["fields"]["route"].as_str()).collect();
    let expected = [
        "/v1/contacts/{identifier}",
        "/v1/contacts/{identifier}",
        "/v1/contacts",
        "/v1/contacts/search",
        "/v1/me",
        "(none)",
    ];
    assert_eq!(routes, expected);
    for member in ["request", "method", "status", "micros", "workspace"] {
        assert!(!lines[0]["fields"][member].is_null(), "{member} in {}", lines[0]);
    }
    for never in ["oscar", "60123456789", "rosalind", "secret", "minversion", "nonsense", &api.owner.to_lowercase()] {
        assert!(!text.to_lowercase().contains(never), "{never} in {text}");
    }
}
