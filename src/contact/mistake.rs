//! One thing wrong with what a caller sent: where, what was found, what would do.

use serde::Serialize;

/// A mistake in a caller's input. It is shown to that caller only.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mistake {
    /// Where: `email`, `customFields.age`, `filter.$and[1].value`.
    pub path: String,
    /// Stable machine word: `invalid_email`, `unknown_field`, `wrong_type` …
    pub code: &'static str,
    /// What was found and what would do, in one sentence.
    pub message: String,
}

impl Mistake {
    /// A mistake at `path`.
    pub fn new(path: impl Into<String>, code: &'static str, message: impl Into<String>) -> Mistake {
        Mistake { path: path.into(), code, message: message.into() }
    }
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.as_str() {
            // The whole input is meant.
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}
