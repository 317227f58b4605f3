//! The contract of `Store`, sentence by sentence, over every implementation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use proptest::prelude::*;
use rollcall::store::{Batch, Failure, KEY_MAX, MemoryStore, SledSettings, SledStore, Store, StoreError, VALUE_MAX};

use crate::support::child;

pub const SETTINGS: SledSettings = SledSettings { cache_bytes: 32 << 20, flush_every_ms: 200 };

/// An implementation under test: how to close it and open it again with what it holds.
trait Medium {
    fn store(&self) -> &dyn Store;
    fn reopen(&mut self);
}

/// It has nothing to reopen from, so it stays.
struct InMemory(MemoryStore);

impl Medium for InMemory {
    fn store(&self) -> &dyn Store {
        &self.0
    }
    fn reopen(&mut self) {}
}

struct OnDisk {
    store: Option<SledStore>,
    folder: tempfile::TempDir,
}

impl Medium for OnDisk {
    fn store(&self) -> &dyn Store {
        self.store.as_ref().unwrap()
    }
    fn reopen(&mut self) {
        drop(self.store.take());
        self.store = Some(SledStore::open(self.folder.path(), SETTINGS).unwrap());
    }
}

fn media() -> Vec<Box<dyn Medium>> {
    let mut disk = OnDisk { store: None, folder: tempfile::tempdir().unwrap() };
    disk.reopen();
    vec![Box::new(InMemory(MemoryStore::default())), Box::new(disk)]
}

fn put(key: &[u8], value: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
    (key.to_vec(), Some(value.to_vec()))
}

fn keys(store: &dyn Store, from: &[u8], to: &[u8], limit: usize) -> Vec<Vec<u8>> {
    store.scan(from, to, limit).unwrap().into_iter().map(|(key, _)| key).collect()
}

#[test]
fn scans_are_ascending_half_open_and_limited() {
    for mut medium in media() {
        let names: [&[u8]; 7] = [b"", b"\0", b"a", b"a\0", b"b", b"b\xff", b"\xff\xff"];
        medium.store().apply(names.iter().rev().map(|key| put(key, key)).collect()).unwrap();
        for _ in 0..2 {
            let store = medium.store();
            assert_eq!(keys(store, b"", b"\xff\xff\xff", 99), names);
            assert_eq!(keys(store, b"a", b"b", 99), names[2..4]);
            assert_eq!(keys(store, b"a", b"\xff\xff", 99), names[2..6]);
            assert_eq!(keys(store, b"", b"\xff", 3), names[..3]);
            for (from, to, limit) in [(&b"b"[..], &b"a"[..], 9), (b"a", b"a", 9), (b"a", b"b", 0)] {
                assert!(keys(store, from, to, limit).is_empty());
            }
            assert_eq!(store.get(b"a\0").unwrap().unwrap(), b"a\0");
            assert_eq!(store.get(b"").unwrap().unwrap(), b"");
            assert!(store.get(b"c").unwrap().is_none());
            medium.reopen();
        }
    }
}

#[test]
fn later_entries_of_a_batch_win() {
    for mut medium in media() {
        let store = medium.store();
        store.apply(vec![put(b"a", b"1"), (b"a".to_vec(), None), put(b"b", b"1"), put(b"b", &[2; 9000])]).unwrap();
        store
            .apply(vec![put(b"c", &[3; 9000]), (b"c".to_vec(), None), (b"d".to_vec(), None), put(b"d", b"4")])
            .unwrap();
        store.apply(Vec::new()).unwrap();
        medium.reopen();
        let store = medium.store();
        assert_eq!(keys(store, b"", b"z", 9), [b"b", b"d"]);
        assert_eq!(store.get(b"b").unwrap().unwrap(), [2; 9000]);
    }
}

#[test]
fn sizes_over_the_limits_are_refused_and_change_nothing() {
    for mut medium in media() {
        let store = medium.store();
        let (longest, largest) = (vec![7; KEY_MAX], vec![8; VALUE_MAX]);
        for wrong in [put(&[7; KEY_MAX + 1], b""), put(b"k", &vec![8; VALUE_MAX + 1]), (vec![7; KEY_MAX + 1], None)] {
            let refused = store.apply(vec![put(b"before", b""), wrong, put(b"after", b"")]);
            assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
        }
        assert!(keys(store, b"", b"\xff", 9).is_empty() && store.read_only().is_none());
        store.apply(vec![put(&longest, &largest)]).unwrap();
        medium.reopen();
        assert_eq!(medium.store().get(&longest).unwrap().unwrap(), largest);
        assert_eq!(medium.store().scan(b"", b"\xff", 9).unwrap(), [(longest, largest)]);
    }
}

#[test]
fn readers_see_whole_values_and_whatever_was_acknowledged() {
    for medium in media() {
        let (store, acknowledged, done) = (medium.store(), AtomicU64::new(0), AtomicBool::new(false));
        // Of changing sizes, so that values kept in pieces and whole ones replace each other.
        let value = |n: u64| n.to_be_bytes().repeat(1 + (n as usize * 331) % 2000);
        store.apply((0..20).map(|key| (vec![key], Some(value(0)))).collect()).unwrap();
        std::thread::scope(|scope| {
            for reader in 0..4u8 {
                let (acknowledged, done) = (&acknowledged, &done);
                scope.spawn(move || {
                    while !done.load(Ordering::SeqCst) {
                        let least = acknowledged.load(Ordering::SeqCst);
                        let mut seen = vec![store.get(&[reader]).unwrap().unwrap()];
                        seen.extend(store.scan(&[5], &[9], 9).unwrap().into_iter().map(|(_, value)| value));
                        for bytes in seen {
                            let n = u64::from_be_bytes(*bytes.first_chunk().unwrap());
                            assert!(n >= least && bytes == value(n), "{n} after {least} was acknowledged");
                        }
                    }
                });
            }
            for n in 1..150 {
                store.apply((0..20).map(|key| (vec![key], Some(value(n)))).collect()).unwrap();
                acknowledged.store(n, Ordering::SeqCst);
            }
            done.store(true, Ordering::SeqCst);
        });
    }
}

#[test]
fn after_a_failed_write_or_sync_there_are_no_more_writes_but_reads() {
    for failure in [Failure::Write, Failure::Sync] {
        let store = MemoryStore::default();
        store.apply(vec![put(b"a", b"1")]).unwrap();
        store.fail_next(failure);
        assert!(matches!(store.apply(vec![put(b"b", b"2")]), Err(StoreError::Io(_))));
        assert!(matches!(store.apply(vec![put(b"c", b"3")]), Err(StoreError::ReadOnly(_))));
        assert!(store.read_only().is_some());
        assert_eq!(store.get(b"a").unwrap().unwrap(), b"1");
        assert!(store.get(b"c").unwrap().is_none());
        assert_eq!(store.get(b"b").unwrap().is_some(), failure == Failure::Sync);
    }
}

/// The same on disk: a process that may write files of a certain size only, as on a full disk.
#[test]
fn a_full_disk_ends_writes_and_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let limit = "trap '' XFSZ; ulimit -f 12000;";
    let child = child::command("store_suite::writes_until_the_disk_is_full", folder.path(), limit).output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout).to_string();
    assert!(child.status.success(), "{said}");
    let acknowledged: u32 = said
        .split("acknowledged ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .map(|n| n.parse().unwrap())
        .expect(&said);
    assert!(acknowledged > 10, "{said}");
    let store = SledStore::open(folder.path(), SETTINGS).unwrap();
    for n in 0..acknowledged {
        assert_eq!(store.get(&n.to_be_bytes()).unwrap().unwrap(), vec![n as u8; 3000], "{n} of {acknowledged}");
    }
    store.apply(vec![put(b"again", b"")]).unwrap();
}

#[test]
fn writes_until_the_disk_is_full() {
    let Some(folder) = child::folder() else { return };
    let store = SledStore::open(&folder, SETTINGS).unwrap();
    let mut acknowledged = 0u32;
    while acknowledged < 100_000 {
        let batch = (0..8).map(|n| put(&(acknowledged + n).to_be_bytes(), &[(acknowledged + n) as u8; 3000])).collect();
        if store.apply(batch).is_err() {
            break;
        }
        acknowledged += 8;
    }
    assert!(matches!(store.apply(vec![put(b"x", b"")]), Err(StoreError::ReadOnly(_))));
    // sled cannot read a leaf that it wants to split but no longer can; all others are read.
    let reads: Vec<_> = (0..acknowledged).filter_map(|n| Some((n, store.get(&n.to_be_bytes()).ok()?))).collect();
    assert!(reads.len() as u32 > acknowledged * 9 / 10, "{} of {acknowledged}", reads.len());
    assert!(reads.iter().all(|(n, value)| value.as_ref() == Some(&vec![*n as u8; 3000])));
    println!("acknowledged {acknowledged} ");
}

#[test]
fn a_folder_is_opened_once_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("made/on/the/way");
    let store = SledStore::open(&below, SETTINGS).unwrap();
    assert!(matches!(SledStore::open(&below, SETTINGS), Err(StoreError::Open(_))));
    assert!(store.disk_bytes() > 0);
    drop(store);
    SledStore::open(&below, SETTINGS).unwrap();
}

#[test]
fn a_store_can_be_shared_by_threads() {
    fn shared<T: Send + Sync>(_: T) {}
    for medium in media() {
        medium.store().apply(vec![put(b"k", b"v")]).unwrap();
    }
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    shared(store);
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Batch),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(b'a'), Just(255)], 0..5);
    let size = prop_oneof![6 => 0..40usize, 1 => 4090..4100usize, 1 => 0..20_000usize];
    let value = (size, any::<u8>()).prop_map(|(size, byte)| vec![byte; size]);
    let batch = prop::collection::vec((key, prop::option::weighted(0.7, value)), 0..30);
    prop::collection::vec(prop_oneof![9 => batch.prop_map(Step::Apply), 1 => Just(Step::Reopen)], 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn random_batches_leave_what_a_map_would_hold(steps in steps(), from in 0..256usize, limit in 0..20usize) {
        for mut medium in media() {
            let mut map = BTreeMap::new();
            for step in &steps {
                match step {
                    Step::Reopen => medium.reopen(),
                    Step::Apply(batch) => {
                        medium.store().apply(batch.clone()).unwrap();
                        for (key, value) in batch.clone() {
                            match value {
                                Some(value) => map.insert(key, value),
                                None => map.remove(&key),
                            };
                        }
                    }
                }
            }
            for _ in 0..2 {
                let all: Vec<_> = map.clone().into_iter().collect();
                prop_assert!(medium.store().scan(b"", &[255; 9], usize::MAX).unwrap() == all);
                let start = vec![from as u8];
                let page: Vec<_> = map.range(start.clone()..).take(limit).map(|(k, v)| (k.clone(), v.clone())).collect();
                prop_assert!(medium.store().scan(&start, &[255; 9], limit).unwrap() == page);
                for (key, value) in &map {
                    prop_assert!(medium.store().get(key).unwrap().as_ref() == Some(value));
                }
                medium.reopen();
            }
        }
    }
}
