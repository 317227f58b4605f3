//! Drafts: what is accepted, every mistake with its path and code, and the round trip through what is rendered.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::contact::{ContactId, Seq, codes, render};

const NOW: Millis = 1_773_221_415_250;

fn read(json: Json, scope: Scope) -> Result<Draft, Vec<Mistake>> {
    Draft::read(json.as_object().unwrap(), &example::catalog(), scope, NOW)
}

#[track_caller]
fn drafted(json: Json, scope: Scope) -> Contact {
    let mut contact = Contact::default();
    read(json, scope).unwrap_or_else(|mistakes| panic!("{mistakes:?}")).apply(&mut contact);
    contact
}

/// Path and code of every mistake.
#[track_caller]
fn mistakes(json: Json, scope: Scope) -> Vec<(String, &'static str)> {
    let Err(mistakes) = read(json, scope) else { panic!("no mistake") };
    assert!(mistakes.iter().all(|mistake| mistake.message.ends_with(['.', '?'])), "{mistakes:?}");
    mistakes.into_iter().map(|mistake| (mistake.path, mistake.code)).collect()
}

#[track_caller]
fn refused(json: Json, path: &str, code: &str) {
    assert_eq!(mistakes(json, Scope::Everything), [(path.to_owned(), code)] as [(String, &str); 1]);
}

#[test]
fn a_person_sets_the_fields_of_a_person() {
    let contact = drafted(
        json!({
            "firstName": "  Ana ", "LASTNAME": "Lim", "email": "Ana@Example.com", "phone": "012-345 6789",
            "country": "my", "language": "MS", "profilePic": "https://example.com/a.png",
            "tags": ["VIP", "größe", "vip"], "assigneeUserId": "MEI@example.com", "lifecycle": "customer",
            "status": "Blocked", "size": "LARGE", "member": "yes",
            "customFields": {"score": "4.5", "birthday": "1990-02-28", "call_at": "09:05"},
        }),
        Scope::Person,
    );
    let expected = Contact {
        id: ContactId(0),
        version: Seq(0),
        channels: Vec::new(),
        last_interacted_channel: None,
        conversation: Conversation::Closed,
        conversation_opened_at: None,
        created_at: 0,
        updated_at: 0,
        ..example::contact()
    };
    assert!(contact == expected);
}

#[test]
fn nothing_clears() {
    let mut ana = example::contact();
    let draft = read(
        json!({
            "firstName": null, "lastName": " ", "email": "", "phone": null, "countryCode": "", "language": null,
            "profilePic": "", "tags": "", "channels": null, "lastInteractedChannel": "", "assignee": null,
            "lifecycle": "", "status": null, "conversationOpenedAt": "", "createdAt": null,
            "custom_fields": [{"name": "size", "value": null}, {"name": "MEMBER", "value": ""}],
            "score": null, "birthday": "", "call_at": null,
        }),
        Scope::Everything,
    );
    draft.ok().unwrap().apply(&mut ana);
    let (created_at, updated_at) = (ana.created_at, ana.updated_at);
    let bare = Contact {
        id: ana.id,
        version: ana.version,
        conversation: Conversation::Open,
        blocked: true,
        created_at,
        updated_at,
        ..Contact::default()
    };
    assert!(ana == bare && created_at > 0);
    assert!(read(json!({"customFields": null}), Scope::Person).is_ok_and(|draft| draft.is_empty()));
}

#[test]
fn cells_of_a_table_are_a_draft() {
    let contact = drafted(
        json!({
            "tags": "vip; größe,, 買い物", "channels": "Support, 2", "lastInteractedChannel": "support",
            "assignee": "4", "status": "snoozed", "snoozedUntil": "2026-03-12 08:00", "createdAt": "1577836800000",
            "lastMessageAt": "2026-03-11", "customFields": "{\"score\": \"-0.0\"}", "phone": "+60123456789",
            "phoneGiven": "012 345",
        }),
        Scope::Everything,
    );
    assert_eq!(contact.tags, [1, 2, 3].map(TagId));
    assert!(
        contact.channels.iter().map(|link| (link.channel, link.connected_at)).eq([1, 2].map(|id| (ChannelId(id), NOW)))
    );
    assert_eq!((contact.last_interacted_channel, contact.assignee), (Some(ChannelId(1)), Some(UserId(4))));
    assert_eq!((contact.conversation, contact.created_at), (Conversation::Snoozed, 1_577_836_800_000));
    assert_eq!(contact.snoozed_until.map(time::rfc3339).as_deref(), Some("2026-03-12T00:00:00.000Z"));
    assert_eq!(contact.last_message_at.map(time::rfc3339).as_deref(), Some("2026-03-10T16:00:00.000Z"));
    assert!(contact.phone.is_some_and(|phone| phone.given == "012 345" && phone.digits == 60_123_456_789));
    assert!(matches!(contact.custom[..], [(CustomFieldId(5), Value::Number(zero))] if zero.is_sign_positive()));
}

#[test]
fn unknown_tags_are_kept_for_the_caller() {
    let draft = read(json!({"tags": ["new", "vip", "NEW", "Straße", "STRASSE"]}), Scope::Person);
    let mut draft = draft.ok().unwrap();
    assert_eq!(draft.unknown_tags, ["new", "Straße"]);
    draft.add_tag(TagId(9));
    draft.add_tag(TagId(4));
    let mut contact = example::contact();
    draft.apply(&mut contact);
    assert_eq!(contact.tags, [1, 4, 9].map(TagId));
}

#[test]
fn moved_contacts_find_channels_and_users_by_name() {
    let contact = drafted(
        json!({
            "channels": [
                {"id": 3, "source": "telegram", "name": "Sales"},
                {"id": 77, "source": "email", "name": "SUPPORT", "address": "a@b.co"},
                {"id": 2, "name": "Renamed since"},
            ],
            "assignee": {"id": 3, "firstName": "x", "email": "oyku@example.com"},
        }),
        Scope::Everything,
    );
    assert_eq!(contact.channels.iter().map(|link| link.channel.0).collect::<Vec<_>>(), [3, 1, 2]);
    assert_eq!(contact.assignee, Some(UserId(4)));
    // Where two channels have the name, the source says which; the id may be another channel's here.
    let sales = json!({"channels": [{"id": 3, "source": "whatsapp", "name": "Sales"}]});
    assert_eq!(drafted(sales, Scope::Everything).channels.first().map(|link| link.channel.0), Some(2));
}

#[test]
fn all_mistakes_come_at_once_and_in_order() {
    let found = mistakes(
        json!({
            "fristName": "x", "firstName": 5, "lastName": "x".repeat(256), "email": "no", "phone": "12",
            "countryCode": "UK", "language": "eng", "profilePic": "http://example.com/a.png", "tags": [1, "a\u{0}"],
            "assignee": "nobody", "lifecycle": "Custmer", "status": "opened", "createdAt": "2026-03-01", "name": "x",
            "customFields": {"nope": 1, "size": "huge", "member": "maybe", "score": "NaN", "site": "ftp://x",
                "birthday": "28.2.1990", "call_at": "9:05", "work_email": "x@"},
        }),
        Scope::Person,
    );
    let expected = [
        ("fristName", "unknown_field"),
        ("firstName", "wrong_type"),
        ("lastName", "too_long"),
        ("email", "invalid_email"),
        ("phone", "invalid_phone"),
        ("countryCode", "invalid_country"),
        ("language", "invalid_language"),
        ("profilePic", "invalid_url"),
        ("tags[0]", "wrong_type"),
        ("tags[1]", "control_character"),
        ("assignee", "unknown_user"),
        ("lifecycle", "unknown_stage"),
        ("status", "unknown_choice"),
        ("createdAt", "read_only"),
        ("name", "read_only"),
        ("customFields.nope", "unknown_field"),
        ("customFields.size", "unknown_choice"),
        ("customFields.member", "wrong_type"),
        ("customFields.score", "invalid_number"),
        ("customFields.site", "invalid_url"),
        ("customFields.birthday", "invalid_date"),
        ("customFields.call_at", "invalid_time"),
        ("customFields.work_email", "invalid_email"),
    ];
    assert_eq!(found, expected.map(|(path, code)| (path.to_owned(), code)));
    let Err(found) = read(json!({"fristName": "x", "lifecycle": "Custmer"}), Scope::Person) else { panic!() };
    assert!(
        found[0].message.ends_with("Did you mean firstName?") && found[1].message.ends_with("Did you mean Customer?")
    );
}

#[test]
fn each_kind_of_bad_value_has_its_code() {
    for (json, path, code) in [
        (json!({"createdAt": "soon"}), "createdAt", "invalid_time"),
        (json!({"channels": [{"id": 9}]}), "channels[0]", "unknown_channel"),
        (json!({"channels": ["Sales"]}), "channels[0]", "unknown_channel"),
        (json!({"channels": [{"id": 1, "nme": 1}]}), "channels[0].nme", "unknown_field"),
        (json!({"channels": [{"id": 1, "connectedAt": true}]}), "channels[0].connectedAt", "invalid_time"),
        (json!({"channels": 5}), "channels", "wrong_type"),
        (json!({"lastInteractedChannel": 9}), "lastInteractedChannel", "unknown_channel"),
        (json!({"assignee": 9}), "assignee", "unknown_user"),
        (json!({"assignee": {}}), "assignee", "unknown_user"),
        (json!({"assignee": [3]}), "assignee", "wrong_type"),
        (json!({"tags": {"a": 1}}), "tags", "wrong_type"),
        (json!({"tags": vec!["a"; 1001]}), "tags", "too_many"),
        (json!({"tags": ["a".repeat(256)]}), "tags[0]", "too_long"),
        (json!({"note": "x".repeat(5001)}), "note", "too_long"),
        (json!({"note": "a\u{0}b"}), "note", "control_character"),
        (json!({"firstName": "a\u{85}b"}), "firstName", "control_character"),
        (json!({"score": 9_007_199_254_740_993_i64}), "score", "invalid_number"),
        (json!({"score": "inf"}), "score", "invalid_number"),
        (json!({"score": [1]}), "score", "wrong_type"),
        (json!({"conversationStatus": "blocked"}), "conversationStatus", "unknown_choice"),
        (json!({"customFields": [{"value": 1}]}), "customFields[0]", "wrong_type"),
        (json!({"customFields": 5}), "customFields", "wrong_type"),
        (json!({"email": "a@b.co", "EMAIL": "c@d.co"}), "EMAIL", "given_twice"),
        (json!({"score": 1, "customFields": {"score": 1}}), "customFields.score", "given_twice"),
        (json!({"source": ["email"]}), "source", "read_only"),
        (json!({"timeSinceLastMessage": 1}), "timeSinceLastMessage", "read_only"),
        (json!({"": 1}), "", "unknown_field"),
    ] {
        refused(json, path, code);
    }
    refused(json!({"x".repeat(5000): 1}), &"x".repeat(100), "unknown_field");
}

#[test]
fn emails_and_urls_have_a_plausible_form() {
    for good in ["a@b.co", "Ana.Lim+x@mail.example.com", "o'brien@x.ie", "zoë@bücher.example", "用户@例子.中国"]
    {
        assert_eq!(email(good).as_deref(), Ok(good));
    }
    for bad in [
        "",
        "a",
        "@b.co",
        "a@",
        "a@b",
        "a@b..co",
        "a@.co",
        "a b@c.de",
        "a@b@c.de",
        "Ana <a@b.co>",
        "a@-b.co",
        "a,b@c.de",
    ] {
        assert!(email(bad).is_err(), "{bad}");
    }
    assert!(email(&format!("{}@example.com", "a".repeat(65))).is_err());
    assert!(email(&format!("a@{}.com", "b".repeat(260))).is_err());
    for bad in
        ["", "https", "https://", "https:///x", "https://a b", "javascript:alert(1)", "https://x\"y", "https://u@"]
    {
        assert!(values::url(bad, &["https"]).is_err(), "{bad}");
    }
    assert!(values::url("HTTPS://例子.中国/ü?x=1#y", &["https"]).is_ok());
}

#[test]
fn status_shows_and_the_conversation_keeps_its_own() {
    let mut ana = example::contact();
    let mut set = |json: Json| {
        read(json, Scope::Everything).ok().unwrap().apply(&mut ana);
        (ana.status(), ana.conversation, ana.snoozed_until)
    };
    assert_eq!(set(json!({"status": "open"})), (Status::Open, Conversation::Open, None));
    assert_eq!(set(json!({"snoozedUntil": 5, "status": "snoozed"})), (Status::Snoozed, Conversation::Snoozed, Some(5)));
    assert_eq!(set(json!({"status": "blocked"})), (Status::Blocked, Conversation::Snoozed, Some(5)));
    assert_eq!(
        set(json!({"conversationStatus": "closed", "status": "open"})),
        (Status::Open, Conversation::Open, None)
    );
}

#[test]
fn a_draft_names_what_it_touches() {
    let draft = read(json!({"firstName": null, "status": "open", "score": 1, "channels": []}), Scope::Everything);
    let draft = draft.ok().unwrap();
    let named = [Field::FirstName, Field::Name, Field::Status, Field::Custom(CustomFieldId(5)), Field::Source];
    assert!(named.into_iter().all(|field| draft.names(field)));
    assert!(
        ![Field::LastName, Field::Phone, Field::Custom(CustomFieldId(1))].into_iter().any(|field| draft.names(field))
    );
}

#[test]
fn creation_derives_the_country_and_wants_a_name() {
    let mut contact = drafted(json!({"phone": "+65 9123 4567"}), Scope::Person);
    assert!(Draft::complete(&mut contact).is_ok());
    assert_eq!(contact.country_code.map(Alpha2::text).as_deref(), Some("SG"));
    let mut contact = drafted(json!({"phone": "+65 9123 4567", "countryCode": "MY"}), Scope::Person);
    assert!(Draft::complete(&mut contact).is_ok() && contact.country_code == codes::country("MY"));
    let mut contact = drafted(json!({"lastName": "Lim"}), Scope::Person);
    assert!(Draft::complete(&mut contact).is_err_and(|mistake| mistake.code == "incomplete"));
}

/// Text as a draft keeps it: neither empty nor with white space around it.
fn words() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[\\p{L}\\p{N}'.][\\p{L}\\p{N} ,;{\\[]{0,8}[\\p{L}\\p{N}]")
}

fn at() -> impl Strategy<Value = Option<Millis>> {
    proptest::option::of(-62_135_596_800_000..253_402_207_200_000_i64)
}

prop_compose! {
    fn people()(
        first_name in words(), last_name in words(), given in words(),
        email in proptest::option::of("[a-z]{1,8}@[a-z]{1,8}\\.co"),
        national in proptest::option::of(100_000_000..400_000_000_u64),
        tags in proptest::collection::btree_set((1..4_u32).prop_map(TagId), 0..4),
        codes in (0..2_usize, 0..3_usize),
    ) -> Contact {
        let phone = national.and_then(|national| Phone::parse(&format!("+60{national}"), None).ok());
        let phone = phone.map(|phone| Phone { given: given.clone().unwrap_or_else(|| phone.given.clone()), ..phone });
        Contact {
            first_name, last_name, email, phone,
            country_code: [None, codes::country("MY")][codes.0],
            language: [None, codes::language("ms"), codes::language("zh")][codes.1],
            profile_pic: given.as_ref().map(|_| "https://example.com/ü.png".to_owned()),
            tags: tags.into_iter().collect(),
            ..Contact::default()
        }
    }
}

prop_compose! {
    fn histories()(
        links in proptest::collection::vec((1..4_u32, words(), at(), at(), at()), 0..3),
        ids in (0..4_u32, 0..3_u32, 0..3_u32),
        status in (0..3_usize, any::<bool>()),
        times in [at(), at(), at(), at(), at(), at(), at()],
    ) -> Contact {
        let channels = links.into_iter().map(|(id, address, connected, last_message_at, last_incoming_at)| ChannelLink {
            channel: ChannelId(id), address, connected_at: connected.unwrap_or(5), last_message_at, last_incoming_at,
        });
        Contact {
            channels: channels.collect(),
            last_interacted_channel: Some(ChannelId(ids.0)).filter(|id| id.0 > 0),
            assignee: [None, Some(UserId(3)), Some(UserId(4))][ids.1 as usize],
            lifecycle: Some(StageId(ids.2)).filter(|id| id.0 > 0),
            conversation: [Conversation::Open, Conversation::Closed, Conversation::Snoozed][status.0],
            blocked: status.1,
            snoozed_until: times[0],
            conversation_opened_at: times[1],
            last_message_at: times[2],
            last_incoming_message_at: times[3],
            last_interaction_at: times[4],
            created_at: times[5].unwrap_or_default(),
            updated_at: times[6].unwrap_or_default(),
            ..Contact::default()
        }
    }
}

prop_compose! {
    fn customs()(
        note in words(), choice in proptest::option::of(0..3_u16), member in any::<Option<bool>>(),
        whole in proptest::option::of(-9_007_199_254_740_991..=9_007_199_254_740_991_i64),
        score in proptest::option::of(-1e6..1e6),
        date in proptest::option::of(-719_162..=2_932_896_i32), time in proptest::option::of(0..1440_u16),
    ) -> Contact {
        let number = whole.map(|whole| whole as f64).or(score).map(|number: f64| Value::Number(number + 0.0));
        let values = [
            note.map(Value::Text), choice.map(Value::Choice), member.map(Value::Checkbox),
            Some(Value::Text("a@b.co".into())), number, Some(Value::Text("http://x.example/".into())),
            date.map(Value::Date), time.map(Value::Time),
        ];
let custom = (1..).map(CustomFieldId).zip(values).filter_map(|(id, value)| Some((id, value?))).collect();
        Contact { custom, ..Contact::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn what_is_rendered_reads_back(person in people(), history in histories(), custom in customs(), as_text in any::<bool>()) {
        let contact = Contact {
            first_name: person.first_name, last_name: person.last_name, email: person.email, phone: person.phone,
            country_code: person.country_code, language: person.language, profile_pic: person.profile_pic,
            tags: person.tags, custom: custom.custom, ..history
        };
        let mut json = render::contact(&contact, &example::catalog());
        if as_text {
            // As in a cell of a table: text as it is, everything else as its JSON.
            for value in json.values_mut().filter(|value| !value.is_string() && !value.is_null()) {
                *value = Json::String(value.to_string());
            }
        }
        let back = drafted(Json::Object(json), Scope::Everything);
        prop_assert!(back == contact);
    }

    #[test]
    fn no_input_panics(name in "[a-zA-Z_]{0,12}", text in "\\PC{0,12}|[\\[{][\"a-z0-9:,\\]}]{0,12}", field in 0..40_usize) {
        let catalog = example::catalog();
        let names: Vec<&str> = Field::all(&catalog).map(|field| field.name(&catalog)).chain(RESERVED).collect();
        let name = names.get(field).map_or(name, |known| (*known).to_owned());
        let mut json = Map::new();
        json.insert(name, Json::String(text));
        let _ = Draft::read(&json, &catalog, Scope::Everything, NOW);
    }
}
