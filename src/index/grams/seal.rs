//! How damage is noticed: the seal that every commit carries, and the checksums of the files.
//!
//! tantivy checks a file's checksum only when asked, and `meta.json` has none. So a commit's payload holds, with a checksum of
//! its own, what a list of segments that lost an entry or its deletions could not show: how many rows there are and which.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use tantivy::index::SegmentMeta;
use tantivy::{Index, IndexMeta};

use super::GramError;
use crate::index::RowSet;

/// To be changed whenever the terms or their meaning change.
const FORMAT: &str = "grams-4";

/// What a commit says of itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seal {
    pub header: String,
    pub seq: u64,
    pub rows: u64,
    /// Of the set of rows, whatever its order.
    pub digest: u64,
}

impl Seal {
    pub(super) fn new(header: &str, seq: u64, rows: &RowSet) -> Seal {
        Seal { header: header.to_owned(), seq, rows: rows.len(), digest: digest(rows) }
    }

    pub(super) fn to_payload(&self) -> String {
        let body = format!("{FORMAT} {} {} {:016x}\n{}", self.seq, self.rows, self.digest, self.header);
        format!("{:08x} {body}", crc32c::crc32c(body.as_bytes()))
    }

    pub(super) fn from_payload(payload: &str) -> Result<Seal, GramError> {
        let damaged = || GramError("its seal is damaged".to_owned());
        let (crc, body) = payload.split_once(' ').ok_or_else(damaged)?;
        if u32::from_str_radix(crc, 16) != Ok(crc32c::crc32c(body.as_bytes())) {
            return Err(damaged());
        }
        let (first, header) = body.split_once('\n').ok_or_else(damaged)?;
        let mut parts = first.split(' ');
        if parts.next() != Some(FORMAT) {
            return Err(GramError("another version of the program wrote it".to_owned()));
        }
        let mut part = |radix| parts.next().and_then(|part| u64::from_str_radix(part, radix).ok()).ok_or_else(damaged);
        Ok(Seal { seq: part(10)?, rows: part(10)?, digest: part(16)?, header: header.to_owned() })
    }

    /// Whether these are the rows that were committed.
    pub(super) fn check_rows(&self, rows: &RowSet) -> Result<(), GramError> {
        if (rows.len(), digest(rows)) == (self.rows, self.digest) {
            return Ok(());
        }
        Err(GramError("it does not hold the rows that were committed".to_owned()))
    }
}

fn digest(rows: &RowSet) -> u64 {
    let mut digest = 0u64;
    rows.for_each(|row| digest = digest.wrapping_add(mix(u64::from(row))));
    digest
}

/// Spreads a number over 64 bits (the finalizer of SplitMix64).
pub(super) fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// Reads every file of the commit and compares its checksum: about a second a gigabyte.
///
/// Not `Index::validate_checksum`, which passes over the files that are missing or not in its list of managed files.
pub(super) fn check_files(index: &Index, folder: &Path, meta: &IndexMeta) -> Result<(), GramError> {
    for file in meta.list_segment_files() {
        let name = file.to_string_lossy();
        if is_optional(&name, &meta.segments) {
            continue;
        }
        check_footer(&folder.join(&file)).map_err(|error| GramError(format!("{name}: {error}")))?;
        match index.directory().validate_checksum(&file) {
            Ok(true) => {}
            Ok(false) => return Err(GramError(format!("{name}: its checksum is wrong"))),
            Err(error) => return Err(GramError(format!("{name}: {error}"))),
        }
    }
    Ok(())
}

/// tantivy also lists files that need not be there: half-written stores, and deletions of segments that have none.
fn is_optional(name: &str, segments: &[SegmentMeta]) -> bool {
    if name.ends_with(".temp") {
        return true;
    }
    let without_deletions =
        |segment: &SegmentMeta| !segment.has_deletes() && name.starts_with(&segment.id().uuid_string());
    name.ends_with(".del") && segments.iter().any(without_deletions)
}

/// tantivy panics on a footer that is longer than its file; this looks first.
fn check_footer(path: &Path) -> Result<(), String> {
    let read = || -> std::io::Result<(u64, [u8; 8])> {
        let mut file = File::open(path)?;
        let len = file.seek(SeekFrom::End(0))?;
        let mut end = [0; 8];
        if len >= 8 {
            file.seek(SeekFrom::End(-8))?;
            file.read_exact(&mut end)?;
        }
        Ok((len, end))
    };
    let (len, end) = read().map_err(|error| error.to_string())?;
    let footer = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
    if len < 8 || footer == 0 || footer + 8 > len {
        return Err("it is cut short".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_read_as_it_was_written_and_no_flipped_bit_passes() {
        let rows: RowSet = [3, 5, 70_000].into_iter().collect();
        let seal = Seal::new("workspace 7\n\"quoted\"", 12, &rows);
        let payload = seal.to_payload();
        assert_eq!(Seal::from_payload(&payload).ok(), Some(seal.clone()));
        for at in 0..payload.len() {
            let mut bytes = payload.clone().into_bytes();
            bytes[at] ^= 1;
            let flipped = String::from_utf8(bytes).unwrap();
            assert!(Seal::from_payload(&flipped).is_err(), "{flipped:?}");
        }
        assert!(seal.check_rows(&rows).is_ok());
        assert!(seal.check_rows(&[3, 5, 70_001].into_iter().collect()).is_err());
    }
}
