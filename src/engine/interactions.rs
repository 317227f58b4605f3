//! Recording what happens with a contact, and the time fields it moves.

use std::sync::Arc;

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
        self.record_read(actor, who, |_, _| Ok(interaction))
    }

    /// As [`Engine::record`]; the interaction is read where it is recorded, from what the workspace defines and the time of
    /// that moment. A repeat under an idempotency key reads nothing anew.
    ///
    /// # Errors
    /// As [`Engine::record`], and those of `read`.
    pub fn record_read(
        &self,
        actor: &Actor,
        who: &Identifier,
        read: impl FnOnce(&Catalog, Millis) -> Result<Interaction> + Send + 'static,
    ) -> Result<Written<Recorded>> {
        let who = who.clone();
        self.committer.write_as(actor, move |txn| {
            let before = txn.named(&who)?;
            let interaction = read(txn.catalog(), txn.now)?;
            record(txn, before, interaction)
        })
    }

    /// A contact's history, newest first; `before` is the `(at, number)` of the last one seen.
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
        let contact = self.contact(ws, who, None)?;
        let (id, version) = (contact.value.id, contact.version.0);
        let (mut entries, mut before) = (Vec::new(), before);
        loop {
            let page = self.shared.records.interactions(ws, id, before, limit - entries.len())?;
            let Some((number, last)) = page.last() else { return Ok(entries) };
            before = Some((last.at, *number));
            // The store may be a batch ahead of what is acknowledged.
            entries.extend(page.into_iter().filter(|(number, _)| *number <= version));
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
    apply(&mut contact, &interaction);
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

/// Moves the time fields, never backwards.
fn apply(contact: &mut Contact, interaction: &Interaction) {
    let at = interaction.at;
    forward(&mut contact.last_interaction_at, at);
    let incoming = interaction.kind == InteractionKind::IncomingMessage;
    if !incoming && interaction.kind != InteractionKind::OutgoingMessage {
        return;
    }
    let newest = forward(&mut contact.last_message_at, at);
    if incoming {
        forward(&mut contact.last_incoming_message_at, at);
    }
    if let Some(channel) = interaction.channel {
        if newest {
            contact.last_interacted_channel = Some(channel);
        }
        on_channel(contact, channel, at, incoming);
    }
    // A late message does not open what was closed after it.
    let reopens = contact.conversation != Conversation::Open && newest;
    if reopens {
        contact.conversation = Conversation::Open;
        contact.snoozed_until = None;
        forward(&mut contact.conversation_opened_at, at);
    }
}

fn on_channel(contact: &mut Contact, channel: ChannelId, at: Millis, incoming: bool) {
    let link = match contact.channels.iter_mut().position(|link| link.channel == channel) {
        Some(at) => &mut contact.channels[at],
        None => {
            let link =
                ChannelLink { channel, address: None, connected_at: at, last_message_at: None, last_incoming_at: None };
            let place = contact.channels.partition_point(|other| other.connected_at <= at);
            contact.channels.insert(place, link);
            &mut contact.channels[place]
        }
    };
    forward(&mut link.last_message_at, at);
    if incoming {
        forward(&mut link.last_incoming_at, at);
    }
}

/// Sets the time if it is newer; whether it is the newest now.
fn forward(time: &mut Option<Millis>, at: Millis) -> bool {
    let newest = time.is_none_or(|time| at >= time);
    if newest {
        *time = Some(at);
    }
    newest
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
