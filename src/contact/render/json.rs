//! JSON as bytes at the end of a buffer: text, numbers and times, without a copy in between.

use crate::contact::draft::NUMBER_MAX;
use crate::contact::{Millis, time};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Text in its quotes.
pub fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_escaped(out, text);
    out.push(b'"');
}

/// Text as it stands between quotes.
pub fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    // Most text has nothing to escape: it is looked through eight bytes at a time and copied whole.
    while let Some(at) = first_escaped(rest) {
        out.extend_from_slice(&rest[..at]);
        push_escape(out, rest[at]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// Where the first byte stands that JSON escapes: a quote, a backslash or a control character.
fn first_escaped(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    let word_at = words.iter().position(|word| has_escaped(u64::from_le_bytes(*word)));
    let (from, among) = match word_at {
        Some(at) => (at * 8, &words[at][..]),
        None => (words.len() * 8, rest),
    };
    among.iter().position(|byte| is_escaped(*byte)).map(|at| from + at)
}

fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Whether one of the eight bytes [`is_escaped`].
fn has_escaped(word: u64) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // A byte below `n` borrows from its highest bit when `n` is taken from it.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & HIGHS != 0
}

#[cold]
fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        8 => b'b',
        9 => b't',
        10 => b'n',
        12 => b'f',
        13 => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            return out.extend([byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]));
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// A whole number.
pub fn push_whole(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A finite number, without `.0`.
pub fn push_number(out: &mut Vec<u8>, number: f64) {
    if number.fract() == 0.0 && number.abs() <= NUMBER_MAX {
        return push_whole(out, number as i64);
    }
    // Writing a number to memory does not fail; what is not finite is `null`.
    let _ = serde_json::to_writer(out, &number);
}

/// An instant in its quotes.
pub fn push_instant(out: &mut Vec<u8>, at: Millis) {
    out.push(b'"');
    out.extend_from_slice(&time::instant_ascii(at));
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        push_text(&mut out, text);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn every_character_is_escaped_as_serde_json_does() {
        for letter in (0..0x3000).filter_map(char::from_u32).chain(['\u{2028}', '\u{fffd}', '😀']) {
            for text in [format!("{letter}"), format!("1234567{letter}"), format!("12345678{letter}9{letter}{letter}")]
            {
                assert_eq!(written(&text), serde_json::to_string(&text).expect("JSON"));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn text_is_written_as_serde_json_does(text in "(?s)[\"\\\\\u{0}-\u{21}a-zé€😀\u{7f}-\u{a1}]{0,40}") {
            prop_assert_eq!(written(&text), serde_json::to_string(&text).expect("JSON"));
        }

        #[test]
        fn numbers_are_written_as_serde_json_does(number in any::<f64>(), whole in any::<i64>()) {
            let mut out = Vec::new();
            push_number(&mut out, number);
            let expected = match number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_991.0 {
                true => (number as i64).to_string(),
                false => serde_json::to_string(&number).expect("JSON"),
            };
            prop_assert_eq!(&out, expected.as_bytes());
            out.clear();
            push_whole(&mut out, whole);
            prop_assert_eq!(out, whole.to_string().into_bytes());
        }
    }
}
