//! Errors about a request, read and written.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::json::{Text, lax, lax_as};
use super::super::reply::{Complaint, Subject};

/// The code of a prompt that is too long.
const TOO_LONG: &str = "context_length_exceeded";

/// Codes of errors in the middle of a stream that are about the request.
const ABOUT_REQUEST: [&str; 6] =
    [TOO_LONG, "invalid_request_error", "invalid_prompt", "cyber_policy", "bio_policy", "content_filter"];

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
    code: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    message: Option<Text<'a>>,
}

impl Fault<'_> {
    fn complaint(&self) -> Complaint {
        let too_long = self.code.as_ref().is_some_and(|code| code.is(TOO_LONG));
        Complaint {
            subject: if too_long { Subject::Length } else { Subject::Request },
            message: self.message.as_ref().map(|text| text.decode().into_owned()).unwrap_or_default(),
        }
    }

    /// What it says, if it is about the request.
    pub(super) fn about_request(&self) -> Option<Complaint> {
        let words = [&self.code, &self.r#type];
        let known = words.into_iter().flatten().any(|word| ABOUT_REQUEST.contains(&word.decode().as_ref()));
        known.then(|| self.complaint())
    }
}

/// Reads an error body.
pub(in crate::translate) fn read_error(body: &[u8]) -> Option<Complaint> {
    let Envelope { error } = serde_json::from_slice(body).ok()?;
    error.map(|fault| fault.complaint())
}

/// The object of an error.
pub(in crate::translate) fn write_error(complaint: &Complaint) -> Value {
    let code = match complaint.subject {
        Subject::Length => Some(TOO_LONG),
        Subject::Request => None,
    };
    json!({"message": complaint.message, "type": "invalid_request_error", "param": null, "code": code})
}

/// The code of an answer that failed for its request.
pub(super) const fn failure_code(complaint: &Complaint) -> &'static str {
    match complaint.subject {
        Subject::Length => TOO_LONG,
        Subject::Request => "invalid_prompt",
    }
}
