//! Everything derived from the contacts of one workspace: facets, columns, orders, text. Disposable and checkable.
//!
//! The row of a contact is its id. [`Index::put`] takes a contact's current state, whatever it was before, so that
//! applying a change twice does no harm; the index itself knows what it held for the row.

mod bytes;
mod checkpoint;
mod column;
mod facet;
mod fields;
mod grams;
mod order;
mod rows;
mod set_facet;
mod text;

pub use checkpoint::CheckpointError;
pub use column::{Column, number_from_key, number_key};
pub use facet::Facet;
pub use grams::{GramError, GramIndex, GramSettings, GramView, PreparedView, RowTexts};
pub use order::Order;
pub use rows::RowSet;
pub use set_facet::SetFacet;
pub use text::TextColumn;

use crate::contact::{Catalog, Contact, ContactId, Field};

/// A row: the contact's id.
pub type Row = u32;

/// The index of one workspace in memory. The text index on disk ([`GramIndex`]) stands beside it.
pub struct Index {
    alive: RowSet,
    /// Rows whose text the committed text index does not have as it is now: created or changed since its last flush.
    unflushed: RowSet,
}

#[allow(unused_variables, clippy::missing_panics_doc)] // owner: index
impl Index {
    /// An empty index for what the workspace defines; `locale` decides the order of text.
    pub fn new(catalog: &Catalog) -> Index {
        todo!()
    }

    /// Makes the row show `contact`, or nothing where it is `None`.
    pub fn put(&mut self, row: Row, contact: Option<&Contact>, catalog: &Catalog) {
        todo!()
    }

    /// Takes note of what the workspace defines now: new custom fields, other stage positions, renamed users.
    pub fn define(&mut self, catalog: &Catalog) {
        todo!()
    }

    /// Every contact.
    pub fn alive(&self) -> &RowSet {
        &self.alive
    }

    /// Of a choice field: status, countryCode, language, lifecycle, assignee, lastInteractedChannel, list and checkbox
    /// custom fields. Codes: `Status as u32`, `Alpha2.0 as u32`, ids, positions of list values, 0/1.
    pub fn facet(&self, field: Field) -> Option<&Facet> {
        todo!()
    }

    /// Of a set field: tags (tag ids), channels (channel ids), source (a code of `source_code`).
    pub fn set_facet(&self, field: Field) -> Option<&SetFacet> {
        todo!()
    }

    /// The code of a channel source in the `source` facet; sources are numbered as they come.
    pub fn source_code(&self, source: &str) -> Option<u32> {
        todo!()
    }

    /// The source of a code.
    pub fn source_name(&self, code: u32) -> Option<&str> {
        todo!()
    }

    /// Of instants (ms), number (`number_key`), date (days), time (minutes) fields and phone (`Phone::digits`
    /// left-aligned to 15 digits, so that a prefix is a range).
    pub fn column(&self, field: Field) -> Option<&Column> {
        todo!()
    }

    /// Of stored text fields: firstName, lastName, email, text/email/url custom fields.
    pub fn text(&self, field: Field) -> Option<&TextColumn> {
        todo!()
    }

    /// The rows that have a value in the field, for any field that stores one (name: first or last name).
    pub fn present(&self, field: Field) -> RowSet {
        todo!()
    }

    /// The order of a field that needs one (text, phone, number, instant, date, time), if it is built. Choice fields and id
    /// need none: their posting lists and ids are the order.
    pub fn order(&self, field: Field) -> Option<&Order> {
        todo!()
    }

    /// Builds an order that is missing. Cheap when it is there. Costs about 0.1 s (numbers) to 1 s (text) per million rows.
    pub fn build_order(&mut self, field: Field) {
        todo!()
    }

    /// Compares two rows by an ordered field's sort key alone (no tie-break); both have a value.
    pub fn compare(&self, field: Field, a: Row, b: Row) -> std::cmp::Ordering {
        todo!()
    }

    /// Rows whose text the committed text index does not have as it is now.
    pub fn unflushed(&self) -> &RowSet {
        &self.unflushed
    }

    /// After a text flush that covered `rows` as of their state then: takes them out, except those in `changed_since`.
    pub fn flushed(&mut self, rows: &RowSet, changed_since: &RowSet) {
        todo!()
    }

    /// Marks every row unflushed: the text index is gone.
    pub fn unflush_all(&mut self) {
        self.unflushed = self.alive.clone();
    }

    /// Bytes in memory, by structure, for metrics and benches.
    pub fn memory(&self) -> Vec<(&'static str, usize)> {
        todo!()
    }

    /// Compares two indexes completely; the differences in words without values, at most `limit`.
    pub fn differences(&self, other: &Index, catalog: &Catalog, limit: usize) -> Vec<String> {
        todo!()
    }

    /// Writes everything to a checkpoint: sections with checksums, a footer. `header` is the caller's own bytes
    /// (workspace, incarnation, sequence number), checked by the reader.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn write_checkpoint(&self, header: &[u8], out: &mut dyn std::io::Write) -> std::io::Result<()> {
        todo!()
    }

    /// Reads a checkpoint back: `(header, index)`.
    ///
    /// # Errors
    /// [`CheckpointError`] for anything torn, flipped, or written by another format, ICU or crate version.
    pub fn read_checkpoint(bytes: &[u8], catalog: &Catalog) -> Result<(Vec<u8>, Index), CheckpointError> {
        todo!()
    }

    /// The fields whose text goes to the text index, each with its compare-folded and search-folded text in a row.
    pub fn row_texts(&self, row: Row) -> Vec<(Field, &str)> {
        todo!()
    }
}
#[allow(dead_code)]
fn _owner_index(_: ContactId) {}
