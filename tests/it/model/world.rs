//! The model of a workspace: plain maps, and the rules of what may be done to them, written from the specification and
//! without a line of the engine.

use std::collections::{BTreeMap, BTreeSet};

use super::action::{Action, Refusal, Step, Told, Who};
use super::jobs::Job;
use super::merge::Merging;
use super::person::{Key, Person, Talk};
use super::segments::Segment;
use super::{many, values};

/// How long an idempotency key is remembered.
const KEY_KEPT: i64 = 86_400_000;

/// Result of a step of the model.
pub type Done<T = Told> = Result<T, Refusal>;

#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    pub name: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub name: String,
    pub position: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub slug: String,
    pub name: String,
    pub kind: &'static str,
    pub choices: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub first_name: String,
    pub last_name: Option<String>,
    pub email: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    pub name: String,
    pub source: String,
}

/// What was done under an idempotency key.
#[derive(Clone, Debug, PartialEq)]
pub struct Used {
    pub action: Action,
    pub at: i64,
    pub told: Told,
}

/// A workspace. Tags, stages and fields go by serials that ascend in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    pub now: i64,
    pub people: BTreeMap<u32, Person>,
    pub last_id: u32,
    /// Who acts.
    pub me: Option<u32>,
    pub serial: u64,
    pub tags: BTreeMap<u64, Tag>,
    pub stages: BTreeMap<u64, Stage>,
    pub fields: BTreeMap<u64, Field>,
    pub users: BTreeMap<u32, User>,
    pub channels: BTreeMap<u32, Channel>,
    pub keys: BTreeMap<u64, Used>,
    /// By the contact that went.
    pub merges: BTreeMap<u32, Merging>,
    /// Whoever was merged, before it.
    pub ghosts: Vec<Person>,
    /// Contacts of which the model cannot tell every field any more: an earlier of several merges into them was undone.
    pub unsure: BTreeSet<u32>,
    pub segments: BTreeMap<u64, Segment>,
    pub jobs: BTreeMap<u32, Job>,
    pub jobs_made: u32,
}

impl Model {
    /// What the step does and answers. A refused one changes nothing.
    pub fn step(&mut self, step: &Step) -> Done {
        if matches!(&step.action, Action::Many(who, _) if who.len() > many::NAMED_MAX) {
            return Err(Refusal::Limit);
        }
        if let Action::Prepare(filter, deed) = &step.action {
            // It is read before its key is looked for.
            self.clone().prepare(filter, deed)?;
        }
        if let Some(used) = step.key.and_then(|key| self.remembered(key)) {
            return match used.action == step.action {
                true => self.again(&used.told),
                false => Err(Refusal::KeyReused),
            };
        }
        let mut next = self.clone();
        let told = next.act(&step.action)?;
        if let Some(key) = step.key {
            next.keys.insert(key, Used { action: step.action.clone(), at: next.now, told: told.clone() });
        }
        *self = next;
        Ok(told)
    }

    /// Whether the step repeats what was done before, so that it does nothing.
    pub fn repeats(&self, step: &Step) -> bool {
        step.key.is_some_and(|key| self.remembered(key).is_some())
    }

    fn remembered(&self, key: u64) -> Option<&Used> {
        self.keys.get(&key).filter(|used| used.at > self.now - KEY_KEPT)
    }

    /// What a repeat answers: the contact as it is by now.
    fn again(&self, told: &Told) -> Done {
        match told {
            Told::Contact(id) => self.found(&Who::Id(*id)).map(Told::Contact),
            Told::Stored(id) => self.found(&Who::Id(*id)).map(Told::Stored),
            Told::Unmerged(primary, secondary) => {
                Ok(Told::Unmerged(self.found(&Who::Id(*primary))?, self.found(&Who::Id(*secondary))?))
            }
            Told::Receipt(number, _) if !self.jobs.contains_key(number) => Err(Refusal::NotFound),
            told => Ok(told.clone()),
        }
    }

    /// Snoozes end whose time has come, and jobs are forgotten. Whose they were, and which.
    pub fn ring(&mut self) -> (Vec<u32>, Vec<u32>) {
        let now = self.now;
        let mut rung = Vec::new();
        for person in self.people.values_mut() {
            let Some(end) = person.snooze_end().filter(|end| *end <= now) else { continue };
            person.talk = Talk::Open;
            person.snoozed_until = None;
            person.opened_at = person.opened_at.max(Some(end));
            person.updated_at = person.updated_at.max(now);
            rung.push(person.id);
        }
        (rung, self.forget_jobs())
    }

    pub fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Who holds the key; the lowest id is found by it.
    pub fn holders(&self, key: &Key) -> Vec<u32> {
        let holds = |person: &&Person| person.keys().contains(key) || *key == Key::Id(person.id);
        self.people.values().filter(holds).map(|person| person.id).collect()
    }

    /// The contact that is meant.
    pub fn found(&self, who: &Who) -> Done<u32> {
        let key = match who {
            Who::Id(id) => Key::Id(*id),
            Who::Email(email) => Key::Email(email.to_lowercase()),
            Who::Phone(phone) => Key::Phone(values::phone(phone).ok_or(Refusal::Invalid)?.0.to_owned()),
        };
        self.holders(&key).first().copied().ok_or(Refusal::NotFound)
    }

    pub fn tag_named(&self, name: &str) -> Option<u64> {
        named(&self.tags, name, |tag| &tag.name)
    }

    pub fn stage_named(&self, name: &str) -> Option<u64> {
        named(&self.stages, name, |stage| &stage.name)
    }

    pub fn field_named(&self, slug: &str) -> Option<u64> {
        named(&self.fields, slug, |field| &field.slug)
    }
}

fn named<T>(things: &BTreeMap<u64, T>, name: &str, of: impl Fn(&T) -> &String) -> Option<u64> {
    let wanted = values::fold(name);
    things.iter().find(|(_, thing)| values::fold(of(thing)) == wanted).map(|(serial, _)| *serial)
}
