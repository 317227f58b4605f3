//! How well a needle sits in a text: as a whole word, as the beginning of one, or anywhere.

use memchr::memmem::Finder;

use crate::contact::fold::word_char;

/// How many levels there are.
pub const LEVELS: usize = 3;
/// How many quality classes there are: each level in the name and elsewhere.
pub const CLASSES: usize = 2 * LEVELS;

/// How well one word matches one text, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Whole = 0,
    Prefix = 1,
    Infix = 2,
}

impl Level {
    /// The class of a match of this level: the name before other fields.
    pub fn class(self, in_name: bool) -> usize {
        self as usize * 2 + usize::from(!in_name)
    }
}

/// A search-folded word, ready to be looked for.
#[derive(Clone, Debug)]
pub struct Needle {
    finder: Finder<'static>,
    text: String,
    chars: usize,
    starts_in_word: bool,
    ends_in_word: bool,
}

impl Needle {
    /// `text` is search-folded and not empty.
    pub fn new(text: &str) -> Needle {
        Needle {
            finder: Finder::new(text).into_owned(),
            text: text.to_owned(),
            chars: text.chars().count(),
            starts_in_word: text.chars().next().is_some_and(word_char),
            ends_in_word: text.chars().next_back().is_some_and(word_char),
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Finds it in any text.
    pub fn finder(&self) -> &Finder<'static> {
        &self.finder
    }

    /// Length in characters.
    pub fn chars(&self) -> usize {
        self.chars
    }

    /// Whether the search-folded text contains the needle.
    pub fn within(&self, text: &str) -> bool {
        self.finder.find(text.as_bytes()).is_some()
    }

    /// The best of the needle's occurrences in a search-folded text. An occurrence begins a word unless a word character of
    /// its own follows one of the text; ending one likewise. Overlapping occurrences count.
    pub fn level(&self, text: &str) -> Option<Level> {
        let mut best = None;
        let mut from = 0;
        while let Some(found) = self.finder.find(&text.as_bytes()[from..]) {
            let at = from + found;
            let end = at + self.text.len();
            if !(self.starts_in_word && text[..at].chars().next_back().is_some_and(word_char)) {
                if !(self.ends_in_word && text[end..].chars().next().is_some_and(word_char)) {
                    return Some(Level::Whole);
                }
                best = Some(Level::Prefix);
            }
            best = best.or(Some(Level::Infix));
            from = at + text[at..].chars().next().map_or(1, char::len_utf8);
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(needle: &str, text: &str) -> Option<Level> {
        Needle::new(needle).level(text)
    }

    #[test]
    fn the_best_occurrence_counts() {
        assert_eq!(level("car", "scar car"), Some(Level::Whole));
        assert_eq!(level("car", "scar carlos"), Some(Level::Prefix));
        assert_eq!(level("car", "scarlet"), Some(Level::Infix));
        assert_eq!(level("car", "cat"), None);
        assert_eq!(level("a-a", "xa-a-a"), Some(Level::Whole));
        assert_eq!(level("小", "王小明 小"), Some(Level::Whole));
        assert_eq!(level("小", "王小明"), Some(Level::Infix));
    }

    #[test]
    fn punctuation_bounds_words_and_is_bounded_itself() {
        assert_eq!(level("gmail", "joe@gmail.com"), Some(Level::Whole));
        assert_eq!(level("@gmail", "joe@gmail.com"), Some(Level::Whole));
        assert_eq!(level("@gma", "joe@gmail.com"), Some(Level::Prefix));
        assert_eq!(level("mail", "joe@gmail.com"), Some(Level::Infix));
        assert_eq!(level("o'b", "o'brien"), Some(Level::Prefix));
    }

    #[test]
    fn classes_order_level_before_place() {
        let all = [Level::Whole, Level::Prefix, Level::Infix];
        let classes: Vec<usize> = all.into_iter().flat_map(|level| [level.class(true), level.class(false)]).collect();
        assert_eq!(classes, [0, 1, 2, 3, 4, 5]);
    }
}
