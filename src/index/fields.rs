//! Which structure of the index serves which field, and what of a contact goes into it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::collation::Collation;
use super::phone::phone_key;
use super::{Column, Order, Row, TextColumn, number_key};
use crate::contact::{Contact, CustomFieldId, DataType, Field, Value};

/// Standard fields with one choice of few.
pub const CHOICES: [Field; 6] = [
    Field::CountryCode,
    Field::Language,
    Field::LastInteractedChannel,
    Field::Assignee,
    Field::Lifecycle,
    Field::Status,
];

/// Standard fields with a set.
pub const SETS: [Field; 3] = [Field::Tags, Field::Channels, Field::Source];

/// Standard fields with a number.
pub const NUMBERS: [Field; 7] = [
    Field::Phone,
    Field::ConversationOpenedAt,
    Field::LastMessageAt,
    Field::LastIncomingMessageAt,
    Field::LastInteractionAt,
    Field::CreatedAt,
    Field::UpdatedAt,
];

/// Standard fields with a text that is stored.
pub const TEXTS: [Field; 3] = [Field::FirstName, Field::LastName, Field::Email];

/// Orders that are there from the start; others are built when first asked for.
///
/// That of phones finds a number, and those that begin with some digits.
pub const EAGER_ORDERS: [Field; 4] = [Field::Name, Field::LastMessageAt, Field::CreatedAt, Field::Phone];

/// The structure of a custom field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    Facet,
    Column,
    Text,
}

/// The structure that serves custom fields of a type.
pub fn structure(data_type: DataType) -> Structure {
    match data_type {
        DataType::List | DataType::Checkbox => Structure::Facet,
        DataType::Number | DataType::Date | DataType::Time => Structure::Column,
        DataType::Text | DataType::Email | DataType::Url => Structure::Text,
    }
}

/// The contact's code in a facet.
pub fn code_of(contact: &Contact, field: Field) -> Option<u32> {
    match field {
        Field::CountryCode => contact.country_code.map(|country| u32::from(country.0)),
        Field::Language => contact.language.map(|language| u32::from(language.0)),
        Field::LastInteractedChannel => contact.last_interacted_channel.map(|channel| channel.0),
        Field::Assignee => contact.assignee.map(|user| user.0),
        Field::Lifecycle => contact.lifecycle.map(|stage| stage.0),
        Field::Status => Some(contact.status() as u32),
        Field::Custom(id) => match contact.custom(id)? {
            Value::Choice(choice) => Some(u32::from(*choice)),
            Value::Checkbox(checked) => Some(u32::from(*checked)),
            _ => None,
        },
        _ => None,
    }
}

/// The contact's number in a column.
pub fn number_of(contact: &Contact, field: Field) -> Option<i64> {
    match field {
        Field::Phone => contact.phone.as_ref().map(phone_key),
        Field::ConversationOpenedAt => contact.conversation_opened_at,
        Field::LastMessageAt => contact.last_message_at,
        Field::LastIncomingMessageAt => contact.last_incoming_message_at,
        Field::LastInteractionAt => contact.last_interaction_at,
        Field::CreatedAt => Some(contact.created_at),
        Field::UpdatedAt => Some(contact.updated_at),
        Field::Custom(id) => custom_number(contact, id),
        _ => None,
    }
}

fn custom_number(contact: &Contact, id: CustomFieldId) -> Option<i64> {
    match contact.custom(id)? {
        Value::Number(number) => Some(number_key(*number)),
        Value::Date(days) => Some(i64::from(*days)),
        Value::Time(minutes) => Some(i64::from(*minutes)),
        _ => None,
    }
}

/// The contact's text in a text column.
pub fn text_of(contact: &Contact, field: Field) -> Option<&str> {
    match field {
        Field::FirstName => contact.first_name.as_deref(),
        Field::LastName => contact.last_name.as_deref(),
        Field::Email => contact.email.as_deref(),
        Field::Custom(id) => match contact.custom(id)? {
            Value::Text(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// What orders read: the sort keys of rows.
pub struct Keys<'a> {
    pub columns: &'a BTreeMap<Field, Column>,
    pub texts: &'a BTreeMap<Field, TextColumn>,
    pub collation: &'a Collation,
    /// By row: the head of the full name's sort key, if the order of names is built.
    pub name_heads: &'a [u32],
}

impl<'a> Keys<'a> {
    /// The compare-folded text a row is sorted by; of `name` first and last name joined, which is the folded full name,
    /// because nothing composes with a space.
    pub fn text(&self, field: Field, row: Row) -> Option<Cow<'a, str>> {
        if field != Field::Name {
            return self.texts.get(&field)?.get(row).map(Cow::Borrowed);
        }
        let part = |field| self.texts.get(&field).and_then(|column| column.get(row));
        match (part(Field::FirstName), part(Field::LastName)) {
            (Some(first), Some(last)) => Some(Cow::Owned([first, " ", last].concat())),
            (first, last) => first.or(last).map(Cow::Borrowed),
        }
    }

    /// Whether two rows have the same text by its number, which says nothing where it is not so.
    fn same_text(&self, field: Field, a: Row, b: Row) -> bool {
        let same = |field| self.texts.get(&field).is_some_and(|column| column.number(a) == column.number(b));
        if field == Field::Name { same(Field::FirstName) && same(Field::LastName) } else { same(field) }
    }

    /// How two rows' texts stand by what is known of their sort keys, equal where that does not tell.
    fn by_heads(&self, field: Field, a: Row, b: Row) -> Ordering {
        let head = |row: Row| self.name_heads.get(row as usize).copied().unwrap_or(0);
        if field == Field::Name { head(a).cmp(&head(b)) } else { Ordering::Equal }
    }

    /// How two rows' keys stand to each other; `order` saves collating where both are in it.
    pub fn compare(&self, field: Field, a: Row, b: Row, order: Option<&Order>) -> Ordering {
        if let Some(column) = self.columns.get(&field) {
            return column.get(a).cmp(&column.get(b));
        }
        if field == Field::Id {
            return a.cmp(&b);
        }
        if self.same_text(field, a, b) {
            return Ordering::Equal;
        }
        if order.is_some() && self.by_heads(field, a, b).is_ne() {
            return self.by_heads(field, a, b);
        }
        match (self.text(field, a), self.text(field, b)) {
            (Some(text_a), Some(text_b)) if text_a == text_b => Ordering::Equal,
            (Some(text_a), Some(text_b)) => {
                // Different texts never are equal keys, so the order's word is that of the keys.
                let stand = order.and_then(|order| order.stand(a, b));
                stand.unwrap_or_else(|| self.collation.compare(&text_a, &text_b))
            }
            (text_a, text_b) => text_a.is_some().cmp(&text_b.is_some()),
        }
    }

    /// Puts a row that is not in the order at its place there, if it has a value.
    pub fn place(&self, order: &mut Order, field: Field, row: Row) {
        if let Some(column) = self.columns.get(&field) {
            if let Some(key) = column.get(row) {
                order.insert(row, |other| column.get(other).cmp(&Some(key)).then(other.cmp(&row)));
            }
        } else if let Some(text) = self.text(field, row) {
            order.insert(row, |other| {
                let by_heads = self.by_heads(field, other, row);
                if by_heads.is_ne() || self.same_text(field, other, row) {
                    return by_heads.then(other.cmp(&row));
                }
                let stands =
                    self.text(field, other).map_or(Ordering::Less, |other| self.collation.compare(&other, &text));
                stands.then(other.cmp(&row))
            });
        }
    }

    /// Sorts all rows with a value; not for names.
    pub fn build(&self, field: Field) -> Order {
        let column = self.columns.get(&field);
        if let Some(column) = column {
            let mut keyed = Vec::with_capacity(column.present().len() as usize);
            column.present().for_each(|row| keyed.extend(column.get(row).map(|key| (key, row))));
            keyed.sort_unstable();
            return Order::from_sorted(&keyed.into_iter().map(|(_, row)| row).collect::<Vec<_>>());
        }
        self.texts.get(&field).map(|texts| self.build_text(texts)).unwrap_or_default()
    }

    /// Sorts the distinct texts, then lists their rows.
    fn build_text(&self, texts: &TextColumn) -> Order {
        let text = |number, into: &mut String| into.push_str(texts.compare_text(number));
        let numbers = self.collation.sorted(texts.texts().map(|(number, ..)| number), text, |_, _| false, |_, _| {});
        let (mut rows, mut start, mut previous) = (Vec::new(), 0, None);
        for number in numbers {
            let text = texts.compare_text(number);
            let again = previous == Some(text);
            if !again {
                start = rows.len();
            }
            texts.for_each_row(number, |row| rows.push(row));
            if again {
                // The same compare-folded text under two numbers: their rows stand among each other.
                rows[start..].sort_unstable();
            }
            previous = Some(text);
        }
        Order::from_sorted(&rows)
    }

    /// Sorts all rows with a name; also gives the heads of their sort keys, by row.
    pub fn build_name(&self) -> (Order, Vec<u32>) {
        let part = |field| self.texts.get(&field).map(|column| column.present().clone()).unwrap_or_default();
        let mut present = part(Field::FirstName);
        present |= &part(Field::LastName);
        let mut heads = vec![0; present.max().map_or(0, |last| last as usize + 1)];
        let text = |row, into: &mut String| into.push_str(&self.text(Field::Name, row).unwrap_or_default());
        let same = |a, b| self.same_text(Field::Name, a, b);
        let rows = self.collation.sorted(present.iter(), text, same, |row, head| heads[row as usize] = head);
        (Order::from_sorted(&rows), heads)
    }

    /// The head of the row's full name.
    pub fn name_head(&self, row: Row) -> u32 {
        self.text(Field::Name, row).map_or(0, |name| self.collation.head(&name))
    }
}
