//! The body of a request: its size, time, media type, encoding and shape, each refused by name before anything is done.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::app::App;
use super::problem::{Kind, Problem};
use super::strict::AsObject;
use super::wording;

/// The body of a request as JSON of that type. Unknown and repeated members are the type's to refuse.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = bytes(&parts.headers, body, app).await?;
        if bytes.is_empty() {
            let detail = "the request needs a JSON body; send {} where there is nothing to say";
            return Err(Problem::new(Kind::MissingBody, detail));
        }
        parse(&bytes).map(JsonBody)
    }
}

/// The body of a request that may have none.
pub struct OptionalJsonBody<T>(pub Option<T>);

impl<T: DeserializeOwned> FromRequest<App> for OptionalJsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = bytes(&parts.headers, body, app).await?;
        if bytes.is_empty() {
            Ok(OptionalJsonBody(None))
        } else {
            parse(&bytes).map(|body| OptionalJsonBody(Some(body)))
        }
    }
}

async fn bytes(headers: &HeaderMap, body: Body, app: &App) -> Result<axum::body::Bytes, Problem> {
    media_type(headers)?;
    whole(headers, body, app).await
}

/// A body of whatever kind, read whole within the limits of size and time.
///
/// # Errors
/// `body_too_large`, `body_broken`, `body_timeout`.
pub(super) async fn whole(headers: &HeaderMap, body: Body, app: &App) -> Result<axum::body::Bytes, Problem> {
    let settings = app.settings();
    let too_large = || {
        let detail = format!("a body may have {} bytes at most", settings.body_bytes_max);
        Problem::new(Kind::BodyTooLarge, detail).limit(settings.body_bytes_max)
    };
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > settings.body_bytes_max) {
        return Err(too_large());
    }
    let reading = axum::body::to_bytes(body, settings.body_bytes_max);
    match tokio::time::timeout(Duration::from_millis(settings.body_timeout_ms), reading).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_length(&error) => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(Kind::Invalid, "the body broke off").code("body_broken")),
        Err(_) => {
            let detail = format!("the body did not come within {} ms", settings.body_timeout_ms);
            Err(Problem::new(Kind::BodyTimeout, detail))
        }
    }
}

fn is_length(error: &axum::Error) -> bool {
    use std::error::Error as _;
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.to_string().contains("length limit exceeded") {
            return true;
        }
        source = inner.source();
    }
    false
}

/// Accepts `application/json` and `application/…+json`, in UTF-8, and a body without a media type.
fn media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |detail: String| Err(Problem::new(Kind::UnsupportedMediaType, detail));
    if headers.get(CONTENT_ENCODING).is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return refuse("a compressed body is not read; send it as it is".into());
    }
    let Some(value) = headers.get(CONTENT_TYPE).filter(|value| *value != "application/json") else { return Ok(()) };
    let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    if !json {
        return refuse(format!("the body is said to be {essence:?}; send it with `Content-Type: application/json`"));
    }
    match parts.filter_map(|part| part.strip_prefix("charset=")).map(|charset| charset.trim_matches('"')).next() {
        None | Some("utf-8" | "utf8" | "us-ascii") => Ok(()),
        Some(other) => refuse(format!("JSON is sent in UTF-8, not in {other:?}")),
    }
}

/// Reads JSON of a type; what is wrong is named with its path or its line and column.
///
/// # Errors
/// `invalid_utf8`, `invalid_json`, `too_deep`, or a mistake with its path.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::new(Kind::InvalidUtf8, format!("the body stops being UTF-8 at byte {}", error.valid_up_to()))
    })?;
    // To note the path of every value costs as much as reading it: only what is refused is read so.
    if let Ok(AsObject(value)) = serde_json::from_str(text) {
        return Ok(value);
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let AsObject(value) = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        // What is no JSON at all is said before what is wrong in it.
        match serde_json::from_str::<IgnoredAny>(text) {
            Err(syntax) if error.inner().is_data() => refusal(".", &syntax),
            _ => refusal(&error.path().to_string(), error.inner()),
        }
    })?;
    reader.end().map_err(|error| refusal(".", &error))?;
    Ok(value)
}

fn refusal(path: &str, error: &serde_json::Error) -> Problem {
    let said = error.to_string();
    let (line, column) = (error.line(), error.column());
    let sentence = said.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&said);
    if sentence.starts_with("recursion limit exceeded") {
        let detail = format!("the body is nested more than 127 deep at line {line} column {column}");
        return Problem::new(Kind::TooDeep, detail).place(line, column);
    }
    if !error.is_data() {
        return Problem::new(Kind::InvalidJson, format!("{said}; see RFC 8259")).place(line, column);
    }
    let code = match sentence {
        s if s.starts_with("unknown field") => "unknown_member",
        s if s.starts_with("missing field") => "missing_member",
        s if s.starts_with("duplicate field") => "duplicate_member",
        s if s.starts_with("unknown variant") => "unknown_value",
        s if s.starts_with("invalid type") => "wrong_type",
        _ => "invalid_value",
    };
    let path = if path == "." { "" } else { path };
    Problem::mistake(member(path, code, sentence), code, wording::plainly(sentence)).place(line, column)
}

/// The path of the member the sentence names, where the reader's path stops at the object around it.
fn member(path: &str, code: &str, sentence: &str) -> String {
    let named = sentence.split('`').nth(1);
    match (code, named) {
        ("unknown_member" | "missing_member" | "duplicate_member", Some(name))
            if path.rsplit('.').next() != Some(name) =>
        {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        }
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::response::IntoResponse;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Outer {
        limit: Option<u32>,
        #[serde(default)]
        sort: Vec<AsObject<Inner>>,
        #[serde(default, deserialize_with = "crate::http::strict::optional")]
        filter: Option<serde_json::Value>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        field: String,
        order: Option<bool>,
    }

    async fn said(bytes: &[u8]) -> serde_json::Value {
        let problem = parse::<Outer>(bytes).expect_err("a refusal");
        let bytes = axum::body::to_bytes(problem.into_response().into_body(), 1 << 20).await.expect("a body");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[tokio::test]
    async fn every_mistake_is_named_with_its_path() {
        let table: &[(&str, &str, &str)] = &[
            (r#"{"limt": 5}"#, "unknown_member", "limt"),
            (r#"{"sort": [{"field": "name"}, {"field": "id", "way": "up"}]}"#, "unknown_member", "sort[1].way"),
            (r#"{"sort": [{"order": true}]}"#, "missing_member", "sort[0].field"),
            (r#"{"sort": [{"field": 4}]}"#, "wrong_type", "sort[0].field"),
            (r#"{"limit": "5"}"#, "wrong_type", "limit"),
            (r#"{"limit": -5}"#, "invalid_value", "limit"),
            (r#"{"limit": 1, "limit": 2}"#, "duplicate_member", "limit"),
            (r#"{"filter": {"$and": [{"field": "a", "field": "b"}]}}"#, "duplicate_member", "filter.field"),
            (r#"[]"#, "wrong_type", ""),
            (r#"{"sort": [["name", true]]}"#, "wrong_type", "sort[0]"),
            (r#""x""#, "wrong_type", ""),
        ];
        for (body, code, path) in table {
            let problem = said(body.as_bytes()).await;
            assert_eq!(problem["code"], *code, "{body}: {problem}");
            let found = problem.get("path").and_then(|path| path.as_str()).unwrap_or_default();
            assert!(!problem["detail"].as_str().unwrap_or(":").starts_with(':'), "{body}: {problem}");
            assert!(found == *path || (found.starts_with("filter") && path.starts_with("filter")), "{body}: {problem}");
        }
    }

    #[tokio::test]
    async fn what_is_not_json_is_refused_with_its_place() {
        for body in ["{", "{\"limit\": NaN}", "{\"limit\": 1,}", "{} {}", "{\"limit\": 1e999}", "\u{feff}{}", "nul"] {
            let problem = said(body.as_bytes()).await;
            assert_eq!(problem["code"], "invalid_json", "{body}: {problem}");
            assert_eq!(problem["line"], 1, "{body}: {problem}");
        }
        assert_eq!(said(b"{\"sort\": \"\xff\"}").await["code"], "invalid_utf8");
        let deep = format!("{{\"filter\": {}1{}}}", "[".repeat(500), "]".repeat(500));
        assert_eq!(said(deep.as_bytes()).await["code"], "too_deep");
    }

    #[test]
    fn the_media_type_must_be_json_in_utf8() {
        let check = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            media_type(&headers).is_ok()
        };
        for good in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/merge-patch+json",
            "application/json;charset=\"utf-8\"",
        ] {
            assert!(check(good), "{good}");
        }
        for bad in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "json", ""] {
            assert!(!check(bad), "{bad}");
        }
        assert!(media_type(&HeaderMap::new()).is_ok());
    }
}
