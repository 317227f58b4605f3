//! `rollcall compact`: everything live into a fresh store, so that nothing deleted is left in any file.

use std::path::Path;
use std::sync::Arc;

use clap::Args;

use crate::clock::{Clock, Stopwatch};
use crate::config::Config;
use crate::engine::{self, REMEMBERED};
use crate::store::{Live, Records, Store, StoreError, Tally};

use super::failure::Failure;
use super::progress::Progress;
use super::swap::Swap;
use super::{folder, show};

/// Stop the server first. Everything live is copied into a fresh store beside the old one, checked and compared; then the
/// copy takes its place and the old store and the index (made anew at the next start) are removed. What was deleted before
/// is in no file of the data folder any more; earlier backups are not touched. It needs free space for the copy. Left out
/// are the uploads and failed rows of finished imports, imports that were uploaded and not started, and idempotency keys
/// older than a day.
#[derive(Args)]
pub(super) struct Compact {}

impl Compact {
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        let (data, watch) = (&config.store.folder, Stopwatch::start());
        folder::must_be_used(data)?;
        let swap = Swap::begin(data)?;
        let before = bytes(data);
        let tally = match copy(config, &swap) {
            Ok(tally) => tally,
            Err(failure) => {
                swap.give_up();
                return Err(failure);
            }
        };
        swap.finish()?;
        let after = bytes(data);
        let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
        show::line(&format!(
            "compacted {}: {} entries copied, {} left out; {} before, {} after, in {:.1} s",
            data.display(),
            tally.entries,
            tally.left_out,
            megabytes(before),
            megabytes(after),
            watch.micros() as f64 / 1e6,
        ))
    }
}

/// Makes the copy and compares it, as it reads once it was closed; both stores are closed in the end.
fn copy(config: &Config, swap: &Swap) -> Result<Tally, Failure> {
    let records = Records::open(folder::open_store(config, false)?).map_err(failed)?;
    let live = Live::of(&records, Clock::system().now() - REMEMBERED).map_err(failed)?;
    show::remark("checking every entry");
    let tally = live.check(&mut |_| {}).map_err(failed)?;
    let open = || folder::open_sled(config, &swap.copying());
    let fresh: Arc<dyn Store> = open()?;
    let mut progress = Progress::of("entries copied", tally.entries);
    live.copy_to(&*fresh, &mut |done| progress.at(done)).map_err(failed)?;
    progress.finish();
    drop(fresh);
    let mut progress = Progress::of("entries compared", tally.entries);
    let same = live.is_same_in(&*open()?, &mut |done| progress.at(done)).map_err(failed)?;
    progress.finish();
    if same { Ok(tally) } else { Err(Failure::Failed("the copy is not as the store: nothing was changed".into())) }
}

fn failed(error: StoreError) -> Failure {
    engine::Error::from(error).into()
}

/// Bytes of all files in the folder.
fn bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
