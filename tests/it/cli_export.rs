//! The export command: which contacts, how it says so, and that what is awkward comes back by an import.

use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rollcall::contact::WorkspaceId;
use rollcall::engine::{Actor, Engine, Query};
use serde_json::{Map, Value as Json, json};

use crate::support::command::{done, open, refused, run};

/// A folder with one workspace of three custom fields.
fn furnish(folder: &Path) {
    done(folder, &["workspace", "create", "Here", "--country", "MY"]);
    let engine = open(folder);
    let ws = here(&engine);
    for (name, data_type) in [("Note", "text"), ("Score", "number"), ("Born", "date")] {
        let new = rollcall::engine::NewField {
            name: name.into(),
            slug: None,
            description: None,
            data_type: serde_json::from_value(data_type.into()).expect("a type"),
            allowed_values: Vec::new(),
            searchable: data_type == "text",
        };
        engine.create_field(ws, new).expect("a field");
    }
    engine.close().expect("closed");
}

fn here(engine: &Engine) -> WorkspaceId {
    engine.workspaces().expect("a list")[0].id
}

fn create(folder: &Path, contacts: &[Map<String, Json>]) {
    let engine = open(folder);
    let actor = Actor::operator(here(&engine));
    for made in engine.create_many(&actor, contacts, false, false).expect("a batch").value {
        made.expect("a contact");
    }
    engine.close().expect("closed");
}

fn contact(json: Json) -> Map<String, Json> {
    json.as_object().cloned().expect("an object")
}

/// The contacts of an NDJSON export without what belongs to one workspace alone, tags in order of their names.
fn portable(ndjson: &str) -> Vec<Json> {
    let mut rows: Vec<Json> = ndjson.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for row in rows.iter_mut().filter_map(Json::as_object_mut) {
        row.remove("id");
        row.remove("version");
        row["tags"].as_array_mut().expect("a list").sort_by_key(ToString::to_string);
    }
    rows
}

/// Texts of what spreadsheets and CSV readers trip over.
fn awkward() -> impl Strategy<Value = (String, String, Vec<String>)> {
    let name = "['\"=+@;,＝－\\\\ a-cé{\\[\\]-]{1,10}".prop_filter("names are trimmed", |text| !text.trim().is_empty());
    let note = "['\"=+@;,＝\t\n a-c{\\[\\]-]{0,16}";
    (name, note, proptest::collection::vec("[a-c;,\\\\'\"=+@{\\[\\] -]{1,6}", 0..4))
}

#[test]
fn what_is_awkward_comes_back_by_an_import() {
    let folder = tempfile::tempdir().expect("a folder");
    let (here, files) = (folder.path().join("here"), folder.path().join("files"));
    std::fs::create_dir(&files).expect("a folder");
    furnish(&here);
    let mut runner = TestRunner::default();
    let contacts = (0..300).map(|at| {
        let (name, note, tags) = awkward().new_tree(&mut runner).expect("a value").current();
        let tags: Vec<&str> = tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()).collect();
        let mut new =
            json!({"firstName": name, "lastName": "=1+1", "email": format!("c{at}@example.org"), "tags": tags});
        new["customFields"] = json!({"note": note, "score": -(at as f64) / 8.0, "born": "1990-02-28"});
        contact(new)
    });
    create(&here, &contacts.collect::<Vec<_>>());
    let definition = files.join("d.json").display().to_string();
    done(&here, &["export", "--definition", "-o", &definition]);
    let expected = portable(&done(&here, &["export", "--format", "ndjson"]));
    assert_eq!(expected.len(), 300);
    for name in ["e.csv", "e.ndjson"] {
        let file = files.join(name).display().to_string();
        done(&here, &["export", "-o", &file]);
        let there = folder.path().join(format!("there-{name}"));
        done(&there, &["workspace", "create", "There", "--country", "MY", "--definition", &definition]);
        done(&there, &["import", &file]);
        let found = portable(&done(&there, &["export", "--format", "ndjson"]));
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{name}");
        }
        assert_eq!(found.len(), expected.len());
    }
}

#[test]
fn a_search_a_filter_and_a_segment_narrow_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    furnish(here);
    create(
        here,
        &[
            contact(json!({"firstName": "Ana", "customFields": {"score": 1}})),
            contact(json!({"firstName": "Anton", "customFields": {"score": 2}})),
            contact(json!({"firstName": "Ben", "customFields": {"score": 3}})),
        ],
    );
    let filter = r#"{"field": "score", "operator": "isGreaterThan", "value": 1}"#;
    let narrowed = ["export", "--search", "an", "--filter", filter];
    let output = run(here, &narrowed);
    let (written, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert_eq!(written.lines().count(), 2, "{written}");
    assert!(written.contains(",Anton,") && said.contains("1 contact is written"), "{written}{said}");
    let file = here.join("all.csv").display().to_string();
    let output = run(here, &["export", "-o", &file]);
    assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("3 contacts are written to {file}")));
    let said = refused(here, &["export", "--segment", "Nobody"], 2);
    assert!(said.contains("Nobody"), "{said}");
    refused(here, &["export", "-o", &file, "--segment", "Nobody"], 2);
    assert_eq!(std::fs::read_to_string(&file).expect("a file").lines().count(), 4, "what is there is emptied");
    let said = refused(here, &["export", "--filter", "{"], 2);
    assert!(said.contains("not JSON"), "{said}");
    let said = refused(here, &["export", "--filter", r#"{"field": "scor", "operator": "exists"}"#], 2);
    assert!(said.contains("scor"), "{said}");
    let engine = open(here);
    let counted = engine.count(&Actor::operator(self::here(&engine)), &Query::default()).expect("a count");
    assert_eq!(counted.value, 3);
}
