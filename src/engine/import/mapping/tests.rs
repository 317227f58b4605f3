//! Which columns map themselves, which the caller maps, and what is said of the others.

use super::super::columns::Columns;
use super::super::headers;
use super::super::spec::{Column, ColumnDetails, Shape};
use super::*;
use crate::contact::{CustomField, CustomFieldId};
use crate::engine::export::Format;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.put_field(CustomField {
        id: CustomFieldId(1),
        slug: "shoe_size".into(),
        name: "Size of shoe".into(),
        description: None,
        data_type: DataType::Number,
        allowed_values: Vec::new(),
        searchable: false,
    });
    catalog
}

fn options(map: &[(&str, &str)]) -> Options {
    let column = |(header, field): &(&str, &str)| ((*header).to_owned(), ColumnTo::Field((*field).to_owned()));
    Options { columns: Columns(map.iter().map(column).collect()), ..Options::default() }
}

fn resolved(columns: &[&str], options: &Options) -> Result<Plan> {
    let headers: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
    let suggestions = headers::suggest(&headers, &[], &catalog(), 0);
    let column = |(header, suggestion): (String, _)| Column {
        given: header.clone(),
        header,
        suggestion,
        data_type: DataType::Text,
    };
    let shape = Shape { format: Format::Csv, encoding: "UTF-8".into(), delimiter: None, separator_line: false };
    let columns = headers.into_iter().zip(suggestions).map(column).collect();
    let look = Look { shape, rows: 0, columns, first_rows: Vec::new(), remarks: Vec::new() };
    resolve(&look, options, &catalog(), 10)
}

fn codes(result: Result<Plan>) -> Vec<(String, &'static str)> {
    match result {
        Err(Error::Invalid(mistakes)) => mistakes.into_iter().map(|m| (m.path, m.code)).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn headers_that_name_a_field_map_themselves() {
    let columns = [
        "First Name",
        "last_name",
        "EMAIL",
        "Country",
        "size of shoe",
        "Profile Pic",
        "id",
        "Date added",
        "name",
        "importError",
    ];
    let found = resolved(&columns, &options(&[])).expect("mapped").targets;
    let member = |name: &str| To::Member(name.into());
    let expected = [
        member("firstName"),
        member("lastName"),
        member("email"),
        member("countryCode"),
        To::Custom("shoe_size".into()),
        member("profilePic"),
        To::Id,
        member("createdAt"),
        To::Nothing,
        To::Nothing,
    ];
    assert_eq!(found.into_iter().map(|target| target.to).collect::<Vec<_>>(), expected);
}

#[test]
fn what_does_not_map_is_named() {
    let with = Options { unmapped: Unmapped::Refuse, ..options(&[("given", "firstNam"), ("no", "email")]) };
    let found = codes(resolved(&["given", "nonsense", "email"], &with));
    let expected =
        [("columns.no", "unknown_column"), ("columns.given", "unknown_field"), ("columns.nonsense", "unknown_column")];
    assert_eq!(found, expected.map(|(path, code)| (path.to_owned(), code)));
    let twice = options(&[("mail", "email"), ("post", "email")]);
    assert_eq!(codes(resolved(&["mail", "post"], &twice)), [("columns.post".to_owned(), "mapped_twice")]);
    let shown = options(&[("email", "source")]);
    assert_eq!(codes(resolved(&["email"], &shown)), [("columns.email".to_owned(), "read_only")]);
    let refuse = Options { unmapped: Unmapped::Refuse, ..options(&[]) };
    assert_eq!(codes(resolved(&["name"], &refuse)), [("columns.name".to_owned(), "unknown_column")]);
    assert!(resolved(&["name", "firstName"], &refuse).is_ok());
    let typed = Options { types: Columns(vec![("scor".into(), DataType::Number)]), ..options(&[]) };
    assert_eq!(codes(resolved(&["email", "score"], &typed)), [("types.scor".to_owned(), "unknown_column")]);
    let zone = Options { timezone: Some("Mars/Base".into()), tags: vec![" ".into()], ..options(&[]) };
    let found = codes(resolved(&["email"], &zone));
    assert_eq!(found, [("tags[0]".into(), "missing_member"), ("timezone".into(), "invalid_timezone")]);
    assert_eq!(codes(resolved(&["x"], &options(&[]))), [("columns".to_owned(), "nothing_mapped")]);
    let update = Options { purpose: Purpose::Update, ..options(&[]) };
    assert_eq!(codes(resolved(&["firstName"], &update)), [("matchBy".to_owned(), "no_column_to_match")]);
}

#[test]
fn what_the_caller_says_comes_before_the_header() {
    let with = options(&[("mail", "email")]);
    let plan = resolved(&["email", "mail"], &with).expect("mapped");
    assert_eq!((&plan.targets[0].to, plan.left_out.as_slice()), (&To::Nothing, &["email".to_owned()][..]));
    let kept = ColumnTo::Details(ColumnDetails { field: "email".into(), overwrite: false });
    let columns = Columns(vec![("Mail".to_owned(), kept), ("x".to_owned(), ColumnTo::Nothing(()))]);
    let plan = resolved(&["mail", "x"], &Options { columns, ..options(&[]) }).expect("mapped");
    assert_eq!(plan.targets[0], Target { to: To::Member("email".into()), overwrite: false });
}

#[test]
fn unknown_columns_become_fields_or_are_left_out() {
    let mut with = Options { new_fields: Some(NewFields::Every(true)), ..options(&[("given", "firstName")]) };
    with.types = Columns(vec![("Post code".into(), DataType::Number)]);
    let found = resolved(&["given", "Post code", "post-code 1", "Größe (cm)", "買い物"], &with).expect("mapped");
    let slugs: Vec<&str> = found.new_fields.iter().map(|field| field.slug.as_str()).collect();
    assert_eq!(slugs, ["Post_code", "post_code_1", "Gr_e_cm", "column"]);
    assert_eq!(found.new_fields[0].data_type, DataType::Number);
    assert_eq!(resolved(&["email", "x"], &options(&[])).expect("mapped").left_out, ["x"]);
    let some = Columns(vec![("x".to_owned(), None), ("y".to_owned(), Some(DataType::List))]);
    let some = Options { new_fields: Some(NewFields::Some(some)), ..options(&[]) };
    assert_eq!(codes(resolved(&["email", "x", "y"], &some)), [("newFields.y".to_owned(), "needs_choices")]);
    let many: Vec<String> = (0..11).map(|number| format!("column {number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let every = Options { new_fields: Some(NewFields::Every(true)), ..options(&[]) };
    assert!(matches!(resolved(&many, &every), Err(Error::Limit { limit: 10, .. })));
}
