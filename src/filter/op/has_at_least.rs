//! `hasAtLeast`: the set has so many members of this list.

use serde_json::Value as Json;

use super::Operator;
use crate::contact::Kind;
use crate::filter::found::found;
use crate::filter::predicate::Predicate;
use crate::filter::value::{Given, set};

pub(super) const OPERATOR: Operator = Operator {
    name: "hasAtLeast",
    aliases: &[],
    kinds: &[Kind::Set],
    complement_of: None,
    value: "{\"count\": 2, \"of\": [a list of members]}",
    doc: "The set has at least `count` of these. A channel source counts once, however many of its channels there are.",
    read: |given| {
        let [count, of] = given.members(["count", "of"])?;
        let groups = set::groups(&of.list()?)?;
        let least = least(&count)?;
        if least > groups.len() as u64 {
            let message = format!(
                "found {least} of a list with {} different values; no contact can have that many",
                groups.len()
            );
            return Err(count.mistake("count_too_large", message));
        }
        Ok(Predicate::set_at_least(least as u32, groups))
    },
};

fn least(count: &Given) -> Result<u64, crate::contact::Mistake> {
    let number = match count.value {
        Json::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    };
    number.filter(|&number| number >= 1).ok_or_else(|| {
        count.mistake("wrong_type", format!("found {}; a whole number from 1 on is needed", found(count.value)))
    })
}
