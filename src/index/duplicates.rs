//! Which contacts share an e-mail or a phone: groups of at least two, each known by its lowest row.
//!
//! Built when first asked for, some rows at a time between writes, and kept by every write from then on. The e-mails' rows are in their text column
//! already; phones have no such list, and get one here.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::text::RowsOf;
use super::{Column, Index, Row, RowSet, TextColumn, phone_of_key};
use crate::contact::Field;

/// What the contacts of a group share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shared {
    /// The e-mail, folded for comparison.
    Email,
    /// The phone's digits.
    Phone,
}

/// A group of contacts: what they share, how many they are, the first of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub by: Shared,
    pub count: u64,
    pub rows: Vec<Row>,
}

/// The groups, kept current. Costs some 12 bytes for each phone.
pub struct Duplicates {
    /// The lowest row of each group.
    emails: RowSet,
    phones: RowSet,
    phone_rows: PhoneRows,
    /// While they are built: phones of the rows from here on are not in yet, and groups that begin there may not be.
    next: Option<Row>,
}

/// The rows of each phone: number of the phone → rows, and digits → number.
#[derive(Default)]
struct PhoneRows {
    rows: RowsOf,
    free: Vec<u32>,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

/// The rows that share a value: how many, and the two lowest.
#[derive(Clone, Copy, Default)]
pub struct Sharing {
    pub count: u64,
    pub first: Option<Row>,
    pub second: Option<Row>,
}

impl Sharing {
    /// Those of either.
    pub fn and(self, other: Sharing) -> Sharing {
        let mut lowest = [self.first, self.second, other.first, other.second].map(|row| row.unwrap_or(Row::MAX));
        lowest.sort_unstable();
        let row = |row: Row| (row != Row::MAX).then_some(row);
        Sharing { count: self.count + other.count, first: row(lowest[0]), second: row(lowest[1]) }
    }

    /// The lowest row of the group they make, if they make one.
    fn group(self) -> Option<Row> {
        self.first.filter(|_| self.count > 1)
    }

    /// The same without `row`, which is one of them.
    fn without(self, row: Row) -> Option<Row> {
        let first = if self.first == Some(row) { self.second } else { self.first };
        first.filter(|_| self.count > 2)
    }
}

impl Duplicates {
    fn build(columns: Option<&Column>, emails: Option<&TextColumn>) -> Duplicates {
        let mut made = Duplicates {
            emails: emails.map(TextColumn::shared).unwrap_or_default(),
            phones: RowSet::new(),
            phone_rows: PhoneRows::default(),
            next: None,
        };
        if let Some(phones) = columns {
            made.phone_rows.numbers = HashTable::with_capacity(phones.present().len() as usize);
            phones.present().for_each(|row| made.put_phone(phones, row));
        }
        made
    }

    /// Those of no row yet.
    fn begin(columns: Option<&Column>) -> Duplicates {
        let phones = columns.map_or(0, |phones| phones.present().len() as usize);
        let numbers = HashTable::with_capacity(phones);
        let phone_rows = PhoneRows { numbers, ..PhoneRows::default() };
        Duplicates { emails: RowSet::new(), phones: RowSet::new(), phone_rows, next: Some(0) }
    }

    /// Looks at the next of the rows, which are ascending. What was written meanwhile is in: a group's lowest row is moved
    /// by whoever moves it, and found here where nobody did.
    fn go_on(&mut self, rows: impl Iterator<Item = Row>, phones: Option<&Column>, emails: Option<&TextColumn>) {
        for row in rows {
            if let Some(group) = emails.and_then(|emails| emails.sharing(row)).and_then(Sharing::group) {
                self.emails.insert(group);
            }
            if let Some(phones) = phones.filter(|phones| phones.get(row).is_some()) {
                self.put_phone(phones, row);
            }
            self.next = Some(row + 1);
        }
    }

    /// Whether the row was looked at: then its phone is in, or comes in with the write.
    fn is_past(&self, row: Row) -> bool {
        self.next.is_none_or(|next| row < next)
    }

    /// To be called before the row's e-mail and phone change: takes it out of its groups.
    pub fn leave(&mut self, row: Row, phones: Option<&Column>, emails: Option<&TextColumn>) {
        if let Some(sharing) = emails.and_then(|emails| emails.sharing(row)) {
            move_group(&mut self.emails, sharing.group(), sharing.without(row));
        }
        let number = phones.filter(|_| self.is_past(row)).and_then(|phones| self.phone_rows.number(phones, row));
        if let Some(number) = number {
            let sharing = self.phone_rows.rows.sharing(number);
            move_group(&mut self.phones, sharing.group(), sharing.without(row));
            self.phone_rows.remove(number, row, phones);
        }
    }

    /// To be called after they changed: puts the row into its groups.
    pub fn join(&mut self, row: Row, phones: Option<&Column>, emails: Option<&TextColumn>) {
        if let Some(sharing) = emails.and_then(|emails| emails.sharing(row)) {
            move_group(&mut self.emails, sharing.without(row), sharing.group());
        }
        if let Some(phones) = phones.filter(|phones| self.is_past(row) && phones.get(row).is_some()) {
            self.put_phone(phones, row);
        }
    }

    fn put_phone(&mut self, phones: &Column, row: Row) {
        let Some(number) = self.phone_rows.insert(phones, row) else { return };
        let sharing = self.phone_rows.rows.sharing(number);
        move_group(&mut self.phones, sharing.without(row), sharing.group());
    }

    /// How many groups there are of one kind, or of both.
    pub fn len(&self, by: Option<Shared>) -> u64 {
        let of = |kind: Shared| if by.is_none_or(|by| by == kind) { self.groups(kind).len() } else { 0 };
        of(Shared::Email) + of(Shared::Phone)
    }

    fn groups(&self, by: Shared) -> &RowSet {
        match by {
            Shared::Email => &self.emails,
            Shared::Phone => &self.phones,
        }
    }

    /// Up to `limit` groups from the `offset`-th on, each by its lowest row: ascending by it, of one row the e-mail first.
    fn page(&self, by: Option<Shared>, offset: u64, limit: usize) -> Vec<(Shared, Row)> {
        let wanted = |kind: Shared| by.is_none_or(|by| by == kind);
        let below = |row: Row| -> u64 {
            let count = |kind: Shared| if wanted(kind) { self.groups(kind).rank(row) } else { 0 };
            count(Shared::Email) + count(Shared::Phone)
        };
        // The lowest row at which more than `offset` groups have begun.
        let (mut low, mut high) = (0, Row::MAX);
        while low < high {
            let middle = low + (high - low) / 2;
            if below(middle) > offset { high = middle } else { low = middle + 1 }
        }
        let begun = if low == 0 { 0 } else { below(low - 1) };
        let from = |kind: Shared| {
            let groups = self.groups(kind);
            let skipped = if low == 0 { 0 } else { groups.rank(low - 1) };
            let places = skipped..skipped + limit as u64 + 1;
            let rows = places.map_while(|place| groups.nth(u32::try_from(place).ok()?));
            rows.map(move |row| (row, kind)).collect::<Vec<_>>()
        };
        let kinds = [Shared::Email, Shared::Phone].into_iter().filter(|kind| wanted(*kind));
        let mut groups: Vec<(Row, Shared)> = kinds.flat_map(from).collect();
        groups.sort_unstable();
        let skip = usize::try_from(offset - begun).unwrap_or(usize::MAX);
        groups.into_iter().skip(skip).take(limit).map(|(row, kind)| (kind, row)).collect()
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        let phones = &self.phone_rows;
        let lists = phones.rows.memory() + phones.free.capacity() * 4 + phones.numbers.allocation_size();
        self.emails.memory() + self.phones.memory() + lists
    }
}

/// A group whose lowest row was `from` has `to` now.
fn move_group(groups: &mut RowSet, from: Option<Row>, to: Option<Row>) {
    if from != to {
        from.map(|row| groups.remove(row));
        to.map(|row| groups.insert(row));
    }
}

/// What makes two phones the same.
fn digits(phones: &Column, row: Row) -> Option<u64> {
    phones.get(row).map(|key| phone_of_key(key).digits)
}

impl PhoneRows {
    fn number(&self, phones: &Column, row: Row) -> Option<u32> {
        let digits = digits(phones, row)?;
        let same = |number: &u32| self.digits(phones, *number) == Some(digits);
        self.numbers.find(self.hasher.hash_one(digits), same).copied()
    }

    /// Of a number: those of its rows, which all have the same.
    fn digits(&self, phones: &Column, number: u32) -> Option<u64> {
        digits(phones, self.rows.sharing(number).first?)
    }

    fn insert(&mut self, phones: &Column, row: Row) -> Option<u32> {
        let digits = digits(phones, row)?;
        let number = self.number(phones, row).unwrap_or_else(|| {
            let number = self.free.pop().unwrap_or_else(|| {
                self.rows.push();
                self.rows.len() as u32 - 1
            });
            let (rows, hasher) = (&self.rows, &self.hasher);
            let rehash = |&other: &u32| {
                let first = rows.sharing(other).first;
                hasher.hash_one(first.and_then(|row| self::digits(phones, row)).unwrap_or(digits))
            };
            self.numbers.insert_unique(hasher.hash_one(digits), number, rehash);
            number
        });
        self.rows.insert(number, row, phones.present().len() as usize);
        Some(number)
    }

    fn remove(&mut self, number: u32, row: Row, phones: Option<&Column>) {
        let hash = phones.and_then(|phones| digits(phones, row)).map(|digits| self.hasher.hash_one(digits));
        if !self.rows.remove(number, row) {
            return;
        }
        if let Some(entry) = hash.and_then(|hash| self.numbers.find_entry(hash, |&other| other == number).ok()) {
            entry.remove();
        }
        self.free.push(number);
    }
}

impl Index {
    /// The groups of contacts that share an e-mail or phone, once [`Index::build_duplicates`] has built them.
    pub fn duplicates(&self) -> Option<&Duplicates> {
        self.duplicates.as_deref().filter(|duplicates| duplicates.next.is_none())
    }

    /// Builds them where they are missing, of up to `rows` more rows; whether they are whole. Writes may come between: at
    /// once it would take some 0.1 s per million rows, in which nobody could read.
    pub fn build_duplicates(&mut self, rows: usize) -> bool {
        let (phones, emails) = (self.columns.get(&Field::Phone), self.texts.get(&Field::Email));
        let duplicates = self.duplicates.get_or_insert_with(|| Box::new(Duplicates::begin(phones)));
        if let Some(next) = duplicates.next {
            duplicates.go_on(self.alive.from(next).take(rows), phones, emails);
            let next = duplicates.next.unwrap_or_default();
            duplicates.next = self.alive.max().filter(|last| *last >= next).map(|_| next);
        }
        duplicates.next.is_none()
    }

    pub(super) fn duplicates_anew(&self) -> Duplicates {
        Duplicates::build(self.columns.get(&Field::Phone), self.texts.get(&Field::Email))
    }

    /// Up to `limit` groups from the `offset`-th on, ascending by the lowest row and e-mails first, each with its first rows.
    /// None while they are not built.
    pub fn duplicate_groups(&self, by: Option<Shared>, offset: u64, limit: usize, rows_max: usize) -> Vec<Group> {
        let Some(duplicates) = self.duplicates() else { return Vec::new() };
        let group = |(by, row): (Shared, Row)| {
            let rows = self.sharing_rows(duplicates, by, row);
            Group { by, count: rows.len(), rows: rows.iter().take(rows_max).collect() }
        };
        duplicates.page(by, offset, limit).into_iter().map(group).collect()
    }

    /// Every row that shares the row's e-mail or phone.
    fn sharing_rows(&self, duplicates: &Duplicates, by: Shared, row: Row) -> RowSet {
        match by {
            Shared::Email => {
                let emails = self.texts.get(&Field::Email);
                emails.and_then(|emails| Some(emails.equal(emails.get(row)?))).unwrap_or_default()
            }
            Shared::Phone => {
                let number =
                    self.columns.get(&Field::Phone).and_then(|phones| duplicates.phone_rows.number(phones, row));
                number.map(|number| duplicates.phone_rows.rows.set(number)).unwrap_or_default()
            }
        }
    }

    /// The first row at which the groups kept and those made anew differ.
    pub(super) fn check_duplicates(&self) -> Option<Row> {
        let kept = self.duplicates()?;
        let anew = self.duplicates_anew();
        let differ = |one: &RowSet, other: &RowSet| one.minus(other).min().or_else(|| other.minus(one).min());
        let groups = differ(&kept.emails, &anew.emails).or_else(|| differ(&kept.phones, &anew.phones));
        groups.or_else(|| {
            let phones = self.columns.get(&Field::Phone)?;
            let rows =
                |of: &Duplicates, row| of.phone_rows.number(phones, row).map(|number| of.phone_rows.rows.set(number));
            let same = |row: Row| match (rows(kept, row), rows(&anew, row)) {
                (Some(one), Some(other)) => one.len() == other.len() && one.is_subset(&other),
                _ => false,
            };
            phones.present().iter().find(|row| !same(*row))
        })
    }
}

#[cfg(test)]
mod tests;
