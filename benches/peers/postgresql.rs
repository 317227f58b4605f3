//! The corpus in PostgreSQL: tables and indexes as one would make them for these questions, and the questions asked with
//! prepared statements.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Statement as Prepared};
use serde_json::Value as Json;

use crate::ask::{Answer, Ask, Param};
use crate::cluster::Cluster;
use crate::facets::Labels;
use crate::measure::{self, Peer};
use crate::row::{BATCH, Row, Rows};
use crate::sql::{self, Dialect, Statement};
use crate::support::NOW;

const TABLE: &str = "
    CREATE EXTENSION pg_trgm;
    CREATE TABLE contact (
        id int NOT NULL, first_name text, last_name text, email text, phone text, phone_given text, country text,
        language text, profile_pic text, tags int[] NOT NULL, channels int[] NOT NULL, sources text[] NOT NULL,
        links jsonb NOT NULL, last_channel int, assignee int, lifecycle int, status int NOT NULL, conversation int NOT NULL,
        blocked boolean NOT NULL, snoozed_until bigint, opened_at bigint, last_message_at bigint, last_incoming_at bigint,
        last_interaction_at bigint, created_at bigint NOT NULL, updated_at bigint NOT NULL, custom jsonb NOT NULL,
        f_first text, f_name text, f_email text, p_forms text, s_name text NOT NULL, s_other text NOT NULL,
        s_all text NOT NULL, name_key bytea);";

const INDEXES: [&str; 28] = [
    "ALTER TABLE contact ADD PRIMARY KEY (id)",
    "CREATE INDEX ON contact (last_message_at DESC NULLS LAST, id)",
    "CREATE INDEX ON contact (last_incoming_at DESC NULLS LAST, id)",
    "CREATE INDEX ON contact (created_at DESC, id)",
    "CREATE INDEX ON contact (name_key, id)",
    "CREATE INDEX ON contact (country, status, name_key, id)",
    "CREATE INDEX ON contact (language)",
    "CREATE INDEX ON contact (status)",
    "CREATE INDEX ON contact (assignee)",
    "CREATE INDEX ON contact (lifecycle)",
    "CREATE INDEX ON contact (f_first)",
    "CREATE INDEX ON contact (f_name)",
    "CREATE INDEX ON contact (f_email)",
    "CREATE INDEX ON contact (phone)",
    "CREATE INDEX ON contact (((custom->>'score')::float8))",
    "CREATE INDEX ON contact ((custom->>'plan'))",
    "CREATE INDEX ON contact ((custom->>'birthday'))",
    "CREATE INDEX ON contact ((custom->>'opted_in'))",
    "CREATE INDEX ON contact USING gin (custom jsonb_path_ops)",
    "CREATE INDEX ON contact USING gin (tags)",
    "CREATE INDEX ON contact USING gin (channels)",
    "CREATE INDEX ON contact USING gin (f_name gin_trgm_ops)",
    "CREATE INDEX ON contact USING gin (f_email gin_trgm_ops)",
    "CREATE INDEX ON contact USING gin (p_forms gin_trgm_ops)",
    "CREATE INDEX ON contact USING gin (s_all gin_trgm_ops)",
    "CREATE TABLE interaction (id bigserial PRIMARY KEY, contact int NOT NULL, at bigint NOT NULL, channel int, text text)",
    "CREATE INDEX ON interaction (contact, at)",
    "VACUUM (ANALYZE) contact",
];

/// A connection to a cluster with the corpus.
pub struct PostgreSql {
    client: Client,
    prepared: HashMap<String, Prepared>,
    labels: Labels,
}

impl PostgreSql {
    /// Loads the corpus by COPY, makes the indexes, and analyses; the seconds are those of the rows' making and of the server.
    pub fn load(cluster: &Cluster, contacts: u64) -> (PostgreSql, f64) {
        let rows = Rows::new();
        let mut client = cluster.connect();
        let mut spent = Duration::ZERO;
        client.batch_execute(TABLE).expect("a table");
        let mut copy = client.copy_in("COPY contact FROM STDIN").expect("takes rows");
        let mut text = String::new();
        for from in (0..contacts).step_by(BATCH as usize) {
            let batch = rows.contacts(from..contacts.min(from + BATCH));
            let started = Instant::now();
            text.clear();
            batch.into_iter().for_each(|contact| line(&rows.row(contact), &mut text));
            copy.write_all(text.as_bytes()).expect("takes rows");
            spent += started.elapsed();
        }
        let started = Instant::now();
        copy.finish().expect("rows are whole");
        INDEXES.iter().for_each(|index| client.batch_execute(index).expect(index));
        spent += started.elapsed();
        (PostgreSql::new(cluster), spent.as_secs_f64())
    }

    /// A further connection.
    pub fn new(cluster: &Cluster) -> PostgreSql {
        PostgreSql { client: cluster.connect(), prepared: HashMap::new(), labels: Labels::new() }
    }

    /// Changes rows; how many.
    pub fn run(&mut self, text: &str, params: Vec<Param>) -> u64 {
        let statement = self.statement(text);
        self.client.execute(&statement, &bound(&params)).expect("a write")
    }

    fn statement(&mut self, text: &str) -> Prepared {
        if let Some(known) = self.prepared.get(text) {
            return known.clone();
        }
        let made = self.client.prepare(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        self.prepared.insert(text.to_owned(), made.clone());
        made
    }

    fn rows(&mut self, statement: &Statement) -> Vec<postgres::Row> {
        let prepared = self.statement(&statement.text);
        let rows = self.client.query(&prepared, &bound(&statement.params));
        rows.unwrap_or_else(|error| panic!("{error}: {}", statement.text))
    }

    fn plan(&mut self, mode: &str) {
        self.client.batch_execute(&format!("SET plan_cache_mode = {mode}")).expect("a setting");
    }
}

impl Peer for PostgreSql {
    /// Plans for each literal or one for all: whichever is faster on the first ones.
    fn begin(&mut self, first: &[Ask]) {
        let [custom, generic] = ["force_custom_plan", "force_generic_plan"].map(|mode| {
            self.plan(mode);
            measure::trial(self, first)
        });
        if custom <= generic {
            self.plan("force_custom_plan");
        }
    }

    fn ask(&mut self, ask: &Ask) -> (Duration, Answer) {
        let page = sql::page(ask, Dialect::PostgreSql, NOW);
        let counts = (!ask.facets).then(|| sql::count(ask, Dialect::PostgreSql, NOW));
        let facets = ask.facets.then(|| sql::facets(ask, Dialect::PostgreSql, NOW));
        let started = Instant::now();
        let page = page.map(|page| self.rows(&page)).unwrap_or_default();
        let counted: Option<i64> = counts.map(|count| self.rows(&count)[0].get(0));
        let facets = facets.map(|facets| self.rows(&facets)).unwrap_or_default();
        let took = started.elapsed();
        let ids = page.iter().map(|row| row.get::<_, i32>(0) as u32).collect();
        let counts = facets.iter().map(|row| (row.get(0), row.get(1), row.get::<_, i64>(2) as u64));
        let (facets, of_statuses) = self.labels.told(counts);
        (took, Answer { ids, total: counted.map_or(of_statuses, |total| total as u64), facets })
    }
}

fn bound(params: &[Param]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|param| param as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Param {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Param::Int(int) => int.to_sql(kind, out),
            Param::Number(number) => number.to_sql(kind, out),
            Param::Text(text) => text.to_sql(kind, out),
            Param::Ints(ints) => ints.to_sql(kind, out),
            Param::Texts(texts) => texts.to_sql(kind, out),
        }
    }

    /// The statement's own casts say what each is.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// One line of COPY's text format, in the order of the table's columns.
fn line(row: &Row, out: &mut String) {
    let contact = &row.contact;
    let mut line = Line(out);
    line.number(Some(contact.id.0));
    line.text(contact.first_name.as_deref());
    line.text(contact.last_name.as_deref());
    line.text(contact.email.as_deref());
    line.text(row.phone.as_deref());
    line.text(contact.phone.as_ref().map(|phone| phone.given.as_str()));
    line.text(contact.country_code.map(|code| code.text()).as_deref());
    line.text(contact.language.map(|code| code.text()).as_deref());
    line.text(contact.profile_pic.as_deref());
    line.array(contact.tags.iter().map(|tag| tag.0));
    line.array(row.channels.iter());
    line.array(row.sources.iter());
    line.text(Some(&row.links.to_string()));
    line.number(contact.last_interacted_channel.map(|channel| channel.0));
    line.number(contact.assignee.map(|user| user.0));
    line.number(contact.lifecycle.map(|stage| stage.0));
    line.number(Some(contact.status() as u8));
    line.number(Some(contact.conversation as u8));
    line.number(Some(contact.blocked));
    line.number(contact.snoozed_until);
    line.number(contact.conversation_opened_at);
    line.number(contact.last_message_at);
    line.number(contact.last_incoming_message_at);
    line.number(contact.last_interaction_at);
    line.number(Some(contact.created_at));
    line.number(Some(contact.updated_at));
    line.text(Some(&Json::Object(row.custom.clone()).to_string()));
    for text in [&row.f_first, &row.f_name, &row.f_email, &row.p_forms] {
        line.text(text.as_deref());
    }
    [&row.s_name, &row.s_other, &row.s_all].into_iter().for_each(|text| line.text(Some(text)));
    let key = row.name_key.as_ref().map(|key| {
        key.iter().fold(String::from("\\x"), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    });
    line.text(key.as_deref());
    out.pop();
    out.push('\n');
}

struct Line<'a>(&'a mut String);

impl Line<'_> {
    fn number(&mut self, number: Option<impl std::fmt::Display>) {
        let _ = match number {
            Some(number) => write!(self.0, "{number}\t"),
            None => write!(self.0, "\\N\t"),
        };
    }

    fn text(&mut self, text: Option<&str>) {
        let Some(text) = text else { return self.number(None::<u8>) };
        for c in text.chars() {
            match c {
                '\\' => self.0.push_str("\\\\"),
                '\t' => self.0.push_str("\\t"),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                _ => self.0.push(c),
            }
        }
        self.0.push('\t');
    }

    fn array(&mut self, members: impl Iterator<Item = impl std::fmt::Display>) {
        let members: Vec<String> = members.map(|member| member.to_string()).collect();
        self.number(Some(format!("{{{}}}", members.join(","))));
    }
}
