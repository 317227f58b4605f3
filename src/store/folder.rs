//! The folder of the store on disk: its lock, its creation that survives a power cut, and the witness of what was
//! acknowledged.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::StoreError;

/// Held for as long as the store is open.
const LOCK: &str = "lock";
/// Says how many batches were acknowledged.
pub const WITNESS: &str = "acknowledged";
/// How often a lock that another holds is tried again.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// A number, its checksum, padding.
const SLOT: usize = 16;

/// Creates the folder and those above it, and makes their entries durable.
///
/// # Errors
/// What the file system reports.
pub fn create(folder: &Path) -> io::Result<()> {
    let absolute = std::path::absolute(folder)?;
    let missing: Vec<&Path> = absolute.ancestors().take_while(|above| !above.exists()).collect();
    fs::create_dir_all(&absolute)?;
    let entered = missing.iter().filter_map(|made| made.parent());
    entered.chain(absolute.parent()).try_for_each(sync)
}

/// Makes a file's content, or a folder's entries, durable.
///
/// # Errors
/// What the file system reports.
pub fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Takes the folder for this process alone, until the file is dropped.
///
/// # Errors
/// [`StoreError::Open`] where another has it.
pub fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let shown = path.display();
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| StoreError::Open(format!("{shown} cannot be opened: {error}")))?;
    let mut outcome = file.try_lock();
    // A process that is just ending, or a child between fork and exec, gives it back in a moment.
    for _ in 0..LOCK_TRIES {
        if outcome.is_ok() {
            break;
        }
        std::thread::sleep(LOCK_PAUSE);
        outcome = file.try_lock();
    }
    match outcome {
        Ok(()) if is_at(&file, &path) => Ok(file),
        // Compaction has put another folder in its place.
        Ok(()) => Err(StoreError::Open(format!("{shown} was moved away meanwhile: try again"))),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::Open(format!("another process uses it (it holds {shown}): stop that one first")))
        }
        Err(TryLockError::Error(error)) => Err(StoreError::Open(format!("{shown} cannot be locked: {error}"))),
    }
}

/// Whether the open file is the one of that path.
fn is_at(file: &File, path: &Path) -> bool {
    let same = |own: &fs::Metadata, there: &fs::Metadata| (own.dev(), own.ino()) == (there.dev(), there.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(own), Ok(there)) if same(&own, &there))
}

/// The files of the folder whose name begins or ends so.
///
/// # Errors
/// What the file system reports.
pub fn named(folder: &Path, matches: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&matches) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Bytes of all files in the folder and those in it; what vanishes meanwhile counts nothing.
pub fn bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// The number of the last acknowledged batch, kept beside the store: a store that lost the end of its log to damage
/// opens as an older state that is whole in itself, and only a witness outside can tell.
///
/// Written after a batch is durable and never synced: after a power cut it may be behind the store, but not ahead.
pub struct Witness {
    file: File,
    path: PathBuf,
}

impl Witness {
    /// Opens the witness, or makes one that says `now` where there is none, and compares it with the `now` of the store.
    ///
    /// # Errors
    /// [`StoreError::Open`] where the store is behind, or the witness cannot be read.
    pub fn open(folder: &Path, now: u64) -> Result<Witness, StoreError> {
        let path = folder.join(WITNESS);
        let failed = |error: io::Error| StoreError::Open(format!("{} cannot be used: {error}", path.display()));
        let fresh = !path.exists();
        let options = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let witness = Witness { file: options.map_err(failed)?, path: path.clone() };
        let seen = if fresh { 0 } else { witness.read().map_err(failed)? };
        if seen > now {
            return Err(StoreError::Open(format!(
                "{} acknowledged batches of writes are missing from the store, as after damage to the disk: restore a \
                 backup, or delete {} to go on without them",
                seen - now,
                path.display()
            )));
        }
        if fresh || seen != now {
            [now.saturating_sub(1), now].iter().try_for_each(|&number| witness.write(number)).map_err(failed)?;
            witness.file.sync_all().and_then(|()| sync(folder)).map_err(failed)?;
        }
        Ok(witness)
    }

    /// Notes that batch `number` was acknowledged. Two slots take turns, so that one is always whole.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn write(&self, number: u64) -> io::Result<()> {
        let mut slot = [0; SLOT];
        slot[..8].copy_from_slice(&number.to_be_bytes());
        slot[8..12].copy_from_slice(&crc32c::crc32c(&number.to_be_bytes()).to_be_bytes());
        self.file.write_all_at(&slot, number % 2 * SLOT as u64)
    }

    /// The higher number of the two slots; 0 for a file that a power cut left empty.
    fn read(&self) -> io::Result<u64> {
        let bytes = fs::read(&self.path)?;
        let numbers = bytes.chunks_exact(SLOT).filter_map(|slot| {
            let (number, rest) = slot.split_first_chunk::<8>()?;
            let checksum = rest.first_chunk::<4>()?;
            (crc32c::crc32c(number) == u32::from_be_bytes(*checksum)).then(|| u64::from_be_bytes(*number))
        });
        match numbers.max() {
            Some(number) => Ok(number),
            None if bytes.iter().all(|&byte| byte == 0) => Ok(0),
            None => Err(io::Error::other("it is damaged; delete it if the rest of the disk is sound")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_witness_tells_a_store_that_fell_behind() {
        let folder = tempfile::tempdir().unwrap();
        Witness::open(folder.path(), 7).unwrap().write(8).unwrap();
        assert!(Witness::open(folder.path(), 8).is_ok());
        assert!(Witness::open(folder.path(), 9).is_ok());
        let Err(StoreError::Open(message)) = Witness::open(folder.path(), 6) else { panic!() };
        assert!(message.starts_with("3 acknowledged batches"), "{message}");
    }

    #[test]
    fn no_single_flipped_bit_of_the_witness_hides_more_than_one_batch() {
        let folder = tempfile::tempdir().unwrap();
        Witness::open(folder.path(), 41).unwrap().write(42).unwrap();
        let path = folder.path().join(WITNESS);
        let sound = fs::read(&path).unwrap();
        for bit in 0..sound.len() * 8 {
            let mut flipped = sound.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, flipped).unwrap();
            assert!(Witness::open(folder.path(), 40).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_locked_folder_is_refused_until_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).unwrap();
        assert!(matches!(lock(folder.path()), Err(StoreError::Open(_))));
        drop(held);
        lock(folder.path()).unwrap();
    }
}
