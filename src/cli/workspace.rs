//! `rollcall workspace`: make, list and delete workspaces.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::config::Config;
use crate::contact::{Role, User};
use crate::engine::{Actor, Definition, Engine, NewWorkspace, Query};

use super::failure::Failure;
use super::pick::Pick;
use super::{folder, show};

#[derive(Subcommand)]
pub(super) enum Workspace {
    /// Make a workspace with its owner, and the data folder where there is none.
    Create {
        /// Its name; unique on this server.
        name: String,
        /// Country (two letters) in which a phone number without + is read.
        #[arg(long)]
        country: Option<String>,
        /// IANA time zone of calendar times.
        #[arg(long, default_value = "UTC")]
        timezone: String,
        /// Locale of the order of text.
        #[arg(long, default_value = "en")]
        locale: String,
        /// E-mail of the owner.
        #[arg(long, value_name = "EMAIL", default_value = "owner@rollcall.example")]
        owner: String,
        /// Define what this file says, as `rollcall export --definition` wrote it of another workspace.
        #[arg(long, value_name = "FILE")]
        definition: Option<PathBuf>,
    },
    /// List the workspaces.
    List,
    /// Delete a workspace with everything in it, tokens included, for good. `rollcall compact` then takes what is left of it
    /// out of the files.
    Delete {
        /// Workspace, by name or id.
        #[arg(value_name = "NAME|ID")]
        name: String,
        /// How many contacts it has, as a confirmation.
        #[arg(long, value_name = "CONTACTS")]
        yes_delete: Option<u64>,
    },
}

impl Workspace {
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        match self {
            Workspace::List => folder::with_engine(config, |engine| list(engine)),
            Workspace::Delete { name, yes_delete } => {
                folder::with_engine(config, |engine| delete(engine, name, yes_delete))
            }
            Workspace::Create { name, country, timezone, locale, owner, definition } => {
                // Read first, so that a wrong file leaves no half-made workspace.
                let definition = definition.as_deref().map(read).transpose()?.unwrap_or_default();
                let engine = folder::open(config, true)?;
                let new = NewWorkspace { name, default_country: country, timezone, locale };
                let made = make(&engine, new, &owner, &definition);
                engine.close()?;
                let workspace = made?;
                show::line(&format!("workspace {} {}", workspace.id, workspace.name))
            }
        }
    }
}

/// Makes a workspace, what the definition says, and an owner if it says none.
pub(super) fn make(
    engine: &Engine,
    new: NewWorkspace,
    owner: &str,
    definition: &Definition,
) -> Result<crate::contact::Workspace, Failure> {
    let workspace = engine.create_workspace(new)?;
    definition.apply(engine, workspace.id)?;
    if !definition.users.iter().any(|user| user.role == Role::Owner) {
        let owner = User::new("Owner", owner, Role::Owner);
        engine.put_user(workspace.id, owner)?;
    }
    Ok(workspace)
}

fn delete(engine: &Engine, name: String, confirmed: Option<u64>) -> Result<(), Failure> {
    let workspace = Pick::named(name).workspace(engine)?;
    let contacts = engine.count(&Actor::operator(workspace.id), &Query::default())?.value;
    match confirmed {
        Some(confirmed) => engine.delete_workspace(workspace.id, confirmed)?,
        None => {
            return Err(Failure::Usage(format!(
                "the workspace {} has {contacts} contacts; to delete them all, for good: --yes-delete {contacts}",
                workspace.name
            )));
        }
    }
    show::line(&format!("workspace {} {} is deleted with {contacts} contacts", workspace.id, workspace.name))
}

fn read(file: &Path) -> Result<Definition, Failure> {
    let text = std::fs::read(file).map_err(|error| Failure::file("read", file, &error))?;
    serde_json::from_slice(&text)
        .map_err(|error| Failure::Failed(format!("{} is not a definition: {error}", file.display())))
}

fn list(engine: &Engine) -> Result<(), Failure> {
    let mut rows = vec![["ID", "NAME", "CONTACTS", "COUNTRY", "TIME ZONE", "LOCALE"].map(str::to_owned).to_vec()];
    for workspace in engine.workspaces()? {
        let operator = Actor::operator(workspace.id);
        let contacts = engine.count(&operator, &Query::default())?.value;
        rows.push(vec![
            workspace.id.to_string(),
            workspace.name,
            contacts.to_string(),
            workspace.default_country.unwrap_or_else(|| "-".to_owned()),
            workspace.timezone,
            workspace.locale,
        ]);
    }
    show::table(&rows)
}
