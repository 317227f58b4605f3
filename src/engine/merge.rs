//! Merging two contacts, and giving one back. The rules are in `contact::merge`; here they meet store and history.
//!
//! Nothing but the two contacts is touched: a merge starts no automation. The secondary's history stays under its own id
//! and is read as one with the primary's, so that giving it back moves nothing.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::txn::Txn;
use super::{Actor, Engine, Error, Result, Written, records_cache};
use crate::contact::identity::Identifier;
use crate::contact::merge::{self, Choices, Past};
use crate::contact::*;

/// What a merge's record may take: it holds three contacts in one value of the store.
const MERGE_BYTES_MAX: usize = 768 << 10;

/// How many contacts can be merged into one, by way of others too: each is looked at to read the history of the one.
const MERGED_MAX: usize = 500;
/// How often the history that an unmerge needs is read before the committer is asked, where it changes meanwhile.
const READ_AHEAD_MAX: usize = 4;
/// Entries that may be read while everyone's writes wait.
const READ_INSIDE_MAX: usize = 2000;
/// The code, not told outside, of a history that has changed since it was read.
const OUTDATED: &str = "history_outdated";

/// A contact's history since a merge, without its texts, as of a version of the contact.
struct Ahead {
    contact: ContactId,
    version: Seq,
    /// How many entries the whole history has.
    read: usize,
    entries: Vec<(u64, Interaction)>,
}

/// A contact given back, and the one it was merged into.
#[derive(Clone, Debug)]
pub struct Unmerged {
    pub primary: Arc<Contact>,
    pub secondary: Arc<Contact>,
}

/// A contact that another took in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedIn {
    pub id: ContactId,
    /// The contact it was merged into, which may have been merged into another since.
    pub into: ContactId,
    pub at: Millis,
    pub by: Option<UserId>,
}

impl Engine {
    /// Merges the secondary into the primary, which keeps its id. `choices` say of which fields whose value stays, by their
    /// names on the wire: `primary` or `secondary`; elsewhere it is the primary's, or the secondary's where the primary has
    /// none. The secondary's id, e-mail and phone lead to the primary from then on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] for choices that cannot be made and for a contact with itself,
    /// [`Error::State`] `contact_blocked` and `already_merged`, [`Error::Limit`].
    pub fn merge(
        &self,
        actor: &Actor,
        primary: &Identifier,
        secondary: &Identifier,
        choices: &Map<String, Json>,
    ) -> Result<Written<Arc<Contact>>> {
        let (primary, secondary, choices) = (primary.clone(), secondary.clone(), choices.clone());
        let by = actor.user_id();
        self.committer.write_as(actor, move |txn| merge(txn, &primary, &secondary, &choices, by))
    }

    /// Gives back a contact that was merged into the primary, as it was and with its history. What happened since stays with
    /// the primary, whose fields go back where nobody changed them since.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the primary did not take it in, [`Error::State`] `merged_further` where another took in both:
    /// `unmergeFirst` in its details is the contact to give back before.
    pub fn unmerge(&self, actor: &Actor, primary: &Identifier, secondary: ContactId) -> Result<Written<Unmerged>> {
        for left in (0..READ_AHEAD_MAX).rev() {
            let ahead = self.read_ahead(actor.workspace, primary, secondary)?;
            let (primary, may_ask_again) = (primary.clone(), left > 0);
            let done =
                self.committer.write_as(actor, move |txn| unmerge(txn, &primary, secondary, ahead, may_ask_again));
            if !done.as_ref().is_err_and(|error| error.code() == OUTDATED) {
                return done;
            }
        }
        Err(outdated())
    }

    /// What happened with the primary since the merge: a long history is read before the committer is asked, for it would
    /// hold up everyone's writes.
    fn read_ahead(&self, ws: WorkspaceId, primary: &Identifier, secondary: ContactId) -> Result<Option<Ahead>> {
        let Some(merge) = self.shared.records.side::<Merge>(ws, secondary)? else { return Ok(None) };
        let contact = match self.contact(ws, primary, None) {
            Ok(found) => found.value,
            // Said where it is looked up for good.
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let since = merge.primary_after.version.0;
        let (mut entries, mut read) = (Vec::new(), 0);
        self.shared.records.each_interaction(ws, contact.id, |number, entry| {
            read += 1;
            if (since + 1..=contact.version.0).contains(&number) {
                entries.push((number, Interaction { text: None, ..entry }));
            }
        })?;
        Ok(Some(Ahead { contact: contact.id, version: contact.version, read, entries }))
    }

    /// The contacts that were merged into this one, by way of others too, by id.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotYet`].
    pub fn merges(
        &self,
        ws: WorkspaceId,
        who: &Identifier,
        min_version: Option<Seq>,
    ) -> Result<Written<Vec<MergedIn>>> {
        let found = self.contact(ws, who, min_version)?;
        let mut merges = Vec::new();
        for id in merged_into(&found.value) {
            // One that was given back a moment ago has none.
            let merge = self.shared.records.side::<Merge>(ws, *id)?;
            merges.extend(merge.map(|merge| MergedIn { id: *id, into: merge.primary, at: merge.at, by: merge.by }));
        }
        Ok(Written { value: merges, version: found.version })
    }
}

/// The ids that lead to the contact.
pub(super) fn merged_into(contact: &Contact) -> &[ContactId] {
    contact.merged.as_deref().map(|merged| merged.ids.as_slice()).unwrap_or_default()
}

fn merge(
    txn: &mut Txn,
    primary: &Identifier,
    secondary: &Identifier,
    choices: &Map<String, Json>,
    by: Option<UserId>,
) -> Result<Arc<Contact>> {
    let choices = Choices::read(choices, txn.catalog())?;
    let (primary, named) = (txn.named(primary)?, secondary);
    let secondary = txn.named(named)?;
    if primary.id == secondary.id {
        return Err(same(&primary, named));
    }
    if let Some(blocked) = [&primary, &secondary].into_iter().find(|contact| contact.blocked) {
        return Err(Error::State {
            code: "contact_blocked",
            message: format!("contact {} is blocked: unblock it before it is merged", blocked.id),
            details: Some(Box::new(json!({"contact": blocked.id}))),
        });
    }
    let after = merge::merge(&primary, &secondary, &choices, txn.now);
    if merged_into(&after).len() > MERGED_MAX {
        return Err(Error::Limit { what: "the number of contacts merged into one", limit: MERGED_MAX });
    }
    let bytes = |contact: &Contact| records_cache::bytes(contact);
    if bytes(&primary) + bytes(&secondary) + bytes(&after) > MERGE_BYTES_MAX {
        return Err(Error::Limit { what: "the size of a merge in bytes", limit: MERGE_BYTES_MAX });
    }
    txn.take_away(secondary.clone());
    let after = txn.put(Some(primary.clone()), after)?;
    let record = Merge {
        primary: primary.id,
        at: txn.now,
        by,
        primary_before: Contact { merged: None, ..(*primary).clone() },
        secondary: (*secondary).clone(),
        primary_after: Contact { merged: None, ..(*after).clone() },
    };
    txn.put_side(secondary.id, &record);
    Ok(after)
}

/// The refusal of a contact that is to be merged with itself.
fn same(contact: &Contact, named: &Identifier) -> Error {
    match named {
        Identifier::Id(id) if *id != contact.id => Error::State {
            code: "already_merged",
            message: format!("contact {id} is merged into contact {} already", contact.id),
            details: Some(Box::new(json!({"contact": contact.id}))),
        },
        _ => {
            let message = format!("it leads to contact {}, the primary itself: name another contact", contact.id);
            Mistake::new("secondary", "same_contact", message).into()
        }
    }
}

fn outdated() -> Error {
    let message = "the contact's history changed while it was read; try again".into();
    Error::State { code: OUTDATED, message, details: None }
}

fn unmerge(
    txn: &mut Txn,
    primary: &Identifier,
    secondary: ContactId,
    ahead: Option<Ahead>,
    may_ask_again: bool,
) -> Result<Unmerged> {
    let primary = txn.named(primary)?;
    let undone = undoable(txn, &primary, secondary)?;
    // Every merge straight into the primary: those before the one that is undone, and those after it.
    let mut earlier = Vec::new();
    let mut pasts = Vec::new();
    for id in merged_into(&primary) {
        let Some(merge) = txn.side::<Merge>(*id)?.filter(|merge| merge.primary == primary.id) else { continue };
        match merge.primary_after.version >= undone.primary_after.version {
            true => pasts.push(merge),
            false => earlier.push(merge),
        }
    }
    pasts.sort_by_key(|merge| merge.primary_after.version);
    let stored = pasts.clone();
    let history = match ahead {
        Some(ahead) if (ahead.contact, ahead.version) == (primary.id, primary.version) => ahead.entries,
        Some(ahead) if may_ask_again && ahead.read > READ_INSIDE_MAX => return Err(outdated()),
        _ => txn.history(primary.id)?,
    };
    let mut pasts = lives(txn, history, pasts);
    let now = merge::unmerge(&tidied(txn, &primary), &mut pasts, &earlier);
    for (past, before) in pasts.iter().zip(&stored).skip(1).filter(|(past, before)| past.merge != **before) {
        txn.put_side(before.secondary.id, &past.merge);
    }
    let back = tidied(txn, &undone.secondary);
    txn.delete_side::<Merge>(secondary);
    let primary = txn.put(Some(primary), now)?;
    Ok(Unmerged { primary, secondary: txn.put(None, back)? })
}

/// The merge that took in the secondary, if it can be undone now.
fn undoable(txn: &Txn, primary: &Contact, secondary: ContactId) -> Result<Merge> {
    let is_in = merged_into(primary).contains(&secondary);
    let absent =
        || Error::NotFound { what: "merge", name: format!("of contact {secondary} into contact {}", primary.id) };
    let record = |id| txn.side::<Merge>(id)?.filter(|_| is_in).ok_or_else(absent);
    let merge = record(secondary)?;
    let (mut first, mut into) = (secondary, merge.primary);
    // What stands between it and the primary was merged later, so the way ends.
    for _ in merged_into(primary) {
        if into == primary.id {
            break;
        }
        (first, into) = (into, record(into)?.primary);
    }
    if first == secondary {
        return Ok(merge);
    }
    let message = format!(
        "contact {secondary} was merged into contact {}, which was merged further: unmerge contact {first} from contact \
         {into} first",
        merge.primary
    );
    Err(Error::State { code: "merged_further", message, details: Some(Box::new(json!({"unmergeFirst": first}))) })
}

fn tidied(txn: &Txn, contact: &Contact) -> Contact {
    merge::tidied(contact.clone(), txn.catalog())
}

/// The merges, oldest first, with what happened with the primary after each. The last one's lasts until now.
fn lives(txn: &Txn, mut history: Vec<(u64, Interaction)>, merges: Vec<Merge>) -> Vec<Past> {
    let since = merges.first().map(|merge| merge.primary_after.version.0).unwrap_or_default();
    history.retain(|(number, _)| *number > since);
    history.sort_unstable_by_key(|(number, _)| *number);
    let until = merges.iter().skip(1).map(|merge| merge.primary_after.version.0).chain([u64::MAX]).collect::<Vec<_>>();
    let mut history = history.into_iter().peekable();
    let past = |(mut merge, until): (Merge, u64)| {
        merge.primary_before = tidied(txn, &merge.primary_before);
        merge.secondary = tidied(txn, &merge.secondary);
        merge.primary_after = tidied(txn, &merge.primary_after);
        let happened = std::iter::from_fn(|| history.next_if(|(number, _)| *number <= until));
        Past { merge, happened: happened.map(|(_, interaction)| interaction).collect() }
    };
    merges.into_iter().zip(until).map(past).collect()
}
