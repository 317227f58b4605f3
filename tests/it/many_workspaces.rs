//! Ten thousand workspaces in one process: each wakes when it is asked for, and none stays awake.

use std::sync::Arc;
use std::time::Duration;

use rollcall::clock::Clock;
use rollcall::config::Config;
use rollcall::contact::ContactId;
use rollcall::contact::identity::Identifier;
use rollcall::engine::{Actor, Engine, NewWorkspace, Query};
use rollcall::store::MemoryStore;
use serde_json::json;

const WORKSPACES: u32 = 10_000;
/// Looks at whether all sleep before it counts as a failure: minutes, where a second is enough.
const LOOKS: u32 = 6_000;

#[test]
fn ten_thousand_workspaces_wake_when_asked_and_sleep_again() {
    let mut settings = Config::defaults().expect("the compiled-in defaults are sound").engine;
    settings.sleep_after_s = 0;
    let engine = Engine::open(Arc::new(MemoryStore::default()), None, settings, Clock::system()).expect("opens");
    let actors: Vec<Actor> = (0..WORKSPACES).map(|n| workspace(&engine, n)).collect();
    assert_eq!(engine.workspaces().expect("a list").len(), WORKSPACES as usize);
    for (n, actor) in actors.iter().enumerate().step_by(97) {
        let fields = json!({"firstName": format!("Person {n}"), "tags": ["here"]});
        engine.create_contact(actor, fields.as_object().expect("an object")).expect("created");
    }
    let all_sleep = (0..LOOKS).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        engine.gauges().awake.is_empty()
    });
    assert!(all_sleep, "{} are awake", engine.gauges().awake.len());
    for (n, actor) in actors.iter().enumerate().step_by(97) {
        let query = Query { search: Some(format!("person {n}")), ..Query::default() };
        assert_eq!(engine.search(actor, &query).expect("a page").total, 1, "workspace {n} woke with its contact");
        assert!(engine.contact(actor.workspace, &Identifier::Id(ContactId(2)), None).is_err());
    }
    assert_eq!(engine.count(&actors[1], &Query::default()).expect("a count").value, 0);
}

fn workspace(engine: &Engine, n: u32) -> Actor {
    let new = NewWorkspace {
        name: format!("workspace {n}"),
        default_country: None,
        timezone: "UTC".into(),
        locale: "en".into(),
    };
    Actor::operator(engine.create_workspace(new).expect("a workspace").id)
}
