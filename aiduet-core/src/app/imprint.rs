//! Who runs an installation, and where it is.

use crate::privacy::USAGE_DAYS_MAX;
use crate::settings::Settings;

/// What people may know of an installation and its operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imprint {
    /// What the installation is called.
    pub name: String,
    /// Who runs it.
    pub operator: Option<String>,
    /// Where to write to: an e-mail address or a URL.
    pub contact: Option<String>,
    /// Days until the record of a request is deleted.
    pub usage_days: u16,
    /// The address of the API, without a slash at the end.
    pub api_url: String,
}

impl Imprint {
    pub(super) fn of(settings: &Settings) -> Self {
        let server = &settings.server;
        let url = server.api_url.as_ref().or(server.public_url.as_ref()).cloned();
        let url = url.unwrap_or_else(|| format!("http://{}", server.listen));
        Self {
            name: settings.mail.name.clone(),
            operator: settings.site.operator.clone(),
            contact: settings.site.contact.clone(),
            usage_days: settings.retention.usage_days.min(USAGE_DAYS_MAX),
            api_url: url.trim_end_matches('/').to_owned(),
        }
    }
}
