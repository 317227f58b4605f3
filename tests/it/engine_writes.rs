//! The engine from end to end on both stores: writes, what queries see of them, upkeep, restart.

use std::path::Path;
use std::sync::Arc;

use rollcall::clock::Clock;
use rollcall::config::Config;
use rollcall::contact::identity::Identifier;
use rollcall::contact::*;
use rollcall::engine::{self, Actor, Engine, Error, NewField, NewWorkspace, Query, Recorded};
use rollcall::store::{Failure, MemoryStore, SledSettings, SledStore, Store};
use serde_json::{Map, Value as Json, json};

const NOW: Millis = 1_700_000_000_000;

fn settings() -> engine::Settings {
    let mut settings = Config::defaults().expect("the compiled-in defaults are sound").engine;
    (settings.text_index_contacts_min, settings.text_flush_rows, settings.checkpoint_contacts_min) = (5, 1, 1);
    settings
}

fn sled(folder: &Path) -> Arc<dyn Store> {
    Arc::new(SledStore::open(folder, SledSettings { cache_bytes: 16 << 20, flush_every_ms: 500 }).expect("opens"))
}

fn open(store: Arc<dyn Store>, index: Option<&Path>) -> Arc<Engine> {
    Engine::open(store, index, settings(), Clock::fixed(NOW)).expect("opens")
}

fn workspace(engine: &Engine, name: &str) -> Actor {
    let new = NewWorkspace {
        name: name.into(),
        default_country: Some("MY".into()),
        timezone: "Asia/Kuala_Lumpur".into(),
        locale: "en".into(),
    };
    Actor::operator(engine.create_workspace(new).expect("a workspace").id)
}

fn fields(json: Json) -> Map<String, Json> {
    json.as_object().expect("an object").clone()
}

fn total(engine: &Engine, actor: &Actor, filter: Json) -> u64 {
    engine.count(actor, &Query { filter: Some(filter), ..Query::default() }).expect("counts").value
}

fn found(engine: &Engine, actor: &Actor, search: &str) -> Vec<u32> {
    let page = engine.search(actor, &Query { search: Some(search.into()), ..Query::default() }).expect("searches");
    page.contacts.iter().map(|contact| contact.id.0).collect()
}

#[test]
fn what_is_written_is_found_by_the_next_query() {
    let engine = open(Arc::new(MemoryStore::default()), None);
    let actor = workspace(&engine, "one");
    let ann = json!({"firstName": "Ánn", "email": "Ann@Example.org", "phone": "012-345 6789", "tags": ["VIP", "new"]});
    let ann = engine.create_contact(&actor, &fields(ann)).expect("created");
    assert_eq!(ann.value.country_code.map(Alpha2::text).as_deref(), Some("MY"));
    assert_eq!(found(&engine, &actor, "ann"), [1]);
    assert_eq!(found(&engine, &actor, "+60 12-345"), [1]);
    assert_eq!(total(&engine, &actor, json!({"field": "tags", "operator": "hasAllOf", "value": ["vip", "NEW"]})), 1);
    let who = Identifier::parse("email:ann@example.ORG", None).expect("an identifier");
    let changed =
        engine.update_contact(&actor, &who, &fields(json!({"firstName": "Bo", "email": null}))).expect("updated");
    assert!(changed.version > ann.version);
    assert_eq!((found(&engine, &actor, "ann"), found(&engine, &actor, "bo")), (vec![], vec![1]));
    assert!(matches!(engine.contact(actor.workspace, &who, None), Err(Error::NotFound { .. })));
    let who = Identifier::parse("phone:+60123456789", None).expect("an identifier");
    engine.remove_tags(&actor, &who, &["vip".into()]).expect("untagged");
    assert_eq!(total(&engine, &actor, json!({"field": "tags", "operator": "hasAnyOf", "value": ["vip"]})), 0);
    engine.delete_contact(&actor, &who).expect("deleted");
    assert_eq!((found(&engine, &actor, "bo"), total(&engine, &actor, json!({"$and": []}))), (vec![], 0));
    assert_eq!(engine.verify(actor.workspace).expect("verifies").problems, Vec::<String>::new());
}

#[test]
fn a_taken_email_or_phone_is_a_conflict_that_names_the_holder() {
    let engine = open(Arc::new(MemoryStore::default()), None);
    let actor = workspace(&engine, "one");
    engine.create_contact(&actor, &fields(json!({"email": "a@b.co"}))).expect("created");
    let again = engine.create_contact(&actor, &fields(json!({"firstName": "x", "email": "A@B.co", "tags": ["t"]})));
    assert!(matches!(again, Err(Error::Conflict { holder: Some(ContactId(1)), .. })));
    assert!(
        engine.catalog(actor.workspace).expect("a catalog").tags.is_empty(),
        "a refused contact leaves no tag behind"
    );
    let items =
        [json!({"email": "c@d.co"}), json!({"email": "c@d.co"}), json!({"age": 1}), json!({"phone": "+60123456789"})];
    let many = engine.create_many(&actor, &items.map(fields), true, false).expect("a batch");
    let done: Vec<bool> = many.value.iter().map(Result::is_ok).collect();
    assert_eq!(done, [true, false, false, true]);
    assert_eq!(total(&engine, &actor, json!({"field": "email", "operator": "exists"})), 2);
}

#[test]
fn messages_move_the_times_forward_only() {
    let engine = open(Arc::new(MemoryStore::default()), None);
    let actor = workspace(&engine, "one");
    let channel = Channel { id: ChannelId(0), name: "Main".into(), source: "WhatsApp".into() };
    let channel = engine.put_channel(actor.workspace, channel).expect("a channel").value.id;
    engine.create_contact(&actor, &fields(json!({"firstName": "A"}))).expect("created");
    let who = Identifier::Id(ContactId(1));
    let message = |kind, at| Interaction { kind, at, channel: Some(channel), author: None, text: Some("hi".into()) };
    let record = |kind, at| engine.record(&actor, &who, message(kind, at)).expect("recorded").value;
    record(InteractionKind::IncomingMessage, NOW - 1000);
    record(InteractionKind::OutgoingMessage, NOW - 500);
    record(InteractionKind::IncomingMessage, NOW - 9000);
    let contact = engine.contact(actor.workspace, &who, None).expect("there").value;
    assert_eq!((contact.last_message_at, contact.last_incoming_message_at), (Some(NOW - 500), Some(NOW - 1000)));
    assert_eq!((contact.status(), contact.conversation_opened_at), (Status::Open, Some(NOW - 1000)));
    let history = engine.history(actor.workspace, &who, None, 10).expect("a history");
    assert_eq!(history.iter().map(|(_, entry)| entry.at).collect::<Vec<_>>(), [NOW - 500, NOW - 1000, NOW - 9000]);
    assert_eq!(total(&engine, &actor, json!({"field": "source", "operator": "hasAnyOf", "value": ["whatsapp"]})), 1);
    engine.update_contact(&actor, &who, &fields(json!({"status": "blocked"}))).expect("blocked");
    assert!(matches!(record(InteractionKind::IncomingMessage, NOW), Recorded::DroppedBlocked));
    engine.delete_contact(&actor, &who).expect("deleted");
    assert!(engine.history(actor.workspace, &who, None, 10).is_err());
}

#[test]
fn a_field_added_later_is_filtered_sorted_and_removed() {
    let engine = open(Arc::new(MemoryStore::default()), None);
    let actor = workspace(&engine, "one");
    for name in ["a", "b", "c"] {
        engine.create_contact(&actor, &fields(json!({"firstName": name}))).expect("created");
    }
    let new = NewField {
        name: "Lead score".into(),
        slug: None,
        description: None,
        data_type: DataType::Number,
        allowed_values: vec![],
        searchable: false,
    };
    let field = engine.create_field(actor.workspace, new).expect("a field").value;
    assert_eq!(field.slug, "lead_score");
    engine
        .update_contact(&actor, &Identifier::Id(ContactId(2)), &fields(json!({"customFields": {"lead_score": 7}})))
        .expect("set");
    assert_eq!(total(&engine, &actor, json!({"field": "lead_score", "operator": "isGreaterThan", "value": 6})), 1);
    assert_eq!(total(&engine, &actor, json!({"field": "lead_score", "operator": "isNotEqualTo", "value": 7})), 2);
    engine.delete_field(actor.workspace, field.id).expect("removed");
    assert!(
        engine.contact(actor.workspace, &Identifier::Id(ContactId(2)), None).expect("there").value.custom.is_empty()
    );
    assert_eq!(engine.verify(actor.workspace).expect("verifies").problems, Vec::<String>::new());
}

#[test]
fn a_restart_finds_everything_from_checkpoint_and_log_and_without_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, index) = (folder.path().join("store"), folder.path().join("index"));
    let actor = {
        let engine = open(sled(&data), Some(&index));
        let actor = workspace(&engine, "one");
        for at in 0..20 {
            engine
                .create_contact(&actor, &fields(json!({"firstName": format!("Name {at}"), "tags": ["t"]})))
                .expect("created");
        }
        engine.checkpoint(actor.workspace).expect("a checkpoint");
        engine
            .update_contact(&actor, &Identifier::Id(ContactId(3)), &fields(json!({"firstName": "Later"})))
            .expect("updated");
        engine.delete_contact(&actor, &Identifier::Id(ContactId(4))).expect("deleted");
        actor
    };
    let check = |engine: &Engine| {
        assert_eq!(found(engine, &actor, "later"), [3]);
        assert_eq!(total(engine, &actor, json!({"$and": []})), 19);
        assert_eq!(engine.verify(actor.workspace).expect("verifies").problems, Vec::<String>::new());
    };
    check(&open(sled(&data), Some(&index)));
    std::fs::remove_dir_all(&index).expect("removed");
    let engine = open(sled(&data), Some(&index));
    check(&engine);
    engine.rebuild(actor.workspace).expect("rebuilt");
    check(&engine);
    engine.close().expect("closes");
    assert!(matches!(engine.delete_contact(&actor, &Identifier::Id(ContactId(5))), Err(Error::Closing)));
    drop(engine);
    check(&open(sled(&data), Some(&index)));
    assert_eq!(as_of_the_first_format(&index), 1);
    check(&open(sled(&data), Some(&index)));
    assert_eq!(as_of_the_first_format(&index), 0, "what cannot be read is gone");
}

/// Has the checkpoints below the folder say that they are of the first format; how many there are.
fn as_of_the_first_format(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let below: usize = folders.iter().map(|folder| as_of_the_first_format(folder)).sum();
    let older = files.into_iter().filter(|file| {
        let mut bytes = std::fs::read(file).expect("reads");
        if !bytes.starts_with(b"rollckpt") {
            return false;
        }
        // Magic; version, header and number of sections, each with eight bytes of length or value; their checksum.
        let length = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes")) as usize;
        let header = 16 + length(8);
        let end = header + 8 + length(header) + 8;
        bytes[16] = b'1';
        let sum = crc32c::crc32c(&bytes[..end]).to_le_bytes();
        bytes[end..end + 4].copy_from_slice(&sum);
        std::fs::write(file, bytes).expect("writes");
        true
    });
    below + older.count()
}

#[test]
fn a_backup_restores_to_the_same_contacts_and_refuses_a_torn_file() {
    let engine = open(Arc::new(MemoryStore::default()), None);
    let actor = workspace(&engine, "one");
    let user = User::new("O", "o@x.co", Role::Owner);
    let user = engine.put_user(actor.workspace, user).expect("a user").value.id;
    let (_, secret) = engine.create_token(actor.workspace, user, "test", None).expect("a token");
    for at in 0..30 {
        engine
            .create_contact(&actor, &fields(json!({"firstName": format!("N{at}"), "email": format!("{at}@x.co")})))
            .expect("created");
    }
    engine.delete_contact(&actor, &Identifier::Id(ContactId(7))).expect("deleted");
    let comment = Interaction {
        kind: InteractionKind::Comment,
        at: NOW,
        channel: None,
        author: Some(user),
        text: Some("c".into()),
    };
    engine.record(&actor, &Identifier::Id(ContactId(1)), comment).expect("recorded");
    let mut file = Vec::new();
    assert_eq!(engine.backup(&mut file).expect("backed up"), 29);

    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    assert_eq!(engine::restore(&store, &mut file.as_slice()).expect("restored"), 29);
    let other = open(store, None);
    assert_eq!(other.verify(actor.workspace).expect("verifies").problems, Vec::<String>::new());
    assert_eq!(other.authenticate(&secret).map(|actor| actor.workspace), Some(actor.workspace));
    let all = |engine: &Engine| engine.contacts_after(actor.workspace, ContactId(0), 100).expect("contacts");
    assert!(all(&engine) == all(&other));
    assert_eq!(other.history(actor.workspace, &Identifier::Id(ContactId(1)), None, 9).expect("a history").len(), 1);
    assert_eq!(
        other.create_contact(&actor, &fields(json!({"firstName": "next"}))).expect("created").value.id,
        ContactId(31)
    );

    for cut in [1, file.len() / 2, file.len() - 1] {
        let empty: Arc<dyn Store> = Arc::new(MemoryStore::default());
        assert!(engine::restore(&empty, &mut &file[..cut]).is_err(), "a backup cut to {cut} bytes");
        assert!(open(empty, None).workspaces().expect("a list").is_empty());
    }
}

#[test]
fn after_a_failed_write_no_more_are_taken_and_reads_go_on() {
    let store = Arc::new(MemoryStore::default());
    let engine = open(store.clone(), None);
    let actor = workspace(&engine, "one");
    engine.create_contact(&actor, &fields(json!({"firstName": "kept"}))).expect("created");
    store.fail_next(Failure::Sync);
    let failed = engine.create_contact(&actor, &fields(json!({"firstName": "lost"})));
    assert_eq!(failed.expect_err("a failed write is not acknowledged").code(), "read_only");
    assert!(engine.read_only().is_some());
    assert!(engine.update_contact(&actor, &Identifier::Id(ContactId(1)), &fields(json!({"firstName": "x"}))).is_err());
    assert_eq!((found(&engine, &actor, "kept"), found(&engine, &actor, "lost")), (vec![1], vec![]));
}

#[test]
fn a_compacted_text_index_answers_as_before_and_is_found_again() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let (store, index) = (folder.path().join("store"), folder.path().join("index"));
    let mut before = Vec::new();
    for round in 0..2 {
        let engine = open(sled(&store), Some(&index));
        let actor = match round {
            0 => workspace(&engine, "one"),
            _ => Actor::operator(engine.workspaces().expect("a list")[0].id),
        };
        if round == 0 {
            for batch in ["alpha", "beta", "gamma"] {
                for at in 0..7 {
                    let contact =
                        json!({"firstName": format!("Ánna {batch}"), "email": format!("{batch}.{at}@example.org")});
                    engine.create_contact(&actor, &fields(contact)).expect("created");
                }
                engine.checkpoint(actor.workspace).expect("flushed");
            }
            before = found(&engine, &actor, "anna beta");
            assert_eq!(before.len(), 7);
            engine.compact(actor.workspace).expect("compacted");
        }
        let again = |search: &str| found(&engine, &actor, search);
        assert_eq!(again("anna beta"), before);
        assert_eq!((again("anna").len(), again("gamma.3@ex").len()), (21 + round, 1));
        assert_eq!(engine.verify(actor.workspace).expect("verifies").problems, Vec::<String>::new());
        let new = json!({"firstName": "Ánna Beta, newer", "email": format!("new{round}@example.org")});
        let new = engine.create_contact(&actor, &fields(new)).expect("created").value.id;
        before = again("anna beta");
        assert!(before.contains(&new.0), "the next query sees it");
        engine.close().expect("closes");
    }
}
