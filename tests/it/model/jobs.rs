//! Bulk edits by filter: receipt, apply, undo, cancel; rules, draw and the engine's step.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::seq::IteratorRandom;
use rollcall::contact::{JobId, JobState, PartKind};
use rollcall::engine::{Actor, Confirmation, Error, Query};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::action::{Action, Fields, Refusal, Told, Who};
use super::ask;
use super::check;
use super::draw::Draw;
use super::live::{self, Answer, Live, members};
use super::person::Person;
use super::world::{Done, Model};

/// How long a receipt is kept, and a job that is over.
const RECEIPT_KEPT: i64 = 86_400_000;
const JOB_KEPT: i64 = 7 * 86_400_000;

/// A bulk edit.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub filter: Json,
    pub deed: Fields,
    pub ids: Vec<u32>,
    pub state: &'static str,
    /// When it was made, or ended.
    pub at: i64,
    /// Changed, unchanged, deleted, failed.
    pub counts: [u64; 4],
    /// Each contact it changed, before and after.
    pub changed: BTreeMap<u32, (Person, Person)>,
    /// Put back, left as others made them, deleted since.
    pub undone: [u64; 3],
    /// Those that were left, wholly or in part.
    pub left: Vec<u32>,
}

impl Job {
    pub fn deletes(&self) -> bool {
        self.deed.iter().any(|(name, value)| name == "action" && value == "delete")
    }

    fn forgotten_at(&self) -> i64 {
        self.at + if self.state == "prepared" { RECEIPT_KEPT } else { JOB_KEPT }
    }
}

impl Model {
    pub(super) fn prepare(&mut self, filter: &Json, deed: &Fields) -> Done {
        // Nothing is made before it is applied, not even a tag.
        self.clone().deed(deed, false)?;
        if !self.usable_filter(filter) {
            return Err(Refusal::Invalid);
        }
        let number = self.jobs_made;
        self.jobs_made += 1;
        let job = Job {
            filter: filter.clone(),
            deed: deed.clone(),
            ids: self.matching(filter),
            state: "prepared",
            at: self.now,
            counts: [0; 4],
            changed: BTreeMap::new(),
            undone: [0; 3],
            left: Vec::new(),
        };
        let ids = job.ids.clone();
        self.jobs.insert(number, job);
        Ok(Told::Receipt(number, ids))
    }

    fn matching(&self, filter: &Json) -> Vec<u32> {
        self.people.values().filter(|person| self.holds(filter, person)).map(|person| person.id).collect()
    }

    pub(super) fn apply_job(&mut self, number: u32, count: Option<u64>) -> Done {
        let mut job = self.jobs.get(&number).cloned().ok_or(Refusal::NotFound)?;
        if job.state != "prepared" {
            return Err(Refusal::State("job_state".into()));
        }
        // An edit that cannot be done any more is refused as such, to whomever it would be done by now.
        self.clone().deed(&job.deed, false)?;
        match count {
            None if job.deletes() => return Err(Refusal::Invalid),
            Some(count) if count != job.ids.len() as u64 => return Err(Refusal::State("not_the_receipt".into())),
            _ => {}
        }
        if !self.usable_filter(&job.filter) {
            return Err(Refusal::Invalid);
        }
        if self.matching(&job.filter) != job.ids {
            return Err(Refusal::State("set_changed".into()));
        }
        let deed = self.deed(&job.deed, false)?;
        for id in &job.ids {
            let before = self.people[id].clone();
            let place = match self.do_one(&deed, *id) {
                "changed" => 0,
                "unchanged" => 1,
                "deleted" => 2,
                _ => 3,
            };
            job.counts[place] += 1;
            if place == 0 {
                job.changed.insert(*id, (before, self.people[id].clone()));
            }
        }
        (job.state, job.at) = ("done", self.now);
        self.jobs.insert(number, job);
        Ok(Told::Job(number))
    }

    pub(super) fn cancel_job(&mut self, number: u32) -> Done {
        let now = self.now;
        let job = self.jobs.get_mut(&number).ok_or(Refusal::NotFound)?;
        if job.state != "prepared" {
            return Err(Refusal::State("job_finished".into()));
        }
        (job.state, job.at) = ("cancelled", now);
        Ok(Told::Job(number))
    }

    pub(super) fn undo_job(&mut self, number: u32) -> Done {
        let mut job = self.jobs.get(&number).cloned().ok_or(Refusal::NotFound)?;
        if job.deletes() {
            return Err(Refusal::State("cannot_undo".into()));
        }
        if !matches!(job.state, "done" | "cancelled") {
            return Err(Refusal::State("job_state".into()));
        }
        for (id, (before, after)) in &job.changed {
            let Some(now) = self.people.get(id).cloned() else {
                // Who was merged into another is left as it was then.
                match self.people.values().any(|other| other.also_ids.contains(id)) {
                    true => job.left.push(*id),
                    false => job.undone[2] += 1,
                }
                continue;
            };
            let (mut person, mut whole) = (now.clone(), true);
            self.put_back(&mut person, before, after, &mut whole);
            if self.refuse_taken(&person, Some(&now)).is_err() {
                whole = false;
                (person.email, person.phone) = (now.email.clone(), now.phone.clone());
            }
            if person != now {
                person.updated_at = person.updated_at.max(self.now);
                self.people.insert(*id, person);
            }
            match whole {
                true => job.undone[0] += 1,
                false => job.left.push(*id),
            }
        }
        job.undone[1] = job.left.len() as u64;
        (job.state, job.at) = ("undone", self.now);
        self.jobs.insert(number, job);
        Ok(Told::Job(number))
    }

    /// Puts back each member that the edit changed and nobody since; `whole` falls where one is left.
    fn put_back(&self, person: &mut Person, before: &Person, after: &Person, whole: &mut bool) {
        macro_rules! back {
            ($($field:ident)*) => {$(
                if before.$field != after.$field && person.$field != before.$field {
                    match person.$field == after.$field {
                        true => person.$field = before.$field.clone(),
                        false => *whole = false,
                    }
                }
            )*};
        }
        back! { first_name last_name email phone country language picture assignee }
        if before.stage != after.stage && person.stage != before.stage {
            match person.stage == after.stage && before.stage.is_none_or(|stage| self.stages.contains_key(&stage)) {
                true => person.stage = before.stage,
                false => *whole = false,
            }
        }
        for (serial, value) in before.custom.iter().chain(&after.custom) {
            let (was, is, now) = (before.custom.get(serial), after.custom.get(serial), person.custom.get(serial));
            if was == is || now == was {
                continue;
            }
            match (now == is && self.fields.contains_key(serial), was) {
                (true, Some(_)) => drop(person.custom.insert(*serial, value.clone())),
                (true, None) => drop(person.custom.remove(serial)),
                (false, _) => *whole = false,
            }
        }
        self.talk_back(person, before, after, whole);
        person.tags.retain(|tag| before.tags.contains(tag) || !after.tags.contains(tag));
        for tag in before.tags.difference(&after.tags) {
            match self.tags.contains_key(tag) {
                true => drop(person.tags.insert(*tag)),
                false => *whole = false,
            }
        }
    }

    /// What makes up the status goes back together or not at all.
    fn talk_back(&self, person: &mut Person, before: &Person, after: &Person, whole: &mut bool) {
        // A snooze and its end are one.
        let snooze = (before.talk, before.snoozed_until) != (after.talk, after.snoozed_until);
        let touched = [snooze, before.blocked != after.blocked, snooze, before.opened_at != after.opened_at];
        let is_as = |other: &Person| {
            (!touched[0] || person.talk == other.talk)
                && (!touched[1] || person.blocked == other.blocked)
                && (!touched[2] || person.snoozed_until == other.snoozed_until)
                && (!touched[3] || person.opened_at == other.opened_at)
        };
        if is_as(before) {
            return;
        }
        if !is_as(after) {
            *whole = false;
            return;
        }
        if touched[0] {
            person.talk = before.talk;
        }
        if touched[1] {
            person.blocked = before.blocked;
        }
        if touched[2] {
            person.snoozed_until = before.snoozed_until;
        }
        if touched[3] {
            person.opened_at = before.opened_at;
        }
    }

    /// Jobs are forgotten whose time has come.
    pub(super) fn forget_jobs(&mut self) -> Vec<u32> {
        let now = self.now;
        let gone: Vec<u32> =
            self.jobs.iter().filter(|(_, job)| job.forgotten_at() <= now).map(|(number, _)| *number).collect();
        gone.iter().for_each(|number| drop(self.jobs.remove(number)));
        gone
    }
}

impl Live {
    pub(super) fn job(&mut self, actor: &Actor, action: &Action) -> Answer {
        let engine = self.engine().clone();
        let id = |live: &Live, number: &u32| live.jobs.get(*number as usize).copied().unwrap_or(JobId(live::NOBODY));
        let (written, number, dropped) = match action {
            Action::Prepare(filter, deed) => {
                let query = Query { filter: Some(filter.clone()), ..Query::default() };
                let receipt = engine.prepare_job(actor, &query, &members(deed)).map_err(live::refusal)?;
                if !self.jobs.contains(&receipt.job) {
                    self.jobs.push(receipt.job);
                }
                let number = self.jobs.iter().position(|job| *job == receipt.job).unwrap_or_default() as u32;
                // All that is told of the contacts is their number, a hash of their ids, and the first of them.
                let told = (
                    receipt.count,
                    receipt.ids_hash.clone(),
                    receipt.sample.iter().map(|contact| contact.id.0).collect(),
                );
                self.receipt = Some(told);
                return Ok((Told::Receipt(number, Vec::new()), None));
            }
            Action::Apply { job, count, dropped } => {
                let confirmed = Confirmation { count: *count, ids_hash: None };
                (engine.apply_job(actor, id(self, job), &confirmed), job, *dropped)
            }
            Action::Undo { job, dropped } => (engine.undo_job(actor, id(self, job)), job, *dropped),
            Action::Cancel(job) => (engine.cancel_job(actor, id(self, job)), job, false),
            other => unreachable!("{} is no job", other.kind()),
        };
        drop(engine);
        self.noted(written)?;
        if dropped {
            self.reopen(&Action::Drop)?;
        }
        self.finished(*number).map_err(Refusal::Fault)?;
        Ok((Told::Job(*number), None))
    }

    /// Waits until the job is over.
    fn finished(&self, number: u32) -> Result<(), String> {
        let id = self.jobs[number as usize];
        check::until(&format!("the end of job {number}"), || match self.engine().job(self.ws(), id) {
            Ok(job) => Ok(!job.value.state.is_active()),
            // A repeat may come after it was forgotten.
            Err(Error::NotFound { .. }) => Ok(true),
            Err(other) => Err(other.to_string()),
        })
    }
}

/// Compares every job, those forgotten too, and the receipt just made.
///
/// # Errors
/// What differs.
pub fn compare(live: &Live, model: &Model) -> Result<(), String> {
    for (number, id) in live.jobs.iter().enumerate() {
        let there = match live.engine().job(live.ws(), *id) {
            Ok(job) => Some(job.value),
            Err(Error::NotFound { .. }) => None,
            Err(other) => return Err(other.to_string()),
        };
        let told = there.map(|job| {
            let (counts, undo) = (job.counts, job.undo);
            let state = match job.state {
                JobState::Prepared => "prepared",
                JobState::Done => "done",
                JobState::Cancelled => "cancelled",
                JobState::Undone => "undone",
                _ => "under way or failed",
            };
            (
                state,
                counts.total,
                [counts.changed, counts.unchanged, counts.deleted, counts.failed],
                [undo.changed, undo.unchanged, undo.deleted],
            )
        });
        let known = model.jobs.get(&(number as u32));
        let expected = known.map(|job| (job.state, job.ids.len() as u64, job.counts, job.undone));
        if told != expected {
            return Err(format!("job {number} is {told:?}, by the model {expected:?}"));
        }
        if let Some(job) = known.filter(|job| job.state == "undone") {
            let notes = live.engine().job_notes(live.ws(), *id, PartKind::Left, 0, 1000);
            let (_, notes) = notes.map_err(|error| error.to_string())?.value;
            let left: Vec<u32> = notes.iter().map(|note| note.item).collect();
            if left != job.left || notes.iter().any(|note| note.words.is_empty()) {
                return Err(format!("the undo of job {number} left {notes:?}, by the model {:?}", job.left));
            }
        }
    }
    Ok(())
}

/// Compares what a receipt says of its contacts.
///
/// # Errors
/// What differs.
pub fn receipt(live: &Live, ids: &[u32]) -> Result<(), String> {
    let Some((count, hash, sample)) = &live.receipt else { return Err("there is no receipt".into()) };
    let mut hasher = Sha256::new();
    ids.iter().for_each(|id| hasher.update(id.to_be_bytes()));
    let expected: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if (*count, hash) != (ids.len() as u64, &expected) || *sample != ids[..ids.len().min(10)] {
        return Err(format!("the receipt is about {count}: {sample:?} …, by the model {ids:?}"));
    }
    Ok(())
}

impl Draw<'_> {
    pub(super) fn job(&mut self, kind: &str) -> Action {
        let numbers: Vec<u32> = self.model.jobs.keys().copied().collect();
        let number = if numbers.is_empty() { 0 } else { self.pick(&numbers) };
        let in_state = |state: &str| {
            self.model.jobs.iter().filter(|(_, job)| job.state == state).map(|(number, _)| *number).next_back()
        };
        match kind {
            "prepare" => Action::Prepare(ask::tree(self.model, self.rng, 1, true), self.deed(false)),
            "apply" => {
                let fits = |job: &&Job| job.state == "prepared" && self.model.matching(&job.filter) == job.ids;
                let fitting =
                    self.model.jobs.iter().filter(|(_, job)| fits(job)).map(|(number, _)| *number).next_back();
                if fitting.is_none() && !self.spoil {
                    return self.job("prepare");
                }
                let job = fitting.filter(|_| !self.spoil).unwrap_or(number);
                let there = self.model.jobs.get(&job);
                let count = there.map(|job| job.ids.len() as u64 + u64::from(self.spoil && self.rng.random()));
                let said = there.is_some_and(Job::deletes) || self.rng.random();
                Action::Apply { job, count: count.filter(|_| said), dropped: self.rng.random_ratio(1, 6) }
            }
            "undo" => {
                let undoable = self.model.jobs.iter().filter(|(_, job)| job.state == "done" && !job.deletes());
                let undoable = undoable.map(|(number, _)| *number).next_back();
                if undoable.is_none() && !self.spoil {
                    return self.job("apply");
                }
                let job = undoable.filter(|_| !self.spoil).unwrap_or(number);
                Action::Undo { job, dropped: self.rng.random_ratio(1, 6) }
            }
            _ => Action::Cancel(in_state("prepared").filter(|_| !self.spoil).unwrap_or(number)),
        }
    }

    /// An update, after an edit that could be undone, of what it changed.
    pub(super) fn change_since(&mut self) -> Option<Action> {
        let of_tags = |job: &Job| job.deed.iter().any(|(name, _)| name == "tags");
        let done = |job: &&Job| job.state == "done" && !job.changed.is_empty();
        // Tags are given back one by one, whatever else became of them: rather one of which all is at stake.
        let whole = self.model.jobs.values().rfind(|job| done(job) && !of_tags(job));
        let job = whole.or_else(|| self.model.jobs.values().rfind(done))?;
        let id = *job.changed.keys().filter(|id| self.model.people.contains_key(id)).choose(self.rng)?;
        let text = |name: &str| job.deed.iter().find(|(other, _)| other == name).and_then(|(_, value)| value.as_str());
        let member = match text("action")? {
            "addTags" | "removeTags" => "tags",
            "assign" => "assignee",
            "setLifecycle" => "lifecycle",
            "setField" => text("field")?,
            _ => "status",
        };
        let value = self.member(member);
        Some(Action::Update(Who::Id(id), vec![(member.to_owned(), value)]))
    }
}
