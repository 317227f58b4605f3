//! The demo: loads, serves, opens again at once, goes on after it was cut short; and what commands say when they cannot.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use rollcall::contact::ContactId;
use rollcall::corpus::Corpus;
use rollcall::engine::{Actor, Query};
use serde_json::Value as Json;

use crate::support::command::{done, open, refused, rollcall};

/// A running demo that is killed when dropped.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the demo and waits for its three lines.
fn start(data: &Path, more: &[&str]) -> Demo {
    let mut command = rollcall(data, &[&["demo", "--bind", "127.0.0.1:0"], more].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the demo starts");
    let mut demo = Demo(child);
    let out = BufReader::new(demo.0.stdout.take().expect("its output"));
    let mut curls = 0;
    for line in out.lines() {
        let line = line.expect("a line");
        curls += usize::from(line.starts_with("curl ") && line.contains("http://127.0.0.1:"));
        if curls == 3 {
            return demo;
        }
    }
    panic!("the demo ended before it served");
}

#[test]
fn a_demo_cut_short_goes_on_and_is_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    drop(start(&data, &["--contacts", "300", "--seed", "5"]));
    // As if the process had ended before the other contacts came.
    let path = data.join("demo.json");
    let mut state: Json = serde_json::from_slice(&std::fs::read(&path).expect("the state")).expect("JSON");
    assert_eq!(state["loaded"], true);
    let now = state["now"].as_i64().expect("a time");
    state["loaded"] = false.into();
    state["contacts"] = 1450.into();
    std::fs::write(&path, state.to_string()).expect("the state is written");

    let mut demo = start(&data, &[]);
    let complaint = refused(&data, &["workspace", "list"], 1);
    assert!(complaint.contains("another process uses it"), "{complaint}");
    assert!(refused(&data, &["demo", "--contacts", "7"], 2).contains("1450 contacts"));
    let pid = rustix::process::Pid::from_child(&demo.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it can be asked to stop");
    assert!(demo.0.wait().expect("it stops").success());

    let engine = open(&data);
    let workspace = engine.workspaces().expect("workspaces")[0].id;
    let actor = Actor::operator(workspace);
    assert_eq!(engine.count(&actor, &Query::default()).expect("a count").value, 1450);
    let corpus =
        Corpus::new(5, now).for_workspace(&engine.catalog(workspace).expect("a catalog")).expect("all is there");
    for place in [0, 299, 300, 301, 1449] {
        let found = engine.contacts_after(workspace, ContactId(place), 1).expect("a contact");
        let made = corpus.contact(u64::from(place));
        assert_eq!(found[0].id, made.id);
        assert!(found[0].email == made.email && found[0].phone == made.phone && found[0].tags == made.tags);
    }
    assert!(engine.verify(workspace).expect("verify runs").problems.is_empty());
    engine.close().expect("it closes");
    drop(engine);
    let tokens = done(&data, &["token", "list"]);
    assert_eq!(tokens.lines().filter(|line| line.contains("active")).count(), 2, "{tokens}");
}

#[test]
fn the_csv_of_the_demo_imports_with_the_printed_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let file = folder.path().join("people.csv");
    let file = file.to_str().expect("UTF-8");
    done(&data, &["demo", "--write-csv", file, "--contacts", "800"]);
    done(&data, &["workspace", "create", "people"]);
    let import =
        ["import", file, "--workspace", "people", "--map", "given_name=firstName", "--map", "surname=lastName"];
    assert_eq!(done(&data, &[&import[..], &["--new-fields"]].concat()), "800 imported, 0 failed\n");
    assert_eq!(done(&data, &["verify"]), "index and store agree\n");
    let backup = folder.path().join("all.backup");
    let backup = backup.to_str().expect("UTF-8");
    done(&data, &["backup", backup]);
    let other = folder.path().join("other");
    done(&other, &["restore", backup]);
    assert_eq!(done(&data, &["export"]), done(&other, &["export"]));
    assert!(refused(&other, &["restore", backup], 2).contains("holds data already"));
    done(&other, &["rebuild"]);
    assert_eq!(done(&other, &["verify"]), "index and store agree\n");
}

#[test]
fn a_restore_that_fails_leaves_the_folder_free_for_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, other) = (folder.path().join("data"), folder.path().join("other"));
    done(&data, &["workspace", "create", "one"]);
    let [backup, wrong] = ["all.backup", "wrong"].map(|name| folder.path().join(name));
    std::fs::write(&wrong, "no backup at all").expect("a file");
    let [backup, wrong] = [&backup, &wrong].map(|path| path.to_str().expect("UTF-8"));
    done(&data, &["backup", backup]);
    assert!(refused(&other, &["restore", wrong], 1).contains("this is no backup"));
    assert!(!other.exists());
    done(&other, &["restore", backup]);
}

#[test]
fn commands_say_what_is_wrong_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let complaint = refused(&data, &["token", "list"], 1);
    assert!(complaint.contains("there is no data in") && complaint.lines().count() == 1, "{complaint}");
    done(&data, &["workspace", "create", "one"]);
    assert!(refused(&data, &["workspace", "create", "ONE"], 1).contains("already"));
    done(&data, &["workspace", "create", "two"]);
    assert!(refused(&data, &["token", "list"], 2).contains("one, two"));
    assert!(refused(&data, &["token", "list", "--workspace", "three"], 2).contains("there is no workspace three"));
    let secret = done(&data, &["token", "create", "--workspace", "two", "--expires-in", "7"]);
    assert!(secret.starts_with("rollcall_") && secret.lines().count() == 1);
    let id = secret.split('_').nth(1).expect("an id");
    assert!(done(&data, &["token", "revoke", id, "--workspace", "two"]).contains("is revoked"));
    assert!(done(&data, &["token", "list", "--workspace", "two"]).contains("revoked"));
    refused(&data, &["token", "revoke", id, "--workspace", "one"], 1);
    assert!(refused(&data, &["import", "no.csv", "--workspace", "one"], 1).contains("no.csv"));
    let workbook = folder.path().join("people.xlsx");
    std::fs::write(&workbook, b"PK\x03\x04and so on").expect("written");
    let complaint = refused(&data, &["import", workbook.to_str().expect("UTF-8"), "--workspace", "one"], 2);
    assert!(complaint.contains("save the table as CSV") && complaint.lines().count() == 1, "{complaint}");
    assert!(refused(&data, &["demo"], 2).contains("no demo's"));
    refused(&data, &["frobnicate"], 2);
    assert!(refused(&data, &["verify", "--log-level", "loud"], 2).contains("\"loud\" is no level"));
    assert!(refused(&data, &["serve", "--bind", "localhost"], 2).contains("such as 127.0.0.1:7373"));
}
