//! How an address names things: a contact by `17`, `id:17`, `email:…` or `phone:+60…`, what a workspace defines by number.
//! Percent-encoded where need be; a `+` stays a `+`.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::problem::{Kind, Problem};
use crate::contact::Catalog;
use crate::contact::identity::Identifier;

/// The contact that an address names, as the caller wrote it, decoded. It is read against a workspace only through
/// [`May`](super::roles::May), which decides whether the caller may know of it.
#[derive(Clone)]
pub struct Named {
    text: String,
    /// The member of the body that it stands in; none of an address.
    member: Option<&'static str>,
}

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        segment(parts, state).await.map(|text| Named { text, member: None })
    }
}

impl Named {
    /// The contact that a body names: by number, or as an address would.
    ///
    /// # Errors
    /// `wrong_type` at that member.
    pub(super) fn of_json(json: &serde_json::Value, member: &'static str) -> Result<Named, Problem> {
        let named = |text| Ok(Named { text, member: Some(member) });
        match json {
            serde_json::Value::Number(number) => named(number.to_string()),
            serde_json::Value::String(text) => named(text.clone()),
            _ => Err(Problem::mistake(
                member,
                "wrong_type",
                "a contact is named by its id, or by id:17, email:ana@example.com or phone:+60123456789",
            )),
        }
    }

    /// The identifier, a national phone number read with the workspace's country.
    ///
    /// # Errors
    /// `invalid_identifier`.
    pub(super) fn identifier(&self, catalog: &Catalog) -> Result<Identifier, Problem> {
        parse(&self.text, catalog).map_err(|said| match self.member {
            Some(member) => Problem::mistake(member, "invalid_identifier", said),
            None => Problem::new(Kind::InvalidIdentifier, said),
        })
    }

    /// There is no such contact for this caller.
    pub(super) fn absent(&self) -> Problem {
        Problem::absent("contact", &self.text)
    }
}

/// The identifier that a text is; digits alone are an id.
///
/// # Errors
/// What would do.
pub(super) fn parse(text: &str, catalog: &Catalog) -> Result<Identifier, String> {
    let bare = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let full = if bare { &format!("id:{text}") } else { text };
    Identifier::parse(full, catalog.workspace.default_country.as_deref())
}

/// The number or slug by which an address names what a workspace defines.
pub struct Key(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        segment(parts, state).await.map(Key)
    }
}

impl Key {
    /// The number, from 1.
    ///
    /// # Errors
    /// `invalid_identifier`.
    pub fn id(&self) -> Result<u32, Problem> {
        let digits = self.0.bytes().all(|byte| byte.is_ascii_digit());
        match self.0.parse() {
            Ok(id) if digits && id > 0 => Ok(id),
            _ => {
                let detail = format!("an id is a whole number from 1 to {}, not {:?}", u32::MAX, self.0);
                Err(Problem::new(Kind::InvalidIdentifier, detail))
            }
        }
    }
}

async fn segment<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String, Problem> {
    match Path::<String>::from_request_parts(parts, state).await {
        Ok(Path(text)) => Ok(text),
        Err(PathRejection::FailedToDeserializePathParams(_)) => {
            Err(Problem::new(Kind::InvalidUtf8, "the address is not UTF-8 once its escapes are read"))
        }
        Err(_) => Err(Problem::internal()),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn decoded(path: &str) -> (u16, String) {
        let app = Router::new().route("/c/{identifier}", get(|named: Named| async move { named.text }));
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let response = app.oneshot(request).await.expect("an answer");
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 16).await.expect("a body");
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    #[tokio::test]
    async fn escapes_are_read_and_a_plus_stays() {
        let table = [
            ("/c/17", "17"),
            ("/c/id:17", "id:17"),
            ("/c/id%3A17", "id:17"),
            ("/c/phone:+60123456789", "phone:+60123456789"),
            ("/c/phone:%2B60123456789", "phone:+60123456789"),
            ("/c/email:a%2Fb%40example.org", "email:a/b@example.org"),
            ("/c/email:j%C3%B6rg@example.org", "email:jörg@example.org"),
        ];
        for (path, expected) in table {
            assert_eq!(decoded(path).await, (200, expected.to_owned()), "{path}");
        }
        let (status, body) = decoded("/c/email:%FF").await;
        assert_eq!(status, 400);
        assert!(body.contains("invalid_utf8"), "{body}");
    }

    #[test]
    fn an_id_is_a_positive_number() {
        assert_eq!(Key("17".into()).id().ok(), Some(17));
        for bad in ["0", "-1", "+1", "1.0", "", "x", "4294967296", "１"] {
            assert!(Key(bad.into()).id().is_err(), "{bad}");
        }
    }
}
