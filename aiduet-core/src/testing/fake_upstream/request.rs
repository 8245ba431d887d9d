//! Reading a request.

use std::fmt;
use std::io;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// A request as it came.
#[derive(Clone)]
pub struct SeenRequest {
    /// The method.
    pub method: Method,
    /// The path and query as they were written.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl fmt::Debug for SeenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeenRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Reads one request; `None` where the peer left instead.
pub(super) async fn read(socket: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<Option<SeenRequest>> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if socket.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = buffer.split_to(head_end.saturating_add(4));
    let mut request = parse(&head).ok_or(io::ErrorKind::InvalidData)?;
    let length =
        request.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
    while buffer.len() < length {
        if socket.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    request.body = buffer.split_to(length).freeze();
    Ok(Some(request))
}

fn parse(head: &[u8]) -> Option<SeenRequest> {
    let mut lines = std::str::from_utf8(head).ok()?.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (Method::from_bytes(words.next()?.as_bytes()).ok()?, words.next()?.to_owned());
    let mut headers = HeaderMap::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        headers.append(HeaderName::try_from(name).ok()?, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some(SeenRequest { method, target, headers, body: Bytes::new() })
}
