//! The server is killed with -9, and its disk's power is cut, while callers write: every acknowledged write is there
//! afterwards, every other one whole or not at all, and index and store agree.

use std::path::Path;
use std::time::Duration;

use rand::RngExt;
use serde_json::json;

use crate::support::command::done;
use crate::support::ledger::Writer;
use crate::support::power::Disk;
use crate::support::seed;
use crate::support::serving::Serving;
use crate::support::wire::Wire;

const WRITERS: u64 = 4;

/// A data folder with a workspace, and those who write to it.
struct Trial {
    token: String,
    writers: Vec<Writer>,
}

impl Trial {
    fn new(folder: &Path, seed: u64) -> Trial {
        done(folder, &["workspace", "create", "Trial"]);
        let token = done(folder, &["token", "create", "--workspace", "Trial"]).trim().to_owned();
        let serving = Serving::start(folder);
        let mut wire = Wire::connect(serving.address, &token).expect("a connection");
        let (status, made) =
            wire.ask("POST", "/v1/channels", &json!({"name": "Main", "source": "whatsapp"})).expect("an answer");
        assert_eq!(status, 201, "{made}");
        let channel = made["channel"]["id"].as_u64().expect("an id") as u32;
        let writers = (0..WRITERS).map(|number| Writer::new(&format!("w{number}"), seed + number, channel)).collect();
        Trial { token, writers }
    }

    /// Writes until `stop` has stopped the server.
    fn write_until(&mut self, serving: Serving, stop: impl FnOnce(Serving)) {
        let (address, token) = (serving.address, self.token.as_str());
        std::thread::scope(|scope| {
            for writer in &mut self.writers {
                scope.spawn(move || writer.write(address, token));
            }
            stop(serving);
        });
    }

    /// Starts the server again and compares it with the ledgers.
    fn check(&mut self, folder: &Path, all: bool) -> Serving {
        let serving = Serving::start(folder);
        let mut wire = Wire::connect(serving.address, &self.token).expect("a connection");
        self.writers.iter_mut().for_each(|writer| writer.check(&mut wire, all));
        serving
    }

    fn acknowledged(&self) -> u64 {
        self.writers.iter().map(|writer| writer.acknowledged).sum()
    }
}

#[test]
fn no_acknowledged_write_is_lost_to_a_kill() {
    let seed = seed::seed("crash");
    let mut rng = seed::from(seed);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path().join("data");
    let mut trial = Trial::new(&folder, seed);
    let rounds = seed::rounds("ROLLCALL_CRASHES", 25);
    let mut serving = Serving::start(&folder);
    for round in 0..rounds {
        let after = Duration::from_millis(rng.random_range(20..700));
        trial.write_until(serving, |serving| {
            std::thread::sleep(after);
            serving.kill();
        });
        // Killed once more while it comes up, now and then.
        if rng.random_bool(0.2) {
            Serving::start(&folder).kill();
        }
        // Verifying compares the index that came up with one made anew.
        if rng.random_bool(0.5) {
            assert_eq!(done(&folder, &["verify"]).trim(), "index and store agree", "round {round}");
        }
        serving = trial.check(&folder, round % 10 == 9 || round + 1 == rounds);
    }
    serving.kill();
    assert_eq!(done(&folder, &["verify"]).trim(), "index and store agree");
    println!("measured crash: {rounds} kills, {} writes acknowledged, none lost", trial.acknowledged());
}

#[test]
fn no_acknowledged_write_is_lost_to_a_power_cut_of_the_server() {
    let Some(mut disk) = Disk::or_say("the server", 256) else { return };
    let seed = seed::seed("server_power");
    let mut rng = seed::from(seed);
    let folder = disk.path().join("data");
    let mut trial = Trial::new(&folder, seed);
    let rounds = seed::rounds("ROLLCALL_POWER_ROUNDS", 20);
    for round in 0..rounds {
        let serving = match round {
            0 => Serving::start(&folder),
            _ => trial.check(&folder, round % 5 == 4),
        };
        let after = Duration::from_millis(rng.random_range(20..600));
        trial.write_until(serving, |serving| {
            std::thread::sleep(after);
            disk.cut();
            // The server finds out by its next write, and is then switched off like the disk.
            std::thread::sleep(Duration::from_millis(50));
            serving.kill();
        });
        disk.restore();
    }
    trial.check(&folder, true).kill();
    assert_eq!(done(&folder, &["verify"]).trim(), "index and store agree");
    println!("measured power: {rounds} cuts, {} writes acknowledged, none lost", trial.acknowledged());
}
