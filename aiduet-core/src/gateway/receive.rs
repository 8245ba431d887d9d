//! What is asked: the body read once, shallowly; the rest stays untouched bytes.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

use super::{Caller, Gateway, GatewayError};
use crate::clock::Timestamp;
use crate::content::{Content, describe};
use crate::dialect::{Dialect, Endpoint, RequestFault, RequestHead, inspect};
use crate::id::RequestId;

/// With this header set to `true` a call is refused rather than forwarded with a lower output limit.
const EXACT: HeaderName = HeaderName::from_static("x-aiduet-exact");

/// A call as it came in.
pub struct GatewayRequest {
    /// Its identifier.
    pub id: RequestId,
    /// The endpoint called.
    pub endpoint: Endpoint,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole and without a content coding.
    pub body: Content,
}

impl std::fmt::Debug for GatewayRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayRequest")
            .field("id", &self.id)
            .field("endpoint", &self.endpoint)
            .field("body", &describe(&self.body))
            .finish_non_exhaustive()
    }
}

/// A call of a known caller whose body is well-formed.
pub(super) struct Received {
    pub(super) id: RequestId,
    pub(super) caller: Caller,
    pub(super) endpoint: Endpoint,
    pub(super) headers: HeaderMap,
    pub(super) body: Content,
    pub(super) head: RequestHead,
    pub(super) shortfall: Shortfall,
    /// It is a stage of an ensemble: its answer is read, and not relayed.
    pub(super) is_stage: bool,
    pub(super) started_at: Timestamp,
    pub(super) started: Duration,
}

impl Received {
    /// A stage of an ensemble that this request asks for, with a body of its own.
    ///
    /// # Errors
    /// When the body is not one of the endpoint.
    pub(super) fn stage(&self, body: Content) -> Result<Self, RequestFault> {
        Ok(Self {
            id: self.id,
            caller: self.caller.clone(),
            endpoint: self.endpoint,
            // It is translated, so that no header goes to a provider.
            headers: HeaderMap::new(),
            head: inspect(self.endpoint, &body)?,
            body,
            shortfall: Shortfall::Refuse,
            is_stage: true,
            started_at: self.started_at,
            started: self.started,
        })
    }
}

/// What to do when funds do not cover the whole output limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shortfall {
    /// Forward a lower limit.
    Lower,
    /// Refuse.
    Refuse,
}

impl Gateway {
    pub(super) fn receive(&self, caller: Caller, request: GatewayRequest) -> Result<Received, GatewayError> {
        let GatewayRequest { endpoint, headers, .. } = &request;
        if endpoint.dialect() == Dialect::Anthropic && !headers.contains_key("anthropic-version") {
            return Err(GatewayError::InvalidHeader { name: "anthropic-version" });
        }
        self.read(caller, request)
    }

    /// Reads what is asked, whatever the headers say.
    pub(super) fn read(&self, caller: Caller, request: GatewayRequest) -> Result<Received, GatewayError> {
        let GatewayRequest { id, endpoint, headers, body } = request;
        #[cfg(leak_mutants)]
        crate::leak::request(&headers, body.expose());
        if !caller.key().limits.allows_endpoint(endpoint) {
            return Err(GatewayError::EndpointNotAllowed);
        }
        let head = inspect(endpoint, &body).map_err(GatewayError::Invalid)?;
        let exact = headers.get(EXACT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
        Ok(Received {
            id,
            caller,
            endpoint,
            headers,
            body,
            head,
            shortfall: if exact { Shortfall::Refuse } else { Shortfall::Lower },
            is_stage: false,
            started_at: self.parts.clock.now(),
            started: self.parts.clock.monotonic(),
        })
    }
}
