//! A question as Rollcall takes it, in process and over HTTP; and figures as they are written.

use rollcall::contact::Millis;
use rollcall::engine::{Query, Sort as Key};
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use crate::ask::{Among, Ask, Cond, FACETS, Sort, Value, Way};

/// The filter tree of a condition. The engine's clock stands, so relative times are what they were.
fn filter(cond: &Cond) -> Json {
    let is = |field: &str, operator: &str, value: Json| json!({"field": field, "operator": operator, "value": value});
    let listed = |conds: &[Cond]| conds.iter().map(filter).collect::<Vec<_>>();
    let days = |days: i64| json!({"amount": days, "unit": "days"});
    match cond {
        Cond::All(conds) => json!({"$and": listed(conds)}),
        Cond::Any(conds) => json!({"$or": listed(conds)}),
        Cond::Not(cond) => json!({"$not": filter(cond)}),
        Cond::Text(column, way, text) => {
            let operator = match way {
                Way::Equals => "isEqualTo",
                Way::Contains => "contains",
                Way::Starts => "startsWith",
                Way::Ends => "endsWith",
            };
            is(column.ours, operator, text.as_str().into())
        }
        Cond::OneOf(column, values) => match values.as_slice() {
            [one] => is(column.ours, "isEqualTo", one.ours.clone()),
            many => is(column.ours, "hasAnyOf", many.iter().map(|value| value.ours.clone()).collect()),
        },
        Cond::Within(column, from, to) => is(column.ours, between(from), json!({"from": from.ours, "to": to.ours})),
        Cond::Before(column, at) => is(column.ours, "isTimestampBefore", (*at).into()),
        Cond::LongerThan(column, n) => is(column.ours, "isGreaterThan", days(*n)),
        Cond::ShorterThan(column, n) => is(column.ours, "isLessThan", days(*n)),
        Cond::Exists(column) => json!({"field": column.ours, "operator": "exists"}),
        Cond::Has(set, among, members) => {
            let of: Json = members.iter().map(|member| member.ours.clone()).collect();
            match among {
                Among::Any => is(set.ours, "hasAnyOf", of),
                Among::All => is(set.ours, "hasAllOf", of),
                Among::None => is(set.ours, "hasNoneOf", of),
                Among::Only => is(set.ours, "hasOnly", of),
                Among::AtLeast(count) => is(set.ours, "hasAtLeast", json!({"count": count, "of": of})),
            }
        }
    }
}

/// Numbers have one name for it, moments and days another.
fn between(from: &Value) -> &'static str {
    if from.ours.is_f64() { "isBetween" } else { "isTimestampBetween" }
}

/// Field and direction (descending or not) of each key; none where the search's own order is wanted.
fn keys(ask: &Ask) -> &'static [(&'static str, bool)] {
    match ask.sort {
        Sort::Newest if !ask.words.is_empty() => &[],
        Sort::Newest => &[("lastMessageAt", true)],
        Sort::Name => &[("name", false)],
        Sort::Created => &[("createdAt", true)],
        Sort::CountryStatusName => &[("countryCode", false), ("status", false), ("name", false)],
    }
}

/// For the engine in process.
pub fn query(ask: &Ask) -> Query {
    let key = |(field, descending): &(&str, bool)| Key {
        field: (*field).to_owned(),
        descending: *descending,
        missing_first: false,
    };
    Query {
        search: (!ask.words.is_empty()).then(|| ask.words.join(" ")),
        filter: ask.cond.as_ref().map(filter),
        sort: keys(ask).iter().map(key).collect(),
        offset: ask.offset,
        limit: (ask.limit > 0).then_some(ask.limit),
        facets: if ask.facets { FACETS.map(String::from).into() } else { Vec::new() },
        ..Query::default()
    }
}

/// Path and body of the request over HTTP.
pub fn request(ask: &Ask) -> (&'static str, String) {
    let mut body = json!({});
    if !ask.words.is_empty() {
        body["search"] = ask.words.join(" ").into();
    }
    if let Some(cond) = &ask.cond {
        body["filter"] = filter(cond);
    }
    if ask.limit == 0 {
        return ("/v1/contacts/count", body.to_string());
    }
    let key = |(field, down): &(&str, bool)| json!({"field": field, "order": if *down { "desc" } else { "asc" }});
    body["sort"] = keys(ask).iter().map(key).collect();
    body["offset"] = ask.offset.into();
    body["limit"] = ask.limit.into();
    if ask.facets {
        body["facets"] = json!(FACETS);
    }
    ("/v1/contacts/search", body.to_string())
}

/// The instant that lies so many days before now; the workspace's zone has no summer time.
pub fn days_ago(now: Millis, days: i64) -> Millis {
    now - days * 86_400_000
}

/// A figure with two places after the point.
pub fn round(number: f64) -> Json {
    Json::from((number * 100.0).round() / 100.0)
}

/// The same for a field of a struct.
pub fn two_places<S: Serializer>(number: &f64, out: S) -> Result<S::Ok, S::Error> {
    round(*number).serialize(out)
}
