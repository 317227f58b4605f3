//! What the questions ask for: forty different values a class, taken from the contacts themselves so that they find some.

use std::collections::BTreeMap;

use rollcall::contact::fold::{compare, search};
use rollcall::contact::{Alpha2, Contact};
use serde_json::Value as Json;

use crate::ask::Member;
use crate::row::Rows;

/// How many different literals each class has.
pub const LITERALS: usize = 40;
/// So many contacts are looked through for them.
const LOOKED_AT: u64 = 4000;

/// The values to ask for, each list at least one long, taken in turn.
pub struct Literals {
    /// Names of the tags in the order of their ids, which is that of their frequency.
    pub tags: Vec<String>,
    /// Each source with its channels.
    pub sources: Vec<(String, Vec<i32>)>,
    pub countries: Vec<String>,
    pub languages: Vec<String>,
    pub first_names: Vec<String>,
    /// Compare-folded beginnings of whole names, two and three characters long in turn.
    pub name_starts: Vec<String>,
    /// Pieces of search-folded names in Latin letters, by length.
    pub pieces: Vec<Vec<String>>,
    /// One and two characters of other scripts.
    pub foreign: Vec<String>,
    /// A piece of the first and one of the last name of one contact.
    pub pairs: Vec<(String, String)>,
    pub emails: Vec<String>,
    /// The last digit before the `@`, and the domain.
    pub email_ends: Vec<String>,
    pub email_pieces: Vec<String>,
    /// E.164 with `+`.
    pub phones: Vec<String>,
    /// A `+` and five to seven digits.
    pub phone_starts: Vec<String>,
    /// Four and six digits from the middle of numbers in turn.
    pub middles: Vec<String>,
    pub phone_ends: Vec<String>,
}

impl Literals {
    /// Those of the first contacts of so many.
    pub fn of(rows: &Rows, contacts: u64) -> Literals {
        let sample = rows.contacts(0..contacts.min(LOOKED_AT));
        let emails: Vec<String> = sample.iter().filter_map(|contact| contact.email.as_deref().map(compare)).collect();
        let phones: Vec<String> = sample.iter().filter_map(|contact| Some(contact.phone.as_ref()?.e164())).collect();
        let names: Vec<String> = sample.iter().filter_map(|contact| contact.full_name()).collect();
        let middle = |(at, phone): (usize, &String)| {
            let from = phone.len() - 7 - at % 3;
            phone[from..from + if at % 2 == 0 { 4 } else { 6 }].to_owned()
        };
        let alpha2 = |code: fn(&Contact) -> Option<Alpha2>| frequent(sample.iter().filter_map(code).map(Alpha2::text));
        Literals {
            tags: rows.catalog.tags.values().map(|tag| tag.name.clone()).collect(),
            sources: sources(rows),
            countries: alpha2(|contact| contact.country_code),
            languages: alpha2(|contact| contact.language),
            first_names: frequent(sample.iter().filter_map(|contact| contact.first_name.as_deref().map(compare))),
            name_starts: distinct(
                names.iter().enumerate().map(|(at, name)| compare(name).chars().take(2 + at % 2).collect()),
            ),
            pieces: (0..=6).map(|length| pieces(&names, length)).collect(),
            foreign: foreign(&names),
            pairs: pairs(&sample),
            email_ends: distinct(
                emails.iter().filter_map(|email| email.get(email.find('@')?.checked_sub(1)?..)).map(String::from),
            ),
            email_pieces: distinct(
                emails.iter().filter_map(|email| email.get(1..5)).filter(is_plain).map(String::from),
            ),
            middles: distinct(phones.iter().enumerate().map(middle).filter(|digits| !digits.starts_with('0'))),
            phone_ends: distinct(
                phones.iter().map(|phone| phone[phone.len() - 4..].to_owned()).filter(|end| !end.starts_with('0')),
            ),
            phone_starts: distinct(phones.iter().enumerate().map(|(at, phone)| phone[..6 + at % 3].to_owned())),
            emails: distinct(emails.into_iter()),
            phones: distinct(phones.into_iter()),
        }
    }

    /// Tag `n` by frequency.
    pub fn tag(&self, n: usize) -> Member {
        let n = n % self.tags.len();
        Member { ours: Json::from(self.tags[n].as_str()), ids: vec![n as i32 + 1] }
    }

    /// Tags, from `n` on.
    pub fn some_tags(&self, n: usize, count: usize) -> Vec<Member> {
        (n..n + count).map(|n| self.tag(n)).collect()
    }

    /// The sources whose bits are set.
    pub fn some_sources(&self, bits: usize) -> Vec<Member> {
        let set = self.sources.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        set.map(|(_, (name, ids))| Member { ours: Json::from(name.as_str()), ids: ids.clone() }).collect()
    }

    /// A list's value for literal `n`.
    pub fn pick<'a>(&self, list: &'a [String], n: usize) -> &'a str {
        &list[n % list.len()]
    }
}

fn is_plain(text: &&str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Each once, as many as are needed, in the order of their first coming.
fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        if found.len() < LITERALS && !text.is_empty() && !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

/// Each once, the most frequent first.
fn frequent(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    texts.for_each(|text| *counts.entry(text).or_default() += 1);
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.into_iter().map(|(text, _)| text).take(LITERALS).collect()
}

fn sources(rows: &Rows) -> Vec<(String, Vec<i32>)> {
    let mut sources: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    for channel in rows.catalog.channels.values() {
        sources.entry(channel.source.clone()).or_default().push(channel.id.0 as i32);
    }
    sources.into_iter().collect()
}

/// Pieces of so many characters: one character in any script, longer ones in Latin letters.
fn pieces(names: &[String], length: usize) -> Vec<String> {
    let folded = names.iter().map(|name| search(name));
    let words: Vec<String> = folded.flat_map(|name| name.split(' ').map(String::from).collect::<Vec<_>>()).collect();
    let cut = |(at, word): (usize, &String)| {
        let from = at % 3;
        let piece = word.get(from..from + length).filter(is_plain);
        piece
            .map(String::from)
            .or_else(|| word.chars().next().filter(|c| length == 1 && c.is_alphanumeric()).map(String::from))
    };
    distinct(words.iter().enumerate().filter_map(cut))
}

/// Beginnings of names in Chinese, Japanese, Korean, Thai, Arabic and Cyrillic letters.
fn foreign(names: &[String]) -> Vec<String> {
    let start = |(at, name): (usize, &String)| {
        let start: String = search(name).chars().take(1 + at % 2).collect();
        start.chars().all(|c| c > '\u{5FF}' && c.is_alphanumeric()).then_some(start)
    };
    distinct(names.iter().enumerate().filter_map(start))
}

fn pairs(sample: &[Contact]) -> Vec<(String, String)> {
    let pair = |contact: &Contact| {
        let (first, last) = (search(contact.first_name.as_deref()?), search(contact.last_name.as_deref()?));
        let (first, last) = (first.get(..3)?, last.get(..2)?);
        (is_plain(&first) && is_plain(&last)).then(|| format!("{first} {last}"))
    };
    let together = distinct(sample.iter().filter_map(pair));
    together.iter().filter_map(|pair| pair.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}
