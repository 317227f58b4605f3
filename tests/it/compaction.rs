//! A compaction that is killed at any moment, or runs out of disk, leaves a data folder that the next command can use, with
//! every contact in it. `ROLLCALL_COMPACTIONS=200` makes a long run of it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rollcall::contact::identity::Identifier;
use rollcall::contact::{Interaction, InteractionKind, UserId, WorkspaceId};
use rollcall::engine::{Actor, Once};
use rollcall::store::{SledSettings, SledStore, Store};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Map, json};

use crate::erasure::{PEOPLE, lived_in};
use crate::support::{command, seed};

/// When it is killed.
#[derive(Debug)]
enum Moment {
    /// So long after it began.
    After(Duration),
    /// Once that is in the folder, or no more, and so long after.
    There(&'static str, bool, Duration),
}

impl Moment {
    fn draw(rng: &mut ChaCha8Rng, whole: Duration) -> Moment {
        let soon = Duration::from_micros(rng.random_range(0..3_000));
        match rng.random_range(0..8) {
            0..3 => Moment::After(Duration::from_micros(rng.random_range(0..whole.as_micros() as u64))),
            3 => Moment::There("store.copying", true, soon * 100),
            4 => Moment::There("store.copied", true, soon),
            5 => Moment::There("index", false, soon),
            6 => Moment::There("store", false, soon / 10),
            _ => Moment::There("store.old", true, soon),
        }
    }
}

/// What an interrupted compaction leaves there, for the report of what was met.
fn parts(folder: &Path) -> Vec<&'static str> {
    let all = ["index", "store", "store.copying", "store.copied", "store.old"];
    all.into_iter().filter(|name| folder.join(name).exists()).collect()
}

#[test]
fn a_compaction_killed_at_any_moment_leaves_everything() {
    let mut rng = seed::rng("compaction");
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path();
    lived_in(folder);
    let begun = Instant::now();
    command::done(folder, &["compact"]);
    let whole = begun.elapsed();
    let mut met = std::collections::BTreeMap::new();
    for round in 0..seed::rounds("ROLLCALL_COMPACTIONS", 16) {
        let moment = Moment::draw(&mut rng, whole);
        let mut child = command::rollcall(folder, &["compact"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command starts");
        match moment {
            Moment::After(pause) => std::thread::sleep(pause),
            Moment::There(name, there, pause) => {
                while folder.join(name).exists() != there && child.try_wait().expect("it is ours").is_none() {
                    std::thread::sleep(Duration::from_micros(20));
                }
                std::thread::sleep(pause);
            }
        }
        let _ = child.kill();
        let _ = child.wait();
        let left = parts(folder);
        println!("round {round}: {moment:?}: {left:?}");
        *met.entry(left.join(", ")).or_insert(0) += 1;
        assert_eq!(command::done(folder, &["verify"]).trim(), "index and store agree");
        assert_eq!(parts(folder).into_iter().filter(|name| name.starts_with("store")).count(), 1);
        let listed = command::done(folder, &["workspace", "list"]);
        let counts: Vec<&str> = listed.lines().skip(1).filter_map(|line| line.split_whitespace().nth(2)).collect();
        assert_eq!(counts, [(PEOPLE / 2).to_string(), PEOPLE.to_string()], "{listed}");
    }
    println!("measured compaction: what killed ones left: {met:?}");
    command::done(folder, &["compact"]);
    assert_eq!(command::done(folder, &["verify"]).trim(), "index and store agree");
}

#[test]
fn a_compaction_that_runs_out_of_disk_changes_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path();
    lived_in(folder);
    let compact = command::rollcall(folder, &["compact"]);
    let mut refused = None;
    // The copy may be finished before its files are limited: then once more.
    for _ in 0..20 {
        let mut limited = Command::new("sh");
        limited.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(compact.get_program()).args(compact.get_args());
        limited.env_remove("ROLLCALL_CONFIG").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = limited.spawn().expect("the command starts");
        let made = || std::fs::metadata(folder.join("store.copying/acknowledged")).is_ok_and(|file| file.len() == 32);
        while !made() && child.try_wait().expect("it is ours").is_none() {
            std::thread::sleep(Duration::from_micros(20));
        }
        let none = Rlimit { current: Some(0), maximum: None };
        let _ = prlimit(Some(Pid::from_child(&child)), Resource::Fsize, none);
        let output = child.wait_with_output().expect("it ends");
        if !output.status.success() {
            refused = Some(output);
            break;
        }
    }
    let output = refused.expect("one of them met the limit");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    println!("{said}");
    assert_eq!(parts(folder).into_iter().filter(|name| name.starts_with("store")).collect::<Vec<_>>(), ["store"]);
    assert_eq!(command::done(folder, &["verify"]).trim(), "index and store agree");
    command::done(folder, &["compact"]);
    assert_eq!(command::done(folder, &["verify"]).trim(), "index and store agree");
}

#[test]
fn a_folder_in_use_or_without_data_is_not_compacted() {
    let data = tempfile::tempdir().expect("a folder");
    assert!(command::refused(data.path(), &["compact"], 1).contains("there is no data"));
    assert!(!data.path().join("compact.lock").exists());
    command::done(data.path(), &["workspace", "create", "One"]);
    let engine = command::open(data.path());
    assert!(command::refused(data.path(), &["compact"], 1).contains("another process uses it"));
    assert!(!data.path().join("store.copying").exists());
    engine.close().expect("the engine closes");
    drop(engine);
    assert!(command::done(data.path(), &["compact"]).contains("compacted"));
}

/// Every kind of record of a workspace, one damaged after another.
#[test]
fn a_damaged_record_ends_it_and_changes_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path();
    command::done(folder, &["workspace", "create", "One"]);
    let engine = command::open(folder);
    let actor = Actor::operator(WorkspaceId(1));
    let make = |at: u8| {
        let person =
            json!({"firstName": "A", "email": format!("a{at}@example.com"), "phone": format!("+6012345000{at}")});
        let once = Some(Once { key: [at; 16], request: [2; 16] });
        let actor = Actor { once, ..actor.clone() };
        engine.create_contact(&actor, person.as_object().expect("an object")).expect("made").value.id
    };
    let (a, b) = (make(1), make(2));
    engine.merge(&actor, &Identifier::Id(a), &Identifier::Id(b), &Map::new()).expect("merged");
    let text = Some("hello".into());
    let comment = Interaction { kind: InteractionKind::Comment, at: 1, channel: None, author: None, text };
    engine.record(&actor, &Identifier::Id(a), comment).expect("recorded");
    engine.create_token(WorkspaceId(1), UserId(1), "t", None).expect("a token");
    engine.close().expect("closed");
    drop(engine);
    let cache = SledSettings { cache_bytes: 16 << 20, flush_every_ms: 100 };
    let open = || SledStore::open(&folder.join("store"), cache).expect("the store opens");
    let all = open().scan(&[], &[255; 32], 10_000).expect("a scan");
    let mut met = std::collections::BTreeSet::new();
    for (key, value) in all {
        // One of each kind: the server's are told apart by the byte that a workspace's have too.
        let kind = (key[..4] == [0; 4], key[4]);
        if !met.insert(kind) {
            continue;
        }
        let mut damaged = value.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 4;
        open().apply(vec![(key.clone(), Some(damaged))]).expect("written");
        let said = command::refused(folder, &["compact"], 1);
        let advice = said.contains("restore a backup") || kind.1 == b'f';
        assert!(said.contains("damaged") && advice, "{kind:?}: {said}");
        assert_eq!(parts(folder).into_iter().filter(|name| *name != "index").collect::<Vec<_>>(), ["store"]);
        open().apply(vec![(key, Some(value))]).expect("written");
    }
    assert!(met.len() >= 12, "{met:?}");
    command::done(folder, &["compact"]);
    assert_eq!(command::done(folder, &["verify"]).trim(), "index and store agree");
}
