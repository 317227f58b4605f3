//! An import of 200,000 rows, looked at, checked and run, beside a plain reading of the same CSV.
//!
//! `cargo bench --bench import`; `ROLLCALL_BENCH_ROWS=5000` for fewer rows.

mod support;

use std::fmt::Write;
use std::time::{Duration, Instant};

use rollcall::contact::{JobId, JobState};
use rollcall::engine::import::{NewFields, NewImport, Options, Purpose};
use rollcall::engine::{Actor, NewWorkspace};

fn main() {
    let rows: u64 = std::env::var("ROLLCALL_BENCH_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(200_000);
    let file = file(rows);
    let started = Instant::now();
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    assert_eq!(reader.byte_records().filter(Result::is_ok).count() as u64, rows);
    told("yardstick: a plain reading of the CSV", rows, started.elapsed());

    let folder = support::folder("import");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let engine = support::open(&folder);
    let new = NewWorkspace {
        name: "bench".into(),
        default_country: Some("MY".into()),
        timezone: "UTC".into(),
        locale: "en".into(),
    };
    let actor = Actor::operator(engine.create_workspace(new).expect("a workspace").id);
    let settled = |id: JobId| loop {
        let import = engine.import(actor.workspace, id).expect("there");
        if import.job.state != JobState::Running {
            return import;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    for (what, purpose) in [("adds", Purpose::Add), ("finds unchanged", Purpose::AddOrUpdate)] {
        let started = Instant::now();
        let id = engine.create_import(&actor, NewImport::default()).expect("made").value;
        for (at, piece) in file.as_bytes().chunks(1 << 20).enumerate() {
            engine.upload(actor.workspace, id, (at as u64) << 20, piece.to_vec()).expect("put");
        }
        told("upload", rows, started.elapsed());
        let started = Instant::now();
        engine.end_upload(actor.workspace, id).expect("ended");
        settled(id);
        told("look", rows, started.elapsed());
        let options = Options { purpose, new_fields: Some(NewFields::Every(true)), ..Options::default() };
        let started = Instant::now();
        engine.check_import(&actor, id, options.clone()).expect("checks");
        settled(id);
        told(&format!("dry run that {what}"), rows, started.elapsed());
        let started = Instant::now();
        engine.start_import(&actor, id, options).expect("starts");
        let tally = settled(id).spec.tally;
        told(&format!("run that {what}"), rows, started.elapsed());
        assert_eq!((tally.added + tally.unchanged, tally.failed), (rows, 0), "{:?}", tally.failures);
    }
    engine.close().expect("closes");
    std::fs::remove_dir_all(&folder).expect("the data goes");
}

fn told(what: &str, rows: u64, took: Duration) {
    let seconds = took.as_secs_f64();
    println!("measured {what}: {rows} rows in {seconds:.2} s, {:.0} rows/s", rows as f64 / seconds.max(1e-9));
}

/// As people's exports are: names, an e-mail, a phone, tags and two fields of their own.
fn file(rows: u64) -> String {
    let mut file = "First Name,Last Name,E-mail Address,Mobile Phone,Country,Labels,Shoe size,Note\n".to_owned();
    for row in 0..rows {
        let phone = 100_000_000 + row;
        let (tag, size) = (row % 40, 30 + row % 20);
        let _ = writeln!(
            file,
            "Given{row},Family{},person{row}@example.org,+60{phone},MY,tag{tag};all,{size},\"note, number {row}\"",
            row % 5000
        );
    }
    file
}
