//! The newest batches, one behind the other in a file that keeps its size. A batch is written over what was there and synced:
//! nothing but its own bytes has to reach the disk. The tree gets each batch too, in memory; when the file is full the tree is
//! made durable and the file begins anew. What a crash takes from the tree is put back from here.
//!
//! A record is the checksum of all that follows, the number of bytes after its number, the batch's number, and its entries:
//! the key's length and the value's, [`ABSENT`] for a deletion, the key, the value. Records count on by one; what does not is
//! an older record not yet written over.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{Batch, folder};

/// Its name in the folder.
pub const JOURNAL: &str = "journal";
/// Its size.
const BYTES: usize = 256 << 10;
/// A larger batch costs less where it goes to the tree's own log at once.
const BATCH_MAX: usize = 32 << 10;
/// Checksum, length, number.
const HEAD: usize = 16;
/// In place of the length of a value that is deleted.
const ABSENT: u32 = u32::MAX;

/// The file, and where its next record goes.
pub struct Journal {
    file: File,
    at: usize,
    record: Vec<u8>,
}

/// Batches with their numbers.
pub type Kept = Vec<(u64, Batch)>;

impl Journal {
    /// Opens the file, or makes an empty one; the batches in it that follow number `last`. They must be in the tree and
    /// durable before [`Journal::clear`], and that must be done before the first [`Journal::append`].
    ///
    /// # Errors
    /// What the file system reports.
    pub fn open(folder: &Path, last: u64) -> io::Result<(Journal, Kept)> {
        let path = folder.join(JOURNAL);
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let mut bytes = vec![0; file.metadata()?.len().min(BYTES as u64) as usize];
        file.read_exact_at(&mut bytes, 0)?;
        Ok((Journal { file, at: 0, record: Vec::new() }, following(&bytes, last)))
    }

    /// Forgets all and makes the file's size durable. An old record must not stay behind new ones: it could seem to follow
    /// them once numbers are given again, as after a damaged record was given up.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn clear(&mut self, folder: &Path) -> io::Result<()> {
        self.file.set_len(BYTES as u64)?;
        self.file.write_all_at(&vec![0; BYTES], 0)?;
        self.file.sync_all()?;
        folder::sync(folder)?;
        self.at = 0;
        Ok(())
    }

    /// Makes the batch durable; false, and nothing done, where there is no room for it.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn append(&mut self, number: u64, batch: &Batch) -> io::Result<bool> {
        if HEAD + batch.iter().map(entry_bytes).sum::<usize>() > BATCH_MAX.min(BYTES - self.at) {
            return Ok(false);
        }
        encode(number, batch, &mut self.record);
        self.file.write_all_at(&self.record, self.at as u64)?;
        self.file.sync_data()?;
        self.at += self.record.len();
        Ok(true)
    }

    /// Bytes since it began anew.
    pub fn len(&self) -> usize {
        self.at
    }

    /// Begins anew: the tree has all of it, durably.
    pub fn restart(&mut self) {
        self.at = 0;
    }
}

fn entry_bytes((key, value): &(Vec<u8>, Option<Vec<u8>>)) -> usize {
    8 + key.len() + value.as_ref().map_or(0, Vec::len)
}

fn encode(number: u64, batch: &Batch, record: &mut Vec<u8>) {
    record.clear();
    record.extend_from_slice(&[0; HEAD]);
    for (key, value) in batch {
        record.extend_from_slice(&(key.len() as u32).to_be_bytes());
        record.extend_from_slice(&value.as_ref().map_or(ABSENT, |value| value.len() as u32).to_be_bytes());
        record.extend_from_slice(key);
        record.extend_from_slice(value.as_deref().unwrap_or_default());
    }
    let length = (record.len() - HEAD) as u32;
    record[4..8].copy_from_slice(&length.to_be_bytes());
    record[8..HEAD].copy_from_slice(&number.to_be_bytes());
    let checksum = crc32c::crc32c(&record[4..]);
    record[..4].copy_from_slice(&checksum.to_be_bytes());
}

/// The batches after `last`, without a gap: none where the first there is does not follow it.
fn following(bytes: &[u8], last: u64) -> Kept {
    let (mut rest, mut kept, mut expected) = (bytes, Kept::new(), None);
    while let Some((number, batch, after)) = decode(rest).filter(|(number, ..)| expected.unwrap_or(*number) == *number)
    {
        (rest, expected) = (after, Some(number + 1));
        if number > last {
            kept.push((number, batch));
        }
    }
    if kept.first().is_some_and(|(number, _)| *number != last + 1) { Kept::new() } else { kept }
}

/// The first record, and what is behind it; `None` where there is no whole one.
fn decode(bytes: &[u8]) -> Option<(u64, Batch, &[u8])> {
    let (checksum, rest) = u32_of(bytes)?;
    let (length, numbered) = u32_of(rest)?;
    let (number, body) = numbered.split_first_chunk()?;
    let (mut entries, after) = body.split_at_checked(length as usize)?;
    if crc32c::crc32c(&rest[..HEAD - 4 + length as usize]) != checksum {
        return None;
    }
    let mut batch = Batch::new();
    while !entries.is_empty() {
        let (key_bytes, rest) = u32_of(entries)?;
        let (value_bytes, rest) = u32_of(rest)?;
        let (key, rest) = rest.split_at_checked(key_bytes as usize)?;
        let (value, rest) = match value_bytes {
            ABSENT => (None, rest),
            _ => rest.split_at_checked(value_bytes as usize).map(|(value, rest)| (Some(value.to_vec()), rest))?,
        };
        batch.push((key.to_vec(), value));
        entries = rest;
    }
    Some((u64::from_be_bytes(*number), batch, after))
}

fn u32_of(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk().map(|(number, rest)| (u32::from_be_bytes(*number), rest))
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
