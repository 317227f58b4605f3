//! What people write: names in many scripts, numbers, times; few of each, so that conditions hit.

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use rollcall::contact::{Millis, fold, time};

pub const FIRST: [&str; 16] = [
    "José",
    "JOSE\u{301}",
    "Óscar",
    "Carlos",
    "Scarlet",
    "Иван",
    "Ёлка",
    "محمد",
    "مُحَمَّد",
    "美玲",
    "小明",
    "สมชาย",
    "Straße",
    "İnci",
    "ﾀﾅｶ",
    "Ana 2",
];
pub const LAST: [&str; 12] = [
    "Lim",
    "O’Brien",
    "Øster Æbel",
    "Иванов",
    "السيد",
    "王",
    "ใจดี",
    "Müller-Lüd",
    "Room 9",
    "Room 10",
    "Nguyễn",
    "lim",
];
const TEXTS: [&str; 10] =
    ["item 2", "item 10", "Item 2", "größe XL", "GRÖSSE xl", "a", "日本語テキスト", "+60 12", "x-y_z", "aa aaa aaaa"];
const PHONES: [&str; 12] = [
    "+60123456789",
    "+60123456780",
    "+60198765432",
    "+6512345678",
    "+4915112345678",
    "+442079460018",
    "+14155552671",
    "+14155552672",
    "+390669812345",
    "+819012345678",
    "+78005553535",
    "+60111234567",
];
const NUMBERS: [f64; 12] =
    [0.0, 1.0, -1.0, 2.5, -2.5, 0.1, 100.0, 1e9, -1e9, 9_007_199_254_740_991.0, -9_007_199_254_740_991.0, 1e-7];
const MINUTE: Millis = 60_000;
const DAY: Millis = 24 * 60 * MINUTE;
/// Before now: boundaries of hours, days, weeks, months, years, set clocks; some in the future.
const AGES: [Millis; 18] = [
    0,
    1,
    1_000,
    29 * MINUTE,
    30 * MINUTE,
    31 * MINUTE,
    90 * MINUTE,
    DAY - 1,
    DAY,
    DAY + 1,
    3 * DAY,
    7 * DAY,
    28 * DAY,
    31 * DAY,
    365 * DAY,
    -1,
    -DAY,
    20_000 * DAY + 60 * DAY,
];

pub fn pick<T: Copy>(rng: &mut ChaCha8Rng, from: &[T]) -> T {
    *from.choose(rng).expect("something to choose from")
}

pub fn text(rng: &mut ChaCha8Rng) -> String {
    pick(rng, &TEXTS).to_owned()
}

pub fn email(rng: &mut ChaCha8Rng) -> String {
    let name = pick(rng, &["ana", "Ana", "joe.x", "carla", "søren"]);
    format!("{name}{}@{}", rng.random_range(0..40), pick(rng, &["example.com", "Mail.example.org"]))
}

pub fn url(rng: &mut ChaCha8Rng) -> String {
    format!("https://example.com/{}", pick(rng, &["a", "b", "carlos", "x/y"]))
}

pub fn phone(rng: &mut ChaCha8Rng) -> String {
    pick(rng, &PHONES).to_owned()
}

pub fn number(rng: &mut ChaCha8Rng) -> f64 {
    pick(rng, &NUMBERS)
}

pub fn instant(rng: &mut ChaCha8Rng, now: Millis) -> Millis {
    now - pick(rng, &AGES)
}

pub fn date(rng: &mut ChaCha8Rng, now: Millis) -> String {
    time::date_text(instant(rng, now).div_euclid(DAY) as i32)
}

pub fn time_of_day(rng: &mut ChaCha8Rng) -> String {
    time::time_text(pick(rng, &[0, 1, 59, 60, 545, 720, 1_438, 1_439]))
}

/// The same text as somebody else would type it: in another case where that makes no difference to comparing.
pub fn retyped(rng: &mut ChaCha8Rng, text: &str) -> String {
    let other = match rng.random_range(0..3) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        _ => text.to_owned(),
    };
    if fold::compare(&other) == fold::compare(text) { other } else { text.to_owned() }
}

/// A stretch of the text's characters, not empty.
pub fn part(rng: &mut ChaCha8Rng, text: &str, from_start: bool, to_end: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let from = if from_start { 0 } else { rng.random_range(0..chars.len()) };
    let to = if to_end { chars.len() } else { rng.random_range(from + 1..=chars.len()) };
    chars[from..to].iter().collect()
}

/// A number as somebody would type it to find it.
pub fn dialled(rng: &mut ChaCha8Rng, e164: &str, calling_code_len: usize) -> String {
    let digits = e164.trim_start_matches('+');
    let (code, national) = digits.split_at(calling_code_len);
    let (head, tail) = national.split_at(national.len() / 2);
    match rng.random_range(0..8) {
        0 => e164.to_owned(),
        1 => format!("+{code} {head}-{tail}"),
        2 => format!("00{code}{national}"),
        3 => format!("0{head} {tail}"),
        4 => national.to_owned(),
        5 => format!("({code}) {head}.{tail}"),
        6 => format!("+{code} (0){head} {tail}"),
        _ => digits.to_owned(),
    }
}
