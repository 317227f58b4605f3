//! An uploaded file as a stream of UTF-8: its parts one after another, decoded.

use std::io::{self, Read};
use std::sync::Arc;

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};

use crate::contact::{JobId, PartKind, WorkspaceId};
use crate::engine::shared::Shared;

/// Parts read from the store at a time.
const PARTS_AT_ONCE: usize = 8;
/// Bytes decoded at a time.
const DECODED_AT_ONCE: usize = 32 << 10;
/// The decoder needs room for a whole character.
const ROOM: usize = 64;

/// The bytes of a job's parts of one kind.
pub struct PartBytes {
    shared: Arc<Shared>,
    ws: WorkspaceId,
    job: JobId,
    kind: PartKind,
    next: u32,
    bytes: Vec<u8>,
    at: usize,
}

impl PartBytes {
    /// From the first part on.
    pub fn new(shared: Arc<Shared>, ws: WorkspaceId, job: JobId, kind: PartKind) -> PartBytes {
        PartBytes { shared, ws, job, kind, next: 0, bytes: Vec::new(), at: 0 }
    }

    /// The next bytes that are at hand; none at the end.
    pub fn chunk(&mut self) -> io::Result<&[u8]> {
        if self.at == self.bytes.len() {
            let parts = self.shared.records.parts(self.ws, self.job, self.kind, self.next, PARTS_AT_ONCE);
            let parts = parts.map_err(io::Error::other)?;
            self.next += parts.len() as u32;
            self.bytes.clear();
            parts.iter().for_each(|part| self.bytes.extend_from_slice(&part.bytes));
            self.at = 0;
        }
        Ok(&self.bytes[self.at..])
    }

    /// So many of them are done with.
    pub fn take(&mut self, bytes: usize) {
        self.at += bytes;
    }
}

impl Read for PartBytes {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let chunk = self.chunk()?;
        let n = chunk.len().min(out.len());
        out[..n].copy_from_slice(&chunk[..n]);
        self.take(n);
        Ok(n)
    }
}

/// Text of any encoding as UTF-8, without a byte order mark. UTF-8 itself is passed on as it is, so that what is wrong in it
/// fails its own row only.
pub struct Utf8<R> {
    inner: io::Chain<io::Cursor<Vec<u8>>, R>,
    /// None where nothing is decoded.
    decoder: Option<Box<Decoder>>,
    raw: Vec<u8>,
    from: usize,
    /// Nothing more comes from `inner`; the decoder has given all.
    ended: bool,
    done: bool,
    /// Decoded, but without room where it was wanted.
    spilled: Vec<u8>,
}

impl<R: Read> Utf8<R> {
    /// Decodes `inner`.
    pub fn new(mut inner: R, encoding: &'static Encoding) -> io::Result<Utf8<R>> {
        let mut start = Vec::new();
        let mut decoder = None;
        if encoding == UTF_8 {
            inner.by_ref().take(3).read_to_end(&mut start)?;
            if start == b"\xef\xbb\xbf" {
                start.clear();
            }
        } else {
            decoder = Some(Box::new(encoding.new_decoder_with_bom_removal()));
        }
        let inner = io::Cursor::new(start).chain(inner);
        Ok(Utf8 { inner, decoder, raw: Vec::new(), from: 0, ended: false, done: false, spilled: Vec::new() })
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.decoder.is_none() {
            return self.inner.read(out);
        }
        if self.spilled.is_empty() && out.len() >= ROOM {
            return self.decode(out);
        }
        if self.spilled.is_empty() {
            let mut room = [0; ROOM];
            let n = self.decode(&mut room)?;
            self.spilled.extend_from_slice(&room[..n]);
        }
        let n = self.spilled.len().min(out.len());
        out[..n].copy_from_slice(&self.spilled[..n]);
        self.spilled.drain(..n);
        Ok(n)
    }
}

impl<R: Read> Utf8<R> {
    /// Decodes into at least [`ROOM`] bytes.
    fn decode(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = &mut self.decoder else { return Ok(0) };
        while !self.done {
            if self.from == self.raw.len() && !self.ended {
                self.raw.resize(DECODED_AT_ONCE, 0);
                let n = self.inner.read(&mut self.raw)?;
                self.raw.truncate(n);
                (self.from, self.ended) = (0, n == 0);
            }
            let (result, read, written, _) = decoder.decode_to_utf8(&self.raw[self.from..], out, self.ended);
            self.from += read;
            self.done = self.ended && result == CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn text_of_every_encoding_comes_out_as_utf8() {
        let text = "Zoë;李;Łódź\r\n".repeat(9_000);
        let utf16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let marked = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
        for (label, bytes) in [
            ("utf-8", text.clone().into_bytes()),
            ("utf-8", marked(b"\xef\xbb\xbf", text.clone().into_bytes())),
            ("utf-16le", utf16(u16::to_le_bytes)),
            ("utf-16be", utf16(u16::to_be_bytes)),
            ("utf-16le", marked(b"\xff\xfe", utf16(u16::to_le_bytes))),
            ("gb18030", encoding_rs::GB18030.encode(&text).0.into_owned()),
        ] {
            let encoding = Encoding::for_label(label.as_bytes()).expect("a label");
            let mut read = String::new();
            let mut decoded = BufReader::new(Utf8::new(bytes.as_slice(), encoding).expect("begun"));
            decoded.read_to_string(&mut read).expect("read");
            assert!(read == text, "{label}");
        }
    }

    #[test]
    fn short_and_broken_text_ends() {
        for (label, bytes, wanted) in [
            ("utf-8", &b""[..], ""),
            ("utf-8", b"a", "a"),
            ("utf-16le", b"a\0b", "a\u{fffd}"),
            ("utf-16be", b"", ""),
            ("windows-1252", b"caf\xe9 \x80", "café €"),
        ] {
            let encoding = Encoding::for_label(label.as_bytes()).expect("a label");
            let mut read = String::new();
            Utf8::new(bytes, encoding).expect("begun").read_to_string(&mut read).expect("read");
            assert_eq!(read, wanted, "{label}");
        }
    }
}
