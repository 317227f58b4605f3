//! The columns of each user's table of contacts, and what a row shows of channels and names.

use std::sync::Arc;

use rollcall::clock::Clock;
use rollcall::contact::Role;
use rollcall::engine::{Engine, restore};
use rollcall::store::{MemoryStore, Store};
use serde_json::{Value as Json, json};

use crate::support::api::{Api, NOW, Reply, token, user};
use crate::support::settings::shipped;

const PATH: &str = "/v1/me/columns";

async fn put(api: &Api, token: &str, columns: Json) -> Reply {
    api.send(token, "PUT", PATH, &json!({"columns": columns})).await
}

async fn columns(api: &Api, token: &str) -> Json {
    api.get(token, PATH).await.json()["columns"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_has_their_own_columns() {
    let api = Api::new().await;
    let default = api.get(&api.owner, PATH).await.json();
    assert_eq!(default["isDefault"], true);
    assert_eq!(default["columns"][0], "name");
    let chosen = json!(["email", "name", "customFields.plan", "tags", "customFields.age"]);
    let reply = put(&api, &api.owner, json!(["EMAIL", "name", "plan", "contactTag", "customFields.Age"])).await;
    assert_eq!((reply.status, &reply.json()["columns"], &reply.json()["isDefault"]), (200, &chosen, &json!(false)));
    assert_eq!(columns(&api, &api.owner).await, chosen);
    for other in [&api.manager, &api.stranger] {
        assert_eq!(api.get(other, PATH).await.json()["columns"], default["columns"]);
    }
    // The same once more writes nothing.
    let version = api.version(&api.owner).await;
    assert_eq!(put(&api, &api.owner, chosen.clone()).await.json()["version"], version);
    // A search takes the names as they are answered, and a change of the user leaves them.
    let query = json!({"columns": chosen, "limit": 1, "search": "oscar"});
    let found = api.send(&api.owner, "POST", "/v1/contacts/search", &query).await.json()["items"][0].clone();
    assert_eq!(found["customFields"]["age"].as_f64(), Some(41.0));
    let expected = json!([1, "oscar@example.org", "Óscar Núñez", ["vip", "new"], "gold"]);
    assert_eq!(
        json!([found["id"], found["email"], found["name"], found["tags"], found["customFields"]["plan"]]),
        expected
    );
    let id = api.get(&api.owner, "/v1/me").await.json()["user"]["id"].clone();
    assert_eq!(api.send(&api.owner, "PATCH", &format!("/v1/users/{id}"), &json!({"team": "x"})).await.status, 200);
    assert_eq!(columns(&api, &api.owner).await, chosen);
    // What is removed drops out, and does not come back under the old name.
    assert_eq!(api.raw(Some(&api.owner), "DELETE", "/v1/fields/plan", &[], Vec::new()).await.status, 200);
    let left = json!(["email", "name", "tags", "customFields.age"]);
    assert_eq!(columns(&api, &api.owner).await, left);
    let again = json!({"name": "Plan", "dataType": "text"});
    assert_eq!(api.send(&api.owner, "POST", "/v1/fields", &again).await.status, 201);
    assert_eq!(columns(&api, &api.owner).await, left);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_list_of_columns_is_refused_and_changes_nothing() {
    let api = Api::new().await;
    put(&api, &api.owner, json!(["name", "phone"])).await;
    let version = api.version(&api.owner).await;
    for (given, code, path, hint) in [
        (json!([]), "name_removed", "columns", "cannot be removed"),
        (json!(["email", "tags"]), "name_removed", "columns", "cannot be removed"),
        (json!(["name", "emial"]), "unknown_field", "columns[1]", "did you mean email?"),
        (json!(["name", "customFields.plam"]), "unknown_field", "columns[1]", "did you mean customFields.plan?"),
        (json!(["name", "customFields.email"]), "unknown_field", "columns[1]", "there is no field"),
        (json!(["name", "segment"]), "not_a_column", "columns[1]", "not shown"),
        (json!(["name", "timeSinceLastMessage"]), "not_a_column", "columns[1]", "not shown"),
        (json!(["name", "tags", "Tags"]), "given_twice", "columns[2]", "already"),
        (json!("name"), "wrong_type", "columns", "list"),
        (json!([1]), "wrong_type", "columns[0]", "text"),
        (Json::Null, "wrong_type", "columns", "list"),
    ] {
        let reply = put(&api, &api.owner, given.clone()).await;
        let said = reply.json();
        assert_eq!(
            (reply.status, said["code"].as_str(), said["path"].as_str()),
            (400, Some(code), Some(path)),
            "{given}"
        );
        assert!(said["detail"].as_str().is_some_and(|detail| detail.contains(hint)), "{given}: {said}");
    }
    assert_eq!(api.version(&api.owner).await, version);
    assert_eq!(columns(&api, &api.owner).await, json!(["name", "phone"]));
    for method in ["GET", "PUT"] {
        let reply = api.send(&api.agent, method, PATH, &json!({"columns": ["name"]})).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "role_not_allowed"), "agents have no table");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_outlive_a_backup() {
    let api = Api::new().await;
    let chosen = json!(["name", "customFields.born", "status"]);
    assert_eq!(put(&api, &api.owner, chosen.clone()).await.status, 200);
    let mut backup = Vec::new();
    api.engine.backup(&mut backup).expect("a backup");
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    restore(&store, &mut backup.as_slice()).expect("restored");
    let engine = Engine::open(store, None, shipped(), Clock::fixed(NOW)).expect("opens");
    let router = rollcall::http::router(engine.clone(), crate::support::api::settings());
    let restored = Api { engine, router, ..api };
    assert_eq!(columns(&restored, &restored.owner).await, chosen);
    assert!(restored.engine.verify(restored.workspace).expect("verified").problems.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_shows_three_channels_and_how_many_more() {
    let api = Api::new().await;
    for source in ["sms", "telegram", "instagram"] {
        let channel = json!({"name": source, "source": source});
        assert_eq!(api.send(&api.owner, "POST", "/v1/channels", &channel).await.status, 201);
    }
    let row = async || {
        let query =
            json!({"columns": ["name", "channels"], "filter": {"field": "id", "operator": "isEqualTo", "value": 4}});
        let reply = api.send(&api.owner, "POST", "/v1/contacts/search", &query).await.json();
        let row = reply["items"][0].clone();
        let shown: Vec<_> =
            row["channels"].as_array().expect("channels").iter().map(|one| one["source"].clone()).collect();
        (json!(shown), row["moreChannels"].clone())
    };
    assert_eq!(row().await, (json!([]), json!(0)));
    let talk = [("sms", 1), ("email", 2), ("telegram", 3), ("whatsapp", 4), ("instagram", 5), ("telegram", 6)];
    let expected = [
        (json!(["sms"]), 0),
        (json!(["email", "sms"]), 0),
        (json!(["telegram", "sms", "email"]), 0),
        (json!(["whatsapp", "sms", "email"]), 1),
        (json!(["instagram", "sms", "email"]), 2),
        (json!(["telegram", "sms", "email"]), 2),
    ];
    for ((channel, minute), (shown, more)) in talk.into_iter().zip(expected) {
        let new = json!({"kind": "incomingMessage", "channel": channel, "at": format!("2026-03-01T10:0{minute}:00Z")});
        assert_eq!(api.send(&api.owner, "POST", "/v1/contacts/4/interactions", &new).await.status, 201);
        assert_eq!(row().await, (shown, json!(more)), "{channel}");
    }
    let whole = api.get(&api.owner, "/v1/contacts/4").await.json();
    assert_eq!(whole["contact"]["channels"].as_array().map(Vec::len), Some(5), "the contact itself has them all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_named_by_what_there_is() {
    let api = Api::new().await;
    for (new, name) in [
        (json!({"firstName": "Ana", "lastName": "Lim"}), "Ana Lim"),
        (json!({"lastName": "Lim", "email": "lim@example.org"}), "Lim"),
        (json!({"phone": "+60123450000", "email": "a@example.org"}), "+60123450000"),
        (json!({"email": "Only@Example.org"}), "Only@Example.org"),
    ] {
        let made = api.send(&api.owner, "POST", "/v1/contacts", &new).await.json();
        assert_eq!(made["contact"]["name"], name);
    }
    let bare = json!({"firstName": "Gone", "email": "gone@example.org"});
    let id = api.send(&api.owner, "POST", "/v1/contacts", &bare).await.json()["contact"]["id"].clone();
    let cleared = json!({"firstName": null, "email": null});
    let cleared = api.send(&api.owner, "PATCH", &format!("/v1/contacts/{id}"), &cleared).await.json();
    assert_eq!(cleared["contact"]["name"], format!("Contact {id}"));
    let manager = token(&api.engine, api.workspace, user("Nia", Role::Manager));
    assert_eq!(api.get(&manager, PATH).await.status, 200);
}
