//! Laws of bulk edits on random worlds: a receipt foretells the counts, only its contacts change, each once; undo gives back
//! exactly what nobody changed since. `ROLLCALL_JOB_ROUNDS=200` makes a long run of it.

use std::collections::{BTreeMap, BTreeSet};

use rand::prelude::*;
use rollcall::contact::identity::Identifier;
use rollcall::contact::*;
use rollcall::engine::{Confirmation, Error, FacetCounts, FacetOutlook, Query, Receipt};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::support::world::World;
use crate::support::world::queries::Asked;
use crate::support::{jobs, seed};

type Contacts = BTreeMap<u32, Contact>;

/// What became of the rounds, so that none proves nothing.
#[derive(Debug, Default)]
struct Seen {
    jobs: u32,
    changed: u64,
    deleted: u64,
    restored: u64,
    left: u64,
    actions: BTreeSet<String>,
}

impl Seen {
    fn all(&self) -> bool {
        let some = [self.changed, self.deleted, self.restored, self.left];
        some.iter().all(|count| *count > 0) && self.actions.len() > 7
    }
}

#[test]
fn receipts_foretell_edits_and_undo_restores_what_nobody_changed_since() {
    let first = seed::seed("jobs");
    let rounds = seed::rounds("ROLLCALL_JOB_ROUNDS", 16);
    let mut seen = Seen::default();
    // Where chance has left something out, it goes on for a while.
    for round in 0..4 * rounds {
        if round >= rounds && (rounds < 16 || seen.all()) {
            break;
        }
        let seed = first.wrapping_add(u64::from(round));
        let mut world = World::new(seed, [3, 40, 120][(seed % 3) as usize], seed % 8 == 7);
        for case in 0..12 {
            let place = format!("ROLLCALL_SEED={seed}, case {case}");
            (0..world.rng.random_range(0..3)).for_each(|_| world.happen());
            one(&mut world, &place, &mut seen);
        }
        let report = world.engine().verify(world.ws()).expect("it can be verified");
        assert!(report.problems.is_empty(), "ROLLCALL_SEED={seed}: {:?}", report.problems);
    }
    println!("measured jobs: {seen:?}");
    assert!(rounds < 16 || seen.all(), "{seen:?}");
}

/// One receipt, applied, looked at and undone.
fn one(world: &mut World, place: &str, seen: &mut Seen) {
    let action = action(world);
    let query = query(world);
    let place = format!("{place}: {action} on {query:?}");
    let members = action.as_object().expect("an object").clone();
    let before = stored(world);
    let catalog = world.engine().catalog(world.ws()).expect("a catalog");
    let receipt = match world.engine().prepare_job(&world.actor.clone(), &query, &members) {
        Ok(receipt) => receipt,
        Err(Error::Invalid(_)) => return,
        Err(other) => panic!("{place}: {other}"),
    };
    assert!(before == stored(world) && *catalog == *world.engine().catalog(world.ws()).expect("a catalog"), "{place}");
    let ids = world.oracle().answer(&query).ids.into_iter().collect::<BTreeSet<u32>>();
    is_about(&receipt, &ids, &before, &place);
    foretold(world, &receipt.facets_before, &ids, &place);

    let confirmed = Confirmation { count: Some(ids.len() as u64), ids_hash: Some(receipt.ids_hash.clone()) };
    world.engine().apply_job(&world.actor.clone(), receipt.job, &confirmed).expect("it is applied");
    let job = jobs::over(world.engine(), world.ws(), receipt.job);
    assert_eq!(job.state, JobState::Done, "{place}: {:?}", job.error);
    let after = stored(world);
    taken_over(world, &after);
    foretold(world, &receipt.facets_after, &ids, &place);
    only_these_changed(&before, &after, &ids, &job, &place);
    seen.jobs += 1;
    seen.changed += job.counts.changed;
    seen.deleted += job.counts.deleted;
    seen.actions.insert(members["action"].to_string());

    let again = world.engine().apply_job(&world.actor.clone(), receipt.job, &Confirmation::default());
    assert!(matches!(again, Err(Error::State { code: "job_state", .. }) | Err(Error::Invalid(_))), "{place}");
    if members["action"] == "delete" {
        let undone = world.engine().undo_job(&world.actor.clone(), receipt.job);
        assert!(matches!(undone, Err(Error::State { code: "cannot_undo", .. })), "{place}");
        return;
    }
    let between = world.rng.random_range(0..5) * world.rng.random_range(0..10);
    (0..between).for_each(|_| world.happen());
    meddle(world, &members, &before, &after);
    undone(world, receipt.job, &before, &after, &place, seen);
}

/// Changes what the edit has changed on some contacts, where that can be.
fn meddle(world: &mut World, action: &Map<String, Json>, before: &Contacts, after: &Contacts) {
    let is_changed = |id: &&u32| before[*id].version != after[*id].version;
    let some = world.rng.random_range(0..3);
    for id in after.keys().filter(is_changed).sample(&mut world.rng, some) {
        let change = match action["action"].as_str() {
            Some("addTags" | "removeTags") => json!({"tags": []}),
            Some("assign") => json!({"assignee": world.catalog.users.keys().choose(&mut world.rng)}),
            Some("setLifecycle") => json!({"lifecycle": null}),
            Some("setField") => json!({action["field"].as_str().expect("a field"): null}),
            _ => {
                let status = ["open", "closed", "snoozed", "blocked"].choose(&mut world.rng);
                json!({"status": status})
            }
        };
        let who = Identifier::Id(ContactId(*id));
        match world.engine().update_contact(&world.actor.clone(), &who, change.as_object().expect("an object")) {
            // It was deleted, or its field was.
            Ok(_) | Err(Error::NotFound { .. } | Error::Invalid(_)) => {}
            Err(other) => panic!("{change}: {other}"),
        }
    }
    taken_over(world, &stored(world));
}

fn is_about(receipt: &Receipt, ids: &BTreeSet<u32>, before: &Contacts, place: &str) {
    assert_eq!(receipt.count, ids.len() as u64, "{place}");
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_be_bytes()).collect();
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(receipt.ids_hash, hash, "{place}");
    let sample: Vec<u32> = ids.iter().copied().take(10).collect();
    assert!(receipt.sample.iter().map(|contact| contact.id.0).eq(sample.iter().copied()), "{place}");
    assert!(receipt.sample.iter().all(|contact| before[&contact.id.0] == **contact), "{place}");
}

/// The counts are those of a plain scan over the contacts that are there.
fn foretold(world: &World, told: &[FacetOutlook], ids: &BTreeSet<u32>, place: &str) {
    let oracle = world.oracle();
    let there: Vec<&Contact> = ids.iter().filter_map(|id| world.contacts.get(id)).collect();
    let facets = told.iter().map(|facet| facet.field.clone()).collect();
    let scanned = oracle.facets(&Query { facets, ..Query::default() }, &there);
    let one = |facet: &FacetCounts| FacetOutlook {
        field: facet.field.name(&world.catalog).to_owned(),
        values: facet.values.iter().map(|one| (one.json(), one.label.to_string(), one.count)).collect(),
        without: facet.without,
    };
    assert_eq!(told, scanned.iter().map(one).collect::<Vec<_>>(), "{place}");
}

fn only_these_changed(before: &Contacts, after: &Contacts, ids: &BTreeSet<u32>, job: &Job, place: &str) {
    let (mut changed, mut gone) = (0, 0);
    for (id, contact) in before {
        match after.get(id) {
            Some(now) if now == contact => {}
            Some(_) if ids.contains(id) => changed += 1,
            None if ids.contains(id) => gone += 1,
            _ => panic!("{place}: contact {id} was none of the job's"),
        }
    }
    let counts = job.counts;
    assert_eq!((counts.changed, counts.deleted, counts.total), (changed, gone, ids.len() as u64), "{place}");
    assert_eq!(counts.done, counts.total, "{place}");
    assert_eq!(counts.changed + counts.unchanged + counts.deleted + counts.failed, counts.done, "{place}");
    assert!(after.len() + gone as usize == before.len(), "{place}");
}

fn undone(world: &mut World, id: JobId, before: &Contacts, after: &Contacts, place: &str, seen: &mut Seen) {
    let between = stored(world);
    world.engine().undo_job(&world.actor.clone(), id).expect("it is undone");
    let job = jobs::over(world.engine(), world.ws(), id);
    assert_eq!(job.state, JobState::Undone, "{place}: {:?}", job.error);
    let end = stored(world);
    taken_over(world, &end);
    let mut notes = Vec::new();
    loop {
        let after = notes.last().map_or(0, |note: &Note| note.item);
        let page = world.engine().job_notes(world.ws(), id, PartKind::Left, after, 7).expect("notes").value.1;
        if page.is_empty() {
            break;
        }
        notes.extend(page);
    }
    let left: BTreeMap<u32, Vec<String>> = notes.into_iter().map(|note| (note.item, note.words)).collect();
    let mut law = Law { left, told: BTreeSet::new(), catalog: world.catalog.clone(), place };
    for (id, now) in &between {
        match (before.get(id), after.get(id)) {
            (Some(before), Some(after)) if before.version != after.version => {
                law.holds(before, after, now, &end[id]);
            }
            _ => assert!(end[id] == *now, "{place}: contact {id} had nothing to undo"),
        }
    }
    assert!(law.left.keys().all(|id| law.told.contains(id)), "{place}: {:?} but {:?}", law.left, law.told);
    assert_eq!(end.len(), between.len(), "{place}");
    assert_eq!(job.undo.total, job.counts.changed, "{place}");
    assert_eq!(job.undo.unchanged, law.left.len() as u64, "{place}");
    assert_eq!(job.undo.changed + job.undo.unchanged + job.undo.deleted, job.undo.total, "{place}");
    seen.restored += job.undo.changed;
    seen.left += job.undo.unchanged;
    let again = world.engine().undo_job(&world.actor.clone(), id);
    assert!(matches!(again, Err(Error::State { code: "job_state", .. })), "{place}");
}

/// What undo must make of a contact: before and after the edit, when the undo began, at its end.
struct Law<'a> {
    left: BTreeMap<u32, Vec<String>>,
    /// Contacts that are rightly listed.
    told: BTreeSet<u32>,
    catalog: std::sync::Arc<Catalog>,
    place: &'a str,
}

const STATUS: [&str; 4] = ["blocked", "conversation", "conversationOpenedAt", "snoozedUntil"];
const SNOOZE: [&str; 2] = ["conversation", "snoozedUntil"];

impl Law<'_> {
    fn holds(&mut self, before: &Contact, after: &Contact, now: &Contact, end: &Contact) {
        let id = before.id.0;
        let (of_before, of_after, of_now, of_end) = (flat(before), flat(after), flat(now), flat(end));
        let names: BTreeSet<&String> =
            [&of_before, &of_after, &of_now, &of_end].iter().flat_map(|map| map.keys()).collect();
        for name in names.into_iter().filter(|name| !matches!(name.as_str(), "version" | "updatedAt" | "tags")) {
            // What makes up the status goes together.
            let group: Vec<&str> = if STATUS.contains(&name.as_str()) { STATUS.to_vec() } else { vec![name.as_str()] };
            let touched = |name: &&&str| of_before.get(**name) != of_after.get(**name);
            let mut touched: Vec<&str> = group.iter().filter(touched).copied().collect();
            // A snooze is another one with another end.
            if touched.iter().any(|name| SNOOZE.contains(name)) {
                touched.extend(SNOOZE);
            }
            let same = |map: &Map<String, Json>| touched.iter().all(|name| map.get(*name) == of_now.get(*name));
            let (found, was) = (of_end.get(name), of_before.get(name));
            let is_back = found == was && (found != of_now.get(name) || touched.len() > 1);
            if !touched.contains(&name.as_str()) || same(&of_before) {
                assert_eq!(found, of_now.get(name), "{}: {name} of contact {id}", self.place);
            } else if !same(&of_after) || self.is_lost(name, &of_before) || !is_back {
                // Left: somebody changed it since, or what it was is taken or gone.
                let excused = !same(&of_after) || self.is_lost(name, &of_before);
                assert!(excused || matches!(name.as_str(), "email" | "phone"), "{}: {name} of {id}", self.place);
                assert_eq!(found, of_now.get(name), "{}: {name} of contact {id}", self.place);
                self.listed(id, if STATUS.contains(&name.as_str()) { "status" } else { name });
            }
        }
        self.tags(before, after, now, end);
    }

    /// Whether what the member was is no more in the workspace.
    fn is_lost(&self, name: &str, before: &Map<String, Json>) -> bool {
        let id = before.get(name).and_then(Json::as_u64).map(|id| id as u32);
        match name {
            "lifecycle" => id.is_some_and(|id| !self.catalog.stages.contains_key(&StageId(id))),
            _ => custom(name).is_some_and(|id| !self.catalog.fields.contains_key(&id)),
        }
    }

    fn tags(&mut self, before: &Contact, after: &Contact, now: &Contact, end: &Contact) {
        let set = |contact: &Contact| contact.tags.iter().copied().collect::<BTreeSet<TagId>>();
        let (before, after) = (set(before), set(after));
        let given_back: BTreeSet<TagId> = &before - &after;
        let there: BTreeSet<TagId> =
            given_back.iter().copied().filter(|tag| self.catalog.tags.contains_key(tag)).collect();
        assert_eq!(set(end), &(&set(now) - &(&after - &before)) | &there, "{}: tags of {}", self.place, now.id);
        if there != given_back {
            self.listed(now.id.0, "tags");
        }
    }

    fn listed(&mut self, id: u32, name: &str) {
        let field = custom(name).and_then(|id| self.catalog.fields.get(&id));
        let name = field.map_or(name, |field| &field.slug);
        let words = self.left.get(&id).cloned().unwrap_or_default();
        assert!(words.iter().any(|word| word == name), "{}: {name} of contact {id} is not in {words:?}", self.place);
        self.told.insert(id);
    }
}

fn custom(name: &str) -> Option<CustomFieldId> {
    name.strip_prefix("custom.")?.parse().ok().map(CustomFieldId)
}

/// Members by name, custom fields each by itself.
fn flat(contact: &Contact) -> Map<String, Json> {
    let Json::Object(mut members) = json!(contact) else { panic!("a contact is an object") };
    members.remove("custom");
    members.retain(|_, value| !value.is_null());
    members.extend(contact.custom.iter().map(|(id, value)| (format!("custom.{id}"), json!(value))));
    members
}

fn stored(world: &World) -> Contacts {
    let all = world.engine().contacts_after(world.ws(), ContactId(0), usize::MAX).expect("contacts");
    all.into_iter().map(|contact| (contact.id.0, contact)).collect()
}

/// The world goes on from what the job made.
fn taken_over(world: &mut World, contacts: &Contacts) {
    world.contacts = contacts.clone();
    world.catalog = world.engine().catalog(world.ws()).expect("a catalog");
}

fn query(world: &mut World) -> Query {
    let query = world.query(&mut Asked::new());
    let narrow = world.rng.random_bool(0.6);
    let Query { search, filter, segment, timezone, .. } = query;
    match narrow {
        true => Query { search: search.filter(|_| filter.is_none()), filter, segment, timezone, ..Query::default() },
        false => Query::default(),
    }
}

/// An action, drawn at random.
fn action(world: &mut World) -> Json {
    let catalog = world.catalog.clone();
    let person = world.person(false, true);
    let rng = &mut world.rng;
    let tags: Vec<String> = catalog.tags.values().map(|tag| tag.name.clone()).collect();
    let names = |rng: &mut rand_chacha::ChaCha8Rng| {
        let mut names: Vec<String> = tags.iter().cloned().sample(rng, 2);
        names.push(format!("made {}", rng.random_range(0..20)));
        names
    };
    match rng.random_range(0..14) {
        0..4 => {
            let (action, names) = (if rng.random() { "addTags" } else { "removeTags" }, names(rng));
            json!({"action": action, "tags": names})
        }
        4 => json!({"action": "block"}),
        5 | 6 => json!({"action": "unblock"}),
        7 => {
            let users: Vec<Json> = catalog.users.keys().map(|id| json!(id)).chain([json!("me"), Json::Null]).collect();
            let assignee = users.choose(rng);
            json!({"action": "assign", "assignee": assignee})
        }
        8 => {
            let stages = catalog.stages.values().map(|stage| json!(stage.name)).chain([Json::Null]);
            let stage = stages.choose(rng);
            json!({"action": "setLifecycle", "lifecycle": stage})
        }
        9 => {
            let status = ["open", "closed", "snoozed"].choose(rng);
            json!({"action": "setStatus", "status": status})
        }
        10 => json!({"action": "setStatus", "status": "snoozed", "until": "2056-01-01"}),
        11 if rng.random_bool(0.4) => json!({"action": "delete"}),
        _ => match person.iter().choose(rng) {
            Some((name, value)) => json!({"action": "setField", "field": name, "value": value}),
            None => json!({"action": "setField", "field": "firstName", "value": "Once"}),
        },
    }
}
