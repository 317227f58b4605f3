//! The command line: one file per command, each thin over the engine.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage.

mod backup;
mod compact;
mod config;
mod demo;
mod export;
mod failure;
mod folder;
mod import;
mod log;
mod pick;
mod progress;
mod rebuild;
mod restore;
mod serve;
mod show;
mod swap;
mod token;
mod verify;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Loaded, Sources};

use failure::Failure;

/// An open contacts query engine: what is written is found by the very next query.
#[derive(Parser)]
#[command(name = "rollcall", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args)]
struct Shared {
    /// Configuration file; without it ./rollcall.toml, if there is one.
    #[arg(long, global = true, value_name = "FILE", env = "ROLLCALL_CONFIG")]
    config: Option<PathBuf>,
    /// Data folder (store.folder).
    #[arg(long, global = true, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// What is logged: error, warn, info, debug or trace (log.level).
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the HTTP API.
    Serve(serve::Serve),
    /// Make a workspace full of synthetic contacts and serve it.
    Demo(demo::Demo),
    /// Make, list and delete workspaces.
    #[command(subcommand)]
    Workspace(workspace::Workspace),
    /// Make, list and revoke API tokens.
    #[command(subcommand)]
    Token(token::Token),
    /// Create contacts from a CSV or NDJSON file.
    Import(import::Import),
    /// Write every contact of a workspace as CSV or NDJSON.
    Export(export::Export),
    /// Compare index and store completely.
    Verify(verify::Verify),
    /// Make the index anew from the store.
    Rebuild(rebuild::Rebuild),
    /// Copy everything live into a fresh store, so that nothing deleted is left in any file.
    Compact(compact::Compact),
    /// Write everything to one portable file.
    Backup(backup::Backup),
    /// Fill a new data folder from a backup.
    Restore(restore::Restore),
    /// Print the configuration in force and where each value came from.
    Config(config::Show),
}

/// Runs the command that the arguments name.
pub fn run(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version come this way too; a closed pipe is all that can go wrong in printing them.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    match dispatch(parsed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn dispatch(arguments: Arguments) -> Result<(), Failure> {
    let loaded = configuration(&arguments)?;
    let _lines = log::start(&loaded.config.log, matches!(arguments.command, Command::Serve(_) | Command::Demo(_)))?;
    match arguments.command {
        Command::Serve(command) => command.run(loaded.config),
        Command::Demo(command) => command.run(loaded.config),
        Command::Workspace(command) => command.run(&loaded.config),
        Command::Token(command) => command.run(&loaded.config),
        Command::Import(command) => command.run(&loaded.config),
        Command::Export(command) => command.run(&loaded.config),
        Command::Verify(command) => command.run(&loaded.config),
        Command::Rebuild(command) => command.run(&loaded.config),
        Command::Compact(command) => command.run(&loaded.config),
        Command::Backup(command) => command.run(&loaded.config),
        Command::Restore(command) => command.run(&loaded.config),
        Command::Config(command) => command.run(&loaded),
    }
}

/// Defaults, file, environment, flags. The demo keeps to a folder of its own unless told otherwise by a flag.
fn configuration(arguments: &Arguments) -> Result<Loaded, Failure> {
    let mut flags = Vec::new();
    let text = |path: &PathBuf| {
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| Failure::Usage(format!("{} is not UTF-8, which --folder must be", path.display())))
    };
    match (&arguments.shared.folder, &arguments.command) {
        (Some(folder), _) => flags.push(("store.folder", text(folder)?)),
        (None, Command::Demo(_)) => flags.push(("store.folder", demo::FOLDER.to_owned())),
        (None, _) => {}
    }
    flags.extend(arguments.shared.log_level.clone().map(|level| ("log.level", level)));
    if let Command::Serve(serve::Serve { bind: Some(bind) }) | Command::Demo(demo::Demo { bind: Some(bind), .. }) =
        &arguments.command
    {
        flags.push(("http.bind", bind.clone()));
    }
    let sources = Sources {
        file: arguments.shared.config.clone(),
        // A variable that is not UTF-8 cannot be a setting.
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        flags,
    };
    Config::load(&sources).map_err(Failure::Usage)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Arguments::command().debug_assert();
    }
}
