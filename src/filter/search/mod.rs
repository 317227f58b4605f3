//! The search box: words and phone digits → rows, and how well each row matches.
//!
//! The text is split at white space and folded. Words that hold nothing but digits and phone punctuation, with three
//! digits or more between them, stand for a phone number: a run of such words matches when its digits, taken together,
//! are within the phone, or else when each of its words matches by itself (as text, or, with three digits or more, within
//! the phone). Runs are as long as can be; a word that begins with `+` begins a new one. All other words match as text:
//! within first name, last name, e-mail or a searchable custom field. Every term must match.

mod level;
mod phone;
mod rank;
mod rows;
mod texts;

pub use level::{CLASSES, Level};
pub use rank::{Bound, Ranking};
pub use rows::{Found, evaluate, rows};

pub(super) use level::Needle;

use super::number::Number;
use crate::contact::phone::Digits;
use crate::contact::{Catalog, Contact, Field, Kind, Value, fold};

/// The digits a run of words needs to be looked for in phones.
const PHONE_DIGITS_MIN: usize = 3;

/// What was typed, split and folded: every term must match.
#[derive(Clone, Debug)]
pub struct Search {
    terms: Vec<Term>,
}

/// A word, or a run of words that may be a phone number.
#[derive(Clone, Debug)]
struct Term {
    words: Vec<Word>,
    /// The digits of the words together.
    digits: Option<Number>,
}

/// One word.
#[derive(Clone, Debug)]
struct Word {
    needle: Needle,
    /// Its own digits, where it is one of several of its term and has enough.
    digits: Option<Number>,
}

impl Term {
    fn new(words: &[&str]) -> Term {
        let own = |word: &str| if words.len() > 1 { digits(word) } else { None };
        Term {
            words: words.iter().map(|word| Word { needle: Needle::new(word), digits: own(word) }).collect(),
            digits: digits(&words.join(" ")),
        }
    }

    /// The term's class, given the class of a word's text and of digits in the phone: the definition of a match, for
    /// contacts and rows alike.
    fn class(
        &self,
        mut text: impl FnMut(&Word) -> Option<usize>,
        mut phone: impl FnMut(&Number) -> Option<usize>,
    ) -> Option<usize> {
        let together = self.digits.as_ref().and_then(&mut phone);
        let mut worst = Some(0);
        for word in &self.words {
            let own = better(text(word), word.digits.as_ref().and_then(&mut phone));
            worst = worst.zip(own).map(|(a, b)| a.max(b));
            if worst.is_none() {
                break;
            }
        }
        better(together, worst)
    }

    /// How selective the term is likely to be: its length in characters.
    fn chars(&self) -> usize {
        self.words.iter().map(|word| word.needle.chars()).sum()
    }
}

/// The better of two classes.
fn better(a: Option<usize>, b: Option<usize>) -> Option<usize> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The digits of a text of digits and phone punctuation, where they are enough to look for.
fn digits(text: &str) -> Option<Number> {
    let typed = text.bytes().filter(u8::is_ascii_digit).count();
    Digits::parse(text).filter(|_| typed >= PHONE_DIGITS_MIN).map(Number::new)
}

/// Whether the word can be part of a number: so it can when it still reads as digits with one more digit after it.
fn is_phone_like(word: &str) -> bool {
    Digits::parse(&format!("{word}1")).is_some()
}

/// Reads the search box's text; `None` for nothing but white space.
///
/// # Errors
/// A sentence where it is longer than `chars_max` characters.
pub fn parse(text: &str, chars_max: usize) -> Result<Option<Search>, String> {
    let length = text.chars().count();
    if length > chars_max {
        return Err(format!("the search text has {length} characters; at most {chars_max} are allowed"));
    }
    // Folding can make white space of what was none, so it comes first.
    let folded = fold::search(text);
    let words: Vec<&str> = folded.split_whitespace().collect();
    let mut terms: Vec<Vec<&str>> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let run = 1 + words[at + 1..].iter().take_while(|word| is_phone_like(word) && !word.starts_with('+')).count();
        let run = if is_phone_like(words[at]) { run } else { 1 };
        let together = &words[at..at + run];
        if run > 1 && digits(&together.join(" ")).is_none() {
            terms.extend(together.iter().map(|word| vec![*word]));
        } else {
            terms.push(together.to_vec());
        }
        at += run;
    }
    let mut seen = std::collections::HashSet::new();
    terms.retain(|term| seen.insert(term.clone()));
    let terms: Vec<Term> = terms.iter().map(|words| Term::new(words)).collect();
    Ok((!terms.is_empty()).then_some(Search { terms }))
}

/// The text fields the search box looks into; names first.
fn searched(catalog: &Catalog) -> impl Iterator<Item = Field> + '_ {
    let custom = catalog.fields.values().filter(|field| field.searchable && field.kind() == Kind::Text);
    [Field::FirstName, Field::LastName, Field::Email].into_iter().chain(custom.map(|field| Field::Custom(field.id)))
}

/// Whether the field is part of the name.
fn is_name(field: Field) -> bool {
    matches!(field, Field::FirstName | Field::LastName)
}

/// Whether one contact matches, and in which class (0 the best of [`CLASSES`]): whole word in the name, whole word
/// elsewhere, beginning of a word in the name, elsewhere, infix in the name, elsewhere. A number in the phone is
/// elsewhere: whole when it is the number in one of its forms, a beginning when one of them begins so. Several words are as
/// good as the worst. This is the meaning of what [`rows`] and [`Ranking`] compute.
pub fn class_of(search: &Search, contact: &Contact, catalog: &Catalog) -> Option<usize> {
    let texts: Vec<(bool, String)> = searched(catalog)
        .filter_map(|field| {
            let text = match field {
                Field::FirstName => contact.first_name.as_deref(),
                Field::LastName => contact.last_name.as_deref(),
                Field::Email => contact.email.as_deref(),
                Field::Custom(id) => match contact.custom(id) {
                    Some(Value::Text(text)) => Some(text.as_str()),
                    _ => None,
                },
                _ => None,
            };
            text.map(|text| (is_name(field), fold::search(text)))
        })
        .collect();
    let text_class = |word: &Word| {
        let levels = texts.iter().filter_map(|(name, text)| word.needle.level(text).map(|level| level.class(*name)));
        levels.min()
    };
    let phone_class = |number: &Number| contact.phone.as_ref().and_then(|phone| phone::class(&number.digits, phone));
    let mut worst = Some(0);
    for term in &search.terms {
        worst = worst.zip(term.class(text_class, phone_class)).map(|(a, b)| a.max(b));
    }
    worst
}

#[cfg(test)]
mod tests;
