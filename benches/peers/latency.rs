//! Many classes' figures as a few: the typical one, the mean, the worst, and what they should be at a size.

use serde::{Deserialize, Serialize};

use crate::class::Class;
use crate::goals::Goal;
use crate::json::two_places;
use crate::literals::Literals;
use crate::support::quantile;

/// A class's microseconds.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Took {
    #[serde(serialize_with = "two_places")]
    pub p50: f64,
    #[serde(serialize_with = "two_places")]
    pub p95: f64,
}

impl Took {
    /// Of sorted microseconds.
    pub fn of(micros: &[f64]) -> Took {
        Took { p50: quantile(micros, 0.5), p95: quantile(micros, 0.95) }
    }
}

/// What is asked of a class.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// A hundred rows and the total.
    Page,
    /// The total alone.
    Count,
    /// A screen of rows, the total, the counts of every facet.
    Facets,
}

impl Kind {
    pub fn of(class: &Class, literals: &Literals) -> Kind {
        match (class.ask)(literals, 0) {
            ask if ask.facets => Kind::Facets,
            ask if ask.limit == 0 => Kind::Count,
            _ => Kind::Page,
        }
    }
}

/// Microseconds over several classes.
#[derive(Clone, Serialize, Deserialize)]
pub struct Latency {
    /// The class in the middle.
    #[serde(serialize_with = "two_places")]
    pub typical: f64,
    #[serde(serialize_with = "two_places")]
    pub geomean: f64,
    #[serde(serialize_with = "two_places")]
    pub worst: f64,
    pub worst_class: String,
}

impl Latency {
    /// Nothing of no class.
    pub fn over<'a>(figures: impl Iterator<Item = (&'a str, f64)>) -> Option<Latency> {
        let mut figures: Vec<(&str, f64)> = figures.collect();
        figures.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (worst_class, worst) = *figures.last()?;
        let logs: f64 = figures.iter().map(|(_, micros)| micros.ln()).sum();
        let geomean = (logs / figures.len() as f64).exp();
        Some(Latency { typical: figures[figures.len() / 2].1, geomean, worst, worst_class: worst_class.to_owned() })
    }
}

/// Microseconds that the typical and the worst class of pages may take.
fn bounds(contacts: u64) -> Option<(f64, f64)> {
    match contacts {
        1_000_000 => Some((100.0, 500.0)),
        10_000_000 => Some((700.0, 8000.0)),
        _ => None,
    }
}

/// A goal of that size.
pub fn at(contacts: u64, what: &str) -> String {
    format!("{what}, {contacts} contacts")
}

/// The goals for Rollcall's p50 in process; sizes without a goal have none.
pub fn goals(contacts: u64, classes: &[(&str, Kind, Took)]) -> Vec<Goal> {
    let pages = classes.iter().filter(|(_, kind, _)| *kind == Kind::Page);
    let pages = Latency::over(pages.map(|(class, _, took)| (*class, took.p50)));
    let mut goals = Vec::new();
    if let (Some(pages), Some((typical, worst))) = (pages, bounds(contacts)) {
        goals.push(Goal::at_most(
            "page of 100 rows in process, p50 of the typical class",
            pages.typical,
            typical,
            " µs",
        ));
        let goal = Goal::at_most(
            at(contacts, "page of 100 rows in process, p50 of the worst class"),
            pages.worst,
            worst,
            " µs",
        );
        let beyond = classes.iter().filter(|(_, kind, took)| *kind == Kind::Page && took.p50 > worst);
        let beyond: Vec<String> = beyond.map(|(class, _, took)| format!("{class} {:.0} µs", took.p50)).collect();
        goals.push(goal.noted(if beyond.is_empty() { pages.worst_class } else { beyond.join(", ") }));
    }
    let facets = classes.iter().find(|(class, ..)| *class == "facets of four fifths" && contacts == 1_000_000);
    goals.extend(
        facets.map(|(_, _, took)| {
            Goal::at_most(at(contacts, "all facets of an 80 % filter, p50"), took.p50, 2000.0, " µs")
        }),
    );
    goals
}
