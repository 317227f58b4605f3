//! Saved filters as text: what they name, and how they follow what is renamed.

use serde_json::Value as Json;

use super::expr;
use crate::contact::{Catalog, Field, SegmentId, fold};

/// The segments that a saved filter names and the workspace has, each once, ascending.
pub fn segments_named(filter: &Json, catalog: &Catalog) -> Vec<SegmentId> {
    let mut found = Vec::new();
    let mut filter = filter.clone();
    each_value(&mut filter, Field::Segment, catalog, &mut |value| {
        let text = value.as_str().map(str::trim);
        let id = || value.as_u64().or_else(|| text?.parse().ok()).and_then(|id| u32::try_from(id).ok()).map(SegmentId);
        let named = value.as_str().and_then(|name| catalog.segment_named(name)).map(|segment| segment.id);
        found.extend(named.or_else(id).filter(|id| catalog.segments.contains_key(id)));
    });
    found.sort_unstable();
    found.dedup();
    found
}

/// Puts `new` where a condition on `field` says `old`, ignoring case; whether there was any.
pub fn rename(filter: &mut Json, field: Field, catalog: &Catalog, old: &str, new: &str) -> bool {
    let (old, mut renamed) = (fold::compare(old), false);
    each_value(filter, field, catalog, &mut |value| {
        texts(value, &mut |text| {
            if fold::compared(text) == old {
                (*text, renamed) = (new.to_owned(), true);
            }
        });
    });
    renamed
}

/// Calls `f` with the value of each condition on the field; without recursion, as a tree may be of any depth.
fn each_value(filter: &mut Json, field: Field, catalog: &Catalog, f: &mut impl FnMut(&mut Json)) {
    let mut open = vec![filter];
    while let Some(node) = open.pop() {
        let Json::Object(members) = node else { continue };
        if members.contains_key("operator") {
            let named = expr::field(members, "").ok().and_then(|name| Field::named(&name, catalog));
            if let (true, Some(value)) = (named == Some(field), members.get_mut("value")) {
                f(value);
            }
            continue;
        }
        for (_, child) in members.iter_mut() {
            match child {
                Json::Array(nodes) => open.extend(nodes),
                child => open.push(child),
            }
        }
    }
}

/// Calls `f` with every text in a condition's value: itself, or the items of its lists.
fn texts(value: &mut Json, f: &mut impl FnMut(&mut String)) {
    match value {
        Json::String(text) => f(text),
        Json::Array(items) => items.iter_mut().for_each(|item| texts(item, f)),
        Json::Object(members) => members.iter_mut().for_each(|(_, member)| texts(member, f)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contact::Segment;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        for (id, name) in [(1, "One"), (2, "Two"), (30, "Thirty")] {
            let filter = json!({"$and": []}).to_string();
            catalog.put_segment(Segment { id: SegmentId(id), name: name.into(), filter, timezone: None });
        }
        catalog
    }

    #[test]
    fn segments_are_found_by_name_number_and_text_of_a_number() {
        let member = |value: Json| json!({"field": "SEGMENT", "operator": "isNotMemberOf", "value": value});
        let filter = json!({"$or": [member(json!("two")), {"$not": {"$and": [member(json!(1)), member(json!("30"))]}},
            member(json!(2)), member(json!(9)), {"field": "name", "operator": "contains", "value": "Thirty"}]});
        assert_eq!(segments_named(&filter, &catalog()), [1, 2, 30].map(SegmentId));
    }

    #[test]
    fn a_rename_reaches_every_form_of_value_of_its_field_and_nothing_else() {
        let mut filter = json!({"$and": [
            {"field": "tags", "operator": "hasAnyOf", "value": ["vip", "other"]},
            {"category": "contactTag", "field": null, "operator": "hasAtLeast", "value": {"count": 1, "of": ["VIP"]}},
            {"field": "firstName", "operator": "isEqualTo", "value": "vip"}]});
        assert!(rename(&mut filter, Field::Tags, &catalog(), "Vip", "gold"));
        assert_eq!(filter["$and"][0]["value"], json!(["gold", "other"]));
        assert_eq!(filter["$and"][1]["value"]["of"], json!(["gold"]));
        assert_eq!(filter["$and"][2]["value"], "vip");
        assert!(!rename(&mut filter, Field::Tags, &catalog(), "vip", "gold"));
    }
}
