//! What each change of the workspace's definitions does to the model and to every contact in it.

use super::action::{Action, Refusal, Told};
use super::person::Person;
use super::values;
use super::world::{Done, Field, Model, Stage, Tag};

/// Names no custom field may take.
const STANDARD: &[&str] = &[
    "id",
    "firstname",
    "lastname",
    "name",
    "email",
    "phone",
    "country",
    "countrycode",
    "language",
    "tags",
    "contacttag",
    "channel",
    "channels",
    "source",
    "lastinteractedchannel",
    "assignee",
    "assigneeuserid",
    "lifecycle",
    "status",
    "conversationopenedat",
    "lastmessageat",
    "lastincomingmessageat",
    "lastinteractionat",
    "createdat",
    "updatedat",
    "timesincelastmessage",
    "timesincelastincomingmessage",
    "timesincelastinteraction",
    "segment",
    "profilepic",
    "phonegiven",
    "conversationstatus",
    "snoozeduntil",
    "customfields",
    "custom_fields",
    "version",
    "displayname",
];

impl Model {
    pub(super) fn define(&mut self, action: &Action) -> Done {
        match action {
            Action::AddField { name, slug, kind, choices } => self.add_field(name, slug.as_deref(), kind, choices)?,
            Action::ChangeField { slug, name, choice } => self.change_field(slug, name, choice.as_deref())?,
            Action::DropField(slug) => {
                let serial = self.field_named(slug).ok_or(Refusal::NotFound)?;
                self.fields.remove(&serial);
                self.clean(|person| drop(person.custom.remove(&serial)));
            }
            Action::AddTag(name) => {
                let name = short(name, 255)?;
                free(self.tag_named(&name), None)?;
                self.new_tag(name);
            }
            Action::RenameTag(from, to) => {
                let (to, tag) = (short(to, 255)?, self.tag_named(from));
                free(self.tag_named(&to), tag)?;
                let tag = tag.ok_or(Refusal::NotFound)?;
                self.follow("tags", from, &to);
                self.tags.insert(tag, Tag { name: to });
            }
            Action::DropTag(name) => {
                let serial = self.tag_named(name).ok_or(Refusal::NotFound)?;
                self.tags.remove(&serial);
                self.clean(|person| {
                    person.tags.remove(&serial);
                });
            }
            Action::AddStage(name) => self.add_stage(name)?,
            Action::ChangeStage(from, to, position) => self.change_stage(from, to, *position)?,
            Action::DropStage(name) => {
                let serial = self.stage_named(name).ok_or(Refusal::NotFound)?;
                self.stages.remove(&serial);
                self.clean(|person| {
                    person.stage.take_if(|stage| *stage == serial);
                });
            }
            Action::RenameUser(id, name) => {
                let name = short(name, 255)?;
                self.users.get_mut(id).ok_or(Refusal::NotFound)?.first_name = name;
            }
            Action::RenameChannel(id, name) => {
                let name = short(name, 255)?;
                self.channels.get_mut(id).ok_or(Refusal::NotFound)?.name = name;
            }
            other => unreachable!("{} defines nothing", other.kind()),
        }
        Ok(Told::Nothing)
    }

    fn add_stage(&mut self, name: &str) -> Done<()> {
        let name = short(name, 255)?;
        free(self.stage_named(&name), None)?;
        let position = self.stages.values().map(|stage| stage.position).max().unwrap_or(0) + 1;
        let serial = self.next_serial();
        self.stages.insert(serial, Stage { name, position });
        Ok(())
    }

    fn change_stage(&mut self, from: &str, to: &str, position: u32) -> Done<()> {
        let (to, stage) = (short(to, 255)?, self.stage_named(from));
        free(self.stage_named(&to), stage)?;
        let stage = stage.ok_or(Refusal::NotFound)?;
        self.follow("lifecycle", from, &to);
        self.stages.insert(stage, Stage { name: to, position });
        Ok(())
    }

    pub(super) fn new_tag(&mut self, name: String) -> u64 {
        let serial = self.next_serial();
        self.tags.insert(serial, Tag { name });
        serial
    }

    fn add_field(&mut self, name: &str, slug: Option<&str>, kind: &'static str, choices: &[String]) -> Done<()> {
        let name = short(name, 50)?;
        let slug = slug.map_or_else(|| name.to_lowercase().replace(' ', "_"), str::to_owned);
        if !slug.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') || slug.is_empty() || slug.len() > 50 {
            return Err(Refusal::Invalid);
        }
        if STANDARD.contains(&slug.to_lowercase().as_str()) || self.field_named(&slug).is_some() {
            return Err(Refusal::Conflict(Vec::new()));
        }
        if (kind == "list") == choices.is_empty() {
            return Err(Refusal::Invalid);
        }
        let serial = self.next_serial();
        self.fields.insert(serial, Field { slug, name, kind, choices: choices.to_vec() });
        Ok(())
    }

    fn change_field(&mut self, slug: &str, name: &str, choice: Option<&str>) -> Done<()> {
        let serial = self.field_named(slug).ok_or(Refusal::NotFound)?;
        let field = &self.fields[&serial];
        let twice = |choice: &str| field.choices.iter().any(|other| values::fold(other) == values::fold(choice));
        if choice.is_some_and(|choice| field.kind != "list" || twice(choice)) {
            return Err(Refusal::Invalid);
        }
        let mut field = field.clone();
        field.name = short(name, 50)?;
        field.choices.extend(choice.map(str::to_owned));
        self.fields.insert(serial, field);
        Ok(())
    }

    /// Takes from every contact what is no more; it is a change of those that had it.
    fn clean(&mut self, clean: impl Fn(&mut Person)) {
        let now = self.now;
        for person in self.people.values_mut() {
            let before = person.clone();
            clean(person);
            if *person != before {
                person.updated_at = person.updated_at.max(now);
            }
        }
    }
}

/// A name, trimmed; never empty, never too long.
fn short(name: &str, chars_max: usize) -> Done<String> {
    let name = name.trim();
    let good = !name.is_empty() && name.chars().count() <= chars_max && !name.chars().any(char::is_control);
    if good { Ok(name.to_owned()) } else { Err(Refusal::Invalid) }
}

/// A name that nothing but `own` has.
fn free(holder: Option<u64>, own: Option<u64>) -> Done<()> {
    if holder.is_some() && holder != own { Err(Refusal::Conflict(Vec::new())) } else { Ok(()) }
}
