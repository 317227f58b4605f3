//! `/v1/contacts/{identifier}/tags`: add tags to one contact, remove them.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::contacts::answer;
use super::identifier::Named;
use super::json::{JsonBody, OptionalJsonBody};
use super::problem::Problem;
use super::query_string::QueryString;
use super::roles::{May, TagContact, hide};
use super::wire::ContactAnswer;

/// Names of tags.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagNames {
    /// In any case; adding makes those the workspace does not know.
    #[schema(example = json!(["vip"]))]
    tags: Vec<String>,
}

/// Add tags to a contact
#[utoipa::path(post, operation_id = "addContactTags", path = "/contacts/{identifier}/tags", tag = "Contacts", request_body = TagNames,
    params(("identifier" = String, Path, description = "`17`, `id:17`, `email:…` or `phone:+…`")),
    responses((status = 200, body = ContactAnswer)))]
pub async fn add(
    State(app): State<App>,
    caller: May<TagContact>,
    named: Named,
    query: QueryString,
    JsonBody(names): JsonBody<TagNames>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let names = given(names.tags)?;
    app.write(move |engine| {
        let who = caller.reach(engine, &named)?;
        let written = engine.add_tags(caller.actor(), &who, &names).map_err(|error| hide(error, &named))?;
        answer(&written, &*engine.catalog(caller.actor().workspace)?)
    })
    .await
}

/// Remove tags from a contact: named in the body, or in the query where a body cannot be sent
#[utoipa::path(delete, operation_id = "removeContactTags", path = "/contacts/{identifier}/tags", tag = "Contacts", request_body = Option<TagNames>,
    params(("identifier" = String, Path, description = "`17`, `id:17`, `email:…` or `phone:+…`"),
           ("tags" = Option<Vec<String>>, Query, description = "A tag's name; once per tag")),
    responses((status = 200, body = ContactAnswer)))]
pub async fn remove(
    State(app): State<App>,
    caller: May<TagContact>,
    named: Named,
    query: QueryString,
    OptionalJsonBody(body): OptionalJsonBody<TagNames>,
) -> Result<Answer, Problem> {
    query.only(&["tags"])?;
    let mut names: Vec<String> = query.all("tags").map(str::to_owned).collect();
    match body {
        Some(_) if !names.is_empty() => {
            return Err(Problem::mistake(
                "tags",
                "given_twice",
                "tags are named in the body or in the query, not in both",
            ));
        }
        Some(body) => names = body.tags,
        None => {}
    }
    let names = given(names)?;
    app.write(move |engine| {
        let who = caller.reach(engine, &named)?;
        let written = engine.remove_tags(caller.actor(), &who, &names).map_err(|error| hide(error, &named))?;
        answer(&written, &*engine.catalog(caller.actor().workspace)?)
    })
    .await
}

fn given(names: Vec<String>) -> Result<Vec<String>, Problem> {
    if names.is_empty() {
        return Err(Problem::mistake("tags", "missing_member", "name at least one tag"));
    }
    Ok(names)
}
