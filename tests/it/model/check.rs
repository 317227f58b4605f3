//! The whole state compared: every contact as it shows, who is found by what, histories, and a few queries.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rollcall::contact::identity::Identifier;
use rollcall::contact::{Catalog, Contact, ContactId, render};
use rollcall::engine::{Error, Query, Sort};
use serde_json::{Map, Value as Json};

use super::action::Who;
use super::live::{self, Live};
use super::person::{Key, Person};
use super::values;
use super::world::Model;

/// How long something that happens by itself is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Compares the engine with the model; the first difference in words.
///
/// # Errors
/// What differs.
pub fn state(live: &Live, model: &Model, thorough: bool, rng: &mut ChaCha8Rng) -> Result<(), String> {
    contacts(live, model)?;
    names(live, model)?;
    let ids: Vec<u32> = model.people.keys().copied().collect();
    let some =
        if thorough || ids.is_empty() { ids } else { vec![ids[rng.random_range(0..ids.len())], ids[ids.len() - 1]] };
    some.iter().try_for_each(|id| history(live, &model.people[id]))?;
    super::jobs::compare(live, model)?;
    super::segments::counts(live, model)?;
    (0..2).try_for_each(|_| super::ask::one(live, model, rng))?;
    if thorough {
        let report = live.engine().verify(live.ws()).map_err(|error| error.to_string())?;
        if !report.problems.is_empty() || report.contacts as usize != model.people.len() {
            return Err(format!("verify: {} contacts, {:?}", report.contacts, report.problems));
        }
    }
    Ok(())
}

/// Every contact, as it shows.
fn contacts(live: &Live, model: &Model) -> Result<(), String> {
    let by_id = Sort { field: "id".into(), descending: false, missing_first: false };
    let mut expected = model.people.values();
    for page in 0.. {
        let query = Query { sort: vec![by_id.clone()], offset: page * 100, limit: Some(100), ..Query::default() };
        let page = live.engine().search(&live.actor, &query).map_err(|error| error.to_string())?;
        if page.total as usize != model.people.len() || page.version < live.version {
            let known = model.people.len();
            return Err(format!(
                "{} contacts at {}; the model has {known} at {}",
                page.total, page.version, live.version
            ));
        }
        for contact in &page.contacts {
            let person = expected.next().ok_or("a contact more than the model has")?;
            same(contact, &page.catalog, person, model)?;
        }
        if page.contacts.len() < 100 {
            return expected.next().map_or(Ok(()), |person| Err(format!("contact {} is not listed", person.id)));
        }
    }
    Ok(())
}

/// One contact, member by member.
pub fn same(contact: &Contact, catalog: &Catalog, person: &Person, model: &Model) -> Result<(), String> {
    let mut there = render::contact(contact, catalog);
    there.remove("version");
    let expected = person.shown(model);
    if there == expected {
        return Ok(());
    }
    Err(format!("contact {}: {}", person.id, difference(&there, &expected)))
}

fn difference(there: &Map<String, Json>, expected: &Map<String, Json>) -> String {
    let names: BTreeSet<&String> = there.keys().chain(expected.keys()).collect();
    let differs = |name: &&&String| there.get(**name) != expected.get(**name);
    let said = |name: &String| {
        let (there, expected) = (there.get(name), expected.get(name));
        let shown = |value: Option<&Json>| value.map_or("absent".to_owned(), Json::to_string);
        format!("{name} is {}, by the model {}", shown(there), shown(expected))
    };
    names.iter().filter(differs).map(|name| said(name)).collect::<Vec<_>>().join("; ")
}

/// Who is found by every id, e-mail and phone there could be.
fn names(live: &Live, model: &Model) -> Result<(), String> {
    let ids = (1..=model.last_id + 1).map(|id| (Who::Id(id), Key::Id(id)));
    let emails = values::EMAILS.iter().map(|email| (Who::Email((*email).into()), Key::Email(email.to_lowercase())));
    let phones = values::PHONES.iter().map(|row| (Who::Phone(row.0.into()), Key::Phone(row.1.into())));
    for (who, key) in ids.chain(emails).chain(phones) {
        let found = match live.engine().contact(live.ws(), &live::named(&who), None) {
            Ok(found) => Some(found.value.id.0),
            Err(Error::NotFound { .. }) => None,
            Err(other) => return Err(format!("{who:?}: {other}")),
        };
        let expected = model.first_holder(&key);
        if found != expected {
            return Err(format!("by {who:?} one finds {found:?}, by the model {expected:?}"));
        }
    }
    Ok(())
}

/// The history of one contact, newest first, by pages.
fn history(live: &Live, person: &Person) -> Result<(), String> {
    let who = Identifier::Id(ContactId(person.id));
    let expected = person.newest_first();
    let (mut before, mut place, mut last) = (None, 0, None);
    loop {
        let page = live.engine().history(live.ws(), &who, before, 3).map_err(|error| error.to_string())?;
        for (number, entry) in &page {
            let there = (
                live::kind_name(entry.kind),
                entry.at,
                entry.channel.map(|id| id.0),
                entry.author.map(|id| id.0),
                entry.text.clone(),
            );
            let known = expected.get(place).map(|e| (e.kind, e.at, e.channel, e.author, e.text.clone()));
            if known.as_ref() != Some(&there) {
                return Err(format!("history of {}, place {place}: {there:?}, by the model {known:?}", person.id));
            }
            if last.is_some_and(|last| last <= (entry.at, *number)) {
                return Err(format!("history of {}, place {place}: not newest first", person.id));
            }
            (before, last) = (Some((entry.at, *number)), Some((entry.at, *number)));
            place += 1;
        }
        if page.len() < 3 {
            break;
        }
    }
    if place < expected.len() {
        return Err(format!("history of {}: {place} entries, by the model {}", person.id, expected.len()));
    }
    Ok(())
}

/// Waits until `there` is so.
///
/// # Errors
/// That it did not come.
pub fn until(what: &str, mut there: impl FnMut() -> Result<bool, String>) -> Result<(), String> {
    let begun = Instant::now();
    while !there()? {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{what} did not come"));
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    Ok(())
}
