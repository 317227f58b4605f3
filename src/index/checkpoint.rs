//! The file format of a checkpoint: sections with checksums and a footer.
//!
//! Prelude: magic, version (of the format, this program and ICU), the caller's header, checksum. Then sections: name,
//! length, bytes, checksum over all three. Then the footer: how many sections and bytes there were, checksum, magic.
//! Numbers are little-endian. Orders are written as their rows in order, so that nothing is sorted when reading.

use std::io::{self, Write};

use super::{
    Catalog, Collation, Column, Facet, Field, Index, NUMBERS, Order, RowSet, SETS, SetFacet, Sources, TEXTS,
    TextColumn, bytes,
};
use crate::contact::CustomFieldId;

const MAGIC: &[u8; 8] = b"rollckpt";
const END: &[u8; 8] = b"tpkcllor";
/// Of the format, of this program, and of ICU, whose data decides the folding and the order of text: change the last with it.
const VERSION: &str = concat!("2/", env!("CARGO_PKG_VERSION"), "/icu 2.4");

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
        add("nameHeads".into(), self.name_heads.len() * 8 + 8, &|out| bytes::put_u64s(out, &self.name_heads));
        for (&field, facet) in &self.facets {
            add(section_name("facet", field), facet.memory(), &|out| facet.write(out));
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
    /// defines is left out.
    ///
    /// # Errors
    /// [`CheckpointError`] for anything torn, flipped, or written by another format, ICU or crate version.
    pub fn read_checkpoint(bytes: &[u8], catalog: &Catalog) -> Result<(Vec<u8>, Index), CheckpointError> {
        let (header, sections) = read_sections(bytes)?;
        let mut index = Index::bulk(&Catalog::default());
        let mut found = 0;
        for (name, mut bytes) in sections {
            index.read_section(name, &mut bytes).ok_or(Damaged("a section cannot be read"))?;
            if !bytes.is_empty() {
                return Err(Damaged("a section is too long"));
            }
            let (kind, field) = name.split_once(':').unwrap_or((name, ""));
            found += usize::from(kind != "order" && !field.starts_with("custom"));
        }
        // The five without a field, and every standard field's.
        if found != 5 + super::CHOICES.len() + SETS.len() + NUMBERS.len() + TEXTS.len() {
            return Err(Damaged("a section is missing"));
        }
        index.define(catalog);
        index.finish();
        Ok((header.to_vec(), index))
    }

    fn read_section(&mut self, name: &str, from: &mut &[u8]) -> Option<()> {
        match name {
            "alive" => self.alive = RowSet::read(from)?,
            "unflushed" => self.unflushed = RowSet::read(from)?,
            "nameHeads" => self.name_heads = bytes::take_u64s(from)?,
            "sources" => self.sources = Sources::read(from)?,
            "locale" => self.collation = Collation::new(&bytes::take_text(from)?),
            _ => {
                let (kind, field) = name.split_once(':')?;
                let field = section_field(field)?;
                match kind {
                    "facet" => drop(self.facets.insert(field, Facet::read(from)?)),
                    "set" => drop(self.sets.insert(field, SetFacet::read(from)?)),
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

type Sections<'a> = Vec<(&'a str, &'a [u8])>;

/// The header and the sections, every byte checked.
fn read_sections(bytes: &[u8]) -> Result<(&[u8], Sections<'_>), CheckpointError> {
    let torn = Damaged("it ends too early");
    let mut from = bytes.strip_prefix(MAGIC).ok_or(Damaged("it does not begin as one"))?;
    let version = bytes::take_bytes(&mut from).ok_or(Damaged("its version is cut off"))?;
    let header = bytes::take_bytes(&mut from).ok_or(Damaged("its header is cut off"))?;
    let count = bytes::take_u64(&mut from).ok_or(Damaged("its header is cut off"))?;
    check_seal(bytes, &mut from)?;
    if version != VERSION.as_bytes() {
        return Err(CheckpointError::OtherVersion(String::from_utf8_lossy(version).into_owned()));
    }
    let mut sections = Vec::new();
    for _ in 0..count {
        let start = from;
        let name = bytes::take_bytes(&mut from).ok_or(Damaged("a section's name is cut off"))?;
        let section = bytes::take_bytes(&mut from).ok_or(Damaged("a section is cut off"))?;
        check_seal(start, &mut from)?;
        sections.push((std::str::from_utf8(name).map_err(|_| Damaged("a section's name is no text"))?, section));
    }
    let start = from;
    let total = bytes::take_u64(&mut from).ok_or(torn)?;
    let whole = total == (bytes.len() - start.len()) as u64;
    from = from.strip_prefix(END).ok_or(Damaged("it does not end as one"))?;
    check_seal(start, &mut from)?;
    if !whole || !from.is_empty() {
        return Err(Damaged("its length is wrong"));
    }
    Ok((header, sections))
}

/// Checks the checksum at the front of `from` against what lies between the start and there.
fn check_seal(start: &[u8], from: &mut &[u8]) -> Result<(), CheckpointError> {
    let sealed = &start[..start.len() - from.len()];
    let sum = bytes::take_u32(from).ok_or(Damaged("a checksum is cut off"))?;
    if sum == crc32c::crc32c(sealed) { Ok(()) } else { Err(Damaged("a checksum does not hold")) }
}
