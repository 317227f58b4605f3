//! What a workspace defines, apart from any workspace: to give a new one the same fields, tags, channels, users and stages.

use serde::{Deserialize, Serialize};

use super::{Engine, Error, NewField};
use crate::contact::{
    Catalog, Channel, ChannelId, CustomField, CustomFieldId, Stage, StageId, Tag, TagId, User, UserId, Workspace,
    WorkspaceId,
};

/// Fields, tags, channels, users and stages, each list in the order of its ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Definition {
    pub fields: Vec<CustomField>,
    pub tags: Vec<Tag>,
    pub channels: Vec<Channel>,
    pub users: Vec<User>,
    pub stages: Vec<Stage>,
}

impl Definition {
    /// What the catalog's workspace defines. Segments are no part of it: a filter may name contacts by id.
    pub fn of(catalog: &Catalog) -> Definition {
        Definition {
            fields: catalog.fields.values().cloned().collect(),
            tags: catalog.tags.values().cloned().collect(),
            channels: catalog.channels.values().cloned().collect(),
            users: catalog.users.values().cloned().collect(),
            stages: catalog.stages.values().cloned().collect(),
        }
    }

    /// A catalog that defines this and nothing else, with ids 1, 2, 3 … in order.
    pub fn catalog(&self, workspace: Workspace) -> Catalog {
        let mut catalog = Catalog::default();
        catalog.workspace = workspace;
        for (id, field) in (1..).zip(&self.fields) {
            catalog.put_field(CustomField { id: CustomFieldId(id), ..field.clone() });
        }
        for (id, tag) in (1..).zip(&self.tags) {
            catalog.put_tag(Tag { id: TagId(id), ..tag.clone() });
        }
        for (id, channel) in (1..).zip(&self.channels) {
            catalog.put_channel(Channel { id: ChannelId(id), ..channel.clone() });
        }
        for (id, user) in (1..).zip(&self.users) {
            catalog.put_user(User { id: UserId(id), ..user.clone() });
        }
        for (id, stage) in (1..).zip(&self.stages) {
            catalog.put_stage(Stage { id: StageId(id), ..stage.clone() });
        }
        catalog
    }

    /// Defines in the workspace whatever of this it lacks by name, in order. What is there already stays as it is.
    ///
    /// # Errors
    /// Those of the engine's `create_field` and `put_…`; what was made before the error stays.
    pub fn apply(&self, engine: &Engine, ws: WorkspaceId) -> Result<(), Error> {
        let has = engine.catalog(ws)?;
        for field in self.fields.iter().filter(|field| has.field_with_slug(&field.slug).is_none()) {
            engine.create_field(ws, NewField::from(field))?;
        }
        for tag in self.tags.iter().filter(|tag| has.tag_named(&tag.name).is_none()) {
            engine.put_tag(ws, Tag { id: TagId(0), ..tag.clone() })?;
        }
        for channel in &self.channels {
            if !has.channels.values().any(|other| other.name == channel.name && other.source == channel.source) {
                engine.put_channel(ws, Channel { id: ChannelId(0), ..channel.clone() })?;
            }
        }
        for user in self.users.iter().filter(|user| has.user_with_email(&user.email).is_none()) {
            engine.put_user(ws, User { id: UserId(0), ..user.clone() })?;
        }
        for stage in self.stages.iter().filter(|stage| has.stage_named(&stage.name).is_none()) {
            engine.put_stage(ws, Stage { id: StageId(0), ..stage.clone() })?;
        }
        Ok(())
    }
}

impl From<&CustomField> for NewField {
    fn from(field: &CustomField) -> NewField {
        NewField {
            name: field.name.clone(),
            slug: Some(field.slug.clone()),
            description: field.description.clone(),
            data_type: field.data_type,
            allowed_values: field.allowed_values.clone(),
            searchable: field.searchable,
        }
    }
}
