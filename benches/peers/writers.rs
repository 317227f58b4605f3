//! The writes of the mixed run, as each engine takes them.

use rollcall::contact::identity::Identifier;
use rollcall::contact::{ContactId, Interaction, InteractionKind};

use crate::ask::Param;
use crate::mixed::Write;
use crate::postgresql::PostgreSql;
use crate::rollcall::Rollcall;
use crate::sqlite::Sqlite;

/// Whoever writes; what it was given is durable when it returns.
pub trait Writer: Send {
    /// How many due writes it takes at once.
    fn at_once(&self) -> usize {
        1
    }

    fn write(&mut self, due: &[Write]);
}

impl Writer for Rollcall {
    fn write(&mut self, due: &[Write]) {
        for write in due {
            match *write {
                Write::Message { contact, at } => {
                    let kind = InteractionKind::IncomingMessage;
                    let message =
                        Interaction { kind, at, channel: Some(self.channel), author: None, text: Some("hello".into()) };
                    self.engine.record(&self.actor, &Identifier::Id(ContactId(contact)), message).expect("records");
                }
                Write::Tag { contact, tag, on } => {
                    let (who, names) = (Identifier::Id(ContactId(contact)), [self.tags[tag].clone()]);
                    let done = match on {
                        true => self.engine.add_tags(&self.actor, &who, &names),
                        false => self.engine.remove_tags(&self.actor, &who, &names),
                    };
                    done.expect("edits a tag");
                }
            }
        }
    }
}

/// A newer message moves the times and opens the conversation, as ours does.
const MOVED: &str = "last_message_at = $2, last_incoming_at = $2, last_interaction_at = $2, updated_at = $2, last_channel = 1, \
    opened_at = CASE conversation WHEN 0 THEN opened_at ELSE $2 END, conversation = 0, \
    status = CASE status WHEN 3 THEN 3 ELSE 0 END";

impl Writer for PostgreSql {
    fn write(&mut self, due: &[Write]) {
        for write in due {
            let (text, params) = match *write {
                Write::Message { contact, at } => (
                    format!(
                        "WITH kept AS (INSERT INTO interaction (contact, at, channel, text) VALUES ($1::int8, $2::int8, 1, 'hello')) \
                         UPDATE contact SET {MOVED} WHERE id = $1::int8"
                    ),
                    vec![Param::Int(contact.into()), Param::Int(at)],
                ),
                Write::Tag { contact, tag, on } => (
                    format!(
                        "UPDATE contact SET tags = array_remove(tags, $2::int8::int4){} WHERE id = $1::int8",
                        if on { " || $2::int8::int4" } else { "" }
                    ),
                    vec![Param::Int(contact.into()), Param::Int(tag as i64 + 1)],
                ),
            };
            assert_eq!(self.run(&text, params), 1, "one contact changes");
        }
    }
}

impl Writer for Sqlite {
    /// One writer at a time is all there is, so it shares a transaction among what waits.
    fn at_once(&self) -> usize {
        512
    }

    fn write(&mut self, due: &[Write]) {
        self.batch("BEGIN IMMEDIATE");
        for write in due {
            match *write {
                Write::Message { contact, at } => {
                    let params = || vec![Param::Int(contact.into()), Param::Int(at)];
                    self.run(
                        "INSERT INTO interaction (contact, at, channel, text) VALUES (?1, ?2, 1, 'hello')",
                        params(),
                    );
                    self.run(&format!("UPDATE contact SET {} WHERE id = ?1", MOVED.replace('$', "?")), params());
                }
                Write::Tag { contact, tag, on } => {
                    let text = match on {
                        true => "INSERT OR IGNORE INTO contact_tag VALUES (?2, ?1)",
                        false => "DELETE FROM contact_tag WHERE tag = ?2 AND contact = ?1",
                    };
                    self.run(text, vec![Param::Int(contact.into()), Param::Int(tag as i64 + 1)]);
                    let tags = "UPDATE contact SET tags = (SELECT json_group_array(tag) FROM contact_tag WHERE contact = ?1) WHERE id = ?1";
                    self.run(tags, vec![Param::Int(contact.into())]);
                }
            }
        }
        self.batch("COMMIT");
    }
}
