//! Errors about a request, read and written.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::json::{Text, lax, lax_as};
use super::super::reply::{Complaint, Subject};

/// Begins the message about a prompt that is too long; clients look for it.
const TOO_LONG: &str = "prompt is too long";

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "lax_as")]
    error: Option<Fault<'a>>,
}

/// The error of a body or an event.
#[derive(Deserialize)]
pub(super) struct Fault<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    r#type: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    message: Option<Text<'a>>,
}

impl Fault<'_> {
    fn complaint(&self) -> Complaint {
        let message = self.message.as_ref().map(|text| text.decode().into_owned()).unwrap_or_default();
        let subject = if message.starts_with(TOO_LONG) { Subject::Length } else { Subject::Request };
        Complaint { subject, message }
    }

    /// What it says, if it is about the request.
    pub(super) fn about_request(&self) -> Option<Complaint> {
        let is_about = self.r#type.as_ref().is_some_and(|kind| kind.is("invalid_request_error"));
        is_about.then(|| self.complaint())
    }
}

/// Reads an error body.
pub(in crate::translate) fn read_error(body: &[u8]) -> Option<Complaint> {
    let Envelope { error } = serde_json::from_slice(body).ok()?;
    error.map(|fault| fault.complaint())
}

/// The object of an error.
pub(in crate::translate) fn write_error(complaint: &Complaint, status: u16) -> Value {
    let kind = match status {
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        _ => "invalid_request_error",
    };
    let Complaint { subject, message } = complaint;
    let message = match subject {
        Subject::Length if !message.starts_with(TOO_LONG) => format!("{TOO_LONG}: {message}"),
        Subject::Length | Subject::Request => message.clone(),
    };
    json!({"type": kind, "message": message})
}
