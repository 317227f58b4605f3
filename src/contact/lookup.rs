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
            /// Adds the item or replaces the one with its id. Names are unique: the caller has asked for the name's
            /// holder. Where two hold one name all the same, the first to take it is found by it, then the other.
            pub fn $put(&mut self, item: $item) {
                self.$remove(item.id);
                self.names.$map.entry(fold::compare(&item.$name)).or_insert(item.id);
                self.$map.insert(item.id, item);
            }

            /// Takes the item out, if it is there.
            pub fn $remove(&mut self, id: $id) -> Option<$item> {
                let item = self.$map.remove(&id)?;
                let name = fold::compared(&item.$name);
                if self.names.$map.get(&*name) == Some(&id) {
                    // Only a name that was given twice has an heir; the walk is as rare as removing is.
                    match self.$map.values().find(|other| fold::compared(&other.$name) == name) {
                        Some(heir) => self.names.$map.insert(name.into_owned(), heir.id),
                        None => self.names.$map.remove(&*name),
                    };
                }
                Some(item)
            }

            /// The item of that name, ignoring case.
            pub fn $named(&self, name: &str) -> Option<&$item> {
                self.$map.get(self.names.$map.get(&*fold::compared(name))?)
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
        let ids = self.names.channels.entry(fold::compare(&channel.source)).or_default();
        let place = ids.partition_point(|other| *other < channel.id);
        ids.insert(place, channel.id);
        self.channels.insert(channel.id, channel);
    }

    /// Takes the channel out, if it is there.
    pub fn remove_channel(&mut self, id: ChannelId) -> Option<Channel> {
        let channel = self.channels.remove(&id)?;
        let source = fold::compared(&channel.source);
        if let Some(ids) = self.names.channels.get_mut(&*source) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.names.channels.remove(&*source);
            }
        }
        Some(channel)
    }

    /// The ids of the channels of that source (`whatsapp` …), ignoring case, ascending.
    pub fn channels_of_source(&self, source: &str) -> &[ChannelId] {
        self.names.channels.get(&*fold::compared(source)).map_or(&[], Vec::as_slice)
    }

    /// The stages in the workspace's order.
    pub fn stages_in_order(&self) -> Vec<&Stage> {
        let mut stages: Vec<&Stage> = self.stages.values().collect();
        stages.sort_by_key(|stage| (stage.position, stage.id));
        stages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(id: u32, name: &str) -> Tag {
        Tag { id: TagId(id), name: name.into(), description: None, emoji: None, color: None }
    }

    fn found(catalog: &Catalog, name: &str) -> Option<u32> {
        catalog.tag_named(name).map(|tag| tag.id.0)
    }

    #[test]
    fn names_are_found_ignoring_case_and_composition() {
        let mut catalog = Catalog::default();
        catalog.put_tag(tag(1, "Größe"));
        assert_eq!(found(&catalog, "GRO\u{308}SSE"), Some(1));
        assert_eq!(found(&catalog, "Grosse"), None);
        catalog.put_tag(tag(1, "size"));
        assert_eq!((found(&catalog, "größe"), found(&catalog, "SIZE")), (None, Some(1)));
        assert_eq!(catalog.remove_tag(TagId(1)).map(|tag| tag.name).as_deref(), Some("size"));
        assert!(catalog.remove_tag(TagId(1)).is_none());
        assert!(catalog == Catalog::default());
    }

    #[test]
    fn a_name_held_twice_is_lost_by_neither() {
        let mut catalog = Catalog::default();
        catalog.put_tag(tag(1, "vip"));
        catalog.put_tag(tag(2, "other"));
        catalog.put_tag(tag(2, "VIP"));
        assert_eq!((found(&catalog, "vip"), found(&catalog, "other")), (Some(1), None));
        catalog.put_tag(tag(1, "first"));
        assert_eq!((found(&catalog, "vip"), found(&catalog, "first")), (Some(2), Some(1)));
        catalog.put_tag(tag(1, "vip"));
        catalog.remove_tag(TagId(1));
        assert_eq!(found(&catalog, "vip"), Some(2));
        catalog.remove_tag(TagId(2));
        assert!(catalog == Catalog::default());
    }

    #[test]
    fn channels_are_found_by_source() {
        let mut catalog = Catalog::default();
        for (id, source) in [(2, "whatsapp"), (1, "WhatsApp"), (3, "email")] {
            catalog.put_channel(Channel { id: ChannelId(id), name: "x".into(), source: source.into() });
        }
        assert_eq!(catalog.channels_of_source("WHATSAPP"), [ChannelId(1), ChannelId(2)]);
        catalog.put_channel(Channel { id: ChannelId(2), name: "x".into(), source: "email".into() });
        assert_eq!(catalog.channels_of_source("whatsapp"), [ChannelId(1)]);
        assert_eq!(catalog.channels_of_source("email"), [ChannelId(2), ChannelId(3)]);
        assert!(catalog.channels_of_source("sms").is_empty());
    }
}
