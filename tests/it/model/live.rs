//! The engine under test: does each action as a caller would, and what it answered in the model's words.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use rollcall::clock::Clock;
use rollcall::contact::identity::Identifier;
use rollcall::contact::*;
use rollcall::engine::{self, Actor, Engine, Error, Fate, ManyItem, NewField, NewWorkspace, Once, Recorded, Written};
use rollcall::store::{SledSettings, SledStore};
use serde_json::{Map, Value as Json};

use super::action::{Action, Fields, Refusal, Said, Step, Told, Who};
use super::world::{self, Done, Model};
use crate::support::{server, settings};

const CACHE: SledSettings = SledSettings { cache_bytes: 16 << 20, flush_every_ms: 200 };
/// 2026-03-01T09:30:00Z.
pub const START: i64 = 1_772_357_400_000;

/// An engine over a store on disk, with one workspace.
pub struct Live {
    /// `None` only while it is opened again.
    open: Option<Arc<Engine>>,
    pub actor: Actor,
    pub clock: Clock,
    folder: tempfile::TempDir,
    /// The last version that a write was answered with.
    pub version: Seq,
    /// By number.
    pub jobs: Vec<JobId>,
    /// The last one: how many, a hash of their ids, the first.
    pub receipt: Option<(u64, String, Vec<u32>)>,
}

/// What a step answered, with the contact it was answered with.
pub type Answer = Done<(Told, Option<Arc<Contact>>)>;

impl Live {
    /// A new workspace, and the model of it.
    pub fn new() -> (Live, Model) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Clock::fixed(START);
        let engine = open(folder.path(), &clock);
        let new = NewWorkspace {
            name: "World".into(),
            default_country: Some("MY".into()),
            timezone: "Asia/Kuala_Lumpur".into(),
            locale: "en".into(),
        };
        let ws = engine.create_workspace(new).expect("a workspace").id;
        let actor = Actor::operator(ws);
        let mut live =
            Live { open: Some(engine), actor, clock, folder, version: Seq(0), jobs: Vec::new(), receipt: None };
        let mut model = Model { now: START, ..Model::default() };
        model.ordinary_segments();
        live.furnish(&mut model);
        (live, model)
    }

    pub fn engine(&self) -> &Arc<Engine> {
        self.open.as_ref().expect("the engine is open")
    }

    pub fn ws(&self) -> WorkspaceId {
        self.actor.workspace
    }

    /// Users and channels, which nothing takes away again.
    fn furnish(&mut self, model: &mut Model) {
        for (first, last, role) in
            [("Olga", Some("Own"), Role::Owner), ("Max", None, Role::Manager), ("Aga", None, Role::Agent)]
        {
            let email = format!("{}@example.com", first.to_lowercase());
            let user = world::User { first_name: first.into(), last_name: last.map(Into::into), email };
            let user = self.engine().put_user(self.ws(), user_of(0, &user, role)).expect("a user").value;
            self.actor.user.get_or_insert_with(|| Arc::new(user.clone()));
            model.me = model.me.or(Some(user.id.0));
            let kept = world::User { first_name: user.first_name, last_name: user.last_name, email: user.email };
            model.users.insert(user.id.0, kept);
        }
        for (name, source) in [("Main", "whatsapp"), ("Sales", "whatsapp"), ("Post", "email")] {
            let channel = Channel { id: ChannelId(0), name: name.into(), source: source.into() };
            let id = self.engine().put_channel(self.ws(), channel).expect("a channel").value.id;
            model.channels.insert(id.0, world::Channel { name: name.into(), source: source.into() });
        }
    }

    /// Does the step once. The model is as it was before.
    pub fn step(&mut self, step: &Step, model: &Model) -> Answer {
        let actor = Actor { once: step.key.map(|key| once(key, &step.action)), ..self.actor.clone() };
        match &step.action {
            Action::Create(fields) => {
                let written = self.engine().create_contact(&actor, &members(fields));
                self.contact(written)
            }
            Action::Update(who, fields) => {
                let written = self.engine().update_contact(&actor, &named(who), &members(fields));
                self.contact(written)
            }
            Action::Delete(who) => {
                let written = self.engine().delete_contact(&actor, &named(who));
                let id = self.noted(written)?.0;
                Ok((Told::Deleted(id), None))
            }
            Action::AddTags(who, names) => {
                let written = self.engine().add_tags(&actor, &named(who), names);
                self.contact(written)
            }
            Action::RemoveTags(who, names) => {
                let written = self.engine().remove_tags(&actor, &named(who), names);
                self.contact(written)
            }
            Action::Record(who, said) => {
                let written = self.engine().record(&actor, &named(who), interaction(said, model.now));
                Ok(match self.noted(written)? {
                    Recorded::Stored { contact, .. } => (Told::Stored(contact.id.0), Some(contact)),
                    Recorded::DroppedBlocked => (Told::Dropped, None),
                })
            }
            Action::Many(who, action) => {
                let who: Vec<_> = who.iter().map(|who| Ok(named(who))).collect();
                let written = self.engine().act_on_many(&actor, &who, &members(action));
                let fate = |item: ManyItem| (item.id.map(|id| id.0), fate(&item.fate));
                Ok((Told::Items(self.noted(written)?.into_iter().map(fate).collect()), None))
            }
            Action::Merge(..) | Action::Unmerge(..) => self.merging(&actor, &step.action),
            Action::AddSegment(..) | Action::ChangeSegment(..) | Action::DropSegment(_) => {
                self.segment(&actor, &step.action)
            }
            Action::Prepare(..) | Action::Apply { .. } | Action::Undo { .. } | Action::Cancel(_) => {
                self.job(&actor, &step.action)
            }
            Action::Wait(millis) => {
                self.clock.set(self.clock.now() + millis);
                NOTHING
            }
            Action::Close | Action::Drop | Action::Kill => self.reopen(&step.action),
            Action::Checkpoint => self.upkeep(|engine, ws| engine.checkpoint(ws).map(drop)),
            Action::Rebuild => self.upkeep(|engine, ws| engine.rebuild(ws).map(drop)),
            definition => self.define(&actor, definition, model),
        }
    }

    /// The value of a write that was done, and its version noted.
    pub fn noted<T>(&mut self, written: Result<Written<T>, Error>) -> Done<T> {
        let written = written.map_err(refusal)?;
        if written.version < self.version {
            return Err(Refusal::Fault(format!("version {} after {}", written.version, self.version)));
        }
        self.version = written.version;
        Ok(written.value)
    }

    fn contact(&mut self, written: Result<Written<Arc<Contact>>, Error>) -> Answer {
        let contact = self.noted(written)?;
        Ok((Told::Contact(contact.id.0), Some(contact)))
    }

    fn upkeep(&self, work: impl FnOnce(&Engine, WorkspaceId) -> Result<(), Error>) -> Answer {
        work(self.engine(), self.ws()).map_err(refusal)?;
        NOTHING
    }

    pub(super) fn reopen(&mut self, how: &Action) -> Answer {
        let elsewhere = match how {
            Action::Kill => Some(server::copy(self.folder.path())),
            Action::Close => {
                self.engine().close().map_err(refusal)?;
                None
            }
            _ => None,
        };
        self.open = None;
        if let Some(folder) = elsewhere {
            self.folder = folder;
        }
        self.open = Some(open(self.folder.path(), &self.clock));
        NOTHING
    }

    fn define(&mut self, actor: &Actor, action: &Action, model: &Model) -> Answer {
        let catalog = self.engine().catalog(self.ws()).map_err(refusal)?;
        let (engine, ws) = (self.engine().clone(), self.ws());
        let tag = |name: &str| catalog.tag_named(name).map_or(TagId(NOBODY), |tag| tag.id);
        let stage = |name: &str| catalog.stage_named(name).map_or(StageId(NOBODY), |stage| stage.id);
        let field = |slug: &str| catalog.field_with_slug(slug).map_or(CustomFieldId(NOBODY), |field| field.id);
        match action {
            Action::AddField { .. } => self.noted(engine.create_field(actor, new_field(action))).map(drop)?,
            Action::ChangeField { slug, name, choice } => {
                let mut changed = catalog.fields.get(&field(slug)).cloned().unwrap_or_else(|| no_field(slug));
                changed.name = name.clone();
                changed.allowed_values.extend(choice.clone());
                self.noted(engine.put_field(actor, changed)).map(drop)?;
            }
            Action::DropField(slug) => drop(engine.delete_field(ws, field(slug)).map_err(refusal)?),
            Action::AddTag(name) => self.noted(engine.put_tag(actor, tag_of(TagId(0), name))).map(drop)?,
            Action::RenameTag(from, to) => self.noted(engine.put_tag(actor, tag_of(tag(from), to))).map(drop)?,
            Action::DropTag(name) => drop(engine.delete_tag(ws, tag(name)).map_err(refusal)?),
            Action::AddStage(name) => {
                let new = Stage { id: StageId(0), name: name.clone(), position: 0 };
                self.noted(engine.put_stage(actor, new)).map(drop)?;
            }
            Action::ChangeStage(from, to, position) => {
                let changed = Stage { id: stage(from), name: to.clone(), position: *position };
                self.noted(engine.put_stage(actor, changed)).map(drop)?;
            }
            Action::DropStage(name) => drop(engine.delete_stage(ws, stage(name)).map_err(refusal)?),
            Action::RenameUser(id, name) => {
                let nobody =
                    world::User { first_name: String::new(), last_name: None, email: "nobody@example.com".into() };
                let role = catalog.users.get(&UserId(*id)).map_or(Role::Agent, |user| user.role);
                let mut user = user_of(*id, model.users.get(id).unwrap_or(&nobody), role);
                user.first_name = name.clone();
                self.noted(engine.put_user(actor, user)).map(drop)?;
            }
            Action::RenameChannel(id, name) => {
                let source = model.channels.get(id).map_or("sms", |channel| &channel.source).to_owned();
                let channel = Channel { id: ChannelId(*id), name: name.clone(), source };
                self.noted(engine.put_channel(actor, channel)).map(drop)?;
            }
            other => unreachable!("{} defines nothing", other.kind()),
        }
        NOTHING
    }
}

const NOTHING: Answer = Ok((Told::Nothing, None));
/// An id that nothing has.
pub const NOBODY: u32 = 4_000_000;

fn open(folder: &Path, clock: &Clock) -> Arc<Engine> {
    let store = SledStore::open(&folder.join("store"), CACHE).expect("the store opens");
    let settings = engine::Settings {
        text_index_contacts_min: 8,
        text_flush_rows: 5,
        text_flush_rest_s: 0,
        checkpoint_changes: 20,
        checkpoint_contacts_min: 4,
        ..settings::small()
    };
    Engine::open(Arc::new(store), Some(&folder.join("index")), settings, clock.clone()).expect("the engine opens")
}

fn fate(fate: &Fate) -> &'static str {
    match fate {
        Fate::Changed => "changed",
        Fate::Unchanged => "unchanged",
        Fate::Deleted => "deleted",
        Fate::Refused { .. } | Fate::Unreadable => "refused",
    }
}

/// The engine's refusal in the model's words.
pub fn refusal(error: Error) -> Refusal {
    match error {
        Error::Invalid(_) => Refusal::Invalid,
        Error::NotFound { .. } => Refusal::NotFound,
        Error::Conflict { holder, .. } => Refusal::Conflict(holder.map(|id| id.0).into_iter().collect()),
        Error::KeyReused => Refusal::KeyReused,
        Error::State { code, .. } => Refusal::State(code.to_owned()),
        Error::Limit { .. } => Refusal::Limit,
        other => Refusal::Fault(other.to_string()),
    }
}

fn once(key: u64, action: &Action) -> Once {
    let mut hasher = DefaultHasher::new();
    format!("{action:?}").hash(&mut hasher);
    let mut request = [0; 16];
    request[..8].copy_from_slice(&hasher.finish().to_be_bytes());
    let mut name = [0; 16];
    name[..8].copy_from_slice(&key.to_be_bytes());
    Once { key: name, request }
}

pub fn members(fields: &Fields) -> Map<String, Json> {
    fields.iter().cloned().collect()
}

pub fn named(who: &Who) -> Identifier {
    let text = match who {
        Who::Id(id) => format!("id:{id}"),
        Who::Email(email) => format!("email:{email}"),
        Who::Phone(phone) => format!("phone:{phone}"),
    };
    Identifier::parse(&text, Some("MY")).expect("an identifier")
}

fn interaction(said: &Said, now: i64) -> Interaction {
    let kind = match said.kind {
        "incomingMessage" => InteractionKind::IncomingMessage,
        "outgoingMessage" => InteractionKind::OutgoingMessage,
        "comment" => InteractionKind::Comment,
        _ => InteractionKind::Event,
    };
    Interaction {
        kind,
        at: now - said.ago,
        channel: said.channel.map(ChannelId),
        author: said.author.map(UserId),
        text: said.text.clone(),
    }
}

/// The name of an interaction's kind.
pub fn kind_name(kind: InteractionKind) -> &'static str {
    match kind {
        InteractionKind::IncomingMessage => "incomingMessage",
        InteractionKind::OutgoingMessage => "outgoingMessage",
        InteractionKind::Comment => "comment",
        InteractionKind::Event => "event",
    }
}

fn user_of(id: u32, user: &world::User, role: Role) -> User {
    User {
        id: UserId(id),
        last_name: user.last_name.clone(),
        ..User::new(user.first_name.clone(), user.email.clone(), role)
    }
}

fn tag_of(id: TagId, name: &str) -> Tag {
    Tag { id, name: name.to_owned(), description: None, emoji: None, color: None }
}

fn data_type(kind: &str) -> DataType {
    match kind {
        "text" => DataType::Text,
        "list" => DataType::List,
        "checkbox" => DataType::Checkbox,
        "email" => DataType::Email,
        "url" => DataType::Url,
        "date" => DataType::Date,
        "time" => DataType::Time,
        _ => DataType::Number,
    }
}

fn new_field(action: &Action) -> NewField {
    let Action::AddField { name, slug, kind, choices } = action else { unreachable!("a field is added") };
    NewField {
        name: name.clone(),
        slug: slug.clone(),
        description: None,
        data_type: data_type(kind),
        allowed_values: choices.clone(),
        searchable: *kind == "text",
    }
}

fn no_field(slug: &str) -> CustomField {
    CustomField {
        id: CustomFieldId(NOBODY),
        slug: slug.to_owned(),
        name: String::new(),
        description: None,
        data_type: DataType::Text,
        allowed_values: Vec::new(),
        searchable: false,
    }
}
