//! Which field each column of a file fills.

use serde_json::Value as Json;

use super::infer::Guesses;
use super::{Options, REASON};
use crate::contact::draft::RESERVED;
use crate::contact::{Catalog, Field, Kind, Mistake, STANDARD, fold, suggest};
use crate::engine::export::{CUSTOM, cell};
use crate::engine::{Error, NewField};

/// The longest slug and name of a custom field.
const NAME_MAX: usize = 50;

/// What a column fills.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    /// A member of the contact, by its wire name.
    Member(String),
    /// A custom field, by its slug.
    Custom(String),
    /// Nothing: what exports show and imports do not set, or what the caller leaves out.
    Ignored,
}

/// The columns of a file, mapped.
pub(super) struct Mapped {
    /// One per column.
    pub targets: Vec<Target>,
    pub new_fields: Vec<NewField>,
    /// Columns that no field fits and the caller leaves out.
    pub ignored: Vec<String>,
}

/// Maps every column, or names all that cannot be mapped.
pub(super) fn map(
    columns: &[String],
    guesses: &Guesses,
    catalog: &Catalog,
    options: &Options,
) -> Result<Mapped, Error> {
    let mut mapped = Mapped { targets: Vec::with_capacity(columns.len()), new_fields: Vec::new(), ignored: Vec::new() };
    let mut mistakes = misnamed(columns, catalog, options);
    // A name of both is of use only where there is no first name to fill.
    let has_first_name = columns.iter().any(|column| wanted(column, catalog, options) == Some(first_name()));
    for (at, column) in columns.iter().enumerate() {
        let target = match wanted(column, catalog, options) {
            Some(Target::Ignored) if is_same(column, "name") && !has_first_name => None,
            other => other,
        };
        let target = match target {
            Some(target) => target,
            None if options.new_fields && !column.is_empty() => {
                let field = new_field(column, guesses.of(at, column), &mapped.new_fields, catalog, options);
                let slug = field.slug.clone().unwrap_or_default();
                mapped.new_fields.push(field);
                Target::Custom(slug)
            }
            None if options.ignore_unknown || column.is_empty() => {
                mapped.ignored.push(column.clone());
                Target::Ignored
            }
            None => {
                // A column mapped to a field that is not there has been named already.
                if !options.map.iter().any(|(header, _)| is_same(header, column)) {
                    mistakes.push(Mistake::new(column, "unknown_column", unknown_column(column, catalog)));
                }
                continue;
            }
        };
        if target != Target::Ignored && mapped.targets.contains(&target) {
            mistakes.push(Mistake::new(column, "mapped_twice", "Two columns fill the same field: map one elsewhere."));
        }
        mapped.targets.push(target);
    }
    if mistakes.is_empty() { Ok(mapped) } else { Err(Error::Invalid(mistakes)) }
}

/// What the caller says of columns the file does not have, and of fields that are not there.
fn misnamed(columns: &[String], catalog: &Catalog, options: &Options) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let absent = |header: &str| {
        let near = suggest::did_you_mean(header, columns.iter().map(String::as_str));
        Mistake::new(header, "unknown_column", format!("The file has no such column.{near}"))
    };
    let is_there = |header: &str| columns.iter().any(|column| is_same(column, header));
    for (header, field) in &options.map {
        if !is_there(header) {
            mistakes.push(absent(header));
        } else if target_of(field, catalog).is_none() {
            mistakes.push(Mistake::new(header, "unknown_field", unknown_field(field, catalog)));
        }
    }
    mistakes.extend(options.types.iter().filter(|(header, _)| !is_there(header)).map(|(header, _)| absent(header)));
    mistakes
}

/// The value as the contact's JSON takes it: tags apart, objects in a cell read, a neutralised phone as it was.
pub(super) fn member(name: &str, value: Json) -> Result<Json, String> {
    let Json::String(text) = &value else { return Ok(value) };
    Ok(match name {
        "tags" if !text.starts_with('[') => Json::from(cell::split(text)),
        "channels" | "lastInteractedChannel" if text.starts_with(['[', '{']) => serde_json::from_str(text)
            .map_err(|error| format!("{name}: the cell is not the JSON it begins as: {error}"))?,
        // Other programs put the mark before any `+`.
        "phone" => Json::from(text.trim_start_matches('\'')),
        _ => value,
    })
}

fn first_name() -> Target {
    Target::Member("firstName".to_owned())
}

/// What the caller or the header itself says.
fn wanted(column: &str, catalog: &Catalog, options: &Options) -> Option<Target> {
    let by_hand = options.map.iter().find(|(header, _)| is_same(header, column));
    match by_hand {
        Some((_, field)) => target_of(field, catalog),
        None if column == REASON => Some(Target::Ignored),
        None => target_of(column, catalog),
    }
}

/// The field of that name, alias, slug or label, ignoring case, spaces, `_` and `-`.
fn target_of(name: &str, catalog: &Catalog) -> Option<Target> {
    let slug = name.strip_prefix(CUSTOM).and_then(|rest| rest.strip_prefix('.'));
    if let Some(custom) = catalog.field_with_slug(slug.unwrap_or(name).trim()) {
        return Some(Target::Custom(custom.slug.clone()));
    }
    if slug.is_some() {
        return None;
    }
    let bare = bare(name);
    let standard = STANDARD
        .iter()
        .find(|row| [row.name, row.label].iter().chain(row.aliases).any(|spelling| self::bare(spelling) == bare));
    if let Some(row) = standard {
        return Some(if is_set(row.field, row.kind) { Target::Member(row.name.to_owned()) } else { Target::Ignored });
    }
    if let Some(reserved) = RESERVED.into_iter().find(|name| self::bare(name) == bare) {
        let shown_only = matches!(reserved, "version" | "displayName");
        return Some(if shown_only { Target::Ignored } else { Target::Member(reserved.to_owned()) });
    }
    let custom =
        catalog.fields.values().find(|custom| self::bare(&custom.slug) == bare || self::bare(&custom.name) == bare);
    custom.map(|custom| Target::Custom(custom.slug.clone()))
}

/// Whether an import sets the field.
fn is_set(field: Field, kind: Kind) -> bool {
    !matches!(field, Field::Id | Field::Name | Field::Source) && !matches!(kind, Kind::Duration | Kind::Segment)
}

fn is_same(left: &str, right: &str) -> bool {
    left == right || bare(left) == bare(right)
}

fn bare(name: &str) -> String {
    fold::compare(name).chars().filter(|letter| !letter.is_whitespace() && !matches!(letter, '_' | '-')).collect()
}

/// A custom field for a column, with a slug that no field has yet.
fn new_field(
    column: &str,
    guess: crate::contact::DataType,
    made: &[NewField],
    catalog: &Catalog,
    options: &Options,
) -> NewField {
    let name = column.strip_prefix(CUSTOM).and_then(|rest| rest.strip_prefix('.')).unwrap_or(column);
    let mut slug = String::new();
    for letter in name.chars() {
        match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' => slug.push(letter),
            _ if slug.is_empty() || slug.ends_with('_') => {}
            _ => slug.push('_'),
        }
    }
    slug.truncate(NAME_MAX - 4);
    let slug = slug.trim_end_matches('_');
    let slug = if slug.is_empty() { "column" } else { slug };
    let is_taken = |slug: &str| {
        target_of(slug, catalog).is_some()
            || made.iter().any(|field| field.slug.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(slug)))
    };
    let numbered = (2..).map(|number| format!("{slug}_{number}"));
    let slug = std::iter::once(slug.to_owned()).chain(numbered).find(|slug| !is_taken(slug)).unwrap_or_default();
    let given = options.types.iter().find(|(header, _)| is_same(header, column));
    NewField {
        name: name.chars().take(NAME_MAX).collect(),
        slug: Some(slug),
        description: None,
        data_type: given.map_or(guess, |(_, data_type)| *data_type),
        allowed_values: Vec::new(),
        searchable: false,
    }
}

fn unknown_field(field: &str, catalog: &Catalog) -> String {
    format!("There is no field {field} to map it to.{}", nearest(field, catalog))
}

fn unknown_column(column: &str, catalog: &Catalog) -> String {
    if is_same(column, "name") {
        return format!("A whole name has no field of its own: use --map {column}=firstName.");
    }
    format!(
        "No field has this name.{} Use --map {column:?}=FIELD, --new-fields or --ignore-unknown.",
        nearest(column, catalog)
    )
}

fn nearest(name: &str, catalog: &Catalog) -> String {
    let standard = STANDARD.iter().filter(|row| is_set(row.field, row.kind)).map(|row| row.name);
    suggest::did_you_mean(name, standard.chain(catalog.fields.values().map(|field| field.slug.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::{CustomField, CustomFieldId, DataType};
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
        Options {
            format: Format::Csv,
            delimiter: b',',
            map: map.iter().map(|(header, field)| ((*header).into(), (*field).into())).collect(),
            types: Vec::new(),
            new_fields: false,
            ignore_unknown: false,
            allow_duplicates: false,
        }
    }

    fn mapped(columns: &[&str], options: &Options) -> Result<Mapped, Error> {
        let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
        map(&columns, &Guesses::default(), &catalog(), options)
    }

    fn codes(result: Result<Mapped, Error>) -> Vec<(String, &'static str)> {
        match result {
            Err(Error::Invalid(mistakes)) => mistakes.into_iter().map(|m| (m.path, m.code)).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn headers_that_name_a_field_map_themselves() {
        let columns =
            ["First Name", "last_name", "EMAIL", "Country", "size of shoe", "Profile Pic", "id", "Date added"];
        let found = mapped(&columns, &options(&[])).ok().unwrap().targets;
        let member = |name: &str| Target::Member(name.into());
        let expected = vec![
            member("firstName"),
            member("lastName"),
            member("email"),
            member("countryCode"),
            Target::Custom("shoe_size".into()),
            member("profilePic"),
            Target::Ignored,
            member("createdAt"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_does_not_map_is_named() {
        let found = codes(mapped(&["given", "nonsense", "email"], &options(&[("given", "firstNam"), ("no", "email")])));
        let expected = [("given", "unknown_field"), ("no", "unknown_column"), ("nonsense", "unknown_column")];
        assert_eq!(found, expected.map(|(path, code)| (path.to_owned(), code)));
        assert_eq!(
            codes(mapped(&["mail", "email"], &options(&[("mail", "email")]))),
            [("email".to_owned(), "mapped_twice")]
        );
        assert_eq!(codes(mapped(&["name"], &options(&[]))), [("name".to_owned(), "unknown_column")]);
        assert!(mapped(&["name", "firstName"], &options(&[])).is_ok());
        let typed = Options { types: vec![("scor".into(), DataType::Number)], new_fields: true, ..options(&[]) };
        assert_eq!(codes(mapped(&["email", "score"], &typed)), [("scor".to_owned(), "unknown_column")]);
    }

    #[test]
    fn unknown_columns_become_fields_or_are_left_out() {
        let mut with = Options { new_fields: true, ..options(&[("given", "firstName")]) };
        with.types = vec![("Post code".into(), DataType::List)];
        let found = mapped(&["given", "Post code", "post-code ", "Größe (cm)", "買い物"], &with).ok().unwrap();
        let slugs: Vec<&str> = found.new_fields.iter().filter_map(|field| field.slug.as_deref()).collect();
        assert_eq!(slugs, ["Post_code", "post_code_2", "Gr_e_cm", "column"]);
        assert_eq!(found.new_fields[0].data_type, DataType::List);
        let without = Options { ignore_unknown: true, ..options(&[]) };
        assert_eq!(mapped(&["email", "x"], &without).ok().unwrap().ignored, ["x"]);
    }
}
