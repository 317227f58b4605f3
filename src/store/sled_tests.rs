//! Tests of what only the store on disk does; the contract's are in `tests/it/store_suite.rs`.

use super::*;

const SETTINGS: SledSettings = SledSettings { cache_bytes: 16 << 20, flush_every_ms: 500 };

fn filled(folder: &Path) {
    let store = SledStore::open(folder, SETTINGS).unwrap();
    for n in 0..200u32 {
        store.apply(vec![(n.to_be_bytes().to_vec(), Some(vec![n as u8; 300]))]).unwrap();
    }
}

fn count(folder: &Path) -> usize {
    SledStore::open(folder, SETTINGS).unwrap().scan(&[], &[255], 1000).unwrap().len()
}

#[test]
fn a_torn_snapshot_in_the_making_does_not_keep_it_from_opening() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    std::fs::write(folder.path().join("snap.FFFFFFFFFFFFFFFF.generating"), b"torn").unwrap();
    assert_eq!(count(folder.path()), 200);
}

#[test]
fn a_damaged_snapshot_is_set_aside_and_the_log_replayed() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    assert_eq!(count(folder.path()), 200);
    let snapshots = folder::named(folder.path(), |name| name.starts_with("snap.")).unwrap();
    let mut bytes = std::fs::read(&snapshots[0]).unwrap();
    bytes[9] ^= 1;
    std::fs::write(&snapshots[0], bytes).unwrap();
    assert_eq!(count(folder.path()), 200);
    assert_eq!(folder::named(folder.path(), |name| name.starts_with("damaged-snap.")).unwrap().len(), 1);
}

#[test]
fn a_file_that_is_no_store_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    std::fs::write(folder.path().join("conf"), b"nothing that sled would write").unwrap();
    let Err(StoreError::Open(message)) = SledStore::open(folder.path(), SETTINGS) else { panic!() };
    assert!(message.contains("restore"), "{message}");
}

#[test]
fn a_log_that_lost_its_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let older = tempfile::tempdir().unwrap();
    filled(folder.path());
    for file in ["db", "conf"] {
        std::fs::copy(folder.path().join(file), older.path().join(file)).unwrap();
    }
    filled(folder.path());
    std::fs::copy(folder.path().join(folder::WITNESS), older.path().join(folder::WITNESS)).unwrap();
    let Err(StoreError::Open(message)) = SledStore::open(older.path(), SETTINGS) else { panic!() };
    assert!(message.contains("200 acknowledged batches"), "{message}");
}

#[test]
fn values_of_every_size_never_reach_the_files_that_sled_does_not_sync() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path(), SETTINGS).unwrap();
    let sizes = [4095, 4096, 4097, 100_000, limits::VALUE_MAX];
    for round in 0..3 {
        for (n, size) in sizes.iter().cycle().skip(round).take(40).enumerate() {
            store.apply(vec![(vec![n as u8; limits::KEY_MAX], Some(vec![round as u8; *size]))]).unwrap();
        }
    }
    for (n, size) in sizes.iter().cycle().skip(2).take(40).enumerate() {
        assert_eq!(store.get(&[n as u8; limits::KEY_MAX]).unwrap().unwrap(), vec![2; *size]);
        store.apply(vec![(vec![n as u8; limits::KEY_MAX], None)]).unwrap();
    }
    let db = store.db.get().unwrap();
    assert_eq!(db.scan_prefix([PIECE]).count(), 0, "pieces are removed with their value");
    assert_eq!(std::fs::read_dir(folder.path().join("blobs")).unwrap().count(), 0);
}

/// A store that writes nothing of its own accord.
const QUIET: SledSettings = SledSettings { cache_bytes: 16 << 20, flush_every_ms: 3_600_000 };

/// The files as a process that is killed now would leave them.
fn killed(folder: &Path) -> tempfile::TempDir {
    let left = tempfile::tempdir().unwrap();
    std::fs::create_dir(left.path().join("blobs")).unwrap();
    for file in ["db", "conf", folder::WITNESS, super::super::journal::JOURNAL] {
        std::fs::copy(folder.join(file), left.path().join(file)).unwrap();
    }
    left
}

#[test]
fn what_a_crash_takes_from_the_tree_is_put_back_from_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path(), QUIET).unwrap();
    let key = |n: u32| n.to_be_bytes().to_vec();
    // Small ones, every now and then one that goes to the tree at once, and a deletion of the one before.
    for n in 1..600u32 {
        let size = if n % 97 == 0 { 200_000 } else { n as usize % 5000 };
        store.apply(vec![(key(n), Some(vec![n as u8; size])), (key(n - 1), None)]).unwrap();
        if n % 50 == 0 {
            let left = killed(folder.path());
            let again = SledStore::open(left.path(), QUIET).unwrap();
            assert_eq!(again.applied.lock().number, u64::from(n));
            assert!(again.scan(&[], &[255], 1000).unwrap() == [(key(n), vec![n as u8; size])], "after {n}");
            again.apply(vec![(key(n + 1), Some(vec![1]))]).unwrap();
        }
    }
}

#[test]
fn a_damaged_journal_is_refused_and_not_wiped() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path(), QUIET).unwrap();
    (0..20u8).for_each(|n| store.apply(vec![(vec![n], Some(vec![n; 300]))]).unwrap());
    let left = killed(folder.path());
    let path = left.path().join(super::super::journal::JOURNAL);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[2000] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    for _ in 0..2 {
        let Err(StoreError::Open(message)) = SledStore::open(left.path(), QUIET) else { panic!() };
        assert!(message.contains("acknowledged batches") && message.contains("missing"), "{message}");
    }
    bytes[2000] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(SledStore::open(left.path(), QUIET).unwrap().scan(&[], &[255], 1000).unwrap().len(), 20);
}
