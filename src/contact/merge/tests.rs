//! Merging and giving back contacts drawn at random, and what the rules say of single fields.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::contact::{
    ChannelId, ContactId, Conversation, CustomFieldId, InteractionKind, Phone, Seq, StageId, TagId, Value,
};

/// Channel, address, time connected, last message, last incoming message.
type Link = (u32, Option<String>, i64, Option<i64>, Option<i64>);

fn name() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(vec!["Ana", "Bo", "Cy"]).prop_map(str::to_owned))
}

fn at() -> impl Strategy<Value = Option<Millis>> {
    prop::option::of(0i64..40)
}

fn links(mut links: Vec<Link>) -> Vec<ChannelLink> {
    links.sort_by_key(|link| link.0);
    links.dedup_by_key(|link| link.0);
    links.sort_by_key(|link| link.2);
    let link = |(channel, address, connected_at, last_message_at, last_incoming_at)| ChannelLink {
        channel: ChannelId(channel),
        address,
        connected_at,
        last_message_at,
        last_incoming_at,
    };
    links.into_iter().map(link).collect()
}

fn phone(digits: u64) -> Phone {
    Phone { digits, calling_code_len: 2, given: digits.to_string() }
}

fn conversation() -> impl Strategy<Value = Conversation> {
    prop::sample::select(vec![Conversation::Open, Conversation::Closed, Conversation::Snoozed])
}

fn person(id: u32) -> impl Strategy<Value = Contact> {
    let email = prop::option::of(prop::sample::select(vec!["A@x.org", "b@x.org", "c@x.org"]).prop_map(str::to_owned));
    let texts = (name(), name(), email, prop::option::of(600u64..604), name());
    let links_of = prop::collection::vec((1u32..4, name(), 0i64..40, at(), at()), 0..4);
    let sets = (prop::collection::btree_set(1u32..6, 0..4), links_of, prop::option::of(1u32..4));
    let times = (at(), at(), at(), at(), 0i64..40, 0i64..40);
    let custom = prop::collection::btree_map(1u32..4, any::<bool>(), 0..3);
    let others = (prop::option::of(1u32..4), conversation(), at(), custom);
    (texts, sets, times, others).prop_map(move |(texts, sets, times, others)| Contact {
        id: ContactId(id),
        first_name: texts.0,
        last_name: texts.1,
        email: texts.2,
        phone: texts.3.map(phone),
        profile_pic: texts.4,
        tags: sets.0.into_iter().map(TagId).collect(),
        channels: links(sets.1),
        last_interacted_channel: sets.2.map(ChannelId),
        conversation_opened_at: times.0,
        last_message_at: times.1,
        last_incoming_message_at: times.2,
        last_interaction_at: times.3,
        created_at: times.4,
        updated_at: times.5,
        lifecycle: others.0.map(StageId),
        conversation: others.1,
        snoozed_until: others.2,
        custom: others.3.into_iter().map(|(id, checked)| (CustomFieldId(id), Value::Checkbox(checked))).collect(),
        ..Contact::default()
    })
}

fn chosen() -> impl Strategy<Value = Choices> {
    let side = prop::sample::select(vec![Side::Primary, Side::Secondary]);
    let custom = (1..4).map(|id| (CustomFieldId(id), Value::Checkbox(true))).collect();
    let parts = Part::of(&Contact { custom, ..Contact::default() }, &Contact::default());
    prop::collection::btree_map(prop::sample::select(parts), side, 0..6).prop_map(Choices)
}

/// What is kept of a merge of `secondary` into `primary`, which becomes what it makes.
fn take_in(primary: &mut Contact, secondary: &Contact, choices: &Choices, version: u64) -> Merge {
    let before = Contact { merged: None, ..primary.clone() };
    *primary = merge(primary, secondary, choices, 100 + version as Millis);
    primary.version = Seq(version);
    Merge {
        primary: primary.id,
        at: 0,
        by: None,
        primary_before: before,
        secondary: secondary.clone(),
        primary_after: Contact { merged: None, ..primary.clone() },
    }
}

/// Undoes the merge at `place` of all those into the contact.
fn give_back(current: &Contact, merges: &mut Vec<Merge>, place: usize, happened: Vec<Interaction>) -> Contact {
    let later = merges.split_off(place);
    let mut pasts: Vec<Past> = later.into_iter().map(|merge| Past { merge, happened: Vec::new() }).collect();
    pasts[0].happened = happened;
    let contact = unmerge(current, &mut pasts, merges);
    merges.extend(pasts.into_iter().skip(1).map(|past| past.merge));
    contact
}

fn no_version(contact: &Contact) -> Contact {
    Contact { version: Seq(0), ..contact.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_merged_and_given_back_is_as_it_was(a in person(1), b in person(2), choices in chosen()) {
        let mut merged = a.clone();
        let mut merges = vec![take_in(&mut merged, &b, &choices, 1)];
        prop_assert!(merges[0].secondary == b);
        let back = give_back(&merged, &mut merges, 0, Vec::new());
        prop_assert!(no_version(&back) == a);
        prop_assert!(merges.is_empty());
    }

    #[test]
    fn several_are_given_back_in_any_order(
        a in person(1), others in prop::collection::vec((2u32..3).prop_flat_map(person), 4),
        choices in prop::collection::vec(chosen(), 4), mut order in Just(vec![0usize, 1, 2, 3]).prop_shuffle(),
    ) {
        let mut merged = a.clone();
        let others: Vec<Contact> =
            others.into_iter().zip(2..).map(|(other, id)| Contact { id: ContactId(id), ..other }).collect();
        let each = others.iter().zip(&choices).zip(1..);
        let mut merges: Vec<Merge> =
            each.map(|((other, choices), version)| take_in(&mut merged, other, choices, version)).collect();
        while let Some(next) = order.pop() {
            let place = merges.iter().position(|merge| merge.secondary.id == others[next].id).unwrap();
            merged = give_back(&merged, &mut merges, place, Vec::new());
            let left: Vec<ContactId> = merges.iter().map(|merge| merge.secondary.id).collect();
            let found_by = merged.merged.as_deref().cloned().unwrap_or_default();
            prop_assert_eq!(&found_by.ids, &left);
            // It is what those that are left make of it.
            let mut anew = a.clone();
            for merge in &merges {
                let choices = super::choices(&merge.primary_before, &merge.secondary, &merge.primary_after);
                take_in(&mut anew, &merge.secondary, &choices, merge.primary_after.version.0);
            }
            anew.updated_at = merged.updated_at;
            prop_assert!(no_version(&anew) == no_version(&merged));
        }
        let alone = Contact { updated_at: merged.updated_at, ..a };
        prop_assert!(no_version(&merged) == alone);
    }

    #[test]
    fn what_happened_since_stays_and_no_time_points_to_what_left(
        a in person(1), b in person(2), choices in chosen(),
        times in prop::collection::vec((0i64..80, 1u32..4, any::<bool>()), 0..5),
    ) {
        let mut merged = a.clone();
        let mut merges = vec![take_in(&mut merged, &b, &choices, 1)];
        let happened: Vec<Interaction> = times.into_iter().map(|(at, channel, incoming)| Interaction {
            kind: if incoming { InteractionKind::IncomingMessage } else { InteractionKind::OutgoingMessage },
            at,
            channel: Some(ChannelId(channel)),
            author: None,
            text: None,
        }).collect();
        happened.iter().for_each(|interaction| interaction.move_times(&mut merged));
        let back = give_back(&merged, &mut merges, 0, happened.clone());
        let mut alone = a.clone();
        happened.iter().for_each(|interaction| interaction.move_times(&mut alone));
        prop_assert_eq!(back.last_message_at, alone.last_message_at);
        prop_assert_eq!(back.last_incoming_message_at, alone.last_incoming_message_at);
        prop_assert_eq!(back.last_interaction_at, alone.last_interaction_at);
        let newest = |contact: &Contact| {
            contact.channels.iter().map(|link| (link.channel.0, link.last_message_at)).collect::<Vec<_>>()
        };
        prop_assert_eq!(newest(&back), newest(&alone));
    }
}

fn contact(id: u32, fill: impl FnOnce(&mut Contact)) -> Contact {
    let mut contact = Contact { id: ContactId(id), ..Contact::default() };
    fill(&mut contact);
    contact
}

fn choose(json: serde_json::Value) -> Choices {
    let fields = json.as_object().cloned().unwrap_or_default();
    Choices::read(&fields, &Catalog::default()).expect("they can be chosen")
}

#[test]
fn the_primarys_value_stays_unless_it_has_none_or_another_is_chosen() {
    let a = contact(1, |a| (a.first_name, a.email) = (Some("Ana".into()), Some("ana@x.org".into())));
    let b = contact(2, |b| {
        (b.first_name, b.last_name, b.email) = (Some("Anna".into()), Some("Lim".into()), Some("Anna@x.org".into()));
    });
    let merged = merge(&a, &b, &choose(json!({"email": "secondary", "lastName": "primary"})), 5);
    assert_eq!((merged.first_name.as_deref(), merged.last_name.as_deref()), (Some("Ana"), None));
    assert_eq!((merged.email.as_deref(), merged.updated_at), (Some("Anna@x.org"), 5));
    let found_by = merged.merged.expect("what it is found by");
    assert_eq!(found_by.emails, ["ana@x.org", "anna@x.org"]);
    assert_eq!(found_by.ids, [ContactId(2)]);
}

#[test]
fn a_field_that_was_changed_since_stays() {
    let a = contact(1, |a| a.first_name = Some("Ana".into()));
    let b = contact(2, |b| {
        (b.first_name, b.last_name, b.tags) = (Some("Bo".into()), Some("Lim".into()), vec![TagId(1), TagId(2)]);
    });
    let mut merged = a.clone();
    let mut merges = vec![take_in(&mut merged, &b, &choose(json!({"firstName": "secondary"})), 1)];
    (merged.last_name, merged.tags) = (Some("Ng".into()), vec![TagId(1), TagId(7)]);
    let back = give_back(&merged, &mut merges, 0, Vec::new());
    assert_eq!((back.first_name.as_deref(), back.last_name.as_deref()), (Some("Ana"), Some("Ng")));
    assert_eq!(back.tags, [TagId(7)]);
    assert!(back.merged.is_none());
}

#[test]
fn a_tag_that_another_brings_too_stays() {
    let tagged = |id| contact(id, |one| one.tags = vec![TagId(3)]);
    let (mut merged, none) = (contact(1, |_| {}), choose(json!({})));
    let mut merges = vec![take_in(&mut merged, &tagged(2), &none, 1)];
    merges.push(take_in(&mut merged, &tagged(3), &none, 2));
    merged = give_back(&merged, &mut merges, 0, Vec::new());
    assert_eq!(merged.tags, [TagId(3)]);
    merged = give_back(&merged, &mut merges, 0, Vec::new());
    assert!(merged.tags.is_empty());
}

#[test]
fn what_the_workspace_no_longer_defines_drops_out() {
    let full = crate::contact::draft::example::contact();
    let tidy = tidied(full.clone(), &Catalog::default());
    assert!(tidy.tags.is_empty() && tidy.custom.is_empty() && tidy.channels.is_empty());
    assert!(tidy.assignee.is_none() && tidy.lifecycle.is_none() && tidy.last_interacted_channel.is_none());
    assert!(tidied(full.clone(), &crate::contact::draft::example::catalog()) == full);
}

#[test]
fn what_is_shown_for_a_log_holds_no_values() {
    let merged = Merged { ids: vec![ContactId(2)], emails: vec!["ana@x.org".into()], phones: vec![60_123] };
    assert_eq!(format!("{merged:?}"), format!("Merged({:?})", [ContactId(2)]));
}
