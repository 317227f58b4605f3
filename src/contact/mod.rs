//! The vocabulary everything else speaks: what a contact is, what a workspace defines, what a caller may say. No I/O.

mod catalog;
pub mod codes;
pub mod column;
pub mod draft;
mod field;
pub mod fold;
mod id;
pub mod identity;
mod interaction;
mod job;
mod lookup;
pub mod merge;
pub mod mistake;
mod numbering;
pub mod phone;
mod record;
pub mod render;
pub mod suggest;
pub mod time;
mod value;

pub use catalog::{Catalog, Channel, CustomField, DataType, Role, Segment, Stage, Tag, User, Workspace};
pub use draft::Draft;
pub use field::{Field, Kind, STANDARD, StandardField};
pub use id::{
    ChannelId, ContactId, CustomFieldId, JobId, SegmentId, Seq, StageId, TagId, TokenId, UserId, WorkspaceId,
};
pub use interaction::{Interaction, InteractionKind};
pub use job::{Counts, Done, Job, JobKind, JobState, Note, Part, PartKind, Undo};
pub use merge::{Merge, Merged};
pub use mistake::Mistake;
pub use record::Contact;
pub use value::{Alpha2, ChannelLink, Conversation, Phone, Status, Value};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;
