//! Who may do what over HTTP, what an agent sees, and that two workspaces never meet.

use serde_json::{Value as Json, json};

use crate::support::api::{Api, Reply};

/// What each user gets: owner, manager, manager who may not delete, agent. Every route is here; `roles_table.rs` looks, and
/// asks on behalf of the other users.
pub const TABLE: &[(&str, &str, &str, [u16; 4])] = &[
    ("GET", "/v1/contacts/1", "", [200, 200, 200, 200]),
    ("GET", "/v1/contacts/1/interactions", "", [200, 200, 200, 200]),
    ("POST", "/v1/contacts/1/interactions", "{\"kind\": \"comment\", \"text\": \"x\"}", [201, 201, 201, 201]),
    ("POST", "/v1/contacts/1/tags", "{\"tags\": [\"a\"]}", [200, 200, 200, 200]),
    ("DELETE", "/v1/contacts/1/tags?tags=a", "", [200, 200, 200, 200]),
    ("POST", "/v1/contacts/1/explain", "{}", [200, 200, 200, 200]),
    ("PATCH", "/v1/contacts/1", "{\"language\": \"es\"}", [200, 200, 200, 403]),
    ("POST", "/v1/contacts/search", "{}", [200, 200, 200, 403]),
    ("POST", "/v1/contacts/count", "{}", [200, 200, 200, 403]),
    ("POST", "/v1/contacts/search/explain", "{}", [200, 200, 200, 403]),
    ("POST", "/v1/contacts/export", "{\"format\": \"csv\"}", [200, 200, 200, 403]),
    ("POST", "/v1/contacts/page.csv", "{}", [200, 200, 200, 403]),
    ("POST", "/v1/jobs", "{\"action\": {\"action\": \"unblock\"}}", [201, 201, 201, 403]),
    ("POST", "/v1/jobs", "{\"action\": {\"action\": \"delete\"}}", [201, 201, 403, 403]),
    ("GET", "/v1/jobs", "", [200, 200, 200, 403]),
    ("GET", "/v1/jobs/99", "", [404, 404, 404, 403]),
    ("POST", "/v1/jobs/99/apply", "{}", [404, 404, 404, 403]),
    ("POST", "/v1/jobs/99/cancel", "", [404, 404, 404, 403]),
    ("POST", "/v1/jobs/99/undo", "", [404, 404, 404, 403]),
    ("GET", "/v1/jobs/99/failed", "", [404, 404, 404, 403]),
    ("GET", "/v1/jobs/99/left", "", [404, 404, 404, 403]),
    ("GET", "/v1/workspace", "", [200, 200, 200, 200]),
    ("GET", "/v1/me", "", [200, 200, 200, 200]),
    ("GET", "/v1/fields", "", [200, 200, 200, 200]),
    ("GET", "/v1/tags", "", [200, 200, 200, 200]),
    ("GET", "/v1/channels", "", [200, 200, 200, 200]),
    ("GET", "/v1/users", "", [200, 200, 200, 200]),
    ("GET", "/v1/lifecycle-stages", "", [200, 200, 200, 200]),
    ("GET", "/v1/imports", "", [200, 200, 200, 403]),
    ("POST", "/v1/imports", "{}", [201, 201, 201, 403]),
    ("GET", "/v1/imports/77", "", [404, 404, 404, 403]),
    ("PUT", "/v1/imports/77/file", "a", [404, 404, 404, 403]),
    ("POST", "/v1/imports/77/check", "{}", [404, 404, 404, 403]),
    ("POST", "/v1/imports/77/start", "{}", [404, 404, 404, 403]),
    ("POST", "/v1/imports/77/cancel", "", [404, 404, 404, 403]),
    ("GET", "/v1/imports/77/result", "", [404, 404, 404, 403]),
    ("POST", "/v1/contacts/1/merge", "{\"secondary\": 99}", [404, 404, 404, 403]),
    ("POST", "/v1/contacts/1/unmerge", "{\"secondary\": 2}", [404, 404, 404, 403]),
    ("GET", "/v1/contacts/1/merges", "", [200, 200, 200, 403]),
    ("GET", "/v1/merge-suggestions", "", [200, 200, 200, 403]),
    ("GET", "/v1/segments", "", [200, 200, 200, 403]),
    ("GET", "/v1/segments/1", "", [200, 200, 200, 403]),
    ("GET", "/v1/segments/1/contacts", "", [200, 200, 200, 403]),
    ("POST", "/v1/segments", "{\"name\": \"x\"}", [400, 400, 400, 403]),
    ("PATCH", "/v1/segments/1", "{}", [200, 200, 200, 403]),
    ("DELETE", "/v1/segments/1", "", [200, 404, 404, 403]),
    ("POST", "/v1/users", "{}", [400, 403, 403, 403]),
    ("PATCH", "/v1/users/2", "{\"restrictContactDeletion\": false}", [200, 403, 403, 403]),
    ("PATCH", "/v1/fields/age", "{}", [200, 200, 200, 403]),
    ("DELETE", "/v1/fields/age", "", [200, 404, 404, 403]),
    ("POST", "/v1/fields", "{\"name\": \"More\", \"dataType\": \"text\"}", [201, 409, 409, 403]),
    ("POST", "/v1/tags", "{\"name\": \"more\"}", [201, 409, 409, 403]),
    ("PATCH", "/v1/tags/9999", "{}", [404, 404, 404, 403]),
    ("DELETE", "/v1/tags/9999", "", [404, 404, 404, 403]),
    ("POST", "/v1/channels", "{}", [400, 400, 400, 403]),
    ("PATCH", "/v1/channels/9999", "{}", [404, 404, 404, 403]),
    ("POST", "/v1/lifecycle-stages", "{\"name\": \"More\"}", [201, 409, 409, 403]),
    ("PATCH", "/v1/lifecycle-stages/9999", "{}", [404, 404, 404, 403]),
    ("DELETE", "/v1/lifecycle-stages/9999", "", [404, 404, 404, 403]),
    ("POST", "/v1/contacts", "{\"firstName\": \"Una\"}", [201, 201, 201, 403]),
    ("DELETE", "/v1/contacts/99", "", [404, 404, 403, 403]),
    ("POST", "/v1/contacts/actions", "{\"contacts\": [1], \"action\": \"unblock\"}", [200, 200, 200, 403]),
    ("POST", "/v1/contacts/actions", "{\"contacts\": [99], \"action\": \"delete\"}", [200, 200, 403, 403]),
    ("GET", "/v1/me/columns", "", [200, 200, 200, 403]),
    ("PUT", "/v1/me/columns", "{\"columns\": [\"name\"]}", [200, 200, 200, 403]),
];

pub async fn call(api: &Api, token: &str, method: &str, path: &str, body: &str) -> Reply {
    let headers: &[(&str, &str)] = if body.is_empty() { &[] } else { &[("content-type", "application/json")] };
    api.raw(Some(token), method, path, headers, body.as_bytes().to_vec()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_gets_what_the_table_says() {
    let api = Api::new().await;
    for (method, path, body, expected) in TABLE {
        for (token, status) in [&api.owner, &api.manager, &api.keeper, &api.agent].into_iter().zip(expected) {
            let reply = call(&api, token, method, path, body).await;
            assert_eq!(reply.status, *status, "{method} {path}: {}", String::from_utf8_lossy(&reply.bytes));
        }
    }
    for (path, name) in [("/v1/tags", "name"), ("/v1/channels", "name"), ("/v1/lifecycle-stages", "name")] {
        let body = json!({name: "one more", "source": "sms"});
        assert_eq!(api.send(&api.agent, "POST", path, &body).await.code(), "role_not_allowed", "{path}");
    }
    let deletions = [(&api.agent, "role_not_allowed"), (&api.keeper, "user_restricted")];
    for (token, code) in deletions {
        for contact in ["2", "99", "abc"] {
            let reply = call(&api, token, "DELETE", &format!("/v1/contacts/{contact}"), "").await;
            assert_eq!((reply.status, reply.code().as_str()), (403, code));
            assert!(reply.json()["detail"].as_str().is_some_and(|reason| reason.len() > 20));
        }
    }
    assert_eq!(call(&api, &api.manager, "DELETE", "/v1/contacts/2", "").await.status, 200);
    let me = api.get(&api.agent, "/v1/me").await.json();
    assert_eq!((&me["may"]["searchContacts"], &me["may"]["tagContact"]), (&json!("no"), &json!("seen")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_an_agent_may_not_see_reads_as_absent() {
    let api = Api::new().await;
    let users = api.get(&api.owner, "/v1/users").await.json();
    let id = |name: &str| {
        let users = users["items"].as_array().expect("users").iter();
        users.filter(|user| user["firstName"] == name).map(|user| user["id"].clone()).next().expect("a user")
    };
    for (contact, assignee) in [(1, id("Lou")), (2, id("Max")), (3, id("Abe"))] {
        let reply =
            api.send(&api.owner, "PATCH", &format!("/v1/contacts/{contact}"), &json!({"assignee": assignee})).await;
        assert_eq!(reply.status, 200);
    }
    // 1 is Lou's, 2 is Max's of the same team, 3 is Abe's of none, 4 nobody's.
    for (token, seen) in [(&api.agent, [1, 1, 1, 1]), (&api.loner, [1, 0, 0, 0]), (&api.mate, [1, 1, 0, 0])] {
        for (contact, seen) in (1..).zip(seen) {
            let before = api.version(&api.owner).await;
            for (method, path, body) in [
                ("GET", format!("/v1/contacts/{contact}"), ""),
                ("GET", format!("/v1/contacts/{contact}/interactions"), ""),
                ("POST", format!("/v1/contacts/{contact}/explain"), "{}"),
                ("POST", format!("/v1/contacts/{contact}/tags"), "{\"tags\": [\"seen\"]}"),
                ("POST", format!("/v1/contacts/{contact}/interactions"), "{\"kind\": \"comment\", \"text\": \"x\"}"),
            ] {
                let reply = call(&api, token, method, &path, body).await;
                assert_eq!(reply.status == 404, seen == 0, "{method} {path}: {}", reply.status);
                if seen == 0 {
                    let absent =
                        call(&api, token, method, &path.replacen(&format!("/{contact}"), "/77", 1), body).await;
                    let text = String::from_utf8_lossy(&reply.bytes).replace(&format!(" {contact} "), " 77 ");
                    assert_eq!(text, String::from_utf8_lossy(&absent.bytes), "hidden and absent read the same");
                }
            }
            let after = api.version(&api.owner).await;
            assert_eq!(before != after, seen == 1, "a contact not seen was written");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workspaces_with_equal_ids_never_meet() {
    let api = Api::new().await;
    let before = api.version(&api.stranger).await;
    let search = json!({"search": "osc", "facets": ["tags"]});
    let mine = api.send(&api.owner, "POST", "/v1/contacts/search", &search).await.json();
    for (method, path, body) in [
        ("PATCH", "/v1/contacts/1", "{\"firstName\": \"Changed\"}"),
        ("DELETE", "/v1/contacts/2", ""),
        ("POST", "/v1/contacts/1/tags", "{\"tags\": [\"secret\"]}"),
        ("POST", "/v1/contacts/1/interactions", "{\"kind\": \"comment\", \"text\": \"secret\"}"),
        ("POST", "/v1/contacts", "{\"firstName\": \"Secret\", \"email\": \"secret@example.org\"}"),
        ("POST", "/v1/fields", "{\"name\": \"Secret\", \"dataType\": \"text\"}"),
    ] {
        let reply = call(&api, &api.owner, method, path, body).await;
        assert!(reply.status < 300, "{method} {path}");
    }
    assert_eq!(api.version(&api.stranger).await, before);
    let theirs = api.send(&api.stranger, "POST", "/v1/contacts/search", &search).await.json();
    assert_eq!((&theirs["total"], &theirs["facets"]), (&mine["total"], &mine["facets"]));
    for path in ["/v1/contacts/1", "/v1/contacts/1/interactions", "/v1/tags", "/v1/fields", "/v1/users"] {
        let body = api.get(&api.stranger, path).await.json().to_string().to_lowercase();
        assert!(!body.contains("secret") && !body.contains("changed") && !body.contains("olga"), "{path}: {body}");
    }
    let secret = api.get(&api.stranger, "/v1/contacts/email:secret@example.org").await;
    assert_eq!(secret.status, 404);
    let taken = json!({"firstName": "X", "email": "secret@example.org"});
    assert_eq!(api.send(&api.stranger, "POST", "/v1/contacts", &taken).await.status, 201);
    let found = api.get(&api.stranger, "/v1/contacts/2").await.json();
    assert_eq!(found["contact"]["firstName"], Json::from("Scarlet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_or_expired_is_refused_at_once() {
    let api = Api::new().await;
    assert_eq!(api.get(&api.agent, "/v1/me").await.status, 200);
    for record in api.engine.tokens(api.workspace).expect("tokens") {
        api.engine.revoke_token(api.workspace, record.id).expect("revoked");
    }
    assert_eq!(api.get(&api.agent, "/v1/me").await.code(), "invalid_token");
    assert_eq!(api.get(&api.stranger, "/v1/me").await.status, 200);
    let user = api.engine.catalog(api.workspace).expect("a catalog").users.keys().next().copied().expect("a user");
    let soon = api.engine.clock().now() + 1000;
    let (_, secret) = api.engine.create_token(api.workspace, user, "short", Some(soon)).expect("a token");
    assert_eq!(api.get(&secret, "/v1/me").await.status, 200);
    api.engine.clock().set(soon + 1);
    assert_eq!(api.get(&secret, "/v1/me").await.code(), "invalid_token");
}
