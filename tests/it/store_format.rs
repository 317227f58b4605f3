//! The format on disk: a store folder written by each version of the format is opened, and every record in it is right.
//!
//! The fixtures stay as they are for ever; a later format adds its own beside them. To write that of the present version anew
//! while it is not released: `ROLLCALL_WRITE_FIXTURE=1 cargo test --test it store_format`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rollcall::store::{Records, SledStore};

use crate::store_suite::SETTINGS;
use crate::support::sample;

const CONTACTS: u32 = 60;

/// The version that is written.
const PRESENT: u32 = 2;

fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/fixtures/store-v{version}/folder.zst"))
}

/// Unpacks what that version wrote.
fn written_by(version: u32, folder: &Path) {
    let packed = std::fs::read(fixture(version)).unwrap();
    assert!(packed.len() < 200_000, "{} bytes", packed.len());
    unpack(&packed, folder);
}

fn write_fixture() {
    let folder = tempfile::tempdir().unwrap();
    for part in 0..2 {
        let records = Records::open(Arc::new(SledStore::open(folder.path(), SETTINGS).unwrap())).unwrap();
        if part == 0 {
            sample::define(&records).unwrap();
        }
        sample::add(&records, part * CONTACTS / 2 + 1, (part + 1) * CONTACTS / 2).unwrap();
    }
    std::fs::create_dir_all(fixture(PRESENT).parent().unwrap()).unwrap();
    std::fs::write(fixture(PRESENT), pack(folder.path())).unwrap();
}

/// Name length, name, content length, content, file by file; all of it in zstd.
fn pack(folder: &Path) -> Vec<u8> {
    let mut plain = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            let (name, content) = (entry.file_name(), std::fs::read(entry.path()).unwrap());
            for part in [name.as_encoded_bytes(), &content] {
                plain.extend_from_slice(&(part.len() as u32).to_be_bytes());
                plain.extend_from_slice(part);
            }
        }
    }
    zstd::encode_all(plain.as_slice(), 19).unwrap()
}

fn unpack(packed: &[u8], folder: &Path) {
    let plain = zstd::decode_all(packed).unwrap();
    let mut rest = plain.as_slice();
    let mut part = || {
        let mut len = [0; 4];
        rest.read_exact(&mut len).ok()?;
        let (part, after) = rest.split_at(u32::from_be_bytes(len) as usize);
        rest = after;
        Some(part)
    };
    while let (Some(name), Some(content)) = (part(), part()) {
        std::fs::write(folder.join(std::str::from_utf8(name).unwrap()), content).unwrap();
    }
}

#[test]
fn a_store_of_any_format_is_read_completely_and_written_on() {
    if std::env::var_os("ROLLCALL_WRITE_FIXTURE").is_some() {
        write_fixture();
    }
    for version in 1..=PRESENT {
        let folder = tempfile::tempdir().unwrap();
        written_by(version, folder.path());
        for added in 0..2 {
            let records = Records::open(Arc::new(SledStore::open(folder.path(), SETTINGS).unwrap())).unwrap();
            assert_eq!(sample::differences(&records, CONTACTS + added).unwrap(), [""; 0], "format {version}");
            sample::add(&records, CONTACTS + added + 1, CONTACTS + added + 1).unwrap();
        }
    }
}

#[test]
fn a_store_of_any_format_is_compacted() {
    for version in 1..=PRESENT {
        let data = tempfile::tempdir().unwrap();
        let store = data.path().join("store");
        std::fs::create_dir(&store).unwrap();
        written_by(version, &store);
        crate::support::command::done(data.path(), &["compact"]);
        let records = Records::open(Arc::new(SledStore::open(&store, SETTINGS).unwrap())).unwrap();
        assert_eq!(sample::differences(&records, CONTACTS).unwrap(), [""; 0], "format {version}");
    }
}
