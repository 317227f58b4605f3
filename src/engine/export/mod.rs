//! Contacts as rows of CSV or NDJSON, which an import reads back to the same contacts.

pub(super) mod cell;

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::contact::{Catalog, Contact, ContactId, WorkspaceId, render};

use super::{Engine, Error};

/// How many contacts are read from the store at a time.
const CHUNK: usize = 1000;

/// The member that holds the custom fields by slug.
pub(super) const CUSTOM: &str = "customFields";

/// The form of an exported or imported file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A header, then one line per contact; custom fields are columns.
    Csv,
    /// One JSON object per line.
    Ndjson,
}

/// Writes contacts one after another.
pub struct Rows<'a> {
    out: Out<'a>,
    catalog: &'a Catalog,
    /// CSV: what each column takes from the contact's JSON.
    columns: Vec<Column>,
}

enum Out<'a> {
    Csv(Box<csv::Writer<&'a mut dyn Write>>),
    Ndjson(&'a mut dyn Write),
}

enum Column {
    Member(String),
    Custom(String),
}

impl<'a> Rows<'a> {
    /// Rows of that form, with every field the catalog knows.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(format: Format, out: &'a mut dyn Write, catalog: &'a Catalog) -> io::Result<Rows<'a>> {
        match format {
            Format::Csv => Rows::csv(out, catalog),
            Format::Ndjson => Ok(Rows { out: Out::Ndjson(out), catalog, columns: Vec::new() }),
        }
    }

    /// CSV of every member; writes the header.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn csv(out: &'a mut dyn Write, catalog: &'a Catalog) -> io::Result<Rows<'a>> {
        let members = row(&Contact::default(), catalog);
        let members: Vec<(&str, &str)> = members
            .keys()
            .filter(|member| *member != CUSTOM)
            .map(|member| (member.as_str(), member.as_str()))
            .collect();
        Rows::of_columns(out, catalog, &members)
    }

    /// CSV of these members, each under a heading of its own, and of every custom field; writes the header.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn of_columns(out: &'a mut dyn Write, catalog: &'a Catalog, members: &[(&str, &str)]) -> io::Result<Rows<'a>> {
        let slugs = || catalog.fields.values().map(|field| field.slug.as_str());
        let mut writer = csv::Writer::from_writer(out);
        // A slug is never the name of a member.
        writer.write_record(members.iter().map(|(heading, _)| *heading).chain(slugs())).map_err(plain)?;
        let members = members.iter().map(|(_, member)| Column::Member((*member).to_owned()));
        let columns = members.chain(slugs().map(|slug| Column::Custom(slug.to_owned()))).collect();
        Ok(Rows { out: Out::Csv(Box::new(writer)), catalog, columns })
    }

    /// Writes one contact.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&mut self, contact: &Contact) -> io::Result<()> {
        let row = row(contact, self.catalog);
        match &mut self.out {
            Out::Ndjson(out) => {
                serde_json::to_writer(&mut *out, &row)?;
                out.write_all(b"\n")
            }
            Out::Csv(writer) => {
                for column in &self.columns {
                    let (value, is_tags) = match column {
                        Column::Member(name) => (row.get(name), name == "tags"),
                        Column::Custom(slug) => (row.get(CUSTOM).and_then(|customs| customs.get(slug)), false),
                    };
                    writer.write_field(cell::write(value.unwrap_or(&Json::Null), is_tags)).map_err(plain)?;
                }
                writer.write_record(None::<&[u8]>).map_err(plain)
            }
        }
    }

    /// Ends the last row and flushes.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(self) -> io::Result<()> {
        match self.out {
            Out::Csv(mut writer) => writer.flush(),
            Out::Ndjson(out) => out.flush(),
        }
    }
}

/// A contact as its row: as the API answers it, but with names in place of ids, which mean another thing elsewhere.
fn row(contact: &Contact, catalog: &Catalog) -> Map<String, Json> {
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

/// The writer's own error, of which a CSV error keeps no kind.
fn plain(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// What was to be written to failed.
    #[error("cannot write the export: {0}")]
    Output(#[from] io::Error),
    /// The contacts could not be read.
    #[error(transparent)]
    Engine(#[from] Error),
}

/// Writes every contact of a workspace, ascending by id, and returns how many. `progress` hears the number so far.
///
/// # Errors
/// Those of the store and of the writer.
pub fn run(
    engine: &Engine,
    ws: WorkspaceId,
    format: Format,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, Failed> {
    let catalog = engine.catalog(ws)?;
    let mut rows = Rows::new(format, out, &catalog)?;
    let (mut after, mut written) = (ContactId(0), 0);
    loop {
        let contacts = engine.contacts_after(ws, after, CHUNK)?;
        let Some(last) = contacts.last() else { break };
        after = last.id;
        for contact in &contacts {
            rows.write(contact)?;
        }
        written += contacts.len() as u64;
        progress(written);
    }
    rows.finish()?;
    Ok(written)
}
