//! What can happen to a workspace, and what comes of it.

use serde_json::Value as Json;

/// Members of a contact as a caller sends them.
pub type Fields = Vec<(String, Json)>;

/// One action, perhaps under an idempotency key, perhaps sent twice at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub action: Action,
    /// Only actions that can be refused or done, and only those the engine takes a key for.
    pub key: Option<u64>,
    pub twice: bool,
}

/// How a contact is named.
#[derive(Clone, Debug, PartialEq)]
pub enum Who {
    Id(u32),
    Email(String),
    Phone(String),
}

/// An interaction to record.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub kind: &'static str,
    /// Milliseconds before the present.
    pub ago: i64,
    pub channel: Option<u32>,
    pub author: Option<u32>,
    pub text: Option<String>,
}

/// What can happen. A kind that is added here gets a name below, a rule in `rules.rs` or a file beside it, a call in
/// `live.rs` and a draw in `draw.rs`.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Create(Fields),
    Update(Who, Fields),
    Delete(Who),
    AddTags(Who, Vec<String>),
    RemoveTags(Who, Vec<String>),
    Record(Who, Said),
    /// One action on several, as JSON has it.
    Many(Vec<Who>, Fields),
    /// Primary, secondary, whose value of a field stays.
    Merge(Who, Who, Fields),
    Unmerge(Who, u32),
    AddSegment(String, Json),
    /// Another name, another filter.
    ChangeSegment(String, Option<String>, Option<Json>),
    DropSegment(String),
    /// A receipt for an action on all that a filter finds. Jobs are numbered from 0.
    Prepare(Json, Fields),
    /// Applies it and waits for its end; the engine is dropped meanwhile, perhaps.
    Apply {
        job: u32,
        count: Option<u64>,
        dropped: bool,
    },
    Undo {
        job: u32,
        dropped: bool,
    },
    Cancel(u32),
    AddField {
        name: String,
        slug: Option<String>,
        kind: &'static str,
        choices: Vec<String>,
    },
    /// One more choice of a list field, or another name, by slug.
    ChangeField {
        slug: String,
        name: String,
        choice: Option<String>,
    },
    DropField(String),
    AddTag(String),
    RenameTag(String, String),
    DropTag(String),
    AddStage(String),
    /// Another name and place.
    ChangeStage(String, String, u32),
    DropStage(String),
    RenameUser(u32, String),
    RenameChannel(u32, String),
    /// The clock goes on by so many milliseconds.
    Wait(i64),
    /// The engine is closed and opened again.
    Close,
    /// The engine is dropped as it is and opened again.
    Drop,
    /// The files are taken as they lie there, as after a kill, and opened elsewhere.
    Kill,
    Checkpoint,
    Rebuild,
}

impl Action {
    /// Every kind, and whether it can be refused.
    pub const KINDS: &[(&str, bool)] = &[
        ("create", true),
        ("update", true),
        ("delete", true),
        ("addTags", true),
        ("removeTags", true),
        ("record", true),
        ("many", true),
        ("merge", true),
        ("unmerge", true),
        ("addSegment", true),
        ("changeSegment", true),
        ("dropSegment", true),
        ("prepare", true),
        ("apply", true),
        ("undo", true),
        ("cancel", true),
        ("addField", true),
        ("changeField", true),
        ("dropField", true),
        ("addTag", true),
        ("renameTag", true),
        ("dropTag", true),
        ("addStage", true),
        ("changeStage", true),
        ("dropStage", true),
        ("renameUser", true),
        ("renameChannel", true),
        ("wait", false),
        ("close", false),
        ("drop", false),
        ("kill", false),
        ("checkpoint", false),
        ("rebuild", false),
    ];

    /// The kind's name.
    pub fn kind(&self) -> &'static str {
        match self {
            Action::Create(_) => "create",
            Action::Update(..) => "update",
            Action::Delete(_) => "delete",
            Action::AddTags(..) => "addTags",
            Action::RemoveTags(..) => "removeTags",
            Action::Record(..) => "record",
            Action::Many(..) => "many",
            Action::Merge(..) => "merge",
            Action::Unmerge(..) => "unmerge",
            Action::AddSegment(..) => "addSegment",
            Action::ChangeSegment(..) => "changeSegment",
            Action::DropSegment(_) => "dropSegment",
            Action::Prepare(..) => "prepare",
            Action::Apply { .. } => "apply",
            Action::Undo { .. } => "undo",
            Action::Cancel(_) => "cancel",
            Action::AddField { .. } => "addField",
            Action::ChangeField { .. } => "changeField",
            Action::DropField(_) => "dropField",
            Action::AddTag(_) => "addTag",
            Action::RenameTag(..) => "renameTag",
            Action::DropTag(_) => "dropTag",
            Action::AddStage(_) => "addStage",
            Action::ChangeStage(..) => "changeStage",
            Action::DropStage(_) => "dropStage",
            Action::RenameUser(..) => "renameUser",
            Action::RenameChannel(..) => "renameChannel",
            Action::Wait(_) => "wait",
            Action::Close => "close",
            Action::Drop => "drop",
            Action::Kill => "kill",
            Action::Checkpoint => "checkpoint",
            Action::Rebuild => "rebuild",
        }
    }

    /// Whether the engine takes an idempotency key for it.
    pub fn takes_key(&self) -> bool {
        !matches!(
            self,
            Action::DropField(_)
                | Action::DropTag(_)
                | Action::DropStage(_)
                | Action::Wait(_)
                | Action::Close
                | Action::Drop
                | Action::Kill
                | Action::Checkpoint
                | Action::Rebuild
        )
    }
}

/// What an action that was done answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// The contact of that id, as it is now.
    Contact(u32),
    Deleted(u32),
    /// Primary and secondary, two again.
    Unmerged(u32, u32),
    /// A receipt's job, and the contacts it is about where they are known.
    Receipt(u32, Vec<u32>),
    Job(u32),
    /// The contact an interaction was stored for.
    Stored(u32),
    /// What became of each of several: its id, and `changed`, `unchanged`, `deleted` or `refused`.
    Items(Vec<(Option<u32>, &'static str)>),
    /// An incoming message of a blocked contact.
    Dropped,
    Nothing,
}

/// Why an action was not done.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    Invalid,
    NotFound,
    /// One of these holds it, where contacts do.
    Conflict(Vec<u32>),
    KeyReused,
    /// Not as things stand.
    State(String),
    Limit,
    /// Anything else is a fault.
    Fault(String),
}
