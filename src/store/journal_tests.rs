//! Tests of the journal alone; with the tree under it: `sled_tests.rs`, `tests/it/store_power.rs`.

use super::*;

fn batch(n: u64, size: usize) -> Batch {
    vec![(n.to_be_bytes().to_vec(), Some(vec![n as u8; size])), (vec![1], None), (Vec::new(), Some(Vec::new()))]
}

/// A journal with these batches, after number 0.
fn filled(folder: &Path, numbers: std::ops::RangeInclusive<u64>) -> Journal {
    let (mut journal, kept) = Journal::open(folder, 0).unwrap();
    assert!(kept.is_empty());
    journal.clear(folder).unwrap();
    numbers.for_each(|n| assert!(journal.append(n, &batch(n, 100)).unwrap()));
    journal
}

fn kept(folder: &Path, last: u64) -> Vec<u64> {
    let (_, kept) = Journal::open(folder, last).unwrap();
    kept.iter().for_each(|(number, kept)| assert!(*kept == batch(*number, 100)));
    kept.into_iter().map(|(number, _)| number).collect()
}

#[test]
fn what_the_tree_lacks_is_given_back_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 5..=9);
    assert_eq!(kept(folder.path(), 4), [5, 6, 7, 8, 9]);
    assert_eq!(kept(folder.path(), 7), [8, 9]);
    assert!(kept(folder.path(), 9).is_empty() && kept(folder.path(), 20).is_empty());
    assert!(kept(folder.path(), 3).is_empty(), "4 is nowhere, so nothing can follow it");
}

#[test]
fn older_records_behind_the_new_are_not_taken_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = filled(folder.path(), 1..=9);
    journal.restart();
    (10..13).for_each(|n| assert!(journal.append(n, &batch(n, 100)).unwrap()));
    assert_eq!(kept(folder.path(), 9), [10, 11, 12]);
    journal.clear(folder.path()).unwrap();
    assert!(kept(folder.path(), 0).is_empty());
}

#[test]
fn what_does_not_fit_is_left_to_the_tree() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = filled(folder.path(), 1..=1);
    assert!(!journal.append(2, &batch(2, BATCH_MAX)).unwrap());
    let fitting = (2..).take_while(|n| journal.append(*n, &batch(*n, 1000)).unwrap()).count();
    assert!((200..BYTES / 1000).contains(&fitting), "{fitting}");
    assert_eq!(std::fs::metadata(folder.path().join(JOURNAL)).unwrap().len(), BYTES as u64);
}

#[test]
fn a_flipped_bit_ends_it_before_the_record_and_changes_none() {
    let folder = tempfile::tempdir().unwrap();
    let journal = filled(folder.path(), 1..=4);
    let (record, path) = (journal.at / 4, folder.path().join(JOURNAL));
    let sound = std::fs::read(&path).unwrap();
    for bit in 0..journal.at * 8 {
        let mut flipped = sound.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let kept: Vec<u64> = following(&flipped, 0).into_iter().map(|(number, _)| number).collect();
        assert_eq!(kept, (1..=(bit / 8 / record) as u64).collect::<Vec<_>>(), "bit {bit}");
    }
}
