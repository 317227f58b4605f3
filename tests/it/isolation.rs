//! Two workspaces with the same contents and the same ids: nothing done with one's token is seen in, or changes, the other.

use rollcall::contact::identity::Identifier;
use rollcall::contact::{ContactId, CustomFieldId, Role, TagId};
use rollcall::engine::{Actor, Error, Query};
use serde_json::{Value as Json, json};

use crate::support::api::{Api, user};

/// What only the second workspace has, once it has been changed.
const MARK: &str = "Marked7";

const READS: [&str; 18] = [
    "/v1/imports",
    "/v1/workspace",
    "/v1/contacts/id:1",
    "/v1/contacts/email:oscar@example.org",
    "/v1/contacts/phone:+60123456789",
    "/v1/contacts/id:1/interactions",
    "/v1/fields",
    "/v1/tags",
    "/v1/channels",
    "/v1/users",
    "/v1/lifecycle-stages",
    "/v1/jobs",
    "/v1/contacts/id:1/merges",
    "/v1/merge-suggestions",
    "/v1/segments",
    "/v1/segments/2",
    "/v1/segments/1/contacts",
    "/v1/me/columns",
];

/// Everything a token can read, times and places of answers aside.
async fn everything(api: &Api, token: &str) -> Vec<(String, Json)> {
    let mut all = Vec::new();
    for path in READS {
        let reply = api.get(token, path).await;
        let mut answer = reply.json();
        forget_times(&mut answer);
        all.push((format!("{path} {}", reply.status), answer));
    }
    let facets = ["tags", "channels", "source", "status", "assignee", "lifecycle", "countryCode", "plan"];
    let queries = [
        ("/v1/contacts/search", json!({"facets": facets, "sort": [{"field": "id"}]})),
        ("/v1/contacts/search", json!({"search": "o", "sort": [{"field": "name"}]})),
        ("/v1/contacts/search", json!({"search": MARK})),
        ("/v1/contacts/search", json!({"filter": {"field": "tags", "operator": "hasAnyOf", "value": ["vip", MARK]}})),
        ("/v1/contacts/count", json!({"filter": {"field": "firstName", "operator": "contains", "value": MARK}})),
        ("/v1/contacts/export", json!({"format": "csv"})),
        ("/v1/contacts/export", json!({"format": "ndjson", "search": MARK})),
        ("/v1/contacts/page.csv", json!({"sort": [{"field": "id"}]})),
        ("/v1/contacts/search/explain", json!({"filter": {"field": "age", "operator": "isGreaterThan", "value": 1}})),
        ("/v1/contacts/id:1/explain", json!({"filter": {"field": "age", "operator": "isGreaterThan", "value": 1}})),
    ];
    for (path, body) in queries {
        let reply = api.send(token, "POST", path, &body).await;
        // What is no JSON is a file.
        let mut answer = match reply.json() {
            Json::Null => Json::from(String::from_utf8_lossy(&reply.bytes)),
            answer => answer,
        };
        forget_times(&mut answer);
        all.push((format!("{path} {body} {}", reply.status), answer));
    }
    all
}

fn forget_times(json: &mut Json) {
    match json {
        Json::Object(members) => {
            members.retain(|name, _| !name.to_lowercase().contains("micros"));
            members.values_mut().for_each(forget_times);
        }
        Json::Array(items) => items.iter_mut().for_each(forget_times),
        _ => {}
    }
}

#[tokio::test]
async fn no_request_with_one_token_reads_or_changes_the_other_workspace() {
    let api = Api::new().await;
    let before = everything(&api, &api.owner).await;
    assert!(before.iter().any(|(_, answer)| answer.to_string().contains("oscar@example.org")));
    let writes = [
        ("PATCH", "/v1/contacts/id:1", json!({"firstName": MARK, "customFields": {"age": 99}})),
        ("PATCH", "/v1/contacts/email:scarlet@example.org", json!({"lastName": MARK, "tags": [MARK]})),
        ("DELETE", "/v1/contacts/phone:+8613800138000", Json::Null),
        ("POST", "/v1/contacts", json!({"firstName": MARK, "email": "marked@example.org"})),
        ("POST", "/v1/contacts/id:1/tags", json!({"tags": [MARK]})),
        ("DELETE", "/v1/contacts/id:1/tags", json!({"tags": ["new"]})),
        (
            "POST",
            "/v1/contacts/id:1/interactions",
            json!({"kind": "incomingMessage", "channel": "whatsapp", "text": MARK}),
        ),
        ("POST", "/v1/contacts/actions", json!({"contacts": [1, 2], "action": "addTags", "tags": [MARK]})),
        ("POST", "/v1/contacts/actions", json!({"contacts": [1, 2], "action": "comment", "text": MARK})),
        ("POST", "/v1/fields", json!({"name": MARK, "dataType": "text"})),
        ("PUT", "/v1/me/columns", json!({"columns": ["name", format!("customFields.{MARK}")]})),
        ("POST", "/v1/tags", json!({"name": format!("{MARK} tag")})),
        ("POST", "/v1/channels", json!({"name": MARK, "source": "sms"})),
        ("POST", "/v1/lifecycle-stages", json!({"name": MARK})),
        ("POST", "/v1/jobs", json!({"action": {"action": "addTags", "tags": [MARK]}})),
        ("POST", "/v1/contacts/id:1/merge", json!({"secondary": "email:scarlet@example.org"})),
        ("POST", "/v1/contacts/id:1/merge", json!({"secondary": "email:marked@example.org"})),
        ("POST", "/v1/contacts/id:1/unmerge", json!({"secondary": 2})),
        ("POST", "/v1/segments", json!({"name": MARK, "filter": null})),
        ("PATCH", "/v1/segments/1", json!({"name": format!("{MARK} all")})),
        ("DELETE", "/v1/segments/2", Json::Null),
        ("POST", "/v1/imports", json!({"name": MARK})),
    ];
    for (method, path, body) in writes {
        let reply = api.send(&api.stranger, method, path, &body).await;
        let said = String::from_utf8_lossy(&reply.bytes).into_owned();
        assert!((200..300).contains(&reply.status), "{method} {path}: {} {said}", reply.status);
    }
    let after = everything(&api, &api.owner).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    let shown = after.iter().map(|(_, answer)| answer.to_string()).collect::<String>();
    assert!(!shown.contains(MARK), "the other workspace shows through");
    let theirs = everything(&api, &api.stranger).await;
    assert!(theirs.iter().filter(|(_, answer)| answer.to_string().contains(MARK)).count() > 5);
}

#[tokio::test]
async fn errors_tell_nothing_of_the_other_workspace() {
    let api = Api::new().await;
    let made =
        api.send(&api.stranger, "POST", "/v1/contacts", &json!({"firstName": MARK, "email": "x@example.org"})).await;
    assert_eq!(made.status, 201);
    // An id that only the other has, and one that nobody has, are told apart by nothing but the id.
    let (theirs, nobodys) =
        (api.get(&api.owner, "/v1/contacts/id:5").await, api.get(&api.owner, "/v1/contacts/id:6").await);
    assert_eq!((theirs.status, nobodys.status), (404, 404));
    let said = |reply: &crate::support::api::Reply, id: &str| {
        let mut answer = reply.json();
        // Each request has a number of its own.
        answer.as_object_mut().expect("a problem").retain(|name, _| !name.to_lowercase().contains("request"));
        answer.to_string().replace(id, "ID")
    };
    assert_eq!(said(&theirs, "id:5").replace(" 5 ", " ID "), said(&nobodys, "id:6").replace(" 6 ", " ID "));
    // A taken e-mail of the other is free here.
    let free = api.send(&api.owner, "POST", "/v1/contacts", &json!({"email": "x@example.org"})).await;
    assert_eq!(free.status, 201);
    let tag = json!({"filter": {"field": MARK, "operator": "exists"}});
    let unknown = api.send(&api.owner, "POST", "/v1/contacts/search", &tag).await;
    assert_eq!(unknown.status, 400);
}

#[tokio::test]
async fn operations_of_the_engine_stay_within_the_actors_workspace() {
    let api = Api::new().await;
    let (engine, here) = (&api.engine, api.workspace);
    let there =
        engine.workspaces().expect("workspaces").into_iter().find(|other| other.id != here).expect("another").id;
    let stranger = Actor::operator(there);
    let all = |actor: &Actor| engine.count(actor, &Query::default()).expect("a count").value;
    let (mine, before) = (Actor::operator(here), engine.catalog(here).expect("a catalog"));
    assert_eq!((all(&mine), all(&stranger)), (4, 4));
    for id in 1..=4 {
        engine.delete_contact(&stranger, &Identifier::Id(ContactId(id))).expect("deleted");
    }
    let first = |ids: Option<&u32>| *ids.expect("one");
    let theirs = engine.catalog(there).expect("a catalog");
    let tag = first(theirs.tags.keys().map(|id| id.0).collect::<Vec<_>>().first());
    let field = first(theirs.fields.keys().map(|id| id.0).collect::<Vec<_>>().first());
    engine.delete_tag(there, TagId(tag)).expect("deleted");
    engine.delete_field(there, CustomFieldId(field)).expect("deleted");
    assert_eq!((all(&mine), all(&stranger)), (4, 0));
    assert_eq!(*before, *engine.catalog(here).expect("a catalog"));
    let owner = engine.put_user(here, user("Ivy", Role::Owner)).expect("a user").value;
    let (token, secret) = engine.create_token(here, owner.id, "mine", None).expect("a token");
    assert!(matches!(engine.revoke_token(there, token.id), Err(Error::NotFound { .. })));
    assert!(engine.tokens(there).expect("tokens").iter().all(|other| other.id != token.id));
    assert_eq!(engine.authenticate(&secret).expect("an actor").workspace, here);
    assert!(engine.verify(here).expect("verified").problems.is_empty());
}
