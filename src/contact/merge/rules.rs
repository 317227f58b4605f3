//! Making one contact of two, and two of one again: pure rules.

use super::{Merge, Merged};
use crate::contact::merge::choice::{Choices, Part, Side};
use crate::contact::{Catalog, ChannelLink, Contact, Interaction, Millis, fold};

/// The primary with what the secondary brings; neither's snapshot is changed.
pub fn merge(primary: &Contact, secondary: &Contact, choices: &Choices, now: Millis) -> Contact {
    let mut merged = primary.clone();
    for part in Part::of(primary, secondary) {
        let side = choices.0.get(&part).copied().unwrap_or_else(|| usual(part, primary));
        if side == Side::Secondary {
            part.copy(secondary, &mut merged);
        }
    }
    unite(&mut merged, primary, secondary);
    let mut found_by = primary.merged.as_deref().cloned().unwrap_or_default();
    found_by.take_in(primary, secondary, &merged);
    merged.merged = found_by.kept();
    merged.updated_at = primary.updated_at.max(now);
    merged
}

/// Whose value stays where nobody says so.
fn usual(part: Part, primary: &Contact) -> Side {
    if part.is_in(primary) { Side::Primary } else { Side::Secondary }
}

/// What no side has alone.
fn unite(merged: &mut Contact, primary: &Contact, secondary: &Contact) {
    merged.tags.extend(&secondary.tags);
    merged.tags.sort_unstable();
    merged.tags.dedup();
    for link in &secondary.channels {
        match merged.channels.iter_mut().find(|own| own.channel == link.channel) {
            Some(own) => {
                own.address = own.address.take().or_else(|| link.address.clone());
                own.connected_at = own.connected_at.min(link.connected_at);
                own.last_message_at = own.last_message_at.max(link.last_message_at);
                own.last_incoming_at = own.last_incoming_at.max(link.last_incoming_at);
            }
            None => merged.channels.push(link.clone()),
        }
    }
    merged.channels.sort_by_key(|link| link.connected_at);
    let (own, other) = (primary.last_interacted_channel, secondary.last_interacted_channel);
    let newer = secondary.last_message_at > primary.last_message_at;
    merged.last_interacted_channel = if newer { other.or(own) } else { own.or(other) };
    merged.conversation_opened_at = primary.conversation_opened_at.max(secondary.conversation_opened_at);
    merged.last_message_at = primary.last_message_at.max(secondary.last_message_at);
    merged.last_incoming_message_at = primary.last_incoming_message_at.max(secondary.last_incoming_message_at);
    merged.last_interaction_at = primary.last_interaction_at.max(secondary.last_interaction_at);
}

impl Merged {
    /// Adds what a secondary was found by, and what the primary gave up for it.
    fn take_in(&mut self, before: &Contact, secondary: &Contact, after: &Contact) {
        let folded = |contact: &Contact| contact.email.as_deref().map(fold::compare);
        let digits = |contact: &Contact| contact.phone.as_ref().map(|phone| phone.digits);
        self.ids.push(secondary.id);
        self.emails.extend(folded(secondary));
        self.emails.extend(folded(before).filter(|email| folded(after).as_ref() != Some(email)));
        self.phones.extend(digits(secondary));
        self.phones.extend(digits(before).filter(|phone| digits(after) != Some(*phone)));
        if let Some(theirs) = &secondary.merged {
            self.ids.extend(&theirs.ids);
            self.emails.extend_from_slice(&theirs.emails);
            self.phones.extend(&theirs.phones);
        }
        self.settle();
    }

    fn settle(&mut self) {
        self.ids.sort_unstable();
        self.ids.dedup();
        self.emails.sort_unstable();
        self.emails.dedup();
        self.phones.sort_unstable();
        self.phones.dedup();
    }
}

/// A merge, and what happened with the primary from then on until the next merge into it, or until now: by number.
pub struct Past {
    pub merge: Merge,
    pub happened: Vec<Interaction>,
}

/// The primary without the first of these merges, which are all those into it from that one on, oldest first. The later
/// ones are made what they would be without it. `others` are the merges into it before.
///
/// A field that shows what the merge made of it shows again what it would without; one that was changed since stays. What
/// happened since stays, and no time points to what left.
pub fn unmerge(current: &Contact, pasts: &mut [Past], others: &[Merge]) -> Contact {
    let Some((undone, later)) = pasts.split_first_mut() else { return current.clone() };
    let mut was = undone.merge.primary_after.clone();
    let mut is = undone.merge.primary_before.clone();
    let mut happened = std::mem::take(&mut undone.happened);
    for past in &mut *later {
        let Merge { primary_before, secondary, primary_after, .. } = &mut past.merge;
        let choices = choices(primary_before, secondary, primary_after);
        let before = carry(primary_before, &was, &is, &lived(&is, &happened));
        let after = Contact {
            version: primary_after.version,
            updated_at: primary_after.updated_at,
            merged: None,
            ..merge(&before, secondary, &choices, primary_after.updated_at)
        };
        *primary_before = before;
        was = std::mem::replace(primary_after, after.clone());
        is = after;
        happened = std::mem::take(&mut past.happened);
    }
    let mut contact = carry(current, &was, &is, &lived(&is, &happened));
    let mut found_by = Merged::default();
    for merge in others.iter().chain(later.iter().map(|past| &past.merge)) {
        found_by.take_in(&merge.primary_before, &merge.secondary, &merge.primary_after);
    }
    contact.merged = found_by.kept();
    contact
}

/// What was chosen in a merge, as far as it was not the usual.
fn choices(before: &Contact, secondary: &Contact, after: &Contact) -> Choices {
    let parts = Part::of(before, secondary).into_iter();
    let side = |part: Part| match usual(part, before) {
        Side::Primary if !part.is_same(before, after) => Some((part, Side::Secondary)),
        Side::Secondary if !part.is_same(secondary, after) => Some((part, Side::Primary)),
        _ => None,
    };
    Choices(parts.filter_map(side).collect())
}

/// The contact after what happened.
fn lived(contact: &Contact, happened: &[Interaction]) -> Contact {
    let mut contact = contact.clone();
    happened.iter().for_each(|interaction| interaction.move_times(&mut contact));
    contact
}

/// What `current` would be if `is` had been where `was` was; `lived` is `is` after what happened since.
fn carry(current: &Contact, was: &Contact, is: &Contact, lived: &Contact) -> Contact {
    let mut contact = current.clone();
    for part in Part::of(was, is) {
        if !part.is_same(was, is) && part.is_same(current, was) {
            part.copy(lived, &mut contact);
        }
    }
    macro_rules! times {
        ($($field:ident)*) => {$(
            if was.$field != is.$field && current.$field == was.$field {
                contact.$field = lived.$field;
            }
        )*};
    }
    times! { conversation_opened_at last_message_at last_incoming_message_at last_interaction_at last_interacted_channel updated_at }
    contact.tags.retain(|tag| !was.tags.contains(tag) || is.tags.contains(tag));
    contact.channels = channels(current, was, is, lived);
    contact
}

fn channels(current: &Contact, was: &Contact, is: &Contact, lived: &Contact) -> Vec<ChannelLink> {
    if was.channels == is.channels {
        return current.channels.clone();
    }
    if current.channels == was.channels {
        return lived.channels.clone();
    }
    let find = |contact: &Contact, link: &ChannelLink| {
        contact.channels.iter().find(|other| other.channel == link.channel).cloned()
    };
    let carried = |link: &ChannelLink| {
        let (was, is, lived) = (find(was, link), find(is, link), find(lived, link));
        match (&was, &lived) {
            (Some(was), Some(lived)) if Some(was) != is.as_ref() => Some(carry_link(link, was, lived)),
            // Nothing but the merge had connected it.
            (Some(was), None) if was == link => None,
            _ => Some(link.clone()),
        }
    };
    let mut links: Vec<ChannelLink> = current.channels.iter().filter_map(carried).collect();
    // Those connected at once stand as they would without the merge, then what something else connected.
    let place = |link: &ChannelLink| lived.channels.iter().position(|other| other.channel == link.channel);
    links.sort_by_key(|link| (link.connected_at, place(link).unwrap_or(usize::MAX)));
    links
}

fn carry_link(link: &ChannelLink, was: &ChannelLink, lived: &ChannelLink) -> ChannelLink {
    let at = |now: Option<Millis>, was: Option<Millis>, lived: Option<Millis>| if now == was { lived } else { now };
    ChannelLink {
        channel: link.channel,
        address: if link.address == was.address { lived.address.clone() } else { link.address.clone() },
        connected_at: if link.connected_at == was.connected_at { lived.connected_at } else { link.connected_at },
        last_message_at: at(link.last_message_at, was.last_message_at, lived.last_message_at),
        last_incoming_at: at(link.last_incoming_at, was.last_incoming_at, lived.last_incoming_at),
    }
}

/// The contact without what the workspace no longer defines.
pub fn tidied(mut contact: Contact, catalog: &Catalog) -> Contact {
    contact.tags.retain(|tag| catalog.tags.contains_key(tag));
    contact.custom.retain(|(field, _)| catalog.fields.contains_key(field));
    contact.channels.retain(|link| catalog.channels.contains_key(&link.channel));
    contact.last_interacted_channel.take_if(|channel| !catalog.channels.contains_key(channel));
    contact.assignee.take_if(|user| !catalog.users.contains_key(user));
    contact.lifecycle.take_if(|stage| !catalog.stages.contains_key(stage));
    contact
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
