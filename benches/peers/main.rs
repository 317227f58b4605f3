//! Rollcall beside PostgreSQL and SQLite: the same contacts, the same questions, in one run, and the answers compared.
//!
//! * `cargo bench --bench peers`: the query classes at 100,000 contacts; `-- --contacts 1000000` at a million, `-- --classes
//!   tag,browse` some of them, `-- --without sqlite,postgresql` without a peer. It fails where an engine's answer differs.
//! * `-- --mixed`: messages, tag edits and searches together, a minute for each engine.
//! * `-- --http`: requests a second beside a bare route. `-- --events`: durable messages over HTTP beside raw sled.
//! * `-- --growth --sizes 100000,1000000,10000000`: Rollcall alone, size after size; with `--json FILE.json` also drawn, in
//!   `FILE.svg`.
//!
//! Every run begins with how quick the machine is at the moment, so that hours can be compared. `-- --json FILE` writes the
//! figures of whatever was measured. PostgreSQL is installed with apt-get where it is missing; its
//! cluster and all other data lie in a temporary folder (`TMPDIR`) and are removed. Ten million contacts in all engines need some
//! 80 GB there; a run whose disk is too small is refused before it begins.
//!
//! What is timed is what a screen needs: the page's whole rows and the exact total, in each engine from the bound question
//! to the rows in the caller's memory. PostgreSQL is asked over its socket, SQLite and Rollcall in process, Rollcall over HTTP
//! on a kept connection besides. PostgreSQL and SQLite have the same memory for their caches.

mod ask;
mod chart;
mod child;
mod class;
mod cluster;
mod disk;
mod engines;
mod events;
mod facets;
mod goals;
mod growth;
mod http;
mod json;
mod latency;
mod literals;
mod load;
mod machine;
mod measure;
mod mixed;
mod postgresql;
mod report;
mod rollcall;
mod row;
mod sql;
mod sqlite;
#[path = "../support/mod.rs"]
mod support;
mod writers;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use serde_json::{Map, Value as Json};

use crate::class::CLASSES;

/// A way to measure: its member of the figures, whether it was asked for, what measures it.
type Mode = (&'static str, bool, fn(&Path, &Args) -> Json);

/// How it is called.
#[derive(Clone, Parser)]
pub struct Args {
    /// How many contacts.
    #[arg(long, default_value_t = 100_000)]
    contacts: u64,
    /// Only the classes of these names, apart by commas.
    #[arg(long)]
    classes: Option<String>,
    /// Engines left out, apart by commas.
    #[arg(long, value_delimiter = ',', value_parser = ["rollcall_http", "postgresql", "sqlite"])]
    without: Vec<String>,
    /// Writes the figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Seconds after which an engine is asked no more of a class, once it had five literals.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Messages, tag edits and searches together, instead of the classes.
    #[arg(long)]
    mixed: bool,
    /// How long.
    #[arg(long, default_value_t = 60)]
    mixed_seconds: u64,
    /// Requests a second over HTTP beside a bare route, instead of the classes.
    #[arg(long)]
    http: bool,
    /// Durable message events over HTTP beside raw sled, instead of the classes.
    #[arg(long)]
    events: bool,
    /// Rollcall alone at several sizes, instead of the classes.
    #[arg(long)]
    growth: bool,
    /// The sizes, apart by commas; with none, what the file of `--json` holds is drawn again.
    #[arg(long, default_value = "100000,1000000")]
    sizes: String,
    #[arg(long, hide = true)]
    child: Option<String>,
    #[arg(long, hide = true)]
    folder: Option<PathBuf>,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Args {
    fn cap(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// Whether the engine of that name is asked.
    fn has(&self, engine: &str) -> bool {
        !self.without.iter().any(|left| left == engine)
    }

    /// The places of the classes asked for.
    fn chosen(&self) -> Vec<usize> {
        let Some(names) = &self.classes else { return (0..CLASSES.len()).collect() };
        let place = |name: &str| {
            let known = || CLASSES.iter().map(|class| class.name).collect::<Vec<_>>().join(", ");
            let found = CLASSES.iter().position(|class| class.name == name);
            found.unwrap_or_else(|| panic!("there is no class {name:?}; there are: {}", known()))
        };
        names.split(',').map(|name| place(name.trim())).collect()
    }

    /// Whether the disk takes what the run will put there.
    fn check_disk(&self) -> Result<(), String> {
        let peers = ["postgresql", "sqlite"].into_iter().filter(|name| self.has(name));
        let engines: Vec<&str> = ["rollcall"].into_iter().chain(peers).collect();
        match self.mixed {
            true => disk::check(&engines, false, self.contacts),
            false if self.modes().is_empty() => disk::check(&engines, true, self.contacts),
            false => disk::check(&["rollcall"], true, self.contacts),
        }
    }

    /// What is measured instead of the classes.
    fn modes(&self) -> Vec<Mode> {
        let modes: [Mode; 3] =
            [("mixed", self.mixed, mixed::run), ("http", self.http, load::run), ("events", self.events, events::run)];
        modes.into_iter().filter(|(_, asked, _)| *asked).collect()
    }
}

/// What PostgreSQL and SQLite are given for their caches: the contacts with most of their indexes, at most a sixth of the
/// machine's memory each, as all engines live side by side.
fn cache_bytes(contacts: u64) -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total =
        machine.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok());
    let sixth = total.unwrap_or(6_u64 << 20) * 1024 / 6;
    (contacts * 3000).min(sixth).max(256 << 20)
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let (Some(child), Some(folder)) = (&args.child, &args.folder) {
        child::run(child, folder, &args);
        return ExitCode::SUCCESS;
    }
    match if args.growth { growth::run(&args) } else { measured(&args) } {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("peers: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Measures what was asked for and writes its figures; whether the engines agreed.
fn measured(args: &Args) -> Result<bool, String> {
    args.check_disk()?;
    let folder = tempfile::Builder::new().prefix("peers-").tempdir().map_err(|error| error.to_string())?;
    let mut figures =
        Map::from_iter([("contacts".to_owned(), Json::from(args.contacts)), ("machine".to_owned(), machine::told())]);
    let mut agree = true;
    let modes = args.modes();
    for (member, _, measure) in &modes {
        figures.insert((*member).to_owned(), measure(folder.path(), args));
    }
    if modes.is_empty() {
        let report = engines::run(folder.path(), args);
        figures.extend(report.finish());
        agree = report.agrees();
    }
    if let Some(file) = &args.json {
        std::fs::write(file, format!("{:#}\n", Json::Object(figures)))
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(agree)
}
