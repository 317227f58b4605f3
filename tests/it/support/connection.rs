//! A caller of a server that may die at any moment: one connection, one request at a time, nothing tried twice, so that
//! it is always known whether a write was answered.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value as Json;

/// How long an answer may take; a server that dies closes the connection long before.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection with its token.
pub struct Connection {
    stream: BufReader<TcpStream>,
    token: String,
}

/// The server is gone: what was asked last was not answered.
#[derive(Debug)]
pub struct Gone;

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr, token: &str) -> Result<Connection, Gone> {
        let stream = TcpStream::connect(address).map_err(|_| Gone)?;
        stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_nodelay(true)).map_err(|_| Gone)?;
        Ok(Connection { stream: BufReader::new(stream), token: token.to_owned() })
    }

    /// Asks, and gives status and body of the answer; only a whole answer is one.
    pub fn ask(&mut self, method: &str, path: &str, body: Option<&Json>) -> Result<(u16, Json), Gone> {
        match self.exchange(method, path, body) {
            Ok(answer) => Ok(answer),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("{method} {path}: no answer within {PATIENCE:?}")
            }
            Err(_) => Err(Gone),
        }
    }

    fn exchange(&mut self, method: &str, path: &str, body: Option<&Json>) -> Result<(u16, Json), Error> {
        let body = body.map(Json::to_string).unwrap_or_default();
        let (token, length) = (&self.token, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut status, mut length) = (None, None);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 || !line.ends_with("\r\n") {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if status.is_none() {
                status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
            } else if let Some(bytes) = line.strip_prefix("content-length:") {
                length = bytes.trim().parse::<usize>().ok();
            }
        }
        let (Some(status), Some(length)) = (status, length) else { panic!("{method} {path}: no status or no length") };
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, serde_json::from_slice(&body).expect("a body is JSON")))
    }
}
