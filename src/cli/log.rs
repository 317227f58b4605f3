//! Where log lines go and which of them: standard error, by section `[log]`.

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

use super::failure::Failure;

/// Starts logging. A server logs as configured; other commands warn unless told to say more.
pub(super) fn start(log: &Log, is_server: bool) -> Result<(), Failure> {
    let level = if is_server || log.level != "info" { log.level.as_str() } else { "warn" };
    let filter = EnvFilter::try_new(level)
        .map_err(|error| Failure::Usage(format!("log.level: {level:?} is not understood: {error}")))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::Failed(format!("cannot start logging: {error}")))
}
