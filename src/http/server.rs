//! The router with its layers, and the server: it listens, accepts within bounds, drains and closes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::problem::{Kind, Problem};
use super::settings::Settings;
use super::{
    admission, bulk_jobs, channels, columns, contact_actions, contact_tags, contacts, explain, export, fields, health,
    import_file, imports, interactions, jobs, merges, metrics, observe, openapi, search, segments, stages, suggestions,
    tags, users, workspace,
};
use crate::engine::{self, Engine};

/// Why the server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind { address: SocketAddr, source: std::io::Error },
    /// The engine did not close well.
    #[error("the engine did not close well: {0}")]
    Close(#[from] engine::Error),
    /// The engine's closing broke off.
    #[error("the engine's closing broke off")]
    Broken,
}

/// The whole HTTP interface over an engine, to serve or to call in a test.
pub fn router(engine: Arc<Engine>, settings: Settings) -> Router {
    routed(App::new(engine, settings))
}

fn routed(app: App) -> Router {
    let (api, description) = routes(&app).split_for_parts();
    let description = openapi::complete(&description).unwrap_or_default();
    let compression = CompressionLayer::new().gzip(app.settings().compression);
    let scrape = Router::new().route("/metrics", axum::routing::get(metrics::scrape));
    api.merge(scrape.route_layer(from_fn_with_state(app.clone(), admission::admit_anyone)))
        .merge(openapi::pages(description))
        .fallback(|| async { no_such_route() })
        .method_not_allowed_fallback(method_not_allowed)
        // From outside in, as one: each that is put on by itself makes the router clone and box what is inside for every request.
        .layer((from_fn_with_state(app.clone(), observe::observe), compression, CatchPanicLayer::custom(panicked)))
        .with_state(app)
}

/// Every described route: an endpoint is one line here.
pub(super) fn routes(app: &App) -> OpenApiRouter<App> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(contacts::create))
        .routes(routes!(contacts::read, contacts::update, contacts::delete))
        .routes(routes!(contact_actions::act))
        .routes(routes!(contact_tags::add, contact_tags::remove))
        .routes(routes!(interactions::record, interactions::list))
        .routes(routes!(merges::merge))
        .routes(routes!(merges::unmerge))
        .routes(routes!(merges::list))
        .routes(routes!(suggestions::list))
        .routes(routes!(search::search))
        .routes(routes!(search::count))
        .routes(routes!(explain::search))
        .routes(routes!(explain::contact))
        .routes(routes!(export::export))
        .routes(routes!(export::page))
        .routes(routes!(jobs::list, bulk_jobs::prepare))
        .routes(routes!(jobs::read))
        .routes(routes!(bulk_jobs::apply))
        .routes(routes!(jobs::cancel))
        .routes(routes!(bulk_jobs::undo))
        .routes(routes!(jobs::failed))
        .routes(routes!(jobs::left))
        .routes(routes!(fields::list, fields::create))
        .routes(routes!(fields::update, fields::delete))
        .routes(routes!(tags::list, tags::create))
        .routes(routes!(tags::update, tags::delete))
        .routes(routes!(channels::list, channels::create))
        .routes(routes!(channels::update))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::update))
        .routes(routes!(stages::list, stages::create))
        .routes(routes!(stages::update, stages::delete))
        .routes(routes!(segments::list, segments::create))
        .routes(routes!(segments::read, segments::update, segments::delete))
        .routes(routes!(segments::contacts))
        .routes(routes!(workspace::read))
        .routes(routes!(workspace::me))
        .routes(routes!(imports::list, imports::create))
        .routes(routes!(imports::read))
        .routes(routes!(imports::check))
        .routes(routes!(imports::start))
        .routes(routes!(imports::cancel))
        .routes(routes!(import_file::result))
        .routes(routes!(columns::read, columns::replace))
        .route_layer(from_fn_with_state(app.clone(), admission::admit));
    let upload = OpenApiRouter::new()
        .routes(routes!(import_file::upload))
        .route_layer(from_fn_with_state(app.clone(), admission::admit_upload));
    let open = OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .route_layer(from_fn_with_state(app.clone(), admission::admit_anyone));
    openapi::described().nest("/v1", v1.merge(upload)).merge(open)
}

/// The answer where there is no route.
pub(super) fn no_such_route() -> Problem {
    Problem::new(Kind::NoSuchRoute, "there is nothing at this address; /docs lists what there is")
}

async fn method_not_allowed() -> Problem {
    Problem::new(Kind::MethodNotAllowed, "this address has other methods; the header Allow lists them")
}

/// A panic's message may hold a contact's values: it is neither sent nor logged.
fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    Problem::internal().into_response()
}

/// A server that listens, not yet answering.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: App,
}

/// Listens, answers until `shutdown` comes, drains, and closes the engine.
///
/// # Errors
/// [`Error`].
pub async fn serve(
    engine: Arc<Engine>,
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    Server::bind(engine, settings).await?.run(shutdown).await
}

impl Server {
    /// Listens on the settings' address.
    ///
    /// # Errors
    /// [`Error::Bind`].
    pub async fn bind(engine: Arc<Engine>, settings: Settings) -> Result<Server, Error> {
        let address = settings.bind;
        let failed = |source| Error::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Server { listener, address, app: App::new(engine, settings) })
    }

    /// Where it listens: with port 0 in the settings, the port it was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` comes; then accepts no more, gives running requests the time the settings say, and closes
    /// the engine.
    ///
    /// # Errors
    /// [`Error::Close`], [`Error::Broken`].
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let Server { listener, address, app } = self;
        tracing::info!(%address, "listening");
        let mut connections = JoinSet::new();
        let graceful = GracefulShutdown::new();
        let accepting = accept(&listener, &app, &graceful, &mut connections);
        tokio::select! {
            () = accepting => {}
            () = shutdown => {}
        }
        drop(listener);
        app.close();
        tracing::info!("shutting down");
        let deadline = Duration::from_secs(app.settings().shutdown_s);
        if tokio::time::timeout(deadline, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests still ran at the end of the shutdown's time");
        }
        connections.shutdown().await;
        // Nobody takes them any more: they end by themselves, before the engine closes under them.
        app.exports_over(Duration::from_secs(10)).await;
        let engine = Arc::clone(app.engine());
        let closed = tokio::task::spawn_blocking(move || engine.close()).await.map_err(|_| Error::Broken)?;
        tracing::info!("closed");
        Ok(closed?)
    }
}

/// Accepts connections, never more than the settings allow at once.
async fn accept(listener: &TcpListener, app: &App, graceful: &GracefulShutdown, connections: &mut JoinSet<()>) {
    let open = Arc::new(Semaphore::new(app.settings().connections_max.max(1)));
    let router = routed(app.clone());
    let mut builder = Builder::new(TokioExecutor::new());
    let head = Duration::from_millis(app.settings().head_timeout_ms);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(30));
    let mut upkeep = tokio::time::interval(Duration::from_secs(5));
    loop {
        let Ok(permit) = Arc::clone(&open).acquire_owned().await else { return };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => connect(stream, peer, permit, &router, &builder, graceful, connections),
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            _ = upkeep.tick() => app.metrics().fold(),
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The router, told of each request who sent it.
fn of_peer<B>(
    router: Router,
    peer: SocketAddr,
) -> impl tower::Service<Request<B>, Response = Response, Error = Infallible, Future: Send> + Clone + Send
where
    B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    router.map_request(move |mut request: Request<B>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    })
}

fn connect(
    stream: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
    router: &Router,
    builder: &Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    connections: &mut JoinSet<()>,
) {
    // Answers are small and written whole: waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(of_peer(router.clone(), peer));
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let watched = graceful.watch(connection);
    connections.spawn(async move {
        // A connection that breaks off is the caller's affair.
        let _ = watched.await;
        drop(permit);
    });
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

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
            assert_eq!(response.status(), axum::http::StatusCode::SERVICE_UNAVAILABLE, "{path}");
        }
        go_on.send(()).expect("it waits");
        assert!(holding.await.expect("it ends"));
    }
}
