//! The power is cut while the store on disk writes: every acknowledged batch is there afterwards, and none in part.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rollcall::contact::ContactId;
use rollcall::store::{Records, SledStore, Store, StoreError};

use crate::store_suite::SETTINGS;
use crate::support::{child, power::Disk, sample, seed};

/// Contacts of one batch.
const STEP: u32 = 5;

#[test]
fn no_acknowledged_batch_is_lost_to_a_power_cut() {
    let Some(mut disk) = Disk::or_say("the store", 128) else { return };
    let mut rng = seed::rng("store_power");
    let mut before = 0;
    for round in 0..seed::rounds("ROLLCALL_POWER_ROUNDS", 20) {
        // Every third round begins with no folder, and some of those are cut while it is made.
        let folder = disk.path().join("store");
        if round % 3 == 0 {
            let _ = std::fs::remove_dir_all(&folder);
            before = 0;
        }
        let cut = match rng.random_bool(0.3) {
            true => Cut::Soon(Duration::from_micros(rng.random_range(0..60_000))),
            false => Cut::AfterBatches(rng.random_range(1..80)),
        };
        let acknowledged = write_until_cut(&disk, &folder, &cut).max(before);
        disk.restore();
        if acknowledged == 0 && !folder.exists() {
            continue;
        }
        let store =
            Arc::new(SledStore::open(&folder, SETTINGS).unwrap_or_else(|error| panic!("round {round}: {error}")));
        let records = Records::open(store).unwrap();
        let there = records.head(sample::WS).unwrap().unwrap_or_default().last_contact.0;
        assert!(there >= acknowledged, "round {round}: {there} contacts are there, {acknowledged} were acknowledged");
        if there > 0 {
            let wrong = sample::differences(&records, there).unwrap();
            assert!(wrong.is_empty(), "round {round}: {wrong:?}");
        }
        before = there;
        println!("round {round}: {cut:?}: contact {acknowledged} was acknowledged, {there} is there");
    }
}

/// When the power goes.
#[derive(Debug)]
enum Cut {
    /// That long after the writer was started.
    Soon(Duration),
    /// Once it has acknowledged so many batches.
    AfterBatches(u32),
}

/// Lets a process write until the power is cut; the last contact it acknowledged.
fn write_until_cut(disk: &Disk, folder: &Path, cut: &Cut) -> u32 {
    let mut writer = child::command("store_power::writes_until_cut", folder, "").spawn().unwrap();
    if let Cut::Soon(pause) = cut {
        std::thread::sleep(*pause);
        disk.cut();
    }
    let mut acknowledged = 0;
    let mut batches = 0;
    let mut refused = false;
    for line in BufReader::new(writer.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some(last) = line.strip_prefix("acknowledged ") {
            acknowledged = last.parse().unwrap();
            batches += 1;
            if matches!(cut, Cut::AfterBatches(wanted) if *wanted == batches) {
                disk.cut();
            }
        }
        refused |= line == "refused";
    }
    assert!(writer.wait().unwrap().success() && refused, "the writer was to find that it cannot write");
    acknowledged
}

#[test]
fn writes_until_cut() {
    let Some(folder) = child::folder() else { return };
    // Lines of their own: the test runner has printed the test's name without a line's end.
    say("");
    if let Err(error) = write_and_say(&folder) {
        assert!(matches!(error, StoreError::Io(_) | StoreError::Open(_)), "{error}");
    }
    say("refused");
    // A disk without power is not waited for.
    std::process::exit(0);
}

fn write_and_say(folder: &Path) -> Result<(), StoreError> {
    let store = Arc::new(SledStore::open(folder, SETTINGS)?);
    let records = Records::open(store.clone())?;
    let mut last = match records.head(sample::WS)? {
        Some(head) => head.last_contact.0,
        None => {
            sample::define(&records)?;
            0
        }
    };
    loop {
        match sample::add(&records, last + 1, last + STEP) {
            Ok(()) => last += STEP,
            // Read-only at once where the batch was durable but could not be noted any more.
            Err(StoreError::Io(_) | StoreError::ReadOnly(_)) => break,
            Err(other) => panic!("{other}"),
        }
        say(&format!("acknowledged {last}"));
    }
    assert!(store.read_only().is_some());
    assert!(matches!(sample::add(&records, 1, 1), Err(StoreError::ReadOnly(_))));
    // Without a disk some reads fail; none is wrong.
    for id in 1..=last {
        let read = records.contact(sample::WS, ContactId(id));
        assert!(read.is_err() || read.unwrap() == Some(sample::contact(id, id.into())));
    }
    Ok(())
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

#[test]
fn a_disk_that_fills_up_ends_writes_before_reads_suffer() {
    let Some(disk) = Disk::or_say("a full disk", 96) else { return };
    let store = SledStore::open(&disk.path().join("store"), SETTINGS).unwrap();
    let value = |n: u32| vec![n as u8; 3000];
    let mut acknowledged = 0u32;
    let refused = loop {
        let batch =
            (0..100).map(|n| ((acknowledged + n).to_be_bytes().to_vec(), Some(value(acknowledged + n)))).collect();
        match store.apply(batch) {
            Ok(()) => acknowledged += 100,
            Err(refused) => break refused,
        }
    };
    assert!(refused.to_string().contains("bytes left") && acknowledged > 1000, "{refused} after {acknowledged}");
    assert!(matches!(store.apply(vec![(vec![1], None)]), Err(StoreError::ReadOnly(_))));
    for n in 0..acknowledged {
        assert!(store.get(&n.to_be_bytes()).unwrap() == Some(value(n)));
    }
}
