//! What a browser keeps while its person is at an identity provider and afterwards.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::token::Kind;
use super::{AccessTokens, DeviceClaims, InvalidAccessToken, OpaqueToken, SessionLife};
use crate::account::{EmailAddress, Locale};
use crate::clock::Timestamp;
use crate::id::{AccountId, Entropy, SessionId};
use crate::secret::Secret;

/// How long a person may take at the identity provider, and to link afterwards.
pub const FLOW_LIFE: Duration = Duration::from_mins(10);

/// A way to the identity provider and back. It is bound to one browser: state, nonce and verifier
/// follow from a secret that only its cookie holds.
#[derive(Debug)]
pub struct Flow {
    secret: OpaqueToken,
    /// What the person wants.
    pub purpose: FlowPurpose,
    /// Where in the dashboard the person goes afterwards.
    pub return_to: String,
    /// How long the session is to last.
    pub life: SessionLife,
    /// The language of an account that is made.
    pub locale: Locale,
    /// By what the device is known, if it has signed in before.
    pub device: Option<DeviceClaims>,
}

/// What a person goes to the identity provider for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowPurpose {
    /// To enter an account that exists.
    SignIn,
    /// To enter, or to make an account: the policies are accepted.
    SignUp,
    /// To add this way in to an account that exists.
    Link,
}

/// Somebody who has proved to own an account elsewhere, but not yet the one here.
#[derive(Clone, Debug)]
pub struct PendingLink {
    /// Who vouches.
    pub issuer: String,
    /// What the issuer calls the person.
    pub subject: Secret<String>,
    /// The address that the issuer has verified.
    pub email: EmailAddress,
}

#[derive(Serialize, Deserialize)]
struct FlowClaims {
    secret: String,
    purpose: FlowPurpose,
    return_to: String,
    life: String,
    locale: Locale,
    device: Option<(AccountId, SessionId)>,
}

#[derive(Serialize, Deserialize)]
struct LinkClaims {
    issuer: String,
    subject: String,
    email: String,
}

impl Flow {
    /// A new one, back to the start of the dashboard.
    pub fn begin(purpose: FlowPurpose, entropy: &dyn Entropy) -> Self {
        Self {
            secret: OpaqueToken::generate(entropy),
            purpose,
            return_to: "/".to_owned(),
            life: SessionLife::Long,
            locale: Locale::En,
            device: None,
        }
    }

    /// Goes to the provider and comes back in the address.
    pub fn state(&self) -> String {
        self.derived("state")
    }

    /// Goes to the provider and comes back in its token.
    pub fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// Goes to the provider with the code (RFC 7636).
    pub fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// Goes to the provider first.
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier()))
    }

    /// Whether the browser brings the state back that it was sent with.
    pub fn is_answered_by(&self, state: &str) -> bool {
        bool::from(self.state().as_bytes().ct_eq(state.as_bytes()))
    }

    fn derived(&self, what: &str) -> String {
        let digest = Sha256::new().chain_update("aiduet ").chain_update(what).chain_update(" ");
        URL_SAFE_NO_PAD.encode(digest.chain_update(self.secret.expose()).finalize())
    }
}

impl AccessTokens {
    /// A flow for its cookie, valid for [`FLOW_LIFE`].
    ///
    /// # Errors
    /// [`InvalidAccessToken`] when it cannot be written, which does not happen.
    pub fn issue_flow(&self, flow: &Flow, now: Timestamp) -> Result<Secret<String>, InvalidAccessToken> {
        let Flow { secret, purpose, return_to, life, locale, device } = flow;
        let claims = FlowClaims {
            secret: secret.expose().to_owned(),
            purpose: *purpose,
            return_to: return_to.clone(),
            life: life.as_str().to_owned(),
            locale: *locale,
            device: device.map(|device| (device.account, device.session)),
        };
        self.write(Kind::Flow, claims, now)
    }

    /// The flow of a cookie, if it is genuine and valid at this moment.
    ///
    /// # Errors
    /// [`InvalidAccessToken`].
    pub fn verify_flow(&self, token: &str, now: Timestamp) -> Result<Flow, InvalidAccessToken> {
        let FlowClaims { secret, purpose, return_to, life, locale, device } =
            self.read(Kind::Flow, token, now)?;
        Ok(Flow {
            secret: OpaqueToken::parse(&secret).ok_or(InvalidAccessToken)?,
            purpose,
            return_to,
            life: SessionLife::from_code(&life).ok_or(InvalidAccessToken)?,
            locale,
            device: device.map(|(account, session)| DeviceClaims { account, session }),
        })
    }

    /// What is left to link, for its cookie, valid for [`FLOW_LIFE`].
    ///
    /// # Errors
    /// [`InvalidAccessToken`] when it cannot be written, which does not happen.
    pub fn issue_link(
        &self,
        link: &PendingLink,
        now: Timestamp,
    ) -> Result<Secret<String>, InvalidAccessToken> {
        let PendingLink { issuer, subject, email } = link;
        let (subject, email) = (subject.expose().clone(), email.expose().to_owned());
        self.write(Kind::Link, LinkClaims { issuer: issuer.clone(), subject, email }, now)
    }

    /// What is left to link, if it is genuine and valid at this moment.
    ///
    /// # Errors
    /// [`InvalidAccessToken`].
    pub fn verify_link(&self, token: &str, now: Timestamp) -> Result<PendingLink, InvalidAccessToken> {
        let LinkClaims { issuer, subject, email } = self.read(Kind::Link, token, now)?;
        let email = email.parse().map_err(|_invalid| InvalidAccessToken)?;
        Ok(PendingLink { issuer, subject: Secret::new(subject), email })
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::auth::SigningKey;
    use crate::testing::Factory;

    fn tokens() -> AccessTokens {
        AccessTokens::new(SigningKey::new(Secret::new(vec![1; 32])).unwrap(), Vec::new())
    }

    #[test]
    fn what_goes_to_the_provider_is_of_one_browser_and_one_way() {
        let factory = Factory::new(1);
        let one = Flow::begin(FlowPurpose::SignIn, factory.entropy());
        let other = Flow::begin(FlowPurpose::SignIn, factory.entropy());
        let parts = |flow: &Flow| [flow.state(), flow.nonce(), flow.verifier(), flow.challenge()];
        let mut all = [parts(&one), parts(&other)].concat();
        assert!(all.iter().all(|part| part.len() == 43), "256 bits each");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 8);
        assert!(one.is_answered_by(&one.state()));
        assert!(!one.is_answered_by(&other.state()));
    }

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_the_digest_of_the_verifier() {
        let digest = Sha256::digest("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(URL_SAFE_NO_PAD.encode(digest), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_cookie_keeps_a_flow_for_ten_minutes() {
        let factory = Factory::new(1);
        let now = factory.now();
        let session = SessionId::generate(factory.clock().as_ref(), factory.entropy());
        let flow = Flow {
            return_to: "/keys?sort=name".to_owned(),
            life: SessionLife::Short,
            locale: Locale::ZhCn,
            device: Some(DeviceClaims { account: factory.account_id(), session }),
            ..Flow::begin(FlowPurpose::SignUp, factory.entropy())
        };
        let cookie = tokens().issue_flow(&flow, now).unwrap();
        let last = now.plus(FLOW_LIFE.checked_sub(Duration::from_secs(1)).unwrap());
        let read = tokens().verify_flow(cookie.expose(), last).unwrap();
        assert_eq!(read.state(), flow.state());
        assert_eq!(
            (read.purpose, read.return_to, read.life, read.locale, read.device),
            (flow.purpose, flow.return_to, flow.life, flow.locale, flow.device)
        );
        assert!(tokens().verify_flow(cookie.expose(), now.plus(FLOW_LIFE)).is_err());
        assert!(tokens().verify_link(cookie.expose(), now).is_err(), "a flow is no link");
        assert!(tokens().verify(cookie.expose(), now).is_err(), "and no session");
    }
}
