//! Checkpoint files: written beside the old ones, made durable, then renamed; the newest two are kept.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use minicbor::{Decode, Encode};

use super::shared::Shared;
use super::workspace::Workspace;
use super::{Error, Result};
use crate::contact::{Seq, WorkspaceId};
use crate::store::{StoreError, Writes};

/// Values of the change log removed in one batch.
const TRIMMED_AT_ONCE: usize = 1000;

/// What a checkpoint says of itself.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
pub struct Header {
    #[n(0)]
    pub workspace: WorkspaceId,
    #[n(1)]
    pub incarnation: u64,
    /// The last change it contains.
    #[n(2)]
    pub seq: Seq,
    /// What the text index covered then: its `unflushed` is relative to that. `None` where there was none.
    #[n(3)]
    pub text: Option<Seq>,
}

impl Header {
    fn write(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads what `write` wrote.
    pub fn read(bytes: &[u8]) -> Option<Header> {
        minicbor::decode(bytes).ok()
    }
}

/// The checkpoints of the folder, newest first.
pub fn newest_first(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<(u64, PathBuf)> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter_map(|path| Some((version_of(&path)?, path)))
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}

fn version_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix("checkpoint-")?.strip_suffix(".bin")?.parse().ok()
}

/// Writes the workspace's checkpoint, unless the newest one already covers its version.
pub fn write(shared: &Shared, workspace: &Workspace) -> Result<()> {
    let Some(folder) = shared.folder(workspace.id) else { return Ok(()) };
    let _files = workspace.text.lock();
    if workspace.is_retired() {
        return Ok(());
    }
    let (header, sections) = {
        // A writer that waits for this lock, unlike for an ordinary read, does not hold up readers.
        let state = workspace.state.upgradable_read();
        if state.head.seq.0 == workspace.checkpointed.load(Ordering::SeqCst) {
            return Ok(());
        }
        let incarnation = state.catalog.workspace.incarnation;
        let text = state.grams.as_ref().map(|text| Seq(text.covers()));
        let header = Header { workspace: workspace.id, incarnation, seq: state.head.seq, text };
        (header, state.index.snapshot_sections())
    };
    let name = format!("checkpoint-{}.bin", header.seq);
    save(&folder, &name, |out| crate::index::write_sections(&header.write(), &sections, out)).map_err(io)?;
    workspace.checkpointed.store(header.seq.0, Ordering::SeqCst);
    for old in newest_first(&folder).into_iter().skip(2) {
        drop(std::fs::remove_file(old));
    }
    Ok(())
}

/// Writes a file so that it is there whole or not at all, power cuts included.
fn save(folder: &Path, name: &str, fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let unfinished = folder.join(format!("{name}.unfinished"));
    let mut out = std::io::BufWriter::with_capacity(1 << 20, std::fs::File::create(&unfinished)?);
    fill(&mut out)?;
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    std::fs::rename(&unfinished, folder.join(name))?;
    std::fs::File::open(folder)?.sync_all()
}

/// Drops the part of the change log that no kept checkpoint needs: where the text index is older than a checkpoint, that one
/// says which rows it lacks. Runs in the committer.
pub fn trim_log(shared: &Shared, workspace: &Workspace) -> Result<()> {
    let Some(folder) = shared.folder(workspace.id) else { return Ok(()) };
    // A retired workspace's counters are of the past.
    if workspace.is_retired() || shared.backups.load(Ordering::SeqCst) > 0 {
        return Ok(());
    }
    let oldest = newest_first(&folder).last().and_then(|path| version_of(path));
    let mut head = workspace.state.read().head;
    let upto = Seq(oldest.unwrap_or(0).min(head.seq.0.saturating_sub(shared.settings.changes_kept_min)));
    loop {
        let mut writes = Writes::default();
        let Some(floor) = shared.records.trim_changes(workspace.id, upto, TRIMMED_AT_ONCE, &mut writes)? else {
            return Ok(());
        };
        head.log_floor = floor;
        writes.put_head(workspace.id, &head);
        shared.records.commit(writes)?;
        workspace.state.write().head = head;
    }
}

/// An error of the file system as the engine's.
pub fn io(error: std::io::Error) -> Error {
    Error::Store(StoreError::Io(error.to_string()))
}
