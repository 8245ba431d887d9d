//! Random tokens, and the digests they are stored as.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::id::{Entropy, SessionId};
use crate::notify::LinkToken;

const RANDOM_BYTES: usize = 32;
/// 32 bytes in base64 without padding.
const RANDOM_CHARACTERS: usize = 43;

/// 256 random bits that prove something; exists only while it is made or checked.
///
/// # Wire shape
/// 43 characters of base64url.
pub struct OpaqueToken(Zeroizing<String>);

impl OpaqueToken {
    /// Makes a new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut random = Zeroizing::new([0_u8; RANDOM_BYTES]);
        entropy.fill(random.as_mut());
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_ref())))
    }

    /// Takes a text that has the shape of one.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let shaped = text.len() == RANDOM_CHARACTERS && text.bytes().all(plain);
        shaped.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// As it is stored and looked up.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(Sha256::digest(self.0.as_bytes()).into())
    }

    /// For the link of a mail.
    pub fn to_link(&self) -> Option<LinkToken> {
        LinkToken::new(self.0.to_string())
    }

    /// The token, for the one place that it is told to.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OpaqueToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What a device presents to go on with its session: which session, and 256 random bits.
///
/// The session is named so that a token which was used before is recognised, however old it is.
///
/// # Wire shape
/// 32 hexadecimal digits of the session, a full stop, 43 characters of base64url.
#[derive(Debug)]
pub struct RefreshToken {
    session: SessionId,
    secret: OpaqueToken,
}

impl RefreshToken {
    /// Makes a new one for a session.
    pub fn generate(session: SessionId, entropy: &dyn Entropy) -> Self {
        Self { session, secret: OpaqueToken::generate(entropy) }
    }

    /// Takes a text that has the shape of one.
    pub fn parse(text: &str) -> Option<Self> {
        let (session, secret) = text.split_once('.')?;
        let session = Some(session).filter(|digits| digits.len() == 32);
        let session = SessionId::from_uuid(Uuid::try_parse(session?).ok()?);
        Some(Self { session, secret: OpaqueToken::parse(secret)? })
    }

    /// Which session it belongs to, if it is genuine.
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// As it is stored.
    pub fn digest(&self) -> TokenDigest {
        self.secret.digest()
    }

    /// The token, for its cookie.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}.{}", self.session.as_uuid().simple(), self.secret.expose()))
    }
}

/// SHA-256 of a token: what is stored. Resists guessing at 256 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// What was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As it is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::testing::Factory;

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let factory = Factory::new(1);
        let token = OpaqueToken::generate(factory.entropy());
        assert_eq!(OpaqueToken::parse(token.expose()).unwrap().digest(), token.digest());
        let session = SessionId::generate(factory.clock().as_ref(), factory.entropy());
        let refresh = RefreshToken::generate(session, factory.entropy());
        let read = RefreshToken::parse(&refresh.expose()).unwrap();
        assert_eq!((read.session(), read.digest()), (session, refresh.digest()));
        assert_eq!(format!("{token:?} {:?}", token.digest()), "[redacted] TokenDigest(..)");
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let token = "a".repeat(43);
        for text in ["", &token[1..], &format!("{token}a"), &format!("{}=", &token[1..])] {
            assert!(OpaqueToken::parse(text).is_none(), "{text}");
        }
        for text in ["", ".", &token, &format!(".{token}"), &format!("{}.{token}", "g".repeat(32))] {
            assert!(RefreshToken::parse(text).is_none(), "{text}");
        }
    }
}
