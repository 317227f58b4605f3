//! The HTTP interface over a small workspace in memory, called without a network.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use rollcall::clock::Clock;
use rollcall::config::Config;
use rollcall::contact::{Millis, Role, User, WorkspaceId};
use rollcall::engine::{Engine, NewWorkspace};
use rollcall::http::{Settings, router};
use rollcall::store::MemoryStore;
use serde_json::{Value as Json, json};
use tower::ServiceExt;

/// What the clock says: 2026-03-02T10:00:00Z.
pub const NOW: Millis = 1_772_445_600_000;

/// A server with one workspace, its users' tokens, and another workspace beside it.
pub struct Api {
    pub engine: Arc<Engine>,
    pub router: Router,
    pub owner: String,
    pub manager: String,
    /// A manager who may not delete contacts.
    pub keeper: String,
    /// Sees every contact.
    pub agent: String,
    /// Sees contacts assigned to them only.
    pub loner: String,
    /// Sees contacts assigned to their team, `east`, only; `loner` is of that team.
    pub mate: String,
    /// An owner of the other workspace.
    pub stranger: String,
    pub workspace: WorkspaceId,
}

/// An answer.
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Reply {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    /// The problem's code.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The defaults, without a rate limit.
pub fn settings() -> Settings {
    let defaults = Config::defaults().expect("the defaults are read");
    Settings { bind: ([127, 0, 0, 1], 0).into(), rate_per_second: 0, ..defaults.http }
}

/// An empty engine in memory, its clock standing at [`NOW`].
pub fn engine() -> Arc<Engine> {
    let defaults = Config::defaults().expect("the defaults are read").engine;
    let settings = rollcall::engine::Settings { min_version_wait_ms: 20, ..defaults };
    Engine::open(Arc::new(MemoryStore::default()), None, settings, Clock::fixed(NOW)).expect("an engine opens")
}

/// A workspace with nothing in it but the users it is given.
pub fn workspace(engine: &Engine, name: &str) -> WorkspaceId {
    let new = NewWorkspace {
        name: name.into(),
        default_country: Some("MY".into()),
        timezone: "Asia/Kuala_Lumpur".into(),
        locale: "en".into(),
    };
    engine.create_workspace(new).expect("a workspace is made").id
}

/// A user as a test begins with: change what matters.
pub fn user(first_name: &str, role: Role) -> User {
    User::new(first_name, format!("{}@example.org", first_name.to_lowercase()), role)
}

/// Makes the user and a token.
pub fn token(engine: &Engine, workspace: WorkspaceId, user: User) -> String {
    let made = engine.put_user(workspace, user).expect("a user is made").value;
    engine.create_token(workspace, made.id, "test", None).expect("a token is made").1
}

impl Api {
    /// Users, tokens, two channels, two stages, tags, three custom fields and four contacts; the same in both workspaces.
    pub async fn new() -> Api {
        Api::over(engine()).await
    }

    /// The same over an empty engine.
    pub async fn over(engine: Arc<Engine>) -> Api {
        let (here, there) = (workspace(&engine, "Here"), workspace(&engine, "There"));
        let east = || Some("east".to_owned());
        let made = |user| token(&engine, here, user);
        let api = Api {
            owner: made(user("Olga", Role::Owner)),
            manager: made(user("Mia", Role::Manager)),
            keeper: made(User { restrict_contact_deletion: true, ..user("Kim", Role::Manager) }),
            agent: made(user("Abe", Role::Agent)),
            loner: made(User { show_only_mine: true, team: east(), ..user("Lou", Role::Agent) }),
            mate: made(User { show_team_contacts: true, team: east(), ..user("Max", Role::Agent) }),
            stranger: token(&engine, there, user("Sam", Role::Owner)),
            router: router(engine.clone(), settings()),
            workspace: here,
            engine,
        };
        for token in [&api.owner, &api.stranger] {
            api.furnish(token).await;
        }
        api
    }

    async fn furnish(&self, token: &str) {
        let things = [
            ("/v1/channels", json!({"name": "Shop", "source": "whatsapp"})),
            ("/v1/channels", json!({"name": "Desk", "source": "email"})),
            ("/v1/lifecycle-stages", json!({"name": "New Lead"})),
            ("/v1/lifecycle-stages", json!({"name": "Customer"})),
            ("/v1/tags", json!({"name": "vip", "color": "#ff8800"})),
            ("/v1/fields", json!({"name": "Plan", "dataType": "list", "allowedValues": ["free", "gold"]})),
            ("/v1/fields", json!({"name": "Age", "dataType": "number"})),
            ("/v1/fields", json!({"name": "Born", "dataType": "date"})),
            (
                "/v1/contacts",
                json!({"firstName": "Óscar", "lastName": "Núñez", "email": "oscar@example.org",
                "phone": "+60 12-345 6789", "tags": ["vip", "new"], "lifecycle": "Customer",
                "customFields": {"plan": "gold", "age": 41}}),
            ),
            ("/v1/contacts", json!({"firstName": "Scarlet", "email": "scarlet@example.org", "language": "en"})),
            ("/v1/contacts", json!({"firstName": "李", "lastName": "雷", "phone": "+8613800138000"})),
            ("/v1/contacts", json!({"firstName": "Ben", "customFields": {"age": 7}})),
        ];
        for (path, body) in things {
            let reply = self.send(token, "POST", path, &body).await;
            assert_eq!(reply.status, 201, "{path} {body}: {}", String::from_utf8_lossy(&reply.bytes));
        }
    }

    /// Sends JSON.
    pub async fn send(&self, token: &str, method: &str, path: &str, body: &Json) -> Reply {
        let headers = [("content-type", "application/json")];
        self.raw(Some(token), method, path, &headers, body.to_string().into_bytes()).await
    }

    /// Asks without a body.
    pub async fn get(&self, token: &str, path: &str) -> Reply {
        self.raw(Some(token), "GET", path, &[], Vec::new()).await
    }

    /// Sends anything.
    pub async fn raw(
        &self,
        token: Option<&str>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::from(body)).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body").to_vec();
        Reply { status: parts.status.as_u16(), headers: parts.headers, bytes }
    }

    /// The workspace's version now.
    pub async fn version(&self, token: &str) -> u64 {
        self.get(token, "/v1/workspace").await.json()["version"].as_u64().expect("a version")
    }
}
