//! Every route, and what a request passes before and after it.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::{FromFnLayer, from_fn_with_state};
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use super::app::App;
use super::problem::{Kind, Problem};
use super::settings::Settings;
use super::{
    admission, bulk_jobs, channels, columns, contact_actions, contact_tags, contacts, explain, export, fields, health,
    import_file, imports, interactions, jobs, merges, metrics, observe, openapi, search, segments, stages, suggestions,
    tags, users, workspace,
};
use crate::engine::Engine;

/// The whole HTTP interface over an engine, to serve or to call in a test.
pub fn router(engine: Arc<Engine>, settings: Settings) -> Router {
    routed(App::new(engine, settings))
}

/// The same of the application.
pub(super) fn routed(app: App) -> Router {
    let (api, description) = routes(&app).split_for_parts();
    let description = openapi::complete(&description).unwrap_or_default();
    let observed = around(&app, observe::observe);
    api.merge(Router::new().route(metrics::PATH, get(metrics::scrape)).layer(around(&app, admission::admit_anyone)))
        .merge(openapi::pages(description).layer(observed.clone()))
        .fallback((|| async { no_such_route() }).layer(observed.clone()))
        .method_not_allowed_fallback(method_not_allowed.layer(observed))
        .with_state(app)
}

/// Every described route: an endpoint is one line here.
pub(super) fn routes(app: &App) -> OpenApiRouter<App> {
    let v1 = [
        routes!(contacts::create),
        routes!(contacts::read, contacts::update, contacts::delete),
        routes!(contact_actions::act),
        routes!(contact_tags::add, contact_tags::remove),
        routes!(interactions::record, interactions::list),
        routes!(merges::merge),
        routes!(merges::unmerge),
        routes!(merges::list),
        routes!(suggestions::list),
        routes!(search::search),
        routes!(search::count),
        routes!(explain::search),
        routes!(explain::contact),
        routes!(export::export),
        routes!(export::page),
        routes!(jobs::list, bulk_jobs::prepare),
        routes!(jobs::read),
        routes!(bulk_jobs::apply),
        routes!(jobs::cancel),
        routes!(bulk_jobs::undo),
        routes!(jobs::failed),
        routes!(jobs::left),
        routes!(fields::list, fields::create),
        routes!(fields::update, fields::delete),
        routes!(tags::list, tags::create),
        routes!(tags::update, tags::delete),
        routes!(channels::list, channels::create),
        routes!(channels::update),
        routes!(users::list, users::create),
        routes!(users::update),
        routes!(stages::list, stages::create),
        routes!(stages::update, stages::delete),
        routes!(segments::list, segments::create),
        routes!(segments::read, segments::update, segments::delete),
        routes!(segments::contacts),
        routes!(workspace::read),
        routes!(workspace::me),
        routes!(imports::list, imports::create),
        routes!(imports::read),
        routes!(imports::check),
        routes!(imports::start),
        routes!(imports::cancel),
        routes!(import_file::result),
        routes!(columns::read, columns::replace),
    ];
    let upload = [routes!(import_file::upload)];
    let open = [routes!(health::health), routes!(health::ready)];
    let v1 = together(v1.map(under_v1)).layer(around(app, admission::admit));
    let upload = together(upload.map(under_v1)).layer(around(app, admission::admit_upload));
    let open = together(open).layer(around(app, admission::admit_anyone));
    openapi::described().merge(v1).merge(upload).merge(open)
}

/// What is put around routes, as one: whatever is put on by itself is cloned and boxed, with all inside it, for every request.
fn around<F, T>(app: &App, admission: F) -> (FromFnLayer<F, App, T>, CompressionLayer) {
    (from_fn_with_state(app.clone(), admission), CompressionLayer::new().gzip(app.settings().compression))
}

fn together(routes: impl IntoIterator<Item = UtoipaMethodRouter<App>>) -> OpenApiRouter<App> {
    routes.into_iter().fold(OpenApiRouter::new(), OpenApiRouter::routes)
}

/// The route under `/v1`, as one of its own: of a nested one every request is given a second address on its way.
fn under_v1((schemas, mut paths, methods): UtoipaMethodRouter<App>) -> UtoipaMethodRouter<App> {
    paths.paths =
        std::mem::take(&mut paths.paths).into_iter().map(|(path, item)| (format!("/v1{path}"), item)).collect();
    (schemas, paths, methods)
}

/// The answer where there is no route.
pub(super) fn no_such_route() -> Problem {
    Problem::new(Kind::NoSuchRoute, "there is nothing at this address; /docs lists what there is")
}

async fn method_not_allowed() -> Problem {
    Problem::new(Kind::MethodNotAllowed, "this address has other methods; the header Allow lists them")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use tower::ServiceExt;

    use super::*;
    use crate::http::tests;

    #[tokio::test]
    async fn who_needs_no_token_is_answered_in_time_too() {
        let settings = Settings { timeout_ms: 50, blocking_reads_max: 1, metrics_open: true, ..tests::settings() };
        let app = App::new(tests::engine(), settings);
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let holding = {
            let app = app.clone();
            tokio::spawn(async move {
                let hold = move |_: &Engine| Ok((begin.send(()).is_ok(), wait.recv().is_ok()));
                app.read(hold).await.is_ok()
            })
        };
        begun.await.expect("the only read there may be has begun");
        for path in ["/ready", "/metrics"] {
            let request = Request::get(path).body(Body::empty()).expect("a request");
            let response = routed(app.clone()).oneshot(request).await.expect("an answer");
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        }
        go_on.send(()).expect("it waits");
        assert!(holding.await.expect("it ends"));
    }
}
