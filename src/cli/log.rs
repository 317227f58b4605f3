//! Where log lines go and which of them: standard error, by section `[log]`.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{Log, LogFormat};

use super::failure::Failure;

fn is_level(word: &str) -> bool {
    word.parse::<LevelFilter>().is_ok()
}

/// Starts logging. A server logs as configured; other commands warn unless told to say more.
pub(super) fn start(log: &Log, is_server: bool) -> Result<(), Failure> {
    let level = if is_server || log.level != "info" { log.level.as_str() } else { "warn" };
    // A word that is no level would be taken for the name of a module, of which everything is logged.
    if let Some(word) = level.split(',').map(str::trim).find(|part| !part.contains(['=', '[']) && !is_level(part)) {
        let what = format!("log.level: {word:?} is no level; use error, warn, info, debug, trace, or module=level");
        return Err(Failure::Usage(what));
    }
    let filter = EnvFilter::try_new(level)
        .map_err(|error| Failure::Usage(format!("log.level: {level:?} is not understood: {error}")))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::Failed(format!("cannot start logging: {error}")))
}
