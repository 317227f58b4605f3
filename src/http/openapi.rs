//! The description of the API: OpenAPI 3.1, made from the types and handlers themselves, and the page that shows it.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use serde_json::{Value as Json, json};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, SecurityRequirement};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::app::App;
use super::problem::{Kind, ProblemBody};
use crate::{console, filter};

/// A router that describes itself, before any route.
pub fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(head())
}

fn head() -> OpenApi {
    let info = InfoBuilder::new().title("Rollcall").version(env!("CARGO_PKG_VERSION")).description(Some(DESCRIPTION));
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let mut schemas = Vec::new();
    <ProblemBody<'static> as ToSchema>::schemas(&mut schemas);
    let components = ComponentsBuilder::new()
        .security_scheme("token", token)
        .schema("Problem", ProblemBody::<'static>::schema())
        .schemas_from_iter(schemas)
        .build();
    OpenApiBuilder::new()
        .info(info.build())
        .components(Some(components))
        .security(Some([SecurityRequirement::new("token", Vec::<String>::new())]))
        .build()
}

const DESCRIPTION: &str = "An open contacts query engine. A write that is acknowledged is in the answer to the very next query; \
    totals are exact. Every answer carries `version`, also in the header `Rollcall-Version`; a read may ask for `minVersion`. \
    Every refusal is an RFC 9457 problem with a stable `code`; `/errors` explains them.";

/// The description as sent: what every operation can answer is added to each.
///
/// # Errors
/// Only where the description cannot be written as JSON.
pub fn complete(api: &OpenApi) -> Result<Json, serde_json::Error> {
    let mut json = serde_json::to_value(api)?;
    let refusal = json!({
        "description": "A refusal",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    let version = json!({
        "description": "The workspace's version this answer reflects", "schema": {"type": "integer", "format": "int64"},
    });
    for operation in operations(&mut json) {
        let Some(responses) = operation.get_mut("responses").and_then(Json::as_object_mut) else { continue };
        for (status, response) in responses.iter_mut() {
            if status.starts_with('2') && response["content"]["application/json"].is_object() {
                response["headers"]["Rollcall-Version"] = version.clone();
            }
        }
        responses.insert("default".into(), refusal.clone());
    }
    if let Some(schemas) = json["components"]["schemas"].as_object_mut() {
        schemas.insert("Operators".into(), operators());
    }
    Ok(json)
}

fn operations(api: &mut Json) -> impl Iterator<Item = &mut Json> {
    let paths = api.get_mut("paths").and_then(Json::as_object_mut).into_iter().flatten();
    paths.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten()).map(|(_, operation)| operation)
}

/// The table of operators, as the filter has it.
fn operators() -> Json {
    let table = filter::op::table();
    let names: Vec<&str> = table.iter().map(|operator| operator.name).collect();
    let lines: Vec<String> =
        table.iter().map(|operator| format!("- `{}` {}: {}", operator.name, operator.value, operator.doc)).collect();
    json!({"type": "string", "enum": names, "description": lines.join("\n")})
}

/// `/openapi.json`, `/docs` and `/errors`, and the page at `/`: all compiled in, none fetches anything from elsewhere.
pub fn pages(api: Json) -> Router<App> {
    // The validator's badge would send the description's address to its maker.
    let config = Config::default().validator_url("none").persist_authorization(false).try_it_out_enabled(true);
    Router::new()
        .merge(SwaggerUi::new("/docs").external_url_unchecked("/openapi.json", api).config(config))
        .route("/", get(|| async { Html(console::landing()) }))
        .route("/errors", get(|| async { Html(console::errors(Kind::ALL.iter().map(|kind| kind.row()))) }))
}
