//! Writing one contact, or many in one batch: create, update, delete, tags.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::txn::Txn;
use super::{Actor, Engine, Error, Result, Written};
use crate::contact::draft::Scope;
use crate::contact::identity::Identifier;
use crate::contact::*;
use crate::store::Subject;

/// What a caller sends for one contact.
type Fields = Map<String, Json>;

impl Engine {
    /// Creates a contact.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every mistake, [`Error::Conflict`] for a taken e-mail or phone.
    pub fn create_contact(&self, actor: &Actor, fields: &Fields) -> Result<Written<Arc<Contact>>> {
        let fields = fields.clone();
        self.committer.write_as(actor, move |txn| create(txn, &fields, Scope::Person, false))
    }

    /// Changes what is given; `null` clears.
    ///
    /// # Errors
    /// As [`Engine::create_contact`], and [`Error::NotFound`].
    pub fn update_contact(&self, actor: &Actor, who: &Identifier, fields: &Fields) -> Result<Written<Arc<Contact>>> {
        let (who, fields) = (who.clone(), fields.clone());
        self.committer.write_as(actor, move |txn| {
            let before = txn.named(&who)?;
            update(txn, before, &fields, Scope::Person)
        })
    }

    /// Deletes a contact and its whole history.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn delete_contact(&self, actor: &Actor, who: &Identifier) -> Result<Written<ContactId>> {
        let who = who.clone();
        self.committer.write_as(actor, move |txn| {
            let contact = txn.named(&who)?;
            let id = contact.id;
            txn.delete(contact)?;
            Ok(id)
        })
    }

    /// Adds tags by name; unknown ones are created.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] for a name that cannot be a tag's.
    pub fn add_tags(&self, actor: &Actor, who: &Identifier, names: &[String]) -> Result<Written<Arc<Contact>>> {
        let (who, names) = (who.clone(), names.to_vec());
        self.committer.write_as(actor, move |txn| {
            let before = txn.named(&who)?;
            let wanted = tags_named(txn, &names)?;
            let mut tags = before.tags.clone();
            tags.extend(wanted);
            retag(txn, before, tags)
        })
    }

    /// Removes tags by name; those the contact has not are passed over.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn remove_tags(&self, actor: &Actor, who: &Identifier, names: &[String]) -> Result<Written<Arc<Contact>>> {
        let (who, names) = (who.clone(), names.to_vec());
        self.committer.write_as(actor, move |txn| {
            let before = txn.named(&who)?;
            let gone: Vec<TagId> =
                names.iter().filter_map(|name| txn.catalog().tag_named(name)).map(|tag| tag.id).collect();
            let tags = before.tags.iter().copied().filter(|tag| !gone.contains(tag)).collect();
            retag(txn, before, tags)
        })
    }

    /// Creates many contacts in one batch, each item answered on its own: the importer's path. With `everything`, all
    /// fields that an export writes may be given. A taken e-mail or phone refuses its item unless `allow_duplicates`.
    ///
    /// # Errors
    /// What fails the batch as a whole.
    pub fn create_many(
        &self,
        actor: &Actor,
        items: &[Fields],
        everything: bool,
        allow_duplicates: bool,
    ) -> Result<Written<Vec<Result<ContactId>>>> {
        let items = items.to_vec();
        let scope = if everything { Scope::Everything } else { Scope::Person };
        self.committer.write(actor.workspace, move |txn| {
            let one = |fields: &Fields| Ok(create(txn, fields, scope, allow_duplicates)?.id);
            Ok(items.iter().map(one).collect())
        })
    }

    /// Creates ready-made contacts (ids are given here; e-mails and phones must be unique): the corpus loader's path.
    ///
    /// # Errors
    /// What fails the batch as a whole.
    pub fn load(&self, ws: WorkspaceId, contacts: Vec<Contact>) -> Result<Written<Vec<ContactId>>> {
        self.committer.write(ws, move |txn| {
            let mut ids = Vec::with_capacity(contacts.len());
            for contact in contacts {
                let id = txn.next_contact()?;
                txn.put(None, Contact { id, ..contact })?;
                ids.push(id);
            }
            Ok(ids)
        })
    }
}

/// Everything that can be wrong is found before anything is staged, so that a refused item leaves nothing behind.
pub(super) fn create(txn: &mut Txn, fields: &Fields, scope: Scope, allow_duplicates: bool) -> Result<Arc<Contact>> {
    let mut draft = Draft::read(fields, txn.catalog(), scope, txn.now)?;
    let mut contact = Contact { created_at: txn.now, updated_at: txn.now, ..Contact::default() };
    draft.apply(&mut contact);
    Draft::complete(&mut contact)?;
    if scope == Scope::Person {
        draft.fits(&contact)?;
    }
    if !allow_duplicates {
        txn.refuse_taken(&contact, None)?;
    }
    let unknown = draft.unknown_tags.clone();
    for id in create_tags(txn, &unknown)? {
        draft.add_tag(id);
    }
    draft.apply(&mut contact);
    Draft::complete(&mut contact)?;
    contact.id = txn.next_contact()?;
    txn.put(None, contact)
}

/// Changes a contact by a draft; nothing is written where nothing changes.
pub(super) fn update(txn: &mut Txn, before: Arc<Contact>, fields: &Fields, scope: Scope) -> Result<Arc<Contact>> {
    let mut draft = Draft::read(fields, txn.catalog(), scope, txn.now)?;
    let mut contact = (*before).clone();
    draft.apply(&mut contact);
    if scope == Scope::Person {
        draft.fits(&contact)?;
    }
    txn.refuse_taken(&contact, Some(&before))?;
    let unknown = draft.unknown_tags.clone();
    for id in create_tags(txn, &unknown)? {
        draft.add_tag(id);
    }
    draft.apply(&mut contact);
    if contact == *before {
        return Ok(before);
    }
    // An import may say itself when it was.
    if !draft.names(Field::ConversationOpenedAt) {
        contact.note_opened(&before, txn.now);
    }
    contact.updated_at = contact.updated_at.max(txn.now);
    txn.put(Some(before), contact)
}

pub(super) fn retag(txn: &mut Txn, before: Arc<Contact>, mut tags: Vec<TagId>) -> Result<Arc<Contact>> {
    tags.sort_unstable();
    tags.dedup();
    if tags == before.tags {
        return Ok(before);
    }
    let contact = Contact { tags, updated_at: before.updated_at.max(txn.now), ..(*before).clone() };
    txn.put(Some(before), contact)
}

/// The tags of these names, created where they are unknown.
pub(super) fn tags_named(txn: &mut Txn, names: &[String]) -> Result<Vec<TagId>> {
    let names = names.iter().enumerate().map(|(at, name)| draft::tag_name(name, &format!("tags[{at}]")));
    let names = names.collect::<std::result::Result<Vec<String>, Mistake>>()?;
    let unknown: Vec<String> = names.iter().filter(|name| txn.catalog().tag_named(name).is_none()).cloned().collect();
    create_tags(txn, &unknown)?;
    Ok(names.iter().filter_map(|name| txn.catalog().tag_named(name)).map(|tag| tag.id).collect())
}

pub(super) fn create_tags(txn: &mut Txn, names: &[String]) -> Result<Vec<TagId>> {
    let limit = txn.settings.tags_max;
    let new = names.iter().filter(|name| txn.catalog().tag_named(name).is_none()).count();
    if txn.catalog().tags.len() + new > limit {
        return Err(Error::Limit { what: "the tags of a workspace", limit });
    }
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        if let Some(tag) = txn.catalog().tag_named(name) {
            ids.push(tag.id);
            continue;
        }
        let id = TagId(txn.next_item());
        let tag = Tag { id, name: name.clone(), description: None, emoji: None, color: None };
        txn.define(Subject::Tag(id), |catalog| catalog.put_tag(tag));
        ids.push(id);
    }
    Ok(ids)
}
