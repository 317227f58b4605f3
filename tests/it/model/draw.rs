//! Draws the next step: mostly something that can be done, sometimes something that must be refused.

use rand::RngExt;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value as Json, json};

use super::action::{Action, Fields, Said, Step, Who};
use super::live::NOBODY;
use super::values;
use super::world::Model;

/// More people than that are not made at random.
const PEOPLE: usize = 40;

/// What draws: the model as it is, and chance.
pub struct Draw<'a> {
    pub model: &'a Model,
    pub rng: &'a mut ChaCha8Rng,
    /// Something is to be wrong with it.
    pub spoil: bool,
}

/// How often each kind is drawn.
const WEIGHTS: &[(&str, u32)] = &[
    ("create", 14),
    ("update", 24),
    ("delete", 5),
    ("addTags", 7),
    ("removeTags", 6),
    ("record", 22),
    ("many", 10),
    ("merge", 8),
    ("unmerge", 6),
    ("addSegment", 3),
    ("changeSegment", 2),
    ("dropSegment", 1),
    ("prepare", 5),
    ("apply", 7),
    ("undo", 5),
    ("cancel", 1),
    ("addField", 3),
    ("changeField", 1),
    ("dropField", 1),
    ("addTag", 2),
    ("renameTag", 3),
    ("dropTag", 2),
    ("addStage", 2),
    ("changeStage", 1),
    ("dropStage", 1),
    ("renameUser", 1),
    ("renameChannel", 1),
    ("wait", 8),
    ("close", 1),
    ("drop", 1),
    ("kill", 1),
    ("checkpoint", 1),
    ("rebuild", 1),
];

/// A random kind.
pub fn kind(model: &Model, rng: &mut ChaCha8Rng) -> &'static str {
    if model.people.len() < 4 && rng.random_ratio(1, 2) {
        return "create";
    }
    let weighed = WEIGHTS.choose_weighted(rng, |row| row.1);
    match weighed.map_or("update", |row| row.0) {
        "create" if model.people.len() > PEOPLE => "delete",
        kind => kind,
    }
}

impl Draw<'_> {
    /// A step of that kind.
    pub fn step(&mut self, kind: &str) -> Step {
        // What was sent under a key is sent again, or something else under it.
        let used = self.model.keys.iter().filter(|_| self.rng.random_ratio(1, 40)).last();
        if let Some((key, used)) = used.filter(|(_, used)| self.spoil || used.action.kind() == kind) {
            if used.action.kind() == kind && !self.spoil {
                return Step { action: used.action.clone(), key: Some(*key), twice: false };
            }
            let action = self.action(kind);
            return Step { key: action.takes_key().then_some(*key), twice: false, action };
        }
        let action = self.action(kind);
        let key = (action.takes_key() && self.rng.random_ratio(1, 3)).then(|| self.rng.random());
        Step { action, key, twice: key.is_some() && self.rng.random_ratio(2, 3) }
    }

    fn action(&mut self, kind: &str) -> Action {
        match kind {
            "create" => Action::Create(self.fields(false)),
            "update" => {
                let since = if self.rng.random_ratio(1, 3) { self.change_since() } else { None };
                since.unwrap_or_else(|| Action::Update(self.who(), self.fields(true)))
            }
            "delete" => Action::Delete(self.who()),
            "addTags" => Action::AddTags(self.who(), self.tags()),
            "removeTags" => Action::RemoveTags(self.who(), self.tags()),
            "record" => Action::Record(self.who(), self.said()),
            "many" => self.many(),
            "merge" => self.merge(),
            "unmerge" => self.unmerge(),
            "addSegment" | "changeSegment" | "dropSegment" => self.segment(kind),
            "prepare" | "apply" | "undo" | "cancel" => self.job(kind),
            "wait" => Action::Wait(self.pick(&[1, 500, 60_000, 3_600_000, 20_000_000, 100_000_000])),
            "close" => Action::Close,
            "drop" => Action::Drop,
            "kill" => Action::Kill,
            "checkpoint" => Action::Checkpoint,
            "rebuild" => Action::Rebuild,
            definition => self.definition(definition),
        }
    }

    fn definition(&mut self, kind: &str) -> Action {
        match kind {
            "addField" => self.new_field(),
            "changeField" => {
                let choice = self.rng.random_ratio(1, 3).then(|| self.text(values::CHOICES));
                Action::ChangeField { slug: self.slug(), name: self.text(&["Name", "Other name", "Größe"]), choice }
            }
            "dropField" => Action::DropField(self.slug()),
            "addTag" => Action::AddTag(self.name(values::TAGS)),
            "renameTag" => Action::RenameTag(self.tag_to_rename(), self.new_tag_name()),
            "dropTag" => Action::DropTag(self.tag()),
            "addStage" => Action::AddStage(self.name(values::STAGES)),
            "changeStage" => Action::ChangeStage(self.stage(), self.name(values::STAGES), self.rng.random_range(0..5)),
            "dropStage" => Action::DropStage(self.stage()),
            "renameUser" => Action::RenameUser(self.user(), self.name(&["Olga", "Max", "Aga", "Zed"])),
            _ => Action::RenameChannel(self.channel(), self.name(&["Main", "Sales", "Shop", "Post"])),
        }
    }

    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of.choose(self.rng).expect("something to choose from").clone()
    }

    fn text(&mut self, of: &[&str]) -> String {
        self.pick(of).to_owned()
    }

    fn spoilt(&mut self) -> bool {
        self.spoil && self.rng.random_ratio(2, 3)
    }

    /// Somebody, by one of the three names.
    pub fn who(&mut self) -> Who {
        let nobody = self.spoilt() || self.rng.random_ratio(1, 40);
        let somebody = self.model.people.values().choose(self.rng).filter(|_| !nobody);
        let Some(person) = somebody else { return Who::Id(self.rng.random_range(1..=self.model.last_id + 2)) };
        match self.rng.random_range(0..8) {
            0 => Who::Email(self.text(values::EMAILS)),
            1 => Who::Phone(self.pick(values::PHONES).0.to_owned()),
            2 if !person.also_ids.is_empty() => Who::Id(*person.also_ids.iter().next().expect("one")),
            _ => Who::Id(person.id),
        }
    }

    /// Someone who writes or is given work.
    pub fn user(&mut self) -> u32 {
        if self.spoilt() { NOBODY } else { *self.model.users.keys().choose(self.rng).expect("users") }
    }

    fn channel(&mut self) -> u32 {
        if self.spoilt() { NOBODY } else { *self.model.channels.keys().choose(self.rng).expect("channels") }
    }

    fn name(&mut self, of: &[&str]) -> String {
        if self.spoilt() { self.pick(&[String::new(), "x".repeat(256)]) } else { self.text(of) }
    }

    /// Mostly a name that no tag has.
    fn new_tag_name(&mut self) -> String {
        let is_free = |name: &&&str| self.model.tag_named(name).is_none();
        let free: Vec<&str> = values::TAGS.iter().chain(&["Renamed", "Größer"]).filter(is_free).copied().collect();
        if free.is_empty() || self.rng.random_ratio(1, 4) { self.name(values::TAGS) } else { self.name(&free) }
    }

    pub fn tag(&mut self) -> String {
        let known = self.model.tags.values().choose(self.rng).map(|tag| tag.name.clone());
        known.filter(|_| !self.spoil).unwrap_or_else(|| self.text(values::TAGS))
    }

    /// A stage that is there, in whatever case.
    pub fn stage(&mut self) -> String {
        let known = self.model.stages.values().choose(self.rng).map(|stage| stage.name.to_uppercase());
        known.filter(|_| !self.spoil).unwrap_or_else(|| self.text(values::STAGES))
    }

    fn slug(&mut self) -> String {
        let known = self.model.fields.values().choose(self.rng).map(|field| field.slug.clone());
        known.filter(|_| !self.spoil).unwrap_or_else(|| self.pick(values::FIELDS).0.to_owned())
    }

    /// Names of tags, known or not.
    pub fn tags(&mut self) -> Vec<String> {
        let mut names: Vec<String> = (0..self.rng.random_range(1..4)).map(|_| self.text(values::TAGS)).collect();
        if self.spoilt() {
            names.push("x".repeat(256));
        }
        names
    }

    fn said(&mut self) -> Said {
        let kind = self.pick(&["incomingMessage", "incomingMessage", "outgoingMessage", "comment", "event"]);
        let message = kind.ends_with("Message");
        let channel = (message || self.rng.random_ratio(1, 6)).then(|| self.channel());
        let author = matches!(kind, "outgoingMessage" | "comment").then(|| self.user());
        let ago = self.pick(&[0, 0, 0, 1, 500, 60_000, 4_000_000, 90_000_000]);
        let text = self.rng.random_ratio(4, 5).then(|| self.text(values::TEXTS));
        Said { kind, ago, channel: channel.filter(|_| !(message && self.spoil && self.rng.random())), author, text }
    }

    fn new_field(&mut self) -> Action {
        let (slug, kind) = self.pick(values::FIELDS);
        let (name, mut choices) = (format!("The {slug}"), Vec::new());
        if kind == "list" {
            choices = values::CHOICES[..self.rng.random_range(1..=3)].iter().map(|text| (*text).to_owned()).collect();
        }
        let mut given = Some(slug.to_owned());
        if self.spoil {
            given = self.pick(&[Some("Email".into()), Some("no slug".into()), Some("version".into()), given]);
            choices.clear();
        }
        Action::AddField { name, slug: given, kind, choices }
    }

    /// Members of a contact; a change may clear.
    pub fn fields(&mut self, change: bool) -> Fields {
        let mut fields = Fields::new();
        let most = if change { 3 } else { 6 };
        for _ in 0..self.rng.random_range(1..=most) {
            let name = self.pick(MEMBERS);
            if fields.iter().all(|(other, _)| other != name) {
                let value = self.member(name);
                fields.push((name.to_owned(), value));
            }
        }
        if !change && !fields.iter().any(|(name, _)| name == "firstName") && self.rng.random_ratio(4, 5) {
            fields.push(("firstName".into(), json!(self.text(values::FIRST_NAMES))));
        }
        if self.spoil {
            let wrong = self.pick(WRONG);
            fields.retain(|(name, _)| name != wrong.0);
            fields.push((wrong.0.to_owned(), serde_json::from_str(wrong.1).expect("JSON")));
        }
        fields
    }

    /// A value for a member, sometimes none.
    pub fn member(&mut self, name: &str) -> Json {
        if self.rng.random_ratio(1, 8) && !matches!(name, "tags" | "customFields") {
            return self.pick(&[Json::Null, json!(if name == "snoozedUntil" { Json::Null } else { json!("") })]);
        }
        match name {
            "firstName" => json!(self.text(values::FIRST_NAMES)),
            "lastName" => json!(self.text(values::LAST_NAMES)),
            "email" => json!(self.text(values::EMAILS)),
            "phone" => json!(self.pick(values::PHONES).0),
            "countryCode" => json!(self.text(values::COUNTRIES)),
            "language" => json!(self.text(values::LANGUAGES)),
            "profilePic" => json!(self.text(values::PICTURES)),
            "tags" => json!(self.tags()),
            "assignee" => {
                let id = self.user();
                let email = self.model.users.get(&id).map(|user| user.email.to_uppercase());
                if self.rng.random() { json!(id) } else { json!(email) }
            }
            "lifecycle" if self.model.stages.is_empty() => Json::Null,
            "lifecycle" => json!(self.stage()),
            "status" => json!(self.pick(&["open", "closed", "snoozed", "snoozed", "blocked"])),
            "snoozedUntil" => json!(self.model.now + self.pick(&[-5_000, 400, 60_000, 3_000_000, 50_000_000])),
            _ => Json::Object(self.customs()),
        }
    }

    fn customs(&mut self) -> Map<String, Json> {
        let mut members = Map::new();
        for field in self.model.fields.values() {
            if self.rng.random_ratio(1, 3) {
                let value = self.custom(field.kind, &field.choices);
                members.insert(field.slug.clone(), value);
            }
        }
        members
    }

    fn custom(&mut self, kind: &str, choices: &[String]) -> Json {
        if self.rng.random_ratio(1, 6) {
            return self.pick(&[Json::Null, json!("")]);
        }
        match kind {
            "text" => json!(self.text(values::TEXTS)),
            "list" => json!(self.pick(choices).to_uppercase()),
            "checkbox" => self.pick(&[json!(true), json!(false), json!("yes"), json!("0"), json!("TRUE")]),
            "email" => json!(self.text(values::EMAILS)),
            "url" => json!(self.text(values::URLS)),
            "date" => json!(self.text(values::DATES)),
            "time" => json!(self.text(values::TIMES)),
            _ => match self.rng.random() {
                true => json!(self.text(values::NUMBERS)),
                false => serde_json::from_str(self.pick(values::NUMBERS)).expect("a number"),
            },
        }
    }
}

const MEMBERS: &[&str] = &[
    "firstName",
    "lastName",
    "email",
    "email",
    "phone",
    "phone",
    "countryCode",
    "language",
    "profilePic",
    "tags",
    "assignee",
    "lifecycle",
    "status",
    "status",
    "status",
    "snoozedUntil",
    "customFields",
    "customFields",
];

/// Members that nobody may set so.
const WRONG: &[(&str, &str)] = &[
    ("email", "\"nobody\""),
    ("email", "\"a@b@example.com\""),
    ("phone", "\"12\""),
    ("phone", "\"call me\""),
    ("countryCode", "\"ZZ\""),
    ("language", "\"malay\""),
    ("profilePic", "\"http://example.com/a.png\""),
    ("assignee", "4000000"),
    ("assignee", "\"nobody@example.com\""),
    ("lifecycle", "\"no such stage\""),
    ("status", "\"asleep\""),
    ("firstName", "7"),
    ("tags", "true"),
    ("lastMessageAt", "1772357400000"),
    ("createdAt", "1772357400000"),
    ("id", "3"),
    ("noSuchField", "\"x\""),
    ("customFields", "{\"no_such_field\": 1}"),
];
