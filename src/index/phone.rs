//! Phone numbers as numbers of a column: digits from the left, so that a prefix is a range and the order that of the digits.

use std::ops::RangeInclusive;

use crate::contact::Phone;

/// Digits of the longest number.
const DIGITS: u32 = 15;
/// A key is the digits filled with zeros to `DIGITS`, four bits of how many there were, two of how many are the calling code.
const LOW_BITS: u32 = 6;

/// The phone's key in the column: orders as the digits do as text.
pub fn phone_key(phone: &Phone) -> i64 {
    let len = phone.digits.checked_ilog10().map_or(1, |log| log + 1);
    let aligned = match DIGITS.checked_sub(len) {
        Some(missing) => phone.digits * 10u64.pow(missing),
        // Longer than any number may be.
        None => phone.digits / 10u64.pow(len - DIGITS),
    };
    (aligned << LOW_BITS) as i64 | i64::from(len.min(DIGITS)) << 2 | i64::from(phone.calling_code_len & 3)
}

/// The phone of a key; what the caller typed is not in it.
pub fn phone_of_key(key: i64) -> Phone {
    let len = (key >> 2 & 15) as u32;
    let digits = (key >> LOW_BITS) as u64 / 10u64.pow(DIGITS.saturating_sub(len));
    Phone { digits, calling_code_len: (key & 3) as u8, given: String::new() }
}

/// The keys of the phones of just these digits, whatever their calling code; none for what is no number.
pub fn phone_exactly(digits: &str) -> Option<RangeInclusive<i64>> {
    let first = *phone_prefix(digits)?.start();
    Some(first..=first | 3)
}

/// The keys of the phones whose digits begin with these; none for what is no prefix of a number.
pub fn phone_prefix(digits: &str) -> Option<RangeInclusive<i64>> {
    let len = u32::try_from(digits.len()).ok().filter(|len| (1..=DIGITS).contains(len))?;
    let prefix: u64 =
        if digits.bytes().all(|digit| digit.is_ascii_digit()) { digits.parse().ok()? } else { return None };
    let unit = 10u64.pow(DIGITS - len);
    // A shorter number whose digits go on in zeros fills to the same: it has the smaller length.
    let first = ((prefix * unit) << LOW_BITS) as i64 | i64::from(len) << 2;
    Some(first..=(((prefix + 1) * unit) << LOW_BITS) as i64 - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phone(digits: u64, calling_code_len: u8) -> Phone {
        Phone { digits, calling_code_len, given: String::new() }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_key_orders_as_the_digits_and_gives_them_back(
            a in "[1-9][0-9]{0,14}", b in "[1-9][0-2]{0,4}", code in 1u8..=3, prefix in "[1-9][0-9]{0,3}",
        ) {
            let (phone_a, phone_b) = (phone(a.parse().unwrap(), code), phone(b.parse().unwrap(), code));
            let (key_a, key_b) = (phone_key(&phone_a), phone_key(&phone_b));
            prop_assert!(phone_of_key(key_a) == phone_a && phone_of_key(key_b) == phone_b);
            prop_assert_eq!(key_a.cmp(&key_b), a.cmp(&b));
            prop_assert_eq!(phone_prefix(&prefix).unwrap().contains(&key_a), a.starts_with(&prefix));
            prop_assert!(phone_prefix(&b).unwrap().contains(&key_b));
            prop_assert_eq!(phone_exactly(&prefix).unwrap().contains(&key_a), a == prefix);
            prop_assert!(phone_exactly(&b).unwrap().contains(&key_b));
        }
    }

    #[test]
    fn what_is_no_prefix_has_no_range() {
        for typed in ["", "12a", "+60", "1234567890123456"] {
            assert!(phone_prefix(typed).is_none() && phone_exactly(typed).is_none());
        }
    }
}
