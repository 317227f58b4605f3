//! The workspace and the user that a command means.

use clap::Args;

use crate::contact::{Catalog, Role, User, Workspace, fold};
use crate::engine::Engine;

use super::failure::Failure;

/// Names a workspace.
#[derive(Args)]
pub(super) struct Pick {
    /// Workspace, by name or id; not needed where there is only one.
    #[arg(long, value_name = "NAME|ID")]
    workspace: Option<String>,
}

impl Pick {
    /// The one of that name or id.
    pub fn named(name: String) -> Pick {
        Pick { workspace: Some(name) }
    }

    /// The workspace meant.
    pub fn workspace(&self, engine: &Engine) -> Result<Workspace, Failure> {
        let all = engine.workspaces()?;
        let names = || all.iter().map(|workspace| workspace.name.as_str()).collect::<Vec<_>>().join(", ");
        let found = match &self.workspace {
            Some(wanted) => {
                let folded = fold::compare(wanted);
                let named = all.iter().find(|workspace| fold::compare(&workspace.name) == folded);
                named.or_else(|| all.iter().find(|workspace| workspace.id.to_string() == *wanted))
            }
            None if all.len() > 1 => {
                return Err(Failure::Usage(format!(
                    "there are several workspaces: name one of them with --workspace: {}",
                    names()
                )));
            }
            None => all.first(),
        };
        match (found, &self.workspace) {
            (Some(workspace), _) => Ok(workspace.clone()),
            (None, Some(wanted)) if !all.is_empty() => {
                Err(Failure::Usage(format!("there is no workspace {wanted}; there are: {}", names())))
            }
            (None, _) => {
                Err(Failure::Usage("there is no workspace yet; make one with `rollcall workspace create NAME`".into()))
            }
        }
    }
}

/// The user of that e-mail or id; without one the first owner.
pub(super) fn user<'a>(catalog: &'a Catalog, wanted: Option<&str>) -> Result<&'a User, Failure> {
    let found = match wanted {
        Some(wanted) => {
            let by_id = || catalog.users.values().find(|user| user.id.to_string() == wanted);
            catalog.user_with_email(wanted).or_else(by_id)
        }
        None => catalog.users.values().find(|user| user.role == Role::Owner),
    };
    found.ok_or_else(|| match wanted {
        Some(wanted) => Failure::Usage(format!("the workspace has no user {wanted}")),
        None => Failure::Usage("the workspace has no owner; name a user with --user EMAIL".into()),
    })
}

/// Names one workspace or means all.
#[derive(Args)]
pub(super) struct Several {
    /// Only this workspace, by name or id; all where absent.
    #[arg(long, value_name = "NAME|ID")]
    workspace: Option<String>,
}

impl Several {
    /// The workspaces meant.
    pub fn workspaces(self, engine: &Engine) -> Result<Vec<Workspace>, Failure> {
        match self.workspace {
            None => Ok(engine.workspaces()?),
            workspace => Ok(vec![Pick { workspace }.workspace(engine)?]),
        }
    }
}
