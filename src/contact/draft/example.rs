//! A small workspace and one of its contacts, for the tests of drafts and of what is rendered.

use crate::contact::{
    Catalog, Channel, ChannelId, ChannelLink, Contact, ContactId, Conversation, CustomField, CustomFieldId, DataType,
    Phone, Role, Seq, Stage, StageId, Tag, TagId, User, UserId, Value, codes,
};

pub fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.workspace.default_country = Some("MY".into());
    catalog.workspace.timezone = "Asia/Kuala_Lumpur".into();
    let types = [
        ("note", DataType::Text),
        ("size", DataType::List),
        ("member", DataType::Checkbox),
        ("work_email", DataType::Email),
        ("score", DataType::Number),
        ("site", DataType::Url),
        ("birthday", DataType::Date),
        ("call_at", DataType::Time),
    ];
    for (id, (slug, data_type)) in (1..).zip(types) {
        let allowed_values = match data_type {
            DataType::List => vec!["Small".into(), "Large".into(), "XL".into()],
            _ => Vec::new(),
        };
        catalog.put_field(CustomField {
            id: CustomFieldId(id),
            slug: slug.into(),
            name: slug.into(),
            description: None,
            data_type,
            allowed_values,
            searchable: false,
        });
    }
    for (id, name) in (1..).zip(["vip", "Größe", "買い物"]) {
        catalog.put_tag(Tag { id: TagId(id), name: name.into(), description: None, emoji: None, color: None });
    }
    for (id, name, source) in [(1, "Support", "email"), (2, "Sales", "whatsapp"), (3, "Sales", "telegram")] {
        catalog.put_channel(Channel { id: ChannelId(id), name: name.into(), source: source.into() });
    }
    for (id, first_name, email) in [(3, "Mei", "mei@example.com"), (4, "Öykü", "oyku@example.com")] {
        catalog.put_user(User { id: UserId(id), ..User::new(first_name, email, Role::Agent) });
    }
    for (id, name) in [(1, "New lead"), (2, "Customer")] {
        catalog.put_stage(Stage { id: StageId(id), name: name.into(), position: id });
    }
    catalog
}

pub fn contact() -> Contact {
    Contact {
        id: ContactId(7),
        version: Seq(12),
        first_name: Some("Ana".into()),
        last_name: Some("Lim".into()),
        email: Some("Ana@Example.com".into()),
        phone: Phone::parse("012-345 6789", Some("MY")).ok(),
        country_code: codes::country("MY"),
        language: codes::language("ms"),
        profile_pic: Some("https://example.com/a.png".into()),
        tags: vec![TagId(1), TagId(2)],
        channels: vec![ChannelLink {
            channel: ChannelId(2),
            address: Some("60123456789".into()),
            connected_at: 1,
            last_message_at: Some(2),
            last_incoming_at: None,
        }],
        last_interacted_channel: Some(ChannelId(2)),
        assignee: Some(UserId(3)),
        lifecycle: Some(StageId(2)),
        conversation: Conversation::Open,
        blocked: true,
        conversation_opened_at: Some(1_773_221_415_250),
        created_at: 1_577_836_800_000,
        updated_at: 1_773_221_415_250,
        custom: vec![
            (CustomFieldId(2), Value::Choice(1)),
            (CustomFieldId(3), Value::Checkbox(true)),
            (CustomFieldId(5), Value::Number(4.5)),
            (CustomFieldId(7), Value::Date(7_363)),
            (CustomFieldId(8), Value::Time(545)),
        ],
        ..Contact::default()
    }
}
