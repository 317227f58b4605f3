//! One portable file of everything: NDJSON inside zstd, one consistent moment per workspace, taken while writes go on.
//!
//! Lines in order: `{"rollcall": 1}`, then per workspace its contacts, merges and history as they are read, then, with writes
//! held back for a moment, what changed meanwhile (a later line of an id replaces the earlier one, `gone` removes it), what it
//! defines, and its counters; then the tokens' hashes; last `{"end": lines}`. Every part is checked by `restore`.

mod merges;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use super::shared::Shared;
use super::{Engine, Error, Result, checkpoint, wake};
use crate::contact::*;
use crate::store::{Change, Head, Records, Store, StoreError, Subject, TokenRecord, Writes};

/// The format that this version writes.
const FORMAT: u32 = 1;
/// Records read, or lines written to the store, at a time.
const PAGE: usize = 1000;
/// Rounds of catching up before writes are held back for the last one.
const ROUNDS_MAX: usize = 8;
/// The longest line that `restore` reads.
const LINE_BYTES_MAX: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Line {
    Rollcall(u32),
    Contact(WorkspaceId, Box<Contact>),
    /// The contact was deleted while the backup ran.
    Gone(WorkspaceId, ContactId),
    /// The contact was merged into another.
    Merge {
        workspace: WorkspaceId,
        contact: ContactId,
        merge: Box<Merge>,
    },
    History {
        workspace: WorkspaceId,
        contact: ContactId,
        number: u64,
        entry: Interaction,
    },
    Field(WorkspaceId, CustomField),
    Tag(WorkspaceId, Tag),
    Channel(WorkspaceId, Channel),
    User(WorkspaceId, User),
    Stage(WorkspaceId, Stage),
    Segment(WorkspaceId, Segment),
    Workspace {
        workspace: Workspace,
        seq: Seq,
        last_contact: ContactId,
        last_item: u32,
        contacts: u64,
        digest: u64,
    },
    Token {
        id: TokenId,
        workspace: WorkspaceId,
        user: UserId,
        name: String,
        hash: String,
        created_at: Millis,
        expires_at: Option<Millis>,
        revoked_at: Option<Millis>,
    },
    End(u64),
}

impl Line {
    /// Whose it is.
    fn workspace(&self) -> Option<WorkspaceId> {
        match self {
            Line::Rollcall(_) | Line::End(_) => None,
            Line::Contact(ws, _)
            | Line::Gone(ws, _)
            | Line::Field(ws, _)
            | Line::Tag(ws, _)
            | Line::Channel(ws, _)
            | Line::User(ws, _)
            | Line::Stage(ws, _)
            | Line::Segment(ws, _)
            | Line::Merge { workspace: ws, .. }
            | Line::History { workspace: ws, .. }
            | Line::Token { workspace: ws, .. } => Some(*ws),
            Line::Workspace { workspace, .. } => Some(workspace.id),
        }
    }
}

struct Out<W: Write> {
    out: W,
    lines: u64,
    contacts: u64,
}

impl<W: Write> Out<W> {
    fn line(&mut self, line: &Line) -> Result<()> {
        serde_json::to_writer(&mut self.out, line).map_err(|error| Error::Io(error.to_string()))?;
        self.out.write_all(b"\n").map_err(checkpoint::io)?;
        self.lines += 1;
        Ok(())
    }
}

impl Engine {
    /// Writes everything to one portable stream. Returns the number of contacts.
    ///
    /// # Errors
    /// What the store or the stream reports; a damaged record ends the backup.
    pub fn backup(&self, out: &mut (dyn Write + Send)) -> Result<u64> {
        self.shared.backups.fetch_add(1, Ordering::SeqCst);
        let done = self.write_backup(out);
        self.shared.backups.fetch_sub(1, Ordering::SeqCst);
        done
    }

    fn write_backup(&self, out: &mut (dyn Write + Send)) -> Result<u64> {
        let mut packed = zstd::Encoder::new(out, 3).map_err(checkpoint::io)?;
        packed.include_checksum(true).map_err(checkpoint::io)?;
        let mut out = Out { out: std::io::BufWriter::with_capacity(1 << 16, packed), lines: 0, contacts: 0 };
        out.line(&Line::Rollcall(FORMAT))?;
        let workspaces: BTreeSet<WorkspaceId> = self.workspaces()?.iter().map(|workspace| workspace.id).collect();
        for ws in &workspaces {
            self.write_workspace(*ws, &mut out)?;
        }
        // One of a workspace made meanwhile would open whatever gets that workspace's id after a restore.
        for token in self.shared.records.tokens()?.iter().filter(|token| workspaces.contains(&token.workspace)) {
            out.line(&token_line(token))?;
        }
        let lines = out.lines;
        out.line(&Line::End(lines))?;
        let packed = out.out.into_inner().map_err(|error| checkpoint::io(error.into_error()))?;
        packed.finish().map_err(checkpoint::io)?.flush().map_err(checkpoint::io)?;
        Ok(out.contacts)
    }

    fn write_workspace(&self, ws: WorkspaceId, out: &mut Out<impl Write>) -> Result<()> {
        let records = &self.shared.records;
        let mut since = records.head(ws)?.unwrap_or_default().seq;
        let began = since;
        scan(records, ws, out)?;
        for _ in 0..ROUNDS_MAX {
            // Read first: what changes while the rows are gathered belongs to the next round too.
            let now = records.head(ws)?.unwrap_or_default().seq;
            let changed = wake::changed_rows(records, ws, since)?;
            if changed.len() < PAGE {
                break;
            }
            since = now;
            catch_up(records, ws, &changed, began, out)?;
        }
        // The last round runs with writes held back, into memory: the stream may be slow.
        let shared = self.shared.clone();
        let (rest, lines, contacts) = self.committer.alone(move || last_round(&shared, ws, since, began))??;
        out.out.write_all(&rest).map_err(checkpoint::io)?;
        out.lines += lines;
        out.contacts += contacts;
        Ok(())
    }
}

fn scan(records: &Records, ws: WorkspaceId, out: &mut Out<impl Write>) -> Result<()> {
    let mut after = ContactId(0);
    loop {
        let page = records.contacts(ws, after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for contact in page {
            merges::of_contact(records, ws, &contact, out)?;
            out.line(&Line::Contact(ws, Box::new(contact)))?;
        }
    }
    let mut after = None;
    loop {
        let page = records.interactions_all(ws, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some((last.0, last.2.at, last.1));
        for (contact, number, entry) in page {
            out.line(&Line::History { workspace: ws, contact, number, entry })?;
        }
    }
}

/// The changed contacts as they are now, with what they took in and their history since the backup began.
fn catch_up(
    records: &Records,
    ws: WorkspaceId,
    changed: &BTreeSet<ContactId>,
    began: Seq,
    out: &mut Out<impl Write>,
) -> Result<()> {
    for id in changed {
        match records.contact(ws, *id)? {
            Some(contact) => {
                merges::of_contact(records, ws, &contact, out)?;
                out.line(&Line::Contact(ws, Box::new(contact)))?;
            }
            None if merges::of_id(records, ws, *id, out)? => {}
            None => {
                out.line(&Line::Gone(ws, *id))?;
                continue;
            }
        }
        let mut before = None;
        loop {
            let page = records.interactions(ws, *id, before, PAGE)?;
            let Some((number, last)) = page.last() else { break };
            before = Some((last.at, *number));
            for (number, entry) in page.into_iter().filter(|(number, _)| *number > began.0) {
                out.line(&Line::History { workspace: ws, contact: *id, number, entry })?;
            }
        }
    }
    Ok(())
}

fn last_round(shared: &Shared, ws: WorkspaceId, since: Seq, began: Seq) -> Result<(Vec<u8>, u64, u64)> {
    let records = &shared.records;
    let mut out = Out { out: Vec::new(), lines: 0, contacts: 0 };
    catch_up(records, ws, &wake::changed_rows(records, ws, since)?, began, &mut out)?;
    let missing = || Error::NotFound { what: "workspace", name: ws.to_string() };
    let catalog = records.catalog(ws)?.ok_or_else(missing)?;
    let head = records.head(ws)?.ok_or_else(missing)?;
    catalog.fields.values().try_for_each(|field| out.line(&Line::Field(ws, field.clone())))?;
    catalog.tags.values().try_for_each(|tag| out.line(&Line::Tag(ws, tag.clone())))?;
    catalog.channels.values().try_for_each(|channel| out.line(&Line::Channel(ws, channel.clone())))?;
    catalog.users.values().try_for_each(|user| out.line(&Line::User(ws, user.clone())))?;
    catalog.stages.values().try_for_each(|stage| out.line(&Line::Stage(ws, stage.clone())))?;
    catalog.segments.values().try_for_each(|segment| out.line(&Line::Segment(ws, segment.clone())))?;
    out.line(&Line::Workspace {
        workspace: catalog.workspace,
        seq: head.seq,
        last_contact: head.last_contact,
        last_item: head.last_item,
        contacts: head.contacts,
        digest: head.digest,
    })?;
    Ok((out.out, out.lines, head.contacts))
}

fn token_line(token: &TokenRecord) -> Line {
    Line::Token {
        id: token.id,
        workspace: token.workspace,
        user: token.user,
        name: token.name.clone(),
        hash: token.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        created_at: token.created_at,
        expires_at: token.expires_at,
        revoked_at: token.revoked_at,
    }
}

/// Fills an empty store from a backup; a workspace appears only when all of it has arrived and agrees with its
/// counters. Returns the number of contacts.
///
/// # Errors
/// [`Error::Io`] with the line for anything that is not a whole backup; the store then holds no workspace of it, and the
/// folder is to be removed.
pub fn restore(store: &Arc<dyn Store>, input: &mut dyn Read) -> Result<u64> {
    let records = Records::open(store.clone())?;
    if !records.workspaces()?.is_empty() || !records.tokens()?.is_empty() {
        return Err(Error::Conflict {
            message: "the data folder is not empty; restore into a new one".into(),
            holder: None,
        });
    }
    let unpacked = zstd::Decoder::new(input).map_err(|error| Error::Io(format!("this is no backup: {error}")))?;
    let mut restoring = Restoring {
        records,
        writes: Writes::default(),
        pending: BTreeSet::new(),
        workspaces: Vec::new(),
        named: BTreeSet::new(),
        contacts: 0,
        waiting: 0,
    };
    let mut lines = BufReader::new(unpacked);
    let mut number = 0u64;
    loop {
        match next_line(&mut lines, number + 1)? {
            Line::Rollcall(FORMAT) if number == 0 => {}
            Line::Rollcall(other) => {
                return Err(at_line(number + 1, &format!("format {other} is not known to this version")));
            }
            _ if number == 0 => return Err(at_line(1, "this is no backup")),
            Line::End(lines) if lines == number => break,
            Line::End(lines) => {
                return Err(at_line(number + 1, &format!("{number} lines were found, {lines} were written")));
            }
            line => restoring.take(line).map_err(|error| at_line(number + 1, &error.to_string()))?,
        }
        number += 1;
    }
    // The file's checksum is compared where its end is read.
    match lines.read(&mut [0]) {
        Ok(0) => restoring.finish(),
        Ok(_) => Err(at_line(number + 2, "something follows the last line")),
        Err(error) => Err(at_line(number + 2, &format!("the file is torn or altered: {error}"))),
    }
}

fn next_line(lines: &mut impl BufRead, number: u64) -> Result<Line> {
    let mut line = Vec::new();
    let read = lines.take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
    let what = if number == 1 { "this is no backup, or torn" } else { "the file is torn" };
    let read = read.map_err(|error| at_line(number, &format!("{what}: {error}")))?;
    if read == 0 {
        return Err(at_line(number, "the file ends before its last line"));
    }
    serde_json::from_slice(&line).map_err(|error| at_line(number, &format!("not understood: {error}")))
}

fn at_line(number: u64, what: &str) -> Error {
    Error::Io(format!("line {number} of the backup: {what}"))
}

struct Restoring {
    records: Records,
    writes: Writes,
    /// Contacts written since the last commit: their earlier state is not in the store yet.
    pending: BTreeSet<(WorkspaceId, ContactId)>,
    /// Workspaces whose lines are complete, with their counters: written last.
    workspaces: Vec<(Workspace, Head)>,
    /// Whose lines there were: each must be among `workspaces` in the end.
    named: BTreeSet<WorkspaceId>,
    contacts: u64,
    waiting: usize,
}

impl Restoring {
    fn take(&mut self, line: Line) -> Result<()> {
        self.named.extend(line.workspace());
        match line {
            Line::Contact(ws, contact) => {
                let before = self.stored(ws, contact.id)?;
                self.writes.put_contact(ws, before.as_ref(), &contact);
                self.unmerged(ws, contact.id);
                self.pending.insert((ws, contact.id));
            }
            Line::Gone(ws, id) => self.gone(ws, id)?,
            Line::Merge { workspace, contact, merge } => self.merged(workspace, contact, &merge)?,
            Line::History { workspace, contact, number, entry } => {
                self.writes.put_interaction(workspace, contact, number, &entry)
            }
            Line::Field(ws, field) => self.writes.put_field(ws, &field),
            Line::Tag(ws, tag) => self.writes.put_tag(ws, &tag),
            Line::Channel(ws, channel) => self.writes.put_channel(ws, &channel),
            Line::User(ws, user) => self.writes.put_user(ws, &user),
            Line::Stage(ws, stage) => self.writes.put_stage(ws, &stage),
            Line::Segment(ws, segment) => self.writes.put_segment(ws, &segment),
            Line::Workspace { workspace, seq, last_contact, last_item, contacts, digest } => {
                let next =
                    seq.0.checked_add(1).ok_or_else(|| Error::Io("its version is the last there can be".into()))?;
                let (seq, log_floor) = (Seq(next), seq);
                self.contacts += contacts;
                self.workspaces.push((workspace, Head { seq, last_contact, contacts, digest, last_item, log_floor }));
            }
            Line::Token { id, workspace, user, name, hash, created_at, expires_at, revoked_at } => {
                let hash =
                    unhex(&hash).ok_or_else(|| Error::Io("a token's hash is not 64 hexadecimal digits".into()))?;
                self.writes.put_token(&TokenRecord {
                    id,
                    workspace,
                    user,
                    name,
                    hash,
                    created_at,
                    expires_at,
                    revoked_at,
                });
            }
            Line::Rollcall(_) | Line::End(_) => return Err(Error::Io("this line stands in the wrong place".into())),
        }
        self.waiting += 1;
        if self.waiting >= PAGE { self.commit() } else { Ok(()) }
    }

    fn stored(&mut self, ws: WorkspaceId, id: ContactId) -> Result<Option<Contact>> {
        if self.pending.contains(&(ws, id)) {
            self.commit()?;
        }
        Ok(self.records.contact(ws, id)?)
    }

    fn gone(&mut self, ws: WorkspaceId, id: ContactId) -> Result<()> {
        self.commit()?;
        // One made while the backup ran may have left a history and no record of itself.
        if let Some(contact) = self.records.contact(ws, id)? {
            self.writes.delete_contact(ws, &contact);
        }
        self.unmerged(ws, id);
        let writes = &mut self.writes;
        let remove = |number, entry: Interaction| writes.delete_interaction(ws, id, number, entry.at);
        Ok(self.records.each_interaction(ws, id, remove)?)
    }

    fn commit(&mut self) -> Result<()> {
        self.pending.clear();
        self.waiting = 0;
        let writes = std::mem::take(&mut self.writes);
        if writes.is_empty() { Ok(()) } else { Ok(self.records.commit(writes)?) }
    }

    /// Checks every workspace against its counters, then makes it appear.
    fn finish(mut self) -> Result<u64> {
        self.commit()?;
        let whole: BTreeSet<WorkspaceId> = self.workspaces.iter().map(|(workspace, _)| workspace.id).collect();
        if let Some(ws) = self.named.difference(&whole).next() {
            return Err(Error::Io(format!("the backup names workspace {ws} and does not have it")));
        }
        for (workspace, head) in &self.workspaces {
            let (mut after, mut contacts, mut digest) = (ContactId(0), 0u64, 0u64);
            loop {
                let page = self.records.contacts(workspace.id, after, PAGE)?;
                let Some(last) = page.last() else { break };
                after = last.id;
                contacts += page.len() as u64;
                digest =
                    page.iter().fold(digest, |sum, contact| sum.wrapping_add(Records::digest(workspace.id, contact)));
            }
            // An id above the last one given would be given again.
            if (contacts, digest) != (head.contacts, head.digest) || after > head.last_contact {
                let what = format!("{contacts} contacts arrived, {} were written, or one was altered", head.contacts);
                return Err(Error::Store(StoreError::Damaged { key: format!("workspace {}", workspace.id), what }));
            }
        }
        for (workspace, head) in &self.workspaces {
            self.writes.put_workspace(workspace);
            self.writes.put_head(workspace.id, head);
            self.writes.put_changes(workspace.id, &[Change { seq: head.seq, subject: Subject::Workspace }]);
        }
        self.commit()?;
        Ok(self.contacts)
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0u8; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}
