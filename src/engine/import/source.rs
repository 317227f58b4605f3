//! The rows of a CSV or NDJSON file, each as cells of numbered columns.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, QuoteStyle};
use serde_json::{Map, Value as Json};

use super::{Options, REASON};
use crate::engine::Error;
use crate::engine::export::{CUSTOM, Format, cell};

/// The largest row, in bytes.
const ROW_BYTES_MAX: usize = 1 << 20;

/// A row as read.
pub(super) struct Row {
    /// `(column, value)`, or why the row cannot be read.
    pub cells: Result<Vec<(usize, Json)>, String>,
    original: Original,
}

enum Original {
    Csv(ByteRecord),
    Ndjson(Map<String, Json>),
    Unreadable(String),
}

/// A file being read.
pub(super) struct Source {
    path: PathBuf,
    reader: Reader,
    delimiter: u8,
    /// CSV: the header. NDJSON: every member seen so far, custom fields as `customFields.slug`.
    columns: Vec<String>,
}

enum Reader {
    Csv(Box<csv::Reader<File>>),
    Ndjson(BufReader<File>),
}

/// What seems to stand between the cells of a header that was read as one, unless the caller has mapped that one.
fn other_delimiter(columns: &[String], options: &Options) -> Option<&'static str> {
    let [only] = columns else { return None };
    let is_meant = options.map.iter().any(|(header, _)| header == only);
    [";", "\t", ",", "|"].into_iter().find(|mark| !is_meant && only.contains(mark))
}

impl Source {
    /// Opens the file and reads the header of a CSV.
    pub fn open(path: &Path, options: &Options) -> Result<Source, Error> {
        let failed = |what: String| Error::Io(format!("cannot read {}: {what}", path.display()));
        let file = File::open(path).map_err(|error| failed(error.to_string()))?;
        let mut columns = Vec::new();
        let reader = match options.format {
            Format::Csv => {
                let mut reader =
                    csv::ReaderBuilder::new().delimiter(options.delimiter).flexible(true).from_reader(file);
                let header = reader.byte_headers().map_err(|error| failed(error.to_string()))?;
                for name in header {
                    let name = std::str::from_utf8(name).map_err(|_| failed("its header is not UTF-8".into()))?;
                    columns.push(name.trim_start_matches('\u{feff}').trim().to_owned());
                }
                if columns.iter().all(String::is_empty) {
                    return Err(failed("it has no header".into()));
                }
                if let Some(other) = other_delimiter(&columns, options) {
                    let what = format!("its header is one cell with {other:?} in it; --delimiter {other:?} reads it");
                    return Err(failed(what.replace("\"\\t\"", "tab")));
                }
                Reader::Csv(Box::new(reader))
            }
            Format::Ndjson => Reader::Ndjson(BufReader::with_capacity(1 << 16, file)),
        };
        Ok(Source { path: path.to_owned(), reader, delimiter: options.delimiter, columns })
    }

    /// The columns; of NDJSON those seen so far.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The next row; blank lines are passed over.
    pub fn next_row(&mut self) -> Result<Option<Row>, Error> {
        let failed = |what: String| Error::Io(format!("cannot read {}: {what}", self.path.display()));
        match &mut self.reader {
            Reader::Csv(reader) => {
                let mut record = ByteRecord::new();
                if !reader.read_byte_record(&mut record).map_err(|error| failed(error.to_string()))? {
                    return Ok(None);
                }
                Ok(Some(Row { cells: cells(&record, self.columns.len()), original: Original::Csv(record) }))
            }
            Reader::Ndjson(reader) => {
                let Some(line) = next_line(reader).map_err(|error| failed(error.to_string()))? else {
                    return Ok(None);
                };
                Ok(Some(match object(line) {
                    Ok(object) => {
                        let cells = flatten(&object, &mut self.columns);
                        Row { cells: Ok(cells), original: Original::Ndjson(object) }
                    }
                    Err((reason, line)) => Row { cells: Err(reason), original: Original::Unreadable(line) },
                }))
            }
        }
    }

    /// The header of the file of failed rows.
    pub fn failed_header(&self) -> Vec<u8> {
        let columns = self.columns.iter().map(String::as_bytes).filter(|name| *name != REASON.as_bytes());
        self.line(columns.chain([REASON.as_bytes()]))
    }

    /// A CSV row as it was, with its reason.
    pub fn failed_row(&self, row: &Row, reason: &str) -> Vec<u8> {
        let Original::Csv(record) = &row.original else { return Vec::new() };
        // The reason keeps its column even if the row is shorter or longer than the header.
        let width = self.columns.len().max(record.len());
        let cells = (0..width).filter(|at| self.columns.get(*at).is_none_or(|name| name != REASON));
        let shown = self.columns.iter().filter(|name| *name != REASON).count();
        let mut cells: Vec<&[u8]> = cells.map(|at| record.get(at).unwrap_or_default()).collect();
        let shown = shown.min(cells.len());
        cells.insert(shown, reason.as_bytes());
        self.line(cells.into_iter())
    }

    fn line<'a>(&self, cells: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(self.delimiter)
            .quote_style(QuoteStyle::Necessary)
            .flexible(true)
            .from_writer(Vec::new());
        // Writing to memory does not fail.
        let _ = writer.write_record(cells);
        writer.into_inner().unwrap_or_default()
    }
}

impl Row {
    /// An NDJSON row as it was, with its reason.
    pub fn failed_object(&self, reason: &str) -> Json {
        let mut object = match &self.original {
            Original::Ndjson(object) => object.clone(),
            Original::Unreadable(line) => Map::from_iter([("line".to_owned(), Json::from(line.as_str()))]),
            Original::Csv(_) => Map::new(),
        };
        object.insert(REASON.to_owned(), Json::from(reason));
        Json::Object(object)
    }
}

/// The cells of a CSV record that are not empty.
fn cells(record: &ByteRecord, width: usize) -> Result<Vec<(usize, Json)>, String> {
    if record.len() != width {
        return Err(format!("the row has {} cells where the header has {width}", record.len()));
    }
    if record.as_slice().len() > ROW_BYTES_MAX {
        return Err(format!("the row is over the limit of {ROW_BYTES_MAX} bytes"));
    }
    let mut cells = Vec::with_capacity(width);
    for (column, bytes) in record.iter().enumerate() {
        let text = std::str::from_utf8(bytes).map_err(|_| format!("cell {} is not UTF-8", column + 1))?;
        let text = cell::read(text);
        if !text.is_empty() {
            cells.push((column, Json::from(text)));
        }
    }
    Ok(cells)
}

/// The next line that is not blank, without its end. A line over the limit is read to its end and cut to the limit plus one.
fn next_line(reader: &mut BufReader<File>) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        let mut line = Vec::new();
        if reader.by_ref().take(ROW_BYTES_MAX as u64 + 2).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.len() > ROW_BYTES_MAX && !line.ends_with(b"\n") {
            reader.skip_until(b'\n')?;
        }
        if !line.trim_ascii().is_empty() {
            return Ok(Some(line));
        }
    }
}

/// The object of a line, or the reason why it is none, with the line.
fn object(mut line: Vec<u8>) -> Result<Map<String, Json>, (String, String)> {
    if line.len() > ROW_BYTES_MAX + 1 {
        return Err((format!("the line is over the limit of {ROW_BYTES_MAX} bytes"), String::new()));
    }
    if line.starts_with(b"\xef\xbb\xbf") {
        line.drain(..3);
    }
    serde_json::from_slice::<Map<String, Json>>(&line).map_err(|error| {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        (format!("the line is not a JSON object: {error}"), line)
    })
}

/// The members as cells; unknown ones become columns.
fn flatten(object: &Map<String, Json>, columns: &mut Vec<String>) -> Vec<(usize, Json)> {
    let mut cells = Vec::with_capacity(object.len());
    let mut push = |name: &str, value: &Json| {
        let column = columns.iter().position(|column| column == name).unwrap_or_else(|| {
            columns.push(name.to_owned());
            columns.len() - 1
        });
        cells.push((column, value.clone()));
    };
    for (name, value) in object {
        match value {
            Json::Object(customs) if name == CUSTOM => {
                customs.iter().for_each(|(slug, value)| push(&format!("{CUSTOM}.{slug}"), value));
            }
            Json::Null if name == CUSTOM => {}
            value => push(name, value),
        }
    }
    cells
}
