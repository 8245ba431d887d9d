//! A notice as subject, text and HTML.

use askama::Template;

use super::words::{Copy, copy};
use super::{Mail, Outgoing, Site};

/// A message could not be laid out; never happens with the templates of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message cannot be laid out")]
pub struct Unwritable;

#[derive(Template)]
#[template(path = "mail/message.txt", escape = "none")]
struct Text<'a> {
    paragraphs: &'a [String],
    facts: &'a [(String, String)],
    action: Option<&'a (String, String)>,
    note: Option<&'a str>,
    reason: &'a str,
    signature: &'a str,
}

#[derive(Template)]
#[template(path = "mail/message.html")]
struct Html<'a> {
    language: &'static str,
    subject: &'a str,
    paragraphs: &'a [String],
    facts: &'a [(String, String)],
    action: Option<&'a (String, String)>,
    note: Option<&'a str>,
    reason: &'a str,
    signature: &'a str,
}

/// Writes a message in the language of its receiver.
///
/// # Errors
/// [`Unwritable`].
pub fn render(message: &Outgoing, site: &Site) -> Result<Mail, Unwritable> {
    let Outgoing { id, account: _, to, locale, notice, dedup: _, at } = message;
    let Copy { subject, paragraphs, facts, action, note, reason, signature } = copy(notice, *locale, site);
    let (action, note) = (action.as_ref(), note.as_deref());
    let text =
        Text { paragraphs: &paragraphs, facts: &facts, action, note, reason: &reason, signature: &signature };
    let text = text.render().map_err(|_failed| Unwritable)?;
    let html = Html {
        language: locale.as_str(),
        subject: &subject,
        paragraphs: &paragraphs,
        facts: &facts,
        action,
        note,
        reason: &reason,
        signature: &signature,
    };
    let html = html.render().map_err(|_failed| Unwritable)?;
    Ok(Mail {
        id: *id,
        kind: notice.kind(),
        to: to.clone(),
        locale: *locale,
        subject,
        text,
        html,
        created_at: *at,
    })
}

#[cfg(test)]
mod tests;
