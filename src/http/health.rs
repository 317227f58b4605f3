//! Whether the server lives, and whether it is ready for work.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::app::App;
use super::problem::{Kind, Problem};

/// What a good server answers.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`
    status: &'static str,
    /// The program's version.
    release: &'static str,
}

const OK: Health = Health { status: "ok", release: env!("CARGO_PKG_VERSION") };

/// The process lives and answers
#[utoipa::path(get, operation_id = "getHealth", path = "/health", tag = "Server", security(()), responses((status = 200, body = Health)))]
pub async fn health() -> Json<Health> {
    Json(OK)
}

/// The engine answers and the store takes writes
#[utoipa::path(get, operation_id = "getReady", path = "/ready", tag = "Server", security(()), responses((status = 200, body = Health)))]
pub async fn ready(State(app): State<App>) -> Result<Json<Health>, Problem> {
    if app.is_closing() {
        return Err(Problem::new(Kind::Closing, "the server is shutting down"));
    }
    app.read(|engine| match engine.read_only() {
        None => Ok(engine.workspaces().map(|_| Json(OK))?),
        Some(_) => Err(Problem::new(Kind::ReadOnly, "the store takes no writes at present; reads go on")),
    })
    .await
}
