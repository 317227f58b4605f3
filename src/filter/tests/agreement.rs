//! The index and the contact give the same answer, whatever is asked; and the laws of two-valued logic hold.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::world::{catalog, condition, contact, context, tree, unlucky};
use crate::contact::*;
use crate::filter::{Filter, View, explain, matches, read, rows};
use crate::index::{GramIndex, GramSettings, Index, Row, RowSet};

struct World {
    catalog: Catalog,
    contacts: Vec<Option<Contact>>,
    index: Index,
}

/// Contacts under the ids from 1 on; `None` is one that was deleted.
fn world(contacts: Vec<Option<Contact>>, orders: bool) -> World {
    let catalog = catalog();
    let mut index = Index::new(&catalog);
    let mut numbered = Vec::new();
    for (contact, row) in contacts.into_iter().zip(1..) {
        match contact {
            Some(mut contact) => {
                contact.id = ContactId(row);
                index.put(row, Some(&contact), &catalog);
                numbered.push(Some(contact));
            }
            None => {
                index.put(row, Some(&Contact { id: ContactId(row), ..Contact::default() }), &catalog);
                index.put(row, None, &catalog);
                numbered.push(None);
            }
        }
    }
    if orders {
        for field in Field::all(&catalog).filter(|field| index.column(*field).is_some()).collect::<Vec<_>>() {
            index.build_order(field);
        }
    }
    World { catalog, contacts: numbered, index }
}

impl World {
    fn scan(&self, filter: &Filter) -> RowSet {
        let contacts = self.contacts.iter().flatten();
        contacts.filter(|contact| matches(filter, contact)).map(|contact| contact.id.0).collect()
    }

    fn texts(&self, row: Row) -> Vec<(Field, String)> {
        let mut texts: Vec<(Field, String)> =
            self.index.row_texts(row).into_iter().map(|(field, text)| (field, text.to_owned())).collect();
        if let Some(phone) = self.index.phone(row) {
            texts.extend(phone::forms(&phone).map(|form| (Field::Phone, form)));
        }
        texts
    }

    /// A text index with every row whose id is not a multiple of three, as it was before the last write.
    fn grams(&mut self, folder: &TempDir) -> GramIndex {
        let settings =
            GramSettings { cache_max: 1 << 20, flush_memory_max: 0, bulk_memory_max: 0, check_files_at_open: false };
        let grams = GramIndex::open(folder.path(), "test", settings).unwrap();
        let flushed: RowSet = self.index.alive().iter().filter(|row| row % 3 != 0).collect();
        let mut texts = flushed.iter().map(|row| (row, self.texts(row)));
        let prepared = grams.prepare(&flushed, &mut texts, 1).unwrap();
        drop(texts);
        grams.install(prepared);
        self.index.flushed(&flushed, &RowSet::new());
        grams
    }
}

fn contacts() -> impl Strategy<Value = Vec<Option<Contact>>> {
    prop::collection::vec(prop::option::weighted(0.93, contact()), 0..50)
}

/// A failure is made smaller for a while only: each step builds an index.
fn few(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, max_shrink_iters: 200, ..ProptestConfig::default() }
}

/// The rows by every path agree with the scan.
fn agrees(world: &World, view: View, json: &Json) -> Result<(), TestCaseError> {
    let filter = match read(json, "filter", &context(&world.catalog)) {
        Ok(filter) => filter,
        Err(mistake) if unlucky(&mistake) => return Ok(()),
        Err(mistake) => return Err(TestCaseError::fail(format!("{mistake} in {json}"))),
    };
    let truth = world.scan(&filter);
    prop_assert_eq!(&*rows(&filter, view), &truth, "{}", json);
    let (explained, node) = explain(&filter, view);
    prop_assert_eq!(&*explained, &truth);
    prop_assert_eq!(node.rows, truth.len(), "{:?}", node);
    let negated = Filter::Not(Box::new(filter));
    prop_assert_eq!(&*rows(&negated, view), &world.index.alive().minus(&truth), "not {}", json);
    Ok(())
}

proptest! {
    #![proptest_config(few(60))]

    #[test]
    fn every_condition_agrees_with_a_scan(
        contacts in contacts(), conditions in prop::collection::vec(condition(&catalog()), 12), orders: bool,
    ) {
        let world = world(contacts, orders);
        let view = View { index: &world.index, grams: None, text_scan_max: 4, catalog: &world.catalog };
        for json in conditions {
            agrees(&world, view, &json)?;
        }
    }

    #[test]
    fn every_tree_agrees_with_a_scan(
        contacts in contacts(), trees in prop::collection::vec(tree(&catalog()), 6), orders: bool,
    ) {
        let world = world(contacts, orders);
        let view = View { index: &world.index, grams: None, text_scan_max: 4, catalog: &world.catalog };
        for json in trees {
            agrees(&world, view, &json)?;
        }
    }

    #[test]
    fn de_morgan_and_complement_hold(contacts in contacts(), a in tree(&catalog()), b in tree(&catalog())) {
        let world = world(contacts, true);
        let view = View { index: &world.index, grams: None, text_scan_max: 4, catalog: &world.catalog };
        let read = |json: Json| read(&json, "filter", &context(&world.catalog));
        let not = |json: &Json| json!({"$not": json});
        let (Ok(left), Ok(right)) = (
            read(json!({"$not": {"$and": [a, b]}})),
            read(json!({"$or": [not(&a), not(&b)]})),
        ) else { return Ok(()) };
        prop_assert_eq!(rows(&left, view), rows(&right, view));
        let (Ok(positive), Ok(twice)) = (read(a.clone()), read(not(&not(&a)))) else { return Ok(()) };
        prop_assert_eq!(rows(&positive, view), rows(&twice, view));
        let negative = Filter::Not(Box::new(positive.clone()));
        prop_assert_eq!(rows(&positive, view).len() + rows(&negative, view).len(), world.index.alive().len());
    }
}

proptest! {
    #![proptest_config(few(12))]

    #[test]
    fn the_text_index_agrees_with_a_scan(
        contacts in prop::collection::vec(contact().prop_map(Some), 30..60),
        late in prop::collection::vec(contact(), 4),
        trees in prop::collection::vec(tree(&catalog()), 8),
        needles in prop::collection::vec(("[abeéAmi김 ]{1,4}", 0..3usize, 0..3usize), 40),
        digits in prop::collection::vec(("[0-9]{1,5}", 0..3usize), 12),
    ) {
        let folder = TempDir::new().unwrap();
        let mut world = world(contacts, true);
        let grams = world.grams(&folder);
        for (mut contact, row) in late.into_iter().zip([1, 2, 3, 4]) {
            contact.id = ContactId(row);
            world.index.put(row, Some(&contact), &world.catalog);
            world.contacts[row as usize - 1] = Some(contact);
        }
        world.index.put(5, None, &world.catalog);
        world.contacts[4] = None;
        let text_index = grams.view();
        let view = View { index: &world.index, grams: Some(&text_index), text_scan_max: 4, catalog: &world.catalog };
        let operators = ["contains", "startsWith", "endsWith"];
        for json in trees {
            agrees(&world, view, &json)?;
        }
        for (needle, operator, field) in needles {
            let field = ["name", "firstName", "note"][field];
            agrees(&world, view, &json!({"field": field, "operator": operators[operator], "value": needle}))?;
        }
        for (digits, operator) in digits {
            agrees(&world, view, &json!({"field": "phone", "operator": operators[operator], "value": digits}))?;
        }
    }
}
