//! The result of an import: each row that failed, as it was, with its reason; it can be imported again.

use csv::QuoteStyle;
use serde_json::{Map, Value as Json};

use super::REASON;
use super::source::{Cells, Row};
use super::spec::Look;
use crate::engine::export::Format;

/// How the rows are written.
pub struct Form {
    format: Format,
    delimiter: u8,
    header: Vec<String>,
}

impl Form {
    /// As the file itself is written.
    pub fn of(look: &Look) -> Form {
        Form {
            format: look.shape.format,
            delimiter: look.shape.delimiter.and_then(|mark| u8::try_from(mark).ok()).unwrap_or(b','),
            header: look.columns.iter().map(|column| column.given.clone()).collect(),
        }
    }

    /// What stands before the first row.
    pub fn head(&self) -> Vec<u8> {
        if self.format == Format::Ndjson {
            return Vec::new();
        }
        let names = self.header.iter().filter(|name| *name != REASON).map(String::as_bytes);
        self.line(names.chain([REASON.as_bytes()]))
    }

    /// A row as it was, with its reason.
    pub fn row(&self, row: &Row, reason: &str) -> Vec<u8> {
        let object = match &row.cells {
            Cells::Csv(record) => {
                // The reason keeps its column even if the row is shorter or longer than the header.
                let width = self.header.len().max(record.len());
                let places = (0..width).filter(|at| self.header.get(*at).is_none_or(|name| name != REASON));
                let mut cells: Vec<&[u8]> = places.map(|at| record.cell(at)).collect();
                let shown = self.header.iter().filter(|name| *name != REASON).count().min(cells.len());
                cells.insert(shown, reason.as_bytes());
                return self.line(cells.into_iter());
            }
            Cells::Object(object) => object.clone(),
            Cells::Line(line) => Map::from_iter([("line".to_owned(), Json::from(line.as_str()))]),
        };
        let mut object = object;
        object.insert(REASON.to_owned(), Json::from(reason));
        let mut line = Json::Object(object).to_string().into_bytes();
        line.push(b'\n');
        line
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
