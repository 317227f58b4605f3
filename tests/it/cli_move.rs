//! What an export writes, an import reads back to the same contacts in another workspace.

use rollcall::contact::{Stage, StageId, Tag, TagId};
use rollcall::corpus::Corpus;
use rollcall::engine::export::{self, Format};
use rollcall::engine::{Actor, Definition, Engine, import};
use serde_json::Value as Json;

use crate::support::command::in_memory;

const NOW: i64 = 1_770_000_000_000;

fn exported(engine: &Engine, actor: &Actor, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    export::run(engine, actor.workspace, format, &mut out, &mut |_| ()).expect("the export is written");
    out
}

/// The contacts without what belongs to one workspace alone: ids and version.
fn portable(ndjson: &[u8]) -> Vec<Json> {
    let text = std::str::from_utf8(ndjson).expect("UTF-8");
    let mut rows: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for row in &mut rows {
        let members = row.as_object_mut().expect("an object");
        members.remove("id");
        members.remove("version");
        let channels = members["channels"].as_array_mut().expect("a list").iter_mut();
        channels.for_each(|channel| drop(channel.as_object_mut().map(|channel| channel.remove("id"))));
        if let Some(channel) = members["lastInteractedChannel"].as_object_mut() {
            channel.remove("id");
        }
        let tags = members["tags"].as_array_mut().expect("a list");
        // Tags are shown in the order of their ids.
        tags.sort_by_key(|tag| tag.to_string());
    }
    rows
}

#[test]
fn an_export_imported_elsewhere_is_the_same_contacts() {
    let (from, here) = in_memory(NOW);
    let corpus = Corpus::new(11, NOW);
    corpus.definition().apply(&from, here.id).expect("all is defined");
    let catalog = from.catalog(here.id).expect("a catalog");
    let corpus = corpus.for_workspace(&catalog).expect("all is there");
    from.load(here.id, corpus.contacts(0..700).collect()).expect("the contacts are loaded");
    let source = Actor::operator(here.id);
    let expected = portable(&exported(&from, &source, Format::Ndjson));
    assert_eq!(expected.len(), 700);

    for (format, name) in [(Format::Csv, "e.csv"), (Format::Ndjson, "e.ndjson")] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(name);
        std::fs::write(&file, exported(&from, &source, format)).expect("the file is written");
        let (to, there) = in_memory(NOW + 1);
        // Ids are to differ.
        let tag = Tag { id: TagId(0), name: "first".into(), description: None, emoji: None, color: None };
        to.put_tag(there.id, tag).expect("a tag");
        to.put_stage(there.id, Stage { id: StageId(0), name: "first".into(), position: 0 }).expect("a stage");
        Definition::of(&catalog).apply(&to, there.id).expect("all is defined");
        let target = Actor::operator(there.id);
        let options = import::Options {
            format,
            delimiter: b',',
            map: Vec::new(),
            types: Vec::new(),
            new_fields: false,
            ignore_unknown: false,
            allow_duplicates: false,
        };
        let plan = import::plan(&file, &to.catalog(there.id).expect("a catalog"), &options).expect("all columns fit");
        assert_eq!((plan.rows, plan.ignored.len()), (700, 0));
        let failed = folder.path().join("failed");
        let summary = import::run(&to, &target, &file, &options, &plan, &failed, &mut |_| ()).expect("it runs");
        let reasons = std::fs::read_to_string(&failed).unwrap_or_default();
        assert_eq!((summary.imported, summary.failed), (700, 0), "{reasons}");
        let found = portable(&exported(&to, &target, Format::Ndjson));
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected);
        }
        to.close().expect("it closes");
    }
    from.close().expect("it closes");
}
