//! The channel of messages to people, from settings.

use std::sync::Arc;

use super::BuildError;
use crate::clock::Clock;
use crate::notify::{Courier, Notifier, Outbox, Site};
use crate::settings::{MailSettings, Settings};

/// The installation as its mails name it and link to it.
pub(super) fn site(settings: &Settings) -> Site {
    let url = settings.server.public_url.clone();
    Site::new(&settings.mail.name, url.unwrap_or_else(|| format!("http://{}", settings.server.listen)))
}

/// Who delivers messages by the channel given, or else by that of the settings, if there is one.
pub(super) fn courier(
    settings: &Settings,
    notifier: Option<Arc<dyn Notifier>>,
    (outbox, clock): (&Arc<dyn Outbox>, &Arc<dyn Clock>),
) -> Result<Option<Courier>, BuildError> {
    let notifier = match notifier {
        Some(notifier) => Some(notifier),
        None => from_settings(&settings.mail)?,
    };
    let (outbox, clock) = (Arc::clone(outbox), Arc::clone(clock));
    Ok(notifier.map(|notifier| Courier { outbox, notifier, site: site(settings), clock }))
}

/// The channel, if there is one.
fn from_settings(settings: &MailSettings) -> Result<Option<Arc<dyn Notifier>>, BuildError> {
    if settings.is_console() {
        return console().map(Some);
    }
    if settings.url.is_none() {
        return Ok(None);
    }
    smtp(settings).map(Some)
}

#[cfg(feature = "console")]
#[expect(clippy::unnecessary_wraps, reason = "a build without a console has none")]
fn console() -> Result<Arc<dyn Notifier>, BuildError> {
    Ok(Arc::new(crate::backends::console::ConsoleNotifier::new(std::io::stdout())))
}

#[cfg(not(feature = "console"))]
fn console() -> Result<Arc<dyn Notifier>, BuildError> {
    Err(BuildError::UnknownMail)
}

#[cfg(feature = "smtp")]
fn smtp(settings: &MailSettings) -> Result<Arc<dyn Notifier>, BuildError> {
    use crate::backends::smtp::{MailServer, Sender, SmtpConfig, SmtpConfigError, SmtpNotifier};
    let MailSettings { url, url_file: _, from, name, timeout } = settings;
    let unusable = |error: SmtpConfigError| BuildError::Mail { source: Box::new(error) };
    let url = url.as_ref().ok_or(BuildError::Missing("mail.url"))?;
    let from = from.as_deref().ok_or(BuildError::Missing("mail.from"))?;
    let from = from.parse().map_err(|_invalid| unusable(SmtpConfigError::InvalidSender))?;
    let server = MailServer::parse(url.expose()).map_err(unusable)?;
    let sender = Sender::new(name, &from).map_err(unusable)?;
    let config = SmtpConfig { patience: *timeout, ..SmtpConfig::new(server, sender) };
    Ok(Arc::new(SmtpNotifier::new(config).map_err(unusable)?))
}

#[cfg(not(feature = "smtp"))]
fn smtp(_settings: &MailSettings) -> Result<Arc<dyn Notifier>, BuildError> {
    Err(BuildError::UnknownMail)
}
