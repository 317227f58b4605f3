//! The HTTP API.

mod settings;

pub use settings::Settings;

/// Serves until `stop` is done.
pub async fn serve(
    _engine: std::sync::Arc<crate::engine::Engine>,
    _settings: Settings,
    _listener: tokio::net::TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    stop.await;
    Ok(())
}
