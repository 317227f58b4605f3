//! When the answer for one contact changes by time alone.
//!
//! Only conditions on relative times follow the clock. Each comes down to a range whose ends move forward with now, and
//! the contact's value stands still, so the answer can change only where an end passes the value. These instants are
//! found end by end, and the whole filter is then read again at each of them, earliest first.

use super::predicate::{self, Predicate};
use super::{Condition, Filter, matches, seen};
use crate::contact::{Catalog, Contact, Millis};

const DAY: Millis = 86_400_000;
/// Beyond this nothing is looked for.
const HORIZON: Millis = 400 * 366 * DAY;
/// The calendar can hold an end back or push it on by so much: 31 January and 28 February less a month are one day.
const SLACK: Millis = 4 * DAY;
/// Clocks are set forward and back at multiples of this; between two of them an end moves evenly or stands still.
const STEP: Millis = 15 * 60_000;

/// The earliest instant after `now` at which the answer differs from the one at `now`.
pub(super) fn changes_at(filter: &Filter, contact: &Contact, catalog: &Catalog, now: Millis) -> Option<Millis> {
    if !filter.follows_the_clock() {
        return None;
    }
    let mut instants = Vec::new();
    matches::each_condition(filter, &mut |condition| {
        let key = seen::key(contact, predicate::kept_in(condition.field));
        if let (Some(_), Some(key)) = (&condition.moving, key) {
            for end in [End::From, End::To] {
                Passing { condition, catalog, key, end }.after(now, &mut instants);
            }
        }
    });
    instants.sort_unstable();
    instants.dedup();
    let answer = matches::holds(filter, contact);
    instants.into_iter().find(|&at| holds_at(filter, contact, catalog, at) != answer)
}

/// Whether the contact matches at another time than the filter was read at.
fn holds_at(filter: &Filter, contact: &Contact, catalog: &Catalog, at: Millis) -> bool {
    let holds = |filter: &Filter| holds_at(filter, contact, catalog, at);
    match filter {
        Filter::And(children) => children.iter().all(holds),
        Filter::Or(children) => children.is_empty() || children.iter().any(holds),
        Filter::Not(inner) => !holds(inner),
        Filter::Condition(condition) => match &condition.predicate {
            Predicate::Member(inner) => holds(inner),
            _ => condition
                .predicate_at(at, catalog)
                .is_some_and(|predicate| predicate::holds(&predicate, condition.field, contact)),
        },
    }
}

#[derive(Clone, Copy)]
enum End {
    From,
    To,
}

/// One end of a condition's range on its way past the contact's value.
struct Passing<'a> {
    condition: &'a Condition,
    catalog: &'a Catalog,
    key: i64,
    end: End,
}

impl Passing<'_> {
    /// Whether the end has passed the value; `None` where there is no such time.
    fn passed(&self, at: Millis) -> Option<bool> {
        match self.condition.predicate_at(at, self.catalog)? {
            Predicate::Range(from, to) => Some(match self.end {
                End::From => from > self.key,
                End::To => to >= self.key,
            }),
            _ => None,
        }
    }

    /// Adds every instant after `now` at which the end passes the value, or falls back behind it.
    fn after(&self, now: Millis, instants: &mut Vec<Millis>) {
        let Some(passed) = self.passed(now) else { return };
        let around = if !passed {
            let Some(first) = self.first(now) else { return };
            instants.push(first);
            first
        } else if self.passed(now.saturating_sub(2 * SLACK)) == Some(true) {
            return;
        } else {
            now
        };
        // Near the passing the calendar may take the end back and forth.
        let mut start = (around - SLACK).max(now).div_euclid(STEP) * STEP;
        let mut before = Some(passed).filter(|_| start <= now).or_else(|| self.passed(start - 1));
        while start <= around + SLACK {
            let last = start + STEP - 1;
            let (at_start, at_last) = (self.passed(start.max(now)), self.passed(last));
            if at_start != before && start > now {
                instants.push(start);
            }
            if at_start == Some(false) && at_last == Some(true) {
                instants.push(self.between(start.max(now), last));
            }
            (before, start) = (at_last, last + 1);
        }
    }

    /// An instant at which the end has passed the value and one millisecond earlier had not; the first, but for the
    /// calendar's slack.
    fn first(&self, now: Millis) -> Option<Millis> {
        let mut ahead = 1_000;
        while self.passed(now + ahead) == Some(false) {
            ahead *= 2;
            if ahead > HORIZON {
                return None;
            }
        }
        self.passed(now + ahead)?;
        Some(self.between(now, now + ahead))
    }

    /// Bisects to the passing between `before`, when it has not happened, and `after`, when it has.
    fn between(&self, mut before: Millis, mut after: Millis) -> Millis {
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            match self.passed(middle) {
                Some(true) => after = middle,
                _ => before = middle,
            }
        }
        after
    }
}
