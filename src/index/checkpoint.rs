//! The file format of a checkpoint: sections with checksums and a footer.
//!
//! Prelude: magic, version (of the format, this program and ICU), the caller's header, checksum. Then sections: name,
//! length, bytes, checksum over all three. Then the footer: how many sections and bytes there were, checksum, magic.
//! Numbers are little-endian. Orders are written as their rows in order, so that nothing is sorted when reading.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender};

use super::{
    Catalog, Choices, Collation, Column, Field, Index, NUMBERS, Order, RowSet, SETS, Sets, Sources, TEXTS, Table,
    TextColumn, bytes,
};
use crate::contact::CustomFieldId;

const MAGIC: &[u8; 8] = b"rollckpt";
const END: &[u8; 8] = b"tpkcllor";
/// Of the format, of this program, and of ICU, whose data decides the folding and the order of text: change the last with it.
const VERSION: &str = concat!("5/", env!("CARGO_PKG_VERSION"), "/icu 2.4");

/// Memory that a length in the file is believed to need before its bytes are there.
const ROOM_MAX: u64 = 64 << 20;

/// Why a checkpoint is not used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Torn, flipped or otherwise not what was written.
    #[error("the checkpoint is damaged: {0}")]
    Damaged(&'static str),
    /// Written by another version of the format, of ICU's data or of this program.
    #[error("the checkpoint was written by another version ({0})")]
    OtherVersion(String),
}

use CheckpointError::Damaged;

/// A part of a checkpoint: a structure of the index as bytes.
pub struct Section {
    name: String,
    bytes: Vec<u8>,
}

impl Index {
    /// Copies everything into bytes, quickly, for [`write_sections`] to write when no lock is held any more.
    pub fn snapshot_sections(&self) -> Vec<Section> {
        let mut sections = Vec::new();
        // Room for all of it first: what a structure has in memory is more than what it writes.
        let mut add = |name: String, room: usize, write: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = Vec::with_capacity(room);
            write(&mut bytes);
            sections.push(Section { name, bytes });
        };
        add("alive".into(), self.alive.memory(), &|out| self.alive.write(out));
        add("unflushed".into(), self.unflushed.memory(), &|out| self.unflushed.write(out));
        add("sources".into(), 0, &|out| self.sources.write(out));
        add("locale".into(), 0, &|out| bytes::put_bytes(out, self.collation.locale().as_bytes()));
        add("nameHeads".into(), self.name_heads.len() * 4 + 8, &|out| bytes::put_u32s(out, &self.name_heads));
        // Before those who have a lane of it.
        add("table".into(), self.table.memory() + 256, &|out| self.table.write(out));
        for (&field, choices) in &self.choices {
            add(section_name("choice", field), choices.memory(), &|out| choices.write(out));
        }
        for (&field, set) in &self.sets {
            add(section_name("set", field), set.memory(), &|out| set.write(out));
        }
        for (&field, column) in &self.columns {
            add(section_name("column", field), column.memory(), &|out| column.write(out));
        }
        for (&field, text) in &self.texts {
            add(section_name("text", field), text.memory(), &|out| text.write(out));
        }
        for (&field, order) in &self.orders {
            add(section_name("order", field), order.memory(), &|out| order.write(out));
        }
        sections
    }

    /// Writes everything to a checkpoint: sections with checksums, a footer. `header` is the caller's own bytes
    /// (workspace, incarnation, sequence number), checked by the reader.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn write_checkpoint(&self, header: &[u8], out: &mut dyn Write) -> io::Result<()> {
        write_sections(header, &self.snapshot_sections(), out)
    }

    /// Reads a checkpoint back: `(header, index)`. What the catalog defines beyond it is empty, and what it no longer
    /// defines is left out. A thread reads ahead by a section, so that no more than three lie in memory as bytes.
    ///
    /// # Errors
    /// [`CheckpointError`] for anything torn, flipped, or written by another format, ICU or crate version.
    pub fn read_checkpoint(from: impl Read + Send, catalog: &Catalog) -> Result<(Vec<u8>, Index), CheckpointError> {
        let mut file = File { from, sum: 0, read: 0 };
        let (header, count) = file.prelude()?;
        let mut index = Index::bulk(&Catalog::default());
        let (ahead, sections) = std::sync::mpsc::sync_channel(1);
        let found = std::thread::scope(|scope| {
            let reading = scope.spawn(move || file.sections(count, &ahead));
            let found = index.take_sections(&sections);
            drop(sections);
            let read = reading.join().map_err(|_| Damaged("it cannot be read"))?;
            found.and_then(|found| read.map(|()| found))
        })?;
        // The six without a field, and every standard field's.
        if found != 6 + super::CHOICES.len() + SETS.len() + NUMBERS.len() + TEXTS.len() {
            return Err(Damaged("a section is missing"));
        }
        if Choices::stray(index.choices.values(), &index.table).is_some() {
            return Err(Damaged("a row has a code that is not there"));
        }
        index.define(catalog);
        index.finish();
        Ok((header, index))
    }

    /// Takes in the sections as they come; how many of those that must be there there were.
    fn take_sections(&mut self, sections: &Receiver<Section>) -> Result<usize, CheckpointError> {
        let mut found = 0;
        for Section { name, bytes } in sections {
            let mut from = &bytes[..];
            self.read_section(&name, &mut from).ok_or(Damaged("a section cannot be read"))?;
            if !from.is_empty() {
                return Err(Damaged("a section is too long"));
            }
            let (kind, field) = name.split_once(':').unwrap_or((&name, ""));
            found += usize::from(kind != "order" && !field.starts_with("custom"));
        }
        Ok(found)
    }

    fn read_section(&mut self, name: &str, from: &mut &[u8]) -> Option<()> {
        match name {
            "alive" => self.alive = RowSet::read(from)?,
            "unflushed" => self.unflushed = RowSet::read(from)?,
            "nameHeads" => self.name_heads = bytes::take_u32s(from)?,
            "table" => self.table = Table::read(from)?,
            "sources" => self.sources = Sources::read(from)?,
            "locale" => self.collation = Collation::new(&bytes::take_text(from)?),
            _ => {
                let (kind, field) = name.split_once(':')?;
                let field = section_field(field)?;
                match kind {
                    "choice" => drop(self.choices.insert(field, Choices::read(from, &self.table)?)),
                    "set" => drop(self.sets.insert(field, Sets::read(from, &self.table)?)),
                    "column" => drop(self.columns.insert(field, Column::read(from)?)),
                    "text" => drop(self.texts.insert(field, TextColumn::read(from)?)),
                    "order" => drop(self.orders.insert(field, Order::read(from)?)),
                    _ => return None,
                }
            }
        }
        Some(())
    }
}

fn section_name(kind: &str, field: Field) -> String {
    match field {
        Field::Custom(id) => format!("{kind}:custom{id}"),
        standard => format!("{kind}:{}", standard.standard().map_or("?", |row| row.name)),
    }
}

fn section_field(name: &str) -> Option<Field> {
    match name.strip_prefix("custom") {
        Some(id) => id.parse().ok().map(|id| Field::Custom(CustomFieldId(id))),
        None => crate::contact::STANDARD.iter().find(|row| row.name == name).map(|row| row.field),
    }
}

/// Writes a checkpoint of sections that were taken before. `header` is as for [`Index::write_checkpoint`].
///
/// # Errors
/// What the file system reports.
pub fn write_sections(header: &[u8], sections: &[Section], out: &mut dyn Write) -> io::Result<()> {
    let mut prelude = MAGIC.to_vec();
    bytes::put_bytes(&mut prelude, VERSION.as_bytes());
    bytes::put_bytes(&mut prelude, header);
    bytes::put_u64(&mut prelude, sections.len() as u64);
    write_sealed(&[&prelude], out)?;
    let mut total = prelude.len() as u64 + 4;
    for section in sections {
        let mut head = Vec::new();
        bytes::put_bytes(&mut head, section.name.as_bytes());
        bytes::put_u64(&mut head, section.bytes.len() as u64);
        write_sealed(&[&head, &section.bytes], out)?;
        total += (head.len() + section.bytes.len()) as u64 + 4;
    }
    let mut footer = Vec::new();
    bytes::put_u64(&mut footer, total);
    footer.extend_from_slice(END);
    write_sealed(&[&footer], out)
}

/// Writes parts and a checksum over them.
fn write_sealed(parts: &[&[u8]], out: &mut dyn Write) -> io::Result<()> {
    let mut sum = 0;
    for part in parts {
        out.write_all(part)?;
        sum = crc32c::crc32c_append(sum, part);
    }
    out.write_all(&sum.to_le_bytes())
}

/// A checkpoint as it is read: nothing of it is used before the checksum behind it holds.
struct File<R> {
    from: R,
    /// The checksum of what was read since the last one.
    sum: u32,
    /// Bytes read.
    read: u64,
}

impl<R: Read> File<R> {
    /// The caller's header, and how many sections there are.
    fn prelude(&mut self) -> Result<(Vec<u8>, u64), CheckpointError> {
        if self.take(MAGIC.len() as u64)? != MAGIC {
            return Err(Damaged("it does not begin as one"));
        }
        let (version, header, count) = (self.bytes()?, self.bytes()?, self.number()?);
        self.check_seal()?;
        if version != VERSION.as_bytes() {
            return Err(CheckpointError::OtherVersion(String::from_utf8_lossy(&version).into_owned()));
        }
        Ok((header, count))
    }

    /// Hands on every section, and reads on to the end.
    fn sections(&mut self, count: u64, ahead: &SyncSender<Section>) -> Result<(), CheckpointError> {
        for _ in 0..count {
            let name = String::from_utf8(self.bytes()?).map_err(|_| Damaged("a section's name is no text"))?;
            let bytes = self.bytes()?;
            self.check_seal()?;
            if ahead.send(Section { name, bytes }).is_err() {
                // Whoever takes them found a mistake.
                return Ok(());
            }
        }
        let before = self.read;
        let whole = self.number()? == before;
        if self.take(END.len() as u64)? != END {
            return Err(Damaged("it does not end as one"));
        }
        self.check_seal()?;
        let ends = matches!(self.from.read(&mut [0]), Ok(0));
        if whole && ends { Ok(()) } else { Err(Damaged("its length is wrong")) }
    }

    fn take(&mut self, len: u64) -> Result<Vec<u8>, CheckpointError> {
        // A length that is damaged must not take memory that the file cannot fill.
        let mut bytes = Vec::with_capacity(len.min(ROOM_MAX) as usize);
        let read = self.from.by_ref().take(len).read_to_end(&mut bytes).map_err(|_| Damaged("it cannot be read"))?;
        if read as u64 != len {
            return Err(Damaged("it ends too early"));
        }
        self.sum = crc32c::crc32c_append(self.sum, &bytes);
        self.read += len;
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u64, CheckpointError> {
        bytes::take_u64(&mut &self.take(8)?[..]).ok_or(Damaged("it ends too early"))
    }

    /// Bytes with their length before them.
    fn bytes(&mut self) -> Result<Vec<u8>, CheckpointError> {
        let len = self.number()?;
        self.take(len)
    }

    fn check_seal(&mut self) -> Result<(), CheckpointError> {
        let sum = std::mem::take(&mut self.sum);
        let stored = bytes::take_u32(&mut &self.take(4)?[..]);
        self.sum = 0;
        if stored == Some(sum) { Ok(()) } else { Err(Damaged("a checksum does not hold")) }
    }
}
