//! `/v1/segments`: saved filters with the live numbers of their contacts.

use std::borrow::Cow;
use std::fmt;

use axum::extract::State;
use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::answer::Answer;
use super::app::App;
use super::identifier::Key;
use super::json::JsonBody;
use super::problem::{Kind, Problem};
use super::query_string::QueryString;
use super::roles::{ChangeSegments, May, ReadSegments, SearchContacts};
use super::search::{SearchAnswer, whole_answer};
use super::strict;
use super::wire::{Deleted, Listed};
use crate::contact::{Mistake, Segment, SegmentId, Seq};
use crate::engine::{CountedSegment, NewSegment, Query, SegmentChanges, SegmentRef, Written};

/// A saved filter.
#[derive(Serialize, ToSchema)]
#[schema(as = Segment)]
pub struct SegmentBody {
    id: u32,
    name: String,
    /// The filter tree as it was given; names in it follow when what they name is renamed.
    #[schema(value_type = Object)]
    filter: Json,
    /// IANA zone of its calendar times; the workspace's where null.
    timezone: Option<String>,
    /// How many contacts belong to it, exactly; null where its filter cannot be used. Absent where nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    count: Option<Option<u64>>,
    /// Why its filter cannot be used: something it names is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<SegmentError>,
}

/// Why a segment's filter cannot be used.
#[derive(Serialize, ToSchema)]
pub struct SegmentError {
    code: &'static str,
    message: String,
}

/// A segment to make.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = NewSegment)]
#[serde(deny_unknown_fields)]
pub struct NewBody {
    /// Unique in the workspace, ignoring case; not of digits alone.
    name: String,
    /// A filter tree, as in a search; null for every contact.
    #[serde(deserialize_with = "strict::value")]
    #[schema(value_type = Object)]
    filter: Json,
    /// IANA name in any case; the workspace's where absent.
    timezone: Option<String>,
}

/// Changes of a segment.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = SegmentChanges)]
#[serde(deny_unknown_fields)]
pub struct ChangesBody {
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    filter: Option<Json>,
    /// Null for the workspace's.
    #[serde(default, deserialize_with = "strict::clearable")]
    #[schema(value_type = Option<String>)]
    timezone: Option<Option<String>>,
}

/// A filter that stands there, be it `null`.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    strict::value(deserializer).map(Some)
}

/// One segment.
#[derive(Serialize, ToSchema)]
#[schema(as = SegmentAnswer)]
pub struct SegmentAnswer {
    segment: SegmentBody,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// A segment named in a query: by id, or by name ignoring case.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum SegmentName {
    Id(u32),
    Name(String),
}

impl<'de> Deserialize<'de> for SegmentName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SegmentName, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = SegmentName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the id or the name of a segment")
            }

            fn visit_u64<E: serde::de::Error>(self, id: u64) -> Result<SegmentName, E> {
                let small = u32::try_from(id).map_err(|_| E::invalid_value(Unexpected::Unsigned(id), &self))?;
                Ok(SegmentName::Id(small))
            }

            fn visit_i64<E: serde::de::Error>(self, id: i64) -> Result<SegmentName, E> {
                Err(E::invalid_value(Unexpected::Signed(id), &self))
            }

            fn visit_str<E>(self, name: &str) -> Result<SegmentName, E> {
                Ok(SegmentName::Name(name.to_owned()))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl From<SegmentName> for SegmentRef {
    fn from(name: SegmentName) -> SegmentRef {
        match name {
            SegmentName::Id(id) => SegmentRef::Id(SegmentId(id)),
            SegmentName::Name(name) => SegmentRef::Name(name),
        }
    }
}

impl PartialSchema for SegmentName {
    fn schema() -> RefOr<Schema> {
        let either = serde_json::json!({
            "oneOf": [{"type": "integer", "minimum": 1}, {"type": "string"}],
            "description": "A segment's id, or its name ignoring case.",
        });
        serde_json::from_value::<Schema>(either)
            .map_or_else(|_| utoipa::openapi::schema::Object::new().into(), RefOr::T)
    }
}

impl ToSchema for SegmentName {
    fn name() -> Cow<'static, str> {
        "SegmentName".into()
    }
}

/// List the workspace's segments with the numbers of their contacts, all at one moment
#[utoipa::path(get, operation_id = "listSegments", path = "/segments", tag = "Segments",
    params(("count" = Option<bool>, Query, description = "`false` leaves the numbers out"),
        ("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = Listed<SegmentBody>)))]
pub async fn list(State(app): State<App>, caller: May<ReadSegments>, query: QueryString) -> Result<Answer, Problem> {
    let (min_version, counted) = (query.min_version(&["count"])?, counted(&query)?);
    app.read(move |engine| {
        let Written { value, version } = engine.segments(caller.actor(), None, counted, min_version)?;
        let items: Vec<SegmentBody> = value.into_iter().map(SegmentBody::from).collect();
        Answer::sized(version, &Listed { items, version }, 16 << 10)
    })
    .await
}

/// Make a segment
#[utoipa::path(post, operation_id = "createSegment", path = "/segments", tag = "Segments", request_body = NewBody,
    responses((status = 201, body = SegmentAnswer)))]
pub async fn create(
    State(app): State<App>,
    caller: May<ChangeSegments>,
    query: QueryString,
    JsonBody(new): JsonBody<NewBody>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    app.write(move |engine| {
        let new = NewSegment { name: new.name, filter: new.filter, timezone: new.timezone };
        let made = engine.create_segment(caller.actor(), new)?;
        let location = format!("/v1/segments/{}", made.value.id);
        Ok(answer(made)?.created(location))
    })
    .await
}

/// Read a segment with the number of its contacts
#[utoipa::path(get, operation_id = "readSegment", path = "/segments/{id}", tag = "Segments",
    params(("id" = u32, Path), ("count" = Option<bool>, Query, description = "`false` leaves the number out"),
        ("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = SegmentAnswer)))]
pub async fn read(
    State(app): State<App>,
    caller: May<ReadSegments>,
    key: Key,
    query: QueryString,
) -> Result<Answer, Problem> {
    let (min_version, counted) = (query.min_version(&["count"])?, counted(&query)?);
    let id = SegmentId(key.id()?);
    app.read(move |engine| {
        let Written { value, version } = engine.segments(caller.actor(), Some(id), counted, min_version)?;
        let segment = value.into_iter().next().ok_or_else(|| Problem::absent("segment", &key.0))?.into();
        Answer::ok(version, &SegmentAnswer { segment, version })
    })
    .await
}

/// Rename a segment or change its filter
#[utoipa::path(patch, operation_id = "updateSegment", path = "/segments/{id}", tag = "Segments", request_body = ChangesBody,
    params(("id" = u32, Path)), responses((status = 200, body = SegmentAnswer)))]
pub async fn update(
    State(app): State<App>,
    caller: May<ChangeSegments>,
    key: Key,
    query: QueryString,
    JsonBody(changes): JsonBody<ChangesBody>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let id = SegmentId(key.id()?);
    app.write(move |engine| {
        let changes = SegmentChanges { name: changes.name, filter: changes.filter, timezone: changes.timezone };
        answer(engine.update_segment(caller.actor(), id, changes)?)
    })
    .await
}

/// Remove a segment that no other names
#[utoipa::path(delete, operation_id = "deleteSegment", path = "/segments/{id}", tag = "Segments", params(("id" = u32, Path)),
    responses((status = 200, body = Deleted)))]
pub async fn delete(
    State(app): State<App>,
    caller: May<ChangeSegments>,
    key: Key,
    query: QueryString,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let id = key.id()?;
    app.write(move |engine| {
        let version = engine.delete_segment(caller.actor(), SegmentId(id))?.version;
        Answer::ok(version, &Deleted { deleted: id, version })
    })
    .await
}

/// Page through a segment's contacts, those with the newest message first
#[utoipa::path(get, operation_id = "listSegmentContacts", path = "/segments/{id}/contacts", tag = "Segments",
    params(("id" = u32, Path), ("offset" = Option<usize>, Query), ("limit" = Option<usize>, Query, description = "1 to 100; 25 where absent"),
        ("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = SearchAnswer<'static>)))]
pub async fn contacts(
    State(app): State<App>,
    caller: May<SearchContacts>,
    key: Key,
    query: QueryString,
) -> Result<Answer, Problem> {
    let min_version = query.min_version(&["offset", "limit"])?;
    let number =
        |name| Ok::<_, Problem>(query.number(name)?.map(|number| usize::try_from(number).unwrap_or(usize::MAX)));
    let (id, offset, limit) = (SegmentId(key.id()?), number("offset")?.unwrap_or(0), number("limit")?);
    let at_hand = caller.at_hand(app.engine(), min_version);
    app.read_here(at_hand, move |engine| {
        let known = engine.definitions(caller.actor().workspace, min_version)?.value.segments.contains_key(&id);
        if !known {
            return Err(Problem::absent("segment", &key.0));
        }
        let query = Query { segment: Some(id.into()), offset, limit, min_version, ..Query::default() };
        whole_answer(&engine.search_json(caller.actor(), &query)?)
    })
    .await
}

fn counted(query: &QueryString) -> Result<bool, Problem> {
    match query.one("count")? {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => {
            let detail = format!("the query parameter count is true or false, not {other:?}");
            Err(Problem::new(Kind::InvalidQuery, detail).code("invalid_parameter"))
        }
    }
}

fn answer(written: Written<Segment>) -> Result<Answer, Problem> {
    let version = written.version;
    let segment = CountedSegment { segment: written.value, count: None }.into();
    Answer::ok(version, &SegmentAnswer { segment, version })
}

impl From<CountedSegment> for SegmentBody {
    fn from(counted: CountedSegment) -> SegmentBody {
        let CountedSegment { segment, count } = counted;
        let error = match &count {
            Some(Err(Mistake { code, message, .. })) => Some(SegmentError { code, message: message.clone() }),
            _ => None,
        };
        SegmentBody {
            id: segment.id.0,
            name: segment.name,
            filter: serde_json::from_str(&segment.filter).unwrap_or_default(),
            timezone: segment.timezone,
            count: count.map(Result::ok),
            error,
        }
    }
}
