//! A batch of typed writes on its way to the store.

use minicbor::{Decode, Encode};

use super::{Alarm, AlarmSet, Batch, Change, Head, Subject, TokenRecord, codec, keys};
use crate::contact::{
    Channel, Contact, ContactId, CustomField, Interaction, Millis, Segment, Seq, Stage, Tag, User, Workspace,
    WorkspaceId, identity::IdentityKey,
};

/// The most changes kept in one value: they stay below the size a store keeps in one piece.
const RUN_MAX: usize = 400;

/// Consecutive changes, as stored: the number of the first, and what each was about.
#[derive(Encode, Decode)]
pub(super) struct Run {
    #[n(0)]
    pub first: Seq,
    #[n(1)]
    pub subjects: Vec<Subject>,
}

/// Typed writes; [`super::Records::commit`] applies them in one atomic batch. A later write of a thing wins.
#[derive(Default)]
pub struct Writes {
    batch: Batch,
}

impl Writes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Bytes of keys and values gathered so far: what the batch will add to the store's log.
    pub fn bytes(&self) -> usize {
        self.batch.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum()
    }

    /// Adds what another holds; its writes win over those already here.
    pub fn append(&mut self, mut later: Writes) {
        self.batch.append(&mut later.batch);
    }

    pub(super) fn into_batch(self) -> Batch {
        self.batch
    }

    pub(super) fn put<T: Encode<()>>(&mut self, key: Vec<u8>, value: &T) {
        let bytes = codec::encode(&key, value);
        self.batch.push((key, Some(bytes)));
    }

    pub(super) fn raw(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.batch.push((key, value));
    }

    pub(super) fn delete(&mut self, key: Vec<u8>) {
        self.batch.push((key, None));
    }

    /// Writes the workspace's settings.
    pub fn put_workspace(&mut self, workspace: &Workspace) {
        self.put(keys::workspace(workspace.id), workspace);
    }

    /// Writes the workspace's counters.
    pub fn put_head(&mut self, ws: WorkspaceId, head: &Head) {
        self.put(keys::head(ws), head);
    }

    /// Writes the contact and moves the keys of what was merged into it from what `old` had to what `new` has. Returns the digest of
    /// `new`, for [`Head::digest`]; that of `old` is [`super::Records::digest`].
    pub fn put_contact(&mut self, ws: WorkspaceId, old: Option<&Contact>, new: &Contact) -> u64 {
        self.move_merged(ws, old, new);
        self.move_snooze(ws, new.id, old.and_then(Contact::snooze_end), new.snooze_end());
        let key = keys::contact(ws, new.id);
        let bytes = codec::encode(&key, new);
        let digest = codec::digest(&key, &bytes);
        self.batch.push((key, Some(bytes)));
        digest
    }

    /// A contact's own e-mail and phone are found by the index, those of the contacts merged into it by these keys.
    fn move_merged(&mut self, ws: WorkspaceId, old: Option<&Contact>, new: &Contact) {
        if old.and_then(|old| old.merged.as_ref()) == new.merged.as_ref() {
            return;
        }
        let before: Vec<IdentityKey> = old.into_iter().flat_map(IdentityKey::merged).collect();
        let now: Vec<IdentityKey> = IdentityKey::merged(new).collect();
        for held in before.iter().filter(|held| !now.contains(held)) {
            self.delete(keys::holder(ws, held, new.id));
        }
        for held in now.iter().filter(|held| !before.contains(held)) {
            self.put(keys::holder(ws, held, new.id), &());
        }
    }

    /// Keys of the contact's own e-mail and phone, as format 1 had them.
    #[cfg(test)]
    pub(crate) fn put_keys_of_format_1(&mut self, ws: WorkspaceId, contact: &Contact) {
        IdentityKey::of(contact).for_each(|held| self.put(keys::holder(ws, &held, contact.id), &()));
    }

    fn move_snooze(&mut self, ws: WorkspaceId, contact: ContactId, old: Option<Millis>, new: Option<Millis>) {
        if old == new {
            return;
        }
        if let Some(until) = old {
            self.delete(keys::alarm(ws, until, Alarm::Snooze(contact)));
        }
        if let Some(until) = new {
            self.put(keys::alarm(ws, until, Alarm::Snooze(contact)), &AlarmSet::default());
        }
    }

    /// Removes the contact, the keys of what was merged into it, and its snooze. Its history goes by [`Writes::delete_interaction`].
    pub fn delete_contact(&mut self, ws: WorkspaceId, old: &Contact) {
        for held in IdentityKey::merged(old) {
            self.delete(keys::holder(ws, &held, old.id));
        }
        self.move_snooze(ws, old.id, old.snooze_end(), None);
        self.delete(keys::contact(ws, old.id));
    }

    /// Writes an entry of the contact's history. `(interaction.at, number)` names it; numbers are the caller's.
    pub fn put_interaction(&mut self, ws: WorkspaceId, contact: ContactId, number: u64, interaction: &Interaction) {
        self.put(keys::interaction(ws, contact, interaction.at, number), interaction);
    }

    /// Removes an entry of the contact's history.
    pub fn delete_interaction(&mut self, ws: WorkspaceId, contact: ContactId, number: u64, at: i64) {
        self.delete(keys::interaction(ws, contact, at, number));
    }

    /// Appends to the change log: few values for the changes of one batch, which must be numbered consecutively.
    pub fn put_changes(&mut self, ws: WorkspaceId, changes: &[Change]) {
        debug_assert!(changes.windows(2).all(|pair| pair[0].seq.0 + 1 == pair[1].seq.0), "changes are consecutive");
        for run in changes.chunks(RUN_MAX) {
            if let (Some(first), Some(last)) = (run.first(), run.last()) {
                let subjects = run.iter().map(|change| change.subject).collect();
                self.put(keys::changes(ws, last.seq), &Run { first: first.seq, subjects });
            }
        }
    }

    /// Writes a custom field's definition.
    pub fn put_field(&mut self, ws: WorkspaceId, field: &CustomField) {
        self.put_item(ws, Subject::Field(field.id), field);
    }

    /// Writes a tag.
    pub fn put_tag(&mut self, ws: WorkspaceId, tag: &Tag) {
        self.put_item(ws, Subject::Tag(tag.id), tag);
    }

    /// Writes a channel.
    pub fn put_channel(&mut self, ws: WorkspaceId, channel: &Channel) {
        self.put_item(ws, Subject::Channel(channel.id), channel);
    }

    /// Writes a user.
    pub fn put_user(&mut self, ws: WorkspaceId, user: &User) {
        self.put_item(ws, Subject::User(user.id), user);
    }

    /// Writes a lifecycle stage.
    pub fn put_stage(&mut self, ws: WorkspaceId, stage: &Stage) {
        self.put_item(ws, Subject::Stage(stage.id), stage);
    }

    /// Writes a saved filter.
    pub fn put_segment(&mut self, ws: WorkspaceId, segment: &Segment) {
        self.put_item(ws, Subject::Segment(segment.id), segment);
    }

    fn put_item<T: Encode<()>>(&mut self, ws: WorkspaceId, subject: Subject, item: &T) {
        if let Some(key) = keys::item(ws, subject) {
            self.put(key, item);
        }
    }

    /// Removes an item of the catalog (field, tag, channel, user, stage or segment); of another subject, nothing.
    pub fn delete_item(&mut self, ws: WorkspaceId, subject: Subject) {
        if let Some(key) = keys::item(ws, subject) {
            self.delete(key);
        }
    }

    /// Writes a token.
    pub fn put_token(&mut self, token: &TokenRecord) {
        self.put(keys::token(token.id), token);
    }

    /// Removes a token, as when its workspace is deleted.
    pub fn delete_token(&mut self, id: crate::contact::TokenId) {
        self.delete(keys::token(id));
    }
}
