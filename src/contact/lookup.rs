//! Finding what a workspace defines by name, ignoring case.

use std::collections::HashMap;

use super::{
    Catalog, Channel, ChannelId, CustomField, CustomFieldId, Segment, SegmentId, Stage, StageId, Tag, TagId, User,
    UserId, fold,
};

/// Folded name → id, one map per kind of thing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    fields: HashMap<String, CustomFieldId>,
    tags: HashMap<String, TagId>,
    channels: HashMap<String, Vec<ChannelId>>,
    users: HashMap<String, UserId>,
    stages: HashMap<String, StageId>,
    segments: HashMap<String, SegmentId>,
}

/// One `put_*`, `remove_*` and `*_named` per kind: the map by id and the map by name change together.
macro_rules! kinds {
    ($($put:ident $remove:ident $named:ident: $map:ident, $id:ty, $item:ty, $name:ident;)*) => {
        impl Catalog {$(
            /// Adds the item or replaces the one with its id.
            pub fn $put(&mut self, item: $item) {
                self.$remove(item.id);
                self.names.$map.insert(fold::compare(&item.$name), item.id);
                self.$map.insert(item.id, item);
            }

            /// Takes the item out, if it is there.
            pub fn $remove(&mut self, id: $id) -> Option<$item> {
                let item = self.$map.remove(&id)?;
                self.names.$map.remove(&fold::compare(&item.$name));
                Some(item)
            }

            /// The item of that name, ignoring case.
            pub fn $named(&self, name: &str) -> Option<&$item> {
                self.$map.get(self.names.$map.get(&fold::compare(name))?)
            }
        )*}
    };
}

kinds! {
    put_field remove_field field_with_slug: fields, CustomFieldId, CustomField, slug;
    put_tag remove_tag tag_named: tags, TagId, Tag, name;
    put_user remove_user user_with_email: users, UserId, User, email;
    put_stage remove_stage stage_named: stages, StageId, Stage, name;
    put_segment remove_segment segment_named: segments, SegmentId, Segment, name;
}

impl Catalog {
    /// Adds the channel or replaces the one with its id.
    pub fn put_channel(&mut self, channel: Channel) {
        self.remove_channel(channel.id);
        self.names.channels.entry(channel.source.clone()).or_default().push(channel.id);
        self.channels.insert(channel.id, channel);
    }

    /// Takes the channel out, if it is there.
    pub fn remove_channel(&mut self, id: ChannelId) -> Option<Channel> {
        let channel = self.channels.remove(&id)?;
        if let Some(ids) = self.names.channels.get_mut(&channel.source) {
            ids.retain(|other| *other != id);
        }
        Some(channel)
    }

    /// The ids of the channels of that source (`whatsapp` …), ignoring case.
    pub fn channels_of_source(&self, source: &str) -> &[ChannelId] {
        self.names.channels.get(&source.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The stages in the workspace's order.
    pub fn stages_in_order(&self) -> Vec<&Stage> {
        let mut stages: Vec<&Stage> = self.stages.values().collect();
        stages.sort_by_key(|stage| (stage.position, stage.id));
        stages
    }
}
