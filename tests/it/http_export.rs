//! Exports over HTTP: what they say of themselves, who may ask, and that none looks whole that is not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rollcall::contact::identity::Identifier;
use rollcall::contact::{Contact, ContactId, Role, User, WorkspaceId};
use rollcall::engine::export::Format;
use rollcall::engine::{Actor, Engine, Query};
use rollcall::http::{Server, Settings};
use serde_json::{Value as Json, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::api::{Api, engine, settings, token, user, workspace};

const EXPORT: &str = "/v1/contacts/export";
const PAGE: &str = "/v1/contacts/page.csv";
const PATIENCE: Duration = Duration::from_secs(60);

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_export_says_how_much_it_is() {
    let api = Api::new().await;
    let version = api.version(&api.owner).await.to_string();
    let csv = api.send(&api.manager, "POST", EXPORT, &json!({"format": "csv", "bom": true})).await;
    assert_eq!(csv.status, 200, "{}", text(&csv.bytes));
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"contacts-2026-03-02.csv\"");
    assert_eq!((csv.header("rollcall-count"), csv.header("rollcall-version")), ("4", version.as_str()));
    assert_eq!(csv.header("content-length"), csv.bytes.len().to_string());
    assert_eq!(csv.header("cache-control"), "no-store");
    let written = text(&csv.bytes);
    let mut lines = written.strip_prefix('\u{feff}').expect("a byte order mark").lines();
    let header = lines.next().expect("a header");
    assert!(header.starts_with("id,firstName,lastName,") && header.ends_with(",plan,age,born"), "{header}");
    assert_eq!(lines.count(), 4);
    let filter = json!({"field": "age", "operator": "isGreaterThan", "value": 10});
    let body = json!({"format": "ndjson", "filter": filter, "search": "osc", "timezone": "utc", "minVersion": 1});
    let found = api.send(&api.owner, "POST", EXPORT, &body).await;
    assert_eq!((found.header("content-type"), found.header("rollcall-count")), ("application/x-ndjson", "1"));
    assert!(found.header("content-disposition").ends_with(".ndjson\""));
    let contact: Json = serde_json::from_slice(&found.bytes).expect("one line");
    let mut answered = api.get(&api.owner, "/v1/contacts/1").await.json()["contact"].clone();
    assert!(answered["lastInteractedChannel"].is_null() && answered["assignee"].is_null());
    assert_eq!(contact, answered.take());
    let none = json!({"format": "csv", "filter": {"$or": [{"field": "id", "operator": "isEqualTo", "value": 99}]}});
    let empty = api.send(&api.owner, "POST", EXPORT, &none).await;
    assert_eq!((empty.header("rollcall-count"), text(&empty.bytes).lines().count()), ("0", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_exports_are_refused() {
    let api = Api::new().await;
    for (body, code, path) in [
        (json!({}), "missing_member", "format"),
        (json!({"format": "xlsx"}), "*", "format"),
        (json!({"format": "ndjson", "bom": true}), "not_for_this_format", "bom"),
        (json!({"format": "csv", "sort": []}), "unknown_member", "sort"),
        (json!({"format": "csv", "limit": 5}), "unknown_member", "limit"),
        (json!({"format": "csv", "segment": 77}), "*", "segment"),
        (json!({"format": "csv", "timezone": "Mars", "filter": {"$and": []}}), "unknown_timezone", "timezone"),
    ] {
        let reply = api.send(&api.owner, "POST", EXPORT, &body).await;
        assert_eq!(reply.status, 400, "{body}: {}", text(&reply.bytes));
        assert!(code == "*" || reply.code() == code, "{body}: {}", text(&reply.bytes));
        assert_eq!(reply.json()["path"].as_str().unwrap_or_default(), path, "{body}: {}", text(&reply.bytes));
    }
    let late = json!({"format": "csv", "minVersion": 1_000_000});
    assert_eq!(api.send(&api.owner, "POST", EXPORT, &late).await.code(), "version_not_reached");
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_and_the_restricted_export_nothing() {
    let api = Api::new().await;
    let restricted = |name, role| User { restrict_data_export: true, ..user(name, role) };
    let held_back = token(&api.engine, api.workspace, restricted("Rob", Role::Manager));
    let owner = token(&api.engine, api.workspace, restricted("Ola", Role::Owner));
    for (path, body) in [(EXPORT, json!({"format": "csv"})), (PAGE, json!({}))] {
        for (token, code) in [(&api.agent, "role_not_allowed"), (&held_back, "user_restricted")] {
            let reply = api.send(token, "POST", path, &body).await;
            assert_eq!((reply.status, reply.code().as_str()), (403, code), "{path}");
        }
        assert_eq!(api.send(&owner, "POST", path, &body).await.status, 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_the_search_under_labels() {
    let api = Api::new().await;
    let evil = json!({"name": "=cmd()", "dataType": "text"});
    assert_eq!(api.send(&api.owner, "POST", "/v1/fields", &evil).await.status, 201);
    let body = json!({
        "filter": {"field": "name", "operator": "exists"}, "sort": [{"field": "id", "order": "desc"}],
        "offset": 1, "limit": 2, "columns": ["firstName", "name", "phone", "tags", "cmd", "age"], "facets": ["tags"],
    });
    let page = api.send(&api.owner, "POST", PAGE, &body).await;
    assert_eq!(page.status, 200, "{}", text(&page.bytes));
    assert_eq!(page.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!((page.header("rollcall-count"), page.header("content-disposition").is_empty()), ("2", false));
    assert_eq!(page.header("rollcall-version"), api.version(&api.owner).await.to_string());
    let expected = "\"ID\",First name,Name,Phone,Tags,'=cmd(),Age\n\
                    3,李,李 雷,+8613800138000,,,\n\
                    2,Scarlet,Scarlet,,,,\n";
    assert_eq!(text(&page.bytes), expected);
    let all = api.send(&api.owner, "POST", PAGE, &json!({})).await;
    assert_eq!(text(&all.bytes).lines().count(), 5);
    let beyond = api.send(&api.owner, "POST", PAGE, &json!({"limit": 101})).await;
    assert_eq!((beyond.status, beyond.code().as_str()), (400, "out_of_range"));
    let unknown = api.send(&api.owner, "POST", PAGE, &json!({"columns": ["nme"]})).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (400, "unknown_field"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_compressed_for_who_asks() {
    let api = Api::new().await;
    let body = json!({"format": "csv"}).to_string().into_bytes();
    let plain = api.send(&api.owner, "POST", EXPORT, &json!({"format": "csv"})).await;
    let headers = [("content-type", "application/json"), ("accept-encoding", "gzip")];
    let packed = api.raw(Some(&api.owner), "POST", EXPORT, &headers, body).await;
    assert_eq!((packed.header("content-encoding"), packed.header("rollcall-count")), ("gzip", "4"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.bytes.as_slice()).read_to_end(&mut unpacked).expect("gzip");
    assert_eq!(unpacked, plain.bytes);
}

/// A server with contacts of 100 kB each: more than sockets hold back.
struct Large {
    engine: Arc<Engine>,
    actor: Actor,
    token: String,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<Result<(), rollcall::http::Error>>,
    folder: tempfile::TempDir,
}

const CONTACTS: u32 = 250;

impl Large {
    async fn start(change: impl FnOnce(&mut Settings)) -> Large {
        let engine = engine();
        let ws: WorkspaceId = workspace(&engine, "Large");
        let token = token(&engine, ws, user("Olga", Role::Owner));
        let folder = tempfile::tempdir().expect("a folder");
        let picture = format!("https://pictures.example/{}", "x".repeat(100_000));
        let contact =
            |n| Contact { first_name: Some(format!("N{n}")), profile_pic: Some(picture.clone()), ..Contact::default() };
        for from in (0..CONTACTS).step_by(50) {
            engine.load(ws, (from..from + 50).map(contact).collect()).expect("loaded");
        }
        let mut settings = Settings { export_folder: folder.path().display().to_string(), ..settings() };
        change(&mut settings);
        let server = Server::bind(engine.clone(), settings).await.expect("a free port");
        let (address, (stop, stopped)) = (server.address(), oneshot::channel::<()>());
        let ended = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Large { engine, actor: Actor::operator(ws), token, address, stop: Some(stop), ended, folder }
    }

    fn expected(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let export = self.engine.export(&self.actor, &Query::default()).expect("an export");
        export.write(Format::Ndjson, &mut out, &mut |_| ()).expect("written");
        out
    }

    fn change_all(&self) {
        for id in (1..=CONTACTS).map(|id| Identifier::Id(ContactId(id))) {
            match id {
                Identifier::Id(ContactId(n)) if n % 5 == 0 => {
                    self.engine.delete_contact(&self.actor, &id).map(drop).expect("deleted");
                }
                id => {
                    let name = json!({"firstName": "Changed"}).as_object().cloned().expect("an object");
                    self.engine.update_contact(&self.actor, &id, &name).map(drop).expect("changed");
                }
            }
        }
    }

    /// Asks for an export and reads the answer's head only.
    fn ask(&self) -> Answer {
        self.ask_in("HTTP/1.1")
    }

    fn ask_in(&self, protocol: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let body = "{\"format\": \"ndjson\"}";
        let request = format!(
            "POST {EXPORT} {protocol}\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(stream.read_line(&mut head).expect("a head"), 0, "{head}");
        }
        Answer { head: head.to_lowercase(), stream }
    }

    /// No file of an export can be seen, not even while it is written: a process that is killed leaves none.
    fn leaves_nothing(&self) {
        assert_eq!(std::fs::read_dir(self.folder.path()).expect("a folder").count(), 0);
    }
}

struct Answer {
    head: String,
    stream: BufReader<TcpStream>,
}

impl Answer {
    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::trim)
    }

    /// The body; none where it broke off.
    fn whole(mut self) -> Option<Vec<u8>> {
        if let Some(length) = self.header("content-length").and_then(|length| length.parse().ok()) {
            let mut body = vec![0; length];
            return self.stream.read_exact(&mut body).ok().map(|()| body);
        }
        assert_eq!(self.header("transfer-encoding"), Some("chunked"));
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).ok()?;
            let size = usize::from_str_radix(line.trim_end(), 16).ok()?;
            let from = body.len();
            body.resize(from + size, 0);
            self.stream.read_exact(&mut body[from..]).ok()?;
            let mut end = [0; 2];
            self.stream.read_exact(&mut end).ok()?;
            assert_eq!(&end, b"\r\n");
            if size == 0 {
                return Some(body);
            }
        }
    }
}

/// Runs what blocks away from the server's threads.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("it ends")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_caller_gets_the_moment_it_asked_for() {
    for wait in [0, 60_000] {
        let large = Large::start(|settings| {
            settings.export_head_wait_ms = wait;
            settings.timeout_ms = 120_000;
        })
        .await;
        aside(move || {
            let expected = large.expected();
            let answer = large.ask();
            assert_eq!(answer.status(), "200", "{}", answer.head);
            assert_eq!(answer.header("rollcall-count"), Some("250"));
            assert_eq!(answer.header("content-length").is_some(), wait > 0, "{}", answer.head);
            // Nothing is taken yet, and everything changes.
            large.change_all();
            large.leaves_nothing();
            assert!(answer.whole().expect("it is whole") == expected, "another moment was sent");
            assert_ne!(large.expected(), expected);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_broken_off_or_refused() {
    let large = Large::start(|settings| {
        settings.export_head_wait_ms = 0;
        settings.export_bytes_max = 12 << 20;
    })
    .await;
    aside(move || {
        let answer = large.ask();
        assert_eq!((answer.status(), answer.header("transfer-encoding")), ("200", Some("chunked")), "{}", answer.head);
        assert_eq!(answer.whole(), None, "half an export looks whole");
    })
    .await;
    let large = Large::start(|settings| {
        settings.export_head_wait_ms = 60_000;
        settings.timeout_ms = 120_000;
        settings.export_bytes_max = 12 << 20;
    })
    .await;
    aside(move || {
        let answer = large.ask();
        assert_eq!(answer.status(), "500", "{}", answer.head);
        let body = text(&answer.whole().expect("a refusal"));
        assert!(body.contains("\"export_failed\""), "{body}");
    })
    .await;
    // There the end of the connection would be the end of the answer.
    for bytes_max in [12 << 20, 1 << 30] {
        let large = Large::start(|settings| {
            settings.export_head_wait_ms = 0;
            settings.timeout_ms = 120_000;
            settings.export_bytes_max = bytes_max;
        })
        .await;
        aside(move || {
            let answer = large.ask_in("HTTP/1.0");
            let is_large_enough = bytes_max > 1 << 29;
            assert_eq!(answer.status(), if is_large_enough { "200" } else { "500" }, "{}", answer.head);
            assert!(answer.header("content-length").is_some(), "{}", answer.head);
            assert!(!is_large_enough || answer.whole().expect("it is whole") == large.expected());
        })
        .await;
    }
    let large = Large::start(|settings| settings.export_free_bytes_min = u64::MAX).await;
    aside(move || {
        let answer = large.ask();
        assert!(answer.status() == "500" || answer.whole().is_none(), "a full disk was filled further");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_at_once_than_the_settings_say_and_who_leaves_makes_room() {
    let large = Large::start(|settings| settings.exports_max = 1).await;
    aside(move || {
        let first = large.ask();
        assert_eq!(first.status(), "200");
        let second = large.ask();
        assert_eq!((second.status(), second.header("retry-after")), ("429", Some("10")), "{}", second.head);
        assert!(text(&second.whole().expect("a refusal")).contains("\"too_many_exports\""));
        drop(first);
        let began = Instant::now();
        let third = loop {
            let next = large.ask();
            if next.status() == "200" {
                break next;
            }
            assert!(began.elapsed() < PATIENCE, "the place of who left is not given up");
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(third.whole().expect("it is whole").split(|byte| *byte == b'\n').count(), CONTACTS as usize + 1);
        large.leaves_nothing();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_takes_nothing_is_given_up() {
    let large = Large::start(|settings| (settings.exports_max, settings.export_stall_s) = (1, 1)).await;
    aside(move || {
        let stalled = large.ask();
        assert_eq!(stalled.status(), "200");
        let began = Instant::now();
        while large.ask().status() != "200" {
            assert!(began.elapsed() < PATIENCE, "it holds its place for ever");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(stalled.whole(), None, "what was given up looks whole");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_waits_for_no_export() {
    let mut large = Large::start(|settings| settings.shutdown_s = 1).await;
    let stop = large.stop.take().expect("it runs");
    let (large, answer) = aside(move || {
        let answer = large.ask();
        (large, answer)
    })
    .await;
    stop.send(()).expect("it runs");
    let ended = tokio::time::timeout(PATIENCE, large.ended).await;
    ended.expect("in time").expect("no panic").expect("closed well");
    assert_eq!(aside(move || answer.whole()).await, None, "what was broken off looks whole");
}
