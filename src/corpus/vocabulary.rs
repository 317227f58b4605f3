//! What the synthetic workspace defines: fields, tags, channels, users, stages.

use crate::contact::{
    Channel, ChannelId, CustomField, CustomFieldId, DataType, Role, Stage, StageId, Tag, TagId, User, UserId,
};
use crate::engine::Definition;

/// Places of the custom fields in the definition, counted from zero.
pub(super) mod field {
    pub const COMPANY: usize = 0;
    pub const PLAN: usize = 1;
    pub const SCORE: usize = 2;
    pub const BIRTHDAY: usize = 3;
    pub const OPTED_IN: usize = 4;
    pub const CALL_AT: usize = 5;
    pub const WEBSITE: usize = 6;
    pub const BILLING_EMAIL: usize = 7;
}

/// Plans, the most frequent first.
pub(super) const PLANS: [&str; 5] = ["free", "starter", "business", "enterprise", "trial"];

/// Sources of the channels in the order of their ids.
pub(super) const SOURCES: [&str; 8] =
    ["whatsapp", "facebook", "instagram", "email", "telegram", "whatsapp", "sms", "email"];

/// How many users hold contacts; user 1 is the owner and holds none.
pub(super) const AGENTS: usize = 40;
pub(super) const TAGS: usize = 500;
pub(super) const STAGES: usize = 5;

const CHANNELS: [&str; 8] = [
    "WhatsApp main line",
    "Facebook page",
    "Instagram shop",
    "Support mailbox",
    "Telegram bot",
    "WhatsApp Malaysia",
    "SMS gateway",
    "Sales mailbox",
];

const TAG_WORDS: &str = "vip newsletter lead customer wholesale returning complaint refund trial-ended webinar \
 referral partner student premium churn-risk birthday-club beta-tester press événement größe-xl señal promoção \
 клиент важно оптовик новый 重要 新客户 老客户 大口 お得意様 資料請求 단골 신규 문의 ลูกค้าประจำ โปรโมชั่น عميل مهم جديد \
 khách-quen miễn-phí öncelikli kampanya stały-klient zákazník b2b b2c event-berlin event-osaka";

const TAG_ENDINGS: [&str; 10] = ["", " 2024", " 2025", " 2026", " EU", " APAC", " MENA", " LATAM", " (old)", " ✓"];

const AGENT_NAMES: &str = "Aisyah Björn Chloé Dmitri Elena Farid Grace Hana Ivan Jun Kofi Lucía Mehmet Nok Olivia Pedro \
 Qiang Rania Sören Thảo Umar Vera Wei Ximena Yuki Zoé Anders Bao Carla Daniel Eun Fátima Giulia Hugo Ines João Karim \
 Linh Mónica Niamh";

/// Everything the contacts refer to; its ids are places in the lists, counted from one.
pub(super) fn definition() -> Definition {
    Definition { fields: fields(), tags: tags(), channels: channels(), users: users(), stages: stages() }
}

fn fields() -> Vec<CustomField> {
    let rows: [(usize, &str, &str, DataType, bool); 8] = [
        (field::COMPANY, "company", "Company", DataType::Text, true),
        (field::PLAN, "plan", "Plan", DataType::List, false),
        (field::SCORE, "score", "Score", DataType::Number, false),
        (field::BIRTHDAY, "birthday", "Birthday", DataType::Date, false),
        (field::OPTED_IN, "opted_in", "Opted in", DataType::Checkbox, false),
        (field::CALL_AT, "call_at", "Call at", DataType::Time, false),
        (field::WEBSITE, "website", "Website", DataType::Url, false),
        (field::BILLING_EMAIL, "billing_email", "Billing e-mail", DataType::Email, false),
    ];
    rows.into_iter()
        .map(|(place, slug, name, data_type, searchable)| CustomField {
            id: CustomFieldId(place as u32 + 1),
            slug: slug.to_owned(),
            name: name.to_owned(),
            description: None,
            data_type,
            allowed_values: match data_type {
                DataType::List => PLANS.map(str::to_owned).to_vec(),
                _ => Vec::new(),
            },
            searchable,
        })
        .collect()
}

/// The plain words come first, so that they are the frequent ones.
fn tags() -> Vec<Tag> {
    let names =
        TAG_ENDINGS.iter().flat_map(|ending| TAG_WORDS.split_whitespace().map(move |word| format!("{word}{ending}")));
    (1..)
        .zip(names.take(TAGS))
        .map(|(id, name)| Tag { id: TagId(id), name, description: None, emoji: None, color: None })
        .collect()
}

fn channels() -> Vec<Channel> {
    (1..)
        .zip(CHANNELS.iter().zip(SOURCES))
        .map(|(id, (name, source))| Channel { id: ChannelId(id), name: (*name).to_owned(), source: source.to_owned() })
        .collect()
}

fn users() -> Vec<User> {
    let owner = ("Olga", "owner@rollcall.example".to_owned(), Role::Owner, None);
    let agents = AGENT_NAMES.split_whitespace().take(AGENTS).enumerate().map(|(at, name)| {
        let role = if at % 10 == 0 { Role::Manager } else { Role::Agent };
        let team = ["Sales", "Support", "Success", "Billing"][at % 4];
        (name, format!("agent{}@rollcall.example", at + 1), role, Some(team.to_owned()))
    });
    (1..)
        .zip(std::iter::once(owner).chain(agents))
        .map(|(id, (first_name, email, role, team))| User {
            id: UserId(id),
            team,
            ..User::new(first_name, email, role)
        })
        .collect()
}

fn stages() -> Vec<Stage> {
    let names: [&str; STAGES] = ["New lead", "Qualified", "Negotiation", "Customer", "Lost"];
    (1..).zip(names).map(|(id, name)| Stage { id: StageId(id), name: name.to_owned(), position: id }).collect()
}
