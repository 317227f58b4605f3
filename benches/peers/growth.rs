//! How Rollcall grows: at each size, in processes of its own, the load, the queries, memory, disk and every kind of restart.
//!
//! One size at a time; its data go before the next one's come. The figures go to the file of `--json` after each size, and what
//! that file held of other sizes stays, so a size can be measured another day. Restarts find their files in the page cache as
//! far as they fit there.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::chart::{self, Panel, Series};
use crate::child::Child;
use crate::class::CLASSES;
use crate::goals::{self, Goal, short};
use crate::json::two_places;
use crate::latency::{self, Kind, Latency, Took};
use crate::literals::Literals;
use crate::row::Rows;
use crate::{Args, disk, machine};

/// Recorded before a process is killed, so that the next one has something to bring up to date.
const MESSAGES: u32 = 1000;

/// What was found at one size.
#[derive(Serialize, Deserialize)]
struct Size {
    contacts: u64,
    /// Up to the checkpoint with the text index, without the making of the contacts.
    #[serde(serialize_with = "two_places")]
    load_s: f64,
    #[serde(serialize_with = "two_places")]
    close_s: f64,
    restart_s: Restart,
    rss_mb: Memory,
    disk_mb: Disk,
    #[serde(serialize_with = "two_places")]
    index_bytes_per_contact: f64,
    /// Bytes a contact by part.
    index_parts: BTreeMap<String, u64>,
    cold_page_us: Cold,
    p50_us: Latency,
    p95_us: Latency,
    classes: Vec<(String, Took)>,
}

/// A page of 100 rows that stand anywhere, none of which is in the record cache: the first question after a restart.
#[derive(Serialize, Deserialize)]
struct Cold {
    /// The store's files are in the system's cache.
    from_cache: Took,
    /// The system has forgotten them.
    from_disk: Took,
    /// The yardstick: a hundred places of the store's largest file, read by themselves.
    raw_reads: Took,
}

/// The classes asked for them: each question's rows are others.
const COLD: [&str; 2] = ["date range", "assignee"];

/// Seconds from opening the store to the first page.
#[derive(Serialize, Deserialize)]
struct Restart {
    /// The first one after the load, which was closed.
    #[serde(serialize_with = "two_places")]
    after_load: f64,
    /// After a process that was itself restarted, and closed.
    #[serde(serialize_with = "two_places")]
    after_close: f64,
    /// After a process that was killed when it had recorded messages.
    #[serde(serialize_with = "two_places")]
    after_kill: f64,
}

/// Mebibytes of the process.
#[derive(Serialize, Deserialize)]
struct Memory {
    load_peak: u64,
    after_load: u64,
    after_restart: u64,
    after_queries: u64,
    /// Of these, what is no page of a file.
    after_queries_anonymous: u64,
}

/// Mebibytes on the disk.
#[derive(Serialize, Deserialize)]
struct Disk {
    #[serde(serialize_with = "two_places")]
    store: f64,
    /// Checkpoints and the text index: what can be made anew.
    #[serde(serialize_with = "two_places")]
    derived: f64,
}

/// Measures the sizes, prints them beside each other, draws them.
///
/// # Errors
/// Too small a disk, and what the file system reports.
pub fn run(args: &Args) -> Result<bool, String> {
    let wanted = args.sizes.split(',').map(str::trim).filter(|size| !size.is_empty());
    let wanted: Vec<u64> = wanted
        .map(|size| size.parse().map_err(|_| format!("--sizes: {size:?} is no number")))
        .collect::<Result<_, _>>()?;
    disk::check(&["rollcall"], true, wanted.iter().copied().max().unwrap_or(0))?;
    let mut sizes = known(args.json.as_deref())?;
    for contacts in wanted {
        sizes.insert(contacts, measure(&Args { contacts, ..args.clone() })?);
        write(&sizes.values().collect::<Vec<_>>(), &[], args)?;
    }
    let sizes: Vec<&Size> = sizes.values().collect();
    print(&sizes);
    let goals: Vec<Goal> = sizes.iter().flat_map(|size| goals(size)).collect();
    write(&sizes, &goals, args)?;
    write_chart(&sizes, args)?;
    Ok(true)
}

/// What the file holds already.
fn known(file: Option<&Path>) -> Result<BTreeMap<u64, Size>, String> {
    let Some(text) = file.and_then(|file| std::fs::read_to_string(file).ok()) else { return Ok(BTreeMap::new()) };
    #[derive(Deserialize)]
    struct Figures {
        growth: Vec<Size>,
    }
    let figures: Figures =
        serde_json::from_str(&text).map_err(|error| format!("the file of --json holds no growth: {error}"))?;
    Ok(figures.growth.into_iter().map(|size| (size.contacts, size)).collect())
}

/// Tells the goals, and writes all to the file.
fn write(sizes: &[&Size], goals: &[Goal], args: &Args) -> Result<(), String> {
    let figures = json!({"growth": sizes, "goals": goals::told(goals)});
    let Some(file) = &args.json else { return Ok(()) };
    std::fs::write(file, format!("{figures:#}\n")).map_err(|error| format!("{}: {error}", file.display()))
}

fn write_chart(sizes: &[&Size], args: &Args) -> Result<(), String> {
    let Some(file) = args.json.as_ref().map(|file| file.with_extension("svg")) else { return Ok(()) };
    let drawn = chart::svg(&sizes.iter().map(|size| size.contacts as f64).collect::<Vec<_>>(), &panels(sizes));
    std::fs::write(&file, drawn).map_err(|error| format!("{}: {error}", file.display()))?;
    println!("drawn in {}", file.display());
    Ok(())
}

fn measure(args: &Args) -> Result<Size, String> {
    let contacts = args.contacts;
    eprintln!("peers: Rollcall at {contacts} contacts");
    machine::told();
    let folder = tempfile::Builder::new().prefix("peers-").tempdir().map_err(|error| error.to_string())?;
    let mut process = Child::start("rollcall", folder.path(), args);
    let load_s = process.ready.load_s;
    let (load_peak, after_load) = (process.status_mb("VmHWM"), process.memory_mb());
    let close_s = process.close();
    process = Child::restart(folder.path(), args);
    let after_load_s = process.ready.load_s;
    process.close();
    process = Child::restart(folder.path(), args);
    let after_close_s = process.ready.load_s;
    let after_restart = process.memory_mb();
    let classes: Vec<(String, Took)> =
        args.chosen().into_iter().map(|at| (CLASSES[at].name.to_owned(), process.measure(at).took())).collect();
    let rss_mb = Memory {
        load_peak,
        after_load,
        after_restart,
        after_queries: process.memory_mb(),
        after_queries_anonymous: process.status_mb("RssAnon"),
    };
    let parts = process.index_bytes();
    process.messages(MESSAGES);
    process.kill();
    process = Child::restart(folder.path(), args);
    let after_kill_s = process.ready.load_s;
    let cold_page_us = cold(&mut process, &folder.path().join("rollcall/store"))?;
    let at = |name: &str| disk::megabytes(&folder.path().join("rollcall").join(name));
    let latency = |of: fn(&Took) -> f64| {
        Latency::over(classes.iter().map(|(class, took)| (class.as_str(), of(took)))).expect("a class was asked")
    };
    Ok(Size {
        contacts,
        load_s,
        close_s,
        restart_s: Restart { after_load: after_load_s, after_close: after_close_s, after_kill: after_kill_s },
        rss_mb,
        disk_mb: Disk { store: at("store"), derived: at("index") },
        index_bytes_per_contact: parts.iter().map(|(_, bytes)| *bytes).sum::<u64>() as f64 / contacts as f64,
        index_parts: parts.into_iter().map(|(name, bytes)| (name, bytes / contacts)).collect(),
        cold_page_us,
        p50_us: latency(|took| took.p50),
        p95_us: latency(|took| took.p95),
        classes,
    })
}

/// Asks a process that was asked nothing yet.
fn cold(process: &mut Child, store: &Path) -> Result<Cold, String> {
    let [first, second] = COLD.map(|name| CLASSES.iter().position(|class| class.name == name).expect("a class"));
    let from_cache = Took::of(&process.once(first));
    disk::forget(store)?;
    let from_disk = Took::of(&process.once(second));
    Ok(Cold { from_cache, from_disk, raw_reads: Took::of(&disk::raw_reads(store)?) })
}

/// A figure by its name.
type Figure = (&'static str, fn(&Size) -> f64);

/// What is printed and drawn, by what is drawn together.
const FIGURES: [(&str, &[Figure]); 7] = [
    (
        "Query latency in process, microseconds",
        &[
            ("worst class, p50", |size| size.p50_us.worst),
            ("typical class, p95", |size| size.p95_us.typical),
            ("typical class, p50", |size| size.p50_us.typical),
            ("geometric mean of all classes, p50", |size| size.p50_us.geomean),
        ],
    ),
    (
        "Page whose rows are not in memory, microseconds",
        &[
            ("from the disk, p50", |size| size.cold_page_us.from_disk.p50),
            ("a hundred raw reads of that disk, p50", |size| size.cold_page_us.raw_reads.p50),
            ("from the system's cache, p95", |size| size.cold_page_us.from_cache.p95),
            ("from the system's cache, p50", |size| size.cold_page_us.from_cache.p50),
        ],
    ),
    (
        "Memory of the process, MB",
        &[
            ("while loading, at most", |size| size.rss_mb.load_peak as f64),
            ("after the queries", |size| size.rss_mb.after_queries as f64),
            ("after a restart", |size| size.rss_mb.after_restart as f64),
        ],
    ),
    ("Index in memory, bytes a contact", &[("all its parts", |size| size.index_bytes_per_contact)]),
    ("Load with index, seconds", &[("load", |size| size.load_s), ("close", |size| size.close_s)]),
    (
        "Restart to the first answer, seconds",
        &[
            ("after a kill amid writes", |size| size.restart_s.after_kill),
            ("the first after the load", |size| size.restart_s.after_load),
            ("after a clean close", |size| size.restart_s.after_close),
        ],
    ),
    (
        "Disk, MB",
        &[("store", |size| size.disk_mb.store), ("derived: checkpoint, text index", |size| size.disk_mb.derived)],
    ),
];

fn panels(sizes: &[&Size]) -> Vec<Panel> {
    let series = |(name, figure): &Figure| Series { name, values: sizes.iter().map(|size| figure(size)).collect() };
    let panel =
        |(title, figures): &(&'static str, &[Figure])| Panel { title, series: figures.iter().map(series).collect() };
    FIGURES.iter().map(panel).collect()
}

/// A line a figure, a column a size; between two sizes what a tenfold costs.
fn print(sizes: &[&Size]) {
    let heads: Vec<String> = sizes.iter().map(|size| format!("{:>11}", size.contacts)).collect();
    println!("measured growth: rollcall alone; × = what ten times the contacts cost, √10 = 3.16");
    println!("{:76} {}", "contacts", heads.join(&format!(" {:>6}", "×")));
    for (title, figures) in FIGURES {
        for (name, figure) in figures {
            let values: Vec<f64> = sizes.iter().map(|size| figure(size)).collect();
            let mut line = format!("{:76}", format!("{title}: {name}"));
            for (at, value) in values.iter().enumerate() {
                let before = at.checked_sub(1).map(|before| {
                    let contacts = [sizes[before].contacts as f64, sizes[at].contacts as f64];
                    format!(" {:>6.2}", chart::tenfold(contacts, [values[before], *value]))
                });
                line += &format!("{} {:>11}", before.unwrap_or_default(), short(*value));
            }
            println!("{line}");
        }
    }
    for size in sizes {
        let parts: Vec<String> = size.index_parts.iter().map(|(name, bytes)| format!("{name} {bytes}")).collect();
        println!(
            "{} contacts: worst class {}; anonymous memory after the queries {} MB; index, bytes a contact: {}",
            size.contacts,
            size.p50_us.worst_class,
            size.rss_mb.after_queries_anonymous,
            parts.join(", ")
        );
    }
}

/// What the figures of a size should be, where it has goals.
fn goals(size: &Size) -> Vec<Goal> {
    let literals = Literals::of(&Rows::new(), size.contacts);
    let kinds = size.classes.iter().filter_map(|(name, took)| {
        let class = CLASSES.iter().find(|class| class.name == *name)?;
        Some((class.name, Kind::of(class, &literals), *took))
    });
    let kinds: Vec<(&str, Kind, Took)> = kinds.collect();
    let (load_s, restart_s, memory_mb) = match size.contacts {
        1_000_000 => (Some(60.0), Some(1.0), None),
        10_000_000 => (None, Some(5.0), Some(8192.0)),
        _ => (None, None, None),
    };
    let at = |what: &str| latency::at(size.contacts, what);
    let mut goals = latency::goals(size.contacts, &kinds);
    let cold = size.cold_page_us.from_cache.p50;
    goals.push(Goal::at_most(at("page whose rows are not in memory, p50"), cold, 5000.0, " µs"));
    goals.extend(load_s.map(|most| Goal::at_most(at("load with index"), size.load_s, most, " s")));
    if let Some(most) = restart_s {
        let restarts = FIGURES.iter().find(|(title, _)| title.starts_with("Restart")).expect("restarts are figures").1;
        goals.extend(restarts.iter().map(|(name, figure)| {
            Goal::at_most(at(&format!("restart to the first answer, {name}")), figure(size), most, " s")
        }));
        goals.push(Goal::at_most(at("index in memory a contact"), size.index_bytes_per_contact, 250.0, " B"));
    }
    let most = size.rss_mb.after_queries.max(size.rss_mb.load_peak);
    goals.extend(memory_mb.map(|bound| Goal::at_most(at("memory at most"), most as f64, bound, " MB")));
    goals
}
