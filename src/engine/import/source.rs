//! The rows of a CSV or NDJSON text, each by itself: what is wrong with one leaves the others as they are, and no row takes
//! more memory than a limit.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};

use csv_core::{ReadRecordResult, ReaderBuilder};
use serde_json::{Map, Value as Json};

use super::spec::Shape;
use crate::contact::render::CUSTOM;
use crate::engine::export::Format;

/// The largest row, in bytes.
pub const ROW_BYTES_MAX: usize = 1 << 20;
/// Cells of a row and members of an object that are kept at most.
pub const CELLS_MAX: usize = 4_096;
/// Where NDJSON's reader begins to refuse new columns.
pub const COLUMNS_MAX: usize = 500;

/// A row as read.
pub struct Row {
    /// From 1, the header not counted.
    pub number: u64,
    pub cells: Cells,
    /// Why it cannot be used, if so.
    pub wrong: Option<String>,
    /// About how many bytes it takes.
    pub bytes: usize,
}

/// What a row holds.
pub enum Cells {
    Csv(Record),
    Object(Map<String, Json>),
    /// A line that is no object.
    Line(String),
}

/// The cells of a CSV row, unquoted.
#[derive(Default)]
pub struct Record {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Record {
    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell; empty beyond the last.
    pub fn cell(&self, at: usize) -> &[u8] {
        let Some(end) = self.ends.get(at) else { return &[] };
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        self.bytes.get(start..*end).unwrap_or_default()
    }

    /// All cells.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|at| self.cell(at))
    }
}

/// A text being read.
pub struct Source {
    input: BufReader<Box<dyn Read + Send>>,
    form: Form,
    number: u64,
}

enum Form {
    Csv { core: Box<csv_core::Reader>, bytes: Vec<u8>, ends: Vec<usize>, header: Record },
    Ndjson { columns: Vec<String>, places: HashMap<String, usize> },
}

impl Source {
    /// Reads the header, if there is one.
    ///
    /// # Errors
    /// Those of the input.
    pub fn open(input: Box<dyn Read + Send>, shape: &Shape) -> io::Result<Source> {
        let mut input = BufReader::with_capacity(1 << 16, input);
        if shape.separator_line {
            skip_line(&mut input)?;
        }
        let form = match shape.format {
            Format::Ndjson => Form::Ndjson { columns: Vec::new(), places: HashMap::new() },
            Format::Csv => {
                let delimiter = shape.delimiter.and_then(|mark| u8::try_from(mark).ok()).unwrap_or(b',');
                let core = Box::new(ReaderBuilder::new().delimiter(delimiter).build());
                Form::Csv { core, bytes: vec![0; 4 << 10], ends: vec![0; 64], header: Record::default() }
            }
        };
        let mut source = Source { input, form, number: 0 };
        if let Some((record, _)) = source.record()?
            && let Form::Csv { header, .. } = &mut source.form
        {
            *header = record;
        }
        Ok(source)
    }

    /// The cells of the header as they stand; of NDJSON the members seen so far, custom fields as `customFields.slug`.
    pub fn header(&self) -> Vec<String> {
        match &self.form {
            Form::Csv { header, .. } => {
                header.cells().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect()
            }
            Form::Ndjson { columns, .. } => columns.clone(),
        }
    }

    /// The columns of NDJSON, where they are known from an earlier reading.
    pub fn expect(&mut self, names: impl Iterator<Item = String>) {
        if let Form::Ndjson { columns, places } = &mut self.form {
            *columns = names.collect();
            *places = columns.iter().cloned().zip(0..).collect();
        }
    }

    /// The next row; blank lines are passed over.
    ///
    /// # Errors
    /// Those of the input.
    pub fn next_row(&mut self) -> io::Result<Option<Row>> {
        let read = match &self.form {
            Form::Csv { header, .. } => {
                let width = header.len();
                self.record()?.map(|(record, wrong)| {
                    let wrong = wrong.or_else(|| ragged(&record, width));
                    let bytes = record.bytes.len();
                    (Cells::Csv(record), wrong, bytes)
                })
            }
            Form::Ndjson { .. } => next_line(&mut self.input)?.map(|line| {
                let bytes = line.len();
                match object(line) {
                    Ok(object) => (Cells::Object(object), None, bytes),
                    Err((wrong, line)) => (Cells::Line(line), Some(wrong), bytes),
                }
            }),
        };
        Ok(read.map(|(cells, wrong, bytes)| {
            self.number += 1;
            Row { number: self.number, cells, wrong, bytes }
        }))
    }

    /// The members of an object with their columns; new ones become columns while there are not too many.
    pub fn members<'a>(&mut self, object: &'a Map<String, Json>) -> Vec<(usize, &'a Json)> {
        let Form::Ndjson { columns, places } = &mut self.form else { return Vec::new() };
        let mut found = Vec::with_capacity(object.len());
        each_member(object, |name, value| {
            let place = places.get(&*name).copied().or_else(|| {
                (columns.len() <= COLUMNS_MAX).then(|| {
                    columns.push(name.clone().into_owned());
                    places.insert(name.into_owned(), columns.len() - 1);
                    columns.len() - 1
                })
            });
            found.extend(place.map(|place| (place, value)));
        });
        found
    }

    /// The next CSV record, and what is wrong with it.
    fn record(&mut self) -> io::Result<Option<(Record, Option<String>)>> {
        let Form::Csv { core, bytes, ends, .. } = &mut self.form else { return Ok(None) };
        let (mut used, mut cells, mut wrong) = (0, 0, None);
        loop {
            let input = self.input.fill_buf()?;
            let (result, taken, written, ended) = core.read_record(input, &mut bytes[used..], &mut ends[cells..]);
            self.input.consume(taken);
            (used, cells) = (used + written, cells + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if bytes.len() < ROW_BYTES_MAX => bytes.resize(bytes.len() * 4, 0),
                ReadRecordResult::OutputEndsFull if ends.len() < CELLS_MAX => ends.resize(ends.len() * 4, 0),
                // What is too much is read to its end and not kept.
                ReadRecordResult::OutputFull => {
                    used = 0;
                    wrong = Some(format!(
                        "the row is over the limit of {ROW_BYTES_MAX} bytes; a quotation mark may be missing its other half"
                    ));
                }
                ReadRecordResult::OutputEndsFull => {
                    cells = 0;
                    wrong.get_or_insert_with(|| format!("the row has more than {CELLS_MAX} cells"));
                }
                ReadRecordResult::Record if wrong.is_some() => return Ok(Some((Record::default(), wrong))),
                ReadRecordResult::Record => {
                    let record = Record { bytes: bytes[..used].to_vec(), ends: ends[..cells].to_vec() };
                    return Ok(Some((record, None)));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }
}

/// The members of an object, custom fields as `customFields.slug`.
pub fn each_member<'a>(object: &'a Map<String, Json>, mut hear: impl FnMut(std::borrow::Cow<'a, str>, &'a Json)) {
    for (name, value) in object {
        match value {
            Json::Object(customs) if name == CUSTOM => {
                customs.iter().for_each(|(slug, value)| hear(format!("{CUSTOM}.{slug}").into(), value));
            }
            Json::Null if name == CUSTOM => {}
            value => hear(name.as_str().into(), value),
        }
    }
}

/// Why a row does not fit its header; empty cells beyond it are forgiven.
fn ragged(record: &Record, width: usize) -> Option<String> {
    let fits = record.len() == width
        || (record.len() > width && (width..record.len()).all(|at| record.cell(at).trim_ascii().is_empty()));
    (!fits).then(|| format!("the row has {} cells where the header has {width}", record.len()))
}

/// Reads a line to its end, whatever that is.
fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        match chunk.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            // The end itself is a blank line to the reader of rows.
            Some(at) => {
                input.consume(at);
                return Ok(());
            }
            None => {
                let all = chunk.len();
                input.consume(all);
            }
        }
    }
}

/// The next line that is not blank, without its end. A line over the limit is read to its end and cut to the limit plus one.
fn next_line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
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
fn object(line: Vec<u8>) -> Result<Map<String, Json>, (String, String)> {
    if line.len() > ROW_BYTES_MAX + 1 {
        return Err((format!("the line is over the limit of {ROW_BYTES_MAX} bytes"), String::new()));
    }
    serde_json::from_slice::<Map<String, Json>>(&line).map_err(|error| {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        // The sentence is the reader's own; it may repeat a word of the file, never a whole value.
        (format!("the line is not a JSON object: {error}"), line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_counts_with_all_its_bytes() {
        let text = "x".repeat(1000);
        let ndjson = format!("{{\"note\": \"{text}\"}}\n[\"{text}\"]\n");
        let csv = format!("a,b\n{text},1\n1,{text}\n");
        for (format, file) in [(Format::Ndjson, ndjson), (Format::Csv, csv)] {
            let shape = Shape { format, encoding: String::new(), delimiter: Some(','), separator_line: false };
            let mut source = Source::open(Box::new(io::Cursor::new(file.into_bytes())), &shape).expect("opened");
            for _ in 0..2 {
                let row = source.next_row().expect("read").expect("a row");
                assert!((1000..1100).contains(&row.bytes), "{format:?} {}", row.bytes);
            }
        }
    }
}
