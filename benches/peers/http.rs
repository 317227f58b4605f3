//! Rollcall over HTTP: one kept connection, one request at a time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::ask::{Answer, Ask};
use crate::facets::without;
use crate::json::request;
use crate::measure::Peer;
use crate::rollcall::plain;

/// A connection with its token.
pub struct Http {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
    token: String,
}

impl Http {
    pub fn connect(address: SocketAddr, token: &str) -> Http {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Http { address, stream: BufReader::new(stream), token: token.to_owned() }
    }

    /// Posts and reads the whole answer: status and body.
    pub fn post(&mut self, path: &str, body: &str) -> (u16, Vec<u8>) {
        let (token, length) = (&self.token, body.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: peers\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes()).expect("the server reads");
        let (mut status, mut length, mut line) = (0, 0, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("the server answers");
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if line.starts_with("http/1.1 ") {
                status = line[9..12].parse().expect("a status");
            } else if let Some(bytes) = line.strip_prefix("content-length:") {
                length = bytes.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a whole body");
        (status, body)
    }
}

impl Peer for Http {
    /// The server closes a connection that was idle while the others were asked.
    fn begin(&mut self, _first: &[Ask]) {
        *self = Http::connect(self.address, &self.token);
    }

    fn ask(&mut self, ask: &Ask) -> (Duration, Answer) {
        let (path, body) = request(ask);
        let started = Instant::now();
        let (status, body) = self.post(path, &body);
        let took = started.elapsed();
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        (took, answer(&serde_json::from_slice(&body).expect("JSON")))
    }
}

fn answer(body: &Json) -> Answer {
    let items = body["items"].as_array().into_iter().flatten();
    let mut facets = Vec::new();
    for (name, facet) in body["facets"].as_object().into_iter().flatten() {
        let values = facet["values"].as_array().into_iter().flatten();
        facets.extend(values.map(|value| format!("{name}={}: {}", plain(&value["label"]), value["count"])));
        facets.extend(without(name, facet["without"].as_u64().expect("a count")));
    }
    facets.sort();
    Answer {
        ids: items.map(|item| item["id"].as_u64().expect("an id") as u32).collect(),
        total: body["total"].as_u64().expect("a total"),
        facets,
    }
}
