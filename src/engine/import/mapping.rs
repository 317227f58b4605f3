//! Which field each column of a file fills.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::REASON;
use super::spec::{ColumnTo, Look, MatchBy, NewFields, Options, Purpose, Sure, Unmapped};
use crate::contact::draft::{RESERVED, tag_name};
use crate::contact::render::CUSTOM;
use crate::contact::{Catalog, DataType, Field, Kind, Mistake, STANDARD, fold, suggest, time};
use crate::engine::{Error, NewField, Result};

/// The longest slug and name of a custom field.
const NAME_MAX: usize = 50;
/// Wrong names for which the nearest right one is looked for.
const NEAR_MAX: usize = 20;
/// Tags that every row may be given.
const TAGS_MAX: usize = 100;

/// What a column fills.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum To {
    /// A member of the contact, by its wire name.
    Member(String),
    /// A custom field, by its slug.
    Custom(String),
    /// Nothing; it tells which contact the row is about.
    Id,
    /// Nothing: what exports show and imports do not set, or what the caller leaves out.
    Nothing,
}

/// What a column fills, and whether it does so where the contact has a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub to: To,
    pub overwrite: bool,
}

/// A custom field that the run makes first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldToMake {
    pub name: String,
    pub slug: String,
    pub data_type: DataType,
}

/// An import's options, resolved against its file and the workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub purpose: Purpose,
    pub match_by: MatchBy,
    /// One per column.
    pub targets: Vec<Target>,
    pub new_fields: Vec<FieldToMake>,
    /// Columns that fill nothing.
    pub left_out: Vec<String>,
    pub tags: Vec<String>,
    pub timezone: Option<String>,
}

impl From<&FieldToMake> for NewField {
    fn from(field: &FieldToMake) -> NewField {
        NewField {
            name: field.name.clone(),
            slug: Some(field.slug.clone()),
            description: None,
            data_type: field.data_type,
            allowed_values: Vec::new(),
            searchable: false,
        }
    }
}

/// What a name means as a field.
pub enum Named {
    /// A field that can be filled, or `id`; and whether the name is its own, not another one for it.
    Field { name: String, exactly: bool },
    /// What is shown of a contact and cannot be set.
    Shown,
}

/// Maps every column, or names all that is wrong.
///
/// # Errors
/// [`Error::Invalid`] with paths into the options; [`Error::Limit`] for more custom fields than a workspace may have.
pub fn resolve(look: &Look, options: &Options, catalog: &Catalog, fields_max: usize) -> Result<Plan> {
    let mut mapper = Mapper::new(look, options, catalog);
    mapper.check_names();
    for at in 0..look.columns.len() {
        let target = mapper.column(at);
        mapper.plan.targets.push(target);
    }
    mapper.check_whole();
    let Mapper { plan, mistakes, .. } = mapper;
    if !mistakes.is_empty() {
        return Err(Error::Invalid(mistakes));
    }
    if !plan.new_fields.is_empty() && catalog.fields.len() + plan.new_fields.len() > fields_max {
        return Err(Error::Limit { what: "the custom fields of a workspace", limit: fields_max });
    }
    Ok(plan)
}

fn empty(options: &Options) -> Plan {
    Plan {
        purpose: options.purpose,
        match_by: options.match_by,
        targets: Vec::new(),
        new_fields: Vec::new(),
        left_out: Vec::new(),
        tags: options.tags.clone(),
        timezone: options.timezone.clone(),
    }
}

struct Mapper<'a> {
    look: &'a Look,
    options: &'a Options,
    catalog: &'a Catalog,
    /// The column of each header, and of each as it is compared.
    exactly: HashMap<&'a str, usize>,
    loosely: HashMap<String, usize>,
    /// What the caller says of columns, with its columns found: these are asked for once for every column.
    given: Vec<Given>,
    types: HashMap<usize, DataType>,
    new: HashMap<usize, Option<DataType>>,
    plan: Plan,
    mistakes: Vec<Mistake>,
}

/// A column that is mapped by hand, and what it fills.
struct Given {
    at: Option<usize>,
    to: Option<To>,
}

impl<'a> Mapper<'a> {
    fn new(look: &'a Look, options: &'a Options, catalog: &'a Catalog) -> Mapper<'a> {
        let mut mapper = Mapper {
            look,
            options,
            catalog,
            exactly: HashMap::new(),
            loosely: HashMap::new(),
            given: Vec::new(),
            types: HashMap::new(),
            new: HashMap::new(),
            plan: empty(options),
            mistakes: Vec::new(),
        };
        for (at, column) in look.columns.iter().enumerate() {
            mapper.exactly.entry(&column.header).or_insert(at);
            mapper.loosely.entry(bare(&column.header)).or_insert(at);
        }
        for (header, to) in &options.columns.0 {
            let given = Given { at: mapper.place(header), to: mapper.target_given(to) };
            mapper.given.push(given);
        }
        for (header, data_type) in &options.types.0 {
            mapper.place(header).map(|at| mapper.types.entry(at).or_insert(*data_type));
        }
        if let Some(NewFields::Some(some)) = &options.new_fields {
            for (header, data_type) in &some.0 {
                mapper.place(header).map(|at| mapper.new.entry(at).or_insert(*data_type));
            }
        }
        mapper
    }

    fn wrong(&mut self, path: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.mistakes.push(Mistake::new(path, code, message));
    }

    /// The column of that header.
    fn place(&self, header: &str) -> Option<usize> {
        self.exactly.get(header).or_else(|| self.loosely.get(&bare(header))).copied()
    }

    /// What the caller says of columns the file does not have, of fields that are not there, of tags and time zone.
    fn check_names(&mut self) {
        let options = self.options;
        let some = match &options.new_fields {
            Some(NewFields::Some(some)) => some.0.as_slice(),
            _ => &[],
        };
        let named = options.columns.0.iter().map(|(header, _)| ("columns", header));
        let named = named.chain(some.iter().map(|(header, _)| ("newFields", header)));
        for (member, header) in named.chain(options.types.0.iter().map(|(header, _)| ("types", header))) {
            if self.place(header).is_none() {
                let headers = self.look.columns.iter().map(|column| column.header.as_str());
                // To compare names takes time, which other writers wait for.
                let headers = headers.take(if self.mistakes.len() < NEAR_MAX { usize::MAX } else { 0 });
                let near = suggest::did_you_mean(header, headers);
                self.wrong(
                    format!("{member}.{}", short(header)),
                    "unknown_column",
                    format!("The file has no such column.{near}"),
                );
            }
        }
        if options.tags.len() > TAGS_MAX {
            self.wrong("tags", "too_many", format!("At most {TAGS_MAX} tags can be added to every row."));
        }
        for (at, name) in options.tags.iter().enumerate() {
            self.mistakes.extend(tag_name(name, &format!("tags[{at}]")).err());
        }
        if let Some(Err(why)) = options.timezone.as_deref().map(time::zone) {
            self.wrong("timezone", "invalid_timezone", why);
        }
    }

    /// What a column fills.
    fn column(&mut self, at: usize) -> Target {
        let column = &self.look.columns[at];
        let ignored = Target { to: To::Nothing, overwrite: true };
        let options = self.options;
        let by_hand = self.given.iter().position(|given| given.at == Some(at));
        if let Some((place, (header, to))) = by_hand.and_then(|place| Some((place, options.columns.0.get(place)?))) {
            let (field, overwrite) = match to {
                ColumnTo::Nothing(()) => {
                    self.plan.left_out.push(column.header.clone());
                    return ignored;
                }
                ColumnTo::Field(field) => (field, true),
                ColumnTo::Details(details) => (&details.field, details.overwrite),
            };
            return self.by_hand(place, header, field, overwrite).unwrap_or(ignored);
        }
        let to = if column.given == REASON { Some(To::Nothing) } else { self.by_itself(at) };
        if let Some(to) = to {
            return Target { to, overwrite: true };
        }
        if let Some(data_type) = self.becomes_new(at) {
            let slug = self.new_field(at, data_type);
            return Target { to: To::Custom(slug), overwrite: true };
        }
        if options.unmapped == Unmapped::Refuse && !column.given.is_empty() {
            let (path, message) = (format!("columns.{}", short(&column.header)), self.unknown_column(&column.header));
            self.wrong(path, "unknown_column", message);
        }
        self.plan.left_out.push(column.header.clone());
        ignored
    }

    fn by_hand(&mut self, place: usize, header: &str, field: &str, overwrite: bool) -> Option<Target> {
        let path = format!("columns.{}", short(header));
        let to = match named(field, self.catalog) {
            Some(Named::Field { name, .. }) => target(name),
            Some(Named::Shown) => {
                self.wrong(
                    path,
                    "read_only",
                    format!("{} cannot be set: map the column to another field.", short(field)),
                );
                return None;
            }
            None => {
                let near = nearest(field, self.catalog);
                self.wrong(path, "unknown_field", format!("There is no field {} to map it to.{near}", short(field)));
                return None;
            }
        };
        if self.plan.targets.iter().any(|other| other.to == to) || self.given_before(place, &to) {
            self.wrong(path, "mapped_twice", "Two columns fill the same field: map one elsewhere.");
            return None;
        }
        Some(Target { to, overwrite })
    }

    /// Whether a column before this one is mapped to the field by hand too.
    fn given_before(&self, place: usize, to: &To) -> bool {
        self.given.iter().take(place).any(|given| given.to.as_ref() == Some(to))
    }

    fn target_given(&self, given: &ColumnTo) -> Option<To> {
        let field = match given {
            ColumnTo::Nothing(()) => return None,
            ColumnTo::Field(field) => field,
            ColumnTo::Details(details) => &details.field,
        };
        match named(field, self.catalog)? {
            Named::Field { name, .. } => Some(target(name)),
            Named::Shown => None,
        }
    }

    /// What the header says by itself, unless a column is mapped there by hand.
    fn by_itself(&self, at: usize) -> Option<To> {
        let column = &self.look.columns[at];
        let suggested = column.suggestion.as_ref().filter(|suggestion| suggestion.sure != Sure::Content);
        let name = match (suggested, named(&column.given, self.catalog)) {
            (Some(suggestion), _) => match named(&suggestion.field, self.catalog)? {
                Named::Field { name, .. } => name,
                Named::Shown => return None,
            },
            // A field that was made since the file was looked at.
            (None, Some(Named::Field { name, exactly: true })) => name,
            (None, Some(Named::Shown)) if bare(&column.given) != "name" || self.has_first_name() => {
                return Some(To::Nothing);
            }
            _ => return None,
        };
        let to = target(name);
        let by_hand = self.given.iter().any(|given| given.at.is_some() && given.to.as_ref() == Some(&to));
        let taken = by_hand || self.plan.targets.iter().any(|other| other.to == to);
        (!taken).then_some(to)
    }

    /// A name of both is of use only where there is no first name to fill.
    fn has_first_name(&self) -> bool {
        let fills =
            |field: &str| matches!(named(field, self.catalog), Some(Named::Field { name, .. }) if name == "firstName");
        let suggested = self.look.columns.iter().filter_map(|column| column.suggestion.as_ref());
        suggested.filter(|suggestion| suggestion.sure != Sure::Content).any(|suggestion| fills(&suggestion.field))
            || self.given.iter().any(|given| given.to == Some(To::Member("firstName".to_owned())))
    }

    /// The type of the custom field that the column becomes, if it becomes one.
    fn becomes_new(&self, at: usize) -> Option<DataType> {
        let column = &self.look.columns[at];
        let guess = self.types.get(&at).copied().unwrap_or(column.data_type);
        match self.options.new_fields.as_ref()? {
            NewFields::Every(every) => (*every && !column.given.is_empty()).then_some(guess),
            NewFields::Some(_) => Some(self.new.get(&at)?.unwrap_or(guess)),
        }
    }

    /// Notes a custom field for a column, with a slug that no field has yet; the slug.
    fn new_field(&mut self, at: usize, data_type: DataType) -> String {
        let header = &self.look.columns[at].header;
        if data_type == DataType::List {
            let path = format!("newFields.{}", short(header));
            self.wrong(
                path,
                "needs_choices",
                "A list needs its choices: make the field first and map the column to it.",
            );
        }
        let header = &self.look.columns[at].header;
        let name = header.strip_prefix(CUSTOM).and_then(|rest| rest.strip_prefix('.')).unwrap_or(header);
        let slug = slug_of(name);
        let is_taken = |slug: &str| {
            self.plan.new_fields.iter().any(|field| field.slug.eq_ignore_ascii_case(slug))
                || named(slug, self.catalog).is_some()
        };
        let numbered = (2..).map(|number| format!("{slug}_{number}"));
        let slug = std::iter::once(slug.clone()).chain(numbered).find(|slug| !is_taken(slug)).unwrap_or_default();
        let name = name.chars().take(NAME_MAX).collect::<String>().trim().to_owned();
        self.plan.new_fields.push(FieldToMake { name, slug: slug.clone(), data_type });
        slug
    }

    /// What only the whole mapping tells.
    fn check_whole(&mut self) {
        if !self.mistakes.is_empty() {
            return;
        }
        let fills = |name: &str| self.plan.targets.iter().any(|target| target.to == To::Member(name.to_owned()));
        let has_id = self.plan.targets.iter().any(|target| target.to == To::Id);
        let anything = self.plan.targets.iter().any(|target| matches!(target.to, To::Member(_) | To::Custom(_)));
        let lacking = match self.plan.match_by {
            _ if self.plan.purpose == Purpose::AddAll => None,
            MatchBy::Id => (!has_id).then_some("id"),
            MatchBy::Email => (!fills("email")).then_some("email"),
            MatchBy::Phone => (!fills("phone")).then_some("phone"),
            MatchBy::EmailThenPhone if self.plan.purpose == Purpose::Add => None,
            MatchBy::EmailThenPhone => (!fills("email") && !fills("phone")).then_some("email or phone"),
        };
        if let Some(what) = lacking {
            self.wrong(
                "matchBy",
                "no_column_to_match",
                format!("No column is mapped to {what}, by which rows are matched."),
            );
        } else if !anything {
            self.wrong("columns", "nothing_mapped", "No column fills a field: map at least one.");
        }
    }

    fn unknown_column(&self, header: &str) -> String {
        if bare(header) == "name" {
            return "A whole name has no field of its own: map the column to firstName, or leave it out.".to_owned();
        }
        let near = nearest(header, self.catalog);
        format!("No field has this name.{near} Map the column to a field, make it a new field, or leave it out.")
    }
}

fn target(name: String) -> To {
    match name.strip_prefix(CUSTOM).and_then(|rest| rest.strip_prefix('.')) {
        Some(slug) => To::Custom(slug.to_owned()),
        None if name == "id" => To::Id,
        None => To::Member(name),
    }
}

/// The field of that name, alias, slug or label, ignoring case, spaces, `_` and `-`; of a custom one `customFields.slug`.
pub fn named(name: &str, catalog: &Catalog) -> Option<Named> {
    let slug = name.strip_prefix(CUSTOM).and_then(|rest| rest.strip_prefix('.'));
    let custom = |slug: &str, exactly| Named::Field { name: format!("{CUSTOM}.{slug}"), exactly };
    if let Some(field) = catalog.field_with_slug(slug.unwrap_or(name).trim()) {
        return Some(custom(&field.slug, true));
    }
    if slug.is_some() {
        return None;
    }
    let bare = bare(name);
    let is = |spelling: &&str| self::bare(spelling) == bare;
    let standard = STANDARD.iter().find(|row| [row.name, row.label].iter().chain(row.aliases).any(&is));
    if let Some(row) = standard {
        let exactly = is(&row.name);
        return Some(match is_set(row.field, row.kind) || row.field == Field::Id {
            true => Named::Field { name: row.name.to_owned(), exactly },
            false => Named::Shown,
        });
    }
    if let Some(reserved) = RESERVED.iter().find(|name| is(name)) {
        let shown_only = matches!(*reserved, "version" | "displayName");
        let field = || Named::Field { name: (*reserved).to_owned(), exactly: true };
        return Some(if shown_only { Named::Shown } else { field() });
    }
    let found = catalog.fields.values().find(|custom| is(&custom.slug.as_str()) || is(&custom.name.as_str()));
    found.map(|found| custom(&found.slug, is(&found.slug.as_str())))
}

/// Whether an import sets the field.
fn is_set(field: Field, kind: Kind) -> bool {
    !matches!(field, Field::Id | Field::Name | Field::Source) && !matches!(kind, Kind::Duration | Kind::Segment)
}

/// A header as it is compared.
pub fn bare(name: &str) -> String {
    fold::compare(name).chars().filter(|letter| !letter.is_whitespace() && !matches!(letter, '_' | '-')).collect()
}

fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

fn slug_of(name: &str) -> String {
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
    if slug.is_empty() { "column".to_owned() } else { slug.to_owned() }
}

fn nearest(name: &str, catalog: &Catalog) -> String {
    let standard = STANDARD.iter().filter(|row| is_set(row.field, row.kind)).map(|row| row.name);
    suggest::did_you_mean(name, standard.chain(catalog.fields.values().map(|field| field.slug.as_str())))
}

#[cfg(test)]
mod tests;
