//! `/v1/workspace` and `/v1/me`: where a token leads, and what its user may do there.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::problem::Problem;
use super::query_string::QueryString;
use super::roles::{Grant, May, RULES, ReadDefinitions};
use super::users::UserBody;
use crate::contact::{Seq, Workspace, time};

/// A workspace.
#[derive(Serialize, ToSchema)]
#[schema(as = Workspace)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceBody {
    id: u32,
    name: String,
    /// ISO 3166-1 alpha-2: how a phone number without `+` is read.
    default_country: Option<String>,
    /// IANA time zone of calendar times where a request names none.
    timezone: String,
    /// BCP 47 locale of the sort order of text.
    locale: String,
    /// RFC 3339, UTC.
    created_at: String,
}

/// The workspace of the token.
#[derive(Serialize, ToSchema)]
pub struct WorkspaceAnswer {
    workspace: WorkspaceBody,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// The user of the token.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// Absent for the operator.
    user: Option<UserBody>,
    workspace: WorkspaceBody,
    /// What the user may do: `yes`, `seen` (on a contact that they may see) or `no`, by action.
    may: BTreeMap<&'static str, &'static str>,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// Read the token's workspace
#[utoipa::path(get, operation_id = "getWorkspace", path = "/workspace", tag = "Workspace",
    params(("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = WorkspaceAnswer)))]
pub async fn read(State(app): State<App>, caller: May<ReadDefinitions>, query: QueryString) -> Result<Answer, Problem> {
    let min_version = query.min_version(&[])?;
    app.read(move |engine| {
        let found = engine.definitions(caller.actor().workspace, min_version)?;
        let workspace = WorkspaceBody::of(&found.value.workspace);
        Answer::ok(found.version, &WorkspaceAnswer { workspace, version: found.version })
    })
    .await
}

/// Read who the token is, and what they may do
#[utoipa::path(get, operation_id = "getMe", path = "/me", tag = "Workspace",
    params(("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = Me)))]
pub async fn me(State(app): State<App>, caller: May<ReadDefinitions>, query: QueryString) -> Result<Answer, Problem> {
    let min_version = query.min_version(&[])?;
    app.read(move |engine| {
        let found = engine.definitions(caller.actor().workspace, min_version)?;
        let user = caller.actor().user.as_deref();
        let may = RULES.iter().map(|rule| {
            let grant = match rule.grant(user) {
                Ok(Grant::Yes) => "yes",
                Ok(Grant::Seen) => "seen",
                Ok(Grant::No) | Err(_) => "no",
            };
            (rule.action, grant)
        });
        let body = Me {
            user: user.map(UserBody::of),
            workspace: WorkspaceBody::of(&found.value.workspace),
            may: may.collect(),
            version: found.version,
        };
        Answer::ok(found.version, &body)
    })
    .await
}

impl WorkspaceBody {
    fn of(workspace: &Workspace) -> WorkspaceBody {
        WorkspaceBody {
            id: workspace.id.0,
            name: workspace.name.clone(),
            default_country: workspace.default_country.clone(),
            timezone: workspace.timezone.clone(),
            locale: workspace.locale.clone(),
            created_at: time::rfc3339(workspace.created_at),
        }
    }
}
