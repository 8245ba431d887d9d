//! Who vouches for people, from the settings.

use std::sync::Arc;

use super::BuildError;
use crate::auth::IdentityProvider;
use crate::clock::Clock;
use crate::settings::Settings;

/// The identity provider; `None` where none is configured.
#[cfg(feature = "oidc")]
pub(super) fn from_settings(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<dyn IdentityProvider>>, BuildError> {
    use crate::backends::oidc::{OidcConfig, OidcProvider};
    let google = &settings.auth.google;
    let Some((id, secret)) = google.client_id.clone().zip(google.client_secret.clone()) else {
        return Ok(None);
    };
    let redirect_uri = format!("{}{}", super::mail::site(settings).url(), crate::auth::RETURN_PATH);
    let config = OidcConfig::new(google.issuer.clone(), (id, secret), redirect_uri);
    let provider = OidcProvider::new(config, Arc::clone(clock));
    let provider = provider.map_err(|error| BuildError::IdentityProvider { source: Box::new(error) })?;
    Ok(Some(Arc::new(provider)))
}

#[cfg(not(feature = "oidc"))]
pub(super) fn from_settings(
    settings: &Settings,
    _clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<dyn IdentityProvider>>, BuildError> {
    let is_wanted = settings.auth.google.client_id.is_some();
    if is_wanted { Err(BuildError::UnknownIdentityProvider) } else { Ok(None) }
}
