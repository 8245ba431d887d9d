//! What every request must pass before a handler sees it, and what is measured of every answer.

mod address;
mod body;
mod head;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use address::{ClientAddress, PeerAddress};

use self::address::AddressRule;
use self::body::{Ending, EndingBody};
use self::head::HeadRule;
use super::error::{HttpError, respond};
use super::{dialect_of, place};
use crate::app::App;
use crate::settings::ServerSettings;

/// The template of requests that no route takes.
const NO_ROUTE: &str = "other";

/// Why a request does not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EdgeFault {
    /// No `Host`, several, or one that is not served here.
    Host,
    /// A proxy says more than one thing about the client, or nonsense.
    Forwarded,
    /// The path and query are too long.
    UriTooLong,
    /// Too many header fields, or too long ones.
    HeadTooLarge,
    /// Another protocol was asked for.
    Upgrade,
    /// Too many requests at the same time.
    Busy,
    /// The server takes no new requests.
    Stopping,
}

struct Edge {
    app: App,
    head: HeadRule,
    address: AddressRule,
    places: Arc<Semaphore>,
    patience: Duration,
}

/// Puts the guard in front of every route of a router.
pub fn guarded(router: Router, app: App, settings: &ServerSettings) -> Router {
    let limits = &settings.limits;
    let places = usize::try_from(limits.in_flight_max).unwrap_or(Semaphore::MAX_PERMITS);
    let edge = Arc::new(Edge {
        app,
        head: HeadRule::new(settings),
        address: AddressRule::new(&settings.trusted_proxies),
        places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
        patience: limits.queue_timeout,
    });
    router.layer(from_fn_with_state(edge, guard))
}

async fn guard(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    let app = &edge.app;
    let started = app.clock().monotonic();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let in_flight = app.metrics().begin(template(route.as_ref()));
    let method = request.method().clone();
    let dialect = dialect_of(request.uri(), request.headers());
    let admitted = match edge.admit(&mut request) {
        Ok(()) => edge.take_place().await,
        Err(fault) => Err(fault),
    };
    let (response, permit) = match admitted {
        Ok(permit) => (next.run(request).await, Some(permit)),
        Err(fault) => (respond(place(app, dialect), &HttpError::Edge(fault)), None),
    };
    let ending =
        Ending { app: app.clone(), route, method, status: response.status(), started, in_flight, permit };
    response.map(|body| Body::new(EndingBody::new(body, ending)))
}

/// The template of a route, the same with and without a slash at its end.
fn template(route: Option<&MatchedPath>) -> &str {
    match route.map(MatchedPath::as_str) {
        Some("/") => "/",
        Some(path) => path.trim_end_matches('/'),
        None => NO_ROUTE,
    }
}

impl Edge {
    fn admit(&self, request: &mut Request) -> Result<(), EdgeFault> {
        if self.app.is_stopping() {
            return Err(EdgeFault::Stopping);
        }
        self.head.check(request)?;
        let client = self.address.resolve(request)?;
        address::strip(request.headers_mut());
        request.extensions_mut().insert(client);
        Ok(())
    }

    async fn take_place(&self) -> Result<OwnedSemaphorePermit, EdgeFault> {
        let place = Arc::clone(&self.places).acquire_owned();
        match tokio::time::timeout(self.patience, place).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(EdgeFault::Busy),
        }
    }
}
