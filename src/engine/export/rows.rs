//! Contacts as lines of CSV or NDJSON, as the API answers them, but with names in place of ids, which mean another thing
//! elsewhere.

use std::borrow::Cow;
use std::io::{self, Write};

use super::{Format, cell};
use crate::contact::render::{Form, Member};
use crate::contact::{Catalog, Contact, Field};

/// Writes contacts one after another.
pub struct Rows<'a> {
    out: &'a mut dyn Write,
    catalog: &'a Catalog,
    shape: Shape<'a>,
    line: Vec<u8>,
}

enum Shape<'a> {
    Json(Form<'a>),
    Cells(Vec<Member>),
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
                let shape = Shape::Json(Form::with_customs(catalog, &members()));
                Ok(Rows { out, catalog, shape, line: Vec::new() })
            }
        }
    }

    /// CSV of every member; writes the header.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn csv(out: &'a mut dyn Write, catalog: &'a Catalog) -> io::Result<Rows<'a>> {
        let names: Vec<&str> = members().into_iter().map(|member| member.name(catalog)).collect();
        let named: Vec<(&str, &str)> = names.into_iter().map(|name| (name, name)).collect();
        Rows::of_columns(out, catalog, &named)
    }

    /// CSV of these members, each under a heading of its own, and of every custom field; writes the header.
    ///
    /// # Errors
    /// Those of the writer; `InvalidInput` for what is no member.
    pub fn of_columns(out: &'a mut dyn Write, catalog: &'a Catalog, named: &[(&str, &str)]) -> io::Result<Rows<'a>> {
        let known = members();
        let column = |name: &str| {
            let found = known.iter().find(|member| member.name(catalog) == name).copied();
            found.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("a contact has no member {name}")))
        };
        let mut columns = named.iter().map(|(_, name)| column(name)).collect::<io::Result<Vec<Member>>>()?;
        columns.extend(catalog.fields.keys().map(|id| Member::Field(Field::Custom(*id))));
        // A slug is never the name of a member.
        let slugs = catalog.fields.values().map(|field| field.slug.as_str());
        let mut line = Vec::with_capacity(1024);
        push_record(
            &mut line,
            named.iter().map(|(heading, _)| Cow::Borrowed(*heading)).chain(slugs.map(Cow::Borrowed)),
        );
        out.write_all(&line)?;
        Ok(Rows { out, catalog, shape: Shape::Cells(columns), line })
    }

    /// Writes one contact.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&mut self, contact: &Contact) -> io::Result<()> {
        self.line.clear();
        match &self.shape {
            Shape::Json(form) => {
                form.push(&mut self.line, contact);
                self.line.push(b'\n');
            }
            Shape::Cells(columns) => {
                let shown = columns.iter().map(|member| member.of(contact, self.catalog));
                push_record(&mut self.line, shown.map(|shown| cell::of(shown, self.catalog)));
            }
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

/// Every member but the custom fields, with names in place of ids.
fn members() -> Vec<Member> {
    let named = |member| match member {
        Member::Field(Field::Assignee) => Member::AssigneeEmail,
        Member::Field(Field::LastInteractedChannel) => Member::LastChannelNamed,
        same => same,
    };
    Member::all().into_iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value as Json, json};

    use super::*;
    use crate::contact::draft::example;
    use crate::contact::render::{self, CUSTOM};
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
