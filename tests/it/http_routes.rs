//! Every route once with good input, and the description that lists them all.

mod export;
#[path = "http_routes/jobs.rs"]
mod jobs;
#[path = "http_routes/many.rs"]
mod many;
#[path = "http_routes/merges.rs"]
mod merges;

use std::collections::BTreeSet;

#[path = "http_routes/segments.rs"]
mod segments;

use serde_json::{Value as Json, json};

use crate::support::api::{Api, Reply};

#[path = "http_routes/imports.rs"]
mod imports;

/// Calls routes and remembers which.
pub struct Tour {
    pub api: Api,
    seen: BTreeSet<(String, String)>,
}

impl Tour {
    /// Sends bytes; the answer is not looked into.
    pub async fn bytes(&mut self, method: &str, template: &str, path: &str, body: &[u8]) -> Reply {
        let token = self.api.owner.clone();
        let reply = self.api.raw(Some(&token), method, path, &[], body.to_vec()).await;
        assert_eq!(reply.status, 200, "{method} {path}: {}", String::from_utf8_lossy(&reply.bytes));
        self.seen.insert((method.to_lowercase(), template.to_owned()));
        reply
    }

    pub async fn call(&mut self, status: u16, method: &str, template: &str, path: &str, body: Option<Json>) -> Json {
        let token = self.api.owner.clone();
        let reply = match &body {
            Some(body) => self.api.send(&token, method, path, body).await,
            None => self.api.raw(Some(&token), method, path, &[], Vec::new()).await,
        };
        assert_eq!(reply.status, status, "{method} {path}: {}", String::from_utf8_lossy(&reply.bytes));
        self.seen.insert((method.to_lowercase(), template.to_owned()));
        if status < 300 && template.starts_with("/v1") {
            versions_agree(&reply);
        }
        reply.json()
    }
}

fn versions_agree(reply: &Reply) {
    let version = reply.json()["version"].as_u64().expect("every answer carries version");
    assert_eq!(reply.header("rollcall-version"), version.to_string());
    assert_eq!(reply.header("cache-control"), "no-store");
    assert!(!reply.header("x-request-id").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_described_route_answers_good_input() {
    let mut tour = Tour { api: Api::new().await, seen: BTreeSet::new() };
    contacts(&mut tour).await;
    interactions(&mut tour).await;
    queries(&mut tour).await;
    merges::tour(&mut tour).await;
    export::tour(&mut tour).await;
    definitions(&mut tour).await;
    jobs::tour(&mut tour).await;
    segments::tour(&mut tour).await;
    many::tour(&mut tour).await;
    imports::tour(&mut tour).await;
    tour.call(200, "GET", "/health", "/health", None).await;
    tour.call(200, "GET", "/ready", "/ready", None).await;
    let api = tour.call(200, "GET", "/openapi.json", "/openapi.json", None).await;
    let mut described = BTreeSet::from([("get".to_owned(), "/openapi.json".to_owned())]);
    for (path, item) in api["paths"].as_object().expect("paths") {
        described.extend(item.as_object().expect("an item").keys().map(|method| (method.clone(), path.clone())));
    }
    assert_eq!(tour.seen, described);
}

async fn contacts(tour: &mut Tour) {
    let one = "/v1/contacts/{identifier}";
    let new = json!({"firstName": "Anna", "email": "anna@example.org", "phone": "012-345 6780", "tags": ["vip"]});
    let made = tour.call(201, "POST", "/v1/contacts", "/v1/contacts", Some(new)).await;
    let id = made["contact"]["id"].as_u64().expect("an id");
    for name in [format!("{id}"), format!("id:{id}"), "email:ANNA@example.org".into(), "phone:+60123456780".into()] {
        let found = tour.call(200, "GET", one, &format!("/v1/contacts/{name}"), None).await;
        assert_eq!(found["contact"]["id"], id, "{name}");
    }
    let changed = json!({"lastName": "Ng", "email": null});
    let found = tour.call(200, "PATCH", one, &format!("/v1/contacts/{id}"), Some(changed)).await;
    assert_eq!((&found["contact"]["lastName"], &found["contact"]["email"]), (&json!("Ng"), &Json::Null));
    let version = found["version"].as_u64().expect("a version");
    let read = tour.call(200, "GET", one, &format!("/v1/contacts/{id}?minVersion={version}"), None).await;
    assert_eq!(read["contact"], found["contact"]);
    let tags = format!("/v1/contacts/{id}/tags");
    let template = "/v1/contacts/{identifier}/tags";
    let tagged = tour.call(200, "POST", template, &tags, Some(json!({"tags": ["VIP", "a b", "ü"]}))).await;
    assert_eq!(tagged["contact"]["tags"].as_array().map(Vec::len), Some(3));
    let left = tour.call(200, "DELETE", template, &tags, Some(json!({"tags": ["vip"]}))).await;
    assert_eq!(left["contact"]["tags"].as_array().map(Vec::len), Some(2));
    let none = tour.call(200, "DELETE", template, &format!("{tags}?tags=a%20b&tags=%C3%BC"), None).await;
    assert_eq!(none["contact"]["tags"], json!([]));
    let gone = tour.call(200, "DELETE", one, &format!("/v1/contacts/{id}"), None).await;
    assert_eq!(gone["deleted"], id);
    tour.call(404, "GET", one, &format!("/v1/contacts/{id}"), None).await;
}

async fn interactions(tour: &mut Tour) {
    let (template, path) = ("/v1/contacts/{identifier}/interactions", "/v1/contacts/1/interactions");
    for (minute, kind) in ["incomingMessage", "outgoingMessage", "comment", "event"].into_iter().enumerate() {
        let mut new = json!({"kind": kind, "at": format!("2026-03-01T10:0{minute}:00Z"), "text": "hello"});
        if kind.ends_with("Message") {
            new["channel"] = "whatsapp".into();
        }
        let recorded = tour.call(201, "POST", template, path, Some(new)).await;
        assert_eq!(recorded["stored"], true);
        assert_eq!(recorded["contact"]["lastInteractionAt"], format!("2026-03-01T10:0{minute}:00.000Z"));
    }
    let now = json!({"kind": "comment", "text": "now"});
    let recorded = tour.call(201, "POST", template, path, Some(now)).await;
    assert_eq!(recorded["interaction"]["at"], "2026-03-02T10:00:00.000Z");
    assert!(recorded["interaction"]["author"].is_u64());
    let mut seen = Vec::new();
    let mut query = "limit=2".to_owned();
    loop {
        let page = tour.call(200, "GET", template, &format!("{path}?{query}"), None).await;
        seen.extend(page["items"].as_array().expect("items").iter().map(|item| item["kind"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("limit=2&before={next}");
    }
    assert_eq!(json!(seen), json!(["comment", "event", "comment", "outgoingMessage", "incomingMessage"]));
    let block = json!({"status": "blocked"});
    tour.call(200, "PATCH", "/v1/contacts/{identifier}", "/v1/contacts/4", Some(block)).await;
    let new = json!({"kind": "incomingMessage", "channel": 1, "text": "hi"});
    let channel = tour.call(200, "GET", "/v1/channels", "/v1/channels", None).await["items"][0]["id"].clone();
    let new = json!({"channel": channel, "kind": new["kind"], "text": new["text"]});
    let dropped = tour.call(200, "POST", template, "/v1/contacts/4/interactions", Some(new)).await;
    assert_eq!(dropped["stored"], false);
    assert!(dropped["reason"].is_string());
}

async fn queries(tour: &mut Tour) {
    let search = "/v1/contacts/search";
    let body = json!({
        "search": "car",
        "filter": {"$and": [{"field": "age", "operator": "doesNotExist"}, {"$or": []}]},
        "timezone": "asia/kuala_lumpur",
        "sort": [{"field": "name", "order": "desc"}, {"field": "id"}],
        "offset": 0, "limit": 10, "columns": ["name", "email"], "facets": ["tags", "status"], "facetMode": "disjunctive",
    });
    let page = tour.call(200, "POST", search, search, Some(body.clone())).await;
    assert_eq!(page["items"], json!([{"id": 2, "name": "Scarlet", "email": "scarlet@example.org"}]));
    assert_eq!((&page["total"], &page["reachable"], &page["limit"]), (&json!(1), &json!(1), &json!(10)));
    assert_eq!(page["facets"]["tags"], json!({"values": [], "without": 1}));
    assert_eq!(page["facets"]["status"]["values"][0]["count"], 1);
    assert!(page["tookMicros"].is_u64());
    let all = tour.call(200, "POST", search, search, Some(json!({"search": null, "filter": null}))).await;
    assert_eq!((all["total"].clone(), all["limit"].clone()), (json!(4), json!(25)));
    assert!(all.get("facets").is_none());
    assert!(all["items"][0]["customFields"].is_object());
    let counted =
        tour.call(200, "POST", "/v1/contacts/count", "/v1/contacts/count", Some(json!({"search": "car"}))).await;
    assert_eq!(counted["total"], 2);
    let explained =
        tour.call(200, "POST", "/v1/contacts/search/explain", "/v1/contacts/search/explain", Some(body)).await;
    assert_eq!(explained["total"], 1);
    assert!(explained["plan"]["order"].is_string() && explained["plan"]["filter"]["way"].is_string());
    let why = json!({"filter": {"field": "age", "operator": "isGreaterThan", "value": 40}});
    let template = "/v1/contacts/{identifier}/explain";
    let report = tour.call(200, "POST", template, "/v1/contacts/id:1/explain", Some(why)).await;
    assert_eq!(report["matches"], true);
    assert_eq!(report["conditions"][0]["saw"].as_f64(), Some(41.0));
    assert_eq!(report["changesAt"], Json::Null);
}

async fn definitions(tour: &mut Tour) {
    let fields = tour.call(200, "GET", "/v1/fields", "/v1/fields", None).await;
    let age = fields["items"].as_array().and_then(|items| items.iter().find(|item| item["name"] == "age")).cloned();
    assert!(age.is_some_and(|age| age["operators"].to_string().contains("isBetween") && age["kind"] == "number"));
    let new = json!({"name": "Home page", "slug": "home", "dataType": "url", "searchable": true, "description": "x"});
    let made = tour.call(201, "POST", "/v1/fields", "/v1/fields", Some(new)).await;
    assert_eq!(made["field"]["name"], "home");
    let changes = json!({"name": "Site", "description": null, "searchable": false});
    let changed = tour.call(200, "PATCH", "/v1/fields/{slug}", "/v1/fields/home", Some(changes)).await;
    assert_eq!((&changed["field"]["label"], &changed["field"]["custom"]["description"]), (&json!("Site"), &Json::Null));
    tour.call(200, "DELETE", "/v1/fields/{slug}", "/v1/fields/HOME", None).await;

    let cycle = [
        ("/v1/tags", "tag", json!({"name": "fresh", "emoji": "🌱"}), json!({"name": "stale", "emoji": null}), true),
        ("/v1/channels", "channel", json!({"name": "Line", "source": "sms"}), json!({"name": "Texts"}), false),
        ("/v1/lifecycle-stages", "stage", json!({"name": "Lost"}), json!({"name": "Gone", "position": 1}), true),
        (
            "/v1/users",
            "user",
            json!({"firstName": "Zed", "email": "zed@example.org", "role": "agent"}),
            json!({"role": "manager", "team": "west", "lastName": "Y", "restrictDataExport": true}),
            false,
        ),
    ];
    for (path, thing, new, changes, removable) in cycle {
        let before = tour.call(200, "GET", path, path, None).await["items"].as_array().map_or(0, Vec::len);
        let made = tour.call(201, "POST", path, path, Some(new)).await;
        let id = made[thing]["id"].as_u64().expect("an id");
        let (template, one) = (format!("{path}/{{id}}"), format!("{path}/{id}"));
        let changed = tour.call(200, "PATCH", &template, &one, Some(changes.clone())).await;
        for (member, value) in changes.as_object().expect("changes") {
            assert_eq!(&changed[thing][member], value, "{path} {member}");
        }
        let listed = tour.call(200, "GET", path, path, None).await;
        assert_eq!(listed["items"].as_array().map_or(0, Vec::len), before + 1);
        if removable {
            assert_eq!(tour.call(200, "DELETE", &template, &one, None).await["deleted"], id);
        }
    }
    let workspace = tour.call(200, "GET", "/v1/workspace", "/v1/workspace", None).await;
    assert_eq!(workspace["workspace"]["timezone"], "Asia/Kuala_Lumpur");
    let me = tour.call(200, "GET", "/v1/me", "/v1/me", None).await;
    assert_eq!((&me["user"]["role"], &me["may"]["deleteContact"]), (&json!("owner"), &json!("yes")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_whole() {
    let api = Api::new().await;
    let description = api.raw(None, "GET", "/openapi.json", &[], Vec::new()).await.json();
    assert_eq!(description["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (path, item) in description["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let id = operation["operationId"].as_str().unwrap_or_default();
            assert!(!id.is_empty() && ids.insert(id.to_owned()), "{method} {path}: {id:?}");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            assert!(operation["responses"]["default"].is_object(), "{method} {path} has no refusal");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let named = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
            assert_eq!(named, path.matches('{').count(), "{method} {path}");
        }
    }
    references_lead_somewhere(&description, &description);
    let operators = description["components"]["schemas"]["Operators"]["enum"].as_array().map_or(0, Vec::len);
    assert!(operators > 20);
}

fn references_lead_somewhere(node: &Json, whole: &Json) {
    match node {
        Json::Object(members) => {
            if let Some(to) = members.get("$ref").and_then(Json::as_str) {
                let pointer = to.strip_prefix('#').expect("a reference within");
                assert!(whole.pointer(pointer).is_some(), "{to} leads nowhere");
            }
            members.values().for_each(|member| references_lead_somewhere(member, whole));
        }
        Json::Array(items) => items.iter().for_each(|item| references_lead_somewhere(item, whole)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_work_offline() {
    let api = Api::new().await;
    let docs = api.raw(None, "GET", "/docs/", &[], Vec::new()).await;
    assert_eq!(docs.status, 200);
    let page = String::from_utf8_lossy(&docs.bytes).into_owned();
    assert!(page.contains("swagger-ui-bundle.js") && !page.contains("https://") && !page.contains("http://"), "{page}");
    for path in ["/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/swagger-initializer.js", "/", "/errors"] {
        let reply = api.raw(None, "GET", path, &[], Vec::new()).await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(!reply.bytes.is_empty());
    }
    let errors = api.raw(None, "GET", "/errors", &[], Vec::new()).await;
    let page = String::from_utf8_lossy(&errors.bytes).into_owned();
    for kind in rollcall::http::Kind::ALL {
        assert!(page.contains(&format!("id=\"{}\"", kind.row().1)));
    }
}
