//! How well digits match a phone number.

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
