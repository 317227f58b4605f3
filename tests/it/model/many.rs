//! One action on several contacts, named or found: its rules and its draw.

use std::collections::BTreeMap;

use rand::RngExt;
use serde_json::{Value as Json, json};

use super::action::{Action, Fields, Refusal, Said, Told, Who};
use super::draw::Draw;
use super::person::Person;
use super::rules::fits;
use super::values;
use super::world::{Done, Model};

/// Contacts named in one call.
pub const NAMED_MAX: usize = 100;

/// An action that was read: nothing in it can fail any more but on a contact.
pub enum Deed {
    Delete,
    AddTags(Vec<u64>),
    RemoveTags(Vec<u64>),
    Set(Fields),
    /// The conversation's own status: a block stays.
    Talk(Fields),
    Unblock,
    Comment(String),
}

impl Model {
    pub(super) fn many(&mut self, who: &[Who], action: &Fields) -> Done {
        let before = self.clone();
        let deed = self.deed(action, true)?;
        let found: Vec<Option<u32>> = who.iter().map(|who| self.found(who).ok()).collect();
        let mut done: BTreeMap<u32, &'static str> = BTreeMap::new();
        for id in found.iter().flatten() {
            if !done.contains_key(id) {
                let fate = self.do_one(&deed, *id);
                done.insert(*id, fate);
            }
        }
        if !done.values().any(|fate| matches!(*fate, "changed" | "deleted")) {
            // Not even a tag stays of what was done to nobody.
            *self = before;
        }
        let item = |found: Option<u32>| found.map_or((None, "refused"), |id| (Some(id), done[&id]));
        Ok(Told::Items(found.into_iter().map(item).collect()))
    }

    /// Does it to one contact: `changed`, `unchanged`, `deleted`, or `refused` and nothing done.
    pub fn do_one(&mut self, deed: &Deed, id: u32) -> &'static str {
        if let Deed::Delete = deed {
            self.remove(id);
            return "deleted";
        }
        if let Deed::Comment(text) = deed {
            let said = Said { kind: "comment", ago: 0, channel: None, author: self.me, text: Some(text.clone()) };
            return if self.record_for(id, &said).is_ok() { "changed" } else { "refused" };
        }
        let (before, kept) = (self.people[&id].clone(), self.clone());
        match self.change(id, |model, person| model.apply(deed, person)) {
            Ok(_) if self.people[&id] == before => "unchanged",
            Ok(_) => "changed",
            Err(_) => {
                *self = kept;
                "refused"
            }
        }
    }

    fn apply(&mut self, deed: &Deed, person: &mut Person) -> Done<()> {
        match deed {
            Deed::AddTags(tags) => person.tags.extend(tags),
            Deed::RemoveTags(tags) => person.tags.retain(|tag| !tags.contains(tag)),
            Deed::Set(fields) => {
                self.fill(person, fields)?;
                fits(person, fields)?;
            }
            Deed::Talk(fields) => {
                let blocked = person.blocked;
                self.fill(person, fields)?;
                person.blocked = blocked;
            }
            Deed::Unblock => person.blocked = false,
            Deed::Delete | Deed::Comment(_) => {}
        }
        Ok(())
    }

    /// Reads the action; unknown tags that it adds are made.
    pub fn deed(&mut self, action: &Fields, comments: bool) -> Done<Deed> {
        let member = |name: &str| action.iter().find(|(other, _)| other == name).map(|(_, value)| value);
        let given = |name: &str| member(name).cloned().ok_or(Refusal::Invalid);
        let text = |name: &str| given(name)?.as_str().map(str::to_owned).ok_or(Refusal::Invalid);
        let names = || {
            let names: Vec<String> =
                given("tags")?.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect();
            if names.is_empty() { Err(Refusal::Invalid) } else { Ok(names) }
        };
        let one = |name: &str, value: Json| vec![(name.to_owned(), value)];
        let name = text("action")?;
        let takes: &[&str] = match name.as_str() {
            "addTags" | "removeTags" => &["tags"],
            "assign" => &["assignee"],
            "setLifecycle" => &["lifecycle"],
            "setField" => &["field", "value"],
            "setStatus" => &["status", "until"],
            "comment" => &["text"],
            _ => &[],
        };
        if action.iter().any(|(member, _)| member != "action" && !takes.contains(&member.as_str())) {
            return Err(Refusal::Invalid);
        }
        let deed = match name.as_str() {
            "delete" => Deed::Delete,
            "block" => Deed::Set(one("status", json!("blocked"))),
            "unblock" => Deed::Unblock,
            "addTags" => Deed::AddTags(self.tags_of(&names()?)?),
            "removeTags" => Deed::RemoveTags(names()?.iter().filter_map(|name| self.tag_named(name)).collect()),
            "assign" => {
                let assignee = given("assignee")?;
                let me = assignee == "me";
                Deed::Set(one("assignee", if me { json!(self.me) } else { assignee }))
            }
            "setLifecycle" => Deed::Set(one("lifecycle", given("lifecycle")?)),
            "setField" => Deed::Set(one(&text("field")?, given("value")?)),
            "setStatus" => {
                let (status, until) = (text("status")?, member("until").cloned().unwrap_or(Json::Null));
                if status == "blocked" || status != "snoozed" && !until.is_null() {
                    return Err(Refusal::Invalid);
                }
                let end = (status == "snoozed").then(|| ("snoozedUntil".to_owned(), until));
                Deed::Talk(one("status", json!(status)).into_iter().chain(end).collect())
            }
            "comment" if comments => Deed::Comment(text("text")?),
            _ => return Err(Refusal::Invalid),
        };
        if let Deed::Set(fields) | Deed::Talk(fields) = &deed {
            // What no contact could be given is refused for all.
            self.fill(&mut Person::new(0, self.now), fields)?;
        }
        Ok(deed)
    }
}

impl Draw<'_> {
    pub(super) fn many(&mut self) -> Action {
        let mut who: Vec<Who> = (0..self.rng.random_range(1..6)).map(|_| self.who()).collect();
        if self.spoil && self.rng.random_ratio(1, 4) {
            who = vec![Who::Id(1); NAMED_MAX + 1];
        }
        Action::Many(who, self.deed(true))
    }

    /// An action as JSON has it.
    pub fn deed(&mut self, named: bool) -> Fields {
        let kinds = ["addTags", "removeTags", "assign", "setStatus", "setLifecycle", "setField", "block", "unblock"];
        let mut kind = self.pick(&kinds);
        if self.rng.random_ratio(1, 10) {
            kind = if named { self.pick(&["delete", "comment"]) } else { "delete" };
        }
        let mut action: Fields = vec![("action".into(), json!(kind))];
        let mut member = |name: &str, value: Json| action.push((name.to_owned(), value));
        match kind {
            "addTags" | "removeTags" => member("tags", json!(self.tags())),
            "assign" => {
                let user = self.user();
                member("assignee", self.pick(&[json!(user), json!("me"), Json::Null]));
            }
            "setStatus" => {
                let status = self.pick(&["open", "closed", "snoozed", "snoozed"]);
                member("status", json!(status));
                if status == "snoozed" && self.rng.random() {
                    member("until", json!(self.model.now + self.pick(&[1_000, 60_000, 3_000_000])));
                }
            }
            "setLifecycle" => member("lifecycle", self.member("lifecycle")),
            "setField" => {
                let field =
                    self.pick(&["firstName", "lastName", "email", "language", "profilePic", "tags", "countryCode"]);
                let value = self.member(field);
                member("field", json!(field));
                member("value", value);
            }
            "comment" => member("text", json!(self.pick(values::TEXTS))),
            _ => {}
        }
        if self.spoil {
            let wrong = self.pick(&[
                ("action", json!("explode")),
                ("until", json!(5)),
                ("tags", json!([])),
                ("status", json!("blocked")),
            ]);
            action.retain(|(name, _)| name != wrong.0);
            action.push((wrong.0.to_owned(), wrong.1));
        }
        action
    }
}
