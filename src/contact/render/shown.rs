//! What a contact shows under each name: the one place that says so, for the API, exports and tables alike.

use std::borrow::Cow;

use super::json::{push_escaped, push_instant, push_number, push_text, push_whole};
use crate::contact::{
    Alpha2, Catalog, ChannelId, ChannelLink, Contact, CustomField, CustomFieldId, Field, Kind, Millis, Phone, STANDARD,
    TagId, UserId, Value, time,
};

/// A member of a contact as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// A field that is not only asked about.
    Field(Field),
    PhoneGiven,
    ProfilePic,
    ConversationStatus,
    SnoozedUntil,
    Version,
    Blocked,
    /// Of the channels those that a row of a table shows.
    RowChannels,
    /// How many channels a row leaves out.
    MoreChannels,
    /// The assignee by e-mail: where another workspace reads it, an id means another user.
    AssigneeEmail,
    /// The last interacted channel with its name, for the same reason.
    LastChannelNamed,
}

/// A value on its way out: borrowed, and written by whoever knows the form.
#[derive(Clone, Copy)]
pub enum Shown<'a> {
    Nothing,
    Text(&'a str),
    /// The name a person sees.
    Name(&'a Contact),
    Letters(Alpha2),
    Phone(&'a Phone),
    Whole(u64),
    Number(f64),
    Truth(bool),
    Instant(Millis),
    Date(i32),
    Time(u16),
    Tags(&'a [TagId]),
    Links(&'a [ChannelLink]),
    /// Up to three channels of a row.
    Row(&'a Contact),
    /// The sources of these channels, each once.
    Sources(&'a [ChannelLink]),
    /// A channel with its source and name.
    Channel(ChannelId),
    User(UserId),
}

/// Channels that a row of a table shows.
const CHANNELS_SHOWN: usize = 3;

/// The channels that a row shows, and how many more there are: the last interacted first, then by time connected.
pub fn row_channels(contact: &Contact) -> (Vec<&ChannelLink>, usize) {
    let mut links: Vec<&ChannelLink> = contact.channels.iter().collect();
    links.sort_by_key(|link| (Some(link.channel) != contact.last_interacted_channel, link.connected_at));
    let more = links.len().saturating_sub(CHANNELS_SHOWN);
    links.truncate(CHANNELS_SHOWN);
    (links, more)
}

impl Member {
    /// Every member in order, but the custom fields.
    pub fn all() -> Vec<Member> {
        let mut members = Vec::with_capacity(32);
        for row in STANDARD {
            if row.field != Field::Source && !matches!(row.kind, Kind::Duration | Kind::Segment) {
                members.push(Member::Field(row.field));
            }
            match row.field {
                Field::Phone => members.push(Member::PhoneGiven),
                Field::Language => members.push(Member::ProfilePic),
                Field::Status => members.extend([Member::ConversationStatus, Member::SnoozedUntil]),
                _ => {}
            }
        }
        members.push(Member::Version);
        members
    }

    /// The name on the wire.
    pub fn name(self, catalog: &Catalog) -> &str {
        match self {
            Member::Field(field) => field.name(catalog),
            Member::PhoneGiven => "phoneGiven",
            Member::ProfilePic => "profilePic",
            Member::ConversationStatus => "conversationStatus",
            Member::SnoozedUntil => "snoozedUntil",
            Member::Version => "version",
            Member::Blocked => "blocked",
            Member::RowChannels => "channels",
            Member::MoreChannels => "moreChannels",
            Member::AssigneeEmail => "assignee",
            Member::LastChannelNamed => "lastInteractedChannel",
        }
    }

    /// What the contact shows of it.
    pub fn of<'a>(self, contact: &'a Contact, catalog: &'a Catalog) -> Shown<'a> {
        match self {
            Member::Field(field) => standard(field, contact, catalog),
            Member::PhoneGiven => text(contact.phone.as_ref().map(|phone| phone.given.as_str())),
            Member::ProfilePic => text(contact.profile_pic.as_deref()),
            Member::ConversationStatus => Shown::Text(contact.conversation.name()),
            Member::SnoozedUntil => instant(contact.snoozed_until),
            Member::Version => Shown::Whole(contact.version.0),
            Member::Blocked => Shown::Truth(contact.blocked),
            Member::RowChannels => Shown::Row(contact),
            Member::MoreChannels => Shown::Whole(contact.channels.len().saturating_sub(CHANNELS_SHOWN) as u64),
            Member::AssigneeEmail => match contact.assignee {
                None => Shown::Nothing,
                Some(id) => catalog.users.get(&id).map_or(Shown::User(id), |user| Shown::Text(&user.email)),
            },
            Member::LastChannelNamed => match contact.last_interacted_channel {
                Some(id) if catalog.channels.contains_key(&id) => Shown::Channel(id),
                other => whole(other.map(|id| id.0)),
            },
        }
    }
}

fn standard<'a>(field: Field, contact: &'a Contact, catalog: &'a Catalog) -> Shown<'a> {
    match field {
        Field::Id => Shown::Whole(contact.id.0.into()),
        Field::FirstName => text(contact.first_name.as_deref()),
        Field::LastName => text(contact.last_name.as_deref()),
        Field::Name => Shown::Name(contact),
        Field::Email => text(contact.email.as_deref()),
        Field::Phone => contact.phone.as_ref().map_or(Shown::Nothing, Shown::Phone),
        Field::CountryCode => contact.country_code.map_or(Shown::Nothing, Shown::Letters),
        Field::Language => contact.language.map_or(Shown::Nothing, Shown::Letters),
        Field::Tags => Shown::Tags(&contact.tags),
        Field::Channels => Shown::Links(&contact.channels),
        Field::Source => Shown::Sources(&contact.channels),
        Field::LastInteractedChannel => whole(contact.last_interacted_channel.map(|id| id.0)),
        Field::Assignee => contact.assignee.map_or(Shown::Nothing, Shown::User),
        Field::Lifecycle => {
            let stage = contact.lifecycle.and_then(|id| catalog.stages.get(&id));
            text(stage.map(|stage| stage.name.as_str()))
        }
        Field::Status => Shown::Text(contact.status().name()),
        Field::ConversationOpenedAt => instant(contact.conversation_opened_at),
        Field::LastMessageAt => instant(contact.last_message_at),
        Field::LastIncomingMessageAt => instant(contact.last_incoming_message_at),
        Field::LastInteractionAt => instant(contact.last_interaction_at),
        Field::CreatedAt => Shown::Instant(contact.created_at),
        Field::UpdatedAt => Shown::Instant(contact.updated_at),
        Field::Custom(id) => custom(id, contact, catalog),
        // Asked about, not shown.
        Field::TimeSinceLastMessage
        | Field::TimeSinceLastIncomingMessage
        | Field::TimeSinceLastInteraction
        | Field::Segment => Shown::Nothing,
    }
}

fn custom<'a>(id: CustomFieldId, contact: &'a Contact, catalog: &'a Catalog) -> Shown<'a> {
    match (contact.custom(id), catalog.fields.get(&id)) {
        (Some(value), Some(field)) => custom_value(value, field),
        _ => Shown::Nothing,
    }
}

/// What a custom field's value shows.
pub(super) fn custom_value<'a>(value: &'a Value, field: &'a CustomField) -> Shown<'a> {
    match value {
        Value::Text(value) => Shown::Text(value),
        Value::Choice(place) => text(field.allowed_values.get(usize::from(*place)).map(String::as_str)),
        Value::Checkbox(checked) => Shown::Truth(*checked),
        Value::Number(number) => Shown::Number(*number),
        Value::Date(days) => Shown::Date(*days),
        Value::Time(minutes) => Shown::Time(*minutes),
    }
}

fn text(text: Option<&str>) -> Shown<'_> {
    text.map_or(Shown::Nothing, Shown::Text)
}

fn whole<'a>(number: Option<u32>) -> Shown<'a> {
    number.map_or(Shown::Nothing, |number| Shown::Whole(number.into()))
}

fn instant<'a>(at: Option<Millis>) -> Shown<'a> {
    at.map_or(Shown::Nothing, Shown::Instant)
}

impl<'a> Shown<'a> {
    /// Text without quotes, where it is a single text.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        Some(match *self {
            Shown::Text(text) => text.into(),
            Shown::Name(contact) => contact.display_name().into(),
            Shown::Letters(letters) => letters.text().into(),
            Shown::Phone(phone) => phone.e164().into(),
            Shown::Instant(at) => time::rfc3339(at).into(),
            Shown::Date(days) => time::date_text(days).into(),
            Shown::Time(minutes) => time::time_text(minutes).into(),
            _ => return None,
        })
    }

    /// Adds it as JSON.
    pub fn push_json(&self, out: &mut Vec<u8>, catalog: &Catalog) {
        match *self {
            Shown::Nothing => out.extend_from_slice(b"null"),
            Shown::Text(text) => push_text(out, text),
            Shown::Name(contact) => push_name(out, contact),
            Shown::Letters(letters) => push_ascii(out, &letters.0.to_be_bytes()),
            Shown::Phone(phone) => {
                out.extend_from_slice(b"\"+");
                push_whole(out, phone.digits);
                out.push(b'"');
            }
            Shown::Whole(number) => push_whole(out, number),
            Shown::Number(number) => push_number(out, number),
            Shown::Truth(true) => out.extend_from_slice(b"true"),
            Shown::Truth(false) => out.extend_from_slice(b"false"),
            Shown::Instant(at) => push_instant(out, at),
            Shown::Date(days) => push_ascii(out, &time::date_ascii(days)),
            Shown::Time(minutes) => push_ascii(out, &time::time_ascii(minutes)),
            Shown::Tags(ids) => {
                let names = ids.iter().filter_map(|id| catalog.tags.get(id));
                push_list(out, names, |out, tag| push_text(out, &tag.name));
            }
            Shown::Links(links) => push_list(out, links.iter(), |out, link| push_link(out, link, catalog)),
            Shown::Row(contact) if contact.channels.len() < 2 => {
                Shown::Links(&contact.channels).push_json(out, catalog);
            }
            Shown::Row(contact) => {
                let (links, _) = row_channels(contact);
                push_list(out, links.into_iter(), |out, link| push_link(out, link, catalog));
            }
            Shown::Sources(links) => push_list(out, sources(links, catalog).into_iter(), push_text),
            Shown::Channel(id) => {
                push_channel(out, id, catalog);
                out.push(b'}');
            }
            Shown::User(id) => push_user(out, id, catalog),
        }
    }
}

/// The sources of the channels, each once.
pub fn sources<'a>(links: &[ChannelLink], catalog: &'a Catalog) -> Vec<&'a str> {
    let mut sources: Vec<&str> = Vec::new();
    for link in links {
        let source = catalog.channels.get(&link.channel).map(|channel| channel.source.as_str());
        sources.extend(source.filter(|source| !sources.contains(source)));
    }
    sources
}

fn push_list<T>(out: &mut Vec<u8>, items: impl Iterator<Item = T>, mut push: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push(out, item);
    }
    out.push(b']');
}

/// [`Contact::display_name`]: mostly two names, which need not be joined first.
fn push_name(out: &mut Vec<u8>, contact: &Contact) {
    let (Some(first), Some(last)) = (&contact.first_name, &contact.last_name) else {
        return push_text(out, &contact.display_name());
    };
    out.push(b'"');
    push_escaped(out, first);
    out.push(b' ');
    push_escaped(out, last);
    out.push(b'"');
}

/// Letters that need no escape, in quotes.
fn push_ascii(out: &mut Vec<u8>, letters: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(letters);
    out.push(b'"');
}

fn push_or_null<T>(out: &mut Vec<u8>, value: Option<T>, push: impl FnOnce(&mut Vec<u8>, T)) {
    match value {
        Some(value) => push(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

/// A channel, its object left open.
fn push_channel(out: &mut Vec<u8>, id: ChannelId, catalog: &Catalog) {
    let channel = catalog.channels.get(&id);
    out.extend_from_slice(b"{\"id\":");
    push_whole(out, id.0);
    out.extend_from_slice(b",\"source\":");
    push_or_null(out, channel.map(|channel| channel.source.as_str()), push_text);
    out.extend_from_slice(b",\"name\":");
    push_or_null(out, channel.map(|channel| channel.name.as_str()), push_text);
}

fn push_link(out: &mut Vec<u8>, link: &ChannelLink, catalog: &Catalog) {
    push_channel(out, link.channel, catalog);
    out.extend_from_slice(b",\"address\":");
    push_or_null(out, link.address.as_deref(), push_text);
    out.extend_from_slice(b",\"connectedAt\":");
    push_instant(out, link.connected_at);
    out.extend_from_slice(b",\"lastMessageAt\":");
    push_or_null(out, link.last_message_at, push_instant);
    out.extend_from_slice(b",\"lastIncomingMessageAt\":");
    push_or_null(out, link.last_incoming_at, push_instant);
    out.push(b'}');
}

fn push_user(out: &mut Vec<u8>, id: UserId, catalog: &Catalog) {
    let user = catalog.users.get(&id);
    out.extend_from_slice(b"{\"id\":");
    push_whole(out, id.0);
    out.extend_from_slice(b",\"firstName\":");
    push_or_null(out, user.map(|user| user.first_name.as_str()), push_text);
    out.extend_from_slice(b",\"lastName\":");
    push_or_null(out, user.and_then(|user| user.last_name.as_deref()), push_text);
    out.extend_from_slice(b",\"email\":");
    push_or_null(out, user.map(|user| user.email.as_str()), push_text);
    out.push(b'}');
}
