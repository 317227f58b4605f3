//! `rollcall config`: the configuration in force.

use clap::Args;

use crate::config::{DEFAULTS, Loaded};

use super::failure::Failure;
use super::show;

#[derive(Args)]
pub(super) struct Show {
    /// Print every key with its default and its meaning instead: a file to start from.
    #[arg(long)]
    defaults: bool,
}

impl Show {
    pub fn run(self, loaded: &Loaded) -> Result<(), Failure> {
        let text = if self.defaults { DEFAULTS.to_owned() } else { loaded.print() };
        show::line(text.trim_end())
    }
}
