//! `rollcall demo`: a workspace full of synthetic contacts, served at once.
//!
//! What the folder's demo is stands in a small file beside the store, written before the first contact and again when
//! all are there. So a load that was cut short goes on where it stopped, and is never served half.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::config::Config;
use crate::contact::{Contact, Millis, Workspace};
use crate::corpus::Corpus;
use crate::engine::{Actor, Engine, NewWorkspace, Query};

use super::failure::Failure;
use super::progress::Progress;
use super::{folder, pick, serve, show, workspace};

/// The data folder where no flag names one.
pub(super) const FOLDER: &str = "rollcall-demo-data";

const STATE: &str = "demo.json";
const NAME: &str = "demo";
const CONTACTS: u64 = 100_000;
const SEED: u64 = 1;
/// Contacts that share one batch of the store.
const BATCH: u64 = 1000;
const TOKEN_LASTS: Millis = 30 * 24 * 60 * 60 * 1000;

#[derive(Args)]
pub(super) struct Demo {
    /// How many contacts [default: 100000].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    contacts: Option<u64>,
    /// Other contacts for another number [default: 1].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Write the contacts to a CSV to import, and serve nothing.
    #[arg(long, value_name = "FILE")]
    write_csv: Option<PathBuf>,
    /// Address and port to listen on (http.bind).
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub bind: Option<String>,
}

/// What the folder's demo is.
#[derive(Clone, Serialize, Deserialize)]
struct State {
    contacts: u64,
    seed: u64,
    /// The moment the contacts' times count back from.
    now: Millis,
    /// Whether all contacts are there.
    loaded: bool,
}

impl Demo {
    pub fn run(self, config: Config) -> Result<(), Failure> {
        let now = Clock::system().now();
        let contacts = self.contacts.unwrap_or(CONTACTS);
        let seed = self.seed.unwrap_or(SEED);
        if let Some(file) = &self.write_csv {
            return write_csv(&Corpus::new(seed, now), contacts, file);
        }
        let folder = &config.store.folder;
        let state = match read(folder)? {
            Some(state) => {
                self.agrees_with(&state, folder)?;
                state
            }
            None if folder::is_used(folder) => {
                return Err(Failure::Usage(format!(
                    "{} holds data that is no demo's; name another folder with --folder",
                    folder.display()
                )));
            }
            None => State { contacts, seed, now, loaded: false },
        };
        if !state.loaded {
            write(folder, &state)?;
        }
        let engine = folder::open(&config, true)?;
        let prepared = prepare(&engine, state, folder);
        let workspace = match prepared {
            Ok(workspace) => workspace,
            Err(failure) => {
                // The failure is the news; closing only saves what is there.
                let _ = engine.close();
                return Err(failure);
            }
        };
        let expires_at = Some(now + TOKEN_LASTS);
        let user = pick::user(&*engine.catalog(workspace.id)?, None)?.id;
        let (_, token) = engine.create_token(workspace.id, user, NAME, expires_at)?;
        serve::until_stopped(engine, &config, |address| show::line(&greeting(address, &token)))
    }

    /// A folder's demo is what it was made as.
    fn agrees_with(&self, state: &State, folder: &Path) -> Result<(), Failure> {
        let same = |asked: Option<u64>, made: u64| asked.is_none_or(|asked| asked == made);
        if same(self.contacts, state.contacts) && same(self.seed, state.seed) {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "{} holds a demo of {} contacts with seed {}; name another folder with --folder, or remove this one",
            folder.display(),
            state.contacts,
            state.seed
        )))
    }
}

/// Makes the workspace and loads what is missing.
fn prepare(engine: &Arc<Engine>, state: State, folder: &Path) -> Result<Workspace, Failure> {
    let corpus = Corpus::new(state.seed, state.now);
    let found = engine.workspaces()?.into_iter().find(|workspace| workspace.name == NAME);
    let workspace = match found {
        Some(workspace) if state.loaded => return Ok(workspace),
        Some(workspace) => {
            corpus.definition().apply(engine, workspace.id)?;
            workspace
        }
        None => {
            let new = NewWorkspace {
                name: NAME.to_owned(),
                default_country: Some("MY".to_owned()),
                timezone: "Asia/Kuala_Lumpur".to_owned(),
                locale: "en".to_owned(),
            };
            workspace::make(engine, new, "", corpus.definition())?
        }
    };
    let corpus = corpus.for_workspace(&*engine.catalog(workspace.id)?).map_err(Failure::Failed)?;
    load(engine, &workspace, &corpus, state.contacts)?;
    engine.checkpoint(workspace.id)?;
    write(folder, &State { loaded: true, ..state })?;
    Ok(workspace)
}

/// Loads the contacts that are not there yet. Nothing is served before all are, so those there are the first ones.
fn load(engine: &Engine, workspace: &Workspace, corpus: &Corpus, contacts: u64) -> Result<(), Failure> {
    let operator = Actor::operator(workspace.id);
    let mut there = engine.count(&operator, &Query::default())?.value.min(contacts);
    show::remark(&format!("making {contacts} contacts; {there} are there"));
    let mut progress = Progress::of("contacts", contacts);
    // One thread makes contacts while this one waits for the disk.
    let (send, batches) = sync_channel::<Vec<Contact>>(2);
    let loaded = std::thread::scope(|scope| {
        let first = there;
        scope.spawn(move || {
            for start in (first..contacts).step_by(BATCH as usize) {
                let batch = corpus.contacts(start..contacts.min(start + BATCH)).collect();
                // Whoever does not take it any more has failed and says so.
                if send.send(batch).is_err() {
                    return;
                }
            }
        });
        for batch in batches {
            there += batch.len() as u64;
            engine.load(workspace.id, batch)?;
            progress.at(there);
        }
        Ok(())
    });
    progress.finish();
    loaded
}

fn write_csv(corpus: &Corpus, contacts: u64, file: &Path) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| Failure::file("write", file, error);
    let mut out = BufWriter::new(File::create(file).map_err(|error| failed(&error))?);
    let mut progress = Progress::of("rows", contacts);
    let written = corpus.csv(contacts, &mut out, &mut |done| progress.at(done)).and_then(|()| out.flush());
    progress.finish();
    written.map_err(|error| failed(&error))?;
    show::remark(&format!(
        "{contacts} contacts written to {0}; import them with\n  rollcall workspace create people\n  \
         rollcall import {0} --workspace people --map given_name=firstName --map surname=lastName --new-fields",
        file.display()
    ));
    Ok(())
}

fn read(folder: &Path) -> Result<Option<State>, Failure> {
    let path = folder.join(STATE);
    match std::fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
            Failure::Failed(format!("{} is damaged ({error}); remove the folder to begin anew", path.display()))
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file("read", &path, &error)),
    }
}

/// Whole or not at all, and on disk when it returns.
fn write(folder: &Path, state: &State) -> Result<(), Failure> {
    let path = folder.join(STATE);
    let partial = folder.join("demo.json.partial");
    let text = serde_json::to_vec(state).map_err(|error| Failure::Failed(error.to_string()))?;
    let written = std::fs::create_dir_all(folder).and_then(|()| {
        let mut file = File::create(&partial)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&partial, &path)?;
        File::open(folder)?.sync_all()
    });
    written.map_err(|error| Failure::file("write", &path, &error))
}

/// The token and three lines to paste.
fn greeting(address: SocketAddr, token: &str) -> String {
    let curl = |path: &str, body: &str| {
        format!(
            "curl -s http://{address}/v1/{path} -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{body}'"
        )
    };
    let search = curl("contacts/search", r#"{"search": "garcia", "limit": 3}"#);
    let filter = curl(
        "contacts/search",
        r#"{"filter": {"$and": [{"field": "tags", "operator": "hasAnyOf", "value": ["vip"]}, {"$or": [{"field": "countryCode", "operator": "isEqualTo", "value": "MY"}, {"field": "timeSinceLastIncomingMessage", "operator": "isGreaterThan", "value": {"amount": 3, "unit": "days"}}]}]}, "sort": [{"field": "lastMessageAt", "order": "desc"}], "facets": ["status", "channels"], "limit": 3}"#,
    );
    let create = curl("contacts", r#"{"firstName": "Óscar", "lastName": "Demo", "tags": ["vip"]}"#);
    format!(
        "serving http://{address}\ntoken {token}\n\n# search by name, accents or not\n{search}\n\n\
         # a nested filter, sorted, with counts\n{filter}\n\n# write: the next search has it\n{create}"
    )
}
