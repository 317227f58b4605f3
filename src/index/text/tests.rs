//! The text column against a map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn texts() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        1 => Just(None),
        4 => "[a-cA-C]{0,2}".prop_map(Some),
        2 => "(é|É|Ş|ß|е|ё|ا|張|ก|ﬁ|Å|ᾳ|ι|α){1,3}".prop_map(Some),
        1 => "[a-z]{100,300}".prop_map(Some),
    ]
}

fn assert_same(column: &TextColumn, naive: &BTreeMap<Row, String>) {
    assert_eq!(column.check(), None);
    for row in 0..210 {
        let folded = naive.get(&row).map(|text| fold::compare(text));
        assert_eq!(column.get(row), folded.as_deref());
        assert_eq!(column.get_search(row).map(str::to_owned), naive.get(&row).map(|text| fold::search(text)));
    }
    assert!(column.present().iter().eq(naive.keys().copied()));
    let rows_of = |test: &dyn Fn(&str) -> bool| -> RowSet {
        naive.iter().filter(|(_, text)| test(text)).map(|(row, _)| *row).collect()
    };
    for text in naive.values().map(|text| fold::compare(text)) {
        assert_eq!(column.equal(&text), rows_of(&|other| fold::compare(other) == text));
    }
    assert!(column.equal("no such text").is_empty());
    for needle in ["", "b", "ab", "s", "ss", "é", "張", "xyz"] {
        let finder = Finder::new(needle);
        let found = column.rows_where(&finder, |_, search| search.contains(needle));
        assert_eq!(found, rows_of(&|text| fold::search(text).contains(needle)));
        let found = column.rows_where(&finder, |compare, _| compare.starts_with(needle));
        assert_eq!(found, rows_of(&|text| fold::compare(text).starts_with(needle)));
    }
    assert_eq!(*column.accented(), rows_of(&|text| fold::search(text) != fold::compare(text)));
    let class = |compare: &str, _: &str| compare.len().checked_sub(1).filter(|&class| class < 3);
    let classes: [_; 3] = column.classify(&Finder::new(""), class).map(|texts| column.rows_of(&texts));
    (0..3).for_each(|class| assert_eq!(classes[class], rows_of(&|text| fold::compare(text).len() == class + 1)));
    let some: RowSet = (0..200).filter(|row| row % 3 > 0).collect();
    let of_some: [_; 3] = column.classify_rows(&some, class);
    (0..3).for_each(|class| assert_eq!(of_some[class], classes[class].and(&some)));
    let mut distinct: Vec<_> = naive.values().map(|text| (fold::compare(text), fold::search(text))).collect();
    distinct.sort();
    distinct.dedup();
    assert_eq!(column.distinct(), distinct.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_text_column_answers_as_a_map(sets in proptest::collection::vec((0u32..200, texts()), 0..400), compact: bool) {
        let (mut column, mut naive) = (TextColumn::default(), BTreeMap::new());
        for (row, text) in sets {
            let folded = |text: &String| (fold::compare(text), fold::search(text));
            let old = naive.get(&row).map(folded);
            prop_assert_eq!(column.set(row, text.as_deref()), old != text.as_ref().map(folded));
            match text {
                Some(text) => drop(naive.insert(row, text)),
                None => drop(naive.remove(&row)),
            }
        }
        if compact {
            column.compact();
            prop_assert_eq!(column.dead, 0);
        }
        assert_same(&column, &naive);
        let mut bytes = Vec::new();
        column.write(&mut bytes);
        let mut read = TextColumn::read(&mut &bytes[..]).expect("what was written");
        assert_same(&read, &naive);
        // What was read goes on taking texts.
        (0..50).for_each(|row| {
            read.set(row, Some("again"));
            naive.insert(row, "again".into());
        });
        assert_same(&read, &naive);
    }
}

#[test]
fn a_text_of_many_rows_is_a_set_and_becomes_few_again() {
    let mut column = TextColumn::default();
    (0..3000).for_each(|row| assert!(column.set(row, Some("Maria"))));
    assert_eq!((column.equal("maria").len(), column.distinct()), (3000, 1));
    assert!(column.memory() < 3000 * 12);
    (0..2999).for_each(|row| assert!(column.set(row, None)));
    assert_eq!((column.equal("maria").min(), column.check()), (Some(2999), None));
    assert!(column.set(2999, None) && column.distinct() == 0);
}

#[test]
fn dead_texts_are_given_up() {
    let mut column = TextColumn::default();
    for round in 0..40 {
        (0..200).for_each(|row| assert!(column.set(row, Some(&format!("{round} {row} {}", "x".repeat(60))))));
    }
    assert!(column.arena.len() < 200 * 80 * 2 + COMPACT_FROM * 2);
    assert_eq!(column.check(), None);
    assert!(column.get(7).is_some_and(|text| text.starts_with("39 7 x")));
}

#[test]
fn a_domain_follows_the_only_at() {
    let mut column = TextColumn::of_emails();
    for (row, email) in ["Ann@X.io", "bo@x.io", "a@b@x.io", "nobody", "ann@y.io"].into_iter().enumerate() {
        column.set(row as Row, Some(email));
    }
    let mut bytes = Vec::new();
    column.write(&mut bytes);
    column.set(4, None);
    let read = TextColumn::read(&mut &bytes[..]).expect("what was written");
    for (column, last) in [(&column, None), (&read, Some(4))] {
        let domains = column.domains().expect("of e-mails");
        assert!(domains.texts.equal("x.io").iter().eq([0, 1]) && domains.without.iter().eq([2, 3]));
        assert!(domains.texts.equal("y.io").iter().eq(last));
    }
    column.set(2, None);
    assert!(column.domains().is_some_and(|domains| domains.without.iter().eq([3])));
}
