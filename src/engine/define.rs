//! What a workspace defines: workspaces themselves, custom fields, tags, channels, users, lifecycle stages.

use std::sync::Arc;

use rand::Rng;

use super::txn::Txn;
use super::workspace::State;
use super::{Actor, Engine, Error, NewField, NewWorkspace, Result, Written, segments};
use crate::contact::*;
use crate::index::RowSet;
use crate::store::{Change, Head, Subject, Writes};

/// Contacts cleaned of a removed item in one batch.
const CONTACTS_PER_BATCH: usize = 1000;
/// The longest name of anything a workspace defines, in characters.
pub(super) const NAME_CHARS_MAX: usize = 255;
const FIELD_NAME_CHARS_MAX: usize = 50;

impl Engine {
    /// Makes a workspace, with the ordinary segments.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unknown country, time zone or locale; [`Error::Conflict`] for a taken name.
    pub fn create_workspace(&self, new: NewWorkspace) -> Result<Workspace> {
        let name = named(&new.name, "name", NAME_CHARS_MAX)?;
        let default_country = new.default_country.as_deref().map(country).transpose()?;
        time::zone(&new.timezone).map_err(|why| Mistake::new("timezone", "invalid_timezone", why))?;
        locale(&new.locale)?;
        let shared = self.shared.clone();
        self.committer.alone(move || {
            if shared.directory.read().has_name(&name) {
                return Err(Error::Conflict {
                    message: format!("there is already a workspace '{name}'"),
                    holder: None,
                });
            }
            let workspace = Workspace {
                id: shared.directory.read().next(),
                name,
                default_country,
                timezone: new.timezone,
                locale: new.locale,
                created_at: shared.clock.now(),
                incarnation: rand::rng().next_u64(),
            };
            let mut writes = Writes::default();
            writes.put_workspace(&workspace);
            writes.put_head(workspace.id, &Head { seq: Seq(1), ..Head::default() });
            segments::ordinary().for_each(|segment| writes.put_segment(workspace.id, &segment));
            writes.put_changes(workspace.id, &[Change { seq: Seq(1), subject: Subject::Workspace }]);
            shared.records.commit(writes)?;
            shared.directory.write().put(workspace.clone());
            Ok(workspace)
        })?
    }

    /// Every workspace, by id.
    ///
    /// # Errors
    /// None today; a store shared with others may fail.
    pub fn workspaces(&self) -> Result<Vec<Workspace>> {
        Ok(self.shared.directory.read().all())
    }

    /// What the workspace defines now.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn catalog(&self, ws: WorkspaceId) -> Result<Arc<Catalog>> {
        Ok(self.shared.awake(ws)?.catalog())
    }

    /// What the workspace defines, with the version it reflects; a `min_version` is waited for.
    ///
    /// # Errors
    /// [`Error::NotYet`].
    pub fn definitions(&self, ws: WorkspaceId, min_version: Option<Seq>) -> Result<Written<Arc<Catalog>>> {
        let workspace = self.reached(ws, min_version)?;
        let state = workspace.state.read();
        Ok(Written { value: state.catalog.clone(), version: state.head.seq })
    }

    /// Makes a custom field, usable at once on existing contacts too.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Conflict`] for a taken or standard slug, [`Error::Limit`].
    pub fn create_field(&self, actor: impl Into<Actor>, new: NewField) -> Result<Written<CustomField>> {
        self.committer.write_as(&actor.into(), move |txn| make_field(txn, new))
    }

    /// Changes a field's name, description, searchability, or appends choices; slug and type are fixed.
    ///
    /// # Errors
    /// As [`Engine::create_field`], and [`Error::NotFound`].
    pub fn put_field(&self, actor: impl Into<Actor>, field: CustomField) -> Result<Written<CustomField>> {
        self.committer.write_as(&actor.into(), move |txn| {
            let missing = || Error::NotFound { what: "custom field", name: field.id.to_string() };
            let before = txn.catalog().fields.get(&field.id).cloned().ok_or_else(missing)?;
            let fixed =
                |path, what| Error::from(Mistake::new(path, "fixed_once_made", format!("{what} is fixed once made")));
            if field.slug != before.slug {
                return Err(fixed("slug", "a field's slug"));
            }
            if field.data_type != before.data_type {
                return Err(fixed("dataType", "a field's type"));
            }
            let allowed_values = choices(txn, field.data_type, field.allowed_values)?;
            if !allowed_values.starts_with(&before.allowed_values) {
                return Err(fixed("allowedValues", "the order of a field's choices (new ones are appended)"));
            }
            let name = named(&field.name, "name", FIELD_NAME_CHARS_MAX)?;
            let searchable = searchable(field.data_type, field.searchable)?;
            put_field(
                txn,
                CustomField { name, description: described(field.description)?, searchable, allowed_values, ..before },
            )
        })
    }

    /// Removes the field and its values from every contact.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn delete_field(&self, ws: WorkspaceId, id: CustomFieldId) -> Result<Seq> {
        self.remove(
            ws,
            ("custom field", id.0, Subject::Field(id)),
            move |state| state.index.present(Field::Custom(id)),
            move |contact| contact.set_custom(id, None),
            move |catalog| catalog.remove_field(id).is_some(),
        )
    }

    /// Creates a tag (`id` 0) or changes one.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Conflict`] for a taken name, [`Error::NotFound`], [`Error::Limit`].
    pub fn put_tag(&self, actor: impl Into<Actor>, tag: Tag) -> Result<Written<Tag>> {
        self.committer.write_as(&actor.into(), move |txn| {
            let name = draft::tag_name(&tag.name, "name")?;
            let holder = txn.catalog().tag_named(&name).map(|other| other.id.0);
            let max = txn.settings.tags_max;
            let id = TagId(item_id(txn, "tag", tag.id.0, holder, &name, max, |catalog| ids(&catalog.tags, |id| id.0))?);
            let tag = Tag {
                id,
                name,
                description: described(tag.description)?,
                emoji: short(tag.emoji, "emoji")?,
                color: short(tag.color, "color")?,
            };
            let before = txn.catalog().tags.get(&id).map(|tag| tag.name.clone());
            segments::follow_rename(txn, Field::Tags, before, &tag.name);
            txn.define(Subject::Tag(id), |catalog| catalog.put_tag(tag.clone()));
            Ok(tag)
        })
    }

    /// Removes the tag, from every contact too.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn delete_tag(&self, ws: WorkspaceId, id: TagId) -> Result<Seq> {
        self.remove(
            ws,
            ("tag", id.0, Subject::Tag(id)),
            move |state| state.index.set_facet(Field::Tags).map(|facet| facet.rows(id.0).clone()).unwrap_or_default(),
            move |contact| contact.tags.retain(|tag| *tag != id),
            move |catalog| catalog.remove_tag(id).is_some(),
        )
    }

    /// Creates a channel (`id` 0) or changes one.
    ///
    /// # Errors
    /// As [`Engine::put_tag`].
    pub fn put_channel(&self, actor: impl Into<Actor>, channel: Channel) -> Result<Written<Channel>> {
        self.committer.write_as(&actor.into(), move |txn| {
            let name = named(&channel.name, "name", NAME_CHARS_MAX)?;
            let source = named(&channel.source, "source", NAME_CHARS_MAX)?.to_lowercase();
            let max = txn.settings.channels_max;
            let all = |catalog: &Catalog| ids(&catalog.channels, |id| id.0);
            let id = ChannelId(item_id(txn, "channel", channel.id.0, None, &name, max, all)?);
            if txn.catalog().channels.get(&id).is_some_and(|before| before.source != source) {
                return Err(Mistake::new("source", "fixed_once_made", "a channel's source is fixed once made").into());
            }
            let channel = Channel { id, name, source };
            txn.define(Subject::Channel(id), |catalog| catalog.put_channel(channel.clone()));
            Ok(channel)
        })
    }

    /// Creates a user (`id` 0) or changes one.
    ///
    /// # Errors
    /// As [`Engine::put_tag`].
    pub fn put_user(&self, actor: impl Into<Actor>, user: User) -> Result<Written<User>> {
        self.committer.write_as(&actor.into(), move |txn| {
            let first_name = named(&user.first_name, "firstName", NAME_CHARS_MAX)?;
            let last_name =
                user.last_name.as_deref().map(|name| named(name, "lastName", NAME_CHARS_MAX)).transpose()?;
            let email = draft::email(&user.email).map_err(|why| Mistake::new("email", "invalid_email", why))?;
            let holder = txn.catalog().user_with_email(&email).map(|other| other.id.0);
            let max = txn.settings.users_max;
            let all = |catalog: &Catalog| ids(&catalog.users, |id| id.0);
            let id = UserId(item_id(txn, "user", user.id.0, holder, &email, max, all)?);
            let team = short(user.team, "team")?;
            let user = User { id, first_name, last_name, email, team, ..user };
            let before = txn.catalog().users.get(&id).map(|user| user.email.clone());
            segments::follow_rename(txn, Field::Assignee, before, &user.email);
            txn.define(Subject::User(id), |catalog| catalog.put_user(user.clone()));
            Ok(user)
        })
    }

    /// Sets the columns that the actor's table of contacts shows, by name and in order.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every mistake, [`Error::Forbidden`] where nobody in particular acts.
    pub fn put_columns(&self, actor: &Actor, names: &[String]) -> Result<Written<User>> {
        let (user, names) = (actor.user_id(), names.to_vec());
        self.committer.write_as(actor, move |txn| {
            let of = |id| txn.catalog().users.get(&id).cloned();
            let user = user.and_then(of).ok_or_else(|| Error::Forbidden("columns are kept for each user".into()))?;
            let columns = Some(column::read(&names, txn.catalog())?);
            if user.columns == columns {
                return Ok(user);
            }
            let user = User { columns, ..user };
            txn.define(Subject::User(user.id), |catalog| catalog.put_user(user.clone()));
            Ok(user)
        })
    }

    /// Creates a lifecycle stage (`id` 0, placed last where `position` is 0) or changes one.
    ///
    /// # Errors
    /// As [`Engine::put_tag`].
    pub fn put_stage(&self, actor: impl Into<Actor>, stage: Stage) -> Result<Written<Stage>> {
        self.committer.write_as(&actor.into(), move |txn| {
            let name = named(&stage.name, "name", NAME_CHARS_MAX)?;
            let holder = txn.catalog().stage_named(&name).map(|other| other.id.0);
            let max = txn.settings.stages_max;
            let all = |catalog: &Catalog| ids(&catalog.stages, |id| id.0);
            let is_new = stage.id.0 == 0;
            let id = StageId(item_id(txn, "lifecycle stage", stage.id.0, holder, &name, max, all)?);
            let last = txn.catalog().stages.values().map(|stage| stage.position).max().unwrap_or(0);
            let position = if is_new && stage.position == 0 { last.saturating_add(1) } else { stage.position };
            let stage = Stage { id, name, position };
            let before = txn.catalog().stages.get(&id).map(|stage| stage.name.clone());
            segments::follow_rename(txn, Field::Lifecycle, before, &stage.name);
            txn.define(Subject::Stage(id), |catalog| catalog.put_stage(stage.clone()));
            Ok(stage)
        })
    }

    /// Removes the stage, from every contact too.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn delete_stage(&self, ws: WorkspaceId, id: StageId) -> Result<Seq> {
        self.remove(
            ws,
            ("lifecycle stage", id.0, Subject::Stage(id)),
            move |state| state.index.facet(Field::Lifecycle).map(|facet| facet.rows(id.0).clone()).unwrap_or_default(),
            move |contact| {
                contact.lifecycle.take_if(|stage| *stage == id);
            },
            move |catalog| catalog.remove_stage(id).is_some(),
        )
    }

    /// Cleans the contacts that carry a thing, batch by batch, and removes the thing in one batch with the last of them:
    /// neither a crash nor a write in between leaves a contact that points nowhere. `remove` says whether it was there.
    fn remove(
        &self,
        ws: WorkspaceId,
        (what, id, subject): (&'static str, u32, Subject),
        carriers: impl Fn(&State) -> RowSet + Copy + Send + 'static,
        clean: impl Fn(&mut Contact) + Copy + Send + 'static,
        remove: impl Fn(&mut Catalog) -> bool + Copy + Send + 'static,
    ) -> Result<Seq> {
        loop {
            let written = self.committer.write(ws, move |txn| {
                let mut rest = (**txn.catalog()).clone();
                if !remove(&mut rest) {
                    return Err(Error::NotFound { what, name: id.to_string() });
                }
                let (carriers, all) = txn.carriers(carriers, CONTACTS_PER_BATCH);
                for carrier in carriers {
                    let Some(before) = txn.contact(carrier)? else { continue };
                    let mut contact = (*before).clone();
                    clean(&mut contact);
                    if contact != *before {
                        contact.updated_at = contact.updated_at.max(txn.now);
                        txn.put(Some(before), contact)?;
                    }
                }
                if all {
                    txn.define(subject, |catalog| *catalog = rest);
                }
                Ok(all)
            })?;
            if written.value {
                return Ok(written.version);
            }
        }
    }
}

/// Makes a custom field within an operation.
///
/// # Errors
/// As [`Engine::create_field`].
pub(super) fn make_field(txn: &mut Txn, new: NewField) -> Result<CustomField> {
    let name = named(&new.name, "name", FIELD_NAME_CHARS_MAX)?;
    let slug = slug(new.slug.as_deref(), &name)?;
    let reserved = draft::RESERVED.iter().any(|name| name.eq_ignore_ascii_case(&slug));
    if reserved || Field::named(&slug, txn.catalog()).is_some() {
        return Err(Error::Conflict { message: format!("there is already a field '{slug}'"), holder: None });
    }
    limit(txn.catalog().fields.len(), txn.settings.fields_max, "the custom fields of a workspace")?;
    let field = CustomField {
        id: CustomFieldId(txn.next_item()),
        slug,
        name,
        description: described(new.description)?,
        data_type: new.data_type,
        allowed_values: choices(txn, new.data_type, new.allowed_values)?,
        searchable: searchable(new.data_type, new.searchable)?,
    };
    put_field(txn, field)
}

fn put_field(txn: &mut Txn, field: CustomField) -> Result<CustomField> {
    txn.define(Subject::Field(field.id), |catalog| catalog.put_field(field.clone()));
    Ok(field)
}

/// The id to write an item under: a new one for 0, else its own, if it is there and nobody else has the name.
fn item_id(
    txn: &mut Txn,
    what: &'static str,
    id: u32,
    holder: Option<u32>,
    name: &str,
    max: usize,
    all: impl Fn(&Catalog) -> Vec<u32>,
) -> Result<u32> {
    if holder.is_some_and(|holder| holder != id) {
        return Err(Error::Conflict { message: format!("there is already a {what} '{name}'"), holder: None });
    }
    let there = all(txn.catalog());
    if id == 0 {
        limit(there.len(), max, "the items of one kind in a workspace")?;
        return Ok(txn.next_item());
    }
    if there.contains(&id) { Ok(id) } else { Err(Error::NotFound { what, name: id.to_string() }) }
}

fn ids<K, V>(map: &std::collections::BTreeMap<K, V>, id: impl Fn(&K) -> u32) -> Vec<u32> {
    map.keys().map(id).collect()
}

fn limit(have: usize, max: usize, what: &'static str) -> Result<()> {
    if have < max { Ok(()) } else { Err(Error::Limit { what, limit: max }) }
}

/// A name without surrounding white space, not empty, not too long, without control characters.
pub(super) fn named(name: &str, path: &str, chars_max: usize) -> Result<String> {
    let name = name.trim();
    let chars = name.chars().count();
    if name.is_empty() {
        return Err(Mistake::new(path, "missing_member", "an empty name was found, a name is needed").into());
    }
    if chars > chars_max {
        let message = format!("{chars} characters were found, at most {chars_max} will do");
        return Err(Mistake::new(path, "too_long", message).into());
    }
    if name.chars().any(char::is_control) {
        return Err(Mistake::new(path, "control_character", "a control character was found, only text will do").into());
    }
    Ok(name.to_string())
}

fn described(description: Option<String>) -> Result<Option<String>> {
    short(description, "description")
}

/// Text that may be absent, as long as a name at most: one value too large for the store would fail the writes of all
/// that share its batch.
fn short(text: Option<String>, path: &str) -> Result<Option<String>> {
    match text.as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => named(text, path, NAME_CHARS_MAX).map(Some),
    }
}

fn country(code: &str) -> Result<String> {
    let message = || format!("'{code}' was found, an ISO 3166-1 alpha-2 country such as MY will do");
    codes::country(code)
        .map(Alpha2::text)
        .ok_or_else(|| Mistake::new("defaultCountry", "invalid_country", message()).into())
}

fn locale(tag: &str) -> Result<()> {
    let message = || format!("'{tag}' was found, a BCP 47 locale such as en or zh-Hans will do");
    let parsed: std::result::Result<icu_locale_core::Locale, _> = tag.parse();
    parsed.map(drop).map_err(|_| Mistake::new("locale", "invalid_locale", message()).into())
}

/// The slug as given, or made from the name.
fn slug(given: Option<&str>, name: &str) -> Result<String> {
    let legal = |slug: &str| {
        !slug.is_empty() && slug.len() <= 50 && slug.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let made = || -> String {
        let folded: String =
            fold::search(name).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        folded.trim_matches('_').chars().take(50).collect()
    };
    let slug = given.map_or_else(made, |slug| slug.trim().to_string());
    if legal(&slug) {
        return Ok(slug);
    }
    let message = format!("'{slug}' was found, 1 to 50 of A-Z a-z 0-9 _ will do");
    Err(Mistake::new("slug", "invalid_slug", message).into())
}

/// A list field's choices: some, each once; no other type has any.
fn choices(txn: &Txn, data_type: DataType, values: Vec<String>) -> Result<Vec<String>> {
    let mistake = |message: &str| Err(Mistake::new("allowedValues", "invalid_choices", message).into());
    match (data_type, values.is_empty()) {
        (DataType::List, true) => return mistake("no choices were found, a list field needs at least one"),
        (DataType::List, false) => {}
        (_, true) => return Ok(values),
        (_, false) => return mistake("choices were found, only a list field has them"),
    }
    limit(values.len() - 1, txn.settings.choices_max, "the choices of a list field")?;
    let mut seen = std::collections::HashSet::new();
    let mut named_values = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        let value = named(value, &format!("allowedValues[{at}]"), NAME_CHARS_MAX)?;
        if !seen.insert(fold::compare(&value)) {
            return mistake("a choice was found twice (ignoring case), each may stand once");
        }
        named_values.push(value);
    }
    Ok(named_values)
}

fn searchable(data_type: DataType, wanted: bool) -> Result<bool> {
    let text = matches!(data_type, DataType::Text | DataType::Email | DataType::Url);
    if wanted && !text {
        let message = "the search box looks into text, email and url fields only";
        return Err(Mistake::new("searchable", "not_searchable", message).into());
    }
    Ok(wanted)
}
