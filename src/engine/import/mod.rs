//! Rows of a file as contacts of a workspace: columns are mapped, rows checked one by one, good ones created.

mod infer;
mod mapping;
mod source;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::export::Format;
use super::{Actor, Engine, Error, NewField};
use crate::contact::{Catalog, DataType};

use mapping::Target;
use source::{Row, Source};

/// Rows that share one batch of the store.
const BATCH: usize = 500;

/// The column a file of failed rows carries in addition; ignored when such a file is imported again.
pub const REASON: &str = "importError";

/// How a file is read.
#[derive(Clone, Debug)]
pub struct Options {
    pub format: Format,
    /// CSV: what stands between cells.
    pub delimiter: u8,
    /// Header → field, before the rule that equal names map themselves.
    pub map: Vec<(String, String)>,
    /// Headers whose new custom field gets this type instead of the guessed one.
    pub types: Vec<(String, DataType)>,
    /// Make custom fields of unknown columns.
    pub new_fields: bool,
    /// Leave unknown columns out.
    pub ignore_unknown: bool,
    /// Create contacts whose e-mail or phone is taken.
    pub allow_duplicates: bool,
}

/// What an import will do, known before the first contact is created.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Rows of the file.
    pub rows: u64,
    /// Custom fields to be made.
    pub new_fields: Vec<NewField>,
    /// Columns that are left out.
    pub ignored: Vec<String>,
    columns: Vec<Target>,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub imported: u64,
    pub failed: u64,
    /// Where the failed rows are, if there are any.
    pub failed_file: Option<PathBuf>,
}

/// Reads the file once to see what its columns are.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read, [`Error::Invalid`] naming every column that fits no field.
pub fn plan(file: &Path, catalog: &Catalog, options: &Options) -> Result<Plan, Error> {
    let mut source = Source::open(file, options)?;
    let mut guesses = infer::Guesses::default();
    let mut rows = 0;
    while let Some(row) = source.next_row()? {
        rows += 1;
        if let Ok(cells) = &row.cells {
            guesses.see(source.columns(), cells);
        }
    }
    let columns = source.columns();
    let mapped = mapping::map(columns, &guesses, catalog, options)?;
    Ok(Plan { rows, new_fields: mapped.new_fields, ignored: mapped.ignored, columns: mapped.targets })
}

/// Creates the contacts of a planned file; the plan's new fields must have been made. A row that fails goes to
/// `failed` with its reason, and the rest is imported. `progress` hears the number of rows done.
///
/// # Errors
/// [`Error::Io`] where a file cannot be read or written, and what stops the engine from writing at all.
pub fn run(
    engine: &Engine,
    actor: &Actor,
    file: &Path,
    options: &Options,
    plan: &Plan,
    failed: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Summary, Error> {
    let mut source = Source::open(file, options)?;
    let mut failures = Failures { path: failed, format: options.format, out: None, count: 0 };
    let mut summary = Summary::default();
    let mut done = 0;
    loop {
        let mut rows = Vec::with_capacity(BATCH);
        let mut items = Vec::with_capacity(BATCH);
        while rows.len() < BATCH {
            let Some(mut row) = source.next_row()? else { break };
            let cells = std::mem::replace(&mut row.cells, Ok(Vec::new()));
            let unreadable = cells.and_then(|cells| item(&plan.columns, cells)).map(|item| items.push(item)).err();
            rows.push((row, unreadable));
        }
        if rows.is_empty() {
            break;
        }
        done += rows.len() as u64;
        let created = match items.as_slice() {
            [] => Vec::new(),
            items => engine.create_many(actor, items, true, options.allow_duplicates)?.value,
        };
        let mut results = created.into_iter();
        for (row, unreadable) in &rows {
            let reason = match unreadable {
                Some(reason) => Some(reason.clone()),
                None => results.next().and_then(Result::err).map(|error| error.to_string()),
            };
            match reason {
                Some(reason) => failures.write(&source, row, &reason)?,
                None => summary.imported += 1,
            }
        }
        progress(done);
    }
    summary.failed = failures.count;
    summary.failed_file = failures.finish()?;
    Ok(summary)
}

/// The JSON of one contact from the cells of a row. Empty cells are left out.
fn item(targets: &[Target], cells: Vec<(usize, Json)>) -> Result<Map<String, Json>, String> {
    let mut item = Map::new();
    let mut customs = Map::new();
    for (column, value) in cells {
        if value.is_null() || value.as_str().is_some_and(str::is_empty) {
            continue;
        }
        match targets.get(column) {
            Some(Target::Member(name)) => {
                item.insert(name.clone(), mapping::member(name, value)?);
            }
            Some(Target::Custom(slug)) => {
                customs.insert(slug.clone(), value);
            }
            Some(Target::Ignored) | None => {}
        }
    }
    if !customs.is_empty() {
        item.insert(super::export::CUSTOM.to_owned(), Json::Object(customs));
    }
    Ok(item)
}

/// The file of failed rows; made when the first one comes.
struct Failures<'a> {
    path: &'a Path,
    format: Format,
    out: Option<BufWriter<File>>,
    count: u64,
}

impl Failures<'_> {
    fn write(&mut self, source: &Source, row: &Row, reason: &str) -> Result<(), Error> {
        self.count += 1;
        let path = self.path;
        let io_error = |error: std::io::Error| Error::Io(format!("cannot write {}: {error}", path.display()));
        let is_first = self.out.is_none();
        let mut out = match self.out.take() {
            Some(out) => out,
            None => BufWriter::new(File::create(path).map_err(io_error)?),
        };
        match self.format {
            Format::Csv => {
                if is_first {
                    out.write_all(&source.failed_header()).map_err(io_error)?;
                }
                out.write_all(&source.failed_row(row, reason)).map_err(io_error)?;
            }
            Format::Ndjson => {
                let line = row.failed_object(reason);
                writeln!(out, "{line}").map_err(io_error)?;
            }
        }
        self.out = Some(out);
        Ok(())
    }

    fn finish(self) -> Result<Option<PathBuf>, Error> {
        let Some(mut out) = self.out else { return Ok(None) };
        out.flush().map_err(|error| Error::Io(format!("cannot write {}: {error}", self.path.display())))?;
        Ok(Some(self.path.to_owned()))
    }
}
