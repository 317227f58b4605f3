//! The rows of each distinct text: most texts have one row, some a few, few very many.

use crate::index::duplicates::Sharing;
use crate::index::{Row, RowSet, bytes};

/// Set in an entry that is a place in `many`; else the entry is the text's only row.
const MANY: u32 = 1 << 31;
/// An entry without rows.
const NONE: u32 = u32::MAX;

/// Rows by text's number, 4 bytes for a text with one row. Rows are below 2³¹ − 1.
#[derive(Default)]
pub struct RowsOf {
    entries: Vec<u32>,
    many: Vec<Many>,
    free: Vec<u32>,
}

/// The rows of a text that has, or had, more than one.
enum Many {
    /// Ascending. In a set a row that has its block of 65 536 rows to itself costs six times as much.
    List(Vec<Row>),
    Set(RowSet),
}

/// How long a list becomes before it is a set, of so many rows of the field: some sixty rows in each of the set's blocks.
fn list_max(field_rows: usize) -> usize {
    64 + field_rows / 1024
}

impl RowsOf {
    /// Adds a text without rows.
    pub fn push(&mut self) {
        bytes::spare(&mut self.entries, 1);
        self.entries.push(NONE);
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds a row that the text has not; `field_rows` is how many rows the field has.
    pub fn insert(&mut self, number: u32, row: Row, field_rows: usize) {
        let entry = &mut self.entries[number as usize];
        if *entry == NONE {
            *entry = row;
            return;
        }
        if *entry & MANY == 0 {
            let rows = Many::List(vec![row.min(*entry), row.max(*entry)]);
            *entry = MANY | add(&mut self.many, &mut self.free, rows);
            return;
        }
        match &mut self.many[(*entry & !MANY) as usize] {
            Many::Set(set) => {
                set.insert(row);
            }
            Many::List(rows) if rows.len() < list_max(field_rows) => {
                let at = rows.partition_point(|&other| other < row);
                if rows.len() == rows.capacity() {
                    // Doubling would leave a quarter of it unused on average.
                    rows.reserve_exact(2 + rows.len() / 4);
                }
                rows.insert(at, row);
            }
            many @ Many::List(_) => {
                let Many::List(rows) = std::mem::replace(many, Many::List(Vec::new())) else { return };
                let mut set = RowSet::from_sorted(rows);
                set.insert(row);
                *many = Many::Set(set);
            }
        }
    }

    /// Takes a row out; whether the text has no row any more.
    pub fn remove(&mut self, number: u32, row: Row) -> bool {
        let entry = &mut self.entries[number as usize];
        if *entry == NONE || *entry & MANY == 0 {
            *entry = NONE;
            return true;
        }
        let place = *entry & !MANY;
        let one = match &mut self.many[place as usize] {
            Many::List(rows) => {
                if let Ok(at) = rows.binary_search(&row) {
                    rows.remove(at);
                }
                (rows.len() < 2).then(|| rows.first().copied())
            }
            Many::Set(set) => {
                set.remove(row);
                (set.len() < 2).then(|| set.min())
            }
        };
        if let Some(one) = one {
            *entry = one.unwrap_or(NONE);
            self.many[place as usize] = Many::List(Vec::new());
            self.free.push(place);
        }
        *entry == NONE
    }

    /// Calls `f` with each row of the text, ascending.
    pub fn for_each(&self, number: u32, mut f: impl FnMut(Row)) {
        match self.rows(number) {
            Rows::One(row) => row.into_iter().for_each(f),
            Rows::Many(Many::List(rows)) => rows.iter().for_each(|&row| f(row)),
            Rows::Many(Many::Set(set)) => set.for_each(f),
        }
    }

    /// The rows of the text.
    pub fn set(&self, number: u32) -> RowSet {
        match self.rows(number) {
            Rows::One(row) => row.into_iter().collect(),
            Rows::Many(Many::List(rows)) => RowSet::from_sorted(rows.iter().copied()),
            Rows::Many(Many::Set(set)) => set.clone(),
        }
    }

    /// How many rows the text has, and the two lowest.
    pub fn sharing(&self, number: u32) -> Sharing {
        let (count, [first, second]) = match self.rows(number) {
            Rows::One(row) => return Sharing { count: u64::from(row.is_some()), first: row, second: None },
            Rows::Many(Many::List(rows)) => (rows.len() as u64, [rows.first().copied(), rows.get(1).copied()]),
            Rows::Many(Many::Set(set)) => (set.len(), [set.min(), set.nth(1)]),
        };
        Sharing { count, first, second }
    }

    /// The first row of each text that has several.
    pub fn several(&self) -> impl Iterator<Item = Row> + '_ {
        let many = self.entries.iter().zip(0..).filter(|(entry, _)| **entry != NONE && **entry & MANY != 0);
        many.filter_map(|(_, number)| self.sharing(number).first)
    }

    /// The rows of several texts.
    pub fn union(&self, numbers: impl IntoIterator<Item = u32>) -> RowSet {
        let (mut loose, mut sets) = (Vec::new(), Vec::new());
        for number in numbers {
            match self.rows(number) {
                Rows::One(row) => loose.extend(row),
                Rows::Many(Many::List(rows)) => loose.extend_from_slice(rows),
                Rows::Many(Many::Set(set)) => sets.push(set),
            }
        }
        let loose = RowSet::from_unsorted(loose);
        if sets.is_empty() {
            return loose;
        }
        sets.push(&loose);
        RowSet::union(sets)
    }

    fn rows(&self, number: u32) -> Rows<'_> {
        match self.entries[number as usize] {
            NONE => Rows::One(None),
            entry if entry & MANY == 0 => Rows::One(Some(entry)),
            entry => Rows::Many(&self.many[(entry & !MANY) as usize]),
        }
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        let many = self.many.iter().map(|rows| match rows {
            Many::List(rows) => rows.capacity() * 4 + 8,
            Many::Set(set) => set.memory(),
        });
        self.entries.capacity() * 4 + self.many.capacity() * size_of::<Many>() + many.sum::<usize>()
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        bytes::put_u32s(out, &self.entries);
        bytes::put_u32s(out, &self.free);
        bytes::put_u64(out, self.many.len() as u64);
        for many in &self.many {
            match many {
                Many::List(rows) => {
                    out.push(0);
                    bytes::put_u32s(out, rows);
                }
                Many::Set(set) => {
                    out.push(1);
                    set.write(out);
                }
            }
        }
    }

    pub fn read(from: &mut &[u8]) -> Option<RowsOf> {
        let (entries, free) = (bytes::take_u32s(from)?, bytes::take_u32s(from)?);
        let len = bytes::take_u64(from)?;
        let mut many = Vec::new();
        for _ in 0..len {
            many.push(match from.split_off_first()? {
                0 => Many::List(bytes::take_u32s(from)?),
                _ => Many::Set(RowSet::read(from)?),
            });
        }
        let sound = |entry: &u32| *entry == NONE || entry & MANY == 0 || u64::from(entry & !MANY) < len;
        entries.iter().all(sound).then_some(RowsOf { entries, many, free })
    }
}

enum Rows<'a> {
    One(Option<Row>),
    Many(&'a Many),
}

fn add(many: &mut Vec<Many>, free: &mut Vec<u32>, rows: Many) -> u32 {
    match free.pop() {
        Some(place) => {
            many[place as usize] = rows;
            place
        }
        None => {
            many.push(rows);
            many.len() as u32 - 1
        }
    }
}
