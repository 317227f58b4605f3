//! Pages over HTTP come from what was rendered before: they show what is, whatever was changed since they were last asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rollcall::clock::Clock;
use rollcall::contact::identity::Identifier;
use rollcall::contact::render::Form;
use rollcall::contact::{ContactId, Tag, TagId};
use rollcall::engine::{Actor, Engine, Query, Sort};
use rollcall::http::router;
use rollcall::store::MemoryStore;
use serde_json::{Map, Value as Json, json};

use crate::support::api::{Api, NOW, settings, workspace};
use crate::support::settings::{shipped, small};

/// What each caller asks before and after every change.
const PAGES: [&str; 4] = [
    r#"{"sort": [{"field": "id"}], "limit": 100}"#,
    r#"{"sort": [{"field": "name", "order": "desc"}], "facets": ["tags", "assignee", "lifecycle"]}"#,
    r#"{"search": "o"}"#,
    r#"{"sort": [{"field": "id"}], "columns": ["name", "tags", "assignee", "channels", "lifecycle", "plan"]}"#,
];

/// The page without its microseconds, and its status.
async fn page(api: &Api, token: &str, body: &str) -> (u16, Json) {
    let body: Json = serde_json::from_str(body).expect("a query");
    let reply = api.send(token, "POST", "/v1/contacts/search", &body).await;
    let mut page = reply.json();
    page.as_object_mut().map(|members| members.remove("tookMicros"));
    (reply.status, page)
}

/// A server over the same store that has just been started: it has rendered nothing.
fn fresh<'a>(api: &'a Api, store: &Arc<MemoryStore>) -> Api {
    let engine = Engine::open(store.clone(), None, shipped(), Clock::fixed(NOW)).expect("an engine opens");
    let copy = |token: &'a String| token.clone();
    Api {
        router: router(engine.clone(), settings()),
        engine,
        owner: copy(&api.owner),
        manager: copy(&api.manager),
        keeper: copy(&api.keeper),
        agent: copy(&api.agent),
        loner: copy(&api.loner),
        mate: copy(&api.mate),
        stranger: copy(&api.stranger),
        workspace: api.workspace,
    }
}

/// Every page of every caller, twice, as a fresh server has it; the owner's first page.
async fn shown(api: &Api, store: &Arc<MemoryStore>) -> Json {
    let truth = fresh(api, store);
    for token in [&api.owner, &api.manager, &api.keeper, &api.agent, &api.loner, &api.mate, &api.stranger] {
        for body in PAGES {
            let expected = page(&truth, token, body).await;
            for _ in 0..2 {
                assert_eq!(page(api, token, body).await, expected, "{body}");
            }
        }
    }
    for (token, status) in [(&api.owner, 200), (&api.stranger, 200), (&api.agent, 403), (&api.loner, 403)] {
        assert_eq!(page(api, token, PAGES[0]).await.0, status);
    }
    page(api, &api.owner, PAGES[0]).await.1["items"].clone()
}

async fn done(api: &Api, token: &str, method: &str, path: &str, body: Json) -> Json {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let reply = api.raw(Some(token), method, path, &[("content-type", "application/json")], body).await;
    let said = String::from_utf8_lossy(&reply.bytes);
    assert!((200..300).contains(&reply.status), "{method} {path}: {} {said}", reply.status);
    reply.json()
}

/// The id of what the workspace calls so.
async fn id(api: &Api, path: &str, name: &str) -> Json {
    let listed = api.get(&api.owner, path).await.json();
    let mut all = listed["items"].as_array().expect("items").iter();
    let is = |one: &&Json| one["name"] == name || one["firstName"] == name;
    all.find(is).expect("it is there")["id"].clone()
}

/// A change, and what the owner's page by id shows after it.
type Step = (&'static str, String, Json, &'static str, Json);

async fn steps(api: &Api) -> Vec<Step> {
    let (vip, new) = (id(api, "/v1/tags", "vip").await, id(api, "/v1/tags", "new").await);
    let (shop, stage) = (id(api, "/v1/channels", "Shop").await, id(api, "/v1/lifecycle-stages", "Customer").await);
    let mia = id(api, "/v1/users", "Mia").await;
    let contact = |n: u32, rest: &str| format!("/v1/contacts/{n}{rest}");
    vec![
        ("PATCH", contact(1, ""), json!({"firstName": "Oscar"}), "/0/name", json!("Oscar Núñez")),
        ("PATCH", contact(1, ""), json!({"assignee": mia}), "/0/assignee/firstName", json!("Mia")),
        ("PATCH", format!("/v1/users/{mia}"), json!({"firstName": "Maya"}), "/0/assignee/firstName", json!("Maya")),
        ("PATCH", format!("/v1/tags/{vip}"), json!({"name": "gold"}), "/0/tags/0", json!("gold")),
        ("DELETE", format!("/v1/tags/{new}"), Json::Null, "/0/tags", json!(["gold"])),
        ("POST", contact(2, "/tags"), json!({"tags": ["late"]}), "/1/tags", json!(["late"])),
        (
            "POST",
            contact(2, "/interactions"),
            json!({"kind": "incomingMessage", "channel": "whatsapp", "text": "hi"}),
            "/1/channels/0/name",
            json!("Shop"),
        ),
        ("PATCH", format!("/v1/channels/{shop}"), json!({"name": "Store"}), "/1/channels/0/name", json!("Store")),
        ("PATCH", format!("/v1/lifecycle-stages/{stage}"), json!({"name": "Client"}), "/0/lifecycle", json!("Client")),
        ("DELETE", format!("/v1/lifecycle-stages/{stage}"), Json::Null, "/0/lifecycle", Json::Null),
        ("POST", "/v1/fields".into(), json!({"name": "Size", "dataType": "text"}), "/3/customFields/size", Json::Null),
        ("PATCH", contact(4, ""), json!({"customFields": {"size": "L"}}), "/3/customFields/size", json!("L")),
        ("DELETE", "/v1/fields/plan".into(), Json::Null, "/0/customFields/age", json!(41)),
        ("PUT", "/v1/me/columns".into(), json!({"columns": ["name"]}), "/0/id", json!(1)),
        ("POST", contact(1, "/merge"), json!({"secondary": 2}), "/1/id", json!(3)),
        ("POST", contact(1, "/unmerge"), json!({"secondary": 2}), "/1/id", json!(2)),
        ("DELETE", contact(3, ""), Json::Null, "/2/id", json!(4)),
        ("POST", "/v1/contacts".into(), json!({"firstName": "Zoe"}), "/3/name", json!("Zoe")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_asked_before_shows_the_truth_after_every_change() {
    for settings in [shipped(), small()] {
        let store = Arc::new(MemoryStore::default());
        let engine = Engine::open(store.clone(), None, settings, Clock::fixed(NOW)).expect("an engine opens");
        let api = Api::over(engine).await;
        shown(&api, &store).await;
        for (method, path, body, place, expected) in steps(&api).await {
            done(&api, &api.owner, method, &path, body.clone()).await;
            let items = shown(&api, &store).await;
            assert_eq!(items.pointer(place), Some(&expected), "{method} {path} {body}");
        }
        // The same ids in the other workspace, where nothing was changed.
        let theirs = page(&api, &api.stranger, PAGES[0]).await.1["items"].clone();
        assert_eq!(theirs.pointer("/0/name"), Some(&json!("Óscar Núñez")));
        assert_eq!(theirs.pointer("/0/tags"), Some(&json!(["vip", "new"])));
        // One that is woken anew is another to what was rendered.
        api.engine.rebuild(api.workspace).expect("rebuilt");
        shown(&api, &store).await;
    }
}

fn by_id() -> Query {
    let sort = vec![Sort { field: "id".into(), descending: false, missing_first: false }];
    Query { sort, limit: Some(100), ..Query::default() }
}

fn fields(json: Json) -> Map<String, Json> {
    json.as_object().expect("an object").clone()
}

/// The page, which is what the page of contacts is where nothing was written in between.
fn rendered(engine: &Engine, actor: &Actor) -> Vec<Json> {
    let (page, contacts) = (engine.search_json(actor, &by_id()).expect("a page"), engine.search(actor, &by_id()));
    let contacts = contacts.expect("a page");
    if contacts.version == page.version {
        let form = Form::whole(&contacts.catalog);
        let expected: Vec<String> = contacts.contacts.iter().map(|contact| form.json(contact)).collect();
        assert!(expected.iter().map(String::as_bytes).eq(page.contacts.iter().map(|json| &json[..])));
    }
    page.contacts.iter().map(|json| serde_json::from_slice(json).expect("JSON")).collect()
}

/// Each writer is the only one to change its contact, one the only one to rename the tag that all have: what they wrote is in
/// their next page, while others ask for the same contacts all the time.
#[test]
fn what_is_acknowledged_is_in_the_next_page_while_others_render() {
    const WRITERS: u32 = 4;
    let engine = Engine::open(Arc::new(MemoryStore::default()), None, shipped(), Clock::fixed(NOW)).expect("opens");
    let actor = Actor::operator(workspace(&engine, "one"));
    let new: Vec<_> = (0..20).map(|at| fields(json!({"firstName": format!("n{at}"), "tags": ["t"]}))).collect();
    engine.create_many(&actor, &new, false, false).expect("contacts");
    let tag = engine.catalog(actor.workspace).expect("a catalog").tag_named("t").expect("a tag").id;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    rendered(&engine, &actor);
                }
            });
        }
        let writers: Vec<_> = (0..WRITERS)
            .map(|at| {
                scope.spawn({
                    let (engine, actor) = (&engine, &actor);
                    move || renames(engine, actor, at)
                })
            })
            .collect();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| retitles(&engine, &actor, tag)));
        let outcomes: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Ordering::Relaxed);
        assert!(outcome.is_ok() && outcomes.iter().all(Result::is_ok), "something was missed");
    });
}

const TURNS: u32 = 150;

fn renames(engine: &Engine, actor: &Actor, at: u32) {
    for turn in 0..TURNS {
        let name = format!("w{at}-{turn}");
        let who = Identifier::Id(ContactId(at + 1));
        engine.update_contact(actor, &who, &fields(json!({"firstName": name}))).expect("renamed");
        assert_eq!(rendered(engine, actor)[at as usize]["name"], name);
    }
}

fn retitles(engine: &Engine, actor: &Actor, id: TagId) {
    for turn in 0..TURNS {
        let name = format!("t{turn}");
        let tag = Tag { id, name: name.clone(), description: None, emoji: None, color: None };
        engine.put_tag(actor, tag).expect("renamed");
        let page = rendered(engine, actor);
        assert!(page.len() == 20 && page.iter().all(|contact| contact["tags"] == json!([name])));
    }
}
