//! One action on up to a hundred contacts named in one call: one batch, each item answered on its own.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use minicbor::{Decode, Encode};
use serde_json::{Map, Value as Json};

use super::act::{ACTIONS, Act, Acted};
use super::once::{Outcome, noted, recalled};
use super::txn::Txn;
use super::{Actor, Engine, Error, Result, Written, interactions};
use crate::contact::identity::Identifier;
use crate::contact::*;

/// What can be done to contacts named in a call and not to all that a filter finds: `comment` takes `text`.
const COMMENT: &str = "comment";

/// What became of one of the contacts named.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ManyItem {
    /// The contact's id, where it was found.
    #[n(0)]
    pub id: Option<ContactId>,
    #[n(1)]
    pub fate: Fate,
}

/// What became of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Fate {
    #[n(0)]
    Changed,
    /// It was so already.
    #[n(1)]
    Unchanged,
    #[n(2)]
    Deleted,
    /// Nothing was done to it; the others are not touched by that.
    #[n(3)]
    Refused {
        #[n(0)]
        code: String,
        /// Without contacts' values.
        #[n(1)]
        message: String,
    },
    /// What was given names no contact. The caller's own mistake is not noted: it may repeat what was given.
    #[n(4)]
    Unreadable,
}

impl Outcome for Vec<ManyItem> {
    fn note(&self) -> Vec<u8> {
        noted(self)
    }

    fn recall(bytes: &[u8], _: &Txn) -> Result<Self> {
        recalled(bytes)
    }
}

/// The action, read.
enum Deed {
    Act(Act),
    Comment(Interaction),
}

impl Engine {
    /// Does one action to every contact named, in the order named; an item that is refused changes nothing and stops no
    /// other. A contact named twice is answered twice and done once. `contacts` are identifiers, or why one cannot be read.
    ///
    /// # Errors
    /// [`Error::Limit`] for too many contacts, [`Error::Invalid`] for an action that cannot be read; then nothing is done.
    pub fn act_on_many(
        &self,
        actor: &Actor,
        contacts: &[std::result::Result<Identifier, Mistake>],
        action: &Map<String, Json>,
    ) -> Result<Written<Vec<ManyItem>>> {
        let limit = self.shared.settings.many_max;
        if contacts.len() > limit {
            return Err(Error::Limit { what: "the number of contacts named in one call", limit });
        }
        let named: Vec<Option<Identifier>> = contacts.iter().map(|contact| contact.as_ref().ok().cloned()).collect();
        let (action, me) = (action.clone(), actor.user_id());
        let mut written = self.committer.write_as(actor, move |txn| act_on_all(txn, &named, &action, me))?;
        for (item, given) in written.value.iter_mut().zip(contacts) {
            if let (Fate::Unreadable, Err(mistake)) = (&item.fate, given) {
                item.fate = Fate::Refused { code: mistake.code.into(), message: mistake.message.clone() };
            }
        }
        Ok(written)
    }
}

fn act_on_all(
    txn: &mut Txn,
    named: &[Option<Identifier>],
    action: &Map<String, Json>,
    me: Option<UserId>,
) -> Result<Vec<ManyItem>> {
    let deed = read(txn, action, me)?;
    // All are found before any is changed: a change may take away what the next one is named by.
    let found: Vec<Option<Result<ContactId>>> =
        named.iter().map(|named| named.as_ref().map(|named| txn.named(named).map(|contact| contact.id))).collect();
    let mut done: HashMap<ContactId, Fate> = HashMap::new();
    let mut items = Vec::with_capacity(found.len());
    for found in found {
        items.push(match found {
            None => ManyItem { id: None, fate: Fate::Unreadable },
            Some(Err(error)) => ManyItem { id: None, fate: refused(error)? },
            Some(Ok(id)) => {
                let fate = match done.entry(id) {
                    Entry::Occupied(before) => before.get().clone(),
                    Entry::Vacant(first) => first.insert(one(txn, &deed, id).or_else(refused)?).clone(),
                };
                ManyItem { id: Some(id), fate }
            }
        });
    }
    if !done.values().any(|fate| matches!(fate, Fate::Changed | Fate::Deleted)) {
        // The tags that the action would have added are on no contact.
        txn.start_over();
    }
    Ok(items)
}

fn one(txn: &mut Txn, deed: &Deed, id: ContactId) -> Result<Fate> {
    let contact = txn.named(&Identifier::Id(id))?;
    match deed {
        Deed::Act(act) => act.apply(txn, contact).map(|acted| match acted {
            Acted::Changed(_) => Fate::Changed,
            Acted::Unchanged(_) => Fate::Unchanged,
            Acted::Deleted(_) => Fate::Deleted,
        }),
        Deed::Comment(comment) => interactions::record(txn, contact, comment.clone()).map(|_| Fate::Changed),
    }
}

/// The item's refusal; what fails the whole batch stays an error.
fn refused(error: Error) -> Result<Fate> {
    match error {
        Error::Store(_) | Error::Io(_) | Error::Closing => Err(error),
        told => Ok(Fate::Refused { code: told.code().into(), message: told.to_string() }),
    }
}

/// Reads the action: one of those that a filter's finds can have too, or a comment.
fn read(txn: &mut Txn, action: &Map<String, Json>, me: Option<UserId>) -> Result<Deed> {
    let name = action.get("action").and_then(Json::as_str);
    match name {
        Some(COMMENT) => return comment(txn, action, me).map(Deed::Comment),
        Some(name) if !ACTIONS.iter().any(|(known, _)| *known == name) => {
            let all: Vec<&str> = ACTIONS.iter().map(|(name, _)| *name).chain([COMMENT]).collect();
            let near = suggest::did_you_mean(name, all.iter().copied());
            let message = format!("there is no such action: use one of {}.{near}", all.join(", "));
            return Err(Mistake::new("action", "unknown_action", message).into());
        }
        _ => {}
    }
    Act::read(txn, action, me).map(Deed::Act)
}

fn comment(txn: &Txn, action: &Map<String, Json>, author: Option<UserId>) -> Result<Interaction> {
    if let Some(stranger) = action.keys().find(|member| !["action", "text"].contains(&member.as_str())) {
        let stranger: String = stranger.chars().take(100).collect();
        return Err(Mistake::new(stranger, "unknown_member", "comment takes text").into());
    }
    let text = match action.get("text") {
        Some(Json::String(text)) if !text.trim().is_empty() => Some(text.clone()),
        None | Some(Json::Null | Json::String(_)) => {
            return Err(Mistake::new("text", "missing_member", "comment needs a text that says something").into());
        }
        Some(_) => return Err(Mistake::new("text", "wrong_type", "a comment's text is a string").into()),
    };
    let comment = Interaction { kind: InteractionKind::Comment, at: txn.now, channel: None, author, text };
    interactions::check(txn, &comment)?;
    Ok(comment)
}
