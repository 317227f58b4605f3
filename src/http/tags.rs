//! `/v1/tags`: the workspace's tags.

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
use super::strict::clearable;
use super::wire::{Deleted, Listed};
use crate::contact::{Seq, Tag, TagId};
use crate::engine::Written;

/// A tag.
#[derive(Serialize, ToSchema)]
#[schema(as = Tag)]
pub struct TagBody {
    id: u32,
    name: String,
    description: Option<String>,
    emoji: Option<String>,
    color: Option<String>,
}

/// A tag to make. The name is unique in the workspace, ignoring case.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTag {
    /// Up to 255 characters.
    name: String,
    description: Option<String>,
    emoji: Option<String>,
    color: Option<String>,
}

/// Changes of a tag; null takes a value away.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagChanges {
    name: Option<String>,
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<String>)]
    emoji: Option<Option<String>>,
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<String>)]
    color: Option<Option<String>>,
}

/// One tag.
#[derive(Serialize, ToSchema)]
pub struct TagAnswer {
    tag: TagBody,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// List the workspace's tags
#[utoipa::path(get, operation_id = "listTags", path = "/tags", tag = "Workspace",
    params(("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = Listed<TagBody>)))]
pub async fn list(State(app): State<App>, caller: May<ReadDefinitions>, query: QueryString) -> Result<Answer, Problem> {
    let min_version = query.min_version(&[])?;
    app.read(move |engine| {
        let found = engine.definitions(caller.actor().workspace, min_version)?;
        let items: Vec<TagBody> = found.value.tags.values().cloned().map(TagBody::from).collect();
        let bytes = 256 + 128 * items.len();
        Answer::sized(found.version, &Listed { items, version: found.version }, bytes)
    })
    .await
}

/// Make a tag
#[utoipa::path(post, operation_id = "createTag", path = "/tags", tag = "Workspace", request_body = NewTag,
    responses((status = 201, body = TagAnswer)))]
pub async fn create(
    State(app): State<App>,
    caller: May<ChangeDefinitions>,
    query: QueryString,
    JsonBody(new): JsonBody<NewTag>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let workspace = caller.actor().workspace;
    app.define(workspace, move |engine| {
        let tag =
            Tag { id: TagId(0), name: new.name, description: new.description, emoji: new.emoji, color: new.color };
        let made = engine.put_tag(caller.actor(), tag)?;
        let location = format!("/v1/tags/{}", made.value.id);
        Ok(answer(made)?.created(location))
    })
    .await
}

/// Change a tag; contacts that carry it follow
#[utoipa::path(patch, operation_id = "updateTag", path = "/tags/{id}", tag = "Workspace", request_body = TagChanges,
    params(("id" = u32, Path)), responses((status = 200, body = TagAnswer)))]
pub async fn update(
    State(app): State<App>,
    caller: May<ChangeDefinitions>,
    key: Key,
    query: QueryString,
    JsonBody(changes): JsonBody<TagChanges>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let (workspace, id) = (caller.actor().workspace, TagId(key.id()?));
    app.define(workspace, move |engine| {
        let found = engine.catalog(workspace)?.tags.get(&id).cloned();
        let mut tag = found.ok_or_else(|| Problem::absent("tag", &key.0))?;
        tag.name = changes.name.unwrap_or(tag.name);
        tag.description = changes.description.unwrap_or(tag.description);
        tag.emoji = changes.emoji.unwrap_or(tag.emoji);
        tag.color = changes.color.unwrap_or(tag.color);
        answer(engine.put_tag(caller.actor(), tag)?)
    })
    .await
}

/// Remove a tag, from every contact too
#[utoipa::path(delete, operation_id = "deleteTag", path = "/tags/{id}", tag = "Workspace", params(("id" = u32, Path)),
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
        let version = engine.delete_tag(workspace, TagId(id))?;
        Answer::ok(version, &Deleted { deleted: id, version })
    })
    .await
}

fn answer(written: Written<Tag>) -> Result<Answer, Problem> {
    let version = written.version;
    Answer::ok(version, &TagAnswer { tag: written.value.into(), version })
}

impl From<Tag> for TagBody {
    fn from(tag: Tag) -> TagBody {
        TagBody { id: tag.id.0, name: tag.name, description: tag.description, emoji: tag.emoji, color: tag.color }
    }
}
