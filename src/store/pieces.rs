//! Values too long for a leaf of the tree are kept in pieces; how their keys and their place holder look.

use super::limits;

const VALUE: u8 = 0;
pub const PIECE: u8 = 1;
/// First byte of a value that is all here, or that is in pieces.
pub const WHOLE: u8 = 0;
const IN_PIECES: u8 = 1;
/// A leaf holds up to 18 items, and sled moves leaves above 128 KiB to files that it does not sync.
pub const PIECE_BYTES: usize = 4096;

/// How a value kept in pieces is told to be whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub bytes: u32,
    checksum: u32,
}

impl Header {
    pub fn of(value: &[u8]) -> Header {
        Header { bytes: value.len() as u32, checksum: crc32c::crc32c(value) }
    }

    /// `None` for a value that is not in pieces.
    pub fn read(stored: &[u8]) -> Option<Header> {
        let (&IN_PIECES, rest) = stored.split_first()? else { return None };
        let (bytes, checksum) = rest.split_first_chunk()?;
        let bytes = u32::from_be_bytes(*bytes);
        let sound = bytes as usize <= limits::VALUE_MAX;
        sound.then_some(Header { bytes, checksum: u32::from_be_bytes(checksum.try_into().ok()?) })
    }

    pub fn bytes(self) -> Vec<u8> {
        [&[IN_PIECES][..], &self.bytes.to_be_bytes(), &self.checksum.to_be_bytes()].concat()
    }

    pub fn pieces(self) -> usize {
        piece_count(self.bytes as usize)
    }
}

/// 0 for a value that is kept whole.
pub fn piece_count(bytes: usize) -> usize {
    if bytes < PIECE_BYTES { 0 } else { bytes.div_ceil(PIECE_BYTES) }
}

pub fn main_key(key: &[u8]) -> Vec<u8> {
    [&[VALUE], key].concat()
}

pub fn piece_key(key: &[u8], number: usize) -> Vec<u8> {
    [&[PIECE, key.len() as u8], key, &(number as u16).to_be_bytes()].concat()
}
