//! A query, drawn at random over every field and operator there is.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use rand::prelude::*;
use rollcall::contact::{Field, fold, time};
use rollcall::engine::{Query, Sort};
use rollcall::filter::op::{self, Operator};
use serde_json::{Value as Json, json};

use super::values::{self, part, pick, retyped};
use super::{World, ZONES};

/// Operator and field kind, as texts: what was asked so far.
pub type Asked = BTreeSet<(&'static str, String)>;

/// Every pair that the table of operators allows.
pub fn every_pair() -> Asked {
    op::table().iter().flat_map(|row| row.kinds.iter().map(|kind| (row.name, format!("{kind:?}")))).collect()
}

impl World {
    /// A query; what its conditions ask goes into `asked`.
    pub fn query(&mut self, asked: &mut Asked) -> Query {
        let timezone = self.rng.random_bool(0.5).then(|| pick(&mut self.rng, &ZONES).to_owned());
        let zone = time::zone(timezone.as_deref().unwrap_or(&self.catalog.workspace.timezone)).expect("a zone");
        let search = self.rng.random_bool(0.35).then(|| self.search());
        let filter = self.rng.random_bool(0.85).then(|| self.tree(3, &zone, asked));
        let segment = self.rng.random_bool(0.15).then(|| match self.usable_segment() {
            segment if self.rng.random() => segment.id.into(),
            segment => fold::compare(&segment.name).as_str().into(),
        });
        let sort = self.sort();
        let limit = self.rng.random_range(1..=100);
        let far = self.contacts.len() + 5;
        let offset = if self.rng.random_bool(0.6) { 0 } else { self.rng.random_range(0..far) };
        let (facets, disjunctive) = (self.facets(), self.rng.random_bool(0.5));
        let limit = self.rng.random_bool(0.9).then_some(limit);
        Query { search, filter, segment, timezone, sort, offset, limit, facets, disjunctive, min_version: None }
    }

    /// A tree of at most so many levels below this one.
    pub fn tree(&mut self, levels: u32, zone: &TimeZone, asked: &mut Asked) -> Json {
        let shape = if levels == 0 { 0 } else { self.rng.random_range(0..10) };
        let some = self.rng.random_range(0..4);
        match shape {
            0..4 => self.leaf(zone, asked),
            4..7 => json!({"$and": (0..some).map(|_| self.tree(levels - 1, zone, asked)).collect::<Vec<_>>()}),
            7..9 => json!({"$or": (0..some).map(|_| self.tree(levels - 1, zone, asked)).collect::<Vec<_>>()}),
            _ => json!({"$not": self.tree(levels - 1, zone, asked)}),
        }
    }

    fn leaf(&mut self, zone: &TimeZone, asked: &mut Asked) -> Json {
        let mut field = Field::all(&self.catalog).choose(&mut self.rng).expect("fields");
        let mut operator = op::of_kind(field.kind(&self.catalog)).choose(&mut self.rng).expect("operators");
        // What chance left out so far is asked for now and then, so that nothing is left out in the end.
        if self.rng.random_ratio(1, 8) {
            let pairs = Field::all(&self.catalog)
                .flat_map(|field| op::of_kind(field.kind(&self.catalog)).map(move |operator| (field, operator)));
            let new: Vec<_> = pairs.filter(|(field, operator)| !asked.contains(&self.pair(*field, operator))).collect();
            (field, operator) = *new.choose(&mut self.rng).unwrap_or(&(field, operator));
        }
        asked.insert(self.pair(field, operator));
        self.condition(field, operator, zone)
    }

    fn pair(&self, field: Field, operator: &Operator) -> (&'static str, String) {
        (operator.name, format!("{:?}", field.kind(&self.catalog)))
    }

    fn sort(&mut self) -> Vec<Sort> {
        let some = pick(&mut self.rng, &[0, 1, 1, 2, 3]);
        let fields: Vec<Field> = Field::all(&self.catalog).filter(|field| field.is_sortable()).collect();
        let key = |_| Sort {
            field: pick(&mut self.rng, &fields).name(&self.catalog).to_owned(),
            descending: self.rng.random_bool(0.5),
            missing_first: self.rng.random_bool(0.4),
        };
        (0..some).map(key).collect()
    }

    fn facets(&mut self) -> Vec<String> {
        if self.rng.random_bool(0.6) {
            return Vec::new();
        }
        let all = Field::all(&self.catalog).filter(|field| field.is_facetable(&self.catalog));
        let some = self.rng.random_range(1..6);
        all.sample(&mut self.rng, some).iter().map(|field| field.name(&self.catalog).to_owned()).collect()
    }

    /// What somebody types into the search box.
    pub fn search(&mut self) -> String {
        let words = pick(&mut self.rng, &[1, 1, 1, 2, 3]);
        (0..words).map(|_| self.word()).collect::<Vec<_>>().join(pick(&mut self.rng, &[" ", "  ", "\u{3000}"]))
    }

    fn word(&mut self) -> String {
        let shown = |contact: &rollcall::contact::Contact| contact.full_name().or(contact.email.clone());
        let name = self.contacts.values().filter_map(shown).choose(&mut self.rng).unwrap_or_else(|| "Ana".into());
        let email = self.contacts.values().filter_map(|contact| contact.email.clone()).choose(&mut self.rng);
        match self.rng.random_range(0..10) {
            0 => email.map_or("@".into(), |email| part(&mut self.rng, &email, false, false)),
            1 => values::text(&mut self.rng),
            2 | 3 => self.number_part("isEqualTo").as_str().unwrap_or("60123").to_owned(),
            4 => self.number_part("contains").as_str().unwrap_or("60123").to_owned(),
            5 => name.chars().choose(&mut self.rng).map(String::from).unwrap_or_default(),
            6 => retyped(&mut self.rng, &name),
            7 => name.split(' ').choose(&mut self.rng).map(str::to_owned).unwrap_or_default(),
            _ => part(&mut self.rng, &name, false, false),
        }
    }
}
