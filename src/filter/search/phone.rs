//! How well digits match a phone number; quickly for numbers as the index keeps them.

use super::Level;
use crate::contact::Phone;
use crate::contact::phone::Digits;

/// The class of the digits in the number, if they are in it.
pub(super) fn class(digits: &Digits, number: &Phone) -> Option<usize> {
    let level = if !digits.within(number) {
        return None;
    } else if digits.equals(number) {
        Level::Whole
    } else if digits.starts(number) {
        Level::Prefix
    } else {
        Level::Infix
    };
    Some(level.class(false))
}

/// Digits of the longest number.
const LONGEST: u32 = 15;

/// The forms in which digits can be, or begin, a number, as ranges of its aligned digits: some nanoseconds a number, where looking
/// at its digits one by one takes ten times that. Means what [`Digits::equals`] and [`Digits::starts`] mean.
pub(super) struct Beginnings {
    /// Of the whole number.
    international: Option<Beginning>,
    /// Of the national part: as typed, and after a trunk `0`.
    national: [Option<Beginning>; 2],
}

/// Digits at the beginning of a number or its national part.
#[derive(Clone, Copy)]
struct Beginning {
    value: u64,
    len: u32,
}

impl Beginnings {
    pub fn new(digits: &Digits) -> Beginnings {
        let beginning = |text: &str| {
            let len = u32::try_from(text.len()).ok().filter(|len| *len <= LONGEST)?;
            let value = if text.is_empty() { 0 } else { text.parse().ok()? };
            Some(Beginning { value, len })
        };
        let typed = beginning(&digits.digits);
        let national =
            if digits.international { [None; 2] } else { [typed, digits.digits.strip_prefix('0').and_then(beginning)] };
        Beginnings { international: typed, national }
    }

    /// Whether the digits are, or begin, the number of that key of the index's phone column.
    pub fn level(&self, key: i64) -> Option<Level> {
        let aligned = (key >> 6) as u64;
        let (len, code_len) = ((key >> 2 & 15) as u32, (key & 3) as u32);
        let national = match code_len {
            1 => aligned % 10u64.pow(LONGEST - 1),
            2 => aligned % 10u64.pow(LONGEST - 2),
            3 => aligned % 10u64.pow(LONGEST - 3),
            _ => aligned,
        };
        let whole = self.international.and_then(|start| start.level(aligned, len, LONGEST));
        let of_national = |start: &Option<Beginning>| {
            start.and_then(|start| start.level(national, len.saturating_sub(code_len), LONGEST - code_len))
        };
        self.national.iter().filter_map(of_national).chain(whole).min()
    }
}

impl Beginning {
    /// Whether `len` digits, filled with zeros to `width`, begin so, or are no more than that.
    fn level(self, aligned: u64, len: u32, width: u32) -> Option<Level> {
        if len < self.len {
            return None;
        }
        let unit = POWERS[(width - self.len) as usize];
        let starts = aligned.wrapping_sub(self.value * unit) < unit;
        starts.then_some(if len == self.len { Level::Whole } else { Level::Prefix })
    }
}

/// Powers of ten.
const POWERS: [u64; LONGEST as usize + 1] = {
    let mut powers = [1; LONGEST as usize + 1];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::index::phone_key;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn beginnings_are_those_of_the_digits(
            number in "[1-3][0-3]{3,14}", calling_code_len in 1u8..=3, cut in 0usize..4, take in 1usize..17, zero in 0usize..3,
            international: bool,
        ) {
            let number = Phone { digits: number.parse().unwrap(), calling_code_len, given: String::new() };
            let typed: String = "0".repeat(zero) + &number.digits.to_string()[cut..].chars().take(take).collect::<String>();
            prop_assume!(!typed.is_empty());
            let digits = Digits { digits: typed, international };
            let expected = if digits.equals(&number) {
                Some(Level::Whole)
            } else {
                digits.starts(&number).then_some(Level::Prefix)
            };
            prop_assert_eq!(Beginnings::new(&digits).level(phone_key(&number)), expected);
        }
    }
}
