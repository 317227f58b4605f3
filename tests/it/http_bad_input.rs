//! Every wrong request is refused with its status and code, in one shape, and changes nothing.

use serde_json::{Value as Json, json};

use crate::bad_imports::IMPORTS;
use crate::bad_input::{BODIES, CONTACTS, CONVERSATION, DEFINITIONS, IDENTIFIERS, JOBS, ROUTES, Row, SEGMENTS};
use crate::bad_query::{FILTERS, MEMBERS};
use crate::support::api::{Api, Reply};

/// Collects what differs from the table, so that one run shows all of it.
#[derive(Default)]
struct Judge {
    rows: usize,
    wrong: Vec<String>,
}

impl Judge {
    /// Checks one answer; `*` accepts any code or path.
    fn check(&mut self, what: &str, reply: &Reply, status: u16, code: &str, path: &str) {
        self.rows += 1;
        let body = reply.json();
        let found_path = body["path"].as_str().unwrap_or_default();
        let shaped = reply.header("content-type") == "application/problem+json"
            && body["status"] == reply.status
            && body["type"].as_str().is_some_and(|kind| kind.starts_with("/errors#"))
            && body["title"].is_string()
            && body["detail"].as_str().is_some_and(|detail| !detail.is_empty())
            && body["code"].as_str().is_some_and(|code| !code.is_empty());
        let expected = reply.status == status
            && (code == "*" || reply.code() == code)
            && (path == "*" || found_path == path)
            && shaped;
        if !expected {
            let said = String::from_utf8_lossy(&reply.bytes).into_owned();
            self.wrong.push(format!("{what}\n  expected {status} {code} {path}\n  found    {} {said}", reply.status));
        }
    }
}

async fn version(api: &Api) -> u64 {
    api.version(&api.owner).await
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_refused_and_change_nothing() {
    let api = Api::new().await;
    let before = version(&api).await;
    let mut judge = Judge::default();
    for rows in [CONTACTS, IDENTIFIERS, ROUTES, CONVERSATION, DEFINITIONS, IMPORTS, JOBS, SEGMENTS] {
        table(&api, &mut judge, rows).await;
    }
    bodies(&api, &mut judge).await;
    queries(&api, &mut judge).await;
    encodings(&api, &mut judge).await;
    tokens(&api, &mut judge).await;
    sizes(&api, &mut judge).await;
    println!("{} wrong requests, {} answered otherwise than expected", judge.rows, judge.wrong.len());
    assert!(judge.wrong.is_empty(), "\n{}", judge.wrong.join("\n"));
    assert!(judge.rows >= 150);
    assert_eq!(version(&api).await, before, "a wrong request changed something");
}

async fn table(api: &Api, judge: &mut Judge, rows: &[Row]) {
    for (method, path, body, status, code) in rows {
        let headers: &[(&str, &str)] = if body.is_empty() { &[] } else { &[("content-type", "application/json")] };
        let reply = api.raw(Some(&api.owner), method, path, headers, body.as_bytes().to_vec()).await;
        judge.check(&format!("{method} {path} {body}"), &reply, *status, code, "*");
        if reply.status == 405 && reply.header("allow").is_empty() {
            judge.wrong.push(format!("{method} {path}: no Allow header"));
        }
    }
}

async fn bodies(api: &Api, judge: &mut Judge) {
    for (method, path) in [
        ("POST", "/v1/contacts"),
        ("POST", "/v1/contacts/search"),
        ("POST", "/v1/contacts/export"),
        ("PATCH", "/v1/tags/1"),
        ("POST", "/v1/contacts/actions"),
        ("PUT", "/v1/me/columns"),
    ] {
        for (body, status, code) in BODIES {
            let headers = [("content-type", "application/json")];
            let reply = api.raw(Some(&api.owner), method, path, &headers, body.as_bytes().to_vec()).await;
            judge.check(&format!("{method} {path} {body:?}"), &reply, *status, code, "*");
        }
    }
}

async fn queries(api: &Api, judge: &mut Judge) {
    let headers = [("content-type", "application/json")];
    for (body, status, code, path) in MEMBERS {
        let bytes = body.as_bytes().to_vec();
        let reply = api.raw(Some(&api.owner), "POST", "/v1/contacts/search", &headers, bytes).await;
        judge.check(&format!("search {body}"), &reply, *status, code, path);
        let bytes = body.as_bytes().to_vec();
        let reply = api.raw(Some(&api.owner), "POST", "/v1/contacts/page.csv", &headers, bytes).await;
        judge.check(&format!("page.csv {body}"), &reply, *status, code, path);
    }
    for (filter, status, code, path) in FILTERS {
        for route in
            ["/v1/contacts/search", "/v1/contacts/count", "/v1/contacts/search/explain", "/v1/contacts/1/explain"]
        {
            let bytes = format!("{{\"filter\": {filter}}}").into_bytes();
            let reply = api.raw(Some(&api.owner), "POST", route, &headers, bytes).await;
            judge.check(&format!("{route} {filter}"), &reply, *status, code, path);
        }
        let bytes = format!("{{\"format\": \"csv\", \"filter\": {filter}}}").into_bytes();
        let reply = api.raw(Some(&api.owner), "POST", "/v1/contacts/export", &headers, bytes).await;
        judge.check(&format!("export {filter}"), &reply, *status, code, path);
    }
    let late = json!({"minVersion": 1_000_000});
    for route in ["/v1/contacts/search", "/v1/contacts/count"] {
        let reply = api.send(&api.owner, "POST", route, &late).await;
        judge.check(&format!("{route} {late}"), &reply, 503, "version_not_reached", "");
    }
    for path in ["/v1/contacts/1?minVersion=1000000", "/v1/tags?minVersion=1000000"] {
        let reply = api.get(&api.owner, path).await;
        judge.check(path, &reply, 503, "version_not_reached", "");
    }
}

async fn encodings(api: &Api, judge: &mut Judge) {
    let good = b"{\"firstName\": \"A\"}".to_vec();
    let refused: [&[(&str, &str)]; 9] = [
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "multipart/form-data; boundary=x")],
        &[("content-type", "application/xml")],
        &[("content-type", "application/json; charset=utf-16")],
        &[("content-type", "application/json; charset=latin1")],
        &[("content-type", "json")],
        &[("content-type", "")],
        &[("content-type", "application/json"), ("content-encoding", "gzip")],
    ];
    for headers in refused {
        let reply = api.raw(Some(&api.owner), "POST", "/v1/contacts", headers, good.clone()).await;
        judge.check(&format!("{headers:?}"), &reply, 415, "unsupported_media_type", "");
    }
    let json = [("content-type", "application/json")];
    let not_utf8: [&[u8]; 5] = [
        b"{\"firstName\": \"\xff\"}",
        b"{\"firstName\": \"\xc0\x80\"}",
        b"{\"firstName\": \"\xed\xa0\x80\"}",
        b"\xff\xfe{\0}\0",
        b"\x1f\x8b\x08\0",
    ];
    for bytes in not_utf8 {
        let reply = api.raw(Some(&api.owner), "POST", "/v1/contacts", &json, bytes.to_vec()).await;
        judge.check(&format!("{bytes:?}"), &reply, 400, "invalid_utf8", "");
    }
}

async fn tokens(api: &Api, judge: &mut Judge) {
    let table: &[(&str, &str)] = &[
        ("", "unauthenticated"),
        ("Bearer", "unauthenticated"),
        ("Basic b2xnYTpvbGdh", "unauthenticated"),
        ("Bearer ", "unauthenticated"),
        ("Bearer x", "invalid_token"),
        ("Bearer a b", "invalid_token"),
        ("Bearer ../../x", "invalid_token"),
        ("bearer 00000000000000000000000000000000", "invalid_token"),
    ];
    for (value, code) in table {
        for path in ["/v1/contacts/1", "/v1/me"] {
            let headers: &[(&str, &str)] = if value.is_empty() { &[] } else { &[("authorization", value)] };
            let reply = api.raw(None, "GET", path, headers, Vec::new()).await;
            judge.check(&format!("{path} {value:?}"), &reply, 401, code, "");
            if !reply.header("www-authenticate").starts_with("Bearer") {
                judge.wrong.push(format!("{value:?}: no WWW-Authenticate"));
            }
        }
    }
    let long = format!("Bearer {}", "x".repeat(5000));
    let halves = format!("Bearer {}", &api.owner[..api.owner.len() - 1]);
    for value in [long, halves] {
        let reply = api.raw(None, "GET", "/v1/me", &[("authorization", &value)], Vec::new()).await;
        judge.check("a token changed in length", &reply, 401, "invalid_token", "");
    }
    // A token of one workspace finds nothing of the other: what only the first one has is absent.
    let made = api.send(&api.stranger, "GET", "/v1/contacts/5", &Json::Null).await;
    judge.check("a contact neither workspace has", &made, 404, "not_found", "");
}

async fn sizes(api: &Api, judge: &mut Judge) {
    let json = [("content-type", "application/json")];
    let send = |path: &'static str, body: String| api.raw(Some(&api.owner), "POST", path, &json, body.into_bytes());
    let search = "/v1/contacts/search";
    let condition = "{\"field\":\"name\",\"operator\":\"exists\"}";
    let nest = |deep: usize, open: &str, close: &str| format!("{}{condition}{}", open.repeat(deep), close.repeat(deep));
    let values: Vec<u32> = (0..1001).collect();
    let table = [
        (search, format!("{{\"search\": \"{}\"}}", "x".repeat(3 << 20)), 413, "body_too_large"),
        (search, format!("{{\"filter\": {}}}", nest(200, "{\"$not\":", "}")), 400, "too_deep"),
        (search, format!("{{\"filter\": {}", "[".repeat(100_000)), 400, "too_deep"),
        (search, format!("{{\"filter\": {}}}", nest(17, "{\"$not\":", "}")), 400, "*"),
        (search, format!("{{\"filter\": {}}}", nest(60, "{\"$and\":[", "]}")), 400, "*"),
        (search, format!("{{\"filter\": {{\"$and\": [{}]}}}}", vec![condition; 257].join(",")), 400, "*"),
        (
            search,
            format!("{{\"filter\": {{\"field\":\"id\",\"operator\":\"isEqualTo\",\"value\":{values:?}}}}}"),
            400,
            "*",
        ),
        (
            search,
            json!({"filter": {"field": "tags", "operator": "hasAnyOf", "value": vec!["x"; 1001]}}).to_string(),
            400,
            "*",
        ),
        (search, json!({"search": "x".repeat(5000)}).to_string(), 400, "*"),
        ("/v1/contacts", json!({"firstName": "x".repeat(256)}).to_string(), 400, "*"),
        ("/v1/contacts", json!({"email": format!("{}@example.org", "x".repeat(250))}).to_string(), 400, "*"),
        ("/v1/contacts", json!({"firstName": "A", "tags": ["x".repeat(256)]}).to_string(), 400, "*"),
        ("/v1/contacts/1/tags", json!({"tags": ["x".repeat(256)]}).to_string(), 400, "*"),
        ("/v1/contacts/1/interactions", json!({"kind": "comment", "text": "x".repeat(20_000)}).to_string(), 400, "*"),
        ("/v1/tags", json!({"name": "x".repeat(256)}).to_string(), 400, "*"),
        ("/v1/fields", json!({"name": "x".repeat(51), "dataType": "text"}).to_string(), 400, "*"),
        ("/v1/fields", json!({"name": "x", "slug": "x".repeat(51), "dataType": "text"}).to_string(), 400, "*"),
        ("/v1/fields", json!({"name": "x", "dataType": "text", "description": "x".repeat(256)}).to_string(), 400, "*"),
    ];
    for (path, body, status, code) in table {
        let what = format!("{path} {}…", body.chars().take(80).collect::<String>());
        let reply = send(path, body).await;
        judge.check(&what, &reply, status, code, "*");
    }
    let path = format!("/v1/contacts/email:{}@example.org", "x".repeat(4000));
    let reply = api.get(&api.owner, &path).await;
    judge.check("an endless address", &reply, 400, "invalid_identifier", "");
}
