//! Which columns a user sees in the table of contacts, and in what order.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{Catalog, CustomFieldId, Field, Kind, Mistake, User, suggest};

/// A column as it is kept. A custom field is kept by id, so that one of the same name made later is another column.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Column {
    /// A standard field's name.
    #[n(0)]
    Standard(#[n(0)] String),
    #[n(1)]
    Custom(#[n(0)] CustomFieldId),
}

/// The columns of a user who has chosen none.
pub const DEFAULT: [Field; 10] = [
    Field::Name,
    Field::Channels,
    Field::Phone,
    Field::Email,
    Field::Tags,
    Field::Lifecycle,
    Field::Assignee,
    Field::Status,
    Field::LastMessageAt,
    Field::CreatedAt,
];

/// The field of a column's name: as in a filter, or `customFields.slug`.
pub fn named(name: &str, catalog: &Catalog) -> Option<Field> {
    match name.split_once('.') {
        Some(("customFields", slug)) => catalog.field_with_slug(slug).map(|field| Field::Custom(field.id)),
        _ => Field::named(name, catalog),
    }
}

/// The name by which a column is answered: that of the member that holds its value.
pub fn name(field: Field, catalog: &Catalog) -> String {
    match field {
        Field::Custom(_) => format!("customFields.{}", field.name(catalog)),
        standard => standard.name(catalog).to_owned(),
    }
}

/// There is no field of that name: which is the nearest.
pub fn unknown(path: String, name: &str, catalog: &Catalog) -> Mistake {
    let bare = name.strip_prefix("customFields.").unwrap_or(name);
    let near = suggest::nearest(bare, Field::all(catalog).map(|field| field.name(catalog)));
    let near = near.and_then(|near| Field::named(near, catalog)).map(|field| self::name(field, catalog));
    let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    let name: String = name.chars().take(100).collect();
    Mistake::new(path, "unknown_field", format!("there is no field {name:?}{hint}"))
}

/// Reads the columns of a user's table.
///
/// # Errors
/// Every mistake: an unknown name, one given twice, one that is asked about and not shown, a list without the name.
pub fn read(names: &[String], catalog: &Catalog) -> Result<Vec<Column>, Vec<Mistake>> {
    let (mut fields, mut mistakes) = (Vec::new(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        let path = format!("columns[{at}]");
        match named(name, catalog) {
            None => mistakes.push(unknown(path, name, catalog)),
            Some(field) if matches!(field.kind(catalog), Kind::Duration | Kind::Segment) => {
                let message = format!("{name} is asked about in a filter and not shown: it cannot be a column");
                mistakes.push(Mistake::new(path, "not_a_column", message));
            }
            Some(field) if fields.contains(&field) => {
                mistakes.push(Mistake::new(path, "given_twice", format!("{name} is a column already")));
            }
            Some(field) => fields.push(field),
        }
    }
    if mistakes.is_empty() && !fields.contains(&Field::Name) {
        let message = "the column name cannot be removed: give it a place in the list";
        mistakes.push(Mistake::new("columns", "name_removed", message));
    }
    match mistakes.is_empty() {
        true => Ok(fields.into_iter().map(|field| kept(field, catalog)).collect()),
        false => Err(mistakes),
    }
}

fn kept(field: Field, catalog: &Catalog) -> Column {
    match field {
        Field::Custom(id) => Column::Custom(id),
        standard => Column::Standard(standard.name(catalog).to_owned()),
    }
}

/// The fields that the user's table shows, in their order; those of custom fields that were removed drop out.
pub fn of(user: &User, catalog: &Catalog) -> Vec<Field> {
    let Some(columns) = &user.columns else { return DEFAULT.to_vec() };
    let field = |column: &Column| match column {
        Column::Standard(name) => Field::named(name, catalog),
        Column::Custom(id) => catalog.fields.contains_key(id).then_some(Field::Custom(*id)),
    };
    columns.iter().filter_map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::draft::example;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn user(columns: Option<Vec<Column>>) -> User {
        let user = example::catalog().users.into_values().next().expect("a user");
        User { columns, ..user }
    }

    #[test]
    fn columns_are_kept_in_their_order_and_removed_fields_drop_out() {
        let mut catalog = example::catalog();
        let given = names(&["customFields.score", "TAGS", "name", "birthday", "country"]);
        let user = user(Some(read(&given, &catalog).expect("columns")));
        let shown =
            |catalog: &Catalog| of(&user, catalog).iter().map(|field| name(*field, catalog)).collect::<Vec<_>>();
        let expected = ["customFields.score", "tags", "name", "customFields.birthday", "countryCode"];
        assert_eq!(shown(&catalog), expected);
        let score = catalog.field_with_slug("score").expect("a field").clone();
        catalog.remove_field(score.id);
        assert_eq!(shown(&catalog), expected[1..]);
        // Another field of that slug is another column.
        catalog.put_field(crate::contact::CustomField { id: CustomFieldId(999), ..score });
        assert_eq!(shown(&catalog), expected[1..]);
    }

    #[test]
    fn what_cannot_be_a_column_is_refused_by_name() {
        let catalog = example::catalog();
        let codes = |given: &[&str]| {
            let mistakes = read(&names(given), &catalog).expect_err("refused");
            mistakes.into_iter().map(|mistake| (mistake.path, mistake.code)).collect::<Vec<_>>()
        };
        assert_eq!(codes(&[]), [("columns".to_owned(), "name_removed")]);
        assert_eq!(codes(&["email"]), [("columns".to_owned(), "name_removed")]);
        assert_eq!(codes(&["name", "NAME"]), [("columns[1]".to_owned(), "given_twice")]);
        let found = codes(&["nmae", "segment", "timeSinceLastMessage", "customFields.email", "customFields.scor"]);
        let expected = ["unknown_field", "not_a_column", "not_a_column", "unknown_field", "unknown_field"];
        assert_eq!(found.iter().map(|(_, code)| *code).collect::<Vec<_>>(), expected);
        let said = unknown("columns[0]".into(), "customFields.scor", &catalog).message;
        assert!(said.ends_with("did you mean customFields.score?"), "{said}");
    }

    #[test]
    fn a_user_stored_before_there_were_columns_reads_the_same() {
        let user = user(None);
        let bytes = minicbor::to_vec(&user).expect("CBOR");
        // The array of a user without columns is as long as it was.
        assert_eq!(bytes[0], 0x80 | 10);
        assert_eq!(minicbor::decode::<User>(&bytes).expect("a user"), user);
        assert_eq!(of(&user, &example::catalog()), DEFAULT);
        let json = serde_json::to_string(&user).expect("JSON");
        assert!(!json.contains("columns"));
        assert_eq!(serde_json::from_str::<User>(&json).expect("a user"), user);
    }
}
