//! Counters for Prometheus: requests, their time, what the engine holds. Sums only: no workspace, user or contact.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_TYPE, FORWARDED};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use hashbrown::{Equivalent, HashMap};
use metrics::{Counter, Histogram, Label, counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use parking_lot::RwLock;

use super::app::App;
use super::problem::Problem;
use crate::engine::Gauges;

/// Where the counters are.
pub const PATH: &str = "/metrics";

const SECONDS: &str = "rollcall_http_request_seconds";
const BUCKETS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The counters of one server.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    /// Those that were asked for before: to find them by their labels costs more than to count.
    known: RwLock<HashMap<Answered, Counters>>,
}

/// What requests are counted by.
#[derive(PartialEq, Eq)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

impl Hash for Answered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.method, self.route.as_str(), self.status).hash(state);
    }
}

impl Equivalent<Answered> for (&'static str, &str, u16) {
    fn equivalent(&self, key: &Answered) -> bool {
        *self == (key.method, key.route.as_str(), key.status)
    }
}

struct Counters {
    seconds: Histogram,
    requests: Counter,
}

impl Counters {
    fn note(&self, micros: u64) {
        self.seconds.record(micros as f64 / 1e6);
        self.requests.increment(1);
    }
}

impl Metrics {
    /// No requests yet.
    pub fn new() -> Metrics {
        let builder = PrometheusBuilder::new();
        let bucketed = builder.set_buckets_for_metric(Matcher::Full(SECONDS.into()), BUCKETS);
        let recorder = bucketed.unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder();
        let handle = recorder.handle();
        Metrics { recorder, handle, known: RwLock::default() }
    }

    /// Counts an answered request. `route` is the template, never the address itself.
    pub fn answered(&self, method: &'static str, route: &str, status: u16, micros: u64) {
        if let Some(found) = self.known.read().get(&(method, route, status)) {
            return found.note(micros);
        }
        let known = self.made(method, route, status);
        known.note(micros);
        self.known.write().insert(Answered { method, route: route.to_owned(), status }, known);
    }

    fn made(&self, method: &'static str, route: &str, status: u16) -> Counters {
        with_local_recorder(&self.recorder, || {
            let mut labels = vec![Label::from_static_parts("method", method), Label::new("route", route.to_owned())];
            let seconds = histogram!(SECONDS, labels.iter());
            labels.push(Label::new("status", status.to_string()));
            Counters { seconds, requests: counter!("rollcall_http_requests_total", labels.iter()) }
        })
    }

    /// Folds what was recorded since; without it the histogram's samples pile up between two scrapes.
    pub fn fold(&self) {
        self.handle.run_upkeep();
    }

    fn render(&self, gauges: &Gauges, read_only: bool) -> String {
        let mut bytes: BTreeMap<&'static str, usize> = BTreeMap::new();
        for (structure, size) in gauges.awake.iter().flat_map(|awake| &awake.memory) {
            *bytes.entry(structure).or_default() += size;
        }
        let (contacts, changes) = gauges
            .awake
            .iter()
            .fold((0, 0), |(contacts, changes), one| (contacts + one.contacts, changes + one.version.0));
        with_local_recorder(&self.recorder, || {
            gauge!("rollcall_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
            gauge!("rollcall_workspaces_awake").set(gauges.awake.len() as f64);
            gauge!("rollcall_awake_contacts").set(contacts as f64);
            gauge!("rollcall_awake_versions").set(changes as f64);
            gauge!("rollcall_record_cache_bytes").set(gauges.record_cache_bytes as f64);
            gauge!("rollcall_store_bytes").set(gauges.store_bytes as f64);
            gauge!("rollcall_store_read_only").set(f64::from(u8::from(read_only)));
            for (structure, bytes) in bytes {
                gauge!("rollcall_index_bytes", "structure" => structure).set(bytes as f64);
            }
        });
        self.handle.render()
    }
}

/// `GET /metrics`: for callers on this machine, or for all where the settings say so; else as if it were not there.
pub async fn scrape(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
    if !app.settings().metrics_open && !is_local(peer, request.headers()) {
        return Err(super::routes::no_such_route());
    }
    let (gauges, read_only) = app.read(|engine| Ok((engine.gauges(), engine.read_only().is_some()))).await?;
    let text = app.metrics().render(&gauges, read_only);
    let mut response = text.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    Ok(response)
}

/// A caller on this machine that no proxy speaks for.
fn is_local(peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
    let forwarded = headers.contains_key(FORWARDED) || headers.contains_key("x-forwarded-for");
    !forwarded && peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::{Seq, WorkspaceId};
    use crate::engine::AwakeGauges;

    #[test]
    fn requests_are_counted_by_route_and_status() {
        let metrics = Metrics::new();
        metrics.answered("GET", "/v1/contacts/{identifier}", 200, 1500);
        metrics.answered("GET", "/v1/contacts/{identifier}", 200, 800);
        metrics.answered("GET", "(none)", 404, 20);
        metrics.fold();
        let awake = |contacts| AwakeGauges {
            workspace: WorkspaceId(1),
            contacts,
            version: Seq(2),
            memory: vec![("table", 50)],
        };
        let gauges = Gauges { awake: vec![awake(3), awake(4)], record_cache_bytes: 1, store_bytes: 2 };
        let text = metrics.render(&gauges, false);
        let has = |line: &str| assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        has(r#"rollcall_http_requests_total{method="GET",route="/v1/contacts/{identifier}",status="200"} 2"#);
        has(r#"rollcall_http_requests_total{method="GET",route="(none)",status="404"} 1"#);
        has(r#"rollcall_http_request_seconds_bucket{method="GET",route="/v1/contacts/{identifier}",le="0.001"} 1"#);
        has("rollcall_awake_contacts 7");
        has("rollcall_awake_versions 4");
        has(r#"rollcall_index_bytes{structure="table"} 100"#);
    }

    #[test]
    fn only_direct_local_callers_are_local() {
        let local = Some(SocketAddr::from(([127, 0, 0, 1], 9)));
        assert!(is_local(local, &HeaderMap::new()));
        assert!(is_local(Some("[::1]:9".parse().expect("an address")), &HeaderMap::new()));
        assert!(!is_local(Some(SocketAddr::from(([10, 0, 0, 1], 9))), &HeaderMap::new()));
        assert!(!is_local(None, &HeaderMap::new()));
        let mut proxied = HeaderMap::new();
        proxied.insert("x-forwarded-for", HeaderValue::from_static("1.2.3.4"));
        assert!(!is_local(local, &proxied));
    }
}
