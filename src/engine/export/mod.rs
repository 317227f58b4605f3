//! Contacts as rows of CSV or NDJSON, which an import reads back to the same contacts, all as they were at one moment.

pub(super) mod cell;
mod page;
mod rows;
pub(super) mod snapshot;

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::{Actor, Engine, Error, Query};
use crate::contact::WorkspaceId;

pub use page::page;
pub use rows::Rows;
pub use snapshot::Export;

/// How many contacts are read under one lock: writers wait no longer than that takes.
const CHUNK: usize = 100;

/// The form of an exported or imported file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A header, then one line per contact; custom fields are columns.
    Csv,
    /// One JSON object per line.
    Ndjson,
}

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// What was to be written to failed.
    #[error("cannot write the export: {0}")]
    Output(#[from] io::Error),
    /// The contacts could not be read.
    #[error(transparent)]
    Engine(#[from] Error),
}

impl Export {
    /// Writes every contact, ascending by id, and returns how many: as many as were counted at the beginning. `progress`
    /// hears the number so far.
    ///
    /// # Errors
    /// Those of [`Export::next_chunk`] and of the writer.
    pub fn write(mut self, format: Format, out: &mut dyn Write, progress: &mut dyn FnMut(u64)) -> Result<u64, Failed> {
        let catalog = self.catalog().clone();
        let mut rows = Rows::new(format, out, &catalog)?;
        let mut written = 0;
        loop {
            let contacts = self.next_chunk(CHUNK)?;
            if contacts.is_empty() {
                break;
            }
            for contact in &contacts {
                rows.write(contact)?;
            }
            written += contacts.len() as u64;
            progress(written);
        }
        if written != self.count() {
            let message = format!("{written} contacts were written where {} were counted", self.count());
            return Err(Error::Io(message).into());
        }
        rows.finish()?;
        Ok(written)
    }
}

/// Writes every contact of a workspace as of one moment, ascending by id, and returns how many. `progress` hears the number
/// so far.
///
/// # Errors
/// Those of [`Export::write`].
pub fn run(
    engine: &Engine,
    ws: WorkspaceId,
    format: Format,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, Failed> {
    engine.export(&Actor::operator(ws), &Query::default())?.write(format, out, progress)
}
