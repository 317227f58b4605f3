//! The order of the matches: a comparison of two contacts, key by key.

use std::cmp::Ordering;

use icu_collator::options::CollatorOptions;
use icu_collator::preferences::CollationNumericOrdering;
use icu_collator::{CollatorBorrowed, CollatorPreferences};
use icu_locale_core::Locale;
use rollcall::contact::{Contact, Field, Kind};
use rollcall::engine::{Query, Sort};

use super::Oracle;

/// A contact's value as a sort sees it.
enum Key {
    Number(f64),
    /// Compared byte by byte.
    Plain(String),
    /// Collated; the number tells equal texts of different things apart.
    Text(std::rc::Rc<str>, u32),
}

/// A match with its quality, where that orders, and its keys.
type Keyed<'c> = (Option<u8>, Vec<Option<Key>>, &'c Contact);

impl Oracle<'_> {
    /// Puts the matches in the query's order.
    pub fn sort(&self, query: &Query, matches: &mut Vec<&Contact>) {
        let newest = Sort { field: "lastMessageAt".into(), descending: true, missing_first: false };
        let sort = if query.sort.is_empty() { std::slice::from_ref(&newest) } else { query.sort.as_slice() };
        let search = query.search.as_deref().filter(|text| query.sort.is_empty() && !text.trim().is_empty());
        let field = |key: &Sort| Field::named(&key.field, self.catalog).expect("a field");
        let collator = collator(&self.catalog.workspace.locale);
        let mut keyed: Vec<Keyed> = matches
            .iter()
            .map(|contact| {
                let keys = sort.iter().map(|key| self.key(field(key), contact)).collect();
                (search.and_then(|text| self.quality(text, contact)), keys, *contact)
            })
            .collect();
        keyed.sort_by(|a, b| {
            let by_keys = a.1.iter().zip(&b.1).zip(sort).map(|((a, b), asked)| stand(asked, a, b, &collator));
            let first = by_keys.into_iter().find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal);
            a.0.cmp(&b.0).then(first).then(a.2.id.cmp(&b.2.id))
        });
        *matches = keyed.into_iter().map(|(_, _, contact)| contact).collect();
    }

    fn key(&self, field: Field, contact: &Contact) -> Option<Key> {
        let place = |place: Option<usize>| place.map(|place| Key::Number(place as f64));
        match (field, field.kind(self.catalog)) {
            (_, Kind::Text) => self.text(field, contact).map(|text| Key::Text(self.compared(&text), 0)),
            (Field::Phone, _) => contact.phone.as_ref().map(|phone| Key::Plain(phone.digits.to_string())),
            (Field::Status, _) => {
                place(["open", "closed", "snoozed", "blocked"].iter().position(|name| *name == contact.status().name()))
            }
            (Field::Lifecycle, _) => {
                let stage = contact.lifecycle?;
                place(self.catalog.stages_in_order().iter().position(|other| other.id == stage))
            }
            (Field::Assignee, _) => {
                let user = &self.catalog.users[&contact.assignee?];
                Some(Key::Text(self.compared(&user.full_name()), user.id.0))
            }
            (Field::CountryCode | Field::Language, _) => self.choice(field, contact).map(Key::Plain),
            (_, Kind::Duration) => {
                let at = self.ordered(field.counts_from()?, contact)?;
                Some(Key::Number(-at))
            }
            (_, Kind::Checkbox) => {
                self.choice(field, contact).map(|checked| Key::Number(f64::from(u8::from(checked == "true"))))
            }
            (_, Kind::Choice) => {
                self.choice(field, contact).map(|number| Key::Number(number.parse().expect("a number")))
            }
            _ => self.ordered(field, contact).map(Key::Number),
        }
    }
}

fn stand(asked: &Sort, a: &Option<Key>, b: &Option<Key>, collator: &CollatorBorrowed) -> Ordering {
    let missing = if asked.missing_first { Ordering::Less } else { Ordering::Greater };
    let (a, b) = match (a, b) {
        (Some(a), Some(b)) => (a, b),
        (None, None) => return Ordering::Equal,
        (None, Some(_)) => return missing,
        (Some(_), None) => return missing.reverse(),
    };
    let up = match (a, b) {
        (Key::Number(a), Key::Number(b)) => a.total_cmp(b),
        (Key::Plain(a), Key::Plain(b)) => a.cmp(b),
        (Key::Text(a, a_of), Key::Text(b, b_of)) => collator.compare(a, b).then_with(|| a.cmp(b)).then(a_of.cmp(b_of)),
        _ => unreachable!("one field, one kind of key"),
    };
    if asked.descending { up.reverse() } else { up }
}

fn collator(locale: &str) -> CollatorBorrowed<'static> {
    let mut preferences = CollatorPreferences::from(&locale.parse().unwrap_or(Locale::UNKNOWN));
    preferences.numeric_ordering = Some(CollationNumericOrdering::True);
    CollatorBorrowed::try_new(preferences, CollatorOptions::default()).expect("ICU has its data")
}
