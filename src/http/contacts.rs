//! `/v1/contacts` and `/v1/contacts/{identifier}`: make, read, change, delete one contact.

use std::sync::Arc;

use axum::extract::State;

use super::answer::Answer;
use super::app::App;
use super::identifier::Named;
use super::json::JsonBody;
use super::problem::Problem;
use super::query_string::QueryString;
use super::roles::{CreateContact, DeleteContact, May, ReadContact, UpdateContact, hide};
use super::wire::{ContactAnswer, ContactBody, ContactFields, Deleted};
use crate::contact::{Catalog, Contact};
use crate::engine::Written;

/// Make a contact
#[utoipa::path(post, operation_id = "createContact", path = "/contacts", tag = "Contacts", request_body = ContactFields,
    responses((status = 201, body = ContactAnswer, headers(("Location" = String)))))]
pub async fn create(
    State(app): State<App>,
    caller: May<CreateContact>,
    query: QueryString,
    JsonBody(fields): JsonBody<ContactFields>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    app.write(move |engine| {
        let written = engine.create_contact(caller.actor(), &fields.0)?;
        let location = format!("/v1/contacts/id:{}", written.value.id);
        Ok(answer(&written, &*engine.catalog(caller.actor().workspace)?)?.created(location))
    })
    .await
}

/// Read a contact
#[utoipa::path(get, operation_id = "getContact", path = "/contacts/{identifier}", tag = "Contacts",
    params(("identifier" = String, Path, description = "`17`, `id:17`, `email:ana@example.org` or `phone:+60123456789`"),
           ("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = ContactAnswer)))]
pub async fn read(
    State(app): State<App>,
    caller: May<ReadContact>,
    named: Named,
    query: QueryString,
) -> Result<Answer, Problem> {
    let min_version = query.min_version(&[])?;
    let at_hand = caller.at_hand(app.engine(), min_version);
    app.read_here(at_hand, move |engine| {
        let (found, catalog) = caller.contact(engine, &named, min_version)?;
        answer(&found, &catalog)
    })
    .await
}

/// Change a contact: only what is given; null takes a value away
///
/// `status` is what shows: `blocked` hides the conversation's own status (`conversationStatus`), any other unblocks and sets
/// it. To unblock and have the hidden status back, do the action `unblock` (`POST /v1/contacts/actions`).
#[utoipa::path(patch, operation_id = "updateContact", path = "/contacts/{identifier}", tag = "Contacts", request_body = ContactFields,
    params(("identifier" = String, Path, description = "`17`, `id:17`, `email:…` or `phone:+…`")),
    responses((status = 200, body = ContactAnswer)))]
pub async fn update(
    State(app): State<App>,
    caller: May<UpdateContact>,
    named: Named,
    query: QueryString,
    JsonBody(fields): JsonBody<ContactFields>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    app.write(move |engine| {
        let who = caller.reach(engine, &named)?;
        let written = engine.update_contact(caller.actor(), &who, &fields.0).map_err(|error| hide(error, &named))?;
        answer(&written, &*engine.catalog(caller.actor().workspace)?)
    })
    .await
}

/// Delete a contact and its whole history; this cannot be undone
#[utoipa::path(delete, operation_id = "deleteContact", path = "/contacts/{identifier}", tag = "Contacts",
    params(("identifier" = String, Path, description = "`17`, `id:17`, `email:…` or `phone:+…`")),
    responses((status = 200, body = Deleted)))]
pub async fn delete(
    State(app): State<App>,
    caller: May<DeleteContact>,
    named: Named,
    query: QueryString,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    app.write(move |engine| {
        let who = caller.reach(engine, &named)?;
        let gone = engine.delete_contact(caller.actor(), &who).map_err(|error| hide(error, &named))?;
        Answer::ok(gone.version, &Deleted { deleted: gone.value.0, version: gone.version })
    })
    .await
}

/// One contact as an answer.
///
/// # Errors
/// As [`Answer::ok`].
pub(super) fn answer(written: &Written<Arc<Contact>>, catalog: &Catalog) -> Result<Answer, Problem> {
    let contact = ContactBody::of(&written.value, catalog)?;
    Answer::sized(written.version, &ContactAnswer { contact, version: written.version }, 1024)
}
