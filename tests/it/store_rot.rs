//! One flipped bit in the files of the store on disk: it is said, never answered wrongly, never a panic.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::RngExt;
use rollcall::store::{Records, SledStore, StoreError};

use crate::store_suite::SETTINGS;
use crate::support::{sample, seed};

const CONTACTS: u32 = 400;

#[derive(Debug, Default)]
struct Outcomes {
    refused: u32,
    reported: u32,
    harmless: u32,
}

#[test]
fn a_flipped_bit_is_never_a_wrong_answer() {
    let sound = tempfile::tempdir().unwrap();
    // Opened several times, so that part of it is in a snapshot and part in the log behind it.
    for part in 0..4 {
        let records = open(sound.path()).unwrap();
        if part == 0 {
            sample::define(&records).unwrap();
        }
        let first = part * CONTACTS / 4;
        (0..10).for_each(|n| sample::add(&records, first + n * 10 + 1, first + n * 10 + 10).unwrap());
    }
    assert!(sample::differences(&open(sound.path()).unwrap(), CONTACTS).unwrap().is_empty());
    let mut rng = seed::rng("store_rot");
    let mut outcomes = Outcomes::default();
    for round in 0..seed::rounds("ROLLCALL_ROT_ROUNDS", 60) {
        let folder = tempfile::tempdir().unwrap();
        let files = copy(sound.path(), folder.path());
        // Most often the log, and there most often what is not empty space.
        let file = &files[if rng.random_bool(0.7) { 0 } else { rng.random_range(0..files.len()) }];
        let mut bytes = std::fs::read(file).unwrap();
        let mut at = rng.random_range(0..bytes.len());
        for _ in 0..50 {
            if bytes[at] != 0 {
                break;
            }
            at = rng.random_range(0..bytes.len());
        }
        let bit = rng.random_range(0..8);
        bytes[at] ^= 1 << bit;
        std::fs::write(file, bytes).unwrap();
        let place = format!("round {round}: {} byte {at} bit {bit}", file.file_name().unwrap().to_string_lossy());
        judge(folder.path(), &place, &mut outcomes);
    }
    println!("{outcomes:?}");
}

fn open(folder: &Path) -> Result<Records, StoreError> {
    Records::open(Arc::new(SledStore::open(folder, SETTINGS)?))
}

fn judge(folder: &Path, place: &str, outcomes: &mut Outcomes) {
    let records = match open(folder) {
        Err(error) => {
            println!("{place}: refused: {error}");
            outcomes.refused += 1;
            return;
        }
        Ok(records) => records,
    };
    match sample::differences(&records, CONTACTS) {
        Err(error) => {
            println!("{place}: reported: {error}");
            outcomes.reported += 1;
        }
        Ok(wrong) => {
            assert!(wrong.is_empty(), "{place}: silently wrong: {wrong:?}");
            outcomes.harmless += 1;
        }
    }
}

/// Copies the store; its files, the log first.
fn copy(from: &Path, to: &Path) -> Vec<PathBuf> {
    std::fs::create_dir(to.join("blobs")).unwrap();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() && entry.metadata().unwrap().len() > 0 {
            let copied = to.join(entry.file_name());
            std::fs::copy(entry.path(), &copied).unwrap();
            files.push(copied);
        }
    }
    files.sort_by_key(|file| file.file_name().is_none_or(|name| name != "db"));
    files
}
