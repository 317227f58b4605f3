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
use super::values;
use super::world::Channel;
use crate::import_job;
use crate::support::seed;

/// Steps that bring a state about.
const STEPS: usize = 90;
/// States gone through, at most, where one has little to try the law on.
const STATES_MAX: u32 = 60;

/// Calls `law` in some states, each of a seed that is told, and in more of them until it was tried on so many things that
/// it proves something: it says on how many.
fn in_states(test: &str, states: u32, least: usize, law: impl Fn(&mut Pair, &mut ChaCha8Rng) -> Result<usize, String>) {
    let first = seed::seed(test);
    let states = states.max(seed::rounds("ROLLCALL_CASES", 0) / 1000);
    let (mut number, mut tried) = (0, 0);
    while number < states || tried < least && number < STATES_MAX {
        let seed = first.wrapping_add(u64::from(number));
        let mut pair = sequence(seed, STEPS, false, &mut Seen::default());
        match law(&mut pair, &mut seed::from(seed ^ 1)) {
            Ok(times) => tried += times,
            Err(why) => panic!("ROLLCALL_SEED={seed}: {why}"),
        }
        number += 1;
    }
    assert!(tried >= least, "{test}: only {tried} were tried in {number} states");
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
    in_states("merge and unmerge", 3, 20, |pair, rng| {
        let mut done = 0;
        for _ in 0..15 {
            let free: Vec<u32> = pair.model.people.values().filter(|one| !one.blocked).map(|one| one.id).collect();
            let two: Vec<u32> = free.sample(rng, 2).copied().collect();
            let &[primary, secondary] = two.as_slice() else { break };
            let before = everything(&pair.live);
            // Not a repeat, which may name a field that is gone.
            let drawn = Draw { model: &pair.model, rng, spoil: false }.merge();
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
            done += 1;
        }
        Ok(done)
    });
}

#[test]
fn an_edit_undone_at_once_leaves_no_trace() {
    in_states("apply and undo", 3, 20, |pair, rng| {
        let mut changed = 0;
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
            changed += pair.model.jobs[&job].changed.len();
            step(pair, undo)?.map_err(|refusal| format!("the undo of {prepare:?} is refused: {refusal:?}"))?;
            let after = untimed(everything(&pair.live));
            if before != after {
                let other = before.iter().zip(&after).find(|(before, after)| before != after);
                return Err(format!("{prepare:?} leaves a trace: {other:?}"));
            }
        }
        Ok(changed)
    });
}

/// An undo is a change too.
fn untimed(mut all: Vec<(Json, usize)>) -> Vec<(Json, usize)> {
    all.iter_mut().for_each(|(shown, _)| shown["updatedAt"] = Json::Null);
    all
}

#[test]
fn what_is_sent_again_under_its_key_is_not_done_again() {
    in_states("repeats", 3, 10, |pair, rng| {
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
            if everything(&pair.live) != before {
                return Err(format!("{step:?} was done again"));
            }
        }
        check::state(&pair.live, &pair.model, true, rng)?;
        Ok(repeats.len())
    });
}

#[test]
fn an_export_imported_gives_the_same_contacts_back() {
    in_states("export and import", 2, 10, |pair, _| {
        let mut count = 0;
        for format in [Format::Ndjson, Format::Csv] {
            nothing_new_where_it_belongs(&pair.live, format).map_err(|why| format!("{format:?}: {why}"))?;
        }
        // Of one name and source they are the same to another workspace.
        name_channels_apart(pair)?;
        for format in [Format::Ndjson, Format::Csv] {
            count += same_elsewhere(&pair.live, format).map_err(|why| format!("{format:?}: {why}"))?;
        }
        Ok(count)
    });
}

fn name_channels_apart(pair: &mut Pair) -> Result<(), String> {
    let ids: Vec<u32> = pair.model.channels.keys().copied().collect();
    for id in ids {
        let channel = &pair.model.channels[&id];
        let alike = |(other, as_well): (&u32, &Channel)| {
            *other != id
                && as_well.source == channel.source
                && values::fold(&as_well.name) == values::fold(&channel.name)
        };
        if pair.model.channels.iter().any(alike) {
            let action = Action::RenameChannel(id, format!("{} {id}", channel.name));
            pair.step(&Step { action, key: None, twice: false })?.map_err(|refusal| format!("{refusal:?}"))?;
        }
    }
    Ok(())
}

fn exported(engine: &Engine, ws: WorkspaceId, format: Format) -> Result<(u64, Vec<u8>), String> {
    let mut file = Vec::new();
    let count = export::run(engine, ws, format, &mut file, &mut |_| {}).map_err(|error| error.to_string())?;
    Ok((count, file))
}

fn nothing_new_where_it_belongs(live: &Live, format: Format) -> Result<(), String> {
    let (count, file) = exported(live.engine(), live.ws(), format)?;
    let before = everything(live);
    let options = Options { purpose: Purpose::Update, match_by: MatchBy::Id, ..Options::default() };
    let tally = imported(live.engine(), live.ws(), &file, &options)?;
    match tally.unchanged == count && everything(live) == before {
        true => Ok(()),
        false => Err(format!("{} of {count} unchanged: {:?}", tally.unchanged, tally.failures)),
    }
}

/// Imports into an empty workspace that defines the same; how many contacts there were.
fn same_elsewhere(live: &Live, format: Format) -> Result<usize, String> {
    let (engine, ws) = (live.engine(), live.ws());
    let (count, file) = exported(engine, ws, format)?;
    let catalog = engine.catalog(ws).map_err(|error| error.to_string())?;
    let (copy, to) = another(&catalog)?;
    let mut here = plainly(engine, ws);
    // Whoever was emptied by a change has nothing left that an addition needs.
    here.retain(|row| ["firstName", "email", "phone"].iter().any(|name| !row[*name].is_null()));
    let options = Options { purpose: Purpose::AddAll, ..Options::default() };
    let tally = imported(&copy, to, &file, &options)?;
    if (tally.added, tally.failed) != (here.len() as u64, count - here.len() as u64) {
        return Err(format!("{count} exported, {} imported: {:?}", tally.added, tally.failures));
    }
    let there = plainly(&copy, to);
    match here.iter().zip(&there).find(|(one, other)| one != other) {
        Some((one, other)) => Err(format!("{} became {}", json!(one), json!(other))),
        None => Ok(here.len()),
    }
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
