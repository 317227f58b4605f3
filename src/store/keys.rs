//! The keys: big-endian, workspace first, so that one workspace is one contiguous range and an absent one costs nothing.
//!
//! | key | value |
//! |---|---|
//! | `0 f` | the layout's version |
//! | `0 w ws4` | `Workspace` |
//! | `0 x ws4` | the workspace was deleted, or is being deleted |
//! | `0 t token4` | `TokenRecord` |
//! | `0 z time8 ws4 kind1 id4` | empty: an [`Alarm`] of the workspace rings then |
//! | `0 j ws4 job4` | empty: the job is under way |
//! | `ws4 h` | `Head` |
//! | `ws4 d kind1 id4` | an item of the catalog; `kind1` as in [`item`] |
//! | `ws4 c contact4` | `Contact` |
//! | `ws4 e len1 email contact4` | empty: the contact took in one with that e-mail (above 200 bytes: `len1` = 255 and its SHA-256) |
//! | `ws4 p digits8 contact4` | empty: the contact took in one with that phone |
//! | `ws4 m merged4 contact4` | empty: the contact took that one in |
//! | `ws4 i contact4 time8 number8` | `Interaction`; time and number are inverted, so that ascending keys are newest first |
//! | `ws4 b merged4` | `Merge`: how that contact was taken in by another |
//! | `ws4 j job4` | `Job` |
//! | `ws4 o job4 kind1 part4` | `Part` of the job's data |
//! | `ws4 y contact4 job4` | `Undo`: what the job changed on the contact |
//! | `ws4 n key16` | `Done`: what was done under an idempotency key |
//! | `ws4 a time8 key16` | empty: that idempotency key was used then |
//! | `ws4 g last8` | a run of changes, keyed by its **last** number: the first key at or above `n` holds change `n` |
//!
//! Workspace 0 is the server's own range. Letters are one ASCII byte. No key is longer than 210 bytes.

use sha2::{Digest, Sha256};

use super::{Alarm, Subject};
use crate::contact::{ContactId, JobId, PartKind, Seq, TokenId, WorkspaceId, identity::IdentityKey};

/// The server's own range.
const SERVER: WorkspaceId = WorkspaceId(0);
/// The longest folded e-mail kept as it is in its key.
const EMAIL_MAX: usize = 200;
/// Stands in the place of the length where the e-mail is kept as its hash.
const HASHED: u8 = 255;

/// `from <= key < to`.
pub type Range = (Vec<u8>, Vec<u8>);

fn key(ws: WorkspaceId, letter: u8, rest: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(5 + rest.iter().map(|part| part.len()).sum::<usize>());
    key.extend_from_slice(&ws.0.to_be_bytes());
    key.push(letter);
    rest.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// Every key that begins with `prefix` and is longer: no key is as long as the upper bound's run of 255.
fn below(prefix: Vec<u8>) -> Range {
    let mut to = prefix.clone();
    to.extend_from_slice(&[255; 24]);
    (prefix, to)
}

/// The first key after `key`.
pub fn after(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

pub fn format() -> Vec<u8> {
    key(SERVER, b'f', &[])
}

pub fn workspace(ws: WorkspaceId) -> Vec<u8> {
    key(SERVER, b'w', &[&ws.0.to_be_bytes()])
}

pub fn workspaces() -> Range {
    below(key(SERVER, b'w', &[]))
}

pub fn removal(ws: WorkspaceId) -> Vec<u8> {
    key(SERVER, b'x', &[&ws.0.to_be_bytes()])
}

pub fn removals() -> Range {
    below(key(SERVER, b'x', &[]))
}

pub fn token(id: TokenId) -> Vec<u8> {
    key(SERVER, b't', &[&id.0.to_be_bytes()])
}

pub fn tokens() -> Range {
    below(key(SERVER, b't', &[]))
}

/// Everything inside the workspace; its entry in the list of workspaces lies in the server's range.
pub fn whole(ws: WorkspaceId) -> Range {
    below(ws.0.to_be_bytes().to_vec())
}

pub fn head(ws: WorkspaceId) -> Vec<u8> {
    key(ws, b'h', &[])
}

pub fn contact(ws: WorkspaceId, id: ContactId) -> Vec<u8> {
    key(ws, b'c', &[&id.0.to_be_bytes()])
}

/// The contacts with an id above `after`.
pub fn contacts(ws: WorkspaceId, above: ContactId) -> Range {
    (after(contact(ws, above)), below(key(ws, b'c', &[])).1)
}

/// An item's key; `None` for what is no item of the catalog.
pub fn item(ws: WorkspaceId, subject: Subject) -> Option<Vec<u8>> {
    let (kind, id) = match subject {
        Subject::Field(id) => (b'f', id.0),
        Subject::Tag(id) => (b't', id.0),
        Subject::Channel(id) => (b'c', id.0),
        Subject::User(id) => (b'u', id.0),
        Subject::Stage(id) => (b's', id.0),
        Subject::Segment(id) => (b'g', id.0),
        Subject::Contact(_) | Subject::Workspace => return None,
    };
    Some(key(ws, b'd', &[&[kind], &id.to_be_bytes()]))
}

pub fn items(ws: WorkspaceId) -> Range {
    below(key(ws, b'd', &[]))
}

/// The letter of an item's kind in its key.
pub fn item_kind(key: &[u8]) -> Option<u8> {
    key.get(5).copied()
}

/// The keys of all who hold something by what was merged into them begin with this, and are four bytes longer.
fn identity(ws: WorkspaceId, identity: &IdentityKey) -> Vec<u8> {
    match identity {
        IdentityKey::Phone(digits) => key(ws, b'p', &[&digits.to_be_bytes()]),
        IdentityKey::Id(id) => key(ws, b'm', &[&id.0.to_be_bytes()]),
        IdentityKey::Email(email) if email.len() <= EMAIL_MAX => {
            key(ws, b'e', &[&[email.len() as u8], email.as_bytes()])
        }
        IdentityKey::Email(email) => key(ws, b'e', &[&[HASHED], &Sha256::digest(email.as_bytes())]),
    }
}

/// The key that says that `contact` took in one with that e-mail, phone or id.
pub fn holder(ws: WorkspaceId, held: &IdentityKey, contact: ContactId) -> Vec<u8> {
    let mut key = identity(ws, held);
    key.extend_from_slice(&contact.0.to_be_bytes());
    key
}

pub fn holders(ws: WorkspaceId, held: &IdentityKey) -> Range {
    below(identity(ws, held))
}

/// The ranges of e-mails, merged ids and phones, which are not neighbours; ascending.
pub fn identities(ws: WorkspaceId) -> [Range; 3] {
    [b'e', b'm', b'p'].map(|letter| below(key(ws, letter, &[])))
}

/// Times before 1970 are negative: flipping the sign bit orders them, inverting puts the newest first.
fn newest_first(at: i64) -> u64 {
    !((at as u64) ^ (1 << 63))
}

pub fn interaction(ws: WorkspaceId, contact: ContactId, at: i64, number: u64) -> Vec<u8> {
    key(ws, b'i', &[&contact.0.to_be_bytes(), &newest_first(at).to_be_bytes(), &(!number).to_be_bytes()])
}

/// A contact's history from the newest, or from just below `(at, number)`.
pub fn history(ws: WorkspaceId, contact: ContactId, before: Option<(i64, u64)>) -> Range {
    let (from, to) = below(key(ws, b'i', &[&contact.0.to_be_bytes()]));
    (before.map_or(from, |(at, number)| after(interaction(ws, contact, at, number))), to)
}

/// Every history of the workspace, from just after the named entry.
pub fn histories(ws: WorkspaceId, last: Option<(ContactId, i64, u64)>) -> Range {
    let (from, to) = below(key(ws, b'i', &[]));
    (last.map_or(from, |(contact, at, number)| after(interaction(ws, contact, at, number))), to)
}

/// The contact and the number of an interaction's key.
pub fn of_interaction(key: &[u8]) -> Option<(ContactId, u64)> {
    let contact = key.get(5..9)?.try_into().ok().map(u32::from_be_bytes)?;
    let number = key.get(17..25)?.try_into().ok().map(u64::from_be_bytes)?;
    Some((ContactId(contact), !number))
}

/// The id a key ends with: of a contact, a holder, a token, a workspace, an item.
pub fn last_id(key: &[u8]) -> Option<u32> {
    key.last_chunk().copied().map(u32::from_be_bytes)
}

/// Instants as bytes that sort by time, before 1970 too.
fn oldest_first(at: i64) -> [u8; 8] {
    ((at as u64) ^ (1 << 63)).to_be_bytes()
}

pub fn alarm(ws: WorkspaceId, at: i64, alarm: Alarm) -> Vec<u8> {
    let (kind, id) = match alarm {
        Alarm::Snooze(contact) => (b's', contact.0),
        Alarm::Job(job) => (b'j', job.0),
    };
    key(SERVER, b'z', &[&oldest_first(at), &ws.0.to_be_bytes(), &[kind], &id.to_be_bytes()])
}

/// The alarms of every workspace, by time.
pub fn alarms() -> Range {
    below(key(SERVER, b'z', &[]))
}

/// What an alarm's key says.
pub fn of_alarm(key: &[u8]) -> Option<(i64, WorkspaceId, Alarm)> {
    let at = u64::from_be_bytes(key.get(5..13)?.try_into().ok()?) ^ (1 << 63);
    let ws = u32::from_be_bytes(key.get(13..17)?.try_into().ok()?);
    let id = last_id(key)?;
    let alarm = match key.get(17)? {
        b's' => Alarm::Snooze(ContactId(id)),
        b'j' => Alarm::Job(JobId(id)),
        _ => return None,
    };
    Some((at as i64, WorkspaceId(ws), alarm))
}

/// What a key says if it is an alarm's.
pub fn of_any_alarm(key: &[u8]) -> Option<(i64, WorkspaceId, Alarm)> {
    let (from, to) = alarms();
    (from.as_slice()..to.as_slice()).contains(&key).then(|| of_alarm(key)).flatten()
}

pub fn active_job(ws: WorkspaceId, job: JobId) -> Vec<u8> {
    key(SERVER, b'j', &[&ws.0.to_be_bytes(), &job.0.to_be_bytes()])
}

/// The jobs under way of every workspace.
pub fn active_jobs() -> Range {
    below(key(SERVER, b'j', &[]))
}

/// The workspace and job of the key of a job under way.
pub fn of_active_job(key: &[u8]) -> Option<(WorkspaceId, JobId)> {
    let ws = u32::from_be_bytes(key.get(5..9)?.try_into().ok()?);
    Some((WorkspaceId(ws), JobId(last_id(key)?)))
}

pub fn merge(ws: WorkspaceId, secondary: ContactId) -> Vec<u8> {
    key(ws, b'b', &[&secondary.0.to_be_bytes()])
}

pub fn merges(ws: WorkspaceId) -> Range {
    below(key(ws, b'b', &[]))
}

pub fn job(ws: WorkspaceId, job: JobId) -> Vec<u8> {
    key(ws, b'j', &[&job.0.to_be_bytes()])
}

pub fn jobs(ws: WorkspaceId) -> Range {
    below(key(ws, b'j', &[]))
}

pub fn part(ws: WorkspaceId, job: JobId, kind: PartKind, number: u32) -> Vec<u8> {
    key(ws, b'o', &[&job.0.to_be_bytes(), &[kind as u8], &number.to_be_bytes()])
}

/// The parts of one kind from a number on.
pub fn parts(ws: WorkspaceId, job: JobId, kind: PartKind, from: u32) -> Range {
    (part(ws, job, kind, from), below(key(ws, b'o', &[&job.0.to_be_bytes(), &[kind as u8]])).1)
}

/// The parts of every kind.
pub fn parts_of(ws: WorkspaceId, job: JobId) -> Range {
    below(key(ws, b'o', &[&job.0.to_be_bytes()]))
}

/// The workspace and job of a part's key, and whether such a part holds contacts' values: an upload, or rows that failed.
pub fn of_part(key: &[u8]) -> Option<(WorkspaceId, JobId, bool)> {
    let (job, kind) = (key.get(5..9)?.try_into().ok().map(u32::from_be_bytes)?, *key.get(9)?);
    let holds_values = kind == PartKind::Upload as u8 || kind == PartKind::Failed as u8;
    owner(key).filter(|_| letter(key) == Some(b'o')).map(|ws| (ws, JobId(job), holds_values))
}

/// The workspace and job of the key of a job's record.
pub fn of_job(key: &[u8]) -> Option<(WorkspaceId, JobId)> {
    let ws = owner(key).filter(|_| letter(key) == Some(b'j'))?;
    Some((ws, JobId(last_id(key)?)))
}

/// Whose job under way or alarm it is, if it is the key of one.
pub fn owner_on_server(key: &[u8]) -> Option<WorkspaceId> {
    let (from, to) = active_jobs();
    match (from.as_slice()..to.as_slice()).contains(&key) {
        true => of_active_job(key).map(|(ws, _)| ws),
        false => of_any_alarm(key).map(|(_, ws, _)| ws),
    }
}

/// Whose range the key lies in; `None` in the server's.
pub fn owner(key: &[u8]) -> Option<WorkspaceId> {
    let ws = key.first_chunk().copied().map(u32::from_be_bytes).map(WorkspaceId)?;
    (ws != SERVER).then_some(ws)
}

/// The letter that says what is kept under a workspace's key; `None` in the server's range.
pub fn letter(key: &[u8]) -> Option<u8> {
    owner(key).and(key.get(4).copied())
}

pub fn undo(ws: WorkspaceId, contact: ContactId, job: JobId) -> Vec<u8> {
    key(ws, b'y', &[&contact.0.to_be_bytes(), &job.0.to_be_bytes()])
}

/// What any job changed on the contact.
pub fn undos(ws: WorkspaceId, contact: ContactId) -> Range {
    below(key(ws, b'y', &[&contact.0.to_be_bytes()]))
}

pub fn done(ws: WorkspaceId, used: &[u8; 16]) -> Vec<u8> {
    key(ws, b'n', &[used])
}

pub fn used(ws: WorkspaceId, at: i64, used: &[u8; 16]) -> Vec<u8> {
    key(ws, b'a', &[&oldest_first(at), used])
}

/// The idempotency keys used before a time.
pub fn used_before(ws: WorkspaceId, at: i64) -> Range {
    (below(key(ws, b'a', &[])).0, key(ws, b'a', &[&oldest_first(at)]))
}

/// The time and the idempotency key of a key of [`used`].
pub fn of_used(key: &[u8]) -> Option<(i64, [u8; 16])> {
    let at = u64::from_be_bytes(key.get(5..13)?.try_into().ok()?) ^ (1 << 63);
    Some((at as i64, key.last_chunk().copied()?))
}

pub fn changes(ws: WorkspaceId, last: Seq) -> Vec<u8> {
    key(ws, b'g', &[&last.0.to_be_bytes()])
}

/// The runs that hold a change numbered `from` or higher.
pub fn log(ws: WorkspaceId, from: Seq) -> Range {
    (changes(ws, from), below(key(ws, b'g', &[])).1)
}

/// The number of the last change of the run at this key.
pub fn last_change(key: &[u8]) -> Option<Seq> {
    key.last_chunk().copied().map(u64::from_be_bytes).map(Seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WS: WorkspaceId = WorkspaceId(7);

    fn within(range: &Range, key: &[u8]) -> bool {
        range.0.as_slice() <= key && key < range.1.as_slice()
    }

    #[test]
    fn a_workspace_is_one_range_and_no_other_is_in_it() {
        for ws in [WorkspaceId(1), WorkspaceId(u32::MAX - 1), WorkspaceId(u32::MAX)] {
            let keys = [
                head(ws),
                contact(ws, ContactId(u32::MAX)),
                changes(ws, Seq(u64::MAX)),
                interaction(ws, ContactId(u32::MAX), i64::MIN, 0),
                holder(ws, &IdentityKey::Phone(u64::MAX), ContactId(u32::MAX)),
            ];
            for key in &keys {
                assert!(within(&whole(ws), key));
                assert!(!within(&whole(WorkspaceId(ws.0 - 1)), key));
                assert!(!within(&whole(SERVER), key));
            }
        }
    }

    #[test]
    fn histories_are_newest_first() {
        let times = [(i64::MAX, 3), (5, 9), (5, 2), (0, 1), (-1, u64::MAX), (i64::MIN, 0)];
        let keys: Vec<_> = times.iter().map(|&(at, number)| interaction(WS, ContactId(1), at, number)).collect();
        assert!(keys.is_sorted());
        for (key, (at, number)) in keys.iter().zip(times) {
            assert_eq!(of_interaction(key), Some((ContactId(1), number)));
            assert!(!within(&history(WS, ContactId(1), Some((at, number))), key));
            assert!(within(&history(WS, ContactId(1), None), key));
            assert!(!within(&history(WS, ContactId(2), None), key));
        }
    }

    #[test]
    fn holders_of_one_email_are_apart_from_those_of_its_extensions() {
        let range = holders(WS, &IdentityKey::Email("a@b.co".into()));
        assert!(within(&range, &holder(WS, &IdentityKey::Email("a@b.co".into()), ContactId(u32::MAX))));
        for other in ["a@b.com", "a@b.c", "a@b.co\0\0\0\0\0"] {
            assert!(!within(&range, &holder(WS, &IdentityKey::Email(other.into()), ContactId(1))));
        }
    }

    #[test]
    fn long_emails_make_short_keys_that_still_differ() {
        let long = |last: &str| identity(WS, &IdentityKey::Email(format!("{}{last}", "ü".repeat(300))));
        assert!(long("a").len() <= 206);
        assert_ne!(long("a"), long("b"));
    }
}
