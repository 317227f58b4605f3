//! What is said of single items of a job: which failed and why, which its undo left as others made them.

use super::super::txn::Txn;
use crate::contact::{JobId, Note, Part, PartKind, WorkspaceId};
use crate::engine::{Result, once};
use crate::store::Records;

/// So many items of one kind are listed; the rest is only counted.
const LISTED_MAX: u64 = 100_000;
/// Notes of one part: well below what a part may take.
const PART_NOTES: usize = 500;
/// Parts read at a time.
const PAGE: usize = 8;

/// Stages notes that follow `listed` earlier ones; items ascend.
pub fn add(txn: &mut Txn, job: JobId, kind: PartKind, listed: u64, notes: &[Note]) {
    let left = LISTED_MAX.saturating_sub(listed);
    let notes = &notes[..notes.len().min(left as usize)];
    for piece in notes.chunks(PART_NOTES) {
        let Some(last) = piece.last() else { continue };
        txn.put_side((job, kind, last.item), &Part { bytes: once::noted(&piece.to_vec()) });
    }
}

/// Up to `limit` notes on items above `after`, ascending.
pub fn page(
    records: &Records,
    ws: WorkspaceId,
    job: JobId,
    kind: PartKind,
    after: u32,
    limit: usize,
) -> Result<Vec<Note>> {
    let (mut found, mut after) = (Vec::new(), after);
    while found.len() < limit {
        // A part is numbered by its last item, so the first one found holds the next item.
        let Some(from) = after.checked_add(1) else { break };
        let parts = records.parts(ws, job, kind, from, PAGE)?;
        for part in &parts {
            let notes: Vec<Note> = once::recalled(&part.bytes)?;
            found.extend(notes.into_iter().filter(|note| note.item >= from));
        }
        let Some(last) = found.last().filter(|_| parts.len() == PAGE) else { break };
        after = last.item;
    }
    found.truncate(limit);
    Ok(found)
}
