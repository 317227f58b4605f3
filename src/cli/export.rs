//! `rollcall export`: the contacts of a workspace, all or those of a query, and what it defines.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value as Json;

use crate::config::Config;
use crate::engine::export::{self, Format};
use crate::engine::{Actor, Definition, Engine, Error, Query, SegmentRef};

use super::failure::Failure;
use super::pick::Pick;
use super::progress::Progress;
use super::{folder, show};

#[derive(Args)]
pub(super) struct Export {
    #[command(flatten)]
    pick: Pick,
    /// The file to write; standard output where absent.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// csv or ndjson; by the name of the file where absent, else csv.
    #[arg(long, value_parser = super::import::format)]
    format: Option<Format>,
    /// Only contacts that this search finds.
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Only contacts that match this filter, as the API takes it.
    #[arg(long, value_name = "JSON", value_parser = filter)]
    filter: Option<Json>,
    /// Only contacts of this segment, by name or id.
    #[arg(long, value_name = "NAME|ID")]
    segment: Option<String>,
    /// Write instead what the workspace defines (fields, tags, channels, users, stages), for `workspace create --definition`.
    #[arg(long, conflicts_with_all = ["format", "search", "filter", "segment"])]
    definition: bool,
}

/// What is to be written.
enum What {
    Definition(Box<Definition>),
    Contacts(export::Export),
}

impl Export {
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        folder::with_engine(config, |engine| {
            let what = self.what(engine)?;
            match &self.output {
                // Made only now: an export that is refused must not empty an earlier one.
                Some(path) => {
                    let failed = |error: &std::io::Error| Failure::file("write", path, error);
                    let mut out = BufWriter::new(create(path).map_err(|error| failed(&error))?);
                    let written = self.write(what, &mut out, &failed)?;
                    show::remark(&format!("{written} written to {}", path.display()));
                }
                None => {
                    let mut out = BufWriter::new(std::io::stdout().lock());
                    let written = self.write(what, &mut out, &Failure::output)?;
                    show::remark(&format!("{written} written"));
                }
            }
            Ok(())
        })
    }

    /// What was asked for, as it is now.
    fn what(&self, engine: &Engine) -> Result<What, Failure> {
        let workspace = self.pick.workspace(engine)?;
        Ok(match self.definition {
            true => What::Definition(Box::new(Definition::of(&*engine.catalog(workspace.id)?))),
            false => What::Contacts(engine.export(&Actor::operator(workspace.id), &self.query())?),
        })
    }

    /// Writes it and says what it was.
    fn write(
        &self,
        what: What,
        out: &mut dyn Write,
        failed: &dyn Fn(&std::io::Error) -> Failure,
    ) -> Result<String, Failure> {
        let export = match what {
            What::Contacts(export) => export,
            What::Definition(definition) => {
                serde_json::to_writer_pretty(&mut *out, &definition).map_err(|error| failed(&error.into()))?;
                writeln!(out).and_then(|()| out.flush()).map_err(|error| failed(&error))?;
                return Ok("the definition is".to_owned());
            }
        };
        let is_ndjson = self.output.as_deref().and_then(Path::extension).is_some_and(|e| e == "ndjson" || e == "jsonl");
        let format = self.format.unwrap_or(if is_ndjson { Format::Ndjson } else { Format::Csv });
        let mut progress = Progress::of("contacts", export.count());
        let written = export.write(format, out, &mut |done| progress.at(done));
        progress.finish();
        match written {
            Ok(1) => Ok("1 contact is".to_owned()),
            Ok(contacts) => Ok(format!("{contacts} contacts are")),
            Err(export::Failed::Output(error)) => Err(failed(&error)),
            Err(export::Failed::Engine(error)) => Err(Error::into(error)),
        }
    }

    /// What narrows the export.
    fn query(&self) -> Query {
        let segment = self.segment.as_deref().map(SegmentRef::from);
        Query { search: self.search.clone(), filter: self.filter.clone(), segment, ..Query::default() }
    }
}

/// A filter tree's JSON.
fn filter(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))
}

/// An export holds personal data: only its owner may read it.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
