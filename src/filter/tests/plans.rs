//! Which way the plan takes, as explain shows it.

use serde_json::{Value as Json, json};

use super::world::{DAY, NOW, catalog, filter};
use crate::contact::*;
use crate::filter::{PlanNode, View, Way, explain, rows};
use crate::index::Index;

/// Two hundred contacts; one in twenty is tagged, one in a hundred has a note.
fn index(catalog: &Catalog) -> Index {
    let mut index = Index::new(catalog);
    for row in 1..=200u32 {
        let contact = Contact {
            id: ContactId(row),
            first_name: Some(format!("Name {row}")),
            tags: if row % 20 == 0 { vec![TagId(1)] } else { Vec::new() },
            last_message_at: Some(NOW - i64::from(row) * DAY),
            custom: if row % 100 == 0 { vec![(CustomFieldId(1), Value::Text("x".into()))] } else { Vec::new() },
            ..Contact::default()
        };
        index.put(row, Some(&contact), catalog);
    }
    index
}

fn plan(json: &Json) -> PlanNode {
    let catalog = catalog();
    let index = index(&catalog);
    explain(&filter(json, &catalog), View { index: &index, grams: None, text_scan_max: 4, catalog: &catalog }).1
}

fn outline(node: &PlanNode) -> Vec<(&str, Way, u64, Option<u64>)> {
    node.children.iter().map(|child| (child.what.as_str(), child.way, child.rows, child.checked)).collect()
}

#[test]
fn small_sets_go_first_and_what_is_dear_is_checked_on_what_is_left() {
    let tagged = json!({"field": "tags", "operator": "hasAnyOf", "value": ["vip"]});
    let named = json!({"field": "name", "operator": "contains", "value": "name 1"});
    let unnoted = json!({"field": "note", "operator": "doesNotExist"});
    let node = plan(&json!({"$and": [named, unnoted, tagged]}));
    assert_eq!(
        outline(&node),
        [
            ("tags hasAnyOf", Way::Bitmap, 10, None),
            ("note doesNotExist", Way::Bitmap, 198, None),
            ("name contains", Way::ColumnCheck, 4, Some(8)),
        ]
    );
    assert_eq!((node.what.as_str(), node.rows), ("$and", 4));
}

#[test]
fn nothing_is_evaluated_once_nothing_is_left() {
    let node = plan(&json!({"$and": [
        {"field": "name", "operator": "contains", "value": "name"},
        {"field": "tags", "operator": "hasAnyOf", "value": ["unheard of"]}]}));
    assert_eq!(
        outline(&node),
        [("tags hasAnyOf", Way::Constant, 0, None), ("name contains", Way::ColumnCheck, 0, Some(0))]
    );
}

#[test]
fn ranges_are_slices_of_the_order_where_these_are_short() {
    let older = |days: u32| {
        json!({"field": "lastMessageAt", "operator": "isTimestampBefore",
        "value": {"ago": {"amount": days, "unit": "days"}}})
    };
    for (days, way, rows) in [(190, Way::OrderSlice, 10), (10, Way::OrderSlice, 190), (100, Way::ColumnScan, 100)] {
        let node = plan(&older(days));
        assert_eq!((node.way, node.rows), (way, rows), "{days}");
    }
}

#[test]
fn sets_that_the_index_keeps_are_borrowed() {
    let catalog = catalog();
    let index = index(&catalog);
    let view = View { index: &index, grams: None, text_scan_max: 4, catalog: &catalog };
    for json in [
        json!({"$and": []}),
        json!({"$and": [{"field": "tags", "operator": "hasAnyOf", "value": ["vip"]}]}),
        json!({"field": "status", "operator": "isEqualTo", "value": "closed"}),
        json!({"field": "id", "operator": "isGreaterThan", "value": 0}),
    ] {
        assert!(matches!(rows(&filter(&json, &catalog), view), std::borrow::Cow::Borrowed(_)), "{json}");
    }
}
