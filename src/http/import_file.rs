//! `/v1/imports/{id}/file` and `/result`: the file of an import comes in and its failed rows go out, both streamed. An upload
//! has limits of its own: it may be large and take long, as long as it goes on.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use tokio::sync::mpsc::{Receiver, channel};

use super::answer::{Answer, VERSION};
use super::app::App;
use super::identifier::Key;
use super::imports::{ImportAnswer, answer};
use super::problem::{Kind, Problem};
use super::query_string::QueryString;
use super::roles::{ImportContacts, May};
use crate::contact::{JobId, WorkspaceId};
use crate::engine::export::Format;
use crate::engine::{Engine, Error, Written};

/// Bytes of an upload that become durable together.
const GROUP: usize = 1 << 20;

/// Upload an import's file, or go on with it at an offset; at the end of the body the file is looked at
#[utoipa::path(put, operation_id = "uploadImportFile", path = "/imports/{id}/file", tag = "Imports",
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file as it is, or a piece of it"),
    params(("id" = u32, Path, description = "The import's id"),
           ("offset" = Option<u64>, Query, description = "Where the piece begins in the file; 0 where absent"),
           ("more" = Option<bool>, Query, description = "true: further pieces follow")),
    responses((status = 200, body = ImportAnswer)))]
pub async fn upload(
    State(app): State<App>,
    caller: May<ImportContacts>,
    key: Key,
    query: QueryString,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer, Problem> {
    query.only(&["offset", "more"])?;
    let (offset, id) = (query.number("offset")?.unwrap_or(0), JobId(key.id()?));
    let more = match query.one("more")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            let detail = format!("the query parameter more is true or false, not {other:?}");
            return Err(Problem::new(Kind::InvalidQuery, detail).code("invalid_parameter"));
        }
    };
    if headers.get(CONTENT_ENCODING).is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let detail = "a compressed file is not read; send it as it is";
        return Err(Problem::new(Kind::UnsupportedMediaType, detail));
    }
    let limit = app.engine().settings().import_bytes_max;
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if offset.saturating_add(announced.unwrap_or(0)) > limit {
        return Err(too_large(limit));
    }
    let ws = caller.actor().workspace;
    // An import that is not there is said before a large file was sent in vain.
    app.read(move |engine| Ok(engine.import(ws, id).map(|_| ())?)).await?;
    let upload = Upload { app: &app, ws, id, limit, at: offset };
    upload.take(body).await?;
    app.write(move |engine| {
        let version = match more {
            true => engine.definitions(ws, None)?.version,
            false => engine.end_upload(ws, id)?.version,
        };
        answer(engine, ws, &Written { value: id, version })
    })
    .await
}

fn too_large(limit: u64) -> Problem {
    let detail = format!("a file to import may have {limit} bytes at most: split it");
    Problem::new(Kind::BodyTooLarge, detail).limit(usize::try_from(limit).unwrap_or(usize::MAX))
}

struct Upload<'a> {
    app: &'a App,
    ws: WorkspaceId,
    id: JobId,
    limit: u64,
    at: u64,
}

impl Upload<'_> {
    /// Stores what comes, group by group; what was stored stays when the rest does not come.
    async fn take(mut self, mut body: Body) -> Result<(), Problem> {
        let pause = Duration::from_millis(self.app.settings().upload_pause_ms);
        let mut group: Vec<u8> = Vec::new();
        loop {
            let next = tokio::time::timeout(pause, poll_fn(|context| Pin::new(&mut body).poll_frame(context)));
            let frame = match next.await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => return self.store(group).await,
                Ok(Some(Err(_))) => {
                    self.store(group).await?;
                    return Err(
                        Problem::new(Kind::Invalid, "the body broke off; go on where it ended").code("body_broken")
                    );
                }
                Err(_) => {
                    self.store(group).await?;
                    let detail = format!("nothing came for {} ms; go on where it ended", pause.as_millis());
                    return Err(Problem::new(Kind::BodyTimeout, detail));
                }
            };
            group.extend_from_slice(&frame.into_data().unwrap_or_default());
            if group.len() >= GROUP {
                self.store(std::mem::take(&mut group)).await?;
            }
        }
    }

    async fn store(&mut self, group: Vec<u8>) -> Result<(), Problem> {
        let (ws, id, at, limit) = (self.ws, self.id, self.at, self.limit);
        if group.is_empty() {
            return Ok(());
        }
        self.at += group.len() as u64;
        let put = move |engine: &Engine| match engine.upload(ws, id, at, group) {
            Ok(_) => Ok(()),
            Err(Error::Limit { .. }) => Err(too_large(limit)),
            Err(error) => Err(error.into()),
        };
        self.app.write(put).await
    }
}

/// Download the rows that failed, each with its reason, in the form of the file; it can be imported again
#[utoipa::path(get, operation_id = "getImportResult", path = "/imports/{id}/result", tag = "Imports",
    params(("id" = u32, Path, description = "The import's id")),
    responses((status = 200, description = "CSV with the column `importError`, or NDJSON", content_type = "text/csv", body = String)))]
pub async fn result(
    State(app): State<App>,
    caller: May<ImportContacts>,
    key: Key,
    query: QueryString,
) -> Result<Response, Problem> {
    query.only(&[])?;
    let (ws, id) = (caller.actor().workspace, JobId(key.id()?));
    let (mut result, version, first) = app
        .read(move |engine| {
            let version = engine.definitions(ws, None)?.version;
            let mut result = engine.import_result(ws, id)?;
            let first = result.piece()?;
            Ok((result, version, first))
        })
        .await?;
    let (kind, ending) = match result.format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Ndjson => ("application/x-ndjson", "ndjson"),
    };
    let (tell, pieces) = channel::<Bytes>(2);
    tokio::spawn(async move {
        let mut piece = first;
        while !piece.is_empty() && tell.send(piece.into()).await.is_ok() {
            let next = app.read(move |_| Ok((result.piece()?, result))).await;
            // A body that breaks off is seen as such by its reader; the store's failure is in the log.
            let Ok((more, rest)) = next else { return };
            (piece, result) = (more, rest);
        }
    });
    let mut response = Body::new(Pieces(pieces)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(VERSION, HeaderValue::from(version.0));
    let name = format!("attachment; filename=\"import-{id}-failed.{ending}\"");
    headers.extend(HeaderValue::try_from(name).ok().map(|name| (CONTENT_DISPOSITION, name)));
    Ok(response)
}

/// A body of pieces that are made elsewhere.
struct Pieces(Receiver<Bytes>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
