//! What an export writes, an import reads back to the same contacts in another workspace.

use rollcall::contact::{Stage, StageId, Tag, TagId};
use rollcall::corpus::Corpus;
use rollcall::engine::export::{self, Format};
use rollcall::engine::import::{MatchBy, NewImport, Options, Purpose, Unmapped};
use rollcall::engine::{Actor, Definition, Engine};
use serde_json::Value as Json;

use crate::import_job::{checked_and_run, settled, uploaded};
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
        let (to, there) = in_memory(NOW + 1);
        // Ids are to differ.
        let tag = Tag { id: TagId(0), name: "first".into(), description: None, emoji: None, color: None };
        to.put_tag(there.id, tag).expect("a tag");
        to.put_stage(there.id, Stage { id: StageId(0), name: "first".into(), position: 0 }).expect("a stage");
        Definition::of(&catalog).apply(&to, there.id).expect("all is defined");
        let target = Actor::operator(there.id);
        let file = exported(&from, &source, format);
        let new = || NewImport { name: Some(name.into()), ..NewImport::default() };
        let import = uploaded(&to, &target, &file, new());
        let options = Options { unmapped: Unmapped::Refuse, ..Options::default() };
        let done = checked_and_run(&to, &target, &import, &options);
        let tally = &done.spec.tally;
        assert_eq!((tally.added, tally.failed), (700, 0), "{:?}", tally.failures);
        assert_eq!(done.spec.plan.expect("a plan").left_out, Vec::<String>::new());
        // Where they came from, nothing changes.
        let import = uploaded(&from, &source, &file, new());
        for match_by in [MatchBy::Id, MatchBy::EmailThenPhone] {
            let options = Options { purpose: Purpose::Update, match_by, ..Options::default() };
            from.check_import(&source, import.job.id, options).expect("checks");
            let tally = settled(&from, here.id, import.job.id).spec.check.expect("a tally");
            assert_eq!((tally.updated, tally.unchanged + tally.failed), (0, 700), "{:?}", tally.failures);
            assert!(tally.unchanged == 700 || match_by != MatchBy::Id, "{:?}", tally.failures);
        }
        let found = portable(&exported(&to, &target, Format::Ndjson));
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected);
        }
        to.close().expect("it closes");
    }
    from.close().expect("it closes");
}
