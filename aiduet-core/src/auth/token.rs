//! Access tokens: which session a request belongs to, for fifteen minutes. And tokens by which a
//! device is known.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{FLOW_LIFE, InvalidAccessToken};
use crate::clock::Timestamp;
use crate::id::{AccountId, SessionId};
use crate::secret::Secret;

/// How long an access token is valid.
pub const ACCESS_TOKEN_LIFE: Duration = Duration::from_mins(15);

/// How long a device is known.
pub const DEVICE_TOKEN_LIFE: Duration = Duration::from_hours(180 * 24);

/// Clocks of nodes may differ by this much.
const LEEWAY: Duration = Duration::from_secs(5);
const ISSUER: &str = "aiduet";
const SECRET_BYTES_MIN: usize = 32;

/// A secret that signs access tokens.
#[derive(Clone, Debug)]
pub struct SigningKey {
    id: String,
    secret: Secret<Vec<u8>>,
}

/// The secret is too short to sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret of access tokens has at least 32 bytes")]
pub struct SigningKeyTooShort;

impl SigningKey {
    /// Takes a secret of at least 32 bytes. Its identifier follows from it.
    ///
    /// # Errors
    /// [`SigningKeyTooShort`].
    pub fn new(secret: Secret<Vec<u8>>) -> Result<Self, SigningKeyTooShort> {
        if secret.expose().len() < SECRET_BYTES_MIN {
            return Err(SigningKeyTooShort);
        }
        let digest = Sha256::new().chain_update("aiduet kid").chain_update(secret.expose()).finalize();
        let mut id = String::with_capacity(16);
        for byte in digest.iter().take(8) {
            id.push_str(&format!("{byte:02x}"));
        }
        Ok(Self { id, secret })
    }
}

/// Issues and verifies access tokens, and those of known devices.
///
/// # Wire shape
/// A JWT (RFC 7519) with `typ: at+jwt` or `device+jwt`, `alg: HS256` and `kid`; the claims `iss`, `aud`, `sub` (the
/// account), `sid` (the session), `iat`, `exp`, `auth_time`. No other algorithm is accepted (RFC 8725). What a
/// browser keeps while a person signs in elsewhere has the same form with claims of its own.
#[derive(Debug)]
pub struct AccessTokens {
    signing: SigningKey,
    /// Verify only: tokens of before a rotation.
    retired: Vec<SigningKey>,
}

/// What an access token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// Who.
    pub account: AccountId,
    /// In which session.
    pub session: SessionId,
    /// When the person last gave the password.
    pub authenticated_at: Timestamp,
}

/// What a device shows that has signed in before: strangers who guess at an account do not lock
/// it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceClaims {
    /// Of which account.
    pub account: AccountId,
    /// The session in which the device became known, which names it.
    pub session: SessionId,
}

/// What every token says, and what only its kind does.
#[derive(Debug, Serialize, Deserialize)]
struct Claims<T> {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    #[serde(flatten)]
    own: T,
}

/// What the tokens of sessions and devices say.
#[derive(Debug, Serialize, Deserialize)]
struct OfSession {
    sub: AccountId,
    sid: SessionId,
    auth_time: i64,
}

/// Which kind of token.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Access,
    Device,
    /// A [`Flow`](super::Flow).
    Flow,
    /// A [`PendingLink`](super::PendingLink).
    Link,
}

impl Kind {
    /// RFC 9068, section 2.1, and one of our own.
    const fn media_type(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Device => "device+jwt",
            Self::Flow => "flow+jwt",
            Self::Link => "link+jwt",
        }
    }

    const fn audience(self) -> &'static str {
        match self {
            Self::Access => "aiduet/api/v1",
            Self::Device => "aiduet/device",
            Self::Flow => "aiduet/flow",
            Self::Link => "aiduet/link",
        }
    }

    const fn life(self) -> Duration {
        match self {
            Self::Access => ACCESS_TOKEN_LIFE,
            Self::Device => DEVICE_TOKEN_LIFE,
            Self::Flow | Self::Link => FLOW_LIFE,
        }
    }
}

impl AccessTokens {
    /// Signs with one secret, and verifies with that and those of before.
    pub const fn new(signing: SigningKey, retired: Vec<SigningKey>) -> Self {
        Self { signing, retired }
    }

    /// A token that is valid for [`ACCESS_TOKEN_LIFE`].
    ///
    /// # Errors
    /// [`InvalidAccessToken`] when it cannot be written, which does not happen.
    pub fn issue(&self, claims: AccessClaims, now: Timestamp) -> Result<Secret<String>, InvalidAccessToken> {
        self.write(Kind::Access, OfSession::from(claims), now)
    }

    /// A token by which a device is known for [`DEVICE_TOKEN_LIFE`].
    ///
    /// # Errors
    /// [`InvalidAccessToken`] when it cannot be written, which does not happen.
    pub fn issue_device(
        &self,
        claims: DeviceClaims,
        now: Timestamp,
    ) -> Result<Secret<String>, InvalidAccessToken> {
        let DeviceClaims { account, session } = claims;
        let claims = AccessClaims { account, session, authenticated_at: now };
        self.write(Kind::Device, OfSession::from(claims), now)
    }

    /// What an access token says, if it is genuine and valid at this moment.
    ///
    /// # Errors
    /// [`InvalidAccessToken`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, InvalidAccessToken> {
        let OfSession { sub, sid, auth_time } = self.read(Kind::Access, token, now)?;
        let authenticated_at = Timestamp::from_millis(auth_time.saturating_mul(1_000));
        Ok(AccessClaims { account: sub, session: sid, authenticated_at })
    }

    /// What the token of a device says, if it is genuine and valid at this moment.
    ///
    /// # Errors
    /// [`InvalidAccessToken`].
    pub fn verify_device(&self, token: &str, now: Timestamp) -> Result<DeviceClaims, InvalidAccessToken> {
        let OfSession { sub, sid, auth_time: _ } = self.read(Kind::Device, token, now)?;
        Ok(DeviceClaims { account: sub, session: sid })
    }

    pub(super) fn write<T: Serialize>(
        &self,
        kind: Kind,
        own: T,
        now: Timestamp,
    ) -> Result<Secret<String>, InvalidAccessToken> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: kind.audience().to_owned(),
            iat: now.seconds(),
            exp: now.plus(kind.life()).seconds(),
            own,
        };
        let header = Header {
            typ: Some(kind.media_type().to_owned()),
            kid: Some(self.signing.id.clone()),
            ..Header::new(Algorithm::HS256)
        };
        let key = EncodingKey::from_secret(self.signing.secret.expose());
        encode(&header, &claims, &key).map(Secret::new).map_err(|_unwritable| InvalidAccessToken)
    }

    pub(super) fn read<T: DeserializeOwned>(
        &self,
        kind: Kind,
        token: &str,
        now: Timestamp,
    ) -> Result<T, InvalidAccessToken> {
        let header = decode_header(token).map_err(|_malformed| InvalidAccessToken)?;
        if header.typ.as_deref() != Some(kind.media_type()) {
            return Err(InvalidAccessToken);
        }
        let kid = header.kid.as_deref().ok_or(InvalidAccessToken)?;
        let mut keys = std::iter::once(&self.signing).chain(&self.retired);
        let key = keys.find(|key| key.id == kid).ok_or(InvalidAccessToken)?;
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[kind.audience()]);
        rules.set_required_spec_claims(&["iss", "aud", "exp"]);
        // The library reads the clock of the system; ours is compared below.
        rules.validate_exp = false;
        let key = DecodingKey::from_secret(key.secret.expose());
        let claims = decode::<Claims<T>>(token, &key, &rules).map_err(|_refused| InvalidAccessToken)?.claims;
        if claims.exp <= now.seconds() || claims.iat > now.plus(LEEWAY).seconds() {
            return Err(InvalidAccessToken);
        }
        Ok(claims.own)
    }
}

impl From<AccessClaims> for OfSession {
    fn from(claims: AccessClaims) -> Self {
        let AccessClaims { account, session, authenticated_at } = claims;
        Self { sub: account, sid: session, auth_time: authenticated_at.seconds() }
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::Factory;

    const TYPE: &str = "at+jwt";
    const AUDIENCE: &str = "aiduet/api/v1";

    fn key(byte: u8) -> SigningKey {
        SigningKey::new(Secret::new(vec![byte; 32])).unwrap()
    }

    fn claims(factory: &Factory) -> AccessClaims {
        let session = SessionId::generate(factory.clock().as_ref(), factory.entropy());
        AccessClaims { account: factory.account_id(), session, authenticated_at: factory.now() }
    }

    /// A token with other claims or another header, signed with a key of ours.
    fn forged(key: &SigningKey, change: impl FnOnce(&mut Header, &mut Value)) -> String {
        let factory = Factory::new(1);
        let AccessClaims { account, session, .. } = claims(&factory);
        let now = factory.now().seconds();
        let mut claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": account, "sid": session,
            "iat": now, "exp": now + 900, "auth_time": now,
        });
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key.id.clone());
        change(&mut header, &mut claims);
        encode(&header, &claims, &EncodingKey::from_secret(key.secret.expose())).unwrap()
    }

    #[test]
    fn a_token_says_what_it_was_issued_for_until_it_expires() {
        let factory = Factory::new(1);
        let tokens = AccessTokens::new(key(1), Vec::new());
        let claims = claims(&factory);
        let token = tokens.issue(claims, factory.now()).unwrap();
        assert_eq!(tokens.verify(token.expose(), factory.now()), Ok(claims));
        let last = factory.now().plus(ACCESS_TOKEN_LIFE - Duration::from_secs(1));
        assert_eq!(tokens.verify(token.expose(), last), Ok(claims));
        let over = factory.now().plus(ACCESS_TOKEN_LIFE);
        assert_eq!(tokens.verify(token.expose(), over), Err(InvalidAccessToken));
        let before = factory.now().minus(Duration::from_mins(1));
        assert_eq!(tokens.verify(token.expose(), before), Err(InvalidAccessToken));
    }

    /// SEC-T63.
    #[test]
    fn forged_and_foreign_tokens_are_refused() {
        let factory = Factory::new(1);
        let now = factory.now();
        let tokens = AccessTokens::new(key(1), Vec::new());
        assert!(tokens.verify(&forged(&key(1), |_, _| {}), now).is_ok(), "the rest is compared to this");
        let refused = |what: &str, token: &str| {
            assert_eq!(tokens.verify(token, now), Err(InvalidAccessToken), "{what}");
        };
        refused("another secret", &forged(&key(2), |_, _| {}));
        let own = key(1).id;
        refused("another secret under our kid", &forged(&key(2), |header, _| header.kid = Some(own)));
        refused("no kid", &forged(&key(1), |header, _| header.kid = None));
        refused("a kid that is a path", &forged(&key(1), |h, _| h.kid = Some("../../dev/null".to_owned())));
        refused("another type", &forged(&key(1), |header, _| header.typ = Some("JWT".to_owned())));
        refused("another algorithm", &forged(&key(1), |header, _| header.alg = Algorithm::HS384));
        for claim in ["iss", "aud", "exp", "sub", "sid", "auth_time"] {
            let token = forged(&key(1), |_, claims| drop(claims.as_object_mut().unwrap().remove(claim)));
            refused(claim, &token);
        }
        refused("another audience", &forged(&key(1), |_, claims| claims["aud"] = json!("other")));
        refused("another issuer", &forged(&key(1), |_, claims| claims["iss"] = json!("other")));
        let token = forged(&key(1), |_, _| {});
        let (unsigned, _signature) = token.rsplit_once('.').unwrap();
        refused("no signature", &format!("{unsigned}."));
        let (_header, payload) = unsigned.split_once('.').unwrap();
        let header =
            URL_SAFE_NO_PAD.encode(json!({"alg": "none", "typ": TYPE, "kid": key(1).id}).to_string());
        refused("the algorithm none", &format!("{header}.{payload}."));
    }

    #[test]
    fn a_retired_secret_verifies_and_does_not_sign() {
        let factory = Factory::new(1);
        let old = AccessTokens::new(key(1), Vec::new());
        let token = old.issue(claims(&factory), factory.now()).unwrap();
        let both = AccessTokens::new(key(2), vec![key(1)]);
        assert!(both.verify(token.expose(), factory.now()).is_ok());
        let new = both.issue(claims(&factory), factory.now()).unwrap();
        assert!(old.verify(new.expose(), factory.now()).is_err());
        assert!(AccessTokens::new(key(2), Vec::new()).verify(token.expose(), factory.now()).is_err());
    }

    #[test]
    fn the_token_of_a_device_is_no_access_token_and_the_other_way_round() {
        let factory = Factory::new(1);
        let tokens = AccessTokens::new(key(1), Vec::new());
        let AccessClaims { account, session, .. } = claims(&factory);
        let known = DeviceClaims { account, session };
        let device = tokens.issue_device(known, factory.now()).unwrap();
        let access = tokens.issue(claims(&factory), factory.now()).unwrap();
        let last = factory.now().plus(DEVICE_TOKEN_LIFE - Duration::from_secs(1));
        assert_eq!(tokens.verify_device(device.expose(), last), Ok(known));
        assert!(tokens.verify_device(device.expose(), factory.now().plus(DEVICE_TOKEN_LIFE)).is_err());
        assert!(tokens.verify(device.expose(), factory.now()).is_err());
        assert!(tokens.verify_device(access.expose(), factory.now()).is_err());
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert_eq!(SigningKey::new(Secret::new(vec![1; 31])).unwrap_err(), SigningKeyTooShort);
    }
}
