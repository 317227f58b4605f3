//! Single values of a draft: each is read by itself, `null` and empty text meaning none.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::contact::{Alpha2, CustomField, DataType, Mistake, Value, codes, fold, suggest, time};

/// Characters of a first or last name and of a tag's name.
pub const NAME_MAX: usize = 255;
/// Characters of an e-mail address.
pub const EMAIL_MAX: usize = 254;
/// Characters of a URL.
pub const URL_MAX: usize = 2_048;
/// Characters of a custom text field.
pub const TEXT_MAX: usize = 5_000;
/// Beyond this a float cannot tell neighbouring whole numbers apart.
pub const NUMBER_MAX: f64 = 9_007_199_254_740_991.0;

/// What is wrong with a value: a mistake's code and message.
pub type Wrong = (&'static str, String);

/// The refusal of a value that should have been something else.
pub fn wrong_type(value: &Json, wanted: &str) -> Wrong {
    ("wrong_type", format!("Found {}: use {wanted}.", time::kind(value)))
}

/// Text without white space around it; `None` for `null` and empty text.
pub fn text(value: &Json, max: usize) -> Result<Option<String>, Wrong> {
    match value {
        Json::Null => Ok(None),
        Json::String(text) => {
            let text = text.trim();
            if text.len() > max && text.chars().count() > max {
                return Err(("too_long", format!("This is longer than {max} characters.")));
            }
            if text.chars().any(char::is_control) {
                return Err((
                    "control_character",
                    "There is a control character in it: use plain text on one line.".into(),
                ));
            }
            Ok((!text.is_empty()).then(|| text.to_owned()))
        }
        other => Err(wrong_type(other, "text, or null for none")),
    }
}

/// Text of a custom field, which may have several lines, as addresses and notes do.
pub fn lines(value: &Json) -> Result<Option<String>, Wrong> {
    let Json::String(given) = value else { return text(value, TEXT_MAX) };
    let plain: String = given.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }).collect();
    Ok(text(&Json::String(plain), TEXT_MAX)?.map(|_| given.trim().to_owned()))
}

/// Text that `read` makes something of.
pub fn parsed<T>(
    value: &Json,
    code: &'static str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Wrong> {
    text(value, TEXT_MAX)?.map(|text| read(&text).map_err(|why| (code, why))).transpose()
}

/// Reads an e-mail address of plausible form, as given but for white space around it: who can be written to there only a
/// message would tell.
///
/// # Errors
/// A sentence that says what would do.
pub fn email(text: &str) -> Result<String, String> {
    let address = text.trim();
    let plausible = address.rsplit_once('@').is_some_and(|(local, domain)| {
        (1..=64).contains(&local.chars().count())
            && domain.contains('.')
            && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
            && !domain.contains(['/', '?', '#', '%', '_', '!', '\''])
    });
    let plain = !address.chars().any(|c| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c));
    let single = address.matches('@').count() == 1;
    match plausible && plain && single && address.chars().count() <= EMAIL_MAX {
        true => Ok(address.to_owned()),
        false => {
            Err(format!("This is no e-mail address: use one such as ana@example.com, up to {EMAIL_MAX} characters."))
        }
    }
}

/// Reads a URL of one of those schemes.
pub fn url(text: &str, schemes: &[&str]) -> Result<String, Wrong> {
    if text.chars().count() > URL_MAX {
        return Err(("too_long", format!("This is longer than {URL_MAX} characters.")));
    }
    let rest = schemes.iter().find_map(|scheme| {
        let rest = text.get(scheme.len()..)?.strip_prefix("://")?;
        text[..scheme.len()].eq_ignore_ascii_case(scheme).then_some(rest)
    });
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"\\^`{|}".contains(c));
    match host.is_some_and(|host| !host.is_empty() && !host.ends_with(['@', ':'])) && plain {
        true => Ok(text.to_owned()),
        false => {
            Err(("invalid_url", format!("This is no URL: use one that begins with {}://.", schemes.join(":// or "))))
        }
    }
}

/// A country code in any case.
pub fn country(text: &str) -> Result<Alpha2, String> {
    let sentence = "There is no such country: use an ISO 3166-1 code of two letters, such as MY.";
    codes::country(text).ok_or_else(|| sentence.to_owned())
}

/// A language code in any case.
pub fn language(text: &str) -> Result<Alpha2, String> {
    let sentence = "There is no such language: use an ISO 639-1 code of two letters, such as ms.";
    codes::language(text).ok_or_else(|| sentence.to_owned())
}

/// A list or object that came as text, because a CSV cell holds nothing else.
pub fn unwrapped(value: &Json) -> Cow<'_, Json> {
    let nested = value.as_str().map(str::trim).filter(|text| text.starts_with(['[', '{']));
    match nested.and_then(|text| serde_json::from_str(text).ok()) {
        Some(inner) => Cow::Owned(inner),
        None => Cow::Borrowed(value),
    }
}

/// A custom field's value.
pub fn custom(value: &Json, field: &CustomField) -> Result<Option<Value>, Wrong> {
    Ok(match field.data_type {
        DataType::Text => lines(value)?.map(Value::Text),
        DataType::Email => parsed(value, "invalid_email", email)?.map(Value::Text),
        DataType::Url => {
            text(value, TEXT_MAX)?.map(|text| url(&text, &["http", "https"])).transpose()?.map(Value::Text)
        }
        DataType::Date => parsed(value, "invalid_date", time::date)?.map(Value::Date),
        DataType::Time => parsed(value, "invalid_time", time::time_of_day)?.map(Value::Time),
        DataType::List => choice(value, field)?.map(Value::Choice),
        DataType::Checkbox => checkbox(value)?.map(Value::Checkbox),
        DataType::Number => number(value)?.map(Value::Number),
    })
}

/// A label of the field's list, ignoring case.
fn choice(value: &Json, field: &CustomField) -> Result<Option<u16>, Wrong> {
    let label = match value {
        Json::Number(number) => Some(number.to_string()),
        other => text(other, TEXT_MAX)?,
    };
    let Some(label) = label else { return Ok(None) };
    let folded = fold::compared(&label);
    let place = field.allowed_values.iter().position(|allowed| fold::compared(allowed) == folded);
    place.and_then(|place| u16::try_from(place).ok()).map(Some).ok_or_else(|| {
        let labels = field.allowed_values.iter().map(String::as_str);
        let nearest = suggest::did_you_mean(&label, labels.clone());
        let shown: Vec<&str> = labels.take(20).collect();
        let more = if field.allowed_values.len() > shown.len() { " …" } else { "" };
        ("unknown_choice", format!("The field has no such choice: use one of {}{more}.{nearest}", shown.join(", ")))
    })
}

fn checkbox(value: &Json) -> Result<Option<bool>, Wrong> {
    let word = match value {
        Json::Bool(checked) => return Ok(Some(*checked)),
        Json::Number(number) => Some(number.to_string()),
        other => text(other, TEXT_MAX)?,
    };
    match word.map(|word| word.to_ascii_lowercase()).as_deref() {
        None => Ok(None),
        Some("true" | "yes" | "1") => Ok(Some(true)),
        Some("false" | "no" | "0") => Ok(Some(false)),
        Some(_) => Err(("wrong_type", "A checkbox is true or false (or yes, no, 1, 0).".into())),
    }
}

fn number(value: &Json) -> Result<Option<f64>, Wrong> {
    let read = match value {
        Json::Number(number) => number.as_f64(),
        other => match text(other, TEXT_MAX)? {
            None => return Ok(None),
            Some(text) => text.parse::<f64>().ok(),
        },
    };
    match read.filter(|number| number.is_finite()) {
        // Adding zero turns -0.0 into 0.0.
        Some(number) if number.abs() <= NUMBER_MAX => Ok(Some(number + 0.0)),
        Some(_) => Err((
            "invalid_number",
            "The number is too large to be kept exactly: use one within ±9007199254740991.".into(),
        )),
        None => Err(("invalid_number", "This is no number: use digits with at most one decimal point.".into())),
    }
}

/// Reads a tag's name as the workspace may define it.
///
/// # Errors
/// The mistake at `path`.
pub fn tag_name(name: &str, path: &str) -> Result<String, Mistake> {
    let missing = || Mistake::new(path, "missing_member", "an empty name was found, a tag needs one");
    let read =
        text(&Json::String(name.to_owned()), NAME_MAX).map_err(|(code, message)| Mistake::new(path, code, message))?;
    read.ok_or_else(missing)
}
