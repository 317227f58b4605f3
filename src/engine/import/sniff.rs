//! What kind of file it is: encoding, CSV or NDJSON, what stands between cells; and files that are neither.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::source::{Row, Source};
use super::spec::{NewImport, Shape};
use super::text::Utf8;
use crate::engine::export::Format;

/// Bytes from the beginning of a file by which its form is told.
const HEAD_BYTES: usize = 256 << 10;
/// Bytes by which an encoding is guessed.
const GUESSED_BYTES: usize = 4 << 20;
/// Rows by which a delimiter is told.
const ROWS: usize = 200;
/// What may stand between cells, the likeliest first.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// How files begin that people upload by mistake, and what they are.
const FOREIGN: [(&[u8], &str); 8] = [
    (b"PK\x03\x04", "a zip archive or an Excel workbook (.xlsx)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
];

/// Refuses what cannot be a table in text.
///
/// # Errors
/// A sentence.
pub fn refuse_foreign(head: &[u8]) -> Result<(), String> {
    match FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        Some((_, what)) => Err(format!("the file is {what}: save the table as CSV and upload that")),
        None => Ok(()),
    }
}

/// Reads a whole file, chunk by chunk, for its encoding.
pub struct Sniffer {
    head: Vec<u8>,
    detector: EncodingDetector,
    seen: usize,
    /// UTF-8's sequences of several bytes, and what is no UTF-8.
    sequences: u64,
    wrong: u64,
    nulls: u64,
    carry: Vec<u8>,
}

impl Default for Sniffer {
    fn default() -> Sniffer {
        Sniffer {
            head: Vec::new(),
            detector: EncodingDetector::new(Iso2022JpDetection::Allow),
            seen: 0,
            sequences: 0,
            wrong: 0,
            nulls: 0,
            carry: Vec::new(),
        }
    }
}

impl Sniffer {
    /// Takes the next bytes into account.
    pub fn see(&mut self, bytes: &[u8]) {
        let room = HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if self.seen < GUESSED_BYTES {
            self.detector.feed(bytes, false);
        }
        self.seen += bytes.len();
        self.nulls += memchr::memchr_iter(0, bytes).count() as u64;
        let joined;
        let mut rest = match self.carry.is_empty() {
            true => bytes,
            false => {
                joined = [std::mem::take(&mut self.carry).as_slice(), bytes].concat();
                joined.as_slice()
            }
        };
        loop {
            match std::str::from_utf8(rest) {
                Ok(good) => return self.count(good),
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    self.count(std::str::from_utf8(good).unwrap_or_default());
                    let Some(length) = error.error_len() else {
                        self.carry = bad.to_vec();
                        return;
                    };
                    self.wrong += 1;
                    rest = &bad[length..];
                }
            }
        }
    }

    fn count(&mut self, good: &str) {
        self.sequences += good.bytes().filter(|byte| *byte >= 0xc0).count() as u64;
    }

    /// The file's form.
    ///
    /// # Errors
    /// Why it is no table, in a sentence.
    pub fn finish(mut self, new: &NewImport) -> Result<Shape, String> {
        if self.head.trim_ascii().is_empty() {
            return Err("the file is empty: upload a table whose first line names its columns".to_owned());
        }
        refuse_foreign(&self.head)?;
        let encoding = match &new.encoding {
            Some(label) => named(label)?,
            None => self.encoding(),
        };
        if self.nulls > 0 && encoding != UTF_16LE && encoding != UTF_16BE && self.nulls > self.seen as u64 / 20 {
            return Err("the file is not text: many of its bytes are zero; save the table as CSV in UTF-8".to_owned());
        }
        let text = decoded(&self.head, encoding);
        let text = text.trim_start_matches(['\u{feff}', ' ', '\r', '\n']);
        if text.is_empty() {
            return Err("the file is empty: upload a table whose first line names its columns".to_owned());
        }
        let format = match new.format {
            Some(format) => format,
            None => format(text, new.name.as_deref())?,
        };
        let mut shape = Shape { format, encoding: encoding.name().to_owned(), delimiter: None, separator_line: false };
        if format == Format::Csv {
            let separator = separator(text);
            shape.separator_line = separator.is_some();
            let body = separator.map_or(text, |_| text.split_once(['\r', '\n']).map_or("", |(_, body)| body));
            let whole = self.seen <= HEAD_BYTES;
            shape.delimiter = new.delimiter.or(separator).or_else(|| Some(delimiter(body, whole)));
        }
        Ok(shape)
    }

    fn encoding(&mut self) -> &'static Encoding {
        if let Some((marked, _)) = Encoding::for_bom(&self.head) {
            return marked;
        }
        // Text in UTF-16 that is mostly Latin has a zero in every second byte.
        let first = &self.head[..self.head.len().min(4096) & !1];
        let zeros = |odd: usize| first.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count() * 2;
        let (high, low) = (zeros(0), zeros(1));
        if !first.is_empty() && high.max(low) > first.len() * 3 / 10 && high.min(low) * 8 < high.max(low) {
            return if high > low { UTF_16BE } else { UTF_16LE };
        }
        self.wrong += u64::from(!self.carry.is_empty());
        if self.wrong == 0 || self.sequences > self.wrong {
            return UTF_8;
        }
        self.detector.feed(b"", true);
        self.detector.guess(None, Utf8Detection::Deny)
    }
}

/// The encoding of a label.
///
/// # Errors
/// A sentence.
pub fn named(label: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label_no_replacement(label.as_bytes())
        .ok_or_else(|| format!("there is no encoding {label:?}: use utf-8, utf-16le, windows-1252 …"))
}

fn decoded(bytes: &[u8], encoding: &'static Encoding) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

fn format(text: &str, name: Option<&str>) -> Result<Format, String> {
    let ending = name.and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("ndjson" | "jsonl") => return Ok(Format::Ndjson),
        Some("csv" | "tsv") => return Ok(Format::Csv),
        _ => {}
    }
    let line = text.lines().next().unwrap_or_default().trim_end();
    // A header that begins with a brace is not likely; an object is one line here.
    if line.starts_with('{') && (line.ends_with('}') || text.len() >= HEAD_BYTES / 2) {
        return Ok(Format::Ndjson);
    }
    if text.starts_with('{') || text.starts_with('[') && text[1..].trim_start().starts_with(['{', ']']) {
        return Err("the file is one JSON value: write one object to a line instead (NDJSON), or a CSV".to_owned());
    }
    Ok(Format::Csv)
}

/// What a first line `sep=;` says.
fn separator(text: &str) -> Option<char> {
    let line = text.split(['\r', '\n']).next()?.trim_matches('"');
    let mark = line.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")).map(|_| &line[4..])?;
    let mut letters = mark.chars();
    letters.next().filter(|mark| mark.is_ascii() && letters.next().is_none())
}

/// What stands between the cells: that by which most rows have as many cells as the header, and the more cells the better.
fn delimiter(text: &str, whole: bool) -> char {
    let score = |mark: &char| -> (u64, usize) {
        let shape =
            Shape { format: Format::Csv, encoding: String::new(), delimiter: Some(*mark), separator_line: false };
        let text: Box<dyn std::io::Read + Send> = Box::new(std::io::Cursor::new(text.to_owned().into_bytes()));
        let Ok(mut source) = Source::open(text, &shape) else { return (0, 0) };
        let width = source.header().len();
        let mut rows: Vec<Row> = Vec::new();
        while let Some(row) = source.next_row().ok().flatten().filter(|_| rows.len() < ROWS) {
            rows.push(row);
        }
        // The last one may have been cut.
        if !whole && rows.len() < ROWS {
            rows.pop();
        }
        let fitting = rows.iter().filter(|row| row.wrong.is_none()).count() as u64;
        let share = if rows.is_empty() { 100 } else { fitting * 100 / rows.len() as u64 };
        if width < 2 { (0, 0) } else { (share.max(1), width) }
    };
    // Rows that fit count in steps, so that a few ragged ones do not outweigh a header of many cells.
    let rank = |mark: &char| {
        let (share, width) = score(mark);
        (share.div_ceil(20), width)
    };
    let best = DELIMITERS.iter().rev().max_by_key(|mark| rank(mark));
    best.copied().filter(|mark| rank(mark).1 > 1).unwrap_or(',')
}

/// The rows of a file.
///
/// # Errors
/// Those of the input, and an encoding that is none.
pub fn open(input: impl std::io::Read + Send + 'static, shape: &Shape) -> std::io::Result<Source> {
    let encoding = named(&shape.encoding).map_err(std::io::Error::other)?;
    Source::open(Box::new(Utf8::new(input, encoding)?), shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(bytes: &[u8]) -> Result<Shape, String> {
        let mut sniffer = Sniffer::default();
        bytes.chunks(7).for_each(|chunk| sniffer.see(chunk));
        sniffer.finish(&NewImport::default())
    }

    fn found(bytes: &[u8]) -> (String, Option<char>) {
        let shape = shape(bytes).expect("a table");
        (shape.encoding, shape.delimiter)
    }

    #[test]
    fn encodings_are_told_apart() {
        let utf16 = |text: &str, order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let text = "First name,Email\nZoë,zoe@example.org\n";
        assert_eq!(found(text.as_bytes()), ("UTF-8".into(), Some(',')));
        assert_eq!(found(&[b"\xef\xbb\xbf", text.as_bytes()].concat()), ("UTF-8".into(), Some(',')));
        assert_eq!(found(&utf16(text, u16::to_le_bytes)), ("UTF-16LE".into(), Some(',')));
        assert_eq!(found(&utf16(text, u16::to_be_bytes)), ("UTF-16BE".into(), Some(',')));
        assert_eq!(found(&[&b"\xff\xfe"[..], &utf16(text, u16::to_le_bytes)].concat()).0, "UTF-16LE");
        assert_eq!(found(b"Name,Stadt\nJ\xf6rg,M\xfcnchen\nZo\xeb,K\xf6ln\n").0, "windows-1252");
        // One spoiled byte fails its row, not the file.
        assert_eq!(
            found("a,b\nZoë,é\nx,".as_bytes().iter().chain(b"\xff\n").copied().collect::<Vec<_>>().as_slice()).0,
            "UTF-8"
        );
    }

    #[test]
    fn delimiters_are_told_apart() {
        for (text, mark) in [
            ("a;b;c\n1,5;2;3\n2,5;3;4\n", ';'),
            ("a\tb\n1;2\t3\n", '\t'),
            ("a|b|c\n1|2|3\n", '|'),
            ("a,b\n\"x;y;z\",2\n", ','),
            ("sep=;\na;b\n1;2\n", ';'),
            ("\"sep=|\"\r\na|b\r\n", '|'),
            ("a\n1\n", ','),
            ("a;b\n", ';'),
            ("a,b\r1,2\r3,4\r", ','),
        ] {
            assert_eq!(found(text.as_bytes()).1, Some(mark), "{text:?}");
        }
        assert!(shape(b"sep=;\na;b\n").expect("a table").separator_line);
    }

    #[test]
    fn what_is_no_table_is_named() {
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b" \r\n \n", "empty"),
            (b"\xef\xbb\xbf", "empty"),
            (b"PK\x03\x04rest", "xlsx"),
            (b"\xd0\xcf\x11\xe0rest", "xls"),
            (b"\x1f\x8brest", "gzip"),
            (b"[{\"a\": 1}]", "NDJSON"),
            (b"{\n\"a\": 1}", "NDJSON"),
            (b"abc\0\0\0\0def", "zero"),
        ] {
            let said = shape(bytes).expect_err(word);
            assert!(said.contains(word), "{said}");
        }
        assert_eq!(shape(b"{\"a\": 1}\n{\"a\": 2}").expect("rows").format, Format::Ndjson);
    }
}
