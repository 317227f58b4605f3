//! What an import must not do: mix two files, keep rows of a file that is over, clear what a row does not speak of, make what
//! nobody uses.

use std::sync::Arc;

use rollcall::clock::Clock;
use rollcall::config::Config;
use rollcall::contact::identity::Identifier;
use rollcall::contact::{Contact, ContactId, JobId, JobState, PartKind, WorkspaceId};
use rollcall::engine::import::{ColumnTo, Columns, Import, MatchBy, NewFields, NewImport, Options, Purpose};
use rollcall::engine::{Actor, Engine, Error};
use rollcall::store::{MemoryStore, Records, Store};
use serde_json::{Map, json};

use crate::import_job::{checked_and_run, settled, uploaded};
use crate::support::command;

const NOW: i64 = 1_772_445_600_000;

fn here() -> (Arc<Engine>, Actor) {
    let (engine, workspace) = command::in_memory(NOW);
    (engine, Actor::operator(workspace.id))
}

fn run(engine: &Engine, actor: &Actor, file: &str, options: &Options) -> Import {
    let import = uploaded(engine, actor, file.as_bytes(), NewImport::default());
    assert_eq!(import.job.error, None);
    checked_and_run(engine, actor, &import, options)
}

fn add(engine: &Engine, actor: &Actor, fields: serde_json::Value) -> ContactId {
    engine.create_contact(actor, fields.as_object().expect("an object")).expect("made").value.id
}

fn contact(engine: &Engine, actor: &Actor, id: ContactId) -> Arc<Contact> {
    engine.contact(actor.workspace, &Identifier::Id(id), None).expect("there").value
}

fn changing(match_by: MatchBy) -> Options {
    Options { purpose: Purpose::AddOrUpdate, match_by, ..Options::default() }
}

#[test]
fn bytes_of_another_file_are_refused_and_the_same_ones_are_not() {
    let (engine, actor) = here();
    let ws = actor.workspace;
    let id = engine.create_import(&actor, NewImport::default()).expect("made").value;
    let file = format!("firstName\n{}", "Ann\n".repeat(40_000)).into_bytes();
    let other = format!("firstName\n{}", "Bob\n".repeat(50_000)).into_bytes();
    engine.upload(ws, id, 0, file[..100_000].to_vec()).expect("put");
    for (offset, bytes) in [(0, &other[..]), (0, &other[..100_000]), (90_000, &other[90_000..100_001])] {
        let refused = engine.upload(ws, id, offset, bytes.to_vec()).err().map(|error| error.code());
        assert_eq!(refused, Some("upload_differs"), "{offset}");
    }
    assert_eq!(engine.upload(ws, id, 0, file.clone()).expect("put").value, file.len() as u64);
    assert_eq!(engine.upload(ws, id, 70_000, file[70_000..80_000].to_vec()).expect("again").value, file.len() as u64);
    assert!(engine.upload(ws, id, u64::MAX, vec![1]).is_err());
    engine.end_upload(ws, id).expect("ended");
    assert_eq!(settled(&engine, ws, id).job.counts.total, 40_000);
    // Nor when it is whole.
    let refused = engine.upload(ws, id, 0, other[..50].to_vec()).err().map(|error| error.code());
    assert_eq!(refused, Some("upload_differs"));
}

/// Waits until nothing of the import's file is there, not even the rows that were shown.
fn forgotten(engine: &Engine, records: &Records, ws: WorkspaceId, id: JobId) {
    for _ in 0..6_000 {
        let parts = records.parts(ws, id, PartKind::Upload, 0, 1).expect("read");
        let spec = engine.import(ws, id).expect("there").spec;
        let left = records.active_jobs().expect("read");
        if parts.is_empty() && spec.look.is_none_or(|look| look.first_rows.is_empty()) && left.is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("the file of a cancelled import is still there");
}

#[test]
fn a_cancelled_import_keeps_no_row_whichever_way_and_whenever_it_was_stopped() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let open = || {
        let config = Config::defaults().expect("the defaults are read");
        Engine::open(store.clone(), None, config.engine, Clock::fixed(NOW)).expect("it opens")
    };
    let records = Records::new(store.clone());
    let new = rollcall::engine::NewWorkspace {
        name: "here".into(),
        default_country: Some("MY".into()),
        timezone: "UTC".into(),
        locale: "en".into(),
    };
    let actor = {
        let engine = open();
        let actor = Actor::operator(engine.create_workspace(new).expect("made").id);
        engine.close().expect("closed");
        actor
    };
    let ws = actor.workspace;
    let file = format!("firstName\n{}", "Ann Secret\n".repeat(1_500_000)).into_bytes();
    for (by_job, phase) in [(false, 0), (true, 1), (false, 2), (true, 2)] {
        let engine = open();
        let id = engine.create_import(&actor, NewImport::default()).expect("made").value;
        let file = if phase == 2 { &file[..1_000_000] } else { &file[..] };
        engine.upload(ws, id, 0, file.to_vec()).expect("put");
        if phase > 0 {
            engine.end_upload(ws, id).expect("ended");
        }
        if phase > 1 {
            assert!(!settled(&engine, ws, id).spec.look.expect("looked at").first_rows.is_empty());
        }
        match by_job {
            true => engine.cancel_job(&actor, id).expect("cancelled"),
            false => engine.cancel_import(&actor, id).expect("cancelled"),
        };
        // Before all of it can have been removed.
        engine.close().expect("closed");
        let engine = open();
        forgotten(&engine, &records, ws, id);
        assert_eq!(engine.import(ws, id).expect("there").job.state, JobState::Cancelled);
        engine.close().expect("closed");
    }
}

#[test]
fn marks_without_values_between_them_clear_nothing() {
    let (engine, actor) = here();
    let id =
        add(&engine, &actor, json!({"firstName": "Ann", "email": "a@x.org", "phone": "+60123456789", "tags": ["vip"]}));
    let before = contact(&engine, &actor, id);
    let file = format!("id,Group Membership,E-mail,Phone 1 - Value\n{id},* myContacts,  ::: ,:::\n{id},;, ,\n");
    let mut options = changing(MatchBy::Id);
    options.columns = Columns(vec![("E-mail".into(), ColumnTo::Field("email".into()))]);
    let tally = run(&engine, &actor, &file, &options).spec.tally;
    assert_eq!((tally.unchanged, tally.failed), (2, 0), "{:?}", tally.failures);
    assert!(*contact(&engine, &actor, id) == *before);
}

#[test]
fn where_no_row_comes_through_no_tag_and_no_field_is_made() {
    let (engine, actor) = here();
    let options = Options {
        tags: vec!["spring".into()],
        new_fields: Some(NewFields::Every(true)),
        purpose: Purpose::Update,
        ..Options::default()
    };
    let version = engine.definitions(actor.workspace, None).expect("there").version;
    let items = |engine: &Engine| {
        let catalog = engine.catalog(actor.workspace).expect("a catalog");
        (catalog.tags.len(), catalog.fields.len())
    };
    let before = items(&engine);
    let tally = run(&engine, &actor, "email,shoe,tags\na@x.org,1,own\nb@x.org,2,own\n", &options).spec.tally;
    assert_eq!((tally.failed, items(&engine)), (2, before));
    run(&engine, &actor, "email,shoe\n", &options);
    assert_eq!((items(&engine), engine.definitions(actor.workspace, None).expect("there").version), (before, version));
    let options = Options { purpose: Purpose::Add, ..options };
    let tally = run(&engine, &actor, "email,shoe\nno,1\nb@x.org,2\n", &options).spec.tally;
    assert_eq!((tally.added, items(&engine)), (1, (before.0 + 1, before.1 + 1)));
}

#[test]
fn only_a_snooze_has_an_end() {
    let (engine, actor) = here();
    let file = "firstName,email,status,snoozedUntil\nAnn,a@x.org,open,2030-01-01T00:00:00Z\n\
                Bo,b@x.org,snoozed,2030-01-01T00:00:00Z\n";
    let tally = run(&engine, &actor, file, &Options::default()).spec.tally;
    assert_eq!((tally.added, tally.failed), (1, 1), "{:?}", tally.failures);
    let file = "email,snoozedUntil\nb@x.org,2031-01-01T00:00:00Z\n";
    assert_eq!(run(&engine, &actor, file, &changing(MatchBy::Email)).spec.tally.updated, 1);
    let file = "email,status,snoozedUntil\nb@x.org,closed,2032-01-01T00:00:00Z\n";
    assert_eq!(run(&engine, &actor, file, &changing(MatchBy::Email)).spec.tally.failed, 1);
}

#[test]
fn an_address_of_a_merged_contact_finds_and_does_not_replace() {
    let (engine, actor) = here();
    let stays = add(&engine, &actor, json!({"firstName": "Ann", "email": "a@x.org", "phone": "+60123456781"}));
    let goes = add(&engine, &actor, json!({"firstName": "Anna", "email": "old@x.org", "phone": "+60123456782"}));
    engine.merge(&actor, &Identifier::Id(stays), &Identifier::Id(goes), &Map::new()).expect("merged");
    let file =
        "email,phone,lastName\nOLD@x.org,,Lee\n,012 345 6782,Lee\na@x.org,012-3456782,Lee\nold@x.org,+60123456783,Li\n";
    let tally = run(&engine, &actor, file, &changing(MatchBy::EmailThenPhone)).spec.tally;
    assert_eq!((tally.updated, tally.unchanged, tally.failed), (2, 2, 0), "{:?}", tally.failures);
    let now = contact(&engine, &actor, stays);
    assert_eq!((now.email.as_deref(), now.last_name.as_deref()), (Some("a@x.org"), Some("Li")));
    assert_eq!(now.phone.as_ref().map(|phone| phone.digits), Some(60_123_456_783));
    let by_id = format!("id,lastName\n{goes},Lo\n");
    assert_eq!(run(&engine, &actor, &by_id, &changing(MatchBy::Id)).spec.tally.updated, 1);
    assert_eq!(contact(&engine, &actor, stays).last_name.as_deref(), Some("Lo"));
}

#[test]
fn email_and_phone_of_two_contacts_are_a_conflict() {
    let (engine, actor) = here();
    add(&engine, &actor, json!({"firstName": "Ann", "email": "a@x.org"}));
    let other = add(&engine, &actor, json!({"firstName": "Bo", "phone": "+60123456782"}));
    let file = "email,phone,firstName\nA@x.org,012-345 6782,C\n";
    let tally = run(&engine, &actor, file, &changing(MatchBy::EmailThenPhone)).spec.tally;
    assert_eq!(tally.failed, 1);
    assert!(tally.failures[0].reason.contains(&format!("contact {other}")), "{:?}", tally.failures);
}

#[test]
fn wide_headers_are_kept_small_or_refused() {
    let (engine, actor) = here();
    for (letters, rows, is_table) in [(20, 100, true), (250, 1, false)] {
        let header: Vec<String> = (0..500).map(|at| format!("{at}{}", "李".repeat(letters))).collect();
        let row = vec!["李".repeat(rows); 500].join(",");
        let file = format!("{}\n{}", header.join(","), format!("{row}\n").repeat(5));
        let import = uploaded(&engine, &actor, file.as_bytes(), NewImport::default());
        let said = import.job.error.clone().unwrap_or_default();
        assert_eq!(
            (import.job.state == JobState::Prepared, said.contains("too long")),
            (is_table, !is_table),
            "{said}"
        );
        assert!(import.job.spec.len() < 500_000);
        if is_table {
            // Each of them by another spelling of its header: to find them takes no more than a moment.
            let columns = header.iter().map(|name| (format!(" {name}"), ColumnTo::Field("nothing".into())));
            let options = Options { columns: Columns(columns.collect()), ..Options::default() };
            let refused = engine.check_import(&actor, import.job.id, options);
            assert!(matches!(refused, Err(Error::Invalid(mistakes)) if mistakes.len() == 500));
        }
    }
}

#[test]
fn a_dry_run_leaves_what_it_left_out_to_be_read() {
    let (engine, actor) = here();
    let import = uploaded(&engine, &actor, b"firstName,what\nAnn,1\n", NewImport::default());
    engine.check_import(&actor, import.job.id, Options::default()).expect("checks");
    let checked = settled(&engine, actor.workspace, import.job.id);
    assert_eq!(checked.spec.plan.expect("a plan").left_out, ["what"]);
}
