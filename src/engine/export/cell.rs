//! One value as the text of a CSV cell and back, safe to open in a spreadsheet.
//!
//! Text that a spreadsheet would run gets a `'` before it: at the start of the cell, and after every `;`, tab and line break
//! within, because a spreadsheet that separates cells by one of those sees a new cell there. [`read`] takes away exactly
//! what was added.

use std::borrow::Cow;

use memchr::{memchr, memchr3};

use crate::contact::Catalog;
use crate::contact::render::{Shown, sources};

/// Where a spreadsheet that expects another separator, or minds no quotes, may see the next cell begin.
const SEPARATORS: [char; 4] = [';', '\t', '\n', '\r'];

/// What begins a formula, in all its widths.
const FORMULA: [char; 12] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫'];

/// A value as the text of its cell: tags and sources joined by `;`, channels and users as JSON.
pub(super) fn of<'a>(shown: Shown<'a>, catalog: &Catalog) -> Cow<'a, str> {
    if let Some(text) = shown.text() {
        return text;
    }
    match shown {
        Shown::Nothing | Shown::Links([]) => "".into(),
        Shown::Tags(ids) => join(ids.iter().filter_map(|id| catalog.tags.get(id)).map(|tag| tag.name.as_str())).into(),
        Shown::Sources(links) => join(sources(links, catalog).into_iter()).into(),
        other => {
            let mut json = Vec::new();
            other.push_json(&mut json, catalog);
            String::from_utf8(json).unwrap_or_default().into()
        }
    }
}

/// Puts a `'` where a spreadsheet would run what comes next, and before text whose outer white space [`read`] would trim.
/// What looks so already gets one more, so that reading gives back exactly what was written.
pub(super) fn neutralise(text: &str) -> Cow<'_, str> {
    let inner = if has_separator(text) { guarded(text) } else { Cow::Borrowed(text) };
    if is_risky(&inner) { Cow::Owned(format!("'{inner}")) } else { inner }
}

/// The inverse of [`neutralise`]: trims the white space around a cell, but for a neutralised one, which loses its `'` alone.
pub(in crate::engine) fn read(cell: &str) -> Cow<'_, str> {
    let text = match cell.strip_prefix('\'') {
        Some(rest) if is_risky(cell) => rest,
        _ => cell.trim(),
    };
    if has_separator(text) { unguarded(text) } else { Cow::Borrowed(text) }
}

/// Adds the text as a cell of a CSV line, quoted where it has to be.
pub(super) fn push(line: &mut Vec<u8>, text: &str) {
    // A file that begins with ID is taken for another format (SYLK).
    let quoted = text.bytes().any(|byte| matches!(byte, b',' | b'"' | b';' | b'\n' | b'\r' | b'\t')) || text == "ID";
    if !quoted {
        return line.extend_from_slice(text.as_bytes());
    }
    line.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            line.push(b'"');
        }
        line.push(byte);
    }
    line.push(b'"');
}

fn has_separator(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr3(b';', b'\n', b'\t', bytes).is_some() || memchr(b'\r', bytes).is_some()
}

/// Whether what stands after a separator would run, whatever quotes and blanks come first.
fn runs(rest: &str) -> bool {
    rest.trim_start_matches(['\'', '"', ' ', '\u{a0}']).starts_with(FORMULA)
}

/// A `'` after every separator that something to run follows.
fn guarded(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut from = 0;
    for (at, mark) in text.match_indices(SEPARATORS) {
        let next = at + mark.len();
        if runs(&text[next..]) {
            out.push_str(&text[from..next]);
            out.push('\'');
            from = next;
        }
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

/// The inverse of [`guarded`].
fn unguarded(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut from = 0;
    for (at, mark) in text.match_indices(SEPARATORS) {
        let next = at + mark.len();
        if text[next..].starts_with('\'') && runs(&text[next..]) {
            out.push_str(&text[from..next]);
            from = next + 1;
        }
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

fn is_risky(text: &str) -> bool {
    let bare = text.trim_start_matches('\'');
    let is_formula = bare.trim_start_matches(is_passed_over).starts_with(FORMULA) && !is_plain_number(bare);
    is_formula || bare.trim().len() != bare.len()
}

/// What a spreadsheet may drop before it looks whether a formula begins.
fn is_passed_over(letter: char) -> bool {
    let is_unseen =
        matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}' | '\'');
    is_unseen || letter.is_whitespace() || letter.is_control()
}

/// A sign and digits, perhaps with a point: an E.164 number or a negative one, which a spreadsheet cannot run.
fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].into_iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// Joins names by `;`, with `\` before a `;` or `\` inside one, and before a `[` that the list would begin with: a reader takes
/// that for JSON.
pub(super) fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for (at, name) in names.enumerate() {
        if at > 0 {
            out.push(';');
        }
        for letter in name.chars() {
            if matches!(letter, ';' | '\\') || (letter == '[' && out.is_empty()) {
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
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2+3", "'-2+3"),
            ("\t=1", "'\t'=1"),
            ("\n=1", "'\n'=1"),
            ("\r=1", "'\r'=1"),
            ("\u{feff}=1", "'\u{feff}=1"),
            ("\0@x", "'\0@x"),
            ("＝1+1", "'＝1+1"),
            ("＠x", "'＠x"),
            ("﹣x", "'﹣x"),
            ("'=1", "''=1"),
            ("a;=1", "a;'=1"),
            ("a; \"=1", "a;' \"=1"),
            ("a;'=1", "a;''=1"),
            ("- milk\n- eggs", "'- milk\n'- eggs"),
            ("a;b", "a;b"),
            ("+60123456789", "+60123456789"),
            ("-12.5", "-12.5"),
            ("O'Brien", "O'Brien"),
            ("'tis", "'tis"),
            ("", ""),
        ] {
            assert_eq!(neutralise(text), cell, "{text:?}");
            assert_eq!(read(cell), text, "{cell:?}");
        }
        assert_eq!(read("  michaela "), "michaela");
    }

    #[test]
    fn cells_are_quoted_where_they_have_to_be() {
        for (text, cell) in
            [("a", "a"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("a;b", "\"a;b\""), ("ID", "\"ID\""), ("", "")]
        {
            let mut line = Vec::new();
            push(&mut line, text);
            assert_eq!(line, cell.as_bytes());
        }
    }

    #[test]
    fn tags_are_joined_and_split() {
        assert_eq!(join(["a;b", "c\\d", "vip"].into_iter()), "a\\;b;c\\\\d;vip");
        assert_eq!(split("a\\;b; c\\\\d ;;vip;"), ["a;b", "c\\d", "vip"]);
        assert_eq!(split(""), Vec::<String>::new());
        assert_eq!(join(["[vip]", "[b]"].into_iter()), "\\[vip];[b]");
    }

    /// The cells that a program finds in the line which minds no quotes and separates by one of these.
    fn cells_of_others(line: &str) -> impl Iterator<Item = &str> {
        line.split(SEPARATORS).skip(1)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn any_text_comes_back_and_nothing_runs(text in "['\"=+@;＝－ \t\r\n0-9a-zé.\u{feff}-]{0,8}") {
            let cell = neutralise(&text);
            prop_assert_eq!(&*read(&cell), text.as_str());
            let begins_formula = cell.trim_start_matches('\u{feff}').starts_with(FORMULA);
            prop_assert!(is_plain_number(&cell) || !begins_formula);
            prop_assert!(!cell.starts_with(['\t', '\r', '\n']));
            for other in cells_of_others(&cell) {
                prop_assert!(!other.trim_start_matches([' ', '"']).starts_with(FORMULA), "{:?}", cell);
            }
            let mut line = b"1,".to_vec();
            push(&mut line, &cell);
            line.push(b'\n');
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_slice());
            let record = reader.records().next().expect("a record").expect("read");
            prop_assert_eq!(&record[1], &*cell);
        }

        #[test]
        fn any_tags_come_back(tags in proptest::collection::vec("[a-c;\\\\'=\\[]{1,5}", 0..5)) {
            let joined = join(tags.iter().map(String::as_str));
            prop_assert!(!joined.starts_with('['));
            prop_assert_eq!(split(&read(&neutralise(&joined))), tags);
        }
    }
}
