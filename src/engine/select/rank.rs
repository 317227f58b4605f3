//! The rows of a page by quality of match: class after class, each by last message, and only as far as the page reaches.

use std::borrow::Cow;

use super::page::Pager;
use super::sort::{Head, Key, compare, head};
use crate::contact::Field;
use crate::filter::search::{CLASSES, Ranking};
use crate::index::{Row, RowSet};

/// Up to so many rows are read and sorted as they are.
const FEW: u64 = if cfg!(test) { 6 } else { 256 };
/// Up to so many rows that may be of a class are all read, to know how many are.
const READ_MAX: u64 = if cfg!(test) { 8 } else { 8_192 };
/// So many rows, newest first, are read in the hope to find a page's worth of a class, before all are read.
const TRIED_MAX: usize = if cfg!(test) { 12 } else { 16_384 };

/// Appends the matches at `skip..skip + take`: by class, then by the keys, then by id.
///
/// # Errors
/// The field whose order is needed and not built.
pub(super) fn page(
    ranking: &mut Ranking,
    pager: &mut Pager,
    keys: &[Key],
    matches: &RowSet,
    mut skip: usize,
    mut take: usize,
    out: &mut Vec<Row>,
) -> Result<(), Field> {
    pager.way = Some("rank".into());
    let mut left = Cow::Borrowed(matches);
    for class in 0..CLASSES {
        if take == 0 || left.is_empty() {
            return Ok(());
        }
        if left.len() <= FEW {
            out.extend(few(ranking, pager, keys, &left, skip, take));
            return Ok(());
        }
        let bound = ranking.bound(class, &left);
        let mut rows = bound.rows;
        if !bound.exact {
            if rows.len() > READ_MAX {
                let found = newest(ranking, pager, keys, &rows, class, skip + take)?;
                if found.len() == skip + take {
                    out.extend(&found[skip..]);
                    return Ok(());
                }
            }
            rows.retain(|row| ranking.class(row).is_some_and(|of_row| of_row <= class));
        }
        let len = rows.len() as usize;
        let here = len.saturating_sub(skip).min(take);
        if here > 0 {
            pager.page(keys, &rows, skip, here, out)?;
        }
        (skip, take) = (skip.saturating_sub(len), take - here);
        if len > 0 && take > 0 {
            left = Cow::Owned(left.minus(&rows));
        }
    }
    Ok(())
}

/// The first `wanted` rows of the class in the order of the keys, or fewer where they are not among the first few thousand rows.
fn newest(
    ranking: &Ranking,
    pager: &mut Pager,
    keys: &[Key],
    rows: &RowSet,
    class: usize,
    wanted: usize,
) -> Result<Vec<Row>, Field> {
    let (mut found, mut batch) = (Vec::with_capacity(wanted), Vec::new());
    let (mut from, mut size) = (0, wanted.next_power_of_two() * 2);
    while from < TRIED_MAX && (from as u64) < rows.len() {
        batch.clear();
        pager.page(keys, rows, from, size, &mut batch)?;
        let of_class = |row: &Row| ranking.class(*row).is_some_and(|of_row| of_row <= class);
        found.extend(batch.iter().copied().filter(of_class).take(wanted - found.len()));
        if found.len() == wanted {
            break;
        }
        (from, size) = (from + size, size * 2);
    }
    Ok(found)
}

/// The same by reading every row.
fn few(ranking: &Ranking, pager: &Pager, keys: &[Key], rows: &RowSet, skip: usize, take: usize) -> Vec<Row> {
    let head = head(pager.index, keys);
    let classed = rows.iter().map(|row| (ranking.class(row).unwrap_or(CLASSES), head(row), row));
    let mut classed: Vec<(usize, Head, Row)> = classed.collect();
    classed.sort_unstable_by(|(class_a, head_a, a), (class_b, head_b, b)| {
        (class_a, head_a).cmp(&(class_b, head_b)).then_with(|| compare(pager.index, keys, *a, *b))
    });
    classed.into_iter().skip(skip).take(take).map(|(.., row)| row).collect()
}
