//! The table of operators: its own laws.

use super::*;

const KINDS: [Kind; 11] = [
    Kind::Text,
    Kind::Phone,
    Kind::Choice,
    Kind::Set,
    Kind::Number,
    Kind::Instant,
    Kind::Duration,
    Kind::Date,
    Kind::Time,
    Kind::Checkbox,
    Kind::Segment,
];

#[test]
fn names_are_unique_and_twins_serve_the_same_kinds() {
    for (at, row) in table().iter().enumerate() {
        for name in row.aliases.iter().copied().chain([row.name]) {
            assert!(table()[..at].iter().all(|other| other.name != name && !other.aliases.contains(&name)), "{name}");
            assert!(std::ptr::eq(named(&name.to_uppercase()).unwrap(), row));
        }
        if let Some(twin) = row.complement_of.map(|name| named(name).unwrap()) {
            assert!(twin.complement_of.is_none() && twin.kinds == row.kinds, "{}", row.name);
        }
    }
}

#[test]
fn every_kind_has_the_operators_of_the_specification() {
    let expected = [
        "isEqualTo isNotEqualTo contains doesNotContain startsWith endsWith hasAnyOf hasNoneOf exists doesNotExist",
        "isEqualTo isNotEqualTo contains doesNotContain startsWith endsWith hasAnyOf hasNoneOf exists doesNotExist",
        "isEqualTo isNotEqualTo hasAnyOf hasNoneOf exists doesNotExist",
        "hasAnyOf hasAllOf hasNoneOf hasOnly hasAtLeast exists doesNotExist",
        "isEqualTo isNotEqualTo isGreaterThan isLessThan isGreaterThanOrEqualTo isLessThanOrEqualTo isBetween exists doesNotExist",
        "isTimestampAfter isTimestampBefore isTimestampBetween exists doesNotExist",
        "isGreaterThan isLessThan isBetween isTimestampAfter isTimestampBefore isTimestampBetween exists doesNotExist",
        "isEqualTo isNotEqualTo isGreaterThan isLessThan isGreaterThanOrEqualTo isLessThanOrEqualTo isBetween isTimestampAfter isTimestampBefore isTimestampBetween exists doesNotExist",
        "isEqualTo isNotEqualTo isGreaterThan isLessThan isGreaterThanOrEqualTo isLessThanOrEqualTo isBetween exists doesNotExist",
        "isEqualTo isNotEqualTo exists doesNotExist",
        "isMemberOf isNotMemberOf",
    ];
    for (kind, names) in KINDS.into_iter().zip(expected) {
        let found: Vec<&str> = of_kind(kind).map(|operator| operator.name).collect();
        assert_eq!(found.join(" "), names, "{}", kind_name(kind));
    }
}
