//! The provider, as the domain knows it.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};
use http::HeaderValue;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::client::OidcClient;
use super::config::{OidcConfig, OidcConfigError};
use super::error::OidcError;
use super::id_token::{self, Expected};
use super::keys::{Asking, Known};
use crate::auth::{
    Assertion, AuthorizationRequest, Grant, IdentityProvider, IdentityProviderError, TokenFault,
};
use crate::clock::Clock;
use crate::secret::Secret;

/// [`IdentityProvider`] over OpenID Connect.
#[derive(Debug)]
pub struct OidcProvider {
    config: OidcConfig,
    client: OidcClient,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

/// The rest of the answer is not looked at: nothing is asked of the provider later.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

impl OidcProvider {
    /// A provider with this configuration; it is not asked anything yet.
    ///
    /// # Errors
    /// [`OidcConfigError`].
    pub fn new(config: OidcConfig, clock: Arc<dyn Clock>) -> Result<Self, OidcConfigError> {
        config.issuer_url()?;
        let client = OidcClient::new(&config)?;
        Ok(Self { config, client, clock, known: Mutex::default() })
    }

    fn asking(&self) -> Asking<'_> {
        Asking { client: &self.client, issuer: &self.config.issuer, at: self.clock.monotonic() }
    }

    /// `client_secret_basic` (RFC 6749, section 2.3.1), which every provider takes.
    fn credential(&self) -> Result<HeaderValue, OidcError> {
        let coded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let OidcConfig { client_id, client_secret, .. } = &self.config;
        let pair = Secret::new(format!("{}:{}", coded(client_id), coded(client_secret.expose())));
        let basic = format!("Basic {}", STANDARD.encode(pair.expose()));
        HeaderValue::try_from(basic).map_err(|_invalid| OidcError::Unreadable)
    }

    /// The ID token that the provider gives for a code.
    async fn id_token(&self, grant: Grant<'_>) -> Result<Secret<String>, OidcError> {
        let place = self.known.lock().await.metadata(self.asking()).await?.token_endpoint;
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", grant.code)
            .append_pair("redirect_uri", &self.config.redirect_uri)
            .append_pair("code_verifier", grant.verifier)
            .finish();
        let Tokens { id_token } = self.client.post(place, self.credential()?, form).await?;
        Ok(Secret::new(id_token))
    }
}

#[async_trait]
impl IdentityProvider for OidcProvider {
    fn issuer(&self) -> &str {
        &self.config.issuer
    }

    async fn authorization_url(
        &self,
        request: AuthorizationRequest<'_>,
    ) -> Result<String, IdentityProviderError> {
        let AuthorizationRequest { state, nonce, challenge } = request;
        let mut place = self.known.lock().await.metadata(self.asking()).await?.authorization_endpoint;
        place
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.config.redirect_uri)
            .append_pair("scope", "openid email")
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(place.into())
    }

    async fn redeem(&self, grant: Grant<'_>) -> Result<Assertion, IdentityProviderError> {
        let token = self.id_token(grant).await?;
        let kid = id_token::key_name(token.expose()).map_err(IdentityProviderError::InvalidToken)?;
        let key = self.known.lock().await.key(self.asking(), &kid).await?;
        let key = key.ok_or(IdentityProviderError::InvalidToken(TokenFault::UnknownKey))?;
        let expected = Expected {
            issuer: &self.config.issuer,
            client_id: &self.config.client_id,
            nonce: grant.nonce,
            now: self.clock.now(),
        };
        id_token::read(token.expose(), &key, expected).map_err(IdentityProviderError::InvalidToken)
    }
}
