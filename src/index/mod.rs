//! Everything derived from the contacts of one workspace: facets, columns, orders, text. Disposable and checkable.
//!
//! The row of a contact is its id. [`Index::put`] takes a contact's current state, whatever it was before, so that
//! applying a change twice does no harm; the index itself knows what it held for the row.

mod among;
mod bytes;
mod cells;
mod checkpoint;
mod collation;
mod column;
mod differences;
mod duplicates;
mod facet;
mod fields;
mod grams;
mod identity;
mod order;
mod packed;
mod phone;
mod postings;
mod rows;
mod set_facet;
mod shares;
mod sources;
mod table;
mod tally;
mod text;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

use smallvec::SmallVec;

pub use among::Among;

pub use checkpoint::{CheckpointError, Section, write_sections};
pub use collation::Collation;
pub use column::{Column, number_from_key, number_key};
pub use duplicates::{Duplicates, Group, Shared};
pub use facet::Facet;
pub use fields::code_of;
pub use grams::{
    Candidates, DOMAIN_GRAM_MAX, EDGE_MAX, GRAM_MAX, GramError, GramIndex, GramSettings, GramView, PreparedView,
    RowTexts,
};
pub use order::{Found, Order, Ranks};
pub use phone::{phone_exactly, phone_key, phone_of_key, phone_prefix};
use rows::RowSetBuilder;
pub use rows::{RowSet, at_least};
pub use set_facet::SetFacet;
pub use shares::{Share, in_shares};
pub use tally::Counts;
pub use text::{Domains, TextColumn};

use self::facet::Choices;
use self::fields::{CHOICES, EAGER_ORDERS, Keys, NUMBERS, SETS, Structure, TEXTS, structure};
use self::set_facet::Sets;
use self::sources::Sources;
use self::table::Table;
use self::tally::Tally;
use crate::contact::{Catalog, Contact, DataType, Field, Phone};

/// A row: the contact's id.
pub type Row = u32;

/// The index of one workspace in memory. The text index on disk ([`GramIndex`]) stands beside it.
pub struct Index {
    alive: RowSet,
    /// Rows whose text the committed text index does not have as it is now: created or changed since its last flush.
    unflushed: RowSet,
    /// What choices and sets have of each row.
    table: Table,
    choices: BTreeMap<Field, Choices>,
    sets: BTreeMap<Field, Sets>,
    columns: BTreeMap<Field, Column>,
    texts: BTreeMap<Field, TextColumn>,
    /// Those that are built; kept up to date by `put`.
    orders: BTreeMap<Field, Order>,
    /// By row: the first 4 bytes of the full name's sort key, which spare most comparing of names. Empty while names have no order.
    name_heads: Vec<u32>,
    sources: Sources,
    /// Who shares an e-mail or phone; kept up to date by `put` once it is built.
    duplicates: Option<Box<Duplicates>>,
    collation: Collation,
}

impl Index {
    /// An empty index for what the workspace defines; its locale decides the order of text.
    pub fn new(catalog: &Catalog) -> Index {
        let mut index = Index::bulk(catalog);
        index.finish();
        index
    }

    /// As [`Index::new`], but without orders: for loading many contacts, after which [`Index::finish`] sorts them once.
    /// Until then [`Index::order`] has none.
    pub fn bulk(catalog: &Catalog) -> Index {
        let mut table = Table::default();
        let mut index = Index {
            alive: RowSet::new(),
            unflushed: RowSet::new(),
            choices: CHOICES.into_iter().map(|field| (field, Choices::new(&mut table))).collect(),
            sets: SETS.into_iter().map(|field| (field, Sets::new(&mut table))).collect(),
            table,
            columns: NUMBERS.into_iter().map(|field| (field, Column::default())).collect(),
            texts: TEXTS.into_iter().map(|field| (field, text_column(field))).collect(),
            orders: BTreeMap::new(),
            name_heads: Vec::new(),
            sources: Sources::default(),
            duplicates: None,
            collation: Collation::new(&catalog.workspace.locale),
        };
        index.define(catalog);
        index
    }

    /// Builds the orders that are always there, if they are not.
    pub fn finish(&mut self) {
        EAGER_ORDERS.into_iter().for_each(|field| self.build_order(field));
    }

    /// Makes the row show `contact`, or nothing where it is `None`. Touches only what differs.
    pub fn put(&mut self, row: Row, contact: Option<&Contact>, catalog: &Catalog) {
        self.put_all(std::iter::once((row, contact)), catalog);
    }

    /// As [`Index::put`], of many: order by order and not row by row, as finding a row's place reads much that the next one needs.
    pub fn put_all<'c>(&mut self, contacts: impl Iterator<Item = (Row, Option<&'c Contact>)>, catalog: &Catalog) {
        let mut moved: BTreeMap<Field, Vec<Row>> = self.orders.keys().map(|field| (*field, Vec::new())).collect();
        for (row, contact) in contacts {
            for field in self.put_values(row, contact, catalog) {
                if let Some(rows) = moved.get_mut(&field).filter(|rows| rows.last() != Some(&row)) {
                    rows.push(row);
                }
            }
        }
        let keys = Keys {
            columns: &self.columns,
            texts: &self.texts,
            collation: &self.collation,
            name_heads: &self.name_heads,
        };
        for (&field, order) in &mut self.orders {
            let rows = moved.remove(&field).unwrap_or_default();
            // Taking rows out reads no keys, so the columns may be ahead. All go first: those that are in an order while others find
            // their place must stand where their keys say.
            for row in &rows {
                order.remove(*row);
            }
            rows.into_iter().for_each(|row| keys.place(order, field, row));
        }
    }

    /// All but the orders; the fields whose keys are others now.
    fn put_values(&mut self, row: Row, contact: Option<&Contact>, catalog: &Catalog) -> SmallVec<[Field; 16]> {
        let mut changed: SmallVec<[Field; 16]> = SmallVec::new();
        let new = match contact {
            Some(_) => self.alive.insert(row),
            None if self.alive.remove(row) => true,
            None => return changed,
        };
        for (&field, choices) in &mut self.choices {
            choices.set(&mut self.table, row, contact.and_then(|contact| fields::code_of(contact, field)));
        }
        self.put_sets(row, contact, catalog);
        if let Some(duplicates) = &mut self.duplicates {
            duplicates.leave(row, self.columns.get(&Field::Phone), self.texts.get(&Field::Email));
        }
        for (&field, column) in &mut self.columns {
            if column.set(row, contact.and_then(|contact| fields::number_of(contact, field))) {
                changed.push(field);
            }
        }
        // Phone digits are found by grams like text.
        let mut text_changed = new || changed.contains(&Field::Phone);
        for (&field, column) in &mut self.texts {
            if column.set(row, contact.and_then(|contact| fields::text_of(contact, field))) {
                text_changed = true;
                changed.push(field);
                if matches!(field, Field::FirstName | Field::LastName) {
                    changed.push(Field::Name);
                }
            }
        }
        if let Some(duplicates) = &mut self.duplicates {
            duplicates.join(row, self.columns.get(&Field::Phone), self.texts.get(&Field::Email));
        }
        if text_changed {
            self.unflushed.insert(row);
        }
        if changed.contains(&Field::Name) && self.orders.contains_key(&Field::Name) {
            let head = self.keys().name_head(row);
            bytes::lengthen(&mut self.name_heads, row, 0);
            self.name_heads[row as usize] = head;
        }
        changed
    }

    fn put_sets(&mut self, row: Row, contact: Option<&Contact>, catalog: &Catalog) {
        let mut codes: SmallVec<[u32; 16]> = SmallVec::new();
        for (&field, set) in &mut self.sets {
            codes.clear();
            match (contact, field) {
                (None, _) => {}
                (Some(contact), Field::Tags) => codes.extend(contact.tags.iter().map(|tag| tag.0)),
                (Some(contact), Field::Channels) => codes.extend(contact.channels.iter().map(|link| link.channel.0)),
                (Some(contact), _) => {
                    let sources = contact.channels.iter().map(|link| self.sources.of_channel(link.channel, catalog));
                    codes.extend(sources.flatten());
                }
            }
            codes.sort_unstable();
            codes.dedup();
            set.set(&mut self.table, row, &codes);
        }
    }

    /// Takes note of what the workspace defines now: custom fields made or gone, channels' sources, the locale.
    /// Another locale sorts text anew.
    pub fn define(&mut self, catalog: &Catalog) {
        let is_defined = |field: &Field| match field {
            Field::Custom(id) => catalog.fields.contains_key(id),
            _ => true,
        };
        for (_, choices) in self.choices.extract_if(.., |field, _| !is_defined(field)) {
            choices.release(&mut self.table);
        }
        self.columns.retain(|field, _| is_defined(field));
        // The text index has the texts of a field that goes until their rows are written anew.
        for (_, column) in self.texts.iter().filter(|(field, _)| !is_defined(field)) {
            self.unflushed |= column.present();
        }
        self.texts.retain(|field, _| is_defined(field));
        self.orders.retain(|field, _| is_defined(field));
        for (&id, custom) in &catalog.fields {
            let field = Field::Custom(id);
            match structure(custom.data_type) {
                Structure::Facet => {
                    self.choices.entry(field).or_insert_with(|| Choices::new(&mut self.table));
                }
                Structure::Column => {
                    let numbers = custom.data_type == DataType::Number;
                    let empty = || if numbers { Column::of_numbers() } else { Column::default() };
                    self.columns.entry(field).or_insert_with(empty);
                }
                Structure::Text => {
                    self.texts.entry(field).or_default();
                }
            }
        }
        self.define_sources(catalog);
        if self.collation.locale() != catalog.workspace.locale {
            self.collation = Collation::new(&catalog.workspace.locale);
            let sorted: Vec<Field> = self.orders.keys().copied().filter(|&field| self.is_text(field)).collect();
            for field in sorted {
                self.orders.remove(&field);
                self.build_order(field);
            }
        }
    }

    /// Renews the sources of the rows on channels whose source is another now.
    fn define_sources(&mut self, catalog: &Catalog) {
        let moved = self.sources.define(catalog);
        let (Some(channels), false) = (self.set_facet(Field::Channels), moved.is_empty()) else { return };
        let rows = RowSet::union(moved.iter().map(|channel| channels.rows(channel.0)));
        let renewed: Vec<(Row, Vec<u32>)> =
            rows.iter().map(|row| (row, self.sources.of_channels(channels.get(row)))).collect();
        if let Some(set) = self.sets.get_mut(&Field::Source) {
            renewed.into_iter().for_each(|(row, codes)| {
                set.set(&mut self.table, row, &codes);
            });
        }
    }

    fn is_text(&self, field: Field) -> bool {
        field == Field::Name || self.texts.contains_key(&field)
    }

    /// Every contact.
    pub fn alive(&self) -> &RowSet {
        &self.alive
    }

    /// Of a choice field: status, countryCode, language, lifecycle, assignee, lastInteractedChannel, list and checkbox
    /// custom fields. Codes: `Status as u32`, `Alpha2.0 as u32`, ids, positions of list values, 0/1.
    pub fn facet(&self, field: Field) -> Option<Facet<'_>> {
        self.choices.get(&field).map(|choices| choices.facet(&self.table))
    }

    /// Of a set field: tags (tag ids), channels (channel ids), source (a code of `source_code`).
    pub fn set_facet(&self, field: Field) -> Option<SetFacet<'_>> {
        self.sets.get(&field).map(|sets| sets.facet(&self.table))
    }

    /// How many of the rows have each code of the field; nothing of a field that has no codes.
    pub fn count(&self, field: Field, among: &Among) -> Counts {
        self.counts(&[field], among).pop().unwrap_or_default()
    }

    /// How many of the rows have each code of each of the fields; nothing of a field that has no codes.
    pub fn counts(&self, fields: &[Field], among: &Among) -> Vec<Counts> {
        let tally = |field: &Field| match (self.choices.get(field), self.sets.get(field)) {
            (Some(choices), _) => Some(choices.tally(&self.table)),
            (None, sets) => sets.map(|sets| sets.tally(&self.table)),
        };
        Tally::count(&fields.iter().map(tally).collect::<Vec<_>>(), among)
    }

    /// The code of a channel source in the `source` facet; sources are numbered as they come.
    pub fn source_code(&self, source: &str) -> Option<u32> {
        self.sources.code(source)
    }

    /// The source of a code.
    pub fn source_name(&self, code: u32) -> Option<&str> {
        self.sources.name(code)
    }

    /// Of instants (ms), number (`number_key`), date (days), time (minutes) fields and phone (`phone_key`).
    pub fn column(&self, field: Field) -> Option<&Column> {
        self.columns.get(&field)
    }

    /// Of stored text fields: firstName, lastName, email, text/email/url custom fields.
    pub fn text(&self, field: Field) -> Option<&TextColumn> {
        self.texts.get(&field)
    }

    /// The row's phone number, without what was typed.
    pub fn phone(&self, row: Row) -> Option<Phone> {
        self.columns.get(&Field::Phone)?.get(row).map(phone_of_key)
    }

    /// The row's compare-folded full name.
    pub fn full_name(&self, row: Row) -> Option<std::borrow::Cow<'_, str>> {
        self.keys().text(Field::Name, row)
    }

    /// The rows that have a value in the field, for any field that stores one (name: first or last name; a duration: the
    /// instant it counts from; id: all).
    pub fn present(&self, field: Field) -> RowSet {
        match field {
            Field::Id => return self.alive.clone(),
            Field::Name => {
                let mut rows = self.present(Field::FirstName);
                rows |= &self.present(Field::LastName);
                return rows;
            }
            _ => {}
        }
        let field = field.counts_from().unwrap_or(field);
        let facet = self.facet(field).map(|facet| facet.present().clone());
        facet
            .or_else(|| self.set_facet(field).map(|set| set.present().clone()))
            .or_else(|| self.columns.get(&field).map(|column| column.present().clone()))
            .or_else(|| self.texts.get(&field).map(|column| column.present().clone()))
            .unwrap_or_default()
    }

    /// The order of a field that needs one (text, phone, number, instant, date, time), if it is built. Choice fields and id
    /// need none: their posting lists and ids are the order.
    pub fn order(&self, field: Field) -> Option<&Order> {
        self.orders.get(&field)
    }

    /// The positions of the keys `from..=to` in the order of a field with numbers, if it is built.
    pub fn positions(&self, field: Field, from: i64, to: i64) -> Option<Range<usize>> {
        let (column, order) = (self.columns.get(&field)?, self.orders.get(&field)?);
        let start = order.partition(|row| column.get(row).is_some_and(|key| key < from));
        let end = order.partition(|row| column.get(row).is_some_and(|key| key <= to));
        Some(start..end.max(start))
    }

    /// The positions in the field's order between which these rows stand, a bit for each row from 0 on, as far as they have a value;
    /// more or less exactly. `None` where the field has no order, or nothing but reading every row would tell.
    pub fn span(&self, field: Field, rows: &[u64]) -> Option<Range<usize>> {
        let (column, order) = (self.columns.get(&field)?, self.orders.get(&field)?);
        let ranks = column.ranks(rows)?;
        let start = order.partition(|row| column.rank(row) < *ranks.start());
        Some(start..order.partition(|row| column.rank(row) <= *ranks.end()))
    }

    /// Builds an order that is missing. Cheap when it is there. Costs about 0.1 s (numbers) to 1 s (text) per million rows.
    pub fn build_order(&mut self, field: Field) {
        let ordered = self.columns.contains_key(&field) || self.is_text(field);
        if !ordered || self.orders.contains_key(&field) {
            return;
        }
        let order = if field == Field::Name {
            let (order, heads) = self.keys().build_name();
            self.name_heads = heads;
            order
        } else {
            self.keys().build(field)
        };
        self.orders.insert(field, order);
    }

    /// The collation of the workspace's locale, by which text is sorted.
    pub fn collation(&self) -> &Collation {
        &self.collation
    }

    fn keys(&self) -> Keys<'_> {
        let (columns, texts, collation) = (&self.columns, &self.texts, &self.collation);
        Keys { columns, texts, collation, name_heads: &self.name_heads }
    }

    /// Compares two rows by an ordered field's sort key alone (no tie-break); both have a value. Text: by the collation of the
    /// compare-folded text, then by its code points, so that only the same text is equal; quick where the order is built.
    pub fn compare(&self, field: Field, a: Row, b: Row) -> Ordering {
        self.keys().compare(field, a, b, self.orders.get(&field))
    }

    /// Rows whose text the committed text index does not have as it is now: also those that are gone.
    pub fn unflushed(&self) -> &RowSet {
        &self.unflushed
    }

    /// After a text flush that covered `rows` as of their state then: takes them out, except those in `changed_since`.
    pub fn flushed(&mut self, rows: &RowSet, changed_since: &RowSet) {
        self.unflushed -= &rows.minus(changed_since);
    }

    /// Marks every row unflushed: the text index is gone.
    pub fn unflush_all(&mut self) {
        self.unflushed = self.alive.clone();
    }

    /// After the text index was found to lack only what changed in these rows.
    pub fn unflush_only(&mut self, rows: RowSet) {
        self.unflushed = rows;
    }

    /// What goes to the text index for a row: each text field with its search-folded text, and the phone in its two forms.
    pub fn row_texts(&self, row: Row) -> Vec<(Field, String)> {
        let texts = self.texts.iter().filter_map(|(&field, column)| Some((field, column.get_search(row)?.to_owned())));
        let phone = self.phone(row).map(|phone| crate::contact::phone::forms(&phone));
        texts.chain(phone.into_iter().flatten().map(|form| (Field::Phone, form))).collect()
    }

    /// Bytes in memory, by structure, for metrics and benches.
    pub fn memory(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("rows", self.alive.memory() + self.unflushed.memory()),
            ("table", self.table.memory()),
            ("choices", self.choices.values().map(Choices::memory).sum()),
            ("sets", self.sets.values().map(Sets::memory).sum()),
            ("columns", self.columns.values().map(Column::memory).sum()),
            ("texts", self.texts.values().map(TextColumn::memory).sum()),
            ("orders", self.orders.values().map(Order::memory).sum::<usize>() + self.name_heads.capacity() * 4),
            ("duplicates", self.duplicates.as_ref().map_or(0, |duplicates| duplicates.memory())),
        ]
    }
}

fn text_column(field: Field) -> TextColumn {
    if field == Field::Email { TextColumn::of_emails() } else { TextColumn::default() }
}

#[cfg(test)]
mod tests;
