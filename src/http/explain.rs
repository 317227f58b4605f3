//! How a query is answered, and why one contact matches or not.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::identifier::Named;
use super::json::JsonBody;
use super::problem::Problem;
use super::query_string::QueryString;
use super::roles::{ExplainContact, May, SearchContacts, hide};
use super::search::{CountBody, SearchBody};
use crate::contact::{Seq, time};
use crate::filter::{ContactReport, PlanNode, Way};

/// The plan of a query.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainAnswer {
    plan: Plan,
    /// How many contacts match, exactly.
    total: u64,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
    /// Microseconds the engine took.
    took_micros: u64,
}

/// How the parts of a query are evaluated.
#[derive(Serialize, ToSchema)]
pub struct Plan {
    filter: Option<Node>,
    search: Option<Node>,
    /// How the page is ordered: `walk lastMessageAt`, `gather name`, `rank` …
    order: String,
}

/// A node of the plan.
#[derive(Serialize, ToSchema)]
#[schema(as = PlanNode)]
pub struct Node {
    /// `$and`, `$or`, `$not` or field and operator.
    what: String,
    /// `bitmap`, `orderSlice`, `columnScan`, `columnCheck`, `textScan`, `grams` or `constant`.
    way: &'static str,
    /// How many contacts the node matches, exactly; for a column check, among those checked.
    rows: u64,
    /// How many rows a column check looked at.
    checked: Option<u64>,
    micros: u64,
    #[schema(no_recursion)]
    children: Vec<Node>,
}

/// Why one contact matches a query or not.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContactReportAnswer {
    matches: bool,
    conditions: Vec<Condition>,
    /// When the answer changes by time alone, if nothing else happens; RFC 3339.
    changes_at: Option<String>,
    /// The workspace's version this answer reflects.
    #[schema(value_type = u64)]
    version: Seq,
}

/// One condition against one contact.
#[derive(Serialize, ToSchema)]
#[schema(as = ConditionReport)]
pub struct Condition {
    /// Where it stands in the filter.
    path: String,
    field: String,
    operator: &'static str,
    holds: bool,
    /// The value it saw.
    saw: Json,
}

/// Explain how a query is answered: each node with its exact number of rows, the way chosen, and its time
#[utoipa::path(post, operation_id = "explainSearch", path = "/contacts/search/explain", tag = "Queries", request_body = SearchBody,
    responses((status = 200, body = ExplainAnswer)))]
pub async fn search(
    State(app): State<App>,
    caller: May<SearchContacts>,
    query: QueryString,
    JsonBody(body): JsonBody<SearchBody>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    app.read(move |engine| {
        let explained = engine.explain(caller.actor(), &body.query().0)?;
        let body = ExplainAnswer {
            plan: Plan {
                filter: explained.filter.map(Node::of),
                search: explained.search.map(Node::of),
                order: explained.order,
            },
            total: explained.total,
            version: explained.version,
            took_micros: explained.took_micros,
        };
        Answer::ok(explained.version, &body)
    })
    .await
}

/// Explain which conditions hold for one contact, and when that changes by time alone
#[utoipa::path(post, operation_id = "explainContact", path = "/contacts/{identifier}/explain", tag = "Queries", request_body = CountBody,
    params(("identifier" = String, Path, description = "`17`, `id:17`, `email:…` or `phone:+…`")),
    responses((status = 200, body = ContactReportAnswer)))]
pub async fn contact(
    State(app): State<App>,
    caller: May<ExplainContact>,
    named: Named,
    query: QueryString,
    JsonBody(body): JsonBody<CountBody>,
) -> Result<Answer, Problem> {
    query.only(&[])?;
    app.read(move |engine| {
        let who = caller.reach(engine, &named)?;
        let report =
            engine.explain_contact(caller.actor(), &who, &body.query()).map_err(|error| hide(error, &named))?;
        Answer::ok(report.version, &ContactReportAnswer::of(report.value, report.version))
    })
    .await
}

impl Node {
    fn of(node: PlanNode) -> Node {
        Node {
            what: node.what,
            way: way(node.way),
            rows: node.rows,
            checked: node.checked,
            micros: node.micros,
            children: node.children.into_iter().map(Node::of).collect(),
        }
    }
}

fn way(way: Way) -> &'static str {
    match way {
        Way::Bitmap => "bitmap",
        Way::OrderSlice => "orderSlice",
        Way::ColumnScan => "columnScan",
        Way::ColumnCheck => "columnCheck",
        Way::TextScan => "textScan",
        Way::Grams => "grams",
        Way::Constant => "constant",
    }
}

impl ContactReportAnswer {
    fn of(report: ContactReport, version: Seq) -> ContactReportAnswer {
        let conditions = report.conditions.into_iter().map(|condition| Condition {
            path: condition.path,
            field: condition.field,
            operator: condition.operator,
            holds: condition.holds,
            saw: condition.saw,
        });
        ContactReportAnswer {
            matches: report.matches,
            conditions: conditions.collect(),
            changes_at: report.changes_at.map(time::rfc3339),
            version,
        }
    }
}
