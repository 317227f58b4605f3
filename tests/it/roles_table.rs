//! The table of who may do what has a row for every route, and holds for users with each restriction too.

use std::collections::BTreeSet;

use rollcall::contact::{Role, User};
use serde_json::json;

use crate::http_roles::{TABLE, call};
use crate::support::api::{Api, token, user};

/// Routes that give contacts' data out: taken from a manager with `restrict_data_export`, owners keep them.
const EXPORTS: [&str; 2] = ["/v1/contacts/export", "/v1/contacts/page.csv"];

/// Whether the address is one of the template's, and how much of the template is fixed.
fn fits(template: &str, path: &str) -> Option<usize> {
    let path = path.split('?').next().unwrap_or_default();
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let same = |(template, path): (&&str, &&str)| template.starts_with('{') || template == path;
    let is_one = template.len() == path.len() && template.iter().zip(&path).all(same);
    is_one.then(|| template.iter().filter(|part| !part.starts_with('{')).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_has_a_row() {
    let api = Api::new().await;
    let description = api.raw(None, "GET", "/openapi.json", &[], Vec::new()).await.json();
    let mut described = BTreeSet::new();
    for (path, item) in description["paths"].as_object().expect("paths") {
        let methods = item.as_object().expect("an item").keys().map(|method| method.to_uppercase());
        described.extend(methods.filter(|_| path.starts_with("/v1/")).map(|method| (method, path.clone())));
    }
    assert!(described.len() > 25, "{described:?}");
    let mut asked = BTreeSet::new();
    for (method, path, ..) in TABLE {
        let of = described.iter().filter(|(other, _)| other == method);
        let nearest = of.filter_map(|route| Some((fits(&route.1, path)?, route))).max();
        let (_, route) = nearest.unwrap_or_else(|| panic!("{method} {path} is no route"));
        asked.insert(route.clone());
    }
    let forgotten: Vec<_> = described.difference(&asked).collect();
    assert!(forgotten.is_empty(), "routes without a row in http_roles.rs: {forgotten:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn restrictions_take_away_what_they_say_and_nothing_else() {
    let api = Api::new().await;
    let made = |user| token(&api.engine, api.workspace, user);
    let restricted = |name: &str, role| User {
        restrict_data_export: true,
        restrict_contact_deletion: true,
        show_only_mine: true,
        show_team_contacts: true,
        ..user(name, role)
    };
    let owner = made(restricted("Oda", Role::Owner));
    let clerk = made(User { restrict_data_export: true, ..user("Cleo", Role::Manager) });
    let shy = made(User { show_only_mine: true, show_team_contacts: true, ..user("Shea", Role::Manager) });
    let agent = made(User { restrict_data_export: true, restrict_contact_deletion: true, ..user("Abel", Role::Agent) });
    for (method, path, body, expected) in TABLE {
        let exports = EXPORTS.iter().any(|route| path.starts_with(route));
        let refused = |status: u16| status == 403;
        for (who, token, is_refused) in [
            ("an owner, whom no restriction binds", &owner, refused(expected[0])),
            ("a manager who may not export", &clerk, refused(expected[1]) || exports),
            ("a manager with an agent's restrictions", &shy, refused(expected[1])),
            ("an agent with a manager's restrictions", &agent, refused(expected[3])),
        ] {
            let reply = call(&api, token, method, path, body).await;
            assert_eq!(refused(reply.status), is_refused, "{method} {path} by {who}: {}", reply.status);
            if is_refused {
                let known = ["role_not_allowed", "user_restricted"].contains(&reply.code().as_str());
                assert!(known && reply.json()["detail"].as_str().is_some_and(|why| why.len() > 20), "{method} {path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_gets_of_each_route_what_they_see() {
    let api = Api::new().await;
    let id = api.get(&api.loner, "/v1/me").await.json()["user"]["id"].clone();
    for assigned in [false, true] {
        if assigned {
            let reply = api.send(&api.owner, "PATCH", "/v1/contacts/1", &json!({"assignee": id})).await;
            assert_eq!(reply.status, 200);
        }
        let mut hidden = 0;
        for (method, path, body, expected) in TABLE {
            // Contact 1 is nobody's at first, then the loner's, who is of the mate's team.
            let is_hidden = path.starts_with("/v1/contacts/1") && expected[3] < 300 && !assigned;
            hidden += u32::from(is_hidden);
            for token in [&api.loner, &api.mate] {
                let reply = call(&api, token, method, path, body).await;
                let expected = if is_hidden { 404 } else { expected[3] };
                assert_eq!(reply.status, expected, "{method} {path}: {}", String::from_utf8_lossy(&reply.bytes));
            }
        }
        assert_eq!(hidden > 4, !assigned);
    }
}
