//! What an import's job keeps: its file as it was found, what is to be done with it, and what has become of it so far.

use serde::{Deserialize, Serialize};

use super::columns::Columns;
use super::mapping::Plan;
use crate::contact::{ContactId, DataType, Job, JobKind, JobState};
use crate::engine::export::Format;
use crate::engine::{Error, Result};

/// Failed rows that are named beside the counts; all of them are in the result file.
pub(super) const SHOWN_FAILURES_MAX: usize = 20;

/// What is known of a file before it is read. What is absent is found out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewImport {
    /// What people call it; the name of the file, say. Its ending tells CSV from NDJSON where the content does not.
    pub name: Option<String>,
    pub format: Option<Format>,
    /// CSV: what stands between cells, one ASCII character.
    pub delimiter: Option<char>,
    /// A label of the WHATWG encoding standard: `utf-8`, `windows-1252`, `utf-16le` …
    pub encoding: Option<String>,
}

/// What is done with rows whose contact exists, and with those whose does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// Makes contacts; a row whose contact exists fails.
    #[default]
    Add,
    /// Changes contacts; a row whose contact does not exist fails.
    Update,
    /// Changes those that exist and makes the others.
    AddOrUpdate,
    /// Makes a contact of every row, even where its e-mail or phone is taken.
    AddAll,
}

/// By what a row finds its contact. The lowest id counts where several hold the e-mail or phone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MatchBy {
    /// By e-mail, and where none has it, by phone.
    #[default]
    EmailThenPhone,
    Email,
    Phone,
    Id,
}

/// Which field a column fills.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ColumnTo {
    /// Left out.
    Nothing(()),
    Field(String),
    Details(ColumnDetails),
}

/// A column's field with what is done where the contact has a value already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnDetails {
    pub field: String,
    /// `false`: only fills what the contact lacks; tags are added to those it has.
    #[serde(default = "yes")]
    pub overwrite: bool,
}

fn yes() -> bool {
    true
}

/// Which columns that fit no field become custom fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum NewFields {
    /// All or none.
    Every(bool),
    /// These, by header; with a type or, with none, the guessed one.
    Some(Columns<Option<DataType>>),
}

/// What becomes of columns that fit no field and become none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unmapped {
    /// They are left out.
    #[default]
    Ignore,
    /// They are a mistake.
    Refuse,
}

/// How the rows of a file become contacts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Options {
    pub purpose: Purpose,
    pub match_by: MatchBy,
    /// Header → field, before what the headers themselves say.
    pub columns: Columns<ColumnTo>,
    pub new_fields: Option<NewFields>,
    /// Types of new fields, by header, instead of the guessed ones.
    pub types: Columns<DataType>,
    pub unmapped: Unmapped,
    /// Tags that every row's contact gets in addition.
    pub tags: Vec<String>,
    /// The time zone of times without one; the workspace's where absent.
    pub timezone: Option<String>,
}

/// Where an import stands, beside its job's own state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Its file is still coming.
    #[default]
    Uploading,
    /// The file is read to see what it holds.
    Looking,
    /// It can be checked and started.
    Ready,
    /// A dry run goes on.
    Checking,
    /// It runs.
    Running,
    /// It ran; its file is being removed.
    Clearing,
}

/// A file as it was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    pub shape: Shape,
    /// Rows, the header not counted; those that cannot be read among them.
    pub rows: u64,
    pub columns: Vec<Column>,
    /// The first rows, long cells cut; forgotten when the import ends.
    pub first_rows: Vec<Vec<String>>,
    /// What a person should know before starting.
    pub remarks: Vec<String>,
}

/// How a file is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    pub format: Format,
    pub encoding: String,
    /// CSV only.
    pub delimiter: Option<char>,
    /// Whether a line `sep=` stands before the header.
    pub separator_line: bool,
}

/// A column of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// By what it is called: its header; numbered where another has the same or it has none.
    pub header: String,
    /// The header as it stands in the file.
    pub given: String,
    pub suggestion: Option<Suggestion>,
    /// The type that fits all its values, for a new custom field.
    pub data_type: DataType,
}

/// A field that a column seems to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// A wire name, or `customFields.` and a slug.
    pub field: String,
    pub sure: Sure,
}

/// How a suggestion was found; the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sure {
    /// The header is the field's name.
    Name,
    /// It is another name of the field.
    Alias,
    /// Another program's export calls the field so.
    Export,
    /// The values look so. Not used unless the caller says so.
    Content,
}

/// What became of rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    pub added: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub failed: u64,
    /// The first failures.
    pub failures: Vec<Failure>,
}

/// A row that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// From 1, the header not counted.
    pub row: u64,
    pub reason: String,
}

/// What became of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Added(ContactId),
    Updated(ContactId),
    Unchanged(ContactId),
}

impl Tally {
    /// Rows there are in it.
    pub fn rows(&self) -> u64 {
        self.added + self.updated + self.unchanged + self.failed
    }

    /// Counts a row; the reason where it failed.
    pub(super) fn count(&mut self, row: u64, outcome: std::result::Result<Outcome, &str>) {
        match outcome {
            Ok(Outcome::Added(_)) => self.added += 1,
            Ok(Outcome::Updated(_)) => self.updated += 1,
            Ok(Outcome::Unchanged(_)) => self.unchanged += 1,
            Err(reason) => {
                self.failed += 1;
                if self.failures.len() < SHOWN_FAILURES_MAX {
                    self.failures.push(Failure { row, reason: reason.chars().take(500).collect() });
                }
            }
        }
    }
}

/// An import's own part of its job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    pub new: NewImport,
    pub phase: Phase,
    /// Bytes of the file that are there.
    pub uploaded: u64,
    pub look: Option<Look>,
    /// What the last dry run found, and with which options.
    pub check: Option<Tally>,
    pub plan: Option<Plan>,
    /// What the run has done so far.
    pub tally: Tally,
    /// Parts of the result file.
    pub failed_parts: u32,
}

impl Spec {
    /// Of a job that is an import.
    ///
    /// # Errors
    /// None but for a defect: it was written here.
    pub fn of(job: &Job) -> Result<Spec> {
        serde_json::from_str(&job.spec).map_err(|_| Error::Io("what an import's job keeps cannot be read".into()))
    }

    /// Puts it back into its job.
    pub fn keep(&self, job: &mut Job) {
        // It holds nothing that JSON cannot.
        job.spec = serde_json::to_string(self).unwrap_or_default();
    }
}

/// Forgets the first rows of an import that is over, however it ended: they are contacts' values.
pub fn forget_values(job: &mut Job) {
    let is_over = !job.state.is_active() && job.state != JobState::Prepared;
    if job.kind != JobKind::Import || !is_over {
        return;
    }
    // What cannot be read must still be able to fail.
    let Ok(mut spec) = Spec::of(job) else { return };
    if let Some(look) = spec.look.as_mut().filter(|look| !look.first_rows.is_empty()) {
        look.first_rows.clear();
        spec.keep(job);
    }
}
