//! People's names in eighteen languages: lists of common names, and parts from which many more are composed.

use super::dice::Dice;
use super::locales::{LOCALES, Locale};

/// A word with its spelling in plain Latin letters, for addresses.
pub(super) struct Word {
    pub native: String,
    pub roman: String,
}

/// One kind of name of a language: common ones, most frequent first, and parts to compose rare ones from.
struct Pool {
    usual: Vec<Word>,
    parts: Vec<Vec<Word>>,
    joint: &'static str,
    /// Per cent of names that are composed.
    composed: u32,
}

/// First and last names of one language.
pub(super) struct Names {
    pub locale: &'static Locale,
    first: Pool,
    last: Pool,
}

impl Names {
    /// The names of every language, in the order of [`LOCALES`].
    pub fn all() -> Vec<Names> {
        LOCALES
            .iter()
            .map(|locale| Names {
                locale,
                first: Pool::new(locale.first, locale.first_parts, locale.first_joint),
                last: Pool::new(locale.last, locale.last_parts, locale.last_joint),
            })
            .collect()
    }

    /// A first name.
    pub fn first(&self, dice: &mut Dice) -> Word {
        self.first.draw(dice)
    }

    /// A last name.
    pub fn last(&self, dice: &mut Dice) -> Word {
        self.last.draw(dice)
    }
}

impl Pool {
    fn new(usual: &str, parts: &[&str], joint: &'static str) -> Pool {
        let parts: Vec<Vec<Word>> = parts.iter().map(|list| words(list)).collect();
        // Syllables compose more names than pairs of whole names do in life.
        let composed = if parts.is_empty() { 0 } else { 35 };
        Pool { usual: words(usual), parts, joint, composed }
    }

    fn draw(&self, dice: &mut Dice) -> Word {
        if !dice.percent(self.composed) {
            let word = &self.usual[dice.zipf(self.usual.len())];
            return Word { native: word.native.clone(), roman: word.roman.clone() };
        }
        let mut name = Word { native: String::with_capacity(32), roman: String::with_capacity(24) };
        for (at, part) in self.parts.iter().enumerate() {
            let word = &part[dice.below(part.len())];
            if at > 0 {
                name.native.push_str(self.joint);
            }
            name.native.push_str(&word.native);
            name.roman.push_str(&word.roman);
        }
        name
    }
}

/// Reads a list: words apart by white space, `_` for a space inside one, `native|roman` where letters do not tell.
fn words(list: &str) -> Vec<Word> {
    let word = |entry: &str| {
        let (native, roman) = entry.split_once('|').unwrap_or((entry, entry));
        Word { native: native.replace('_', " "), roman: romanize(roman) }
    };
    list.split_whitespace().map(word).collect()
}

/// Plain lower-case Latin letters for Latin with accents and for Cyrillic; whatever else is left out.
fn romanize(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' => out.push(letter),
            _ => out.push_str(LETTERS.iter().find(|(from, _)| from.contains(letter)).map_or("", |(_, to)| to)),
        }
    }
    out
}

const LETTERS: &[(&str, &str)] = &[
    ("áàâãäåāăąắằẵặấầẩậảạа", "a"),
    ("б", "b"),
    ("çćčц", "c"),
    ("ďđд", "d"),
    ("éèêëēęěếềểễệẻẽẹеёэє", "e"),
    ("ф", "f"),
    ("ğгґ", "g"),
    ("х", "h"),
    ("íìîïīıĩỉịиіїы", "i"),
    ("йj", "j"),
    ("к", "k"),
    ("łл", "l"),
    ("м", "m"),
    ("ñńňн", "n"),
    ("óòôõöőøốồổỗộơớờởợọỏо", "o"),
    ("п", "p"),
    ("řр", "r"),
    ("śšşс", "s"),
    ("ťт", "t"),
    ("úùûüűůũủụưứừửữựу", "u"),
    ("в", "v"),
    ("ýỳỷỹỵ", "y"),
    ("źżžз", "z"),
    ("ж", "zh"),
    ("ч", "ch"),
    ("ш", "sh"),
    ("щ", "sch"),
    ("ю", "yu"),
    ("я", "ya"),
    ("æ", "ae"),
    ("œ", "oe"),
    ("ß", "ss"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_spelling_in_plain_letters() {
        for names in Names::all() {
            for pool in [&names.first, &names.last] {
                for word in pool.usual.iter().chain(pool.parts.iter().flatten()) {
                    assert!(!word.roman.is_empty(), "{}", word.native);
                    assert!(word.roman.bytes().all(|b| b.is_ascii_lowercase()), "{}", word.roman);
                    assert!(!word.native.contains('|'), "{}", word.native);
                }
            }
        }
    }
}
