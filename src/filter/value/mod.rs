//! Reading the value of a condition: what operators' rows call, and the errors that say what was found.

pub mod choice;
pub mod ordered;
pub mod set;

use serde_json::Value as Json;

use super::Context;
use super::found::found;
use super::segment::Scope;
use crate::contact::phone::Digits;
use crate::contact::{Field, Kind, Mistake, fold, suggest};

/// A value to read, with all that it may be read against.
pub struct Given<'a> {
    pub value: &'a Json,
    /// Where the value stands: `filter.$and[1].value`, `….value.from`, `….value[2]`.
    pub path: String,
    /// Where the condition stands.
    pub condition: &'a str,
    pub field: Field,
    pub kind: Kind,
    /// The operator's name on the wire, for errors.
    pub operator: &'static str,
    pub context: &'a Context<'a>,
    pub scope: &'a Scope<'a>,
}

impl<'a> Given<'a> {
    /// A mistake at the value.
    pub fn mistake(&self, code: &'static str, message: impl Into<String>) -> Mistake {
        Mistake::new(self.path.clone(), code, message)
    }

    /// A mistake of a value that is of the wrong type: what was found and what is needed.
    pub fn wrong_type(&self, needed: &str) -> Mistake {
        self.mistake(
            "wrong_type",
            format!("found {}; {} on {} needs {needed}", found(self.value), self.operator, self.field_name()),
        )
    }

    /// A mistake of a value that is not one of the choices: with the nearest of them.
    pub fn unknown<'b>(&self, code: &'static str, needed: &str, choices: impl Iterator<Item = &'b str>) -> Mistake {
        let typed = match self.value {
            Json::String(text) => text.as_str(),
            _ => "",
        };
        let hint = suggest::did_you_mean(typed, choices);
        self.mistake(code, format!("found {}; {} takes {needed}.{hint}", found(self.value), self.field_name()))
    }

    /// The field's name on the wire.
    pub fn field_name(&self) -> &str {
        self.field.name(self.context.catalog)
    }

    fn part(&self, value: &'a Json, path: String) -> Given<'a> {
        Given { value, path, ..*self }
    }

    /// The items of a list.
    ///
    /// # Errors
    /// It is no list, an empty one (which would match nobody), or a longer one than the limit.
    pub fn list(&self) -> Result<Vec<Given<'a>>, Mistake> {
        let Json::Array(items) = self.value else { return Err(self.wrong_type("a list of values")) };
        let most = self.context.limits.list_values_max;
        if items.is_empty() {
            return Err(self.mistake(
                "empty_value",
                "the list is empty and matches nothing; leave the condition out, or use exists or doesNotExist",
            ));
        }
        if items.len() > most {
            let message = format!("the list has {} values; at most {most} are allowed", items.len());
            return Err(self.mistake("too_many_values", message));
        }
        Ok(items.iter().enumerate().map(|(at, item)| self.part(item, format!("{}[{at}]", self.path))).collect())
    }

    /// The two members of an object that has these and no others.
    ///
    /// # Errors
    /// It is no object, lacks one, or has another.
    pub fn members(&self, names: [&str; 2]) -> Result<[Given<'a>; 2], Mistake> {
        let needed = format!("an object {{{:?}, {:?}}}", names[0], names[1]);
        let Json::Object(members) = self.value else { return Err(self.wrong_type(&needed)) };
        if let Some(other) = members.keys().find(|name| !names.contains(&name.as_str())) {
            let other = super::found::excerpt(other);
            let hint = suggest::did_you_mean(&other, names.into_iter());
            let message = format!("there is no member {other} here; {} needs {needed}.{hint}", self.operator);
            return Err(Mistake::new(format!("{}.{other}", self.path), "unknown_member", message));
        }
        let member = |name: &str| {
            let path = format!("{}.{name}", self.path);
            match members.get(name) {
                Some(value) => Ok(self.part(value, path)),
                None => Err(Mistake::new(
                    path,
                    "missing_member",
                    format!("{name} is missing; {} needs {needed}", self.operator),
                )),
            }
        };
        Ok([member(names[0])?, member(names[1])?])
    }

    /// Text to look for, folded for comparison.
    ///
    /// # Errors
    /// It is no text, or empty (everything would contain it).
    pub fn needle(&self) -> Result<String, Mistake> {
        match self.value {
            Json::String(text) if text.is_empty() => Err(self
                .mistake("empty_value", "the text is empty; use exists or doesNotExist to ask for any value or none")),
            Json::String(text) => Ok(fold::compare(text)),
            _ => Err(self.wrong_type("text")),
        }
    }

    /// Digits to look for in a phone number.
    ///
    /// # Errors
    /// There is no digit in it, or something that does not belong in a phone number.
    pub fn digits(&self) -> Result<Digits, Mistake> {
        let typed = match self.value {
            Json::String(text) => Digits::parse(text),
            Json::Number(number) => number.as_u64().and_then(|number| Digits::parse(&number.to_string())),
            _ => return Err(self.wrong_type("text with the digits of a phone number")),
        };
        typed.ok_or_else(|| {
            let message = format!(
                "found {}; digits are needed, with spaces and + - . ( ) / between them if you like",
                found(self.value)
            );
            self.mistake("invalid_phone", message)
        })
    }

    /// The value of an operator that takes none.
    ///
    /// # Errors
    /// There is one.
    pub fn nothing(&self) -> Result<(), Mistake> {
        match self.value {
            Json::Null => Ok(()),
            Json::String(text) if text.is_empty() => Ok(()),
            other => {
                let message =
                    format!("found {}; {} takes no value (leave it out, or null)", found(other), self.operator);
                Err(self.mistake("unexpected_value", message))
            }
        }
    }

    /// A whole number, as JSON number or as text of digits.
    pub fn whole(&self) -> Option<u32> {
        match self.value {
            Json::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
            Json::String(text) => {
                text.trim().bytes().all(|byte| byte.is_ascii_digit()).then(|| text.trim().parse().ok())?
            }
            _ => None,
        }
    }
}
