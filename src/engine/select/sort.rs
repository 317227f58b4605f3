//! Sort keys, and how two rows stand to each other by them.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::contact::{Field, Kind, UserId, fold};
use crate::filter::View;
use crate::index::{Column, Facet, Index, Row, RowSet};

/// One key of a sort, resolved.
pub(super) struct Key {
    pub field: Field,
    pub descending: bool,
    pub missing_first: bool,
    pub by: By,
}

/// What a key sorts by.
pub(super) enum By {
    /// The id: the row itself.
    Id,
    /// The codes of a choice field as they are: declared orders of statuses and lists, letters of countries and languages, channel
    /// ids, false before true.
    Code,
    /// The codes of a choice field by the place given here: stages in their order, users by name.
    Place(HashMap<u32, u32>),
    /// The field's order in the index.
    Order,
}

impl Key {
    /// The key of a sortable field.
    pub fn new(field: Field, descending: bool, missing_first: bool, view: View) -> Key {
        let catalog = view.catalog;
        let places = |codes: Vec<u32>| By::Place(codes.into_iter().zip(0..).collect());
        let by = match (field, field.kind(catalog)) {
            (Field::Id, _) => By::Id,
            (Field::Lifecycle, _) => places(catalog.stages_in_order().into_iter().map(|stage| stage.id.0).collect()),
            (Field::Assignee, _) => places(users_by_name(view)),
            (_, Kind::Choice | Kind::Checkbox) => By::Code,
            _ => By::Order,
        };
        Key { field, descending, missing_first, by }
    }

    /// A number that orders the code among the others of the field; a code the workspace does not know comes last.
    pub fn place(&self, code: u32) -> u64 {
        match &self.by {
            By::Place(places) => places.get(&code).map_or(1 << 32 | u64::from(code), |&place| u64::from(place)),
            _ => u64::from(code),
        }
    }

    /// The rows with a value.
    pub fn present(&self, index: &Index) -> RowSet {
        index.present(self.field)
    }
}

/// The users by full name in the workspace's collation, those of the same name by id.
fn users_by_name(view: View) -> Vec<u32> {
    let users = &view.catalog.users;
    let name = |user: u32, into: &mut String| {
        into.push_str(&users.get(&UserId(user)).map_or_else(String::new, |user| fold::compare(&user.full_name())));
    };
    view.index.collation().sorted(users.keys().map(|user| user.0), name, |_, _| false, |_, _| ())
}

/// What a row stands by at a key: whether it has a value there, and that value where it is a number.
pub(super) type Head = (u8, i64);

/// Where the values of a key are.
#[derive(Clone, Copy)]
enum Values<'a> {
    Id,
    Codes(Option<Facet<'a>>),
    Numbers(&'a Column),
    Texts,
}

impl Key {
    fn values<'a>(&self, index: &'a Index) -> Values<'a> {
        match self.by {
            By::Id => Values::Id,
            By::Code | By::Place(_) => Values::Codes(index.facet(self.field)),
            By::Order => index.column(self.field).map_or(Values::Texts, Values::Numbers),
        }
    }
}

fn head_by(index: &Index, key: &Key, values: Values, row: Row) -> Head {
    let value = match values {
        Values::Id => Some(row.into()),
        Values::Codes(facet) => facet.and_then(|facet| facet.get(row)).map(|code| key.place(code) as i64),
        Values::Numbers(column) => column.get(row),
        Values::Texts => has_text(index, key.field, row).then_some(0),
    };
    match value {
        Some(value) => (1, if key.descending { !value } else { value }),
        None => (if key.missing_first { 0 } else { 2 }, 0),
    }
}

/// How two rows stand by the keys, then by id.
pub(super) fn compare(index: &Index, keys: &[Key], a: Row, b: Row) -> Ordering {
    let by_key = |key: &Key| {
        let values = key.values(index);
        let (head_a, head_b) = (head_by(index, key, values, a), head_by(index, key, values, b));
        match key.by {
            By::Order if head_a == head_b && head_a.0 == 1 => {
                let stand = index.compare(key.field, a, b);
                if key.descending { stand.reverse() } else { stand }
            }
            _ => head_a.cmp(&head_b),
        }
    };
    keys.iter().map(by_key).find(|ordering| ordering.is_ne()).unwrap_or_else(|| a.cmp(&b))
}

/// Whether the row has a text in a field that is ordered by texts.
fn has_text(index: &Index, field: Field, row: Row) -> bool {
    match field {
        Field::Name => has_text(index, Field::FirstName, row) || has_text(index, Field::LastName, row),
        _ => index.text(field).is_some_and(|text| text.has(row)),
    }
}

/// What rows stand by before all else, to be read once: comparing would read it time and again. Where it is equal, [`compare`] tells.
pub(super) fn head<'a>(index: &'a Index, keys: &'a [Key]) -> impl Fn(Row) -> Head + 'a {
    let first = keys.first().map(|key| (key, key.values(index)));
    move |row| first.map_or((0, 0), |(key, values)| head_by(index, key, values, row))
}

/// The rows in order, of which only those at `skip..skip + take` are wanted.
pub(super) fn few(index: &Index, keys: &[Key], among: &RowSet, skip: usize, take: usize) -> Vec<Row> {
    let head = head(index, keys);
    let mut rows: Vec<(Head, Row)> = Vec::with_capacity(among.len() as usize);
    among.for_each(|row| rows.push((head(row), row)));
    let by_keys = |(head_a, a): &(Head, Row), (head_b, b): &(Head, Row)| {
        head_a.cmp(head_b).then_with(|| compare(index, keys, *a, *b))
    };
    let end = rows.len().min(skip + take);
    if end < rows.len() && end > 0 {
        rows.select_nth_unstable_by(end - 1, by_keys);
    }
    rows.truncate(end);
    rows.sort_unstable_by(by_keys);
    rows.into_iter().skip(skip).map(|(_, row)| row).collect()
}
