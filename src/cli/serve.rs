//! `rollcall serve`: the HTTP API over the data folder, until told to stop.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;

use crate::config::Config;
use crate::engine::Engine;
use crate::http;

use super::failure::Failure;
use super::{folder, show};

#[derive(Args)]
pub(super) struct Serve {
    /// Address and port to listen on (http.bind).
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub bind: Option<String>,
}

impl Serve {
    pub fn run(self, config: Config) -> Result<(), Failure> {
        let engine = folder::open(&config, true)?;
        if engine.workspaces()?.is_empty() {
            show::remark(
                "there is no workspace yet: stop, run `rollcall workspace create NAME`, then `rollcall token create`",
            );
        }
        until_stopped(engine, &config, |address| {
            show::remark(&format!("serving {} on http://{address}", config.store.folder.display()));
            Ok(())
        })
    }
}

/// Serves until SIGINT or SIGTERM, then lets running requests finish and closes the engine. `ready` is called when the
/// port is open.
pub(super) fn until_stopped(
    engine: Arc<Engine>,
    config: &Config,
    ready: impl FnOnce(SocketAddr) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let runtime =
        http::runtime().map_err(|error| Failure::Failed(format!("cannot start the server's threads: {error}")))?;
    let served: Result<(), Failure> = runtime.block_on(async {
        let stop = stop_signal()?;
        let server = http::Server::bind(engine.clone(), config.http.clone()).await?;
        ready(server.address())?;
        Ok(server.run(stop).await?)
    });
    // The server closes the engine; where it never ran, this does.
    let closed = engine.close();
    served?;
    Ok(closed?)
}

/// Done when the process is asked to stop. The handlers stand when this returns, so no signal is missed.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let cannot = |error| Failure::Failed(format!("cannot wait for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
