//! An engine that lives in a process of its own, so that its memory is its own: this program again, told over a pipe what
//! to measure.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::class::CLASSES;
use crate::literals::Literals;
use crate::load;
use crate::measure::{Measured, measure, once};
use crate::mixed::{self, Mixed};
use crate::rollcall::Rollcall;
use crate::row::Rows;
use crate::sqlite::Sqlite;
use crate::{Args, cache_bytes};

/// What a child says once it has loaded, or is there again.
#[derive(Serialize, Deserialize)]
pub struct Ready {
    /// From a restarted one: until the first answer.
    pub load_s: f64,
    /// Where it serves, and the token; Rollcall only.
    pub served: Option<(SocketAddr, String)>,
}

/// What a child is told to do.
#[derive(Serialize, Deserialize)]
enum Order {
    /// The class at that place.
    Class(usize),
    /// The same, each question once.
    Once(usize),
    Mixed,
    /// Serves Rollcall's answers from a bare route.
    Bare,
    /// Records so many messages.
    Messages(u32),
    /// The bytes of each part of Rollcall's index.
    Index,
    /// Closes Rollcall; how long that took.
    Close,
}

/// Rollcall over a folder that is there already.
const RESTARTED: &str = "restarted";

/// The parent's end.
pub struct Child {
    process: Process,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub ready: Ready,
}

impl Child {
    /// Starts the engine of that name over a new folder and waits until it has loaded.
    pub fn start(name: &str, folder: &Path, args: &Args) -> Child {
        let folder = folder.join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Child::spawn(name, &folder, args)
    }

    /// Starts Rollcall over what one before it left there, and waits for its first answer.
    pub fn restart(folder: &Path, args: &Args) -> Child {
        Child::spawn(RESTARTED, &folder.join("rollcall"), args)
    }

    fn spawn(name: &str, folder: &Path, args: &Args) -> Child {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--child", name, "--contacts", &args.contacts.to_string()]);
        command.args(["--seconds", &args.seconds.to_string(), "--mixed-seconds", &args.mixed_seconds.to_string()]);
        command.arg("--folder").arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("this program starts again");
        let orders = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().expect("a pipe"));
        let ready = hear(&mut answers);
        Child { process, orders, answers, ready }
    }

    pub fn measure(&mut self, class: usize) -> Measured {
        self.tell(&Order::Class(class));
        hear(&mut self.answers)
    }

    /// Microseconds, sorted.
    pub fn once(&mut self, class: usize) -> Vec<f64> {
        self.tell(&Order::Once(class));
        hear(&mut self.answers)
    }

    /// Where the bare route is.
    pub fn bare(&mut self) -> SocketAddr {
        self.tell(&Order::Bare);
        hear(&mut self.answers)
    }

    pub fn mixed(&mut self) -> Mixed {
        self.tell(&Order::Mixed);
        hear(&mut self.answers)
    }

    pub fn messages(&mut self, count: u32) {
        self.tell(&Order::Messages(count));
        hear(&mut self.answers)
    }

    pub fn index_bytes(&mut self) -> Vec<(String, u64)> {
        self.tell(&Order::Index);
        hear(&mut self.answers)
    }

    pub fn close(mut self) -> f64 {
        self.tell(&Order::Close);
        hear(&mut self.answers)
    }

    /// Ends it where it stands.
    pub fn kill(mut self) {
        self.process.kill().expect("a child of ours ends");
    }

    fn tell(&mut self, order: &Order) {
        let line = serde_json::to_string(order).expect("an order is JSON");
        writeln!(self.orders.as_mut().expect("a pipe"), "{line}").expect("the child listens");
    }

    /// Mebibytes it holds.
    pub fn memory_mb(&self) -> u64 {
        self.status_mb("VmRSS")
    }

    /// Mebibytes by the kernel's name for them: all that is in memory, the most there was, what is no page of a file.
    pub fn status_mb(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) >> 10
    }
}

impl Drop for Child {
    /// The end of its orders is the end of it.
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}

fn hear<T: for<'de> Deserialize<'de>>(answers: &mut BufReader<ChildStdout>) -> T {
    let mut line = String::new();
    answers.read_line(&mut line).expect("the child answers");
    serde_json::from_str(&line).expect("the child answers before it ends")
}

fn say(answer: &impl Serialize) {
    println!("{}", serde_json::to_string(answer).expect("an answer is JSON"));
}

/// The child's end: loads, then does as it is told until there are no more orders.
pub fn run(name: &str, folder: &Path, args: &Args) {
    match name {
        "sqlite" => run_sqlite(folder, args),
        RESTARTED => {
            let (peer, first_s) = Rollcall::restart(folder, args.contacts);
            say(&Ready { load_s: first_s, served: None });
            run_rollcall(peer, None, args);
        }
        _ => {
            let (peer, load_s) = Rollcall::load(folder, args.contacts);
            let served = peer.serve();
            say(&Ready { load_s, served: Some(served.clone()) });
            run_rollcall(peer, Some(served), args);
        }
    }
}

fn run_rollcall(mut peer: Rollcall, served: Option<(SocketAddr, String)>, args: &Args) {
    obey(args, |order, literals| match order {
        Order::Class(at) => say(&measure(&mut peer, &CLASSES[at], literals, args.cap())),
        Order::Once(at) => say(&once(&mut peer, &CLASSES[at], literals)),
        Order::Mixed => say(&mixed::rollcall(&mut peer, literals, args)),
        Order::Bare => say(&load::serve_bare(served.as_ref().expect("it serves"), literals)),
        Order::Messages(count) => say(&mixed::messages(&mut peer, count)),
        Order::Index => say(&peer.index_bytes()),
        Order::Close => say(&peer.close()),
    });
}

fn run_sqlite(folder: &Path, args: &Args) {
    let (mut peer, load_s) = Sqlite::load(folder, args.contacts, cache_bytes(args.contacts));
    say(&Ready { load_s, served: None });
    obey(args, |order, literals| match order {
        Order::Class(at) => say(&measure(&mut peer, &CLASSES[at], literals, args.cap())),
        Order::Mixed => say(&mixed::sqlite(&mut peer, folder, literals, args)),
        _ => panic!("that is asked of Rollcall only"),
    });
}

fn obey(args: &Args, mut obey: impl FnMut(Order, &Literals)) {
    let literals = Literals::of(&Rows::new(), args.contacts);
    for line in std::io::stdin().lines() {
        let order = serde_json::from_str(&line.expect("a line")).expect("an order");
        obey(order, &literals);
    }
}
