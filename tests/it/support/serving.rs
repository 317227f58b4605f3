//! The built server as a process of its own, to be killed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};

use super::command::rollcall;

/// A server that runs; killed when dropped.
pub struct Serving {
    process: Child,
    pub address: SocketAddr,
}

impl Serving {
    /// Starts the server on the folder and waits until its port is open.
    pub fn start(folder: &Path) -> Serving {
        let mut command = rollcall(folder, &["serve", "--bind", "127.0.0.1:0"]);
        // Checkpoints and text flushes happen within a round.
        let settings = [
            ("HTTP__RATE_PER_SECOND", "0"),
            ("ENGINE__TEXT_INDEX_CONTACTS_MIN", "50"),
            ("ENGINE__TEXT_FLUSH_ROWS", "20"),
            ("ENGINE__TEXT_SCAN_MAX", "8"),
            ("ENGINE__CHECKPOINT_CHANGES", "100"),
            ("ENGINE__CHECKPOINT_CONTACTS_MIN", "50"),
            ("ENGINE__CHANGES_KEPT_MIN", "10"),
        ];
        command.envs(settings.map(|(name, value)| (format!("ROLLCALL_{name}"), value)));
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the server starts");
        let mut said = BufReader::new(process.stderr.take().expect("its remarks"));
        let (mut line, mut all) = (String::new(), String::new());
        let address = loop {
            line.clear();
            if said.read_line(&mut line).expect("a remark") == 0 {
                panic!("the server did not start: {all}");
            }
            if let Some((_, address)) = line.trim().rsplit_once("on http://") {
                break address.parse().expect("an address");
            }
            all.push_str(&line);
        };
        // What it says later is read away, so that it never waits for a reader.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Serving { process, address }
    }

    /// `kill -9`, and the end of it.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.end();
    }
}
