//! Requests a second over HTTP at sixteen connections, beside a bare axum route in the same process that returns the same bytes.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use serde_json::{Value as Json, json};

use crate::Args;
use crate::child::Child;
use crate::class::{CLASSES, Class};
use crate::goals::{self, Goal};
use crate::http::Http;
use crate::json::{request, round};
use crate::literals::{LITERALS, Literals};
use crate::row::Rows;

const CONNECTIONS: u32 = 16;
/// Of each in turn; what is told is the round of the middle.
const ROUNDS: u32 = 7;
const SECONDS: u32 = 2;
/// A page of a hundred rows, and a count.
const ASKED: [&str; 2] = ["tag", "count of a tag"];
/// What they should reach of the bare route's requests, per cent.
const SHARES: [f64; 2] = [25.0, 50.0];

/// What came out of one round.
struct Load {
    per_s: f64,
    p50: String,
    p99: String,
}

impl Load {
    fn json(&self) -> Json {
        json!({"requests_per_s": round(self.per_s), "p50_us": micros(&self.p50), "p99_us": micros(&self.p99)})
    }
}

/// Microseconds of a time as wrk writes it: `890.00us`, `1.20ms`, `1.06s`.
fn micros(text: &str) -> Json {
    let (number, unit) = text.split_at(text.find(char::is_alphabetic).unwrap_or(text.len()));
    let times = match unit {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        "m" => 60e6,
        _ => panic!("{text:?} is no time of wrk's"),
    };
    round(number.parse::<f64>().expect("a number") * times)
}

/// The requests of a class: the path they share, and their bodies.
fn requests(class: &Class, literals: &Literals) -> (&'static str, Vec<String>) {
    let requests = (0..LITERALS).map(|n| request(&(class.ask)(literals, n)));
    let (paths, bodies): (Vec<_>, Vec<_>) = requests.unzip();
    (paths[0], bodies)
}

fn asked() -> impl Iterator<Item = &'static Class> {
    ASKED.iter().map(|name| CLASSES.iter().find(|class| class.name == *name).expect("a class"))
}

/// In the child: asks its own server once for every answer, and serves those at the same paths, each in turn.
pub fn serve_bare(served: &(SocketAddr, String), literals: &Literals) -> SocketAddr {
    let mut http = Http::connect(served.0, &served.1);
    let mut router = Router::new();
    for class in asked() {
        let (path, bodies) = requests(class, literals);
        let answers: Vec<Bytes> = bodies.iter().map(|body| http.post(path, body).1.into()).collect();
        let state = Arc::new((AtomicUsize::new(0), answers));
        let answer = move |_body: Bytes| async move {
            let turn = state.0.fetch_add(1, Ordering::Relaxed) % state.1.len();
            ([(CONTENT_TYPE, "application/json")], state.1[turn].clone())
        };
        router = router.route(path, post(answer));
    }
    let (say, hear) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listens");
            say.send(listener.local_addr().expect("an address")).expect("heard");
            axum::serve(axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true))), router)
                .await
                .expect("serves");
        });
    });
    hear.recv().expect("the bare server listens")
}

/// Loads Rollcall and asks it and the bare route as fast as they answer.
pub fn run(folder: &Path, args: &Args) -> Json {
    install();
    let mut child = Child::start("rollcall", folder, args);
    let (address, token) = child.ready.served.clone().expect("Rollcall serves");
    let bare = child.bare();
    let literals = Literals::of(&Rows::new(), args.contacts);
    println!(
        "measured http: {} contacts, {CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS} s each",
        args.contacts
    );
    println!("{:16} {:>28} {:>28} {:>8}", "class", "rollcall req/s p50 p99", "bare axum req/s p50 p99", "share");
    let (mut classes, mut goals) = (Vec::new(), Vec::new());
    for (class, least) in asked().zip(SHARES) {
        let (path, bodies) = requests(class, &literals);
        let script = folder.join("wrk.lua");
        std::fs::write(&script, lua(&token, &bodies)).expect("a script");
        let (ours, theirs) = (format!("http://{address}{path}"), format!("http://{bare}{path}"));
        let (ours, theirs) = in_the_middle((0..ROUNDS).map(|_| (wrk(&script, &ours), wrk(&script, &theirs))).collect());
        let shown = |load: &Load| format!("{:.0} {} {}", load.per_s, load.p50, load.p99);
        let share = share(&ours, &theirs);
        println!("{:16} {:>28} {:>28} {share:>7.0}%", class.name, shown(&ours), shown(&theirs));
        let name = class.name;
        goals.push(Goal::at_least(format!("requests/s beside a bare route, {name}"), share, least, " %"));
        classes.push(
            json!({"class": name, "rollcall": ours.json(), "bare": theirs.json(), "share_percent": round(share)}),
        );
    }
    json!({"contacts": args.contacts, "connections": CONNECTIONS, "classes": classes, "goals": goals::told(&goals)})
}

/// Per cent of the other's requests.
fn share(ours: &Load, theirs: &Load) -> f64 {
    100.0 * ours.per_s / theirs.per_s
}

/// The round with as many lower shares as higher ones: how quick a machine is changes from second to second.
fn in_the_middle(mut rounds: Vec<(Load, Load)>) -> (Load, Load) {
    rounds.sort_by(|(a, b), (c, d)| share(a, b).total_cmp(&share(c, d)));
    rounds.swap_remove(rounds.len() / 2)
}

/// The bodies in turn.
fn lua(token: &str, bodies: &[String]) -> String {
    let bodies: Vec<String> = bodies.iter().map(|body| format!("[==[{body}]==]")).collect();
    format!(
        "wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n\
         wrk.headers['Authorization'] = 'Bearer {token}'\nlocal bodies = {{{}}}\nlocal turn = 0\n\
         request = function() turn = turn % #bodies + 1 return wrk.format(nil, nil, nil, bodies[turn]) end\n",
        bodies.join(",\n")
    )
}

fn wrk(script: &Path, url: &str) -> Load {
    let mut command = Command::new("wrk");
    command.args([format!("-c{CONNECTIONS}"), format!("-d{SECONDS}s"), "-t2".into(), "--latency".into(), "-s".into()]);
    let output = command.arg(script).arg(url).output().expect("wrk runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !text.contains("Non-2xx"), "{text}");
    let after = |mark: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(mark));
        line.map(|rest| rest.trim().to_owned()).unwrap_or_else(|| panic!("no {mark} in {text}"))
    };
    Load { per_s: after("Requests/sec:").parse().expect("a number"), p50: after("50%"), p99: after("99%") }
}

/// Installs the load generator where it is missing.
fn install() {
    if Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok() {
        return;
    }
    eprintln!("peers: installs wrk");
    for arguments in [["update", "-q"].as_slice(), &["install", "-y", "-q", "--no-install-recommends", "wrk"]] {
        let _ = Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null())
            .status();
    }
}
