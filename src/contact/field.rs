//! The field table: every field a filter, a sort, a facet or a column can name.

use super::{Catalog, CustomField, CustomFieldId, DataType};

/// A field, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    Id,
    FirstName,
    LastName,
    /// First and last name joined; never stored.
    Name,
    Email,
    Phone,
    CountryCode,
    Language,
    Tags,
    Channels,
    /// The sources of the contact's channels, each once.
    Source,
    LastInteractedChannel,
    Assignee,
    Lifecycle,
    Status,
    ConversationOpenedAt,
    LastMessageAt,
    LastIncomingMessageAt,
    LastInteractionAt,
    CreatedAt,
    UpdatedAt,
    TimeSinceLastMessage,
    TimeSinceLastIncomingMessage,
    TimeSinceLastInteraction,
    Segment,
    Custom(CustomFieldId),
}

/// What a field holds, which decides its operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Text,
    Phone,
    Choice,
    Set,
    Number,
    Instant,
    Duration,
    Date,
    Time,
    Checkbox,
    Segment,
}

/// A row of the table of standard fields.
pub struct StandardField {
    pub field: Field,
    /// The name on the wire.
    pub name: &'static str,
    /// Other names accepted for it.
    pub aliases: &'static [&'static str],
    pub kind: Kind,
    pub sortable: bool,
    pub facetable: bool,
    /// The heading a person reads.
    pub label: &'static str,
}

macro_rules! standard {
    ($($field:ident $name:literal $aliases:expr, $kind:ident $sort:literal $facet:literal $label:literal;)*) => {
        /// Every standard field. One row makes a field filterable, and sortable or facetable where it says so.
        pub const STANDARD: &[StandardField] = &[$(StandardField {
            field: Field::$field, name: $name, aliases: $aliases, kind: Kind::$kind,
            sortable: !$sort.is_empty(), facetable: !$facet.is_empty(), label: $label,
        }),*];
    };
}

standard! {
    Id "id" &[], Number "sort" "" "ID";
    FirstName "firstName" &[], Text "sort" "" "First name";
    LastName "lastName" &[], Text "sort" "" "Last name";
    Name "name" &[], Text "sort" "" "Name";
    Email "email" &[], Text "sort" "" "Email";
    Phone "phone" &[], Phone "sort" "" "Phone";
    CountryCode "countryCode" &["country"], Choice "sort" "facet" "Country";
    Language "language" &[], Choice "sort" "facet" "Language";
    Tags "tags" &["contactTag"], Set "" "facet" "Tags";
    Channels "channels" &["channel"], Set "" "facet" "Channels";
    Source "source" &[], Set "" "facet" "Channel source";
    LastInteractedChannel "lastInteractedChannel" &[], Choice "sort" "facet" "Last interacted channel";
    Assignee "assignee" &["assigneeUserId"], Choice "sort" "facet" "Assignee";
    Lifecycle "lifecycle" &[], Choice "sort" "facet" "Lifecycle";
    Status "status" &[], Choice "sort" "facet" "Status";
    ConversationOpenedAt "conversationOpenedAt" &[], Instant "sort" "" "Conversation opened";
    LastMessageAt "lastMessageAt" &[], Instant "sort" "" "Last message";
    LastIncomingMessageAt "lastIncomingMessageAt" &[], Instant "sort" "" "Last incoming message";
    LastInteractionAt "lastInteractionAt" &[], Instant "sort" "" "Last interaction";
    CreatedAt "createdAt" &[], Instant "sort" "" "Date added";
    UpdatedAt "updatedAt" &[], Instant "sort" "" "Last updated";
    TimeSinceLastMessage "timeSinceLastMessage" &[], Duration "sort" "" "Time since last message";
    TimeSinceLastIncomingMessage "timeSinceLastIncomingMessage" &[], Duration "sort" "" "Time since last incoming message";
    TimeSinceLastInteraction "timeSinceLastInteraction" &[], Duration "sort" "" "Time since last interaction";
    Segment "segment" &[], Segment "" "" "Segment";
}

impl Field {
    /// The field of that wire name, alias or custom slug, ignoring case. Standard fields cannot be shadowed.
    pub fn named(name: &str, catalog: &Catalog) -> Option<Field> {
        let standard = STANDARD.iter().find(|row| {
            row.name.eq_ignore_ascii_case(name) || row.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        });
        standard.map(|row| row.field).or_else(|| catalog.field_with_slug(name).map(|custom| Field::Custom(custom.id)))
    }

    /// The row of a standard field; `None` for a custom one.
    pub fn standard(self) -> Option<&'static StandardField> {
        STANDARD.iter().find(|row| row.field == self)
    }

    /// The name on the wire: a standard name or a slug.
    pub fn name(self, catalog: &Catalog) -> &str {
        match self {
            Field::Custom(id) => catalog.fields.get(&id).map_or("?", |field| &field.slug),
            standard => standard.standard().map_or("?", |row| row.name),
        }
    }

    /// What the field holds.
    pub fn kind(self, catalog: &Catalog) -> Kind {
        match self {
            Field::Custom(id) => catalog.fields.get(&id).map_or(Kind::Text, CustomField::kind),
            standard => standard.standard().map_or(Kind::Text, |row| row.kind),
        }
    }

    /// Whether a sort may name it.
    pub fn is_sortable(self) -> bool {
        self.standard().is_none_or(|row| row.sortable)
    }

    /// Whether a facet may name it: the standard ones marked so, list and checkbox custom fields.
    pub fn is_facetable(self, catalog: &Catalog) -> bool {
        match self.standard() {
            Some(row) => row.facetable,
            None => matches!(self.kind(catalog), Kind::Choice | Kind::Checkbox),
        }
    }

    /// Every field of the workspace: the standard ones, then its custom ones.
    pub fn all(catalog: &Catalog) -> impl Iterator<Item = Field> + '_ {
        STANDARD.iter().map(|row| row.field).chain(catalog.fields.keys().map(|id| Field::Custom(*id)))
    }

    /// The instant a duration field counts from.
    pub fn counts_from(self) -> Option<Field> {
        match self {
            Field::TimeSinceLastMessage => Some(Field::LastMessageAt),
            Field::TimeSinceLastIncomingMessage => Some(Field::LastIncomingMessageAt),
            Field::TimeSinceLastInteraction => Some(Field::LastInteractionAt),
            _ => None,
        }
    }
}

impl CustomField {
    /// What the field holds, as filters see it.
    pub fn kind(&self) -> Kind {
        match self.data_type {
            DataType::Text | DataType::Email | DataType::Url => Kind::Text,
            DataType::List => Kind::Choice,
            DataType::Checkbox => Kind::Checkbox,
            DataType::Number => Kind::Number,
            DataType::Date => Kind::Date,
            DataType::Time => Kind::Time,
        }
    }
}
