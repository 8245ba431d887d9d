//! Accepts connections and serves them, within limits.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aiduet_core::http::edge::PeerAddress;
use aiduet_core::settings::{LimitSettings, ServerSettings};
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use super::io::GuardedIo;

/// Pause after an accept that failed, for example because no file descriptor was left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// HTTP/2: until a quiet connection is asked whether it is alive, and until it must answer.
const HTTP2_PING: Duration = Duration::from_secs(20);
/// HTTP/2: resets that a client may have pending (CVE-2023-44487).
const HTTP2_RESETS_MAX: usize = 20;
/// HTTP/2: bytes a client may send ahead, per stream and per connection.
const HTTP2_STREAM_WINDOW: u32 = 256 << 10;
const HTTP2_CONNECTION_WINDOW: u32 = 1 << 20;
/// HTTP/2: bytes of an answer that wait for the client, per stream.
const HTTP2_SEND_BUFFER: usize = 64 << 10;

/// When to stop, in two steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// No new connections; connections end after the requests that run.
    pub(crate) gently: CancellationToken,
    /// Connections end now.
    pub(crate) at_once: CancellationToken,
}

/// Runs the tasks of HTTP/2 streams where they are waited for.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

/// A router and how it is served.
pub(crate) struct Front {
    router: Router,
    builder: Builder<Tracked>,
    limits: LimitSettings,
    trusted: Vec<IpNet>,
    places: Arc<Semaphore>,
    addresses: Arc<Addresses>,
    tracker: TaskTracker,
    stop: Stop,
}

impl Front {
    pub(crate) fn new(router: Router, settings: &ServerSettings, stop: Stop) -> Arc<Self> {
        let tracker = TaskTracker::new();
        let limits = settings.limits;
        let connections = usize::try_from(limits.connections_max).unwrap_or(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            router,
            builder: builder(&limits, Tracked(tracker.clone())),
            limits,
            trusted: settings.trusted_proxies.networks(),
            places: Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))),
            addresses: Arc::new(Addresses::default()),
            tracker,
            stop,
        })
    }

    /// Accepts until told to stop.
    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener) {
        let stop = self.stop.gently.clone();
        while let Some(Some((place, stream, peer))) = stop.run_until_cancelled(self.next(&listener)).await {
            let Some(counted) = self.count(peer) else { continue };
            let front = Arc::clone(&self);
            self.tracker.spawn(async move {
                front.serve(stream, peer).await;
                drop((place, counted));
            });
        }
    }

    /// The next connection, once there is a place for it. `None` never comes before the end.
    async fn next(&self, listener: &TcpListener) -> Option<(OwnedSemaphorePermit, TcpStream, IpAddr)> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((place, stream, peer.ip().to_canonical())),
                Err(error) => {
                    tracing::warn!(kind = ?error.kind(), "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Counts a connection of an address. Proxies, and whoever is on this machine, speak for many.
    fn count(&self, peer: IpAddr) -> Option<Option<Counted>> {
        let exempt = peer.is_loopback() || self.trusted.iter().any(|network| network.contains(&peer));
        if exempt {
            return Some(None);
        }
        Addresses::enter(&self.addresses, peer, self.limits.connections_per_address_max).map(Some)
    }

    async fn serve(&self, stream: TcpStream, peer: IpAddr) {
        // Without it small frames of a stream wait for the peer's delayed acknowledgement.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let LimitSettings { first_byte_timeout, write_stall_timeout, .. } = self.limits;
        let io = TokioIo::new(GuardedIo::new(stream, first_byte_timeout, write_stall_timeout));
        let service = hyper::service::service_fn(|request: Request<Incoming>| self.call(request, peer));
        let mut connection = std::pin::pin!(self.builder.serve_connection(io, service));
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = self.stop.gently.cancelled() => None,
        };
        if ended.is_none() {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                _ended = connection.as_mut() => {}
                () = self.stop.at_once.cancelled() => {}
            }
        }
    }

    fn call(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<> {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(PeerAddress(peer));
        self.router.clone().call(request)
    }

    /// Waits until the last connection has ended.
    pub(crate) async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

fn builder(limits: &LimitSettings, executor: Tracked) -> Builder<Tracked> {
    let mut builder = Builder::new(executor);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .max_headers(limits.headers_max)
        .max_buf_size(limits.header_bytes_max.max(8 << 10));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2_streams_max)
        .max_header_list_size(u32::try_from(limits.header_bytes_max).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(HTTP2_RESETS_MAX)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
        .max_send_buf_size(HTTP2_SEND_BUFFER)
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HTTP2_PING);
    builder
}

/// How many connections each address has.
#[derive(Default)]
struct Addresses(Mutex<HashMap<IpAddr, u32>>);

impl Addresses {
    fn enter(this: &Arc<Self>, address: IpAddr, most: u32) -> Option<Counted> {
        let mut counts = this.lock();
        let count = counts.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count = count.saturating_add(1);
        drop(counts);
        Some(Counted { addresses: Arc::clone(this), address })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A counted connection.
struct Counted {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.addresses.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_only_so_many_connections() {
        let addresses = Arc::new(Addresses::default());
        let one = "192.0.2.1".parse().unwrap();
        let first = Addresses::enter(&addresses, one, 2);
        let second = Addresses::enter(&addresses, one, 2);
        assert!(first.is_some() && second.is_some());
        assert!(Addresses::enter(&addresses, one, 2).is_none());
        assert!(Addresses::enter(&addresses, "192.0.2.2".parse().unwrap(), 2).is_some());
        drop(first);
        assert!(Addresses::enter(&addresses, one, 2).is_some());
        drop(second);
        assert!(addresses.lock().is_empty(), "what nobody uses is forgotten");
    }
}
