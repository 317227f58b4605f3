//! Recording what happens with a contact, and its history.

use std::sync::Arc;

use super::merge::merged_into;
use super::txn::{Txn, absent};
use super::{Actor, Engine, Error, Recorded, Result, Written};
use crate::contact::identity::Identifier;
use crate::contact::*;

impl Engine {
    /// Records an interaction and moves the time fields. An older one that arrives late is kept in the history and
    /// changes no field that a newer one set.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`].
    pub fn record(&self, actor: &Actor, who: &Identifier, interaction: Interaction) -> Result<Written<Recorded>> {
        let who = who.clone();
        self.committer.write_as(actor, move |txn| {
            let before = txn.named(&who)?;
            record(txn, before, interaction)
        })
    }

    /// As [`Engine::record`], without waiting for it: `then` is told, in a thread that it must not hold up, and dropped unheard
    /// where a defect of the program stops the write. The interaction is read where it is recorded, from what the workspace
    /// defines and the time of that moment. A repeat under an idempotency key reads nothing anew. Does not block where
    /// [`Engine::is_at_hand`].
    ///
    /// # Errors
    /// [`Error::NotFound`] of the workspace, [`Error::Closing`]; `then` is told all others.
    pub fn record_then(
        &self,
        actor: &Actor,
        who: Identifier,
        read: impl FnOnce(&Catalog, Millis) -> Result<Interaction> + Send + 'static,
        then: impl FnOnce(Result<Written<Recorded>>) + Send + 'static,
    ) -> Result<()> {
        let operation = move |txn: &mut Txn| {
            let before = txn.named(&who)?;
            let interaction = read(txn.catalog(), txn.now)?;
            record(txn, before, interaction)
        };
        self.committer.write_then(actor, operation, then)
    }

    /// A contact's history and that of those merged into it as one, newest first; `before` is the `(at, number)` of the last one seen.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn history(
        &self,
        ws: WorkspaceId,
        who: &Identifier,
        before: Option<(Millis, u64)>,
        limit: usize,
    ) -> Result<Vec<(u64, Interaction)>> {
        self.history_of_contact(ws, &self.contact(ws, who, None)?.value, before, limit)
    }

    /// The same of a contact just read, as of then. Who may see it is asked of that contact: by its id it could lead to
    /// another by now.
    ///
    /// # Errors
    /// What the store reports.
    pub fn history_of_contact(
        &self,
        ws: WorkspaceId,
        contact: &Contact,
        before: Option<(Millis, u64)>,
        limit: usize,
    ) -> Result<Vec<(u64, Interaction)>> {
        let merged = merged_into(contact);
        let mut entries = Vec::new();
        for id in std::iter::once(&contact.id).chain(merged) {
            entries.extend(self.history_of(ws, *id, contact.version, before, limit)?);
            if entries.len() > limit {
                entries.sort_unstable_by_key(|(number, entry)| std::cmp::Reverse((entry.at, *number)));
                entries.truncate(limit);
            }
        }
        if !merged.is_empty() {
            entries.sort_unstable_by_key(|(number, entry)| std::cmp::Reverse((entry.at, *number)));
        }
        Ok(entries)
    }

    /// What is kept under one id: that of a contact, or of one merged into it.
    fn history_of(
        &self,
        ws: WorkspaceId,
        id: ContactId,
        version: Seq,
        mut before: Option<(Millis, u64)>,
        limit: usize,
    ) -> Result<Vec<(u64, Interaction)>> {
        let mut entries = Vec::new();
        loop {
            let page = self.shared.records.interactions(ws, id, before, limit - entries.len())?;
            let Some((number, last)) = page.last() else { return Ok(entries) };
            before = Some((last.at, *number));
            // The store may be a batch ahead of what is acknowledged.
            entries.extend(page.into_iter().filter(|(number, _)| *number <= version.0));
            if entries.len() >= limit {
                return Ok(entries);
            }
        }
    }
}

pub(super) fn record(txn: &mut Txn, before: Arc<Contact>, interaction: Interaction) -> Result<Recorded> {
    check(txn, &interaction)?;
    if before.blocked && interaction.kind == InteractionKind::IncomingMessage {
        return Ok(Recorded::DroppedBlocked);
    }
    let mut contact = (*before).clone();
    interaction.move_times(&mut contact);
    // The history is numbered by the version that the contact's change makes, so the contact is put even when an old
    // message moves none of its fields; and put first, so that one that is refused leaves no entry behind.
    let contact = txn.put(Some(before), contact)?;
    let number = txn.add_history(&contact, interaction.clone());
    Ok(Recorded::Stored { number, interaction, contact })
}

pub(super) fn check(txn: &Txn, interaction: &Interaction) -> Result<()> {
    let is_message = matches!(interaction.kind, InteractionKind::IncomingMessage | InteractionKind::OutgoingMessage);
    let mistake = |path: &str, code, message: String| Err(Error::from(Mistake::new(path, code, message)));
    match interaction.channel {
        None if is_message => {
            return mistake("channel", "missing_member", "a message needs the channel it came or went by".into());
        }
        Some(id) if !txn.catalog().channels.contains_key(&id) => {
            return mistake("channel", "unknown_channel", format!("there is no channel {id} in this workspace"));
        }
        _ => {}
    }
    if let Some(author) = interaction.author.filter(|author| !txn.catalog().users.contains_key(author)) {
        return mistake("author", "unknown_user", format!("there is no user {author} in this workspace"));
    }
    let (chars, limit) =
        (interaction.text.as_ref().map_or(0, |text| text.chars().count()), txn.settings.interaction_chars_max);
    if chars > limit {
        return mistake("text", "too_long", format!("{chars} characters were found, at most {limit} will do"));
    }
    Ok(())
}

impl Engine {
    /// One contact, as of `min_version` at the earliest.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotYet`].
    pub fn contact(
        &self,
        ws: WorkspaceId,
        who: &Identifier,
        min_version: Option<Seq>,
    ) -> Result<Written<Arc<Contact>>> {
        let workspace = self.reached(ws, min_version)?;
        let state = workspace.state.read();
        if workspace.is_retired() {
            drop(state);
            return self.contact(ws, who, min_version);
        }
        let find = |id| workspace.contact(&state, &self.shared.records, &self.shared.cache, id);
        let found = match super::lookup::row(&workspace, &state, &self.shared.records, &self.shared.cache, who)? {
            Some(id) => find(id)?,
            None => None,
        };
        let value = found.ok_or_else(|| absent(who))?;
        Ok(Written { value, version: state.head.seq })
    }
}
