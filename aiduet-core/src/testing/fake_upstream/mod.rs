//! An upstream on loopback over a real socket: scripted down to the byte, or answered by a
//! provider such as the simulated one.

mod request;
mod serve;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use request::SeenRequest;

use crate::provider::Provider;

/// One thing that a scripted upstream does on a connection.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends these bytes at once.
    Send(Bytes),
    /// Does nothing for a while.
    Pause(Duration),
    /// Does nothing until the peer leaves.
    Hang,
    /// Closes the connection.
    Close,
    /// Resets the connection.
    Reset,
}

impl Act {
    /// Sends a text.
    pub fn send(text: impl Into<Vec<u8>>) -> Self {
        Self::Send(Bytes::from(text.into()))
    }

    /// Sends a whole answer: status, header lines, body.
    pub fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut head = head(status, headers);
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        Self::Send(Bytes::from([head.as_bytes(), body].concat()))
    }

    /// Sends the head of an answer whose body comes in chunks.
    pub fn chunked_head(status: u16, headers: &[(&str, &str)]) -> Self {
        Self::send(head(status, headers) + "transfer-encoding: chunked\r\n\r\n")
    }

    /// Sends one chunk of such a body; an empty one is its end.
    pub fn chunk(bytes: &[u8]) -> Self {
        Self::Send(chunk(bytes))
    }
}

fn head(status: u16, headers: &[(&str, &str)]) -> String {
    let reason =
        StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown");
    let lines = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    std::iter::once(format!("HTTP/1.1 {status} {reason}\r\n")).chain(lines).collect()
}

fn chunk(bytes: &[u8]) -> Bytes {
    Bytes::from([format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat())
}

type Script = Box<dyn Fn(&SeenRequest) -> Vec<Act> + Send + Sync>;

enum Behaviour {
    Script(Script),
    Provider(Arc<dyn Provider>),
}

/// What the connections of one upstream share.
struct Shared {
    behaviour: Behaviour,
    seen: Mutex<Vec<SeenRequest>>,
    /// How many connections there were.
    connections: AtomicUsize,
    /// How many peers have left.
    left: watch::Sender<usize>,
}

/// An upstream on loopback. Its connections end when it is dropped.
pub struct FakeUpstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl std::fmt::Debug for FakeUpstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeUpstream").field("address", &self.address).finish_non_exhaustive()
    }
}

impl FakeUpstream {
    /// An upstream that does on each request what the script says.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn scripted(script: impl Fn(&SeenRequest) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::start(Behaviour::Script(Box::new(script))).await
    }

    /// An upstream that does the same on each request.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn always(acts: Vec<Act>) -> Self {
        Self::scripted(move |_request| acts.clone()).await
    }

    /// An upstream that answers as a provider does: with its bytes in chunks as they come, and by
    /// breaking the connection where the provider fails. It wants a credential and, for Messages,
    /// `anthropic-version`.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn serving(provider: Arc<dyn Provider>) -> Self {
        Self::start(Behaviour::Provider(provider)).await
    }

    async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            behaviour,
            seen: Mutex::default(),
            connections: AtomicUsize::new(0),
            left: watch::Sender::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, _tasks: tasks }
    }

    /// Where it is, for example `http://127.0.0.1:4711`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, in the order in which they were complete.
    pub fn seen(&self) -> Vec<SeenRequest> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Waits until so many peers have closed or reset their connection.
    ///
    /// # Panics
    /// Never: the count lives as long as this value.
    pub async fn peers_left(&self, count: usize) {
        let mut left = self.shared.left.subscribe();
        left.wait_for(|left| *left >= count).await.expect("the count lives as long as the upstream");
    }
}

/// The base URL of a port on which nobody listens.
///
/// # Panics
/// If loopback has no free port.
pub async fn deserted_base_url() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    format!("http://{}", listener.local_addr().expect("a bound socket has an address"))
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((socket, _peer)) = accepted {
                    shared.connections.fetch_add(1, Ordering::Relaxed);
                    connections.spawn(connection(socket, Arc::clone(&shared)));
                }
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// What happens to a connection after a request.
enum Next {
    /// Another request may come.
    Request,
    /// It is over.
    Close,
    /// It is over, and the peer was the one to leave.
    PeerLeft,
}

async fn connection(mut socket: TcpStream, shared: Arc<Shared>) {
    let mut buffer = bytes::BytesMut::new();
    let left = || shared.left.send_modify(|left| *left = left.saturating_add(1));
    if socket.set_nodelay(true).is_err() {
        return left();
    }
    loop {
        let Ok(Some(request)) = request::read(&mut socket, &mut buffer).await else { return left() };
        shared.seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        let next = match &shared.behaviour {
            Behaviour::Script(script) => play(&mut socket, script(&request)).await,
            Behaviour::Provider(provider) => serve::answer(&mut socket, provider.as_ref(), request).await,
        };
        match next {
            Ok(Next::Request) => {}
            Ok(Next::Close) => return,
            Ok(Next::PeerLeft) | Err(_) => return left(),
        }
    }
}

async fn play(socket: &mut TcpStream, acts: Vec<Act>) -> io::Result<Next> {
    for act in acts {
        match act {
            Act::Send(bytes) => socket.write_all(&bytes).await?,
            Act::Pause(time) => tokio::time::sleep(time).await,
            Act::Hang => {
                gone(socket).await;
                return Ok(Next::PeerLeft);
            }
            Act::Close => return Ok(Next::Close),
            Act::Reset => return reset(socket),
        }
    }
    Ok(Next::Request)
}

fn reset(socket: &TcpStream) -> io::Result<Next> {
    socket.set_zero_linger()?;
    Ok(Next::Close)
}

/// Waits until the peer closes or resets the connection.
async fn gone(socket: &TcpStream) {
    if let Ok(1..) = socket.peek(&mut [0]).await {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests;
