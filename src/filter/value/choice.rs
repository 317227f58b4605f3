//! Values of choice and checkbox fields as the codes of their facet. What is not one of the choices is a mistake: no
//! contact can have it, and a slip would otherwise look like an empty answer.

use serde_json::Value as Json;

use super::Given;
use crate::contact::{Alpha2, CustomFieldId, Field, Kind, Mistake, Status, codes as iso, fold};

/// The codes of one value: one, or for a channel source all its channels.
pub fn codes(given: &Given) -> Result<Vec<u32>, Mistake> {
    if given.kind == Kind::Checkbox {
        return checkbox(given).map(|code| vec![code]);
    }
    match given.field {
        Field::LastInteractedChannel => channels(given),
        Field::Status => status(given).map(|code| vec![code]),
        Field::CountryCode => {
            alpha2(given, iso::country, "an ISO 3166-1 alpha-2 code of a country, such as MY").map(|code| vec![code])
        }
        Field::Language => {
            alpha2(given, iso::language, "an ISO 639-1 code of a language, such as en").map(|code| vec![code])
        }
        Field::Assignee => assignee(given).map(|code| vec![code]),
        Field::Lifecycle => stage(given).map(|code| vec![code]),
        Field::Custom(id) => label(given, id).map(|code| vec![code]),
        _ => Err(given.wrong_type("a choice")),
    }
}

fn text<'a>(given: &Given<'a>, needed: &str) -> Result<&'a str, Mistake> {
    match given.value {
        Json::String(text) if text.is_empty() => {
            Err(given.mistake("empty_value", "the text is empty; use doesNotExist to ask for contacts without a value"))
        }
        Json::String(text) => Ok(text),
        Json::Null => {
            Err(given.mistake("wrong_type", "found null; use doesNotExist to ask for contacts without a value"))
        }
        _ => Err(given.wrong_type(needed)),
    }
}

fn checkbox(given: &Given) -> Result<u32, Mistake> {
    match given.value {
        Json::Bool(checked) => Ok(u32::from(*checked)),
        Json::String(text) if text.eq_ignore_ascii_case("true") => Ok(1),
        Json::String(text) if text.eq_ignore_ascii_case("false") => Ok(0),
        _ => Err(given.wrong_type("true or false")),
    }
}

fn status(given: &Given) -> Result<u32, Mistake> {
    let name = text(given, "the name of a status")?;
    // The dialect's request verb and the state it leads to are the same status.
    let name = if name.eq_ignore_ascii_case("close") { "closed" } else { name };
    Status::parse(name).map(|status| status as u32).ok_or_else(|| {
        given.unknown(
            "unknown_status",
            "open, closed, snoozed or blocked",
            Status::ALL.iter().map(|status| status.name()),
        )
    })
}

fn alpha2(given: &Given, find: fn(&str) -> Option<Alpha2>, needed: &str) -> Result<u32, Mistake> {
    let code = text(given, needed)?;
    find(code).map(|code| u32::from(code.0)).ok_or_else(|| given.unknown("unknown_code", needed, std::iter::empty()))
}

fn assignee(given: &Given) -> Result<u32, Mistake> {
    let (catalog, needed) = (given.context.catalog, "the id or e-mail of a user, or me");
    let user = match (given.whole(), given.value) {
        (Some(id), _) => catalog.users.get(&crate::contact::UserId(id)),
        (None, Json::Number(_)) => None,
        (None, _) => match text(given, needed)? {
            me if me.eq_ignore_ascii_case("me") => {
                let me = given.context.me.ok_or_else(|| {
                    given.mistake(
                        "unknown_user",
                        "me is the user who asks, and nobody is here; name a user by id or e-mail",
                    )
                })?;
                return Ok(me.0);
            }
            email => catalog.user_with_email(email),
        },
    };
    user.map(|user| user.id.0)
        .ok_or_else(|| given.unknown("unknown_user", needed, catalog.users.values().map(|user| user.email.as_str())))
}

fn stage(given: &Given) -> Result<u32, Mistake> {
    let (catalog, needed) = (given.context.catalog, "the name or id of a lifecycle stage");
    let named = match given.value {
        Json::Number(_) => None,
        _ => catalog.stage_named(text(given, needed)?),
    };
    let stage = named.or_else(|| catalog.stages.get(&crate::contact::StageId(given.whole()?)));
    stage
        .map(|stage| stage.id.0)
        .ok_or_else(|| given.unknown("unknown_stage", needed, catalog.stages.values().map(|stage| stage.name.as_str())))
}

fn label(given: &Given, id: CustomFieldId) -> Result<u32, Mistake> {
    let labels = given.context.catalog.fields.get(&id).map_or(&[][..], |field| &field.allowed_values);
    let folded = fold::compare(text(given, "one of the list's values")?);
    let at = labels.iter().position(|label| fold::compare(label) == folded);
    at.map(|at| at as u32)
        .ok_or_else(|| given.unknown("unknown_choice", &offer(labels), labels.iter().map(String::as_str)))
}

/// The choices of a list in an error: all of a short one.
fn offer(labels: &[String]) -> String {
    const MOST: usize = 12;
    match labels.len() {
        0..=MOST => labels.join(", "),
        count => format!("one of its {count} values: {} …", labels[..MOST].join(", ")),
    }
}

/// The channel of an id, or every channel of a source; none of them is a mistake.
pub fn channels(given: &Given) -> Result<Vec<u32>, Mistake> {
    let (catalog, needed) = (given.context.catalog, "the id of a channel or the name of a source");
    if let Some(id) = given.whole() {
        if catalog.channels.contains_key(&crate::contact::ChannelId(id)) {
            return Ok(vec![id]);
        }
    } else if !given.value.is_number() {
        let ids = sources(given, text(given, needed)?);
        if !ids.is_empty() {
            return Ok(ids);
        }
    }
    Err(given.unknown("unknown_channel", needed, catalog.channels.values().map(|channel| channel.source.as_str())))
}

/// Every channel of a source, ascending.
pub fn sources(given: &Given, name: &str) -> Vec<u32> {
    let mut ids: Vec<u32> = given.context.catalog.channels_of_source(name).iter().map(|id| id.0).collect();
    ids.sort_unstable();
    ids
}
