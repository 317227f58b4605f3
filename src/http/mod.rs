//! The HTTP API.

mod settings;

pub use settings::Settings;

/// A server that listens.
pub struct Server(tokio::net::TcpListener);

/// Why it failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(#[from] std::io::Error);

impl Server {
    /// Listens.
    pub async fn bind(_engine: std::sync::Arc<crate::engine::Engine>, settings: Settings) -> Result<Server, Error> {
        Ok(Server(tokio::net::TcpListener::bind(settings.bind).await?))
    }
    /// Where.
    pub fn address(&self) -> std::net::SocketAddr {
        self.0.local_addr().unwrap_or_else(|_| ([0, 0, 0, 0], 0).into())
    }
    /// Until then.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<(), Error> {
        stop.await;
        Ok(())
    }
}
