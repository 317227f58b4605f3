//! A real file, imported by one command: a search, a nested filter and a sort against answers computed from the file.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rollcall::contact::{Contact, Value};
use rollcall::engine::{Actor, Engine, Query, Sort};
use serde_json::{Value as Json, json};

use crate::support::command::{done, open, refused};

/// 5,000 dirty person records of a record-linkage benchmark; header cells begin with a space.
const FEBRL: &str = "../shared/data/febrl4a.csv";

type Row = HashMap<String, String>;

/// The rows that can be contacts: those with a first name. Read without any of the project's code.
fn rows(file: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(file).expect("the file is UTF-8");
    let mut lines = text.lines().map(|line| line.split(',').map(|cell| cell.trim().to_owned()));
    let header: Vec<String> = lines.next().expect("a header").collect();
    let rows = lines.map(|cells| header.iter().cloned().zip(cells).collect::<Row>());
    rows.filter(|row| !row["given_name"].is_empty()).collect()
}

/// Every match, page by page, with the total.
fn all(engine: &Engine, actor: &Actor, query: &Query) -> (Vec<Arc<Contact>>, u64) {
    let mut found = Vec::new();
    loop {
        let page = engine.search(actor, &Query { offset: found.len(), limit: Some(100), ..query.clone() });
        let page = page.expect("the query is answered");
        found.extend(page.contacts.iter().cloned());
        if found.len() as u64 >= page.total || page.contacts.is_empty() {
            return (found, page.total);
        }
    }
}

/// The record ids of contacts, in their order.
fn records(engine: &Engine, actor: &Actor, contacts: &[Arc<Contact>]) -> Vec<String> {
    let catalog = engine.catalog(actor.workspace).expect("a catalog");
    let field = catalog.field_with_slug("rec_id").expect("the column became a field").id;
    let record = |contact: &Arc<Contact>| match contact.custom(field) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    contacts.iter().map(record).collect()
}

fn ids<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<String> {
    rows.map(|row| row["rec_id"].clone()).collect()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[test]
fn a_real_file_is_imported_by_one_command() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FEBRL);
    if !file.is_file() {
        println!("NOT RUN: a_real_file_is_imported_by_one_command: there is no {FEBRL}");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let failed = folder.path().join("failed.csv");
    let failed = failed.to_str().expect("UTF-8");
    let data = folder.path().join("data");
    done(&data, &["workspace", "create", "febrl"]);
    let import =
        ["import", FEBRL, "--workspace", "febrl", "--map", "given_name=firstName", "--map", "surname=lastName"];
    let printed = done(&data, &[&import[..], &["--new-fields", "--failed", failed]].concat());
    let expected = rows(&file);
    let without_name = 5000 - expected.len();
    assert_eq!(printed, format!("{} imported, {without_name} failed\n", expected.len()));
    let failures = std::fs::read_to_string(failed).expect("the failed rows");
    assert_eq!(failures.lines().count(), without_name + 1);
    assert!(failures.lines().nth(1).is_some_and(|line| line.ends_with("give one.\"")), "{failures:.300}");

    let engine = open(&data);
    let actor = Actor::operator(engine.workspaces().expect("workspaces")[0].id);
    check_search(&engine, &actor, &expected);
    check_filter_and_sort(&engine, &actor, &expected);
    let report = engine.verify(actor.workspace).expect("verify runs");
    assert_eq!((report.contacts, report.problems), (expected.len() as u64, Vec::new()));
    engine.close().expect("the engine closes");
}

fn check_search(engine: &Engine, actor: &Actor, rows: &[Row]) {
    for words in ["car", "CAR", "mic son", "a", "michaela neumann", "zzz"] {
        let query = Query { search: Some(words.to_owned()), ..Query::default() };
        let lower = words.to_lowercase();
        let matches = |row: &&Row| {
            let name = format!("{} {}", row["given_name"], row["surname"]).to_lowercase();
            lower.split_whitespace().all(|word| name.contains(word))
        };
        let expected = ids(rows.iter().filter(matches));
        if expected.len() > 2500 {
            assert_eq!(engine.count(actor, &query).expect("a count").value, expected.len() as u64, "{words}");
            continue;
        }
        let (found, total) = all(engine, actor, &query);
        assert_eq!(total, expected.len() as u64, "{words}");
        assert_eq!(sorted(records(engine, actor, &found)), sorted(expected), "{words}");
    }
}

fn check_filter_and_sort(engine: &Engine, actor: &Actor, rows: &[Row]) {
    let condition =
        |field: &str, operator: &str, value: Json| json!({"field": field, "operator": operator, "value": value});
    let born = condition("date_of_birth", "isBetween", json!({"from": 19500101, "to": 19691231}));
    let filter = json!({"$and": [
        condition("state", "isEqualTo", json!("NSW")),
        {"$or": [condition("postcode", "startsWith", json!("2")), born]},
        {"$not": condition("suburb", "contains", json!("park"))},
    ]});
    let year = |row: &Row| row["date_of_birth"].parse::<u32>().ok();
    let matches = |row: &&Row| {
        row["state"] == "nsw"
            && (row["postcode"].starts_with('2') || year(row).is_some_and(|at| (19500101..=19691231).contains(&at)))
            && !row["suburb"].contains("park")
    };
    let mut expected: Vec<&Row> = rows.iter().filter(matches).collect();
    assert!(expected.len() > 300, "the filter must match enough to tell: {}", expected.len());
    // Missing dates come last in both directions; what is equal stays in the order of the file.
    for descending in [false, true] {
        expected.sort_by_key(|row| row["rec_id"].clone());
        expected.sort_by_key(|row| rows.iter().position(|other| std::ptr::eq(other, *row)));
        expected.sort_by_key(|row| {
            year(row).map_or(i64::MAX, |at| if descending { -i64::from(at) } else { i64::from(at) })
        });
        let sort = vec![Sort { field: "date_of_birth".to_owned(), descending, missing_first: false }];
        let query = Query { filter: Some(filter.clone()), sort, ..Query::default() };
        let (found, total) = all(engine, actor, &query);
        assert_eq!(total, expected.len() as u64);
        assert_eq!(records(engine, actor, &found), ids(expected.iter().copied()));
    }
}

#[test]
fn bad_rows_are_set_aside_and_the_rest_is_imported() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    done(&data, &["workspace", "create", "here", "--country", "MY"]);
    let file = folder.path().join("people.csv");
    let text = "\u{feff}First Name;E-mail;phone;Tags;Shoe size;Joined;Post code\n\
        Ana;ana@example.com;012-345 6789;\"vip\\;gold, red\";38;2024-02-29;0123\n\
        Bo;ana@example.com;;;41;2024-03-01;50000\n\
        Cy;not an address;;;40;2024-03-01;50000\n\
        Dee;dee@example.com\n\
        ;;;;39;2024-03-01;50000\n\
        '=1+1;eve@example.com;'+60123456780;;39.5;;\n";
    std::fs::write(&file, text).expect("the file is written");
    let file = file.to_str().expect("UTF-8");
    // The delimiter is found out; the e-mail's header is one that other programs write.
    let import = ["import", file];
    let complaint = refused(&data, &import, 2);
    for column in ["Shoe size", "Joined", "Post code"] {
        assert!(complaint.contains(column), "{complaint}");
    }
    assert_eq!(done(&data, &[&import[..], &["--new-fields"]].concat()), "2 imported, 4 failed\n");
    let failed = std::fs::read_to_string(folder.path().join("people.failed.csv")).expect("the failed rows");
    let reasons: Vec<&str> = failed.lines().skip(1).map(|line| line.rsplit(';').next().unwrap_or_default()).collect();
    let expected = ["contact", "email", "the row has 2 cells", "firstName"];
    assert_eq!(reasons.len(), expected.len(), "{failed}");
    for (reason, part) in reasons.iter().zip(expected) {
        assert!(reason.contains(part), "{reason}");
    }
    // The file of failed rows can be imported again: its reasons are read over, and the short row is as wide as the header.
    let again = folder.path().join("people.failed.csv");
    let again = ["import", again.to_str().expect("UTF-8"), "--delimiter", ";", "--map", "E-mail=email"];
    assert_eq!(done(&data, &[&again[..], &["--allow-duplicates"]].concat()), "2 imported, 2 failed\n");

    let exported = done(&data, &["export", "--format", "ndjson"]);
    let contacts: Vec<Json> = exported.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(contacts[0]["tags"], json!(["vip;gold, red"]));
    assert_eq!(contacts[0]["phone"], "+60123456789");
    let customs = json!({"Shoe_size": 38, "Joined": "2024-02-29", "Post_code": "0123"});
    assert_eq!(contacts[0]["customFields"], customs);
    assert_eq!((&contacts[1]["firstName"], &contacts[1]["phone"]), (&json!("=1+1"), &json!("+60123456780")));
    assert_eq!(contacts[1]["customFields"]["Shoe_size"], 39.5);
    assert_eq!(contacts[2]["firstName"], "Bo");
    assert!(done(&data, &["export"]).contains(",'=1+1,"));
}
