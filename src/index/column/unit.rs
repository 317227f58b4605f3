//! What a column counts in: its values as they are, or decimal places of numbers.
//!
//! A number as an ordering `i64` fills all its bits, whatever it is. Most numbers people keep have a few decimal places, and
//! how many hundredths they are is a small number.

/// The unit of a column's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// The value is the count.
    #[default]
    Value,
    /// The value is the `number_key` of the count, so many decimal places moved.
    Places(u8),
}

/// More decimal places than these are kept as they are.
const PLACES_MAX: u8 = 6;
/// Up to here every whole number is a number of its own.
const COUNT_MAX: i64 = 1 << 53;
const TENS: [f64; PLACES_MAX as usize + 1] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];

/// A number as an `i64` that orders like it. Finite numbers only; `-0.0` is `0.0`.
pub fn number_key(number: f64) -> i64 {
    // Adding 0.0 turns -0.0 into 0.0. Negative numbers order by their magnitude backwards, so flip it.
    let bits = (number + 0.0).to_bits() as i64;
    bits ^ (bits >> 63 & i64::MAX)
}

/// The number of a key.
pub fn number_from_key(key: i64) -> f64 {
    f64::from_bits((key ^ (key >> 63 & i64::MAX)) as u64)
}

impl Unit {
    /// The value of a count.
    pub fn value(self, count: i64) -> i64 {
        match self {
            Unit::Value => count,
            // Of a count that the number came from this is the number: both are the double nearest to the same decimal.
            Unit::Places(places) => number_key(count as f64 / TENS[usize::from(places)]),
        }
    }

    /// The count whose value this is exactly, if there is one.
    pub fn count(self, value: i64) -> Option<i64> {
        let Unit::Places(places) = self else { return Some(value) };
        let count = (number_from_key(value) * TENS[usize::from(places)]).round();
        let small = count.abs() <= COUNT_MAX as f64;
        small.then_some(count as i64).filter(|&count| self.value(count) == value)
    }

    /// One that counts all this one does, and more.
    pub fn finer(self) -> Unit {
        match self {
            Unit::Places(places) if places < PLACES_MAX => Unit::Places(places + 1),
            _ => Unit::Value,
        }
    }

    /// The counts whose values lie in `from..=to`: first and last.
    pub fn counts(self, from: i64, to: i64) -> Option<(i64, i64)> {
        if self == Unit::Value {
            return (from <= to).then_some((from, to));
        }
        let first = first_count(|count| self.value(count) >= from);
        let last = first_count(|count| self.value(count) > to) - 1;
        (first <= last).then_some((first, last))
    }

    /// The unit as a byte of a checkpoint.
    pub fn mark(self) -> u8 {
        match self {
            Unit::Value => u8::MAX,
            Unit::Places(places) => places,
        }
    }

    /// The unit of a byte.
    pub fn of_mark(mark: u8) -> Option<Unit> {
        match mark {
            u8::MAX => Some(Unit::Value),
            places => (places <= PLACES_MAX).then_some(Unit::Places(places)),
        }
    }
}

/// The first count for which `holds`, which then holds for all above; one more than the last where it holds for none.
fn first_count(holds: impl Fn(i64) -> bool) -> i64 {
    let (mut low, mut high) = (-COUNT_MAX, COUNT_MAX + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}
