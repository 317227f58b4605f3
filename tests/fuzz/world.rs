//! Contacts to ask for, and filters that ask for them.

use rollcall::contact::{Catalog, Contact, ContactId, Field, Kind, UserId, Workspace, WorkspaceId, render, time};
use rollcall::corpus::Corpus;
use rollcall::filter::{Context, View, op};
use rollcall::index::Index;
use serde_json::{Value as Json, json};

use crate::dice::Dice;
use crate::{LIMITS, NOW};

/// A workspace's catalog, contacts of many scripts, and their index.
pub struct World {
    pub catalog: Catalog,
    pub contacts: Vec<Contact>,
    pub index: Index,
}

impl World {
    pub fn new(contacts: u64) -> World {
        let corpus = Corpus::new(3, NOW);
        let workspace = Workspace {
            id: WorkspaceId(1),
            default_country: Some("MY".into()),
            timezone: "Europe/Berlin".into(),
            locale: "en".into(),
            ..Workspace::default()
        };
        let catalog = corpus.definition().catalog(workspace);
        let contacts: Vec<Contact> = (1..)
            .zip(corpus.contacts(0..contacts))
            .map(|(id, contact)| Contact { id: ContactId(id), ..contact })
            .collect();
        let mut index = Index::bulk(&catalog);
        contacts.iter().for_each(|contact| index.put(contact.id.0, Some(contact), &catalog));
        index.finish();
        World { catalog, contacts, index }
    }

    pub fn view(&self) -> View<'_> {
        View { index: &self.index, grams: None, text_scan_max: 8, catalog: &self.catalog }
    }

    pub fn context(&self, dice: &mut Dice) -> Context<'_> {
        let zone =
            time::zone(dice.pick(&["Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia", "UTC", "America/St_Johns"]));
        let me = dice.one_in(2).then_some(UserId(1));
        Context { catalog: &self.catalog, zone: zone.expect("a zone"), now: NOW, me, limits: LIMITS }
    }

    /// A filter with names that exist and values of all kinds.
    pub fn filter(&self, dice: &mut Dice, depth: usize) -> Json {
        match dice.below(if depth == 0 { 5 } else { 8 }) {
            0..=4 => {
                let fields: Vec<Field> = Field::all(&self.catalog).collect();
                let field = dice.pick(&fields);
                let operators: Vec<_> = op::of_kind(field.kind(&self.catalog)).collect();
                let operator = dice.pick(&operators).name;
                let mut condition = json!({"field": field.name(&self.catalog), "operator": operator});
                if let Some(value) = self.operand(dice, field, operator) {
                    condition["value"] = value;
                }
                condition
            }
            5 => json!({"$not": self.filter(dice, depth - 1)}),
            way => {
                let nodes: Vec<Json> = (0..dice.below(4)).map(|_| self.filter(dice, depth - 1)).collect();
                json!({ (if way == 6 { "$and" } else { "$or" }): nodes })
            }
        }
    }

    /// What the operator takes, most often.
    fn operand(&self, dice: &mut Dice, field: Field, operator: &str) -> Option<Json> {
        let one = |dice: &mut Dice| if dice.one_in(20) { dice.value(2) } else { self.plain(dice, field) };
        Some(match operator {
            "exists" | "doesNotExist" => return None,
            "hasAtLeast" => json!({"count": dice.below(4), "of": [one(dice), one(dice), one(dice)]}),
            has if has.starts_with("has") => (0..1 + dice.below(3)).map(|_| one(dice)).collect(),
            between if between.ends_with("Between") => json!({"from": one(dice), "to": one(dice)}),
            _ => one(dice),
        })
    }

    /// A value of the field's kind.
    fn plain(&self, dice: &mut Dice, field: Field) -> Json {
        let contact = &self.contacts[dice.below(self.contacts.len())];
        let amount =
            json!({"amount": dice.below(400), "unit": dice.pick(&["seconds", "hours", "days", "weeks", "years"])});
        match field.kind(&self.catalog) {
            Kind::Text if dice.one_in(3) => dice.text().into(),
            Kind::Text => {
                let texts = [contact.first_name.as_deref(), contact.last_name.as_deref(), contact.email.as_deref()];
                let (text, skipped) = (dice.pick(&texts).unwrap_or("a"), dice.below(5));
                text.chars().skip(skipped).take(1 + dice.below(4)).collect::<String>().into()
            }
            Kind::Phone => dice.pick(&["+60", "012", "0060 1", "(0)12", "7", "٣٤"]).into(),
            Kind::Choice | Kind::Set => render::value(contact, &self.catalog, field).map_or_else(
                || dice.pick(&["open", "MY", "de", "me", "free", "New lead", "whatsapp", "vip"]).into(),
                one_of,
            ),
            Kind::Number if dice.one_in(3) => dice.number(),
            Kind::Number => json!(dice.below(100)),
            Kind::Instant if dice.one_in(3) => json!({ "ago": amount }),
            Kind::Instant if dice.one_in(3) => json!({"startOf": "week", "offset": -(dice.below(100) as i64)}),
            Kind::Instant => {
                json!(dice.pick(&["2023-01-01", "2023-03-26 02:30", "2022-06-05T10:00:00Z", "1690000000000"]))
            }
            Kind::Duration => amount,
            Kind::Date => json!(dice.pick(&["1990-01-01", "2000-02-29", "0001-01-01"])),
            Kind::Time => json!(dice.pick(&["00:00", "09:30", "23:59"])),
            Kind::Checkbox => dice.one_in(2).into(),
            Kind::Segment => json!(1),
        }
    }
}

/// The first of a list, or what is no list.
fn one_of(value: Json) -> Json {
    match value {
        Json::Array(mut items) if !items.is_empty() => items.swap_remove(0),
        other => other,
    }
}
