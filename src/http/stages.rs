//! `/v1/lifecycle-stages`: the workspace's ordered lifecycle stages.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::identifier::Key;
use super::json::JsonBody;
use super::problem::Problem;
use super::query_string::QueryString;
use super::roles::{ChangeDefinitions, May, ReadDefinitions};
use super::wire::{Deleted, Listed};
use crate::contact::{Seq, Stage, StageId};
use crate::engine::Written;

/// A lifecycle stage.
#[derive(Serialize, ToSchema)]
#[schema(as = LifecycleStage)]
pub struct StageBody {
    id: u32,
    name: String,
    /// Its place in the order; equal places are ordered by id.
    position: u32,
}

/// A lifecycle stage to make.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = NewLifecycleStage)]
#[serde(deny_unknown_fields)]
pub struct NewStage {
    name: String,
    /// Its place in the order; the last where absent or 0.
    position: Option<u32>,
}

/// Changes of a lifecycle stage.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = LifecycleStageChanges)]
#[serde(deny_unknown_fields)]
pub struct StageChanges {
    name: Option<String>,
    position: Option<u32>,
}

/// One lifecycle stage.
#[derive(Serialize, ToSchema)]
#[schema(as = LifecycleStageAnswer)]
pub struct StageAnswer {
    stage: StageBody,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// List the workspace's lifecycle stages in their order
#[utoipa::path(get, operation_id = "listLifecycleStages", path = "/lifecycle-stages", tag = "Workspace",
    params(("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = Listed<StageBody>)))]
pub async fn list(State(app): State<App>, caller: May<ReadDefinitions>, query: QueryString) -> Result<Answer, Problem> {
    let min_version = query.min_version(&[])?;
    app.read(move |engine| {
        let found = engine.definitions(caller.actor().workspace, min_version)?;
        let items: Vec<StageBody> = found.value.stages_in_order().into_iter().cloned().map(StageBody::from).collect();
        Answer::ok(found.version, &Listed { items, version: found.version })
    })
    .await
}

/// Make a lifecycle stage
#[utoipa::path(post, operation_id = "createLifecycleStage", path = "/lifecycle-stages", tag = "Workspace", request_body = NewStage,
    responses((status = 201, body = StageAnswer)))]
pub async fn create(
    State(app): State<App>,
    caller: May<ChangeDefinitions>,
    query: QueryString,
    JsonBody(new): JsonBody<NewStage>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let workspace = caller.actor().workspace;
    app.define(workspace, move |engine| {
        let stage = Stage { id: StageId(0), name: new.name, position: new.position.unwrap_or(0) };
        let made = engine.put_stage(caller.actor(), stage)?;
        let location = format!("/v1/lifecycle-stages/{}", made.value.id);
        Ok(answer(made)?.created(location))
    })
    .await
}

/// Rename or move a lifecycle stage
#[utoipa::path(patch, operation_id = "updateLifecycleStage", path = "/lifecycle-stages/{id}", tag = "Workspace", request_body = StageChanges,
    params(("id" = u32, Path)), responses((status = 200, body = StageAnswer)))]
pub async fn update(
    State(app): State<App>,
    caller: May<ChangeDefinitions>,
    key: Key,
    query: QueryString,
    JsonBody(changes): JsonBody<StageChanges>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let (workspace, id) = (caller.actor().workspace, StageId(key.id()?));
    app.define(workspace, move |engine| {
        let found = engine.catalog(workspace)?.stages.get(&id).cloned();
        let mut stage = found.ok_or_else(|| Problem::absent("lifecycle stage", &key.0))?;
        stage.name = changes.name.unwrap_or(stage.name);
        stage.position = changes.position.unwrap_or(stage.position);
        answer(engine.put_stage(caller.actor(), stage)?)
    })
    .await
}

/// Remove a lifecycle stage, from every contact too
#[utoipa::path(delete, operation_id = "deleteLifecycleStage", path = "/lifecycle-stages/{id}", tag = "Workspace", params(("id" = u32, Path)),
    responses((status = 200, body = Deleted)))]
pub async fn delete(
    State(app): State<App>,
    caller: May<ChangeDefinitions>,
    key: Key,
    query: QueryString,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let (workspace, id) = (caller.actor().workspace, key.id()?);
    app.define(workspace, move |engine| {
        let version = engine.delete_stage(workspace, StageId(id))?;
        Answer::ok(version, &Deleted { deleted: id, version })
    })
    .await
}

fn answer(written: Written<Stage>) -> Result<Answer, Problem> {
    let version = written.version;
    Answer::ok(version, &StageAnswer { stage: written.value.into(), version })
}

impl From<Stage> for StageBody {
    fn from(stage: Stage) -> StageBody {
        StageBody { id: stage.id.0, name: stage.name, position: stage.position }
    }
}
