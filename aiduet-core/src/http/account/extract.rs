//! Who asks, from where.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use sha2::{Digest, Sha256};

use super::call::Call;
use super::problem::Problem;
use crate::account::{AccountState, SignedIn, Visit};
use crate::app::App;
use crate::auth::Device;
use crate::clock::Timestamp;
use crate::http::edge::ClientAddress;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// What must not be done by whoever finds a device open.
const FRESH: Duration = Duration::from_mins(15);
/// What makes or widens a key.
const RECENT: Duration = Duration::from_hours(24);

impl FromRequestParts<App> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let outside = || Self {
            address: ClientAddress::of(&parts.extensions),
            device: Device::UNKNOWN,
            request: app.gateway().new_request_id(),
        };
        Ok(parts.extensions.get::<Call>().map_or_else(outside, Call::visit))
    }
}

/// A person with an access token, also one whose account is to be deleted.
pub(super) struct Leaving(pub(super) SignedIn);

impl FromRequestParts<App> for Leaving {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let token = bearer(parts).ok_or(Problem::UNAUTHENTICATED)?;
        Ok(Self(app.reception().recognise(token).await?))
    }
}

/// A person with an access token whose account is there to stay.
pub(super) struct Person(pub(super) SignedIn);

impl FromRequestParts<App> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Leaving(person) = Leaving::from_request_parts(parts, app).await?;
        match person.account.state {
            AccountState::Deleting { .. } => Err(Problem::ACCOUNT_DELETING),
            AccountState::Active | AccountState::Frozen { .. } | AccountState::Closed { .. } => {
                Ok(Self(person))
            }
        }
    }
}

/// A person who gave the password within the last 15 minutes, also one whose account is to be deleted.
pub(super) struct FreshlyLeaving(pub(super) SignedIn);

impl FromRequestParts<App> for FreshlyLeaving {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Leaving(person) = Leaving::from_request_parts(parts, app).await?;
        if is_fresh(&person, app.clock().now()) { Ok(Self(person)) } else { Err(Problem::REAUTH_REQUIRED) }
    }
}

/// Whether a person gave the password within the last 15 minutes.
pub(super) fn is_fresh(person: &SignedIn, now: Timestamp) -> bool {
    now.since(person.session.authenticated_at) <= FRESH
}

/// A person who gave the password within the last 15 minutes.
pub(super) struct Fresh(pub(super) SignedIn);

impl FromRequestParts<App> for Fresh {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Person(person) = Person::from_request_parts(parts, app).await?;
        Self::check(&person, app)?;
        Ok(Self(person))
    }
}

impl Fresh {
    /// Whether the person is one.
    pub(super) fn check(person: &SignedIn, app: &App) -> Result<(), Problem> {
        if is_fresh(person, app.clock().now()) { Ok(()) } else { Err(Problem::REAUTH_REQUIRED) }
    }
}

/// A person who gave the password within the last 24 hours.
pub(super) struct Recent(pub(super) SignedIn);

impl FromRequestParts<App> for Recent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Person(person) = Person::from_request_parts(parts, app).await?;
        let since = app.clock().now().since(person.session.authenticated_at);
        if since > RECENT { Err(Problem::REAUTH_REQUIRED) } else { Ok(Self(person)) }
    }
}

/// SHA-256 of what the client calls the request (`Idempotency-Key`), so that it can be sent again.
pub(super) fn request_digest(headers: &HeaderMap) -> Result<Option<[u8; 32]>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let bytes = value.as_bytes();
    if !(1..=64).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(Problem::field("idempotency-key", "invalid_idempotency_key"));
    }
    Ok(Some(Sha256::digest(bytes).into()))
}

/// The one bearer token of a request.
pub(super) fn bearer(parts: &Parts) -> Option<&str> {
    let mut fields = parts.headers.get_all(AUTHORIZATION).iter();
    let field = fields.next()?.to_str().ok()?;
    let (scheme, token) = field.trim().split_once(' ')?;
    let is_one = fields.next().is_none() && scheme.eq_ignore_ascii_case("bearer");
    is_one.then(|| token.trim())
}
