//! One choice of few: posting lists.

use std::borrow::Cow;

use super::{Check, union};
use crate::contact::Field;
use crate::filter::View;
use crate::index::RowSet;

pub(super) fn rows<'a>(codes: &[u32], field: Field, view: View<'a>) -> Cow<'a, RowSet> {
    match view.index.facet(field) {
        Some(facet) => union(codes.iter().map(|&code| facet.rows(code))),
        None => Cow::Owned(RowSet::new()),
    }
}

pub(super) fn check<'a>(codes: &'a [u32], field: Field, view: View<'a>) -> Check<'a> {
    match view.index.facet(field) {
        Some(facet) => Box::new(move |row| facet.get(row).is_some_and(|code| codes.binary_search(&code).is_ok())),
        None => Box::new(|_| false),
    }
}

/// Exact: a row has one choice only.
pub(super) fn count(codes: &[u32], field: Field, view: View) -> u64 {
    view.index.facet(field).map_or(0, |facet| codes.iter().map(|&code| facet.rows(code).len()).sum())
}
