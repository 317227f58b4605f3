//! One value as the text of a CSV cell and back, safe to open in a spreadsheet.

use std::borrow::Cow;

use serde_json::Value as Json;

/// The text of a value: nothing for null, tags joined by `;`, other lists and objects as JSON.
pub(in crate::engine) fn write(value: &Json, is_tags: bool) -> String {
    let text = match value {
        Json::Null => return String::new(),
        Json::String(text) => Cow::Borrowed(text.as_str()),
        Json::Array(items) if items.is_empty() => return String::new(),
        Json::Array(items) if is_tags => Cow::Owned(join(items.iter().filter_map(Json::as_str))),
        other => Cow::Owned(other.to_string()),
    };
    neutralise(text)
}

/// The inverse of what [`write`] does to text: trims the white space around a cell, but for a neutralised one, which
/// loses its `'` alone.
pub(in crate::engine) fn read(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_risky(cell) => rest,
        _ => cell.trim(),
    }
}

/// Puts a `'` before text that a spreadsheet would run, and before text whose outer white space [`read`] would trim.
/// Text that looks so already gets one more, so that reading gives back exactly what was written.
fn neutralise(text: Cow<str>) -> String {
    if is_risky(&text) { format!("'{text}") } else { text.into_owned() }
}

fn is_risky(text: &str) -> bool {
    let bare = text.trim_start_matches('\'');
    let is_formula = bare.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_plain_number(bare);
    is_formula || bare.trim().len() != bare.len()
}

/// A sign and digits, perhaps with a point: an E.164 number or a negative one, which a spreadsheet cannot run.
fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].into_iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// Joins names by `;`, with `\` before a `;` or `\` inside one.
fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for (at, name) in names.enumerate() {
        if at > 0 {
            out.push(';');
        }
        for letter in name.chars() {
            if matches!(letter, ';' | '\\') {
                out.push('\\');
            }
            out.push(letter);
        }
    }
    out
}

/// The names of a joined list, trimmed; empty ones are left out.
pub(in crate::engine) fn split(joined: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut letters = joined.chars();
    while let Some(letter) = letters.next() {
        match (letter, names.last_mut()) {
            (';', _) => names.push(String::new()),
            ('\\', Some(name)) => name.extend(letters.next()),
            (letter, Some(name)) => name.push(letter),
            (_, None) => {}
        }
    }
    names.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_neutralised_and_numbers_are_not() {
        let written = |text: &str| write(&Json::from(text), false);
        assert_eq!(written("=1+1"), "'=1+1");
        assert_eq!(written("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(written("-2+3"), "'-2+3");
        assert_eq!(written("\t=1"), "'\t=1");
        assert_eq!(written("'=1"), "''=1");
        assert_eq!(written("+60123456789"), "+60123456789");
        assert_eq!(write(&Json::from(-12.5), false), "-12.5");
        assert_eq!(written("O'Brien"), "O'Brien");
        assert_eq!(written("'tis"), "'tis");
        assert_eq!(write(&Json::Null, false), "");
        assert_eq!(read("  michaela "), "michaela");
        assert_eq!(read("'tis"), "'tis");
    }

    #[test]
    fn tags_are_joined_and_split() {
        let tags = serde_json::json!(["a;b", "c\\d", "vip"]);
        assert_eq!(write(&tags, true), "a\\;b;c\\\\d;vip");
        assert_eq!(split("a\\;b; c\\\\d ;;vip;"), ["a;b", "c\\d", "vip"]);
        assert_eq!(split(""), Vec::<String>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn any_text_comes_back(text in "['=+@ \t\r\n0-9a-zé.-]{0,6}") {
            let cell = write(&Json::from(text.as_str()), false);
            prop_assert_eq!(read(&cell), text.as_str());
            prop_assert!(!cell.starts_with(['=', '@', '\t', '\r']));
        }

        #[test]
        fn any_tags_come_back(tags in proptest::collection::vec("[a-c;\\\\'=]{1,5}", 0..5)) {
            let cell = write(&serde_json::json!(tags), true);
            prop_assert_eq!(split(read(&cell)), tags);
        }
    }
}
