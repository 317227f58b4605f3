//! The disk: what each engine's data take there, a refusal before an hour is lost, and what reading it takes.

use std::fs::Metadata;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rollcall::index::in_shares;

use crate::support;

/// Bytes a contact of each engine's data at their largest: while they load, with their logs, and some room.
const BYTES: [(&str, u64); 3] = [("rollcall", 2500), ("postgresql", 3300), ("sqlite", 2000)];
/// Beyond what grows with the contacts: journals, logs.
const FIXED: u64 = 2 << 30;
/// The yardstick of pages from the disk.
const RAW_ROUNDS: usize = 40;
const RAW_READS: usize = 100;
const RAW_BYTES: u64 = 4096;
const RAW_THREADS: usize = 24;

/// What the engine of that name takes at so many contacts.
fn bytes(engine: &str, contacts: u64) -> u64 {
    BYTES.iter().find(|(name, _)| *name == engine).map_or(0, |(_, each)| FIXED + each * contacts)
}

/// Whether the temporary folder's disk takes the data of these engines, all at once or one after the other.
///
/// # Errors
/// What is needed, what is free, and what would do.
pub fn check(engines: &[&str], at_once: bool, contacts: u64) -> Result<(), String> {
    let folder = std::env::temp_dir();
    let disk = rustix::fs::statvfs(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let free = disk.f_bavail * disk.f_frsize;
    let each = engines.iter().map(|engine| bytes(engine, contacts));
    let needed: u64 = if at_once { each.sum() } else { each.max().unwrap_or(0) };
    if needed <= free {
        return Ok(());
    }
    let parts: Vec<String> = engines.iter().map(|name| format!("{name} {} GB", bytes(name, contacts) >> 30)).collect();
    Err(format!(
        "{contacts} contacts need about {} GB in {} ({}), where {} GB are free: set TMPDIR to a folder on a larger disk, \
         leave engines out (--without postgresql,sqlite), or take fewer --contacts",
        needed >> 30,
        folder.display(),
        parts.join(if at_once { ", " } else { " or " }),
        free >> 30,
    ))
}

/// Mebibytes that a folder's files take on the disk.
pub fn megabytes(folder: &Path) -> f64 {
    let mut blocks = 0;
    each_file(folder, &mut |_, found| blocks += found.blocks());
    (blocks * 512) as f64 / f64::from(1 << 20)
}

/// Has the system read a folder's files from the disk when they are wanted next.
///
/// # Errors
/// What the file system reports.
pub fn forget(folder: &Path) -> Result<(), String> {
    let mut result = Ok(());
    each_file(folder, &mut |path, _| {
        let forgotten = std::fs::File::open(path).and_then(|file| {
            file.sync_all()?;
            Ok(rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?)
        });
        if let Err(error) = forgotten {
            result = Err(format!("{}: {error}", path.display()));
        }
    });
    result
}

/// Microseconds, sorted, that a hundred reads of 4 KiB each take of places of the folder's largest file that the system has forgotten:
/// what a disk takes for rows that stand anywhere.
///
/// # Errors
/// What the file system reports.
pub fn raw_reads(folder: &Path) -> Result<Vec<f64>, String> {
    forget(folder)?;
    let mut largest = (0, PathBuf::new());
    each_file(folder, &mut |path, found| largest = (found.len(), path.to_owned()).max(std::mem::take(&mut largest)));
    let (len, path) = largest;
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = std::fs::File::open(&path).map_err(failed)?;
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Random).map_err(|error| failed(error.into()))?;
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(len);
    let mut place = || random.random_range(0..=len / RAW_BYTES) * RAW_BYTES;
    let rounds: Vec<Vec<u64>> = (0..RAW_ROUNDS).map(|_| (0..RAW_READS).map(|_| place()).collect()).collect();
    Ok(support::micros(RAW_ROUNDS, |round| read_at(&file, &rounds[round])))
}

/// Reads what is there at the places, by as many threads as read a page's rows.
fn read_at(file: &std::fs::File, places: &[u64]) {
    in_shares(RAW_THREADS, |share| {
        let mut bytes = [0; RAW_BYTES as usize];
        // The last place may have none.
        share.part(places).iter().for_each(|place| drop(file.read_at(&mut bytes, *place)));
    });
}

/// Calls `f` with every file in the folder, those deeper down included.
fn each_file(folder: &Path, f: &mut impl FnMut(&Path, &Metadata)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(found) if found.is_dir() => each_file(&entry.path(), f),
            Ok(found) => f(&entry.path(), &found),
            Err(_) => {}
        }
    }
}
