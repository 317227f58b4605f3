//! A contact as the two databases store it: whole, and beside it the folded texts and keys that make their answers mean
//! what ours mean. Making it is part of their load, as folding is part of ours.

use std::ops::Range;

use icu_collator::options::CollatorOptions;
use icu_collator::preferences::CollationNumericOrdering;
use icu_collator::{CollatorBorrowed, CollatorPreferences};
use icu_locale_core::locale;
use rollcall::contact::fold::{compare, search, word_char};
use rollcall::contact::{Catalog, Contact, CustomFieldId, Field, Workspace, phone, render};
use rollcall::corpus::Corpus;
use serde_json::{Map, Value as Json, json};

use crate::support::NOW;

/// The same contacts for every engine.
pub const SEED: u64 = 1;
/// Contacts made, handed over and thrown away at a time.
pub const BATCH: u64 = 1000;

/// A contact, and what stands beside it.
pub struct Row {
    pub contact: Contact,
    /// E.164 with `+`.
    pub phone: Option<String>,
    /// Compare-folded.
    pub f_first: Option<String>,
    pub f_name: Option<String>,
    pub f_email: Option<String>,
    /// National number, the same after a `0`, international number.
    pub p_forms: Option<String>,
    /// Search-folded words of the name, each with a space on both sides.
    pub s_name: String,
    /// As `s_name`, of all else that is searched; forms of the phone among them.
    pub s_other: String,
    /// Both.
    pub s_all: String,
    /// The collation's key of the folded name, then the name: bytes that order as our names do.
    pub name_key: Option<Vec<u8>>,
    /// Channels, and their sources, each once.
    pub channels: Vec<u32>,
    pub sources: Vec<String>,
    /// Custom fields by slug.
    pub custom: Map<String, Json>,
    /// The places on channels.
    pub links: Json,
}

/// Makes rows of the corpus.
pub struct Rows {
    corpus: Corpus,
    pub catalog: Catalog,
    collator: CollatorBorrowed<'static>,
}

impl Rows {
    pub fn new() -> Rows {
        let corpus = Corpus::new(SEED, NOW);
        let catalog = corpus.definition().catalog(Workspace::default());
        let mut preferences = CollatorPreferences::from(&locale!("en"));
        preferences.numeric_ordering = Some(CollationNumericOrdering::True);
        let collator = CollatorBorrowed::try_new(preferences, CollatorOptions::default()).expect("a collation");
        Rows { corpus, catalog, collator }
    }

    /// The contacts at these places.
    pub fn contacts(&self, places: Range<u64>) -> Vec<Contact> {
        self.corpus.contacts(places).collect()
    }

    /// A contact with all that stands beside it.
    pub fn row(&self, contact: Contact) -> Row {
        let name = contact.full_name();
        let f_name = name.as_deref().map(compare);
        let company = match contact.custom(CustomFieldId(1)) {
            Some(rollcall::contact::Value::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let forms = contact.phone.as_ref().map(phone::forms);
        let p_forms = forms.map(|[whole, trunk]| format!("{} {trunk} {whole}", &trunk[1..]));
        let s_name = words(&[contact.first_name.as_deref(), contact.last_name.as_deref()]);
        let s_other = words(&[contact.email.as_deref(), company, p_forms.as_deref()]);
        let mut channels: Vec<u32> = contact.channels.iter().map(|link| link.channel.0).collect();
        channels.sort_unstable();
        Row {
            phone: contact.phone.as_ref().map(|phone| phone.e164()),
            f_first: contact.first_name.as_deref().map(compare),
            f_email: contact.email.as_deref().map(compare),
            name_key: f_name.as_deref().map(|name| self.key(name)),
            f_name,
            p_forms,
            s_all: format!("{s_name}|{s_other}"),
            s_name,
            s_other,
            sources: self.sources(&contact),
            channels,
            custom: self.custom(&contact),
            links: links(&contact),
            contact,
        }
    }

    fn key(&self, folded: &str) -> Vec<u8> {
        let mut key = Vec::with_capacity(96);
        let Ok(()) = self.collator.write_sort_key_to(folded, &mut key);
        key.push(0);
        key.extend(folded.as_bytes());
        key
    }

    fn sources(&self, contact: &Contact) -> Vec<String> {
        let channels = contact.channels.iter().filter_map(|link| self.catalog.channels.get(&link.channel));
        let mut sources: Vec<String> = channels.map(|channel| channel.source.clone()).collect();
        sources.sort_unstable();
        sources.dedup();
        sources
    }

    fn custom(&self, contact: &Contact) -> Map<String, Json> {
        let shown = contact.custom.iter().filter_map(|(id, _)| {
            let slug = self.catalog.fields.get(id)?.slug.clone();
            Some((slug, render::value(contact, &self.catalog, Field::Custom(*id))?))
        });
        shown.collect()
    }
}

/// Search-folded, cut at whatever is no part of a word, a space around each piece.
fn words(texts: &[Option<&str>]) -> String {
    let mut out = String::from(" ");
    for text in texts.iter().flatten() {
        out.extend(search(text).chars().map(|c| if word_char(c) { c } else { ' ' }));
        out.push(' ');
    }
    out
}

fn links(contact: &Contact) -> Json {
    let link = |link: &rollcall::contact::ChannelLink| {
        json!({"channel": link.channel.0, "address": link.address, "connectedAt": link.connected_at,
            "lastMessageAt": link.last_message_at, "lastIncomingAt": link.last_incoming_at})
    };
    contact.channels.iter().map(link).collect()
}
