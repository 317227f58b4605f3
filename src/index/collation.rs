//! The order of text: the Unicode collation of the workspace's locale, numbers by their value.
//!
//! What is collated is the compare-folded text, so upper and lower case stand together; texts that the collation
//! finds equal (they differ in characters it ignores) follow in the order of their code points, and equal texts by row.

use std::cmp::Ordering;

use icu_collator::options::CollatorOptions;
use icu_collator::preferences::CollationNumericOrdering;
use icu_collator::{CollatorBorrowed, CollatorPreferences};
use icu_locale_core::Locale;
use smallvec::SmallVec;

/// The collation of a locale.
pub struct Collation {
    locale: String,
    /// `None` only if ICU's own data were missing: text is then ordered by code points.
    collator: Option<CollatorBorrowed<'static>>,
}

impl Collation {
    /// Of a BCP 47 locale; of the root where it cannot be read or has none.
    pub fn new(locale: &str) -> Collation {
        let mut preferences = CollatorPreferences::from(&locale.parse().unwrap_or(Locale::UNKNOWN));
        preferences.numeric_ordering = Some(CollationNumericOrdering::True);
        let collator = CollatorBorrowed::try_new(preferences, CollatorOptions::default()).ok();
        Collation { locale: locale.to_owned(), collator }
    }

    /// The locale it was made for.
    pub fn locale(&self) -> &str {
        &self.locale
    }

    /// How two compare-folded texts stand to each other; equal only where they are the same. 0.1 to 0.6 µs.
    pub fn compare(&self, a: &str, b: &str) -> Ordering {
        let collated = self.collator.as_ref().map_or(Ordering::Equal, |collator| collator.compare(a, b));
        collated.then_with(|| a.cmp(b))
    }

    /// The first 4 bytes of the text's sort key: where two texts' heads differ, the texts stand as their heads do.
    pub fn head(&self, text: &str) -> u32 {
        let mut key = SmallVec::<[u8; 64]>::new();
        if let Some(collator) = &self.collator {
            let Ok(()) = collator.write_sort_key_to(text, &mut key);
        }
        (head(&key) >> 96) as u32
    }

    /// Numbers given in the order of their texts, texts that are the same in the order of their numbers: by sort keys, which is
    /// ten times faster than by comparing texts. `text(number, into)` gives a number's text, and `same` says that two
    /// numbers' texts are the same where that is known without looking at them. `seen` is given each number's [`Collation::head`].
    pub fn sorted(
        &self,
        numbers: impl Iterator<Item = u32>,
        text: impl Fn(u32, &mut String),
        same: impl Fn(u32, u32) -> bool,
        mut seen: impl FnMut(u32, u32),
    ) -> Vec<u32> {
        let mut entries = Vec::with_capacity(numbers.size_hint().0);
        let (mut keys, mut scratch) = (Vec::new(), String::new());
        for number in numbers {
            scratch.clear();
            text(number, &mut scratch);
            let start = keys.len();
            if let Some(collator) = &self.collator {
                let Ok(()) = collator.write_sort_key_to(&scratch, &mut keys);
            }
            let head = head(&keys[start..]);
            seen(number, (head >> 96) as u32);
            entries.push(Entry { head, start, len: (keys.len() - start) as u32, number });
        }
        let tail = |entry: &Entry| keys.get(entry.start + 16..entry.start + entry.len as usize).unwrap_or_default();
        let tie = |a: u32, b: u32| {
            if same(a, b) {
                return Ordering::Equal;
            }
            let (mut text_a, mut text_b) = (String::new(), String::new());
            text(a, &mut text_a);
            text(b, &mut text_b);
            text_a.cmp(&text_b)
        };
        entries.sort_unstable_by(|a, b| {
            let by_key = a.head.cmp(&b.head).then_with(|| tail(a).cmp(tail(b))).then_with(|| a.len.cmp(&b.len));
            by_key.then_with(|| tie(a.number, b.number)).then_with(|| a.number.cmp(&b.number))
        });
        entries.into_iter().map(|entry| entry.number).collect()
    }
}

/// A sort key with its first 16 bytes at hand, which decide most comparisons.
struct Entry {
    head: u128,
    start: usize,
    len: u32,
    number: u32,
}

/// The first 16 bytes as a number that orders like them; no key has a zero byte, so shorter keys come first.
fn head(key: &[u8]) -> u128 {
    let mut head = [0; 16];
    let len = key.len().min(16);
    head[..len].copy_from_slice(&key[..len]);
    u128::from_be_bytes(head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn sorting_by_keys_is_sorting_by_comparing(
            texts in proptest::collection::vec("[a-c0-2 .\u{ad}\u{200d}é\u{301}öяا張ก]{0,6}|\\PC{0,5}", 0..40),
            locale in prop_oneof![Just("en"), Just("sv"), Just("zh"), Just("ja"), Just("th"), Just("")],
        ) {
            let collation = Collation::new(locale);
            let mut expected: Vec<u32> = (0..texts.len() as u32).collect();
            expected.sort_by(|&a, &b| collation.compare(&texts[a as usize], &texts[b as usize]).then(a.cmp(&b)));
            let sorted = collation.sorted(0..texts.len() as u32, |n, into| into.push_str(&texts[n as usize]), |_, _| false, |n, head| {
                assert_eq!(head, collation.head(&texts[n as usize]));
            });
            prop_assert_eq!(sorted, expected);
        }
    }

    #[test]
    fn texts_stand_as_a_person_of_that_locale_expects() {
        let sorted = |locale: &str, mut texts: Vec<&'static str>| {
            let collation = Collation::new(locale);
            texts.sort_by(|a, b| collation.compare(a, b));
            texts
        };
        assert_eq!(sorted("en", vec!["room 10", "öl", "room 9", "zebra"]), ["öl", "room 9", "room 10", "zebra"]);
        assert_eq!(sorted("sv", vec!["öl", "zebra"]), ["zebra", "öl"]);
        assert_eq!(sorted("no such locale", vec!["öl", "zebra"]), ["öl", "zebra"]);
    }
}
