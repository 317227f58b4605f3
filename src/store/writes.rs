//! A batch of typed writes on its way to the store.

use super::{Batch, Change, Head, TokenRecord};
use crate::contact::{
    Channel, Contact, ContactId, CustomField, Interaction, Segment, Stage, Tag, User, Workspace, WorkspaceId,
};

/// Typed writes; [`super::Records::commit`] applies them in one atomic batch. A later write of a thing wins.
#[derive(Default)]
pub struct Writes {
    batch: Batch,
}

#[allow(unused_variables)] // owner: store
impl Writes {
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    pub fn put_workspace(&mut self, workspace: &Workspace) {
        todo!()
    }

    pub fn put_head(&mut self, ws: WorkspaceId, head: &Head) {
        todo!()
    }

    /// Writes the contact and moves its identity keys from what `old` held to what `new` holds.
    pub fn put_contact(&mut self, ws: WorkspaceId, old: Option<&Contact>, new: &Contact) {
        todo!()
    }

    /// Removes the contact and its identity keys. Its history goes by [`Writes::delete_interaction`].
    pub fn delete_contact(&mut self, ws: WorkspaceId, old: &Contact) {
        todo!()
    }

    pub fn put_interaction(&mut self, ws: WorkspaceId, contact: ContactId, number: u64, interaction: &Interaction) {
        todo!()
    }

    pub fn delete_interaction(&mut self, ws: WorkspaceId, contact: ContactId, number: u64, at: i64) {
        todo!()
    }

    /// Appends to the change log: one value for the consecutive changes of one batch.
    pub fn put_changes(&mut self, ws: WorkspaceId, changes: &[Change]) {
        todo!()
    }

    pub fn put_field(&mut self, ws: WorkspaceId, field: &CustomField) {
        todo!()
    }
    pub fn put_tag(&mut self, ws: WorkspaceId, tag: &Tag) {
        todo!()
    }
    pub fn put_channel(&mut self, ws: WorkspaceId, channel: &Channel) {
        todo!()
    }
    pub fn put_user(&mut self, ws: WorkspaceId, user: &User) {
        todo!()
    }
    pub fn put_stage(&mut self, ws: WorkspaceId, stage: &Stage) {
        todo!()
    }
    pub fn put_segment(&mut self, ws: WorkspaceId, segment: &Segment) {
        todo!()
    }
    /// Removes an item of the catalog (field, tag, channel, user, stage or segment).
    pub fn delete_item(&mut self, ws: WorkspaceId, subject: super::Subject) {
        todo!()
    }
    pub fn put_token(&mut self, token: &TokenRecord) {
        todo!()
    }
}
