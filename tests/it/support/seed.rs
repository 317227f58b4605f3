//! Seeds: a test that draws at random says what it drew from, and draws the same again when told to.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A generator for the test, from `ROLLCALL_SEED` or a fresh seed, which is printed.
pub fn rng(test: &str) -> ChaCha8Rng {
    from(seed(test))
}

/// A generator of that seed.
pub fn from(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// `ROLLCALL_SEED` or a fresh seed, which is printed.
pub fn seed(test: &str) -> u64 {
    let given = std::env::var("ROLLCALL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| rand::rng().random());
    println!("seed {test}: ROLLCALL_SEED={seed}");
    seed
}

/// A number of rounds: the variable's, or the default.
pub fn rounds(variable: &str, default: u32) -> u32 {
    std::env::var(variable).ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(default)
}
