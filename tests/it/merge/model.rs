//! Random creating, changing, deleting, merging, giving back and restarting, against a model as plain as can be.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, RngExt};
use rollcall::engine::SharedBy;

use super::*;
use crate::support::seed;

/// A contact of the model, and what it took in.
#[derive(Clone)]
struct Person {
    contact: Contact,
    /// Texts of its own history.
    own: Vec<(Millis, String)>,
    took_in: Vec<Person>,
}

impl Person {
    fn ids(&self) -> Vec<u32> {
        self.everyone().iter().map(|person| person.contact.id.0).collect()
    }

    fn everyone(&self) -> Vec<&Person> {
        std::iter::once(self).chain(self.took_in.iter().flat_map(Person::everyone)).collect()
    }

    fn emails(&self) -> BTreeSet<String> {
        self.everyone().iter().filter_map(|person| person.contact.email.as_deref().map(fold::compare)).collect()
    }

    fn phones(&self) -> BTreeSet<u64> {
        self.everyone().iter().filter_map(|person| person.contact.phone.as_ref().map(|phone| phone.digits)).collect()
    }

    /// Newest first, as far as times tell.
    fn history(&self) -> Vec<String> {
        let mut all: Vec<(Millis, String)> = self.everyone().iter().flat_map(|person| person.own.clone()).collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        all.into_iter().map(|(_, text)| text).collect()
    }
}

struct Game {
    engine: Arc<Engine>,
    actor: Actor,
    people: BTreeMap<u32, Person>,
    last: u32,
    times: Millis,
}

fn values(rng: &mut impl Rng) -> Map<String, Json> {
    let mut values = fields(json!({"firstName": format!("N{}", rng.random_range(0..9))}));
    if rng.random_bool(0.7) {
        values.insert("email".into(), format!("E{}@x.org", rng.random_range(0..12)).into());
    } else if rng.random_bool(0.3) {
        values.insert("email".into(), Json::Null);
    }
    if rng.random_bool(0.5) {
        values.insert("phone".into(), format!("+6012345670{}", rng.random_range(0..9)).into());
    }
    values
}

impl Game {
    fn pick(&self, rng: &mut impl Rng) -> u32 {
        let ids: Vec<u32> = self.people.values().flat_map(Person::ids).collect();
        ids.get(rng.random_range(0..ids.len().max(1))).copied().unwrap_or(1)
    }

    /// Whom an id leads to.
    fn holder(&self, id: u32) -> Option<u32> {
        self.people.values().find(|person| person.ids().contains(&id)).map(|person| person.contact.id.0)
    }

    fn step(&mut self, rng: &mut impl Rng) {
        let (engine, actor) = (self.engine.clone(), self.actor.clone());
        let who = self.pick(rng);
        match rng.random_range(0..12) {
            0..=2 => {
                let made =
                    engine.create_many(&actor, &[values(rng)], false, rng.random_bool(0.5)).expect("a batch").value;
                if let Some(Ok(made)) = made.into_iter().next() {
                    self.last = self.last.max(made.0);
                    let contact = (*engine.contact(actor.workspace, &id(made.0), None).expect("there").value).clone();
                    self.people.insert(made.0, Person { contact, own: Vec::new(), took_in: Vec::new() });
                }
            }
            3 | 4 => {
                let changed = engine.update_contact(&actor, &id(who), &values(rng));
                if let (Ok(changed), Some(holder)) = (changed, self.holder(who)) {
                    self.people.get_mut(&holder).expect("it holds").contact = (*changed.value).clone();
                }
            }
            5 => {
                let gone = engine.delete_contact(&actor, &id(who));
                assert_eq!(gone.ok().map(|gone| gone.value.0), self.holder(who));
                self.holder(who).map(|holder| self.people.remove(&holder));
            }
            6 | 7 => self.record(who),
            8..=9 => self.merge(who, self.pick(rng)),
            _ => self.unmerge(who),
        }
    }

    fn record(&mut self, who: u32) {
        let Some(holder) = self.holder(who) else { return };
        self.times += 1;
        // Not in order of time, each at a time of its own.
        let (at, text) = (self.times * 7919 % 10_007, format!("t{}", self.times));
        comment(&self.engine, &self.actor, who, at, &text);
        let contact = self.engine.contact(self.actor.workspace, &id(who), None).expect("there").value;
        let person = self.people.get_mut(&holder).expect("it holds");
        person.own.push((at, text));
        person.contact = (*contact).clone();
    }

    fn merge(&mut self, primary: u32, secondary: u32) {
        let merged = self.engine.merge(&self.actor, &id(primary), &id(secondary), &Map::new());
        let (Some(one), Some(two)) = (self.holder(primary), self.holder(secondary)) else {
            return drop(merged.expect_err("one is absent"));
        };
        if one == two {
            return drop(merged.expect_err("both are one"));
        }
        let merged = merged.expect("merged").value;
        let second = self.people.remove(&two).expect("it holds");
        let first = self.people.get_mut(&one).expect("it holds");
        first.took_in.push(second);
        first.contact = (*merged).clone();
    }

    fn unmerge(&mut self, secondary: u32) {
        let done = self.engine.unmerge(&self.actor, &id(secondary), ContactId(secondary));
        let Some(holder) = self.holder(secondary) else { return drop(done.expect_err("it is absent")) };
        let person = self.people.get_mut(&holder).expect("it holds");
        let Some(place) = person.took_in.iter().position(|other| other.contact.id.0 == secondary) else {
            return drop(done.expect_err("it is not merged straight into it"));
        };
        let done = done.expect("given back").value;
        let back = person.took_in.remove(place);
        assert!(same(&done.secondary, &back.contact), "contact {secondary} came back otherwise");
        person.contact = (*done.primary).clone();
        self.people.insert(secondary, Person { contact: (*done.secondary).clone(), ..back });
    }

    fn check(&self) {
        let (engine, actor) = (&self.engine, &self.actor);
        for who in 1..=self.last {
            assert_eq!(leads_to(engine, actor, &id(who)), self.holder(who), "id {who}");
        }
        let lowest =
            |holds: &dyn Fn(&Person) -> bool| self.people.iter().find(|(_, person)| holds(person)).map(|(id, _)| *id);
        for number in 0..12 {
            let name = format!("e{number}@x.org");
            let expected = lowest(&|person| person.emails().contains(&name));
            assert_eq!(leads_to(engine, actor, &email(&name)), expected, "{name}");
        }
        for digits in 60_123_456_700..60_123_456_709 {
            let expected = lowest(&|person| person.phones().contains(&digits));
            assert_eq!(leads_to(engine, actor, &Identifier::Phone(digits)), expected, "{digits}");
        }
        for (who, person) in &self.people {
            assert_eq!(history(engine, actor, *who, 3), person.history(), "the history of {who}");
        }
        self.check_suggestions();
    }

    fn check_suggestions(&self) {
        let mut groups: BTreeMap<(SharedBy, String), Vec<u32>> = BTreeMap::new();
        for (id, person) in &self.people {
            let email = person.contact.email.as_deref().map(|email| (SharedBy::Email, fold::compare(email)));
            let phone = person.contact.phone.as_ref().map(|phone| (SharedBy::Phone, phone.e164()));
            email.into_iter().chain(phone).for_each(|key| groups.entry(key).or_default().push(*id));
        }
        let groups = groups.into_iter().filter(|(_, ids)| ids.len() > 1);
        let mut expected: Vec<_> = groups.map(|((by, value), ids)| (ids[0], by, value, ids)).collect();
        expected.sort_unstable();
        let page = self.engine.merge_suggestions(self.actor.workspace, None, 0, 500, None).expect("suggestions");
        assert_eq!(page.total as usize, expected.len());
        let found = page.groups.into_iter().map(|group| {
            let ids: Vec<u32> = group.contacts.iter().map(|contact| contact.id.0).collect();
            assert_eq!(ids.len() as u64, group.count.min(10));
            (ids[0], group.by, group.value, ids)
        });
        for (found, expected) in found.zip(expected) {
            assert_eq!(found, (expected.0, expected.1, expected.2, expected.3.into_iter().take(10).collect()));
        }
    }
}

#[test]
fn random_merges_lead_where_a_plain_model_says() {
    let mut rng = seed::rng("merges");
    for _ in 0..seed::rounds("ROLLCALL_MERGE_ROUNDS", 6) {
        let (store, folder) = (Arc::new(MemoryStore::default()), tempfile::tempdir().expect("a folder"));
        let engine = open(store.clone(), Some(folder.path()));
        let actor = Actor::operator(api::workspace(&engine, "one"));
        let mut game = Game { engine, actor, people: BTreeMap::new(), last: 0, times: 0 };
        for step in 0..400 {
            game.step(&mut rng);
            if step % 10 == 0 {
                game.check();
            }
            if step % 80 == 79 {
                game.engine.close().expect("closes");
                game.engine = open(store.clone(), Some(folder.path()));
                game.check();
                sound(&game.engine, &game.actor);
            }
        }
        let mut file = Vec::new();
        game.engine.backup(&mut file).expect("a backup");
        let restored: Arc<dyn Store> = Arc::new(MemoryStore::default());
        restore(&restored, &mut file.as_slice()).expect("restored");
        game.engine = open(restored, None);
        game.check();
        sound(&game.engine, &game.actor);
        // What was restored can be given back still.
        let merged: Vec<u32> =
            game.people.values().flat_map(|person| person.took_in.iter().map(|other| other.contact.id.0)).collect();
        merged.into_iter().for_each(|id| game.unmerge(id));
        game.check();
        sound(&game.engine, &game.actor);
    }
}
