//! The corpus in SQLite, in this process: link tables, a covering index, trigrams by FTS5, prepared statements.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, ToSql, params_from_iter};
use serde_json::Value as Json;

use crate::ask::{Answer, Ask, Param};
use crate::facets::Labels;
use crate::measure::{self, Peer};
use crate::row::{BATCH, Row, Rows};
use crate::sql::{self, Dialect, Statement};
use crate::support::NOW;

const TABLES: &str = "
    CREATE TABLE contact (
        id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT, email TEXT, phone TEXT, phone_given TEXT, country TEXT,
        language TEXT, profile_pic TEXT, tags TEXT NOT NULL, links TEXT NOT NULL, last_channel INT, assignee INT,
        lifecycle INT, status INT NOT NULL, conversation INT NOT NULL, blocked INT NOT NULL, snoozed_until INT,
        opened_at INT, last_message_at INT, last_incoming_at INT, last_interaction_at INT, created_at INT NOT NULL,
        updated_at INT NOT NULL, custom TEXT NOT NULL, score REAL, plan TEXT, birthday TEXT, opted_in TEXT,
        f_first TEXT, f_name TEXT, f_email TEXT, p_forms TEXT, s_name TEXT NOT NULL, s_other TEXT NOT NULL,
        s_all TEXT NOT NULL, name_key BLOB NOT NULL);
    CREATE TABLE contact_tag (tag INT NOT NULL, contact INT NOT NULL, PRIMARY KEY (tag, contact)) WITHOUT ROWID;
    CREATE TABLE contact_channel (channel INT NOT NULL, contact INT NOT NULL, PRIMARY KEY (channel, contact)) WITHOUT ROWID;
    CREATE TABLE contact_source (source TEXT NOT NULL, contact INT NOT NULL, PRIMARY KEY (source, contact)) WITHOUT ROWID;";

/// The first one covers conditions on anything but text, in the order most pages have.
const INDEXES: &str = "
    CREATE INDEX contact_newest ON contact (last_message_at DESC, id, country, language, status, lifecycle, assignee,
        created_at, last_incoming_at, score, plan, birthday, opted_in);
    CREATE INDEX contact_created ON contact (created_at DESC, id, last_message_at);
    CREATE INDEX contact_incoming ON contact (last_incoming_at DESC, id, last_message_at);
    CREATE INDEX contact_name ON contact (name_key, id, status, language);
    CREATE INDEX contact_country ON contact (country, status, name_key, id);
    CREATE INDEX contact_language ON contact (language, last_message_at DESC);
    CREATE INDEX contact_status ON contact (status, last_message_at DESC);
    CREATE INDEX contact_assignee ON contact (assignee, last_message_at DESC);
    CREATE INDEX contact_lifecycle ON contact (lifecycle, last_message_at DESC);
    CREATE INDEX contact_first ON contact (f_first, last_message_at DESC);
    CREATE INDEX contact_f_name ON contact (f_name, last_message_at DESC);
    CREATE INDEX contact_email ON contact (f_email);
    CREATE INDEX contact_phone ON contact (phone, last_message_at DESC);
    CREATE INDEX contact_score ON contact (score, last_message_at DESC);
    CREATE INDEX contact_plan ON contact (plan, last_message_at DESC);
    CREATE INDEX contact_birthday ON contact (birthday, last_message_at DESC);
    CREATE INDEX contact_tag_of ON contact_tag (contact, tag);
    CREATE INDEX contact_channel_of ON contact_channel (contact, channel);
    CREATE INDEX contact_source_of ON contact_source (contact, source);
    CREATE VIRTUAL TABLE contact_text USING fts5(s_all, f_name, f_email, p_forms, content='contact', content_rowid='id',
        tokenize='trigram case_sensitive 1');
    INSERT INTO contact_text (contact_text) VALUES ('rebuild');
    INSERT INTO contact_text (contact_text) VALUES ('optimize');
    CREATE TABLE interaction (id INTEGER PRIMARY KEY, contact INT NOT NULL, at INT NOT NULL, channel INT, text TEXT);
    CREATE INDEX interaction_of ON interaction (contact, at);
    ANALYZE;";

const FILE: &str = "contacts.db";

/// As the writes of a server would be.
const DURABLE: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL";

/// Columns of the table.
const COLUMNS: usize = 37;

/// A connection to a file with the corpus.
pub struct Sqlite {
    connection: Connection,
    labels: Labels,
    /// The way that was faster on the class's first questions.
    walk: bool,
}

impl Sqlite {
    /// Loads the corpus in one transaction without a journal and makes the indexes, then syncs and turns the journal on; the
    /// seconds are those of the rows' making and of SQLite.
    pub fn load(folder: &Path, contacts: u64, cache: u64) -> (Sqlite, f64) {
        let rows = Rows::new();
        let peer = Sqlite::open(folder, cache);
        let mut spent = Duration::ZERO;
        peer.connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF").expect("settings");
        peer.connection.execute_batch(TABLES).expect("tables");
        peer.connection.execute_batch("BEGIN").expect("a transaction");
        for from in (0..contacts).step_by(BATCH as usize) {
            let batch = rows.contacts(from..contacts.min(from + BATCH));
            let started = Instant::now();
            batch.into_iter().for_each(|contact| peer.insert(&rows.row(contact)).expect("a row"));
            spent += started.elapsed();
        }
        let started = Instant::now();
        peer.connection.execute_batch("COMMIT").expect("the rows");
        peer.connection.execute_batch(INDEXES).expect("indexes");
        std::fs::File::open(folder.join(FILE)).and_then(|file| file.sync_all()).expect("syncs");
        peer.connection.execute_batch(DURABLE).expect("settings");
        spent += started.elapsed();
        (peer, spent.as_secs_f64())
    }

    /// A connection with a page cache of so many bytes.
    pub fn open(folder: &Path, cache: u64) -> Sqlite {
        let connection = Connection::open(folder.join(FILE)).expect("opens");
        connection.set_prepared_statement_cache_capacity(256);
        connection.busy_timeout(Duration::from_secs(30)).expect("a setting");
        connection.execute_batch(DURABLE).expect("settings");
        let settings = format!("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{}", cache >> 10);
        connection.execute_batch(&settings).expect("settings");
        Sqlite { connection, labels: Labels::new(), walk: false }
    }

    /// Begins or ends a transaction.
    pub fn batch(&mut self, text: &str) {
        self.connection.execute_batch(text).expect("a transaction");
    }

    /// Changes rows; how many.
    pub fn run(&mut self, text: &str, params: Vec<Param>) -> usize {
        let mut statement = self.connection.prepare_cached(text).expect("a statement");
        statement.execute(params_from_iter(params)).expect("a write")
    }

    fn insert(&self, row: &Row) -> rusqlite::Result<()> {
        let places = vec!["?"; COLUMNS].join(", ");
        let mut whole = self.connection.prepare_cached(&format!("INSERT INTO contact VALUES ({places})"))?;
        whole.execute(params_from_iter(values(row)))?;
        let id = row.contact.id.0;
        for tag in &row.contact.tags {
            self.connection.prepare_cached("INSERT INTO contact_tag VALUES (?, ?)")?.execute((tag.0, id))?;
        }
        for channel in &row.channels {
            self.connection.prepare_cached("INSERT INTO contact_channel VALUES (?, ?)")?.execute((channel, id))?;
        }
        for source in &row.sources {
            self.connection.prepare_cached("INSERT INTO contact_source VALUES (?, ?)")?.execute((source, id))?;
        }
        Ok(())
    }

    /// Every row, each of its values looked at.
    fn rows<T>(&self, statement: &Statement, read: impl Fn(&rusqlite::Row) -> rusqlite::Result<T>) -> Vec<T> {
        let failed = |error: rusqlite::Error| -> T { panic!("{error}: {}", statement.text) };
        let mut prepared = match self.connection.prepare_cached(&statement.text) {
            Ok(prepared) => prepared,
            Err(error) => panic!("{error}: {}", statement.text),
        };
        let columns = prepared.column_count();
        let looked_at = |row: &rusqlite::Row| {
            for at in 0..columns {
                std::hint::black_box(row.get_ref(at)?);
            }
            read(row)
        };
        let rows = prepared.query_map(params_from_iter(&statement.params), looked_at).expect("a query");
        rows.map(|row| row.unwrap_or_else(failed)).collect()
    }
}

impl Peer for Sqlite {
    fn begin(&mut self, first: &[Ask]) {
        let [given, walked] = [false, true].map(|walk| {
            self.walk = walk;
            measure::trial(self, first)
        });
        self.walk = walked < given;
    }

    fn ask(&mut self, ask: &Ask) -> (Duration, Answer) {
        let dialect = Dialect::Sqlite { walk: self.walk };
        let page = sql::page(ask, dialect, NOW);
        let counts = (!ask.facets).then(|| sql::count(ask, dialect, NOW));
        let facets = ask.facets.then(|| sql::facets(ask, dialect, NOW));
        let started = Instant::now();
        let ids = page.map(|page| self.rows(&page, |row| row.get::<_, u32>(0))).unwrap_or_default();
        let counted: Option<i64> = counts.map(|count| self.rows(&count, |row| row.get(0))[0]);
        let facets = facets.map(|facets| {
            self.rows(&facets, |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, i64>(2)?))
            })
        });
        let took = started.elapsed();
        let facets = facets.unwrap_or_default();
        let counts = facets.iter().map(|(column, code, count)| (column.as_str(), code.as_deref(), *count as u64));
        let (facets, of_statuses) = self.labels.told(counts);
        (took, Answer { ids, total: counted.map_or(of_statuses, |total| total as u64), facets })
    }
}

impl ToSql for Param {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Param::Int(int) => int.to_sql(),
            Param::Number(number) => number.to_sql(),
            Param::Text(text) => text.to_sql(),
            // Lists are bound member by member.
            Param::Ints(_) | Param::Texts(_) => Err(rusqlite::Error::InvalidQuery),
        }
    }
}

/// In the order of the table's columns.
fn values(row: &Row) -> Vec<Box<dyn ToSql>> {
    let contact = &row.contact;
    let custom = |slug: &str| row.custom.get(slug).map(crate::rollcall::plain);
    let tags: Vec<u32> = contact.tags.iter().map(|tag| tag.0).collect();
    vec![
        Box::new(contact.id.0),
        Box::new(contact.first_name.clone()),
        Box::new(contact.last_name.clone()),
        Box::new(contact.email.clone()),
        Box::new(row.phone.clone()),
        Box::new(contact.phone.as_ref().map(|phone| phone.given.clone())),
        Box::new(contact.country_code.map(|code| code.text())),
        Box::new(contact.language.map(|code| code.text())),
        Box::new(contact.profile_pic.clone()),
        Box::new(Json::from(tags).to_string()),
        Box::new(row.links.to_string()),
        Box::new(contact.last_interacted_channel.map(|channel| channel.0)),
        Box::new(contact.assignee.map(|user| user.0)),
        Box::new(contact.lifecycle.map(|stage| stage.0)),
        Box::new(contact.status() as u8),
        Box::new(contact.conversation as u8),
        Box::new(contact.blocked),
        Box::new(contact.snoozed_until),
        Box::new(contact.conversation_opened_at),
        Box::new(contact.last_message_at),
        Box::new(contact.last_incoming_message_at),
        Box::new(contact.last_interaction_at),
        Box::new(contact.created_at),
        Box::new(contact.updated_at),
        Box::new(Json::Object(row.custom.clone()).to_string()),
        Box::new(row.custom.get("score").and_then(Json::as_f64)),
        Box::new(custom("plan")),
        Box::new(custom("birthday")),
        Box::new(custom("opted_in")),
        Box::new(row.f_first.clone()),
        Box::new(row.f_name.clone()),
        Box::new(row.f_email.clone()),
        Box::new(row.p_forms.clone()),
        Box::new(row.s_name.clone()),
        Box::new(row.s_other.clone()),
        Box::new(row.s_all.clone()),
        // No key has this byte: whoever has no name stands last.
        Box::new(row.name_key.clone().unwrap_or_else(|| vec![0xFF])),
    ]
}
