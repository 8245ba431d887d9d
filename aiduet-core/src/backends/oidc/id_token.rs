//! What an ID token proves, and when it proves nothing.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde::Deserialize;

use crate::account::EmailAddress;
use crate::auth::{Assertion, TokenFault};
use crate::clock::Timestamp;
use crate::secret::Secret;

/// A token was issued just now, by a clock that may differ by this much.
const ISSUED_WITHIN: Duration = Duration::from_mins(5);
/// OpenID Connect Core 1.0, section 2.
const SUBJECT_MAX: usize = 255;
/// The longest token that is looked at, in bytes.
const LENGTH_MAX: usize = 16 << 10;

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
    azp: Option<String>,
    email: Option<String>,
    email_verified: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// The name of the key that a token says it is signed with.
pub(super) fn key_name(token: &str) -> Result<String, TokenFault> {
    if token.len() > LENGTH_MAX {
        return Err(TokenFault::Malformed);
    }
    // `none` is no algorithm of the library and does not come so far.
    let Header { alg, kid, .. } = decode_header(token).map_err(|_malformed| TokenFault::Algorithm)?;
    if alg != Algorithm::RS256 {
        return Err(TokenFault::Algorithm);
    }
    kid.ok_or(TokenFault::UnknownKey)
}

/// What a token says, if it was signed with `key` for us and this browser, just now.
///
/// # Source
/// OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725.
pub(super) fn read(token: &str, key: &DecodingKey, expected: Expected<'_>) -> Result<Assertion, TokenFault> {
    let Expected { issuer, client_id, nonce, now } = expected;
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_issuer(&[issuer]);
    rules.set_audience(&[client_id]);
    rules.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
    // The library reads the clock of the system; ours is compared below.
    rules.validate_exp = false;
    let claims = decode::<Claims>(token, key, &rules).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::Json(_) => TokenFault::Malformed,
        _ => TokenFault::Signature,
    })?;
    let Claims { sub, aud, exp, iat, nbf, nonce: answered, azp, email, email_verified } = claims.claims;
    let is_ours_alone = match &aud {
        Audience::One(one) => one == client_id,
        // Others that it is for are not trusted here.
        Audience::Many(all) => all.iter().all(|one| one == client_id),
    };
    if !is_ours_alone || azp.is_some_and(|party| party != client_id) {
        return Err(TokenFault::OtherParties);
    }
    let (earliest, latest) = (now.minus(ISSUED_WITHIN).seconds(), now.plus(ISSUED_WITHIN).seconds());
    let is_new = (earliest..=latest).contains(&iat) && nbf.is_none_or(|begins| begins <= latest);
    if exp <= now.seconds() || !is_new {
        return Err(TokenFault::Time);
    }
    if answered.as_deref() != Some(nonce) {
        return Err(TokenFault::Nonce);
    }
    if !(1..=SUBJECT_MAX).contains(&sub.len()) || !sub.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenFault::Malformed);
    }
    let email = email.filter(|_email| email_verified == Some(true));
    let verified_email = email.and_then(|email| email.parse::<EmailAddress>().ok());
    Ok(Assertion { subject: Secret::new(sub), verified_email })
}
