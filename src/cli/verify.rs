//! `rollcall verify`: compare index and store completely.

use clap::Args;

use crate::config::Config;

use super::failure::Failure;
use super::{folder, show};

#[derive(Args)]
pub(super) struct Verify {
    #[command(flatten)]
    only: super::pick::Several,
}

impl Verify {
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        folder::with_engine(config, |engine| {
            let mut problems = 0;
            for workspace in self.only.workspaces(engine)? {
                let report = engine.verify(workspace.id)?;
                for problem in &report.problems {
                    show::line(&format!("{}: {problem}", workspace.name))?;
                }
                problems += report.problems.len();
                show::remark(&format!(
                    "workspace {}: {} contacts, {} problems",
                    workspace.name,
                    report.contacts,
                    report.problems.len()
                ));
            }
            if problems > 0 {
                return Err(Failure::Failed(format!(
                    "{problems} problems; `rollcall rebuild` mends an index, a backup mends a damaged record"
                )));
            }
            show::line("index and store agree")
        })
    }
}
