//! `/v1/users`: the workspace's users, their roles and restrictions.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::identifier::Key;
use super::json::JsonBody;
use super::problem::{Kind, Problem};
use super::query_string::QueryString;
use super::roles::{ChangeUsers, May, ReadDefinitions};
use super::strict::clearable;
use super::wire::Listed;
use crate::contact::{Catalog, Role, Seq, User, UserId};
use crate::engine::Written;

/// What a user may do at all.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoleName {
    Owner,
    Manager,
    Agent,
}

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
#[serde(rename_all = "camelCase")]
pub struct UserBody {
    id: u32,
    first_name: String,
    last_name: Option<String>,
    email: String,
    role: RoleName,
    team: Option<String>,
    /// May not export.
    restrict_data_export: bool,
    /// May not delete contacts.
    restrict_contact_deletion: bool,
    /// Agents: sees contacts assigned to them only.
    show_only_mine: bool,
    /// Agents: sees contacts assigned to someone of their team only.
    show_team_contacts: bool,
}

/// A user to make.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewUser {
    first_name: String,
    last_name: Option<String>,
    /// Unique in the workspace, ignoring case.
    email: String,
    role: RoleName,
    team: Option<String>,
    #[serde(default)]
    restrict_data_export: bool,
    #[serde(default)]
    restrict_contact_deletion: bool,
    #[serde(default)]
    show_only_mine: bool,
    #[serde(default)]
    show_team_contacts: bool,
}

/// Changes of a user; null takes a value away.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UserChanges {
    first_name: Option<String>,
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<String>)]
    last_name: Option<Option<String>>,
    email: Option<String>,
    role: Option<RoleName>,
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<String>)]
    team: Option<Option<String>>,
    restrict_data_export: Option<bool>,
    restrict_contact_deletion: Option<bool>,
    show_only_mine: Option<bool>,
    show_team_contacts: Option<bool>,
}

/// One user.
#[derive(Serialize, ToSchema)]
pub struct UserAnswer {
    user: UserBody,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// List the workspace's users
#[utoipa::path(get, operation_id = "listUsers", path = "/users", tag = "Workspace",
    params(("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = Listed<UserBody>)))]
pub async fn list(State(app): State<App>, caller: May<ReadDefinitions>, query: QueryString) -> Result<Answer, Problem> {
    let min_version = query.min_version(&[])?;
    app.read(move |engine| {
        let found = engine.definitions(caller.actor().workspace, min_version)?;
        let items: Vec<UserBody> = found.value.users.values().map(UserBody::of).collect();
        let bytes = 256 + 256 * items.len();
        Answer::sized(found.version, &Listed { items, version: found.version }, bytes)
    })
    .await
}

/// Make a user
#[utoipa::path(post, operation_id = "createUser", path = "/users", tag = "Workspace", request_body = NewUser,
    responses((status = 201, body = UserAnswer)))]
pub async fn create(
    State(app): State<App>,
    caller: May<ChangeUsers>,
    query: QueryString,
    JsonBody(new): JsonBody<NewUser>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let workspace = caller.actor().workspace;
    app.define(workspace, move |engine| {
        let user = User {
            id: UserId(0),
            first_name: new.first_name,
            last_name: new.last_name,
            email: new.email,
            role: new.role.into(),
            team: new.team,
            restrict_data_export: new.restrict_data_export,
            restrict_contact_deletion: new.restrict_contact_deletion,
            show_only_mine: new.show_only_mine,
            show_team_contacts: new.show_team_contacts,
            columns: None,
        };
        let made = engine.put_user(caller.actor(), user)?;
        let location = format!("/v1/users/{}", made.value.id);
        Ok(answer(&made)?.created(location))
    })
    .await
}

/// Change a user
#[utoipa::path(patch, operation_id = "updateUser", path = "/users/{id}", tag = "Workspace", request_body = UserChanges,
    params(("id" = u32, Path)), responses((status = 200, body = UserAnswer)))]
pub async fn update(
    State(app): State<App>,
    caller: May<ChangeUsers>,
    key: Key,
    query: QueryString,
    JsonBody(changes): JsonBody<UserChanges>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let (workspace, id) = (caller.actor().workspace, UserId(key.id()?));
    app.define(workspace, move |engine| {
        let catalog = engine.catalog(workspace)?;
        let before = catalog.users.get(&id).ok_or_else(|| Problem::absent("user", &key.0))?;
        let user = changes.apply(before.clone());
        if user.role != Role::Owner && is_last_owner(before, &catalog) {
            let detail = "this user is the workspace's last owner; make another one first";
            return Err(Problem::new(Kind::Conflict, detail).code("last_owner"));
        }
        answer(&engine.put_user(caller.actor(), user)?)
    })
    .await
}

/// Without an owner nobody could ever change a user again.
fn is_last_owner(user: &User, catalog: &Catalog) -> bool {
    let owners = catalog.users.values().filter(|other| other.role == Role::Owner).count();
    user.role == Role::Owner && owners == 1
}

fn answer(written: &Written<User>) -> Result<Answer, Problem> {
    let version = written.version;
    Answer::ok(version, &UserAnswer { user: UserBody::of(&written.value), version })
}

impl UserChanges {
    fn apply(self, user: User) -> User {
        User {
            id: user.id,
            first_name: self.first_name.unwrap_or(user.first_name),
            last_name: self.last_name.unwrap_or(user.last_name),
            email: self.email.unwrap_or(user.email),
            role: self.role.map_or(user.role, Role::from),
            team: self.team.unwrap_or(user.team),
            restrict_data_export: self.restrict_data_export.unwrap_or(user.restrict_data_export),
            restrict_contact_deletion: self.restrict_contact_deletion.unwrap_or(user.restrict_contact_deletion),
            show_only_mine: self.show_only_mine.unwrap_or(user.show_only_mine),
            show_team_contacts: self.show_team_contacts.unwrap_or(user.show_team_contacts),
            columns: user.columns,
        }
    }
}

impl UserBody {
    /// The user as it is answered.
    pub fn of(user: &User) -> UserBody {
        UserBody {
            id: user.id.0,
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            email: user.email.clone(),
            role: user.role.into(),
            team: user.team.clone(),
            restrict_data_export: user.restrict_data_export,
            restrict_contact_deletion: user.restrict_contact_deletion,
            show_only_mine: user.show_only_mine,
            show_team_contacts: user.show_team_contacts,
        }
    }
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Role {
        match name {
            RoleName::Owner => Role::Owner,
            RoleName::Manager => Role::Manager,
            RoleName::Agent => Role::Agent,
        }
    }
}

impl From<Role> for RoleName {
    fn from(role: Role) -> RoleName {
        match role {
            Role::Owner => RoleName::Owner,
            Role::Manager => RoleName::Manager,
            Role::Agent => RoleName::Agent,
        }
    }
}
