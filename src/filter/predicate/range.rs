//! Ranges of keys: a slice of the field's order where it is built and the slice is short, else a scan of the column.

use std::borrow::Cow;
use std::ops::Range;

use super::{Check, present};
use crate::contact::Field;
use crate::filter::{View, Way};
use crate::index::{Row, RowSet};

/// A slice up to one part in so many of its order is read from it, or left out of it when it is all but that.
const SLICE_PART: usize = 16;
/// Rows of a scan in the unit of costs: a scan looks at many at once.
const SCANNED: u64 = 4;

pub(super) fn rows<'a>(from: i64, to: i64, field: Field, view: View<'a>) -> (Cow<'a, RowSet>, Way) {
    if field == Field::Id {
        return ids(from, to, view.index.alive());
    }
    let Some(column) = view.index.column(field) else { return (Cow::Owned(RowSet::new()), Way::Constant) };
    let (Some(order), Some(Range { start, end })) = (view.index.order(field), view.index.positions(field, from, to))
    else {
        return (Cow::Owned(column.scan(from..=to)), Way::ColumnScan);
    };
    let (inside, all) = (end - start, order.len());
    if inside == all {
        (present(field, view), Way::Bitmap)
    } else if inside <= all / SLICE_PART {
        (Cow::Owned(order.slice(start, end)), Way::OrderSlice)
    } else if all - inside <= all / SLICE_PART {
        let mut rows = present(field, view).into_owned();
        rows -= &order.slice(0, start);
        rows -= &order.slice(end, all);
        (Cow::Owned(rows), Way::OrderSlice)
    } else {
        (Cow::Owned(column.scan(from..=to)), Way::ColumnScan)
    }
}

/// Ids are rows; the range is cut to the ids in use, for a set of all ids there could be is large.
fn ids(from: i64, to: i64, alive: &RowSet) -> (Cow<'_, RowSet>, Way) {
    let nothing = || (Cow::Owned(RowSet::new()), Way::Constant);
    let (Some(least), Some(most)) = (alive.min(), alive.max()) else { return nothing() };
    let (first, last) = (from.max(i64::from(least)), to.min(i64::from(most)));
    let (Ok(first), Ok(last)) = (Row::try_from(first), Row::try_from(last)) else { return nothing() };
    match first > last {
        true => nothing(),
        false if (first, last) == (least, most) => (Cow::Borrowed(alive), Way::Constant),
        false => (Cow::Owned(RowSet::from_range(first..=last).and(alive)), Way::OrderSlice),
    }
}

pub(super) fn check<'a>(from: i64, to: i64, field: Field, view: View<'a>) -> Check<'a> {
    if field == Field::Id {
        return Box::new(move |row| (from..=to).contains(&i64::from(row)));
    }
    match view.index.column(field) {
        Some(column) => Box::new(move |row| column.get(row).is_some_and(|key| (from..=to).contains(&key))),
        None => Box::new(|_| false),
    }
}

/// The rows to be read: those of a slice, or all.
pub(super) fn cost(from: i64, to: i64, field: Field, view: View) -> u64 {
    let all = view.index.alive().len();
    if field == Field::Id {
        return 0;
    }
    match count(from, to, field, view) {
        Some(inside) if inside <= all / SLICE_PART as u64 => inside * SCANNED,
        _ => all / SCANNED,
    }
}

/// Exact where there is an order, or for ids; `None` where only a scan can tell.
pub(super) fn count(from: i64, to: i64, field: Field, view: View) -> Option<u64> {
    if field == Field::Id {
        let alive = view.index.alive();
        let up_to = |id: i64| if id < 0 { 0 } else { alive.rank(Row::try_from(id).unwrap_or(Row::MAX)) };
        return Some(up_to(to).saturating_sub(up_to(from.saturating_sub(1))));
    }
    Some(view.index.positions(field, from, to)?.len() as u64)
}
