//! Who reports keys that were published.

use std::sync::Arc;

use super::BuildError;
use crate::clock::Clock;
use crate::keys::ReportVerifier;
use crate::settings::AuthSettings;

/// Who is believed by the settings.
pub(super) fn from_settings(
    settings: &AuthSettings,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<dyn ReportVerifier>>, BuildError> {
    if settings.github_reports { github(settings, clock).map(Some) } else { Ok(None) }
}

#[cfg(feature = "github")]
fn github(settings: &AuthSettings, clock: &Arc<dyn Clock>) -> Result<Arc<dyn ReportVerifier>, BuildError> {
    use crate::backends::github::{GithubReports, KEYS_URL};
    let keys_url = settings.github_keys_url.as_deref().unwrap_or(KEYS_URL);
    let reports = GithubReports::new(keys_url, Arc::clone(clock));
    let reports = reports.map_err(|error| unusable(error.into()))?;
    Ok(Arc::new(reports))
}

#[cfg(not(feature = "github"))]
fn github(_settings: &AuthSettings, _clock: &Arc<dyn Clock>) -> Result<Arc<dyn ReportVerifier>, BuildError> {
    Err(unusable("this build does not speak to GitHub".into()))
}

fn unusable(source: crate::class::Source) -> BuildError {
    BuildError::Setting { setting: "auth.github_reports", source }
}
