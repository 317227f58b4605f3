//! Figures beside what they should be.

use serde_json::{Value as Json, json};

use crate::json::round;

/// What a figure should be.
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// One goal and what was found.
pub struct Goal {
    what: String,
    found: f64,
    bound: Bound,
    unit: &'static str,
    /// Which ones, where there are several.
    note: String,
}

impl Goal {
    pub fn at_most(what: impl Into<String>, found: f64, bound: f64, unit: &'static str) -> Goal {
        Goal { what: what.into(), found, bound: Bound::AtMost(bound), unit, note: String::new() }
    }

    pub fn at_least(what: impl Into<String>, found: f64, bound: f64, unit: &'static str) -> Goal {
        Goal { what: what.into(), found, bound: Bound::AtLeast(bound), unit, note: String::new() }
    }

    pub fn noted(self, note: impl Into<String>) -> Goal {
        Goal { note: note.into(), ..self }
    }

    fn met(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.found <= bound,
            Bound::AtLeast(bound) => self.found >= bound,
        }
    }

    fn line(&self) -> String {
        let (word, bound) = match self.bound {
            Bound::AtMost(bound) => ("at most", bound),
            Bound::AtLeast(bound) => ("at least", bound),
        };
        let mut line = format!(
            "{:8} {}: {}{unit}, {word} {}{unit}",
            if self.met() { "met" } else { "NOT MET" },
            self.what,
            short(self.found),
            short(bound),
            unit = self.unit
        );
        if !self.met() && bound > 0.0 {
            line += &format!(" ({} times that)", short(self.found / bound));
        }
        if !self.note.is_empty() {
            line += &format!("; {}", self.note);
        }
        line
    }

    fn json(&self) -> Json {
        let (word, bound) = match self.bound {
            Bound::AtMost(bound) => ("at_most", bound),
            Bound::AtLeast(bound) => ("at_least", bound),
        };
        let unit = self.unit.trim();
        json!({"goal": self.what, "found": round(self.found), word: bound, "unit": unit, "met": self.met(), "note": self.note})
    }
}

/// Prints them, a line each, and gives them as JSON.
pub fn told(goals: &[Goal]) -> Json {
    goals.iter().for_each(|goal| println!("goal {}", goal.line()));
    goals.iter().map(Goal::json).collect()
}

/// Three figures of a number that is none or more.
pub fn short(number: f64) -> String {
    match number {
        n if n >= 100.0 || n == n.floor() => format!("{n:.0}"),
        n if n >= 10.0 => format!("{n:.1}"),
        n if n >= 1.0 => format!("{n:.2}"),
        n => format!("{n:.3}"),
    }
}
