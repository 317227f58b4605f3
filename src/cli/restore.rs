//! `rollcall restore`: a new data folder from a backup.

use std::fs::File;
use std::path::PathBuf;

use clap::Args;

use crate::config::Config;
use crate::engine;

use super::failure::Failure;
use super::{folder, show};

#[derive(Args)]
pub(super) struct Restore {
    /// The backup to read.
    file: PathBuf,
}

impl Restore {
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        let target = &config.store.folder;
        if folder::is_used(target) {
            return Err(Failure::Usage(format!(
                "{} holds data already; restore into a new folder with --folder",
                target.display()
            )));
        }
        let mut file = File::open(&self.file).map_err(|error| Failure::file("read", &self.file, &error))?;
        let store = folder::open_store(config, true)?;
        let restored = engine::restore(&store, &mut file);
        drop(store);
        let contacts = restored.inspect_err(|_| folder::remove_store(target))?;
        show::line(&format!("{contacts} contacts restored into {}", target.display()))
    }
}
