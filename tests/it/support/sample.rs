//! A small workspace with something of everything, always the same for the same numbers.

use rollcall::contact::{
    Alpha2, Catalog, Channel, ChannelId, ChannelLink, Contact, ContactId, Conversation, CustomField, CustomFieldId,
    DataType, Interaction, InteractionKind, Phone, Role, Segment, SegmentId, Seq, Stage, StageId, Tag, TagId, TokenId,
    User, UserId, Value, Workspace, WorkspaceId,
};
use rollcall::store::{Change, Head, Records, StoreError, Subject, TokenRecord, Writes};

/// The sample's workspace.
pub const WS: WorkspaceId = WorkspaceId(1);
const FIRST_NAMES: [&str; 6] = ["José", "Иван", "محمد", "美玲", "สมชาย", "Ada"];

/// The contact of that id as change `version` left it.
pub fn contact(id: u32, version: u64) -> Contact {
    let n = u64::from(id);
    let at = 1_700_000_000_000 + i64::from(id) * 60_000;
    let mut contact = Contact {
        id: ContactId(id),
        version: Seq(version),
        first_name: Some(FIRST_NAMES[id as usize % FIRST_NAMES.len()].into()),
        last_name: (!id.is_multiple_of(3)).then(|| format!("Sample {id}")),
        email: (!id.is_multiple_of(4)).then(|| format!("sample.{id}@example.com")),
        phone: (!id.is_multiple_of(5)).then(|| Phone {
            digits: 4_915_100_000_000 + n,
            calling_code_len: 2,
            given: format!("0151 {id}"),
        }),
        country_code: Some(Alpha2::new(*b"DE")),
        language: (!id.is_multiple_of(2)).then(|| Alpha2::new(*b"de")),
        profile_pic: id.is_multiple_of(7).then(|| format!("https://example.com/{id}.png")),
        tags: (1..=id % 4).map(TagId).collect(),
        last_interacted_channel: (!id.is_multiple_of(2)).then_some(ChannelId(1)),
        assignee: id.is_multiple_of(3).then_some(UserId(1)),
        lifecycle: id.is_multiple_of(6).then_some(StageId(1)),
        conversation: [Conversation::Open, Conversation::Closed, Conversation::Snoozed][id as usize % 3],
        blocked: id.is_multiple_of(10),
        snoozed_until: (id % 3 == 2).then_some(at + 1),
        conversation_opened_at: id.is_multiple_of(3).then_some(at + 2),
        last_message_at: (!id.is_multiple_of(2)).then_some(at + 3),
        last_incoming_message_at: (!id.is_multiple_of(2)).then_some(at + 4),
        last_interaction_at: (!id.is_multiple_of(2)).then_some(at + 5),
        created_at: at,
        updated_at: at + version as i64,
        ..Contact::default()
    };
    if !id.is_multiple_of(2) {
        let address = Some(format!("+49151{id}"));
        let last_message_at = Some(at + 3);
        contact.channels = vec![ChannelLink {
            channel: ChannelId(1),
            address,
            connected_at: at,
            last_message_at,
            last_incoming_at: None,
        }];
    }
    let values = [
        Value::Text(format!("text {id}")),
        Value::Choice(id as u16 % 2),
        Value::Checkbox(id.is_multiple_of(2)),
        Value::Number(f64::from(id) / 3.0),
        Value::Date(20_000 + id as i32),
        Value::Time(id as u16 % 1440),
    ];
    let kept = values.into_iter().enumerate().filter(|(slot, _)| (id as usize + slot).is_multiple_of(2));
    contact.custom = kept.map(|(slot, value)| (CustomFieldId(slot as u32 + 1), value)).collect();
    contact
}

/// An interaction of that contact; every seventh is a text of several kibibytes.
pub fn interaction(contact: u32, number: u64) -> Interaction {
    let long = (u64::from(contact) + number).is_multiple_of(7);
    Interaction {
        kind: if number.is_multiple_of(2) { InteractionKind::IncomingMessage } else { InteractionKind::Comment },
        at: 1_700_000_000_000 + number as i64,
        channel: number.is_multiple_of(2).then_some(ChannelId(1)),
        author: (!number.is_multiple_of(2)).then_some(UserId(1)),
        text: Some(format!("{number} of {contact} ").repeat(if long { 600 } else { 1 })),
    }
}

/// What the sample's workspace defines.
pub fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    let text = |text: &str| text.to_string();
    catalog.workspace = Workspace {
        id: WS,
        name: text("Sample"),
        default_country: Some(text("DE")),
        timezone: text("Europe/Berlin"),
        locale: text("de"),
        created_at: 1_700_000_000_000,
        incarnation: 42,
    };
    let types = [DataType::Text, DataType::List, DataType::Checkbox, DataType::Number, DataType::Date, DataType::Time];
    for (id, data_type) in (1..).zip(types) {
        catalog.put_field(CustomField {
            id: CustomFieldId(id),
            slug: format!("field_{id}"),
            name: format!("Field {id}"),
            description: id.is_multiple_of(2).then(|| text("even")),
            data_type,
            allowed_values: if data_type == DataType::List { vec![text("red"), text("blue")] } else { Vec::new() },
            searchable: id == 1,
        });
    }
    for id in 1..=3 {
        let (description, emoji, color) = (Some(text("d")), Some(text("🔥")), (id == 2).then(|| text("#ff0000")));
        catalog.put_tag(Tag { id: TagId(id), name: format!("Tag {id}"), description, emoji, color });
    }
    catalog.put_channel(Channel { id: ChannelId(1), name: text("Main"), source: text("whatsapp") });
    catalog.put_stage(Stage { id: StageId(1), name: text("Lead"), position: 1 });
    let filter = text(r#"{"field":"status","operator":"isEqualTo","value":"open"}"#);
    catalog.put_segment(Segment { id: SegmentId(1), name: text("Open"), filter, timezone: Some(text("Asia/Tokyo")) });
    catalog.put_user(User {
        id: UserId(1),
        first_name: text("Grace"),
        last_name: Some(text("Hopper")),
        email: text("grace@example.com"),
        role: Role::Manager,
        team: Some(text("navy")),
        restrict_data_export: true,
        restrict_contact_deletion: false,
        show_only_mine: true,
        show_team_contacts: false,
        columns: None,
    });
    catalog
}

/// The sample's token.
pub fn token() -> TokenRecord {
    TokenRecord {
        id: TokenId(1),
        workspace: WS,
        user: UserId(1),
        name: "sample".into(),
        hash: [7; 32],
        created_at: 1,
        expires_at: Some(2),
        revoked_at: None,
    }
}

/// The head after contacts `1..=contacts` were written, one change each.
pub fn head(contacts: u32) -> Head {
    let digest = (1..=contacts).map(|id| Records::digest(WS, &contact(id, id.into())));
    Head {
        seq: Seq(contacts.into()),
        last_contact: ContactId(contacts),
        contacts: contacts.into(),
        digest: digest.fold(0, u64::wrapping_add),
        last_item: 6,
        log_floor: Seq(0),
    }
}

/// Writes what the workspace defines, and the token.
pub fn define(records: &Records) -> Result<(), StoreError> {
    let catalog = catalog();
    let mut writes = Writes::default();
    writes.put_workspace(&catalog.workspace);
    writes.put_token(&token());
    catalog.fields.values().for_each(|field| writes.put_field(WS, field));
    catalog.tags.values().for_each(|tag| writes.put_tag(WS, tag));
    catalog.channels.values().for_each(|channel| writes.put_channel(WS, channel));
    catalog.users.values().for_each(|user| writes.put_user(WS, user));
    catalog.stages.values().for_each(|stage| writes.put_stage(WS, stage));
    catalog.segments.values().for_each(|segment| writes.put_segment(WS, segment));
    writes.put_head(WS, &Head { last_item: 6, ..Head::default() });
    records.commit(writes)
}

/// Writes contacts `from..=to` with two interactions each in one batch, as a workspace that has those below `from`.
pub fn add(records: &Records, from: u32, to: u32) -> Result<(), StoreError> {
    let mut writes = Writes::default();
    let mut changes = Vec::new();
    for id in from..=to {
        writes.put_contact(WS, None, &contact(id, id.into()));
        (1..=2).for_each(|number| writes.put_interaction(WS, ContactId(id), number, &interaction(id, number)));
        changes.push(Change { seq: Seq(id.into()), subject: Subject::Contact(ContactId(id)) });
    }
    writes.put_changes(WS, &changes);
    writes.put_head(WS, &head(to));
    records.commit(writes)
}

/// Everything wrong with a store that should hold contacts `1..=contacts` and all that belongs to them: what is
/// missing, what is reported as damaged, what is other than it was written.
pub fn differences(records: &Records, contacts: u32) -> Result<Vec<String>, StoreError> {
    let mut wrong = Vec::new();
    let mut expect = |what: &str, right: bool| {
        if !right {
            wrong.push(what.to_string());
        }
    };
    expect("head", records.head(WS)? == Some(head(contacts)));
    expect("catalog", records.catalog(WS)? == Some(catalog()));
    expect("workspaces", records.workspaces()? == [catalog().workspace]);
    expect("tokens", records.tokens()? == [token()]);
    let all = records.contacts(WS, ContactId(0), usize::MAX)?;
    expect("contacts", all.iter().eq((1..=contacts).map(|id| contact(id, id.into())).collect::<Vec<_>>().iter()));
    let mut identities: Vec<_> = all.iter().flat_map(|contact| Records::identities_of(WS, contact)).collect();
    identities.sort();
    let stored = records.identities(WS, None, usize::MAX)?;
    expect("identities", stored.iter().map(|(key, _)| key).eq(identities.iter()));
    for (_, holder) in stored {
        holder?;
    }
    for id in 1..=contacts {
        expect("contact", records.contact(WS, ContactId(id))? == Some(contact(id, id.into())));
        let history = records.interactions(WS, ContactId(id), None, 9)?;
        expect("history", history == [(2, interaction(id, 2)), (1, interaction(id, 1))]);
    }
    let changes = records.changes(WS, Seq(0), usize::MAX)?;
    let subjects = (1..=contacts).map(|id| Change { seq: Seq(id.into()), subject: Subject::Contact(ContactId(id)) });
    expect("changes", changes.into_iter().eq(subjects));
    Ok(wrong)
}
