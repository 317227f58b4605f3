//! Every refusal in one shape: problem details (RFC 9457) with a stable `code`.

use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::contact::Mistake;
use crate::engine;
use crate::store::StoreError;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $status:literal $slug:literal $title:literal;)*) => {
        /// What kind of refusal it is: it decides status and title. The `code` is the kind's own word or a narrower one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// Status, word and title.
            pub fn row(self) -> (u16, &'static str, &'static str) {
                match self { $(Kind::$kind => ($status, $slug, $title),)* }
            }
        }
    };
}

kinds! {
    Invalid 400 "invalid" "The request holds something that is not accepted";
    InvalidUtf8 400 "invalid_utf8" "The request is not UTF-8";
    InvalidJson 400 "invalid_json" "The body is not JSON";
    TooDeep 400 "too_deep" "The body is nested too deeply";
    MissingBody 400 "missing_body" "The request needs a body";
    InvalidQuery 400 "invalid_query" "The query string holds something that is not accepted";
    InvalidIdentifier 400 "invalid_identifier" "The identifier cannot be read";
    Unauthenticated 401 "unauthenticated" "A token is needed";
    InvalidToken 401 "invalid_token" "The token is not valid";
    Forbidden 403 "forbidden" "Not allowed to this user";
    NotFound 404 "not_found" "There is no such thing";
    NoSuchRoute 404 "no_such_route" "There is nothing at this address";
    MethodNotAllowed 405 "method_not_allowed" "The method does not exist here";
    BodyTimeout 408 "body_timeout" "The body came too slowly";
    Conflict 409 "conflict" "The name, e-mail or phone is taken";
    NotNow 409 "not_now" "It cannot be done as things stand";
    BodyTooLarge 413 "body_too_large" "The body is too large";
    UnsupportedMediaType 415 "unsupported_media_type" "The body must be JSON in UTF-8";
    WindowExceeded 422 "window_exceeded" "The page lies beyond the window";
    LimitExceeded 422 "limit_exceeded" "A limit is reached";
    KeyReused 422 "idempotency_key_reused" "The idempotency key was used for another request";
    RateLimited 429 "rate_limited" "Too many requests";
    Internal 500 "internal" "The server failed";
    ReadOnly 503 "read_only" "No writes are taken at present";
    VersionNotReached 503 "version_not_reached" "The version is not reached yet";
    TimedOut 503 "timed_out" "The answer took too long";
    Closing 503 "closing" "The server is shutting down";
}

/// A refusal, on its way to the caller.
#[derive(Clone, Debug)]
pub struct Problem(Box<Details>);

#[derive(Clone, Debug)]
struct Details {
    kind: Kind,
    code: &'static str,
    detail: String,
    mistakes: Vec<Mistake>,
    holder: Option<u32>,
    limit: Option<usize>,
    version: Option<u64>,
    place: Option<(usize, usize)>,
    retry_after: Option<u64>,
    details: Option<Box<Json>>,
}

/// A refusal as it is sent (RFC 9457). Its media type is `application/problem+json`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
#[serde(rename_all = "camelCase")]
pub struct ProblemBody<'a> {
    /// Address of the explanation of this kind of refusal, on this server.
    #[serde(rename = "type")]
    #[schema(example = "/errors#invalid")]
    type_: String,
    /// The kind of refusal in words.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What was wrong this time, in words.
    detail: &'a str,
    /// A stable machine word: the kind's, or a narrower one such as `unknown_field`.
    #[schema(example = "unknown_field")]
    code: &'a str,
    /// Where the first mistake stands: `filter.$and[1].value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    /// Every mistake found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mistakes: Vec<MistakeBody<'a>>,
    /// Line of the body where reading stopped, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Column of that line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// The contact that holds the e-mail or phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<u32>,
    /// The limit that was passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
    /// The workspace's version now, where a later one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// Seconds after which trying again makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// What a program needs to know of it, in the form the route says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    details: Option<&'a Json>,
}

/// One mistake in what was sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Mistake)]
struct MistakeBody<'a> {
    /// Where it stands.
    path: &'a str,
    /// A stable machine word.
    code: &'a str,
    /// What was found and what would do.
    message: &'a str,
}

/// The code of a refusal, left on the response for the log.
#[derive(Clone, Copy)]
pub struct Code(pub &'static str);

impl Problem {
    /// A refusal of that kind, explained by `detail`.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Problem {
        let details = Details {
            kind,
            code: kind.row().1,
            detail: detail.into(),
            mistakes: Vec::new(),
            holder: None,
            limit: None,
            version: None,
            place: None,
            retry_after: None,
            details: None,
        };
        Problem(Box::new(details))
    }

    /// A refusal of mistakes in the input.
    pub fn mistakes(mistakes: Vec<Mistake>) -> Problem {
        let detail = match mistakes.as_slice() {
            [] => "the input is not accepted".into(),
            [one] => one.to_string(),
            [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
        };
        let code = mistakes.first().map_or("invalid", |mistake| mistake.code);
        let mut problem = Problem::new(Kind::Invalid, detail).code(code);
        problem.0.mistakes = mistakes;
        problem
    }

    /// A refusal of one mistake.
    pub fn mistake(path: impl Into<String>, code: &'static str, message: impl Into<String>) -> Problem {
        Problem::mistakes(vec![Mistake::new(path, code, message)])
    }

    /// There is no such thing, or the caller may not know of it: both read the same.
    pub fn absent(what: &str, name: &str) -> Problem {
        Problem::new(Kind::NotFound, format!("there is no {what} {name} in this workspace"))
    }

    /// A failure inside; what happened stands in the log only.
    pub fn internal() -> Problem {
        Problem::new(Kind::Internal, "something failed inside the server; the request's id leads to the log")
    }

    /// The same with a narrower code.
    pub fn code(mut self, code: &'static str) -> Problem {
        self.0.code = code;
        self
    }

    /// The same with the limit that was passed.
    pub fn limit(mut self, limit: usize) -> Problem {
        self.0.limit = Some(limit);
        self
    }

    /// The same with the place in the body where reading stopped.
    pub fn place(mut self, line: usize, column: usize) -> Problem {
        self.0.place = Some((line, column));
        self
    }

    /// The same with the seconds to wait.
    pub fn retry_after(mut self, seconds: u64) -> Problem {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The kind of refusal.
    #[cfg(test)]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    fn body(&self) -> Vec<u8> {
        let (status, slug, title) = self.0.kind.row();
        let body = ProblemBody {
            type_: format!("/errors#{slug}"),
            title,
            status,
            detail: &self.0.detail,
            code: self.0.code,
            path: self.0.mistakes.first().map(|mistake| mistake.path.as_str()).filter(|path| !path.is_empty()),
            mistakes: self.0.mistakes.iter().map(MistakeBody::of).collect(),
            line: self.0.place.map(|(line, _)| line),
            column: self.0.place.map(|(_, column)| column),
            holder: self.0.holder,
            limit: self.0.limit,
            version: self.0.version,
            retry_after: self.0.retry_after,
            details: self.0.details.as_deref(),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl MistakeBody<'_> {
    fn of(mistake: &Mistake) -> MistakeBody<'_> {
        MistakeBody { path: &mistake.path, code: mistake.code, message: &mistake.message }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = self.0.kind;
        let status = StatusCode::from_u16(kind.row().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match kind {
            Kind::Unauthenticated => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"rollcall\""));
            }
            Kind::InvalidToken => {
                let value = HeaderValue::from_static("Bearer realm=\"rollcall\", error=\"invalid_token\"");
                headers.insert(WWW_AUTHENTICATE, value);
            }
            Kind::BodyTimeout => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        if let Some(seconds) = self.0.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Code(self.0.code));
        response
    }
}

impl From<engine::Error> for Problem {
    fn from(error: engine::Error) -> Problem {
        use engine::Error;
        let code = error.code();
        let said = error.to_string();
        match error {
            Error::Invalid(mistakes) => Problem::mistakes(mistakes),
            Error::NotFound { .. } => Problem::new(Kind::NotFound, said),
            Error::Conflict { holder, .. } => {
                let mut problem = Problem::new(Kind::Conflict, said);
                problem.0.holder = holder.map(|id| id.0);
                problem
            }
            Error::WindowExceeded { window_max, .. } => Problem::new(Kind::WindowExceeded, said).limit(window_max),
            Error::Forbidden(_) => Problem::new(Kind::Forbidden, said),
            Error::NotYet { current, .. } => {
                let mut problem = Problem::new(Kind::VersionNotReached, said).retry_after(1);
                problem.0.version = Some(current);
                problem
            }
            Error::KeyReused => Problem::new(Kind::KeyReused, said),
            Error::State { code, details, .. } => {
                let mut problem = Problem::new(Kind::NotNow, said).code(code);
                problem.0.details = details;
                problem
            }
            Error::Limit { limit, .. } => Problem::new(Kind::LimitExceeded, said).limit(limit),
            Error::Store(StoreError::ReadOnly(_)) => {
                tracing::error!(code, error = %said, "a write was refused");
                Problem::new(Kind::ReadOnly, "the store takes no writes at present; reads go on")
            }
            Error::Store(_) | Error::Io(_) => {
                tracing::error!(code, error = %said, "the engine failed");
                Problem::internal().code(code)
            }
            Error::Closing => Problem::new(Kind::Closing, said).retry_after(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sent(problem: Problem) -> (Response, serde_json::Value) {
        let mut response = problem.into_response();
        let body = std::mem::take(response.body_mut());
        let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        (response, serde_json::from_slice(&bytes).expect("JSON"))
    }

    #[tokio::test]
    async fn mistakes_are_listed_and_the_first_gives_path_and_code() {
        let mistakes = vec![
            Mistake::new("filter.$and[1].field", "unknown_field", "there is no field emial; did you mean email?"),
            Mistake::new("limit", "out_of_range", "0 is not between 1 and 100"),
        ];
        let (response, body) = sent(engine::Error::Invalid(mistakes).into()).await;
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["type"], "/errors#invalid");
        assert_eq!(body["code"], "unknown_field");
        assert_eq!(body["path"], "filter.$and[1].field");
        assert_eq!(body["mistakes"][1]["code"], "out_of_range");
        assert_eq!(body["status"], 400);
    }

    #[tokio::test]
    async fn a_conflict_names_the_holder() {
        let error = engine::Error::Conflict {
            message: "the phone is held by contact 17".into(),
            holder: Some(crate::contact::ContactId(17)),
        };
        let (response, body) = sent(error.into()).await;
        assert_eq!(response.status(), 409);
        assert_eq!(body["holder"], 17);
    }

    #[tokio::test]
    async fn what_failed_inside_is_not_told() {
        let error = StoreError::Damaged { key: "6563".into(), what: "its checksum is wrong".into() };
        let (response, body) = sent(engine::Error::Store(error).into()).await;
        assert_eq!(response.status(), 500);
        assert_eq!(body["code"], "damaged");
        assert!(!body.to_string().contains("6563"));
    }

    #[tokio::test]
    async fn a_version_not_reached_says_the_current_one_and_when_to_try_again() {
        let (response, body) = sent(engine::Error::NotYet { wanted: 9, current: 4 }.into()).await;
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        assert_eq!((body["version"].clone(), body["retryAfter"].clone()), (4.into(), 1.into()));
    }

    #[tokio::test]
    async fn a_401_tells_how_to_authenticate() {
        let (response, _) = sent(Problem::new(Kind::InvalidToken, "no")).await;
        assert!(response.headers()[WWW_AUTHENTICATE].to_str().is_ok_and(|value| value.contains("invalid_token")));
    }

    #[test]
    fn every_kind_has_its_own_word_and_a_refusing_status() {
        let mut words: Vec<_> = Kind::ALL.iter().map(|kind| kind.row().1).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Kind::ALL.len());
        assert!(Kind::ALL.iter().all(|kind| (400..=503).contains(&kind.row().0)));
    }
}
