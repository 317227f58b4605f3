//! Contacts as lines of CSV or NDJSON, written straight from the contact: no tree of values is made of each.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value as Json;

use super::{CUSTOM, Format, cell};
use crate::contact::{
    Alpha2, Catalog, ChannelId, Contact, CustomField, CustomFieldId, Field, Kind, Millis, STANDARD, Value, render, time,
};

/// Writes contacts one after another.
pub struct Rows<'a> {
    out: &'a mut dyn Write,
    catalog: &'a Catalog,
    format: Format,
    columns: Vec<Column>,
    line: Vec<u8>,
}

/// What a column takes of a contact.
#[derive(Clone, Copy)]
enum Column {
    Field(Field),
    PhoneGiven,
    ProfilePic,
    ConversationStatus,
    SnoozedUntil,
    Version,
}

/// A value on its way out.
enum Shown<'a> {
    Nothing,
    Text(Cow<'a, str>),
    /// A number, truth or object, as JSON writes it.
    Json(Json),
    Tags(Vec<&'a str>),
    Channels(Vec<Link<'a>>),
    LastChannel(Named<'a>),
}

/// A channel of a contact, as the API answers it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Link<'a> {
    #[serde(flatten)]
    channel: Named<'a>,
    address: Option<&'a str>,
    connected_at: String,
    last_message_at: Option<String>,
    last_incoming_message_at: Option<String>,
}

/// A channel by what it is called.
#[derive(Serialize)]
struct Named<'a> {
    id: u32,
    source: Option<&'a str>,
    name: Option<&'a str>,
}

impl<'a> Rows<'a> {
    /// Rows of that form, with every field the catalog knows; writes the header of a CSV.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(format: Format, out: &'a mut dyn Write, catalog: &'a Catalog) -> io::Result<Rows<'a>> {
        match format {
            Format::Csv => Rows::csv(out, catalog),
            Format::Ndjson => {
                let columns = members().into_iter().map(|(_, column)| column).chain(customs(catalog)).collect();
                Ok(Rows { out, catalog, format, columns, line: Vec::new() })
            }
        }
    }

    /// CSV of every member; writes the header.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn csv(out: &'a mut dyn Write, catalog: &'a Catalog) -> io::Result<Rows<'a>> {
        let members = members();
        let named: Vec<(&str, &str)> = members.iter().map(|(name, _)| (*name, *name)).collect();
        Rows::of_columns(out, catalog, &named)
    }

    /// CSV of these members, each under a heading of its own, and of every custom field; writes the header.
    ///
    /// # Errors
    /// Those of the writer; `InvalidInput` for what is no member.
    pub fn of_columns(out: &'a mut dyn Write, catalog: &'a Catalog, named: &[(&str, &str)]) -> io::Result<Rows<'a>> {
        let known = members();
        let column = |name: &str| {
            let found = known.iter().find(|(known, _)| *known == name).map(|(_, column)| *column);
            found.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("a contact has no member {name}")))
        };
        let mut columns = named.iter().map(|(_, name)| column(name)).collect::<io::Result<Vec<Column>>>()?;
        columns.extend(customs(catalog));
        // A slug is never the name of a member.
        let slugs = catalog.fields.values().map(|field| field.slug.as_str());
        let mut line = Vec::with_capacity(1024);
        push_record(
            &mut line,
            named.iter().map(|(heading, _)| Cow::Borrowed(*heading)).chain(slugs.map(Cow::Borrowed)),
        );
        out.write_all(&line)?;
        Ok(Rows { out, catalog, format: Format::Csv, columns, line })
    }

    /// Writes one contact.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&mut self, contact: &Contact) -> io::Result<()> {
        self.line.clear();
        match self.format {
            Format::Csv => self.csv_line(contact),
            Format::Ndjson => self.json_line(contact)?,
        }
        self.out.write_all(&self.line)
    }

    /// Flushes what was written.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(self) -> io::Result<()> {
        self.out.flush()
    }

    fn csv_line(&mut self, contact: &Contact) {
        let cells = self.columns.iter().map(|column| match shown(*column, contact, self.catalog) {
            Shown::Nothing => Cow::Borrowed(""),
            Shown::Text(text) => text,
            Shown::Json(value) => Cow::Owned(value.to_string()),
            Shown::Tags(names) => Cow::Owned(cell::join(names.into_iter())),
            Shown::Channels(links) if links.is_empty() => Cow::Borrowed(""),
            // Writing text and numbers to memory does not fail.
            Shown::Channels(links) => Cow::Owned(serde_json::to_string(&links).unwrap_or_default()),
            Shown::LastChannel(channel) => Cow::Owned(serde_json::to_string(&channel).unwrap_or_default()),
        });
        push_record(&mut self.line, cells);
    }

    fn json_line(&mut self, contact: &Contact) -> io::Result<()> {
        let line = &mut self.line;
        line.push(b'{');
        let (mut within, mut version) = (false, None);
        for (at, column) in self.columns.iter().enumerate() {
            match column {
                // The last member, after the custom fields.
                Column::Version => {
                    version = Some(contact.version.0);
                    continue;
                }
                Column::Field(Field::Custom(id)) => {
                    if !within {
                        write!(line, ",\"{CUSTOM}\":{{")?;
                    } else {
                        line.push(b',');
                    }
                    within = true;
                    let slug = self.catalog.fields.get(id).map_or("", |field| field.slug.as_str());
                    serde_json::to_writer(&mut *line, slug)?;
                }
                member => {
                    if at > 0 {
                        line.push(b',');
                    }
                    serde_json::to_writer(&mut *line, member.name())?;
                }
            }
            line.push(b':');
            push_json(line, shown(*column, contact, self.catalog))?;
        }
        match within {
            true => line.push(b'}'),
            false => write!(line, ",\"{CUSTOM}\":{{}}")?,
        }
        if let Some(version) = version {
            write!(line, ",\"version\":{version}")?;
        }
        line.extend_from_slice(b"}\n");
        Ok(())
    }
}

impl Column {
    /// The member's name.
    fn name(self) -> &'static str {
        match self {
            Column::Field(field) => field.standard().map_or("", |row| row.name),
            Column::PhoneGiven => "phoneGiven",
            Column::ProfilePic => "profilePic",
            Column::ConversationStatus => "conversationStatus",
            Column::SnoozedUntil => "snoozedUntil",
            Column::Version => "version",
        }
    }
}

/// Adds one record of CSV, its cells neutralised.
pub(super) fn push_record<'t>(line: &mut Vec<u8>, cells: impl Iterator<Item = Cow<'t, str>>) {
    for (at, text) in cells.enumerate() {
        if at > 0 {
            line.push(b',');
        }
        cell::push(line, &cell::neutralise(&text));
    }
    line.push(b'\n');
}

fn push_json(line: &mut Vec<u8>, value: Shown) -> io::Result<()> {
    match value {
        Shown::Nothing => line.extend_from_slice(b"null"),
        Shown::Text(text) => serde_json::to_writer(line, &*text)?,
        Shown::Json(value) => serde_json::to_writer(line, &value)?,
        Shown::Channels(links) => serde_json::to_writer(line, &links)?,
        Shown::LastChannel(channel) => serde_json::to_writer(line, &channel)?,
        Shown::Tags(names) => serde_json::to_writer(line, &names)?,
    }
    Ok(())
}

/// Every member of a contact but its custom fields, in the order of [`render::contact`].
fn members() -> Vec<(&'static str, Column)> {
    let mut columns = Vec::with_capacity(32);
    for row in STANDARD {
        if row.field != Field::Source && !matches!(row.kind, Kind::Duration | Kind::Segment) {
            columns.push(Column::Field(row.field));
        }
        match row.field {
            Field::Phone => columns.push(Column::PhoneGiven),
            Field::Language => columns.push(Column::ProfilePic),
            Field::Status => columns.extend([Column::ConversationStatus, Column::SnoozedUntil]),
            _ => {}
        }
    }
    columns.push(Column::Version);
    columns.into_iter().map(|column| (column.name(), column)).collect()
}

fn customs(catalog: &Catalog) -> impl Iterator<Item = Column> + '_ {
    catalog.fields.keys().map(|id| Column::Field(Field::Custom(*id)))
}

/// A contact's value as its row shows it: as the API answers it, but with names in place of ids, which mean another thing
/// elsewhere.
fn shown<'a>(column: Column, contact: &'a Contact, catalog: &'a Catalog) -> Shown<'a> {
    match column {
        Column::PhoneGiven => text(contact.phone.as_ref().map(|phone| phone.given.as_str())),
        Column::ProfilePic => text(contact.profile_pic.as_deref()),
        Column::ConversationStatus => text(Some(contact.conversation.name())),
        Column::SnoozedUntil => instant(contact.snoozed_until),
        Column::Version => Shown::Json(contact.version.0.into()),
        Column::Field(field) => field_shown(field, contact, catalog),
    }
}

fn field_shown<'a>(field: Field, contact: &'a Contact, catalog: &'a Catalog) -> Shown<'a> {
    match field {
        Field::Id => Shown::Json(contact.id.0.into()),
        Field::FirstName => text(contact.first_name.as_deref()),
        Field::LastName => text(contact.last_name.as_deref()),
        Field::Name => Shown::Text(contact.display_name().into()),
        Field::Email => text(contact.email.as_deref()),
        Field::Phone => owned(contact.phone.as_ref().map(|phone| phone.e164())),
        Field::CountryCode => owned(contact.country_code.map(Alpha2::text)),
        Field::Language => owned(contact.language.map(Alpha2::text)),
        Field::Tags => Shown::Tags(
            contact.tags.iter().filter_map(|id| catalog.tags.get(id)).map(|tag| tag.name.as_str()).collect(),
        ),
        Field::Channels => channels(contact, catalog),
        Field::LastInteractedChannel => last_channel(contact, catalog),
        Field::Assignee => match contact.assignee.map(|id| catalog.users.get(&id)) {
            None => Shown::Nothing,
            Some(Some(user)) => text(Some(&user.email)),
            Some(None) => other(field, contact, catalog),
        },
        Field::Lifecycle => {
            text(contact.lifecycle.and_then(|id| catalog.stages.get(&id)).map(|stage| stage.name.as_str()))
        }
        Field::Status => text(Some(contact.status().name())),
        Field::ConversationOpenedAt => instant(contact.conversation_opened_at),
        Field::LastMessageAt => instant(contact.last_message_at),
        Field::LastIncomingMessageAt => instant(contact.last_incoming_message_at),
        Field::LastInteractionAt => instant(contact.last_interaction_at),
        Field::CreatedAt => instant(Some(contact.created_at)),
        Field::UpdatedAt => instant(Some(contact.updated_at)),
        Field::Custom(id) => custom(id, contact, catalog),
        _ => other(field, contact, catalog),
    }
}

fn custom<'a>(id: CustomFieldId, contact: &'a Contact, catalog: &'a Catalog) -> Shown<'a> {
    let choice = |field: &'a CustomField, place: u16| field.allowed_values.get(usize::from(place)).map(String::as_str);
    match (contact.custom(id), catalog.fields.get(&id)) {
        (None, _) => Shown::Nothing,
        (Some(Value::Text(value)), _) => text(Some(value)),
        (Some(Value::Choice(place)), Some(field)) => text(choice(field, *place)),
        (Some(Value::Checkbox(checked)), _) => Shown::Json((*checked).into()),
        (Some(Value::Date(days)), _) => Shown::Text(time::date_text(*days).into()),
        (Some(Value::Time(minutes)), _) => Shown::Text(time::time_text(*minutes).into()),
        _ => other(Field::Custom(id), contact, catalog),
    }
}

fn channels<'a>(contact: &'a Contact, catalog: &'a Catalog) -> Shown<'a> {
    let links = contact.channels.iter().map(|link| Link {
        channel: named(link.channel, catalog),
        address: link.address.as_deref(),
        connected_at: time::rfc3339(link.connected_at),
        last_message_at: link.last_message_at.map(time::rfc3339),
        last_incoming_message_at: link.last_incoming_at.map(time::rfc3339),
    });
    Shown::Channels(links.collect())
}

fn last_channel<'a>(contact: &Contact, catalog: &'a Catalog) -> Shown<'a> {
    match contact.last_interacted_channel {
        None => Shown::Nothing,
        Some(id) if catalog.channels.contains_key(&id) => Shown::LastChannel(named(id, catalog)),
        Some(id) => Shown::Json(id.0.into()),
    }
}

fn named(id: ChannelId, catalog: &Catalog) -> Named<'_> {
    let channel = catalog.channels.get(&id);
    let source = channel.map(|channel| channel.source.as_str());
    Named { id: id.0, source, name: channel.map(|channel| channel.name.as_str()) }
}

/// As the API answers it.
fn other<'a>(field: Field, contact: &Contact, catalog: &Catalog) -> Shown<'a> {
    match render::value(contact, catalog, field) {
        None | Some(Json::Null) => Shown::Nothing,
        Some(Json::String(text)) => Shown::Text(text.into()),
        Some(value) => Shown::Json(value),
    }
}

fn text(text: Option<&str>) -> Shown<'_> {
    text.map_or(Shown::Nothing, |text| Shown::Text(text.into()))
}

fn owned<'a>(text: Option<String>) -> Shown<'a> {
    text.map_or(Shown::Nothing, |text| Shown::Text(text.into()))
}

fn instant<'a>(at: Option<Millis>) -> Shown<'a> {
    owned(at.map(time::rfc3339))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;
    use crate::contact::draft::example;
    use crate::contact::{ChannelId, UserId, Workspace};
    use crate::corpus::Corpus;

    /// The row as a tree made of what the API answers: what the lines are compared with.
    fn tree(contact: &Contact, catalog: &Catalog) -> Map<String, Json> {
        let mut row = render::contact(contact, catalog);
        if let Some(email) = row.get("assignee").and_then(|user| user.get("email")).filter(|email| email.is_string()) {
            let email = email.clone();
            row.insert("assignee".to_owned(), email);
        }
        if let Some(channel) = contact.last_interacted_channel.and_then(|id| catalog.channels.get(&id)) {
            let named = json!({"id": channel.id, "source": channel.source, "name": channel.name});
            row.insert("lastInteractedChannel".to_owned(), named);
        }
        row
    }

    fn written(format: Format, catalog: &Catalog, contacts: &[Contact]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rows = Rows::new(format, &mut out, catalog).expect("begins");
        contacts.iter().for_each(|contact| rows.write(contact).expect("written"));
        rows.finish().expect("ends");
        out
    }

    fn cell_of(name: &str, value: &Json) -> String {
        match value {
            Json::Null => String::new(),
            Json::String(text) => text.clone(),
            Json::Array(items) if items.is_empty() => String::new(),
            Json::Array(items) if name == "tags" => cell::join(items.iter().filter_map(Json::as_str)),
            other => other.to_string(),
        }
    }

    fn check(catalog: &Catalog, contacts: &[Contact]) {
        let ndjson = written(Format::Ndjson, catalog, contacts);
        let lines: Vec<&str> = std::str::from_utf8(&ndjson).expect("UTF-8").lines().collect();
        assert_eq!(lines.len(), contacts.len());
        let csv = written(Format::Csv, catalog, contacts);
        let mut reader = csv::Reader::from_reader(csv.as_slice());
        let header: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
        for ((contact, line), record) in contacts.iter().zip(lines).zip(reader.records()) {
            let tree = tree(contact, catalog);
            assert_eq!(line, serde_json::to_string(&tree).expect("JSON"));
            let record = record.expect("a record");
            let mut members: Vec<(String, String)> =
                tree.iter().filter(|(name, _)| *name != CUSTOM).map(|(n, v)| (n.clone(), cell_of(n, v))).collect();
            let customs = tree[CUSTOM].as_object().expect("custom fields");
            members.extend(customs.iter().map(|(slug, value)| (slug.clone(), cell_of(slug, value))));
            let found: Vec<(String, String)> =
                header.iter().cloned().zip(record.iter().map(|cell| cell::read(cell).into_owned())).collect();
            assert_eq!(found, members);
        }
    }

    #[test]
    fn lines_say_what_the_api_answers() {
        let (catalog, ana) = (example::catalog(), example::contact());
        let stranger = Contact {
            assignee: Some(UserId(99)),
            last_interacted_channel: Some(ChannelId(99)),
            first_name: Some("=cmd|' /C calc'!A0".into()),
            last_name: Some("a, \"b\"; c".into()),
            ..ana.clone()
        };
        check(&catalog, &[ana, stranger, Contact::default()]);
        check(&Catalog::default(), &[example::contact(), Contact::default()]);
    }

    #[test]
    fn lines_of_many_contacts_say_what_the_api_answers() {
        let corpus = Corpus::new(3, 1_770_000_000_000);
        let catalog = corpus.definition().catalog(Workspace::default());
        let corpus = corpus.for_workspace(&catalog).expect("all is defined");
        check(&catalog, &corpus.contacts(0..400).collect::<Vec<_>>());
    }
}
