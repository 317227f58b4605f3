//! `/v1/contacts/{identifier}/interactions`: what happens with a contact, and its history.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::identifier::Named;
use super::json::JsonBody;
use super::problem::{Kind, Problem};
use super::query_string::QueryString;
use super::roles::{May, ReadContact, RecordInteraction, hide};
use super::strict;
use super::wire::ContactBody;
use crate::contact::{
    Catalog, ChannelId, Interaction, InteractionKind, Millis, Mistake, Role, Seq, UserId, Workspace, time,
};
use crate::engine::{Actor, Recorded, Written};

const PAGE_MAX: u64 = 100;
const PAGE_DEFAULT: u64 = 25;
/// How far ahead of the server's clock a sender's may run: a later time would hold the contact's times for good.
const AHEAD_MAX_MS: Millis = 24 * 60 * 60 * 1000;

/// The four kinds of interaction.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum KindName {
    IncomingMessage,
    OutgoingMessage,
    Comment,
    Event,
}

/// An interaction to record.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewInteraction {
    kind: KindName,
    /// Messages: the channel's id, or its name or source where only one channel has it.
    #[serde(default, deserialize_with = "strict::optional")]
    channel: Option<Json>,
    /// When: RFC 3339, `YYYY-MM-DD HH:mm` in the workspace's zone, or epoch milliseconds; now where absent.
    #[serde(default, deserialize_with = "strict::optional")]
    #[schema(example = "2026-03-01T10:15:00Z")]
    at: Option<Json>,
    text: Option<String>,
    /// Outgoing messages and comments: who wrote it, by id or e-mail; the caller where absent, and always for an agent.
    #[serde(default, deserialize_with = "strict::optional")]
    author: Option<Json>,
}

/// An interaction of a contact's history.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InteractionBody {
    /// Its number in the workspace, ever growing.
    number: u64,
    kind: KindName,
    /// RFC 3339, UTC.
    at: String,
    /// The channel's id.
    channel: Option<u32>,
    /// The author's user id.
    author: Option<u32>,
    text: Option<String>,
}

/// What became of an interaction.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordedAnswer {
    /// False where an incoming message was dropped because the contact is blocked.
    stored: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interaction: Option<InteractionBody>,
    /// The contact as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<ContactBody>,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// A page of a contact's history, newest first.
#[derive(Serialize, ToSchema)]
pub struct History {
    items: Vec<InteractionBody>,
    /// What to send as `before` for the page after this one; null at the end.
    next: Option<String>,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// Record a message, comment or event; messages move the contact's times
#[utoipa::path(post, operation_id = "recordInteraction", path = "/contacts/{identifier}/interactions", tag = "Interactions", request_body = NewInteraction,
    params(("identifier" = String, Path, description = "`17`, `id:17`, `email:…` or `phone:+…`")),
    responses((status = 201, body = RecordedAnswer), (status = 200, body = RecordedAnswer, description = "Dropped: the contact is blocked")))]
pub async fn record(
    State(app): State<App>,
    caller: May<RecordInteraction>,
    named: Named,
    query: QueryString,
    JsonBody(new): JsonBody<NewInteraction>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    let ws = caller.actor().workspace;
    let (is_brief, asked) = (caller.reaches_at_once(app.engine()), named.clone());
    let written = app.commit(is_brief, move |engine, tell| {
        let who = caller.reach(engine, &asked)?;
        let actor = caller.actor().clone();
        let read = move |catalog: &Catalog, now| Ok(resolve(new, &actor, catalog, now)?);
        Ok(engine.record_then(caller.actor(), who, read, tell)?)
    });
    let Written { value, version } = written.await?.map_err(|error| hide(error, &named))?;
    let Recorded::Stored { number, interaction, contact } = value else {
        let reason = Some("the contact is blocked: the incoming message was dropped");
        let body = RecordedAnswer { stored: false, reason, interaction: None, contact: None, version };
        return Answer::ok(version, &body);
    };
    let catalog = app.engine().catalog(ws)?;
    let body = RecordedAnswer {
        stored: true,
        reason: None,
        interaction: Some(InteractionBody::of(number, interaction)),
        contact: Some(ContactBody::of(&contact, &catalog)?),
        version,
    };
    let location = format!("/v1/contacts/id:{}/interactions", contact.id);
    Ok(Answer::sized(version, &body, 2048)?.created(location))
}

/// Read a contact's history, newest first
#[utoipa::path(get, operation_id = "listInteractions", path = "/contacts/{identifier}/interactions", tag = "Interactions",
    params(("identifier" = String, Path, description = "`17`, `id:17`, `email:…` or `phone:+…`"),
           ("before" = Option<String>, Query, description = "The `next` of the page before"),
           ("limit" = Option<u64>, Query, description = "1 to 100; 25 where absent"),
           ("minVersion" = Option<u64>, Query, description = "Wait briefly until the workspace has this version")),
    responses((status = 200, body = History)))]
pub async fn list(
    State(app): State<App>,
    caller: May<ReadContact>,
    named: Named,
    query: QueryString,
) -> Result<Answer, Problem> {
    let min_version = query.min_version(&["before", "limit"])?;
    let before = query.one("before")?.map(cursor).transpose()?;
    let limit = match query.number("limit")? {
        None => PAGE_DEFAULT,
        Some(limit @ 1..=PAGE_MAX) => limit,
        Some(limit) => {
            let detail = format!("the query parameter limit is 1 to {PAGE_MAX}, not {limit}");
            return Err(Problem::new(Kind::InvalidQuery, detail).code("invalid_parameter"));
        }
    };
    app.read(move |engine| {
        let (found, _) = caller.contact(engine, &named, min_version)?;
        // One more than asked tells whether there is another page.
        let mut items =
            engine.history_of_contact(caller.actor().workspace, &found.value, before, limit as usize + 1)?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let last = items.last().filter(|_| more);
        let next = last.map(|(number, interaction)| format!("{}.{number}", interaction.at));
        let items = items.into_iter().map(|(number, interaction)| InteractionBody::of(number, interaction)).collect();
        Answer::sized(found.version, &History { items, next, version: found.version }, 8192)
    })
    .await
}

/// The place in a history after which a page begins: `time.number`.
fn cursor(text: &str) -> Result<(Millis, u64), Problem> {
    let parts = text.split_once('.').and_then(|(at, number)| Some((at.parse().ok()?, number.parse().ok()?)));
    parts.ok_or_else(|| {
        let detail = "the query parameter before is the `next` of an earlier page, as it was given";
        Problem::new(Kind::InvalidQuery, detail).code("invalid_parameter")
    })
}

/// The interaction meant: names become ids, absent times and authors the present ones.
fn resolve(new: NewInteraction, actor: &Actor, catalog: &Catalog, now: Millis) -> Result<Interaction, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let at = new.at.map_or(Ok(now), |at| instant(&at, &catalog.workspace, now));
    let at = at.map_err(|mistake| mistakes.push(mistake)).ok();
    let mut note_id = |result: Result<Option<u32>, Mistake>| result.map_err(|mistake| mistakes.push(mistake)).ok();
    let channel = note_id(new.channel.map(|channel| channel_id(&channel, catalog)).transpose());
    let written = matches!(new.kind, KindName::OutgoingMessage | KindName::Comment);
    let author = note_id(match new.author {
        Some(_) if !written => {
            Err(Mistake::new("author", "not_accepted", "only outgoing messages and comments have an author"))
        }
        Some(author) => author_id(&author, catalog, actor).and_then(|author| own(author, actor)).map(Some),
        None if written => Ok(actor.user.as_ref().map(|user| user.id.0)),
        None => Ok(None),
    });
    let says_nothing = new.text.as_ref().is_none_or(|text| text.trim().is_empty());
    if matches!(new.kind, KindName::Comment) && says_nothing {
        mistakes.push(Mistake::new("text", "missing_member", "a comment needs a text that says something"));
    }
    let (Some(at), Some(channel), Some(author), true) = (at, channel, author, mistakes.is_empty()) else {
        return Err(mistakes);
    };
    Ok(Interaction {
        kind: new.kind.into(),
        at,
        channel: channel.map(ChannelId),
        author: author.map(UserId),
        text: new.text,
    })
}

fn instant(at: &Json, workspace: &Workspace, now: Millis) -> Result<Millis, Mistake> {
    let read = time::zone(&workspace.timezone).and_then(|zone| time::instant(at, &zone, now));
    let span = read.map_err(|said| Mistake::new("at", "invalid_time", said))?;
    if span.start > now.saturating_add(AHEAD_MAX_MS) {
        let said = format!("{} lies more than a day ahead", time::rfc3339(span.start));
        return Err(Mistake::new("at", "time_ahead", said));
    }
    Ok(span.start)
}

fn channel_id(given: &Json, catalog: &Catalog) -> Result<u32, Mistake> {
    let mistake = |code, said: String| Err(Mistake::new("channel", code, said));
    if let Some(id) = given.as_u64() {
        let known = u32::try_from(id).ok().filter(|id| catalog.channels.contains_key(&ChannelId(*id)));
        return known
            .map_or_else(|| mistake("unknown_channel", format!("there is no channel {id} in this workspace")), Ok);
    }
    let Some(name) = given.as_str() else {
        return mistake("wrong_type", "a channel is its id, its name or its source".into());
    };
    let folded = crate::contact::fold::compare(name);
    let is = |channel: &&crate::contact::Channel| {
        crate::contact::fold::compare(&channel.name) == folded || channel.source.to_lowercase() == folded
    };
    let mut found = catalog.channels.values().filter(is);
    match (found.next(), found.next()) {
        (Some(channel), None) => Ok(channel.id.0),
        (Some(_), Some(_)) => {
            mistake("ambiguous_channel", format!("more than one channel is called {name:?}; name it by its id"))
        }
        (None, _) => mistake("unknown_channel", format!("there is no channel {name:?} in this workspace")),
    }
}

fn author_id(given: &Json, catalog: &Catalog, actor: &Actor) -> Result<u32, Mistake> {
    let unknown = || Mistake::new("author", "unknown_user", format!("there is no user {given} in this workspace"));
    if let Some(id) = given.as_u64() {
        let id = u32::try_from(id).map_err(|_| unknown())?;
        return if catalog.users.contains_key(&UserId(id)) { Ok(id) } else { Err(unknown()) };
    }
    match (given.as_str(), &actor.user) {
        (Some("me"), Some(user)) => Ok(user.id.0),
        (Some(email), _) => catalog.user_with_email(email).map(|user| user.id.0).ok_or_else(unknown),
        (None, _) => Err(Mistake::new("author", "wrong_type", "an author is a user's id or e-mail, or me")),
    }
}

/// An agent writes in their own name; owners and managers also bring in what others wrote.
fn own(author: u32, actor: &Actor) -> Result<u32, Mistake> {
    match &actor.user {
        Some(user) if user.role == Role::Agent && user.id.0 != author => {
            Err(Mistake::new("author", "not_your_own", "an agent writes in their own name: leave author out"))
        }
        _ => Ok(author),
    }
}

impl InteractionBody {
    fn of(number: u64, interaction: Interaction) -> InteractionBody {
        InteractionBody {
            number,
            kind: interaction.kind.into(),
            at: time::rfc3339(interaction.at),
            channel: interaction.channel.map(|id| id.0),
            author: interaction.author.map(|id| id.0),
            text: interaction.text,
        }
    }
}

impl From<KindName> for InteractionKind {
    fn from(kind: KindName) -> InteractionKind {
        match kind {
            KindName::IncomingMessage => InteractionKind::IncomingMessage,
            KindName::OutgoingMessage => InteractionKind::OutgoingMessage,
            KindName::Comment => InteractionKind::Comment,
            KindName::Event => InteractionKind::Event,
        }
    }
}

impl From<InteractionKind> for KindName {
    fn from(kind: InteractionKind) -> KindName {
        match kind {
            InteractionKind::IncomingMessage => KindName::IncomingMessage,
            InteractionKind::OutgoingMessage => KindName::OutgoingMessage,
            InteractionKind::Comment => KindName::Comment,
            InteractionKind::Event => KindName::Event,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back() {
        assert_eq!(cursor("1767225600000.42").ok(), Some((1_767_225_600_000, 42)));
        assert_eq!(cursor("-5.1").ok(), Some((-5, 1)));
        for bad in ["", "1", "1.", ".1", "a.b", "1.-1", "1.2.3", "99999999999999999999.1"] {
            assert!(cursor(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_channel_is_found_by_id_name_or_source() {
        let mut catalog = Catalog::default();
        for (id, name, source) in [(1, "Shop", "whatsapp"), (2, "Help", "email"), (3, "Sales", "email")] {
            catalog.put_channel(crate::contact::Channel {
                id: ChannelId(id),
                name: name.into(),
                source: source.into(),
            });
        }
        let code = |given: Json| channel_id(&given, &catalog).map_err(|mistake| mistake.code);
        assert_eq!(code(1.into()), Ok(1));
        assert_eq!(code("shop".into()), Ok(1));
        assert_eq!(code("WhatsApp".into()), Ok(1));
        assert_eq!(code("email".into()), Err("ambiguous_channel"));
        assert_eq!(code(9.into()), Err("unknown_channel"));
        assert_eq!(code("sms".into()), Err("unknown_channel"));
        assert_eq!(code(Json::Bool(true)), Err("wrong_type"));
    }
}
