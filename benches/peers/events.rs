//! Durable message events: kept connections that each post one message after the other, beside as many threads that write
//! records of the same sizes to raw sled and share its flushes. Contacts in random order, the same in both.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rollcall::config::Config;
use rollcall::contact::{ChannelId, Contact, ContactId, Interaction, InteractionKind, UserId, Workspace, WorkspaceId};
use rollcall::corpus::Corpus;
use rollcall::store::Writes;
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Args;
use crate::child::Child;
use crate::goals::{self, Goal};
use crate::row::{BATCH, SEED};
use crate::support::{NOW, quantile};

/// Connections there, threads here.
const CLIENTS: u64 = 64;
/// Threads that the connections share.
const CLIENT_THREADS: u64 = 2;
const SPAN: Duration = Duration::from_secs(10);
const TEXT: &str = "hello";

/// What came out for one of them.
struct Events {
    per_s: f64,
    p50_us: f64,
    p99_us: f64,
}

impl Events {
    fn of(mut micros: Vec<f64>, span: Duration) -> Events {
        micros.sort_by(f64::total_cmp);
        let per_s = micros.len() as f64 / span.as_secs_f64();
        Events { per_s, p50_us: quantile(&micros, 0.5), p99_us: quantile(&micros, 0.99) }
    }

    fn say(&self, name: &str) {
        println!("{name:32} {:>9.0} {:>12.0} {:>12.0}", self.per_s, self.p50_us, self.p99_us);
    }

    fn json(&self) -> Json {
        json!({"events_per_s": self.per_s.round(), "p50_us": self.p50_us.round(), "p99_us": self.p99_us.round()})
    }
}

/// Whose message is the `n`th of a client.
fn contact(client: u64, n: u64, contacts: u64) -> u64 {
    (client + n * CLIENTS) * 104_729 % contacts
}

pub fn run(folder: &Path, args: &Args) -> Json {
    println!("measured events: {} contacts, {CLIENTS} clients, {} s each", args.contacts, SPAN.as_secs());
    println!("{:32} {:>9} {:>12} {:>12}", "durable message events", "events/s", "p50 us", "p99 us");
    let corpus = Corpus::new(SEED, NOW);
    let ours = {
        let child = Child::start("rollcall", folder, args);
        let (address, token) = child.ready.served.clone().expect("Rollcall serves");
        posted(address, &token, &corpus.definition().channels[0].name, args.contacts)
    };
    ours.say("rollcall over HTTP");
    let theirs = sled_events(&folder.join("sled"), corpus, args.contacts);
    theirs.say("raw sled, shared flushes");
    let share = 100.0 * ours.per_s / theirs.per_s;
    let goal = Goal::at_least("durable events/s over HTTP beside raw sled", share, 70.0, " %");
    json!({
        "contacts": args.contacts, "clients": CLIENTS, "rollcall_http": ours.json(), "sled": theirs.json(),
        "share_percent": share.round(), "goals": goals::told(&[goal]),
    })
}

/// What the connections did together. They post outgoing messages: one from a blocked contact would be dropped.
fn posted(address: SocketAddr, token: &str, channel: &str, contacts: u64) -> Events {
    let body = json!({"kind": "outgoingMessage", "channel": channel, "text": TEXT}).to_string();
    let rest = format!(
        "/interactions HTTP/1.1\r\nHost: peers\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let started = Instant::now();
    let micros = std::thread::scope(|scope| {
        let threads = (0..CLIENT_THREADS).map(|thread| {
            let rest = rest.clone();
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
                runtime.block_on(async {
                    let own = (thread..CLIENTS).step_by(CLIENT_THREADS as usize);
                    let clients = own.map(|client| client_of(address, rest.clone(), client, contacts, started));
                    clients.collect::<JoinSet<_>>().join_all().await.concat()
                })
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("the clients end well")).collect()
    });
    Events::of(micros, started.elapsed())
}

/// Posts one message after the other until the time is over; how long each took.
async fn client_of(address: SocketAddr, rest: String, client: u64, contacts: u64, started: Instant) -> Vec<f64> {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    let (mut micros, mut answer) = (Vec::new(), vec![0; 16 << 10]);
    for n in 0.. {
        if started.elapsed() >= SPAN {
            break;
        }
        let id = contact(client, n, contacts) + 1;
        let request = format!("POST /v1/contacts/{id}{rest}");
        let begun = Instant::now();
        send(&stream, request.as_bytes()).await;
        let read = receive(&stream, &mut answer).await;
        micros.push(begun.elapsed().as_nanos() as f64 / 1000.0);
        let created = answer.starts_with(b"HTTP/1.1 201 ");
        assert!(created, "{}", String::from_utf8_lossy(&answer[..read]));
    }
    micros
}

async fn send(stream: &TcpStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await.expect("a socket"),
            Err(error) => panic!("the server does not read: {error}"),
        }
    }
}

/// Reads one whole answer; its bytes.
async fn receive(stream: &TcpStream, answer: &mut [u8]) -> usize {
    let mut read = 0;
    loop {
        match stream.try_read(&mut answer[read..]) {
            Ok(0) => panic!("the server closed: {}", String::from_utf8_lossy(&answer[..read])),
            Ok(more) => read += more,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                stream.readable().await.expect("a socket");
                continue;
            }
            Err(error) => panic!("the server does not answer: {error}"),
        }
        if whole(&answer[..read]) {
            return read;
        }
    }
}

fn whole(answer: &[u8]) -> bool {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let Some((head, body)) = head.map(|at| answer.split_at(at + 4)) else { return false };
    let head = std::str::from_utf8(head).expect("a head is ASCII");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or_else(|| panic!("no length in {head}"))
}

/// Sled as it comes, with the same sync that its own flush lacks.
struct Sled {
    db: sled::Db,
    file: std::fs::File,
    flushes: Mutex<Flushes>,
    over: Condvar,
}

/// How many flushes were begun, and the last that is over.
#[derive(Default)]
struct Flushes {
    begun: u64,
    over: u64,
}

impl Sled {
    fn open(folder: &Path) -> Sled {
        let settings = Config::defaults().expect("the compiled-in defaults are sound").store;
        let config = sled::Config::new().path(folder).cache_capacity(settings.cache_bytes);
        let db = config.flush_every_ms(Some(settings.flush_every_ms)).open().expect("sled opens");
        let file = std::fs::OpenOptions::new().write(true).open(folder.join("db")).expect("sled has its file");
        Sled { db, file, flushes: Mutex::default(), over: Condvar::new() }
    }

    /// Durable when it returns: by a flush that began afterwards, whoever began it.
    fn write(&self, records: [(Vec<u8>, Vec<u8>); 2]) {
        let mut batch = sled::Batch::default();
        records.into_iter().for_each(|(key, value)| batch.insert(key, value));
        self.db.apply_batch(batch).expect("sled writes");
        let mut flushes = self.flushes.lock();
        let wanted = flushes.begun + 1;
        while flushes.over < wanted {
            if flushes.begun > flushes.over {
                self.over.wait(&mut flushes);
                continue;
            }
            flushes.begun += 1;
            drop(flushes);
            self.db.flush().expect("sled flushes");
            self.file.sync_data().expect("the file is synced");
            flushes = self.flushes.lock();
            flushes.over = flushes.begun;
            self.over.notify_all();
        }
    }
}

fn sled_events(folder: &Path, corpus: Corpus, contacts: u64) -> Events {
    let catalog = corpus.definition().catalog(Workspace::default());
    let corpus = corpus.for_workspace(&catalog).expect("the definitions fit");
    let sled = Sled::open(folder);
    let mut sizes: Vec<u32> = Vec::new();
    for from in (0..contacts).step_by(BATCH as usize) {
        let mut batch = sled::Batch::default();
        for contact in corpus.contacts(from..contacts.min(from + BATCH)) {
            batch.insert(contact_key(sizes.len() as u64).as_slice(), vec![1; contact_bytes(&contact)]);
            sizes.push(contact_bytes(&contact) as u32);
        }
        sled.db.apply_batch(batch).expect("sled writes");
    }
    sled.db.flush().expect("sled flushes");
    let (sled, sizes, history) = (Arc::new(sled), &sizes, history_bytes());
    let started = Instant::now();
    let micros = std::thread::scope(|scope| {
        let threads = (0..CLIENTS).map(|client| {
            let sled = sled.clone();
            scope.spawn(move || {
                let mut micros = Vec::new();
                for n in 0.. {
                    let begun = Instant::now();
                    if begun.duration_since(started) >= SPAN {
                        break;
                    }
                    let id = contact(client, n, contacts);
                    let of_contact = (contact_key(id), vec![n as u8; sizes[id as usize] as usize]);
                    let number = client + n * CLIENTS;
                    let key = [&b"    i"[..], &(id as u32).to_be_bytes(), &number.to_be_bytes(), &[0; 8]].concat();
                    sled.write([of_contact, (key, vec![n as u8; history])]);
                    micros.push(begun.elapsed().as_nanos() as f64 / 1000.0);
                }
                micros
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a writer ends well")).collect()
    });
    Events::of(micros, started.elapsed())
}

fn contact_key(id: u64) -> Vec<u8> {
    [&b"    c"[..], &(id as u32).to_be_bytes()].concat()
}

/// The bytes of a contact's record; its e-mail and phone do not change with a message.
fn contact_bytes(contact: &Contact) -> usize {
    let mut writes = Writes::default();
    writes.put_contact(WorkspaceId(1), Some(contact), contact);
    writes.bytes() - contact_key(0).len()
}

/// The bytes of the record of a message.
fn history_bytes() -> usize {
    let (kind, channel) = (InteractionKind::OutgoingMessage, Some(ChannelId(1)));
    let message = Interaction { kind, at: NOW, channel, author: Some(UserId(1)), text: Some(TEXT.into()) };
    let mut writes = Writes::default();
    writes.put_interaction(WorkspaceId(1), ContactId(1), 1, &message);
    writes.bytes() - 25
}
