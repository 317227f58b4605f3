//! What a draft says about things the workspace defines: tags, channels, users and stages, by name or by id.

use serde_json::{Map, Value as Json};

use super::Reader;
use super::values::{NAME_MAX, Wrong, text, unwrapped, wrong_type};
use crate::contact::{Channel, ChannelId, ChannelLink, Millis, Mistake, StageId, TagId, UserId, fold, suggest};

/// Tags of one contact.
const TAGS_MAX: usize = 1_000;
/// Channels of one contact.
const CHANNELS_MAX: usize = 100;
/// Characters of a contact's address on a channel.
const ADDRESS_MAX: usize = 320;

impl Reader<'_> {
    /// A list of tag names, or the names with commas or semicolons between them. Names that no tag has go to
    /// `unknown_tags`, each once.
    pub(super) fn tags(&mut self, path: &str, value: &Json) -> Option<Vec<TagId>> {
        let mut known = Vec::new();
        for (path, item) in self.items(path, value, TAGS_MAX)? {
            let name = match &item {
                Json::Object(tag) => text(tag.get("name").unwrap_or(&Json::Null), NAME_MAX),
                other => text(other, NAME_MAX),
            };
            let Some(name) = self.noted(&path, name).flatten() else { continue };
            match self.catalog.tag_named(&name) {
                Some(tag) => known.push(tag.id),
                None => {
                    let folded = fold::compare(&name);
                    if !self.unknown_tags.iter().any(|other| fold::compared(other) == folded) {
                        self.unknown_tags.push(name);
                    }
                }
            }
        }
        Some(known)
    }

    /// A list of channels: objects as they are rendered, or ids and names.
    pub(super) fn channels(&mut self, path: &str, value: &Json) -> Option<Vec<ChannelLink>> {
        let mut links = Vec::new();
        for (path, item) in self.items(path, value, CHANNELS_MAX)? {
            let link = match &item {
                Json::Object(members) => self.channel_link(&path, members),
                other => {
                    let found = self.channel(other);
                    self.noted(&path, found).flatten().map(|channel| self.link_to(channel))
                }
            };
            links.extend(link);
        }
        Some(links)
    }

    fn link_to(&self, channel: ChannelId) -> ChannelLink {
        ChannelLink { channel, address: None, connected_at: self.now, last_message_at: None, last_incoming_at: None }
    }

    fn channel_link(&mut self, path: &str, members: &Map<String, Json>) -> Option<ChannelLink> {
        const MEMBERS: [&str; 7] =
            ["id", "source", "name", "address", "connectedAt", "lastMessageAt", "lastIncomingMessageAt"];
        for name in members.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
            let nearest = suggest::did_you_mean(name, MEMBERS.into_iter());
            let message = format!("A channel has no such member: use {}.{nearest}", MEMBERS.join(", "));
            self.mistakes.push(Mistake::new(format!("{path}.{}", super::shown(name)), "unknown_field", message));
        }
        let found = self.channel_of(members);
        let mut link = self.noted(path, found).map(|channel| self.link_to(channel));
        let address = text(members.get("address").unwrap_or(&Json::Null), ADDRESS_MAX);
        let address = self.noted(&format!("{path}.address"), address).flatten();
        let mut instant = |name: &str| -> Option<Millis> {
            let read = self.instant(members.get(name)?);
            self.noted(&format!("{path}.{name}"), read).flatten()
        };
        let times = (instant("connectedAt"), instant("lastMessageAt"), instant("lastIncomingMessageAt"));
        if let Some(link) = &mut link {
            link.address = address;
            link.connected_at = times.0.unwrap_or(link.connected_at);
            (link.last_message_at, link.last_incoming_at) = (times.1, times.2);
        }
        link
    }

    /// The channel an object means. Name and source decide where the id has others here: in a workspace that the contact
    /// was moved to, ids differ and names do not.
    fn channel_of(&self, members: &Map<String, Json>) -> Result<ChannelId, Wrong> {
        let by_id = members.get("id").filter(|id| !id.is_null()).map(|id| self.channel(id));
        let name = members.get("name").and_then(Json::as_str).map(fold::compared);
        let source = members.get("source").and_then(Json::as_str);
        let is = |channel: &Channel, name: &str| {
            fold::compared(&channel.name) == name
                && source.is_none_or(|source| fold::compared(source) == fold::compared(&channel.source))
        };
        match (&by_id, name) {
            (Some(Ok(Some(id))), Some(name))
                if self.catalog.channels.get(id).is_some_and(|channel| is(channel, &name)) =>
            {
                Ok(*id)
            }
            (_, Some(name)) => {
                let named = self.channel_named(&name, source);
                match (named, by_id) {
                    (Ok(id), _) | (Err(_), Some(Ok(Some(id)))) => Ok(id),
                    (Err(wrong), _) => Err(wrong),
                }
            }
            (_, None) => by_id
                .transpose()?
                .flatten()
                .ok_or_else(|| ("unknown_channel", "The channel has neither id nor name: use one of them.".into())),
        }
    }

    /// A channel by id or name.
    pub(super) fn channel(&self, value: &Json) -> Result<Option<ChannelId>, Wrong> {
        let name = match value {
            Json::Number(number) => Some(number.to_string()),
            Json::Object(members) => return self.channel_of(members).map(Some),
            other => {
                text(other, NAME_MAX).map_err(|_| wrong_type(other, "a channel's id or name, or null for none"))?
            }
        };
        let Some(name) = name else { return Ok(None) };
        let by_id = name.parse().ok().map(ChannelId).filter(|id| self.catalog.channels.contains_key(id));
        by_id.map_or_else(|| self.channel_named(&fold::compared(&name), None), Ok).map(Some)
    }

    /// The one channel of that folded name, and of that source where one is given.
    fn channel_named(&self, name: &str, source: Option<&str>) -> Result<ChannelId, Wrong> {
        let mut found = self.catalog.channels.values().filter(|channel| {
            fold::compared(&channel.name) == name
                && source.is_none_or(|source| fold::compared(source) == fold::compared(&channel.source))
        });
        match (found.next(), found.next()) {
            (Some(channel), None) => Ok(channel.id),
            (Some(_), Some(_)) => {
                Err(("unknown_channel", "Several channels have this name: use the channel's id.".into()))
            }
            (None, _) => {
                let names = self.catalog.channels.values().map(|channel| channel.name.as_str());
                let nearest = suggest::did_you_mean(name, names);
                Err(("unknown_channel", format!("There is no such channel: use a channel's id or name.{nearest}")))
            }
        }
    }

    /// A user by id, by e-mail, or as an object of both, where the e-mail decides.
    pub(super) fn user(&self, value: &Json) -> Result<Option<UserId>, Wrong> {
        let value = unwrapped(value);
        let named = match &*value {
            Json::Number(number) => Some(number.to_string()),
            Json::Object(user) => {
                let id =
                    user.get("id").and_then(|id| id.as_u64().map(|id| id.to_string()).or(id.as_str().map(Into::into)));
                let email = user.get("email").and_then(Json::as_str);
                let by_email = email.and_then(|email| self.catalog.user_with_email(email.trim()));
                match by_email {
                    Some(user) => return Ok(Some(user.id)),
                    None => Some(id.or(email.map(Into::into)).unwrap_or_default()),
                }
            }
            other => text(other, NAME_MAX).map_err(|_| wrong_type(other, "a user's id or e-mail, or null for none"))?,
        };
        let Some(named) = named else { return Ok(None) };
        let by_id = || named.parse().ok().map(UserId).filter(|id| self.catalog.users.contains_key(id));
        let found = self.catalog.user_with_email(&named).map(|user| user.id).or_else(by_id);
        found.map(Some).ok_or_else(|| {
            let emails = self.catalog.users.values().map(|user| user.email.as_str());
            let nearest = suggest::did_you_mean(&named, emails);
            ("unknown_user", format!("There is no such user: use a user's id or e-mail.{nearest}"))
        })
    }

    /// A stage by name, or by id.
    pub(super) fn stage(&self, value: &Json) -> Result<Option<StageId>, Wrong> {
        let name = match value {
            Json::Number(number) => Some(number.to_string()),
            other => text(other, NAME_MAX)?,
        };
        let Some(name) = name else { return Ok(None) };
        let by_id = || name.parse().ok().map(StageId).filter(|id| self.catalog.stages.contains_key(id));
        let found = self.catalog.stage_named(&name).map(|stage| stage.id).or_else(by_id);
        found.map(Some).ok_or_else(|| {
            let names: Vec<&str> = self.catalog.stages_in_order().iter().map(|stage| stage.name.as_str()).collect();
            if names.is_empty() {
                return ("unknown_stage", "The workspace has no lifecycle stages: make them first.".to_owned());
            }
            let nearest = suggest::did_you_mean(&name, names.iter().copied());
            ("unknown_stage", format!("There is no such lifecycle stage: use one of {}.{nearest}", names.join(", ")))
        })
    }

    /// The items of a list, each with its path. Text is split at commas and semicolons; `null` is the empty list.
    fn items(&mut self, path: &str, value: &Json, max: usize) -> Option<Vec<(String, Json)>> {
        let items: Vec<Json> = match unwrapped(value).into_owned() {
            Json::Null => Vec::new(),
            Json::Array(items) => items,
            Json::String(text) => text.split([',', ';']).map(|item| Json::from(item.trim())).collect(),
            other => return self.noted(path, Err(wrong_type(&other, "a list, or null for none"))),
        };
        if items.len() > max {
            return self
                .noted(path, Err(("too_many", format!("There are {} of them: use at most {max}.", items.len()))));
        }
        let empty = |item: &Json| item.is_null() || item.as_str().is_some_and(|text| text.trim().is_empty());
        let with_path = items.into_iter().enumerate().filter(|(_, item)| !empty(item));
        Some(with_path.map(|(place, item)| (format!("{path}[{place}]"), item)).collect())
    }
}
