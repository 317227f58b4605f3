//! A good answer: JSON written straight to bytes on the thread that computed it, with the version it reflects.

use axum::http::header::{CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::Problem;
use crate::contact::Seq;

/// The header that repeats an answer's `version`.
pub const VERSION: HeaderName = HeaderName::from_static("rollcall-version");

/// A good answer, ready to send.
pub struct Answer {
    status: StatusCode,
    version: Seq,
    body: Vec<u8>,
    location: Option<String>,
}

impl Answer {
    /// 200 with a body that holds `version` too.
    ///
    /// # Errors
    /// `internal` where the body cannot be written as JSON.
    pub fn ok(version: Seq, body: &impl Serialize) -> Result<Answer, Problem> {
        Answer::sized(version, body, 512)
    }

    /// 200 with a body of about that many bytes.
    ///
    /// # Errors
    /// As [`Answer::ok`].
    pub fn sized(version: Seq, body: &impl Serialize, bytes: usize) -> Result<Answer, Problem> {
        let mut buffer = Vec::with_capacity(bytes);
        serde_json::to_writer(&mut buffer, body).map_err(|_| Problem::internal())?;
        Ok(Answer::written(version, buffer))
    }

    /// 200 with JSON that is already written.
    pub fn written(version: Seq, body: Vec<u8>) -> Answer {
        Answer { status: StatusCode::OK, version, body, location: None }
    }

    /// The same as 202: what was asked for goes on.
    pub fn accepted(mut self) -> Answer {
        self.status = StatusCode::ACCEPTED;
        self
    }

    /// The same as 201 with the address of what was made.
    pub fn created(mut self, location: String) -> Answer {
        self.status = StatusCode::CREATED;
        self.location = Some(location);
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(VERSION, HeaderValue::from(self.version.0));
        if let Some(location) = self.location.and_then(|location| HeaderValue::try_from(location).ok()) {
            headers.insert(LOCATION, location);
        }
        response
    }
}
