//! One exchange with a provider.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{TryStreamExt, stream};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use reqwest::{Client, Request, Response};
use tokio::time::{Instant, timeout_at};

use super::address::CheckedResolver;
use super::body::{BodyLimits, LimitedBody};
use super::retry_after::retry_after;
use super::{UpstreamConfigError, UpstreamHttpConfig};
use crate::clock::Clock;
use crate::provider::{
    ProviderError, ReplyBody, Stage, UpstreamCall, UpstreamReply, UpstreamRequestId, forwardable,
};
use crate::secret::Secret;

/// After this time an unused connection is closed, before a provider would close it.
const POOL_IDLE: std::time::Duration = std::time::Duration::from_mins(1);
/// How often a quiet connection is tried.
const KEEP_ALIVE: std::time::Duration = std::time::Duration::from_secs(30);

/// How much of one answer may wait here for a slow client (HTTP/2).
const STREAM_WINDOW: u32 = 64 << 10;
/// How much of all answers on a connection may wait: the windows of 256 streams, so that clients
/// that do not read cannot stop the answers of others.
const CONNECTION_WINDOW: u32 = 256 * STREAM_WINDOW;

/// How the operator is known to a provider, and how the provider names an exchange.
pub(in crate::backends) struct Identity {
    /// The header of the credential, and its value marked as sensitive.
    credential: (HeaderName, HeaderValue),
    /// The header in which the provider names the exchange.
    request_id: HeaderName,
}

impl Identity {
    /// Takes a credential; `scheme` stands before it.
    pub(in crate::backends) fn new(
        header: HeaderName,
        scheme: &str,
        credential: &Secret<String>,
        request_id: HeaderName,
    ) -> Result<Self, UpstreamConfigError> {
        let plain = credential.expose().trim();
        if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UpstreamConfigError::MalformedCredential);
        }
        let mut value = HeaderValue::try_from(format!("{scheme}{plain}"))
            .map_err(|_invalid| UpstreamConfigError::MalformedCredential)?;
        value.set_sensitive(true);
        Ok(Self { credential: (header, value), request_id })
    }
}

/// Speaks HTTP to one provider.
pub(in crate::backends) struct UpstreamHttp {
    config: UpstreamHttpConfig,
    identity: Identity,
    clock: Arc<dyn Clock>,
    clients: Vec<Client>,
    turn: AtomicUsize,
}

impl fmt::Debug for UpstreamHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamHttp").field("config", &self.config).finish_non_exhaustive()
    }
}

impl UpstreamHttp {
    pub(in crate::backends) fn new(
        config: UpstreamHttpConfig,
        identity: Identity,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, UpstreamConfigError> {
        config.base_url.check(config.network)?;
        // Without TLS there is no HTTP/2 and one pool does.
        let pools = if config.base_url.is_plain() { 1 } else { config.connections.max(1) };
        let clients = (0..pools).map(|_| client(&config)).collect::<Result<_, _>>()?;
        Ok(Self { config, identity, clock, clients, turn: AtomicUsize::new(0) })
    }

    /// Makes one attempt. `defaults` go along where the call does not have them.
    pub(in crate::backends) async fn send(
        &self,
        call: UpstreamCall,
        defaults: &[(HeaderName, HeaderValue)],
    ) -> Result<UpstreamReply, ProviderError> {
        let limits = self.config.limits;
        let begun = Instant::now();
        let after = |limit| begun.checked_add(limit).unwrap_or(begun);
        let request = self.request(call, defaults);
        let client = self.next_client().ok_or(ProviderError::Connect)?;
        let deadline = after(limits.first_byte).min(after(limits.total));
        let response = timeout_at(deadline, client.execute(request))
            .await
            .map_err(|_elapsed| ProviderError::Timeout { stage: Stage::Head })?
            .map_err(|error| failure(&error))?;
        self.reply(response, after(limits.total))
    }

    /// Reads a document that is no call: the query is encoded, the answer read to its end.
    pub(in crate::backends) async fn read(
        &self,
        (path, query): (&str, &[(&str, &str)]),
        defaults: &[(HeaderName, HeaderValue)],
    ) -> Result<(StatusCode, Vec<u8>), ProviderError> {
        let mut url = self.config.base_url.at(path);
        url.query_pairs_mut().extend_pairs(query);
        let mut request = Request::new(Method::GET, url);
        let (name, value) = &self.identity.credential;
        let own = [
            (ACCEPT, HeaderValue::from_static("application/json")),
            (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
            (name.clone(), value.clone()),
        ];
        request.headers_mut().extend(own.into_iter().chain(defaults.iter().cloned()));
        let begun = Instant::now();
        let deadline = begun.checked_add(self.config.limits.total).unwrap_or(begun);
        let client = self.next_client().ok_or(ProviderError::Connect)?;
        let response = timeout_at(deadline, client.execute(request))
            .await
            .map_err(|_elapsed| ProviderError::Timeout { stage: Stage::Head })?
            .map_err(|error| failure(&error))?;
        let reply = self.reply(response, deadline)?;
        let body = reply.body.try_fold(Vec::new(), async |mut body, bytes| {
            body.extend_from_slice(&bytes);
            Ok(body)
        });
        Ok((reply.status, body.await?))
    }

    /// Calls are dealt out in turn, so that no connection reaches its limit of calls alone.
    fn next_client(&self) -> Option<&Client> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.clients.get(turn.checked_rem(self.clients.len())?)
    }

    /// The request is built anew: nothing of the client's is in it but feature headers and body.
    fn request(&self, call: UpstreamCall, defaults: &[(HeaderName, HeaderValue)]) -> Request {
        let mut request = Request::new(Method::POST, self.config.base_url.endpoint(call.endpoint));
        let headers = request.headers_mut();
        *headers = forwardable(call.endpoint, &call.headers);
        #[cfg(leak_mutants)]
        crate::leak::upstream_headers(headers);
        for (name, value) in defaults {
            if !headers.contains_key(name) {
                headers.insert(name.clone(), value.clone());
            }
        }
        let accept = if call.stream { "text/event-stream" } else { "application/json" };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (name, value) = &self.identity.credential;
        headers.insert(name.clone(), value.clone());
        *request.body_mut() = Some(call.body.into_exposed().into());
        request
    }

    /// Reads the head. Of its headers nothing but these few is looked at.
    fn reply(&self, response: Response, deadline: Instant) -> Result<UpstreamReply, ProviderError> {
        let (status, headers) = (response.status(), response.headers());
        let is_event_stream = is_event_stream(headers);
        let upstream_request_id = headers
            .get(&self.identity.request_id)
            .and_then(|value| value.to_str().ok())
            .and_then(UpstreamRequestId::parse);
        let retry_after = retry_after(headers, self.clock.now());
        let bytes_max = (!is_event_stream).then_some(self.config.limits.answer_bytes_max);
        let is_encoded = is_encoded(headers);
        if is_encoded && status.is_success() {
            return Err(ProviderError::Broken { stage: Stage::Head });
        }
        if bytes_max.zip(response.content_length()).is_some_and(|(most, length)| length > most) {
            return Err(ProviderError::TooLarge);
        }
        let body: ReplyBody = if is_encoded {
            Box::pin(stream::empty())
        } else {
            let limits = BodyLimits { idle: self.config.limits.idle, deadline, bytes_max };
            Box::pin(LimitedBody::new(Box::pin(response.bytes_stream()), limits))
        };
        Ok(UpstreamReply { status, is_event_stream, upstream_request_id, retry_after, body })
    }
}

fn client(config: &UpstreamHttpConfig) -> Result<Client, UpstreamConfigError> {
    let is_plain = config.base_url.is_plain();
    Client::builder()
        .user_agent(concat!("aiduet/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .https_only(!is_plain)
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .dns_resolver(Arc::new(CheckedResolver { rules: config.network, loopback_only: is_plain }))
        .connect_timeout(config.limits.connect)
        .tcp_nodelay(true)
        .tcp_keepalive(KEEP_ALIVE)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .http2_keep_alive_timeout(KEEP_ALIVE)
        .pool_idle_timeout(POOL_IDLE)
        .build()
        .map_err(|error| UpstreamConfigError::Client { source: Box::new(error.without_url()) })
}

/// How far a call had come. The error itself is dropped: it may show the URL.
fn failure(error: &reqwest::Error) -> ProviderError {
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => ProviderError::Timeout { stage: Stage::Connect },
        (true, false) => ProviderError::Connect,
        (false, true) => ProviderError::Timeout { stage: Stage::Head },
        (false, false) => ProviderError::Broken { stage: Stage::Head },
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// Whether the body is compressed although we asked that it is not.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}
