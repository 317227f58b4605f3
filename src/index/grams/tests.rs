//! The text index against a naive search: scripts, flushes, updates, deletions, reopening, damage.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::contact::{CustomFieldId, fold::word_char};

const NOTE: Field = Field::Custom(CustomFieldId(700));
const FIELDS: [Field; 3] = [Field::Name, Field::Phone, NOTE];

type Texts = BTreeMap<Row, Vec<(Field, String)>>;

fn settings() -> GramSettings {
    GramSettings { cache_max: 1 << 20, flush_memory_max: 0, bulk_memory_max: 0, check_files_at_open: true }
}

fn open(folder: &Path) -> Result<GramIndex, GramError> {
    GramIndex::open(folder, "workspace 1", settings())
}

/// Writes the rows that differ between the two states.
fn flush(index: &GramIndex, before: &Texts, after: &Texts, seq: u64) {
    let stale: RowSet =
        before.keys().chain(after.keys()).copied().filter(|row| before.get(row) != after.get(row)).collect();
    let mut texts = stale.iter().filter_map(|row| Some((row, after.get(&row)?.clone())));
    let prepared = index.prepare(&stale, &mut texts, seq).unwrap();
    index.install(prepared);
}

fn row_has(texts: &Texts, row: Row, mut test: impl FnMut(Field, &str) -> bool) -> bool {
    texts.get(&row).is_some_and(|texts| texts.iter().any(|(field, text)| test(*field, text)))
}

fn rows_where(texts: &Texts, mut test: impl FnMut(Field, &str) -> bool) -> RowSet {
    texts.keys().copied().filter(|row| row_has(texts, *row, &mut test)).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !word_char(c)).filter(|word| !word.is_empty())
}

/// Everything the view answers, for needles taken from the texts and some that are nowhere.
fn check(view: &GramView, texts: &Texts) {
    assert_eq!(view.rows(), &rows_where(texts, |_, text| !text.is_empty()));
    let mut needles: Vec<String> = ["q", "zz", "王", "e\u{301}", "nnna", " "].map(String::from).to_vec();
    for text in texts.values().flatten().map(|(_, text)| text) {
        let characters: Vec<char> = text.chars().collect();
        for len in 1..=EDGE_MAX + 1 {
            needles.extend(characters.windows(len).step_by(3).map(|window| window.iter().collect::<String>()));
        }
    }
    needles.sort();
    needles.dedup();
    for needle in &needles {
        for field in FIELDS {
            check_needle(view, texts, field, needle);
        }
    }
}

fn check_needle(view: &GramView, texts: &Texts, field: Field, needle: &str) {
    let truth = rows_where(texts, |of, text| of == field && text.contains(needle));
    let Candidates { rows, doubtful } = view.candidates(field, needle).unwrap();
    assert!(truth.is_subset(&rows), "{needle:?} in {field:?}");
    assert!(rows.is_subset(view.rows()) && doubtful.is_subset(&rows));
    let len = needle.chars().count();
    assert!(len > GRAM_MAX || doubtful.is_empty());
    assert!(rows.minus(&doubtful).is_subset(&truth), "{needle:?} in {field:?}: {rows:?}, not {truth:?}");
    let starts = view.word_starts(field, needle, false).unwrap();
    let whole = view.word_starts(field, needle, true).unwrap();
    assert_eq!(
        (starts.is_some(), whole.is_some()),
        (field != Field::Phone && len <= EDGE_MAX && needle.chars().all(word_char), starts.is_some())
    );
    if let (Some(starts), Some(whole)) = (starts, whole) {
        assert_eq!(
            *starts,
            rows_where(texts, |of, text| of == field && words(text).any(|word| word.starts_with(needle)))
        );
        assert_eq!(*whole, rows_where(texts, |of, text| of == field && words(text).any(|word| word == needle)));
    }
}

fn listed(texts: &Texts) -> impl Iterator<Item = RowTexts> + '_ {
    texts.iter().map(|(row, texts)| (*row, texts.clone()))
}

fn sample() -> Texts {
    (1..40)
        .map(|row| {
            let name = ["anna li", "王小明", "นภา", "محمد", "o'hara"][row as usize % 5];
            (
                row,
                vec![
                    (Field::Name, format!("{name} {row}")),
                    (Field::Phone, format!("601{row}")),
                    (NOTE, String::new()),
                ],
            )
        })
        .collect()
}

#[test]
fn a_new_index_is_empty_and_stays_known() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path().join("made/anew");
    for _ in 0..2 {
        let index = open(&folder).unwrap();
        assert_eq!((index.view().covers(), index.view().len()), (0, 0));
        check(&index.view(), &Texts::new());
        assert!(index.view().candidates(Field::Tags, "a").is_err(), "tags have no text");
    }
}

#[test]
fn a_flush_shows_only_when_it_is_installed_and_survives_reopening() {
    let folder = TempDir::new().unwrap();
    let index = open(folder.path()).unwrap();
    let texts = sample();
    let before = index.view();
    let prepared = index.prepare(&RowSet::new(), &mut listed(&texts), 7).unwrap();
    assert_eq!((index.view().covers(), prepared.view().covers()), (0, 7));
    index.install(prepared);
    check(&index.view(), &texts);
    assert_eq!(before.len(), 0, "who holds the old view goes on with it");
    drop(index);
    let index = open(folder.path()).unwrap();
    assert_eq!(index.view().covers(), 7);
    check(&index.view(), &texts);
    assert!(index.size().0 > 0 && index.size().1 > 0);
    drop(index);
    assert!(GramIndex::open(folder.path(), "workspace 2", settings()).is_err());
}

#[test]
fn a_row_that_is_there_and_not_stale_is_refused_and_nothing_changes() {
    let folder = TempDir::new().unwrap();
    let index = open(folder.path()).unwrap();
    let mut texts = sample();
    flush(&index, &Texts::new(), &texts, 1);
    assert!(index.prepare(&RowSet::new(), &mut listed(&texts), 2).is_err());
    let before = texts.clone();
    texts.insert(99, vec![(Field::Name, "new".into())]);
    flush(&index, &before, &texts, 3);
    check(&index.view(), &texts);
}

#[test]
fn an_index_of_an_earlier_format_is_refused() {
    let folder = TempDir::new().unwrap();
    drop(two_segments(folder.path()));
    assert!(open(folder.path()).is_ok());
    let list = folder.path().join(LIST);
    let mut meta: serde_json::Value = serde_json::from_slice(&std::fs::read(&list).unwrap()).unwrap();
    let seal = meta["payload"].as_str().unwrap().to_owned();
    let (_, body) = seal.split_once(' ').unwrap();
    let body = body.replacen("grams-", "grams-0", 1);
    meta["payload"] = format!("{:08x} {body}", crc32c::crc32c(body.as_bytes())).into();
    std::fs::write(&list, meta.to_string()).unwrap();
    let refused = open(folder.path()).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("another version"), "{refused}");
}

#[test]
fn many_flushes_are_merged_and_deletions_purged() {
    let folder = TempDir::new().unwrap();
    let index = open(folder.path()).unwrap();
    let mut texts = Texts::new();
    for seq in 1..=9 {
        let before = texts.clone();
        texts.insert(seq as Row, vec![(Field::Name, format!("row {seq}"))]);
        texts.insert(1, vec![(Field::Name, format!("first, now {seq}"))]);
        flush(&index, &before, &texts, seq);
    }
    check(&index.view(), &texts);
    assert!(index.view().segments().len() < 9);
    let before = std::mem::take(&mut texts);
    flush(&index, &before, &texts, 10);
    check(&index.view(), &texts);
    assert_eq!(index.view().covers(), 10);
}

fn compact(index: &GramIndex) -> bool {
    let prepared = index.prepare_compacted().unwrap();
    let some = prepared.is_some();
    prepared.into_iter().for_each(|prepared| index.install(prepared));
    some
}

#[test]
fn a_compaction_makes_one_segment_of_the_same_rows() {
    let folder = TempDir::new().unwrap();
    let index = open(folder.path()).unwrap();
    assert!(!compact(&index), "nothing is to be done of nothing");
    let mut texts = sample();
    flush(&index, &Texts::new(), &texts, 1);
    let before = texts.clone();
    texts.extend((50..70).map(|row| (row, vec![(Field::Name, format!("newer {row}"))])));
    texts.remove(&2);
    flush(&index, &before, &texts, 2);
    let earlier = index.view();
    assert_eq!(earlier.segments().len(), 2);
    assert!(compact(&index) && !compact(&index));
    assert_eq!((index.view().segments().len(), index.view().covers()), (1, 2));
    assert!(!index.view().segments()[0].has_deletions());
    check(&index.view(), &texts);
    check(&earlier, &texts);
    drop(index);
    let index = open(folder.path()).unwrap();
    check(&index.view(), &texts);
    let before = texts.clone();
    texts.remove(&60);
    flush(&index, &before, &texts, 3);
    check(&index.view(), &texts);
}

#[test]
fn a_compaction_that_fails_leaves_the_index_as_it_was() {
    let folder = TempDir::new().unwrap();
    let mut texts = two_segments(folder.path());
    let index = open(folder.path()).unwrap();
    let postings =
        files(folder.path()).into_iter().find(|file| file.extension().is_some_and(|e| e == "store")).unwrap();
    let aside = folder.path().with_extension("aside");
    std::fs::rename(&postings, &aside).unwrap();
    let ids: Vec<_> = index.view().sizes().into_iter().map(|(_, id)| id).collect();
    assert!(compact::merge(&index.index, folder.path(), &ids).is_err());
    std::fs::rename(&aside, &postings).unwrap();
    check(&index.view(), &texts);
    let before = texts.clone();
    texts.remove(&9);
    flush(&index, &before, &texts, 3);
    let ids: Vec<_> = index.view().sizes().into_iter().map(|(_, id)| id).collect();
    assert!(ids.len() > 1 && compact::merge(&index.index, folder.path(), &ids).is_ok());
    check(&index.view(), &texts);
    drop(index);
    check(&open(folder.path()).unwrap().view(), &texts);
}

#[test]
fn verify_finds_every_row_that_differs() {
    let folder = TempDir::new().unwrap();
    let index = open(folder.path()).unwrap();
    let mut texts = sample();
    flush(&index, &Texts::new(), &texts, 1);
    let none = RowSet::new();
    let view = index.view();
    assert_eq!(view.verify(&mut listed(&texts), &none, 9).unwrap(), Vec::<Row>::new());
    texts.get_mut(&5).unwrap()[0].1.push('x');
    texts.remove(&8);
    texts.insert(77, vec![(NOTE, "more".into())]);
    texts.insert(78, vec![(NOTE, String::new())]);
    assert_eq!(view.verify(&mut listed(&texts), &none, 9).unwrap(), [5, 8, 77]);
    assert_eq!(view.verify(&mut listed(&texts), &none, 2).unwrap(), [5, 8]);
    assert_eq!(view.verify(&mut listed(&texts), &[8, 77].into_iter().collect(), 9).unwrap(), [5]);
    let postings = files(folder.path()).into_iter().find(|file| file.extension().is_some_and(|e| e == "idx")).unwrap();
    let mut bytes = std::fs::read(&postings).unwrap();
    bytes[20] ^= 4;
    std::fs::remove_file(&postings).unwrap();
    std::fs::write(&postings, bytes).unwrap();
    assert!(view.verify(&mut listed(&sample()), &none, 9).is_err(), "the file is read anew");
}

#[test]
fn frequent_terms_answer_from_whole_sets_and_the_cache() {
    let folder = TempDir::new().unwrap();
    let index = open(folder.path()).unwrap();
    let rows = segment::FREQUENT + 2000;
    let name = |row: Row| format!("{} {row}", if row.is_multiple_of(97) { "anom" } else { "anna" });
    let all = |name: &dyn Fn(Row) -> String| -> Texts {
        (1..=rows).map(|row| (row * 3, vec![(Field::Name, name(row))])).collect()
    };
    let first = all(&name);
    flush(&index, &Texts::new(), &first, 1);
    let second = all(&|row| if row.is_multiple_of(50) { format!("anno {row}") } else { name(row) });
    for (texts, seq) in [(first.clone(), 1), (second, 2)] {
        if seq == 2 {
            flush(&index, &first, &texts, seq);
        }
        let view = index.view();
        for _ in 0..2 {
            for needle in [
                "a", "an", "ann", "nna", "anna", "anno", "om", "7", "77", "777", " 7", "a 77", "a 123", "a 1234",
                "anna 81",
            ] {
                let truth = rows_where(&texts, |_, text| text.contains(needle));
                let Candidates { rows, doubtful } = view.candidates(Field::Name, needle).unwrap();
                assert!(truth.is_subset(&rows) && rows.minus(&doubtful).is_subset(&truth), "{needle}");
                assert!(rows.len() <= truth.len() + 200, "{needle}: {} of {}", truth.len(), rows.len());
            }
        }
    }
    assert!(index.cache.bytes() > 0);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    all.retain(|path| !path.to_string_lossy().ends_with(".lock"));
    all.sort();
    all
}

/// Two segments, one with deletions; never written again.
fn two_segments(folder: &Path) -> Texts {
    let index = open(folder).unwrap();
    let mut texts = sample();
    flush(&index, &Texts::new(), &texts, 1);
    let before = texts.clone();
    texts.get_mut(&3).unwrap()[0].1 = "someone else".into();
    texts.remove(&4);
    flush(&index, &before, &texts, 2);
    assert_eq!(index.view().segments().len(), 2);
    texts
}

#[test]
fn an_index_whose_making_was_cut_off_is_made_anew() {
    for half in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(MANAGED), "[]").unwrap();
        match half {
            0 => std::fs::write(folder.path().join(".tmpA1b2C3"), "{").unwrap(),
            1 => std::fs::write(folder.path().join(".tantivy-meta.lock"), "").unwrap(),
            _ => drop(Index::create_in_dir(folder.path(), document::schema().0).unwrap()),
        }
        let index = open(folder.path()).unwrap();
        assert!(index.view().is_empty());
        flush(&index, &Texts::new(), &sample(), 1);
        drop(index);
        check(&open(folder.path()).unwrap().view(), &sample());
    }
}

/// A process that ends between writing a flush's files and committing them leaves files that no list of segments names. The
/// next one counts its operations from the same commit, so that it would give its own files the same names.
#[test]
fn what_a_flush_that_was_cut_off_left_does_not_hinder_the_next() {
    let (folder, cut_off) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let before = two_segments(folder.path());
    copy(folder.path(), cut_off.path());
    let mut after = before.clone();
    after.get_mut(&1).unwrap()[0].1 = "changed".into();
    flush(&open(folder.path()).unwrap(), &before, &after, 3);
    for file in files(folder.path()) {
        let there = cut_off.path().join(file.file_name().unwrap());
        if !there.exists() {
            std::fs::copy(&file, there).unwrap();
        }
    }
    let half_a_list = cut_off.path().join(".tmp0Qk2aB");
    std::fs::write(&half_a_list, "{").unwrap();
    let index = open(cut_off.path()).unwrap();
    assert_eq!(index.view().covers(), 2);
    flush(&index, &before, &after, 3);
    check(&index.view(), &after);
    drop(index);
    check(&open(cut_off.path()).unwrap().view(), &after);
    assert!(!half_a_list.exists());
}

/// After the damage: an error, or every answer right.
fn error_or_right(folder: &Path, texts: &Texts) {
    let Ok(index) = open(folder) else { return };
    let view = index.view();
    if view.covers() == 0 && view.is_empty() {
        return; // made anew: the caller sees that it covers nothing
    }
    assert_eq!(view.covers(), 2);
    assert_eq!(view.verify(&mut listed(texts), &RowSet::new(), 9).unwrap(), Vec::<Row>::new());
    check_needle(&view, texts, Field::Name, "ann");
}

fn copy(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn damaged_files_are_an_error_or_do_no_harm() {
    let whole = TempDir::new().unwrap();
    let texts = two_segments(whole.path());
    for file in files(whole.path()) {
        let name = file.file_name().unwrap();
        let bytes = std::fs::read(&file).unwrap();
        let cuts = [0, 3, 5, 9, bytes.len() / 2, bytes.len().saturating_sub(1)];
        let flips =
            [0, 1, bytes.len() / 3, bytes.len() / 2, bytes.len().saturating_sub(9), bytes.len().saturating_sub(2)];
        let mut damaged: Vec<Option<Vec<u8>>> = vec![None];
        damaged.extend(cuts.iter().filter(|cut| **cut < bytes.len()).map(|cut| Some(bytes[..*cut].to_vec())));
        damaged.extend(flips.iter().filter(|at| **at < bytes.len()).map(|at| {
            let mut flipped = bytes.clone();
            flipped[*at] ^= 1 << (at % 8);
            Some(flipped)
        }));
        for content in damaged {
            let folder = TempDir::new().unwrap();
            copy(whole.path(), folder.path());
            std::fs::remove_file(folder.path().join(name)).unwrap();
            if let Some(content) = content {
                std::fs::write(folder.path().join(name), content).unwrap();
            }
            error_or_right(folder.path(), &texts);
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_list_of_segments_is_noticed_or_does_no_harm() {
    let folder = TempDir::new().unwrap();
    let texts = two_segments(folder.path());
    let meta = folder.path().join("meta.json");
    let bytes = std::fs::read(&meta).unwrap();
    for at in (0..bytes.len()).step_by(2) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at / 2 % 7);
        std::fs::write(&meta, flipped).unwrap();
        error_or_right(folder.path(), &texts);
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c ]{0,9}", "[á-éß王小明亮 -]{0,5}", "[ก-ู ]{0,5}", "[0-3]{0,6}", "\\PC{0,4}"]
}

fn any_row() -> impl Strategy<Value = Option<Vec<(Field, String)>>> {
    let texts = proptest::collection::vec((0..FIELDS.len(), any_text()), 0..5);
    proptest::option::weighted(
        0.8,
        texts.prop_map(|texts| texts.into_iter().map(|(at, text)| (FIELDS[at], text)).collect()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_index_agrees_with_a_naive_search(
        flushes in proptest::collection::vec(proptest::collection::vec((1u32..60, any_row()), 0..30), 1..5),
        reopen in 0usize..5,
        compacted in proptest::collection::vec(any::<bool>(), 5),
    ) {
        let folder = TempDir::new().unwrap();
        let mut index = open(folder.path()).unwrap();
        let mut texts = Texts::new();
        for (at, changes) in flushes.into_iter().enumerate() {
            let before = texts.clone();
            for (row, change) in changes {
                match change {
                    Some(change) => texts.insert(row, change),
                    None => texts.remove(&row),
                };
            }
            flush(&index, &before, &texts, at as u64 + 1);
            if compacted[at] {
                compact(&index);
                prop_assert!(!index.view().is_scattered());
            }
            if at == reopen {
                drop(index);
                index = open(folder.path()).unwrap();
            }
            prop_assert_eq!(index.view().covers(), at as u64 + 1);
        }
        check(&index.view(), &texts);
        prop_assert_eq!(index.view().verify(&mut listed(&texts), &RowSet::new(), 5).unwrap(), Vec::<Row>::new());
    }
}
