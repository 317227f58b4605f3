//! What happens between two queries: writes of every kind, each done to the plain copy too, and the engine's own upkeep.

use std::sync::Arc;

use rand::prelude::*;
use rollcall::contact::identity::Identifier;
use rollcall::contact::*;
use rollcall::engine::{Error, Recorded, Written};

use super::values::{self, pick};
use super::{START, World};

const TYPES: [DataType; 8] = [
    DataType::Text,
    DataType::List,
    DataType::Checkbox,
    DataType::Email,
    DataType::Number,
    DataType::Url,
    DataType::Date,
    DataType::Time,
];

impl World {
    /// Something happens.
    pub fn happen(&mut self) {
        match self.rng.random_range(0..100) {
            0..15 => {
                let some = self.rng.random_range(1..5);
                self.create(some);
            }
            15..20 => self.create_one(),
            20..45 => self.update(),
            45..52 => self.delete(),
            52..62 => self.tag(),
            62..80 => self.message(),
            80..82 if self.catalog.fields.len() < 14 => {
                let data_type = pick(&mut self.rng, &TYPES);
                self.new_field(data_type);
            }
            82..83 => self.drop_field(),
            83..85 => self.drop_tag(),
            85..86 => self.rename_tag(),
            86..88 => self.move_stage(),
            88..89 => self.drop_stage(),
            89..91 => self.rename_user(),
            91..92 => self.add_choice(),
            92..94 => self.clock.set(self.clock.now() + pick(&mut self.rng, &[1, 60_000, 3_600_000, 700_000])),
            94..97 => self.engine().checkpoint(self.ws()).expect("a checkpoint"),
            97 => self.reopen(),
            _ => self.segment(),
        }
    }

    /// New contacts the importer's way, duplicates of identity included.
    pub fn create(&mut self, some: usize) {
        let persons: Vec<_> = (0..some).map(|_| self.person(true, false)).collect();
        let written = self.engine().create_many(&self.actor, &persons, true, true).expect("they are created");
        self.refresh();
        let ids: Vec<ContactId> = self.noted(written).into_iter().map(|one| one.expect("one is created")).collect();
        for id in ids {
            let found = self.engine().contact(self.ws(), &Identifier::Id(id), None).expect("it is there").value;
            self.note(&found);
        }
    }

    fn create_one(&mut self) {
        let person = self.person(false, false);
        match self.engine().create_contact(&self.actor, &person) {
            Ok(written) => self.note_written(written),
            Err(Error::Conflict { holder: Some(holder), .. }) => assert!(self.contacts.contains_key(&holder.0)),
            Err(other) => panic!("{other}"),
        }
    }

    fn update(&mut self) {
        let Some(who) = self.someone() else { return };
        let changes = self.person(false, true);
        match self.engine().update_contact(&self.actor, &who, &changes) {
            Ok(written) => self.note_written(written),
            Err(Error::Conflict { holder: Some(holder), .. }) => assert!(self.contacts.contains_key(&holder.0)),
            Err(other) => panic!("{other}"),
        }
    }

    fn delete(&mut self) {
        let Some(who) = self.someone() else { return };
        let written = self.engine().delete_contact(&self.actor, &who).expect("it is deleted");
        let id = self.noted(written);
        assert!(self.contacts.remove(&id.0).is_some());
    }

    fn tag(&mut self) {
        let Some(who) = self.someone() else { return };
        let names: Vec<String> =
            (0..2).map(|_| pick(&mut self.rng, &["VIP", "größe", "Z", "later", "again"]).to_owned()).collect();
        let written = match self.rng.random_bool(0.6) {
            true => self.engine().add_tags(&self.actor, &who, &names),
            false => self.engine().remove_tags(&self.actor, &who, &names),
        };
        self.note_written(written.expect("it is tagged"));
    }

    /// A message, comment or event, now or late.
    fn message(&mut self) {
        let Some(who) = self.someone() else { return };
        let kind = pick(
            &mut self.rng,
            &[
                InteractionKind::IncomingMessage,
                InteractionKind::OutgoingMessage,
                InteractionKind::Comment,
                InteractionKind::Event,
            ],
        );
        let is_message = matches!(kind, InteractionKind::IncomingMessage | InteractionKind::OutgoingMessage);
        let late = self.rng.random_bool(0.3);
        let at = if late { values::instant(&mut self.rng, START) } else { self.clock.now() };
        let channel = self.catalog.channels.keys().copied().choose(&mut self.rng).filter(|_| is_message);
        let interaction = Interaction { kind, at, channel, author: None, text: Some("…".into()) };
        let Written { value, version } = self.engine().record(&self.actor, &who, interaction).expect("it is recorded");
        self.version = self.version.max(version);
        if let Recorded::Stored { contact, .. } = value {
            self.note(&contact);
        }
    }

    fn drop_field(&mut self) {
        let Some(id) = self.catalog.fields.keys().copied().skip(8).choose(&mut self.rng) else { return };
        self.version = self.engine().delete_field(self.ws(), id).expect("the field goes");
        self.changed(|contact| contact.set_custom(id, None));
    }

    fn drop_tag(&mut self) {
        let Some(id) = self.catalog.tags.keys().copied().choose(&mut self.rng) else { return };
        self.version = self.engine().delete_tag(self.ws(), id).expect("the tag goes");
        self.changed(|contact| contact.tags.retain(|tag| *tag != id));
    }

    fn drop_stage(&mut self) {
        let Some(id) = self.catalog.stages.keys().copied().skip(2).choose(&mut self.rng) else { return };
        self.version = self.engine().delete_stage(self.ws(), id).expect("the stage goes");
        self.changed(|contact| {
            contact.lifecycle.take_if(|stage| *stage == id);
        });
    }

    fn rename_tag(&mut self) {
        let Some(tag) = self.catalog.tags.values().choose(&mut self.rng).cloned() else { return };
        let name = format!("{} {}", tag.name, self.rng.random_range(0..1_000_000));
        let written = self.engine().put_tag(self.ws(), Tag { name, ..tag }).expect("the tag is renamed");
        self.version = written.version;
        self.refresh();
    }

    fn move_stage(&mut self) {
        let Some(stage) = self.catalog.stages.values().choose(&mut self.rng).cloned() else { return };
        let position = self.rng.random_range(1..5);
        self.version =
            self.engine().put_stage(self.ws(), Stage { position, ..stage }).expect("the stage moves").version;
        self.refresh();
    }

    fn rename_user(&mut self) {
        let Some(user) = self.catalog.users.values().choose(&mut self.rng).cloned() else { return };
        let first_name = pick(&mut self.rng, &values::FIRST).to_owned();
        let user = User { first_name, ..user };
        self.version = self.engine().put_user(self.ws(), user).expect("the user is renamed").version;
        self.refresh();
    }

    fn add_choice(&mut self) {
        let lists = self.catalog.fields.values().filter(|field| field.data_type == DataType::List);
        let Some(mut field) = lists.choose(&mut self.rng).cloned() else { return };
        field.allowed_values.push(format!("new {}", self.rng.random_range(0..1_000_000)));
        self.version = self.engine().put_field(self.ws(), field).expect("the list grows").version;
        self.refresh();
    }

    /// A contact by one of its names. A name that several share means any of them, so those are not used.
    fn someone(&mut self) -> Option<Identifier> {
        let contact = self.contacts.values().choose(&mut self.rng)?;
        let email = contact.email.as_deref().map(fold::compare);
        let same_email = |other: &&Contact| other.email.as_deref().map(fold::compare) == email;
        let same_phone = |other: &&Contact| match (&other.phone, &contact.phone) {
            (Some(other), Some(phone)) => other.digits == phone.digits,
            _ => false,
        };
        Some(match (self.rng.random_range(0..4), email.clone(), &contact.phone) {
            (0, Some(email), _) if self.contacts.values().filter(same_email).count() == 1 => Identifier::Email(email),
            (1, _, Some(phone)) if self.contacts.values().filter(same_phone).count() == 1 => {
                Identifier::Phone(phone.digits)
            }
            _ => Identifier::Id(contact.id),
        })
    }

    /// After a change that reaches many contacts: each is as the plain copy says, but for version and time of change.
    fn changed(&mut self, change: impl Fn(&mut Contact)) {
        self.refresh();
        let stored = self.engine().contacts_after(self.ws(), ContactId(0), usize::MAX).expect("contacts are read");
        assert_eq!(stored.len(), self.contacts.len());
        for found in stored {
            let mut expected = self.contacts[&found.id.0].clone();
            change(&mut expected);
            expected.version = found.version;
            expected.updated_at = found.updated_at;
            assert!(expected == found, "contact {} is not as it was but for the change", found.id);
            self.contacts.insert(found.id.0, found);
        }
    }

    fn note_written(&mut self, written: Written<Arc<Contact>>) {
        let contact = self.noted(written);
        self.note(&contact);
        self.refresh();
    }

    pub(super) fn noted<T>(&mut self, written: Written<T>) -> T {
        assert!(written.version >= self.version, "versions go up");
        self.version = written.version;
        written.value
    }

    fn note(&mut self, contact: &Contact) {
        self.contacts.insert(contact.id.0, contact.clone());
    }
}
