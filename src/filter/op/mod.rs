//! The table of operators. One file per operator; one line here registers it.
//!
//! The parser's choices, the errors' "use one of", the API's operator list and the property tests all read [`table`].
//! A negative operator has no meaning of its own: its row names its positive twin, and it is the exact complement.

use super::found::excerpt;
use super::predicate::Predicate;
use super::value::Given;
use crate::contact::{Kind, Mistake, suggest};

mod contains;
mod does_not_contain;
mod does_not_exist;
mod ends_with;
mod exists;
mod has_all_of;
mod has_any_of;
mod has_at_least;
mod has_none_of;
mod has_only;
mod is_between;
mod is_equal_to;
mod is_greater_than;
mod is_greater_than_or_equal_to;
mod is_less_than;
mod is_less_than_or_equal_to;
mod is_member_of;
mod is_not_equal_to;
mod is_not_member_of;
mod is_timestamp_after;
mod is_timestamp_before;
mod is_timestamp_between;
mod starts_with;

static TABLE: &[Operator] = &[
    is_equal_to::OPERATOR,
    is_not_equal_to::OPERATOR,
    contains::OPERATOR,
    does_not_contain::OPERATOR,
    starts_with::OPERATOR,
    ends_with::OPERATOR,
    has_any_of::OPERATOR,
    has_all_of::OPERATOR,
    has_none_of::OPERATOR,
    has_only::OPERATOR,
    has_at_least::OPERATOR,
    is_greater_than::OPERATOR,
    is_less_than::OPERATOR,
    is_greater_than_or_equal_to::OPERATOR,
    is_less_than_or_equal_to::OPERATOR,
    is_between::OPERATOR,
    is_timestamp_after::OPERATOR,
    is_timestamp_before::OPERATOR,
    is_timestamp_between::OPERATOR,
    is_member_of::OPERATOR,
    is_not_member_of::OPERATOR,
    exists::OPERATOR,
    does_not_exist::OPERATOR,
];

/// A row of the table.
pub struct Operator {
    /// The name on the wire.
    pub name: &'static str,
    /// Names that other dialects have for it.
    pub aliases: &'static [&'static str],
    /// The kinds of field it serves.
    pub kinds: &'static [Kind],
    /// The positive operator whose exact complement it is.
    pub complement_of: Option<&'static str>,
    /// What its value looks like.
    pub value: &'static str,
    /// What it means, in a sentence.
    pub doc: &'static str,
    /// Reads the value; a complement reads as its positive twin.
    pub(super) read: fn(&Given) -> Result<Predicate, Mistake>,
}

impl Operator {
    /// The complement of `twin` under its own name.
    const fn complement(name: &'static str, twin: &Operator, doc: &'static str) -> Operator {
        Operator {
            name,
            aliases: &[],
            kinds: twin.kinds,
            complement_of: Some(twin.name),
            value: twin.value,
            doc,
            read: twin.read,
        }
    }

    /// Whether it is the complement of another.
    pub fn is_negative(&self) -> bool {
        self.complement_of.is_some()
    }
}

/// Every operator.
pub fn table() -> &'static [Operator] {
    TABLE
}

/// The operators that a kind of field takes.
pub fn of_kind(kind: Kind) -> impl Iterator<Item = &'static Operator> {
    TABLE.iter().filter(move |operator| operator.kinds.contains(&kind))
}

/// The operator of that name or alias, ignoring ASCII case.
pub fn named(name: &str) -> Option<&'static Operator> {
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    TABLE.iter().find(|operator| is(operator.name) || operator.aliases.iter().any(|alias| is(alias)))
}

/// What a kind of field is called in errors and docs.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Phone => "phone",
        Kind::Choice => "choice",
        Kind::Set => "set",
        Kind::Number => "number",
        Kind::Instant => "instant",
        Kind::Duration => "duration",
        Kind::Date => "date",
        Kind::Time => "time",
        Kind::Checkbox => "checkbox",
        Kind::Segment => "segment",
    }
}

/// The operator of that name for a field of that kind; `field` and `path` are for the error.
///
/// # Errors
/// The name is unknown, or not for this kind: with those that are, and the nearest of them.
pub(super) fn find(name: &str, kind: Kind, field: &str, path: &str) -> Result<&'static Operator, Mistake> {
    let known = named(name);
    if let Some(operator) = known.filter(|operator| operator.kinds.contains(&kind)) {
        return Ok(operator);
    }
    let names = || of_kind(kind).map(|operator| operator.name);
    let (shown, choices) = (excerpt(name), names().collect::<Vec<_>>().join(", "));
    let hint = suggest::did_you_mean(name, names());
    let (code, what) = match known {
        Some(_) => ("wrong_operator", "does not apply here"),
        None => ("unknown_operator", "is not an operator"),
    };
    let kind = kind_name(kind);
    let article = if kind.starts_with('i') { "an" } else { "a" };
    let message = format!("{shown} {what}: {field} is {article} {kind} field and takes {choices}.{hint}");
    Err(Mistake::new(format!("{path}.operator"), code, message))
}

#[cfg(test)]
mod tests;
