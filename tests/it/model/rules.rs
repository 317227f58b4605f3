//! What each action does to the model, as the specification says it.

use serde_json::Value as Json;

use super::action::{Action, Fields, Refusal, Said, Told, Who};
use super::person::{Entry, Key, Link, Number, Person, Talk};
use super::values;
use super::world::{Done, Model};

impl Model {
    pub(super) fn act(&mut self, action: &Action) -> Done {
        match action {
            Action::Create(fields) => self.create(fields),
            Action::Update(who, fields) => {
                let id = self.found(who)?;
                self.change(id, |model, person| {
                    model.fill(person, fields)?;
                    fits(person, fields)
                })
            }
            Action::Delete(who) => {
                let id = self.found(who)?;
                self.remove(id);
                Ok(Told::Deleted(id))
            }
            Action::AddTags(who, names) => {
                let id = self.found(who)?;
                let tags = self.tags_of(names)?;
                self.change(id, |_, person| {
                    person.tags.extend(tags);
                    Ok(())
                })
            }
            Action::RemoveTags(who, names) => {
                let id = self.found(who)?;
                let gone: Vec<u64> = names.iter().filter_map(|name| self.tag_named(name)).collect();
                self.change(id, |_, person| {
                    person.tags.retain(|tag| !gone.contains(tag));
                    Ok(())
                })
            }
            Action::Record(who, said) => self.record(who, said),
            Action::Many(who, action) => self.many(who, action),
            Action::Merge(primary, secondary, choices) => self.merge(primary, secondary, choices),
            Action::Unmerge(primary, secondary) => self.unmerge(primary, *secondary),
            Action::AddSegment(..) | Action::ChangeSegment(..) | Action::DropSegment(_) => self.segment(action),
            Action::Prepare(filter, deed) => self.prepare(filter, deed),
            Action::Apply { job, count, .. } => self.apply_job(*job, *count),
            Action::Undo { job, .. } => self.undo_job(*job),
            Action::Cancel(job) => self.cancel_job(*job),
            Action::Wait(millis) => {
                self.now += millis;
                Ok(Told::Nothing)
            }
            Action::Close | Action::Drop | Action::Kill | Action::Checkpoint | Action::Rebuild => Ok(Told::Nothing),
            definition => self.define(definition),
        }
    }

    fn create(&mut self, fields: &Fields) -> Done {
        let mut person = Person::new(self.last_id + 1, self.now);
        self.fill(&mut person, fields)?;
        fits(&person, fields)?;
        if person.first_name.is_none() && person.email.is_none() && person.phone.is_none() {
            return Err(Refusal::Invalid);
        }
        if let (None, Some(phone)) = (&person.country, &person.phone) {
            person.country = values::phone(&phone.given).map(|(_, country)| country.to_owned());
        }
        self.refuse_taken(&person, None)?;
        self.last_id = person.id;
        let told = Told::Contact(person.id);
        self.people.insert(person.id, person);
        Ok(told)
    }

    /// Changes a contact by its own fields: nothing is written where nothing changes.
    pub(super) fn change(&mut self, id: u32, change: impl FnOnce(&mut Model, &mut Person) -> Done<()>) -> Done {
        let before = self.people[&id].clone();
        let mut person = before.clone();
        change(self, &mut person)?;
        self.refuse_taken(&person, Some(&before))?;
        if person != before {
            person.updated_at = person.updated_at.max(self.now);
            self.people.insert(id, person);
        }
        Ok(Told::Contact(id))
    }

    /// Nobody takes an e-mail or phone that another holds; what one has one keeps.
    pub(super) fn refuse_taken(&self, person: &Person, before: Option<&Person>) -> Done<()> {
        let held = before.map(Person::keys).unwrap_or_default();
        let mut others: Vec<u32> = Vec::new();
        for key in person.keys().difference(&held) {
            others.extend(self.holders(key).iter().filter(|id| **id != person.id));
        }
        if others.is_empty() { Ok(()) } else { Err(Refusal::Conflict(others)) }
    }

    /// The tags of these names, made where there are none.
    pub(super) fn tags_of(&mut self, names: &[String]) -> Done<Vec<u64>> {
        let mut serials = Vec::new();
        for name in names {
            let name = values::text(&Json::from(name.as_str()), 255)?.ok_or(Refusal::Invalid)?;
            serials.push(match self.tag_named(&name) {
                Some(serial) => serial,
                None => self.new_tag(name),
            });
        }
        Ok(serials)
    }

    /// Sets what is given; null and empty text clear.
    pub(super) fn fill(&mut self, person: &mut Person, fields: &Fields) -> Done<()> {
        // The end of a snooze refines the status, wherever it stands.
        let (last, first): (Vec<_>, Vec<_>) = fields.iter().partition(|(name, _)| name == "snoozedUntil");
        for (name, value) in first.into_iter().chain(last) {
            self.member(person, name, value)?;
        }
        Ok(())
    }

    fn member(&mut self, person: &mut Person, name: &str, value: &Json) -> Done<()> {
        match name {
            "firstName" => person.first_name = values::text(value, 255)?,
            "lastName" => person.last_name = values::text(value, 255)?,
            "email" => person.email = values::email(value)?,
            "phone" => {
                person.phone = match values::text(value, 5000)? {
                    None => None,
                    Some(given) => {
                        let (e164, _) = values::phone(&given).ok_or(Refusal::Invalid)?;
                        Some(Number { e164: e164.to_owned(), given })
                    }
                }
            }
            "countryCode" => person.country = values::code(value, values::COUNTRIES, true)?,
            "language" => person.language = values::code(value, values::LANGUAGES, false)?,
            "profilePic" => person.picture = values::url(value, &["https://"])?,
            "tags" => {
                let names = value.as_array().ok_or(Refusal::Invalid)?;
                let names: Vec<String> = names.iter().filter_map(Json::as_str).map(str::to_owned).collect();
                person.tags = self.tags_of(&names)?.into_iter().collect();
            }
            "assignee" => person.assignee = self.user(value)?,
            "lifecycle" => {
                person.stage = match values::text(value, 255)? {
                    None => None,
                    Some(name) => Some(self.stage_named(&name).ok_or(Refusal::Invalid)?),
                }
            }
            "status" => self.status(person, value)?,
            "snoozedUntil" => {
                person.snoozed_until = instant(value)?;
                if person.snoozed_until.is_some_and(|end| end <= self.now) {
                    return Err(Refusal::Invalid);
                }
            }
            "customFields" => {
                for (slug, value) in value.as_object().ok_or(Refusal::Invalid)? {
                    self.custom(person, slug, value)?;
                }
            }
            slug => self.custom(person, slug, value)?,
        }
        Ok(())
    }

    fn custom(&self, person: &mut Person, slug: &str, value: &Json) -> Done<()> {
        let serial = self.field_named(slug).ok_or(Refusal::Invalid)?;
        let field = &self.fields[&serial];
        match values::custom(value, field.kind, &field.choices)? {
            Some(value) => person.custom.insert(serial, value),
            None => person.custom.remove(&serial),
        };
        Ok(())
    }

    /// By id or e-mail.
    fn user(&self, value: &Json) -> Done<Option<u32>> {
        let found = match value {
            Json::Null => return Ok(None),
            Json::String(empty) if empty.is_empty() => return Ok(None),
            Json::Number(id) => id.as_u64().and_then(|id| u32::try_from(id).ok()),
            Json::String(email) => {
                let is = |user: &&super::world::User| user.email.eq_ignore_ascii_case(email);
                self.users.iter().find(|(_, user)| is(user)).map(|(id, _)| *id)
            }
            _ => None,
        };
        found.filter(|id| self.users.contains_key(id)).map(Some).ok_or(Refusal::Invalid)
    }

    /// `blocked` hides the conversation's own status; any other unblocks.
    fn status(&self, person: &mut Person, value: &Json) -> Done<()> {
        let Some(name) = values::text(value, 255)? else { return Ok(()) };
        person.blocked = name == "blocked";
        let talk = match name.as_str() {
            "open" => Talk::Open,
            "closed" => Talk::Closed,
            "snoozed" => Talk::Snoozed,
            "blocked" => return Ok(()),
            _ => return Err(Refusal::Invalid),
        };
        // Who is snoozed once more keeps the end.
        if talk != Talk::Snoozed || person.talk != Talk::Snoozed {
            person.snoozed_until = None;
        }
        if talk == Talk::Open && person.talk != Talk::Open && self.people.contains_key(&person.id) {
            person.opened_at = person.opened_at.max(Some(self.now));
        }
        person.talk = talk;
        Ok(())
    }

    fn record(&mut self, who: &Who, said: &Said) -> Done {
        let id = self.found(who)?;
        self.record_for(id, said)
    }

    pub(super) fn record_for(&mut self, id: u32, said: &Said) -> Done {
        let message = said.kind.ends_with("Message");
        let channel = said.channel.map_or(!message, |channel| self.channels.contains_key(&channel));
        if !channel || said.author.is_some_and(|author| !self.users.contains_key(&author)) {
            return Err(Refusal::Invalid);
        }
        let (at, serial) = (self.now - said.ago, self.next_serial());
        let Some(person) = self.people.get_mut(&id) else { return Err(Refusal::NotFound) };
        if person.blocked && said.kind == "incomingMessage" {
            return Ok(Told::Dropped);
        }
        let entry =
            Entry { serial, kind: said.kind, at, channel: said.channel, author: said.author, text: said.text.clone() };
        person.happen(&entry);
        person.history.push(entry);
        Ok(Told::Stored(id))
    }

    /// The key's holders, where it names anybody at all.
    pub fn first_holder(&self, key: &Key) -> Option<u32> {
        self.holders(key).first().copied()
    }
}

impl Person {
    /// What an interaction makes of its contact.
    pub(super) fn happen(&mut self, entry: &Entry) {
        later(&mut self.last_interaction_at, entry.at);
        if let Some(channel) = entry.channel.filter(|_| entry.kind.ends_with("Message")) {
            self.message(channel, entry.at, entry.kind == "incomingMessage");
        }
    }

    /// A message moves the times forward, never back, and opens the conversation if none is newer.
    fn message(&mut self, channel: u32, at: i64, incoming: bool) {
        let newest = later(&mut self.last_message_at, at);
        if incoming {
            later(&mut self.last_incoming_at, at);
        }
        if newest {
            self.last_channel = Some(channel);
        }
        if !self.channels.iter().any(|link| link.channel == channel) {
            let link = Link { channel, address: None, connected_at: at, last_message_at: None, last_incoming_at: None };
            self.channels.push(link);
            // A stable sort: who was connected at the same time was there first.
            self.channels.sort_by_key(|link| link.connected_at);
        }
        let link = self.channels.iter_mut().find(|link| link.channel == channel).expect("it was put there");
        later(&mut link.last_message_at, at);
        if incoming {
            later(&mut link.last_incoming_at, at);
        }
        if newest && self.talk != Talk::Open {
            self.talk = Talk::Open;
            self.snoozed_until = None;
            later(&mut self.opened_at, at);
        }
    }
}

/// Only a snooze has an end.
pub(super) fn fits(person: &Person, fields: &Fields) -> Done<()> {
    let ends = fields.iter().any(|(name, value)| name == "snoozedUntil" && !value.is_null());
    if ends && person.talk != Talk::Snoozed { Err(Refusal::Invalid) } else { Ok(()) }
}

/// Moves a time forward; whether none is newer.
fn later(time: &mut Option<i64>, at: i64) -> bool {
    let newest = time.is_none_or(|time| time <= at);
    if newest {
        *time = Some(at);
    }
    newest
}

/// Epoch milliseconds, or the RFC 3339 of them.
fn instant(value: &Json) -> Done<Option<i64>> {
    match value {
        Json::Null => Ok(None),
        Json::Number(at) => at.as_i64().map(Some).ok_or(Refusal::Invalid),
        Json::String(text) => {
            let at: jiff::Timestamp = text.parse().map_err(|_| Refusal::Invalid)?;
            Ok(Some(at.as_millisecond()))
        }
        _ => Err(Refusal::Invalid),
    }
}
