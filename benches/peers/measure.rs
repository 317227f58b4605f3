//! How a class is timed: every literal in turn, round after round, until the rounds or the time are used up.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::ask::{Answer, Ask};
use crate::class::Class;
use crate::latency::Took;
use crate::literals::{LITERALS, Literals};

/// A slow engine is still asked so many literals of each class.
pub const LITERALS_MIN: usize = 5;
/// How often each literal is asked, if the time allows.
pub const ROUNDS: usize = 3;

/// Whoever answers questions, in this process or through a connection.
pub trait Peer {
    /// Hears the questions of a class before it is timed.
    fn begin(&mut self, _first: &[Ask]) {}

    /// The answer, and how long it took until the rows were here.
    fn ask(&mut self, ask: &Ask) -> (Duration, Answer);
}

/// Beyond this, a trial asks no more.
const TRIAL_MAX: Duration = Duration::from_secs(3);

/// How long a class's first questions take, once warm: for a peer with more than one way to choose from.
pub fn trial(peer: &mut dyn Peer, first: &[Ask]) -> Duration {
    peer.ask(&first[0]);
    let mut spent = Duration::ZERO;
    for ask in first {
        spent += if spent > TRIAL_MAX { Duration::ZERO } else { peer.ask(ask).0 };
    }
    spent
}

/// What one engine made of one class.
#[derive(Serialize, Deserialize)]
pub struct Measured {
    /// Sorted.
    pub micros: Vec<f64>,
    /// By literal; fewer where the time ran out.
    pub answers: Vec<Answer>,
}

impl Measured {
    pub fn took(&self) -> Took {
        Took::of(&self.micros)
    }
}

/// Asks each of a class's questions once; microseconds, sorted.
pub fn once(peer: &mut dyn Peer, class: &Class, literals: &Literals) -> Vec<f64> {
    let asked = (0..LITERALS).map(|n| peer.ask(&(class.ask)(literals, n)).0.as_nanos() as f64 / 1000.0);
    let mut micros: Vec<f64> = asked.collect();
    micros.sort_by(f64::total_cmp);
    micros
}

/// Asks a class's questions. The first round's answers are kept, to be compared.
pub fn measure(peer: &mut dyn Peer, class: &Class, literals: &Literals, cap: Duration) -> Measured {
    let asks: Vec<Ask> = (0..LITERALS).map(|n| (class.ask)(literals, n)).collect();
    peer.begin(&asks[..LITERALS_MIN]);
    let started = Instant::now();
    let mut measured = Measured { micros: Vec::new(), answers: Vec::new() };
    for run in 0..ROUNDS * LITERALS {
        if run >= LITERALS_MIN && started.elapsed() > cap {
            break;
        }
        let (took, answer) = peer.ask(&asks[run % LITERALS]);
        measured.micros.push(took.as_nanos() as f64 / 1000.0);
        if run < LITERALS {
            measured.answers.push(answer);
        }
    }
    measured.micros.sort_by(f64::total_cmp);
    measured
}
