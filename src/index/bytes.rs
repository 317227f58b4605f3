//! Arrays of numbers: lengthening them by row, and writing them as little-endian bytes with their length before them.

/// Lengthens an array by row so that it has the row, with a sixteenth to spare: doubling would leave a quarter unused.
pub fn lengthen<T: Clone>(by_row: &mut Vec<T>, row: u32, missing: T) {
    let len = row as usize + 1;
    if len > by_row.len() {
        spare(by_row, len - by_row.len());
        by_row.resize(len, missing);
    }
}

/// Makes room for `more` elements, with a sixteenth to spare.
pub fn spare<T>(numbers: &mut Vec<T>, more: usize) {
    if numbers.capacity() - numbers.len() < more {
        numbers.reserve_exact(more + numbers.len() / 16);
    }
}

/// Appends a number.
pub fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends a number.
pub fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends bytes with their length.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// The number at the front.
pub fn take_u32(from: &mut &[u8]) -> Option<u32> {
    let (number, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(u32::from_le_bytes(*number))
}

/// The number at the front.
pub fn take_u64(from: &mut &[u8]) -> Option<u64> {
    let (number, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(u64::from_le_bytes(*number))
}

/// The bytes at the front.
pub fn take_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(take_u64(from)?).ok()?;
    let (bytes, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(bytes)
}

/// The text at the front.
pub fn take_text(from: &mut &[u8]) -> Option<String> {
    String::from_utf8(take_bytes(from)?.to_vec()).ok()
}

macro_rules! put_arrays {
    ($($put:ident $number:ty;)*) => {$(
        /// Appends an array with its length.
        pub fn $put(out: &mut Vec<u8>, numbers: &[$number]) {
            put_u64(out, numbers.len() as u64);
            let start = out.len();
            // Room first: extending byte by byte is ten times slower.
            out.reserve(size_of_val(numbers));
            out.resize(start + size_of_val(numbers), 0);
            out[start..].as_chunks_mut().0.iter_mut().zip(numbers).for_each(|(to, number)| *to = number.to_le_bytes());
        }
    )*};
}

macro_rules! take_arrays {
    ($($take:ident $number:ty;)*) => {$(
        /// The array at the front.
        pub fn $take(from: &mut &[u8]) -> Option<Vec<$number>> {
            let len = usize::try_from(take_u64(from)?).ok()?.checked_mul(size_of::<$number>())?;
            let (bytes, rest) = from.split_at_checked(len)?;
            *from = rest;
            Some(bytes.as_chunks().0.iter().map(|number| <$number>::from_le_bytes(*number)).collect())
        }
    )*};
}

put_arrays! {
    put_u16s u16;
    put_u32s u32;
}

take_arrays! {
    take_u16s u16;
    take_u32s u32;
}
