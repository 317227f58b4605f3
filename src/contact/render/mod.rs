//! A contact as JSON, the inverse of [`Draft::read`](super::Draft::read): what the API answers and what exports write. It is
//! written straight to bytes; no tree of values is made.

mod json;
mod shown;

use serde_json::{Map, Value as Json};

use super::{Catalog, Contact, CustomField, Field, Kind};

pub use shown::{Member, Shown, row_channels, sources};

/// The member that holds the custom fields by slug.
pub const CUSTOM: &str = "customFields";

/// Which members contacts are written with. What does not depend on the contact is made ready once.
pub struct Form<'c> {
    catalog: &'c Catalog,
    /// The text of [`Step::before`] of every step, one after the other, then what ends the object.
    text: Vec<u8>,
    steps: Vec<Step<'c>>,
}

struct Step<'c> {
    /// Where the text ends that stands before the value; it begins where that of the last step ends.
    before: usize,
    value: Source<'c>,
}

#[derive(Clone, Copy)]
enum Source<'c> {
    Member(Member),
    Custom(&'c CustomField),
}

/// Every member in wire names, absent values as `null`; times RFC 3339 UTC with milliseconds.
///
/// Tags are names in the order of their ids; channels, assignee and lifecycle are shown by what the catalog knows of
/// them. `customFields` has a member for every field of the workspace.
pub fn contact(contact: &Contact, catalog: &Catalog) -> Map<String, Json> {
    // Read back: for who looks at members one by one. Answers and exports never make a tree.
    serde_json::from_str(&Form::whole(catalog).json(contact)).unwrap_or_default()
}

/// What the contact shows of a field; `None` of a field that is asked about, not shown.
pub fn value(contact: &Contact, catalog: &Catalog, field: Field) -> Option<Json> {
    if !is_shown(field, catalog) {
        return None;
    }
    let mut out = Vec::new();
    Member::Field(field).of(contact, catalog).push_json(&mut out, catalog);
    serde_json::from_slice(&out).ok()
}

/// Whether a contact shows the field; others are only asked about.
fn is_shown(field: Field, catalog: &Catalog) -> bool {
    !matches!(field.kind(catalog), Kind::Duration | Kind::Segment)
}

/// All of it comes from text and ASCII.
fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).unwrap_or_default()
}

impl<'c> Form<'c> {
    /// All of a contact.
    pub fn whole(catalog: &'c Catalog) -> Form<'c> {
        Form::with_customs(catalog, &Member::all())
    }

    /// These members, and every custom field; `version` stands after those.
    pub fn with_customs(catalog: &'c Catalog, members: &[Member]) -> Form<'c> {
        let mut form = Form::empty(catalog);
        members.iter().filter(|member| **member != Member::Version).for_each(|member| form.add(*member));
        form.add_customs(&catalog.fields.values().collect::<Vec<_>>());
        if members.contains(&Member::Version) {
            form.add(Member::Version);
        }
        form.finished()
    }

    /// A row: the contact's id and those fields, each once; custom fields stand within `customFields`. Of the channels it has
    /// up to three, the last interacted first, then by time connected, and with them `moreChannels`. Durations and `segment`
    /// are asked about, not shown, and are left out.
    pub fn row(catalog: &'c Catalog, fields: &[Field]) -> Form<'c> {
        let custom = |field: &Field| match field {
            Field::Custom(id) => catalog.fields.get(id),
            _ => None,
        };
        let mut customs: Vec<&CustomField> = fields.iter().filter_map(custom).collect();
        let mut form = Form::empty(catalog);
        form.add(Member::Field(Field::Id));
        for &field in fields {
            match field {
                Field::Id => {}
                // All of them stand where the first one is asked for.
                Field::Custom(_) if !customs.is_empty() => form.add_customs(&std::mem::take(&mut customs)),
                Field::Custom(_) => {}
                Field::Channels => [Member::RowChannels, Member::MoreChannels].into_iter().for_each(|m| form.add(m)),
                field if is_shown(field, catalog) => form.add(Member::Field(field)),
                _ => {}
            }
        }
        form.finished()
    }

    /// These members.
    pub fn of(catalog: &'c Catalog, members: &[Member]) -> Form<'c> {
        let mut form = Form::empty(catalog);
        members.iter().for_each(|member| form.add(*member));
        form.finished()
    }

    fn empty(catalog: &'c Catalog) -> Form<'c> {
        Form { catalog, text: vec![b'{'], steps: Vec::with_capacity(32) }
    }

    fn add(&mut self, member: Member) {
        self.add_name(member.name(self.catalog));
        self.steps.push(Step { before: self.text.len(), value: Source::Member(member) });
    }

    fn add_customs(&mut self, fields: &[&'c CustomField]) {
        self.add_name(CUSTOM);
        for (at, field) in fields.iter().enumerate() {
            self.text.push(if at == 0 { b'{' } else { b',' });
            json::push_text(&mut self.text, &field.slug);
            self.text.push(b':');
            self.steps.push(Step { before: self.text.len(), value: Source::Custom(field) });
        }
        self.text.extend_from_slice(if fields.is_empty() { b"{}" } else { b"}" });
    }

    fn add_name(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push(b',');
        }
        json::push_text(&mut self.text, name);
        self.text.push(b':');
    }

    fn finished(mut self) -> Form<'c> {
        self.text.push(b'}');
        self
    }

    /// The contact as text.
    pub fn json(&self, contact: &Contact) -> String {
        let mut out = Vec::with_capacity(2048);
        self.push(&mut out, contact);
        text(out)
    }

    /// Adds the contact's object.
    pub fn push(&self, out: &mut Vec<u8>, contact: &Contact) {
        let (mut from, mut next) = (0, 0);
        for step in &self.steps {
            out.extend_from_slice(&self.text[from..step.before]);
            from = step.before;
            match step.value {
                Source::Member(member) => member.of(contact, self.catalog).push_json(out, self.catalog),
                Source::Custom(field) => {
                    // Both mostly ascend by id.
                    let value = match contact.custom.get(next) {
                        Some((id, value)) if *id == field.id => {
                            next += 1;
                            Some(value)
                        }
                        _ => contact.custom(field.id),
                    };
                    let shown = value.map_or(Shown::Nothing, |value| shown::custom_value(value, field));
                    shown.push_json(out, self.catalog);
                }
            }
        }
        out.extend_from_slice(&self.text[from..]);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contact::draft::example;
    use crate::contact::{ChannelLink, Millis, Workspace};
    use crate::corpus::Corpus;

    fn read(json: &str) -> Json {
        serde_json::from_str(json).expect("JSON")
    }

    fn row(contact: &Contact, catalog: &Catalog, fields: &[Field]) -> Json {
        read(&Form::row(catalog, fields).json(contact))
    }

    #[test]
    fn every_member_is_there() {
        let (catalog, ana) = (example::catalog(), example::contact());
        let shown = Json::Object(contact(&ana, &catalog));
        let expected = json!({
            "id": 7, "firstName": "Ana", "lastName": "Lim", "name": "Ana Lim", "email": "Ana@Example.com",
            "phone": "+60123456789", "phoneGiven": "012-345 6789", "countryCode": "MY", "language": "ms",
            "profilePic": "https://example.com/a.png", "tags": ["vip", "Größe"],
            "channels": [{
                "id": 2, "source": "whatsapp", "name": "Sales", "address": "60123456789",
                "connectedAt": "1970-01-01T00:00:00.001Z", "lastMessageAt": "1970-01-01T00:00:00.002Z",
                "lastIncomingMessageAt": null,
            }],
            "lastInteractedChannel": 2,
            "assignee": {"id": 3, "firstName": "Mei", "lastName": null, "email": "mei@example.com"},
            "lifecycle": "Customer", "status": "blocked", "conversationStatus": "open", "snoozedUntil": null,
            "conversationOpenedAt": "2026-03-11T09:30:15.250Z", "lastMessageAt": null,
            "lastIncomingMessageAt": null, "lastInteractionAt": null,
            "createdAt": "2020-01-01T00:00:00.000Z", "updatedAt": "2026-03-11T09:30:15.250Z",
            "customFields": {
                "note": null, "size": "Large", "member": true, "work_email": null, "score": 4.5, "site": null,
                "birthday": "1990-02-28", "call_at": "09:05",
            },
            "version": 12,
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn columns_are_those_asked_for_and_the_id() {
        let (catalog, ana) = (example::catalog(), example::contact());
        let fields = ["name", "score", "source", "tags", "timeSinceLastMessage", "note"]
            .map(|name| Field::named(name, &catalog).unwrap());
        let expected = json!({
            "id": 7, "name": "Ana Lim", "customFields": {"score": 4.5, "note": null}, "source": ["whatsapp"],
            "tags": ["vip", "Größe"],
        });
        assert_eq!(row(&ana, &catalog, &fields), expected);
    }

    #[test]
    fn a_row_shows_three_channels_the_last_interacted_first() {
        let (catalog, ana) = (example::catalog(), example::contact());
        let link = |id: u32, connected_at: Millis| ChannelLink {
            channel: crate::contact::ChannelId(id),
            connected_at,
            ..ana.channels[0].clone()
        };
        // In no order of time, as an import may bring them.
        let links = [(1, 50), (2, 10), (3, 40), (4, 20), (5, 30)].map(|(id, at)| link(id, at));
        for (count, last, expected, more) in [
            (5, Some(5), vec![5, 2, 4], 2),
            (5, None, vec![2, 4, 5], 2),
            (4, Some(9), vec![2, 4, 3], 1),
            (3, Some(1), vec![1, 2, 3], 0),
            (1, Some(1), vec![1], 0),
            (0, None, vec![], 0),
        ] {
            let last_interacted_channel = last.map(crate::contact::ChannelId);
            let channels = links[..count].to_vec();
            let shown =
                row(&Contact { channels, last_interacted_channel, ..ana.clone() }, &catalog, &[Field::Channels]);
            let ids: Vec<u64> =
                shown["channels"].as_array().unwrap().iter().map(|link| link["id"].as_u64().unwrap()).collect();
            assert_eq!((ids, &shown["moreChannels"]), (expected, &json!(more)));
        }
    }

    #[test]
    fn a_name_falls_back_to_phone_then_e_mail_then_id() {
        let mut ana = example::contact();
        let name = |contact: &Contact| row(contact, &Catalog::default(), &[Field::Name])["name"].clone();
        assert_eq!(name(&ana), "Ana Lim");
        ana.first_name = None;
        assert_eq!(name(&ana), "Lim");
        ana.last_name = None;
        assert_eq!(name(&ana), "+60123456789");
        ana.phone = None;
        assert_eq!(name(&ana), "Ana@Example.com");
        ana.email = None;
        assert_eq!(name(&ana), "Contact 7");
    }

    #[test]
    fn what_the_catalog_lost_does_not_show() {
        let empty = Catalog::default();
        let shown = contact(&example::contact(), &empty);
        assert_eq!((&shown["tags"], &shown["lifecycle"]), (&json!([]), &Json::Null));
        assert_eq!(shown["channels"][0]["name"], Json::Null);
        assert_eq!(shown["customFields"], json!({}));
    }

    /// Of contacts of all kinds: what is written reads back to a tree that is written the same again.
    #[test]
    fn what_is_written_is_as_a_tree_is_written() {
        let corpus = Corpus::new(5, 1_770_000_000_000);
        let catalog = corpus.definition().catalog(Workspace::default());
        let contacts: Vec<Contact> = corpus.for_workspace(&catalog).expect("all is defined").contacts(0..500).collect();
        let fields: Vec<Field> = Field::all(&catalog).collect();
        let backwards: Vec<Field> = fields.iter().rev().copied().collect();
        let forms = [Form::whole(&catalog), Form::row(&catalog, &fields), Form::row(&catalog, &backwards)];
        for (form, contact) in forms.iter().flat_map(|form| contacts.iter().map(move |contact| (form, contact))) {
            let json = form.json(contact);
            assert_eq!(serde_json::to_string(&read(&json)).expect("JSON"), json);
            assert_eq!(read(&json)["name"], contact.display_name());
        }
        for contact in &contacts {
            let (forth, back) = (row(contact, &catalog, &fields), row(contact, &catalog, &backwards));
            assert_eq!(forth, back);
            for field in &fields {
                let shown = match field {
                    Field::Custom(_) => forth["customFields"].get(field.name(&catalog)),
                    Field::Channels => continue,
                    field => forth.get(field.name(&catalog)),
                };
                assert_eq!(shown.cloned(), value(contact, &catalog, *field));
            }
        }
    }
}
