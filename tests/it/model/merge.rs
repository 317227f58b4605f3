//! Merging two contacts and giving one back: rules, draw and the engine's step.

use rand::RngExt;
use rollcall::contact::{Alpha2, Catalog, ChannelLink, Contact, ContactId, Conversation, Field, render};
use rollcall::engine::Actor;
use serde_json::{Value as Json, json};

use super::action::{Action, Fields, Refusal, Told, Who};
use super::draw::Draw;
use super::live::{Answer, Live, members, named};
use super::person::{Entry, Link, Number, Person, Talk};
use super::world::{Done, Model};

/// A merge that can be undone, kept under the id of the contact that went.
#[derive(Clone, Debug, PartialEq)]
pub struct Merging {
    pub primary: u32,
    pub before: Person,
    pub secondary: Person,
    pub after: Person,
    /// What happened later has a higher one.
    pub serial: u64,
    /// An earlier merge into the same primary was undone: what the primary was before is no longer known to the model.
    pub blurred: bool,
}

/// Members of which one side's value stays.
const PARTS: &[&str] = &[
    "firstName",
    "lastName",
    "email",
    "phone",
    "countryCode",
    "language",
    "profilePic",
    "assignee",
    "lifecycle",
    "status",
    "createdAt",
];

/// Does something with each member that is of one side: `$do!(field)`.
macro_rules! sides {
    ($do:ident) => {
        $do!("firstName", first_name);
        $do!("lastName", last_name);
        $do!("email", email);
        $do!("phone", phone);
        $do!("countryCode", country);
        $do!("language", language);
        $do!("profilePic", picture);
        $do!("assignee", assignee);
        $do!("lifecycle", stage);
    };
}

impl Model {
    pub(super) fn merge(&mut self, primary: &Who, secondary: &Who, choices: &Fields) -> Done {
        let choices = self.choices(choices)?;
        let (p, s) = (self.found(primary)?, self.found(secondary)?);
        if p == s {
            let elsewhere = matches!(secondary, Who::Id(id) if *id != p);
            return Err(if elsewhere { Refusal::State("already_merged".into()) } else { Refusal::Invalid });
        }
        let (before, other) = (self.people[&p].clone(), self.people[&s].clone());
        if before.blocked || other.blocked {
            return Err(Refusal::State("contact_blocked".into()));
        }
        let after = united(&before, &other, &choices, self.now);
        self.people.remove(&s);
        self.people.insert(p, after.clone());
        let serial = self.next_serial();
        self.ghosts.extend([before.clone(), other.clone()]);
        let merging = Merging { primary: p, before, secondary: other, after, serial, blurred: false };
        self.merges.insert(s, merging);
        Ok(Told::Contact(p))
    }

    /// Whose value stays, by member: true for the secondary's.
    fn choices(&self, choices: &Fields) -> Done<Vec<(String, bool)>> {
        let one = |(name, side): &(String, Json)| {
            let slug = name.strip_prefix("customFields.").unwrap_or(name);
            let known = match self.field_named(slug) {
                Some(serial) => Some(format!("#{serial}")),
                None => PARTS.contains(&name.as_str()).then(|| name.clone()),
            };
            match (known, side.as_str()) {
                (Some(part), Some("primary")) => Ok((part, false)),
                (Some(part), Some("secondary")) => Ok((part, true)),
                _ => Err(Refusal::Invalid),
            }
        };
        choices.iter().map(one).collect()
    }

    pub(super) fn unmerge(&mut self, primary: &Who, secondary: u32) -> Done {
        let id = self.found(primary)?;
        if !self.people[&id].also_ids.contains(&secondary) {
            return Err(Refusal::NotFound);
        }
        let merging = self.merges.get(&secondary).cloned().ok_or(Refusal::NotFound)?;
        if merging.primary != id {
            return Err(Refusal::State("merged_further".into()));
        }
        self.merges.remove(&secondary);
        let now = self.people[&id].clone();
        let [was, is, back] = [&merging.after, &merging.before, &merging.secondary].map(|person| self.tidied(person));
        let mut rest = without(&now, &was, &is, merging.serial);
        rest.history = now.history.iter().filter(|entry| !back.history.contains(entry)).cloned().collect();
        self.found_by(&mut rest);
        let mut unsure = merging.blurred || self.merges.values().any(|other| other.primary == id && other.blurred);
        for later in self.merges.values_mut().filter(|other| other.primary == id && other.serial > merging.serial) {
            (later.blurred, unsure) = (true, true);
        }
        if unsure {
            self.unsure.insert(id);
        }
        self.people.insert(id, rest);
        self.people.insert(secondary, back);
        Ok(Told::Unmerged(id, secondary))
    }

    /// What the contact is still found by, from the merges into it that are left.
    fn found_by(&self, person: &mut Person) {
        person.also_ids.clear();
        person.also_emails.clear();
        person.also_phones.clear();
        let id = person.id;
        for merging in self.merges.values().filter(|merging| merging.primary == id) {
            take_in(person, &merging.before, &merging.secondary, &merging.after);
        }
    }

    /// Takes a contact's fields as the engine has them, if each is somebody's who was merged.
    ///
    /// # Errors
    /// What cannot be.
    pub fn adopt(&mut self, contact: &Contact, catalog: &Catalog) -> Result<(), String> {
        let mut person = self.people[&contact.id.0].clone();
        let others: Vec<&Person> = self.ghosts.iter().chain(self.people.values()).collect();
        let there = Person::of(contact, catalog, self);
        macro_rules! known {
            ($name:literal, $field:ident) => {
                if there.$field.is_some() && others.iter().all(|other| other.$field != there.$field) {
                    return Err(format!("contact {}: {} is nobody's", person.id, $name));
                }
            };
        }
        sides!(known);
        let tags = there.tags.iter().all(|tag| others.iter().any(|other| other.tags.contains(tag)));
        if there.also_ids != person.also_ids || !tags {
            return Err(format!("contact {}: its tags, or the ids that lead to it, are not the rest", person.id));
        }
        let history = std::mem::take(&mut person.history);
        self.people.insert(person.id, Person { history, ..there });
        Ok(())
    }

    /// As it was, without what the workspace no longer has.
    fn tidied(&self, person: &Person) -> Person {
        let mut person = person.clone();
        person.tags.retain(|tag| self.tags.contains_key(tag));
        person.custom.retain(|field, _| self.fields.contains_key(field));
        person.stage.take_if(|stage| !self.stages.contains_key(stage));
        person
    }

    /// The contact goes, and with it whoever was merged into it.
    pub(super) fn remove(&mut self, id: u32) {
        let Some(gone) = self.people.remove(&id) else { return };
        self.merges.retain(|secondary, _| !gone.also_ids.contains(secondary));
    }
}

/// The primary with what the secondary brings.
fn united(primary: &Person, other: &Person, choices: &[(String, bool)], now: i64) -> Person {
    let mut merged = primary.clone();
    let chosen = |name: &str| choices.iter().find(|(part, _)| part == name).map(|(_, secondary)| *secondary);
    macro_rules! side {
        ($name:literal, $field:ident) => {
            if chosen($name).unwrap_or(primary.$field.is_none()) {
                merged.$field = other.$field.clone();
            }
        };
    }
    sides!(side);
    if chosen("status") == Some(true) {
        (merged.talk, merged.snoozed_until) = (other.talk, other.snoozed_until);
    }
    if chosen("createdAt") == Some(true) {
        merged.created_at = other.created_at;
    }
    for serial in primary.custom.keys().chain(other.custom.keys()) {
        if chosen(&format!("#{serial}")).unwrap_or(!primary.custom.contains_key(serial)) {
            match other.custom.get(serial) {
                Some(value) => merged.custom.insert(*serial, value.clone()),
                None => merged.custom.remove(serial),
            };
        }
    }
    merged.tags.extend(&other.tags);
    let newer = other.last_message_at > primary.last_message_at;
    let (own, theirs) = (primary.last_channel, other.last_channel);
    merged.last_channel = if newer { theirs.or(own) } else { own.or(theirs) };
    merged.opened_at = primary.opened_at.max(other.opened_at);
    merged.last_message_at = primary.last_message_at.max(other.last_message_at);
    merged.last_incoming_at = primary.last_incoming_at.max(other.last_incoming_at);
    merged.last_interaction_at = primary.last_interaction_at.max(other.last_interaction_at);
    merged.updated_at = primary.updated_at.max(now);
    other.channels.iter().for_each(|link| connect(&mut merged.channels, link));
    merged.channels.sort_by_key(|link| link.connected_at);
    merged.history.extend(other.history.iter().cloned());
    let after = merged.clone();
    take_in(&mut merged, primary, other, &after);
    merged
}

fn connect(links: &mut Vec<Link>, link: &Link) {
    let Some(own) = links.iter_mut().find(|own| own.channel == link.channel) else { return links.push(link.clone()) };
    own.address = own.address.take().or_else(|| link.address.clone());
    own.connected_at = own.connected_at.min(link.connected_at);
    own.last_message_at = own.last_message_at.max(link.last_message_at);
    own.last_incoming_at = own.last_incoming_at.max(link.last_incoming_at);
}

/// What the secondary was found by, and what the primary gave up for it.
fn take_in(person: &mut Person, before: &Person, secondary: &Person, after: &Person) {
    let email = |of: &Person| of.email.as_ref().map(|email| email.to_lowercase());
    let phone = |of: &Person| of.phone.as_ref().map(|phone| phone.e164.clone());
    person.also_ids.insert(secondary.id);
    person.also_ids.extend(&secondary.also_ids);
    person.also_emails.extend(email(secondary));
    person.also_emails.extend(email(before).filter(|own| Some(own) != email(after).as_ref()));
    person.also_emails.extend(secondary.also_emails.iter().cloned());
    person.also_phones.extend(phone(secondary));
    person.also_phones.extend(phone(before).filter(|own| Some(own) != phone(after).as_ref()));
    person.also_phones.extend(secondary.also_phones.iter().cloned());
}

/// The primary without the merge that made `was` of `is`: what shows what the merge made of it shows what it would without.
fn without(now: &Person, was: &Person, is: &Person, serial: u64) -> Person {
    let mut lived = is.clone();
    let since = |entry: &&Entry| entry.serial > serial && !was.history.contains(entry);
    now.history.iter().filter(since).for_each(|entry| lived.happen(entry));
    let mut rest = now.clone();
    macro_rules! back {
        ($name:literal, $field:ident) => {
            if was.$field != is.$field && now.$field == was.$field {
                rest.$field = lived.$field.clone();
            }
        };
    }
    sides!(back);
    back!("createdAt", created_at);
    back!("updatedAt", updated_at);
    back!("conversationOpenedAt", opened_at);
    if (was.talk, was.snoozed_until) != (is.talk, is.snoozed_until)
        && (now.talk, now.snoozed_until) == (was.talk, was.snoozed_until)
    {
        (rest.talk, rest.snoozed_until) = (lived.talk, lived.snoozed_until);
    }
    for serial in was.custom.keys().chain(is.custom.keys()) {
        if was.custom.get(serial) != is.custom.get(serial) && now.custom.get(serial) == was.custom.get(serial) {
            match is.custom.get(serial) {
                Some(value) => rest.custom.insert(*serial, value.clone()),
                None => rest.custom.remove(serial),
            };
        }
    }
    rest.tags.retain(|tag| !was.tags.contains(tag) || is.tags.contains(tag));
    // Nothing but what happens moves these, so they are what happened makes of them.
    rest.channels = lived.channels;
    rest.last_channel = lived.last_channel;
    rest.last_message_at = lived.last_message_at;
    rest.last_incoming_at = lived.last_incoming_at;
    rest.last_interaction_at = lived.last_interaction_at;
    rest
}

impl Person {
    /// The contact's fields in the model's words, but for its history.
    fn of(contact: &Contact, catalog: &Catalog, model: &Model) -> Person {
        let phone = |phone: &rollcall::contact::Phone| Number { e164: phone.e164(), given: phone.given.clone() };
        let custom = |(id, _): &(rollcall::contact::CustomFieldId, _)| {
            let field = &catalog.fields[id];
            let shown = render::value(contact, catalog, Field::Custom(*id)).unwrap_or_default();
            (model.field_named(&field.slug).expect("a field of both"), shown)
        };
        let link = |link: &ChannelLink| Link {
            channel: link.channel.0,
            address: link.address.clone(),
            connected_at: link.connected_at,
            last_message_at: link.last_message_at,
            last_incoming_at: link.last_incoming_at,
        };
        let merged = contact.merged.as_deref().cloned().unwrap_or_default();
        Person {
            first_name: contact.first_name.clone(),
            last_name: contact.last_name.clone(),
            email: contact.email.clone(),
            phone: contact.phone.as_ref().map(phone),
            country: contact.country_code.map(Alpha2::text),
            language: contact.language.map(Alpha2::text),
            picture: contact.profile_pic.clone(),
            tags: contact.tags.iter().filter_map(|id| model.tag_named(&catalog.tags[id].name)).collect(),
            channels: contact.channels.iter().map(link).collect(),
            last_channel: contact.last_interacted_channel.map(|id| id.0),
            assignee: contact.assignee.map(|id| id.0),
            stage: contact.lifecycle.and_then(|id| model.stage_named(&catalog.stages[&id].name)),
            talk: match contact.conversation {
                Conversation::Open => Talk::Open,
                Conversation::Closed => Talk::Closed,
                Conversation::Snoozed => Talk::Snoozed,
            },
            blocked: contact.blocked,
            snoozed_until: contact.snoozed_until,
            opened_at: contact.conversation_opened_at,
            last_message_at: contact.last_message_at,
            last_incoming_at: contact.last_incoming_message_at,
            last_interaction_at: contact.last_interaction_at,
            updated_at: contact.updated_at,
            custom: contact.custom.iter().map(custom).collect(),
            also_ids: merged.ids.iter().map(|id| id.0).collect(),
            also_emails: merged.emails.into_iter().collect(),
            also_phones: merged.phones.iter().map(|digits| format!("+{digits}")).collect(),
            ..Person::new(contact.id.0, contact.created_at)
        }
    }
}

impl Live {
    pub(super) fn merging(&mut self, actor: &Actor, action: &Action) -> Answer {
        let engine = self.engine().clone();
        match action {
            Action::Merge(primary, secondary, choices) => {
                let merged = engine.merge(actor, &named(primary), &named(secondary), &members(choices));
                let contact = self.noted(merged)?;
                Ok((Told::Contact(contact.id.0), Some(contact)))
            }
            Action::Unmerge(primary, secondary) => {
                let unmerged = engine.unmerge(actor, &named(primary), ContactId(*secondary));
                let unmerged = self.noted(unmerged)?;
                Ok((Told::Unmerged(unmerged.primary.id.0, unmerged.secondary.id.0), None))
            }
            other => unreachable!("{} merges nothing", other.kind()),
        }
    }
}

impl Draw<'_> {
    pub(super) fn merge(&mut self) -> Action {
        let mut choices = Fields::new();
        for _ in 0..self.rng.random_range(0..4) {
            let custom: Vec<String> =
                self.model.fields.values().map(|field| format!("customFields.{}", field.slug)).collect();
            let name = match custom.is_empty() || self.rng.random_ratio(2, 3) {
                true => self.pick(PARTS).to_owned(),
                false => self.pick(&custom),
            };
            if choices.iter().all(|(other, _)| *other != name) {
                choices.push((name, json!(self.pick(&["primary", "secondary", "secondary"]))));
            }
        }
        if self.spoil && self.rng.random_ratio(1, 3) {
            choices = vec![self.pick(&[("tags".into(), json!("primary")), ("email".into(), json!("both"))])];
        }
        Action::Merge(self.who(), self.who(), choices)
    }

    pub(super) fn unmerge(&mut self) -> Action {
        let merges: Vec<(u32, u32)> =
            self.model.merges.iter().map(|(secondary, one)| (one.primary, *secondary)).collect();
        if merges.is_empty() || self.spoil && self.rng.random() {
            return Action::Unmerge(self.who(), self.rng.random_range(1..=self.model.last_id + 1));
        }
        let (primary, secondary) = self.pick(&merges);
        Action::Unmerge(Who::Id(if self.rng.random() { primary } else { secondary }), secondary)
    }
}
