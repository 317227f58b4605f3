//! The column against a map, whatever numbers come and however they make it grow.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

type Naive = BTreeMap<Row, i64>;

fn set(column: &mut Column, naive: &mut Naive, row: Row, value: Option<i64>) {
    let value = value.map(|value| value.max(LEAST));
    let old = match value {
        Some(value) => naive.insert(row, value),
        None => naive.remove(&row),
    };
    assert_eq!(column.set(row, value), old != value);
}

fn assert_same(column: &Column, naive: &Naive, ranges: &[(i64, i64)]) {
    assert!((0..420).all(|row| column.get(row) == naive.get(&row).copied()));
    assert!(column.present().iter().eq(naive.keys().copied()));
    assert_eq!(column.check(), None);
    for &(from, to) in ranges {
        let hits = naive.iter().filter(|(_, value)| (from..=to).contains(*value)).map(|(row, _)| *row);
        assert!(column.scan(from..=to).iter().eq(hits), "{from}..={to}");
    }
    let mut bytes = Vec::new();
    column.write(&mut bytes);
    let read = Column::read(&mut &bytes[..]).expect("what was written");
    assert!((0..420).all(|row| read.get(row) == naive.get(&row).copied()));
    assert!(read.unit == column.unit && read.base == column.base && read.check().is_none());
}

/// Numbers close together, and at the limits of one to eight bytes and their neighbours; the extremes.
fn value() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => -50i64..50,
        3 => (0u32..64, -2i64..3, any::<bool>()).prop_map(|(bits, off, negative)| {
            let size = 1i64.wrapping_shl(bits).wrapping_add(off);
            if negative { size.wrapping_neg() } else { size }
        }),
        1 => any::<i64>(),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MIN + 1), Just(i64::MAX), Just(i64::MAX - 1)],
    ]
}

/// Numbers of more and more decimal places, and such as have too many.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-2000i32..2000).prop_map(f64::from),
        3 => (-99_999i64..99_999, 0u8..9).prop_map(|(n, places)| n as f64 / 10f64.powi(i32::from(places))),
        1 => ((1i64 << 50)..(1 << 54), 0u8..3).prop_map(|(n, places)| n as f64 / 10f64.powi(i32::from(places))),
        1 => proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_column_answers_as_a_map(
        sets in proptest::collection::vec((0u32..400, proptest::option::weighted(0.8, value())), 0..120),
        base in value(), spread in 0i64..100, ends in proptest::collection::vec((value(), value()), 4),
    ) {
        let (mut column, mut naive) = (Column::default(), Naive::new());
        // First many that lie together, somewhere.
        for row in 0..150 {
            set(&mut column, &mut naive, row * 2, Some(base.saturating_add(i64::from(row) % (spread + 1))));
        }
        for (at, (row, value)) in sets.into_iter().enumerate() {
            set(&mut column, &mut naive, row, value);
            if at % 30 == 0 {
                assert_same(&column, &naive, &ends);
            }
        }
        let near = naive.values().flat_map(|&value| [(value, i64::MAX), (i64::MIN, value), (value.saturating_sub(40), value.saturating_add(3))]);
        let ranges: Vec<(i64, i64)> = near.take(90).chain(ends).chain([(i64::MIN, i64::MAX), (5, 4)]).collect();
        assert_same(&column, &naive, &ranges);
    }

    #[test]
    fn a_column_of_numbers_answers_as_a_map(
        sets in proptest::collection::vec((0u32..400, proptest::option::weighted(0.8, number())), 1..120),
        ends in proptest::collection::vec((number(), number()), 6), raw in (any::<i64>(), any::<i64>()),
    ) {
        let (mut column, mut naive) = (Column::of_numbers(), Naive::new());
        for (at, (row, value)) in sets.into_iter().enumerate() {
            set(&mut column, &mut naive, row, value.map(number_key));
            if at % 30 == 0 {
                assert_same(&column, &naive, &[]);
            }
        }
        let near = naive.values().flat_map(|&value| [(value, i64::MAX), (i64::MIN, value), (value - 1, value + 1)]);
        let keyed = ends.into_iter().map(|(from, to)| (number_key(from), number_key(to)));
        let ranges: Vec<(i64, i64)> = near.take(90).chain(keyed).chain([raw, (i64::MIN, i64::MAX)]).collect();
        assert_same(&column, &naive, &ranges);
    }

    #[test]
    fn number_keys_order_as_the_numbers(a in proptest::num::f64::NORMAL | proptest::num::f64::ZERO, b in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
        prop_assert_eq!(number_key(a).cmp(&number_key(b)), a.partial_cmp(&b).unwrap());
        prop_assert_eq!(number_from_key(number_key(b)), b);
    }
}

#[test]
fn the_ends_of_the_range_are_numbers_too() {
    let mut column = Column::default();
    column.set(1, Some(i64::MIN));
    column.set(2, Some(i64::MAX));
    assert_eq!(column.scan(i64::MIN..=i64::MAX).len(), 2);
    assert_eq!(column.get(1), Some(i64::MIN + 1));
    assert!(column.scan(RangeInclusive::new(5, 4)).is_empty());
    assert_eq!(column.scan(i64::MAX..=i64::MAX).min(), Some(2));
    assert!(number_key(-0.0) == number_key(0.0) && number_key(f64::MIN) > i64::MIN);
}

#[test]
fn numbers_take_as_many_bytes_as_they_need() {
    let bytes_a_row = |mut column: Column, value: &dyn Fn(u32) -> i64| {
        for row in 0..10_000 {
            column.set(row, Some(value(row)));
        }
        column.codes.memory() / 10_000
    };
    let dates = |row: u32| -10_000 + i64::from(row) % 25_000;
    assert_eq!(bytes_a_row(Column::default(), &dates), 2);
    let instants = |row: u32| 1_767_225_600_000 - i64::from(row) * 6_307_200;
    assert_eq!(bytes_a_row(Column::default(), &instants), 5);
    let tenths = |row: u32| number_key(f64::from(row) / 10.0);
    assert_eq!(bytes_a_row(Column::of_numbers(), &tenths), 2);
    let thirds = |row: u32| number_key(f64::from(row) / 3.0);
    assert_eq!(bytes_a_row(Column::of_numbers(), &thirds), 8);
}

#[test]
fn what_comes_in_order_seldom_has_the_column_written_anew() {
    let (mut column, mut bases) = (Column::default(), Vec::new());
    for row in 0..50_000 {
        column.set(row, Some(1_700_000_000_000 + i64::from(row) * 40_000));
        if bases.last() != Some(&column.base) {
            bases.push(column.base);
        }
    }
    // Once for every doubling of the numbers' span.
    assert!(bases.len() < 20, "{bases:?}");
}

#[test]
fn a_damaged_column_is_not_read() {
    let mut column = Column::default();
    column.set(70, Some(1 << 40));
    let mut bytes = Vec::new();
    column.write(&mut bytes);
    for len in 0..bytes.len() {
        assert!(Column::read(&mut &bytes[..len]).is_none(), "{len}");
    }
}
