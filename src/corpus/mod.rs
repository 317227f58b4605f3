//! Seeded synthetic contacts in many languages: the data of the demo, the tests and the benches.
//!
//! Contact `i` of a seed is the same however many are made, so any range can be made alone, in parallel or later.

mod countries;
mod dice;
mod locales;
mod names;
mod vocabulary;

use std::io::{self, Write};
use std::ops::Range;

use rand_chacha::ChaCha8Rng;

use crate::contact::{
    Alpha2, Catalog, Channel, ChannelId, ChannelLink, Contact, ContactId, Conversation, CustomFieldId, Millis, Phone,
    StageId, TagId, UserId, Value, Workspace,
};
use crate::engine::{Definition, export};

use countries::Country;
use dice::{Dice, cumulative};
use names::{Names, Word};
use vocabulary::{AGENTS, PLANS, SOURCES, STAGES, TAGS, field};

/// Created and message times reach back this far.
const HISTORY: Millis = 2 * 365 * DAY;
const DAY: Millis = 24 * 60 * MINUTE;
const MINUTE: Millis = 60_000;

/// How many numbers and addresses differ.
const SERIALS: u64 = 10_000_000;

const DOMAINS: [&str; 8] = [
    "mail.example",
    "example.com",
    "post.example.org",
    "example.net",
    "inbox.example",
    "correo.example",
    "yandeks.example",
    "youbin.example",
];

/// A source of synthetic contacts.
pub struct Corpus {
    source: ChaCha8Rng,
    now: Millis,
    names: Vec<Names>,
    /// Cumulative shares of the languages.
    shares: Vec<u32>,
    /// Cumulative shares of the tags by frequency.
    tags: Vec<u32>,
    definition: Definition,
    ids: Ids,
}

/// What the places in the definition's lists, counted from one, are called in the workspace.
struct Ids {
    fields: Vec<CustomFieldId>,
    tags: Vec<TagId>,
    channels: Vec<ChannelId>,
    users: Vec<UserId>,
    stages: Vec<StageId>,
}

impl Corpus {
    /// The corpus of a seed, with times in the two years before `now`.
    pub fn new(seed: u64, now: Millis) -> Corpus {
        let names = Names::all();
        let definition = vocabulary::definition();
        Corpus {
            ids: Ids::in_order(&definition),
            source: Dice::source(seed),
            now,
            shares: cumulative(names.iter().map(|names| f64::from(names.locale.share))),
            tags: cumulative((1..=TAGS).map(|rank| 1.0 / rank as f64)),
            definition,
            names,
        }
    }

    /// What a workspace must define before it takes the contacts. The first user is the owner. Until
    /// [`Corpus::for_workspace`], contacts refer to these by place, counted from one, as [`Definition::catalog`] has it.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The same contacts, referring to what this workspace defines.
    ///
    /// # Errors
    /// The name of something that it does not define.
    pub fn for_workspace(mut self, catalog: &Catalog) -> Result<Corpus, String> {
        self.ids = Ids::named(&self.definition, catalog)?;
        Ok(self)
    }

    /// The contacts of these places; the one at place `i` has id `i + 1`. E-mails and phones differ below ten million.
    pub fn contacts(&self, places: Range<u64>) -> impl Iterator<Item = Contact> + '_ {
        places.map(|place| self.contact(place))
    }

    /// Writes the first `contacts` as a CSV such as people bring along: names under headings of its own, the rest under
    /// those of fields, custom fields as further columns. `progress` hears the number so far.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn csv(&self, contacts: u64, out: &mut dyn Write, progress: &mut dyn FnMut(u64)) -> io::Result<()> {
        let catalog = self.definition.catalog(Workspace::default());
        let members = [
            ("given_name", "firstName"),
            ("surname", "lastName"),
            ("email", "email"),
            ("phone", "phone"),
            ("country", "countryCode"),
            ("language", "language"),
            ("tags", "tags"),
            ("created_at", "createdAt"),
            ("last_message_at", "lastMessageAt"),
        ];
        let mut rows = export::Rows::of_columns(out, &catalog, &members)?;
        for place in 0..contacts {
            rows.write(&self.contact(place))?;
            if (place + 1) % 1000 == 0 || place + 1 == contacts {
                progress(place + 1);
            }
        }
        rows.finish()
    }

    /// The contact at `place`.
    pub fn contact(&self, place: u64) -> Contact {
        let mut dice = Dice::of(&self.source, place);
        let names = &self.names[dice.place(&self.shares)];
        let country = Country::of(names.locale.countries[dice.zipf(names.locale.countries.len())]);
        let mut contact = Contact { id: ContactId(place as u32 + 1), ..Contact::default() };
        self.identity(&mut contact, place, names, country, &mut dice);
        // Whoever has a phone has its country: creation derives it.
        let has_country = contact.phone.is_some() || dice.percent(60);
        contact.country_code = has_country.then(|| Alpha2::new(country.code));
        contact.language = dice.percent(90).then(|| Alpha2::new(names.locale.language));
        self.times(&mut contact, &mut dice);
        self.conversation(&mut contact, &mut dice);
        self.channels(&mut contact, &mut dice);
        contact.tags = self.tags(&mut dice);
        self.customs(&mut contact, place, &mut dice);
        contact
    }

    /// Names, e-mail and phone. Whoever has no first name has a phone.
    fn identity(&self, contact: &mut Contact, place: u64, names: &Names, country: &Country, dice: &mut Dice) {
        let first = names.first(dice);
        let last = names.last(dice);
        let serial = serial(place);
        contact.email = dice.percent(85).then(|| email(&first, &last, serial, dice));
        let named = dice.percent(96);
        if dice.percent(90) || !named {
            contact.phone = Some(phone(country, serial, dice));
        }
        if named {
            contact.first_name = Some(first.native);
            contact.last_name = dice.percent(86).then_some(last.native);
        }
        if dice.percent(10) {
            contact.profile_pic = Some(format!("https://pictures.example/{serial}.jpg"));
        }
    }

    /// Created any time, more of them lately; four of five have had messages since, most of them lately.
    fn times(&self, contact: &mut Contact, dice: &mut Dice) {
        let age = 1 + (HISTORY as f64 * dice.unit().powi(2)) as Millis;
        contact.created_at = self.now - age;
        contact.updated_at = contact.created_at;
        if dice.percent(80) {
            let last = self.now - (age as f64 * dice.unit().powi(4)) as Millis;
            contact.last_message_at = Some(last);
            if dice.percent(90) {
                let silence = if dice.percent(60) { 0 } else { dice.below(30 * DAY as usize) as Millis };
                contact.last_incoming_message_at = Some((last - silence).max(contact.created_at));
            }
            let later = if dice.percent(70) { 0 } else { dice.below(DAY as usize) as Millis };
            contact.last_interaction_at = Some((last + later).min(self.now));
            contact.conversation_opened_at =
                Some((last - dice.below(7 * DAY as usize) as Millis).max(contact.created_at));
            contact.updated_at = contact.last_interaction_at.unwrap_or(last);
        }
    }

    /// Status, assignee, stage.
    fn conversation(&self, contact: &mut Contact, dice: &mut Dice) {
        contact.conversation = match dice.below(100) {
            _ if contact.last_message_at.is_none() => Conversation::Closed,
            0..20 => Conversation::Open,
            20..27 => Conversation::Snoozed,
            _ => Conversation::Closed,
        };
        if contact.conversation == Conversation::Snoozed {
            contact.snoozed_until = Some(self.now + dice.below(14 * DAY as usize) as Millis);
        }
        contact.blocked = dice.percent(3);
        contact.assignee = dice.percent(60).then(|| self.ids.users[dice.zipf(AGENTS) + 1]);
        contact.lifecycle = dice.percent(75).then(|| self.ids.stages[dice.zipf(STAGES)]);
    }

    /// Up to three places on channels; the last one connected is the one last interacted with.
    fn channels(&self, contact: &mut Contact, dice: &mut Dice) {
        let wanted = [1, 1, 1, 1, 2, 2, 3, 0][dice.below(8)];
        let mut at = contact.created_at;
        for _ in 0..wanted {
            let channel = dice.zipf(SOURCES.len());
            let id = self.ids.channels[channel];
            if contact.channels.iter().any(|link| link.channel == id) {
                continue;
            }
            let address = match SOURCES[channel] {
                "email" => contact.email.clone(),
                "whatsapp" | "sms" => contact.phone.as_ref().map(Phone::e164),
                _ => Some(format!("user{}", contact.id)),
            };
            let last_message_at = contact.last_message_at.filter(|_| contact.channels.is_empty() || dice.percent(50));
            contact.channels.push(ChannelLink {
                channel: id,
                address,
                connected_at: at,
                last_message_at,
                last_incoming_at: last_message_at.and(contact.last_incoming_message_at),
            });
            at = (at + dice.below(30 * DAY as usize) as Millis).min(self.now);
        }
        let spoken = contact.channels.iter().rev().find(|link| link.last_message_at.is_some());
        contact.last_interacted_channel = spoken.map(|link| link.channel);
    }

    /// Mean about 2.9; the first tags most often.
    fn tags(&self, dice: &mut Dice) -> Vec<TagId> {
        let wanted = [0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 4, 3, 2][dice.below(16)];
        let mut tags: Vec<TagId> = (0..wanted).map(|_| self.ids.tags[dice.place(&self.tags)]).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    fn customs(&self, contact: &mut Contact, place: u64, dice: &mut Dice) {
        let mut custom = Vec::with_capacity(8);
        let mut put = |field: usize, value: Value| custom.push((self.ids.fields[field], value));
        if dice.percent(55) {
            // A few thousand companies, some with many people.
            let names = &self.names[dice.place(&self.shares)];
            let word = names.last(dice).native;
            let ending = ["GmbH", "Sdn Bhd", "Ltd", "S.A.", "株式会社", "ООО", "Inc.", "& Co."][dice.below(8)];
            put(field::COMPANY, Value::Text(format!("{word} {ending}")));
        }
        if dice.percent(80) {
            put(field::PLAN, Value::Choice(dice.zipf(PLANS.len()) as u16));
        }
        if dice.percent(70) {
            let score = dice.unit().powi(2) * 1000.0;
            let rounded = if dice.percent(50) { score.floor() } else { (score * 10.0).floor() / 10.0 };
            put(field::SCORE, Value::Number(rounded));
        }
        if dice.percent(40) {
            // Between 1940 and 2008.
            put(field::BIRTHDAY, Value::Date(-10_957 + dice.below(25_000) as i32));
        }
        if dice.percent(65) {
            put(field::OPTED_IN, Value::Checkbox(dice.percent(70)));
        }
        if dice.percent(25) {
            put(field::CALL_AT, Value::Time((8 * 60 + dice.below(48) * 15) as u16));
        }
        if dice.percent(15) {
            put(field::WEBSITE, Value::Text(format!("https://site{place}.example/about")));
        }
        if dice.percent(12) {
            let domain = DOMAINS[dice.below(DOMAINS.len())];
            put(field::BILLING_EMAIL, Value::Text(format!("billing{place}@{domain}")));
        }
        custom.sort_by_key(|(field, _)| *field);
        contact.custom = custom;
    }
}

impl Ids {
    fn in_order(definition: &Definition) -> Ids {
        Ids {
            fields: (1..).zip(&definition.fields).map(|(id, _)| CustomFieldId(id)).collect(),
            tags: (1..).zip(&definition.tags).map(|(id, _)| TagId(id)).collect(),
            channels: (1..).zip(&definition.channels).map(|(id, _)| ChannelId(id)).collect(),
            users: (1..).zip(&definition.users).map(|(id, _)| UserId(id)).collect(),
            stages: (1..).zip(&definition.stages).map(|(id, _)| StageId(id)).collect(),
        }
    }

    fn named(definition: &Definition, catalog: &Catalog) -> Result<Ids, String> {
        fn all<T, I>(items: &[T], name: impl Fn(&T) -> &str, id: impl Fn(&T) -> Option<I>) -> Result<Vec<I>, String> {
            items.iter().map(|item| id(item).ok_or_else(|| format!("the workspace lacks {}", name(item)))).collect()
        }
        let channel = |wanted: &Channel| {
            let mut channels = catalog.channels.values();
            channels.find(|other| other.name == wanted.name && other.source == wanted.source).map(|found| found.id)
        };
        Ok(Ids {
            fields: all(
                &definition.fields,
                |field| &field.slug,
                |field| Some(catalog.field_with_slug(&field.slug)?.id),
            )?,
            tags: all(&definition.tags, |tag| &tag.name, |tag| Some(catalog.tag_named(&tag.name)?.id))?,
            channels: all(&definition.channels, |channel| &channel.name, channel)?,
            users: all(&definition.users, |user| &user.email, |user| Some(catalog.user_with_email(&user.email)?.id))?,
            stages: all(&definition.stages, |stage| &stage.name, |stage| Some(catalog.stage_named(&stage.name)?.id))?,
        })
    }
}

/// Scatters the places over all serials, so that neighbours do not have neighbouring numbers.
fn serial(place: u64) -> u64 {
    // The factor is odd and no multiple of five, so each place below ten million has a serial of its own.
    (place * 7_368_787 + 1_234_567) % SERIALS
}

/// An address from the name or a handle. The digits at its end are the serial, so no two are alike.
fn email(first: &Word, last: &Word, serial: u64, dice: &mut Dice) -> String {
    let domain = DOMAINS[dice.zipf(DOMAINS.len())];
    let (first, last) = (&first.roman, &last.roman);
    match dice.below(10) {
        0..4 => format!("{first}.{last}{serial}@{domain}"),
        4..6 => format!("{first}{serial}@{domain}"),
        6 => format!("{last}_{}{serial}@{domain}", first.get(..1).unwrap_or("x")),
        7 => {
            // As people type it on a phone: the first letter in upper case.
            let initial = first.get(..1).unwrap_or("x").to_uppercase();
            format!("{initial}{}.{last}{serial}@{domain}", first.get(1..).unwrap_or(""))
        }
        8 => {
            let words = ["happy", "blue", "night", "star", "coffee", "moto", "pixel", "tiger", "luna", "code"];
            format!("{}{}{serial}@{domain}", words[dice.below(10)], words[dice.below(10)])
        }
        _ => format!("{last}+shop{serial}@{domain}"),
    }
}

/// A number, mostly given in E.164, else with spaces as people write it.
fn phone(country: &Country, serial: u64, dice: &mut Dice) -> Phone {
    let digits = country.number(serial, dice);
    let text = digits.to_string();
    let code = country.calling.len();
    let (national, middle) = (&text[code..], text.len() - code - 4);
    let given = match dice.below(8) {
        0 => format!("+{} {} {}", country.calling, &national[..middle], &national[middle..]),
        1 => format!("00{} {}-{}", country.calling, &national[..middle], &national[middle..]),
        _ => format!("+{text}"),
    };
    Phone { digits, calling_code_len: code as u8, given }
}

#[cfg(test)]
mod tests;
