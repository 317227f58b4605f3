//! `/v1/me/columns`: which columns the token's user sees in the table of contacts, and in what order.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::json::JsonBody;
use super::problem::{Kind, Problem};
use super::query_string::QueryString;
use super::roles::{ChangeOwnColumns, May};
use crate::contact::{Catalog, Seq, User, column};

/// The columns to show.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnNames {
    /// Fields in the order shown; a custom field by its slug or as `customFields.slug`. `name` cannot be left out.
    #[schema(example = json!(["name", "email", "tags", "customFields.plan"]))]
    columns: Vec<String>,
}

/// The columns of the token's user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ColumnsAnswer {
    /// Names as a search takes them in `columns`. Those of custom fields that were removed are gone.
    columns: Vec<String>,
    /// Whether the user has chosen none: these are the columns of everyone who has not.
    is_default: bool,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// Read which columns the token's user sees
#[utoipa::path(get, operation_id = "getColumns", path = "/me/columns", tag = "Workspace",
    params(("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = ColumnsAnswer)))]
pub async fn read(
    State(app): State<App>,
    caller: May<ChangeOwnColumns>,
    query: QueryString,
) -> Result<Answer, Problem> {
    let min_version = query.min_version(&[])?;
    app.read(move |engine| {
        let found = engine.definitions(caller.actor().workspace, min_version)?;
        let user = caller.actor().user_id().and_then(|id| found.value.users.get(&id));
        let user = user.ok_or_else(|| Problem::new(Kind::Forbidden, "columns are kept for each user"))?;
        answer(user, &found.value, found.version)
    })
    .await
}

/// Set which columns the token's user sees, and in what order
#[utoipa::path(put, operation_id = "setColumns", path = "/me/columns", tag = "Workspace", request_body = ColumnNames,
    responses((status = 200, body = ColumnsAnswer)))]
pub async fn replace(
    State(app): State<App>,
    caller: May<ChangeOwnColumns>,
    query: QueryString,
    JsonBody(names): JsonBody<ColumnNames>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let workspace = caller.actor().workspace;
    app.define(workspace, move |engine| {
        let written = engine.put_columns(caller.actor(), &names.columns)?;
        answer(&written.value, &*engine.catalog(workspace)?, written.version)
    })
    .await
}

fn answer(user: &User, catalog: &Catalog, version: Seq) -> Result<Answer, Problem> {
    let columns = column::of(user, catalog).into_iter().map(|field| column::name(field, catalog)).collect();
    Answer::ok(version, &ColumnsAnswer { columns, is_default: user.columns.is_none(), version })
}
