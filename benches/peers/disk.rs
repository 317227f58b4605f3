//! Room on the disk: what each engine's data take, and a refusal before an hour is lost.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Bytes a contact of each engine's data at their largest: while they load, with their logs, and some room.
const BYTES: [(&str, u64); 3] = [("rollcall", 2500), ("postgresql", 3300), ("sqlite", 2000)];
/// Beyond what grows with the contacts: journals, logs.
const FIXED: u64 = 2 << 30;

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
