//! Imports: a file is uploaded piece by piece into the store, looked at, checked without writing anything, and made contacts
//! of, row by row. An import is a job; HTTP and the command line use it alike.

mod apply;
mod columns;
mod failed;
mod headers;
mod infer;
mod look;
mod mapping;
mod sniff;
mod source;
mod spec;
mod step;
mod text;

pub use columns::Columns;
pub use mapping::{FieldToMake, Plan};
pub use spec::{
    Column, ColumnDetails, ColumnTo, Failure, Look, MatchBy, NewFields, NewImport, Options, Phase, Purpose, Shape,
    Spec, Suggestion, Sure, Tally, Unmapped, forget_values,
};
pub use step::{Benches, clear_after, step};

use serde_json::json;

use super::jobs::{not_now, refuse_crowd, refuse_receipts, save};
use super::txn::Txn;
use super::{Actor, Engine, Error, Result, Written};
use crate::contact::{Job, JobId, JobKind, JobState, Mistake, Part, PartKind, WorkspaceId};
use step::Ready;
use text::PartBytes;

/// The column a file of failed rows carries in addition; ignored when such a file is imported again.
pub const REASON: &str = "importError";
/// Characters of an import's name.
const NAME_CHARS_MAX: usize = 255;

/// An import: its job, and what the job keeps of it.
pub struct Import {
    pub job: Job,
    pub spec: Spec,
}

impl Engine {
    /// The workspace's imports, newest first.
    ///
    /// # Errors
    /// What the store reports.
    pub fn imports(&self, ws: WorkspaceId) -> Result<Vec<Import>> {
        let jobs = self.jobs(ws)?.value.into_iter().filter(|job| job.kind == JobKind::Import);
        jobs.map(|job| Ok(Import { spec: Spec::of(&job)?, job })).collect()
    }

    /// One import.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn import(&self, ws: WorkspaceId, id: JobId) -> Result<Import> {
        let job = match self.job(ws, id) {
            Err(Error::NotFound { what: "job", .. }) => return Err(absent(id)),
            found => found?.value,
        };
        if job.kind != JobKind::Import {
            return Err(absent(id));
        }
        Ok(Import { spec: Spec::of(&job)?, job })
    }

    /// Makes an import, whose file comes next.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an encoding or delimiter that is none.
    pub fn create_import(&self, actor: &Actor, new: NewImport) -> Result<Written<JobId>> {
        check_new(&new)?;
        let user = actor.user_id();
        self.committer.write_as(actor, move |txn| {
            refuse_receipts(txn)?;
            let id = JobId(txn.next_item());
            let mut job = Job::new(id, JobKind::Import, JobState::Prepared, user, txn.now);
            Spec { new, ..Spec::default() }.keep(&mut job);
            save(txn, &job)?;
            Ok(id)
        })
    }

    /// Puts a piece of the file at its place, and says how many bytes are there now. A piece that is there already, or begins
    /// with what is there, is not put twice.
    ///
    /// # Errors
    /// `upload_gap` with `uploaded` in its details; `upload_differs` where other bytes are there; `upload_complete`; [`Error::Limit`]; [`Error::Invalid`] for a file that is
    /// no text.
    pub fn upload(&self, ws: WorkspaceId, id: JobId, offset: u64, bytes: Vec<u8>) -> Result<Written<u64>> {
        self.committer.write(ws, move |txn| {
            let (mut job, mut spec) = stored(txn, id)?;
            let end = offset.saturating_add(bytes.len() as u64);
            let known = spec.uploaded.saturating_sub(offset).min(bytes.len() as u64) as usize;
            if !repeats(txn, id, offset, &bytes[..known])? {
                let message = format!(
                    "import {id} has other bytes from {offset} on, so this is another file: make a new import for it"
                );
                return Err(not_now("upload_differs", message));
            }
            if end <= spec.uploaded {
                return Ok(spec.uploaded);
            }
            if job.state != JobState::Prepared || spec.phase != Phase::Uploading {
                let message = format!("the file of import {id} is complete: make a new import for another file");
                return Err(not_now("upload_complete", message));
            }
            if offset > spec.uploaded {
                let message = format!("{} bytes are there: go on at offset {}", spec.uploaded, spec.uploaded);
                let details = Some(Box::new(json!({"uploaded": spec.uploaded})));
                return Err(Error::State { code: "upload_gap", message, details });
            }
            if end > txn.settings.import_bytes_max {
                let limit = usize::try_from(txn.settings.import_bytes_max).unwrap_or(usize::MAX);
                return Err(Error::Limit { what: "the size of an uploaded file in bytes", limit });
            }
            let fresh = &bytes[(spec.uploaded - offset) as usize..];
            if spec.uploaded == 0 {
                sniff::refuse_foreign(fresh).map_err(|why| Mistake::new("file", "not_a_table", why))?;
            }
            append(txn, id, spec.uploaded, fresh)?;
            spec.uploaded = end;
            spec.keep(&mut job);
            save(txn, &job)?;
            Ok(end)
        })
    }

    /// The file is whole: it is looked at next, in the background. Said again it changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`]; `import_over` where the import was cancelled.
    pub fn end_upload(&self, ws: WorkspaceId, id: JobId) -> Result<Written<u64>> {
        let written = self.committer.write(ws, move |txn| {
            let (mut job, mut spec) = stored(txn, id)?;
            if spec.phase == Phase::Uploading {
                prepared(&job)?;
                spec.phase = Phase::Looking;
                job.state = JobState::Running;
                spec.keep(&mut job);
                save(txn, &job)?;
            }
            Ok(spec.uploaded)
        })?;
        self.jobs.push(ws, id);
        Ok(written)
    }

    /// Begins a dry run: it says what the run would do and writes no contact.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every mistake of the options; `import_not_ready`, `import_busy`, `import_over`.
    pub fn check_import(&self, actor: &Actor, id: JobId, options: Options) -> Result<Written<JobId>> {
        self.begin(actor, id, options, Phase::Checking)
    }

    /// Begins the run.
    ///
    /// # Errors
    /// As [`Engine::check_import`].
    pub fn start_import(&self, actor: &Actor, id: JobId, options: Options) -> Result<Written<JobId>> {
        self.begin(actor, id, options, Phase::Running)
    }

    fn begin(&self, actor: &Actor, id: JobId, options: Options, phase: Phase) -> Result<Written<JobId>> {
        let written = self.committer.write_as(actor, move |txn| {
            let (mut job, mut spec) = stored(txn, id)?;
            let look = ready(&job, &spec)?;
            refuse_crowd(txn)?;
            spec.plan = Some(mapping::resolve(look, &options, txn.catalog(), txn.settings.fields_max)?);
            spec.phase = phase;
            spec.tally = Tally::default();
            job.state = JobState::Running;
            job.cursor = 0;
            if phase == Phase::Running {
                job.started_at = Some(txn.now);
            } else {
                spec.check = None;
            }
            spec.keep(&mut job);
            save(txn, &job)?;
            Ok(id)
        })?;
        self.jobs.push(actor.workspace, id);
        Ok(written)
    }

    /// Stops an import after the batch it is at; contacts that were made or changed stay so. Its file is removed.
    ///
    /// # Errors
    /// [`Error::NotFound`]; `job_finished` where nothing is left to stop.
    pub fn cancel_import(&self, actor: &Actor, id: JobId) -> Result<Written<JobId>> {
        self.import(actor.workspace, id)?;
        self.cancel_job(actor, id)
    }

    /// The rows that failed, each with its reason, in the form of the file.
    ///
    /// # Errors
    /// `import_not_over` until the import has run.
    pub fn import_result(&self, ws: WorkspaceId, id: JobId) -> Result<ImportResult> {
        let Import { job, spec } = self.import(ws, id)?;
        let over = matches!(job.state, JobState::Done | JobState::Cancelled | JobState::Failed);
        if !over {
            return Err(not_now(
                "import_not_over",
                format!("import {id} has not run to its end: there is no result yet"),
            ));
        }
        let format = spec.look.as_ref().map_or(super::export::Format::Csv, |look| look.shape.format);
        Ok(ImportResult { bytes: PartBytes::new(self.shared.clone(), ws, id, PartKind::Failed), format })
    }
}

/// The result of an import, to be read piece by piece.
pub struct ImportResult {
    bytes: PartBytes,
    /// CSV, or NDJSON as the file was.
    pub format: super::export::Format,
}

impl ImportResult {
    /// The next piece, at most some 512 KiB; empty at the end.
    ///
    /// # Errors
    /// What the store reports.
    pub fn piece(&mut self) -> Result<Vec<u8>> {
        let failed = |error| Error::Io(format!("the result cannot be read: {error}"));
        let piece = self.bytes.chunk().map_err(failed)?.to_vec();
        self.bytes.take(piece.len());
        Ok(piece)
    }
}

/// Whether bytes that come again are those that are there; what was removed by now cannot tell.
fn repeats(txn: &Txn, id: JobId, mut at: u64, mut again: &[u8]) -> Result<bool> {
    while !again.is_empty() {
        let part: Option<Part> = txn.side((id, PartKind::Upload, (at / Part::BYTES_MAX as u64) as u32))?;
        let Some(part) = part else { return Ok(true) };
        let there = part.bytes.get((at % Part::BYTES_MAX as u64) as usize..).unwrap_or_default();
        let length = there.len().min(again.len());
        if length == 0 || there[..length] != again[..length] {
            return Ok(false);
        }
        (at, again) = (at + length as u64, &again[length..]);
    }
    Ok(true)
}

/// Puts bytes behind those that are there.
fn append(txn: &mut Txn, id: JobId, at: u64, mut fresh: &[u8]) -> Result<()> {
    let key = |number| (id, PartKind::Upload, number);
    let mut number = (at / Part::BYTES_MAX as u64) as u32;
    let begun = (at % Part::BYTES_MAX as u64) as usize;
    if begun > 0 {
        let mut part: Part = txn.side(key(number))?.ok_or_else(|| Error::Io("a part of the file is gone".into()))?;
        let (rest, later) = fresh.split_at(fresh.len().min(Part::BYTES_MAX - begun));
        part.bytes.extend_from_slice(rest);
        txn.put_side(key(number), &part);
        (fresh, number) = (later, number + 1);
    }
    for (bytes, number) in fresh.chunks(Part::BYTES_MAX).zip(number..) {
        txn.put_side(key(number), &Part { bytes: bytes.to_vec() });
    }
    Ok(())
}

fn stored(txn: &Txn, id: JobId) -> Result<(Job, Spec)> {
    let job: Option<Job> = txn.side(id)?;
    let job = job.filter(|job| job.kind == JobKind::Import).ok_or_else(|| absent(id))?;
    let spec = Spec::of(&job)?;
    Ok((job, spec))
}

fn absent(id: JobId) -> Error {
    Error::NotFound { what: "import", name: id.to_string() }
}

/// Refuses an import that is over or under way.
fn prepared(job: &Job) -> Result<()> {
    match job.state {
        JobState::Prepared => Ok(()),
        JobState::Running => {
            Err(not_now("import_busy", format!("import {} is under way: wait until it is done", job.id)))
        }
        _ => Err(not_now("import_over", format!("import {} is over: make a new one to import again", job.id))),
    }
}

/// The file of an import that can be checked and started.
fn ready<'a>(job: &Job, spec: &'a Spec) -> Result<&'a Look> {
    let why = match spec.phase {
        Phase::Uploading if job.state == JobState::Prepared => "its file is not complete",
        Phase::Looking if job.state == JobState::Running => "its file is still being looked at",
        _ => {
            prepared(job)?;
            return spec.look.as_ref().ok_or_else(|| Error::Io("an import without its file".into()));
        }
    };
    Err(not_now("import_not_ready", format!("import {} cannot be started yet: {why}", job.id)))
}

/// What a dry run and a run go by.
fn checkable(spec: &Spec) -> Result<Ready<'_>> {
    let lacking = || Error::Io("an import without its file or its plan".into());
    Ok((spec.look.as_ref().ok_or_else(lacking)?, spec.plan.as_ref().ok_or_else(lacking)?))
}

fn check_new(new: &NewImport) -> Result<()> {
    let mut mistakes = Vec::new();
    if let Some(Err(why)) = new.encoding.as_deref().map(sniff::named) {
        mistakes.push(Mistake::new("encoding", "unknown_encoding", why));
    }
    if new.delimiter.is_some_and(|mark| !mark.is_ascii() || matches!(mark, '"' | '\r' | '\n' | '\0')) {
        let message = "Between cells stands one ASCII character, such as ; or a tab; no quotation mark.";
        mistakes.push(Mistake::new("delimiter", "invalid_delimiter", message));
    }
    if new.name.as_ref().is_some_and(|name| name.chars().count() > NAME_CHARS_MAX) {
        let message = format!("This is longer than {NAME_CHARS_MAX} characters.");
        mistakes.push(Mistake::new("name", "too_long", message));
    }
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes.into()) }
}
