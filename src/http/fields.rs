//! `/v1/fields`: every field a filter, a sort or a column can name, and the workspace's custom ones.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::identifier::Key;
use super::json::JsonBody;
use super::problem::Problem;
use super::query_string::QueryString;
use super::roles::{ChangeDefinitions, May, ReadDefinitions};
use super::strict::clearable;
use super::wire::{Deleted, Listed};
use crate::contact::{Catalog, CustomField, DataType, Field, Seq};
use crate::engine::NewField;
use crate::filter::op;

/// What a custom field holds.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DataTypeName {
    Text,
    List,
    Checkbox,
    Email,
    Number,
    Url,
    Date,
    Time,
}

/// A field.
#[derive(Serialize, ToSchema)]
#[schema(as = Field)]
#[serde(rename_all = "camelCase")]
pub struct FieldBody {
    /// The name that filters, sorts, facets and columns take: a custom field's slug.
    name: String,
    /// The heading a person reads.
    label: String,
    /// Decides the operators: `text`, `phone`, `choice`, `set`, `number`, `instant`, `duration`, `date`, `time`, `checkbox` or `segment`.
    kind: &'static str,
    /// Operators a condition on it may have.
    operators: Vec<&'static str>,
    sortable: bool,
    facetable: bool,
    /// Custom fields: what else there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<CustomFieldBody>,
}

/// What only a custom field has.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomField)]
#[serde(rename_all = "camelCase")]
pub struct CustomFieldBody {
    id: u32,
    description: Option<String>,
    data_type: DataTypeName,
    /// Lists: the choices in their order.
    allowed_values: Vec<String>,
    /// Whether the search box looks here.
    searchable: bool,
}

/// A custom field to make.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = NewField)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewFieldBody {
    /// Up to 50 characters.
    name: String,
    /// `[A-Za-z0-9_]{1,50}`, fixed once made; from the name where absent.
    slug: Option<String>,
    /// Up to 255 characters.
    description: Option<String>,
    data_type: DataTypeName,
    /// Lists: the choices in their order.
    #[serde(default)]
    allowed_values: Vec<String>,
    /// Whether the search box looks here (text, email and url fields).
    #[serde(default)]
    searchable: bool,
}

/// Changes of a custom field; slug and type are fixed.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = FieldChanges)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FieldChanges {
    name: Option<String>,
    #[serde(default, deserialize_with = "clearable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// Lists: all choices, the old ones first, in their order; new ones are appended.
    allowed_values: Option<Vec<String>>,
    searchable: Option<bool>,
}

/// One field.
#[derive(Serialize, ToSchema)]
pub struct FieldAnswer {
    field: FieldBody,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// List every field with its operators
#[utoipa::path(get, operation_id = "listFields", path = "/fields", tag = "Workspace",
    params(("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = Listed<FieldBody>)))]
pub async fn list(State(app): State<App>, caller: May<ReadDefinitions>, query: QueryString) -> Result<Answer, Problem> {
    let min_version = query.min_version(&[])?;
    app.read(move |engine| {
        let found = engine.definitions(caller.actor().workspace, min_version)?;
        let items = Field::all(&found.value).map(|field| FieldBody::of(field, &found.value)).collect();
        Answer::sized(found.version, &Listed { items, version: found.version }, 16_384)
    })
    .await
}

/// Make a custom field; it can be filtered, sorted and searched at once
#[utoipa::path(post, operation_id = "createField", path = "/fields", tag = "Workspace", request_body = NewFieldBody,
    responses((status = 201, body = FieldAnswer)))]
pub async fn create(
    State(app): State<App>,
    caller: May<ChangeDefinitions>,
    query: QueryString,
    JsonBody(new): JsonBody<NewFieldBody>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let workspace = caller.actor().workspace;
    app.define(workspace, move |engine| {
        let new = NewField {
            name: new.name,
            slug: new.slug,
            description: new.description,
            data_type: new.data_type.into(),
            allowed_values: new.allowed_values,
            searchable: new.searchable,
        };
        let made = engine.create_field(caller.actor(), new)?;
        let location = format!("/v1/fields/{}", made.value.slug);
        Ok(answer(&made.value, made.version)?.created(location))
    })
    .await
}

/// Change a custom field's name, description, searchability, or append choices
#[utoipa::path(patch, operation_id = "updateField", path = "/fields/{slug}", tag = "Workspace", request_body = FieldChanges,
    params(("slug" = String, Path, description = "The custom field's slug")),
    responses((status = 200, body = FieldAnswer)))]
pub async fn update(
    State(app): State<App>,
    caller: May<ChangeDefinitions>,
    key: Key,
    query: QueryString,
    JsonBody(changes): JsonBody<FieldChanges>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let workspace = caller.actor().workspace;
    app.define(workspace, move |engine| {
        let mut field = named(&key, &*engine.catalog(workspace)?)?;
        field.name = changes.name.unwrap_or(field.name);
        field.description = changes.description.unwrap_or(field.description);
        field.allowed_values = changes.allowed_values.unwrap_or(field.allowed_values);
        field.searchable = changes.searchable.unwrap_or(field.searchable);
        let put = engine.put_field(caller.actor(), field)?;
        answer(&put.value, put.version)
    })
    .await
}

/// Remove a custom field and its values from every contact
#[utoipa::path(delete, operation_id = "deleteField", path = "/fields/{slug}", tag = "Workspace",
    params(("slug" = String, Path, description = "The custom field's slug")),
    responses((status = 200, body = Deleted)))]
pub async fn delete(
    State(app): State<App>,
    caller: May<ChangeDefinitions>,
    key: Key,
    query: QueryString,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let workspace = caller.actor().workspace;
    app.define(workspace, move |engine| {
        let field = named(&key, &*engine.catalog(workspace)?)?;
        let version = engine.delete_field(workspace, field.id)?;
        Answer::ok(version, &Deleted { deleted: field.id.0, version })
    })
    .await
}

fn named(key: &Key, catalog: &Catalog) -> Result<CustomField, Problem> {
    match Field::named(&key.0, catalog) {
        Some(Field::Custom(id)) => catalog.fields.get(&id).cloned(),
        Some(_) => {
            return Err(Problem::mistake("slug", "standard_field", "a standard field cannot be changed or removed"));
        }
        None => None,
    }
    .ok_or_else(|| Problem::absent("custom field", &key.0))
}

fn answer(field: &CustomField, version: Seq) -> Result<Answer, Problem> {
    let mut catalog = Catalog::default();
    catalog.put_field(field.clone());
    Answer::ok(version, &FieldAnswer { field: FieldBody::of(Field::Custom(field.id), &catalog), version })
}

impl FieldBody {
    fn of(field: Field, catalog: &Catalog) -> FieldBody {
        let custom = match field {
            Field::Custom(id) => catalog.fields.get(&id),
            _ => None,
        };
        let label = field.standard().map(|row| row.label).or(custom.map(|custom| custom.name.as_str()));
        let kind = field.kind(catalog);
        FieldBody {
            name: field.name(catalog).to_owned(),
            label: label.unwrap_or_default().to_owned(),
            kind: op::kind_name(kind),
            operators: op::of_kind(kind).map(|operator| operator.name).collect(),
            sortable: field.is_sortable(),
            facetable: field.is_facetable(catalog),
            custom: custom.map(|custom| CustomFieldBody {
                id: custom.id.0,
                description: custom.description.clone(),
                data_type: custom.data_type.into(),
                allowed_values: custom.allowed_values.clone(),
                searchable: custom.searchable,
            }),
        }
    }
}

macro_rules! data_types {
    ($($name:ident)*) => {
        impl From<DataTypeName> for DataType {
            fn from(name: DataTypeName) -> DataType {
                match name { $(DataTypeName::$name => DataType::$name,)* }
            }
        }

        impl From<DataType> for DataTypeName {
            fn from(data_type: DataType) -> DataTypeName {
                match data_type { $(DataType::$name => DataTypeName::$name,)* }
            }
        }
    };
}

data_types! { Text List Checkbox Email Number Url Date Time }
