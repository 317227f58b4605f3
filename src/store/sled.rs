//! The store on disk. The only file that names sled, and the one that fences its faults:
//!
//! - its flush ends in `sync_file_range`, not in fsync: what counts on it is followed by `sync_data` of the file `db`;
//! - its flush costs a change of threads and two waits for the disk: small batches are made durable in a [`Journal`] beside
//!   it, and sled only now and then;
//! - the head of each segment of its log says up to where the log is whole, and where the power goes before that is true, it
//!   finds nothing at all: it is made durable whenever its log has come into another segment, and long before two are full;
//! - it panics on damage: every call stands behind a panic boundary;
//! - a torn `snap.*.generating` or a damaged snapshot keeps it from opening: the first is removed, the second set aside;
//! - damage near the end of its log makes it open as an older whole state: a [`Witness`] outside tells;
//! - items above an eighth of its segments go to files it never syncs: values are kept in pieces small enough that a
//!   leaf of them stays below that;
//! - it splits leaves while it reads, so after a failed write some reads fail: the space left on the disk is looked at
//!   before each batch, so that the most common failure never reaches it;
//! - its lock for batches is one for the whole process, and a batch waits behind a flush: one thread at a time applies.
//!
//! Keys inside sled: `0` and the key for a value, which begins with `0` (all here) or `1` (in pieces); `1`, the key's
//! length, the key and a number for a piece; `2` for the number of the last batch.

use std::fs::{File, OpenOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sled::{Db, IVec};

use super::folder::{self, Witness};
use super::journal::Journal;
use super::pieces::{Header, PIECE, PIECE_BYTES, WHOLE, main_key, piece_count, piece_key};
use super::{Batch, Entry, Store, StoreError, limits, panics};

/// The key of the number of the last batch.
const BATCH: &[u8] = &[2];
/// Names of sled's own threads begin so.
const THREADS: [&str; 2] = ["log flusher", "sled-io-"];
/// Of sled's log, as it is where nothing else is asked for.
const SEGMENT_BYTES: i64 = 512 << 10;
/// How much sled's log may grow before it is made durable; a guess, so it is far below a segment.
const LOG_MAX: usize = 160 << 10;
/// How much sled's log grows with a byte of the journal, before that is known: whole leaves are written again and again.
const GROWTH: usize = 8;
/// Free space on the disk below which no batch is begun: sled moves segments, snapshots are written, a log grows.
const FREE_MIN: u64 = 32 << 20;
/// How often a file still locked by the threads of a store just closed is tried again, 20 ms apart.
const OPEN_TRIES: u32 = 100;
/// How long closing may take before the store is left to the end of the process.
const CLOSING: Duration = Duration::from_secs(60);

/// Settings of the store on disk.
#[derive(Clone, Copy, Debug)]
pub struct SledSettings {
    /// Bytes sled is told to cache; it really uses two to three times as much.
    pub cache_bytes: u64,
    /// How often sled's own flusher runs (its garbage collection lives there).
    pub flush_every_ms: u64,
}

/// The store on disk: one folder, one tree. Closed when dropped.
pub struct SledStore {
    db: Opened,
    folder: PathBuf,
    /// A second handle of sled's file: to sync it.
    file: File,
    witness: Witness,
    /// Held while a batch is applied.
    applied: Mutex<Applied>,
    /// Whether any value was ever kept in pieces, so that overwritten ones must be looked at.
    pieces: AtomicBool,
    read_only: OnceLock<String>,
    /// Freed last of all.
    _lock: File,
}

struct Applied {
    /// The number of the last batch.
    number: u64,
    journal: Journal,
    /// Up to where sled's log is durable.
    settled: i64,
    /// About how many bytes of sled's log a byte of the journal makes.
    growth: usize,
}

impl SledStore {
    /// Opens or creates the store in `folder`.
    ///
    /// # Errors
    /// [`StoreError::Open`] where the folder is locked, damaged or not writable.
    pub fn open(folder: &Path, settings: SledSettings) -> Result<SledStore, StoreError> {
        panics::keep_quiet(&THREADS);
        let failed = |error: std::io::Error| StoreError::Open(format!("{} cannot be used: {error}", folder.display()));
        folder::create(folder).map_err(failed)?;
        let lock = folder::lock(folder)?;
        for torn in
            folder::named(folder, |name| name.starts_with("snap.") && name.ends_with(".generating")).map_err(failed)?
        {
            std::fs::remove_file(torn).map_err(failed)?;
        }
        let db = Opened(Some(open_or_replay(folder, settings)?));
        // What a killed process left in the page cache was just read as truth, so it must be durable before use.
        let file = OpenOptions::new().read(true).write(true).open(folder.join("db")).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        for part in ["conf", "blobs", ""] {
            folder::sync(&folder.join(part)).map_err(failed)?;
        }
        let pieces = AtomicBool::new(false);
        let mut applied = guarded(|| {
            let db = db.get().map_err(|error| Fault::system(error.to_string()))?;
            pieces.store(db.scan_prefix([PIECE]).next().transpose()?.is_some(), Ordering::Relaxed);
            put_back(folder, &Tree { db, file: &file, pieces: &pieces })
        })
        .map_err(|fault| unreadable(folder, &fault))?;
        let witness = Witness::open(folder, applied.number)?;
        // Not before the witness has agreed: what cannot be read of it may be what is missing.
        applied.journal.clear(folder).map_err(failed)?;
        let (folder, applied, read_only) = (folder.to_path_buf(), Mutex::new(applied), OnceLock::new());
        Ok(SledStore { db, folder, file, witness, applied, pieces, read_only, _lock: lock })
    }

    fn tree(&self) -> Result<Tree<'_>, StoreError> {
        Ok(Tree { db: self.db.get()?, file: &self.file, pieces: &self.pieces })
    }

    /// Refuses a batch that could fill the disk.
    fn has_space(&self, batch: &Batch) -> Result<(), Fault> {
        let bytes: usize = batch.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum();
        let disk = rustix::fs::fstatvfs(&self.file)
            .map_err(|error| Fault::system(format!("asking for free space: {error}")))?;
        // What is written is written again when leaves are split and segments cleaned.
        let needed = FREE_MIN + 4 * bytes as u64;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free >= needed {
            Ok(())
        } else {
            Err(Fault::system(format!("the disk has {free} bytes left, {needed} are needed")))
        }
    }

    /// Puts a value together from its pieces, or from its one.
    fn resolve(&self, db: &Db, key: &[u8], mut stored: IVec) -> Result<Option<Vec<u8>>, Fault> {
        // Each look-up is atomic but all together are not: a value overwritten meanwhile is read again.
        loop {
            let Some(header) = Header::read(&stored) else {
                return match stored.split_first() {
                    Some((&WHOLE, value)) => Ok(Some(value.to_vec())),
                    _ => Err(Fault::damage("a value begins with an unknown byte")),
                };
            };
            let mut value = Vec::with_capacity(header.bytes as usize);
            for number in 0..header.pieces() {
                value.extend_from_slice(&db.get(piece_key(key, number))?.unwrap_or_default());
            }
            if Header::of(&value) == header {
                return Ok(Some(value));
            }
            match db.get(main_key(key))? {
                None => return Ok(None),
                Some(same) if same == stored => return Err(Fault::damage("a value's pieces do not fit together")),
                Some(newer) => stored = newer,
            }
        }
    }
}

/// What writes to sled.
struct Tree<'a> {
    db: &'a Db,
    file: &'a File,
    pieces: &'a AtomicBool,
}

impl Tree<'_> {
    /// Writes the batch and makes it durable.
    fn write(&self, entries: Batch, applied: &mut Applied) -> Result<(), Fault> {
        let number = applied.number + 1;
        let failed = |error: std::io::Error| Fault::system(format!("writing the journal failed: {error}"));
        if self.is_due(applied) {
            let (before, bytes) = (applied.settled, applied.journal.len());
            self.settle(applied)?;
            // Up at once, down slowly: too low a guess is the dangerous one.
            let grown = ((applied.settled - before) as usize).checked_div(bytes).unwrap_or(0).max(1);
            applied.growth = grown.max((applied.growth * 3 + grown) / 4);
        }
        let is_durable = applied.journal.append(number, &entries).map_err(failed)?;
        self.put(entries, number)?;
        if is_durable { Ok(()) } else { self.settle(applied) }
    }

    /// Whether sled has to be made durable before it grows further.
    fn is_due(&self, applied: &Applied) -> bool {
        let segment = |lsn: i64| lsn / SEGMENT_BYTES;
        segment(self.written()) != segment(applied.settled) || applied.journal.len() * applied.growth > LOG_MAX
    }

    /// Up to where sled has written its log.
    fn written(&self) -> i64 {
        self.db.context.pagecache.log.stable_offset()
    }

    /// Puts the batch into the tree; a crash may take it from there.
    fn put(&self, entries: Batch, number: u64) -> Result<(), Fault> {
        let mut batch = sled::Batch::default();
        for (key, value) in last_of_each(entries) {
            self.stage(&key, value, &mut batch)?;
        }
        batch.insert(BATCH, checked_number(number).to_vec());
        Ok(self.db.apply_batch(batch)?)
    }

    /// Makes all that was put durable.
    fn settle(&self, applied: &mut Applied) -> Result<(), Fault> {
        self.db.flush()?;
        let lsn = self.written();
        self.file.sync_data().map_err(|error| Fault::system(format!("syncing the file failed: {error}")))?;
        applied.settled = lsn;
        applied.journal.restart();
        Ok(())
    }

    /// Adds to `batch` what writes or removes one value.
    fn stage(&self, key: &[u8], value: Option<Vec<u8>>, batch: &mut sled::Batch) -> Result<(), Fault> {
        let main = main_key(key);
        let kept = value.as_ref().map_or(0, |value| piece_count(value.len()));
        if self.pieces.load(Ordering::Relaxed) {
            let before =
                self.db.get(&main)?.and_then(|stored| Header::read(&stored)).map_or(0, |header| header.pieces());
            (kept..before).for_each(|number| batch.remove(piece_key(key, number)));
        }
        let Some(mut value) = value else {
            batch.remove(main);
            return Ok(());
        };
        if kept == 0 {
            // There mostly is room for it.
            value.insert(0, WHOLE);
            batch.insert(main, value);
        } else {
            self.pieces.store(true, Ordering::Relaxed);
            batch.insert(main, Header::of(&value).bytes());
            for (number, piece) in value.chunks(PIECE_BYTES).enumerate() {
                batch.insert(piece_key(key, number), piece);
            }
        }
        Ok(())
    }
}

/// Puts into the tree what only the journal has; the number of the last batch then.
fn put_back(folder: &Path, tree: &Tree) -> Result<Applied, Fault> {
    let number = last_batch(tree.db)?;
    let failed = |error: std::io::Error| Fault::system(format!("reading the journal failed: {error}"));
    let (journal, kept) = Journal::open(folder, number).map_err(failed)?;
    let mut applied = Applied { number, journal, settled: tree.written(), growth: GROWTH };
    for (number, batch) in kept {
        tree.put(batch, number)?;
        applied.number = number;
        tree.settle(&mut applied)?;
    }
    tree.settle(&mut applied)?;
    Ok(applied)
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let db = self.db.get()?;
        guarded(|| match db.get(main_key(key))? {
            Some(stored) => self.resolve(db, key, stored),
            None => Ok(None),
        })
        .map_err(Fault::into_error)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Entry>, StoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let db = self.db.get()?;
        guarded(|| {
            let mut found = Vec::new();
            let mut from = main_key(from);
            let to = main_key(to);
            while found.len() < limit {
                // The iterator is gone before another call of sled is made.
                let entries: Vec<(IVec, IVec)> =
                    db.range(from..to.clone()).take(limit - found.len()).collect::<Result<_, _>>()?;
                let Some((last, _)) = entries.last() else { break };
                from = [last, &[0][..]].concat();
                for (key, stored) in entries {
                    let key = key[1..].to_vec();
                    if let Some(value) = self.resolve(db, &key, stored)? {
                        found.push((key, value));
                    }
                }
            }
            Ok(found)
        })
        .map_err(Fault::into_error)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        limits::check(&batch)?;
        let tree = self.tree()?;
        let mut applied = self.applied.lock();
        if let Some(why) = self.read_only.get() {
            return Err(StoreError::ReadOnly(why.clone()));
        }
        let written = self.has_space(&batch).and_then(|()| guarded(|| tree.write(batch, &mut applied)));
        if let Err(fault) = written {
            let _ = self.read_only.set(fault.what.clone());
            return Err(fault.into_error());
        }
        applied.number += 1;
        // The batch is durable and so it is acknowledged, whatever comes of the witness.
        if let Err(error) = self.witness.write(applied.number) {
            let _ = self.read_only.set(format!("noting the batch failed: {error}"));
        }
        Ok(())
    }

    fn read_only(&self) -> Option<String> {
        self.read_only.get().cloned()
    }

    fn disk_bytes(&self) -> u64 {
        folder::bytes(&self.folder)
    }
}

/// An open sled. Closed when dropped.
struct Opened(Option<Db>);

impl Opened {
    fn get(&self) -> Result<&Db, StoreError> {
        self.0.as_ref().ok_or_else(|| StoreError::Io("the store is closed".into()))
    }
}

impl Drop for Opened {
    /// Waits for sled's threads, but not for ever: a flusher that panicked is waited for without end.
    fn drop(&mut self) {
        let Some(db) = self.0.take() else { return };
        let (done, closed) = std::sync::mpsc::channel();
        let closing = std::thread::Builder::new().name("store closing".into()).spawn(move || {
            let _ = guarded(|| {
                drop(db);
                Ok(())
            });
            let _ = done.send(());
        });
        if closing.is_ok() && closed.recv_timeout(CLOSING).is_err() {
            tracing::error!("the store did not close in time; what was acknowledged is durable");
        }
    }
}

/// Something sled or the system reported, or the panic sled answered with.
struct Fault {
    what: String,
    /// Whether the files are to blame, and not the system around them.
    damage: bool,
}

impl Fault {
    fn system(what: impl Into<String>) -> Fault {
        Fault { what: what.into(), damage: false }
    }

    fn damage(what: &str) -> Fault {
        Fault { what: what.into(), damage: true }
    }

    fn into_error(self) -> StoreError {
        StoreError::Io(self.what)
    }
}

impl From<sled::Error> for Fault {
    fn from(error: sled::Error) -> Fault {
        match error {
            sled::Error::Corruption { .. } => {
                Fault::damage("a checksum of the store's file is wrong: restore a backup")
            }
            sled::Error::Io(error) => Fault::system(error.to_string()),
            other => Fault::damage(&other.to_string()),
        }
    }
}

/// Runs a call of sled behind the panic boundary.
fn guarded<T>(call: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    panics::quietly(|| catch_unwind(AssertUnwindSafe(call)))
        .unwrap_or_else(|_| Err(Fault::damage("the store's file is damaged: restore a backup")))
}

fn unreadable(folder: &Path, fault: &Fault) -> StoreError {
    let (folder, what) = (folder.display(), &fault.what);
    StoreError::Open(match fault.damage {
        true => format!(
            "the store in {folder} is damaged ({what}): move the folder away and run `rollcall restore` with your last \
             backup"
        ),
        false => format!("{folder} cannot be used: {what}"),
    })
}

/// Opens sled; where its snapshot is damaged, sets that aside and lets it replay its whole log.
fn open_or_replay(folder: &Path, settings: SledSettings) -> Result<Db, StoreError> {
    let first = match open_patiently(folder, settings) {
        Ok(db) => return Ok(db),
        Err(fault) if fault.damage => fault,
        Err(fault) => return Err(unreadable(folder, &fault)),
    };
    let snapshots = folder::named(folder, |name| name.starts_with("snap.")).unwrap_or_default();
    if snapshots.is_empty() {
        return Err(unreadable(folder, &first));
    }
    for snapshot in snapshots {
        let aside = folder.join(format!("damaged-{}", snapshot.file_name().unwrap_or_default().to_string_lossy()));
        std::fs::rename(&snapshot, aside).map_err(|_| unreadable(folder, &first))?;
    }
    tracing::warn!(folder = %folder.display(), cause = first.what, "a damaged snapshot is set aside; replaying the log");
    open_patiently(folder, settings).map_err(|fault| unreadable(folder, &fault))
}

/// Opens sled, trying again while the threads of a store just closed in this process still hold the file.
fn open_patiently(folder: &Path, settings: SledSettings) -> Result<Db, Fault> {
    let config = || {
        sled::Config::new()
            .path(folder)
            .cache_capacity(settings.cache_bytes)
            .flush_every_ms(Some(settings.flush_every_ms.max(1)))
    };
    let mut tries = 0;
    loop {
        let opened = guarded(|| Ok(config().open()))?;
        match opened {
            Err(sled::Error::Io(error))
                if tries < OPEN_TRIES && error.to_string().contains("could not acquire lock") =>
            {
                tries += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            opened => return opened.map_err(Fault::from),
        }
    }
}

/// Only the last entry for a key counts; deciding which pieces to remove needs to know it.
fn last_of_each(mut entries: Batch) -> Batch {
    entries.reverse();
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    entries.dedup_by(|(earlier, _), (kept, _)| earlier == kept);
    entries
}

fn checked_number(number: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[8..].copy_from_slice(&crc32c::crc32c(&number.to_be_bytes()).to_be_bytes());
    bytes
}

/// The number of the last batch, 0 before any.
fn last_batch(db: &Db) -> Result<u64, Fault> {
    let Some(bytes) = db.get(BATCH)? else { return Ok(0) };
    let number = bytes.first_chunk().copied().map_or(0, u64::from_be_bytes);
    if *bytes == checked_number(number) {
        Ok(number)
    } else {
        Err(Fault::damage("the number of its last batch is damaged"))
    }
}

#[cfg(test)]
#[path = "sled_tests.rs"]
mod tests;
