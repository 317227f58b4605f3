//! Members of set fields, each as the codes that stand for it.
//!
//! `channels` and `source` both speak of channel ids: a source is the channels of that source.

use serde_json::Value as Json;

use super::{Given, choice};
use crate::contact::{Field, Mistake, fold};

/// Each different member of the list as a group of codes, any of which will do. A tag that the workspace does not know
/// is an empty group: tags are made by using them, so it is no mistake, but no contact has it.
pub fn groups(items: &[Given]) -> Result<Vec<Vec<u32>>, Mistake> {
    let mut groups: Vec<Vec<u32>> = Vec::with_capacity(items.len());
    let mut unknown: Vec<String> = Vec::new();
    for item in items {
        let group = match item.field {
            Field::Tags => tag(item)?,
            Field::Source => source(item)?,
            _ => choice::channels(item)?,
        };
        if group.is_empty() {
            unknown.extend(item.value.as_str().map(fold::compare));
        } else {
            groups.push(group);
        }
    }
    groups.sort_unstable();
    groups.dedup();
    unknown.sort_unstable();
    unknown.dedup();
    groups.extend(unknown.iter().map(|_| Vec::new()));
    Ok(groups)
}

fn tag(item: &Given) -> Result<Vec<u32>, Mistake> {
    let name = name(item, "the name of a tag")?;
    Ok(item.context.catalog.tag_named(name).map(|tag| tag.id.0).into_iter().collect())
}

fn source(item: &Given) -> Result<Vec<u32>, Mistake> {
    let needed = "the name of a channel source that the workspace has";
    let ids = choice::sources(item, name(item, needed)?);
    if ids.is_empty() {
        let sources = item.context.catalog.channels.values().map(|channel| channel.source.as_str());
        return Err(item.unknown("unknown_source", needed, sources));
    }
    Ok(ids)
}

fn name<'a>(item: &Given<'a>, needed: &str) -> Result<&'a str, Mistake> {
    match item.value {
        Json::String(text) if text.trim().is_empty() => {
            Err(item.mistake("empty_value", format!("the text is empty; {needed} is needed")))
        }
        Json::String(text) => Ok(text),
        _ => Err(item.wrong_type(needed)),
    }
}
