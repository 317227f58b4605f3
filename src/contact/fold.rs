//! The two foldings of text: `compare` for filters and names, `search` for the search box.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{GeneralCategory, Script};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
const NFD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfd();
const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();
const CATEGORY: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::<GeneralCategory>::new();
const SCRIPT: CodePointMapDataBorrowed<'static, Script> = CodePointMapData::<Script>::new();

/// Ignores case and composition, keeps accents: NFD, full case folding, NFC (Unicode 3.13, D145). Idempotent.
pub fn compare(text: &str) -> String {
    compared(text).into_owned()
}

/// As [`compare`], without a new string where the text is ASCII without capitals.
pub fn compared(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(text.to_ascii_lowercase()),
            false => Cow::Borrowed(text),
        };
    }
    let decomposed = NFD.normalize(text);
    let folded = CaseMapper::new().fold_string(&decomposed);
    Cow::Owned(NFC.normalize(&folded).into_owned())
}

/// Ignores case, accents, width and script variants. Idempotent.
///
/// NFKD and full case folding; then marks that are accents go (those that are part of the spelling stay: Thai, Indic,
/// Khmer …, Japanese voicing), letters with a stroke and the like become their plain letter (ø o, đ d, ß ss, æ ae),
/// Arabic spelling variants one letter, katakana hiragana, digits of any script ASCII, curly apostrophes and the
/// hyphens plain, white space a space, and invisible characters nothing; then NFC.
pub fn search(text: &str) -> String {
    if text.is_ascii() {
        let mut folded = text.to_ascii_lowercase();
        if folded.bytes().any(|byte| byte != b' ' && char::from(byte).is_whitespace()) {
            folded = folded.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
        }
        return folded;
    }
    // Accents go first: the iota subscript would otherwise fold into a letter of its own.
    let mut bare = String::with_capacity(text.len());
    bare.extend(NFKD.normalize_iter(text.chars()).filter(|&c| !is_accent(c) && !is_invisible(c)));
    let folded = CaseMapper::new().fold_string(&bare);
    let mut plain = String::with_capacity(folded.len());
    for c in NFKD.normalize_iter(folded.chars()) {
        push_plain(c, &mut plain);
    }
    match NFC.normalize(&plain) {
        Cow::Borrowed(_) => plain,
        Cow::Owned(composed) => composed,
    }
}

/// [`compare`] and, where it differs from that, [`search`].
pub fn both(text: &str) -> (Cow<'_, str>, Option<String>) {
    let compare = compared(text);
    if text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return (compare, None);
    }
    let search = Some(search(text)).filter(|search| *search != compare);
    (compare, search)
}

/// Whether the character belongs to a word: a letter, a digit or a mark.
pub fn word_char(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && is_mark(c))
}

/// A decimal digit of any script as its ASCII digit.
pub fn digit(c: char) -> Option<char> {
    if c.is_ascii() || CATEGORY.get(c) != GeneralCategory::DecimalNumber {
        return c.is_ascii_digit().then_some(c);
    }
    // Unicode gives decimal digits in runs of ten from zero on, so the distance to the start of the run tells the value.
    let point = u32::from(c);
    let run = (0..point).rev().take_while(|&before| CATEGORY.get32(before) == GeneralCategory::DecimalNumber).count();
    char::from_digit((run % 10) as u32, 10)
}

fn is_mark(c: char) -> bool {
    matches!(
        CATEGORY.get(c),
        GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::EnclosingMark
    )
}

/// A mark that only accents its letter. In other scripts marks are vowels and tones, which spell the word.
fn is_accent(c: char) -> bool {
    if c < '\u{300}' || matches!(c, '\u{3099}' | '\u{309A}') {
        return false;
    }
    matches!(CATEGORY.get(c), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark)
        && matches!(
            SCRIPT.get(c),
            Script::Inherited
                | Script::Common
                | Script::Latin
                | Script::Greek
                | Script::Cyrillic
                | Script::Hebrew
                | Script::Arabic
        )
}

/// Joiners, direction marks, soft hyphen, tatweel and fillers: nothing a person sees or types on purpose.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{61C}'
            | '\u{640}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
    )
}

/// Adds the plain form of a folded character.
fn push_plain(c: char, out: &mut String) {
    if c.is_ascii() {
        out.push(if c.is_whitespace() { ' ' } else { c });
    } else if let Some(letters) = latin(c) {
        out.push_str(letters);
    } else {
        match variant(c) {
            _ if is_accent(c) || is_invisible(c) => {}
            other if other != c => out.push(other),
            _ if c.is_whitespace() => out.push(' '),
            _ => out.push(digit(c).unwrap_or(c)),
        }
    }
}

/// Latin letters that carry their accent without a decomposition.
fn latin(c: char) -> Option<&'static str> {
    Some(match c {
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ß' => "ss",
        'ø' | 'ɔ' | 'ɵ' => "o",
        'đ' | 'ð' | 'ɖ' | 'ɗ' => "d",
        'ł' | 'ƚ' | 'ɫ' => "l",
        'ı' | 'ɨ' => "i",
        'ə' | 'ⱥ' => "a",
        'ħ' => "h",
        'ŧ' | 'ƭ' | 'ʈ' | 'ⱦ' => "t",
        'ŋ' | 'ɲ' | 'ƞ' => "n",
        'ĸ' | 'ƙ' => "k",
        'ƀ' | 'ɓ' => "b",
        'ƈ' | 'ȼ' => "c",
        'ƒ' => "f",
        'ǥ' | 'ɠ' => "g",
        'ɛ' | 'ɇ' => "e",
        'ɉ' => "j",
        'ƥ' => "p",
        'ɍ' => "r",
        'ʉ' => "u",
        'ʋ' => "v",
        'ƴ' | 'ɏ' => "y",
        'ƶ' | 'ȥ' => "z",
        _ => return None,
    })
}

/// The usual form of a character with spelling variants; the character itself where it has none.
fn variant(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{2BB}' | '\u{2BC}' | '\u{2032}' => '\'',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        // Arabic: alef wasla; Persian, Urdu and final yeh; kaf; the forms of heh with teh marbuta.
        '\u{671}' => '\u{627}',
        '\u{649}' | '\u{6CC}' | '\u{6D2}' => '\u{64A}',
        '\u{6A9}' | '\u{6AA}' => '\u{643}',
        '\u{629}' | '\u{6BE}' | '\u{6C1}' | '\u{6C3}' | '\u{6D5}' => '\u{647}',
        // Katakana stands 0x60 above hiragana, letter by letter.
        '\u{30A1}'..='\u{30F6}' | '\u{30FD}' | '\u{30FE}' => char::from_u32(u32::from(c) - 0x60).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn compare_ignores_case_and_composition_only() {
        assert_eq!(compare("Jürgen STRASSE"), compare("ju\u{308}rgen straße"));
        assert_eq!(compare("ΣΊΣΥΦΟΣ"), compare("σίσυφος"));
        assert_eq!(compare("ИВАН"), "иван");
        assert_eq!(compare("ＡＢＣ"), "ａｂｃ");
        assert_ne!(compare("Oscar"), compare("Óscar"));
        assert_ne!(compare("カ"), compare("か"));
        assert_eq!(compare("각"), compare("\u{1100}\u{1161}\u{11A8}"));
        assert!(matches!(compared("vip 7"), Cow::Borrowed("vip 7")));
    }

    #[test]
    fn search_folds_what_people_type_differently() {
        for (stored, typed) in [
            ("Óscar", "oscar"),
            ("Łukasz Żółć", "lukasz zolc"),
            ("Ðorđe Þór", "dorde thor"),
            ("Straße", "STRASSE"),
            ("Søren Ærø Œuvre", "soren aero oeuvre"),
            ("İstanbul Işık", "istanbul isik"),
            ("Nguyễn Đức", "nguyen duc"),
            ("ＡＢＣ　１２３", "abc 123"),
            ("ﾀﾅｶ ガ", "たなか が"),
            ("Ёлкин", "елкин"),
            ("Ὀδυσσεύς ᾳ", "οδυσσευσ α"),
            ("مُحَمَّد", "محمد"),
            ("أحمد علـــی", "احمد علي"),
            ("کریم فاطمة", "كريم فاطمه"),
            ("שָׁלוֹם", "שלום"),
            ("١٢٣ ۴۵۶ ०१२ ๗๘๙", "123 456 012 789"),
            ("O’Brien\u{A0}Smith‑Jones", "o'brien smith-jones"),
            ("zero\u{200B}width", "zerowidth"),
            ("한글", "\u{1112}\u{1161}\u{11AB}글"),
        ] {
            assert_eq!(search(stored), search(typed), "{stored} and {typed}");
        }
        assert_eq!(search("\tTab\nX"), " tab x");
    }

    #[test]
    fn search_keeps_marks_that_spell() {
        assert_ne!(search("ก่า"), search("กา"));
        assert_eq!(search("สมชาย"), "สมชาย");
        assert_ne!(search("कि"), search("क"));
        assert_ne!(search("ば"), search("は"));
        assert_eq!(search("バ"), search("ば"));
        assert_eq!(search("ខ្មែរ"), "ខ្មែរ");
    }

    #[test]
    fn digits_of_every_script_have_their_value() {
        assert_eq!("7٧۷७๗７𝟕".chars().filter_map(digit).collect::<String>(), "7777777");
        assert_eq!(['x', '½', '²', '一'].map(digit), [None; 4]);
    }

    #[test]
    fn words_are_letters_digits_and_marks() {
        assert!("aß7กั\u{301}ि字".chars().all(word_char));
        assert!(!" -.'@,、".chars().any(word_char));
    }

    #[test]
    fn foldings_of_single_characters_are_idempotent() {
        for c in ('\0'..=char::MAX).filter(|c| {
            !('\u{4E00}'..'\u{A000}').contains(c) && !('\u{AC80}'..'\u{D700}').contains(c) && *c < '\u{20000}'
        }) {
            let text = c.to_string();
            for (name, fold) in [("compare", compare as fn(&str) -> String), ("search", search)] {
                assert_eq!(fold(&fold(&text)), fold(&text), "{name} of U+{:04X}", u32::from(c));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn foldings_are_idempotent(text in "\\PC{0,24}") {
            prop_assert_eq!(compare(&compare(&text)), compare(&text));
            prop_assert_eq!(search(&search(&text)), search(&text));
        }

        #[test]
        fn composition_makes_no_difference(text in "[\\p{Latin}\\p{Greek}\\p{Hangul}\\p{M}]{0,16}") {
            let (nfc, nfd) = (NFC.normalize(&text), NFD.normalize(&text));
            prop_assert_eq!(compare(&nfc), compare(&nfd));
            prop_assert_eq!(search(&nfc), search(&nfd));
        }
    }
}
