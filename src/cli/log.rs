//! Where log lines go and which of them: standard error, by section `[log]`.

use std::io::BufWriter;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{Log, LogFormat};

use super::failure::Failure;

fn is_level(word: &str) -> bool {
    word.parse::<LevelFilter>().is_ok()
}

/// Lines that may wait to be written; who logs one more waits, so that none is lost.
const LINES_WAITING_MAX: usize = 16_384;

/// Starts logging. A server logs as configured; other commands warn unless told to say more. A thread of its own writes the
/// lines, as many at once as there are; what still waits is written when the guard is dropped.
pub(super) fn start(log: &Log, is_server: bool) -> Result<WorkerGuard, Failure> {
    let level = if is_server || log.level != "info" { log.level.as_str() } else { "warn" };
    // A word that is no level would be taken for the name of a module, of which everything is logged.
    if let Some(word) = level.split(',').map(str::trim).find(|part| !part.contains(['=', '[']) && !is_level(part)) {
        let what = format!("log.level: {word:?} is no level; use error, warn, info, debug, trace, or module=level");
        return Err(Failure::Usage(what));
    }
    let filter = EnvFilter::try_new(level)
        .map_err(|error| Failure::Usage(format!("log.level: {level:?} is not understood: {error}")))?;
    let waiting = NonBlockingBuilder::default().lossy(false).buffered_lines_limit(LINES_WAITING_MAX);
    let (writer, guard) = waiting.thread_name("log").finish(BufWriter::with_capacity(1 << 16, std::io::stderr()));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let started = match log.format {
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::Failed(format!("cannot start logging: {error}")))?;
    Ok(guard)
}
