//! One row as a contact: made, changed, left as it is, or refused with a reason. The dry run goes through here as well.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::mapping::{Plan, Target, To};
use super::source::{Cells, Row, Source};
use super::spec::{MatchBy, Outcome, Purpose};
use crate::contact::draft::Scope;
use crate::contact::identity::IdentityKey;
use crate::contact::render::CUSTOM;
use crate::contact::*;
use crate::engine::contacts::{create_tags, tags_named};
use crate::engine::export::cell;
use crate::engine::txn::Txn;
use crate::engine::{Error, NewField, Result};

/// What Google puts between several values in one cell.
const SEVERAL: &str = ":::";

/// What a row says of its contact.
pub struct Fields {
    members: Map<String, Json>,
    /// The id it names.
    id: Option<String>,
}

/// Reads a row by the plan's columns. Empty cells are left out: they change nothing.
///
/// # Errors
/// Why it cannot be used, in a sentence.
pub fn fields(plan: &Plan, source: &mut Source, row: &Row) -> std::result::Result<Fields, String> {
    if let Some(wrong) = &row.wrong {
        return Err(wrong.clone());
    }
    let mut fields = Fields { members: Map::new(), id: None };
    let mut customs = Map::new();
    match &row.cells {
        Cells::Csv(record) => {
            for (at, target) in plan.targets.iter().enumerate().filter(|(_, target)| target.to != To::Nothing) {
                let bytes = record.cell(at);
                if bytes.is_empty() {
                    continue;
                }
                let text = std::str::from_utf8(bytes).map_err(|_| format!("cell {} is not UTF-8", at + 1))?;
                let text = cell::read(text);
                if !text.is_empty() {
                    fields.put(target, Cow::Owned(Json::from(text)), &mut customs)?;
                }
            }
        }
        Cells::Object(object) => {
            for (at, value) in source.members(object) {
                let empty = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
                if let Some(target) = plan.targets.get(at).filter(|target| target.to != To::Nothing && !empty) {
                    fields.put(target, Cow::Borrowed(value), &mut customs)?;
                }
            }
        }
        Cells::Line(_) => return Err("the line is not a JSON object".to_owned()),
    }
    if !customs.is_empty() {
        fields.members.insert(CUSTOM.to_owned(), Json::Object(customs));
    }
    Ok(fields)
}

impl Fields {
    fn put(
        &mut self,
        target: &Target,
        value: Cow<Json>,
        customs: &mut Map<String, Json>,
    ) -> std::result::Result<(), String> {
        match &target.to {
            To::Member(name) => {
                if let Some(value) = member(name, value)? {
                    self.members.insert(name.clone(), value);
                }
            }
            To::Custom(slug) => {
                customs.insert(slug.clone(), value.into_owned());
            }
            To::Id => {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                self.id = Some(text.trim().trim_start_matches("id:").to_owned());
            }
            To::Nothing => {}
        }
        Ok(())
    }
}

/// The value as the contact's JSON takes it: tags apart, objects in a cell read, a neutralised phone as it was. None where
/// marks between values are all there is: that is an empty cell.
fn member(name: &str, value: Cow<Json>) -> std::result::Result<Option<Json>, String> {
    let Json::String(text) = &*value else { return Ok(Some(value.into_owned())) };
    let read = match name {
        "tags" if text.contains(SEVERAL) || text.starts_with("* ") => {
            // Google's own groups begin with a star.
            let names = text.split(SEVERAL).map(str::trim);
            names.filter(|name| !name.is_empty() && !name.starts_with("* ")).map(Json::from).collect()
        }
        "tags" if !text.starts_with('[') => Json::from(cell::split(text)),
        "channels" | "lastInteractedChannel" if text.starts_with(['[', '{']) => serde_json::from_str(text)
            .map_err(|error| format!("{name}: the cell is not the JSON it begins as: {error}"))?,
        // Other programs put the mark before any `+`.
        "phone" => Json::from(first_of(text.trim_start_matches('\''))),
        "email" => Json::from(first_of(text)),
        _ => value.into_owned(),
    };
    let empty = read.as_str().is_some_and(str::is_empty) || read.as_array().is_some_and(Vec::is_empty);
    Ok((!empty).then_some(read))
}

/// The first of several values in one cell.
pub fn first_of(text: &str) -> &str {
    text.split(SEVERAL).map(str::trim).find(|one| !one.is_empty()).unwrap_or_default()
}

/// Makes the plan's custom fields where they are not there yet.
///
/// # Errors
/// Those of making a field.
pub fn make_fields(txn: &mut Txn, plan: &Plan) -> Result<()> {
    for field in &plan.new_fields {
        if txn.catalog().field_with_slug(&field.slug).is_none() {
            crate::engine::define::make_field(txn, NewField::from(field))?;
        }
    }
    Ok(())
}

/// Applies rows within one batch.
pub struct Applier<'a> {
    plan: &'a Plan,
    /// What every row's contact gets.
    tags: Vec<TagId>,
    /// The workspace with the plan's time zone, as of this catalog.
    zoned: Option<(Arc<Catalog>, Arc<Catalog>)>,
}

impl<'a> Applier<'a> {
    /// Begins a batch; the tags for every row are made where they are unknown.
    ///
    /// # Errors
    /// Those of making tags.
    pub fn begin(txn: &mut Txn, plan: &'a Plan) -> Result<Applier<'a>> {
        let tags = if plan.tags.is_empty() { Vec::new() } else { tags_named(txn, &plan.tags)? };
        Ok(Applier { plan, tags, zoned: None })
    }

    /// Applies one row; what is refused leaves nothing behind.
    ///
    /// # Errors
    /// Those of creating or updating a contact.
    pub fn row(&mut self, txn: &mut Txn, fields: &Fields) -> Result<Outcome> {
        let catalog = self.catalog(txn);
        let draft = Draft::read(&fields.members, &catalog, Scope::Everything, txn.now)?;
        // A tag made by this row would copy a catalog that is still held.
        drop(catalog);
        let mut contact = Contact { created_at: txn.now, updated_at: txn.now, ..Contact::default() };
        draft.apply(&mut contact);
        let found = self.found(txn, fields, &contact)?;
        match (self.plan.purpose, found) {
            (Purpose::Add, Some(holder)) => Err(Error::Conflict {
                message: format!("contact {holder} has this {} already", self.matched_by()),
                holder: Some(holder),
            }),
            (Purpose::Update, None) => Err(Error::State {
                code: "no_match",
                message: format!("no contact has this {}", self.matched_by()),
                details: None,
            }),
            (Purpose::Update | Purpose::AddOrUpdate, Some(id)) => self.update(txn, id, draft),
            (Purpose::AddAll, _) | (_, None) => self.create(txn, draft, contact),
        }
    }

    fn catalog(&mut self, txn: &Txn) -> Arc<Catalog> {
        let Some(timezone) = &self.plan.timezone else { return txn.catalog().clone() };
        match &self.zoned {
            Some((of, zoned)) if Arc::ptr_eq(of, txn.catalog()) => zoned.clone(),
            _ => {
                let mut own = (**txn.catalog()).clone();
                own.workspace.timezone.clone_from(timezone);
                let own = Arc::new(own);
                self.zoned = Some((txn.catalog().clone(), own.clone()));
                own
            }
        }
    }

    fn matched_by(&self) -> &'static str {
        match self.plan.match_by {
            MatchBy::EmailThenPhone => "e-mail or phone",
            MatchBy::Email => "e-mail",
            MatchBy::Phone => "phone",
            MatchBy::Id => "id",
        }
    }

    /// The contact that the row is about.
    fn found(&self, txn: &Txn, fields: &Fields, contact: &Contact) -> Result<Option<ContactId>> {
        if self.plan.purpose == Purpose::AddAll {
            return Ok(None);
        }
        let first = |key: Option<IdentityKey>| -> Result<Option<ContactId>> {
            let holders: BTreeSet<ContactId> = key.map(|key| txn.holders(&key)).transpose()?.unwrap_or_default();
            Ok(holders.first().copied())
        };
        let email = || contact.email.as_deref().map(fold::compare).map(IdentityKey::Email);
        let phone = || contact.phone.as_ref().map(|phone| IdentityKey::Phone(phone.digits));
        match self.plan.match_by {
            MatchBy::Email => first(email()),
            MatchBy::Phone => first(phone()),
            MatchBy::EmailThenPhone => first(email())?.map_or_else(|| first(phone()), |found| Ok(Some(found))),
            MatchBy::Id => {
                let Some(text) = &fields.id else { return Ok(None) };
                let id = text.parse::<u32>().ok().filter(|id| *id > 0).map(ContactId).ok_or_else(|| {
                    Mistake::new(
                        "id",
                        "invalid_id",
                        "An id is a whole number from 1: correct the cell or leave it empty.",
                    )
                })?;
                match txn.contact(id)? {
                    Some(contact) => Ok(Some(contact.id)),
                    None => first(Some(IdentityKey::Id(id))),
                }
            }
        }
    }

    fn create(&self, txn: &mut Txn, mut draft: Draft, mut contact: Contact) -> Result<Outcome> {
        Draft::complete(&mut contact)?;
        if self.plan.purpose != Purpose::AddAll {
            txn.refuse_taken(&contact, None)?;
        }
        take_unknown_tags(txn, &mut draft)?;
        draft.apply(&mut contact);
        Draft::complete(&mut contact)?;
        draft.fits(&contact)?;
        self.add_tags(&mut contact);
        contact.id = txn.next_contact()?;
        Ok(Outcome::Added(txn.put(None, contact)?.id))
    }

    fn update(&self, txn: &mut Txn, id: ContactId, mut draft: Draft) -> Result<Outcome> {
        let gone = || Error::NotFound { what: "contact", name: format!("id:{id}") };
        let before = txn.contact(id)?.ok_or_else(gone)?;
        let mut contact = (*before).clone();
        draft.apply(&mut contact);
        self.keep(&mut contact, &before, txn.catalog());
        // An end that was kept is as good as it was.
        if contact.snoozed_until != before.snoozed_until {
            draft.fits(&contact)?;
        }
        txn.refuse_taken(&contact, Some(&before))?;
        if !draft.unknown_tags.is_empty() {
            take_unknown_tags(txn, &mut draft)?;
            draft.apply(&mut contact);
            self.keep(&mut contact, &before, txn.catalog());
        }
        self.add_tags(&mut contact);
        if contact == *before {
            return Ok(Outcome::Unchanged(id));
        }
        contact.note_opened(&before, txn.now);
        contact.updated_at = contact.updated_at.max(txn.now);
        txn.put(Some(before), contact)?;
        Ok(Outcome::Updated(id))
    }

    /// Brings back what an import does not change: what follows from what happened to the contact, and what is not to be
    /// overwritten.
    fn keep(&self, contact: &mut Contact, before: &Contact, catalog: &Catalog) {
        contact.channels.clone_from(&before.channels);
        contact.last_interacted_channel = before.last_interacted_channel;
        contact.conversation_opened_at = before.conversation_opened_at;
        contact.last_message_at = before.last_message_at;
        contact.last_incoming_message_at = before.last_incoming_message_at;
        contact.last_interaction_at = before.last_interaction_at;
        (contact.created_at, contact.updated_at) = (before.created_at, before.updated_at);
        keep_own_identity(contact, before);
        for target in self.plan.targets.iter().filter(|target| !target.overwrite) {
            match &target.to {
                To::Member(name) => keep_member(name, contact, before),
                To::Custom(slug) => {
                    let field = catalog.field_with_slug(slug).map(|field| field.id);
                    if let Some((field, value)) = field.and_then(|id| before.custom(id).map(|value| (id, value))) {
                        contact.set_custom(field, Some(value.clone()));
                    }
                }
                To::Id | To::Nothing => {}
            }
        }
    }

    fn add_tags(&self, contact: &mut Contact) {
        if !self.tags.is_empty() {
            unite(&mut contact.tags, &self.tags);
        }
    }
}

/// A row that names a contact by the e-mail or phone of one that was merged into it does not take away its own.
fn keep_own_identity(contact: &mut Contact, before: &Contact) {
    if before.merged.is_none() {
        return;
    }
    let email = |contact: &Contact| contact.email.as_deref().map(fold::compare).map(IdentityKey::Email);
    let phone = |contact: &Contact| contact.phone.as_ref().map(|phone| IdentityKey::Phone(phone.digits));
    let is_others = |own: Option<IdentityKey>, now: Option<IdentityKey>| {
        own.is_some() && own != now && IdentityKey::of(before).any(|held| Some(held) == now)
    };
    if is_others(email(before), email(contact)) {
        contact.email.clone_from(&before.email);
    }
    if is_others(phone(before), phone(contact)) {
        contact.phone.clone_from(&before.phone);
    }
}

/// Brings a member back that the contact had; tags are united.
fn keep_member(name: &str, contact: &mut Contact, before: &Contact) {
    fn had<T: Clone>(now: &mut Option<T>, before: &Option<T>) {
        if before.is_some() {
            now.clone_from(before);
        }
    }
    match name {
        "firstName" => had(&mut contact.first_name, &before.first_name),
        "lastName" => had(&mut contact.last_name, &before.last_name),
        "email" => had(&mut contact.email, &before.email),
        "phone" | "phoneGiven" => had(&mut contact.phone, &before.phone),
        "countryCode" => had(&mut contact.country_code, &before.country_code),
        "language" => had(&mut contact.language, &before.language),
        "profilePic" => had(&mut contact.profile_pic, &before.profile_pic),
        "assignee" => had(&mut contact.assignee, &before.assignee),
        "lifecycle" => had(&mut contact.lifecycle, &before.lifecycle),
        "tags" => unite(&mut contact.tags, &before.tags),
        // A contact always has a status.
        "status" | "conversationStatus" | "snoozedUntil" => {
            (contact.blocked, contact.conversation) = (before.blocked, before.conversation);
            contact.snoozed_until = before.snoozed_until;
        }
        _ => {}
    }
}

fn unite(tags: &mut Vec<TagId>, more: &[TagId]) {
    tags.extend_from_slice(more);
    tags.sort_unstable();
    tags.dedup();
}

fn take_unknown_tags(txn: &mut Txn, draft: &mut Draft) -> Result<()> {
    if !draft.unknown_tags.is_empty() {
        let unknown = std::mem::take(&mut draft.unknown_tags);
        create_tags(txn, &unknown)?.into_iter().for_each(|tag| draft.add_tag(tag));
    }
    Ok(())
}

/// Whether the error is the row's own; else the whole import ends.
pub fn is_rows_own(error: &Error) -> bool {
    !matches!(error, Error::Store(_) | Error::Io(_) | Error::Closing)
}
