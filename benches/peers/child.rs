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
use crate::measure::{Measured, measure};
use crate::mixed::{self, Mixed};
use crate::rollcall::Rollcall;
use crate::row::Rows;
use crate::sqlite::Sqlite;
use crate::{Args, cache_bytes};

/// What a child says once it has loaded.
#[derive(Serialize, Deserialize)]
pub struct Ready {
    pub load_s: f64,
    /// Where it serves, and the token; Rollcall only.
    pub served: Option<(SocketAddr, String)>,
}

/// What a child is told to do.
#[derive(Serialize, Deserialize)]
enum Order {
    /// The class at that place.
    Class(usize),
    Mixed,
    /// Serves Rollcall's answers from a bare route.
    Bare,
}

/// The parent's end.
pub struct Child {
    process: Process,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub ready: Ready,
}

impl Child {
    /// Starts the engine of that name over the folder and waits until it has loaded.
    pub fn start(name: &str, folder: &Path, args: &Args) -> Child {
        let folder = folder.join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
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

    /// Where the bare route is.
    pub fn bare(&mut self) -> SocketAddr {
        self.tell(&Order::Bare);
        hear(&mut self.answers)
    }

    pub fn mixed(&mut self) -> Mixed {
        self.tell(&Order::Mixed);
        hear(&mut self.answers)
    }

    fn tell(&mut self, order: &Order) {
        let line = serde_json::to_string(order).expect("an order is JSON");
        writeln!(self.orders.as_mut().expect("a pipe"), "{line}").expect("the child listens");
    }

    /// Mebibytes it holds.
    pub fn memory_mb(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.process.id())).unwrap_or_default();
        let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
        (pages * 4096) >> 20
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
        "rollcall" => {
            let (mut peer, load_s) = Rollcall::load(folder, args.contacts);
            let served = peer.serve();
            say(&Ready { load_s, served: Some(served.clone()) });
            obey(args, |order, literals| match order {
                Order::Class(at) => say(&measure(&mut peer, &CLASSES[at], literals, args.cap())),
                Order::Mixed => say(&mixed::rollcall(&mut peer, literals, args)),
                Order::Bare => say(&load::serve_bare(&served, literals)),
            });
        }
        _ => {
            let cache = cache_bytes(args.contacts);
            let (mut peer, load_s) = Sqlite::load(folder, args.contacts, cache);
            say(&Ready { load_s, served: None });
            obey(args, |order, literals| match order {
                Order::Class(at) => say(&measure(&mut peer, &CLASSES[at], literals, args.cap())),
                Order::Mixed => say(&mixed::sqlite(&mut peer, folder, literals, args)),
                Order::Bare => panic!("SQLite serves nothing"),
            });
        }
    }
}

fn obey(args: &Args, mut obey: impl FnMut(Order, &Literals)) {
    let literals = Literals::of(&Rows::new(), args.contacts);
    for line in std::io::stdin().lines() {
        let order = serde_json::from_str(&line.expect("a line")).expect("an order");
        obey(order, &literals);
    }
}
