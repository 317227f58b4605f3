//! The query classes: what people and programs ask of a contacts table, each with many literals.

use rollcall::engine::{Query, Sort};
use serde_json::{Value as Json, json};

/// A class of queries: its name and its `n`-th query.
pub struct Class {
    pub name: &'static str,
    pub query: fn(usize) -> Query,
    /// Asked as a count, not as a page.
    pub count: bool,
}

const PAGE: usize = 100;

fn page(filter: Option<Json>, sort: &str) -> Query {
    let (field, descending) = sort.split_once(' ').map_or((sort, false), |(field, _)| (field, true));
    let sort = vec![Sort { field: field.into(), descending, missing_first: false }];
    Query { filter, sort, limit: Some(PAGE), ..Query::default() }
}

fn filtered(filter: Json) -> Query {
    page(Some(filter), "lastMessageAt desc")
}

fn searched(search: &str) -> Query {
    Query { search: Some(search.into()), limit: Some(PAGE), ..Query::default() }
}

const TAGS: [&str; 8] = ["vip", "newsletter", "lead", "customer", "wholesale", "returning", "complaint", "refund"];
const COUNTRIES: [&str; 8] = ["MY", "DE", "FR", "BR", "CN", "JP", "TH", "RU"];
const ONE: [&str; 8] = ["a", "e", "m", "s", "i", "r", "o", "n"];
const TWO: [&str; 8] = ["an", "ma", "el", "ka", "in", "ar", "le", "jo"];
const THREE: [&str; 8] = ["mar", "ann", "car", "ili", "ale", "son", "lin", "ber"];
const FOUR: [&str; 8] = ["mari", "anna", "carl", "alex", "soph", "juli", "andr", "mart"];
const SIX: [&str; 8] = ["martin", "sandra", "schmid", "garcia", "fernan", "nguyen", "alexan", "kowals"];
const CJK: [&str; 8] = ["王", "李", "田", "山", "김", "สม", "مح", "陈"];

fn pick<T: Copy>(of: &[T], n: usize) -> T {
    of[n % of.len()]
}

fn days(n: usize) -> Json {
    json!({"amount": 1 + n % 40, "unit": "days"})
}

fn nested(n: usize) -> Json {
    let inner = json!({"$or": [{"field": "language", "operator": "isEqualTo", "value": "en"},
        {"$and": [{"field": "score", "operator": "isGreaterThan", "value": n % 90},
                  {"$not": {"$or": [{"field": "plan", "operator": "isEqualTo", "value": "trial"},
                                    {"field": "opted_in", "operator": "isEqualTo", "value": false}]}}]}]});
    json!({"$and": [{"field": "status", "operator": "hasAnyOf", "value": ["open", "snoozed"]},
        {"$or": [{"field": "tags", "operator": "hasAnyOf", "value": [pick(&TAGS, n)]}, {"$and": [
            {"field": "timeSinceLastIncomingMessage", "operator": "isGreaterThan", "value": days(n)}, inner]}]}]})
}

macro_rules! classes {
    ($($name:literal $kind:ident $query:expr;)*) => {
        /// Every class.
        pub const CLASSES: &[Class] = &[$(Class { name: $name, query: $query, count: classes!(@ $kind) }),*];
    };
    (@ page) => { false };
    (@ count) => { true };
}

classes! {
    "browse, newest message" page |_| page(None, "lastMessageAt desc");
    "browse, last page of the window" page |_| Query { offset: 2400, ..page(None, "lastMessageAt desc") };
    "browse, by name" page |n| Query { offset: n % 40 * 50, ..page(None, "name") };
    "one tag" page |n| filtered(json!({"field": "tags", "operator": "hasAnyOf", "value": [pick(&TAGS, n)]}));
    "all of two tags" page |n| filtered(json!({"field": "tags", "operator": "hasAllOf", "value": [pick(&TAGS, n), pick(&TAGS, n + 1)]}));
    "none of three tags" page |n| filtered(json!({"field": "tags", "operator": "hasNoneOf", "value": [pick(&TAGS, n), pick(&TAGS, n + 1), pick(&TAGS, n + 2)]}));
    "only of eight tags" page |_| filtered(json!({"field": "tags", "operator": "hasOnly", "value": TAGS}));
    "at least two of four tags" page |n| filtered(json!({"field": "tags", "operator": "hasAtLeast", "value": {"count": 2, "of": [pick(&TAGS, n), pick(&TAGS, n + 1), pick(&TAGS, n + 2), pick(&TAGS, n + 3)]}}));
    "country" page |n| filtered(json!({"field": "countryCode", "operator": "isEqualTo", "value": pick(&COUNTRIES, n)}));
    "channel source" page |n| filtered(json!({"field": "channels", "operator": "hasAnyOf", "value": [pick(&["whatsapp", "email", "telegram", "sms"], n)]}));
    "status open, by name" page |_| page(Some(json!({"field": "status", "operator": "isEqualTo", "value": "open"})), "name");
    "tag, by name" page |n| page(Some(json!({"field": "tags", "operator": "hasAnyOf", "value": [pick(&TAGS, n)]})), "name");
    "lifecycle, unassigned" page |_| filtered(json!({"$and": [{"field": "assignee", "operator": "doesNotExist"}, {"field": "lifecycle", "operator": "exists"}]}));
    "number range" page |n| filtered(json!({"field": "score", "operator": "isBetween", "value": {"from": n % 50, "to": n % 50 + 20}}));
    "created in a month" page |n| filtered(json!({"field": "createdAt", "operator": "isTimestampBetween", "value": {"from": format!("2025-{:02}-01", 1 + n % 11), "to": format!("2025-{:02}-01", 2 + n % 11)}}));
    "born in some years" page |n| filtered(json!({"field": "birthday", "operator": "isTimestampBetween", "value": {"from": format!("{}-02-03", 1941 + n), "to": format!("{}-08-09", 1943 + n)}}));
    "a message within days" page |n| filtered(json!({"field": "timeSinceLastMessage", "operator": "isLessThan", "value": days(n)}));
    "birthday and no e-mail" page |n| filtered(json!({"$and": [{"field": "birthday", "operator": "exists"}, {"field": "email", "operator": "doesNotExist"},
        {"field": "countryCode", "operator": "hasAnyOf", "value": [pick(&COUNTRIES, n), pick(&COUNTRIES, n + 1)]}]}));
    "no reply for days" page |n| filtered(json!({"field": "timeSinceLastIncomingMessage", "operator": "isGreaterThan", "value": days(n)}));
    "nested five deep" page |n| filtered(nested(n));
    "against the order" page |n| page(Some(json!({"field": "createdAt", "operator": "isTimestampBefore", "value": format!("2025-{:02}-01", 1 + n % 11)})), "createdAt desc");
    "along the order" page |n| page(Some(json!({"field": "createdAt", "operator": "isTimestampBefore", "value": format!("2025-{:02}-01", 1 + n % 11)})), "createdAt");
    "across the orders" page |n| page(Some(json!({"field": "lastMessageAt", "operator": "isTimestampBefore", "value": format!("2025-{:02}-01", 1 + n % 11)})), "createdAt");
    "phone is" page |n| filtered(json!({"field": "phone", "operator": "isEqualTo", "value": format!("+6012{:07}", n * 200_003)}));
    "phone starts with" page |n| filtered(json!({"field": "phone", "operator": "startsWith", "value": format!("+601{:02}{}", n, n % 7)}));
    "phone starts with, national" page |n| filtered(json!({"field": "phone", "operator": "startsWith", "value": format!("01{:02}{}", n, n % 7)}));
    "three sort keys" page |n| Query { sort: ["countryCode", "status", "name"].map(|field| Sort { field: field.into(), descending: n % 2 == 1, missing_first: false }).into(), ..page(None, "id") };
    "first name contains" page |n| filtered(json!({"field": "firstName", "operator": "contains", "value": pick(&THREE, n)}));
    "e-mail ends with" page |n| filtered(json!({"field": "email", "operator": "endsWith", "value": pick(&["example.com", "example.net", ".org"], n)}));
    "e-mail contains" page |n| filtered(json!({"field": "email", "operator": "contains", "value": pick(&FOUR, n)}));
    "name starts with" page |n| filtered(json!({"field": "name", "operator": "startsWith", "value": pick(&TWO, n)}));
    "search 1 character" page |n| searched(pick(&ONE, n));
    "search 2 characters" page |n| searched(pick(&TWO, n));
    "search 3 characters" page |n| searched(pick(&THREE, n));
    "search 4 characters" page |n| searched(pick(&FOUR, n));
    "search 6 characters" page |n| searched(pick(&SIX, n));
    "search two words" page |n| searched(&format!("{} {}", pick(&THREE, n), pick(&TWO, n + 3)));
    "search phone digits" page |n| searched(&format!("{}", 1000 + n * 211 % 9000));
    "search CJK, Thai, Arabic" page |n| searched(pick(&CJK, n));
    "search and filter" page |n| Query { filter: Some(json!({"field": "tags", "operator": "hasAnyOf", "value": [pick(&TAGS, n)]})), ..searched(pick(&THREE, n)) };
    "count of a tag" count |n| filtered(json!({"field": "tags", "operator": "hasAnyOf", "value": [pick(&TAGS, n)]}));
    "count of a range" count |n| filtered(json!({"field": "score", "operator": "isBetween", "value": {"from": n * 5, "to": n * 5 + 400}}));
    "count of a nested filter" count |n| filtered(nested(n));
    "facets of everything" page |_| facets(None);
    "facets of 80 %" page |_| facets(Some(json!({"field": "timeSinceLastMessage", "operator": "exists"})));
    "facets of a tag" page |n| facets(Some(json!({"field": "tags", "operator": "hasAnyOf", "value": [pick(&TAGS, n)]})));
}

fn facets(filter: Option<Json>) -> Query {
    let fields = ["tags", "channels", "source", "status", "assignee", "lifecycle", "countryCode", "language"];
    Query { facets: fields.map(String::from).into(), limit: Some(25), ..page(filter, "lastMessageAt desc") }
}
