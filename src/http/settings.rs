//! The settings of the HTTP server: section `[http]` of the configuration.

use std::net::SocketAddr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Settings of the HTTP server. Defaults live in `config/rollcall.toml` only.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address and port to listen on; port 0 takes a free one.
    #[serde(deserialize_with = "address")]
    pub bind: SocketAddr,
    /// Largest request body in bytes; a larger one is answered 413.
    pub body_bytes_max: usize,
    /// Milliseconds in which the head of a request must have come.
    pub head_timeout_ms: u64,
    /// Milliseconds in which the body of a request must have come; else 408.
    pub body_timeout_ms: u64,
    /// Milliseconds that may pass between two pieces of an uploaded file; else 408.
    pub upload_pause_ms: u64,
    /// Milliseconds after which a request is answered 503, whatever it waits for. Longer than `body_timeout_ms`.
    pub timeout_ms: u64,
    /// Seconds that running requests are given at shutdown.
    pub shutdown_s: u64,
    /// Open connections; further ones wait to be accepted.
    pub connections_max: usize,
    /// Requests per second of one token in the long run; 0 for no limit.
    pub rate_per_second: u32,
    /// Requests that a token may make at once after a rest.
    pub rate_burst: u32,
    /// Reads in the engine at the same moment; 0 for twice the number of cores.
    pub blocking_reads_max: usize,
    /// Writes in the engine at the same moment: they share one sync of the disk, so many at once are cheap.
    pub blocking_writes_max: usize,
    /// Exports under way at the same moment, until their callers have them.
    pub exports_max: usize,
    /// Where an export waits for its caller; the index's folder where empty.
    pub export_folder: String,
    /// The largest such file in bytes.
    pub export_bytes_max: u64,
    /// Bytes that its disk must have left.
    pub export_free_bytes_min: u64,
    /// Milliseconds that an export is given to be whole before its answer begins, so that it says how long it is.
    pub export_head_wait_ms: u64,
    /// Seconds after which a caller that takes nothing of its export is given up.
    pub export_stall_s: u64,
    /// Whether answers are compressed for callers that ask for it.
    pub compression: bool,
    /// Whether `/metrics` answers anyone; else only callers on this machine that come straight, not through a proxy.
    pub metrics_open: bool,
}

/// An address with its port, as text.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        D::Error::custom(format!("found {text:?}; an IP address with its port is needed, such as 127.0.0.1:7373"))
    })
}
