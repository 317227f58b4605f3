//! The server: it listens, accepts within bounds, drains and closes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::app::App;
use super::metrics;
use super::routes::routed;
use super::settings::Settings;
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

/// The router, told who asks for the counters. Not of every request: what it is told is an allocation.
fn of_peer<B>(
    router: Router,
    peer: SocketAddr,
) -> impl tower::Service<Request<B>, Response = Response, Error = Infallible, Future: Send> + Clone + Send
where
    B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    router.map_request(move |mut request: Request<B>| {
        if request.uri().path() == metrics::PATH {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
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
