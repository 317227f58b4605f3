//! The engines side by side: all loaded, each class asked of one after the other.

use std::collections::HashSet;
use std::path::Path;

use crate::child::Child;
use crate::class::{CLASSES, Class};
use crate::cluster::Cluster;
use crate::http::Http;
use crate::literals::{LITERALS, Literals};
use crate::measure::{Measured, measure};
use crate::postgresql::PostgreSql;
use crate::report::Report;
use crate::row::Rows;
use crate::{Args, cache_bytes, json};

/// Rollcall, and whoever was not left out.
struct Engines {
    rollcall: Child,
    http: Option<Http>,
    postgresql: Option<Database>,
    sqlite: Option<Child>,
}

/// A cluster with a connection to it, which ends first.
struct Database {
    client: PostgreSql,
    cluster: Cluster,
    load_s: f64,
}

impl Engines {
    fn load(folder: &Path, args: &Args) -> Engines {
        eprintln!("peers: loads Rollcall");
        let rollcall = Child::start("rollcall", folder, args);
        let (address, token) = rollcall.ready.served.clone().expect("Rollcall serves");
        let postgresql = args.has("postgresql").then(|| {
            eprintln!("peers: loads PostgreSQL");
            let cluster = Cluster::start(cache_bytes(args.contacts));
            let (client, load_s) = PostgreSql::load(&cluster, args.contacts);
            Database { client, cluster, load_s }
        });
        let sqlite = args.has("sqlite").then(|| {
            eprintln!("peers: loads SQLite");
            Child::start("sqlite", folder, args)
        });
        let http = args.has("rollcall_http").then(|| Http::connect(address, &token));
        Engines { rollcall, http, postgresql, sqlite }
    }

    /// In the order of everything that is told of them.
    fn names(&self) -> Vec<&'static str> {
        let present = [
            ("rollcall", true),
            ("rollcall_http", self.http.is_some()),
            ("postgresql", self.postgresql.is_some()),
            ("sqlite", self.sqlite.is_some()),
        ];
        present.into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect()
    }

    fn measure(&mut self, at: usize, literals: &Literals, args: &Args) -> Vec<Measured> {
        let class = &CLASSES[at];
        let mut measured = vec![self.rollcall.measure(at)];
        measured.extend(self.http.as_mut().map(|http| measure(http, class, literals, args.cap())));
        measured.extend(self.postgresql.as_mut().map(|own| measure(&mut own.client, class, literals, args.cap())));
        measured.extend(self.sqlite.as_mut().map(|sqlite| sqlite.measure(at)));
        measured
    }

    fn load_s(&self) -> Vec<(&'static str, f64)> {
        let mut loads = vec![("rollcall", self.rollcall.ready.load_s)];
        loads.extend(self.postgresql.as_ref().map(|own| ("postgresql", own.load_s)));
        loads.extend(self.sqlite.as_ref().map(|sqlite| ("sqlite", sqlite.ready.load_s)));
        loads
    }

    fn rss_mb(&self) -> Vec<(&'static str, u64)> {
        let mut memory = vec![("rollcall", self.rollcall.memory_mb())];
        memory.extend(self.postgresql.as_ref().map(|own| ("postgresql", own.cluster.memory_mb())));
        memory.extend(self.sqlite.as_ref().map(|sqlite| ("sqlite", sqlite.memory_mb())));
        memory
    }
}

/// Asks every class that was chosen of every engine.
pub fn run(folder: &Path, args: &Args) -> Report {
    let chosen = args.chosen();
    let mut engines = Engines::load(folder, args);
    let literals = Literals::of(&Rows::new(), args.contacts);
    chosen.iter().for_each(|at| differ(&CLASSES[*at], &literals));
    let mut report = Report::new(args.contacts, args.seconds, engines.names());
    report.load_s = engines.load_s();
    for at in chosen {
        report.add(&CLASSES[at], &literals, &engines.measure(at, &literals, args));
    }
    report.rss_mb = engines.rss_mb();
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
