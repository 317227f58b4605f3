//! `Idempotency-Key`: a request sent again under its key is answered as before and done once.

use std::sync::Arc;

use rollcall::clock::Clock;
use rollcall::contact::{Millis, Role};
use rollcall::engine::Engine;
use rollcall::http::router;
use rollcall::store::{MemoryStore, Store};
use serde_json::{Value as Json, json};

use crate::support::api::{Api, NOW, Reply, settings, token, user, workspace};
use crate::support::settings::shipped;

const DAY: Millis = 24 * 3_600_000;
/// A contact's value that must not be found where it does not belong.
const MARK: &str = "Xylophone";

async fn send(api: &Api, method: &str, path: &str, key: &str, body: &Json) -> Reply {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    api.raw(Some(&api.owner), method, path, &headers, body.to_string().into_bytes()).await
}

/// Everything there is, but for what says when it was read.
async fn everything(api: &Api) -> Vec<Json> {
    let mut all = Vec::new();
    for path in [
        "/v1/tags",
        "/v1/fields",
        "/v1/channels",
        "/v1/users",
        "/v1/lifecycle-stages",
        "/v1/me/columns",
        "/v1/contacts/1/interactions",
        "/v1/contacts/2/interactions",
    ] {
        all.push(api.get(&api.owner, path).await.json());
    }
    let mut page = api.send(&api.owner, "POST", "/v1/contacts/search", &json!({"limit": 100})).await.json();
    page["tookMicros"] = Json::Null;
    all.push(page);
    all
}

/// The answer without its version, and that.
fn parts(reply: &Reply) -> (u16, Json, u64) {
    let mut answer = reply.json();
    let version = answer["version"].as_u64().unwrap_or_default();
    answer["version"] = Json::Null;
    (reply.status, answer, version)
}

/// Changing requests: each is good, and good once more as another one.
fn requests() -> Vec<(&'static str, &'static str, Json, Json)> {
    let act = |more: Json| {
        let mut body = json!({"contacts": [1, "email:scarlet@example.org", "nobody", 99]});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    let actions = "/v1/contacts/actions";
    vec![
        ("POST", "/v1/contacts", json!({"firstName": "Una", "tags": ["t1"]}), json!({"firstName": "Duo"})),
        ("POST", "/v1/contacts/1/tags", json!({"tags": ["t2", "vip"]}), json!({"tags": ["t3"]})),
        ("POST", "/v1/contacts/1/interactions", json!({"kind": "comment", "text": "c1"}), json!({"kind": "event"})),
        (
            "POST",
            "/v1/contacts/email:oscar@example.org/interactions",
            json!({"kind": "incomingMessage", "channel": "Shop"}),
            json!({"kind": "outgoingMessage", "channel": "Shop"}),
        ),
        (
            "POST",
            actions,
            act(json!({"action": "comment", "text": "c2"})),
            act(json!({"action": "comment", "text": "c3"})),
        ),
        ("POST", actions, act(json!({"action": "addTags", "tags": ["t4"]})), act(json!({"action": "block"}))),
        ("POST", "/v1/tags", json!({"name": "t5"}), json!({"name": "t6"})),
        ("POST", "/v1/fields", json!({"name": "F1", "dataType": "text"}), json!({"name": "F2", "dataType": "text"})),
        ("POST", "/v1/channels", json!({"name": "C1", "source": "sms"}), json!({"name": "C2", "source": "sms"})),
        ("POST", "/v1/lifecycle-stages", json!({"name": "S1"}), json!({"name": "S2"})),
        (
            "POST",
            "/v1/users",
            json!({"firstName": "U1", "email": "u1@example.org", "role": "agent"}),
            json!({"firstName": "U2", "email": "u2@example.org", "role": "agent"}),
        ),
        ("PATCH", "/v1/contacts/2", json!({"lastName": "Once"}), json!({"lastName": "Twice"})),
        ("PUT", "/v1/me/columns", json!({"columns": ["name", "email"]}), json!({"columns": ["name"]})),
        ("POST", actions, json!({"contacts": [4], "action": "delete"}), json!({"contacts": [3], "action": "delete"})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_done_once_under_its_key() {
    let api = Api::new().await;
    for (number, (method, path, body, other)) in requests().into_iter().enumerate() {
        let key = format!("key-{number}");
        let first = send(&api, method, path, &key, &body).await;
        let (status, answer, version) = parts(&first);
        assert!(status < 300, "{method} {path} {body}: {answer}");
        let before = everything(&api).await;
        for _ in 0..2 {
            let (again, same, later) = parts(&send(&api, method, path, &key, &body).await);
            assert_eq!((again, &same), (status, &answer), "{method} {path}");
            assert!(later >= version);
        }
        let reused = send(&api, method, path, &key, &other).await;
        assert_eq!((reused.status, reused.code().as_str()), (422, "idempotency_key_reused"), "{method} {path}");
        let elsewhere = send(&api, "POST", "/v1/tags", &key, &json!({"name": "elsewhere"})).await;
        assert_eq!(elsewhere.status, 422);
        assert_eq!(everything(&api).await, before, "{method} {path} was done again");
        // The key is the user's own: another's of the same name is another key.
        let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
        let theirs = json!({"name": format!("theirs {number}")}).to_string().into_bytes();
        assert_eq!(api.raw(Some(&api.manager), "POST", "/v1/tags", &headers, theirs).await.status, 201);
        let before = everything(&api).await;
        assert!(send(&api, method, path, &format!("{key}-2"), &other).await.status < 300, "{method} {path} {other}");
        assert_ne!(everything(&api).await, before, "{method} {path}: the other request does something");
    }
    assert!(api.engine.verify(api.workspace).expect("verified").problems.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_tells_of_the_first_time_whatever_came_between() {
    let api = Api::new().await;
    let message = json!({"kind": "incomingMessage", "channel": "Shop", "text": "hello"});
    let path = "/v1/contacts/email:oscar@example.org/interactions";
    let first = send(&api, "POST", path, "m", &message).await.json();
    api.engine.clock().set(NOW + 60_000);
    // The channel and the address by which the contact was named are not theirs any more.
    let id = first["interaction"]["channel"].clone();
    let renamed = api.send(&api.owner, "PATCH", &format!("/v1/channels/{id}"), &json!({"name": "Store"})).await;
    assert_eq!(renamed.status, 200);
    let moved = api.send(&api.owner, "PATCH", "/v1/contacts/1", &json!({"email": "new@example.org"})).await;
    assert_eq!(moved.status, 200);
    let again = send(&api, "POST", path, "m", &message).await;
    assert_eq!((again.status, &again.json()["interaction"]), (201, &first["interaction"]));
    assert_eq!(again.json()["contact"]["email"], "new@example.org", "the contact as it is now");
    // What was dropped stays dropped.
    let block = json!({"contacts": [1], "action": "block"});
    assert_eq!(send(&api, "POST", "/v1/contacts/actions", "b", &block).await.status, 200);
    let other = json!({"kind": "incomingMessage", "channel": "Store"});
    let dropped = send(&api, "POST", "/v1/contacts/1/interactions", "d", &other).await;
    assert_eq!(dropped.json()["stored"], false);
    let unblock = json!({"contacts": [1], "action": "unblock"});
    assert_eq!(send(&api, "POST", "/v1/contacts/actions", "u", &unblock).await.json()["changed"], 1);
    assert_eq!(send(&api, "POST", "/v1/contacts/1/interactions", "d", &other).await.json()["stored"], false);
    // A contact that was deleted meanwhile is gone.
    let made = send(&api, "POST", "/v1/contacts", "c", &json!({"firstName": "Una"})).await.json();
    let one = format!("/v1/contacts/{}", made["contact"]["id"]);
    for path in [one.as_str(), "/v1/contacts/1"] {
        assert_eq!(api.raw(Some(&api.owner), "DELETE", path, &[], Vec::new()).await.status, 200);
    }
    for (path, key, body) in [
        ("/v1/contacts", "c", json!({"firstName": "Una"})),
        (path, "m", message),
        ("/v1/contacts/actions", "u", unblock),
    ] {
        let reply = send(&api, "POST", path, key, &body).await;
        let expected = if key == "u" { 200 } else { 404 };
        assert_eq!(reply.status, expected, "{path}: {}", String::from_utf8_lossy(&reply.bytes));
    }
    let count = api.send(&api.owner, "POST", "/v1/contacts/count", &json!({})).await.json();
    assert_eq!(count["total"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_requests_are_not_remembered_and_keys_are_checked() {
    let api = Api::new().await;
    let version = api.version(&api.owner).await;
    let refused = [
        ("/v1/contacts", json!({"email": "nonsense"}), 400),
        ("/v1/contacts", json!({"email": "oscar@example.org"}), 409),
        ("/v1/contacts/99/tags", json!({"tags": ["x"]}), 404),
        ("/v1/contacts/actions", json!({"contacts": [1], "action": "addTags", "tags": [""]}), 400),
        ("/v1/contacts/1/interactions", json!({"kind": "incomingMessage"}), 400),
    ];
    for (path, body, status) in &refused {
        assert_eq!(send(&api, "POST", path, "k", body).await.status, *status, "{path} {body}");
    }
    assert_eq!(api.version(&api.owner).await, version);
    assert_eq!(send(&api, "POST", "/v1/contacts", "k", &json!({"firstName": "Una"})).await.status, 201);
    assert_eq!(send(&api, "POST", refused[0].0, "k", &refused[0].1).await.status, 422, "now it is taken");
    let long = "x".repeat(256);
    for key in ["", " ", "with space", "ü", &long] {
        let reply = send(&api, "POST", "/v1/contacts", key, &json!({"firstName": "Una"})).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_idempotency_key"), "{key:?}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    let reply = api.raw(Some(&api.owner), "POST", "/v1/contacts", &twice, b"{\"firstName\": \"Una\"}".to_vec()).await;
    assert_eq!(reply.code(), "invalid_idempotency_key");
}

/// A server over a store that others can open too.
fn over(store: &Arc<dyn Store>, now: Millis) -> (Arc<Engine>, axum::Router) {
    let engine = Engine::open(store.clone(), None, shipped(), Clock::fixed(now)).expect("opens");
    let router = router(engine.clone(), settings());
    (engine, router)
}

fn furnished(store: &Arc<dyn Store>) -> Api {
    let (engine, router) = over(store, NOW);
    let here = workspace(&engine, "Here");
    let made = |name| token(&engine, here, user(name, Role::Owner));
    let [owner, manager, keeper, agent, loner, mate, stranger] = ["A", "B", "C", "D", "E", "F", "G"].map(made);
    Api { engine, router, owner, manager, keeper, agent, loner, mate, stranger, workspace: here }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_outlives_a_restart_and_not_a_day() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let api = furnished(&store);
    let body = json!({"firstName": "Una"});
    let first = send(&api, "POST", "/v1/contacts", "k", &body).await.json();
    api.engine.close().expect("closes");
    let (engine, router) = over(&store, NOW + DAY - 1);
    let api = Api { engine, router, ..api };
    assert_eq!(send(&api, "POST", "/v1/contacts", "k", &body).await.json()["contact"], first["contact"]);
    api.engine.clock().set(NOW + DAY);
    let second = send(&api, "POST", "/v1/contacts", "k", &body).await.json();
    assert_eq!(second["contact"]["id"].as_u64(), first["contact"]["id"].as_u64().map(|id| id + 1));
    // From then on it is the second that is repeated, for a day of its own.
    api.engine.clock().set(NOW + 2 * DAY - 1);
    let again = send(&api, "POST", "/v1/contacts", "k", &body).await.json();
    assert_eq!(again["contact"], second["contact"]);
}

/// Keys and values of the store that are about idempotency keys (`n`: what was done, `a`: when), as `src/store/keys.rs` says.
fn noted(store: &Arc<dyn Store>, kind: u8) -> usize {
    let all = store.scan(&[], &[0xff; 64], usize::MAX).expect("entries");
    all.iter().filter(|(key, _)| key[..4] != [0; 4] && key.get(4) == Some(&kind)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_forgotten_as_fast_as_they_come() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let api = Arc::new(furnished(&store));
    let write = async |from: u32, to: u32| {
        let mut tasks = tokio::task::JoinSet::new();
        for number in from..to {
            let api = api.clone();
            tasks.spawn(async move {
                let body = json!({"firstName": "Una"});
                assert_eq!(send(&api, "POST", "/v1/contacts", &format!("k{number}"), &body).await.status, 201);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("a write");
        }
    };
    write(0, 200).await;
    assert_eq!((noted(&store, b'n'), noted(&store, b'a')), (200, 200));
    api.engine.clock().set(NOW + DAY + 1);
    // Many in a batch, and each batch removes as many times more than it adds.
    write(200, 260).await;
    assert_eq!((noted(&store, b'n'), noted(&store, b'a')), (60, 60));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_noted_holds_nothing_of_a_contact() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let api = furnished(&store);
    let email = format!("{MARK}@example.org");
    let new = json!({"firstName": MARK, "email": email, "phone": "+60123456789"});
    let named =
        json!(["id:1", format!("email:{email}"), format!("email:x{email}"), format!("email:{MARK}"), MARK, {MARK: 1}]);
    let requests = [
        ("POST", "/v1/contacts", new),
        ("PATCH", "/v1/contacts/1", json!({"lastName": MARK})),
        ("POST", "/v1/contacts/1/interactions", json!({"kind": "comment", "text": MARK})),
        ("POST", "/v1/contacts/actions", json!({"contacts": named, "action": "comment", "text": MARK})),
        (
            "POST",
            "/v1/contacts/actions",
            json!({"contacts": named, "action": "setField", "field": "email", "value": format!("y{email}")}),
        ),
        ("POST", "/v1/contacts/actions", json!({"contacts": [1], "action": "delete"})),
    ];
    for (number, (method, path, body)) in requests.iter().enumerate() {
        let reply = send(&api, method, path, &format!("key{number}"), body).await;
        assert!(reply.status < 300, "{path}: {}", String::from_utf8_lossy(&reply.bytes));
        // What is wrong with a name is told again, though it is not noted.
        let again = send(&api, method, path, &format!("key{number}"), body).await;
        if number == 3 {
            assert_eq!(parts(&reply), parts(&again));
            assert_eq!(reply.json()["failed"], 4);
        }
    }
    assert_eq!(noted(&store, b'n'), requests.len());
    // The contact is gone: whatever is left of it would be in what was noted.
    let mark = MARK.to_lowercase();
    for (key, value) in store.scan(&[], &[0xff; 64], usize::MAX).expect("entries") {
        for bytes in [&key, &value] {
            let text = String::from_utf8_lossy(bytes).to_lowercase();
            assert!(!text.contains(&mark) && !text.contains("60123456789"), "{key:?}: {text}");
        }
    }
}
