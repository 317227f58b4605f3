//! `rollcall rebuild`: make the index anew from the store.

use clap::Args;

use crate::config::Config;

use super::failure::Failure;
use super::{folder, show};

#[derive(Args)]
pub(super) struct Rebuild {
    #[command(flatten)]
    only: super::pick::Several,
}

impl Rebuild {
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        folder::with_engine(config, |engine| {
            for workspace in self.only.workspaces(engine)? {
                engine.rebuild(workspace.id)?;
                show::line(&format!("workspace {}: the index is made anew", workspace.name))?;
            }
            Ok(())
        })
    }
}
