//! Sets beside sets of the standard library, and beside the roaring crate, whose format is theirs.

use std::collections::BTreeSet;

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::*;

/// Sparse and dense blocks, and blocks that some sets have not.
pub fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop_oneof![
        proptest::collection::vec(0u32..300, 0..200),
        proptest::collection::vec(0u32..400_000, 0..400),
        (0u32..200_000, 1u32..9_000, 1u32..4)
            .prop_map(|(start, len, step)| (0..len).map(|i| start + i * step).collect()),
        // Many rows of one block, in the way of neither.
        (0u32..300_000, 2u32..64, 0usize..5_000)
            .prop_map(|(start, step, len)| (0..len as u32).map(|i| start + i * step % 65_536).collect()),
    ]
}

fn changed(set: &RowSet, change: impl FnOnce(&mut RowSet)) -> RowSet {
    let mut set = set.clone();
    change(&mut set);
    set
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn stretches_make_the_set_of_their_rows(stretches in proptest::collection::vec((rows(), 0u32..300_000), 0..6), stray in any::<u32>()) {
        let (mut builder, mut expected) = (RowSetBuilder::default(), BTreeSet::new());
        for (rows, up) in stretches {
            // As documents: ascending, and below their rows or above them.
            let rows: BTreeSet<Row> = rows.into_iter().map(|row| row + up).collect();
            let shift = rows.first().map_or(0, |first| first.wrapping_sub(stray % 70_000));
            let docs: Vec<u32> = rows.iter().map(|row| row.wrapping_sub(shift)).collect();
            if docs.is_sorted() {
                builder.extend_shifted(&docs, shift);
                expected.extend(rows);
            }
            builder.push(stray % 400_000);
            expected.insert(stray % 400_000);
        }
        let set = builder.build();
        prop_assert!(set.iter().eq(expected.iter().copied()));
        prop_assert_eq!(set.clone().compact(), set);
    }

    #[test]
    fn a_set_is_the_rows_it_was_made_from(a in rows(), b in rows()) {
        let (set_a, set_b) = (RowSet::from_unsorted(a.clone()), RowSet::from_unsorted(b.clone()));
        let (a, b): (BTreeSet<Row>, BTreeSet<Row>) = (a.into_iter().collect(), b.into_iter().collect());
        prop_assert!(set_a.iter().eq(a.iter().copied()));
        prop_assert_eq!(&RowSet::from_sorted(a.iter().copied()), &set_a);
        prop_assert_eq!(set_a.len(), a.len() as u64);
        let mut seen = Vec::new();
        set_a.for_each(|row| seen.push(row));
        prop_assert!(seen.iter().eq(a.iter()));
        prop_assert_eq!(&set_a.to_rows(), &seen);
        prop_assert_eq!(&RowSet::from_words(&set_a.to_words(0)), &set_a);
        prop_assert!(set_a.to_words(500_000).len() * 64 >= 500_000);
        prop_assert!(set_a.and(&set_b).iter().eq(a.intersection(&b).copied()));
        prop_assert_eq!(set_a.intersection_len(&set_b), a.intersection(&b).count() as u64);
        prop_assert!(set_a.minus(&set_b).iter().eq(a.difference(&b).copied()));
        prop_assert!(RowSet::union([&set_a, &set_b]).iter().eq(a.union(&b).copied()));
        // Equal sets are equal however they were made.
        prop_assert_eq!(RowSet::union([&set_a, &set_b]), a.union(&b).copied().collect::<RowSet>());
        prop_assert_eq!(set_a.and(&set_b), a.intersection(&b).copied().collect::<RowSet>());
        prop_assert_eq!(set_a.minus(&set_b), a.difference(&b).copied().collect::<RowSet>());
        let mut kept = set_a.clone();
        kept.retain(|row| row % 3 == 0);
        prop_assert!(kept.iter().eq(a.iter().copied().filter(|row| row % 3 == 0)));
        prop_assert!(kept.is_subset(&set_a) && (kept == set_a || !set_a.is_subset(&kept)));
        prop_assert_eq!(set_a.is_disjoint(&set_b), a.is_disjoint(&b));
        for (in_place, made) in [
            (changed(&set_a, |set| *set &= &set_b), set_a.and(&set_b)),
            (changed(&set_a, |set| *set |= &set_b), RowSet::union([&set_a, &set_b])),
            (changed(&set_a, |set| *set -= &set_b), set_a.minus(&set_b)),
        ] {
            prop_assert_eq!(in_place.len(), in_place.iter().count() as u64);
            prop_assert_eq!(in_place, made);
        }
        prop_assert!(set_a.iter().rev().eq(a.iter().rev().copied()));
        prop_assert!(b.iter().all(|row| set_a.contains(*row) == a.contains(row)));
        for row in [0, 1, 70_000, u32::MAX].into_iter().chain(b.iter().copied().take(20)) {
            prop_assert!(set_a.after(row).eq(a.iter().copied().filter(|&other| other > row)));
            prop_assert!(set_a.from(row).rev().eq(a.range(row..).rev().copied()));
        }
        if let Some(&middle) = a.iter().nth(a.len() / 2) {
            prop_assert_eq!(set_a.nth(a.len() as u32 / 2), Some(middle));
            prop_assert_eq!(set_a.rank(middle), a.len() as u64 / 2 + 1);
        }
    }

    #[test]
    fn rows_go_in_and_out(start in rows(), changes in proptest::collection::vec((0u32..70_000, any::<bool>()), 0..3000)) {
        let mut set = RowSet::from_unsorted(start.clone());
        let mut naive: BTreeSet<Row> = start.into_iter().collect();
        // First some, then all that are left, so that blocks change their kind both ways.
        let all: Vec<Row> = naive.iter().copied().collect();
        for (row, is_in) in changes.into_iter().chain(all.into_iter().map(|row| (row, false))) {
            match is_in {
                true => prop_assert_eq!(set.insert(row), naive.insert(row)),
                false => prop_assert_eq!(set.remove(row), naive.remove(&row)),
            }
        }
        prop_assert!(set.iter().eq(naive.iter().copied()) && set.len() == naive.len() as u64);
        naive.iter().for_each(|row| assert!(set.remove(*row)));
        prop_assert!(set.is_empty() && set == RowSet::new() && set.max().is_none());
    }

    #[test]
    fn the_format_is_that_of_roaring_bitmaps(rows in rows(), torn in any::<proptest::sample::Index>()) {
        let (set, theirs) = (RowSet::from_unsorted(rows.clone()), rows.into_iter().collect::<RoaringBitmap>());
        let (mut own, mut other) = (Vec::new(), Vec::new());
        set.write_portable(&mut own);
        theirs.serialize_into(&mut other).expect("a vector takes all");
        prop_assert_eq!(&own, &other);
        prop_assert_eq!(RowSet::read_portable(&other), Some(set.clone()));
        prop_assert_eq!(RoaringBitmap::deserialize_from(&own[..]).ok(), Some(theirs));
        // Whatever a damaged set is read as, it is sound.
        let at = torn.index(own.len());
        own[at] ^= 0x10;
        if let Some(read) = RowSet::read_portable(&own) {
            prop_assert!(read.iter().is_sorted_by(|a, b| a < b) && read.iter().count() as u64 == read.len());
        }
        own.truncate(at);
        prop_assert_eq!(RowSet::read_portable(&own), None);
    }

    #[test]
    fn written_sets_read_back_one_after_the_other(a in rows(), b in rows()) {
        let (a, b) = (RowSet::from_unsorted(a), RowSet::from_unsorted(b));
        let mut bytes = Vec::new();
        a.write(&mut bytes);
        b.write(&mut bytes);
        let mut rest = &bytes[..];
        prop_assert_eq!(RowSet::read(&mut rest), Some(a));
        prop_assert_eq!(RowSet::read(&mut rest), Some(b));
        prop_assert!(rest.is_empty());
        let mut torn = &bytes[..3];
        prop_assert_eq!(RowSet::read(&mut torn), None);
    }
}

#[test]
fn a_range_has_both_its_ends() {
    let set = RowSet::from_range(5..=70_000);
    assert_eq!((set.min(), set.max(), set.len()), (Some(5), Some(70_000), 69_996));
    assert!(RowSet::from_range(64..=64).iter().eq([64]) && RowSet::from_range(0..=127).iter().eq(0..128));
    #[expect(clippy::reversed_empty_ranges)]
    let none = RowSet::from_range(9..=8);
    assert!(none.is_empty() && RowSet::union([]).is_empty());
}

#[test]
fn full_blocks_of_rows_are_not_lost() {
    let full = RowSet::from_range(0..=3 * 65_536 - 1);
    let mut bytes = Vec::new();
    full.write(&mut bytes);
    let read = RowSet::read(&mut &bytes[..]).unwrap();
    let odd: RowSet = (1..3 * 65_536).step_by(2).collect();
    let even = full.minus(&odd);
    for set in [&full, &read, &RowSet::union([&odd, &even]), &RowSet::from_sorted(0..3 * 65_536), &full.and(&read)] {
        let mut count = 0;
        set.for_each(|row| {
            assert_eq!(row, count);
            count += 1;
        });
        assert_eq!((count, set.len()), (3 * 65_536, 3 * 65_536));
    }
}
