//! How quick the machine is at the moment: what tells a slow hour from a slow program.

use std::hint::black_box;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use serde_json::{Value as Json, json};

use crate::json::round;
use crate::support::{micros, quantile};

/// Memory that no processor's cache holds for one process: so many numbers of four bytes.
const NUMBERS: usize = 32 << 20;
const STEPS: usize = 200_000;
const RUNS: usize = 5;

/// Prints and gives, as medians, what one read takes that the next has to wait for, and how fast memory is read in turn.
pub fn told() -> Json {
    let next = circle();
    let mut at = 0;
    let chased = micros(RUNS, |_| at = (0..STEPS).fold(at, |at, _| next[at as usize]));
    let mut sum = 0u32;
    let read = micros(RUNS, |_| sum = next.iter().fold(sum, |sum, number| sum.wrapping_add(*number)));
    black_box((at, sum));
    let (read_ns, gb_s) =
        (quantile(&chased, 0.5) * 1000.0 / STEPS as f64, NUMBERS as f64 * 0.004 / quantile(&read, 0.5));
    println!("machine: a read that the next waits for {read_ns:.0} ns, memory in turn {gb_s:.1} GB/s");
    json!({"read_ns": round(read_ns), "read_gb_s": round(gb_s)})
}

/// Numbers each of which says where to go next, once round through all of them.
fn circle() -> Vec<u32> {
    let mut places: Vec<u32> = (0..NUMBERS as u32).collect();
    places.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(1));
    let mut next = vec![0; NUMBERS];
    let others = places.iter().skip(1).chain(&places[..1]);
    places.iter().zip(others).for_each(|(from, to)| next[*from as usize] = *to);
    next
}
