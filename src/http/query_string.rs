//! The query string, read strictly: unknown names, repeated names, bad escapes and bad UTF-8 are refused.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use percent_encoding::percent_decode;

use super::problem::{Kind, Problem};
use crate::contact::Seq;

/// The decoded pairs of a query string, in order.
#[derive(Debug, Default)]
pub struct QueryString(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for QueryString {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        QueryString::read(parts.uri.query().unwrap_or_default())
    }
}

impl QueryString {
    /// Reads `name=value&…`; `+` is a space, as forms send it.
    ///
    /// # Errors
    /// `invalid_utf8`, `invalid_query`.
    pub fn read(query: &str) -> Result<QueryString, Problem> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        pairs.collect::<Result<_, Problem>>().map(QueryString)
    }

    /// Refuses every name that is not one of these.
    ///
    /// # Errors
    /// `unknown_parameter`.
    pub fn only(&self, names: &[&str]) -> Result<(), Problem> {
        match self.0.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => {
                let known = if names.is_empty() { "none".into() } else { names.join(", ") };
                let detail = format!("there is no query parameter {name:?} here; known: {known}");
                Err(Problem::new(Kind::InvalidQuery, detail).code("unknown_parameter"))
            }
        }
    }

    /// The value of a parameter that may be given once.
    ///
    /// # Errors
    /// `repeated_parameter`.
    pub fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, Problem> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            let detail = format!("the query parameter {name} is given more than once");
            return Err(Problem::new(Kind::InvalidQuery, detail).code("repeated_parameter"));
        }
        Ok(first)
    }

    /// Every value of a parameter, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A whole number.
    ///
    /// # Errors
    /// `invalid_parameter`, `repeated_parameter`.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(Some(number)),
            _ => {
                let detail = format!("the query parameter {name} is a whole number from 0, not {text:?}");
                Err(Problem::new(Kind::InvalidQuery, detail).code("invalid_parameter"))
            }
        }
    }

    /// The `minVersion` of a read whose other parameters are `others`.
    ///
    /// # Errors
    /// As [`QueryString::only`] and [`QueryString::number`].
    pub fn min_version(&self, others: &[&str]) -> Result<Option<Seq>, Problem> {
        let mut names = vec!["minVersion"];
        names.extend_from_slice(others);
        self.only(&names)?;
        Ok(self.number("minVersion")?.map(Seq))
    }
}

fn decode(text: &str) -> Result<String, Problem> {
    let bytes = text.as_bytes();
    let broken = bytes.iter().enumerate().any(|(at, byte)| {
        *byte == b'%' && !bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    });
    if broken {
        let detail = "a % in the query string must be followed by two hexadecimal digits";
        return Err(Problem::new(Kind::InvalidQuery, detail).code("invalid_escape"));
    }
    let spaced = text.replace('+', " ");
    match percent_decode(spaced.as_bytes()).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(Problem::new(Kind::InvalidUtf8, "the query string is not UTF-8 once its escapes are read")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_escapes_spaces_and_repeats() {
        let query = QueryString::read("tags=a%20b&tags=c+d&tags=%C3%A9&limit=5").expect("good");
        assert_eq!(query.all("tags").collect::<Vec<_>>(), ["a b", "c d", "é"]);
        assert_eq!(query.number("limit").expect("one"), Some(5));
        assert_eq!(query.number("minVersion").expect("none"), None);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let query = QueryString::read("limit=5&limt=5").expect("good");
        assert!(query.only(&["limit", "before"]).is_err());
        assert!(QueryString::read("limit=1&limit=2").expect("good").number("limit").is_err());
        for bad in ["limit=-1", "limit=", "limit=1.5", "limit=+1", "limit=99999999999999999999", "limit=five"] {
            assert!(QueryString::read(bad).expect("good").number("limit").is_err(), "{bad}");
        }
        for bad in ["a=%", "a=%2", "a=%zz", "a=%ff", "%ff=1"] {
            assert!(QueryString::read(bad).is_err(), "{bad}");
        }
    }
}
