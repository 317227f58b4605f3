//! One flipped bit in the files of a closed engine, store and index: it is said or harmless, never a wrong answer that
//! `verify` does not know of, never a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use rollcall::contact::ContactId;
use rollcall::contact::identity::Identifier;
use rollcall::engine::{Engine, Query};

use crate::support::oracle::Answer;
use crate::support::seed;
use crate::support::world::queries::Asked;
use crate::support::world::{World, open_copy};

const CONTACTS: usize = 150;
const QUERIES: usize = 25;

#[derive(Debug, Default)]
struct Outcomes {
    /// The store was not opened.
    refused: u32,
    /// `verify` found it.
    reported: u32,
    /// Nothing is wrong, or the index was made anew.
    harmless: u32,
}

#[test]
fn a_flipped_bit_is_never_a_silent_wrong_answer() {
    let seed = seed::seed("rot");
    let mut world = World::new(seed, CONTACTS, true);
    world.engine().checkpoint(world.ws()).expect("a checkpoint");
    (0..60).for_each(|_| world.happen());
    world.engine().checkpoint(world.ws()).expect("a checkpoint");
    // Some changes stand in the log only, as after a crash.
    (0..10).for_each(|_| world.happen());
    let queries: Vec<Query> = (0..QUERIES).map(|_| world.query(&mut Asked::new())).collect();
    let answers: Vec<Answer> = queries.iter().map(|query| world.oracle().answer(query)).collect();
    world.drop_engine();
    let mut rng = seed::from(seed);
    let mut outcomes = Outcomes::default();
    let rounds = seed::rounds("ROLLCALL_ROT_ROUNDS", 60);
    for round in 0..rounds {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut files = Vec::new();
        copy(world.folder(), folder.path(), &mut files);
        let place = flip(&mut rng, &files, folder.path());
        let place = format!("ROLLCALL_SEED={seed}, round {round}: {place}");
        let judged = catch_unwind(AssertUnwindSafe(|| judge(&world, folder.path(), &queries, &answers, &place)));
        match judged.unwrap_or_else(|_| panic!("{place}: a panic")) {
            Verdict::Refused => outcomes.refused += 1,
            Verdict::Reported => outcomes.reported += 1,
            Verdict::Harmless => outcomes.harmless += 1,
        }
    }
    println!("measured rot: {rounds} flipped bits, {outcomes:?}");
}

/// Flips a bit, half the time of the store, half the time of the index; there in each kind of file alike.
fn flip(rng: &mut ChaCha8Rng, files: &[PathBuf], root: &Path) -> String {
    let part = root.join(if rng.random_bool(0.5) { "store" } else { "index" });
    let kind = |file: &PathBuf| file.extension().map(|kind| kind.to_owned());
    let of_part: Vec<&PathBuf> = files.iter().filter(|file| file.starts_with(&part)).collect();
    let chosen = kind(of_part.choose(rng).expect("a file"));
    let file = of_part.into_iter().filter(|file| kind(file) == chosen).choose(rng).expect("a file of the kind");
    let mut bytes = std::fs::read(file).expect("it is read");
    // Most of a store's file is empty space, where a flipped bit says little.
    let tries: Vec<usize> = (0..50).map(|_| rng.random_range(0..bytes.len())).collect();
    let at = tries.iter().copied().find(|at| bytes[*at] != 0).unwrap_or(tries[0]);
    let bit = rng.random_range(0..8);
    bytes[at] ^= 1 << bit;
    std::fs::write(file, bytes).expect("it is written");
    format!("{} byte {at} bit {bit}", file.strip_prefix(root).expect("a file within").display())
}

enum Verdict {
    Refused,
    Reported,
    Harmless,
}

fn judge(world: &World, folder: &Path, queries: &[Query], answers: &[Answer], place: &str) -> Verdict {
    let engine = match open_copy(folder, &world.clock) {
        Ok(engine) => engine,
        Err(error) => {
            println!("{place}: refused: {error}");
            return Verdict::Refused;
        }
    };
    let before = differences(world, &engine, queries, answers);
    let problems = match engine.verify(world.ws()) {
        Ok(report) => report.problems,
        // A committer that is gone has panicked; a store that cannot be read has said so.
        Err(rollcall::engine::Error::Closing) => panic!("{place}: the engine broke"),
        Err(error) => vec![error.to_string()],
    };
    if let Some(problem) = problems.first() {
        println!("{place}: reported: {problem}");
        return Verdict::Reported;
    }
    let after = differences(world, &engine, queries, answers);
    assert!(before.is_empty() && after.is_empty(), "{place}: verify is content, yet {before:?} {after:?}");
    Verdict::Harmless
}

/// What the engine answers otherwise than it should, contacts and queries.
fn differences(world: &World, engine: &Engine, queries: &[Query], answers: &[Answer]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, expected) in &world.contacts {
        match engine.contact(world.ws(), &Identifier::Id(ContactId(*id)), None) {
            Ok(found) if *found.value == *expected => {}
            Ok(_) => wrong.push(format!("contact {id} is another")),
            Err(error) => wrong.push(format!("contact {id}: {error}")),
        }
    }
    for (at, (query, answer)) in queries.iter().zip(answers).enumerate() {
        match engine.search(&world.actor, query) {
            Ok(page) => {
                let found: Vec<u32> = page.contacts.iter().map(|contact| contact.id.0).collect();
                let expected: Vec<u32> =
                    answer.ids.iter().copied().skip(query.offset).take(query.limit.unwrap_or(25)).collect();
                if found != expected || page.total != answer.ids.len() as u64 || page.facets != answer.facets {
                    wrong.push(format!("query {at}"));
                }
            }
            Err(error) => wrong.push(format!("query {at}: {error}")),
        }
    }
    wrong
}

/// Copies the folder; the files that have something in them.
fn copy(from: &Path, to: &Path, files: &mut Vec<PathBuf>) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &copied, files);
        } else if std::fs::copy(&path, &copied).expect("it is copied") > 0 {
            files.push(copied);
        }
    }
    files.sort();
}
