//! One line of log and one count per request, and its id. Never an address, a query string, a header or a body.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::auth::Within;
use super::problem::{Code, Problem};
use crate::clock::Stopwatch;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request that is let in without asking.
pub async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    observed(&app, request, async |request| next.run(request).await).await
}

/// Gives the request an id, measures and logs it, and marks the answer; a panic on the way to it is an answer too.
pub async fn observed(app: &App, request: Request, answer: impl AsyncFnOnce(Request) -> Response) -> Response {
    let watch = Stopwatch::start();
    let id_value = request_id(request.headers());
    let id = id_value.to_str().unwrap_or_default();
    let method = method_name(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let mut response = caught(answer(request)).await.unwrap_or_else(panicked);
    let route = matched.as_ref().map_or("(none)", MatchedPath::as_str);
    let (status, micros) = (response.status().as_u16(), watch.micros());
    let workspace = response.extensions().get::<Within>().map(|within| within.0.0);
    let code = response.extensions().get::<Code>().map(|code| code.0);
    app.metrics().answered(method, route, status, micros);
    if status >= 500 {
        tracing::warn!(request = id, method, route, status, micros, workspace, code, "answered");
    } else {
        tracing::info!(request = id, method, route, status, micros, workspace, code, "answered");
    }
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id_value);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if workspace.is_some() {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// What a future comes to; nothing where it panics.
async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// A panic's message may hold a contact's values: it is neither sent nor logged.
fn panicked() -> Response {
    tracing::error!("a handler panicked");
    Problem::internal().into_response()
}

/// The caller's own id where it is short and plain, else a random one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let plain = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=64).contains(&bytes.len()) && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
    };
    headers.get(REQUEST_ID).filter(plain).cloned().unwrap_or_else(random_id)
}

/// Sixteen hexadecimal digits.
fn random_id() -> HeaderValue {
    let random = rand::random::<u64>();
    let digits: [u8; 16] = std::array::from_fn(|place| b"0123456789abcdef"[(random >> (60 - 4 * place) & 15) as usize]);
    HeaderValue::from_bytes(&digits).unwrap_or(HeaderValue::from_static("0"))
}

/// The method's name; a made-up one is `other`, so that callers cannot add counters.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_id_is_kept_when_it_is_plain() {
        let id = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_static(text));
            request_id(&headers)
        };
        assert_eq!(id("a-1_B"), "a-1_B");
        for bad in ["", "a b", "ana@example.org", "a/b"] {
            let made = id(bad);
            assert!(made != bad && made.len() == 16 && made.as_bytes().iter().all(u8::is_ascii_hexdigit), "{made:?}");
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_that_tells_nothing() {
        let app = App::new(crate::http::tests::engine(), crate::http::tests::settings());
        let broken = async |_: Request| panic!("ana@example.org");
        let response = observed(&app, Request::default(), broken).await;
        assert_eq!(response.status(), 500);
        assert!(response.headers().contains_key(REQUEST_ID));
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.expect("a body");
        assert!(!body.is_empty() && !String::from_utf8_lossy(&body).contains("ana"));
    }
}
