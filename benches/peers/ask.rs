//! What is asked, in words of no engine: `json` says it to Rollcall, `sql` to the two others.

use serde_json::Value as Json;

/// One question: a page with its exact total, a count alone, or a page with the counts of every facet.
#[derive(Default)]
pub struct Ask {
    pub cond: Option<Cond>,
    /// Search-folded words, each of which must match; of letters or digits only.
    pub words: Vec<String>,
    pub sort: Sort,
    pub offset: usize,
    /// No rows for a count.
    pub limit: usize,
    pub facets: bool,
}

/// What every engine must answer alike.
#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Answer {
    /// In order.
    pub ids: Vec<u32>,
    pub total: u64,
    /// `field=value: count`, sorted.
    pub facets: Vec<String>,
}

/// A field: its name in our filter, and what holds it in the others' tables (folded, where it is text).
pub struct Column {
    pub ours: &'static str,
    pub postgresql: &'static str,
    pub sqlite: &'static str,
}

/// A field with many values: its name in our filter, the array, and the table of links.
pub struct Set {
    pub ours: &'static str,
    pub array: &'static str,
    pub links: &'static str,
    pub member: &'static str,
}

macro_rules! columns {
    ($($name:ident $ours:literal $postgresql:literal $sqlite:literal;)*) => {
        $(pub const $name: &Column = &Column { ours: $ours, postgresql: $postgresql, sqlite: $sqlite };)*
    };
}

columns! {
    FIRST_NAME "firstName" "f_first" "f_first";
    NAME "name" "f_name" "f_name";
    EMAIL "email" "f_email" "f_email";
    // Marked international: the number from its `+` on.
    PHONE "phone" "phone" "phone";
    // Digits of whatever form: national, with trunk zero, international.
    PHONE_FORMS "phone" "p_forms" "p_forms";
    COUNTRY "countryCode" "country" "country";
    LANGUAGE "language" "language" "language";
    STATUS "status" "status" "status";
    LIFECYCLE "lifecycle" "lifecycle" "lifecycle";
    ASSIGNEE "assignee" "assignee" "assignee";
    CREATED "createdAt" "created_at" "created_at";
    LAST_MESSAGE "lastMessageAt" "last_message_at" "last_message_at";
    SINCE_INCOMING "timeSinceLastIncomingMessage" "last_incoming_at" "last_incoming_at";
    SINCE_MESSAGE "timeSinceLastMessage" "last_message_at" "last_message_at";
    SCORE "score" "((custom->>'score')::float8)" "score";
    PLAN "plan" "(custom->>'plan')" "plan";
    BIRTHDAY "birthday" "(custom->>'birthday')" "birthday";
    OPTED_IN "opted_in" "(custom->>'opted_in')" "opted_in";
}

pub const TAGS: &Set = &Set { ours: "tags", array: "tags", links: "contact_tag", member: "tag" };
pub const CHANNELS: &Set = &Set { ours: "channels", array: "channels", links: "contact_channel", member: "channel" };

/// A value as our filter takes it, and as the others store it.
#[derive(Clone)]
pub struct Value {
    pub ours: Json,
    pub sql: Param,
}

/// What is bound to a statement.
#[derive(Clone, Debug)]
pub enum Param {
    Int(i64),
    Number(f64),
    Text(String),
    Ints(Vec<i32>),
    Texts(Vec<String>),
}

/// How a text is compared.
#[derive(Clone, Copy)]
pub enum Way {
    Equals,
    Contains,
    Starts,
    Ends,
}

/// How a set is compared with members.
#[derive(Clone, Copy)]
pub enum Among {
    Any,
    All,
    None,
    Only,
    AtLeast(usize),
}

/// A condition, true or false of every contact.
pub enum Cond {
    All(Vec<Cond>),
    Any(Vec<Cond>),
    Not(Box<Cond>),
    /// Compare-folded text, or digits.
    Text(&'static Column, Way, String),
    OneOf(&'static Column, Vec<Value>),
    /// Both ends in.
    Within(&'static Column, Value, Value),
    /// Epoch milliseconds.
    Before(&'static Column, i64),
    /// Further back than so many days.
    LongerThan(&'static Column, i64),
    /// Not as far back.
    ShorterThan(&'static Column, i64),
    Exists(&'static Column),
    Has(&'static Set, Among, Vec<Member>),
}

/// A member of a set: as our filter names it, and the ids it stands for.
#[derive(Clone)]
pub struct Member {
    pub ours: Json,
    pub ids: Vec<i32>,
}

/// The orders asked for. Missing values stand last, and the id decides at the end.
#[derive(Clone, Copy, Default, PartialEq)]
pub enum Sort {
    /// Newest message first; with words, by quality first.
    #[default]
    Newest,
    Name,
    Created,
    CountryStatusName,
}

/// The facets of a page that asks for facets.
pub const FACETS: [&str; 8] =
    ["tags", "channels", "source", "status", "assignee", "lifecycle", "countryCode", "language"];

pub fn not(cond: Cond) -> Cond {
    Cond::Not(Box::new(cond))
}

pub fn exists(column: &'static Column) -> Cond {
    Cond::Exists(column)
}

/// Values that are texts on both sides.
pub fn texts(column: &'static Column, values: &[&str]) -> Cond {
    let value = |text: &&str| Value { ours: (*text).into(), sql: Param::Text((*text).to_owned()) };
    Cond::OneOf(column, values.iter().map(value).collect())
}

/// Values that have a name for us and a number in the tables.
pub fn named(column: &'static Column, values: &[(&str, i64)]) -> Cond {
    let value = |(name, code): &(&str, i64)| Value { ours: (*name).into(), sql: Param::Int(*code) };
    Cond::OneOf(column, values.iter().map(value).collect())
}

pub fn numbers(column: &'static Column, from: f64, to: f64) -> Cond {
    let value = |number: f64| Value { ours: number.into(), sql: Param::Number(number) };
    Cond::Within(column, value(from), value(to))
}

pub fn instants(column: &'static Column, from: i64, to: i64) -> Cond {
    let value = |at: i64| Value { ours: at.into(), sql: Param::Int(at) };
    Cond::Within(column, value(from), value(to))
}

pub fn dates(column: &'static Column, from: String, to: String) -> Cond {
    let value = |day: String| Value { ours: day.as_str().into(), sql: Param::Text(day) };
    Cond::Within(column, value(from), value(to))
}
