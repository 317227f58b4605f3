//! The data folder: opened by one process at a time.

use std::path::Path;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::Config;
use crate::engine::Engine;
use crate::store::{SledSettings, SledStore, Store, StoreError};

use super::failure::Failure;
use super::swap;

/// What the data folder holds.
pub(super) const STORE: &str = "store";
pub(super) const INDEX: &str = "index";

/// Runs `work` on the data in the folder, which must be there, and closes it properly.
pub(super) fn with_engine<T>(
    config: &Config,
    work: impl FnOnce(&Arc<Engine>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let engine = open(config, false)?;
    let done = work(&engine);
    let closed = engine.close();
    // What the command met comes before what closing met.
    let done = done?;
    closed?;
    Ok(done)
}

/// Opens the folder; makes it where it is not there and `create` says so.
pub(super) fn open(config: &Config, create: bool) -> Result<Arc<Engine>, Failure> {
    let store = open_store(config, create)?;
    let index = config.store.folder.join(INDEX);
    Ok(Engine::open(store, Some(&index), config.engine.clone(), Clock::system())?)
}

/// Opens the store alone.
pub(super) fn open_store(config: &Config, create: bool) -> Result<Arc<dyn Store>, Failure> {
    let folder = &config.store.folder;
    if !create {
        must_be_used(folder)?;
    }
    std::fs::create_dir_all(folder).map_err(|error| Failure::file("make the data folder", folder, &error))?;
    swap::settle(folder)?;
    let store = open_sled(config, &folder.join(STORE))?;
    // One that was just opened while another process copies it or puts the copy in its place must not be written.
    match swap::is_copied(folder) {
        true => Err(Failure::Failed(format!("{} is just being compacted: try again", folder.display()))),
        false => Ok(store),
    }
}

/// Opens or makes a store in a folder of its own.
pub(super) fn open_sled(config: &Config, folder: &Path) -> Result<Arc<dyn Store>, Failure> {
    let settings = SledSettings { cache_bytes: config.store.cache_bytes, flush_every_ms: config.store.flush_every_ms };
    let store = SledStore::open(folder, settings).map_err(|error| match error {
        StoreError::Open(why) => {
            let data = &config.store.folder;
            Failure::Failed(format!("cannot open the data folder {}: {why}", data.display()))
        }
        other => Failure::Failed(other.to_string()),
    })?;
    Ok(Arc::new(store))
}

/// Refuses a folder without data.
pub(super) fn must_be_used(folder: &Path) -> Result<(), Failure> {
    if is_used(folder) {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "there is no data in {}; `rollcall workspace create NAME` makes some, --folder names another folder",
        folder.display()
    )))
}

/// Takes away a store that was made just now and could not be filled, and the folder if nothing else is in it.
pub(super) fn remove_store(folder: &Path) {
    // What cannot be removed stays and is named by the next attempt.
    let _ = std::fs::remove_dir_all(folder.join(STORE));
    let _ = std::fs::remove_dir(folder);
}

/// Whether there is a store in the folder.
pub(super) fn is_used(folder: &Path) -> bool {
    folder.join(STORE).is_dir() || swap::is_under_way(folder)
}
