//! `rollcall backup`: everything in one portable file.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;

use clap::Args;

use crate::config::Config;

use super::failure::Failure;
use super::{folder, show};

#[derive(Args)]
pub(super) struct Backup {
    /// The file to write; it must not be there yet.
    file: PathBuf,
}

impl Backup {
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        if self.file.exists() {
            return Err(Failure::Usage(format!("{} is there already; name a new file", self.file.display())));
        }
        // Under another name until it is whole, so that a torn file is never taken for a backup.
        let mut partial = self.file.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let failed = |error: &std::io::Error| Failure::file("write", &self.file, error);
        let contacts = folder::with_engine(config, |engine| {
            let mut file = create(&partial).map_err(|error| failed(&error))?;
            let contacts = engine.backup(&mut file)?;
            file.sync_all().map_err(|error| failed(&error))?;
            Ok(contacts)
        });
        let contacts = match contacts {
            Ok(contacts) => contacts,
            Err(failure) => {
                let _ = std::fs::remove_file(&partial);
                return Err(failure);
            }
        };
        std::fs::rename(&partial, &self.file).map_err(|error| failed(&error))?;
        show::line(&format!("{contacts} contacts written to {}", self.file.display()))
    }
}

/// A backup holds personal data: only its owner may read it.
fn create(path: &std::path::Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
