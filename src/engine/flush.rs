//! Bringing the text index on disk up to date, and into shape, while reads and writes go on.

use std::sync::Arc;

use super::shared::Shared;
use super::workspace::{Flushed, Workspace};
use super::{Error, Result, wake};
use crate::clock::Stopwatch;
use crate::index::{GramIndex, RowSet, RowTexts};

/// Rows whose texts are read under one hold of the lock.
const ROWS_PER_HOLD: usize = 1024;

/// Writes the texts of every unflushed row to the text index, making it if there is none.
pub fn flush(shared: &Shared, workspace: &Workspace) -> Result<()> {
    let Some(folder) = shared.folder(workspace.id).map(|folder| folder.join("text")) else { return Ok(()) };
    let mut text = workspace.text.lock();
    if workspace.is_retired() {
        return Ok(());
    }
    let (seq, rows, header) = {
        let mut state = workspace.state.write();
        state.changed_in_flush = Some(RowSet::new());
        (state.head.seq, state.index.unflushed().clone(), wake::text_header(&state.catalog))
    };
    let watch = Stopwatch::start();
    let done = (|| {
        let index = match &*text {
            Some(index) => index.clone(),
            None => Arc::new(GramIndex::open(&folder, &header, shared.settings.grams())?),
        };
        let prepared = index.prepare(&rows, &mut texts(workspace, &rows), seq.0)?;
        let mut state = workspace.state.write();
        index.install(prepared);
        let changed = state.changed_in_flush.take().unwrap_or_default();
        state.index.flushed(&rows, &changed);
        state.grams = Some(index.view());
        Ok(index)
    })();
    let (took_micros, failed) = (watch.micros(), done.is_err());
    *workspace.flushed.lock() = Flushed { since: Stopwatch::start(), took_micros, failed };
    match done {
        Ok(index) => *text = Some(index),
        Err(error) => {
            give_up(workspace, &mut text);
            drop(std::fs::remove_dir_all(&folder));
            let error: crate::index::GramError = error;
            return Err(Error::Io(error.to_string()));
        }
    }
    Ok(())
}

/// Makes the segments of the text index fewer, where that is worth the while.
pub fn compact(workspace: &Workspace) -> Result<()> {
    let text = workspace.text.lock();
    let Some(index) = text.as_ref().filter(|_| !workspace.is_retired()) else { return Ok(()) };
    let watch = Stopwatch::start();
    match index.prepare_compacted() {
        Ok(None) => {}
        Ok(Some(prepared)) => {
            let mut state = workspace.state.write();
            index.install(prepared);
            state.grams = Some(index.view());
        }
        Err(error) => {
            // The index is as good as before, and flushed as before; only this is not tried again at once.
            *workspace.flushed.lock() =
                Flushed { since: Stopwatch::start(), took_micros: watch.micros(), failed: false };
            return Err(Error::Io(error.to_string()));
        }
    }
    Ok(())
}

/// Without a text index searches scan the texts in memory: slower, and right.
fn give_up(workspace: &Workspace, text: &mut Option<Arc<GramIndex>>) {
    let mut state = workspace.state.write();
    state.changed_in_flush = None;
    state.grams = None;
    state.index.unflush_all();
    *text = None;
}

/// The rows' texts as they are when they are read; a row that is gone has none.
fn texts<'a>(workspace: &'a Workspace, rows: &'a RowSet) -> impl Iterator<Item = RowTexts> + 'a {
    let rows: Vec<u32> = rows.iter().collect();
    let mut next = 0;
    std::iter::from_fn(move || {
        if next >= rows.len() {
            return None;
        }
        let hold = &rows[next..rows.len().min(next + ROWS_PER_HOLD)];
        next += hold.len();
        let state = workspace.state.read();
        let alive = hold.iter().filter(|row| state.index.alive().contains(**row));
        Some(alive.map(|row| (*row, state.index.row_texts(*row))).collect::<Vec<RowTexts>>())
    })
    .flatten()
}
