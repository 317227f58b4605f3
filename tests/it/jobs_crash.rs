//! The server is killed with signal 9 while a bulk edit runs, and while it is undone: it goes on at the next start, and no
//! contact is done twice. `ROLLCALL_JOB_CRASHES=50` makes a long run of it.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rollcall::contact::{Contact, Millis, Role};
use serde_json::{Value as Json, json};

use crate::support::connection::Connection;
use crate::support::server::{self, Server};
use crate::support::{api, command, jobs, seed};

const PEOPLE: u64 = 3000;
const NOW: Millis = 1_700_000_000_000;

/// A workspace with contacts; an owner's token.
fn furnish(folder: &std::path::Path) -> String {
    let engine = command::open(folder);
    let ws = api::workspace(&engine, "Crash");
    let token = api::token(&engine, ws, api::user("Olga", Role::Owner));
    let one = |n: u64| Contact { first_name: Some(format!("Ann {n}")), created_at: NOW, ..Contact::default() };
    engine.load(ws, (0..PEOPLE).map(one).collect()).expect("loads");
    engine.close().expect("closes");
    token
}

fn ask(caller: &mut Connection, method: &str, path: &str, body: Option<Json>, status: u16) -> Json {
    let (found, answer) = caller.ask(method, path, body.as_ref()).expect("the server is there");
    assert_eq!(found, status, "{method} {path}: {answer}");
    answer
}

/// Kills the server when so many contacts are done, starts it anew, until the job is over; how often it was hit under way.
fn killed(
    folder: &std::path::Path,
    token: &str,
    path: &str,
    end: &str,
    rng: &mut ChaCha8Rng,
    mut server: Server,
) -> u32 {
    let (mut hits, mut address) = (0, server.address(jobs::PATIENCE).expect("it listens"));
    let rounds = seed::rounds("ROLLCALL_JOB_CRASHES", 5);
    for _ in 0..rounds {
        let mut caller = Connection::open(address, token).expect("the server is there");
        let done = |caller: &mut Connection| {
            let job = ask(caller, "GET", path, None, 200)["job"].take();
            let counts = if end == "done" { &job["counts"] } else { &job["undo"] };
            (counts["done"].as_u64().expect("a number"), job["state"] == end)
        };
        let (begun, _) = done(&mut caller);
        let wanted = begun + rng.random_range(0..PEOPLE / 8);
        let (_, is_over) =
            jobs::until("progress", || Some(done(&mut caller)).filter(|(n, over)| *over || *n >= wanted));
        let complaints = server.kill();
        assert!(complaints.is_empty(), "{complaints:#?}");
        hits += u32::from(!is_over);
        (server, address) = Server::start(folder);
    }
    let mut caller = Connection::open(address, token).expect("the server is there");
    jobs::until("the job's end", || (ask(&mut caller, "GET", path, None, 200)["job"]["state"] == end).then_some(()));
    server.stop();
    hits
}

#[test]
fn a_job_goes_on_after_a_kill_and_does_no_contact_twice() {
    let mut rng = seed::rng("jobs_crash");
    let folder = tempfile::tempdir().expect("a folder");
    let token = furnish(folder.path());
    let (server, address) = Server::start(folder.path());
    let mut caller = Connection::open(address, &token).expect("the server is there");
    let body = json!({"action": {"action": "addTags", "tags": ["x"]}});
    let receipt = ask(&mut caller, "POST", "/v1/jobs", Some(body), 201)["receipt"].take();
    assert_eq!(receipt["count"], PEOPLE);
    let before = ask(&mut caller, "GET", "/v1/workspace", None, 200)["version"].as_u64().expect("a version");
    let path = format!("/v1/jobs/{}", receipt["job"]);
    ask(&mut caller, "POST", &format!("{path}/apply"), Some(json!({})), 202);
    drop(server.kill());
    let mut hits = killed(folder.path(), &token, &path, "done", &mut rng, Server::spawn(folder.path()));

    let (server, address) = Server::start(folder.path());
    let mut caller = Connection::open(address, &token).expect("the server is there");
    let read = |caller: &mut Connection| {
        let job = ask(caller, "GET", &path, None, 200);
        (job["job"].clone(), job["version"].as_u64().expect("a version"))
    };
    let (job, version) = read(&mut caller);
    assert_eq!((&job["counts"]["changed"], &job["counts"]["unchanged"]), (&json!(PEOPLE), &json!(0)));
    // One for the tag, one for each contact: none twice.
    assert_eq!(version, before + 1 + PEOPLE);
    let tagged = json!({"filter": {"field": "tags", "operator": "hasAnyOf", "value": ["x"]}});
    assert_eq!(ask(&mut caller, "POST", "/v1/contacts/count", Some(tagged.clone()), 200)["total"], PEOPLE);

    ask(&mut caller, "POST", &format!("{path}/undo"), Some(json!({})), 202);
    drop(server.kill());
    hits += killed(folder.path(), &token, &path, "undone", &mut rng, Server::spawn(folder.path()));
    let (server, address) = Server::start(folder.path());
    let mut caller = Connection::open(address, &token).expect("the server is there");
    let (job, version) = read(&mut caller);
    assert_eq!((&job["undo"]["restored"], &job["undo"]["left"]), (&json!(PEOPLE), &json!(0)));
    assert_eq!(version, before + 1 + 2 * PEOPLE);
    assert_eq!(ask(&mut caller, "POST", "/v1/contacts/count", Some(tagged), 200)["total"], 0);
    server.stop();
    server::verify(&server::copy(folder.path()));
    println!("measured: {hits} kills while the job or its undo was under way");
    assert!(hits > 0, "no kill met the job under way");
}
