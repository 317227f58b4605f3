//! What is indexed of a text: its grams and its words' edges, as terms; and how a row's texts are handed to tantivy.
//!
//! A term is a field's tag, a kind and some characters:
//! - [`INFIX`]: every run of one to [`GRAM_MAX`] characters of the text, spaces and punctuation included;
//! - [`START`]: the first one to [`EDGE_MAX`] characters of every word;
//! - [`WHOLE`]: every word of at most [`EDGE_MAX`] characters;
//! - [`TWICE`]: every run of [`JOINT`] characters that stands in the text more than once.
//!
//! The last tells where longer needles are for certain. Two grams of a needle, one after the other, have a joint in common. Where a text
//! has both grams and their joint but once, they follow each other in it too; and so has it the whole needle, if that is so of all.
//!
//! Less of some: phones have no edges, as digits begin no words, and two
//! forms, which repeat each other, so that nothing is told of repeats; and of an e-mail's only domain, which the index in memory keeps
//! apart, there are only the grams that the `@` is in, and what has at most [`DOMAIN_GRAM_MAX`] characters.
//!
//! A row is one packed string: for each of its texts the tag, the length and the text itself.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use crate::contact::Field;
use crate::contact::fold::word_char;

/// The longest gram, in characters: up to this length the index answers exactly.
pub const GRAM_MAX: usize = 4;
/// The longest edge of a word, in characters: it costs a term a word, where a longer gram would cost one a character.
pub const EDGE_MAX: usize = 6;
/// The longest gram and edge, in characters, of an e-mail's domain: so many domains have these that to put their rows together takes
/// longer than to read a term's, where few domains have a longer one.
pub const DOMAIN_GRAM_MAX: usize = 2;

const EMAIL: u64 = 3;
const PHONE: u64 = 4;

pub(super) const INFIX: char = 'i';
pub(super) const START: char = 's';
pub(super) const WHOLE: char = 'w';
pub(super) const TWICE: char = 't';

/// What a gram shares with the next, in characters.
const JOINT: usize = GRAM_MAX - 1;

/// The number that stands for the field in a term; on disk, so never to be changed. `None`: the field has no text.
fn number(field: Field) -> Option<u64> {
    Some(match field {
        Field::FirstName => 0,
        Field::LastName => 1,
        Field::Name => 2,
        Field::Email => EMAIL,
        Field::Phone => PHONE,
        Field::Custom(id) => 16 + u64::from(id.0),
        _ => return None,
    })
}

/// Writes a number in digits of six bits, the lowest first: prefix-free, and every byte is a character.
fn push_number(out: &mut String, mut number: u64) {
    while number >= 64 {
        out.push(char::from(64 + (number % 64) as u8));
        number /= 64;
    }
    out.push(char::from(number as u8));
}

/// Reads what `push_number` wrote: the number and how many bytes it took.
fn read_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0u64;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 63) << (6 * at);
        if byte & 64 == 0 {
            return Some((number, at + 1));
        }
    }
    None
}

/// Adds a text to a row's packed string. `false`: the field has no text.
pub(super) fn pack(packed: &mut String, field: Field, text: &str) -> bool {
    let Some(number) = number(field) else { return false };
    push_number(packed, number);
    push_number(packed, text.len() as u64);
    packed.push_str(text);
    true
}

/// A term: the field's tag, the kind, the characters.
pub(super) fn term(field: Field, kind: char, characters: &str) -> Option<String> {
    let mut term = String::with_capacity(4 + characters.len());
    push_number(&mut term, number(field)?);
    term.push(kind);
    term.push_str(characters);
    Some(term)
}

/// The distinct terms of the longest grams of a needle that is longer than they are, at most `limit`.
pub(super) fn long_grams(field: Field, needle: &str, limit: usize) -> Option<Vec<String>> {
    let ends: Vec<usize> = needle.char_indices().map(|(at, _)| at).chain([needle.len()]).collect();
    let mut terms = Vec::with_capacity(ends.len().saturating_sub(GRAM_MAX).min(limit));
    for window in ends.windows(GRAM_MAX + 1) {
        let term = term(field, INFIX, &needle[window[0]..window[GRAM_MAX]])?;
        if !terms.contains(&term) {
            terms.push(term);
        }
        if terms.len() == limit {
            break;
        }
    }
    Some(terms)
}

/// The distinct terms of the joints of such a needle's grams; `None` where texts of the field may have joints twice without a term.
pub(super) fn joints(field: Field, needle: &str) -> Option<Vec<String>> {
    let ends: Vec<usize> = needle.char_indices().map(|(at, _)| at).chain([needle.len()]).collect();
    let windows = ends.get(1..ends.len() - 1).filter(|_| field != Field::Phone)?.windows(JOINT + 1);
    let mut terms =
        windows.map(|window| term(field, TWICE, &needle[window[0]..window[JOINT]])).collect::<Option<Vec<_>>>()?;
    terms.sort();
    terms.dedup();
    Some(terms)
}

/// The grams of a field's texts that were seen lately, one per slot: takes most repeats out cheaply. One that slips through does no harm.
#[derive(Clone)]
struct Seen {
    slots: [u128; SLOTS],
    /// Which field's, above the bits of a gram: those of another are none of its own.
    field: u128,
}

const SLOTS: usize = 512;

impl Seen {
    /// Begins with another field.
    fn forget(&mut self) {
        self.field = self.field.wrapping_add(1 << (21 * GRAM_MAX));
    }

    fn is_new(&mut self, gram: u128) -> bool {
        let folded = (gram as u64) ^ (gram >> 64) as u64;
        let slot = (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 55) as usize;
        let gram = gram | self.field;
        std::mem::replace(&mut self.slots[slot], gram) != gram
    }
}

/// Where in its text a character stands: what is indexed there.
enum Place {
    /// In a text, with edges of words up to so many characters.
    Anywhere(usize),
    /// Not behind the `@` at this byte.
    Local(usize),
    /// So many characters behind it.
    Domain(usize),
}

impl Place {
    fn new(number: u64, text: &str) -> Place {
        match number {
            PHONE => Place::Anywhere(0),
            EMAIL => only_at(text).map_or(Place::Anywhere(EDGE_MAX), Place::Local),
            _ => Place::Anywhere(EDGE_MAX),
        }
    }

    /// Moves on to the character at this byte.
    fn step(&mut self, at: usize) {
        match self {
            Place::Local(end) if at > *end => *self = Place::Domain(1),
            Place::Domain(behind) => *behind += 1,
            _ => {}
        }
    }

    /// Whether grams of so many characters that end here are indexed.
    fn has_gram(&self, len: usize) -> bool {
        !matches!(self, Place::Domain(behind) if len <= *behind && len > DOMAIN_GRAM_MAX)
    }

    fn edge_max(&self) -> usize {
        match self {
            Place::Anywhere(max) => *max,
            Place::Local(_) => EDGE_MAX,
            Place::Domain(_) => DOMAIN_GRAM_MAX,
        }
    }
}

/// Where the only `@` is.
fn only_at(text: &str) -> Option<usize> {
    let at = text.find('@')?;
    (!text[at + 1..].contains('@')).then_some(at)
}

/// Turns packed rows into terms.
#[derive(Clone)]
pub(super) struct GramTokenizer {
    token: Token,
    seen: Box<Seen>,
    /// The runs of [`JOINT`] characters of a text, each with where it begins.
    runs: Vec<(u64, usize)>,
}

impl GramTokenizer {
    pub(super) fn new() -> GramTokenizer {
        GramTokenizer {
            token: Token::default(),
            seen: Box::new(Seen { slots: [0; SLOTS], field: 0 }),
            runs: Vec::new(),
        }
    }

    /// Calls `sink` with every term of the packed row, some of them more than once.
    pub(super) fn terms(&mut self, packed: &str, sink: &mut dyn FnMut(&Token)) {
        let (mut rest, mut last) = (packed, None);
        while let Some((number, tag)) = read_number(rest.as_bytes()) {
            let Some((len, len_len)) = read_number(&rest.as_bytes()[tag..]) else { break };
            let start = tag + len_len;
            let Some(text) = rest.get(start..start + len as usize) else { break };
            // The two forms of a phone have most grams in common.
            if last.replace(number) != Some(number) {
                self.seen.forget();
            }
            self.text(&rest[..tag], Place::new(number, text), text, sink);
            if number != PHONE {
                self.twice(&rest[..tag], text, sink);
            }
            rest = &rest[start + text.len()..];
        }
    }

    /// The terms of one text: a window of the last [`GRAM_MAX`] characters slides over it, and a word opens and closes.
    fn text(&mut self, tag: &str, mut place: Place, text: &str, sink: &mut dyn FnMut(&Token)) {
        // The nearest first.
        let mut backs: [Option<(usize, char)>; GRAM_MAX - 1] = [None; GRAM_MAX - 1];
        let (mut word_at, mut word_len) = (0, 0);
        for (at, c) in text.char_indices() {
            let end = at + c.len_utf8();
            // 21 bits a character; + 1 so that an absent one differs from U+0000, which keeps every gram unlike an empty slot.
            let mut gram = u128::from(u32::from(c)) + 1;
            place.step(at);
            self.infix(tag, &text[at..end], gram, sink);
            for (back, &(from, before)) in (1..).zip(backs.iter().map_while(Option::as_ref)) {
                gram |= (u128::from(u32::from(before)) + 1) << (21 * back);
                if place.has_gram(back + 1) {
                    self.infix(tag, &text[from..end], gram, sink);
                }
            }
            backs.rotate_right(1);
            backs[0] = Some((at, c));
            if word_char(c) {
                if word_len == 0 {
                    word_at = at;
                }
                word_len += 1;
                if word_len <= place.edge_max() {
                    self.emit(tag, START, &text[word_at..end], sink);
                }
            } else {
                if (1..=place.edge_max()).contains(&word_len) {
                    self.emit(tag, WHOLE, &text[word_at..at], sink);
                }
                word_len = 0;
            }
        }
        if (1..=place.edge_max()).contains(&word_len) {
            self.emit(tag, WHOLE, &text[word_at..], sink);
        }
    }

    /// The runs that a text has more than once: all of them, as what is not told of would be taken for certain.
    fn twice(&mut self, tag: &str, text: &str, sink: &mut dyn FnMut(&Token)) {
        let mut runs = std::mem::take(&mut self.runs);
        runs.clear();
        let (mut run, mut starts) = (0, [0; JOINT]);
        for (nth, (at, c)) in text.char_indices().enumerate() {
            run = (run << 21 | u64::from(u32::from(c))) & ((1 << (21 * JOINT)) - 1);
            starts.rotate_left(1);
            starts[JOINT - 1] = at;
            if nth + 1 >= JOINT {
                runs.push((run, starts[0]));
            }
        }
        runs.sort_unstable();
        for same in runs.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
            let rest = &text[same[0].1..];
            let len = rest.char_indices().nth(JOINT).map_or(rest.len(), |(at, _)| at);
            self.emit(tag, TWICE, &rest[..len], sink);
        }
        self.runs = runs;
    }

    fn infix(&mut self, tag: &str, characters: &str, gram: u128, sink: &mut dyn FnMut(&Token)) {
        if self.seen.is_new(gram) {
            self.emit(tag, INFIX, characters, sink);
        }
    }

    fn emit(&mut self, tag: &str, kind: char, characters: &str, sink: &mut dyn FnMut(&Token)) {
        let text = &mut self.token.text;
        text.clear();
        text.push_str(tag);
        text.push(kind);
        text.push_str(characters);
        sink(&self.token);
    }
}

impl Tokenizer for GramTokenizer {
    type TokenStream<'a> = GramStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> GramStream<'a> {
        self.token = Token { position: 0, ..Token::default() };
        GramStream { tokenizer: self, packed: text, ahead: None, current: Token::default() }
    }
}

/// The terms of one packed row.
pub(super) struct GramStream<'a> {
    tokenizer: &'a mut GramTokenizer,
    packed: &'a str,
    /// The terms to come, for who asks one by one; tantivy's indexer does not.
    ahead: Option<std::vec::IntoIter<Token>>,
    current: Token,
}

impl TokenStream for GramStream<'_> {
    fn advance(&mut self) -> bool {
        let (tokenizer, packed) = (&mut *self.tokenizer, self.packed);
        let ahead = self.ahead.get_or_insert_with(|| {
            let mut all = Vec::new();
            tokenizer.terms(packed, &mut |token| all.push(token.clone()));
            all.into_iter()
        });
        ahead.next().map(|token| self.current = token).is_some()
    }

    fn token(&self) -> &Token {
        &self.current
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.current
    }

    fn process(&mut self, sink: &mut dyn FnMut(&Token)) {
        self.tokenizer.terms(self.packed, sink);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::contact::CustomFieldId;

    fn terms_of(texts: &[(Field, &str)]) -> BTreeSet<String> {
        let mut packed = String::new();
        for (field, text) in texts {
            assert!(pack(&mut packed, *field, text));
        }
        let mut all = BTreeSet::new();
        GramTokenizer::new().terms(&packed, &mut |token| {
            all.insert(token.text.clone());
        });
        all
    }

    fn expected(field: Field, infix: &[&str], start: &[&str], whole: &[&str]) -> BTreeSet<String> {
        let kinds = [(INFIX, infix), (START, start), (WHOLE, whole)];
        kinds.iter().flat_map(|(kind, all)| all.iter().map(|c| term(field, *kind, c).unwrap())).collect()
    }

    #[test]
    fn a_text_gives_its_grams_and_the_edges_of_its_words() {
        let infix = ["é", "é ", "é b", "é bo", " ", " b", " bo", " bob", "b", "bo", "bob", "o", "ob"];
        assert_eq!(
            terms_of(&[(Field::Name, "é bob")]),
            expected(Field::Name, &infix, &["é", "b", "bo", "bob"], &["é", "bob"])
        );
        let infix = ["王", "王小", "王小明", "王小明亮", "小", "小明", "小明亮", "明", "明亮", "亮"];
        assert_eq!(
            terms_of(&[(Field::Name, "王小明亮")]),
            expected(Field::Name, &infix, &["王", "王小", "王小明", "王小明亮"], &["王小明亮"])
        );
        let starts = ["a", "al", "ale", "alex", "alexa", "alexan"];
        let edges = terms_of(&[(Field::Name, "alexandra")]);
        assert!(edges.is_superset(&expected(Field::Name, &["exan", "ndra"], &starts, &[])));
        assert!(!edges.iter().any(|term| term.contains(WHOLE) || term.contains("exand")));
        assert!(terms_of(&[(Field::Name, "")]).is_empty());
    }

    #[test]
    fn what_a_text_has_twice_is_told() {
        let twice = |field, text| -> Vec<String> {
            let tag = term(field, TWICE, "").unwrap();
            terms_of(&[(field, text)]).iter().filter_map(|term| Some(term.strip_prefix(&tag)?.to_owned())).collect()
        };
        assert!(twice(Field::Name, "anna oman").is_empty());
        assert_eq!(twice(Field::Name, "anna hanna"), ["ann", "nna"]);
        assert_eq!(twice(Field::Name, "aaaa"), ["aaa"]);
        assert_eq!(twice(Field::Name, "王小明 王小明"), ["王小明"]);
        assert_eq!(twice(Field::Email, "gmail@gmail.com"), ["ail", "gma", "mai"]);
        assert!(twice(Field::Phone, "123123").is_empty());
        assert_eq!(joints(Field::Phone, "123123"), None);
        let of = |needle| joints(Field::Name, needle).unwrap();
        assert_eq!(of("abcde"), [term(Field::Name, TWICE, "bcd").unwrap()]);
        assert_eq!(of("aaaaaaa"), [term(Field::Name, TWICE, "aaa").unwrap()]);
        assert_eq!(of("王小明亮王小明").len(), 3);
    }

    #[test]
    fn every_text_stands_for_itself() {
        let far = Field::Custom(CustomFieldId(u32::MAX));
        let mut both = expected(Field::Phone, &["1", "12", "2"], &[], &[]);
        both.extend(expected(far, &["2", "3", "23"], &["2", "23"], &["23"]));
        both.extend(expected(Field::Phone, &["0", "02"], &[], &[]));
        assert_eq!(terms_of(&[(Field::Phone, "12"), (far, "23"), (Field::Phone, "02")]), both);
    }

    #[test]
    fn of_a_domain_there_is_what_is_short_and_what_the_at_is_in() {
        let infix =
            ["b", "b@", "b@x", "b@xy", "@", "@x", "@xy", "@xyz", "x", "xy", "y", "yz", "z", "z.", ".", ".i", "i"];
        let terms = expected(Field::Email, &infix, &["b", "x", "xy", "i"], &["b", "i"]);
        assert_eq!(terms_of(&[(Field::Email, "b@xyz.i")]), terms);
        for whole in ["b@x@yz", "bxyzi"] {
            let of_name: BTreeSet<String> = terms_of(&[(Field::Name, whole)]);
            let number = |field| term(field, INFIX, "").unwrap().trim_end_matches(INFIX).to_owned();
            let as_email = |term: &String| term.replacen(&number(Field::Name), &number(Field::Email), 1);
            assert_eq!(terms_of(&[(Field::Email, whole)]), of_name.iter().map(as_email).collect());
        }
    }

    #[test]
    fn two_forms_of_a_phone_give_what_they_share_once() {
        let mut packed = String::new();
        for form in ["60123456789", "0123456789"] {
            assert!(pack(&mut packed, Field::Phone, form));
        }
        let mut terms = Vec::new();
        GramTokenizer::new().terms(&packed, &mut |token| terms.push(token.text.clone()));
        let distinct: BTreeSet<&String> = terms.iter().collect();
        assert!(terms.len() < distinct.len() + 6, "{} of {}", distinct.len(), terms.len());
    }

    #[test]
    fn no_tag_begins_another() {
        let fields: Vec<Field> = [Field::Name, Field::Phone]
            .into_iter()
            .chain((0..5000).map(|id| Field::Custom(CustomFieldId(id))))
            .collect();
        let mut tags: Vec<String> = fields.iter().map(|field| term(*field, INFIX, "").unwrap()).collect();
        tags.sort();
        assert!(tags.windows(2).all(|pair| !pair[1].starts_with(&pair[0])));
        assert_eq!(term(Field::Tags, INFIX, "a"), None);
    }

    #[test]
    fn repeats_are_mostly_left_out() {
        let mut packed = String::new();
        pack(&mut packed, Field::Name, "aaaaaaaaaaaaaaaaaaaa");
        let mut count = 0;
        GramTokenizer::new().terms(&packed, &mut |_| count += 1);
        assert_eq!(count, GRAM_MAX + EDGE_MAX + 1);
    }

    #[test]
    fn one_by_one_is_the_same_as_all_at_once() {
        let mut packed = String::new();
        pack(&mut packed, Field::Email, "ann@x.io");
        let mut at_once = Vec::new();
        GramTokenizer::new().terms(&packed, &mut |token| at_once.push(token.text.clone()));
        let mut tokenizer = GramTokenizer::new();
        let mut stream = tokenizer.token_stream(&packed);
        let mut one_by_one = Vec::new();
        while stream.advance() {
            one_by_one.push(stream.token().text.clone());
        }
        assert_eq!(at_once, one_by_one);
    }

    #[test]
    fn the_grams_of_a_needle_are_distinct_and_bounded() {
        let grams = long_grams(Field::Name, "abababa", 9).unwrap();
        assert_eq!(grams, [term(Field::Name, INFIX, "abab").unwrap(), term(Field::Name, INFIX, "baba").unwrap()]);
        assert_eq!(long_grams(Field::Name, "abcdefgh", 2).unwrap().len(), 2);
    }
}
