//! What a workspace defines beside its contacts: custom fields, tags, channels, users, stages, segments.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::column::Column;
use super::{ChannelId, Contact, CustomFieldId, Millis, SegmentId, StageId, TagId, UserId, WorkspaceId};

/// The workspace's own settings.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    #[n(0)]
    pub id: WorkspaceId,
    #[n(1)]
    pub name: String,
    /// ISO 3166-1 alpha-2: how a phone number without `+` is read.
    #[n(2)]
    pub default_country: Option<String>,
    /// IANA time zone of calendar times where a request names none.
    #[n(3)]
    pub timezone: String,
    /// BCP 47 locale of the sort order of text.
    #[n(4)]
    pub locale: String,
    #[n(5)]
    pub created_at: Millis,
    /// Random at creation: tells derived files of this workspace from those of another with the same id.
    #[n(6)]
    pub incarnation: u64,
}

/// What a custom field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataType {
    #[n(0)]
    Text,
    #[n(1)]
    List,
    #[n(2)]
    Checkbox,
    #[n(3)]
    Email,
    #[n(4)]
    Number,
    #[n(5)]
    Url,
    #[n(6)]
    Date,
    #[n(7)]
    Time,
}

/// A custom field's definition. Slug and type are fixed once made.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomField {
    #[n(0)]
    pub id: CustomFieldId,
    /// `[A-Za-z0-9_]{1,50}`, unique ignoring case.
    #[n(1)]
    pub slug: String,
    #[n(2)]
    pub name: String,
    #[n(3)]
    pub description: Option<String>,
    #[n(4)]
    pub data_type: DataType,
    /// list fields: the closed choices in declared order; choices are only ever appended.
    #[n(5)]
    pub allowed_values: Vec<String>,
    /// Whether the search box looks here (text, email and url fields).
    #[n(6)]
    pub searchable: bool,
}

/// A tag. The name is unique in its workspace, ignoring case.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tag {
    #[n(0)]
    pub id: TagId,
    #[n(1)]
    pub name: String,
    #[n(2)]
    pub description: Option<String>,
    #[n(3)]
    pub emoji: Option<String>,
    #[n(4)]
    pub color: Option<String>,
}

/// A connected channel.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    #[n(0)]
    pub id: ChannelId,
    #[n(1)]
    pub name: String,
    /// `whatsapp`, `facebook`, `instagram`, `telegram`, `email`, `sms` …: lower case.
    #[n(2)]
    pub source: String,
}

/// What a user may do at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    #[n(0)]
    Owner,
    #[n(1)]
    Manager,
    #[n(2)]
    Agent,
}

/// A user of the workspace.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    #[n(0)]
    pub id: UserId,
    #[n(1)]
    pub first_name: String,
    #[n(2)]
    pub last_name: Option<String>,
    /// Unique in its workspace, ignoring case.
    #[n(3)]
    pub email: String,
    #[n(4)]
    pub role: Role,
    #[n(5)]
    pub team: Option<String>,
    #[n(6)]
    #[serde(default)]
    pub restrict_data_export: bool,
    #[n(7)]
    #[serde(default)]
    pub restrict_contact_deletion: bool,
    #[n(8)]
    #[serde(default)]
    pub show_only_mine: bool,
    #[n(9)]
    #[serde(default)]
    pub show_team_contacts: bool,
    /// What their table of contacts shows, as [`super::column`] reads it; the default columns where absent.
    #[n(10)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Column>>,
}

impl User {
    /// A user without a team, restrictions or columns of their own; whoever keeps them gives the id.
    pub fn new(first_name: impl Into<String>, email: impl Into<String>, role: Role) -> User {
        User {
            id: UserId(0),
            first_name: first_name.into(),
            last_name: None,
            email: email.into(),
            role,
            team: None,
            restrict_data_export: false,
            restrict_contact_deletion: false,
            show_only_mine: false,
            show_team_contacts: false,
            columns: None,
        }
    }
}

impl User {
    /// Whether they may see the contact. Restrictions bind agents only; the narrower one wins.
    pub fn sees(&self, contact: &Contact, catalog: &Catalog) -> bool {
        if self.role != Role::Agent {
            return true;
        }
        let Some(assignee) = contact.assignee else { return !self.show_only_mine && !self.show_team_contacts };
        if assignee == self.id {
            return true;
        }
        let team_of = |id| catalog.users.get(&id).and_then(|other| other.team.as_deref());
        match (self.show_only_mine, self.show_team_contacts) {
            (true, _) => false,
            (false, true) => self.team.is_some() && team_of(assignee) == self.team.as_deref(),
            (false, false) => true,
        }
    }

    /// First and last name, as shown and as sorted by.
    pub fn full_name(&self) -> String {
        match &self.last_name {
            Some(last) => format!("{} {last}", self.first_name),
            None => self.first_name.clone(),
        }
    }
}

/// A lifecycle stage.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    #[n(0)]
    pub id: StageId,
    /// Unique in its workspace, ignoring case.
    #[n(1)]
    pub name: String,
    /// Place in the workspace's order of stages; equal places are ordered by id.
    #[n(2)]
    pub position: u32,
}

/// A saved filter, kept as the JSON it was given.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    #[n(0)]
    pub id: SegmentId,
    /// Unique in its workspace, ignoring case.
    #[n(1)]
    pub name: String,
    /// The filter tree's JSON text.
    #[n(2)]
    pub filter: String,
    /// IANA zone the filter's calendar times are read in; the workspace's where absent.
    #[n(3)]
    pub timezone: Option<String>,
}

/// Everything a workspace defines, by id. Names are found through the lookups in `lookup.rs`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    pub workspace: Workspace,
    pub fields: BTreeMap<CustomFieldId, CustomField>,
    pub tags: BTreeMap<TagId, Tag>,
    pub channels: BTreeMap<ChannelId, Channel>,
    pub users: BTreeMap<UserId, User>,
    pub stages: BTreeMap<StageId, Stage>,
    pub segments: BTreeMap<SegmentId, Segment>,
    pub(super) names: super::lookup::Names,
}
