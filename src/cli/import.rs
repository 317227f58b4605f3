//! `rollcall import`: contacts from a CSV or NDJSON file.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::Config;
use crate::contact::DataType;
use crate::engine::export::Format;
use crate::engine::{Actor, import};

use super::failure::Failure;
use super::pick::Pick;
use super::progress::Progress;
use super::{folder, show};

#[derive(Args)]
pub(super) struct Import {
    /// The file: .csv (also .tsv, .txt) or .ndjson (also .jsonl).
    file: PathBuf,
    #[command(flatten)]
    pick: Pick,
    /// Which column fills which field; may be given again. Columns named like a field need none.
    #[arg(long = "map", value_name = "COLUMN=FIELD", value_parser = pair)]
    map: Vec<(String, String)>,
    /// Make a custom field of every unknown column, with a type that fits all its values.
    #[arg(long)]
    new_fields: bool,
    /// The type of a new field instead of the guessed one: text, number, date, time, checkbox, email or url.
    #[arg(long = "type", value_name = "COLUMN=TYPE", value_parser = typed, requires = "new_fields")]
    types: Vec<(String, DataType)>,
    /// Leave unknown columns out.
    #[arg(long, conflicts_with = "new_fields")]
    ignore_unknown: bool,
    /// Create contacts even if their e-mail or phone is taken.
    #[arg(long)]
    allow_duplicates: bool,
    /// csv or ndjson, where the name of the file does not tell.
    #[arg(long, value_parser = format)]
    format: Option<Format>,
    /// What stands between the cells of a CSV: one character, or tab.
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Where failed rows go with their reasons; by default FILE.failed.csv (or .ndjson) beside the file.
    #[arg(long, value_name = "FILE")]
    failed: Option<PathBuf>,
}

impl Import {
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        let format = match self.format {
            Some(format) => format,
            None => of_name(&self.file)?,
        };
        let is_tsv = self.file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tsv"));
        let options = import::Options {
            format,
            delimiter: self.delimiter.unwrap_or(if is_tsv { b'\t' } else { b',' }),
            map: self.map,
            types: self.types,
            new_fields: self.new_fields,
            ignore_unknown: self.ignore_unknown,
            allow_duplicates: self.allow_duplicates,
        };
        let failed = self.failed.unwrap_or_else(|| failed_beside(&self.file, format));
        let summary = folder::with_engine(config, |engine| {
            let workspace = self.pick.workspace(engine)?;
            let plan = import::plan(&self.file, &*engine.catalog(workspace.id)?, &options)?;
            for field in &plan.new_fields {
                let made = engine.create_field(workspace.id, field.clone())?.value;
                show::remark(&format!("new field {} ({})", made.slug, type_name(made.data_type)));
            }
            for column in &plan.ignored {
                show::remark(&format!("column {column} is left out"));
            }
            let actor = Actor::operator(workspace.id);
            let mut progress = Progress::of("rows", plan.rows);
            let run = import::run(engine, &actor, &self.file, &options, &plan, &failed, &mut |done| progress.at(done));
            progress.finish();
            Ok(run?)
        })?;
        show::line(&format!("{} imported, {} failed", summary.imported, summary.failed))?;
        if let Some(file) = &summary.failed_file {
            show::remark(&format!("the failed rows with their reasons are in {}", file.display()));
        }
        if summary.imported == 0 && summary.failed > 0 {
            return Err(Failure::Failed("no row could be imported".to_owned()));
        }
        Ok(())
    }
}

fn of_name(file: &Path) -> Result<Format, Failure> {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_lowercase();
    match extension.as_str() {
        "csv" | "tsv" | "txt" => Ok(Format::Csv),
        "ndjson" | "jsonl" => Ok(Format::Ndjson),
        _ => Err(Failure::Usage(format!("the name {} does not tell what it holds; use --format", file.display()))),
    }
}

fn failed_beside(file: &Path, format: Format) -> PathBuf {
    file.with_extension(match format {
        Format::Csv => "failed.csv",
        Format::Ndjson => "failed.ndjson",
    })
}

/// `left=right`; the right side holds no `=`, so that a header may.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('=') {
        Some((left, right)) if !left.trim().is_empty() && !right.trim().is_empty() => {
            Ok((left.trim().to_owned(), right.trim().to_owned()))
        }
        _ => Err("use COLUMN=NAME".to_owned()),
    }
}

const TYPES: [(&str, DataType); 7] = [
    ("text", DataType::Text),
    ("number", DataType::Number),
    ("date", DataType::Date),
    ("time", DataType::Time),
    ("checkbox", DataType::Checkbox),
    ("email", DataType::Email),
    ("url", DataType::Url),
];

fn typed(text: &str) -> Result<(String, DataType), String> {
    let (column, name) = pair(text)?;
    let found = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
    let names = || TYPES.map(|(name, _)| name).join(", ");
    found
        .map(|(_, data_type)| (column, *data_type))
        .ok_or_else(|| format!("there is no type {name}; use one of {}", names()))
}

fn type_name(data_type: DataType) -> &'static str {
    TYPES.iter().find(|(_, known)| *known == data_type).map_or("list", |(name, _)| name)
}

/// The format of that name.
pub(super) fn format(name: &str) -> Result<Format, String> {
    match name.to_lowercase().as_str() {
        "csv" => Ok(Format::Csv),
        "ndjson" => Ok(Format::Ndjson),
        _ => Err("use csv or ndjson".to_owned()),
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if text.eq_ignore_ascii_case("tab") || text == "\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => Err("use one ASCII character, or tab".to_owned()),
    }
}
