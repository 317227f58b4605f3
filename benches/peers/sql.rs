//! A question as SQL, in both dialects. The text depends on the class alone, so that a statement is prepared once and the
//! literals are bound to it.
//!
//! Two-valued logic: a condition on a missing value is NULL, which selects nothing; only its negation has to say so.

use rollcall::contact::Millis;

use crate::ask::{Among, Ask, Cond, Param, Set, Sort, Way};
use crate::json::days_ago;

/// Whose SQL.
#[derive(Clone, Copy, PartialEq)]
pub enum Dialect {
    PostgreSql,
    /// `walk`: along the order's index, each row's conditions looked at; else from the conditions' own indexes. Its planner
    /// does not see which is better, so the caller tries both.
    Sqlite {
        walk: bool,
    },
}

/// A statement's text and what is bound to it.
pub struct Statement {
    pub text: String,
    pub params: Vec<Param>,
}

/// The whole contact, as a page shows it.
const ROW: &str = "id, first_name, last_name, email, phone, phone_given, country, language, profile_pic, tags, \
    links, last_channel, assignee, lifecycle, status, conversation, blocked, snoozed_until, opened_at, last_message_at, \
    last_incoming_at, last_interaction_at, created_at, updated_at, custom";

/// Texts shorter than this have no trigram.
const GRAM: usize = 3;

/// Writes one statement.
struct Writer {
    dialect: Dialect,
    now: Millis,
    params: Vec<Param>,
}

/// The page's statement; `None` where no rows are asked for.
pub fn page(ask: &Ask, dialect: Dialect, now: Millis) -> Option<Statement> {
    let mut sql = Writer::new(dialect, now);
    let (matching, order) = (sql.matching(ask), sql.order(ask));
    let limit = sql.bound(Param::Int(ask.limit as i64));
    let offset = sql.bound(Param::Int(ask.offset as i64));
    let text = match dialect {
        Dialect::PostgreSql => {
            format!("SELECT {ROW} FROM contact{matching} ORDER BY {order} LIMIT {limit} OFFSET {offset}")
        }
        // The ids come from a covering index where the conditions allow it; only the page's rows are read whole.
        Dialect::Sqlite { walk } => format!(
            "WITH page AS (SELECT id AS row FROM contact{}{matching} ORDER BY {order} LIMIT {limit} OFFSET {offset}) \
             SELECT {ROW} FROM page CROSS JOIN contact ON id = row ORDER BY {order}",
            index(ask).filter(|_| walk).map(|index| format!(" INDEXED BY {index}")).unwrap_or_default()
        ),
    };
    (ask.limit > 0).then_some(Statement { text, params: sql.params })
}

/// The exact total.
pub fn count(ask: &Ask, dialect: Dialect, now: Millis) -> Statement {
    let mut sql = Writer::new(dialect, now);
    if let (true, [], Some(Cond::Has(set, Among::Any, members))) = (sql.is_sqlite(), ask.words.as_slice(), &ask.cond) {
        let ids: Vec<i32> = members.iter().flat_map(|member| member.ids.iter().copied()).collect();
        let counted = if ids.len() == 1 { "count(*)" } else { "count(DISTINCT contact)" };
        let places: Vec<String> = ids.iter().map(|&id| sql.bound(Param::Int(id.into()))).collect();
        let text = format!("SELECT {counted} FROM {} WHERE {} IN ({})", set.links, set.member, places.join(", "));
        return Statement { text, params: sql.params };
    }
    let matching = sql.matching(ask);
    Statement { text: format!("SELECT count(*) FROM contact{matching}"), params: sql.params }
}

/// Rows of facet, value and count. Statuses are whole: every contact has one, so they add up to the total.
pub fn facets(ask: &Ask, dialect: Dialect, now: Millis) -> Statement {
    let mut sql = Writer::new(dialect, now);
    let (matching, everything) = (sql.matching(ask), ask.cond.is_none() && ask.words.is_empty());
    let from = if everything { "contact" } else { "matches" };
    let mut parts = columns(from, dialect == Dialect::PostgreSql && !everything);
    let sets = [
        ("tags", "contact_tag", "tag"),
        ("channels", "contact_channel", "channel"),
        ("sources", "contact_source", "source"),
    ];
    parts.extend(sets.map(|(array, links, member)| match dialect {
        Dialect::PostgreSql => format!(
            "SELECT '{array}', CAST(member AS TEXT), count(*) FROM {from}, unnest({array}) AS member GROUP BY member"
        ),
        Dialect::Sqlite { walk } => {
            let among = match (everything, walk) {
                (true, _) => "",
                // The sign keeps it from starting at the matches.
                (false, true) => " WHERE +contact IN (SELECT id FROM matches)",
                (false, false) => " WHERE contact IN (SELECT id FROM matches)",
            };
            format!("SELECT '{array}', CAST({member} AS TEXT), count(*) FROM {links}{among} GROUP BY {member}")
        }
    }));
    let arrays = if dialect == Dialect::PostgreSql { ", tags, channels, sources" } else { "" };
    let matches = format!(
        "WITH matches AS MATERIALIZED (SELECT id, status, assignee, lifecycle, country, language{arrays} FROM contact{matching}) "
    );
    let text = format!("{}{}", if everything { "" } else { &matches }, parts.join(" UNION ALL "));
    Statement { text, params: sql.params }
}

/// The counts of the fields with one value: of chosen rows in one pass where the dialect can, else from each one's index.
fn columns(from: &str, together: bool) -> Vec<String> {
    if together {
        return vec![format!(
            "SELECT CASE grouping(status, assignee, lifecycle, country, language) WHEN 15 THEN 'status' WHEN 23 THEN 'assignee' \
             WHEN 27 THEN 'lifecycle' WHEN 29 THEN 'country' ELSE 'language' END, \
             coalesce(CAST(status AS TEXT), CAST(assignee AS TEXT), CAST(lifecycle AS TEXT), country, language), count(*) \
             FROM {from} GROUP BY GROUPING SETS ((status), (assignee), (lifecycle), (country), (language))"
        )];
    }
    let one = |column| format!("SELECT '{column}', CAST({column} AS TEXT), count(*) FROM {from} GROUP BY {column}");
    ["status", "assignee", "lifecycle", "country", "language"].map(one).into()
}

/// SQLite's index in the order asked for.
fn index(ask: &Ask) -> Option<&'static str> {
    match ask.sort {
        Sort::Newest if ask.words.is_empty() => Some("contact_newest"),
        Sort::Newest | Sort::CountryStatusName => None,
        Sort::Name => Some("contact_name"),
        Sort::Created => Some("contact_created"),
    }
}

impl Writer {
    fn new(dialect: Dialect, now: Millis) -> Writer {
        Writer { dialect, now, params: Vec::new() }
    }

    fn is_sqlite(&self) -> bool {
        matches!(self.dialect, Dialect::Sqlite { .. })
    }

    /// Binds the value and gives its place in the text.
    fn bound(&mut self, param: Param) -> String {
        let kind = match param {
            Param::Int(_) => "int8",
            Param::Number(_) => "float8",
            Param::Text(_) => "text",
            Param::Ints(_) => "int4[]",
            Param::Texts(_) => "text[]",
        };
        self.params.push(param);
        match self.dialect {
            Dialect::PostgreSql => format!("${}::{kind}", self.params.len()),
            Dialect::Sqlite { .. } => format!("?{}", self.params.len()),
        }
    }

    fn text(&mut self, text: String) -> String {
        self.bound(Param::Text(text))
    }

    /// ` WHERE …`, or nothing.
    fn matching(&mut self, ask: &Ask) -> String {
        let mut all: Vec<String> = ask.cond.iter().map(|cond| self.cond(cond)).collect();
        all.extend(ask.words.iter().map(|word| self.contains("s_all", word)));
        if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) }
    }

    fn cond(&mut self, cond: &Cond) -> String {
        match cond {
            Cond::All(conds) => self.joined(conds, " AND "),
            Cond::Any(conds) => self.joined(conds, " OR "),
            Cond::Not(cond) => format!("({} IS NOT TRUE)", self.cond(cond)),
            Cond::Text(column, way, text) => self.compared(self.column(column), *way, text),
            Cond::OneOf(column, values) => {
                let values: Vec<Param> = values.iter().map(|value| value.sql.clone()).collect();
                self.one_of(self.column(column), values)
            }
            Cond::Within(column, from, to) => {
                let (from, to) = (self.bound(from.sql.clone()), self.bound(to.sql.clone()));
                format!("({} BETWEEN {from} AND {to})", self.column(column))
            }
            Cond::Before(column, at) => format!("({} < {})", self.column(column), self.bound(Param::Int(*at))),
            Cond::LongerThan(column, days) => self.age(self.column(column), "<", *days),
            Cond::ShorterThan(column, days) => self.age(self.column(column), ">", *days),
            Cond::Exists(column) => format!("({} IS NOT NULL)", self.column(column)),
            Cond::Has(set, among, members) => {
                let ids: Vec<i32> = members.iter().flat_map(|member| member.ids.iter().copied()).collect();
                if self.is_sqlite() { self.linked(set, *among, &ids) } else { self.array(set, *among, ids) }
            }
        }
    }

    fn column(&self, column: &'static crate::ask::Column) -> &'static str {
        if self.is_sqlite() { column.sqlite } else { column.postgresql }
    }

    fn joined(&mut self, conds: &[Cond], with: &str) -> String {
        let parts: Vec<String> = conds.iter().map(|cond| self.cond(cond)).collect();
        format!("({})", parts.join(with))
    }

    fn age(&mut self, column: &str, compared: &str, days: i64) -> String {
        let at = Param::Int(days_ago(self.now, days));
        format!("({column} {compared} {})", self.bound(at))
    }

    fn one_of(&mut self, column: &str, mut values: Vec<Param>) -> String {
        if values.len() == 1 {
            return format!("({column} = {})", self.bound(values.remove(0)));
        }
        if self.is_sqlite() {
            let places: Vec<String> = values.into_iter().map(|value| self.bound(value)).collect();
            return format!("({column} IN ({}))", places.join(", "));
        }
        let ints: Vec<i32> = values.iter().filter_map(int).collect();
        let texts: Vec<String> = values.iter().filter_map(text).collect();
        let list = self.bound(if texts.is_empty() { Param::Ints(ints) } else { Param::Texts(texts) });
        format!("({column} = ANY({list}))")
    }

    fn compared(&mut self, column: &str, way: Way, text: &str) -> String {
        match way {
            Way::Equals => format!("({column} = {})", self.text(text.to_owned())),
            // As a range, so that the column's index serves a bound prefix too.
            Way::Starts => {
                let (from, to) = (self.text(text.to_owned()), self.text(format!("{text}\u{10FFFF}")));
                format!("({column} >= {from} AND {column} < {to})")
            }
            Way::Contains => self.contains(column, text),
            Way::Ends if self.is_sqlite() => {
                let (contains, end) = (self.contains(column, text), self.text(text.to_owned()));
                format!("({contains} AND substr({column}, -length({end})) = {end})")
            }
            Way::Ends => format!("({column} LIKE {})", self.text(format!("%{text}"))),
        }
    }

    fn contains(&mut self, column: &str, text: &str) -> String {
        match self.dialect {
            Dialect::PostgreSql => format!("({column} LIKE {})", self.text(format!("%{text}%"))),
            Dialect::Sqlite { .. } if text.chars().count() < GRAM => {
                format!("(instr({column}, {}) > 0)", self.text(text.to_owned()))
            }
            Dialect::Sqlite { .. } => {
                let phrase = self.text(format!("{column} : \"{text}\""));
                format!("(id IN (SELECT rowid FROM contact_text WHERE contact_text MATCH {phrase}))")
            }
        }
    }

    fn array(&mut self, set: &Set, among: Among, ids: Vec<i32>) -> String {
        let (array, list) = (set.array, self.bound(Param::Ints(ids)));
        match among {
            Among::Any => format!("({array} && {list})"),
            Among::All => format!("({array} @> {list})"),
            Among::None => format!("(NOT {array} && {list})"),
            Among::Only => format!("({array} <@ {list} AND {array} <> '{{}}')"),
            Among::AtLeast(count) => format!(
                "({array} && {list} AND (SELECT count(*) FROM unnest({array}) AS member WHERE member = ANY({list})) >= {count})"
            ),
        }
    }

    fn linked(&mut self, set: &Set, among: Among, ids: &[i32]) -> String {
        let (links, member) = (set.links, set.member);
        let places: Vec<String> = ids.iter().map(|&id| self.bound(Param::Int(i64::from(id)))).collect();
        let of = |place: &str| format!("SELECT contact FROM {links} WHERE {member} IN ({place})");
        let list = places.join(", ");
        match among {
            Among::Any => format!("(id IN ({}))", of(&list)),
            Among::All => {
                let each: Vec<String> = places.iter().map(|place| format!("id IN ({})", of(place))).collect();
                format!("({})", each.join(" AND "))
            }
            Among::None => format!("(id NOT IN ({}))", of(&list)),
            Among::Only => format!(
                "(id IN ({}) AND NOT EXISTS (SELECT 1 FROM {links} AS other WHERE other.contact = id AND other.{member} NOT IN ({list})))",
                of(&list)
            ),
            Among::AtLeast(count) => format!("(id IN ({} GROUP BY contact HAVING count(*) >= {count}))", of(&list)),
        }
    }

    fn order(&mut self, ask: &Ask) -> String {
        let (newest, countries) = match self.dialect {
            Dialect::PostgreSql => ("last_message_at DESC NULLS LAST, id", "country"),
            // NULL is the least: last where it descends.
            Dialect::Sqlite { .. } => ("last_message_at DESC, id", "country IS NULL, country"),
        };
        match ask.sort {
            Sort::Newest if ask.words.is_empty() => newest.to_owned(),
            Sort::Newest => format!("{}, {newest}", self.quality(&ask.words)),
            Sort::Name => "name_key, id".to_owned(),
            Sort::Created => "created_at DESC, id".to_owned(),
            Sort::CountryStatusName => format!("{countries}, status, name_key, id"),
        }
    }

    /// The class of a match: whole word, beginning of a word, anywhere, each in the name before elsewhere; of several
    /// words that of the worst.
    fn quality(&mut self, words: &[String]) -> String {
        let of_each: Vec<String> = words.iter().map(|word| self.class(word)).collect();
        match of_each.as_slice() {
            [one] => one.clone(),
            many if self.is_sqlite() => format!("max({})", many.join(", ")),
            many => format!("greatest({})", many.join(", ")),
        }
    }

    fn class(&mut self, word: &str) -> String {
        let find = if self.is_sqlite() { "instr" } else { "strpos" };
        let needles = [format!(" {word} "), format!(" {word}"), word.to_owned()].map(|needle| self.text(needle));
        let [whole, start, any] = needles;
        format!(
            "CASE WHEN {find}(s_name, {whole}) > 0 THEN 0 WHEN {find}(s_other, {whole}) > 0 THEN 1 \
             WHEN {find}(s_name, {start}) > 0 THEN 2 WHEN {find}(s_other, {start}) > 0 THEN 3 \
             WHEN {find}(s_name, {any}) > 0 THEN 4 ELSE 5 END"
        )
    }
}

fn int(param: &Param) -> Option<i32> {
    match param {
        Param::Int(int) => i32::try_from(*int).ok(),
        _ => None,
    }
}

fn text(param: &Param) -> Option<String> {
    match param {
        Param::Text(text) => Some(text.clone()),
        _ => None,
    }
}
