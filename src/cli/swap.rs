//! Putting a compacted copy in the place of the store, so that a crash at any moment leaves a folder that can be used.
//!
//! | in the data folder | what happened | what the next command does |
//! |---|---|---|
//! | `store` | nothing | |
//! | `store`, `store.copying` | the copy is not finished | removes the copy |
//! | `store`, `store.copied` | the copy is whole, compared and durable | removes the index, puts the copy in the place of `store` |
//! | `store.old`, `store.copied` | the copy is being put in its place | goes on with that |
//! | `store`, `store.old` | the copy is in its place | removes `store.old` |
//!
//! Who copies holds `compact.lock` all the time, and the lock of `store` too until the copy has its place. Who opens a store
//! settles first, and looks again once it is open: a store about to be replaced is never written.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::folder::{INDEX, STORE};

const LOCK: &str = "compact.lock";
/// The copy while it is made.
const COPYING: &str = "store.copying";
/// The copy once it is whole.
const COPIED: &str = "store.copied";
/// What it replaces.
const OLD: &str = "store.old";

/// The right to compact a data folder, until it is dropped.
pub(super) struct Swap {
    folder: PathBuf,
    _lock: File,
}

/// Whether the folder's store is being replaced.
pub(super) fn is_under_way(folder: &Path) -> bool {
    [COPIED, OLD].iter().any(|name| folder.join(name).exists())
}

/// Whether what is written to the folder's store from now on may be in no copy of it.
pub(super) fn is_copied(folder: &Path) -> bool {
    is_under_way(folder) || folder.join(COPYING).exists()
}

/// Finishes or takes back what an interrupted compaction left, if there is anything.
pub(super) fn settle(folder: &Path) -> std::result::Result<(), Failure> {
    if is_copied(folder) { Swap::begin(folder).map(drop) } else { Ok(()) }
}

impl Swap {
    /// Takes the folder, and settles what an earlier one left.
    pub fn begin(folder: &Path) -> std::result::Result<Swap, Failure> {
        let lock = locked(&folder.join(LOCK)).map_err(|error| match error.kind() {
            // Said to whoever comes, for whatever it wants the folder.
            ErrorKind::WouldBlock => {
                Failure::Failed(format!("another process compacts {}: let it finish first", folder.display()))
            }
            _ => failed(folder, &error),
        })?;
        let swap = Swap { folder: folder.to_path_buf(), _lock: lock };
        swap.settle().map_err(|error| failed(folder, &error))?;
        Ok(swap)
    }

    /// Where the copy is made.
    pub fn copying(&self) -> PathBuf {
        self.folder.join(COPYING)
    }

    /// Takes an unfinished copy away.
    pub fn give_up(&self) {
        // What cannot be removed now is removed by the next command.
        let _ = remove(&self.copying());
    }

    /// Puts the finished copy, which nobody has open any more, in the place of the store.
    pub fn finish(self) -> std::result::Result<(), Failure> {
        let done = (|| {
            sync_all(&self.copying())?;
            // Nobody may open the store between its being closed and its being replaced.
            let store = locked(&self.folder.join(STORE).join("lock"))?;
            std::fs::rename(self.copying(), self.folder.join(COPIED))?;
            sync(&self.folder)?;
            self.replace()?;
            drop(store);
            remove(&self.folder.join(OLD))
        })();
        done.map_err(|error| {
            self.give_up();
            failed(&self.folder, &error)
        })
    }

    fn settle(&self) -> Result<()> {
        remove(&self.copying())?;
        if self.folder.join(COPIED).exists() {
            let lock = self.folder.join(STORE).join("lock");
            let _held = if lock.exists() { Some(locked(&lock)?) } else { None };
            self.replace()?;
        }
        remove(&self.folder.join(OLD))
    }

    /// Puts the whole copy in the place of the store, from whatever was done of it.
    fn replace(&self) -> Result<()> {
        let [store, copied, old] = [STORE, COPIED, OLD].map(|name| self.folder.join(name));
        // It holds contacts' values too, and is made anew from the store.
        remove(&self.folder.join(INDEX))?;
        if old.exists() {
            // One that somebody else made in the empty place and did not use.
            remove(&store)?;
        } else {
            std::fs::rename(&store, &old)?;
            sync(&self.folder)?;
        }
        std::fs::rename(copied, store)?;
        sync(&self.folder)
    }
}

fn failed(folder: &Path, error: &Error) -> Failure {
    Failure::Failed(format!("cannot compact {}: {error}", folder.display()))
}

fn locked(path: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::WouldBlock,
            format!("another process holds {}: let it finish first", path.display()),
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync(path: &Path) -> Result<()> {
    File::open(path)?.sync_all()
}

/// Makes all in the folder durable.
fn sync_all(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { sync_all(&path)? } else { sync(&path)? }
    }
    sync(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these parts, each holding a file that says which it is.
    fn folder(parts: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for part in parts {
            std::fs::create_dir(folder.path().join(part)).expect("made");
            std::fs::write(folder.path().join(part).join("says"), part).expect("written");
        }
        folder
    }

    #[test]
    fn every_state_is_settled_to_one_store() {
        let table: [(&[&str], &str, bool); 6] = [
            (&[STORE, INDEX], STORE, true),
            (&[STORE, COPYING, INDEX], STORE, true),
            (&[STORE, COPIED, INDEX], COPIED, false),
            (&[OLD, COPIED], COPIED, false),
            (&[STORE, OLD, INDEX], STORE, true),
            (&[STORE, OLD, COPIED], COPIED, false),
        ];
        for (parts, expected, indexed) in table {
            let folder = folder(parts);
            settle(folder.path()).expect("settled");
            let says = std::fs::read_to_string(folder.path().join(STORE).join("says")).expect("a store");
            assert_eq!(says, expected, "{parts:?}");
            assert_eq!(folder.path().join(INDEX).exists(), indexed, "{parts:?}");
            let left = [COPYING, COPIED, OLD].iter().filter(|name| folder.path().join(name).exists()).count();
            assert_eq!(left, 0, "{parts:?}");
        }
    }

    /// Who looked before a copy was begun, and opens the store once it was closed again, must not write to it.
    #[test]
    fn a_store_of_which_a_copy_is_made_is_not_to_be_written() {
        for part in [COPYING, COPIED, OLD] {
            let folder = folder(&[STORE]);
            assert!(!is_copied(folder.path()));
            std::fs::create_dir(folder.path().join(part)).expect("made");
            assert!(is_copied(folder.path()), "{part}");
        }
    }

    #[test]
    fn nobody_settles_what_another_is_at() {
        let folder = folder(&[STORE]);
        let swap = Swap::begin(folder.path()).expect("it is free");
        std::fs::create_dir(swap.copying()).expect("made");
        assert!(settle(folder.path()).is_err());
        assert!(swap.copying().exists());
        drop(swap);
        settle(folder.path()).expect("it is free again");
        assert!(!folder.path().join(COPYING).exists());
    }

    #[test]
    fn a_store_that_somebody_opened_is_not_replaced() {
        let folder = folder(&[STORE]);
        let swap = Swap::begin(folder.path()).expect("it is free");
        std::fs::create_dir(swap.copying()).expect("made");
        let _open = locked(&folder.path().join(STORE).join("lock")).expect("it is free");
        assert!(swap.finish().is_err());
        assert_eq!(std::fs::read_to_string(folder.path().join(STORE).join("says")).expect("a store"), STORE);
        assert!(!is_under_way(folder.path()) && !folder.path().join(COPYING).exists());
    }
}
