//! Digits someone typed, made ready for many phone numbers as the index keeps them: some nanoseconds a number, where writing
//! out each one's digits takes ten times that. Means what [`Digits`] says of a [`crate::contact::Phone`].

use super::search::Level;
use crate::contact::phone::Digits;

/// Digits of the longest number.
const LONGEST: u32 = 15;

/// Digits ready to be looked for in the keys of the index's phone column.
#[derive(Clone, Debug)]
pub struct Number {
    pub digits: Digits,
    /// As the whole number: in its international form.
    whole: Option<Beginning>,
    /// As the national part: as typed, and after a trunk `0`.
    national: [Option<Beginning>; 2],
    /// Four bits a digit.
    packed: u64,
}

/// Digits at the beginning of a number or its national part.
#[derive(Clone, Copy, Debug)]
struct Beginning {
    value: u64,
    len: u32,
}

/// What a key says: the digits from the left, filled with zeros to [`LONGEST`]; how many there are; and of these, the calling code's.
struct Key {
    aligned: u64,
    len: u32,
    code_len: u32,
}

impl Key {
    fn new(key: i64) -> Key {
        Key { aligned: (key >> 6) as u64, len: (key >> 2 & 15) as u32, code_len: (key & 3) as u32 }
    }
}

impl Number {
    pub fn new(digits: Digits) -> Number {
        let beginning = |text: &str| {
            let len = u32::try_from(text.len()).ok().filter(|len| *len <= LONGEST)?;
            let value = if text.is_empty() { 0 } else { text.parse().ok()? };
            Some(Beginning { value, len })
        };
        let typed = beginning(&digits.digits);
        let after_trunk = digits.digits.strip_prefix('0').and_then(beginning);
        let national = if digits.international { [None; 2] } else { [typed, after_trunk] };
        let packed = typed.map_or(0, |typed| packed(typed.value));
        Number { digits, whole: typed, national, packed }
    }

    /// Whether the number of the key is these digits ([`Digits::equals`]) or begins with them ([`Digits::starts`]).
    pub fn begins(&self, key: i64) -> Option<Level> {
        let key = Key::new(key);
        let whole = self.whole.and_then(|start| start.level(key.aligned, key.len, LONGEST));
        self.national.iter().filter_map(|start| of_national(start.as_ref()?, &key)).chain(whole).min()
    }

    /// Whether the number of the key has these digits in a row: [`Digits::within`].
    pub fn within(&self, key: i64) -> bool {
        let key = Key::new(key);
        let infix = self.whole.is_some_and(|digits| {
            let (mask, number) = (mask(digits.len), packed(key.aligned));
            // From the last place that they can stand at; an empty range where they are too many.
            let lowest = LONGEST - key.len;
            let highest = LONGEST - digits.len;
            (lowest..=highest).fold(false, |found, place| found | (number >> (4 * place) & mask == self.packed))
        });
        infix || self.after_trunk(&key).is_some()
    }

    /// Whether the number of the key ends with these digits: [`Digits::ends`].
    pub fn ends(&self, key: i64) -> bool {
        let key = Key::new(key);
        let at_end = self.whole.is_some_and(|digits| {
            digits.len <= key.len && packed(key.aligned) >> (4 * (LONGEST - key.len)) & mask(digits.len) == self.packed
        });
        at_end || self.after_trunk(&key) == Some(Level::Whole)
    }

    /// How the digits after a typed trunk `0` begin the national part.
    fn after_trunk(&self, key: &Key) -> Option<Level> {
        of_national(self.national[1].as_ref()?, key)
    }

    /// The class of the number, as [`super::search::class_of`] has it, if these digits are in it.
    pub fn class(&self, key: i64) -> Option<usize> {
        let level = self.begins(key).or_else(|| self.within(key).then_some(Level::Infix));
        level.map(|level| level.class(false))
    }
}

fn of_national(start: &Beginning, key: &Key) -> Option<Level> {
    let national = match key.code_len {
        1 => key.aligned % 10u64.pow(LONGEST - 1),
        2 => key.aligned % 10u64.pow(LONGEST - 2),
        3 => key.aligned % 10u64.pow(LONGEST - 3),
        _ => key.aligned,
    };
    start.level(national, key.len.saturating_sub(key.code_len), LONGEST - key.code_len)
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

/// So many digits' bits.
fn mask(digits: u32) -> u64 {
    (1 << (4 * digits)) - 1
}

/// The digits of a number below 10¹⁶, four bits each.
fn packed(number: u64) -> u64 {
    packed_eight(number / 100_000_000) << 32 | packed_eight(number % 100_000_000)
}

/// Eight digits: halved, and the halves halved, all at once in parts of one word. Division is by multiplication, exact for so small
/// numbers.
fn packed_eight(number: u64) -> u64 {
    let fours = ((number / 10_000) << 32) | (number % 10_000);
    let hundreds = ((fours * 5243) >> 19) & 0x0000_007f_0000_007f;
    let twos = hundreds << 16 | (fours - hundreds * 100);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    let ones = tens << 4 | (twos - tens * 10);
    let ones = (ones | ones >> 8) & 0x0000_ffff_0000_ffff;
    (ones | ones >> 16) & 0xffff_ffff
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
    use crate::contact::Phone;
    use crate::index::phone_key;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn a_key_says_what_the_digits_say_of_the_phone(
            number in "[1-3][0-3]{3,14}", calling_code_len in 1u8..=3, cut in 0usize..12, take in 1usize..17, zero in 0usize..3,
            international: bool,
        ) {
            let number = Phone { digits: number.parse().unwrap(), calling_code_len, given: String::new() };
            let typed: String = "0".repeat(zero) + &number.digits.to_string().chars().skip(cut).take(take).collect::<String>();
            prop_assume!(!typed.is_empty());
            let digits = Digits { digits: typed, international };
            let begins = match (digits.equals(&number), digits.starts(&number)) {
                (true, _) => Some(Level::Whole),
                (_, starts) => starts.then_some(Level::Prefix),
            };
            let (ready, key) = (Number::new(digits.clone()), phone_key(&number));
            prop_assert_eq!(ready.begins(key), begins);
            prop_assert_eq!(ready.within(key), digits.within(&number));
            prop_assert_eq!(ready.ends(key), digits.ends(&number));
        }

        #[test]
        fn packed_digits_are_the_digits(number in 0u64..10_000_000_000_000_000) {
            prop_assert_eq!(format!("{:016x}", packed(number)), format!("{number:016}"));
        }
    }
}
