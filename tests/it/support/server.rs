//! The built server as a process of its own that can be killed, its data folder, and what is left of it looked at.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;

use super::command::rollcall;
use super::connection::Connection;

/// Small thresholds, so that text flushes, checkpoints and trims of the change log happen all the time.
const SETTINGS: [(&str, &str); 9] = [
    ("ROLLCALL_HTTP__BIND", "127.0.0.1:0"),
    ("ROLLCALL_HTTP__RATE_PER_SECOND", "0"),
    ("ROLLCALL_LOG__LEVEL", "warn"),
    ("ROLLCALL_STORE__CACHE_BYTES", "33554432"),
    ("ROLLCALL_ENGINE__TEXT_INDEX_CONTACTS_MIN", "60"),
    ("ROLLCALL_ENGINE__TEXT_FLUSH_ROWS", "60"),
    ("ROLLCALL_ENGINE__CHECKPOINT_CONTACTS_MIN", "60"),
    ("ROLLCALL_ENGINE__CHECKPOINT_CHANGES", "100"),
    ("ROLLCALL_ENGINE__CHANGES_KEPT_MIN", "150"),
];

/// How often a folder that changes is looked at.
const LOOKS_MAX: u32 = 200;
/// The channel that [`furnish`] makes; the owner has id 1.
pub const CHANNEL: u64 = 2;

/// A command on the folder with [`SETTINGS`].
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = rollcall(folder, arguments);
    command.envs(SETTINGS);
    command
}

/// Runs a command to its end and gives what it printed; it must end well.
#[track_caller]
pub fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = command(folder, arguments).output().expect("the command starts");
    let (said, warned) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {said}{warned}");
    said.into_owned()
}

/// Makes the folder's workspace with a channel; an owner's token.
pub fn furnish(folder: &Path) -> String {
    done(folder, &["workspace", "create", "Crash", "--country", "MY"]);
    let token = done(folder, &["token", "create"]).trim().to_owned();
    let (server, address) = Server::start(folder);
    let mut caller = Connection::open(address, &token).expect("the server is there");
    let channel = json!({"name": "Shop", "source": "whatsapp"});
    let (status, made) = caller.ask("POST", "/v1/channels", Some(&channel)).expect("an answer");
    assert_eq!((status, made["channel"]["id"].as_u64()), (201, Some(CHANNEL)), "{made}");
    server.stop();
    token
}

/// Compares index and store of a folder, as it lies there, completely; the folder itself is not touched.
pub fn verify(copy: &tempfile::TempDir) {
    let said = done(copy.path(), &["verify"]);
    assert_eq!(said.trim(), "index and store agree");
}

/// A copy of the data folder as it lies there at one moment, elsewhere; the copy goes when dropped. Where an engine is at
/// work in it, it is looked at until nothing changed from one look to the next: no kill leaves half of a change.
pub fn copy(folder: &Path) -> tempfile::TempDir {
    let mut last = look(folder);
    for _ in 0..LOOKS_MAX {
        let next = look(folder);
        match (last, &next) {
            (Ok(last), Ok(next)) if last == *next => return laid_down(next),
            _ => last = next,
        }
    }
    panic!("{} changes all the time, or cannot be read: {:?}", folder.display(), last.err())
}

/// Every file by its path in the folder, and every folder, which has no bytes.
type Files = BTreeMap<PathBuf, Option<Vec<u8>>>;

fn look(folder: &Path) -> std::io::Result<Files> {
    let (mut files, mut folders) = (Files::new(), vec![PathBuf::new()]);
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(folder.join(&inner))? {
            let entry = entry?;
            let path = inner.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path.clone());
                files.insert(path, None);
            } else {
                files.insert(path, Some(std::fs::read(entry.path())?));
            }
        }
    }
    Ok(files)
}

fn laid_down(files: &Files) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a folder");
    // A folder comes before what is in it.
    for (path, bytes) in files {
        let path = to.path().join(path);
        match bytes {
            Some(bytes) => std::fs::write(path, bytes).expect("a file is written"),
            None => std::fs::create_dir(path).expect("a folder is made"),
        }
    }
    to
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    lines: Receiver<String>,
    reader: Option<JoinHandle<()>>,
    said: Vec<String>,
}

impl Server {
    /// Starts the process and does not wait for it.
    pub fn spawn(folder: &Path) -> Server {
        let mut command = command(folder, &["serve"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the server starts");
        let errors = child.stderr.take().expect("its standard error is ours");
        let (tell, lines) = channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        Server { child, lines, reader: Some(reader), said: Vec::new() }
    }

    /// Where it listens, once it does; `None` where it does not within that time. It must not end by itself.
    pub fn address(&mut self, within: Duration) -> Option<SocketAddr> {
        loop {
            match self.lines.recv_timeout(within) {
                Ok(line) => {
                    self.said.push(line);
                    let address = self.said.last().and_then(|line| line.split("on http://").nth(1));
                    if let Some(address) = address {
                        return Some(address.parse().expect("an address"));
                    }
                }
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => panic!("the server ended: {:#?}", self.said),
            }
        }
    }

    /// Starts it and waits until it listens.
    pub fn start(folder: &Path) -> (Server, SocketAddr) {
        let mut server = Server::spawn(folder);
        let address = server.address(Duration::from_secs(60));
        (server, address.expect("the server listens within a minute"))
    }

    /// Kills it with signal 9 and gives what it had complained of.
    pub fn kill(mut self) -> Vec<String> {
        self.end();
        std::mem::take(&mut self.said)
    }

    /// Asks it to stop; it must end well.
    pub fn stop(mut self) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("the server runs");
        let status = self.child.wait().expect("the server ends");
        self.end();
        assert!(status.success(), "{status}: {:#?}", self.said);
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.said.extend(self.lines.try_iter());
        self.said.retain(|line| !line.contains("on http://"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            eprintln!("the server said: {:#?}", self.said);
        }
    }
}
