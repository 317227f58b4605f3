//! Why a command did not do what it was asked.

use std::io::Write;
use std::process::ExitCode;

use crate::contact::Mistake;
use crate::engine::Error;

/// A failure with what the caller should read.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command was asked wrongly: exit code 2.
    Usage(String),
    /// It was asked well and failed: exit code 1.
    Failed(String),
    /// Whoever reads our output has gone: nothing to say.
    OutputClosed,
}

impl Failure {
    /// Says it in one line and gives the exit code.
    pub fn report(self) -> ExitCode {
        let (code, text) = match self {
            Failure::Usage(text) => (2, text),
            Failure::Failed(text) => (1, text),
            Failure::OutputClosed => return ExitCode::SUCCESS,
        };
        // Where even standard error is closed, the exit code has to do.
        let _ = writeln!(std::io::stderr(), "rollcall: {text}");
        ExitCode::from(code)
    }

    /// A file that failed.
    pub fn file(what: &str, path: &std::path::Path, error: &std::io::Error) -> Failure {
        Failure::Failed(format!("cannot {what} {}: {error}", path.display()))
    }

    /// Standard output that failed.
    pub fn output(error: &std::io::Error) -> Failure {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::Failed(format!("cannot write the output: {error}")),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        // Each mistake is a sentence of its own.
        let sentences = |mistakes: &[Mistake]| mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join(" ");
        match &error {
            Error::Invalid(mistakes) => Failure::Usage(sentences(mistakes)),
            other => Failure::Failed(other.to_string()),
        }
    }
}

impl From<crate::http::Error> for Failure {
    fn from(error: crate::http::Error) -> Failure {
        Failure::Failed(error.to_string())
    }
}
