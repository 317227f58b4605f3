//! Phone numbers: reading them, and the digit forms in which people look for them.

use super::{Alpha2, Phone};

impl Phone {
    /// Reads a number, in national form with `default_country` when it has no `+` or `00`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(given: &str, default_country: Option<&str>) -> Result<Phone, String> {
        let _ = (given, default_country);
        Err("owner: contact".into())
    }

    /// `+` and the digits.
    pub fn e164(&self) -> String {
        format!("+{}", self.digits)
    }

    /// The country of the number, where its calling code tells.
    pub fn country(&self) -> Option<Alpha2> {
        None // owner: contact
    }
}

/// The digits someone typed to find a number, with whether they marked it as international (`+` or `00`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    /// ASCII digits, `00` and `+` taken off when `international`.
    pub digits: String,
    pub international: bool,
}

impl Digits {
    /// Reads digits and phone punctuation; `None` when there is anything else or no digit.
    pub fn parse(typed: &str) -> Option<Digits> {
        let _ = typed;
        None // owner: contact
    }

    /// Whether the number, in international form or in national form with or without trunk `0`, is these digits.
    pub fn equals(&self, phone: &Phone) -> bool {
        let _ = phone;
        false // owner: contact
    }

    /// As [`Digits::equals`], for a number that begins so.
    pub fn starts(&self, phone: &Phone) -> bool {
        let _ = phone;
        false // owner: contact
    }

    /// As [`Digits::equals`], for a number that ends so.
    pub fn ends(&self, phone: &Phone) -> bool {
        let _ = phone;
        false // owner: contact
    }

    /// As [`Digits::equals`], for a number that contains these digits in a row.
    pub fn within(&self, phone: &Phone) -> bool {
        let _ = phone;
        false // owner: contact
    }
}
