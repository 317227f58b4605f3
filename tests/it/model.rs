//! Random sequences of everything that can be done to a workspace, on the engine over its store on disk and on a plain
//! model of the specification: after each step both hold the same, through closing, dropping and killing the engine.
//!
//! `ROLLCALL_CASES` is the number of steps. A failure prints a short sequence that still fails, and its seed:
//! `ROLLCALL_SEED=… cargo test --test it model` begins with that sequence.

mod action;
mod ask;
mod check;
mod define;
mod draw;
mod jobs;
mod laws;
mod live;
mod many;
mod merge;
mod person;
mod rules;
mod run;
mod segments;
mod values;
mod world;

use crate::support::seed;
use run::{Seen, sequence};

/// Steps of one sequence.
const STEPS: u32 = 120;

#[test]
fn the_engine_does_what_the_specification_says() {
    let first = seed::seed("model");
    let cases = seed::rounds("ROLLCALL_CASES", 1800);
    let mut seen = Seen::default();
    for number in 0..cases.div_ceil(STEPS) {
        let steps = STEPS.min(cases - number * STEPS) as usize;
        sequence(first.wrapping_add(u64::from(number)), steps, false, &mut seen);
    }
    // What chance left out is asked for: every kind must have been done, and refused where it can be.
    if cases >= 1800 {
        sequence(first.wrapping_sub(1), 600, true, &mut seen);
        assert_eq!(seen.lacking(), None, "done {:?}, refused {:?}", seen.done, seen.refused);
        assert!(seen.repeats > cases / 100, "only {} repeats under a key", seen.repeats);
    }
    println!(
        "measured model: done {:?}, refused {:?}, {} repeats, {:?}",
        seen.done, seen.refused, seen.repeats, seen.refusals
    );
}
