//! `/v1/contacts/export` and `/v1/contacts/page.csv`: contacts as a file.
//!
//! An export is of one moment, however long it takes: what its caller is slow to take waits in a file ([`super::spool`]), so
//! that the moment has to be kept only while that is written. The answer says how many contacts it holds before the first of
//! them; it ends well only when all were sent, else the connection is broken off.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Response, Version};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use super::answer::VERSION;
use super::app::App;
use super::json::JsonBody;
use super::problem::{Kind, Problem};
use super::query_string::QueryString;
use super::roles::{ExportContacts, May};
use super::search::{SearchBody, resolve};
use super::segments::SegmentName;
use super::spool::{self, Filling, Limits, Reading};
use super::strict;
use crate::contact::{Millis, Seq, time};
use crate::engine::Query;
use crate::engine::export::{self, Export, Failed};

/// How many contacts the answer holds.
const COUNT: HeaderName = HeaderName::from_static("rollcall-count");
const CSV: &str = "text/csv; charset=utf-8";
/// What makes Excel read a CSV as UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What is exported, and how. Without search, filter and segment it is every contact.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExportBody {
    format: Format,
    /// CSV: begin with a byte order mark, which Excel needs to read it as UTF-8.
    #[serde(default)]
    bom: bool,
    /// Words, each of which must match somewhere in the contact.
    search: Option<String>,
    /// A filter tree.
    #[serde(default, deserialize_with = "strict::optional")]
    #[schema(value_type = Option<Object>)]
    filter: Option<Json>,
    /// A saved filter, by its id or name.
    segment: Option<SegmentName>,
    /// IANA name in any case; the workspace's where absent.
    timezone: Option<String>,
    /// Wait briefly until the workspace has this version.
    min_version: Option<u64>,
}

/// The form of an export.
#[derive(Clone, Copy, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ExportFormat)]
enum Format {
    /// A header, then one line per contact; custom fields are columns by their slugs.
    Csv,
    /// One JSON object per line.
    Ndjson,
}

impl ExportBody {
    fn query(self) -> Query {
        Query {
            search: self.search,
            filter: self.filter,
            segment: self.segment.map(Into::into),
            timezone: self.timezone,
            min_version: self.min_version.map(Seq),
            ..Query::default()
        }
    }
}

/// Export every match of a query as it is now, ascending by id
///
/// `Rollcall-Count` says how many contacts the file holds, `Rollcall-Version` of which moment it is. What is changed, deleted
/// or defined while it is sent does not show in it: a contact deleted meanwhile is still there. The answer ends regularly only
/// when all of it was sent; a connection that breaks off left a file that is not whole.
#[utoipa::path(post, operation_id = "exportContacts", path = "/contacts/export", tag = "Import and export",
    request_body = ExportBody,
    responses((status = 200, content((String = "text/csv"), (String = "application/x-ndjson")),
        headers(("Rollcall-Count" = u64, description = "Contacts in the file"),
                ("Rollcall-Version" = u64, description = "The workspace's version the file reflects"),
                ("Content-Disposition" = String, description = "A name for the file")))))]
pub async fn export(
    State(app): State<App>,
    caller: May<ExportContacts>,
    query: QueryString,
    protocol: Version,
    JsonBody(body): JsonBody<ExportBody>,
) -> Result<Response<Body>, Problem> {
    query.only(&[])?;
    if body.bom && body.format == Format::Ndjson {
        return Err(Problem::mistake("bom", "not_for_this_format", "only CSV may begin with a byte order mark"));
    }
    let slot = Arc::new(app.export_slot().ok_or_else(too_many)?);
    let begun = app.clone();
    let (format, bom) = (body.format, body.bom);
    let (export, filling, reading, now) = app
        .read(move |engine| {
            let export = engine.export(caller.actor(), &body.query())?;
            let (filling, reading) = begun.spool(engine.index_dir()).map_err(no_spool)?;
            Ok((export, filling, reading, engine.clock().now()))
        })
        .await?;
    let head = head(format, now, export.count(), export.version());
    let writing = tokio::task::spawn_blocking({
        let slot = slot.clone();
        move || write(export, format, bom, filling, &slot)
    });
    let settings = app.settings();
    // HTTP/1.0 knows no other end than the connection's: without a length half an export would look whole.
    let wait = if protocol > Version::HTTP_10 { settings.export_head_wait_ms } else { settings.timeout_ms };
    let body = settle(reading, writing, (wait, settings.export_stall_s), slot).await?;
    let mut response = Response::new(body);
    response.headers_mut().extend(head);
    Ok(response)
}

/// The page of a search as CSV: the same columns under their labels, up to 100 rows
#[utoipa::path(post, operation_id = "exportPage", path = "/contacts/page.csv", tag = "Import and export",
    request_body = SearchBody,
    responses((status = 200, content_type = "text/csv", body = String,
        headers(("Rollcall-Count" = u64, description = "Contacts in the file"),
                ("Rollcall-Version" = u64, description = "The workspace's version the file reflects"),
                ("Content-Disposition" = String, description = "A name for the file")))))]
pub async fn page(
    State(app): State<App>,
    caller: May<ExportContacts>,
    query: QueryString,
    JsonBody(body): JsonBody<SearchBody>,
) -> Result<Response<Body>, Problem> {
    query.only(&[])?;
    app.read(move |engine| {
        let (query, columns) = body.query();
        if let Some(names) = &columns {
            resolve(names, &*engine.catalog(caller.actor().workspace)?)?;
        }
        let page = engine.search(caller.actor(), &query)?;
        let columns = columns.map(|names| resolve(&names, &page.catalog)).transpose()?;
        let csv = export::page(&page, columns.as_deref());
        let mut response = Response::new(Body::from(csv));
        let count = page.contacts.len() as u64;
        response.headers_mut().extend(head(Format::Csv, engine.clock().now(), count, page.version));
        Ok(response)
    })
    .await
}

/// The headers of a file.
fn head(format: Format, now: Millis, count: u64, version: Seq) -> Vec<(HeaderName, HeaderValue)> {
    let (media_type, ending) = match format {
        Format::Csv => (CSV, "csv"),
        Format::Ndjson => ("application/x-ndjson", "ndjson"),
    };
    let mut headers = vec![
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (COUNT, HeaderValue::from(count)),
        (VERSION, HeaderValue::from(version.0)),
    ];
    let day = time::rfc3339(now);
    let name = format!("attachment; filename=\"contacts-{}.{ending}\"", day.get(..10).unwrap_or_default());
    headers.extend(HeaderValue::try_from(name).ok().map(|name| (CONTENT_DISPOSITION, name)));
    headers
}

/// Writes the whole export into the spool. `_slot` is held until it is over.
fn write(
    export: Export,
    format: Format,
    bom: bool,
    mut filling: Filling,
    _slot: &OwnedSemaphorePermit,
) -> Result<(), Failed> {
    let (count, version) = (export.count(), export.version());
    let workspace = export.catalog().workspace.id.0;
    let form = match format {
        Format::Csv => export::Format::Csv,
        Format::Ndjson => export::Format::Ndjson,
    };
    let mut done = 0;
    let written = (|| {
        if bom {
            std::io::Write::write_all(&mut filling, BYTE_ORDER_MARK)?;
        }
        export.write(form, &mut filling, &mut |contacts| done = contacts)?;
        Ok(filling.finish()?)
    })();
    if let Err(error) = &written {
        tracing::warn!(workspace, version = version.0, count, done, %error, "an export was broken off");
    }
    written
}

/// The body: of a known length where all is written within that many milliseconds, else as it comes; a refusal where it
/// failed by then. Who takes nothing for so many seconds is given up.
async fn settle(
    mut reading: Reading,
    writing: tokio::task::JoinHandle<Result<(), Failed>>,
    (wait, stall): (u64, u64),
    slot: Arc<OwnedSemaphorePermit>,
) -> Result<Body, Problem> {
    let length = match reading.settled(Duration::from_millis(wait)).await {
        Some(Ok(length)) => Some(length),
        None => None,
        Some(Err(_)) => {
            return Err(match writing.await {
                Ok(Err(Failed::Engine(error))) => error.into(),
                _ => Problem::internal().code("export_failed"),
            });
        }
    };
    Ok(Body::new(reading.body(length, Duration::from_secs(stall), slot)))
}

fn too_many() -> Problem {
    let detail = "as many exports are under way as this server takes at once; try again when one has ended";
    Problem::new(Kind::RateLimited, detail).code("too_many_exports").retry_after(10)
}

fn no_spool(error: std::io::Error) -> Problem {
    tracing::error!(%error, "an export has no file to be written to");
    Problem::internal().code("export_failed")
}

impl App {
    /// A file for an export under way, in the folder the settings name, else in that of the index.
    fn spool(&self, index_dir: Option<&Path>) -> std::io::Result<(Filling, Reading)> {
        let settings = self.settings();
        let named = Some(&settings.export_folder).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let limits = Limits { bytes_max: settings.export_bytes_max, free_min: settings.export_free_bytes_min };
        let app = self.clone();
        spool::spool(named.as_deref().or(index_dir), limits, move || app.is_closing())
    }
}
