//! `Idempotency-Key`: a changing request sent again under the same key within a day is answered and not done again. Works on
//! every POST, PUT, PATCH and DELETE whose change is one write; the engine notes the key in the very batch that does it.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, Method};
use sha2::{Digest, Sha256};

use super::app::App;
use super::auth::Caller;
use super::json;
use super::problem::{Kind, Problem};
use crate::contact::UserId;
use crate::engine::Once;

/// The header.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// Notes the key of a changing request on its caller, if it has one.
///
/// # Errors
/// What is wrong with the key, or with the body it is to stand for.
pub async fn noted(app: &App, request: Request) -> Result<Request, Problem> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) || !request.headers().contains_key(KEY)
    {
        return Ok(request);
    }
    // Boxed as it is large and rare: whoever awaits this is moved with room for it.
    Box::pin(keyed(app, request)).await
}

async fn keyed(app: &App, request: Request) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    let mut keys = parts.headers.get_all(KEY).iter();
    let key = keys.next().map(|key| key.as_bytes().to_vec()).unwrap_or_default();
    let good = (1..=KEY_BYTES_MAX).contains(&key.len()) && key.iter().all(|byte| (b'!'..=b'~').contains(byte));
    if !good || keys.next().is_some() {
        let detail =
            format!("Idempotency-Key is one header of 1 to {KEY_BYTES_MAX} visible ASCII characters, such as a UUID");
        return Err(Problem::new(Kind::Invalid, detail).code("invalid_idempotency_key"));
    }
    let body = json::whole(&parts.headers, body, app).await?;
    let Caller(mut actor) = Caller::of(&parts)?;
    let user = actor.user_id().unwrap_or(UserId(0)).0.to_be_bytes();
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let request = [parts.method.as_str().as_bytes(), b" ", path.as_bytes(), b"\n", &body];
    actor.once = Some(Once { key: hash(&[&user, &key]), request: hash(&request) });
    parts.extensions.insert(Caller(actor));
    Ok(Request::from_parts(parts, Body::from(body)))
}

fn hash(pieces: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    pieces.iter().for_each(|piece| hasher.update(piece));
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize()[..16]);
    short
}
