//! The filter tree as typed: shape, depth and sizes, before any field is looked up.
//!
//! A node is an object with exactly one of `$and` (list), `$or` (list), `$not` (node), or a condition
//! `{category, field, operator, value}`. An empty `$and` or `$or` matches everything, so does the filter `null`.
//! An empty object is refused: it is more often a condition that lost its members than a wish for everything.

use serde_json::{Map, Value as Json};

use super::Limits;
use super::found::found;
use crate::contact::{Mistake, suggest};

/// A node as typed, each condition with its path.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// `field` as written, or what `category` stands for where the dialect leaves `field` null.
    Condition {
        path: String,
        field: String,
        operator: String,
        value: Json,
    },
}

/// The categories of the respond.io dialect, each with the field it stands for.
const CATEGORIES: [(&str, Option<&str>); 5] = [
    ("contactField", None),
    ("contactTag", Some("tags")),
    ("lifecycle", Some("lifecycle")),
    ("channel", Some("channels")),
    ("lastInteractedChannel", Some("lastInteractedChannel")),
];

const COMBINATORS: [&str; 3] = ["$and", "$or", "$not"];
const MEMBERS: [&str; 4] = ["category", "field", "operator", "value"];

/// Reads the tree.
///
/// # Errors
/// The first mistake.
pub fn parse(json: &Json, path: &str, limits: &Limits) -> Result<Expr, Mistake> {
    if json.is_null() {
        return Ok(Expr::And(Vec::new()));
    }
    Reader { limits, root: json, conditions: 0 }.node(json, path, 1)
}

/// Levels and conditions of a tree, whatever its shape; without recursion, as it may be deeper than the stack.
fn measure(root: &Json) -> (usize, usize) {
    let (mut depth, mut conditions) = (0, 0);
    let mut open = vec![(root, 1)];
    while let Some((node, level)) = open.pop() {
        depth = depth.max(level);
        let Json::Object(members) = node else { continue };
        if members.contains_key("operator") {
            conditions += 1;
        }
        for name in COMBINATORS {
            match members.get(name) {
                Some(Json::Array(nodes)) => open.extend(nodes.iter().map(|node| (node, level + 1))),
                Some(node @ Json::Object(_)) => open.push((node, level + 1)),
                _ => {}
            }
        }
    }
    (depth, conditions)
}

struct Reader<'a> {
    limits: &'a Limits,
    root: &'a Json,
    conditions: usize,
}

impl Reader<'_> {
    fn node(&mut self, json: &Json, path: &str, level: usize) -> Result<Expr, Mistake> {
        let most = self.limits.depth_max;
        if level > most {
            let (depth, _) = measure(self.root);
            let message = format!("the filter is nested {depth} levels deep; at most {most} are allowed");
            return Err(Mistake::new(path, "filter_too_deep", message));
        }
        let Json::Object(members) = json else {
            let message = format!("found {}; a node of the filter is an object: {SHAPES}", found(json));
            return Err(Mistake::new(path, "wrong_type", message));
        };
        match one_of_combinators(members, path)? {
            None => self.condition(members, path),
            Some("$not") => Ok(Expr::Not(Box::new(self.node(&members["$not"], &format!("{path}.$not"), level + 1)?))),
            Some(name) => {
                let nodes = self.nodes(&members[name], &format!("{path}.{name}"), level + 1)?;
                Ok(if name == "$and" { Expr::And(nodes) } else { Expr::Or(nodes) })
            }
        }
    }

    fn nodes(&mut self, json: &Json, path: &str, level: usize) -> Result<Vec<Expr>, Mistake> {
        let Json::Array(nodes) = json else {
            return Err(Mistake::new(path, "wrong_type", format!("found {}; a list of nodes is needed", found(json))));
        };
        nodes.iter().enumerate().map(|(at, node)| self.node(node, &format!("{path}[{at}]"), level)).collect()
    }

    fn condition(&mut self, members: &Map<String, Json>, path: &str) -> Result<Expr, Mistake> {
        for name in members.keys() {
            known_member(name, path)?;
        }
        if members.is_empty() {
            let message = format!("the node is empty; use {SHAPES}, or {{\"$and\": []}} for every contact");
            return Err(Mistake::new(path, "empty_node", message));
        }
        self.conditions += 1;
        if self.conditions > self.limits.conditions_max {
            let (count, most) = (measure(self.root).1.max(self.conditions), self.limits.conditions_max);
            let message = format!("the filter has {count} conditions; at most {most} are allowed");
            return Err(Mistake::new(path, "too_many_conditions", message));
        }
        let operator = match members.get("operator") {
            Some(Json::String(name)) => name.clone(),
            other => {
                let message =
                    format!("found {}; the name of an operator is needed", found(other.unwrap_or(&Json::Null)));
                return Err(Mistake::new(format!("{path}.operator"), missing_or_wrong(other), message));
            }
        };
        let field = field(members, path)?;
        let value = members.get("value").cloned().unwrap_or(Json::Null);
        Ok(Expr::Condition { path: path.to_owned(), field, operator, value })
    }
}

const SHAPES: &str = "{\"$and\": […]}, {\"$or\": […]}, {\"$not\": …} or {\"field\", \"operator\", \"value\"}";

fn missing_or_wrong(member: Option<&Json>) -> &'static str {
    if matches!(member, None | Some(Json::Null)) { "missing_member" } else { "wrong_type" }
}

/// The combinator of a node, or `None` for a condition.
fn one_of_combinators(members: &Map<String, Json>, path: &str) -> Result<Option<&'static str>, Mistake> {
    let mut present = COMBINATORS.into_iter().filter(|name| members.contains_key(*name));
    let Some(first) = present.next() else { return Ok(None) };
    if let Some(second) = present.next() {
        let message = format!("found both {first} and {second}; a node has one of them: put one inside the other");
        return Err(Mistake::new(path, "ambiguous_node", message));
    }
    match members.keys().find(|name| *name != first) {
        None => Ok(Some(first)),
        Some(other) => {
            known_member(other, path)?;
            let message = format!("found both {first} and {other}; a node is either {first} or a condition");
            Err(Mistake::new(path, "ambiguous_node", message))
        }
    }
}

fn known_member(name: &str, path: &str) -> Result<(), Mistake> {
    let mut names = COMBINATORS.into_iter().chain(MEMBERS);
    if names.any(|known| known == name) {
        return Ok(());
    }
    let name = super::found::excerpt(name);
    let hint = suggest::did_you_mean(&name, COMBINATORS.into_iter().chain(MEMBERS));
    let message = format!("there is no member {name} in a filter; use {SHAPES}.{hint}");
    Err(Mistake::new(format!("{path}.{name}"), "unknown_member", message))
}

/// The field a condition names, by `field` or, in the dialect, by `category` alone.
pub(super) fn field(members: &Map<String, Json>, path: &str) -> Result<String, Mistake> {
    let stands_for = match members.get("category") {
        None | Some(Json::Null) => None,
        Some(category) => category_field(category, path)?,
    };
    let named = match members.get("field") {
        None | Some(Json::Null) => None,
        Some(Json::String(name)) if name.is_empty() => None,
        Some(Json::String(name)) => Some(name.as_str()),
        Some(other) => {
            let message = format!("found {}; the name of a field is needed", found(other));
            return Err(Mistake::new(format!("{path}.field"), "wrong_type", message));
        }
    };
    let same = |name: &str, field: &str| {
        let standard = crate::contact::STANDARD.iter().find(|row| row.name == field);
        standard.is_some_and(|row| {
            row.name.eq_ignore_ascii_case(name) || row.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        })
    };
    match (named, stands_for) {
        (Some(name), None) => Ok(name.to_owned()),
        (None, Some(field)) => Ok(field.to_owned()),
        (Some(name), Some(field)) if same(name, field) => Ok(field.to_owned()),
        (Some(name), Some(field)) => {
            let name = super::found::excerpt(name);
            let message =
                format!("found the field {name} in a category that stands for {field}; leave one of them out");
            Err(Mistake::new(format!("{path}.field"), "contradictory_field", message))
        }
        (None, None) => Err(Mistake::new(
            format!("{path}.field"),
            "missing_member",
            "found null; the name of a field is needed (only the categories contactTag, lifecycle, channel and lastInteractedChannel go without)",
        )),
    }
}

fn category_field(category: &Json, path: &str) -> Result<Option<&'static str>, Mistake> {
    let known = category.as_str().and_then(|name| CATEGORIES.iter().find(|row| row.0.eq_ignore_ascii_case(name)));
    if let Some((_, field)) = known {
        return Ok(*field);
    }
    let names = || CATEGORIES.iter().map(|row| row.0);
    let hint = category.as_str().map_or_else(String::new, |name| suggest::did_you_mean(name, names()));
    let message =
        format!("found {}; a category is one of {}.{hint}", found(category), names().collect::<Vec<_>>().join(", "));
    Err(Mistake::new(format!("{path}.category"), "unknown_category", message))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIMITS: Limits = Limits { depth_max: 4, conditions_max: 3, list_values_max: 5 };

    fn refused(json: Json) -> Mistake {
        parse(&json, "filter", &LIMITS).expect_err("a mistake")
    }

    #[test]
    fn a_tree_keeps_its_shape_and_paths() {
        let tree = json!({"$and": [{"field": "email", "operator": "exists"},
            {"$not": {"$or": [{"field": "phone", "operator": "contains", "value": "12"}]}}]});
        let condition = |path: &str, field: &str, operator: &str, value: Json| Expr::Condition {
            path: path.into(),
            field: field.into(),
            operator: operator.into(),
            value,
        };
        assert_eq!(
            parse(&tree, "filter", &LIMITS),
            Ok(Expr::And(vec![
                condition("filter.$and[0]", "email", "exists", Json::Null),
                Expr::Not(Box::new(Expr::Or(vec![condition(
                    "filter.$and[1].$not.$or[0]",
                    "phone",
                    "contains",
                    json!("12")
                )])))
            ]))
        );
    }

    #[test]
    fn null_and_empty_lists_match_everything() {
        assert_eq!(parse(&Json::Null, "filter", &LIMITS), Ok(Expr::And(vec![])));
        assert_eq!(parse(&json!({"$and": []}), "filter", &LIMITS), Ok(Expr::And(vec![])));
        assert_eq!(parse(&json!({"$or": []}), "filter", &LIMITS), Ok(Expr::Or(vec![])));
    }

    #[test]
    fn the_dialect_names_fields_by_category() {
        for (category, field, meant) in [
            ("contactTag", Json::Null, "tags"),
            ("contactTag", json!("tags"), "tags"),
            ("lifecycle", json!(""), "lifecycle"),
            ("channel", Json::Null, "channels"),
            ("lastInteractedChannel", Json::Null, "lastInteractedChannel"),
            ("contactField", json!("crm_id"), "crm_id"),
        ] {
            let node = json!({"category": category, "field": field, "operator": "exists", "value": ""});
            match parse(&node, "filter", &LIMITS) {
                Ok(Expr::Condition { field, .. }) => assert_eq!(field, meant),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_path() {
        let condition = json!({"field": "email", "operator": "exists"});
        let six_deep = json!({"$not": {"$not": {"$and": [{"$or": [{"$not": condition}]}]}}});
        for (tree, path, code, words) in [
            (json!([1]), "filter", "wrong_type", "a list"),
            (json!({}), "filter", "empty_node", "{\"$and\": []}"),
            (json!({"$and": [null]}), "filter.$and[0]", "wrong_type", "null"),
            (json!({"$and": {}}), "filter.$and", "wrong_type", "an object"),
            (json!({"$and": [], "$or": []}), "filter", "ambiguous_node", "$and and $or"),
            (json!({"$and": [], "field": "x"}), "filter", "ambiguous_node", "$and and field"),
            (json!({"and": []}), "filter.and", "unknown_member", "Did you mean $and?"),
            (json!({"field": "x", "operater": "exists"}), "filter.operater", "unknown_member", "mean operator?"),
            (json!({"field": "email"}), "filter.operator", "missing_member", "an operator"),
            (json!({"field": "email", "operator": 5}), "filter.operator", "wrong_type", "the number 5"),
            (json!({"field": 5, "operator": "exists"}), "filter.field", "wrong_type", "the number 5"),
            (json!({"field": null, "operator": "exists"}), "filter.field", "missing_member", "null"),
            (
                json!({"category": "contactTags", "operator": "exists"}),
                "filter.category",
                "unknown_category",
                "contactTag?",
            ),
            (
                json!({"category": "contactTag", "field": "email", "operator": "exists"}),
                "filter.field",
                "contradictory_field",
                "tags",
            ),
            (six_deep, "filter.$not.$not.$and[0].$or[0]", "filter_too_deep", "6 levels deep; at most 4"),
            (
                json!({"$and": vec![condition.clone(); 7]}),
                "filter.$and[3]",
                "too_many_conditions",
                "7 conditions; at most 3",
            ),
        ] {
            let mistake = refused(tree.clone());
            assert_eq!((mistake.path.as_str(), mistake.code), (path, code), "{tree}");
            assert!(mistake.message.contains(words), "{} of {tree}", mistake.message);
        }
    }
}
