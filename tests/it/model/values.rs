//! Single values: the pools they are drawn from, and what the specification makes of each when it is given.

use serde_json::Value as Json;

use super::action::Refusal;
use super::world::Done;

/// As typed; several name one address.
pub const EMAILS: &[&str] = &[
    "ana@example.com",
    "Ana@Example.com",
    "bo@example.org",
    "BO@EXAMPLE.ORG",
    "cy.d@mail.example.com",
    "d+e@example.com",
    "mei@example.my",
    "oskar@example.se",
    "x1@example.com",
    "x2@example.com",
    "x3@example.com",
    "x4@example.com",
];
/// As typed, in E.164, and its country; several are one number.
pub const PHONES: &[(&str, &str, &str)] = &[
    ("+60123456789", "+60123456789", "MY"),
    ("012-345 6789", "+60123456789", "MY"),
    ("+60 12 345 6780", "+60123456780", "MY"),
    ("0123456780", "+60123456780", "MY"),
    ("+14155552671", "+14155552671", "US"),
    ("+1 (415) 555-2671", "+14155552671", "US"),
    ("+442079460018", "+442079460018", "GB"),
    ("+44 (0)20 7946 0018", "+442079460018", "GB"),
    ("+819012345678", "+819012345678", "JP"),
    ("+60123456701", "+60123456701", "MY"),
    ("+60123456702", "+60123456702", "MY"),
    ("+60123456703", "+60123456703", "MY"),
];
pub const FIRST_NAMES: &[&str] = &["Ana", "Bo", "Cy", "Dee", "Óscar", "美玲", " Mei ", "Zoë", "Ali", "Ben"];
pub const LAST_NAMES: &[&str] = &["Lim", "Tan", "O'Neil", "García", "van Dam", "Lim"];
pub const COUNTRIES: &[&str] = &["MY", "us", "GB", "De", "JP"];
pub const LANGUAGES: &[&str] = &["ms", "EN", "zh", "es"];
pub const PICTURES: &[&str] = &["https://example.com/a.png", "https://example.com/b.png"];
/// Several differ in case only.
pub const TAGS: &[&str] = &["vip", "VIP", "new", "Größe", "GRÖßE", "cold", "hot lead", "a, b", "=sum", "緑"];
pub const STAGES: &[&str] = &["Lead", "lead", "Customer", "Lost", "Kunde", "VIP"];
pub const CHOICES: &[&str] = &["red", "Blue", "größe", "緑"];
/// Slug and type.
pub const FIELDS: &[(&str, &str)] = &[
    ("note", "text"),
    ("size", "list"),
    ("member", "checkbox"),
    ("work_email", "email"),
    ("score", "number"),
    ("site", "url"),
    ("birthday", "date"),
    ("call_at", "time"),
    ("Plan", "list"),
    ("points", "number"),
];
pub const TEXTS: &[&str] = &["likes tea", "two\nlines", " calls back ", "=1+1", "ünïcode 緑", "a;b,\"c\""];
pub const NUMBERS: &[&str] = &["0", "7", "-3", "2.5", "1000000", "-0.25"];
pub const DATES: &[&str] = &["2026-03-01", "1999-12-31", "2024-02-29"];
pub const TIMES: &[&str] = &["09:05", "00:00", "23:59"];
pub const URLS: &[&str] = &["https://example.com/x?y=1", "http://example.org"];

/// Text as names are compared: case is ignored, `ß` is `ss`.
pub fn fold(text: &str) -> String {
    text.to_uppercase().to_lowercase()
}

/// Text without the white space around it; nothing where it is empty.
pub fn text(value: &Json, chars_max: usize) -> Done<Option<String>> {
    match value {
        Json::Null => Ok(None),
        Json::String(text) if text.trim().is_empty() => Ok(None),
        Json::String(text) => {
            let text = text.trim();
            let fits = text.chars().count() <= chars_max && !text.chars().any(char::is_control);
            if fits { Ok(Some(text.to_owned())) } else { Err(Refusal::Invalid) }
        }
        _ => Err(Refusal::Invalid),
    }
}

/// A number as typed: in E.164, and its country.
pub fn phone(typed: &str) -> Option<(&'static str, &'static str)> {
    PHONES.iter().find(|row| row.0 == typed.trim()).map(|row| (row.1, row.2))
}

pub fn email(value: &Json) -> Done<Option<String>> {
    let Some(email) = text(value, 254)? else { return Ok(None) };
    let (user, host) = email.split_once('@').ok_or(Refusal::Invalid)?;
    let good = !user.is_empty() && host.contains('.') && !host.contains('@') && !email.contains(' ');
    if good { Ok(Some(email)) } else { Err(Refusal::Invalid) }
}

/// A code of one of the pool's, in the case it is kept in.
pub fn code(value: &Json, pool: &[&str], upper: bool) -> Done<Option<String>> {
    let Some(code) = text(value, 255)? else { return Ok(None) };
    let known = pool.iter().any(|known| known.eq_ignore_ascii_case(&code));
    match known {
        true => Ok(Some(if upper { code.to_uppercase() } else { code.to_lowercase() })),
        false => Err(Refusal::Invalid),
    }
}

pub fn url(value: &Json, schemes: &[&str]) -> Done<Option<String>> {
    let Some(url) = text(value, 2048)? else { return Ok(None) };
    let good = schemes.iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| rest.contains('.')));
    if good && !url.contains(' ') { Ok(Some(url)) } else { Err(Refusal::Invalid) }
}

/// A custom field's value as it will show; nothing clears it.
pub fn custom(value: &Json, kind: &str, choices: &[String]) -> Done<Option<Json>> {
    match kind {
        "text" => lines(value),
        "email" => Ok(email(value)?.map(Json::from)),
        "url" => Ok(url(value, &["https://", "http://"])?.map(Json::from)),
        "date" => of_pool(value, DATES),
        "time" => of_pool(value, TIMES),
        "list" => {
            let Some(label) = text(value, 5000)? else { return Ok(None) };
            let found = choices.iter().find(|choice| fold(choice) == fold(&label));
            found.map(|choice| Some(Json::from(choice.as_str()))).ok_or(Refusal::Invalid)
        }
        "checkbox" => match value {
            Json::Bool(checked) => Ok(Some(Json::from(*checked))),
            other => match text(other, 5000)?.map(|word| word.to_lowercase()).as_deref() {
                None => Ok(None),
                Some("true" | "yes" | "1") => Ok(Some(Json::from(true))),
                Some("false" | "no" | "0") => Ok(Some(Json::from(false))),
                Some(_) => Err(Refusal::Invalid),
            },
        },
        _ => number(value),
    }
}

/// Text that may have several lines.
fn lines(value: &Json) -> Done<Option<Json>> {
    let flat = value.as_str().map(|text| Json::from(text.replace(['\n', '\r', '\t'], " ")));
    let there = text(flat.as_ref().unwrap_or(value), 5000)?.is_some();
    Ok(value.as_str().filter(|_| there).map(|text| Json::from(text.trim())))
}

fn of_pool(value: &Json, pool: &[&str]) -> Done<Option<Json>> {
    let Some(text) = text(value, 5000)? else { return Ok(None) };
    if pool.contains(&text.as_str()) { Ok(Some(Json::from(text))) } else { Err(Refusal::Invalid) }
}

/// A number, or text of one; a whole one shows without a point.
fn number(value: &Json) -> Done<Option<Json>> {
    let number = match value {
        Json::Number(number) => number.as_f64(),
        other => match text(other, 5000)? {
            None => return Ok(None),
            Some(text) => text.parse().ok(),
        },
    };
    let number: f64 = number.filter(|number: &f64| number.is_finite()).ok_or(Refusal::Invalid)?;
    let whole = number.fract() == 0.0;
    Ok(Some(if whole { Json::from(number as i64) } else { Json::from(number) }))
}
