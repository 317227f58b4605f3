//! Work that goes on in the background, batch by batch: bulk edits by filter and imports.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{JobId, Millis, Seq, UserId};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobKind {
    #[n(0)]
    Bulk,
    #[n(1)]
    Import,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobState {
    /// A bulk edit's receipt that was not applied yet; an import whose file is being uploaded or looked at.
    #[n(0)]
    Prepared,
    /// In line, or under way.
    #[n(1)]
    Running,
    #[n(2)]
    Done,
    /// Stopped by a person; what was done stays and can be undone.
    #[n(3)]
    Cancelled,
    /// Stopped by an error; what was done stays.
    #[n(4)]
    Failed,
    /// Its undo is in line, or under way.
    #[n(5)]
    Undoing,
    #[n(6)]
    Undone,
}

impl JobState {
    /// Whether the background has something to do for it.
    pub fn is_active(self) -> bool {
        matches!(self, JobState::Running | JobState::Undoing)
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            JobState::Prepared => "prepared",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Cancelled => "cancelled",
            JobState::Failed => "failed",
            JobState::Undoing => "undoing",
            JobState::Undone => "undone",
        }
    }
}

/// How many items came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Items there are, as far as it is known.
    #[n(0)]
    pub total: u64,
    /// Items done: the sum of those below.
    #[n(1)]
    pub done: u64,
    #[n(2)]
    pub added: u64,
    #[n(3)]
    pub changed: u64,
    #[n(4)]
    pub unchanged: u64,
    #[n(5)]
    pub deleted: u64,
    #[n(6)]
    pub failed: u64,
}

/// A job as the store keeps it. It is written in the same batch as what it has done, so that no item is done twice.
#[derive(Clone, PartialEq, Encode, Decode)]
pub struct Job {
    #[n(0)]
    pub id: JobId,
    #[n(1)]
    pub kind: JobKind,
    #[n(2)]
    pub state: JobState,
    /// Who asked for it; none is the operator.
    #[n(3)]
    pub user: Option<UserId>,
    #[n(4)]
    pub created_at: Millis,
    #[n(5)]
    pub started_at: Option<Millis>,
    #[n(6)]
    pub finished_at: Option<Millis>,
    /// What is to be done, as JSON of its kind's own form.
    #[n(7)]
    pub spec: String,
    /// The last item done, in the kind's own count: a contact id, a row of the file.
    #[n(8)]
    pub cursor: u64,
    #[n(9)]
    pub counts: Counts,
    /// What the undo has done so far: `changed` are restored, `unchanged` left as others made or merged them, at least in part,
    /// `deleted` were deleted since.
    #[n(10)]
    pub undo: Counts,
    /// Why it failed, without contacts' values.
    #[n(11)]
    pub error: Option<String>,
    /// The workspace's version that shows what is told here.
    #[n(12)]
    pub version: Option<Seq>,
    /// The last item that its undo has come to.
    #[n(13)]
    pub undo_cursor: Option<u64>,
    /// It is being forgotten: what undoes it is gone up to this item. Such a job is not shown.
    #[n(14)]
    pub forgotten: Option<u64>,
}

impl Job {
    /// One that begins: nothing is done.
    pub fn new(id: JobId, kind: JobKind, state: JobState, user: Option<UserId>, created_at: Millis) -> Job {
        Job {
            id,
            kind,
            state,
            user,
            created_at,
            started_at: None,
            finished_at: None,
            spec: String::new(),
            cursor: 0,
            counts: Counts::default(),
            undo: Counts::default(),
            error: None,
            version: None,
            undo_cursor: None,
            forgotten: None,
        }
    }

    /// When it is forgotten with all it kept; not while it is under way.
    pub fn forgotten_at(&self, prepared_kept: Millis, finished_kept: Millis) -> Option<Millis> {
        match self.state {
            JobState::Running | JobState::Undoing => None,
            JobState::Prepared => Some(self.created_at + prepared_kept),
            _ => Some(self.finished_at.unwrap_or(self.created_at) + finished_kept),
        }
    }
}

/// What a bulk edit changed on one contact, kept until the job is forgotten or the contact deleted.
#[derive(Clone, PartialEq, Encode, Decode)]
pub struct Undo {
    /// The touched members before, as a JSON object of the contact's own form; tags whole, custom fields as `custom.ID`.
    #[n(0)]
    pub before: String,
    /// The same members right after.
    #[n(1)]
    pub after: String,
}

/// What was done under an idempotency key.
#[derive(Clone, PartialEq, Encode, Decode)]
pub struct Done {
    /// A hash of the request.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub request: [u8; 16],
    /// The result, in its type's own form, without contacts' values.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub outcome: Vec<u8>,
    #[n(2)]
    pub at: Millis,
}

/// The data of a job that is too large for its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    /// The ids it is about: a serialized row set in pieces.
    Ids,
    /// [`Note`]s of the contacts that its undo left as others made them, with the names of the members; each part is
    /// numbered by its last contact.
    Left,
    /// [`Note`]s of the items that failed, with the code of the reason; each part is numbered by its last item.
    Failed,
    /// An uploaded file.
    Upload,
    /// What the receipt of a bulk edit shows beside the job's record: JSON in pieces.
    Receipt,
}

/// What is to be said of one item of a job.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Note {
    /// The item, in the kind's own count.
    #[n(0)]
    pub item: u32,
    /// Stable words: a reason's code, names of members.
    #[n(1)]
    pub words: Vec<String>,
}

/// One piece of a job's data, at most [`Part::BYTES_MAX`] long.
#[derive(Clone, PartialEq, Encode, Decode)]
pub struct Part {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
}

impl Part {
    /// What a piece takes at most, in bytes.
    pub const BYTES_MAX: usize = 64 << 10;
}
