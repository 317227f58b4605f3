//! What an operation of the engine can answer instead of a result. Each has a stable code.

use crate::contact::{ContactId, Mistake};
use crate::store::StoreError;

/// Why an operation was not done. Shown to the caller; none tells of another workspace.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is wrong; every mistake is listed.
    #[error("{}", sentences(.0))]
    Invalid(Vec<Mistake>),
    /// There is no such thing in this workspace.
    #[error("there is no {what} {name} in this workspace")]
    NotFound {
        /// `contact`, `tag`, `segment` …
        what: &'static str,
        /// As the caller named it.
        name: String,
    },
    /// The e-mail, phone or name is taken.
    #[error("{message}")]
    Conflict {
        message: String,
        /// The contact that holds it.
        holder: Option<ContactId>,
    },
    /// The page lies beyond the window.
    #[error(
        "offset {offset} + limit {limit} is past the window of {window_max} rows; narrow the search or filter, or export the data, which streams every match"
    )]
    WindowExceeded { offset: usize, limit: usize, window_max: usize },
    /// The actor may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// `minVersion` did not come in time.
    #[error("version {wanted} has not been reached (now {current}); try again")]
    NotYet { wanted: u64, current: u64 },
    /// The idempotency key was used for another request.
    #[error("this idempotency key was used for another request within the last day; take a new key for each request")]
    KeyReused,
    /// It cannot be done as things stand now.
    #[error("{message}")]
    State {
        /// Stable machine word: `set_changed`, `job_finished`, `contact_blocked` …
        code: &'static str,
        message: String,
        /// What a program needs to know of it, in the form that the code's documentation says.
        details: Option<Box<serde_json::Value>>,
    },
    /// A limit of the workspace or of a request.
    #[error("{what} is limited to {limit}")]
    Limit { what: &'static str, limit: usize },
    /// The store failed or takes no writes.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index folder or a stream failed.
    #[error("{0}")]
    Io(String),
    /// The engine is closing.
    #[error("the server is shutting down")]
    Closing,
}

fn sentences(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// The stable code of this error on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Invalid(mistakes) => mistakes.first().map_or("invalid", |mistake| mistake.code),
            Error::NotFound { .. } => "not_found",
            Error::Conflict { .. } => "conflict",
            Error::WindowExceeded { .. } => "window_exceeded",
            Error::Forbidden(_) => "forbidden",
            Error::NotYet { .. } => "version_not_reached",
            Error::KeyReused => "idempotency_key_reused",
            Error::State { code, .. } => code,
            Error::Limit { .. } => "limit_exceeded",
            Error::Store(StoreError::ReadOnly(_)) => "read_only",
            Error::Store(StoreError::Damaged { .. }) => "damaged",
            Error::Store(_) => "store_failed",
            Error::Io(_) => "io_failed",
            Error::Closing => "closing",
        }
    }
}

impl From<Mistake> for Error {
    fn from(mistake: Mistake) -> Error {
        Error::Invalid(vec![mistake])
    }
}

impl From<Vec<Mistake>> for Error {
    fn from(mistakes: Vec<Mistake>) -> Error {
        Error::Invalid(mistakes)
    }
}
