//! Rollcall in process, and served over HTTP by the same process.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rollcall::config::Config;
use rollcall::contact::{ChannelId, Contact, Role, WorkspaceId};
use rollcall::corpus::Corpus;
use rollcall::engine::{Actor, Engine, NewWorkspace, Page, Query};
use rollcall::http::{Server, Settings};
use serde_json::Value as Json;

use crate::ask::{Answer, Ask};
use crate::facets::without;
use crate::json::query;
use crate::measure::Peer;
use crate::row::{BATCH, SEED};
use crate::support::{self, NOW};

/// An engine with the corpus in its one workspace.
#[derive(Clone)]
pub struct Rollcall {
    pub engine: Arc<Engine>,
    pub actor: Actor,
    /// The channel that messages come by.
    pub channel: ChannelId,
    /// Names, most frequent first.
    pub tags: Vec<String>,
}

impl Rollcall {
    /// Loads the corpus into the folder, up to the checkpoint with its text index; the seconds are those
    /// of the engine's calls, not of the corpus; what it goes on with behind them while contacts are made is not counted.
    pub fn load(folder: &Path, contacts: u64) -> (Rollcall, f64) {
        let mut spent = Duration::ZERO;
        let started = Instant::now();
        let engine = support::open(folder);
        let new = NewWorkspace {
            name: "peers".into(),
            default_country: Some("MY".into()),
            timezone: "Asia/Kuala_Lumpur".into(),
            locale: "en".into(),
        };
        let ws = engine.create_workspace(new).expect("a workspace").id;
        spent += started.elapsed();
        let corpus = Corpus::new(SEED, NOW);
        corpus.definition().apply(&engine, ws).expect("definitions");
        let corpus = corpus.for_workspace(&engine.catalog(ws).expect("a catalog")).expect("the definitions fit");
        for from in (0..contacts).step_by(BATCH as usize) {
            let batch: Vec<Contact> = corpus.contacts(from..contacts.min(from + BATCH)).collect();
            let started = Instant::now();
            engine.load(ws, batch).expect("loads");
            spent += started.elapsed();
            tell_progress(from + BATCH, contacts);
        }
        let started = Instant::now();
        engine.checkpoint(ws).expect("a checkpoint");
        spent += started.elapsed();
        // What it would do by itself once it has rested, in the midst of what is measured next.
        let started = Instant::now();
        engine.compact(ws).expect("a compaction");
        eprintln!("rollcall: text index compacted in {:.1} s more", started.elapsed().as_secs_f64());
        (Rollcall::over(engine, ws), spent.as_secs_f64())
    }

    /// Opens the folder of a corpus of so many again; the seconds are those until the first page, whose total must be right.
    pub fn restart(folder: &Path, contacts: u64) -> (Rollcall, f64) {
        let started = Instant::now();
        let engine = support::open(folder);
        let ws = engine.workspaces().expect("a list")[0].id;
        let page = engine.search(&Actor::operator(ws), &Query::default()).expect("a page");
        let spent = started.elapsed().as_secs_f64();
        assert_eq!(page.total, contacts, "every contact is there again");
        (Rollcall::over(engine, ws), spent)
    }

    fn over(engine: Arc<Engine>, ws: WorkspaceId) -> Rollcall {
        let catalog = engine.catalog(ws).expect("a catalog");
        let channel = *catalog.channels.keys().next().expect("the corpus has channels");
        let tags = catalog.tags.values().map(|tag| tag.name.clone()).collect();
        Rollcall { engine, actor: Actor::operator(ws), channel, tags }
    }

    pub fn contacts(&self) -> u64 {
        self.engine.gauges().awake.iter().map(|awake| awake.contacts).sum()
    }

    /// By part of the index.
    pub fn index_bytes(&self) -> Vec<(String, u64)> {
        let awake = self.engine.gauges().awake;
        let parts = awake.iter().flat_map(|awake| &awake.memory);
        parts.map(|(name, bytes)| ((*name).to_string(), *bytes as u64)).collect()
    }

    /// Ends it well; in how many seconds.
    pub fn close(&self) -> f64 {
        let started = Instant::now();
        self.engine.close().expect("closes");
        started.elapsed().as_secs_f64()
    }

    /// Serves this engine on the loopback from threads of its own; where, and with what token.
    pub fn serve(&self) -> (SocketAddr, String) {
        let catalog = self.engine.catalog(self.actor.workspace).expect("a catalog");
        let owner = catalog.users.values().find(|user| user.role == Role::Owner).expect("the corpus has an owner");
        let (_, token) = self.engine.create_token(self.actor.workspace, owner.id, "peers", None).expect("a token");
        let defaults = Config::defaults().expect("the compiled-in defaults are sound").http;
        let settings = Settings { bind: ([127, 0, 0, 1], 0).into(), rate_per_second: 0, ..defaults };
        let engine = self.engine.clone();
        let (say, hear) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = rollcall::http::runtime().expect("a runtime");
            runtime.block_on(async {
                let server = Server::bind(engine, settings).await.expect("listens");
                say.send(server.address()).expect("heard");
                server.run(std::future::pending()).await.expect("serves");
            });
        });
        (hear.recv().expect("the server listens"), token)
    }
}

impl Peer for Rollcall {
    fn ask(&mut self, ask: &Ask) -> (Duration, Answer) {
        let query = query(ask);
        let started = Instant::now();
        if ask.limit == 0 {
            let total = self.engine.count(&self.actor, &query).expect("a count").value;
            return (started.elapsed(), Answer { ids: Vec::new(), total, facets: Vec::new() });
        }
        let page = self.engine.search(&self.actor, &query).expect("a page");
        (started.elapsed(), answer(&page))
    }
}

/// A line at each tenth of a load that takes long.
fn tell_progress(loaded: u64, contacts: u64) {
    let tenth = |count: u64| count * 10 / contacts;
    if contacts >= 1_000_000 && tenth(loaded) > tenth(loaded - BATCH) {
        eprintln!("peers: Rollcall has {} of {contacts} contacts", loaded.min(contacts));
    }
}

fn answer(page: &Page) -> Answer {
    let mut facets: Vec<String> = Vec::new();
    for facet in &page.facets {
        let name = facet.field.name(&page.catalog);
        facets.extend(facet.values.iter().map(|one| format!("{name}={}: {}", one.label, one.count)));
        facets.extend(without(name, facet.without));
    }
    facets.sort();
    Answer { ids: page.contacts.iter().map(|contact| contact.id.0).collect(), total: page.total, facets }
}

/// Text without its quotes.
pub fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
