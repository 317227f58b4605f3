//! Runs sequences: draws steps, does each in model and engine, compares, and makes a failing one short.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rand::RngExt;
use rollcall::contact::Contact;
use rollcall::contact::identity::Identifier;
use rollcall::contact::{ContactId, Conversation};

use super::action::{Action, Refusal, Step, Told};
use super::check;
use super::draw::{self, Draw};
use super::live::Live;
use super::world::{Done, Model};
use crate::support::seed;

/// Steps between two looks at everything.
const THOROUGH: usize = 20;
/// Runs spent on making a failing sequence shorter.
const SHORTER: u32 = 150;

/// Kinds that were done, that were refused, and how often.
#[derive(Default)]
pub struct Seen {
    pub done: BTreeMap<&'static str, u32>,
    pub refused: BTreeMap<&'static str, u32>,
    /// Steps found to be repeats by their key.
    pub repeats: u32,
    pub refusals: BTreeSet<String>,
}

impl Seen {
    fn note(&mut self, step: &Step, outcome: &Done, repeat: bool) {
        let kind = step.action.kind();
        let counts = if outcome.is_ok() { &mut self.done } else { &mut self.refused };
        *counts.entry(kind).or_default() += 1;
        self.repeats += u32::from(repeat || step.twice);
        if let Err(refusal) = outcome {
            let word = format!("{refusal:?}");
            self.refusals.insert(word.split('(').next().unwrap_or_default().to_owned());
        }
    }

    /// A kind that is still to be done, or, with `true`, still to be refused.
    pub fn lacking(&self) -> Option<(&'static str, bool)> {
        let lacks = |(kind, refusable): &(&'static str, bool)| {
            let refused = !refusable || self.refused.contains_key(kind);
            let done = self.done.contains_key(kind);
            (!done || !refused).then_some((*kind, done))
        };
        Action::KINDS.iter().find_map(lacks)
    }
}

/// One engine and its model.
pub struct Pair {
    pub live: Live,
    pub model: Model,
    number: usize,
}

impl Pair {
    pub fn new() -> Pair {
        let (live, model) = Live::new();
        Pair { live, model, number: 0 }
    }

    /// Does the step in both and compares everything.
    ///
    /// # Errors
    /// What differs.
    pub fn step(&mut self, step: &Step) -> Result<Done, String> {
        let before = self.model.clone();
        let expected = self.model.step(step);
        let answer = self.live.step(step, &before);
        let repeat = before.repeats(step);
        self.answered(&expected, answer, repeat)?;
        if step.twice {
            let middle = self.model.clone();
            let again = self.model.step(step);
            let answer = self.live.step(step, &middle);
            self.answered(&again, answer, true)?;
        }
        self.settle()?;
        for id in std::mem::take(&mut self.model.unsure) {
            self.adopt(id)?;
        }
        self.number += 1;
        let reopened = matches!(step.action, Action::Close | Action::Drop | Action::Kill | Action::Rebuild);
        // What is asked follows from the step alone, so that a sequence made shorter asks the same.
        let mut rng = seed::from(self.number as u64 ^ before.serial);
        check::state(&self.live, &self.model, reopened || self.number.is_multiple_of(THOROUGH), &mut rng)?;
        Ok(expected)
    }

    fn answered(
        &self,
        expected: &Done,
        answer: Result<(Told, Option<Arc<Contact>>), Refusal>,
        repeat: bool,
    ) -> Result<(), String> {
        match (expected, answer) {
            (Ok(expected), Ok((told, contact))) if *expected == told => match contact.filter(|_| !repeat) {
                None => Ok(()),
                Some(contact) => {
                    let catalog = self.live.engine().catalog(self.live.ws()).map_err(|error| error.to_string())?;
                    check::same(&contact, &catalog, &self.model.people[&contact.id.0], &self.model)
                        .map_err(|why| format!("the answer: {why}"))
                }
            },
            (Ok(Told::Receipt(expected, ids)), Ok((Told::Receipt(number, _), _))) if *expected == number => {
                match repeat {
                    true => Ok(()),
                    false => super::jobs::receipt(&self.live, ids),
                }
            }
            (Err(Refusal::Conflict(holders)), Err(Refusal::Conflict(named))) => {
                match named.iter().all(|id| holders.contains(id)) && named.is_empty() == holders.is_empty() {
                    true => Ok(()),
                    false => Err(format!("the conflict names {named:?}, by the model one of {holders:?}")),
                }
            }
            (Err(expected), Err(refusal)) if *expected == refusal => Ok(()),
            (expected, answer) => {
                Err(format!("answered {:?}, by the model {expected:?}", answer.map(|(told, _)| told)))
            }
        }
    }

    /// Takes from the engine what the model cannot tell, as far as it can be so.
    fn adopt(&mut self, id: u32) -> Result<(), String> {
        let contact = self.live.engine().contact(self.live.ws(), &Identifier::Id(ContactId(id)), None);
        let contact = contact.map_err(|error| error.to_string())?.value;
        let catalog = self.live.engine().catalog(self.live.ws()).map_err(|error| error.to_string())?;
        self.model.adopt(&contact, &catalog)
    }

    /// Waits for what happens by itself at this time.
    fn settle(&mut self) -> Result<(), String> {
        let (rung, forgotten) = self.model.ring();
        for id in rung {
            let who = Identifier::Id(ContactId(id));
            check::until(&format!("the end of the snooze of {id}"), || {
                let contact = self.live.engine().contact(self.live.ws(), &who, None);
                let contact = contact.map_err(|error| error.to_string())?.value;
                Ok(contact.conversation != Conversation::Snoozed)
            })?;
        }
        for number in forgotten {
            check::until(&format!("the end of job {number}"), || {
                let job = self.live.engine().job(self.live.ws(), self.live.jobs[number as usize]);
                Ok(job.is_err())
            })?;
        }
        Ok(())
    }
}

/// Runs these steps from the start; what failed, and at which.
///
/// # Errors
/// The place and the reason.
pub fn replay(steps: &[Step]) -> Result<(), (usize, String)> {
    let place = std::cell::Cell::new(0);
    let run = || {
        let mut pair = Pair::new();
        steps.iter().enumerate().try_for_each(|(at, step)| {
            place.set(at);
            pair.step(step).map(drop)
        })
    };
    let failed = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result,
        Err(panic) => Err(format!("a panic: {:?}", panic.downcast_ref::<String>())),
    };
    failed.map_err(|why| (place.get(), why))
}

/// A random sequence of so many steps; the kinds that `seen` lacks come first where `lacking` says so.
pub fn sequence(seed: u64, steps: usize, lacking: bool, seen: &mut Seen) -> Pair {
    let mut rng = seed::from(seed);
    let mut pair = Pair::new();
    let mut done: Vec<Step> = Vec::new();
    for _ in 0..steps {
        let wanted = seen.lacking().filter(|_| lacking && rng.random());
        let (kind, spoil) = wanted.unwrap_or_else(|| (draw::kind(&pair.model, &mut rng), rng.random_ratio(1, 6)));
        let step = Draw { model: &pair.model, rng: &mut rng, spoil }.step(kind);
        let repeat = pair.model.repeats(&step);
        done.push(step);
        let step = &done[done.len() - 1];
        let outcome = match catch_unwind(AssertUnwindSafe(|| pair.step(step))) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(why)) => report(seed, &done, &why),
            Err(panic) => report(seed, &done, &format!("a panic: {:?}", panic.downcast_ref::<String>())),
        };
        seen.note(step, &outcome, repeat);
        if lacking && seen.lacking().is_none() {
            break;
        }
    }
    pair
}

/// Panics with the shortest sequence found that still fails.
fn report(seed: u64, steps: &[Step], why: &str) -> ! {
    let (steps, why) = shorter(steps.to_vec(), why.to_owned());
    let lines: Vec<String> = steps.iter().map(|step| format!("  {step:?}")).collect();
    panic!("ROLLCALL_SEED={seed}: {why}\nafter {} steps, of which the last failed:\n{}", steps.len(), lines.join("\n"));
}

/// Leaves out steps, many at first, then one by one, while it still fails.
fn shorter(mut steps: Vec<Step>, mut why: String) -> (Vec<Step>, String) {
    let (mut size, mut left) = (steps.len().div_ceil(2), SHORTER);
    while left > 0 && size > 0 {
        let (mut at, mut removed) = (0, false);
        while at < steps.len() && left > 0 {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(steps.len()));
            left -= 1;
            match replay(&fewer) {
                Err((last, said)) => {
                    fewer.truncate(last + 1);
                    (steps, why, removed) = (fewer, said, true);
                }
                Ok(()) => at += size,
            }
        }
        size = if removed && size == 1 { 1 } else { size / 2 };
    }
    (steps, why)
}
