//! Seeded chance: the same seed and index give the same throws everywhere, whatever was thrown for other indexes.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The throws for one contact.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// One generator per seed; each index is a stream of its own in it.
    pub fn source(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    /// The throws of contact `index`.
    pub fn of(source: &ChaCha8Rng, index: u64) -> Dice {
        let mut stream = source.clone();
        stream.set_stream(index);
        Dice(stream)
    }

    /// 0 to `n - 1`, each as likely; 0 where `n` is 0. `n` is far below 2^32, so the bias is far below anything seen.
    pub fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    /// True `p` times in a hundred.
    pub fn percent(&mut self, p: u32) -> bool {
        self.below(100) < p as usize
    }

    /// At least 0 and below 1.
    pub fn unit(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / 4_294_967_296.0
    }

    /// 0 to `n - 1`, the first ones most often: log-uniform, which is Zipf's law with exponent 1.
    pub fn zipf(&mut self, n: usize) -> usize {
        let rank = (n as f64 + 1.0).powf(self.unit()) as usize;
        rank.clamp(1, n.max(1)) - 1
    }

    /// The place in a table of cumulative shares of `u32::MAX`.
    pub fn place(&mut self, cumulative: &[u32]) -> usize {
        let thrown = self.0.next_u32();
        cumulative.partition_point(|share| *share < thrown).min(cumulative.len().saturating_sub(1))
    }
}

/// Cumulative shares of `u32::MAX` for [`Dice::place`].
pub(super) fn cumulative(weights: impl Iterator<Item = f64>) -> Vec<u32> {
    let weights: Vec<f64> = weights.collect();
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let share = |weight: &f64| {
        sum += weight;
        (sum / total * f64::from(u32::MAX)) as u32
    };
    weights.iter().map(share).collect()
}
