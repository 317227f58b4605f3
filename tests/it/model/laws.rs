//! Laws that hold in whatever state chance has brought about.

use std::sync::Arc;

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rollcall::clock::Clock;
use rollcall::contact::identity::Identifier;
use rollcall::contact::{Catalog, ChannelId, Contact, ContactId, WorkspaceId, render};
use rollcall::engine::export::{self, Format};
use rollcall::engine::import::{MatchBy, NewImport, Options, Purpose, Tally};
use rollcall::engine::{Actor, Definition, Engine, NewWorkspace};
use rollcall::store::MemoryStore;
use serde_json::{Map, Value as Json, json};

use super::action::{Action, Step, Who};
use super::check;
use super::draw::Draw;
use super::live::{self, Live};
use super::run::{Pair, Seen, sequence};
use crate::import_job;
use crate::support::seed;

/// Steps that bring a state about.
const STEPS: usize = 90;

/// Calls `law` in some states, each of a seed that is told.
fn in_states(test: &str, states: u32, law: impl Fn(&mut Pair, &mut ChaCha8Rng) -> Result<(), String>) {
    let first = seed::seed(test);
    for number in 0..states.max(seed::rounds("ROLLCALL_CASES", 0) / 1000) {
        let seed = first.wrapping_add(u64::from(number));
        let mut pair = sequence(seed, STEPS, false, &mut Seen::default());
        let said = law(&mut pair, &mut seed::from(seed ^ 1));
        assert_eq!(said, Ok(()), "ROLLCALL_SEED={seed}");
    }
}

/// Everybody as they show and what happened with them, and who is found by what.
fn everything(live: &Live) -> Vec<(Json, usize)> {
    let catalog = live.engine().catalog(live.ws()).expect("a catalog");
    let all = live.engine().contacts_after(live.ws(), ContactId(0), 1000).expect("contacts");
    let one = |contact: &Contact| {
        let mut shown = render::contact(contact, &catalog);
        shown.remove("version");
        shown.insert("merged".into(), json!(contact.merged));
        let who = Identifier::Id(contact.id);
        (Json::Object(shown), live.engine().history(live.ws(), &who, None, 1000).expect("a history").len())
    };
    all.iter().map(one).collect()
}

#[test]
fn merging_and_giving_back_leaves_no_trace() {
    let done = std::cell::Cell::new(0);
    in_states("merge and unmerge", 3, |pair, rng| {
        for _ in 0..15 {
            let free: Vec<u32> = pair.model.people.values().filter(|one| !one.blocked).map(|one| one.id).collect();
            let two: Vec<u32> = free.sample(rng, 2).copied().collect();
            let &[primary, secondary] = two.as_slice() else { break };
            let before = everything(&pair.live);
            let drawn = Draw { model: &pair.model, rng, spoil: false }.step("merge").action;
            let Action::Merge(_, _, choices) = drawn else { return Err("a merge was to be drawn".into()) };
            let merge = Action::Merge(Who::Id(primary), Who::Id(secondary), choices);
            for action in [merge.clone(), Action::Unmerge(Who::Id(secondary), secondary)] {
                let step = Step { action, key: None, twice: false };
                pair.step(&step)?.map_err(|refusal| format!("{step:?} is refused: {refusal:?}"))?;
            }
            let after = everything(&pair.live);
            if before != after {
                let other = before.iter().zip(&after).find(|(before, after)| before != after);
                return Err(format!("{merge:?} leaves a trace: {other:?}"));
            }
            done.set(done.get() + 1);
        }
        Ok(())
    });
    assert!(done.get() > 20, "only {} pairs were merged", done.get());
}

#[test]
fn an_edit_undone_at_once_leaves_no_trace() {
    let changed = std::cell::Cell::new(0);
    in_states("apply and undo", 3, |pair, rng| {
        for _ in 0..12 {
            let before = untimed(everything(&pair.live));
            let prepare = Draw { model: &pair.model, rng, spoil: false }.step("prepare").action;
            let job = pair.model.jobs_made;
            let step = |pair: &mut Pair, action: Action| pair.step(&Step { action, key: None, twice: false });
            if step(pair, prepare.clone())?.is_err() || pair.model.jobs[&job].deletes() {
                continue;
            }
            let apply = Action::Apply { job, count: None, dropped: rng.random_ratio(1, 4) };
            let undo = Action::Undo { job, dropped: rng.random_ratio(1, 4) };
            if step(pair, apply)?.is_err() {
                continue;
            }
            changed.set(changed.get() + pair.model.jobs[&job].counts[0]);
            step(pair, undo)?.map_err(|refusal| format!("the undo of {prepare:?} is refused: {refusal:?}"))?;
            let after = untimed(everything(&pair.live));
            if before != after {
                let other = before.iter().zip(&after).find(|(before, after)| before != after);
                return Err(format!("{prepare:?} leaves a trace: {other:?}"));
            }
        }
        Ok(())
    });
    assert!(changed.get() > 20, "only {} contacts were changed", changed.get());
}

/// An undo is a change too.
fn untimed(mut all: Vec<(Json, usize)>) -> Vec<(Json, usize)> {
    all.iter_mut().for_each(|(shown, _)| shown["updatedAt"] = Json::Null);
    all
}

#[test]
fn what_is_sent_again_under_its_key_is_not_done_again() {
    let sent = std::cell::Cell::new(0);
    in_states("repeats", 3, |pair, rng| {
        let keys: Vec<Step> = pair
            .model
            .keys
            .iter()
            .map(|(key, used)| Step { action: used.action.clone(), key: Some(*key), twice: false })
            .collect();
        let repeats: Vec<Step> = keys.into_iter().filter(|step| pair.model.repeats(step)).collect();
        let before = everything(&pair.live);
        for step in &repeats {
            drop(pair.step(step)?);
            sent.set(sent.get() + 1);
            if everything(&pair.live) != before {
                return Err(format!("{step:?} was done again"));
            }
        }
        check::state(&pair.live, &pair.model, true, rng)
    });
    assert!(sent.get() > 10, "only {} were sent again", sent.get());
}

#[test]
fn an_export_imported_gives_the_same_contacts_back() {
    in_states("export and import", 2, |pair, _| {
        for format in [Format::Ndjson, Format::Csv] {
            let (engine, ws) = (pair.live.engine(), pair.live.ws());
            let mut file = Vec::new();
            let count = export::run(engine, ws, format, &mut file, &mut |_| {}).map_err(|error| error.to_string())?;
            let (copy, to) = another(&engine.catalog(ws).expect("a catalog"))?;
            let mut here = plainly(engine, ws);
            // Whoever was emptied by a change has nothing left that an addition needs.
            here.retain(|row| ["firstName", "email", "phone"].iter().any(|name| !row[*name].is_null()));
            let options = Options { purpose: Purpose::AddAll, ..Options::default() };
            let tally = imported(&copy, to, &file, &options)?;
            if (tally.added, tally.failed) != (here.len() as u64, count - here.len() as u64) {
                return Err(format!("{format:?}: {count} exported, {} imported: {:?}", tally.added, tally.failures));
            }
            let there = plainly(&copy, to);
            if let Some((one, other)) = here.iter().zip(&there).find(|(one, other)| one != other) {
                return Err(format!("{format:?}: {} became {}", json!(one), json!(other)));
            }
            // To whom it belongs it says nothing new.
            let before = everything(&pair.live);
            let options = Options { purpose: Purpose::Update, match_by: MatchBy::Id, ..Options::default() };
            let tally = imported(pair.live.engine(), ws, &file, &options)?;
            if tally.unchanged != count || everything(&pair.live) != before {
                return Err(format!("{format:?}: {} of {count} unchanged: {:?}", tally.unchanged, tally.failures));
            }
        }
        Ok(())
    });
}

fn imported(engine: &Arc<Engine>, ws: WorkspaceId, file: &[u8], options: &Options) -> Result<Tally, String> {
    let actor = Actor::operator(ws);
    let import = import_job::uploaded(engine, &actor, file, NewImport::default());
    match &import.job.error {
        Some(why) => Err(why.clone()),
        None => Ok(import_job::checked_and_run(engine, &actor, &import, options).spec.tally),
    }
}

/// An empty workspace that defines the same.
fn another(catalog: &Catalog) -> Result<(Arc<Engine>, WorkspaceId), String> {
    let settings = crate::support::settings::small();
    let engine = Engine::open(Arc::new(MemoryStore::default()), None, settings, Clock::fixed(live::START));
    let engine = engine.map_err(|error| error.to_string())?;
    let new = NewWorkspace {
        name: "Copy".into(),
        default_country: catalog.workspace.default_country.clone(),
        timezone: catalog.workspace.timezone.clone(),
        locale: catalog.workspace.locale.clone(),
    };
    let ws = engine.create_workspace(new).map_err(|error| error.to_string())?.id;
    Definition::of(catalog).apply(&engine, ws).map_err(|error| error.to_string())?;
    Ok((engine, ws))
}

fn plainly(engine: &Engine, ws: WorkspaceId) -> Vec<Map<String, Json>> {
    let catalog = engine.catalog(ws).expect("a catalog");
    let all = engine.contacts_after(ws, ContactId(0), 1000).expect("contacts");
    all.iter().map(|contact| plain(render::contact(contact, &catalog), &catalog)).collect()
}

/// Without what another workspace numbers anew.
fn plain(mut shown: Map<String, Json>, catalog: &Catalog) -> Map<String, Json> {
    for gone in ["id", "version"] {
        shown.remove(gone);
    }
    if shown["firstName"].is_null()
        && shown["lastName"].is_null()
        && shown["email"].is_null()
        && shown["phone"].is_null()
    {
        // The name of one without any is made of its id.
        shown.remove("name");
    }
    if !shown["phone"].is_null() {
        // Where a row says nothing of it, it is derived from the phone.
        shown.remove("countryCode");
    }
    if let Some(channel) = shown["lastInteractedChannel"].as_u64() {
        let name = catalog.channels.get(&ChannelId(channel as u32)).map(|channel| (&channel.name, &channel.source));
        shown["lastInteractedChannel"] = json!(name);
    }
    for link in shown["channels"].as_array_mut().into_iter().flatten().filter_map(Json::as_object_mut) {
        link.remove("id");
    }
    if let Some(user) = shown["assignee"].as_object_mut() {
        user.remove("id");
    }
    shown
}
