//! The search box and its definition agree, and each rule of it by example.

use super::*;
use crate::contact::{ContactId, CustomField, CustomFieldId, DataType, Phone};

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for (id, slug, searchable) in [(1, "company", true), (2, "secret", false)] {
        catalog.put_field(CustomField {
            id: CustomFieldId(id),
            slug: slug.into(),
            name: slug.into(),
            description: None,
            data_type: DataType::Text,
            allowed_values: Vec::new(),
            searchable,
        });
    }
    catalog
}

fn contact() -> Contact {
    let mut contact = Contact {
        id: ContactId(7),
        first_name: Some("Óscar María".into()),
        last_name: Some("Carlson".into()),
        email: Some("big.oscar@Example.com".into()),
        phone: Some(Phone::parse("+60 12-345 6789", None).unwrap()),
        ..Contact::default()
    };
    contact.set_custom(CustomFieldId(1), Some(Value::Text("Scarlet & Co 42".into())));
    contact.set_custom(CustomFieldId(2), Some(Value::Text("hidden".into())));
    contact
}

fn class(text: &str) -> Option<usize> {
    class_of(&parse(text, 200).unwrap().unwrap(), &contact(), &catalog())
}

fn terms(text: &str) -> Vec<String> {
    let search = parse(text, 200).unwrap();
    let shown = |term: &Term| {
        let words: Vec<&str> = term.words.iter().map(|word| word.needle.text()).collect();
        let digits = term.digits.as_ref().map_or(String::new(), |number| format!(" = {}", number.digits.digits));
        words.join(" ") + &digits
    };
    search.map_or(Vec::new(), |search| search.terms.iter().map(shown).collect())
}

#[test]
fn text_is_split_folded_and_freed_of_repeats() {
    assert_eq!(terms(" \t\u{3000} "), Vec::<String>::new());
    assert_eq!(terms("Óscar  CAR\u{A0}oscar"), ["oscar", "car"]);
    assert_eq!(terms("\u{301}"), Vec::<String>::new());
    assert!(parse(&"é".repeat(200), 200).is_ok());
    assert!(parse(&"é".repeat(201), 200).unwrap_err().contains("201"));
}

#[test]
fn runs_of_digits_are_numbers() {
    assert_eq!(terms("+60 12-345"), ["+60 12-345 = 6012345"]);
    assert_eq!(terms("ann 012 345 bob"), ["ann", "012 345 = 012345", "bob"]);
    assert_eq!(terms("12"), ["12"]);
    assert_eq!(terms("1 2"), ["1", "2"]);
    assert_eq!(terms("1 2 3 1"), ["1 2 3 1 = 1231"]);
    assert_eq!(terms("2024 +60 12-345"), ["2024 = 2024", "+60 12-345 = 6012345"]);
    assert_eq!(terms("( 03 ) 77"), ["( 03 ) 77 = 0377"]);
    assert_eq!(terms("٠١٢"), ["012 = 012"]);
    assert_eq!(terms("v2.3.4"), ["v2.3.4"]);
}

#[test]
fn the_class_is_level_then_place_and_of_the_worst_word() {
    assert_eq!(class("oscar"), Some(0));
    assert_eq!(class("example"), Some(1));
    assert_eq!(class("car"), Some(2));
    assert_eq!(class("exa"), Some(3));
    assert_eq!(class("arlso"), Some(4));
    assert_eq!(class("carlet"), Some(5));
    assert_eq!(class("oscar exa"), Some(3));
    assert_eq!(class("oscar nobody"), None);
    assert_eq!(class("hidden"), None);
    assert_eq!(class("&"), Some(1));
}

#[test]
fn numbers_match_in_their_forms_and_as_text() {
    for typed in ["60123456789", "+60 12-345 6789", "0123456789", "123456789"] {
        assert_eq!(class(typed), Some(1), "{typed}");
    }
    for typed in ["+60 12-345", "012345", "0123 45"] {
        assert_eq!(class(typed), Some(3), "{typed}");
    }
    assert_eq!(class("2345"), Some(5));
    assert_eq!(class("45 67 8"), Some(5));
    // Not within the phone together, but each by itself: as text, and as a number of its own.
    assert_eq!(class("6789 42"), Some(5));
    assert_eq!(class("42 42"), Some(1));
    assert_eq!(class("45"), None);
    assert_eq!(class("999"), None);
}
