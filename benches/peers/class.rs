//! The classes: what people and programs ask of a contacts table. A class is one row: its name and its `n`-th question.

use rollcall::contact::time;

use crate::ask::*;
use crate::literals::Literals;
use crate::support::NOW;

/// A class of questions, with a question for each literal.
pub struct Class {
    pub name: &'static str,
    pub ask: fn(&Literals, usize) -> Ask,
}

const PAGE: usize = 100;
/// What a screen with counts beside its rows shows.
const SCREEN: usize = 25;
const DAY: i64 = 86_400_000;
const STATUSES: [(&str, i64); 4] = [("open", 0), ("closed", 1), ("snoozed", 2), ("blocked", 3)];
const STAGES: [(&str, i64); 5] = [("New lead", 1), ("Qualified", 2), ("Negotiation", 3), ("Customer", 4), ("Lost", 5)];
const PLANS: [&str; 5] = ["free", "starter", "business", "enterprise", "trial"];

macro_rules! classes {
    ($($name:literal $ask:expr;)*) => {
        /// Every class.
        pub const CLASSES: &[Class] = &[$(Class { name: $name, ask: $ask }),*];
    };
}

classes! {
    "browse" |_, n| Ask { offset: n * 50, ..page() };
    "browse last page of the window" |_, n| Ask { offset: 2400 - n, ..page() };
    "browse by name" |_, n| Ask { offset: n * 60, sort: Sort::Name, ..page() };
    "tag" |l, n| filtered(Cond::Has(TAGS, Among::Any, l.some_tags(n, 1)));
    "any of five tags" |l, n| filtered(Cond::Has(TAGS, Among::Any, l.some_tags(n * 3, 5)));
    "all of two tags" |l, n| filtered(Cond::Has(TAGS, Among::All, vec![l.tag(n % 8), l.tag(8 + n)]));
    "none of three tags" |l, n| filtered(Cond::Has(TAGS, Among::None, l.some_tags(n, 3)));
    "only of eight tags" |l, n| filtered(Cond::Has(TAGS, Among::Only, l.some_tags(n, 8)));
    "at least two of four tags" |l, n| filtered(Cond::Has(TAGS, Among::AtLeast(2), l.some_tags(n, 4)));
    "channel sources" |l, n| filtered(Cond::Has(CHANNELS, Among::Any, l.some_sources(n + 1)));
    "countries" |l, n| filtered(texts(COUNTRY, &[l.pick(&l.countries, n), l.pick(&l.countries, n + 1 + n / 20)]));
    "language" |l, n| filtered(texts(LANGUAGE, &[l.pick(&l.languages, n), l.pick(&l.languages, n + 1 + n / 15)]));
    "status and language by name" |l, n| Ask { sort: Sort::Name, ..filtered(Cond::All(vec![
        named(STATUS, &some(&STATUSES, 1 + n % 15)), texts(LANGUAGE, &[l.pick(&l.languages, n)])])) };
    "tag by name" |l, n| Ask { sort: Sort::Name, ..filtered(Cond::Has(TAGS, Among::Any, l.some_tags(n, 1))) };
    "lifecycle and unassigned" |_, n| filtered(Cond::All(vec![named(LIFECYCLE, &some(&STAGES, 1 + n % 31)), if n < 31 { not(exists(ASSIGNEE)) } else { exists(ASSIGNEE) }]));
    "assignee" |_, n| filtered(Cond::OneOf(ASSIGNEE, vec![Value { ours: format!("agent{}@rollcall.example", n + 1).into(), sql: Param::Int(n as i64 + 2) }]));
    "number range" |_, n| filtered(numbers(SCORE, n as f64 * 10.0, n as f64 * 10.0 + 150.0));
    "list field and checkbox" |_, n| filtered(Cond::All(vec![texts(PLAN, &some(&PLANS, 1 + n % 31)), flag(n < 31)]));
    "date range" |_, n| filtered(dates(BIRTHDAY, time::date_text(-10_900 + n as i32 * 500), time::date_text(-10_000 + n as i32 * 500)));
    "instant range" |_, n| filtered(instants(CREATED, NOW - (n as i64 + 1) * 17 * DAY, NOW - n as i64 * 17 * DAY));
    "no reply for days" |_, n| filtered(Cond::LongerThan(SINCE_INCOMING, 1 + n as i64 * 3));
    "a message within days" |_, n| filtered(Cond::ShorterThan(SINCE_MESSAGE, 1 + n as i64));
    "birthday and no e-mail" |l, n| filtered(Cond::All(vec![exists(BIRTHDAY), not(exists(EMAIL)), texts(LANGUAGE, &[l.pick(&l.languages, n), l.pick(&l.languages, n + 1 + n / 15)])]));
    "none of several things" |l, n| filtered(not(Cond::Any(vec![Cond::Has(TAGS, Among::Any, l.some_tags(n, 2)), texts(COUNTRY, &[l.pick(&l.countries, n)]), texts(PLAN, &[PLANS[n % 5]])])));
    "nested five deep" |l, n| filtered(nested(l, n));
    "along the order" |_, n| Ask { sort: Sort::Created, ..filtered(Cond::Before(CREATED, NOW - n as i64 * 15 * DAY)) };
    "against the order" |_, n| Ask { sort: Sort::Created, ..filtered(Cond::Before(LAST_MESSAGE, NOW - (200 + n as i64 * 10) * DAY)) };
    "three sort keys" |l, n| Ask { sort: Sort::CountryStatusName, ..filtered(Cond::Has(TAGS, Among::Any, l.some_tags(n, 2))) };
    "first name is" |l, n| filtered(text(FIRST_NAME, Way::Equals, l.pick(&l.first_names, n)));
    "name contains" |l, n| filtered(text(NAME, Way::Contains, l.pick(&l.pieces[3 + n % 2], n)));
    "name starts with" |l, n| filtered(text(NAME, Way::Starts, l.pick(&l.name_starts, n)));
    "e-mail is" |l, n| filtered(text(EMAIL, Way::Equals, l.pick(&l.emails, n)));
    "e-mail contains" |l, n| filtered(text(EMAIL, Way::Contains, l.pick(&l.email_pieces, n)));
    "e-mail ends with" |l, n| filtered(text(EMAIL, Way::Ends, l.pick(&l.email_ends, n)));
    "phone is" |l, n| filtered(text(PHONE, Way::Equals, l.pick(&l.phones, n)));
    "phone starts with" |l, n| filtered(text(PHONE, Way::Starts, l.pick(&l.phone_starts, n)));
    "phone contains" |l, n| filtered(text(PHONE_FORMS, Way::Contains, l.pick(&l.middles, n)));
    "phone ends with" |l, n| filtered(text(PHONE_FORMS, Way::Ends, l.pick(&l.phone_ends, n)));
    "search 1 character" |l, n| searched(&[l.pick(&l.pieces[1], n)]);
    "search 2 characters" |l, n| searched(&[l.pick(&l.pieces[2], n)]);
    "search 3 characters" |l, n| searched(&[l.pick(&l.pieces[3], n)]);
    "search 4 characters" |l, n| searched(&[l.pick(&l.pieces[4], n)]);
    "search 5 characters" |l, n| searched(&[l.pick(&l.pieces[5], n)]);
    "search 6 characters" |l, n| searched(&[l.pick(&l.pieces[6], n)]);
    "search two words" |l, n| { let (a, b) = &l.pairs[n % l.pairs.len()]; searched(&[a, b]) };
    "search phone digits" |l, n| searched(&[l.pick(&l.middles, n)]);
    "search other scripts" |l, n| searched(&[l.pick(&l.foreign, n)]);
    "search and tag" |l, n| Ask { cond: Some(Cond::Has(TAGS, Among::Any, l.some_tags(n % 10, 1))), ..searched(&[l.pick(&l.pieces[3], n)]) };
    "count of a tag" |l, n| counted(Cond::Has(TAGS, Among::Any, l.some_tags(n, 1)));
    "count of none of three tags" |l, n| counted(Cond::Has(TAGS, Among::None, l.some_tags(n, 3)));
    "count of a range" |_, n| counted(numbers(SCORE, n as f64 * 5.0, n as f64 * 5.0 + 400.0));
    "count of a nested filter" |l, n| counted(nested(l, n));
    "count of a search" |l, n| Ask { limit: 0, ..searched(&[l.pick(&l.pieces[4], n)]) };
    "facets of everything" |_, n| Ask { offset: n * SCREEN, limit: SCREEN, facets: true, ..page() };
    "facets of four fifths" |_, n| Ask { offset: n * SCREEN, limit: SCREEN, facets: true, ..filtered(exists(LAST_MESSAGE)) };
    "facets of a tag" |l, n| Ask { limit: SCREEN, facets: true, ..filtered(Cond::Has(TAGS, Among::Any, l.some_tags(n, 1))) };
    "facets of a search" |l, n| Ask { limit: SCREEN, facets: true, ..searched(&[l.pick(&l.pieces[4], n)]) };
}

fn page() -> Ask {
    Ask { limit: PAGE, ..Ask::default() }
}

fn filtered(cond: Cond) -> Ask {
    Ask { cond: Some(cond), ..page() }
}

fn searched(words: &[&str]) -> Ask {
    Ask { words: words.iter().map(|word| (*word).to_owned()).collect(), ..page() }
}

fn counted(cond: Cond) -> Ask {
    Ask { limit: 0, ..filtered(cond) }
}

fn text(column: &'static Column, way: Way, text: &str) -> Cond {
    Cond::Text(column, way, text.to_owned())
}

fn flag(checked: bool) -> Cond {
    Cond::OneOf(OPTED_IN, vec![Value { ours: checked.into(), sql: Param::Text(checked.to_string()) }])
}

/// The items whose bits are set.
fn some<T: Copy>(of: &[T], bits: usize) -> Vec<T> {
    of.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, item)| *item).collect()
}

fn nested(l: &Literals, n: usize) -> Cond {
    let unwanted = not(Cond::Any(vec![texts(PLAN, &["trial"]), flag(false)]));
    let scored = Cond::All(vec![numbers(SCORE, n as f64 * 3.0, 1000.0), unwanted]);
    let inner = Cond::Any(vec![texts(LANGUAGE, &["en"]), scored]);
    let late = Cond::All(vec![Cond::LongerThan(SINCE_INCOMING, 1 + n as i64), inner]);
    let either = Cond::Any(vec![Cond::Has(TAGS, Among::Any, l.some_tags(n, 1)), late]);
    Cond::All(vec![named(STATUS, &[("open", 0), ("snoozed", 2)]), either])
}
