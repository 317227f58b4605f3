//! `rollcall import`: contacts from a CSV or NDJSON file, by the same job as over HTTP.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::config::Config;
use crate::contact::{DataType, JobId, JobState};
use crate::engine::export::Format;
use crate::engine::import::{
    ColumnTo, Columns, Import as State, MatchBy, NewFields, NewImport, Options, Phase, Purpose, Tally, Unmapped,
};
use crate::engine::{Actor, Engine};

use super::failure::Failure;
use super::pick::Pick;
use super::progress::Progress;
use super::{folder, show};

/// Bytes of the file uploaded at a time.
const PIECE: usize = 1 << 20;
/// How often the job is looked at.
const ROUND: Duration = Duration::from_millis(20);

#[derive(Args)]
pub(super) struct Import {
    /// The file: CSV in any encoding, or NDJSON.
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
    /// add, update, addOrUpdate, or addAll: even if e-mail or phone are taken.
    #[arg(long, value_parser = purpose, default_value = "add")]
    purpose: Purpose,
    /// The same as --purpose addAll.
    #[arg(long, conflicts_with = "purpose")]
    allow_duplicates: bool,
    /// By what a row finds its contact: email, phone or id; without it by e-mail, else by phone.
    #[arg(long, value_parser = match_by)]
    match_by: Option<MatchBy>,
    /// A tag for every row's contact; may be given again.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Say what would be done and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// csv or ndjson, where the file does not tell.
    #[arg(long, value_parser = format)]
    format: Option<Format>,
    /// What stands between the cells of a CSV, where the file does not tell: one character, or tab.
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Its encoding, where the file does not tell: utf-8, utf-16le, windows-1252 …
    #[arg(long)]
    encoding: Option<String>,
    /// Where failed rows go with their reasons; by default FILE.failed.csv (or .ndjson) beside the file.
    #[arg(long, value_name = "FILE")]
    failed: Option<PathBuf>,
}

impl Import {
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        let name = self.file.file_name().map(|name| name.to_string_lossy().into_owned());
        let new = NewImport {
            name,
            format: self.format,
            delimiter: self.delimiter.map(char::from),
            encoding: self.encoding.clone(),
        };
        let file = File::open(&self.file).map_err(|error| Failure::file("read", &self.file, &error))?;
        let (tally, failed) = folder::with_engine(config, |engine| {
            let actor = Actor::operator(self.pick.workspace(engine)?.id);
            let id = engine.create_import(&actor, new)?.value;
            let done = self.carry_out(engine, &actor, id, file);
            // What is not started is of no use to anyone; what runs on is.
            if engine.import(actor.workspace, id).is_ok_and(|import| import.job.state == JobState::Prepared) {
                engine.cancel_import(&actor, id)?;
            }
            done
        })?;
        let Tally { added, updated, unchanged, failed: refused, .. } = tally;
        match self.purpose {
            Purpose::Add | Purpose::AddAll => show::line(&format!("{added} imported, {refused} failed"))?,
            Purpose::Update | Purpose::AddOrUpdate => {
                show::line(&format!("{added} added, {updated} updated, {unchanged} unchanged, {refused} failed"))?
            }
        }
        if let Some(file) = failed {
            show::remark(&format!("the failed rows with their reasons are in {}", file.display()));
        }
        if refused > 0 && added + updated + unchanged == 0 {
            return Err(Failure::Failed("no row could be imported".to_owned()));
        }
        Ok(())
    }

    /// Uploads, checks or runs; what came of the rows, and where the failed ones are.
    fn carry_out(
        &self,
        engine: &Engine,
        actor: &Actor,
        id: JobId,
        file: File,
    ) -> Result<(Tally, Option<PathBuf>), Failure> {
        self.upload(engine, actor, id, file)?;
        let ready = follow(engine, actor, id, |_| {})?;
        let rows = ready.spec.look.as_ref().map_or(0, |look| look.rows);
        for remark in ready.spec.look.iter().flat_map(|look| &look.remarks) {
            show::remark(remark);
        }
        match self.dry_run {
            true => engine.check_import(actor, id, self.options())?,
            false => engine.start_import(actor, id, self.options())?,
        };
        if let Some(plan) = engine.import(actor.workspace, id)?.spec.plan {
            for field in &plan.new_fields {
                show::remark(&format!("new field {} ({})", field.slug, type_name(field.data_type)));
            }
            for column in &plan.left_out {
                show::remark(&format!("column {column} is left out"));
            }
        }
        let mut progress = Progress::of("rows", rows);
        let over = follow(engine, actor, id, |done| progress.at(done));
        progress.finish();
        let State { spec, .. } = over?;
        if let Some(tally) = spec.check.filter(|_| self.dry_run) {
            for failure in &tally.failures {
                show::remark(&format!("row {}: {}", failure.row, failure.reason));
            }
            return Ok((tally, None));
        }
        let failed = if spec.tally.failed > 0 { Some(self.save_failed(engine, actor, id)?) } else { None };
        Ok((spec.tally, failed))
    }

    fn upload(&self, engine: &Engine, actor: &Actor, id: JobId, mut file: File) -> Result<(), Failure> {
        let mut offset = 0;
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let read = Read::by_ref(&mut file).take(PIECE as u64).read_to_end(&mut piece);
            read.map_err(|error| Failure::file("read", &self.file, &error))?;
            if piece.is_empty() {
                break;
            }
            offset = engine.upload(actor.workspace, id, offset, piece)?.value;
        }
        engine.end_upload(actor.workspace, id)?;
        Ok(())
    }

    fn options(&self) -> Options {
        let columns = self.map.iter().map(|(header, field)| (header.clone(), ColumnTo::Field(field.clone())));
        Options {
            purpose: if self.allow_duplicates { Purpose::AddAll } else { self.purpose },
            match_by: self.match_by.unwrap_or_default(),
            columns: Columns(columns.collect()),
            new_fields: Some(NewFields::Every(self.new_fields)),
            types: Columns(self.types.clone()),
            unmapped: if self.ignore_unknown { Unmapped::Ignore } else { Unmapped::Refuse },
            tags: self.tags.clone(),
            timezone: None,
        }
    }

    fn save_failed(&self, engine: &Engine, actor: &Actor, id: JobId) -> Result<PathBuf, Failure> {
        let mut result = engine.import_result(actor.workspace, id)?;
        let path = self.failed.clone().unwrap_or_else(|| failed_beside(&self.file, result.format));
        let failure = |error: std::io::Error| Failure::file("write", &path, &error);
        let mut out = File::create(&path).map_err(failure)?;
        loop {
            let piece = result.piece()?;
            if piece.is_empty() {
                break;
            }
            out.write_all(&piece).map_err(failure)?;
        }
        Ok(path)
    }
}

/// Waits until the job rests, and hears the number of rows done.
fn follow(engine: &Engine, actor: &Actor, id: JobId, mut done: impl FnMut(u64)) -> Result<State, Failure> {
    loop {
        let import = engine.import(actor.workspace, id)?;
        match import.job.state {
            JobState::Running => {
                if import.spec.phase != Phase::Looking {
                    done(import.job.counts.done);
                }
                std::thread::sleep(ROUND);
            }
            JobState::Failed => {
                return Err(Failure::Failed(import.job.error.unwrap_or_else(|| "the import failed".to_owned())));
            }
            _ => return Ok(import),
        }
    }
}

fn failed_beside(file: &Path, format: Format) -> PathBuf {
    file.with_extension(match format {
        Format::Csv => "failed.csv",
        Format::Ndjson => "failed.ndjson",
    })
}

fn purpose(name: &str) -> Result<Purpose, String> {
    let known = [
        ("add", Purpose::Add),
        ("update", Purpose::Update),
        ("addOrUpdate", Purpose::AddOrUpdate),
        ("addAll", Purpose::AddAll),
    ];
    let found = known.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, purpose)| *purpose).ok_or_else(|| "use add, update, addOrUpdate or addAll".to_owned())
}

fn match_by(name: &str) -> Result<MatchBy, String> {
    match name.to_lowercase().as_str() {
        "email" => Ok(MatchBy::Email),
        "phone" => Ok(MatchBy::Phone),
        "id" => Ok(MatchBy::Id),
        _ => Err("use email, phone or id".to_owned()),
    }
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
