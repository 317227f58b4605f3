//! The form of a value: one format byte, CBOR (arrays by field number), CRC32C over key, format byte and CBOR.
//!
//! The checksum covers the key, so that a value found under another's key is noticed. How a value may grow is said at
//! [`Contact`](crate::contact::Contact).

use minicbor::{Decode, Encode};

use super::StoreError;

/// The only format so far.
const FORMAT: u8 = 1;
/// Bytes beside the CBOR.
const OVERHEAD: usize = 5;
/// Most contacts take fewer bytes than this.
const MOSTLY: usize = 448;

/// The value's bytes for this key.
pub fn encode<T: Encode<()>>(key: &[u8], value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MOSTLY);
    bytes.push(FORMAT);
    if let Err(never) = minicbor::encode(value, &mut bytes) {
        // Writing to a Vec cannot fail, and no type of ours refuses to be encoded.
        unreachable!("{never}");
    }
    let checksum = crc32c::crc32c_append(crc32c::crc32c(key), &bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// What `bytes` hold at this key.
///
/// # Errors
/// [`StoreError::Damaged`] where the checksum, the format or the CBOR is wrong.
pub fn decode<T: for<'b> Decode<'b, ()>>(key: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
    let payload = payload(key, bytes)?;
    let mut decoder = minicbor::Decoder::new(payload);
    let value = decoder.decode().map_err(|_| damaged(key, "its form is not that of its kind"))?;
    if decoder.position() == payload.len() { Ok(value) } else { Err(damaged(key, "something follows it")) }
}

/// The CBOR inside `bytes`, once format and checksum are found right.
///
/// # Errors
/// [`StoreError::Damaged`].
pub fn payload<'b>(key: &[u8], bytes: &'b [u8]) -> Result<&'b [u8], StoreError> {
    let Some((covered, checksum)) = bytes.split_last_chunk() else { return Err(damaged(key, "it is cut short")) };
    if crc32c::crc32c_append(crc32c::crc32c(key), covered) != u32::from_le_bytes(*checksum) {
        return Err(damaged(key, "its checksum is wrong"));
    }
    match covered.split_first() {
        Some((&FORMAT, payload)) => Ok(payload),
        Some(_) => Err(damaged(key, "it was written by a newer version")),
        None => Err(damaged(key, "it is empty")),
    }
}

/// The 64-bit hash of a key and its stored bytes that the digest of a workspace sums.
pub fn digest(key: &[u8], bytes: &[u8]) -> u64 {
    let seed = xxhash_rust::xxh3::xxh3_64(key);
    // The checksum and the format byte say nothing that key and payload do not.
    let payload = bytes.get(1..bytes.len().saturating_sub(OVERHEAD - 1)).unwrap_or_default();
    xxhash_rust::xxh3::xxh3_64_with_seed(payload, seed)
}

/// A damaged record. The key is shown cut, since it may hold an e-mail or phone.
pub fn damaged(key: &[u8], what: impl Into<String>) -> StoreError {
    StoreError::Damaged { key: shown(key), what: what.into() }
}

/// Workspace, letter and what follows in hexadecimal; of an e-mail or phone only a hash.
fn shown(key: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match key.get(4) {
        Some(b'e' | b'p') => format!("{}#{:016x}", hex(&key[..5]), xxhash_rust::xxh3::xxh3_64(key)),
        _ => hex(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Encode, Decode)]
    struct Old {
        #[n(0)]
        name: String,
        #[n(1)]
        age: Option<u32>,
    }

    #[derive(Debug, Default, PartialEq, Encode, Decode)]
    struct New {
        #[n(0)]
        name: String,
        #[n(1)]
        age: Option<u32>,
        #[n(2)]
        nick: Option<String>,
        #[cbor(n(3), skip_if = "Vec::is_empty")]
        tags: Vec<u32>,
        #[cbor(n(4), skip_if = "is_false")]
        blocked: bool,
        #[cbor(n(5), skip_if = "is_zero")]
        at: i64,
    }

    fn is_false(value: &bool) -> bool {
        !value
    }

    fn is_zero(value: &i64) -> bool {
        *value == 0
    }

    #[test]
    fn old_values_read_in_a_newer_struct_and_come_out_as_they_were() {
        for age in [None, Some(9)] {
            let bytes = encode(b"k", &Old { name: "Ada".into(), age });
            let new: New = decode(b"k", &bytes).unwrap();
            assert_eq!(new, New { name: "Ada".into(), age, ..New::default() });
            // The digest of a workspace is taken from re-encoded values, so this must hold to the byte.
            assert_eq!(encode(b"k", &new), bytes);
        }
    }

    #[test]
    fn newer_values_read_in_an_older_struct() {
        let new = New { name: "Ada".into(), age: None, nick: Some("A".into()), tags: vec![1], blocked: true, at: -5 };
        let old: Old = decode(b"k", &encode(b"k", &new)).unwrap();
        assert_eq!(old, Old { name: "Ada".into(), age: None });
    }

    #[test]
    fn fields_left_out_in_the_middle_read_back() {
        let new = New { name: "Ada".into(), at: 7, ..New::default() };
        assert_eq!(decode::<New>(b"k", &encode(b"k", &new)).unwrap(), new);
    }

    #[test]
    fn a_value_under_another_key_is_noticed() {
        let bytes = encode(b"k1", &1u32);
        assert!(matches!(decode::<u32>(b"k2", &bytes), Err(StoreError::Damaged { .. })));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = encode(b"k", &Old { name: "Grace".into(), age: Some(85) });
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode::<Old>(b"k", &flipped).is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(decode::<Old>(b"k", &bytes[..len]).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn errors_do_not_show_an_email() {
        let key = [b"\0\0\0\x01e\x06a@b.co".as_slice(), &[0, 0, 0, 1]].concat();
        let StoreError::Damaged { key, .. } = damaged(&key, "x") else { panic!() };
        assert!(!key.contains("61406"), "{key}");
    }
}
