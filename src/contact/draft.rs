//! What a caller sends for a contact: read field by field, then applied, with all mistakes at once.

#[cfg(test)]
pub(crate) mod example;
mod links;
mod values;

use std::cell::OnceCell;

use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json};

use super::{
    Alpha2, Catalog, ChannelId, ChannelLink, Contact, Conversation, CustomFieldId, Field, Millis, Mistake, Phone,
    STANDARD, StageId, Status, TagId, UserId, Value, suggest, time,
};
pub(super) use values::NUMBER_MAX;
use values::{NAME_MAX, TEXT_MAX, URL_MAX, Wrong, text, unwrapped, wrong_type};
pub use values::{email, tag_name};

/// Member names of a contact that are no fields of the table: a custom field's slug can be none of them, ignoring case.
pub const RESERVED: [&str; 8] = [
    "profilePic",
    "phoneGiven",
    "conversationStatus",
    "snoozedUntil",
    "customFields",
    "custom_fields",
    "version",
    "displayName",
];

const SNOOZE_PAST: &str = "A snooze ends in the future: give a later time, or null for one without an end.";

/// A partial contact: for each named field a new value or, for JSON `null` or an empty string, none.
///
/// Reads wire names (`firstName` … `customFields: {slug: value}`, a slug at top level too), names of tags,
/// channels by id or name, assignee by id or e-mail, lifecycle by name. Tags not in the catalog are kept apart, for
/// the caller to create. Every value may come as a JSON string, so that a CSV row is a draft as well.
/// Tags and channels replace those the contact has. `status` is what shows: `blocked` hides the conversation's own status,
/// any other unblocks and sets it. A contact always has the times `createdAt` and `updatedAt`: none leaves them as they are.
#[derive(Clone, Default)]
pub struct Draft {
    /// In the order in which they apply.
    changes: Vec<Change>,
    /// Tag names the catalog does not know, in order of appearance, each once ignoring case.
    pub unknown_tags: Vec<String>,
}

/// What the drafter may set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The fields a person edits.
    Person,
    /// Those and channels, the phone as typed and all time fields: imports and restores. What a contact shows beside its
    /// fields (`id`, `name`, `version` …) is read over, so that a rendered contact is a draft.
    Everything,
}

/// One change to one contact.
#[derive(Clone)]
enum Change {
    FirstName(Option<String>),
    LastName(Option<String>),
    Email(Option<String>),
    Phone(Option<Phone>),
    PhoneGiven(String),
    Country(Option<Alpha2>),
    Language(Option<Alpha2>),
    ProfilePic(Option<String>),
    Tags(Vec<TagId>),
    Channels(Vec<ChannelLink>),
    LastInteractedChannel(Option<ChannelId>),
    Assignee(Option<UserId>),
    Lifecycle(Option<StageId>),
    Status(Status),
    Conversation(Conversation),
    SnoozedUntil(Option<Millis>),
    /// One of the instant fields of the table.
    Instant(Field, Option<Millis>),
    Custom(CustomFieldId, Option<Value>),
}

impl Draft {
    /// Reads `json` against what the workspace defines. Relative times count from `now`.
    ///
    /// # Errors
    /// Every mistake of the input, in its order.
    pub fn read(json: &Map<String, Json>, catalog: &Catalog, scope: Scope, now: Millis) -> Result<Draft, Vec<Mistake>> {
        let mut reader = Reader {
            catalog,
            scope,
            now,
            zone: OnceCell::new(),
            changes: Vec::with_capacity(json.len()),
            unknown_tags: Vec::new(),
            mistakes: Vec::new(),
        };
        for (name, value) in json {
            reader.member(name, value);
        }
        reader.finish()
    }

    /// Applies every change. A country absent at creation is derived from the phone by the caller's next step,
    /// [`Draft::complete`].
    pub fn apply(&self, contact: &mut Contact) {
        for change in &self.changes {
            change.apply(contact);
        }
    }

    /// What creation adds: the country of the phone, and the rule that a contact has a first name, an e-mail or a phone.
    ///
    /// # Errors
    /// The mistake of a contact with none of the three.
    pub fn complete(contact: &mut Contact) -> Result<(), Mistake> {
        if contact.country_code.is_none() {
            contact.country_code = contact.phone.as_ref().and_then(Phone::country);
        }
        match contact.first_name.is_some() || contact.email.is_some() || contact.phone.is_some() {
            true => Ok(()),
            false => Err(Mistake::new(
                "firstName",
                "incomplete",
                "A contact has a first name, an e-mail or a phone: give one.",
            )),
        }
    }

    /// Whether a contact that the draft was applied to agrees with it: only a snooze has an end.
    ///
    /// # Errors
    /// The mistake of an end without a snooze.
    pub fn fits(&self, contact: &Contact) -> Result<(), Mistake> {
        let ends = |change: &Change| matches!(change, Change::SnoozedUntil(Some(_)));
        match contact.conversation != Conversation::Snoozed && self.changes.iter().any(ends) {
            true => Err(Mistake::new(
                "snoozedUntil",
                "not_snoozed",
                "Only a snooze has an end: give the status snoozed with it.",
            )),
            false => Ok(()),
        }
    }

    /// Whether the draft sets or clears the field: `status` with either of its two names, `name` with either part.
    pub fn names(&self, field: Field) -> bool {
        self.changes.iter().any(|change| {
            change.field() == Some(field)
                || field == Field::Name && matches!(change, Change::FirstName(_) | Change::LastName(_))
                || field == Field::Source && matches!(change, Change::Channels(_))
        })
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Adds a tag to those the draft sets: one of [`Draft::unknown_tags`], now created. A draft that sets no tags then
    /// sets this one alone.
    pub fn add_tag(&mut self, tag: TagId) {
        let tags = self.changes.iter_mut().find_map(|change| match change {
            Change::Tags(tags) => Some(tags),
            _ => None,
        });
        match tags {
            Some(tags) => tags.push(tag),
            None => self.changes.push(Change::Tags(vec![tag])),
        }
    }
}

impl Change {
    fn apply(&self, contact: &mut Contact) {
        match self.clone() {
            Change::FirstName(name) => contact.first_name = name,
            Change::LastName(name) => contact.last_name = name,
            Change::Email(email) => contact.email = email,
            Change::Phone(phone) => contact.phone = phone,
            Change::PhoneGiven(given) => {
                if let Some(phone) = &mut contact.phone {
                    phone.given = given;
                }
            }
            Change::Country(country) => contact.country_code = country,
            Change::Language(language) => contact.language = language,
            Change::ProfilePic(url) => contact.profile_pic = url,
            Change::Tags(mut tags) => {
                tags.sort_unstable();
                tags.dedup();
                contact.tags = tags;
            }
            Change::Channels(channels) => contact.channels = channels,
            Change::LastInteractedChannel(channel) => contact.last_interacted_channel = channel,
            Change::Assignee(user) => contact.assignee = user,
            Change::Lifecycle(stage) => contact.lifecycle = stage,
            Change::Status(status) => set_status(contact, status),
            Change::Conversation(conversation) => contact.conversation = conversation,
            Change::SnoozedUntil(at) => contact.snoozed_until = at,
            Change::Instant(field, at) => set_instant(contact, field, at),
            Change::Custom(field, value) => contact.set_custom(field, value),
        }
    }

    /// The field of the table that it changes.
    fn field(&self) -> Option<Field> {
        Some(match self {
            Change::FirstName(_) => Field::FirstName,
            Change::LastName(_) => Field::LastName,
            Change::Email(_) => Field::Email,
            Change::Phone(_) => Field::Phone,
            Change::Country(_) => Field::CountryCode,
            Change::Language(_) => Field::Language,
            Change::Tags(_) => Field::Tags,
            Change::Channels(_) => Field::Channels,
            Change::LastInteractedChannel(_) => Field::LastInteractedChannel,
            Change::Assignee(_) => Field::Assignee,
            Change::Lifecycle(_) => Field::Lifecycle,
            Change::Status(_) | Change::Conversation(_) => Field::Status,
            Change::Instant(field, _) => *field,
            Change::Custom(field, _) => Field::Custom(*field),
            Change::PhoneGiven(_) | Change::ProfilePic(_) | Change::SnoozedUntil(_) => return None,
        })
    }

    /// Changes that refine another one come after it.
    fn rank(&self) -> u8 {
        matches!(self, Change::PhoneGiven(_) | Change::Conversation(_) | Change::SnoozedUntil(_)).into()
    }
}

fn set_status(contact: &mut Contact, status: Status) {
    contact.blocked = status == Status::Blocked;
    if let Some(conversation) = conversation(status) {
        // One who is snoozed once more keeps the end; a new snooze has none but its own.
        if conversation != Conversation::Snoozed || contact.conversation != Conversation::Snoozed {
            contact.snoozed_until = None;
        }
        contact.conversation = conversation;
    }
}

/// The conversation's own status; `None` of a status that hides it.
fn conversation(status: Status) -> Option<Conversation> {
    match status {
        Status::Open => Some(Conversation::Open),
        Status::Closed => Some(Conversation::Closed),
        Status::Snoozed => Some(Conversation::Snoozed),
        Status::Blocked => None,
    }
}

fn set_instant(contact: &mut Contact, field: Field, at: Option<Millis>) {
    match field {
        Field::ConversationOpenedAt => contact.conversation_opened_at = at,
        Field::LastMessageAt => contact.last_message_at = at,
        Field::LastIncomingMessageAt => contact.last_incoming_message_at = at,
        Field::LastInteractionAt => contact.last_interaction_at = at,
        Field::CreatedAt => contact.created_at = at.unwrap_or(contact.created_at),
        Field::UpdatedAt => contact.updated_at = at.unwrap_or(contact.updated_at),
        _ => {}
    }
}

/// A draft while it is read.
struct Reader<'a> {
    catalog: &'a Catalog,
    scope: Scope,
    now: Millis,
    zone: OnceCell<TimeZone>,
    changes: Vec<Change>,
    unknown_tags: Vec<String>,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    /// One member of the draft.
    fn member(&mut self, name: &str, value: &Json) {
        let path = shown(name);
        let reserved = RESERVED.iter().find(|reserved| reserved.eq_ignore_ascii_case(name));
        let before = self.changes.len();
        match (reserved, Field::named(name, self.catalog)) {
            (Some(&"customFields" | &"custom_fields"), _) => return self.custom_fields(&path, value),
            (Some(reserved), _) => self.reserved(reserved, &path, value),
            (None, Some(field)) => self.field(field, &path, value),
            (None, None) => {
                let names = STANDARD.iter().map(|row| row.name).chain(RESERVED);
                let slugs = self.catalog.fields.values().map(|field| field.slug.as_str());
                let nearest = suggest::did_you_mean(name, names.chain(slugs));
                self.wrong(&path, ("unknown_field", format!("A contact has no such field.{nearest}")));
            }
        }
        self.refuse_twice(before, &path);
    }

    /// A change made from `before` on must not repeat what an earlier one sets.
    fn refuse_twice(&mut self, before: usize, path: &str) {
        let (earlier, new) = self.changes.split_at(before);
        let same = |change: &Change, other: &Change| {
            std::mem::discriminant(change) == std::mem::discriminant(other) && change.field() == other.field()
        };
        if new.iter().any(|change| earlier.iter().any(|other| same(change, other))) {
            self.wrong(
                path,
                ("given_twice", "The field is given twice, under two names or in two places: give it once.".into()),
            );
        }
    }

    /// A field of the table.
    fn field(&mut self, field: Field, path: &str, value: &Json) {
        let catalog = self.catalog;
        let change = match field {
            Field::FirstName => text(value, NAME_MAX).map(Change::FirstName),
            Field::LastName => text(value, NAME_MAX).map(Change::LastName),
            Field::Email => values::parsed(value, "invalid_email", email).map(Change::Email),
            Field::Phone => {
                let country = catalog.workspace.default_country.as_deref();
                values::parsed(value, "invalid_phone", |given| Phone::parse(given, country)).map(Change::Phone)
            }
            Field::CountryCode => values::parsed(value, "invalid_country", values::country).map(Change::Country),
            Field::Language => values::parsed(value, "invalid_language", values::language).map(Change::Language),
            Field::Tags => {
                let tags = self.tags(path, value);
                return self.changes.extend(tags.map(Change::Tags));
            }
            Field::Assignee => self.user(value).map(Change::Assignee),
            Field::Lifecycle => self.stage(value).map(Change::Lifecycle),
            Field::Status => match status(value) {
                Ok(status) => return self.changes.extend(status.map(Change::Status)),
                Err(wrong) => Err(wrong),
            },
            Field::Custom(id) => match catalog.fields.get(&id) {
                Some(custom) => values::custom(value, custom).map(|value| Change::Custom(id, value)),
                None => return,
            },
            other => return self.history_field(other, path, value),
        };
        let change = self.noted(path, change);
        self.changes.extend(change);
    }

    /// A field that follows from what happened: only [`Scope::Everything`] sets it.
    fn history_field(&mut self, field: Field, path: &str, value: &Json) {
        let change = match field {
            Field::Id | Field::Name if self.scope == Scope::Everything => return,
            _ if self.scope == Scope::Person => Err(read_only()),
            Field::Channels => {
                let channels = self.channels(path, value);
                return self.changes.extend(channels.map(Change::Channels));
            }
            Field::LastInteractedChannel => self.channel(value).map(Change::LastInteractedChannel),
            Field::ConversationOpenedAt
            | Field::LastMessageAt
            | Field::LastIncomingMessageAt
            | Field::LastInteractionAt
            | Field::CreatedAt
            | Field::UpdatedAt => self.instant(value).map(|at| Change::Instant(field, at)),
            _ => Err(read_only()),
        };
        let change = self.noted(path, change);
        self.changes.extend(change);
    }

    /// A member that is no field of the table.
    fn reserved(&mut self, name: &str, path: &str, value: &Json) {
        let everything = self.scope == Scope::Everything;
        let change = match name {
            "profilePic" => text(value, URL_MAX)
                .and_then(|url| url.map(|url| values::url(&url, &["https"])).transpose())
                .map(|url| Some(Change::ProfilePic(url))),
            "snoozedUntil" => self.instant(value).and_then(|at| match at {
                Some(at) if !everything && at <= self.now => Err(("in_the_past", SNOOZE_PAST.into())),
                at => Ok(Some(Change::SnoozedUntil(at))),
            }),
            "phoneGiven" if everything => text(value, NAME_MAX).map(|given| given.map(Change::PhoneGiven)),
            "conversationStatus" if everything => status(value).and_then(|status| match status {
                Some(Status::Blocked) => Err(("unknown_choice", "A conversation is open, closed or snoozed.".into())),
                other => Ok(other.and_then(conversation).map(Change::Conversation)),
            }),
            _ if everything => Ok(None),
            _ => Err(read_only()),
        };
        let change = self.noted(path, change).flatten();
        self.changes.extend(change);
    }

    /// `{slug: value}` or `[{"name": slug, "value": value}]`.
    fn custom_fields(&mut self, path: &str, value: &Json) {
        match &*unwrapped(value) {
            Json::Null => {}
            Json::String(text) if text.trim().is_empty() => {}
            Json::Object(members) => {
                for (slug, value) in members {
                    self.custom_field(&format!("{path}.{}", shown(slug)), slug, value);
                }
            }
            Json::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    let path = format!("{path}[{place}]");
                    let name = item.get("name").or_else(|| item.get("slug")).and_then(Json::as_str);
                    match (name, item.get("value")) {
                        (Some(name), Some(value)) => self.custom_field(&path, name, value),
                        _ => self.wrong(&path, ("wrong_type", "Use {\"name\": slug, \"value\": value}.".into())),
                    }
                }
            }
            other => self.wrong(path, wrong_type(other, "an object of values by slug")),
        }
    }

    fn custom_field(&mut self, path: &str, slug: &str, value: &Json) {
        let catalog = self.catalog;
        let before = self.changes.len();
        match catalog.field_with_slug(slug) {
            Some(custom) => self.field(Field::Custom(custom.id), path, value),
            None => {
                let nearest = suggest::did_you_mean(slug, catalog.fields.values().map(|field| field.slug.as_str()));
                self.wrong(path, ("unknown_field", format!("The workspace has no such custom field.{nearest}")));
            }
        }
        self.refuse_twice(before, path);
    }

    /// An instant; a stretch of time counts from its start. Local times are those of the workspace.
    fn instant(&self, value: &Json) -> Result<Option<Millis>, Wrong> {
        if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
            return Ok(None);
        }
        let zone = self.zone.get_or_init(|| time::zone(&self.catalog.workspace.timezone).unwrap_or(TimeZone::UTC));
        let span = time::instant(&unwrapped(value), zone, self.now).map_err(|why| ("invalid_time", why))?;
        Ok(Some(span.start))
    }

    fn wrong(&mut self, path: &str, (code, message): Wrong) {
        self.mistakes.push(Mistake::new(path, code, message));
    }

    /// The value, or a mistake at `path`.
    fn noted<T>(&mut self, path: &str, read: Result<T, Wrong>) -> Option<T> {
        read.map_err(|wrong| self.wrong(path, wrong)).ok()
    }

    fn finish(mut self) -> Result<Draft, Vec<Mistake>> {
        if !self.mistakes.is_empty() {
            return Err(self.mistakes);
        }
        // What shows decides: the conversation's own status counts where nothing else says it.
        if self.changes.iter().any(|change| matches!(change, Change::Status(status) if *status != Status::Blocked)) {
            self.changes.retain(|change| !matches!(change, Change::Conversation(_)));
        }
        self.changes.sort_by_key(Change::rank);
        Ok(Draft { changes: self.changes, unknown_tags: self.unknown_tags })
    }
}

/// A status by name; none leaves it as it is.
fn status(value: &Json) -> Result<Option<Status>, Wrong> {
    let name = text(value, TEXT_MAX)?;
    let read = |name: String| {
        Status::parse(&name).ok_or_else(|| {
            let nearest = suggest::did_you_mean(&name, Status::ALL.iter().map(|status| status.name()));
            ("unknown_choice", format!("There is no such status: use open, closed, snoozed or blocked.{nearest}"))
        })
    };
    name.map(read).transpose()
}

fn read_only() -> Wrong {
    ("read_only", "This cannot be set: it follows from other fields or from what happens to the contact.".into())
}

/// A member's name, cut where it is no name any more.
fn shown(name: &str) -> String {
    name.chars().take(100).collect()
}

#[cfg(test)]
mod tests;
