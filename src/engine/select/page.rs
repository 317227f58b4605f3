//! The rows of one page of a sort, without sorting more than the page needs.
//!
//! A choice field is walked value by value, whole groups skipped by their counts; an ordered field gives a window of its order. Rows
//! with equal keys form a group, which the keys that follow order: the same steps again, on the group's rows alone.

use std::cmp::Ordering;

use super::sort::{By, Key, compare, few};
use crate::contact::{Catalog, Field};
use crate::index::{Among, Column, Found, Index, Order, Ranks, Row, RowSet};

/// Up to so many rows are simply sorted, whether the field's order is built or not: fewer where their texts may have to be compared.
const FEW: u64 = if cfg!(test) { 6 } else { 1024 };
const FEW_TEXTS: u64 = if cfg!(test) { 6 } else { 256 };
/// From so many values on, and up to so many rows, all values are counted at once rather than one by one.
const VALUES_MANY: usize = 64;
const COUNTED_MAX: u64 = 200_000;
/// Where one in so many rows of an order is asked for, or more, a look whether a row is costs next to nothing.
const DENSE: u64 = if cfg!(test) { 3 } else { 32 };

/// Pages of one index. Says how it found the first one.
pub(super) struct Pager<'a> {
    pub index: &'a Index,
    pub catalog: &'a Catalog,
    /// A field and the keys between which those of all rows lie that are asked for.
    pub between: Option<(Field, i64, i64)>,
    /// `walk lastMessageAt`, `values of status` …; of the outermost step.
    pub way: Option<String>,
}

/// Rows that stand together in an order.
struct Window<'a> {
    rows: &'a [Row],
    /// Whether there may be others before and after them.
    starts_within: bool,
    ends_within: bool,
}

impl Pager<'_> {
    /// Appends the rows of `among` at `skip..skip + take` of the order by the keys, then by id.
    ///
    /// # Errors
    /// The field whose order is needed and not built.
    pub fn page(
        &mut self,
        keys: &[Key],
        among: &RowSet,
        skip: usize,
        take: usize,
        out: &mut Vec<Row>,
    ) -> Result<(), Field> {
        let len = among.len();
        let take = take.min((len as usize).saturating_sub(skip));
        let Some((key, rest)) = keys.split_first() else {
            self.note("id", Field::Id);
            by_id(among, false, skip, take, out);
            return Ok(());
        };
        if take == 0 {
            return Ok(());
        }
        match key.by {
            By::Id => {
                self.note("id", Field::Id);
                by_id(among, key.descending, skip, take, out);
            }
            _ if len <= self.few_of(keys) => {
                self.note("compare", key.field);
                out.extend(few(self.index, keys, among, skip, take));
            }
            By::Code | By::Place(_) => self.by_value(key, rest, among, skip, take, out)?,
            By::Order => self.by_order(key, rest, among, skip, take, out)?,
        }
        Ok(())
    }

    /// Up to how many rows are simply sorted by the keys.
    fn few_of(&self, keys: &[Key]) -> u64 {
        let is_text = |key: &Key| matches!(key.by, By::Order) && self.index.column(key.field).is_none();
        if keys.iter().any(is_text) { FEW_TEXTS } else { FEW }
    }

    fn note(&mut self, way: &str, field: Field) {
        if self.way.is_none() {
            let name = field.name(self.catalog);
            self.way = Some(if field == Field::Id { way.to_owned() } else { format!("{way} {name}") });
        }
    }

    /// By a choice field: its values' rows in turn.
    fn by_value(
        &mut self,
        key: &Key,
        rest: &[Key],
        among: &RowSet,
        mut skip: usize,
        mut take: usize,
        out: &mut Vec<Row>,
    ) -> Result<(), Field> {
        self.note("values of", key.field);
        let Some(facet) = self.index.facet(key.field) else { return self.page(rest, among, skip, take, out) };
        let mut values: Vec<(u64, u32, &RowSet)> =
            facet.postings().map(|(code, rows)| (key.place(code), code, rows)).collect();
        values.sort_unstable_by_key(|(place, ..)| *place);
        if key.descending {
            values.reverse();
        }
        let is_counted = values.len() > VALUES_MANY && among.len() <= COUNTED_MAX;
        let counts = is_counted.then(|| self.index.count(key.field, &Among::new(among, self.index.alive())).of_codes);
        let count = |code: u32, rows: &RowSet| match &counts {
            Some(counts) => counts.binary_search_by_key(&code, |(code, _)| *code).map_or(0, |at| counts[at].1),
            None => rows.intersection_len(among),
        };
        let missing = |pager: &mut Self, skip: &mut usize, take: &mut usize, out: &mut Vec<Row>| {
            let group = among.minus(facet.present());
            pager.group(rest, group.len(), || group, skip, take, out)
        };
        if key.missing_first {
            missing(self, &mut skip, &mut take, out)?;
        }
        for (_, code, rows) in values {
            if take == 0 {
                return Ok(());
            }
            self.group(rest, count(code, rows), || rows.and(among), &mut skip, &mut take, out)?;
        }
        if !key.missing_first && take > 0 {
            missing(self, &mut skip, &mut take, out)?;
        }
        Ok(())
    }

    /// The part of a group that lies in the window: `skip` and `take` are what remains of it.
    fn group(
        &mut self,
        rest: &[Key],
        len: u64,
        rows: impl FnOnce() -> RowSet,
        skip: &mut usize,
        take: &mut usize,
        out: &mut Vec<Row>,
    ) -> Result<(), Field> {
        let len = len as usize;
        if len <= *skip {
            *skip -= len;
            return Ok(());
        }
        let here = (len - *skip).min(*take);
        self.page(rest, &rows(), *skip, here, out)?;
        (*skip, *take) = (0, *take - here);
        Ok(())
    }

    /// By an ordered field: a window of its order, then the rows without a value, or those first.
    fn by_order(
        &mut self,
        key: &Key,
        rest: &[Key],
        among: &RowSet,
        mut skip: usize,
        mut take: usize,
        out: &mut Vec<Row>,
    ) -> Result<(), Field> {
        let Some(order) = self.index.order(key.field) else {
            // Without a value to compare there is nothing to wait for.
            let valued = key.present(self.index).intersection_len(among);
            return if valued == 0 { self.page(rest, among, skip, take, out) } else { Err(key.field) };
        };
        if key.missing_first {
            let missing = among.minus(&key.present(self.index));
            self.group(rest, missing.len(), || missing, &mut skip, &mut take, out)?;
        }
        let between = self.between.filter(|(field, ..)| *field == key.field);
        let within = between.and_then(|(field, from, to)| self.index.positions(field, from, to));
        let within = within.unwrap_or(0..order.len());
        let span = self.index.column(key.field).map(|_| |rows: &[u64]| self.index.span(key.field, rows));
        let ranks = Ranks { skip, take, from_end: key.descending };
        let (rows, found) = order.window(among, ranks, within, span);
        self.note(if found == Found::Walk { "walk" } else { "gather" }, key.field);
        let window = Window { rows: &rows, starts_within: skip > 0, ends_within: rows.len() == take };
        self.settle(key, rest, order, among, &window, out)?;
        if !key.missing_first && rows.len() < take {
            let missing = among.minus(&key.present(self.index));
            let valued = (among.len() - missing.len()) as usize;
            let before = (skip + rows.len()).saturating_sub(valued);
            self.page(rest, &missing, before, take - rows.len(), out)?;
        }
        Ok(())
    }

    /// Puts the rows of equal keys in a window of an order, which has them by id in the window's direction, into their own order.
    fn settle(
        &mut self,
        key: &Key,
        rest: &[Key],
        order: &Order,
        among: &RowSet,
        window: &Window,
        out: &mut Vec<Row>,
    ) -> Result<(), Field> {
        if rest.is_empty() && !key.descending {
            out.extend(window.rows);
            return Ok(());
        }
        let index = self.index;
        let stands = stands(index, key.field);
        let mut from = 0;
        for len in equal_lens(index.column(key.field), &stands, window.rows) {
            let to = from + len;
            let run = &window.rows[from..to];
            // The groups at the ends of the window may have members outside it.
            let begins_before = window.starts_within && from == 0;
            let is_cut = begins_before || (window.ends_within && to == window.rows.len());
            let is_walked = is_cut && rest.is_empty() && among.len() * DENSE >= order.len() as u64;
            let group = if is_cut && !is_walked { whole_group(&stands, order, among, run) } else { None };
            match group {
                _ if is_walked => out.extend(part_of_group(&stands, order, among, run, begins_before)),
                Some(group) => {
                    let rank = group.rank(run[0]) as usize;
                    let before = if key.descending { group.len() as usize - rank } else { rank - 1 };
                    self.page(rest, &group, before, run.len(), out)?;
                }
                None if rest.is_empty() => out.extend(run.iter().rev()),
                None => {
                    let at = out.len();
                    out.extend(run);
                    out[at..].sort_unstable_by(|a, b| compare(index, rest, *a, *b));
                }
            }
            from = to;
        }
        Ok(())
    }
}

/// How many rows in turn have equal keys, of rows in a field's order. Numbers are all read before any are compared: so many wait for
/// memory at once.
fn equal_lens(column: Option<&Column>, stands: &impl Fn(Row, Row) -> Ordering, rows: &[Row]) -> Vec<usize> {
    let Some(column) = column else {
        return rows.chunk_by(|a, b| stands(*a, *b).is_eq()).map(<[Row]>::len).collect();
    };
    let numbers: Vec<Option<i64>> = rows.iter().map(|row| column.get(*row)).collect();
    numbers.chunk_by(|a, b| a == b).map(<[Option<i64>]>::len).collect()
}

/// How two rows stand by a field, which is looked up but once.
fn stands(index: &Index, field: Field) -> impl Fn(Row, Row) -> Ordering {
    let column = index.column(field);
    move |a, b| match column {
        Some(column) => column.get(a).cmp(&column.get(b)),
        None => index.compare(field, a, b),
    }
}

/// The rows of `among` with the run's key, where they are more than the run.
fn whole_group(stands: &impl Fn(Row, Row) -> Ordering, order: &Order, among: &RowSet, run: &[Row]) -> Option<RowSet> {
    let group = order.equal(|row| stands(row, run[0])).collect::<Vec<_>>().concat();
    if group.len() == run.len() {
        return None;
    }
    let mut group = RowSet::from_sorted(group);
    group &= among;
    (group.len() as usize > run.len()).then_some(group)
}

/// Of the rows of `among` with the run's key, by id, those in place of the run, whose ids descend. Where the window does not begin
/// amid them that is a few steps, however many they are.
fn part_of_group(
    stands: &impl Fn(Row, Row) -> Ordering,
    order: &Order,
    among: &RowSet,
    run: &[Row],
    begins_before: bool,
) -> Vec<Row> {
    let group: Vec<&[Row]> = order.equal(|row| stands(row, run[0])).collect();
    let rows = || group.iter().flat_map(|rows| rows.iter().copied());
    let before = match begins_before {
        true => rows().filter(|row| *row > run[0] && among.contains(*row)).count(),
        false => 0,
    };
    rows().filter(|row| among.contains(*row)).skip(before).take(run.len()).collect()
}

/// By id, either way.
fn by_id(among: &RowSet, descending: bool, skip: usize, take: usize, out: &mut Vec<Row>) {
    let left = (among.len() as usize).saturating_sub(skip);
    let take = take.min(left);
    let first = if descending { left - take } else { skip };
    let Some(row) = u32::try_from(first).ok().and_then(|first| among.nth(first)) else { return };
    let at = out.len();
    out.extend(among.from(row).take(take));
    if descending {
        out[at..].reverse();
    }
}
