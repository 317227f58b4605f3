//! The server on a real socket: slow callers, too many requests, shutting down, and what it shows of itself.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rollcall::contact::{Role, WorkspaceId};
use rollcall::http::{Server, Settings};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::api::{engine, settings, token, user, workspace};

/// A server on a free port, with an owner's token.
struct Running {
    address: SocketAddr,
    token: String,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), rollcall::http::Error>>,
}

async fn start(settings: Settings) -> Running {
    let engine = engine();
    let here: WorkspaceId = workspace(&engine, "Here");
    let token = token(&engine, here, user("Olga", Role::Owner));
    let server = Server::bind(engine, settings).await.expect("a free port");
    let address = server.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    Running { address, token, stop, ended }
}

/// Sends bytes and reads until the server closes; the socket's own calls block, so on a thread of their own.
async fn exchange(address: SocketAddr, bytes: Vec<u8>) -> String {
    let talk = move || {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream.write_all(&bytes).expect("sent");
        let mut answer = Vec::new();
        // A reset after the answer is as good as a close.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::task::spawn_blocking(talk).await.expect("a conversation")
}

fn request(line: &str, token: &str, more: &str, body: &str) -> Vec<u8> {
    let length =
        if more.contains("Content-Length") { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let head = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n");
    format!("{head}{length}Content-Type: application/json\r\n{more}\r\n{body}").into_bytes()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_drains_and_closes() {
    let running = start(settings()).await;
    let made = request("POST /v1/contacts", &running.token, "", "{\"firstName\": \"Ana\"}");
    let answer = exchange(running.address, made).await;
    assert_eq!(status(&answer), "201", "{answer}");
    assert!(answer.to_lowercase().contains("location: /v1/contacts/id:1"), "{answer}");
    let given = request("GET /v1/contacts/1", &running.token, "X-Request-Id: abc-1\r\nAccept-Encoding: gzip\r\n", "");
    let answer = exchange(running.address, given).await;
    assert!(answer.to_lowercase().contains("x-request-id: abc-1"), "{answer}");
    running.stop.send(()).expect("it runs");
    running.ended.await.expect("no panic").expect("closed well");
    assert!(TcpStream::connect(running.address).is_err(), "it still accepts");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_does_not_hold_up_the_shutdown() {
    let running = start(settings()).await;
    let idle = TcpStream::connect(running.address).expect("a connection");
    running.stop.send(()).expect("it runs");
    let ended = tokio::time::timeout(Duration::from_secs(10), running.ended).await;
    ended.expect("in time").expect("no panic").expect("closed well");
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_broken_callers_are_let_go() {
    let running = start(Settings { head_timeout_ms: 200, body_timeout_ms: 200, ..settings() }).await;
    let half = request("POST /v1/contacts", &running.token, "Content-Length: 500\r\n", "{\"firstName\"");
    let answer = exchange(running.address, half).await;
    assert_eq!(status(&answer), "408", "{answer}");
    assert!(answer.contains("\"body_timeout\""), "{answer}");
    let no_end = exchange(running.address, b"GET /v1/me HTTP/1.1\r\nHost: x\r\n".to_vec()).await;
    assert!(no_end.is_empty() || status(&no_end) == "408", "{no_end}");
    for broken in ["nonsense\r\n\r\n", "GET  / HTTP/9\r\n\r\n", "GET /\u{e9} HTTP/1.1\r\n\r\n", "\0\0\0\0\r\n\r\n"] {
        let answer = exchange(running.address, broken.as_bytes().to_vec()).await;
        assert!(!answer.starts_with("HTTP/1.1 5") && !answer.starts_with("HTTP/1.1 2"), "{broken:?}: {answer}");
    }
    let huge = request("POST /v1/contacts", &running.token, "Content-Length: 99999999\r\n", "");
    let answer = exchange(running.address, huge).await;
    assert_eq!(status(&answer), "413", "{answer}");
    let still = exchange(running.address, request("GET /v1/me", &running.token, "", "")).await;
    assert_eq!(status(&still), "200", "{still}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_calls_too_often_is_told_when_to_come_back() {
    let running = start(Settings { rate_per_second: 1, rate_burst: 2, ..settings() }).await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(exchange(running.address, request("GET /v1/me", &running.token, "", "")).await.to_lowercase());
    }
    assert!(answers[0].contains("x-ratelimit-limit: 2") && answers[0].contains("x-ratelimit-remaining: 1"));
    let refused = answers.iter().find(|answer| status(answer) == "429").expect("one too many");
    assert!(refused.contains("retry-after: 1") && refused.contains("\"rate_limited\""), "{refused}");
    let health = exchange(running.address, request("GET /health", "", "", "")).await;
    assert_eq!(status(&health), "200");
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_are_for_this_machine_and_name_nobody() {
    let running = start(settings()).await;
    let body = "{\"firstName\": \"Rosalind\", \"email\": \"rosalind@example.org\"}";
    exchange(running.address, request("POST /v1/contacts", &running.token, "", body)).await;
    let path = "GET /v1/contacts/email:rosalind@example.org?minVersion=1";
    exchange(running.address, request(path, &running.token, "", "")).await;
    exchange(running.address, request("GET /wp-login.php", "", "", "")).await;
    let counters = exchange(running.address, request("GET /metrics", "", "", "")).await;
    assert_eq!(status(&counters), "200");
    for line in [
        "rollcall_http_requests_total{method=\"GET\",route=\"/v1/contacts/{identifier}\",status=\"200\"} 1",
        "rollcall_http_requests_total{method=\"GET\",route=\"(none)\",status=\"404\"} 1",
        "rollcall_awake_contacts 1",
        "rollcall_store_read_only 0",
    ] {
        assert!(counters.contains(line), "{line} in {counters}");
    }
    assert!(!counters.to_lowercase().contains("rosalind") && !counters.contains("wp-login"), "{counters}");
    let proxied = request("GET /metrics", "", "X-Forwarded-For: 203.0.113.9\r\n", "");
    assert_eq!(status(&exchange(running.address, proxied).await), "404");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_said() {
    let running = start(settings()).await;
    let taken = Settings { bind: running.address, ..settings() };
    let error = Server::bind(engine(), taken).await.err().expect("the port is taken");
    assert!(error.to_string().contains(&running.address.to_string()), "{error}");
}
