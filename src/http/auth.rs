//! The token of a request: who calls.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::app::App;
use super::problem::{Kind, Problem};
use crate::contact::WorkspaceId;
use crate::engine::Actor;

/// Longer tokens are not looked at.
const TOKEN_BYTES_MAX: usize = 512;

/// Who calls, left on the request once it is admitted.
#[derive(Clone)]
pub struct Caller(pub Actor);

/// The workspace of a request, left on its response for the log.
#[derive(Clone, Copy)]
pub struct Within(pub WorkspaceId);

impl Caller {
    /// Who calls.
    ///
    /// # Errors
    /// `unauthenticated` where the route asks for no token.
    pub fn of(parts: &Parts) -> Result<Caller, Problem> {
        parts.extensions.get::<Caller>().cloned().ok_or_else(needed)
    }
}

/// Who sends a request, by its token.
///
/// # Errors
/// `unauthenticated` and `invalid_token`.
pub async fn actor(app: &App, secret: &str) -> Result<Actor, Problem> {
    let unknown = || Problem::new(Kind::InvalidToken, "the token is unknown, revoked or expired");
    let bearer = app.engine().bearer(secret).ok_or_else(unknown)?;
    if let Some(actor) = app.engine().actor_at_hand(bearer) {
        return Ok(actor);
    }
    // On a thread that may block: the token's workspace may have to wake. Boxed as it is large and rare.
    Box::pin(app.read(move |engine| engine.actor(bearer).ok_or_else(unknown))).await
}

fn needed() -> Problem {
    Problem::new(Kind::Unauthenticated, "send the header `Authorization: Bearer TOKEN`")
}

/// The token of the one `Authorization` header.
///
/// # Errors
/// As [`actor`].
pub fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or_else(needed)?;
    if values.next().is_some() {
        return Err(Problem::new(Kind::InvalidToken, "there is more than one Authorization header"));
    }
    let text = value.to_str().map_err(|_| Problem::new(Kind::InvalidToken, "a token is ASCII"))?;
    let (scheme, token) = text.trim().split_once(' ').ok_or_else(needed)?;
    let token = token.trim_start();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(needed());
    }
    if token.len() > TOKEN_BYTES_MAX || token.contains(' ') {
        return Err(Problem::new(Kind::InvalidToken, "this cannot be a token"));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<String, Kind> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, axum::http::HeaderValue::from_bytes(value.as_bytes()).expect("a header"));
        }
        bearer(&headers).map(str::to_owned).map_err(|problem| problem.kind())
    }

    #[test]
    fn one_bearer_token_is_read() {
        assert_eq!(read(&["Bearer abc"]), Ok("abc".into()));
        assert_eq!(read(&["bearer  abc "]), Ok("abc".into()));
        assert_eq!(read(&[]), Err(Kind::Unauthenticated));
        assert_eq!(read(&["abc"]), Err(Kind::Unauthenticated));
        assert_eq!(read(&["Basic YTpi"]), Err(Kind::Unauthenticated));
        assert_eq!(read(&["Bearer "]), Err(Kind::Unauthenticated));
        assert_eq!(read(&["Bearer a b"]), Err(Kind::InvalidToken));
        assert_eq!(read(&["Bearer é"]), Err(Kind::InvalidToken));
        assert_eq!(read(&["Bearer a", "Bearer a"]), Err(Kind::InvalidToken));
        assert_eq!(read(&[&format!("Bearer {}", "a".repeat(600))]), Err(Kind::InvalidToken));
    }
}
