//! `/v1/channels`: the workspace's connected channels.

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
use super::wire::Listed;
use crate::contact::{Channel, ChannelId, Seq};
use crate::engine::Written;

/// A channel.
#[derive(Serialize, ToSchema)]
#[schema(as = Channel)]
pub struct ChannelBody {
    id: u32,
    name: String,
    /// `whatsapp`, `facebook`, `instagram`, `telegram`, `email`, `sms` …
    source: String,
}

/// A channel to make.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    name: String,
    /// `whatsapp`, `facebook`, `instagram`, `telegram`, `email`, `sms` …; fixed once made.
    source: String,
}

/// Changes of a channel.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelChanges {
    name: Option<String>,
}

/// One channel.
#[derive(Serialize, ToSchema)]
pub struct ChannelAnswer {
    channel: ChannelBody,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// List the workspace's channels
#[utoipa::path(get, operation_id = "listChannels", path = "/channels", tag = "Workspace",
    params(("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = Listed<ChannelBody>)))]
pub async fn list(State(app): State<App>, caller: May<ReadDefinitions>, query: QueryString) -> Result<Answer, Problem> {
    let min_version = query.min_version(&[])?;
    app.read(move |engine| {
        let found = engine.definitions(caller.actor().workspace, min_version)?;
        let items: Vec<ChannelBody> = found.value.channels.values().cloned().map(ChannelBody::from).collect();
        Answer::ok(found.version, &Listed { items, version: found.version })
    })
    .await
}

/// Make a channel
#[utoipa::path(post, operation_id = "createChannel", path = "/channels", tag = "Workspace", request_body = NewChannel,
    responses((status = 201, body = ChannelAnswer)))]
pub async fn create(
    State(app): State<App>,
    caller: May<ChangeDefinitions>,
    query: QueryString,
    JsonBody(new): JsonBody<NewChannel>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let workspace = caller.actor().workspace;
    app.define(workspace, move |engine| {
        let made =
            engine.put_channel(caller.actor(), Channel { id: ChannelId(0), name: new.name, source: new.source })?;
        let location = format!("/v1/channels/{}", made.value.id);
        Ok(answer(made)?.created(location))
    })
    .await
}

/// Rename a channel
#[utoipa::path(patch, operation_id = "updateChannel", path = "/channels/{id}", tag = "Workspace", request_body = ChannelChanges,
    params(("id" = u32, Path)), responses((status = 200, body = ChannelAnswer)))]
pub async fn update(
    State(app): State<App>,
    caller: May<ChangeDefinitions>,
    key: Key,
    query: QueryString,
    JsonBody(changes): JsonBody<ChannelChanges>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let (workspace, id) = (caller.actor().workspace, ChannelId(key.id()?));
    app.define(workspace, move |engine| {
        let found = engine.catalog(workspace)?.channels.get(&id).cloned();
        let mut channel = found.ok_or_else(|| Problem::absent("channel", &key.0))?;
        channel.name = changes.name.unwrap_or(channel.name);
        answer(engine.put_channel(caller.actor(), channel)?)
    })
    .await
}

fn answer(written: Written<Channel>) -> Result<Answer, Problem> {
    let version = written.version;
    Answer::ok(version, &ChannelAnswer { channel: written.value.into(), version })
}

impl From<Channel> for ChannelBody {
    fn from(channel: Channel) -> ChannelBody {
        ChannelBody { id: channel.id.0, name: channel.name, source: channel.source }
    }
}
