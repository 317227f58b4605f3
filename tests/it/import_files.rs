//! Files as they come: encodings, delimiters, odd rows, files that are none; and the routes of an import's file.

use rollcall::contact::JobState;
use rollcall::engine::import::{NewFields, NewImport, Options, Unmapped};
use rollcall::engine::{Actor, Query};
use serde_json::json;

use crate::import_job::{checked_and_run, result, settled, uploaded};
use crate::support::api::Api;
use crate::support::command;

/// The text in an encoding.
fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    let units = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    match encoding {
        "utf-16le" => units(u16::to_le_bytes),
        "utf-16be" => units(u16::to_be_bytes),
        "utf-16le bom" => [&b"\xff\xfe"[..], &units(u16::to_le_bytes)].concat(),
        "utf-16be bom" => [&b"\xfe\xff"[..], &units(u16::to_be_bytes)].concat(),
        "bom" => [&b"\xef\xbb\xbf"[..], text.as_bytes()].concat(),
        "windows-1252" => text.chars().map(|letter| u8::try_from(u32::from(letter)).expect("Latin")).collect(),
        _ => text.as_bytes().to_vec(),
    }
}

/// Encoding, text, rows added, rows failed.
const TABLES: &[(&str, &str, u64, u64)] = &[
    ("", "firstName,email\nZoë,z@x.org\n", 1, 0),
    ("bom", "firstName,email\nZoë,z@x.org\n", 1, 0),
    ("utf-16le", "firstName;email\r\nZoë;z@x.org\r\nJosé;j@x.org", 2, 0),
    ("utf-16be", "firstName;email\r\nZoë;z@x.org\r\nJosé;j@x.org", 2, 0),
    ("utf-16le bom", "firstName\temail\nZoë\tz@x.org\n", 1, 0),
    ("utf-16be bom", "firstName|email\nZoë|z@x.org\n", 1, 0),
    ("windows-1252", "Vorname;Nachname;E-Mail\r\nZoë;Müller;z@x.org\r\nJörg;Groß;j@x.org\r\n", 2, 0),
    ("", "sep=;\r\nfirstName;email\r\nZoë;z@x.org\r\n", 1, 0),
    ("", "firstName,email\rZoë,z@x.org\rBo,b@x.org\r", 2, 0),
    ("", "firstName,note\n\"Zoë\",\"two\nlines, \"\"quoted\"\"\"\n", 1, 0),
    ("", "firstName,email\n\n\nZoë,z@x.org,,\n\nBo,b@x.org,x\nCy\n", 1, 2),
    ("", "Email,Email,,firstName\na@x.org,b@x.org,c,Zoë\n", 1, 0),
    ("", "firstName,email\nZo\0ë,z@x.org\nBo,b@x.org\n", 1, 1),
    ("", "firstName\n", 0, 0),
    ("", "firstName,email\nZoë,\"never closed\nBo,b@x.org\n", 0, 1),
    ("", "{\"firstName\": \"Zoë\", \"tags\": [\"a\"]}\n\nno object\n{\"email\": \"b@x.org\"}\n", 2, 1),
];

#[test]
fn odd_files_are_read_and_bad_rows_stop_no_other() {
    for (encoding, text, added, failed) in TABLES {
        let (engine, workspace) = command::in_memory(1_772_445_600_000);
        let actor = Actor::operator(workspace.id);
        let import = uploaded(&engine, &actor, &encoded(text, encoding), NewImport::default());
        assert_eq!(import.job.error, None, "{encoding} {text:?}");
        let options = Options { new_fields: Some(NewFields::Every(true)), ..Options::default() };
        let done = checked_and_run(&engine, &actor, &import, &options);
        let tally = &done.spec.tally;
        assert_eq!((tally.added, tally.failed), (*added, *failed), "{encoding} {text:?} {:?}", tally.failures);
        if text.contains("Zoë") && *failed == 0 {
            let query = Query { search: Some("Zoë".into()), ..Query::default() };
            assert_eq!(engine.count(&actor, &query).expect("a count").value, 1, "{encoding} {text:?}");
        }
    }
}

#[test]
fn files_that_are_no_tables_say_why() {
    let long = format!("firstName\n{}", "x\n".repeat(40));
    let wide = format!("{}\n", vec!["a"; 501].join(","));
    for (bytes, word) in [
        (&b""[..], "empty"),
        (b" \n\n", "empty"),
        (b",,\n1,2,3\n", "no header"),
        (b"[{\"firstName\": \"Zoe\"}]", "one object to a line"),
        (b"a,b\0\0\0\0\0\0\0\0\0\0\0,c\n", "not text"),
        (wide.as_bytes(), "501 columns"),
        (long.as_bytes(), ""),
    ] {
        let (engine, workspace) = command::in_memory(1_772_445_600_000);
        let actor = Actor::operator(workspace.id);
        let import = uploaded(&engine, &actor, bytes, NewImport::default());
        let said = import.job.error.clone().unwrap_or_default();
        assert!(said.contains(word), "{said:?}");
        assert_eq!(import.job.state == JobState::Failed, !word.is_empty(), "{said:?}");
    }
}

#[test]
fn a_cell_of_a_megabyte_fails_and_the_rest_goes_on() {
    let (engine, workspace) = command::in_memory(1_772_445_600_000);
    let actor = Actor::operator(workspace.id);
    let mut file = "firstName,note\n".to_owned();
    for length in [10, 1_000_000, 3_000_000, 20] {
        file += &format!("N{length},\"{}\"\n", "x".repeat(length));
    }
    let import = uploaded(&engine, &actor, file.as_bytes(), NewImport::default());
    let options =
        Options { new_fields: Some(NewFields::Every(true)), unmapped: Unmapped::Refuse, ..Options::default() };
    let done = checked_and_run(&engine, &actor, &import, &options);
    assert_eq!((done.spec.tally.added, done.spec.tally.failed), (2, 2));
    assert!(done.spec.tally.failures[1].reason.contains("over the limit"));
    let failed = result(&engine, &done, workspace.id);
    assert!(failed.len() > 1_000_000 && failed.len() < 2_000_000 && failed.starts_with("firstName,note,importError\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_taken_in_pieces_and_refused_by_name() {
    let api = Api::new().await;
    let made = api.send(&api.owner, "POST", "/v1/imports", &json!({"name": "x.csv"})).await.json();
    let id = made["import"]["id"].clone();
    let path = format!("/v1/imports/{id}");
    let put = async |query: &str, bytes: &[u8]| {
        let path = format!("{path}/file{query}");
        api.raw(Some(&api.owner), "PUT", &path, &[], bytes.to_vec()).await
    };
    let zip = put("", b"PK\x03\x04....").await;
    assert_eq!((zip.status, zip.code().as_str()), (400, "not_a_table"));
    assert!(zip.json()["detail"].as_str().is_some_and(|said| said.contains("xlsx")));
    assert_eq!(put("?offset=5", b"x").await.code(), "upload_gap");
    assert_eq!(put("?more=perhaps", b"x").await.code(), "invalid_parameter");
    assert_eq!(put("?offset=600000000", b"x").await.status, 413);
    let early = api.send(&api.owner, "POST", &format!("{path}/start"), &json!({})).await;
    assert_eq!((early.status, early.code().as_str()), (409, "import_not_ready"));
    let file =
        b"firstName,age2\n".iter().chain(b"Ann,3\n".iter().cycle().take(6 * 30_000)).copied().collect::<Vec<u8>>();
    assert_eq!(put("?more=true", &file[..100_000]).await.json()["import"]["uploaded"], 100_000);
    assert_eq!(put("?more=true&offset=50000", &file[50_000..120_000]).await.json()["import"]["uploaded"], 120_000);
    assert_eq!(put("?offset=120000", &file[120_000..]).await.status, 200);
    let ready = settled(&api.engine, api.workspace, rollcall::contact::JobId(id.as_u64().expect("an id") as u32));
    assert_eq!((ready.spec.uploaded, ready.job.counts.total), (file.len() as u64, 30_000));
    assert_eq!(put("", &file).await.status, 200);
    assert_eq!(put("", &[&file[..], b"Bo,1\n"].concat()).await.code(), "upload_complete");
    let wrong = api.send(&api.owner, "POST", &format!("{path}/start"), &json!({"columns": {"agee": "email"}})).await;
    assert_eq!(
        (wrong.status, wrong.code().as_str(), &wrong.json()["path"]),
        (400, "unknown_column", &json!("columns.agee"))
    );
    assert!(!String::from_utf8_lossy(&wrong.bytes).contains("--"));
    let wrong = api.send(&api.owner, "POST", &format!("{path}/check"), &json!({"purpose": "addd"})).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "unknown_value"));
    let result = api.get(&api.owner, &format!("{path}/result")).await;
    assert_eq!((result.status, result.code().as_str()), (409, "import_not_over"));
    let other = api.get(&api.stranger, &path).await;
    assert_eq!(other.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_sent_again_starts_nothing_twice() {
    let api = Api::new().await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "k1")];
    let mut ids = Vec::new();
    for _ in 0..2 {
        let made = api.raw(Some(&api.owner), "POST", "/v1/imports", &headers, b"{}".to_vec()).await;
        assert_eq!(made.status, 201);
        ids.push(made.json()["import"]["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    let path = format!("/v1/imports/{}", ids[0]);
    api.raw(Some(&api.owner), "PUT", &format!("{path}/file"), &[], b"firstName\nAnn\nBo\n".to_vec()).await;
    let id = rollcall::contact::JobId(ids[0].as_u64().expect("an id") as u32);
    settled(&api.engine, api.workspace, id);
    let headers = [("content-type", "application/json"), ("idempotency-key", "k2")];
    for _ in 0..2 {
        let begun = api.raw(Some(&api.owner), "POST", &format!("{path}/start"), &headers, b"{}".to_vec()).await;
        assert_eq!(begun.status, 200, "{}", String::from_utf8_lossy(&begun.bytes));
        settled(&api.engine, api.workspace, id);
    }
    let actor = Actor::operator(api.workspace);
    assert_eq!(api.engine.count(&actor, &Query::default()).expect("a count").value, 6);
    let over = api.send(&api.owner, "POST", &format!("{path}/start"), &json!({})).await;
    assert_eq!((over.status, over.code().as_str()), (409, "import_over"));
}
