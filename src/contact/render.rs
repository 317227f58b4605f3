//! A contact as JSON, the inverse of [`Draft::read`](super::Draft::read): what the API answers and what exports write.

use serde_json::{Map, Value as Json};

use super::draft::json_number;
use super::{Alpha2, Catalog, ChannelLink, Contact, CustomField, CustomFieldId, Field, Millis, STANDARD, Value, time};

/// Every member in wire names, absent values as `null`; times RFC 3339 UTC with milliseconds.
///
/// Tags are names in the order of their ids; channels, assignee and lifecycle are shown by what the catalog knows of
/// them. `customFields` has a member for every field of the workspace.
pub fn contact(contact: &Contact, catalog: &Catalog) -> Map<String, Json> {
    let mut out = Map::with_capacity(32);
    for row in STANDARD {
        if let Some(value) = value(contact, catalog, row.field).filter(|_| row.field != Field::Source) {
            out.insert(row.name.to_owned(), value);
        }
        match row.field {
            Field::Phone => {
                let given = contact.phone.as_ref().map(|phone| phone.given.as_str());
                out.insert("phoneGiven".to_owned(), text(given));
            }
            Field::Language => {
                out.insert("profilePic".to_owned(), text(contact.profile_pic.as_deref()));
            }
            Field::Status => {
                out.insert("conversationStatus".to_owned(), contact.conversation.name().into());
                out.insert("snoozedUntil".to_owned(), instant(contact.snoozed_until));
            }
            _ => {}
        }
    }
    let mut custom = Map::with_capacity(catalog.fields.len());
    // Both ascend by id, so one walk along the contact's values finds them all.
    let mut values = contact.custom.iter().peekable();
    for (id, field) in &catalog.fields {
        while values.next_if(|(other, _)| other < id).is_some() {}
        let value = values.next_if(|(other, _)| other == id);
        custom.insert(field.slug.clone(), value.map_or(Json::Null, |(_, value)| custom_value(value, field)));
    }
    out.insert("customFields".to_owned(), Json::Object(custom));
    out.insert("version".to_owned(), contact.version.0.into());
    out
}

/// Channels that a row of a table shows.
const CHANNELS_SHOWN: usize = 3;

/// A row: the contact's id and those fields, shaped as in [`contact`]: custom fields stand within `customFields`. Of the
/// channels it has up to three, the last interacted first, then by time connected, and with them `moreChannels`. Durations
/// and `segment` are asked about, not shown, and are left out.
pub fn columns(contact: &Contact, catalog: &Catalog, fields: &[Field]) -> Map<String, Json> {
    let mut out = Map::with_capacity(fields.len() + 1);
    out.insert("id".to_owned(), contact.id.0.into());
    for &field in fields {
        if let Field::Custom(id) = field {
            if let (Some(definition), Json::Object(custom)) = (
                catalog.fields.get(&id),
                out.entry("customFields").or_insert_with(|| Json::Object(Map::with_capacity(fields.len()))),
            ) {
                custom.insert(definition.slug.clone(), custom_of(contact, id, definition));
            }
        } else if field == Field::Channels {
            let (links, more) = row_channels(contact);
            let shown = links.into_iter().map(|link| channel(link, catalog));
            out.insert("channels".to_owned(), Json::Array(shown.collect()));
            out.insert("moreChannels".to_owned(), more.into());
        } else if let Some(value) = value(contact, catalog, field) {
            out.insert(field.name(catalog).to_owned(), value);
        }
    }
    out
}

/// The channels that a row shows, and how many more there are: the last interacted first, then by time connected.
pub fn row_channels(contact: &Contact) -> (Vec<&ChannelLink>, usize) {
    let mut links: Vec<&ChannelLink> = contact.channels.iter().collect();
    links.sort_by_key(|link| (Some(link.channel) != contact.last_interacted_channel, link.connected_at));
    let more = links.len().saturating_sub(CHANNELS_SHOWN);
    links.truncate(CHANNELS_SHOWN);
    (links, more)
}

/// What the contact shows of a field; `None` of a field that is asked about, not shown.
pub fn value(contact: &Contact, catalog: &Catalog, field: Field) -> Option<Json> {
    Some(match field {
        Field::Id => contact.id.0.into(),
        Field::FirstName => text(contact.first_name.as_deref()),
        Field::LastName => text(contact.last_name.as_deref()),
        Field::Name => contact.display_name().into(),
        Field::Email => text(contact.email.as_deref()),
        Field::Phone => contact.phone.as_ref().map(|phone| phone.e164()).into(),
        Field::CountryCode => contact.country_code.map(Alpha2::text).into(),
        Field::Language => contact.language.map(Alpha2::text).into(),
        Field::Tags => {
            let names = contact.tags.iter().filter_map(|id| catalog.tags.get(id));
            Json::Array(names.map(|tag| Json::from(tag.name.as_str())).collect())
        }
        Field::Channels => Json::Array(contact.channels.iter().map(|link| channel(link, catalog)).collect()),
        Field::Source => {
            let mut sources: Vec<&str> = Vec::new();
            for link in &contact.channels {
                let source = catalog.channels.get(&link.channel).map(|channel| channel.source.as_str());
                sources.extend(source.filter(|source| !sources.contains(source)));
            }
            sources.into()
        }
        Field::LastInteractedChannel => contact.last_interacted_channel.map(|id| id.0).into(),
        Field::Assignee => assignee(contact, catalog),
        Field::Lifecycle => {
            let stage = contact.lifecycle.and_then(|id| catalog.stages.get(&id));
            text(stage.map(|stage| stage.name.as_str()))
        }
        Field::Status => contact.status().name().into(),
        Field::ConversationOpenedAt => instant(contact.conversation_opened_at),
        Field::LastMessageAt => instant(contact.last_message_at),
        Field::LastIncomingMessageAt => instant(contact.last_incoming_message_at),
        Field::LastInteractionAt => instant(contact.last_interaction_at),
        Field::CreatedAt => instant(Some(contact.created_at)),
        Field::UpdatedAt => instant(Some(contact.updated_at)),
        Field::Custom(id) => custom_of(contact, id, catalog.fields.get(&id)?),
        Field::TimeSinceLastMessage
        | Field::TimeSinceLastIncomingMessage
        | Field::TimeSinceLastInteraction
        | Field::Segment => return None,
    })
}

fn text(text: Option<&str>) -> Json {
    text.map_or(Json::Null, Json::from)
}

fn instant(at: Option<Millis>) -> Json {
    at.map_or(Json::Null, |at| time::rfc3339(at).into())
}

fn channel(link: &ChannelLink, catalog: &Catalog) -> Json {
    let channel = catalog.channels.get(&link.channel);
    object([
        ("id", link.channel.0.into()),
        ("source", text(channel.map(|channel| channel.source.as_str()))),
        ("name", text(channel.map(|channel| channel.name.as_str()))),
        ("address", text(link.address.as_deref())),
        ("connectedAt", instant(Some(link.connected_at))),
        ("lastMessageAt", instant(link.last_message_at)),
        ("lastIncomingMessageAt", instant(link.last_incoming_at)),
    ])
}

fn assignee(contact: &Contact, catalog: &Catalog) -> Json {
    let Some(id) = contact.assignee else { return Json::Null };
    let user = catalog.users.get(&id);
    object([
        ("id", id.0.into()),
        ("firstName", text(user.map(|user| user.first_name.as_str()))),
        ("lastName", text(user.and_then(|user| user.last_name.as_deref()))),
        ("email", text(user.map(|user| user.email.as_str()))),
    ])
}

fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    let mut out = Map::with_capacity(N);
    for (name, value) in members {
        out.insert(name.to_owned(), value);
    }
    Json::Object(out)
}

fn custom_of(contact: &Contact, id: CustomFieldId, field: &CustomField) -> Json {
    contact.custom(id).map_or(Json::Null, |value| custom_value(value, field))
}

fn custom_value(value: &Value, field: &CustomField) -> Json {
    match value {
        Value::Text(value) => value.as_str().into(),
        Value::Choice(place) => text(field.allowed_values.get(usize::from(*place)).map(String::as_str)),
        Value::Checkbox(checked) => (*checked).into(),
        Value::Number(number) => json_number(*number),
        Value::Date(days) => time::date_text(*days).into(),
        Value::Time(minutes) => time::time_text(*minutes).into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contact::draft::example;

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
        assert_eq!(Json::Object(columns(&ana, &catalog, &fields)), expected);
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
            let row =
                columns(&Contact { channels, last_interacted_channel, ..ana.clone() }, &catalog, &[Field::Channels]);
            let shown: Vec<u64> =
                row["channels"].as_array().unwrap().iter().map(|link| link["id"].as_u64().unwrap()).collect();
            assert_eq!((shown, &row["moreChannels"]), (expected, &json!(more)));
        }
    }

    #[test]
    fn a_name_falls_back_to_phone_then_e_mail_then_id() {
        let mut ana = example::contact();
        let name = |contact: &Contact| columns(contact, &Catalog::default(), &[Field::Name])["name"].clone();
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
}
