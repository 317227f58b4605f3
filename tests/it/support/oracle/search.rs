//! What the search box finds, and how well: by the words of the specification, contact by contact.

use rollcall::contact::fold::word_char;
use rollcall::contact::phone::Digits;
use rollcall::contact::{Contact, Kind, Value};

use super::Oracle;

/// Digits that make a text worth looking for in phones.
const DIGITS_MIN: usize = 3;

/// How well a contact matches, lowest best: whole word, beginning of a word, infix, each in the name before elsewhere.
pub type Quality = u8;

impl Oracle<'_> {
    /// The quality of the match; `None` where some word is not found. Of several words the worst decides.
    pub fn quality(&self, typed: &str, contact: &Contact) -> Option<Quality> {
        let folded = self.searched(typed);
        let words: Vec<&str> = folded.split_whitespace().collect();
        let mut worst = 0;
        for term in terms(&words) {
            let together = in_phone(&term.join(" "), contact);
            let one_by_one = term.iter().map(|word| {
                let own = (term.len() > 1).then(|| in_phone(word, contact)).flatten();
                best([self.in_texts(word, contact), own])
            });
            let one_by_one: Option<Vec<Quality>> = one_by_one.collect();
            worst = worst.max(best([together, one_by_one.and_then(|all| all.into_iter().max())])?);
        }
        Some(worst)
    }

    fn in_texts(&self, word: &str, contact: &Contact) -> Option<Quality> {
        let custom = self.catalog.fields.values().filter(|field| field.searchable && field.kind() == Kind::Text);
        let custom = custom.filter_map(|field| match contact.custom(field.id) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        });
        let names = [&contact.first_name, &contact.last_name].into_iter().flatten();
        let mut all: Vec<Option<Quality>> = names.map(|name| level(word, &self.searched(name))).collect();
        let others = contact.email.as_deref().into_iter().chain(custom);
        all.extend(others.map(|text| level(word, &self.searched(text)).map(|level| level + 1)));
        best(all)
    }
}

fn best(all: impl IntoIterator<Item = Option<Quality>>) -> Option<Quality> {
    all.into_iter().flatten().min()
}

/// The words, those that may be parts of one number together.
fn terms<'a>(words: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut terms: Vec<Vec<&str>> = Vec::new();
    let mut run: Vec<&str> = Vec::new();
    let close = |run: &mut Vec<&'a str>, terms: &mut Vec<Vec<&'a str>>| {
        let run = std::mem::take(run);
        if Digits::parse(&run.join(" ")).is_some_and(|_| digits_of(&run.join("")) >= DIGITS_MIN) {
            terms.push(run);
        } else {
            terms.extend(run.into_iter().map(|word| vec![word]));
        }
    };
    for word in words {
        let numeric = word.chars().all(|c| Digits::parse(&format!("{c}0")).is_some())
            && Digits::parse(&format!("{word}0")).is_some();
        if !numeric || word.starts_with('+') {
            close(&mut run, &mut terms);
        }
        if numeric { run.push(word) } else { terms.push(vec![word]) }
    }
    close(&mut run, &mut terms);
    terms
}

fn digits_of(text: &str) -> usize {
    text.chars().filter(char::is_ascii_digit).count()
}

/// Digits in the phone: the number itself, its beginning, or somewhere.
fn in_phone(text: &str, contact: &Contact) -> Option<Quality> {
    let phone = contact.phone.as_ref()?;
    let digits = Digits::parse(text).filter(|_| digits_of(text) >= DIGITS_MIN)?;
    match () {
        () if digits.equals(phone) => Some(1),
        () if digits.starts(phone) => Some(3),
        () if digits.within(phone) => Some(5),
        () => None,
    }
}

/// The best place of the word in a text: 0 as a word of its own, 2 at the beginning of one, 4 within one.
fn level(word: &str, text: &str) -> Option<Quality> {
    let bounded =
        |inner: Option<char>, outer: Option<char>| !(inner.is_some_and(word_char) && outer.is_some_and(word_char));
    let places = text.char_indices().filter(|(at, _)| text[*at..].starts_with(word));
    places
        .map(|(at, _)| {
            let (before, after) = (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
            match (bounded(word.chars().next(), before), bounded(word.chars().next_back(), after)) {
                (true, true) => 0,
                (true, false) => 2,
                (false, _) => 4,
            }
        })
        .min()
}
