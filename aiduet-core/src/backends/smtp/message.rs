//! A message in the form of the internet (RFC 5322, MIME).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, MultiPartKind, SinglePart};

use super::Sender;
use crate::clock::Timestamp;
use crate::notify::{DeliveryError, FailureCode, Mail};

/// The end of the year 9999, the last that a `Date` can name.
const DATE_MAX_SECONDS: u64 = 253_402_300_799;

/// A message as it crosses the network.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
}

/// Writes a message down: text and HTML as alternatives. The same message is always written the
/// same way, so that a receiver recognises a repeat.
///
/// # Errors
/// [`DeliveryError::Bounced`] for an address that no mail can be sent to.
pub(super) fn write(mail: &Mail, sender: &Sender) -> Result<Written, DeliveryError> {
    let Mail { id, kind: _, to, locale, subject, text, html, created_at } = mail;
    let unwritable = || DeliveryError::Bounced { code: FailureCode::Unwritable };
    let recipient = to.expose().parse().map_err(|_quotes_the_address| unwritable())?;
    let parts = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(format!("{id}"))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text.clone()))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body(html.clone()));
    let message = Message::builder()
        .date(date(*created_at))
        .message_id(Some(mail.message_id().at(sender.domain())))
        .from(sender.mailbox.clone())
        .to(Mailbox::new(None, recipient))
        .subject(subject.clone())
        .raw_header(raw("Content-Language", locale.as_str()))
        // RFC 3834: no out-of-office reply comes back.
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .multipart(parts)
        .map_err(|_quotes_the_address| unwritable())?;
    Ok(Written { envelope: message.envelope().clone(), bytes: message.formatted() })
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn date(at: Timestamp) -> SystemTime {
    let seconds = u64::try_from(at.seconds()).unwrap_or_default().min(DATE_MAX_SECONDS);
    UNIX_EPOCH + Duration::from_secs(seconds)
}
