//! Looking at a file: what it is, how many rows it has, what each column holds and could fill.

use std::io;

use super::headers::{self, SAMPLES};
use super::infer::{Guesses, is_phone_like};
use super::sniff::{self, Sniffer};
use super::source::{COLUMNS_MAX, Cells, Row, Source};
use super::spec::{Column, Look, NewImport, Shape};
use super::text::PartBytes;
use crate::clock::Stopwatch;
use crate::contact::{Catalog, Millis, draft};
use crate::engine::export::Format;

/// Rows that are shown.
const FIRST_ROWS: usize = 5;
/// Characters of a cell that is shown, of a sample, and of a header.
const SHOWN_CHARS: usize = 100;
const SAMPLE_CHARS: usize = 300;
const HEADER_CHARS: usize = 255;
/// Characters of a cell that is shown where the rows would take too much, and what all that is kept of a file may take: it
/// is written anew with every batch.
const SHORT_CHARS: usize = 20;
const KEPT_BYTES_MAX: usize = 384 << 10;
/// How long one step may take, in microseconds.
pub const STEP_MICROS: u64 = 50_000;

/// A file being looked at.
pub enum Looking {
    /// For its encoding and form.
    Form(Box<(PartBytes, Sniffer)>),
    /// Row by row.
    Rows(Box<Rows>),
}

/// What is known of the rows so far.
pub struct Rows {
    source: Source,
    shape: Shape,
    rows: u64,
    unreadable: u64,
    guesses: Guesses,
    samples: Vec<Vec<String>>,
    first_rows: Vec<Vec<String>>,
}

/// What a step came to.
pub enum Seen {
    More(Looking),
    /// A table.
    Table(Box<Look>),
    /// None, and why; in a sentence.
    Refused(String),
}

/// What looking needs to know.
pub struct About<'a> {
    pub new: &'a NewImport,
    pub catalog: &'a Catalog,
    pub rows_max: u64,
    pub now: Millis,
}

impl Looking {
    /// Begins.
    pub fn new(bytes: PartBytes) -> Looking {
        Looking::Form(Box::new((bytes, Sniffer::default())))
    }

    /// Goes on for a moment. `again` gives the file from its beginning.
    ///
    /// # Errors
    /// Those of the input.
    pub fn step(self, about: &About, again: impl FnOnce() -> PartBytes) -> io::Result<Seen> {
        let watch = Stopwatch::start();
        match self {
            Looking::Form(mut form) => {
                let (bytes, sniffer) = &mut *form;
                while watch.micros() < STEP_MICROS {
                    let chunk = bytes.chunk()?;
                    if chunk.is_empty() {
                        let (_, sniffer) = *form;
                        return match sniffer.finish(about.new) {
                            Ok(shape) => begin_rows(again(), shape),
                            Err(why) => Ok(Seen::Refused(why)),
                        };
                    }
                    let length = chunk.len();
                    sniffer.see(chunk);
                    bytes.take(length);
                }
                Ok(Seen::More(Looking::Form(form)))
            }
            Looking::Rows(mut rows) => {
                while watch.micros() < STEP_MICROS {
                    match rows.source.next_row()? {
                        Some(row) => rows.see(&row),
                        None => return Ok(rows.finish(about)),
                    }
                }
                Ok(Seen::More(Looking::Rows(rows)))
            }
        }
    }
}

fn begin_rows(bytes: PartBytes, shape: Shape) -> io::Result<Seen> {
    let source = sniff::open(bytes, &shape)?;
    let header = source.header();
    if shape.format == Format::Csv {
        if header.iter().all(String::is_empty) {
            return Ok(Seen::Refused("the file has no header: its first line must name the columns".to_owned()));
        }
        if header.len() > COLUMNS_MAX {
            return Ok(Seen::Refused(too_many_columns(&header.len().to_string())));
        }
    }
    let rows = Rows {
        source,
        shape,
        rows: 0,
        unreadable: 0,
        guesses: Guesses::default(),
        samples: Vec::new(),
        first_rows: Vec::new(),
    };
    Ok(Seen::More(Looking::Rows(Box::new(rows))))
}

fn too_many_columns(found: &str) -> String {
    format!("the file has {found} columns, an import takes {COLUMNS_MAX} at most: leave some out and upload it again")
}

impl Rows {
    fn see(&mut self, row: &Row) {
        self.rows += 1;
        let shown = self.first_rows.len() < FIRST_ROWS;
        let mut cells: Vec<String> = Vec::new();
        match &row.cells {
            Cells::Csv(record) => {
                for (at, bytes) in record.cells().enumerate().take(COLUMNS_MAX) {
                    let text = String::from_utf8_lossy(bytes);
                    if row.wrong.is_none() {
                        self.guesses.see_text(at, &text);
                        self.sample(at, &text);
                    }
                    if shown {
                        cells.push(cut(&text, SHOWN_CHARS));
                    }
                }
            }
            Cells::Object(object) => {
                for (at, value) in self.source.members(object) {
                    self.guesses.see(at, value);
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    self.sample(at, if value.is_null() { "" } else { &text });
                    if shown {
                        cells.resize(cells.len().max(at + 1), String::new());
                        cells[at] = cut(&text, SHOWN_CHARS);
                    }
                }
            }
            Cells::Line(line) => cells.push(cut(line, SHOWN_CHARS)),
        }
        self.unreadable += u64::from(row.wrong.is_some());
        if shown {
            self.first_rows.push(cells);
        }
    }

    fn sample(&mut self, at: usize, text: &str) {
        if self.samples.len() <= at {
            self.samples.resize(at + 1, Vec::new());
        }
        let text = text.trim();
        if self.samples[at].len() < SAMPLES && !text.is_empty() {
            self.samples[at].push(cut(text, SAMPLE_CHARS));
        }
    }

    fn finish(self, about: &About) -> Seen {
        let given = self.source.header();
        if given.len() > COLUMNS_MAX {
            return Seen::Refused(too_many_columns(&format!("more than {COLUMNS_MAX}")));
        }
        if self.rows > about.rows_max {
            return Seen::Refused(format!(
                "the file has {} rows, an import takes {} at most: split it into several files",
                self.rows, about.rows_max
            ));
        }
        if self.shape.format == Format::Ndjson && given.is_empty() {
            return Seen::Refused("no line of the file is a JSON object: write one object to a line".to_owned());
        }
        let headers = called(&given);
        let suggestions = headers::suggest(&given, &self.samples, about.catalog, about.now);
        let remarks = self.remarks(&given);
        let columns = headers.into_iter().zip(given).zip(suggestions).enumerate();
        let columns = columns.map(|(at, ((header, given), suggestion))| Column {
            data_type: self.guesses.of(at, &header),
            header,
            given: cut(&given, HEADER_CHARS),
            suggestion,
        });
        let look = Look {
            columns: columns.collect(),
            shape: self.shape,
            rows: self.rows,
            first_rows: self.first_rows,
            remarks,
        };
        small_enough(look).map_or_else(Seen::Refused, |look| Seen::Table(Box::new(look)))
    }

    fn remarks(&self, given: &[String]) -> Vec<String> {
        let mut remarks = Vec::new();
        let is_value = |cell: &String| {
            draft::email(cell).is_ok() || is_phone_like(cell) || (!cell.is_empty() && cell.parse::<f64>().is_ok())
        };
        if self.shape.format == Format::Csv && given.iter().any(is_value) {
            remarks.push(
                "The first line is taken for the header, as it always is, but holds what looks like values: if the file \
                 has no header, add one and upload it again."
                    .to_owned(),
            );
        }
        if self.rows == 0 {
            remarks.push("The file has a header and no rows.".to_owned());
        }
        if self.unreadable > 0 {
            let rows = if self.unreadable == 1 { "1 row".to_owned() } else { format!("{} rows", self.unreadable) };
            remarks.push(format!("{rows} cannot be read and will fail; the others are not affected."));
        }
        if given.len() == 1 && self.shape.format == Format::Csv {
            remarks
                .push("The file has one column: if it should have more, say what stands between the cells.".to_owned());
        }
        remarks
    }
}

/// With shorter cells where it would take too much.
fn small_enough(mut look: Look) -> Result<Look, String> {
    let bytes = |look: &Look| serde_json::to_string(look).map_or(usize::MAX, |json| json.len());
    if bytes(&look) > KEPT_BYTES_MAX {
        look.first_rows.iter_mut().flatten().for_each(|cell| *cell = cut(cell, SHORT_CHARS));
    }
    match bytes(&look) > KEPT_BYTES_MAX {
        false => Ok(look),
        true => Err("the headers of the file are too long to be kept: shorten them and upload it again".to_owned()),
    }
}

/// What the columns are called: by their headers, numbered where one is there twice or empty.
fn called(given: &[String]) -> Vec<String> {
    let mut called: Vec<String> = Vec::with_capacity(given.len());
    for (at, header) in given.iter().enumerate() {
        let header = cut(header, HEADER_CHARS);
        let first = if header.is_empty() { format!("Column {}", at + 1) } else { header.clone() };
        let numbered = (2..).map(|number| format!("{header} ({number})"));
        let free = std::iter::once(first).chain(numbered).find(|name| !called.contains(name));
        called.push(free.unwrap_or_default());
    }
    called
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_name_of_its_own() {
        let given = ["Email", "", "Email", "Email (2)", "Column 2"].map(str::to_owned);
        assert_eq!(called(&given), ["Email", "Column 2", "Email (2)", "Email (2) (2)", "Column 2 (2)"]);
    }
}
