//! What type a new custom field should have, guessed from every value of its column.

use serde_json::Value as Json;

use crate::contact::DataType;

/// Words of a header that say its digits are a code and not a quantity.
const CODES: [&str; 22] = [
    "id",
    "ids",
    "code",
    "zip",
    "zipcode",
    "postcode",
    "postal",
    "plz",
    "ssn",
    "nin",
    "phone",
    "mobile",
    "tel",
    "fax",
    "account",
    "iban",
    "sku",
    "ref",
    "reference",
    "key",
    "pin",
    "ean",
];

/// The guesses for the columns of a file, in the order of its columns.
#[derive(Default)]
pub(super) struct Guesses(Vec<Guess>);

/// What all values of one column seen so far could be.
#[derive(Clone, Copy)]
struct Guess {
    seen: bool,
    number: bool,
    date: bool,
    time: bool,
    checkbox: bool,
    /// Whether a value is the word true or false, and not 0, 1, yes or no alone.
    values_tell: bool,
}

impl Guesses {
    /// Takes the text of a cell into account.
    pub fn see_text(&mut self, column: usize, text: &str) {
        self.of_column(column).see_text(text.trim());
    }

    /// Takes a member of an object into account.
    pub fn see(&mut self, column: usize, value: &Json) {
        self.of_column(column).see(value);
    }

    fn of_column(&mut self, column: usize) -> &mut Guess {
        if self.0.len() <= column {
            let fresh = Guess { seen: false, number: true, date: true, time: true, checkbox: true, values_tell: false };
            self.0.resize(column + 1, fresh);
        }
        &mut self.0[column]
    }

    /// The type for a column of that header; text where nothing else fits all values, or there is none.
    pub fn of(&self, column: usize, header: &str) -> DataType {
        match self.0.get(column) {
            Some(guess) if guess.seen && guess.checkbox && guess.values_tell => DataType::Checkbox,
            Some(guess) if guess.seen && guess.date => DataType::Date,
            Some(guess) if guess.seen && guess.time => DataType::Time,
            Some(guess) if guess.seen && guess.number && !names_a_code(header) => DataType::Number,
            _ => DataType::Text,
        }
    }
}

impl Guess {
    fn see(&mut self, value: &Json) {
        match value {
            Json::Null => {}
            Json::String(text) => self.see_text(text.trim()),
            Json::Bool(_) => {
                *self = Guess { seen: true, number: false, date: false, time: false, values_tell: true, ..*self };
            }
            Json::Number(_) => *self = Guess { seen: true, date: false, time: false, checkbox: false, ..*self },
            Json::Array(_) | Json::Object(_) => {
                *self = Guess { seen: true, number: false, date: false, time: false, checkbox: false, ..*self };
            }
        }
    }

    fn see_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let word = text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
        self.seen = true;
        self.values_tell |= word;
        self.checkbox &= word;
        self.number = self.number && is_quantity(text);
        self.date = self.date && is_date(text);
        self.time = self.time && is_time(text);
    }
}

/// Whether a number field would keep every digit: no leading zero, no exponent, at most 15 digits.
fn is_quantity(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    all_digits(whole) && all_digits(fraction) && !leading_zero && whole.len() + fraction.len() <= 16
}

/// `YYYY-MM-DD` of a day that exists.
fn is_date(text: &str) -> bool {
    text.len() == 10 && text.as_bytes()[4] == b'-' && text.parse::<jiff::civil::Date>().is_ok()
}

/// `HH:MM`.
fn is_time(text: &str) -> bool {
    let Some((hour, minute)) = text.split_once(':') else { return false };
    let below = |part: &str, limit: u8| {
        part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<u8>().is_ok_and(|n| n < limit)
    };
    below(hour, 24) && below(minute, 60)
}

/// A phone number as people write one: a `+`, or groups of digits that are no date and no amount.
pub(super) fn is_phone_like(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-() /.".contains(&byte));
    let grouped = text.starts_with('+') || text.contains(['(', ' ']) || text.matches('-').count() == 1;
    (7..=15).contains(&digits) && plain && grouped && !is_date(text)
}

/// Whether a word of the header is one of [`CODES`]; words are apart by case, `_`, spaces and other marks.
fn names_a_code(header: &str) -> bool {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in header.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = letter.is_lowercase();
        if let (true, Some(word)) = (letter.is_alphanumeric(), words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
    }
    words.iter().any(|word| CODES.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(header: &str, values: &[&str]) -> DataType {
        let mut guesses = Guesses::default();
        values.iter().for_each(|value| guesses.see_text(0, value));
        guesses.of(0, header)
    }

    #[test]
    fn the_type_fits_every_value() {
        assert_eq!(guess("age", &["8", "-3", "4.5", "0"]), DataType::Number);
        assert_eq!(guess("age", &["8", "n/a"]), DataType::Text);
        assert_eq!(guess("age", &[]), DataType::Text);
        assert_eq!(guess("born", &["1970-01-31", "2024-02-29"]), DataType::Date);
        assert_eq!(guess("born", &["2023-02-29"]), DataType::Text);
        assert_eq!(guess("born", &["19700131"]), DataType::Number);
        assert_eq!(guess("opens", &["08:30", "23:59"]), DataType::Time);
        assert_eq!(guess("opens", &["24:00"]), DataType::Text);
        assert_eq!(guess("member", &["true", "FALSE"]), DataType::Checkbox);
        assert_eq!(guess("member", &["1", "0"]), DataType::Number);
        assert_eq!(guess("name", &["1e5"]), DataType::Text);
    }

    #[test]
    fn codes_stay_text() {
        assert_eq!(guess("number", &["0123", "4560"]), DataType::Text);
        assert_eq!(guess("soc_sec_id", &["5304218"]), DataType::Text);
        assert_eq!(guess("customerId", &["17"]), DataType::Text);
        assert_eq!(guess("Post Code", &["4223"]), DataType::Text);
        assert_eq!(guess("postcode", &["4223"]), DataType::Text);
        assert_eq!(guess("paid", &["4223"]), DataType::Number);
        assert_eq!(guess("long", &["12345678901234567"]), DataType::Text);
    }
}
