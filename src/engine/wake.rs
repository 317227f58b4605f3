//! Waking a workspace: the newest checkpoint that holds, brought up to date by row, or else a rebuild from the store.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::checkpoint::{self, Header};
use super::recent::Recent;
use super::records_cache::CatalogMark;
use super::shared::Shared;
use super::workspace::{State, Workspace};
use super::{Error, Result};
use crate::contact::{Catalog, ContactId, Seq, WorkspaceId};
use crate::index::{GramError, GramIndex, Index, RowSet};
use crate::store::{Head, Records, StoreError, Subject};

/// Rows read from the store at a time.
const PAGE: usize = 4096;

/// Makes the workspace's index from its files and the store.
pub fn wake(shared: &Shared, ws: WorkspaceId) -> Result<Workspace> {
    let missing = || Error::NotFound { what: "workspace", name: ws.to_string() };
    let head = shared.records.head(ws)?.ok_or_else(missing)?;
    let catalog = Arc::new(shared.records.catalog(ws)?.ok_or_else(missing)?);
    let (found, text) = read_files(shared, &head, &catalog);
    let (mut index, checkpoint) = found?;
    let checkpointed = checkpoint.as_ref().map_or(Seq(0), |header| header.seq);
    let text = match text {
        Some(opened) => use_text(shared, &head, &catalog, checkpoint.as_ref(), opened, &mut index)?,
        None => {
            index.unflush_all();
            None
        }
    };
    let grams = text.as_ref().map(|text| text.view());
    let (text_scan_max, recent) = (shared.settings.text_scan_max, Recent::since(head.seq));
    let mark = CatalogMark::fresh();
    let state = State { head, catalog, mark, index, grams, text_scan_max, changed_in_flush: None, recent };
    Ok(Workspace::new(ws, state, text, checkpointed, shared.clock.now()))
}

type Opened = std::result::Result<GramIndex, GramError>;

/// The index, of a checkpoint if there is a good one; and beside it the text index, whose files are read whole for their
/// checksums.
fn read_files(shared: &Shared, head: &Head, catalog: &Catalog) -> (Result<(Index, Option<Header>)>, Option<Opened>) {
    let ws = catalog.workspace.id;
    std::thread::scope(|scope| {
        let opening = text_folder(shared, ws).map(|folder| {
            scope.spawn(move || GramIndex::open(&folder, &text_header(catalog), shared.settings.grams()))
        });
        let found = match from_checkpoint(shared, head, catalog) {
            Some((index, header)) => Ok((index, Some(header))),
            None => rebuild(&shared.records, ws, head, catalog).map(|index| (index, None)),
        };
        let broken = |_| Err(GramError("it could not be opened".into()));
        (found, opening.map(|opening| opening.join().unwrap_or_else(broken)))
    })
}

/// The index of the newest checkpoint that is whole, of this workspace, and reachable by the change log.
fn from_checkpoint(shared: &Shared, head: &Head, catalog: &Catalog) -> Option<(Index, Header)> {
    let ws = catalog.workspace.id;
    for file in checkpoint::newest_first(&shared.folder(ws)?) {
        match load(shared, &file, head, catalog) {
            Ok(found) => return Some(found),
            Err(why) => {
                tracing::warn!(workspace = ws.0, %why, "a checkpoint is not used; it is removed");
                drop(std::fs::remove_file(&file));
            }
        }
    }
    None
}

fn load(
    shared: &Shared,
    file: &std::path::Path,
    head: &Head,
    catalog: &Catalog,
) -> std::result::Result<(Index, Header), String> {
    let bytes = std::fs::File::open(file).map_err(|error| error.to_string())?;
    let bytes = std::io::BufReader::with_capacity(1 << 16, bytes);
    let (header, mut index) = Index::read_checkpoint(bytes, catalog).map_err(|error| error.to_string())?;
    let header = Header::read(&header).ok_or("its header is damaged")?;
    if header.workspace != catalog.workspace.id || header.incarnation != catalog.workspace.incarnation {
        return Err("it belongs to another workspace".into());
    }
    if header.seq > head.seq || header.seq < head.log_floor {
        return Err(format!("it covers version {}, the log {} to {}", header.seq, head.log_floor, head.seq));
    }
    index.define(catalog);
    replay(&shared.records, catalog, header.seq, &mut index).map_err(|error| error.to_string())?;
    if index.alive().len() != head.contacts {
        return Err(format!("with it {} contacts are found, the store counts {}", index.alive().len(), head.contacts));
    }
    Ok((index, header))
}

/// Brings rows changed after `since` to their current state in the store: by row, so that doing it twice does no harm.
fn replay(records: &Records, catalog: &Catalog, since: Seq, index: &mut Index) -> Result<()> {
    let ws = catalog.workspace.id;
    for id in changed_rows(records, ws, since)? {
        index.put(id.0, records.contact(ws, id)?.as_ref(), catalog);
    }
    Ok(())
}

/// The contacts changed after `since`.
pub fn changed_rows(records: &Records, ws: WorkspaceId, mut since: Seq) -> Result<BTreeSet<ContactId>> {
    let mut rows = BTreeSet::new();
    loop {
        let changes = records.changes(ws, since, PAGE)?;
        let Some(last) = changes.last() else { return Ok(rows) };
        since = last.seq;
        rows.extend(changes.iter().filter_map(|change| match change.subject {
            Subject::Contact(id) => Some(id),
            _ => None,
        }));
    }
}

/// The index of every contact of the store, whose number and digest are checked against the counters.
///
/// # Errors
/// [`StoreError::Damaged`] where a contact is damaged, missing or altered.
pub fn rebuild(records: &Records, ws: WorkspaceId, head: &Head, catalog: &Catalog) -> Result<Index> {
    let mut index = Index::bulk(catalog);
    let (mut after, mut contacts, mut digest) = (ContactId(0), 0u64, 0u64);
    loop {
        let page = records.contacts(ws, after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for contact in &page {
            contacts += 1;
            digest = digest.wrapping_add(Records::digest(ws, contact));
            index.put(contact.id.0, Some(contact), catalog);
        }
    }
    if (contacts, digest) != (head.contacts, head.digest) {
        let what =
            format!("{contacts} contacts were found, the store counts {}; or one of them was altered", head.contacts);
        return Err(Error::Store(StoreError::Damaged { key: format!("workspace {ws}"), what }));
    }
    index.finish();
    Ok(index)
}

/// Where the text index of a large workspace lies, if there is one.
fn text_folder(shared: &Shared, ws: WorkspaceId) -> Option<std::path::PathBuf> {
    shared.folder(ws).map(|folder| folder.join("text")).filter(|folder| folder.exists())
}

/// Takes the text index that was opened and marks what it does not have yet. A damaged one is removed; the next flush makes
/// it anew, until then searches scan the texts in memory.
fn use_text(
    shared: &Shared,
    head: &Head,
    catalog: &Catalog,
    checkpoint: Option<&Header>,
    opened: Opened,
    index: &mut Index,
) -> Result<Option<Arc<GramIndex>>> {
    let ws = catalog.workspace.id;
    let why = match opened {
        Ok(text) => match unflushed(shared, head, checkpoint, &text, ws)? {
            Some(lacking) => {
                match lacking {
                    Unflushed::All => index.unflush_all(),
                    Unflushed::Only(rows) => index.unflush_only(rows),
                    Unflushed::Known => {}
                }
                return Ok(Some(Arc::new(text)));
            }
            None => "its version does not fit the store's".into(),
        },
        Err(error) => error.to_string(),
    };
    tracing::warn!(workspace = ws.0, why, "the text index is not used; it is made anew");
    if let Some(folder) = text_folder(shared, ws) {
        drop(std::fs::remove_dir_all(folder));
    }
    index.unflush_all();
    Ok(None)
}

/// Which rows a text index lacks.
enum Unflushed {
    All,
    Only(RowSet),
    /// Those that the index read from the checkpoint, and brought up to date since, says.
    Known,
}

/// What an opened text index lacks; `None` where that cannot be known.
///
/// A text index that was not flushed since the checkpoint lacks what the checkpoint says and the rows whose text changed
/// since. One that was flushed later may even have a text that came after the checkpoint and went again: it lacks every row
/// changed since that flush.
fn unflushed(
    shared: &Shared,
    head: &Head,
    checkpoint: Option<&Header>,
    text: &GramIndex,
    ws: WorkspaceId,
) -> Result<Option<Unflushed>> {
    let (view, covers) = (text.view(), Seq(text.view().covers()));
    if checkpoint.is_some_and(|header| header.text == Some(covers) && covers < header.seq) {
        return Ok(Some(Unflushed::Known));
    }
    // Made, and the process ended before its first flush: it lacks every row, however far the log goes back.
    if covers == Seq(0) && view.is_empty() {
        return Ok(Some(Unflushed::All));
    }
    if !(head.log_floor..=head.seq).contains(&covers) {
        return Ok(None);
    }
    let changed = changed_rows(&shared.records, ws, covers)?;
    Ok(Some(Unflushed::Only(changed.iter().map(|id| id.0).collect())))
}

/// What a text index must have been made with to belong to this workspace.
pub fn text_header(catalog: &Catalog) -> String {
    format!("workspace {} of {:016x}", catalog.workspace.id, catalog.workspace.incarnation)
}

#[cfg(test)]
mod tests;
