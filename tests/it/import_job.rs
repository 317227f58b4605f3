//! Imports as jobs: every purpose, match and overwrite against a plain model, a dry run against the run, a run that is killed.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use rollcall::contact::{JobState, WorkspaceId};
use rollcall::engine::import::{ColumnDetails, ColumnTo, Columns, Import, MatchBy, NewImport, Options, Purpose};
use rollcall::engine::{Actor, Engine, Query};
use serde_json::{Value as Json, json};

use crate::support::connection::Connection;
use crate::support::server::{self, Server};
use crate::support::{command, seed};

/// Uploads a file in odd pieces, each of them twice, and waits until it was looked at.
pub fn uploaded(engine: &Engine, actor: &Actor, file: &[u8], new: NewImport) -> Import {
    let ws = actor.workspace;
    let id = engine.create_import(actor, new).expect("made").value;
    let mut offset = 0;
    for piece in file.chunks(100_003) {
        for _ in 0..2 {
            engine.upload(ws, id, offset, piece.to_vec()).expect("put");
        }
        offset += piece.len() as u64;
    }
    assert_eq!(engine.end_upload(ws, id).expect("ended").value, file.len() as u64);
    settled(engine, ws, id)
}

/// The import once nothing is under way.
pub fn settled(engine: &Engine, ws: WorkspaceId, id: rollcall::contact::JobId) -> Import {
    for _ in 0..30_000 {
        let import = engine.import(ws, id).expect("there");
        if import.job.state != JobState::Running {
            return import;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("import {id} does not settle");
}

/// Checks, then runs; the dry run must say what the run does, and write nothing.
pub fn checked_and_run(engine: &Engine, actor: &Actor, import: &Import, options: &Options) -> Import {
    let (ws, id) = (actor.workspace, import.job.id);
    let before = engine.definitions(ws, None).expect("there").version;
    engine.check_import(actor, id, options.clone()).expect("checks");
    let checked = settled(engine, ws, id);
    assert_eq!(engine.definitions(ws, None).expect("there").version, before, "a dry run wrote something");
    engine.start_import(actor, id, options.clone()).expect("starts");
    let done = settled(engine, ws, id);
    assert_eq!((done.job.state, done.job.error.as_deref()), (JobState::Done, None));
    assert_eq!(checked.spec.check.as_ref(), Some(&done.spec.tally), "the dry run and the run differ");
    assert_eq!(done.job.counts.done, done.job.counts.total);
    done
}

pub fn result(engine: &Engine, import: &Import, ws: WorkspaceId) -> String {
    let mut result = engine.import_result(ws, import.job.id).expect("a result");
    let mut text = Vec::new();
    loop {
        let piece = result.piece().expect("read");
        if piece.is_empty() {
            return String::from_utf8(text).expect("UTF-8");
        }
        text.extend(piece);
    }
}

/// A contact as the model has it: first name, e-mail, phone, tags.
#[derive(Clone, Debug, Default, PartialEq)]
struct Plain {
    first: String,
    email: String,
    phone: String,
    tags: Vec<String>,
}

/// What an import does, said once more in a few lines.
struct Model {
    contacts: BTreeMap<u64, Plain>,
    last: u64,
    counts: [u64; 4],
}

/// The contact with what the row says; what is not overwritten cannot be in anyone's way.
fn filled(before: &Plain, row: &Plain, overwrite: bool) -> Plain {
    let mut after = before.clone();
    let fill = |to: &mut String, from: &String| {
        if !from.is_empty() && (overwrite || to.is_empty()) {
            to.clone_from(from);
        }
    };
    fill(&mut after.first, &row.first);
    fill(&mut after.email, &row.email);
    fill(&mut after.phone, &row.phone);
    if !row.tags.is_empty() {
        after.tags = if overwrite { Vec::new() } else { after.tags };
        after.tags.extend(row.tags.iter().cloned());
    }
    after.tags.push("every".into());
    after.tags.sort();
    after.tags.dedup();
    after
}

impl Model {
    fn holder(&self, of: impl Fn(&Plain) -> bool) -> Option<u64> {
        self.contacts.iter().find(|(_, contact)| of(contact)).map(|(id, _)| *id)
    }

    fn row(&mut self, id: &str, row: &Plain, purpose: Purpose, match_by: MatchBy, overwrite: bool) {
        let email = || self.holder(|other| !row.email.is_empty() && other.email == row.email);
        let phone = || self.holder(|other| !row.phone.is_empty() && other.phone == row.phone);
        let found = match match_by {
            _ if purpose == Purpose::AddAll => None,
            MatchBy::Email => email(),
            MatchBy::Phone => phone(),
            MatchBy::EmailThenPhone => email().or_else(phone),
            MatchBy::Id => id.parse().ok().filter(|id| self.contacts.contains_key(id)),
        };
        let taken = self.contacts.values().any(|other| {
            (!row.email.is_empty() && other.email == row.email) || (!row.phone.is_empty() && other.phone == row.phone)
        });
        let outcome = match (purpose, found) {
            (Purpose::Add, Some(_)) | (Purpose::Update, None) => 3,
            (Purpose::Update | Purpose::AddOrUpdate, Some(id)) => {
                let after = filled(&self.contacts[&id], row, overwrite);
                let clash = self.contacts.iter().any(|(other, contact)| {
                    let own = &self.contacts[&id];
                    *other != id
                        && ((after.email != own.email && contact.email == after.email)
                            || (after.phone != own.phone && contact.phone == after.phone))
                });
                match clash {
                    true => 3,
                    false if after == self.contacts[&id] => 2,
                    false => {
                        self.contacts.insert(id, after);
                        1
                    }
                }
            }
            _ if row.first.is_empty() && row.email.is_empty() && row.phone.is_empty() => 3,
            _ if purpose != Purpose::AddAll && taken => 3,
            _ => {
                let mut new = row.clone();
                new.tags.push("every".into());
                new.tags.sort();
                new.tags.dedup();
                self.last += 1;
                self.contacts.insert(self.last, new);
                0
            }
        };
        self.counts[outcome] += 1;
    }
}

fn contacts(engine: &Engine, actor: &Actor) -> BTreeMap<u64, Plain> {
    let catalog = engine.catalog(actor.workspace).expect("a catalog");
    let all = engine.contacts_after(actor.workspace, Default::default(), 10_000).expect("contacts");
    let plain = |contact: &rollcall::contact::Contact| {
        let json = Json::Object(rollcall::contact::render::contact(contact, &catalog));
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        let tags = json["tags"].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned);
        let mut tags: Vec<String> = tags.collect();
        tags.sort();
        Plain { first: text("firstName"), email: text("email"), phone: text("phone"), tags }
    };
    all.iter().map(|contact| (u64::from(contact.id.0), plain(contact))).collect()
}

/// Few values, so that rows meet each other and what is there.
fn draw(rng: &mut rand_chacha::ChaCha8Rng) -> Plain {
    let mut pick = |values: &[&str]| values[rng.random_range(0..values.len())].to_owned();
    let first = pick(&["", "Ana", "Bo"]);
    let email = pick(&["", "", "a@x.org", "b@x.org", "c@x.org", "d@x.org"]);
    let phone = pick(&["", "", "+60123456781", "+60123456782", "+60123456783"]);
    let tags = pick(&["", "t1", "t1;t2"]).split(';').filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
    Plain { first, email, phone, tags }
}

#[test]
fn every_purpose_match_and_overwrite_agrees_with_a_plain_model() {
    let mut rng = seed::rng("import");
    let purposes = [Purpose::Add, Purpose::Update, Purpose::AddOrUpdate, Purpose::AddAll];
    let matches = [MatchBy::EmailThenPhone, MatchBy::Email, MatchBy::Phone, MatchBy::Id];
    let mut all = [0; 4];
    for (purpose, match_by, overwrite) in
        purposes.iter().flat_map(|p| matches.iter().flat_map(move |m| [true, false].map(|o| (*p, *m, o))))
    {
        let (engine, workspace) = command::in_memory(1_772_445_600_000);
        let actor = Actor::operator(workspace.id);
        for first in ["A", "B", "C", "D"] {
            let row = draw(&mut rng);
            let fields = json!({"firstName": first, "email": row.email, "phone": row.phone, "tags": row.tags});
            let _ = engine.create_contact(&actor, fields.as_object().expect("an object"));
        }
        let before = contacts(&engine, &actor);
        let last = before.keys().last().copied().unwrap_or(0);
        let mut model = Model { contacts: before, last, counts: [0; 4] };
        let mut file = "id,firstName,email,phone,tags\n".to_owned();
        for _ in 0..30 {
            let id = ["", "1", "2", "3", "9"][rng.random_range(0..5)];
            let row = draw(&mut rng);
            file += &format!("{id},{},{},{},{}\n", row.first, row.email, row.phone, row.tags.join(";"));
            model.row(id, &row, purpose, match_by, overwrite);
        }
        let details = |field: &str| ColumnTo::Details(ColumnDetails { field: field.into(), overwrite });
        let columns = ["firstName", "email", "phone", "tags"].map(|name| (name.to_owned(), details(name)));
        let options = Options {
            purpose,
            match_by,
            columns: Columns(columns.to_vec()),
            tags: vec!["every".into()],
            ..Options::default()
        };
        let import = uploaded(&engine, &actor, file.as_bytes(), NewImport::default());
        let done = checked_and_run(&engine, &actor, &import, &options);
        let tally = &done.spec.tally;
        let found = [tally.added, tally.updated, tally.unchanged, tally.failed];
        assert_eq!(found, model.counts, "{purpose:?} {match_by:?} {overwrite}\n{file}\n{:?}", tally.failures);
        assert_eq!(contacts(&engine, &actor), model.contacts, "{purpose:?} {match_by:?} {overwrite}\n{file}");
        assert_eq!(result(&engine, &done, workspace.id).lines().count() as u64, tally.failed + 1);
        assert_eq!(engine.verify(workspace.id).expect("verifies").problems, Vec::<String>::new());
        all.iter_mut().zip(found).for_each(|(all, found)| *all += found);
    }
    println!("{all:?} rows were added, updated, unchanged, failed");
    assert!(all.iter().all(|count| *count > 30), "{all:?}");
}

#[test]
fn a_dry_run_of_five_thousand_rows_says_what_the_run_does() {
    let (engine, workspace) = command::in_memory(1_772_445_600_000);
    let actor = Actor::operator(workspace.id);
    let mut rng = seed::rng("import-5000");
    let mut file = "First Name;E-mail Address;Mobile Phone;Shoe size\r\n".to_owned();
    for row in 0..5_000 {
        let email = rng.random_range(0..4_000);
        let phone = 100_000_000 + rng.random_range(0..4_500);
        file += &match row % 7 {
            0 => format!(";;;{row}\r\n"),
            1 => format!("N{row};not one;;{row}\r\n"),
            _ => format!("N{row};e{email}@x.org;+60{phone};{row}\r\n"),
        };
    }
    let import = uploaded(&engine, &actor, file.as_bytes(), NewImport::default());
    let options = Options {
        purpose: Purpose::AddOrUpdate,
        new_fields: Some(rollcall::engine::import::NewFields::Every(true)),
        ..Options::default()
    };
    let done = checked_and_run(&engine, &actor, &import, &options);
    let tally = &done.spec.tally;
    assert!(tally.added > 1_000 && tally.updated > 100 && tally.failed > 1_400, "{:?}", done.job.counts);
    assert_eq!(engine.count(&actor, &Query::default()).expect("a count").value, tally.added);
    // Imported again, everything that came through is there already.
    let again = uploaded(&engine, &actor, b"First Name,Email\nX,\n", NewImport::default());
    let same = engine.check_import(&actor, again.job.id, Options { timezone: Some("Mars".into()), ..options });
    assert!(same.is_err());
}

#[test]
fn a_killed_run_goes_on_and_does_no_row_twice() {
    let data = tempfile::tempdir().expect("a folder");
    let token = server::furnish(data.path());
    let rows = 4_000;
    let mut file = "First name,Email,note\n".to_owned();
    for row in 0..rows {
        let email = if row % 10 == 3 { "no e-mail".to_owned() } else { format!("e{row}@x.org") };
        file += &format!("N{row},{email},{row}\n");
    }
    let path = {
        let engine = command::open(data.path());
        let actor = Actor::operator(engine.workspaces().expect("workspaces")[0].id);
        let import = uploaded(&engine, &actor, file.as_bytes(), NewImport::default());
        engine.close().expect("closed");
        format!("/v1/imports/{}", import.job.id)
    };
    let mut kills = 0;
    let mut before = 0;
    let mut started = false;
    let done = loop {
        assert!(kills < 40, "it does not come to its end");
        let (server, address) = Server::start(data.path());
        let mut caller = Connection::open(address, &token).expect("the server is there");
        if !started {
            let (status, said) =
                caller.ask("POST", &format!("{path}/start"), Some(&json!({"newFields": true}))).expect("an answer");
            assert_eq!(status, 200, "{said}");
            started = true;
        }
        let mut import = json!(null);
        for _ in 0..2_000 {
            import = caller.ask("GET", &path, None).expect("an answer").1["import"].clone();
            // Each time somewhat further, then signal 9.
            if import["state"] != "running" || import["done"].as_u64() >= Some(before + 500) {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        before = import["done"].as_u64().expect("a number");
        if import["state"] == "done" {
            server.stop();
            break import;
        }
        server.kill();
        kills += 1;
    };
    println!("killed {kills} times");
    assert!(kills >= 1);
    assert_eq!((&done["outcome"]["added"], &done["outcome"]["failed"]), (&json!(rows - rows / 10), &json!(rows / 10)));
    server::verify(&server::copy(data.path()));
    let engine = command::open(data.path());
    let actor = Actor::operator(engine.workspaces().expect("workspaces")[0].id);
    assert_eq!(contacts(&engine, &actor).len(), rows - rows / 10);
    let import = &engine.imports(actor.workspace).expect("imports")[0];
    let failed = result(&engine, import, actor.workspace);
    let numbers: Vec<usize> = failed.lines().skip(1).filter_map(|line| line.split(',').nth(2)?.parse().ok()).collect();
    assert_eq!(numbers, (0..rows).filter(|row| row % 10 == 3).collect::<Vec<_>>());
    engine.close().expect("closed");
}
