//! Rollcall beside PostgreSQL and SQLite: the same contacts, the same questions, in one run, and the answers compared.
//!
//! `cargo bench --bench peers` at 100,000 contacts; `-- --contacts 1000000` at a million, `-- --classes tag,browse` for some
//! classes, `-- --json FILE` for the figures; `-- --mixed` and `-- --http` instead of the classes. It fails where an engine's answer differs. PostgreSQL is installed with
//! apt-get where it is missing; its cluster and all other data lie in a temporary folder (`TMPDIR`) and are removed.
//!
//! What is timed is what a screen needs: the page's whole rows and the exact total, in each engine from the bound question
//! to the rows in the caller's memory. PostgreSQL is asked over its socket, SQLite and Rollcall in process, Rollcall over HTTP
//! on a kept connection besides. PostgreSQL and SQLite have the same memory for their caches.

mod ask;
mod child;
mod class;
mod cluster;
mod events;
mod facets;
mod http;
mod json;
mod literals;
mod load;
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

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::child::Child;
use crate::class::{CLASSES, Class};
use crate::cluster::Cluster;
use crate::http::Http;
use crate::literals::{LITERALS, Literals};
use crate::measure::measure;
use crate::postgresql::PostgreSql;
use crate::report::Report;
use crate::row::Rows;

/// How it is called.
#[derive(Parser)]
pub struct Args {
    /// How many contacts.
    #[arg(long, default_value_t = 100_000)]
    contacts: u64,
    /// Only the classes of these names, apart by commas.
    #[arg(long)]
    classes: Option<String>,
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
    if args.events {
        let folder = tempfile::Builder::new().prefix("peers-").tempdir().expect("a temporary folder");
        let events = events::run(folder.path(), &args);
        if let Some(file) = &args.json {
            std::fs::write(file, format!("{:#}\n", serde_json::json!({"events": events})))
                .expect("the figures are written");
        }
        return ExitCode::SUCCESS;
    }
    let folder = tempfile::Builder::new().prefix("peers-").tempdir().expect("a temporary folder");
    if args.mixed || args.http {
        if args.mixed {
            mixed::run(folder.path(), &args);
        }
        if args.http {
            load::run(folder.path(), &args);
        }
        return ExitCode::SUCCESS;
    }
    let report = side_by_side(folder.path(), &args);
    report.finish();
    if let Some(file) = &args.json {
        std::fs::write(file, format!("{:#}\n", report.json())).expect("the figures are written");
    }
    if report.agrees() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn side_by_side(folder: &Path, args: &Args) -> Report {
    let chosen = args.chosen();
    eprintln!("peers: loads Rollcall");
    let mut rollcall = Child::start("rollcall", folder, args);
    let (address, token) = rollcall.ready.served.clone().expect("Rollcall serves");
    eprintln!("peers: loads PostgreSQL");
    let cluster = Cluster::start(cache_bytes(args.contacts));
    let (mut postgresql, postgresql_s) = PostgreSql::load(&cluster, args.contacts);
    eprintln!("peers: loads SQLite");
    let mut sqlite = Child::start("sqlite", folder, args);
    let loads =
        vec![("rollcall", rollcall.ready.load_s), ("postgresql", postgresql_s), ("sqlite", sqlite.ready.load_s)];
    let literals = Literals::of(&Rows::new(), args.contacts);
    chosen.iter().for_each(|at| differ(&CLASSES[*at], &literals));
    let mut http = Http::connect(address, &token);
    let mut report = Report::new(args.contacts, args.seconds, loads);
    for at in chosen {
        let class = &CLASSES[at];
        let measured = [
            rollcall.measure(at),
            measure(&mut http, class, &literals, args.cap()),
            measure(&mut postgresql, class, &literals, args.cap()),
            sqlite.measure(at),
        ];
        report.add(class.name, measured);
    }
    report.rss_mb =
        vec![("rollcall", rollcall.memory_mb()), ("postgresql", cluster.memory_mb()), ("sqlite", sqlite.memory_mb())];
    report
}

/// Says where a class has fewer different questions than it should: a small corpus may not have the values for them.
fn differ(class: &Class, literals: &Literals) {
    let questions = (0..LITERALS).map(|n| json::request(&(class.ask)(literals, n)).1);
    let different = questions.collect::<HashSet<String>>().len();
    if different < LITERALS {
        println!("{}: only {different} different literals", class.name);
    }
}
