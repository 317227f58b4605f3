//! A page of contacts as CSV, for reading: the columns asked for under their labels, each cell as a table shows it.

use std::borrow::Cow;

use super::cell;
use super::rows::push_record;
use crate::contact::render::{Member, row_channels};
use crate::contact::{Catalog, Contact, Field, Kind};
use crate::engine::Page;

/// The page's contacts with their id and these fields, all fields where none are named. What is asked about and not shown
/// (durations, `segment`) is left out.
pub fn page(page: &Page, columns: Option<&[Field]>) -> Vec<u8> {
    let catalog = &*page.catalog;
    let all: Vec<Field> = match columns {
        Some(columns) => columns.to_vec(),
        None => Field::all(catalog).collect(),
    };
    let shown = |field: &Field| !matches!(field.kind(catalog), Kind::Duration | Kind::Segment) && *field != Field::Id;
    let fields: Vec<Field> = [Field::Id].into_iter().chain(all.into_iter().filter(shown)).collect();
    let mut out = Vec::with_capacity(256 * (page.contacts.len() + 1));
    push_record(&mut out, fields.iter().map(|field| label(*field, catalog).into()));
    for contact in &page.contacts {
        push_record(&mut out, fields.iter().map(|field| text(*field, contact, catalog)));
    }
    out
}

fn label(field: Field, catalog: &Catalog) -> &str {
    match field {
        Field::Custom(id) => catalog.fields.get(&id).map_or("", |field| &field.name),
        standard => standard.standard().map_or("", |row| row.label),
    }
}

fn text<'a>(field: Field, contact: &'a Contact, catalog: &'a Catalog) -> Cow<'a, str> {
    match field {
        Field::Channels => channels(contact, catalog).into(),
        Field::LastInteractedChannel => {
            let channel = contact.last_interacted_channel.and_then(|id| catalog.channels.get(&id));
            channel.map_or("".into(), |channel| channel.name.as_str().into())
        }
        Field::Assignee => {
            let user = contact.assignee.and_then(|id| catalog.users.get(&id));
            user.map_or("".into(), |user| user.full_name().into())
        }
        field => cell::of(Member::Field(field).of(contact, catalog), catalog),
    }
}

/// The contact's channels as a row shows them, then how many more there are.
fn channels(contact: &Contact, catalog: &Catalog) -> String {
    let (links, more) = row_channels(contact);
    let named = links.into_iter().map(|link| match catalog.channels.get(&link.channel) {
        Some(channel) => format!("{} ({})", channel.name, channel.source),
        None => format!("channel {}", link.channel),
    });
    let mut text = named.collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" +{more}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::contact::draft::example;
    use crate::contact::{ChannelId, ChannelLink, Seq};

    fn written(contacts: Vec<Contact>, columns: Option<&[Field]>) -> String {
        let page = Page {
            total: contacts.len() as u64,
            reachable: contacts.len() as u64,
            contacts: contacts.into_iter().map(Arc::new).collect(),
            offset: 0,
            limit: 25,
            facets: Vec::new(),
            version: Seq(1),
            took_micros: 0,
            catalog: Arc::new(example::catalog()),
        };
        String::from_utf8(super::page(&page, columns)).expect("UTF-8")
    }

    #[test]
    fn cells_are_as_the_table_shows_them() {
        let link = |channel, connected_at| ChannelLink {
            channel: ChannelId(channel),
            address: None,
            connected_at,
            last_message_at: None,
            last_incoming_at: None,
        };
        let mut ana = example::contact();
        ana.channels = vec![link(9, 1), link(3, 2), link(1, 3), link(2, 4)];
        ana.first_name = Some("=1+1".into());
        let columns = [Field::Name, Field::Channels, Field::LastInteractedChannel, Field::Assignee, Field::Tags];
        let expected = "\"ID\",Name,Channels,Last interacted channel,Assignee,Tags\n\
                        7,'=1+1 Lim,\"Sales (whatsapp), channel 9, Sales (telegram) +1\",Sales,Mei,\"vip;Größe\"\n";
        assert_eq!(written(vec![ana], Some(&columns)), expected);
    }

    #[test]
    fn without_columns_every_field_stands_once() {
        let text = written(vec![Contact::default()], None);
        let header = text.lines().next().expect("a header");
        assert!(header.starts_with("\"ID\",First name,") && header.contains(",birthday"), "{header}");
        assert!(!header.contains("Segment") && !header.contains("Time since"), "{header}");
        assert_eq!(text.lines().count(), 2);
    }
}
