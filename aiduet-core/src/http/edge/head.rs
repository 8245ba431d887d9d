//! What the head of a request must look like.

use axum::extract::Request;
use http::Version;
use http::header::{HOST, UPGRADE};

use super::EdgeFault;
use crate::settings::ServerSettings;

/// Bytes that HTTP/2 counts for each field on top of its text (RFC 9113, section 6.5.2).
const FIELD_OVERHEAD: usize = 32;

/// Limits of a head, and the names that requests may come for.
pub(super) struct HeadRule {
    /// In lower case, without ports; with none, any name is served.
    hosts: Vec<String>,
    headers_max: usize,
    header_bytes_max: usize,
    uri_bytes_max: usize,
}

impl HeadRule {
    pub(super) fn new(settings: &ServerSettings) -> Self {
        let urls = [&settings.public_url, &settings.api_url];
        let names = urls.into_iter().flatten().filter_map(|url| host_of_url(url));
        let further = settings.hosts.iter().filter_map(|host| bare_host(host));
        let mut hosts: Vec<_> = names.chain(further).collect();
        if !hosts.is_empty() && settings.listen.ip().is_loopback() {
            hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        let limits = &settings.limits;
        Self {
            hosts,
            headers_max: limits.headers_max,
            header_bytes_max: limits.header_bytes_max,
            uri_bytes_max: limits.uri_bytes_max,
        }
    }

    pub(super) fn check(&self, request: &Request) -> Result<(), EdgeFault> {
        let uri = request.uri();
        let uri_bytes = uri.path().len().saturating_add(uri.query().map_or(0, |query| query.len() + 1));
        if uri_bytes > self.uri_bytes_max {
            return Err(EdgeFault::UriTooLong);
        }
        let headers = request.headers();
        let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            name.as_str().len().saturating_add(value.len()).saturating_add(FIELD_OVERHEAD)
        };
        let bytes = headers.iter().map(field).fold(0, usize::saturating_add);
        if headers.len() > self.headers_max || bytes > self.header_bytes_max {
            return Err(EdgeFault::HeadTooLarge);
        }
        self.check_host(request)?;
        check_upgrade(request)
    }

    /// Exactly one host: two could be read differently by a proxy and by us.
    fn check_host(&self, request: &Request) -> Result<(), EdgeFault> {
        let mut fields = request.headers().get_all(HOST).iter();
        let field = fields.next();
        if fields.next().is_some() {
            return Err(EdgeFault::Host);
        }
        let field = match field {
            Some(value) => Some(value.to_str().map_err(|_binary| EdgeFault::Host)?),
            None => None,
        };
        let authority = request.uri().authority().map(http::uri::Authority::as_str);
        let host = match (field, authority) {
            (Some(field), Some(authority)) if !field.eq_ignore_ascii_case(authority) => {
                return Err(EdgeFault::Host);
            }
            (Some(host), _) | (None, Some(host)) => bare_host(host).ok_or(EdgeFault::Host)?,
            (None, None) if request.version() == Version::HTTP_10 => String::new(),
            (None, None) => return Err(EdgeFault::Host),
        };
        let served = self.hosts.is_empty() || self.hosts.contains(&host);
        if served { Ok(()) } else { Err(EdgeFault::Host) }
    }
}

/// `Upgrade: h2c`, which some clients always send, may be ignored; a WebSocket client would wait
/// for an answer that never comes.
fn check_upgrade(request: &Request) -> Result<(), EdgeFault> {
    let names_websocket = |value: &http::HeaderValue| {
        value.as_bytes().windows(9).any(|window| window.eq_ignore_ascii_case(b"websocket"))
    };
    let asked = request.headers().get_all(UPGRADE).iter().any(names_websocket);
    if asked { Err(EdgeFault::Upgrade) } else { Ok(()) }
}

/// `Example.com.:443` is `example.com`.
fn bare_host(text: &str) -> Option<String> {
    let authority: http::uri::Authority = text.parse().ok()?;
    if text.contains('@') {
        return None;
    }
    let host = authority.host();
    Some(host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()).filter(|host| !host.is_empty())
}

fn host_of_url(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    bare_host(uri.authority()?.as_str())
}
